//! Vectors that were found missing by `test-vectors/knockout` and `test-vectors/mutants`: without them a rule could be left
//! out, or a line be another, unnoticed.

use crate::clock::{ISSUED, NOW};
use crate::keys::Key;
use crate::raw_checks::{Check, Expr, Predicate, Term, check_if, date, lit, pred, query, string, v, var};
use crate::raw_token::{RawToken, Symbols};
use crate::text::b64u;
use crate::wire::Message;

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
    sets(&mut file);
    bytes(&mut file);
    // Only `time` makes an expiry: another predicate with its variable is a check like any other.
    let past = check_if([query([pred("purpose", [var("time")])], [v("time").le(date(NOW - 60))])]);
    let case = Case::new("no-expiry-other-predicate", "a date that is past, and no time", &get(&with(past)));
    file.push(case.req("TK-35").req("CK-25").deny(11, "check_error", "request/get"));
    let issued = |unix| get(&Plan::standard().replace(pred("issued_at", [date(unix)])).text());
    let case = Case::new("fact-date-too-late", "issued in the year 10000", &issued(253_402_300_800));
    file.push(case.req("TK-23").deny(4, "token_profile", "request/get"));
    let case = Case::new("fact-date-last", "issued in the last second of the year 9999", &issued(253_402_300_799));
    file.push(case.req("TK-23").req("VF-8").deny(5, "token_not_yet_valid", "request/get"));
    file
}

/// The standard token with this check.
fn with(check: Check) -> String {
    Plan::standard().check(check).text()
}

/// Sets of every kind ascend: of two elements, and of two equal ones.
fn sets(file: &mut File) {
    let of = |elements: [Term; 2]| {
        let held = Expr::from(elements[0].clone());
        get(&with(check_if([query(
            [pred("method", [var("method")])],
            [Expr::from(Term::Set(elements.to_vec())).contains(held)],
        )])))
    };
    let bytes = |byte| Term::Bytes(vec![byte; 2]);
    for (kind, less, more) in [
        ("integers", Term::Int(-1), Term::Int(1)),
        ("dates", date(NOW), date(NOW + 1)),
        ("bools", Term::Bool(false), Term::Bool(true)),
        ("bytes", bytes(1), bytes(2)),
    ] {
        let good = format!("set-of-{kind}");
        file.push(Case::new(&good, "two elements that ascend", &of([less.clone(), more.clone()])).req("CK-19"));
        for (end, elements) in [
            ("descending", [more.clone(), less.clone()]),
            ("twice", [less.clone(), less.clone()]),
            ("twice-more", [more.clone(), more]),
        ] {
            let case = Case::new(&format!("{good}-{end}"), "elements that do not ascend", &of(elements)).req("CK-19");
            file.push(case.deny(4, "token_malformed", &format!("token/{good}")));
        }
    }
}

/// Bytes that a careless reader would take for what they are not.
fn bytes(file: &mut File) {
    let malformed = |file: &mut File, slug: &str, comment: &str, req: &str, term: Vec<u8>| {
        let is = Expr::from(Term::Raw(term)).eq(Term::Int(1));
        let case =
            Case::new(slug, comment, &get(&with(check_if([query([pred("method", [var("method")])], [is])])))).req(req);
        file.push(case.deny(4, "token_malformed", "request/get"));
    };
    let one = Message::new().uint(2, 1);
    let set = |number| {
        Message::new().message(7, &Message::new().message(1, &one).message(number, &Message::new().uint(2, 2)))
    };
    // The next secret of an open token signs a block of other claims, which is then put where the issuer's stands.
    let mut symbols = Symbols::default();
    let plan = Plan::standard();
    let mut token = RawToken::authority(&plan.root, plan.authority.first_party(&mut symbols).encode());
    symbols.end_block();
    let other = Plan::standard().replace(pred("user", [string("mallory@example.com")]));
    token.restrict(other.authority.first_party(&mut symbols).encode());
    let [first, second] = &token.blocks[..] else { unreachable!("two blocks") };
    let twice = Message::new().message(2, &first.message()).message(2, &second.message()).message(4, &token.seal());
    let case = Case::new("second-authority", "a second authority block, well signed", &get(&b64u(&twice.encode())));
    file.push(case.req("TK-5").attack(63).deny(4, "token_malformed", "request/get"));
    malformed(file, "set-other-field", "an element of a set under another field number", "TK-8", set(2).encode());
    // What follows would be its second byte.
    malformed(file, "varint-over-the-end", "a number that goes on behind its message", "TK-3", vec![0x10, 0x80]);
}

/// `checks/knockout.json`.
#[must_use]
pub fn checks() -> File {
    let mut file = File::new("checks", "knockout", "rules that no other vector shows by themselves");
    let both = |slug: &str, comment: &str, first: &str, second: &str| {
        let expressions = [v("method").contains(lit(first)), v("method").contains(lit(second))];
        let check = check_if([query([pred("method", [var("method")])], expressions)]);
        Case::new(slug, comment, &get(&with(check))).req("CK-21")
    };
    file.push(both("two-needles", "two strings that are in another one", "G", "E"));
    for (slug, comment, first, second) in [
        ("two-needles-second-absent", "the second is not", "G", "X"),
        ("two-needles-first-absent", "the first is not", "X", "G"),
    ] {
        file.push(both(slug, comment, first, second).deny(11, "check_failed", "checks/two-needles"));
    }
    file
}
