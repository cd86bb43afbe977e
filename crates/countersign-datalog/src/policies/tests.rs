use countersign::key::SigningKey;
use countersign::request::{BodyLength, Parts, SignRequest};
use countersign::time::UnixTime;
use countersign::token::{Delegation, Grant, OpenToken, Right};
use countersign::verify::{Authorized, CostEntry, MemoryReplay, OperationEntry, Operations, Revocations, Verifier};

use super::*;

const NOW: UnixTime = UnixTime(1_795_453_200);

fn key(number: u8) -> SigningKey {
    SigningKey::from_seed(&[number; 32])
}

fn token() -> OpenToken {
    Grant::new("https://hub.example", "alice@example.com", "calendar-bot", key(2).public())
        .purpose("scheduling")
        .audience("https://calendar.example.com")
        .valid(NOW, NOW.plus(3600))
        .right(Right { r#type: "http", location: "/calendars", action: "GET" })
        .delegation_depth(2)
        .sign(&key(1), &key(100))
        .unwrap()
}

/// Sends a request through core, so that policies see what a service's would.
fn authorized(token: &OpenToken, holder: &SigningKey) -> Authorized {
    let token = token.seal().unwrap();
    let fields = SignRequest::new("GET", "https://calendar.example.com/calendars/primary", &token)
        .created(NOW, vec![7; 16])
        .sign(holder)
        .unwrap();
    let verifier = Verifier::builder()
        .audience("https://calendar.example.com")
        .authority("calendar.example.com")
        .issuer("https://hub.example", [key(1).public()])
        .build()
        .unwrap();
    let mut parts = Parts::new("GET", fields.target());
    parts.extend(fields.iter().map(|(name, value)| (name, value.as_bytes())));
    let (revocations, replay) = (Revocations::default(), MemoryReplay::insecure_without_epoch());
    verifier.verify(&parts, b"", NOW, &revocations, &replay, &Operations::http()).unwrap()
}

fn evaluate(text: &str, authorized: &Authorized) -> Result<usize, PolicyDenial> {
    Policies::parse(text).unwrap().evaluate(authorized)
}

#[test]
fn policies_see_every_fact_of_the_vocabulary() {
    let handed_on =
        token().delegate(&Delegation::to("summary-bot", key(3).public())).unwrap().sign(&key(2), &key(101)).unwrap();
    let authorized = authorized(&handed_on, &key(3));
    let (first, second) = (key(2).public(), key(3).public());
    let hex = |key: countersign::key::PublicKey| countersign::to_hex(key.as_bytes());
    let text = format!(
        r#"
        check if time(2026-11-23T17:00:00Z), issued_at(2026-11-23T17:00:00Z), expires(2026-11-23T18:00:00Z);
        check if service("https://calendar.example.com"), audience("https://calendar.example.com");
        check if type("http"), resource("/calendars/primary"), action("GET"), right("http", "/calendars", "GET");
        check if method("GET"), authority("calendar.example.com"), path("/calendars/primary"), binding("ed25519");
        check if issuer("https://hub.example"), user("alice@example.com"), purpose("scheduling");
        check if agent("calendar-bot", hex:{}), delegations(1), delegate(1, "summary-bot", hex:{}), holder(hex:{});
        reject if tool($tool);
        reject if grant($grant);
        allow if true
        "#,
        hex(first),
        hex(second),
        hex(second)
    );
    assert_eq!(evaluate(&text, &authorized), Ok(0));
}

#[test]
fn the_first_policy_that_matches_decides() {
    let authorized = authorized(&token(), &key(2));
    for (text, expected) in [
        ("allow if user(\"alice@example.com\")", Ok(0)),
        ("deny if purpose(\"scheduling\"); allow if true", Err(PolicyDenial::Denied(0))),
        ("allow if true; deny if true", Ok(0)),
        ("allow if user(\"bob@example.com\")", Err(PolicyDenial::NoMatch)),
        ("check if delegations(0); check if method(\"POST\"); allow if true", Err(PolicyDenial::Check(1))),
        ("allow if method($m), $m > 1", Err(PolicyDenial::Evaluation)),
        ("staff(\"alice@example.com\"); trusted($u) <- staff($u), user($u); allow if trusted($u)", Ok(0)),
        (
            "staff(\"bob@example.com\"); trusted($u) <- staff($u), user($u); allow if trusted($u)",
            Err(PolicyDenial::NoMatch),
        ),
    ] {
        assert_eq!(evaluate(text, &authorized), expected, "{text}");
    }
}

#[test]
fn a_rule_that_makes_more_and_more_facts_meets_the_limit() {
    let authorized = authorized(&token(), &key(2));
    let text = "n(0); n($m) <- n($k), $m === $k; allow if true";
    assert_eq!(Policies::parse(text).unwrap_err(), PolicyError::Syntax);
    // Two joined columns of 101 values are past the limit of facts.
    let facts: String = (0..101).map(|n| format!("n({n});")).collect();
    let text = format!("{facts} pair($a, $b) <- n($a), n($b); allow if true");
    assert_eq!(evaluate(&text, &authorized), Err(PolicyDenial::Limit));
}

#[test]
fn refuses_what_could_not_mean_what_it_says() {
    let deep = format!("allow if {}true{}", "(".repeat(4096), ")".repeat(4096));
    let many = "a(1);".repeat(200) + "allow if true";
    for (text, expected) in [
        ("", PolicyError::NoPolicy),
        ("check if user($u)", PolicyError::NoPolicy),
        ("allow if", PolicyError::Syntax),
        ("allow if user({who})", PolicyError::Syntax),
        ("allow if usr($u)", PolicyError::UnknownPredicate),
        ("allow if user($u, $v)", PolicyError::UnknownPredicate),
        ("user(\"mallory\"); allow if true", PolicyError::Reserved),
        ("right($t, \"/\", $a) <- type($t), action($a); allow if true", PolicyError::Reserved),
        ("allow if user($u) trusting previous", PolicyError::Scope),
        ("allow if right($a, $b, $c), right($d, $e, $f), right($g, $h, $i)", PolicyError::Join),
        (&deep, PolicyError::TooLarge),
        (&many, PolicyError::TooLarge),
        (&" ".repeat(70_000), PolicyError::TooLarge),
    ] {
        let text_start: String = text.chars().take(60).collect();
        assert_eq!(Policies::parse(text).unwrap_err(), expected, "{text_start}");
    }
}

/// A request with a JSON body, through core.
fn with_body(body: &str) -> Authorized {
    let (token, entry) = (
        Grant::new("https://hub.example", "alice@example.com", "calendar-bot", key(2).public())
            .purpose("scheduling")
            .audience("https://calendar.example.com")
            .valid(NOW, NOW.plus(3600))
            .right(Right { r#type: "mail", location: "/", action: "send" })
            .sign(&key(1), &key(100))
            .unwrap()
            .seal()
            .unwrap(),
        OperationEntry {
            scales: [("/amount".to_owned(), 2)].into(),
            cost: Some([("cents".to_owned(), CostEntry::Argument("/amount".to_owned()))].into()),
            ..OperationEntry::new("POST", "/mail", "mail", "/mail", "send")
        },
    );
    let fields = SignRequest::new("POST", "https://calendar.example.com/mail?dry=1", &token)
        .created(NOW, vec![7; 16])
        .field("content-type", "application/json")
        .body(body.as_bytes())
        .sign(&key(2))
        .unwrap();
    let verifier = Verifier::builder()
        .audience("https://calendar.example.com")
        .authority("calendar.example.com")
        .issuer("https://hub.example", [key(1).public()])
        .build()
        .unwrap();
    let mut parts = Parts::new("POST", fields.target()).body(BodyLength::Known(body.len() as u64));
    parts.extend(fields.iter().map(|(name, value)| (name, value.as_bytes())));
    let (revocations, replay) = (Revocations::default(), MemoryReplay::insecure_without_epoch());
    let operations = Operations::table([entry]).unwrap();
    verifier.verify(&parts, body.as_bytes(), NOW, &revocations, &replay, &operations).unwrap()
}

#[test]
fn policies_see_arguments_and_costs() {
    let text = r#"
        check all arg("/to", $to), $to.ends_with("@example.com");
        deny if cost("cents", $cents), $cents > 10000;
        deny if arg_present("query.dry"), type("calendar");
        allow if arg("/amount", $amount), $amount >= 100;
    "#;
    let code = |body: &str| evaluate(text, &with_body(body));
    assert_eq!(code(r#"{"to":["a@example.com","b@example.com"],"amount":100}"#), Ok(2));
    assert_eq!(code(r#"{"to":["a@example.com","b@evil.example"],"amount":100}"#), Err(PolicyDenial::Check(0)));
    assert_eq!(code(r#"{"to":"a@example.com","amount":100.01}"#), Err(PolicyDenial::Denied(0)));
    assert_eq!(code(r#"{"to":"a@example.com","amount":0.99}"#), Err(PolicyDenial::NoMatch));
}

#[test]
fn what_has_no_one_reading_is_refused_where_policies_ask_for_arguments() {
    let asks = r#"deny if arg("/amount", $amount), $amount > 10000; allow if true"#;
    for body in [r#"{"amount":null}"#, r#"{"amount":0.001}"#, r#"{"to":[{}]}"#, "[1]"] {
        assert_eq!(evaluate(asks, &with_body(body)), Err(PolicyDenial::Arguments), "{body}");
        assert_eq!(evaluate("allow if true", &with_body(body)), Ok(0), "{body}");
    }
}

#[test]
fn arguments_are_joined_with_nothing_that_has_many() {
    let join = r#"allow if arg("/a", $a), right($t, $l, $a)"#;
    assert_eq!(Policies::parse(join).unwrap_err(), PolicyError::Join);
    assert_eq!(Policies::parse(r#"allow if arg("/a", $a), arg("/b", $a)"#).unwrap_err(), PolicyError::Join);
    assert!(Policies::parse(r#"allow if arg("/a", $a), user($a)"#).is_ok());
}
