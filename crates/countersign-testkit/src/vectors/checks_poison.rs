//! `checks/poison.json`: values that have no one reading, and what asking for them does.

use crate::raw_checks::{Check, Expr, Predicate, lit, num, pred, query, reject_if, string, truth, v, var};

use super::case::{Case, File};
use super::checks_arguments::args_only;
use super::mail::{Mail, arg, has, has_not, none, only};

/// The file.
#[must_use]
pub fn file() -> File {
    let mut file = File::new("checks", "poison", "values that have no one reading, and what asking for them does");
    each_poison(&mut file);
    spread(&mut file);
    twins(&mut file);
    declared(&mut file);
    limits(&mut file);
    file
}

fn errs(case: Case, twin: &str) -> Case {
    case.attack(67).deny(11, "check_error", &format!("checks/{twin}"))
}

/// `reject if PREDICATE, false`: passes whatever the values are, where they may be asked for.
fn asks(predicate: Predicate) -> Check {
    reject_if(query([predicate], [truth(false)]))
}

fn over(name: &str, predicate: &str) -> Predicate {
    pred(predicate, [string(name), var("value")])
}

/// All poisons of the text: the name, what stands under `/n`, the scale, and whether `arg_present` is poisoned too.
const POISONS: [(&str, &str, &str, Option<u8>, bool); 21] = [
    ("null", "null", "null", None, false),
    ("fraction", "a fraction without a scale", "1.5", None, false),
    ("fraction-whole", "a fraction that is whole", "1.0", None, false),
    ("exponent", "an exponent, so a fraction", "1e2", None, false),
    ("exponent-capital", "an exponent in capitals", "1E2", None, false),
    ("fraction-zero", "a fraction that is zero", "0.0", None, false),
    ("digits", "more digits than the scale", "0.001", Some(2), false),
    ("digits-exponent", "more digits than the scale, in an exponent", "1e-3", Some(2), false),
    ("digits-none", "a fraction at scale 0", "99999.5", Some(0), false),
    ("scaled-great", "a scaled value above the greatest", "95000000000000.5", Some(2), false),
    ("scaled-least", "a scaled value below the least", "-95000000000000.5", Some(2), false),
    ("significant", "sixteen significant digits: a double has another value", "90071992547409.91", Some(2), false),
    ("significant-whole", "sixteen significant digits of a whole fraction", "1234567890123456.0", Some(0), false),
    ("scaled-integer", "an integer that its scale takes beyond the greatest", "90071992547410", Some(2), false),
    ("object", "an object", r#"{"a":1}"#, None, false),
    ("object-empty", "an empty object", "{}", None, false),
    ("array-empty", "an empty array", "[]", None, false),
    ("array-null", "null in an array", "[1,null]", None, false),
    ("array-fraction", "a fraction in an array", "[1,1.5]", None, false),
    ("array-object", "an object in an array", r#"[1,{"a":1}]"#, None, true),
    ("array-array", "an array in an array", "[1,[2]]", None, true),
];

fn mail(value: &str, scale: Option<u8>) -> Mail {
    let mail = Mail::json(format!(r#"{{"n":{value},"m":"x"}}"#));
    scale.into_iter().fold(mail, |mail, digits| mail.scale("/n", digits))
}

fn each_poison(file: &mut File) {
    let every = || [("arg", "1"), ("host", r#""https://a.example/""#), ("path", r#""/a""#)];
    let asked = |value: &str, scale: Option<u8>, kind: &str| {
        let mail = mail(value, scale);
        match kind {
            "host" => mail.url("/n").check(asks(over("/n", "arg_host"))),
            "path" => mail.path("/n").check(asks(over("/n", "arg_path"))),
            "any" => mail.check(asks(pred("arg_present", [var("name")]))),
            "present" => mail.check(has("/n")),
            _ => mail.check(asks(arg("/n"))),
        }
    };
    for scale in [None, Some(2), Some(0)] {
        let suffix = scale.map_or(String::new(), |digits| format!("-scale-{digits}"));
        for (kind, value) in every() {
            let case = asked(value, scale, kind).case(&format!("good-{kind}{suffix}"), "a good value");
            file.push(case.req("CK-36").req("CK-21"));
        }
    }
    for kind in ["present", "any"] {
        file.push(
            asked("[1]", None, kind).case(&format!("good-{kind}"), "an array of scalars").req("CK-36").req("CK-34"),
        );
    }
    for (slug, comment, value, scale, presence) in POISONS {
        let suffix = scale.map_or(String::new(), |digits| format!("-scale-{digits}"));
        for (kind, _) in every() {
            let case = asked(value, scale, kind).case(&format!("poison-{slug}-{kind}"), comment);
            let case = if scale.is_some() { case.req("CK-35") } else { case };
            file.push(errs(case.req("CK-36").req("CK-30"), &format!("good-{kind}{suffix}")));
        }
        for kind in ["present", "any"] {
            let case =
                asked(value, scale, kind).case(&format!("poison-{slug}-{kind}"), comment).req("CK-36").req("CK-34");
            file.push(if presence { errs(case, &format!("good-{kind}")) } else { case.attack(67) });
        }
        let elsewhere = [pred("type", [string("calendar")]), pred("action", [string("send")])];
        let guarded = reject_if(query(elsewhere.into_iter().chain([arg("/n")]), []));
        let unasked = mail(value, scale).checks([guarded, only("/m", string("x"))]);
        let comment = format!("{comment}: behind a type that does not match, and beside a good name");
        file.push(unasked.case(&format!("poison-{slug}-unasked"), &comment).req("CK-36").req("CK-42"));
    }
}

/// How far a poison reaches.
fn spread(file: &mut File) {
    let first = |value: &str| {
        let same = v("value").eq(num(1));
        Mail::json(format!(r#"{{"n":{value}}}"#)).check(reject_if(query([arg("/n")], [same])))
    };
    file.push(first("[2,3]").case("element-good", "two elements").req("CK-36"));
    file.push(first("[1,3]").case("element-first", "the first element decides").req("CK-23").deny(
        11,
        "check_failed",
        "checks/element-good",
    ));
    file.push(errs(
        first("[1,null]").case("element-bad-behind", "a bad one behind it poisons the name").req("CK-36"),
        "element-good",
    ));
    let nested = || Mail::json(r#"{"n":{"m":1}}"#);
    file.push(
        nested()
            .checks([has("/n"), has("/n/m"), only("/n/m", crate::raw_checks::Term::Int(1))])
            .case("member-of-poisoned", "a member of an object is not poisoned with the object")
            .req("CK-36")
            .req("CK-34"),
    );
    file.push(errs(
        nested().check(none("/n")).case("poisoned-by-members", "the object itself is").req("CK-36"),
        "member-of-poisoned",
    ));
    let deep = || Mail::json(r#"{"n":[{"m":1}],"o":1}"#);
    file.push(
        deep()
            .checks([has_not("/n/m"), none("/n/m"), has_not("/n/0/m"), has("/o")])
            .case("in-array-no-name", "what stands in an object in an array has no name")
            .req("CK-29")
            .req("CK-34")
            .attack(67),
    );
    file.push(errs(
        deep()
            .check(args_only(&["/n", "/o", "path.box"]))
            .case("in-array-any-name", "so a check over all names can't know them all")
            .req("CK-36"),
        "in-array-no-name",
    ));
    file.push(errs(
        deep().check(has("/n")).case("in-array-its-name", "nor can one over the name of the array").req("CK-36"),
        "in-array-no-name",
    ));
    let late = |method: &str| {
        let body = [pred("method", [string(method)]), arg("/n")];
        mail("null", None).check(reject_if(query(body, [truth(false)])))
    };
    file.push(late("GET").case("reached-never", "a predicate in front does not match").req("CK-36").req("CK-21"));
    file.push(errs(
        late("POST").case("reached", "a predicate in front matches").req("CK-36").req("CK-21"),
        "reached-never",
    ));
    let beside = |names: [&str; 2]| {
        let expressions: [Expr; 1] = [truth(false)];
        let present = names.map(|name| pred("arg_present", [string(name)]));
        Mail::json(r#"{"n":[[1]],"m":1}"#).check(reject_if(query(present, expressions)))
    };
    file.push(
        beside(["/x", "/n"]).case("present-absent-first", "an absent name in front of a poisoned one").req("CK-36"),
    );
    file.push(errs(
        beside(["/m", "/n"]).case("present-present-first", "a present name in front of it").req("CK-36"),
        "present-absent-first",
    ));
}

/// Names that differ by case alone.
fn twins(file: &mut File) {
    let all = |name: &str, of: fn(&str) -> Predicate| asks(of(name));
    let value = |name: &str| over(name, "arg");
    let there = |name: &str| pred("arg_present", [string(name)]);
    let absent = |name: &str| reject_if(query([there(name)], []));
    let host = |name: &str| over(name, "arg_host");
    let path = |name: &str| over(name, "arg_path");
    let body = r#"{"n":1,"m":2}"#;
    file.push(
        Mail::json(body)
            .checks([all("/n", value), all("/n", there)])
            .case("twins-none", "two names that differ by more than case")
            .req("CK-44"),
    );
    for (slug, body, name) in [
        ("lower", r#"{"n":1,"N":2}"#, "/n"),
        ("upper", r#"{"n":1,"N":2}"#, "/N"),
        ("equal", r#"{"n":1,"N":1}"#, "/n"),
        ("apart", r#"{"N":1,"m":2,"n":1}"#, "/n"),
        ("word", r#"{"amount":1,"aMount":2}"#, "/amount"),
        ("three", r#"{"ab":1,"aB":2,"Ab":3}"#, "/aB"),
        ("escaped", r#"{"a~b":1,"A~b":2}"#, "/a~0b"),
        ("letters", r#"{"é":1,"É":2}"#, "/é"),
        ("long-s", "{\"files\":1,\"file\u{17f}\":2}", "/files"),
        ("long-s-alone", "{\"file\u{17f}\":1,\"files\":2}", "/file\u{17f}"),
        ("kelvin", "{\"task\":1,\"tas\u{212a}\":2}", "/task"),
        ("kelvin-escaped", r#"{"task":1,"tas\u212a":2}"#, "/task"),
        ("angstrom", "{\"å\":1,\"\u{212b}\":2}", "/å"),
        ("sigma", r#"{"μέσος":1,"ΜΈΣΟΣ":2}"#, "/μέσος"),
        ("sigma-last", r#"{"σ":1,"ς":2}"#, "/σ"),
        ("sharp-s", r#"{"maße":1,"MASSE":2}"#, "/maße"),
        ("sharp-s-lower", r#"{"maße":1,"masse":2}"#, "/masse"),
        ("title", "{\"\u{1c5}\":1,\"\u{1c6}\":2}", "/\u{1c5}"),
        ("dotless", "{\"id\":1,\"\u{131}d\":2}", "/id"),
        ("dotted", "{\"\u{130}\":1,\"i\u{307}\":2}", "/\u{130}"),
        ("outside-bmp", "{\"\u{10428}\":1,\"\u{10400}\":2}", "/\u{10428}"),
        ("beneath", r#"{"a":{"n":1},"A":{"m":1}}"#, "/a/n"),
        ("beneath-both", r#"{"a":{"n":1},"A":{"n":1}}"#, "/A/n"),
        ("beneath-deep", r#"{"a":{"b":{"n":1}},"A":0}"#, "/a/b/n"),
        ("inside", r#"{"a":{"n":1,"N":2}}"#, "/a/n"),
    ] {
        for (kind, of) in [("arg", value as fn(&str) -> Predicate), ("present", there)] {
            let case =
                Mail::json(body).check(all(name, of)).case(&format!("twins-{slug}-{kind}"), "one reading of two");
            file.push(errs(case.req("CK-44"), "twins-none"));
        }
    }
    let (url, place) = (r#"{"n":"https://a.example/","N":1}"#, r#"{"n":"/a","N":1}"#);
    let case = Mail::json(url).url("/n").check(all("/n", host)).case("twins-host", "`arg_host` of one of them");
    file.push(errs(case.req("CK-44"), "good-host"));
    let case = Mail::json(place).path("/n").check(all("/n", path)).case("twins-path", "`arg_path` of one of them");
    file.push(errs(case.req("CK-44"), "good-path"));
    for (slug, comment, body, name) in [
        ("unasked", "names that nothing asks for", r#"{"a":1,"A":2,"n":1}"#, "/n"),
        ("apart-objects", "names of two objects", r#"{"a":{"n":1},"N":1}"#, "/a/n"),
        ("accent", "a letter with an accent and one without", r#"{"é":1,"e":2}"#, "/é"),
        ("composed", "a letter with an accent in one character and in two", "{\"é\":1,\"e\u{301}\":2}", "/é"),
        ("alphabets", "letters of two alphabets that look alike", "{\"a\":1,\"\u{430}\":2}", "/a"),
        ("dotted-plain", "a capital with a dot and a letter without another", "{\"i\":1,\"\u{130}\":2}", "/i"),
        ("no-case", "letters without case", r#"{"名前":1,"住所":2}"#, "/名前"),
        ("array", "names of two objects in an array have none", r#"{"n":1,"a":[{"b":1},{"B":1}]}"#, "/n"),
        ("sibling", "a name beside two such", r#"{"a":{"b":1,"B":2,"n":1}}"#, "/a/n"),
    ] {
        let case = Mail::json(body).checks([all(name, value), all(name, there)]);
        file.push(case.case(&format!("twins-{slug}"), comment).req("CK-44"));
    }
    let absent = Mail::json(r#"{"n":{"a":1},"N":{"b":1}}"#).checks([absent("/n/b"), absent("/n/c")]);
    file.push(absent.case("twins-beneath-absent", "names beneath that nothing has are not poisoned").req("CK-44"));
    let query = |query: &str, name: &str| {
        Mail::json(r#"{"n":1}"#).to(&format!("/mail/out?{query}")).checks([all(name, value), all(name, there)])
    };
    let good = "twins-query-none";
    file.push(query("n=1&m=2&n=1", "query.n").case(good, "two parameters").req("CK-44"));
    for (slug, text, name) in [
        ("query", "n=1&N=2", "query.N"),
        ("query-again", "n=1&n=1&N=2", "query.n"),
        ("query-escaped", "n=1&%4e=1", "query.n"),
        ("query-empty", "n&N", "query.n"),
        ("query-long-s", "s=1&%c5%bf=1", "query.s"),
    ] {
        let case = query(text, name).case(&format!("twins-{slug}"), "two parameters that differ by case alone");
        file.push(errs(case.req("CK-44"), good));
    }
    let case = query("n=1&x=2", "query.n").case("twins-query-body", "a parameter and a member are two");
    file.push(case.req("CK-44"));
    let case = query("N=1", "/n").case("twins-query-beside", "also when they differ by case alone");
    file.push(case.req("CK-44"));
}

/// `arg_host` and `arg_path` over names that are declared, or are not.
fn declared(file: &mut File) {
    let host = |name: &str| asks(over(name, "arg_host"));
    let path = |name: &str| asks(over(name, "arg_path"));
    let (url, file_name) = (r#"{"n":"https://a.example/"}"#, r#"{"n":"/a"}"#);
    for (slug, comment, mail, twin) in [
        (
            "host-undeclared",
            "`arg_host` of a name that is not declared",
            Mail::json(url).check(host("/n")),
            "good-host",
        ),
        (
            "path-undeclared",
            "`arg_path` of a name that is not declared",
            Mail::json(file_name).check(path("/n")),
            "good-path",
        ),
        ("host-declared-path", "`arg_host` of a path", Mail::json(url).path("/n").check(host("/n")), "good-host"),
        ("path-declared-url", "`arg_path` of a URL", Mail::json(file_name).url("/n").check(path("/n")), "good-path"),
        ("host-other-name", "another name is declared", Mail::json(url).url("/m").check(host("/n")), "good-host"),
        (
            "host-absent-undeclared",
            "an absent name that is not declared",
            Mail::json("{}").check(host("/n")),
            "good-host",
        ),
        (
            "path-absent-undeclared",
            "an absent name that is not declared",
            Mail::json("{}").check(path("/n")),
            "good-path",
        ),
        ("host-case", "a declaration in another case", Mail::json(url).url("/N").check(host("/n")), "good-host"),
    ] {
        file.push(errs(mail.case(slug, comment).req("CK-37"), twin));
    }
    for (slug, comment, mail) in [
        ("host-absent", "a declared URL that is absent", Mail::json("{}").url("/n").check(host("/n"))),
        ("path-absent", "a declared path that is absent", Mail::json("{}").path("/n").check(path("/n"))),
    ] {
        file.push(mail.case(slug, comment).req("CK-37"));
    }
    let guard = pred("type", [string("calendar")]);
    let guarded = reject_if(query([guard, over("/n", "arg_host")], []));
    file.push(Mail::json(url).check(guarded).case("host-undeclared-guarded", "not reached").req("CK-37").req("CK-42"));
    for (slug, comment, value) in [
        ("number", "a number under a declared name", "1"),
        ("boolean", "a Boolean under it", "true"),
        ("bad-element", "one element of two that does not parse", r#"["https://a.example/","a.example"]"#),
        ("number-element", "one element of two that is no string", r#"["https://a.example/",1]"#),
    ] {
        let mail = Mail::json(format!(r#"{{"n":{value}}}"#)).url("/n");
        let case = mail.clone().check(host("/n")).case(&format!("host-{slug}"), comment);
        file.push(errs(case.req("CK-36").req("CK-38"), "good-host"));
        let comment = format!("{comment}: `arg` of it is good");
        file.push(mail.check(asks(arg("/n"))).case(&format!("host-{slug}-arg"), &comment).req("CK-36"));
    }
    for (slug, comment, value) in [
        ("number", "a number under a declared name", "1"),
        ("bad-element", "one element of two that does not parse", r#"["/a","/a/../b"]"#),
    ] {
        let mail = Mail::json(format!(r#"{{"n":{value}}}"#)).path("/n");
        let case = mail.clone().check(path("/n")).case(&format!("path-{slug}"), comment);
        file.push(errs(case.req("CK-36").req("CK-39"), "good-path"));
        let comment = format!("{comment}: `arg` of it is good");
        file.push(mail.check(asks(arg("/n"))).case(&format!("path-{slug}-arg"), &comment).req("CK-36"));
    }
    let is = |name: &str, host: &str| {
        let other = v("host").ne(lit(host));
        reject_if(query([pred("arg_host", [string(name), var("host")])], [other]))
    };
    let query_url = |url: &str| {
        Mail::new()
            .to(&format!("/mail/out?u={url}"))
            .url("query.u")
            .checks([has("query.u"), is("query.u", "a.example")])
    };
    file.push(query_url("https://a.example/").case("host-query", "a URL in a query parameter").req("CK-38"));
    file.push(
        query_url("https%3A%2F%2Fa.example%2F").case("host-query-escaped", "its escapes are decoded").req("CK-38"),
    );
    file.push(errs(
        query_url("https%253A%2F%2Fa.example%2F").case("host-query-twice", "once only").req("CK-38"),
        "host-query-escaped",
    ));
    file.push(errs(query_url("a.example").case("host-query-bad", "no URL in it").req("CK-38"), "host-query"));
    let box_path = |value: &str| {
        let other = v("path").ne(lit(value));
        let check = reject_if(query([pred("arg_path", [string("path.box"), var("path")])], [other]));
        Mail::new().path("path.box").check(check)
    };
    file.push(box_path("out").case("path-parameter", "a path in a path parameter").req("CK-39"));
    file.push(box_path("in").case("path-parameter-other", "another one").req("CK-39").deny(
        11,
        "check_failed",
        "checks/path-parameter",
    ));
}

/// Amounts around a limit.
fn limits(file: &mut File) {
    let at_most = |limit: i64| reject_if(query([arg("/amount")], [v("value").gt(num(limit))]));
    let pays = |value: &str, limit: i64| {
        Mail::json(format!(r#"{{"amount":{value}}}"#)).checks([has("/amount"), at_most(limit)])
    };
    let scaled = |value: &str, limit: i64| pays(value, limit).scale("/amount", 2);
    file.push(pays("99999", 99_999).case("limit-at", "the limit itself").req("CK-36"));
    for (slug, value, limit) in [
        ("limit-fraction-past", "99999.5", 99_999),
        ("limit-fraction-below", "99999.5", 100_000),
        ("limit-fraction-whole", "99999.0", 100_000),
        ("limit-exponent", "1e3", 100_000),
        ("limit-null", "null", 99_999),
        ("limit-array-null", "[1,null]", 99_999),
        ("limit-object", r#"{"value":1}"#, 99_999),
    ] {
        let case = pays(value, limit).case(slug, "an amount that is no integer: nobody knows how it is rounded");
        file.push(errs(case.req("CK-36"), "limit-at"));
    }
    let text = pays(r#""1""#, 99_999).case("limit-string", "an amount that is a string");
    file.push(errs(text.req("CK-25"), "limit-at"));
    let over = pays("[1,100000]", 99_999).case("limit-second", "the second of two amounts is over the limit");
    file.push(over.req("CK-23").attack(67).deny(11, "check_failed", "checks/limit-at"));
    file.push(
        pays("99999", 99_999)
            .plan(|plan| plan)
            .to("/mail/out?amount=100000")
            .case("limit-elsewhere", "a query parameter of the same name is another argument")
            .req("CK-29")
            .attack(67),
    );
    file.push(scaled("99999.5", 10_000_000).case("limit-scaled", "99999.5 against 100000, both scaled").req("CK-35"));
    let case = scaled("99999.5", 9_999_900).case("limit-scaled-past", "99999.5 against 99999, both scaled");
    file.push(case.req("CK-35").attack(67).deny(11, "check_failed", "checks/limit-scaled"));
    let case = scaled("100000", 9_999_999).case("limit-scaled-integer", "an integer is scaled too");
    file.push(case.req("CK-35").attack(67).deny(11, "check_failed", "checks/limit-scaled"));
    let case = scaled("99999.995", 10_000_000).case("limit-scaled-digits", "a third digit behind the point");
    file.push(errs(case.req("CK-35").req("CK-36"), "limit-scaled"));
}
