//! Why the token was refused: form, claims, revocation, signatures (stages 4 to 7).

use countersign::Code;
use countersign::token::{Claims, Condition, recognise};

use super::Why;
use super::case::{Case, shown};
use super::proof::claimed_key;
use crate::sentences::{list, span};

/// Stage 4.
pub(super) fn form(case: &Case<'_>, code: Code) -> Option<Why> {
    let chars = case.token_chars.map(|chars| format!("the token has {chars} characters"));
    Some(match code {
        Code::TokenUnsealed => Why::new(
            "a sealed token: an open one carries a secret by which it can be narrowed \
            and sealed",
        )
        .seen("the token is open")
        .sender(
            "seal it, by `countersign seal` or by `countersign sign`, which seals by itself; whoever saw this \
                    request has \
                 the secret, so get another token",
        )
        .operator("treat the token as one that others may have: they still need the holder's key to use it"),
        Code::TokenMalformed => Why::new(
            "base64url without padding of the one encoding of a token, all of it and \
            nothing else",
        )
        .all(chars)
        .sender(
            "send the text of the token as it was given, without a line break, quotes or a second space; get \
                it again",
        )
        .operator("where a proxy in front of the service cuts long fields, let it pass 7 KiB"),
        Code::TokenProfile => Why::new("a token inside the profile of spec/token.md and spec/checks.md")
            .all(chars)
            .sender("get a token from an issuer that keeps to the profile; narrow it by this library's restrictions")
            .operator("where the issuer is new, check its tokens against test-vectors/"),
        Code::LimitExceeded => Why::new("at most 12 blocks, 200 facts and 64 checks in a block, 5 KiB in all")
            .all(chars)
            .sender("narrow the token in fewer steps, and get one with fewer rights"),
        Code::DelegationInvalid => Why::new(
            "each delegation is signed by the key of the one who held the token \
            before it",
        )
        .all(chars)
        .sender("hand the token on anew, with the current holder's key: `countersign delegate --holder-key`"),
        Code::DelegationDepth => Why::new("no more delegations than the issuer, and each delegator, allowed")
            .all(chars)
            .sender("hand the token on fewer times, or get one with a greater depth: `countersign mint --depth`"),
        Code::SessionUnknown => Why::new("a session of this service").sender("open a session anew"),
        _ => return None,
    })
}

/// Stage 5.
pub(super) fn claims(case: &Case<'_>, code: Code) -> Option<Why> {
    let claims = case.claims()?;
    Some(match code {
        Code::IssuerUnknown => {
            let configured = list(case.verifier.issuers().map(|(issuer, _)| shown(issuer)), "and");
            let near = case.verifier.issuers().find(|(issuer, _)| almost(issuer, claims.issuer()));
            Why::new("an issuer of the configuration, byte by byte")
                .seen(format!("the token says that {} issued it", shown(claims.issuer())))
                .seen(format!("configured are {configured}"))
                .all(near.map(|(issuer, _)| format!("{} differs by case or a slash at its end alone", shown(issuer))))
                .sender("get a token from an issuer that this service accepts")
                .operator("where this issuer is to be trusted, add it and its key under [[issuers]]")
        }
        Code::AudienceMismatch => audience(case, claims),
        Code::TokenNotYetValid => {
            let early = span(claims.issued_at().0.saturating_sub(case.now.0));
            Why::new("issued at most 30 seconds after now")
                .seen(format!("the token was issued at {}, now is {}: in {early}", claims.issued_at(), case.now))
                .sender("wait, or get another token")
                .operator("compare the clocks of the service and of the issuer")
        }
        Code::TokenExpired => expired(case, claims),
        Code::KeyMismatch => key(case, claims),
        _ => return None,
    })
}

fn almost(one: &str, other: &str) -> bool {
    one.trim_end_matches('/').eq_ignore_ascii_case(other.trim_end_matches('/'))
}

