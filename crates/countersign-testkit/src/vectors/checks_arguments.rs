//! `checks/arguments.json`: names, values, order and limits of arguments.

use crate::raw_checks::{Check, Expr, Term, lit, num, pred, query, reject_if, string, v, var};

use super::case::{Case, File};
use super::mail::{JSON, Mail, arg, has, has_not, none, only};

/// The file.
#[must_use]
pub fn file() -> File {
    let mut file = File::new("checks", "arguments", "names, values, order and limits of arguments");
    members(&mut file);
    parameters(&mut file);
    repeated(&mut file);
    bodies(&mut file);
    order(&mut file);
    scales(&mut file);
    limits(&mut file);
    file
}

fn failed(case: Case, twin: &str) -> Case {
    case.deny(11, "check_failed", &format!("checks/{twin}"))
}

fn errs(case: Case, twin: &str) -> Case {
    case.attack(67).deny(11, "check_error", &format!("checks/{twin}"))
}

/// Under the name stands this value and no other; and in a second vector the same is asked of another value.
fn holds(file: &mut File, req: &str, slug: &str, comment: &str, mail: &Mail, name: &str, (value, other): (Term, Term)) {
    let asked = |value: Term| mail.clone().checks([has(name), only(name, value)]);
    let slug = format!("argument-{slug}");
    file.push(asked(value).case(&slug, comment).req(req).req("CK-34"));
    let comment = format!("{comment}: compared with another value");
    file.push(failed(asked(other).case(&format!("{slug}-other"), &comment).req(req), &slug));
}

