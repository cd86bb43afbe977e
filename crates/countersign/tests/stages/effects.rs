//! What the vectors can't show: order inside stages, effects, views and stores that fail.

use countersign::key::SigningKey;
use countersign::request::{BodyLength, Parts, SignRequest, SignedFields};
use countersign::time::UnixTime;
use countersign::token::{Delegation, Grant, OpenToken, Restriction, Right, SealedToken, VerifiedChain};
use countersign::verify::{
    Approvals, Authenticated, Binding, ChargeOutcome, ChargeStore, Charges, Decision, Delegated, HttpFacts,
    MAX_JSON_BODY, MemoryCharges, MemoryReplay, NonceEntry, Operation, Operations, ReplayOutcome, ReplayStore,
    RevocationView, Revocations, UnsignedApproval, Verifier,
};
use countersign::{Code, Denial, from_base64url, to_base64url};

use crate::{NOW, Stale, key};

const URL: &str = "https://calendar.example.com/calendars/primary";

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

/// Stages 1 to 10 of a request with this body.
fn authenticated(verifier: &Verifier, fields: &SignedFields, method: &str, body: &[u8]) -> Authenticated {
    let mut parts = Parts::new(method, fields.target()).body(BodyLength::Known(body.len() as u64));
    parts.extend(fields.iter().map(|(name, value)| (name, value.as_bytes())));
    let proven = verifier.check(&parts, NOW, &Revocations::default()).unwrap();
    let mut hasher = proven.hasher();
    hasher.update(body);
    proven.body(hasher.finish()).unwrap().recorded(ReplayOutcome::New).unwrap()
}

fn refusal<T>(result: Result<T, Denial>) -> Option<(u8, Code)> {
    result.err().map(|denial| (denial.stage(), denial.code()))
}

// spec: VF-35, VF-33
#[test]
fn without_a_store_what_costs_anything_is_refused() {
    let seal = |grant: Grant| grant.sign(&key(1), &key(3)).unwrap().seal().unwrap();
    let charges = |token: &SealedToken, approved: bool| -> Charges {
        let authenticated = authenticated(&verifier(), &signed(token, &key(2), 1), "GET", b"");
        let operation = Operation::new("http", "/calendars/primary", "GET").without_arguments();
        let digest = authenticated.record(&operation).digest();
        let approval = UnsignedApproval::new(key(7).public(), digest, NOW, 60, [1; 16]).unwrap().sign(&key(7)).unwrap();
        let recorded = if approved { Approvals::recorded([approval]) } else { Approvals::none() };
        authenticated.authorize(operation, &recorded).unwrap()
    };
    let store = MemoryCharges::insecure_without_epoch();
    let unavailable = Some((12, Code::StoreUnavailable));
    let counted = seal(grant().budget("daily", "calls", 5, 0));
    assert_eq!(refusal(charges(&counted, false).uncharged()), unavailable);
    assert_eq!(refusal(charges(&counted, false).charge_with(&store, NOW)), None);
    let needed = seal(grant().approval("http", "GET", key(7).public()));
    assert_eq!(refusal(charges(&needed, true).uncharged()), unavailable);
    assert_eq!(refusal(charges(&needed, true).charge_with(&store, NOW)), None);
    assert_eq!(refusal(charges(&needed, true).charge_with(&store, NOW)), Some((12, Code::ApprovalInvalid)));
    assert_eq!(refusal(charges(&seal(grant()), true).uncharged()), None);
}

