//! What the vectors can't show: order inside stages, effects, views and stores that fail.
#![expect(clippy::unwrap_used, reason = "tests say what went wrong by panicking")]

use countersign::key::{KeyId, PublicKey, SigningKey};
use countersign::request::{BodyLength, Parts, SignRequest, SignedFields};
use countersign::time::UnixTime;
use countersign::token::{Delegation, Grant, OpenToken, Restriction, Right, SealedToken};
use countersign::verify::{
    Decision, MemoryReplay, NonceEntry, Operations, ReplayOutcome, ReplayStore, RevocationView, Revocations, Verifier,
};
use countersign::{Code, Denial, from_base64url, to_base64url};

const NOW: UnixTime = UnixTime(1_795_453_200);
const URL: &str = "https://calendar.example.com/calendars/primary";

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32])
}

fn grant() -> Grant {
    Grant::new("https://hub.example", "alice@example.com", "calendar-bot", key(2).public())
        .purpose("scheduling")
        .audience("https://calendar.example.com")
        .valid(NOW, NOW.plus(3600))
        .right(Right { r#type: "http", location: "/calendars", action: "GET" })
        .delegation_depth(2)
        .grant("g-1")
        .conversation("c-1")
}

fn open() -> OpenToken {
    grant().sign(&key(1), &key(3)).unwrap()
}

fn verifier() -> Verifier {
    Verifier::builder()
        .audience("https://calendar.example.com")
        .authority("calendar.example.com")
        .issuer("https://hub.example", [key(1).public()])
        .build()
        .unwrap()
}

fn signed(token: &SealedToken, by: &SigningKey, nonce: u8) -> SignedFields {
    SignRequest::new("GET", URL, token).created(NOW, vec![nonce; 16]).sign(by).unwrap()
}

fn parts(fields: &SignedFields) -> Parts<'_> {
    let mut parts = Parts::new("GET", fields.target());
    parts.extend(fields.iter().map(|(name, value)| (name, value.as_bytes())));
    parts
}

fn verify(fields: &SignedFields, now: UnixTime, view: &Revocations, replay: &MemoryReplay) -> Result<Decision, Denial> {
    verifier().verify(&parts(fields), b"", now, view, replay, &Operations::http()).map(|allowed| allowed.decision())
}

fn code(fields: &SignedFields, now: UnixTime, view: &Revocations) -> Option<Code> {
    verify(fields, now, view, &MemoryReplay::insecure_without_epoch()).err().map(|denial| denial.code())
}

/// A view that is never fresh enough.
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

// spec: VF-3, VF-10
#[test]
fn refuses_when_the_view_of_revocations_is_stale() {
    let fields = signed(&open().seal().unwrap(), &key(2), 1);
    let denial = verifier().check(&parts(&fields), NOW, &Stale).unwrap_err();
    assert_eq!((denial.stage(), denial.code()), (6, Code::RevocationStale));
}

/// A store that never answers.
struct Silent;

impl ReplayStore for Silent {
    fn record(&self, _: &NonceEntry, _: UnixTime) -> ReplayOutcome {
        ReplayOutcome::Unavailable
    }
}

// spec: VF-3, VF-21
#[test]
fn refuses_when_the_replay_store_does_not_answer() {
    let fields = signed(&open().seal().unwrap(), &key(2), 1);
    let (view, table) = (Revocations::default(), Operations::http());
    let denial = verifier().verify(&parts(&fields), b"", NOW, &view, &Silent, &table).unwrap_err();
    assert_eq!((denial.stage(), denial.code()), (10, Code::StoreUnavailable));
}

// spec: VF-2
#[test]
fn stage_5_compares_issuer_then_audience_then_times_then_key() {
    let stranger = key(9);
    let token = |grant: Grant| grant.sign(&key(1), &key(3)).unwrap().seal().unwrap();
    let far = NOW.plus(600);
    let with = |issuer: &str, audience: &str, issued: UnixTime, expires: UnixTime| {
        token(
            Grant::new(issuer, "alice@example.com", "calendar-bot", stranger.public())
                .purpose("scheduling")
                .audience(audience)
                .valid(issued, expires)
                .right(Right { r#type: "http", location: "/", action: "GET" }),
        )
    };
    let keyid_of_another = |token: &SealedToken| {
        // The stranger signs for a token whose holder it is, then another token takes its place.
        let fields = signed(&open().seal().unwrap(), &key(2), 1);
        let text = fields.iter().find(|(name, _)| *name == "authorization").unwrap().1.to_owned();
        let other = format!("Countersign {}", token.to_text());
        fields.iter().map(|(name, value)| (name.to_owned(), value.replace(&text, &other))).collect::<Vec<_>>()
    };
    let code = |token: &SealedToken| {
        let fields = keyid_of_another(token);
        let mut parts = Parts::new("GET", "/calendars/primary");
        parts.extend(fields.iter().map(|(name, value)| (name.as_str(), value.as_bytes())));
        verifier().check(&parts, NOW, &Revocations::default()).unwrap_err().code()
    };
    let (hub, calendar) = ("https://hub.example", "https://calendar.example.com");
    assert_eq!(code(&with("https://other.example", "https://b.example", far, NOW)), Code::IssuerUnknown);
    assert_eq!(code(&with(hub, "https://b.example", far, UnixTime(1))), Code::AudienceMismatch);
    assert_eq!(code(&with(hub, calendar, far, UnixTime(1))), Code::TokenNotYetValid);
    assert_eq!(code(&with(hub, calendar, NOW, UnixTime(1))), Code::TokenExpired);
    assert_eq!(code(&with(hub, calendar, NOW, far)), Code::KeyMismatch);
}

// spec: VF-2, VF-15
#[test]
fn stage_6_looks_at_the_conversation_last() {
    let fields = signed(&open().seal().unwrap(), &key(2), 1);
    let mut view = Revocations::default();
    view.end_conversation("https://hub.example", "alice@example.com", "c-1");
    assert_eq!(code(&fields, NOW, &view), Some(Code::ConversationEnded));
    view.revoke_grant("https://hub.example", "g-1");
    assert_eq!(code(&fields, NOW, &view), Some(Code::TokenRevoked));
}

// spec: VF-2
#[test]
fn stage_11_asks_for_the_right_before_the_checks() {
    let token = open().restrict(&[Restriction::Actions(vec!["POST".into()])], &key(4)).unwrap().seal().unwrap();
    assert_eq!(code(&signed(&token, &key(2), 1), NOW, &Revocations::default()), Some(Code::CheckFailed));
    let elsewhere = SignRequest::new("GET", "https://calendar.example.com/contacts", &token)
        .created(NOW, vec![1; 16])
        .sign(&key(2))
        .unwrap();
    assert_eq!(code(&elsewhere, NOW, &Revocations::default()), Some(Code::RightMissing));
}

// spec: VF-19, VF-22
#[test]
fn a_refusal_before_stage_10_leaves_the_nonce_unused_and_one_after_it_does_not() {
    let (view, replay) = (Revocations::default(), MemoryReplay::insecure_without_epoch());
    let token = open().seal().unwrap();
    let good = signed(&token, &key(2), 1);
    let mut forged = Parts::new("GET", "/calendars/other");
    forged.extend(good.iter().map(|(name, value)| (name, value.as_bytes())));
    let denial = verifier().verify(&forged, b"", NOW, &view, &replay, &Operations::http()).unwrap_err();
    assert_eq!((denial.stage(), denial.code()), (8, Code::SignatureInvalid));
    assert!(replay.is_empty());
    assert!(verify(&good, NOW, &view, &replay).is_ok());
    assert_eq!(verify(&good, NOW, &view, &replay).unwrap_err().code(), Code::Replayed);

    let narrowed = open().restrict(&[Restriction::Actions(vec!["POST".into()])], &key(4)).unwrap().seal().unwrap();
    let denied = signed(&narrowed, &key(2), 7);
    assert_eq!(verify(&denied, NOW, &view, &replay).unwrap_err().code(), Code::CheckFailed);
    assert_eq!(verify(&denied, NOW, &view, &replay).unwrap_err().code(), Code::Replayed);
}

// spec: VF-36, VF-37
#[test]
fn a_denial_names_nobody_before_the_proof_holds() {
    let (view, replay) = (Revocations::default(), MemoryReplay::insecure_without_epoch());
    let fields = signed(&open().seal().unwrap(), &key(2), 1);
    let late = Decision::from(&verify(&fields, NOW.plus(3601), &view, &replay).unwrap_err());
    assert_eq!((late.user, late.agents, late.binding), (None, None, None));
    let allowed = verify(&fields, NOW, &view, &replay).unwrap();
    assert_eq!(
        (allowed.stage, allowed.code.as_deref(), allowed.user.as_deref()),
        (None, None, Some("alice@example.com"))
    );
    let replayed = Decision::from(&verify(&fields, NOW, &view, &replay).unwrap_err());
    assert_eq!((replayed.stage, replayed.user.as_deref()), (Some(10), Some("alice@example.com")));
    assert_eq!(replayed.right, None);
}

// spec: TK-16
#[test]
fn an_open_token_with_a_secret_that_is_not_its_own_is_of_no_use() {
    let text = open().dangerous_text();
    let mut bytes = from_base64url(&text).unwrap();
    let end = bytes.len();
    bytes.splice(end - 32..end, [8; 32]);
    let spliced = OpenToken::from_text(&to_base64url(&bytes)).unwrap();
    assert_eq!(spliced.seal().unwrap_err().code(), Some(Code::TokenSignature));
    let restriction = [Restriction::Actions(vec!["GET".into()])];
    assert_eq!(spliced.restrict(&restriction, &key(4)).unwrap_err().code(), Some(Code::TokenSignature));
}

// spec: TK-37, VF-18
#[test]
fn only_the_current_holder_hands_on_and_signs() {
    let to_sub = Delegation::to("summary-bot", key(5).public());
    assert!(open().delegate(&to_sub).unwrap().sign(&key(6), &key(4)).is_err());
    let delegated = open().delegate(&to_sub).unwrap().sign(&key(2), &key(4)).unwrap();
    assert_eq!(delegated.holder(), key(5).public());
    let sealed = delegated.seal().unwrap();
    assert!(SignRequest::new("GET", URL, &sealed).created(NOW, vec![1; 16]).sign(&key(2)).is_err());
    assert_eq!(code(&signed(&sealed, &key(5), 1), NOW, &Revocations::default()), None);
}

// spec: RQ-52, RQ-54
#[test]
fn a_body_of_unannounced_length_is_judged_when_it_is_there() {
    let fields = signed(&open().seal().unwrap(), &key(2), 1);
    let verifier = verifier();
    let after = |body: &[u8]| {
        let proven = verifier.check(&parts(&fields).body(BodyLength::Unknown), NOW, &Revocations::default()).unwrap();
        let mut hasher = proven.hasher();
        hasher.update(body);
        proven.body(hasher.finish()).map(|_| ()).map_err(|denial| (denial.stage(), denial.code()))
    };
    assert_eq!(after(b""), Ok(()));
    assert_eq!(after(b"x"), Err((9, Code::BodyUncovered)));
    assert_eq!(after(&vec![0; (1 << 20) + 1]), Err((9, Code::BodyTooLarge)));
}
