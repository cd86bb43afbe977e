//! All vectors: the verdict is the library's, and each code has advice of its own.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use countersign::Denial;
use countersign::from_base64url;
use countersign::request::Message;
use countersign::time::UnixTime;
use countersign::verify::{Approvals, MemoryCharges, MemoryReplay, ReplayStore as _};
use countersign_testkit::format::{Config, Vector};
use countersign_testkit::runner;
use countersign_testkit::setup::Setup;
use serde_json::{Value, json};

use crate::common::Shell;
use crate::{URL, secrets, sign, tells};

fn toml_of(config: &Config) -> String {
    let list = |texts: &[String]| serde_json::to_string(texts).unwrap();
    let text = |text: &str| serde_json::to_string(text).unwrap();
    let mut toml = format!("audience = {}\nauthorities = {}\n", list(&config.audience), list(&config.authorities));
    if let Some(operations) = &config.operations {
        let rows: Vec<String> = operations.iter().map(|row| toml::Value::try_from(row).unwrap().to_string()).collect();
        writeln!(toml, "operations = [{}]", rows.join(", ")).unwrap();
    }
    for issuer in &config.issuers {
        write!(toml, "[[issuers]]\nissuer = {}\nkeys = {}\n", text(&issuer.issuer), list(&issuer.keys)).unwrap();
    }
    if let Some(bytes) = config.max_body_bytes {
        write!(toml, "[limits]\nmax_body_bytes = {bytes}\n").unwrap();
    }
    toml
}

/// The library's own verdict.
fn verdict(vector: &Vector, message: &Message<'_>) -> Result<(), Denial> {
    let setup = Setup::of(vector);
    let proven = setup.verifier.check(message.parts(), setup.now, &setup.revocations)?;
    if message.has_trailers() {
        return Err(proven.trailers());
    }
    let mut hasher = proven.hasher();
    hasher.update(message.body());
    let claim = proven.body(hasher.finish())?;
    let outcome = MemoryReplay::insecure_without_epoch().record(claim.entry(), setup.now);
    let charges = claim.recorded(outcome)?.map(&setup.operations, message.body(), &Approvals::none())?;
    charges.charge_with(&MemoryCharges::insecure_without_epoch(), setup.now).map(drop)
}

#[test]
fn agrees_with_the_verifier_over_all_vectors_and_has_advice_for_each_code() {
    let vectors = runner::load(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../test-vectors"))).unwrap();
    let shell = Shell::new();
    let (mut codes, mut told, mut left) = (BTreeSet::new(), 0, 0);
    for vector in &vectors {
        // Doctor sees one request, and has no list of revocations.
        if !vector.input.before.is_empty() || !vector.input.before_denied.is_empty() || vector.input.revoked.is_some() {
            left += 1;
            continue;
        }
        let request = from_base64url(&vector.input.request_b64u).unwrap();
        let message = Message::parse(&request).unwrap();
        let message = match &vector.input.authority {
            Some(authority) => message.with_authority(authority),
            None => message,
        };
        let expected = verdict(vector, &message).err();
        shell.write("verifier.toml", toml_of(&vector.input.config));
        shell.write("request", &request);
        let now = UnixTime(vector.input.now.try_into().unwrap()).to_string();
        let mut args = vec!["--now", now.as_str(), "doctor", "verifier.toml", "request", "--json"];
        if let Some(authority) = &vector.input.authority {
            args.extend(["--authority", authority]);
        }
        let ran = shell.run(&args);
        let report: Value = serde_json::from_str(ran.text()).unwrap();
        let refused = &report["refused"];
        told += 1;
        for secret in secrets(&request) {
            assert!(!tells(ran.text(), &secret), "{}: {}", vector.id, ran.text());
        }
        assert!(!ran.text().contains("ed25519/"), "{}: {}", vector.id, ran.text());
        let Some(expected) = expected else {
            assert_eq!((ran.code, refused), (0, &Value::Null), "{}", vector.id);
            continue;
        };
        let (stage, code) = (json!(expected.stage()), json!(expected.code().as_str()));
        assert_eq!((ran.code, &refused["stage"], &refused["code"]), (1, &stage, &code), "{}", vector.id);
        codes.insert(expected.code().as_str());
        // Advice of its own for each, and something seen.
        assert_ne!(refused["passes"], "see spec/errors.md for what this code means", "{}: {refused:#}", vector.id);
        assert!(refused["sender"].is_string() || refused["operator"].is_string(), "{}: {refused:#}", vector.id);
        assert!(!refused["seen"].as_array().unwrap().is_empty(), "{}: {refused:#}", vector.id);
    }
    println!("{told} vectors explained, {} codes; {left} left out, which need a store or a list", codes.len());
    assert!(told > 300 && codes.len() > 30, "{told} {codes:?}");
}

#[test]
fn agrees_with_verify_over_altered_requests() {
    let (shell, _) = Shell::service();
    shell.write("event.json", br#"{"title":"Review"}"#);
    let body = ["-H", "content-type: application/json", "-H", "x-note: a", "--body", "event.json"];
    let request = sign(&shell, &[&["--token", "@token", "POST", URL], body.as_slice()].concat());
    let (mut explained, mut misused) = (0, 0);
    for at in (0..request.len()).step_by(5) {
        let mut altered = request.clone();
        altered[at] ^= 1 << (at % 8);
        shell.write("request", &altered);
        let verified = shell.at_now(&["verify", "--config", "verifier.toml", "request"]);
        let ran = shell.at_now(&["doctor", "verifier.toml", "request", "--json"]);
        assert_eq!(ran.code, verified.code, "byte {at}: {ran:?}");
        if ran.code == 2 {
            misused += 1;
            continue;
        }
        let report: Value = serde_json::from_str(ran.text()).unwrap();
        let decision: Value = serde_json::from_str(verified.text()).unwrap();
        let refused = (&report["refused"]["stage"], &report["refused"]["code"]);
        assert_eq!(refused, (&decision["stage"], &decision["code"]), "byte {at}");
        for secret in secrets(&request) {
            assert!(!tells(ran.text(), &secret), "byte {at}: {}", ran.text());
        }
        assert!(!ran.text().trim_end().contains(char::is_control), "byte {at}");
        explained += 1;
    }
    println!("{explained} altered requests explained, {misused} no message any more");
    assert!(explained > 100);
}