// spec: VF-51, TK-35
#[test]
fn the_counter_of_a_delegation_ends_with_its_blocks_and_not_with_the_token_that_asks() {
    let (half, quarter) = (NOW.plus(1800), NOW.plus(900));
    let to_sub =
        Delegation::to("sub", key(5).public()).restriction(Restriction::ExpiresBy(half)).budget("sub", "calls", 3, 0);
    let parent = open().delegate(&to_sub).unwrap().sign(&key(2), &key(4)).unwrap();
    let child = parent.restrict(&[Restriction::ExpiresBy(quarter)], &key(6)).unwrap();
    let set = |token: &OpenToken| {
        let fields = signed(&token.seal().unwrap(), &key(5), 1);
        let operation = Operation::new("http", "/calendars/primary", "GET").without_arguments();
        let charges = authenticated(&verifier(), &fields, "GET", b"").authorize(operation, &Approvals::none()).unwrap();
        charges.set().clone()
    };
    let (of_parent, of_child) = (set(&parent), set(&child));
    assert_eq!(of_parent, of_child);
    let [charge] = &*of_child.charges else { unreachable!("one budget counts") };
    assert_eq!(charge.delegated, Some(Delegated { agent: key(2).public().id(), ends: half.plus(61) }));
    // So the child's expiry does not give the parent a new counter.
    let store = MemoryCharges::insecure_without_epoch().with_room(1);
    for now in [NOW, quarter, half.plus(61)] {
        assert_eq!(store.charge(&of_child, now), ChargeOutcome::Charged);
    }
    assert_eq!(store.charge(&of_parent, half.plus(61)), ChargeOutcome::Exceeded(0));
}

