//! `checks/work.json`, the part with arguments: the limit of work to the unit, and what would go far beyond it.
//!
//! Units are counted here by the table of `spec/checks.md`, "Work", over checks whose cost is plain to see.

use crate::raw_checks::{Check, Expr, check_if, lit, num, pred, query, reject_if, string, strings, truth, v, var};

use super::case::{Case, File};
use super::mail::{Mail, arg, has};

/// What all checks of a request may cost.
const LIMIT: usize = 100_000;

/// The expiry: `time` offered, two values, `<=`.
const EXPIRY: usize = 4;

/// Adds them to the file.
pub fn extend(file: &mut File) {
    plain(file);
    examples(file);
    bombs(file);
}

/// The operation without a parameter in its path, so that the body's facts are all there are.
fn bare(body: &str) -> Mail {
    Mail::json(body).row(|row| {
        row.path = "/mail/out".into();
        row.resource = "/mail/out".into();
    })
}

fn zeros_to(count: usize) -> String {
    let numbers: Vec<String> = (0..count).map(|n| n.to_string()).collect();
    format!("[{}]", numbers.join(","))
}

/// `reject if arg("/z", $value), $value === -1`, which passes: every fact offered, and three operations for each of `/z`.
fn search() -> Check {
    reject_if(query([arg("/z")], [v("value").eq(num(-1))]))
}

/// `reject if method("GET")`: one fact offered, which does not match.
pub(super) fn one() -> Check {
    reject_if(query([pred("method", [string("GET")])], []))
}

/// `reject if tool("x")`: no fact is offered, since there is none.
fn nothing() -> Check {
    reject_if(query([pred("tool", [string("x")])], []))
}

pub(super) fn exceeded(case: Case, twin: &str) -> Case {
    case.req("CK-31").req("CK-27").attack(66).deny(11, "limit_exceeded", &format!("checks/{twin}"))
}