fn audience(case: &Case<'_>, claims: Claims<'_>) -> Why {
    let (path, _) = case.target();
    let (service, all) = (case.verifier.service(path), list(case.verifier.audiences().map(shown), "and"));
    let place = match service {
        Some(service) => format!("the path {} belongs to the service {}", shown(path), shown(service)),
        None => format!("no configured audience covers the path {}", shown(path)),
    };
    let near = service.filter(|service| almost(service, claims.audience()));
    Why::new("the token's audience equals the service's, byte by byte")
        .seen(format!("the token is for {}", shown(claims.audience())))
        .seen(place)
        .all(near.map(|_| "the two differ by case or a slash at the end alone; they are two audiences".to_owned()))
        .seen(format!("configured audiences are {all}"))
        .sender("get a token for this service, or send the request to the one that the token is for")
        .operator("where the service has this audience too, add it to audience")
}

/// When it ended, and by whose word.
fn expired(case: &Case<'_>, claims: Claims<'_>) -> Why {
    let until = claims.expires();
    let ends = |block: usize| {
        let found = recognise(&claims.check_values(block));
        found.iter().any(|one| one.when.is_none() && one.condition == Some(Condition::ExpiresBy(until)))
    };
    let whose = (0..claims.block_count())
        .find(|block| ends(*block))
        .map(|block| format!("it is block {block} that says so, {}", setter(claims, block)));
    Why::new("now is not after the least expiry of all blocks")
        .seen(format!(
            "the token ended at {until}, {} ago; now is {}",
            span(case.now.0.saturating_sub(until.0)),
            case.now
        ))
        .all(whose)
        .sender("get another token; where a block of your own ended it, narrow the token that you had before anew")
        .operator("to look at a request of the past, give the time at which it came with --now")
}

/// Who wrote a block.
pub(super) fn setter(claims: Claims<'_>, block: usize) -> String {
    match (block, claims.delegated_by(block)) {
        (0, _) => format!("of the issuer {}", shown(claims.issuer())),
        (_, Some(key)) => format!("of the holder of {}, who handed it on", key.id()),
        (_, None) => "of a holder who narrowed it".to_owned(),
    }
}

fn key(case: &Case<'_>, claims: Claims<'_>) -> Why {
    let keyid = claimed_key(case);
    let chain: Vec<_> = claims.agents().collect();
    let holder = chain
        .last()
        .map(|agent| format!("the current holder is {} with the key {}", shown(agent.name), agent.key.id()));
    let former = chain.iter().rev().skip(1).find(|agent| agent.key.id().to_string() == keyid);
    let former = former.map(|agent| {
        format!("that is the key of {}, who handed the token on and can't use it any more", shown(agent.name))
    });
    Why::new("keyid is the id of the current holder's key")
        .seen(format!("keyid is {keyid}"))
        .all(former)
        .all(holder)
        .sender("sign with the current holder's key, or use the token that was issued or handed on to the key at hand")
}

/// Stage 6.
pub(super) fn revocation(code: Code) -> Option<Why> {
    let why = Why::new("nothing of the token is on a fresh list of what is revoked");
    Some(match code {
        Code::TokenRevoked => why
            .seen("a block, a holder's key, the grant, or the user's tokens up to a time are revoked")
            .sender("ask the user or the issuer; get another token"),
        Code::ConversationEnded => why
            .seen("the conversation of the token has ended")
            .sender("start another conversation, with a token of its own"),
        Code::SessionEnded => why.seen("the session has ended").sender("open a session anew"),
        Code::RevocationStale => why
            .seen("the list is older than the service accepts")
            .operator("see why the list is not updated: the issuer, the network, the clock"),
        _ => return None,
    })
}

/// Stage 7.
pub(super) fn signatures(case: &Case<'_>, code: Code) -> Option<Why> {
    let claims = case.claims()?;
    if code != Code::TokenSignature {
        return None;
    }
    let keys = case.verifier.issuers().find(|(issuer, _)| *issuer == claims.issuer()).map(|(_, keys)| keys);
    let keys = list(keys.unwrap_or_default().iter().map(ToString::to_string), "and");
    Some(
        Why::new(
            "the issuer's signature under one of its configured keys, and each later signature under the key before it",
        )
        .seen(format!(
            "the token says that {} issued it; configured keys of this issuer: {keys}",
            shown(claims.issuer())
        ))
        .seen("no signature of the token holds under any of them, or a later one does not hold")
        .sender("get the token again from the issuer: this one is altered, or another key signed it")
        .operator("compare the keys under [[issuers]] with those that the issuer publishes; it may have a new one"),
    )
}