// spec: CK-28
#[test]
fn a_json_body_beyond_a_mebibyte_is_not_read() {
    let verifier = Verifier::builder()
        .audience("https://calendar.example.com")
        .authority("calendar.example.com")
        .issuer("https://hub.example", [key(1).public()])
        .max_body(2 * MAX_JSON_BODY)
        .build()
        .unwrap();
    let token = grant().right(Right { r#type: "http", location: "/calendars", action: "POST" });
    let token = token.sign(&key(1), &key(3)).unwrap().seal().unwrap();
    // A name twice: refused where it is read.
    let code = |length: u64| {
        let (start, end) = (br#"{"a":1,"a":""#, br#""}"#);
        let mut body = start.to_vec();
        body.resize(usize::try_from(length).unwrap() - end.len(), b'x');
        body.extend(end);
        let fields = SignRequest::new("POST", URL, &token)
            .created(NOW, vec![1; 16])
            .field("content-type", "application/json")
            .body(&body)
            .sign(&key(2))
            .unwrap();
        let authenticated = authenticated(&verifier, &fields, "POST", &body);
        assert_eq!(authenticated.reads_json(), length <= MAX_JSON_BODY);
        refusal(authenticated.map(&Operations::http(), &body, &Approvals::none()))
    };
    assert_eq!(code(MAX_JSON_BODY), Some((11, Code::BodyAmbiguous)));
    assert_eq!(code(MAX_JSON_BODY + 1), None);
}

/// A chain that a verifier verified, of a token narrowed like this.
fn verified(restrictions: &[Restriction]) -> VerifiedChain {
    let token = match restrictions {
        [] => open(),
        restrictions => open().restrict(restrictions, &key(4)).unwrap(),
    };
    let fields = signed(&token.seal().unwrap(), &key(2), 1);
    let replay = MemoryReplay::insecure_without_epoch();
    let allowed =
        verifier().verify(&parts(&fields), b"", NOW, &Revocations::default(), &replay, &Operations::http()).unwrap();
    allowed.chain().clone()
}

fn resumed<R: RevocationView>(
    verifier: &Verifier,
    (chain, binding): (VerifiedChain, Binding),
    (service, resource): (&str, &str),
    now: UnixTime,
    view: &R,
) -> Result<Decision, Denial> {
    let http = HttpFacts {
        method: "GET".to_owned(),
        authority: "calendar.example.com".to_owned(),
        path: resource.to_owned(),
        query: None,
    };
    let authenticated = verifier.resume(chain, binding, (service, Some(http)), now, view)?;
    let operation = Operation::new("http", resource, "GET").without_arguments();
    authenticated.authorize(operation, &Approvals::none())?.uncharged().map(|allowed| allowed.decision())
}

const CALENDAR: (&str, &str) = ("https://calendar.example.com", "/calendars/primary");

// spec: VF-48
#[test]
fn a_chain_that_is_resumed_is_judged_anew() {
    let hmac = |chain| (chain, Binding::Hmac);
    let (chain, fresh) = (verified(&[]), Revocations::default());
    let judge = |now, view: &Revocations| refusal(resumed(&verifier(), hmac(chain.clone()), CALENDAR, now, view));
    let allowed = resumed(&verifier(), hmac(chain.clone()), CALENDAR, NOW, &fresh).unwrap();
    assert_eq!((allowed.user.as_deref(), allowed.binding.as_deref()), (Some("alice@example.com"), Some("hmac")));
    assert_eq!(judge(NOW.plus(3600), &fresh), None);
    assert_eq!(judge(NOW.plus(3601), &fresh), Some((5, Code::TokenExpired)));

    let revoked = |change: fn(&mut Revocations)| {
        let mut view = Revocations::default();
        change(&mut view);
        judge(NOW, &view)
    };
    let (issuer, user) = ("https://hub.example", "alice@example.com");
    assert_eq!(issuer, chain.claims().issuer());
    assert_eq!(user, chain.claims().user());
    assert_eq!(revoked(|view| view.revoke_holder(key(2).public().id())), Some((6, Code::TokenRevoked)));
    assert_eq!(revoked(|view| view.revoke_grant("https://hub.example", "g-1")), Some((6, Code::TokenRevoked)));
    assert_eq!(
        revoked(|view| view.end_conversation("https://hub.example", "alice@example.com", "c-1")),
        Some((6, Code::ConversationEnded))
    );
    let stale = resumed(&verifier(), hmac(chain.clone()), CALENDAR, NOW, &Stale);
    assert_eq!(refusal(stale), Some((6, Code::RevocationStale)));
    let key_revoked = revoked(|view| view.revoke_issuer_key("https://hub.example", key(1).public()));
    assert_eq!(key_revoked, Some((7, Code::TokenSignature)));

    let elsewhere = |place| refusal(resumed(&verifier(), hmac(chain.clone()), place, NOW, &fresh));
    assert_eq!(elsewhere(("https://mail.example.com", CALENDAR.1)), Some((5, Code::AudienceMismatch)));
    assert_eq!(elsewhere((CALENDAR.0, "/contacts")), Some((11, Code::RightMissing)));
    assert_eq!(elsewhere((CALENDAR.0, "/calendars/../contacts")), Some((11, Code::ResourceInvalid)));

    // The binding is that of the proof now, so a token that asks for a signed request is no use without one.
    let signed_only = verified(&[Restriction::Bindings(vec!["ed25519".into()])]);
    let by = |binding| refusal(resumed(&verifier(), (signed_only.clone(), binding), CALENDAR, NOW, &fresh));
    assert_eq!(by(Binding::Ed25519), None);
    assert_eq!(by(Binding::Hmac), Some((11, Code::CheckFailed)));
}

// spec: VF-48
#[test]
fn a_chain_is_resumed_under_the_configuration_of_now() {
    let chain = verified(&[]);
    let with = |audience: &str, issuer: &str, root: u8, unsigned: bool| {
        let builder = Verifier::builder().audience(audience).authority("calendar.example.com");
        builder.issuer(issuer, [key(root).public()]).accept_unsigned(unsigned).build().unwrap()
    };
    let judge = |verifier: &Verifier, binding| {
        refusal(resumed(verifier, (chain.clone(), binding), CALENDAR, NOW, &Revocations::default()))
    };
    let (calendar, hub) = (CALENDAR.0, "https://hub.example");
    let signed = with(calendar, hub, 1, false);
    assert_eq!(judge(&signed, Binding::Hmac), None);
    assert_eq!(judge(&signed, Binding::Jsonrpc), None);
    for binding in [Binding::Dpop, Binding::Bearer] {
        assert_eq!(judge(&signed, binding), Some((2, Code::BindingNotAccepted)));
        assert_eq!(judge(&with(calendar, hub, 1, true), binding), None);
    }
    // The issuer's key was taken out of the configuration, or all of the issuer, or this audience.
    assert_eq!(judge(&with(calendar, hub, 9, false), Binding::Hmac), Some((7, Code::TokenSignature)));
    let other_issuer = with(calendar, "https://other.example", 1, false);
    assert_eq!(judge(&other_issuer, Binding::Hmac), Some((5, Code::IssuerUnknown)));
    let other_audience = with("https://mail.example.com", hub, 1, false);
    assert_eq!(judge(&other_audience, Binding::Hmac), Some((5, Code::AudienceMismatch)));
}

/// Up to stage 9 at [`NOW`], for a body that is still to come.
fn claimed(verifier: &Verifier, fields: &SignedFields) -> countersign::verify::NonceClaim {
    let proven = verifier.check(&parts(fields), NOW, &Revocations::default()).unwrap();
    let hasher = proven.hasher();
    proven.body(hasher.finish()).unwrap()
}

// spec: VF-49
#[test]
fn a_body_that_took_its_time_is_judged_by_the_time_it_came() {
    let (verifier, sealed) = (verifier(), open().seal().unwrap());
    let fields = signed(&sealed, &key(2), 1);
    let none = Revocations::default();
    let later = |seconds, view: &Revocations| refusal(claimed(&verifier, &fields).later(NOW.plus(seconds), view));
    // The window ends 60 seconds after it began, and there are 30 of skew.
    assert_eq!(later(90, &none), None);
    assert_eq!(later(91, &none), Some((3, Code::WindowInvalid)));
    // Which is known before there is a body.
    let until = |fields: &SignedFields| verifier.check(&parts(fields), NOW, &none).unwrap().body_until();
    assert_eq!(until(&fields), NOW.plus(90));
    let mut revoked = Revocations::default();
    revoked.revoke_grant("https://hub.example", "g-1");
    assert_eq!(later(1, &revoked), Some((6, Code::TokenRevoked)));
    let mut without_key = Revocations::default();
    without_key.revoke_issuer_key("https://hub.example", key(1).public());
    assert_eq!(later(1, &without_key), Some((7, Code::TokenSignature)));
    // A clock that went back changes nothing.
    assert_eq!(refusal(claimed(&verifier, &fields).later(UnixTime(0), &none)), None);

    let short = grant().valid(NOW, NOW.plus(20)).sign(&key(1), &key(3)).unwrap().seal().unwrap();
    let fields = signed(&short, &key(2), 2);
    assert_eq!(until(&fields), NOW.plus(20));
    assert_eq!(refusal(claimed(&verifier, &fields).later(NOW.plus(20), &none)), None);
    assert_eq!(refusal(claimed(&verifier, &fields).later(NOW.plus(21), &none)), Some((5, Code::TokenExpired)));
    // The checks go by the later time too.
    let until =
        grant().restriction(Restriction::ExpiresBy(NOW.plus(3600))).restriction(Restriction::NotBefore(NOW.plus(5)));
    let fields = signed(&until.sign(&key(1), &key(3)).unwrap().seal().unwrap(), &key(2), 3);
    let judged = |seconds| {
        let claim = claimed(&verifier, &fields).later(NOW.plus(seconds), &none).unwrap();
        let authenticated = claim.recorded(ReplayOutcome::New).unwrap();
        refusal(authenticated.map(&Operations::http(), b"", &Approvals::none()))
    };
    assert_eq!((judged(4), judged(5)), (Some((11, Code::CheckFailed)), None));
}

// spec: VF-50
#[test]
fn nobody_but_the_holder_is_told_what_is_revoked() {
    let (verifier, sealed) = (verifier(), open().seal().unwrap());
    let mut view = Revocations::default();
    view.revoke_grant("https://hub.example", "g-1");
    let own = signed(&sealed, &key(2), 1);
    let told = |fields: &[(String, String)], view: &Revocations| {
        let mut parts = Parts::new("GET", own.target());
        parts.extend(fields.iter().map(|(name, value)| (name.as_str(), value.as_bytes())));
        let denial = verifier.check(&parts, NOW, view).err().unwrap();
        (denial.code(), denial.class())
    };
    let fields: Vec<(String, String)> = own.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    assert_eq!(told(&fields, &view), (Code::TokenRevoked, Code::TokenRevoked.class()));
    // A thief of the token alone, with some signature: told as if nothing were revoked.
    let nothing = format!("sig=:{}==:", "A".repeat(86));
    let stolen: Vec<(String, String)> = fields
        .iter()
        .map(|(name, value)| {
            (
                name.clone(),
                if name == "signature" {
                    nothing.replace("sig", value.split('=').next().unwrap())
                } else {
                    value.clone()
                },
            )
        })
        .collect();
    assert_eq!(told(&stolen, &Revocations::default()), (Code::SignatureInvalid, Code::SignatureInvalid.class()));
    assert_eq!(told(&stolen, &view), (Code::TokenRevoked, Code::SignatureInvalid.class()));
    // Nor whether it is the grant that was revoked, where the issuer's key was too.
    view.revoke_issuer_key("https://hub.example", key(1).public());
    assert_eq!(told(&stolen, &view), (Code::TokenRevoked, Code::TokenSignature.class()));
    // A token that nobody issued.
    let forged = grant().sign(&key(9), &key(3)).unwrap().seal().unwrap();
    let forged = signed(&forged, &key(2), 1);
    let denial = verifier.check(&parts(&forged), NOW, &view).err().unwrap();
    assert_eq!((denial.code(), denial.class()), (Code::TokenRevoked, Code::TokenSignature.class()));
    // Nor by the time that it takes to look for newer keys: that is done for a forged token, revoked or not.
    let newer = |view: &Revocations| {
        let denial = verifier.check(&parts(&forged), NOW, view).err().unwrap();
        denial.under_no_key_of().map(str::to_owned)
    };
    assert_eq!(newer(&Revocations::default()).as_deref(), Some("https://hub.example"));
    assert_eq!(newer(&view), newer(&Revocations::default()));
}

#[test]
fn what_was_proven_is_logged_without_secrets() {
    let sealed = open().seal().unwrap();
    let url = "https://calendar.example.com/calendars/primary?secret-in-query";
    let request = SignRequest::new("GET", url, &sealed).created(NOW, vec![9; 16]);
    let own = request.field("cookie", "session=secret-cookie").field("x-key", "secret-value").sign(&key(2)).unwrap();
    let proven = verifier().check(&parts(&own), NOW, &Revocations::default()).unwrap();
    let shown = format!("{proven:?}");
    assert!(shown.contains("calendar.example.com"), "{shown}");
    let hasher = proven.hasher();
    let authenticated = proven.body(hasher.finish()).unwrap().recorded(ReplayOutcome::New).unwrap();
    let http = format!("{:?}", authenticated.http().unwrap());
    assert!(http.contains("/calendars/primary") && http.contains("GET"), "{http}");
    for shown in [shown, format!("{authenticated:?}"), http] {
        assert!(!shown.contains("secret") && !shown.contains(&sealed.to_text()), "{shown}");
    }
}

// spec: VF-48
#[test]
fn what_is_resumed_has_no_body_that_anybody_saw() {
    let chain = |restriction| verified(&[restriction]);
    let verifier = verifier();
    let facts = || HttpFacts {
        method: "GET".to_owned(),
        authority: "calendar.example.com".to_owned(),
        path: "/calendars/primary".to_owned(),
        query: None,
    };
    let resume = |chain| {
        let at = ("https://calendar.example.com", Some(facts()));
        verifier.resume(chain, Binding::Hmac, at, NOW, &Revocations::default()).unwrap()
    };
    let authenticated = resume(chain(Restriction::ArgAbsent("/bcc".to_owned())));
    let body = br#"{"bcc":"evil@example.com"}"#;
    let refused = refusal(authenticated.map(&Operations::http(), body, &Approvals::none()));
    assert_eq!(refused, Some((11, Code::CheckError)));
    // A token that says nothing of arguments does not need them.
    let allowed = resume(chain(Restriction::Actions(vec!["GET".to_owned()])));
    assert_eq!(refusal(allowed.map(&Operations::http(), body, &Approvals::none())), None);
}
