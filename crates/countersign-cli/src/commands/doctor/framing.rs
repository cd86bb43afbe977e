//! Why the head of a request was refused: framing and fields (stages 1 and 2).

use countersign::Code;
use countersign::request::digest_algorithms;

use super::Why;
use super::case::{Case, plural, shown, shown_word};
use crate::sentences::list;

/// Stage 1.
pub(super) fn framing(case: &Case<'_>, code: Code) -> Option<Why> {
    let parts = case.message.parts();
    Some(match code {
        Code::LimitExceeded => {
            let lines: usize =
                parts.fields().iter().map(|field| field.name.len().saturating_add(field.value.len())).sum();
            let head = lines.saturating_add(parts.target().len()).saturating_add(parts.method().len());
            let joined =
                |name: &str| case.lines(name).map(|line| line.len().saturating_add(2)).sum::<usize>().saturating_sub(2);
            let sizes = [
                ("the target", parts.target().len(), 8_192, "bytes"),
                ("the head", head, 32_768, "bytes"),
                ("the message", parts.fields().len(), 128, "field lines"),
                ("Signature-Input", joined("signature-input"), 4_096, "bytes"),
                ("Signature", joined("signature"), 4_096, "bytes"),
                ("Content-Digest", joined("content-digest"), 1_024, "bytes"),
                ("the token", case.token_chars.unwrap_or_default(), countersign::token::MAX_TEXT_LEN, "characters"),
            ];
            let over = sizes.into_iter().filter(|(_, size, most, _)| size > most);
            Why::new("nothing over its limit")
                .all(over.map(|(what, size, most, unit)| format!("{what} has {size} {unit}, {most} are the most")))
                .sender("send less: fewer or shorter fields, a shorter query, a token with fewer restrictions")
        }
        Code::BodyTooLarge => Why::new(&format!("a body of at most {} bytes", case.verifier.max_body()))
            .seen(format!("the body has {}", case.body_size()))
            .sender("send less at a time")
            .operator("raise max_body_bytes under [limits], if the service is meant to read more"),
        Code::HeaderMalformed => malformed_head(case),
        Code::HeaderRefused => {
            let refused = [
                "x-http-method-override",
                "x-http-method",
                "x-method-override",
                "x-original-url",
                "x-original-uri",
                "x-original-method",
                "x-rewrite-url",
                "upgrade",
            ];
            let there = refused.into_iter().filter(|name| case.has(name));
            Why::new("no CONNECT, and no field that changes the method or the target or asks for another protocol")
                .seen(format!("the method is {}", shown(parts.method())))
                .all(there.map(|name| format!("the field {name} is there")))
                .sender("leave the field out, and use the method and the target that are meant")
                .operator("where a proxy in front of the service adds the field, tell it not to")
        }
        Code::TrailerRejected => {
            Why::new("no trailer fields").seen("the field trailer is there").sender("send all fields in the head")
        }
        Code::AuthorityAmbiguous => authority_ambiguous(case),
        Code::AuthorityMismatch => {
            let authority = case.authority().unwrap_or_default();
            let normalised = case.verifier.normalised_authority(&authority).unwrap_or_default();
            let ours = list(case.verifier.authorities().map(shown), "and");
            Why::new("an authority of the service, compared in lower case and without the default port")
                .seen(format!("the request is addressed to {}", shown(&normalised)))
                .seen(format!("the service's authorities are {ours}"))
                .sender("send the request to one of the service's names")
                .operator(
                    "where the service has this name too, add it to authorities; where a proxy rewrites Host, let it \
                        pass \
                     the Host that it received",
                )
        }
        _ => return None,
    })
}

fn malformed_head(case: &Case<'_>) -> Why {
    let parts = case.message.parts();
    let mut why = Why::new(
        "a method of 1 to 32 letters or other token characters; a target that begins with / and has neither spaces \
            nor # nor \
         a bare ? at its end; field names that are tokens, values without control bytes and folds; one Content-Length, \
         or Transfer-Encoding: chunked",
    )
    .seen(format!("the method is {}, the target {}", shown(parts.method()), shown(parts.target())));
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    for field in parts.fields() {
        if field.name.is_empty() || !field.name.chars().all(token) {
            why = why.seen(format!("the field name {} is no token", shown(field.name)));
        }
        if field.value.iter().any(|byte| matches!(byte, 0..=8 | 10..=31 | 127)) {
            why = why.seen(format!("the value of {} has a control byte or a fold", shown_word(field.name)));
        }
    }
    let (lengths, codings) = (case.lines("content-length").count(), case.lines("transfer-encoding").count());
    if lengths > 0 || codings > 0 {
        let (lengths, codings) = (plural(lengths, "line"), plural(codings, "line"));
        why = why.seen(format!("Content-Length has {lengths}, Transfer-Encoding {codings}"));
    }
    why.sender("send the message in that form; libraries for HTTP do")
}

