//! What no vector can show and no other test did: found by `test-vectors/knockout`.
#![expect(clippy::unwrap_used, reason = "tests say what went wrong by panicking")]

use countersign::jsonrpc::{Message, SignMessage};
use countersign::key::{KeyId, PublicKey, SigningKey};
use countersign::request::{Parts, SignRequest, SignedFields};
use countersign::time::UnixTime;
use countersign::token::{Grant, Right, SealedToken};
use countersign::verify::{
    Approvals, Binding, HttpFacts, MemoryReplay, NonceClaim, Operation, Operations, Proven, ReplayOutcome, ReplayStore,
    RevocationView, Revocations, UnsignedApproval, Verifier,
};
use countersign::{Class, Code};

const NOW: UnixTime = UnixTime(1_795_453_200);
const SERVICE: &str = "https://calendar.example.com";

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32])
}

fn grant() -> Grant {
    Grant::new("https://hub.example", "alice@example.com", "calendar-bot", key(2).public())
        .purpose("scheduling")
        .audience(SERVICE)
        .valid(NOW, NOW.plus(3600))
        .right(Right { r#type: "http", location: "/calendars", action: "GET" })
}

fn seal(grant: Grant, issuer: u8) -> SealedToken {
    grant.sign(&key(issuer), &key(3)).unwrap().seal().unwrap()
}

fn verifier() -> Verifier {
    let builder = Verifier::builder().audience(SERVICE).authority("calendar.example.com");
    builder.issuer("https://hub.example", [key(1).public()]).build().unwrap()
}

fn signed(token: &SealedToken) -> SignedFields {
    let url = "https://calendar.example.com/calendars/primary";
    SignRequest::new("GET", url, token).created(NOW, vec![1; 16]).sign(&key(2)).unwrap()
}

fn check<R: RevocationView>(fields: &SignedFields, view: &R) -> Result<Proven, countersign::Denial> {
    let mut parts = Parts::new("GET", fields.target());
    parts.extend(fields.iter().map(|(name, value)| (name, value.as_bytes())));
    verifier().check(&parts, NOW, view)
}

fn proven(token: &SealedToken) -> Proven {
    check(&signed(token), &Revocations::default()).unwrap()
}

fn claim(token: &SealedToken) -> NonceClaim {
    let proven = proven(token);
    let hasher = proven.hasher();
    proven.body(hasher.finish()).unwrap()
}

/// A view that is too old.
struct Stale;

impl RevocationView for Stale {
    fn is_fresh(&self, _: &str, _: UnixTime) -> bool {
        false
    }
    fn block_revoked(&self, _: &str, _: &[u8; 16]) -> bool {
        false
    }
    fn holder_revoked(&self, _: &str, _: &KeyId) -> bool {
        false
    }
    fn user_revoked_until(&self, _: &str, _: &str) -> Option<UnixTime> {
        None
    }
    fn grant_revoked(&self, _: &str, _: &str) -> bool {
        false
    }
    fn conversation_ended(&self, _: &str, _: &str, _: &str) -> bool {
        false
    }
    fn issuer_key_revoked(&self, _: &str, _: &PublicKey) -> bool {
        false
    }
}

// spec: VF-50
#[test]
fn a_forged_token_is_not_told_that_the_view_is_stale() {
    let told = |issuer| {
        let denial = check(&signed(&seal(grant(), issuer)), &Stale).unwrap_err();
        (denial.code(), denial.class())
    };
    assert_eq!(told(1), (Code::RevocationStale, Class::Unavailable));
    assert_eq!(told(9), (Code::RevocationStale, Class::InvalidToken));
}

// spec: RQ-51
#[test]
fn a_body_that_can_not_be_held_is_told_so() {
    let denial = proven(&seal(grant(), 1)).unheld("no room for the body");
    assert_eq!((denial.stage(), denial.code(), denial.class()), (9, Code::StoreUnavailable, Class::Unavailable));
}

// spec: VF-47
#[test]
fn a_nonce_that_is_carried_on_is_recorded_with_the_charges_or_owed() {
    let token = seal(grant().budget("daily", "calls", 1, 0), 1);
    let entry = claim(&token).entry().clone();
    let charges = claim(&token).defer().map(&Operations::http(), b"", &Approvals::none()).unwrap();
    assert_eq!(charges.set().nonce.as_ref(), Some(&entry));
    // Refused at stage 11, and at stage 12 without a store: it is still to be recorded.
    let nothing = Operations::table([]).unwrap();
    let unmapped = claim(&token).defer().map(&nothing, b"", &Approvals::none()).unwrap_err();
    assert_eq!((unmapped.code(), unmapped.owed_nonce()), (Code::OperationUnmapped, Some(&entry)));
    assert_eq!(charges.uncharged().unwrap_err().owed_nonce(), Some(&entry));
    let at_once = claim(&token).recorded(ReplayOutcome::New).unwrap();
    assert_eq!(at_once.map(&nothing, b"", &Approvals::none()).unwrap_err().owed_nonce(), None);
}

// spec: VF-48
#[test]
fn nobody_approved_a_body_that_nobody_saw() {
    let token = seal(grant().approval("http", "GET", key(7).public()), 1);
    let chain = proven(&token).chain().clone();
    let resumed = || {
        let path = "/calendars/primary".to_owned();
        let http =
            HttpFacts { method: "GET".to_owned(), authority: "calendar.example.com".to_owned(), path, query: None };
        let at = (SERVICE, Some(http));
        verifier().resume(chain.clone(), Binding::Hmac, at, NOW, &Revocations::default()).unwrap()
    };
    let operation = Operation::new("http", "/calendars/primary", "GET");
    let digest = resumed().record(&operation).digest();
    let approval = UnsignedApproval::new(key(7).public(), digest, NOW, 60, [1; 16]).unwrap().sign(&key(7)).unwrap();
    let denial = resumed().authorize(operation, &Approvals::recorded([approval])).unwrap_err();
    assert_eq!((denial.stage(), denial.code()), (11, Code::ApprovalRequired));
}

// spec: JR-15, VF-20
#[test]
fn the_nonce_of_a_message_is_kept_as_that_of_a_request() {
    let token = seal(grant(), 1);
    let message = Message::parse(br#"{"jsonrpc":"2.0","method":"ping"}"#, 1 << 20).unwrap();
    let message = SignMessage::new(message, SERVICE, &token).created(NOW, vec![1; 16]).sign(&key(2)).unwrap();
    let claim = verifier().check_rpc(&message, NOW, &Revocations::default()).unwrap();
    assert_eq!(claim.entry().keep_until, NOW.plus(60 + 61));
    let store = MemoryReplay::insecure_without_epoch();
    assert_eq!(store.record(claim.entry(), NOW), ReplayOutcome::New);
    assert_eq!(store.record(claim.entry(), NOW.plus(90)), ReplayOutcome::Seen);
}
