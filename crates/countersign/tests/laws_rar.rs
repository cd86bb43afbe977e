//! Laws of authorization details over generated ones (`spec/rar.md`).
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "tests say what went wrong by panicking"
)]

use std::collections::BTreeSet;

use countersign::key::SigningKey;
use countersign::rar::{AuthorizationDetails, ErrorKind, MaxDuration, Request, Requested, Resource};
use countersign::time::UnixTime;
use countersign::token::{self, Grant, OpenToken, Restriction, Right, TokenError};
use countersign::verify::Operation;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::Config;
use serde_json::{Value, json};

const NOW: UnixTime = UnixTime(1_795_453_200);

fn key(number: u8) -> SigningKey {
    SigningKey::from_seed(&[number; 32])
}

fn grant() -> Grant {
    Grant::new("https://hub.example", "alice", "bot", key(2).public()).delegation_depth(1)
}

fn mint(requested: &Requested) -> Result<OpenToken, TokenError> {
    requested.apply(grant(), NOW).sign(&key(1), &key(3))
}

fn parse(details: &Value) -> AuthorizationDetails {
    AuthorizationDetails::parse(details.to_string().as_bytes()).unwrap_or_else(|error| panic!("{error}: {details}"))
}

/// Purpose, duration and audience behind each right, by the plainest reading of the text: one entry for each location and
/// action of each detail.
type Asked = BTreeSet<(String, String, u64, [String; 3])>;

fn asked(details: &Value, resource: Option<&str>) -> Asked {
    let strings = |value: &Value| -> Vec<String> {
        value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
    };
    let mut asked = Asked::new();
    for detail in details.as_array().unwrap() {
        let text = |name: &str, default: &str| detail[name].as_str().unwrap_or(default).to_owned();
        let seconds = match text("max_duration", "PT1H").as_str() {
            "PT1H" | "1h" | "PT60M" => 3_600,
            "P1D" | "24h" => 86_400,
            "PT1H30M" | "5400s" => 5_400,
            other => panic!("{other}"),
        };
        for location in strings(&detail["locations"]) {
            let (origin, path) = match location.strip_prefix("https://").and_then(|rest| rest.find('/')) {
                Some(slash) => location.split_at(slash + "https://".len()),
                None => ("", location.as_str()),
            };
            for action in strings(&detail["actions"]) {
                let audience = resource.unwrap_or(origin).to_owned();
                let right = [text("type", ""), path.to_owned(), action];
                asked.insert((audience, text("purpose", "default"), seconds, right));
            }
        }
    }
    asked
}

fn granted(requested: &[Requested]) -> Asked {
    let mut granted = Asked::new();
    for token in requested {
        for right in token.rights() {
            let right = [right.r#type, right.location, right.action].map(str::to_owned);
            let (audience, purpose) = (token.audience().to_owned(), token.purpose().to_owned());
            assert!(granted.insert((audience, purpose, token.max_duration().seconds(), right)), "a right twice");
        }
    }
    granted
}

fn request(resource: Option<&str>) -> Request {
    let request = resource.map_or_else(Request::default, |text| Request::for_resource(Resource::parse(text).unwrap()));
    request.purpose("default").max_duration("1h".parse().unwrap())
}

const HERE: &str = "https://a.example";
const URLS: [&str; 5] = [
    "https://a.example/",
    "https://a.example/x",
    "https://a.example/x/y%20z",
    "https://b.example/x",
    "https://a.example:8443/x/",
];
const AT_HERE: [&str; 6] = ["/", "/x", "/x/", "server/tool", "https://a.example/x", "https://a.example/x/"];

fn details(locations: &'static [&'static str]) -> impl Strategy<Value = Value> {
    let word = |words: &'static [&'static str]| select(words);
    let detail = (
        word(&["calendar", "mail", "ü"]),
        vec(word(locations), 1..4),
        vec(word(&["read", "write", "send \"now\""]), 1..4),
        option::of(word(&["scheduling", "billing", "default"])),
        option::of(word(&["PT1H", "1h", "PT60M", "P1D", "24h", "PT1H30M", "5400s"])),
    );
    let detail = detail.prop_map(|(kind, locations, actions, purpose, duration)| {
        let mut detail = json!({"type": kind, "locations": locations, "actions": actions});
        if let Some(purpose) = purpose {
            detail["purpose"] = purpose.into();
        }
        if let Some(duration) = duration {
            detail["max_duration"] = duration.into();
        }
        detail
    });
    vec(detail, 1..8).prop_map(Value::Array)
}

/// Details, and the resource that they are asked for.
fn asking() -> impl Strategy<Value = (Value, Option<&'static str>)> {
    let path = Just(Some("https://a.example/x"));
    prop_oneof![
        (details(&URLS), Just(None)),
        (details(&AT_HERE), Just(Some(HERE))),
        (details(&AT_HERE), Just(Some("https://a.example/"))),
        (details(&["/", "/x", "server/tool", "https://a.example/x", "https://a.example/x/y"]), path),
    ]
}

