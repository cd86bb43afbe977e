//! An issuer: from authorization details to a token, with the root key elsewhere, and the list that takes it back.
//!
//!     cargo run -p countersign --example issuer
//!
//! What is random in production comes from fixed seeds here, so that every run prints the same.

use countersign::json::Value;
use countersign::key::{PublicKey, Signature, SigningKey};
use countersign::rar::{AuthorizationDetails, Request, Resource};
use countersign::revocation::{Entries, RevocationList, UnsignedList};
use countersign::time::UnixTime;
use countersign::token::{Grant, OpenToken, TokenError};

const ISSUER: &str = "https://hub.example";
const NOW: UnixTime = UnixTime(1_795_453_200);

/// A key that can only sign: a KMS, a hardware module, another process.
struct RootKey(SigningKey);

impl RootKey {
    fn public(&self) -> PublicKey {
        self.0.public()
    }

    fn sign(&self, payload: &[u8]) -> Signature {
        self.0.sign(payload)
    }
}

/// Signs in two halves: the bytes leave, the signature comes back.
fn mint(root: &RootKey, grant: &Grant, next: &SigningKey) -> Result<OpenToken, TokenError> {
    let unsigned = grant.prepare(next)?;
    let signature = root.sign(unsigned.payload());
    unsigned.complete(signature, root.public())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = RootKey(SigningKey::from_seed(&[1; 32]));
    let agent = SigningKey::from_seed(&[2; 32]).public();
    let fresh = |seed: u8| SigningKey::from_seed(&[seed; 32]);

    // An agent's client asks for two things for one purpose and a third for another (RFC 9396), at one resource (RFC 8707).
    let asked = br#"[
        {"type": "calendar", "locations": ["/calendars/primary"], "actions": ["read", "write"],
         "purpose": "scheduling", "max_duration": "1h"},
        {"type": "contacts", "locations": ["/contacts"], "actions": ["read"], "purpose": "scheduling", "max_duration": "1h"},
        {"type": "calendar", "locations": ["/calendars/work"], "actions": ["read"], "purpose": "billing", "max_duration": "10m"}
    ]"#;
    let details = AuthorizationDetails::parse(asked)?;
    let request = Request::for_resource(Resource::parse("https://calendar.example.com")?);

    // The user said yes to all of it. Two purposes, so two tokens.
    let mut tokens = Vec::new();
    for (requested, seed) in details.grants(&request)?.iter().zip(10..) {
        let grant = Grant::new(ISSUER, "u_7f3a", "calendar-bot", agent)
            .grant("g-19c2")
            .budget("daily", "calls", 100, 86_400)
            .delegation_depth(1);
        let token = mint(&root, &requested.apply(grant, NOW), &fresh(seed))?;
        println!("for {}, until {}:", token.claims().purpose(), token.claims().expires());
        for right in token.claims().rights() {
            println!("  {} {} {}", right.action, right.r#type, right.location);
        }
        // What a token says, as the details that would ask for it again.
        println!("  {}", AuthorizationDetails::of(token.claims())?.to_json());
        tokens.push(token);
    }

    // The user takes the permission back: both tokens end, and whatever was handed on from them.
    let mut entries = Entries::default();
    entries.revoke_grant("g-19c2");
    let list = UnsignedList::new(ISSUER, 1, NOW, NOW.plus(3600), entries)?;
    let signature = root.sign(list.payload());
    let list = list.complete(signature, root.public())?;
    let read = RevocationList::verify(list.text(), ISSUER, &[root.public()])?;
    println!(
        "list {} revokes {} and is fresh until {}",
        read.number(),
        Value::Array(read.entries().grants().iter().map(|grant| Value::from(grant.as_str())).collect(),).to_jcs(),
        read.next()
    );
    Ok(())
}
