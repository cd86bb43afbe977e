//! Keys of issuers that change while a verifier lives.
#![expect(clippy::unwrap_used, reason = "tests say what went wrong by panicking")]

use countersign::key::SigningKey;
use countersign::request::{Parts, SignRequest};
use countersign::time::UnixTime;
use countersign::token::{Grant, Right, VerifiedChain};
use countersign::verify::{Binding, ConfigError, IssuerKeys, Revocations, Verifier, VerifierBuilder};
use countersign::{Code, Denial};

const NOW: UnixTime = UnixTime(1_795_453_200);
const HUB: &str = "https://hub.example";

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32])
}

fn builder() -> VerifierBuilder {
    Verifier::builder().audience("https://calendar.example.com").authority("calendar.example.com")
}

/// Asks stages 1 to 8 about a request under a token by this root key.
fn check(verifier: &Verifier, root: &SigningKey) -> Result<VerifiedChain, Denial> {
    let token = Grant::new(HUB, "alice@example.com", "calendar-bot", key(2).public())
        .purpose("scheduling")
        .audience("https://calendar.example.com")
        .valid(NOW, NOW.plus(3600))
        .right(Right { r#type: "http", location: "/calendars", action: "GET" })
        .sign(root, &key(3))
        .unwrap()
        .seal()
        .unwrap();
    let fields = SignRequest::new("GET", "https://calendar.example.com/calendars/primary", &token)
        .created(NOW, vec![1; 16])
        .sign(&key(2))
        .unwrap();
    let mut parts = Parts::new("GET", fields.target());
    parts.extend(fields.iter().map(|(name, value)| (name, value.as_bytes())));
    verifier.check(&parts, NOW, &Revocations::default()).map(|proven| proven.chain().clone())
}

fn refusal(verifier: &Verifier, root: &SigningKey) -> (u8, Code, Option<String>) {
    let denial = check(verifier, root).unwrap_err();
    (denial.stage(), denial.code(), denial.under_no_key_of().map(str::to_owned))
}

// spec: VF-4, VF-17, VF-43
#[test]
fn a_key_that_is_taken_away_verifies_nothing_more_remembered_or_not() {
    let (old, new) = (key(1), key(9));
    for cache in [8192, 0] {
        let keys = IssuerKeys::new([old.public()]).unwrap();
        let verifier = builder().live_issuer(HUB, &keys).cache(cache).build().unwrap();
        let unknown = (7, Code::TokenSignature, Some(HUB.to_owned()));
        // Twice, so that with a cache the second comes from it.
        assert!(check(&verifier, &old).is_ok() && check(&verifier, &old).is_ok());
        assert_eq!(refusal(&verifier, &new), unknown);
        keys.replace([old.public(), new.public()]).unwrap();
        assert!(check(&verifier, &old).is_ok() && check(&verifier, &new).is_ok());
        keys.replace([new.public()]).unwrap();
        assert_eq!(refusal(&verifier, &old), unknown);
        assert!(check(&verifier, &new).is_ok());
        keys.replace([]).unwrap();
        assert_eq!(refusal(&verifier, &new), unknown);
        keys.replace([old.public()]).unwrap();
        assert!(check(&verifier, &old).is_ok());
    }
}

// spec: VF-16, VF-43, VF-48
#[test]
fn a_chain_under_a_key_that_was_taken_away_is_not_resumed() {
    let keys = IssuerKeys::new([key(1).public()]).unwrap();
    let verifier = builder().live_issuer(HUB, &keys).build().unwrap();
    let chain = check(&verifier, &key(1)).unwrap();
    let resume = || {
        let resumed = verifier.resume(
            chain.clone(),
            Binding::Ed25519,
            ("https://calendar.example.com", None),
            NOW,
            &Revocations::default(),
        );
        resumed.map(|_| ()).map_err(|denial| (denial.stage(), denial.code()))
    };
    assert_eq!(resume(), Ok(()));
    keys.replace([key(9).public()]).unwrap();
    assert_eq!(resume(), Err((7, Code::TokenSignature)));
}

// spec: VF-4
#[test]
fn a_chain_is_remembered_under_the_key_that_signed_it() {
    for keys in [[1, 9], [9, 1]] {
        let verifier = builder().issuer(HUB, keys.map(|seed| key(seed).public())).build().unwrap();
        for _ in 0..3 {
            assert_eq!(check(&verifier, &key(1)).unwrap().root(), key(1).public());
        }
    }
}

// spec: VF-5, VF-43
#[test]
fn keys_of_one_issuer_are_none_of_another() {
    let (ours, theirs) = (IssuerKeys::new([key(1).public()]).unwrap(), IssuerKeys::new([key(9).public()]).unwrap());
    let verifier = builder().live_issuer(HUB, &ours).live_issuer("https://other.example", &theirs).build().unwrap();
    assert_eq!(refusal(&verifier, &key(9)).1, Code::TokenSignature);
    theirs.replace([key(8).public()]).unwrap();
    assert!(check(&verifier, &key(1)).is_ok());
}

#[test]
fn only_a_token_under_no_key_names_its_issuer() {
    let verifier = builder().issuer("https://other.example", [key(1).public()]).build().unwrap();
    assert_eq!(refusal(&verifier, &key(1)), (5, Code::IssuerUnknown, None));
}

// spec: VF-43
#[test]
fn nine_fixed_keys_are_a_misuse() {
    let keys = |count: u8| (0..count).map(|seed| key(seed).public()).collect::<Vec<_>>();
    assert!(builder().issuer(HUB, keys(8)).build().is_ok());
    assert_eq!(builder().issuer(HUB, keys(9)).build().unwrap_err(), ConfigError::IssuerKeys);
    assert_eq!(builder().issuer(HUB, []).build().unwrap_err(), ConfigError::Issuer);
    let live = IssuerKeys::default();
    assert!(builder().live_issuer(HUB, &live).build().is_ok());
    let twice = builder().issuer(HUB, keys(1)).live_issuer(HUB, &live).build();
    assert_eq!(twice.unwrap_err(), ConfigError::Issuer);
}

#[test]
fn requests_are_verified_while_keys_change() {
    let (old, new) = (key(1), key(9));
    let keys = IssuerKeys::new([old.public()]).unwrap();
    let verifier = builder().live_issuer(HUB, &keys).build().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| (0..100).for_each(|_| assert!(check(&verifier, &old).is_ok())));
        }
        for round in 0..1000 {
            if round % 2 == 0 {
                keys.replace([new.public(), old.public()]).unwrap();
            } else {
                keys.replace([old.public()]).unwrap();
            }
        }
    });
}