fn members(file: &mut File) {
    let x = || (string("x"), string("y"));
    let values: [(&str, &str, &str, (Term, Term)); 7] = [
        ("string", "a string", r#"{"to":"y"}"#, (string("y"), string("x"))),
        ("string-escaped", "a string spelled with escapes", r#"{"to":"\u0078"}"#, x()),
        (
            "string-pair",
            "a string with a surrogate pair",
            r#"{"to":"\ud83d\ude00"}"#,
            (string("\u{1f600}"), string("x")),
        ),
        ("integer", "an integer", r#"{"to":-5}"#, (Term::Int(-5), Term::Int(5))),
        ("integer-minus-zero", "-0 is the integer 0", r#"{"to":-0}"#, (Term::Int(0), Term::Int(1))),
        ("boolean", "a Boolean", r#"{"to":true}"#, (Term::Bool(true), Term::Bool(false))),
        ("array", "every element of an array of scalars", r#"{"to":["x","x"]}"#, x()),
    ];
    for (slug, comment, body, values) in values {
        holds(file, "CK-30", slug, comment, &Mail::json(body), "/to", values);
    }
    let names: [(&str, &str, &str, &str); 11] = [
        ("nested", "a member of a member", r#"{"to":{"domain":"x"}}"#, "/to/domain"),
        ("slash", "a name with a slash", r#"{"a/b":"x"}"#, "/a~1b"),
        ("tilde", "a name with a tilde", r#"{"a~b":"x"}"#, "/a~0b"),
        ("tilde-one", "a name that looks escaped already", r#"{"a~1b":"x"}"#, "/a~01b"),
        ("empty-name", "the empty name", r#"{"":"x"}"#, "/"),
        ("empty-nested", "the empty name within a member", r#"{"a":{"":"x"}}"#, "/a/"),
        ("name-escaped", "a name spelled with escapes", r#"{"\u0074o":"x"}"#, "/to"),
        ("name-query", "a name that looks like a query parameter", r#"{"query.to":"x"}"#, "/query.to"),
        ("name-path", "a name that looks like a path parameter", r#"{"path.box":"x"}"#, "/path.box"),
        ("name-space", "a name with a space", r#"{"a b":"x"}"#, "/a b"),
        ("name-not-ascii", "a name that is not ASCII", "{\"\u{e4}\":\"x\"}", "/\u{e4}"),
    ];
    for (slug, comment, body, name) in names {
        holds(file, "CK-29", slug, comment, &Mail::json(body), name, x());
    }
    // Two names that look alike are two: what is asked of one says nothing of the other.
    let apart: [(&str, &str, &str, &str); 6] = [
        ("slash-is-not-nesting", "`/a~1b` is not the member `b` of `a`", r#"{"a/b":"y"}"#, "/a/b"),
        ("nesting-is-not-slash", "the member `b` of `a` is not `/a~1b`", r#"{"a":{"b":"y"}}"#, "/a~1b"),
        ("member-is-not-query", "a member named `query.to` is no query parameter", r#"{"query.to":"y"}"#, "query.to"),
        ("member-is-not-path", "a member named `path.box` is no path parameter", r#"{"path.to":"y"}"#, "path.to"),
        ("case", "names are compared in their case", r#"{"To":"y"}"#, "/to"),
        ("index", "elements of an array have no pointers of their own", r#"{"to":["y"]}"#, "/to/0"),
    ];
    for (slug, comment, body, name) in apart {
        let slug = format!("argument-{slug}");
        file.push(
            Mail::json(body)
                .checks([has_not(name), none(name)])
                .case(&slug, comment)
                .req("CK-29")
                .req("CK-34")
                .attack(67),
        );
        let case = Mail::json(body).check(has(name)).case(&format!("{slug}-present"), comment);
        file.push(failed(case.req("CK-29").attack(67), &slug));
    }
    let two = r#"{"a/b":"x","a":{"b":"y"}}"#;
    holds(file, "CK-29", "both-slash", "`a/b` beside `b` of `a`: the first", &Mail::json(two), "/a~1b", x());
    let y = || (string("y"), string("x"));
    holds(file, "CK-29", "both-nested", "`a/b` beside `b` of `a`: the second", &Mail::json(two), "/a/b", y());
    holds(
        file,
        "CK-30",
        "not-normalised",
        "strings are compared without normalisation",
        &Mail::json(r#"{"to":"e\u0301"}"#),
        "/to",
        (string("e\u{301}"), string("\u{e9}")),
    );
    let kinds: [(&str, &str, Term); 4] = [
        ("integer-as-string", r#"{"to":5}"#, string("5")),
        ("string-as-integer", r#"{"to":"5"}"#, Term::Int(5)),
        ("boolean-as-string", r#"{"to":true}"#, string("true")),
        ("boolean-as-integer", r#"{"to":true}"#, Term::Int(1)),
    ];
    for (slug, body, value) in kinds {
        let case =
            Mail::json(body).check(only("/to", value)).case(&format!("argument-{slug}"), "a value of another kind");
        file.push(errs(case.req("CK-30").req("CK-25"), "argument-integer"));
    }
}

fn parameters(file: &mut File) {
    let x = || (string("x"), string("y"));
    let path: [(&str, &str, &str, &str); 4] = [
        ("path", "a path parameter", "/mail/out", "out"),
        ("path-escaped", "a path parameter is percent-decoded", "/mail/caf%C3%A9", "caf\u{e9}"),
        ("path-space", "an escaped space in it", "/mail/a%20b", "a b"),
        ("path-plus", "a `+` in it is a `+`", "/mail/a+b", "a+b"),
    ];
    for (slug, comment, target, value) in path {
        holds(file, "CK-30", slug, comment, &Mail::new().to(target), "path.box", (string(value), string("x y")));
    }
    let queries: [(&str, &str, &str, &str, &str); 13] = [
        ("query", "a query parameter", "to=x", "query.to", "x"),
        ("query-escaped", "its escapes are decoded", "to=a%40b", "query.to", "a@b"),
        ("query-lower-escape", "in either case", "to=%c3%A9", "query.to", "\u{e9}"),
        ("query-plus", "a `+` is a space", "to=a+b", "query.to", "a b"),
        ("query-plus-escaped", "an escaped `+` is a `+`", "to=a%2Bb", "query.to", "a+b"),
        ("query-no-equals", "without `=` the value is empty", "to", "query.to", ""),
        ("query-empty", "nothing after the `=`", "to=", "query.to", ""),
        ("query-two-equals", "split at the first `=`", "to=a=b", "query.to", "a=b"),
        ("query-name-escaped", "names are decoded too", "%74%6F=x", "query.to", "x"),
        ("query-name-plus", "a `+` in a name is a space", "a+b=x", "query.a b", "x"),
        ("query-empty-parts", "empty parts are left out", "&&to=x&", "query.to", "x"),
        ("query-no-name", "the empty name", "=x", "query.", "x"),
        (
            "query-escaped-separators",
            "`&` and `=` that are escaped separate nothing",
            "to=a%26b%3Dc",
            "query.to",
            "a&b=c",
        ),
    ];
    for (slug, comment, text, name, value) in queries {
        let mail = Mail::new().to(&format!("/mail/out?{text}"));
        holds(file, "CK-30", slug, comment, &mail, name, (string(value), string("z")));
    }
    let both = Mail::json(r#"{"to":"x"}"#).to("/mail/out?to=y");
    holds(file, "CK-29", "both-body", "a member and a query parameter of one name: the member", &both, "/to", x());
    let y = (string("y"), string("x"));
    holds(
        file,
        "CK-29",
        "both-query",
        "a member and a query parameter of one name: the parameter",
        &both,
        "query.to",
        y,
    );
    let digits = |value: Term| Mail::new().to("/mail/out?n=5").check(only("query.n", value));
    file.push(digits(string("5")).case("argument-query-digits", "digits in the query are a string").req("CK-30"));
    file.push(errs(
        digits(Term::Int(5)).case("argument-query-integer", "and no integer").req("CK-30"),
        "argument-query-digits",
    ));
    let plain = |text: &str| Mail::new().to(&format!("/mail/out?{text}"));
    file.push(plain("to=%25").case("escape-good", "an escaped percent sign").req("CK-30"));
    for (slug, comment, text) in [
        ("escape-not-hexadecimal", "an escape of other digits", "to=%zz"),
        ("escape-one-digit", "an escape of one digit at the end", "to=%4"),
        ("escape-no-digit", "an escape of no digit at the end", "to=%"),
        ("escape-cut-by-separator", "an escape cut by a separator", "to=%4&to=1"),
        ("escape-signed", "an escape with a sign", "to=%+1"),
        ("escape-in-name", "a broken escape in a name", "%zz=x"),
        ("escape-in-bare-name", "a broken escape in a name without a value", "%zz"),
        ("escape-not-utf-8", "an escape of a byte that is no UTF-8", "to=%FF"),
        ("escape-cut-utf-8", "half of a character", "to=%C3"),
        ("escape-overlong-utf-8", "an overlong form", "to=%C0%AF"),
        ("escape-surrogate", "a surrogate", "to=%ED%A0%80"),
    ] {
        let case = plain(text).case(slug, comment).req("CK-30").attack(67);
        file.push(case.deny(11, "body_ambiguous", "checks/escape-good"));
    }
    let opaque = |text: &str| plain(text).body("x", "text/plain");
    file.push(opaque("to=x").case("escape-beside-text", "a good query beside a body that is not JSON").req("CK-30"));
    file.push(
        opaque("to=%zz")
            .case("escape-broken-beside-text", "a broken escape, though nothing is extracted")
            .req("CK-30")
            .deny(11, "body_ambiguous", "checks/escape-beside-text"),
    );
}

/// A parameter and an array give several facts, and each of them counts.
fn repeated(file: &mut File) {
    for (slug, comment, mail, name) in [
        ("repeated-query", "a query parameter", Mail::new().to("/mail/out?to=x&to=x"), "query.to"),
        ("repeated-array", "an array", Mail::json(r#"{"to":["x","x"]}"#), "/to"),
    ] {
        let comment = format!("{comment} with one value twice");
        file.push(mail.check(only(name, string("x"))).case(slug, &comment).req("CK-30").req("CK-32"));
    }
    for (slug, comment, mail, name, twin) in [
        ("repeated-query-first", "the first", Mail::new().to("/mail/out?to=y&to=x"), "query.to", "repeated-query"),
        ("repeated-query-last", "the last", Mail::new().to("/mail/out?to=x&to=y"), "query.to", "repeated-query"),
        ("repeated-array-first", "the first", Mail::json(r#"{"to":["y","x"]}"#), "/to", "repeated-array"),
        ("repeated-array-last", "the last", Mail::json(r#"{"to":["x","y"]}"#), "/to", "repeated-array"),
    ] {
        let case = mail.check(only(name, string("x"))).case(slug, &format!("of two values {comment} is another one"));
        file.push(failed(case.req("CK-30").req("CK-29").attack(67), twin));
    }
}

fn bodies(file: &mut File) {
    let to = r#"{"to":"x"}"#;
    let asks = |body: &str, media: &str| Mail::new().body(body, media).check(has("/to"));
    for (slug, media) in [
        ("media-json", JSON),
        ("media-json-case", "Application/JSON"),
        ("media-json-suffix", "application/problem+json"),
        ("media-json-suffix-case", "image/svg+JSON"),
        ("media-json-parameter", "application/json; charset=utf-8"),
    ] {
        file.push(asks(to, media).case(slug, &format!("a body of type {media} is read")).req("CK-28"));
    }
    for (slug, media) in [
        ("media-jsonx", "application/jsonx"),
        ("media-text-json", "text/json"),
        ("media-json-in-parameter", "text/plain; a=\"application/json\""),
        ("media-form", "application/x-www-form-urlencoded"),
        ("media-octets", "application/octet-stream"),
        ("media-json-sequence", "application/json-seq"),
    ] {
        let case = asks(to, media).case(slug, &format!("a body of type {media} is not"));
        file.push(errs(case.req("CK-28").req("CK-33"), "media-json"));
        let case =
            Mail::new().body(to, media).case(&format!("{slug}-unasked"), "and that is no harm where nobody asks");
        file.push(case.req("CK-28").req("CK-33"));
    }
    for (slug, body) in [
        ("root-array", r#"[{"to":"x"}]"#),
        ("root-string", r#""to""#),
        ("root-number", "5"),
        ("root-null", "null"),
        ("root-true", "true"),
    ] {
        file.push(errs(
            asks(body, JSON).case(slug, "a root that is no object").req("CK-28").req("CK-33"),
            "media-json",
        ));
    }
    file.push(Mail::json("{}").check(has_not("/to")).case("root-empty", "an object without members").req("CK-28"));
    file.push(failed(
        Mail::json("{}").check(has("/to")).case("root-empty-asked", "it has no member").req("CK-28"),
        "root-empty",
    ));
    file.push(
        Mail::new()
            .checks([has_not("/to"), none("/to"), has("path.box")])
            .case("no-body", "without a body parameters are extracted, and there are no members")
            .req("CK-28"),
    );
    file.push(failed(
        Mail::new().check(has("/to")).case("no-body-asked", "a member is asked for").req("CK-28"),
        "no-body",
    ));
    file.push(
        Mail::new()
            .body("", "text/plain")
            .checks([has_not("/to"), has("path.box")])
            .case("no-bytes", "a body of no bytes is none, whatever its type")
            .req("CK-28"),
    );
    let with_query = |mail: Mail| mail.to("/mail/out?q=x");
    for (slug, name) in [("path", "path.box"), ("query", "query.q")] {
        let slug = format!("unread-{slug}");
        file.push(
            with_query(Mail::json(to))
                .check(has(name))
                .case(&slug, "a parameter beside a body that is read")
                .req("CK-28"),
        );
        let case = with_query(Mail::new().body("x", "text/plain")).check(has(name));
        let case = case.case(&format!("{slug}-text"), "a parameter beside a body that is not: not extracted either");
        file.push(errs(case.req("CK-28").req("CK-33"), &slug));
    }
    let unread = |body: &str| Mail::json(body).row(|row| row.read_body = Some(false));
    file.push(unread(to).case("read-body-false", "the service reads no bodies of this operation").req("CK-28"));
    file.push(errs(
        unread(to)
            .check(has("/to"))
            .case("read-body-false-asked", "a check asks for a member")
            .req("CK-28")
            .req("CK-33"),
        "read-body-false",
    ));
    let case = unread(r#"{"to":1,"to":2}"#).case("read-body-false-ambiguous", "JSON that is not read is not judged");
    file.push(case.req("CK-28").req("RQ-55"));
    file.push(
        Mail::json(to)
            .row(|row| row.read_body = Some(true))
            .check(has("/to"))
            .case("read-body-true", "said in so many words: bodies are read")
            .req("CK-28"),
    );
}

/// Fails for `wanted`, passes over `skipped`, and errs at any other name: so `wanted` comes next after `skipped`.
fn next(skipped: &[&str], wanted: &str) -> Check {
    let wanted = v("name").eq(lit(wanted)).or(v("name").eq(num(1)));
    let expression = skipped.iter().rev().fold(wanted, |behind, name| v("name").ne(lit(name)).and(behind));
    reject_if(query([pred("arg_present", [var("name")])], [expression]))
}

fn order(file: &mut File) {
    let body = r#"{"z":{"y":1},"a":{"b":[2],"c":3}}"#;
    let mail = || Mail::json(body).to("/mail/out?q=1&p=2");
    let names = ["path.box", "query.q", "query.p", "/z", "/z/y", "/a", "/a/b", "/a/c"];
    let all: Vec<&str> = names.to_vec();
    file.push(
        mail().check(args_only(&all)).case("order", "path, query and members: all names").req("CK-32").req("CK-34"),
    );
    for (index, name) in names.iter().enumerate() {
        let case = mail()
            .check(next(&names[..index], name))
            .case(&format!("order-{index}"), &format!("`{name}` comes next; at any other name the check errs"));
        file.push(failed(case.req("CK-32").req("CK-34"), "order"));
    }
    let early = mail().check(next(&names[..3], "/a")).case("order-by-name", "members are not sorted");
    file.push(errs(early.req("CK-32"), "order"));
    let is = |body: &str| {
        let same: Expr = v("value").eq(lit("x"));
        Mail::json(body).check(reject_if(query([arg("/to")], [same])))
    };
    file.push(is(r#"{"to":["y","z"]}"#).case("order-elements", "two elements of an array").req("CK-32"));
    file.push(failed(
        is(r#"{"to":["x",1]}"#).case("order-elements-first", "the first decides, the second would err").req("CK-32"),
        "order-elements",
    ));
    file.push(errs(
        is(r#"{"to":[1,"x"]}"#).case("order-elements-error", "the first errs, the second would decide").req("CK-32"),
        "order-elements",
    ));
}

/// `reject if arg_present($name), !{…}.contains($name)`.
pub(super) fn args_only(names: &[&str]) -> Check {
    let known = Expr::from(crate::raw_checks::strings(names));
    reject_if(query([pred("arg_present", [var("name")])], [known.contains(v("name")).not()]))
}

fn scales(file: &mut File) {
    let scaled: [(&str, &str, u8, i64); 24] = [
        ("integer", "100", 2, 10_000),
        ("exponent", "1e2", 2, 10_000),
        ("exponent-sign", "1E+2", 2, 10_000),
        ("exponent-negative", "12345e-2", 2, 12_345),
        ("half", "99999.5", 2, 9_999_950),
        ("last-digit", "0.01", 2, 1),
        ("zeros-behind", "1.230", 2, 123),
        ("negative", "-0.5", 2, -50),
        ("zero", "0.0", 2, 0),
        ("zero-exponent", "0e999", 2, 0),
        ("no-binary-0-29", "0.29", 2, 29),
        ("no-binary-1-15", "1.15", 2, 115),
        ("no-binary-4-35", "4.35", 2, 435),
        ("none-whole", "5.0", 0, 5),
        ("none-integer", "5", 0, 5),
        ("fifteen", "1.5", 15, 1_500_000_000_000_000),
        ("greatest", "90071992547409.9", 2, 9_007_199_254_740_990),
        ("least", "-90071992547409.9", 2, -9_007_199_254_740_990),
        ("greatest-integer", "9007199254740991", 0, 9_007_199_254_740_991),
        ("significant", "1234567890123.45", 2, 123_456_789_012_345),
        ("significant-zeros", "0.00000000000000000000", 2, 0),
        ("significant-zeros-behind", "1.00000000000000000000", 2, 100),
        ("significant-zeros-before", "0.000000000000000123e15", 3, 123),
        ("significant-exponent", "12000000000000000000e-18", 2, 1200),
    ];
    for (slug, number, digits, value) in scaled {
        let mail = Mail::json(format!(r#"{{"amount":{number}}}"#)).scale("/amount", digits);
        let values = (Term::Int(value), Term::Int(value.saturating_sub(1)));
        let comment = format!("{number} at scale {digits}");
        holds(file, "CK-35", &format!("scale-{slug}"), &comment, &mail, "/amount", values);
    }
    let mail = Mail::json(r#"{"amount":[1,1.0,1e0]}"#).scale("/amount", 2);
    holds(file, "CK-35", "scale-array", "elements of an array", &mail, "/amount", (Term::Int(100), Term::Int(1)));
    let mail = Mail::json(r#"{"amount":"1"}"#).scale("/amount", 2);
    holds(file, "CK-35", "scale-string", "a string has no scale", &mail, "/amount", (string("1"), string("100")));
    let mail = Mail::json(r#"{"amount":1,"a":{"amount":1}}"#).scale("/amount", 2);
    holds(file, "CK-35", "scale-other", "another name has none", &mail, "/a/amount", (Term::Int(1), Term::Int(100)));
}

/// The standard request where the path has no parameter, so that the body's facts are all there are.
fn bare(body: impl AsRef<[u8]>) -> Mail {
    Mail::json(body).row(|row| {
        row.path = "/mail/out".into();
        row.resource = "/mail/out".into();
    })
}

fn numbers(count: usize) -> String {
    let numbers: Vec<String> = (0..count).map(|n| n.to_string()).collect();
    format!(r#"{{"n":[{}]}}"#, numbers.join(","))
}

fn nulls(count: usize) -> String {
    let members: Vec<String> = (0..count).map(|n| format!(r#""{n}":null"#)).collect();
    format!("{{{}}}", members.join(","))
}

fn limits(file: &mut File) {
    let long = |count: usize| "a".repeat(count);
    let pairs: [(&str, &str, Mail, Mail, &str); 11] = [
        ("facts", "`arg` facts", bare(numbers(1024)), bare(numbers(1025)), "/n"),
        (
            "facts-equal",
            "equal `arg` facts, counted before they are left out",
            bare(format!(r#"{{"n":[1{}]}}"#, ",1".repeat(1023))),
            bare(format!(r#"{{"n":[1{}]}}"#, ",1".repeat(1024))),
            "/n",
        ),
        ("facts-with-path", "`arg` facts, one of the path", Mail::json(numbers(1023)), Mail::json(numbers(1024)), "/n"),
        (
            "facts-with-query",
            "`arg` facts, two of the query",
            bare(numbers(1022)).to("/mail/out?a=1&a=1"),
            bare(numbers(1022)).to("/mail/out?a=1&a=1&a=1"),
            "/n",
        ),
        ("present", "`arg_present` facts", bare(nulls(1024)), bare(nulls(1025)), "/0"),
        (
            "value",
            "bytes of a value",
            bare(format!(r#"{{"n":"{}"}}"#, long(4096))),
            bare(format!(r#"{{"n":"{}"}}"#, long(4097))),
            "/n",
        ),
        (
            "value-utf-8",
            "bytes of a value, in characters of two",
            bare(format!(r#"{{"n":"{}"}}"#, "\u{e9}".repeat(2048))),
            bare(format!(r#"{{"n":"{}"}}"#, "\u{e9}".repeat(2049))),
            "/n",
        ),
        (
            "value-in-array",
            "bytes of an element",
            bare(format!(r#"{{"n":["{}"]}}"#, long(4096))),
            bare(format!(r#"{{"n":["{}"]}}"#, long(4097))),
            "/n",
        ),
        (
            "value-in-query",
            "bytes of a query parameter",
            bare(r#"{"n":1}"#).to(&format!("/mail/out?q={}", long(4096))),
            bare(r#"{"n":1}"#).to(&format!("/mail/out?q={}", long(4097))),
            "/n",
        ),
        (
            "name",
            "bytes of a name, its slash among them",
            bare(format!(r#"{{"n":1,"{}":1}}"#, long(4095))),
            bare(format!(r#"{{"n":1,"{}":1}}"#, long(4096))),
            "/n",
        ),
        (
            "name-nested",
            "bytes of a name of two steps",
            bare(format!(r#"{{"n":1,"{0}":{{"{0}":1}}}}"#, long(2047))),
            bare(format!(r#"{{"n":1,"{0}":{{"a{0}":1}}}}"#, long(2047))),
            "/n",
        ),
    ];
    for (slug, what, at, above, name) in pairs {
        let slug = format!("most-{slug}");
        file.push(at.check(has(name)).case(&slug, &format!("the most {what}")).req("CK-33").req("CK-43"));
        let asked = above.clone().check(has(name)).case(&format!("{slug}-more"), &format!("too many {what}"));
        file.push(errs(asked.req("CK-33").req("CK-43").req("CK-28").attack(66), &slug));
        let unasked = above.case(&format!("{slug}-more-unasked"), &format!("too many {what}, and nobody asks"));
        file.push(unasked.req("CK-33"));
    }
}
