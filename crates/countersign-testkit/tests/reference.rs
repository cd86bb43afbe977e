//! Every vector through the reference verifier, and what each refused one breaks: one requirement, which it cites.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests say what went wrong by panicking")]

use std::collections::BTreeSet;

use countersign_testkit::format::Outcome;
use countersign_testkit::format_rar;
use countersign_testkit::reference::{self, Fault, Faults, Reference};
use countersign_testkit::runner::{self, folder};

#[test]
fn the_reference_decides_every_vector_as_expected() {
    runner::run(&Reference).all_pass();
}

/// Where one change necessarily breaks two rules: the first, the second, and why.
const TOGETHER: &[(&str, &[&str], &str)] = &[
    ("VF-9", &["CK-22"], "an expiry is a check as well (TK-35), which fails when it is past"),
    ("RQ-45", &["RQ-48"], "whoever signs with another key than the holder's, and names it, gives no good signature"),
    (
        "RQ-48",
        &["VF-25", "VF-26", "VF-27", "VF-28", "VF-29"],
        "a path or method that was altered after signing, and is none that anybody could have signed",
    ),
    ("JR-14", &["VF-29", "JR-19"], "a method, or a member of params, that was altered after signing"),
    ("RQ-36", &["RQ-55"], "a Content-Encoding that nobody signed, on a body that is read"),
    ("RQ-49", &["RQ-55"], "a JSON body that was cut after signing"),
    ("VF-6", &["VF-27"], "another spelling of an audience's path is outside of the resource grammar"),
    ("RQ-38", &["TK-1"], "a token field that is not ASCII holds no base64url"),
    ("TK-23", &["VF-8"], "a date of issue after the year 9999 is to come as well"),
    ("TK-25", &["TK-30"], "the limits of the single facts add up to fewer than 200"),
];

/// Vectors of the order in which rules are applied: they break two rules on purpose.
const ORDER: &[&str] = &[
    "checks/blocks-error-before-failed",
    "checks/blocks-failed-before-error",
    "checks/checks-error-first",
    "checks/checks-failed-first",
    "checks/right-before-checks",
    "verify/approval-after-checks",
    "verify/approval-after-right",
    "verify/approval-two-first-bad-second-missing",
    "verify/approval-two-first-missing-second-bad",
    "jsonrpc/order-caller-fields",
    "jsonrpc/order-fields-name",
    "jsonrpc/order-fields-right",
    "jsonrpc/order-name-integer",
    "verify/order-body-right",
    "verify/order-charset-right",
    "verify/order-escape-right",
    "verify/order-escape-unread-right",
    "verify/order-media-right",
    "verify/order-path-body",
    "verify/order-path-check",
    "verify/order-path-escape",
    "verify/order-path-media",
];

/// Whether a vector that cites `req` tests the rule that it breaks. A check is refused by CK-22, CK-23 or CK-24
/// whatever it says; the rule that is tested is the one by which it fails or errs, about facts, operators or the text
/// of a restriction.
fn tests(fault: &Fault, req: &[String]) -> bool {
    let of_checks = |id: &String| {
        let number = id.strip_prefix("CK-").and_then(|number| number.parse::<u8>().ok());
        number.is_some_and(|number| number == 7 || number >= 20) || id == "JR-16"
    };
    fault.is_of(req) || (["CK-22", "CK-23", "CK-24"].contains(&fault.rules[0]) && req.iter().any(of_checks))
}

/// What is wrong with the rules that a refused vector breaks.
fn wrong(id: &str, req: &[String], faults: &Faults, used: &mut BTreeSet<&str>) -> Option<String> {
    let mut faults: Vec<&Fault> = faults.0.iter().collect();
    faults.sort_by_key(|fault| fault.stage);
    let holds = match faults[..] {
        [one] => tests(one, req),
        [one, other] => {
            let together = |(first, second, _): &&(&str, &[&str], &str)| {
                *first == one.rules[0] && second.contains(&other.rules[0])
            };
            if let Some((first, ..)) = TOGETHER.iter().find(together) {
                used.insert(first);
                tests(one, req)
            } else if let Some(known) = ORDER.iter().find(|known| **known == id) {
                used.insert(known);
                tests(one, req) || tests(other, req)
            } else {
                false
            }
        }
        _ => false,
    };
    if holds { None } else { Some(format!("{id} cites {req:?} and breaks {faults:?}")) }
}

#[test]
fn each_refused_vector_breaks_one_requirement_and_cites_it() {
    let (mut failures, mut count, mut used) = (Vec::new(), 0_u32, BTreeSet::new());
    let mut judge = |id: &str, req: &[String], refused: bool, faults: Faults| {
        count += u32::from(refused);
        if refused {
            failures.extend(wrong(id, req, &faults, &mut used));
        } else if !faults.0.is_empty() {
            failures.push(format!("{id} is allowed and breaks {:?}", faults.0));
        }
    };
    for vector in runner::load(&folder()).unwrap() {
        let judged = reference::decide_request(&vector).unwrap();
        judge(&vector.id, &vector.req, vector.expect.result == Outcome::Deny, judged.faults);
    }
    for vector in runner::load_rpc(&folder()).unwrap() {
        let judged = reference::decide_message(&vector).unwrap();
        judge(&vector.id, &vector.req, vector.expect.result == Outcome::Deny, judged.faults);
    }
    for vector in format_rar::load(&folder()).unwrap() {
        let refused = matches!(vector.expect, format_rar::Expect::Refused { .. });
        judge(&vector.id, &vector.req, refused, reference::read(&vector).0);
    }
    for vector in runner::load_lists(&folder()).unwrap() {
        judge(&vector.id, &vector.req, vector.expect.error.is_some(), reference::take(&vector).unwrap().0);
    }
    assert!(failures.is_empty(), "{} of {count}:\n{}", failures.len(), failures.join("\n"));
    let unused: Vec<&str> =
        TOGETHER.iter().map(|(one, ..)| *one).chain(ORDER.iter().copied()).filter(|it| !used.contains(it)).collect();
    assert!(unused.is_empty(), "exceptions that no vector needs: {unused:?}");
    println!("{count} refused vectors, each of one broken requirement");
}
