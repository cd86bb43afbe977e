//! Vectors that were found missing by `test-vectors/knockout`: without them a rule could be left out unnoticed.

use crate::clock::{ISSUED, NOW};
use crate::keys::Key;
use crate::raw_checks::{Expr, Predicate, Term, check_if, date, pred, query, string, v, var};
use crate::raw_token::{RawToken, Symbols};

use super::case::{Case, File};
use super::standard::{Plan, get, get_target, operation, right};

/// `verify/knockout.json`.
#[must_use]
pub fn verify() -> File {
    let mut file = File::new("verify", "knockout", "rules that no other vector shows by themselves");
    let token = Plan::standard().rights([right("calendar", "/", "read")]).text();
    let mapped = |slug: &str, comment: &str, resource: &str| {
        Case::new(slug, comment, &get_target("/calendars/primary", &token))
            .operations([operation("GET", "/calendars/{id}", "calendar", resource, "read")])
            .req("VF-25")
    };
    file.push(
        mapped("operation-resource", "the resource of an operation in the grammar", "/calendars/{id}/events")
            .right("calendar:/:read"),
    );
    file.push(
        mapped("operation-resource-outside-grammar", "an empty segment, which the path has not", "/calendars//{id}")
            .attack(59)
            .deny(11, "resource_invalid", "verify/operation-resource"),
    );
    file
}

/// `token/knockout.json`.
#[must_use]
pub fn token() -> File {
    let mut file = File::new("token", "knockout", "rules that no other vector shows by themselves");
    let delegate = pred("delegate", [string("other-bot"), Term::Bytes(Key::named("sub-agent").public().to_vec())]);
    file.push(
        Case::new(
            "delegate-in-authority",
            "a delegate in the authority block",
            &get(&Plan::standard().fact(delegate).text()),
        )
        .req("TK-28")
        .deny(4, "token_profile", "request/get"),
    );
    // Another string of the same length, made the same one behind the encoder's back.
    let rights = [right("http", "/calendars", "GET"), right("hxxp", "/calendars", "POST")];
    let plan = Plan::standard().rights(rights);
    let mut payload = plan.authority.first_party(&mut Symbols::default()).encode();
    let at = payload.windows(4).position(|four| four == b"hxxp").expect("the other string");
    payload[at..at + 4].copy_from_slice(b"http");
    let twice = RawToken::authority(&plan.root, payload).sealed_text();
    file.push(
        Case::new("symbols-twice-and-used", "a string that stands twice, and each is used", &get(&twice))
            .req("TK-18")
            .deny(4, "token_malformed", "request/get"),
    );
    let mut told = |slug: &str, comment: &str, body: Vec<Predicate>, expressions: Vec<Expr>| {
        let plan = Plan::standard().check(check_if([query(body, expressions)]));
        file.push(Case::new(slug, comment, &get(&plan.text())).req("TK-35"));
    };
    let time = |name: &str| pred("time", [var(name)]);
    let until = |name: &str| v(name).le(date(NOW + 60));
    let since = v("time").ge(date(ISSUED));
    told("no-expiry-other-variable", "an earlier date under another variable", vec![time("t")], vec![until("t")]);
    told(
        "no-expiry-two-expressions",
        "an earlier date and another condition",
        vec![time("time")],
        vec![since, until("time")],
    );
    let two = vec![pred("type", [var("type")]), time("time")];
    told("no-expiry-two-predicates", "an earlier date behind another predicate", two, vec![until("time")]);
    file
}