proptest! {
    #![proptest_config(Config::with_cases(512))]

    // spec: RA-9, RA-12, RA-13, RA-18, RA-19, RA-20
    #[test]
    fn tokens_grant_exactly_what_was_asked_and_are_the_fewest((details, resource) in asking()) {
        let requested = parse(&details).grants(&request(resource)).unwrap();
        let asked = asked(&details, resource);
        prop_assert_eq!(&granted(&requested), &asked);
        let triples: BTreeSet<_> = asked.iter().map(|(audience, purpose, seconds, _)| (audience, purpose, seconds)).collect();
        prop_assert_eq!(requested.len(), triples.len());
    }

    // spec: RA-23
    #[test]
    fn order_says_nothing((details, resource) in asking(), by in any::<prop::sample::Index>()) {
        let mut other = details.clone();
        let array = other.as_array_mut().unwrap();
        let middle = by.index(array.len());
        array.rotate_left(middle);
        for detail in array {
            detail["locations"].as_array_mut().unwrap().reverse();
            detail["actions"].as_array_mut().unwrap().reverse();
        }
        let request = request(resource);
        let (one, two) = (parse(&details).grants(&request).unwrap(), parse(&other).grants(&request).unwrap());
        prop_assert_eq!(&one, &two);
        for (one, two) in one.iter().zip(&two) {
            prop_assert_eq!(one.rights().collect::<Vec<_>>(), two.rights().collect::<Vec<_>>());
        }
    }

    // spec: RA-24, RA-25, RA-26, RA-31
    #[test]
    fn there_and_back_is_the_same((details, resource) in asking()) {
        for requested in parse(&details).grants(&request(resource)).unwrap() {
            let token = mint(&requested).unwrap();
            let claims = token.claims();
            prop_assert_eq!(claims.issued_at(), NOW);
            prop_assert_eq!(claims.expires(), NOW.plus(requested.max_duration().seconds()));
            prop_assert_eq!(claims.checks(0).len(), 1);
            let text = AuthorizationDetails::of(claims).unwrap().to_json();
            let back = AuthorizationDetails::parse(text.as_bytes()).unwrap();
            prop_assert_eq!(back.to_json(), text);
            let audience = Resource::parse(claims.audience()).unwrap();
            prop_assert_eq!(back.grants(&Request::for_resource(audience)).unwrap(), vec![requested.clone()]);
            let paths = requested.rights().all(|right| right.location.starts_with('/'));
            match back.grants(&Request::default()) {
                Ok(alone) => prop_assert_eq!(alone, vec![requested]),
                Err(error) => {
                    prop_assert_eq!(error.kind(), ErrorKind::NoResource);
                    prop_assert!(!paths || claims.audience() != HERE);
                }
            }
        }
    }

    // spec: RA-28
    #[test]
    fn what_would_have_been_enough_is_enough(
        resource in select(&["/", "/x", "/x/y%20z/", "server/tool"][..]),
        service in select(&[HERE, "https://a.example/", "https://a.example/v1"][..]),
    ) {
        let operation = Operation::new("calendar", resource, "read");
        let text = AuthorizationDetails::sufficient(&operation, service).unwrap().to_json();
        let requested = AuthorizationDetails::parse(text.as_bytes()).unwrap().grants(&request(Some(service))).unwrap();
        prop_assert_eq!(requested.len(), 1);
        prop_assert_eq!(requested[0].audience(), service);
        let right = Right { r#type: "calendar", location: resource, action: "read" };
        prop_assert_eq!(requested[0].rights().collect::<Vec<_>>(), vec![right]);
    }
}

/// Rights that no details ask for: made by an issuer that mints by hand.
// spec: RA-27
#[test]
fn tokens_that_no_details_ask_for_have_none() {
    let of = |purpose: &str, right: Right<'_>, expires: UnixTime| {
        let grant = grant().audience(HERE).purpose(purpose).valid(NOW, expires).right(right);
        let token = grant.sign(&key(1), &key(3)).unwrap();
        AuthorizationDetails::of(token.claims()).map_err(|error| error.kind())
    };
    let right = Right { r#type: "calendar", location: "/x", action: "read" };
    let hour = NOW.plus(3_600);
    assert!(of("p", right, hour).is_ok());
    assert_eq!(of("", right, hour), Err(ErrorKind::Value));
    assert_eq!(of("a\nb", right, hour), Err(ErrorKind::Value));
    assert_eq!(of("p", Right { r#type: "", ..right }, hour), Err(ErrorKind::Value));
    assert_eq!(of("p", Right { action: "\u{85}", ..right }, hour), Err(ErrorKind::Value));
    for location in ["", "//x", "/x?y", "/%2e", "https://a.example/x"] {
        assert_eq!(of("p", Right { location, ..right }, hour), Err(ErrorKind::Location), "{location}");
    }
    assert_eq!(of("p", right, NOW), Err(ErrorKind::Duration));
    assert_eq!(of("p", right, UnixTime(NOW.0 - 1)), Err(ErrorKind::Duration));
    let refused = |operation: &Operation| AuthorizationDetails::sufficient(operation, HERE).unwrap_err().kind();
    assert_eq!(refused(&Operation::new("http", "//x", "GET")), ErrorKind::Location);
    assert_eq!(refused(&Operation::new("", "/x", "GET")), ErrorKind::Value);
}

/// The lifetime is that of the whole chain; its other checks have no member.
// spec: RA-25
#[test]
fn a_narrowed_token_tells_its_effective_expiry() {
    let details = parse(&json!([{"type": "calendar", "locations": ["https://a.example/x"], "actions": ["read"]}]));
    let token = mint(&details.grants(&request(None)).unwrap()[0]).unwrap();
    let restrictions = [Restriction::ExpiresBy(NOW.plus(600)), Restriction::Actions(vec!["write".to_owned()])];
    let narrowed = token.restrict(&restrictions, &key(4)).unwrap();
    let expected = r#"[{"actions":["read"],"locations":["https://a.example/x"],"max_duration":"PT10M","purpose":"default","type":"calendar"}]"#;
    assert_eq!(AuthorizationDetails::of(narrowed.claims()).unwrap().to_json(), expected);
}

/// The details of every token are short enough to be read, whatever its strings.
// spec: RA-2, RA-3, RA-31
#[test]
fn the_largest_token_is_read_back() {
    let (mut longest, purpose) = (0, "\"".repeat(1_024));
    for len in [1, 50, 100, 150, 200, 250, 1_023] {
        let mut grant = grant().audience(HERE).purpose(&purpose).valid(NOW, NOW.plus(1));
        for number in 0..128_u8 {
            // For each type, each location has an action of its own: no detail says two rights, and each says the purpose.
            let kind = format!("{}{}", "\\".repeat(len), number / 16);
            let (location, action) = (format!("/{}", number % 16), format!("{}", number % 16));
            grant = grant.right(Right { r#type: &kind, location: &location, action: &action });
        }
        let token = match grant.sign(&key(1), &key(3)) {
            Ok(token) => token,
            Err(error) => {
                assert!(matches!(error.kind(), token::ErrorKind::Decode(_)));
                continue;
            }
        };
        let details = AuthorizationDetails::of(token.claims()).unwrap();
        assert_eq!(details.to_value().as_array().unwrap().len(), 128);
        let text = details.to_json();
        let back = AuthorizationDetails::parse(text.as_bytes()).unwrap().grants(&Request::default()).unwrap();
        assert_eq!((back.len(), back[0].rights().count()), (1, 128));
        longest = longest.max(text.len());
    }
    // Far beyond what a request has, and within the limit.
    assert!(longest > 200_000, "{longest}");
}

// spec: RA-24
#[test]
fn a_token_that_would_end_after_9999_is_not_minted() {
    let details =
        parse(&json!([{"type": "t", "locations": ["https://a.example/x"], "actions": ["read"], "purpose": "p"}]));
    let asked = Request::default().max_duration(MaxDuration::LONGEST);
    let requested = &details.grants(&asked).unwrap()[0];
    assert!(requested.apply(grant(), UnixTime(0)).sign(&key(1), &key(3)).is_ok());
    assert!(mint(requested).is_err());
}

/// Work and memory stay in proportion to what may come out.
// spec: RA-2, RA-21, RA-22
#[test]
fn refuses_products_before_they_are_made() {
    let texts = |number: usize, prefix: &str| (0..number).map(|n| format!("{prefix}{n}")).collect::<Vec<_>>();
    let refused = |details: &Value, resource| parse(details).grants(&request(resource)).unwrap_err().kind();
    let many = json!([{"type": "t", "locations": texts(40_000, "/"), "actions": texts(40_000, "a")}]);
    assert_eq!(refused(&many, Some(HERE)), ErrorKind::Rights);
    let hosts: Vec<String> = texts(20_000, "https://h").into_iter().map(|host| format!("{host}.example/")).collect();
    assert_eq!(refused(&json!([{"type": "t", "locations": hosts, "actions": ["a"]}]), None), ErrorKind::Tokens);
    let long = [b"[".to_vec(), vec![b' '; countersign::rar::MAX_TEXT], b"]".to_vec()].concat();
    assert_eq!(AuthorizationDetails::parse(&long).unwrap_err().kind(), ErrorKind::TooLong);
}
