//! What becomes a fact, what poisons a name, and what counts as not extracted.

use super::*;

fn run(path: &[(&str, &str)], query: Option<&str>, body: Option<&str>, declared: &Declarations) -> Arguments {
    let value = body.map(|body| Value::parse(body.as_bytes()).unwrap());
    let body = match value.as_ref().map(Value::as_object) {
        None => Body::None,
        Some(None) => Body::Other,
        Some(Some(object)) => Body::Object(object),
    };
    extract(path.iter().copied(), query, body, declared).unwrap()
}

fn facts(arguments: &Arguments) -> Vec<String> {
    let fact = |(predicate, name, value): (&str, &str, Option<&Scalar>)| match value {
        None => format!("{predicate}({name})"),
        Some(Scalar::Str(text)) => format!("{predicate}({name}, \"{text}\")"),
        Some(Scalar::Integer(number)) => format!("{predicate}({name}, {number})"),
        Some(Scalar::Bool(value)) => format!("{predicate}({name}, {value})"),
    };
    arguments.iter().map(fact).collect()
}

fn declared(urls: &[&str], paths: &[&str], scales: &[(&str, u8)]) -> Declarations {
    let strings = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Declarations {
        urls: strings(urls),
        paths: strings(paths),
        scales: scales.iter().map(|(name, digits)| ((*name).to_owned(), *digits)).collect(),
    }
}

// spec: CK-29, CK-30, CK-32, CK-34
#[test]
fn facts_come_in_one_order() {
    let body = r#"{"b":{"x~/":1,"y":[true,"t","t"]},"a":-5,"":"empty"}"#;
    let arguments = run(&[("id", "a%20b")], Some("q=1+2&r&q=1%202&&=v"), Some(body), &Declarations::default());
    assert_eq!(
        facts(&arguments),
        [
            "arg(path.id, \"a b\")",
            "arg(query.q, \"1 2\")",
            "arg(query.r, \"\")",
            "arg(query., \"v\")",
            "arg(/b/x~0~1, 1)",
            "arg(/b/y, true)",
            "arg(/b/y, \"t\")",
            "arg(/a, -5)",
            "arg(/, \"empty\")",
            "arg_present(path.id)",
            "arg_present(query.q)",
            "arg_present(query.r)",
            "arg_present(query.)",
            "arg_present(/b)",
            "arg_present(/b/x~0~1)",
            "arg_present(/b/y)",
            "arg_present(/a)",
            "arg_present(/)",
        ]
    );
}

// spec: CK-30
#[test]
fn refuses_escapes_that_do_not_decode() {
    for query in ["q=%", "q=%4", "q=%zz", "%ff=1", "q=%C3", "q=%+1", "a=1&b=%E2%82"] {
        let outcome = extract([], Some(query), Body::None, &Declarations::default());
        assert_eq!(outcome.err(), Some(Ambiguous), "{query}");
    }
    assert!(extract([("id", "%ff")], None, Body::Other, &Declarations::default()).is_err());
}

// spec: CK-28
#[test]
fn a_body_that_is_no_object_leaves_nothing_extracted() {
    let none = Declarations::default();
    assert!(!run(&[("id", "a")], Some("q=1"), Some("[1]"), &none).is_extracted());
    assert!(run(&[], None, None, &none).is_extracted());
    assert!(run(&[], None, Some("{}"), &none).is_extracted());
}