fn authority_ambiguous(case: &Case<'_>) -> Why {
    let hosts = case.lines("host").count();
    let mut why = Why::new("one Host, or :authority and a Host that is equal to it; a host name and an optional port");
    why = why.seen(format!("Host has {}", plural(hosts, "line")));
    if let Some(authority) = case.authority() {
        let form = match case.verifier.normalised_authority(&authority) {
            Some(authority) => format!("the authority is {}", shown(&authority)),
            None => format!("the authority {} is no host and port", shown(&authority)),
        };
        why = why.seen(form);
    }
    if hosts == 0 && case.message.parts().pseudo_authority().is_none() {
        why = why.operator("for a request that came by HTTP/2 or HTTP/3, give its :authority with --authority");
    }
    why.sender("name the service once")
}

/// Stage 2.
pub(super) fn fields(case: &Case<'_>, code: Code) -> Option<Why> {
    let authorizations = case.lines("authorization").count();
    let own = case.lines("countersign-token").count();
    let places =
        format!("Authorization has {}, Countersign-Token {}", plural(authorizations, "line"), plural(own, "line"));
    let carried = "one token, in `Authorization: Countersign <token>` or, where Authorization is used for something \
        else, in `Countersign-Token: <token>`";
    Some(match code {
        Code::TokenMissing => {
            let mut why = Why::new(carried).seen(places);
            if let Some(scheme) = scheme(case) {
                why = why.seen(format!("the scheme in Authorization is {}", shown(&scheme)));
            }
            why.sender("send the token: `countersign sign` puts it into the request").operator(
                "where a proxy in front of the service takes Authorization away, let it pass, or have agents use \
                    Countersign-Token",
            )
        }
        Code::TokenAmbiguous => {
            Why::new(carried).seen(places).sender("send the token in one place, and Authorization once")
        }
        Code::BindingNotAccepted => Why::new("a signature by the holder's key over each request")
            .seen("the request uses a session")
            .sender("sign this request with the agent's key instead"),
        Code::DigestAlgRejected => {
            let seen = digest_algorithms(case.message.parts()).unwrap_or_default();
            Why::new("sha-256, sha-512, or both, and no other")
                .seen(format!("Content-Digest names {}", list(seen.iter().map(|name| shown(name)), "and")))
                .sender("send Content-Digest with sha-256 alone")
        }
        Code::HeaderMalformed => {
            let mut why = Why::new(
                "the scheme spelled `Countersign`; Signature-Input, Signature and Content-Digest byte by byte as RFC \
                    9651 \
                 writes them: one space between items and after each comma, padded base64, no label twice, no empty \
                 field",
            );
            for name in ["signature-input", "signature", "content-digest"] {
                let lines: Vec<&[u8]> = case.lines(name).collect();
                if !lines.is_empty() {
                    let bytes: usize = lines.iter().map(|line| line.len()).sum();
                    why = why.seen(format!("{name} has {}, {bytes} bytes", plural(lines.len(), "line")));
                }
            }
            if let Some(scheme) = scheme(case) {
                why = why.seen(format!("the scheme in Authorization is {}", shown(&scheme)));
            }
            why.sender("write the field that is named above anew, from what a library for RFC 9651 serialises")
                .operator("where a proxy joins or rewrites these fields, let it pass them as they are")
        }
        _ => return None,
    })
}

/// The scheme of the first Authorization, where it is one: what has no space behind it may be a token.
fn scheme(case: &Case<'_>) -> Option<String> {
    let line = core::str::from_utf8(case.lines("authorization").next()?).ok()?;
    let (scheme, _) = line.split_once(' ')?;
    let word =
        !scheme.is_empty() && scheme.len() <= 24 && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    word.then(|| scheme.to_owned())
}