/// 100,000 units: 39 × 641 × (1 offer + 3 operations) and the expiry. The body may have more members that are no facts.
pub(super) fn full(more: &str) -> Mail {
    assert_eq!(39 * 641 * 4 + EXPIRY, LIMIT, "the sum is the limit");
    bare(&format!(r#"{{"z":{}{more}}}"#, zeros_to(641))).checks((0..39).map(|_| search()))
}

fn plain(file: &mut File) {
    let full = || full("");
    file.push(full().case("limit", "39 checks over 641 arguments: 100,000 units").req("CK-27").req("CK-31").attack(66));
    file.push(full().check(nothing()).case("limit-nothing", "and a check that costs nothing").req("CK-27"));
    file.push(exceeded(full().check(one()).case("limit-one", "and a check that costs one: 100,001"), "limit"));
    let failing = reject_if(query([pred("method", [string("POST")])], []));
    let case =
        full().check(failing).case("limit-one-failing", "the unit too many is counted before it decides anything");
    file.push(exceeded(case, "limit"));
    let later =
        full().plan(|plan| plan.restrict([one()])).case("limit-one-later", "the unit too many in a later block");
    file.push(exceeded(later, "limit"));
    let first = bare(&format!(r#"{{"z":{}}}"#, zeros_to(641))).check(one()).checks((0..39).map(|_| search()));
    file.push(exceeded(first.case("limit-one-first", "the unit in front"), "limit"));
}

/// Checks whose cost the text computes, with others behind them that fill up the limit exactly.
///
/// `own` is how many `arg` facts the body has besides `/z`, `cost` what the checks cost where `/z` has so many values.
pub(super) fn filled(
    own: usize,
    cost: impl Fn(usize) -> usize,
    body: impl Fn(&str) -> String,
    checks: &[Check],
    last: bool,
) -> Mail {
    let (values, searches, ones) = (1..1000)
        .flat_map(|values| (0..50).map(move |searches| (values, searches)))
        .find_map(|(values, searches)| {
            let units = EXPIRY + cost(values) + searches * (own + values + 3 * values);
            let ones = LIMIT.checked_sub(units)?;
            (ones <= 20 && searches + ones <= 58).then_some((values, searches, ones))
        })
        .expect("a sum that is the limit");
    let filler = (0..searches).map(|_| search()).chain((0..ones).map(|_| one()));
    let mail = bare(&body(&zeros_to(values)));
    let examples = checks.iter().cloned();
    if last { mail.checks(filler.chain(examples)) } else { mail.checks(examples.chain(filler)) }
}

fn examples(file: &mut File) {
    let pair = |file: &mut File, slug: &str, comment: &str, mail: Mail| {
        let at = mail.clone().case(slug, &format!("{comment}, and others up to 100,000 units"));
        file.push(at.req("CK-27").req("CK-31"));
        file.push(exceeded(
            mail.check(one()).case(&format!("{slug}-more"), &format!("{comment}: one unit more")),
            slug,
        ));
    };
    // Example 2 of the text: 28 units over five facts, and one more for each further fact that is offered.
    let body = |z: &str| {
        format!(r#"{{"subject":"Hi","to":["a@example.com","b@example.com","c@example.com"],"urgent":true,"z":{z}}}"#)
    };
    let second = |kind: &str, action: &str, set: [&str; 3]| {
        let outside = Expr::from(strings(&set)).contains(v("value")).not();
        reject_if(query([pred("type", [string(kind)]), pred("action", [string(action)]), arg("/to")], [outside]))
    };
    let all = ["a@example.com", "b@example.com", "c@example.com"];
    let other = ["a@example.com", "b@example.com", "d@example.com"];
    pair(file, "second-example", "the second example of the text", {
        filled(5, |z| 28 + z, body, &[second("email", "send", all)], false)
    });
    pair(file, "second-example-other-action", "for another action it costs 2", {
        filled(5, |_| 2, body, &[second("email", "read", all)], false)
    });
    pair(file, "second-example-other-type", "for another type it costs 1", {
        filled(5, |_| 1, body, &[second("calendar", "send", all)], false)
    });
    // It fails at the third address, before `/urgent` and `/z` are offered.
    let failing = || filled(5, |_| 27, body, &[second("email", "send", other)], true);
    file.push(
        failing().case("second-example-failing", "another address: it fails with 100,000 units").req("CK-27").deny(
            11,
            "check_failed",
            "checks/second-example",
        ),
    );
    let late = failing().plan(|mut plan| {
        let last = plan.authority.checks.len() - 1;
        plan.authority.checks.insert(last, one());
        plan
    });
    let case = late.case("second-example-failing-late", "one unit before it: the limit comes before the failure");
    file.push(exceeded(case, "second-example"));
    // Example 3: `arg_path` has two facts, whatever else there is.
    let body = |z: &str| format!(r#"{{"source":"/docs/q3/report.md","target":"/docs","z":{z}}}"#);
    let under = |name: &str| {
        let inside = v("path").eq(lit("/docs")).or(v("path").starts_with(lit("/docs/"))).parens();
        reject_if(query([pred("arg_path", [string(name), var("path")])], [inside.not()]))
    };
    for (slug, name, units) in [("third-example", "/source", 12), ("third-example-target", "/target", 9)] {
        let mail = filled(2, |_| units, body, &[under(name)], false).path("/source").path("/target");
        pair(file, slug, &format!("the third example of the text, over `{name}`"), mail);
    }
    // `arg_present`: names up to the one that matches; those behind it once what stands inside was in vain.
    let body = |z: &str| format!(r#"{{"a":1,"z":{z},"b":1}}"#);
    let present = pred("arg_present", [string("/z")]);
    let in_vain = reject_if(query([present.clone(), pred("type", [string("calendar")])], []));
    let absent = reject_if(query([pred("arg_present", [string("/y")])], [truth(true)]));
    let each = reject_if(query([pred("arg_present", [var("name")])], [v("name").eq(lit("/y"))]));
    for (slug, comment, check, units) in [
        ("present", "`check if arg_present`: two names offered", has("/z"), 2),
        ("present-in-vain", "`reject if arg_present`, in vain: three names and a type", in_vain, 4),
        ("present-absent", "a name that is not there: three names", absent, 3),
        ("present-each", "every name: three names, three operations each", each, 12),
    ] {
        pair(file, slug, comment, filled(2, |_| units, body, &[check], false));
    }
    // What strings cost besides: 64 bytes are a unit.
    let long = "x".repeat(640);
    let body = |z: &str| format!(r#"{{"s":"{long}","z":{z}}}"#);
    let scan = |expression: Expr| reject_if(query([arg("/s")], [expression]));
    for (slug, comment, expression, extra) in [
        ("scan-equal", "`===` with 130 bytes: 2 units besides", v("value").eq(lit(&"x".repeat(130))), 2),
        ("scan-prefix", "`starts_with` of 127 bytes: 1", v("value").starts_with(lit(&"y".repeat(127))), 1),
        ("scan-suffix", "`ends_with` of 63 bytes: none", v("value").ends_with(lit(&"y".repeat(63))), 0),
        ("scan-contains", "`contains` over 640 bytes: 10", v("value").contains(lit("y")), 10),
    ] {
        // Every fact offered, value, value, the operation, and what it scans.
        let cost = |z: usize| 1 + z + 3 + extra;
        pair(file, slug, comment, filled(1, cost, body, &[scan(expression)], false));
    }
}

fn bombs(file: &mut File) {
    let bomb = |body: &str, check: &dyn Fn() -> Check| bare(body).plan(|plan| plan.restrict((0..64).map(|_| check())));
    let array = |count: usize| format!(r#"{{"z":{}}}"#, zeros_to(count));
    let members = |count: usize| {
        let members: Vec<String> = (0..count).map(|n| format!(r#""{n}":{n}"#)).collect();
        format!("{{{}}}", members.join(","))
    };
    let equal = format!(r#"{{"z":[0{}]}}"#, ",0".repeat(1023));
    let any = || reject_if(query([pred("arg_present", [var("name")])], [v("name").eq(lit("/y"))]));
    let absent =
        || check_if([query([pred("arg_present", [string("/y")])], []), query([pred("method", [var("m")])], [])]);
    file.push(bomb(&array(1), &search).case("bomb-one", "64 checks over one argument").req("CK-27").attack(66));
    let case = bomb(&array(1024), &search).case("bomb", "64 checks over 1,024 arguments");
    file.push(exceeded(case, "bomb-one"));
    let case = bomb(&equal, &search).case("bomb-equal", "64 checks over 1,024 arguments that are one fact");
    file.push(case.req("CK-27").req("CK-32").attack(66));
    file.push(bomb(&members(1), &any).case("bomb-name", "64 checks over one name").req("CK-27").attack(66));
    file.push(exceeded(bomb(&members(1024), &any).case("bomb-names", "64 checks over 1,024 names"), "bomb-name"));
    // 64 × (1,024 names in vain, then a method): within the limit.
    let case = bomb(&members(1024), &absent).case("bomb-absent", "64 times a name among 1,024 that is not there");
    file.push(case.req("CK-27").attack(66));
    // A token that says it twice goes beyond.
    let twice = bomb(&members(1024), &absent).plan(|plan| plan.restrict((0..40).map(|_| absent())));
    file.push(exceeded(twice.case("bomb-absent-more", "104 times"), "bomb-absent"));
    let set = strings(&["a", "b"]);
    let outside = || reject_if(query([arg("/z")], [Expr::from(set.clone()).contains(v("value"))]));
    file.push(exceeded(bomb(&array(1024), &outside).case("bomb-sets", "64 sets over 1,024 arguments"), "bomb-one"));
}
