//! `checks/edges.json`: what counts towards the limits of arguments and of work, to the byte and to the unit.

use crate::raw_checks::{Check, Term, lit, num, pred, query, reject_if, string, v, var};

use super::case::{Case, File};
use super::checks_work::{exceeded, filled, full, one};
use super::mail::{Mail, arg, only};

/// The file.
#[must_use]
pub fn file() -> File {
    let mut file = File::new("checks", "edges", "what counts towards the limits of arguments and of work");
    lengths(&mut file);
    counts(&mut file);
    errors(&mut file);
    derived(&mut file);
    file
}

fn errs(case: Case, twin: &str) -> Case {
    case.attack(67).deny(11, "check_error", &format!("checks/{twin}"))
}

/// A body that has `/a`, and a check of it, which errs where nothing counts as extracted.
fn with_a(members: &str) -> Mail {
    Mail::json(format!(r#"{{"a":1,{members}}}"#)).check(only("/a", Term::Int(1)))
}

fn pair(file: &mut File, req: &str, slug: &str, comments: [&str; 2], bodies: [&str; 2]) {
    file.push(with_a(bodies[0]).case(slug, comments[0]).req(req));
    file.push(errs(with_a(bodies[1]).case(&format!("{slug}-over"), comments[1]).req(req), slug));
}

/// Names are as long as their pointers, and what gives no fact has no length.
fn lengths(file: &mut File) {
    let (tilde, slash, long) = ("~".repeat(2047), "/".repeat(2047), "x".repeat(4097));
    pair(
        file,
        "CK-33",
        "name-escaped-4096",
        ["a name of 4,096 bytes with its `~0`", "a name of 4,097 bytes with its `~0`"],
        [&format!(r#""{tilde}x":2"#), &format!(r#""{tilde}xx":2"#)],
    );
    pair(
        file,
        "CK-33",
        "name-slashes-4096",
        ["a name of 4,096 bytes with its `~1`", "a name of 4,097 bytes with its `~1`"],
        [&format!(r#""{slash}x":2"#), &format!(r#""{slash}xx":2"#)],
    );
    pair(
        file,
        "CK-33",
        "string-unnamed",
        ["a long string in an array in an array, where it has no name", "a long string in an array"],
        [&format!(r#""z":[["{long}"]]"#), &format!(r#""z":["{long}"]"#)],
    );
    pair(
        file,
        "CK-33",
        "string-unnamed-member",
        ["a long string of an object in an array", "a long string of an object"],
        [&format!(r#""z":[{{"y":"{long}"}}]"#), &format!(r#""z":{{"y":"{long}"}}"#)],
    );
    pair(
        file,
        "CK-33",
        "name-unnamed",
        ["a long name of an object in an array", "a long name of an object"],
        [&format!(r#""z":[{{"{long}":2}}]"#), &format!(r#""z":{{"{long}":2}}"#)],
    );
    pair(
        file,
        "CK-33",
        "string-poisoned-name",
        ["a string of 4,096 bytes beside null", "a string of 4,097 bytes beside null: poison shortens nothing"],
        [&format!(r#""z":[null,"{}"]"#, &long[1..]), &format!(r#""z":[null,"{long}"]"#)],
    );
}

/// What has no name gives no fact, however much of it there is.
fn counts(file: &mut File) {
    let zeros = |count: usize| format!("[0{}]", ",0".repeat(count - 1));
    let members = |count: usize| (0..count).map(|n| format!(r#""{n}":0"#)).collect::<Vec<_>>().join(",");
    pair(
        file,
        "CK-43",
        "facts-unnamed",
        ["1,100 values in an array in an array", "1,100 values in an array"],
        [&format!(r#""z":[{}]"#, zeros(1100)), &format!(r#""z":{}"#, zeros(1100))],
    );
    pair(
        file,
        "CK-43",
        "names-unnamed",
        ["1,100 members of an object in an array", "1,100 members of an object"],
        [&format!(r#""z":[{{{}}}]"#, members(1100)), &format!(r#""z":{{{}}}"#, members(1100))],
    );
}

/// An error costs what it costs, and the limit comes first where a unit is too many.
fn errors(file: &mut File) {
    let poisoned = |body: Mail| body.check(reject_if(query([arg("/p")], [v("value").eq(num(1))])));
    let work = |slug: &str, comment: &str, mail: Mail| mail.case(slug, comment).req("CK-27").req("CK-31").attack(66);
    // A fraction is no fact, so it changes no sum.
    let body = r#","p":0.5"#;
    file.push(work("limit-poison-beside", "100,000 units, and a poisoned name that nothing asks for", full(body)));
    let case = work("limit-poison", "100,000 units, then a predicate over a poisoned name", poisoned(full(body)));
    file.push(errs(case.req("CK-36"), "limit-poison-beside"));
    file.push(exceeded(
        poisoned(full(body).check(one()))
            .case("limit-poison-late", "100,001 units, then a predicate over a poisoned name"),
        "limit-poison-beside",
    ));
    // `$value > "x"` errs: one fact, two values, and the operation, which is the unit 100,000 or one more.
    let plain = |z: &str| format!(r#"{{"s":1,"z":{z}}}"#);
    let check = |right: Check| filled(1, |_| 4, plain, &[right], true);
    let compared = |text: bool| {
        let right = if text { v("value").gt(lit("x")) } else { v("value").gt(num(1)) };
        reject_if(query([arg("/s")], [right]))
    };
    let more = |mail: Mail| {
        mail.plan(|mut plan| {
            let last = plan.authority.checks.len() - 1;
            plan.authority.checks.insert(last, one());
            plan
        })
    };
    // It succeeds never, so `/z` is offered behind it: an error spares that.
    file.push(
        filled(1, |z| 4 + z, plain, &[compared(false)], true)
            .case("limit-compared", "a comparison among the last of 100,000 units")
            .req("CK-27")
            .req("CK-31"),
    );
    let case = check(compared(true)).case("limit-erring", "an operation that errs is unit 100,000");
    file.push(errs(case.req("CK-25").req("CK-27"), "limit-compared"));
    let case = more(check(compared(true))).case("limit-erring-late", "an operation that errs is unit 100,001");
    file.push(exceeded(case, "limit-compared"));
}

/// Two URLs of one host are one fact.
fn derived(file: &mut File) {
    let of =
        |name: &str, slug: &str, texts: [&str; 2], declare: fn(Mail, &str) -> Mail, file: &mut File, facts: usize| {
            let check = reject_if(query([pred(name, [string("/u"), var("x")])], [v("x").eq(lit("none"))]));
            let body = |z: &str| format!(r#"{{"u":["{}","{}"],"z":{z}}}"#, texts[0], texts[1]);
            let at = || declare(filled(2, |_| 4 * facts, body, std::slice::from_ref(&check), false), "/u");
            let comment = format!("{facts} `{name}` of two values, and others up to 100,000 units");
            file.push(at().case(slug, &comment).req("CK-32").req("CK-27"));
            let case = at().check(one()).case(&format!("{slug}-more"), &format!("{comment}, and one more"));
            file.push(exceeded(case.req("CK-32"), slug));
        };
    let url: fn(Mail, &str) -> Mail = |mail, name| mail.url(name);
    let path: fn(Mail, &str) -> Mail = |mail, name| mail.path(name);
    of("arg_host", "host-once", ["https://a.example/1", "http://A.example:80/2"], url, file, 1);
    of("arg_host", "host-twice", ["https://a.example/1", "https://b.example/1"], url, file, 2);
    of("arg_path", "path-twice", ["/a", "/a/"], path, file, 2);
}
