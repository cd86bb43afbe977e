//! `replay/nonces.json`: a nonce is used once, and spent only by a request that proved itself.

use crate::keys::Key;
use crate::raw_checks::{Term, pred, string};
use crate::raw_request::{Request, Signature, nonce};

use super::case::{Case, File};
use super::standard::{
    BODY, PATH, Plan, first_agent, get, get_by, later_agent, post, post_signature, token, unsigned, unsigned_post,
};

fn with_nonce(name: &str, target: &str) -> Request {
    let mut signature = Signature::new(&Key::named("agent"));
    signature.set("nonce", format!("\"{}\"", nonce(name)));
    signature.sign(unsigned("GET", target, &token()))
}

/// The file.
#[must_use]
pub fn file() -> File {
    let mut file =
        File::new("replay", "nonces", "a nonce is used once, and spent only by a request that proved itself");
    let replayed = |slug: &str, comment: &str, request: &Request, before: &Request, twin: &str| {
        Case::new(slug, comment, request).before(before).req("VF-19").attack(34).deny(10, "replayed", twin)
    };
    file.push(
        Case::new("two-nonces", "the same request with another nonce", &with_nonce("second", PATH))
            .before(&get(&token()))
            .req("VF-19"),
    );
    file.push(replayed("same-request", "the same bytes again", &get(&token()), &get(&token()), "replay/two-nonces"));
    file.push(replayed(
        "same-nonce-other-path",
        "another request, freshly signed, with the nonce of the first",
        &with_nonce("standard", "/calendars/private"),
        &get(&token()),
        "replay/two-nonces",
    ));
    let other = Plan::standard().replace(pred("purpose", [string("billing")])).text();
    file.push(replayed(
        "same-nonce-other-token",
        "the nonce again, under another token of the same holder",
        &get(&other),
        &get(&token()),
        "replay/two-nonces",
    ));
    let mut later = Signature::new(&Key::named("agent"));
    later.set("created", (crate::clock::NOW + 5).to_string());
    file.push(replayed(
        "same-nonce-later",
        "the nonce again, signed five seconds later",
        &later.sign(unsigned("GET", PATH, &token())),
        &get(&token()),
        "replay/two-nonces",
    ));
    let third = Case::new("third-time", "the same bytes a third time, another request in between", &get(&token()))
        .before(&get(&token()))
        .before(&with_nonce("second", PATH))
        .req("VF-19")
        .attack(34);
    file.push(third.deny(10, "replayed", "replay/two-nonces"));
    let delegated = Plan::deep(1).delegate("agent", "summary-bot", "sub-agent", None).text();
    file.push(
        Case::new(
            "same-nonce-other-holder",
            "the nonce of one holder, used by another",
            &get_by("sub-agent", &delegated),
        )
        .before(&get(&token()))
        .agents([first_agent(), later_agent("summary-bot", "sub-agent", "agent")])
        .req("VF-19"),
    );

    // The holder's own token and one that was handed on to it: two chains, one holder.
    let own = Plan::standard()
        .replace(pred("agent", [string("summary-bot"), Term::Bytes(Key::named("sub-agent").public().to_vec())]));
    file.push(replayed(
        "same-nonce-other-chain",
        "the nonce again, by the same holder under a chain that began with another agent",
        &get_by("sub-agent", &own.text()),
        &get_by("sub-agent", &delegated),
        "replay/same-nonce-other-holder",
    ));

    let unspent = |slug: &str, comment: &str, denied: &Request| {
        Case::new(slug, comment, &get(&token())).before_denied(denied).req("VF-22").attack(35)
    };
    let mut forged = Signature::new(&Key::named("stranger"));
    forged.set("keyid", format!("\"{}\"", Key::named("agent").id()));
    file.push(unspent(
        "after-forged",
        "after a forged request with its nonce was denied at stage 8",
        &forged.sign(unsigned("GET", PATH, &token())),
    ));
    let mut path = get(&token());
    path.target = "/calendars/private".into();
    file.push(unspent("after-altered", "after an altered copy of itself was denied at stage 8", &path));
    let mut token_forged = Plan::standard();
    token_forged.root = Key::named("stranger");
    file.push(unspent(
        "after-forged-token",
        "after a request with a forged token was denied at stage 7",
        &get(&token_forged.text()),
    ));
    let mut body = post(&token(), BODY);
    body.body = br#"{"title":"breakfst"}"#.to_vec();
    file.push(
        unspent("after-body-swapped", "after a request with its nonce and another body was denied at stage 9", &body)
            .req("RQ-51"),
    );
    let spent = |slug: &str, comment: &str, denied: &Request| {
        Case::new(slug, comment, &get(&token())).before_denied(denied).req("VF-22").attack(35).deny(
            10,
            "replayed",
            "replay/after-forged",
        )
    };
    let private = super::standard::get_target("/contacts", &token());
    file.push(spent("after-right-missing", "after a good request with its nonce was denied at stage 11", &private));
    let failing =
        Plan::standard().check(crate::raw_checks::check_one("method", |m| m.eq(crate::raw_checks::lit("HEAD")))).text();
    file.push(spent("after-check-failed", "after a good request with its nonce failed a check", &get(&failing)));
    let budget = Plan::standard()
        .fact(crate::raw_checks::pred(
            "budget",
            [
                crate::raw_checks::string("daily"),
                crate::raw_checks::string("pages"),
                crate::raw_checks::Term::Int(1),
                crate::raw_checks::Term::Int(0),
            ],
        ))
        .text();
    file.push(spent("after-charges", "after a good request with its nonce was denied at stage 12", &get(&budget)));
    let mut signature = post_signature();
    signature.set("nonce", format!("\"{}\"", nonce("second")));
    file.push(
        Case::new(
            "post-after-get",
            "a POST after a GET, each with its own nonce",
            &signature.sign(unsigned_post(&token(), BODY)),
        )
        .before(&get(&token()))
        .right("http:/calendars:POST")
        .req("VF-19"),
    );
    file
}