// spec: CK-36
#[test]
fn what_has_no_one_reading_poisons_its_name() {
    let two = declared(&[], &[], &[("/s", 2)]);
    for (body, arg, present) in [
        (r#"{"a":1}"#, true, true),
        (r#"{"a":[1,"x",false]}"#, true, true),
        (r#"{"a":null}"#, false, true),
        (r#"{"a":1.0}"#, false, true),
        (r#"{"a":1e2}"#, false, true),
        (r#"{"a":{}}"#, false, true),
        (r#"{"a":[]}"#, false, true),
        (r#"{"a":[1,null]}"#, false, true),
        (r#"{"a":[1,2.5]}"#, false, true),
        (r#"{"a":[[]]}"#, false, false),
        (r#"{"a":[1,{"b":2}]}"#, false, false),
    ] {
        let arguments = run(&[], None, Some(body), &two);
        assert_eq!(
            (arguments.values_of("/a").is_some(), arguments.present_for("/a").is_some()),
            (arg, present),
            "{body}"
        );
        assert_eq!(arguments.all_present().is_some(), present, "{body}");
        assert!(arguments.values_of("/b").is_some(), "{body}");
    }
    for (body, value) in [
        (r#"{"s":100}"#, Some(10_000)),
        (r#"{"s":99999.5}"#, Some(9_999_950)),
        (r#"{"s":1.50}"#, Some(150)),
        (r#"{"s":1e2}"#, Some(10_000)),
        (r#"{"s":1.505}"#, None),
        (r#"{"s":9007199254740991}"#, None),
    ] {
        let arguments = run(&[], None, Some(body), &two);
        assert_eq!(arguments.only("/s"), value.map(Scalar::Integer).as_ref(), "{body}");
        assert_eq!(arguments.values_of("/s").is_some(), value.is_some(), "{body}");
    }
}

// spec: CK-37, CK-38, CK-39
#[test]
fn urls_and_paths_are_what_the_service_declared() {
    let both = declared(&["/url", "query.u"], &["/file"], &[]);
    let good = r#"{"url":["https://A.example/x","http://b.example"],"file":"/docs/a","other":"https://c.example"}"#;
    let arguments = run(&[], Some("u=https%3A%2F%2Fq.example"), Some(good), &both);
    let derived: Vec<String> = facts(&arguments)
        .into_iter()
        .filter(|fact| fact.starts_with("arg_host") || fact.starts_with("arg_path"))
        .collect();
    assert_eq!(
        derived,
        [
            "arg_host(query.u, \"q.example\")",
            "arg_host(/url, \"a.example\")",
            "arg_host(/url, \"b.example\")",
            "arg_path(/file, \"/docs/a\")",
        ]
    );
    assert!(
        arguments.hosts_of("/url").is_some()
            && arguments.hosts_of("/file").is_none()
            && arguments.hosts_of("/other").is_none()
    );
    for bad in
        [r#"{"url":"https://u@a.example"}"#, r#"{"url":["https://a.example",1]}"#, r#"{"url":true}"#, r#"{"url":null}"#]
    {
        let arguments = run(&[], None, Some(bad), &both);
        assert!(arguments.hosts_of("/url").is_none(), "{bad}");
        assert_eq!(arguments.values_of("/url").is_some(), !bad.contains("null"), "{bad}");
    }
    assert!(run(&[], None, Some(r#"{"file":"/a/../b"}"#), &both).paths_of("/file").is_none());
    assert!(run(&[], None, None, &both).paths_of("/file").is_some_and(|(facts, _)| facts.is_empty()));
}

// spec: CK-33, CK-43
#[test]
fn past_the_limits_nothing_is_extracted() {
    let none = Declarations::default();
    let extracted = |body: &str| run(&[], None, Some(body), &none).is_extracted();
    let array = |count: usize| ["{\"a\":[", &vec!["1"; count].join(","), "]}"].concat();
    assert!(extracted(&array(1024)) && !extracted(&array(1025)));
    let members = |count: usize| {
        let members: Vec<String> = (0..count).map(|index| format!("\"m{index}\":{{}}")).collect();
        ["{", &members.join(","), "}"].concat()
    };
    assert!(extracted(&members(1024)) && !extracted(&members(1025)));
    let text = |length: usize| ["{\"a\":\"", &"é".repeat(length / 2), "\"}"].concat();
    assert!(extracted(&text(4096)) && !extracted(&text(4098)));
    let name = |length: usize| ["{\"", &"n".repeat(length), "\":1}"].concat();
    assert!(extracted(&name(4095)) && !extracted(&name(4096)));
}

/// Whatever Unicode's simple case folding takes for the same, which is what parsers that are deaf to case go by, has one
/// folded form. Sequences by another library.
// spec: CK-44
#[test]
fn all_that_case_folding_joins_has_one_folded_form() {
    use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};
    let one = |c: char| folded(c.encode_utf8(&mut [0; 4]));
    let mut joined = 0;
    for c in '\0'..=char::MAX {
        let mut class = ClassUnicode::new([ClassUnicodeRange::new(c, c)]);
        class.case_fold_simple();
        for other in class.iter().flat_map(|range| range.start()..=range.end()).filter(|other| *other != c) {
            assert_eq!(one(c), one(other), "{c:?} {other:?}");
            joined += 1;
        }
    }
    assert!(joined > 2_800, "{joined}");
    // Standard libraries that compare by lower case, or by upper case, join no more.
    for c in '\0'..=char::MAX {
        let (lower, upper): (String, String) = (c.to_lowercase().collect(), c.to_uppercase().collect());
        assert_eq!(one(c), folded(&upper), "{c:?}");
        assert_eq!(one(c), folded(&lower), "{c:?}");
    }
}
