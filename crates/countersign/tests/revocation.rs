//! Revocation lists: their vectors, their limits, and what stage 6 makes of them.
#![expect(clippy::unwrap_used, reason = "tests say what went wrong by panicking")]

use countersign::key::SigningKey;
use countersign::request::{Parts, SignRequest};
use countersign::revocation::{
    Applied, Entries, MAX_ENTRIES, MAX_LIST_TEXT, RevocationErrorKind, RevocationList, RevocationLists, UnsignedList,
};
use countersign::time::UnixTime;
use countersign::token::{Delegation, Grant, OpenToken, Right};
use countersign::verify::{MemoryReplay, Operations, RevocationView, Verifier};
use countersign::{Code, from_base64url, to_base64url};

const HUB: &str = "https://hub.example";
const USER: &str = "alice@example.com";
const NOW: UnixTime = UnixTime(1_795_453_200);

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32])
}

fn list(number: u64, fill: impl FnOnce(&mut Entries)) -> RevocationList {
    let mut entries = Entries::default();
    fill(&mut entries);
    UnsignedList::new(HUB, number, NOW, NOW.plus(3600), entries).unwrap().sign(&key(9)).unwrap()
}

fn view() -> RevocationLists {
    RevocationLists::default().issuer(HUB, [key(9).public()])
}

#[test]
fn the_example_of_the_spec_holds() {
    let spec = include_str!("../../../spec/revocation.md");
    let (_, example) = spec.split_once("## Example").unwrap();
    let mut blocks = example.split("\n\n").filter(|block| block.starts_with("    "));
    let mut joined = || blocks.next().unwrap().lines().map(str::trim).collect::<String>();
    let (payload, text) = (joined(), joined());
    let signer = example.split('`').find(|word| word.starts_with("ed25519/")).unwrap().parse().unwrap();
    let list = RevocationList::verify(&text, HUB, &[signer]).unwrap();
    assert_eq!(text.split('.').next().map(from_base64url), Some(Some(payload.into_bytes())));
    assert!(example.contains(&countersign::to_hex(list.digest())));
    assert_eq!((list.number(), list.entries().len(), list.entries().grants()), (7, 3, &["g-19c2".to_owned()][..]));
}

// spec: RV-2
#[test]
fn refuses_what_is_over_the_limits() {
    let kind = |text: &str| RevocationList::verify(text, HUB, &[key(9).public()]).unwrap_err().kind();
    // A text at the limit is looked at, and then is none of ours.
    assert_eq!(kind(&"A".repeat(MAX_LIST_TEXT)), RevocationErrorKind::Malformed);
    assert_eq!(kind(&"A".repeat(MAX_LIST_TEXT + 1)), RevocationErrorKind::Limit);
    // A foreign payload, signed well: its grants are empty and not in order, but there are too many to look at.
    let signed = |grants: usize, keys: &str| {
        let grants = vec!["\"\""; grants].join(",");
        let payload = format!(
            "{{\"blocks\":[],\"conversations\":[],\"created\":1,\"grants\":[{grants}],\"holders\":[],\"issuer\":\"{HUB}\",\
             \"issuer_keys\":[{keys}],\"next\":2,\"number\":1,\"users\":[],\"v\":1}}"
        );
        let signature = key(9).sign(&[b"countersign-revocations-v1\0", payload.as_bytes()].concat());
        format!("{}.{}", to_base64url(payload.as_bytes()), to_base64url(signature.as_bytes()))
    };
    assert_eq!(kind(&signed(MAX_ENTRIES, "")), RevocationErrorKind::Order);
    assert_eq!(kind(&signed(MAX_ENTRIES, "\"\"")), RevocationErrorKind::Limit);
    assert_eq!(kind(&signed(MAX_ENTRIES + 1, "")), RevocationErrorKind::Limit);
    let mut entries = Entries::default();
    (0..=MAX_ENTRIES as u128).for_each(|id| entries.revoke_block(id.to_be_bytes()));
    let error = UnsignedList::new(HUB, 1, NOW, NOW.plus(1), entries).unwrap_err();
    assert_eq!(error.kind(), RevocationErrorKind::Limit);
}

#[test]
fn a_list_is_made_in_order_whatever_the_order_of_its_entries() {
    let forth = list(1, |entries| (0..64).for_each(|id| entries.revoke_block([id * 4; 16])));
    let back = list(1, |entries| (0..64).rev().for_each(|id| entries.revoke_block([id * 4; 16])));
    assert_eq!(forth, back);
    let users = list(1, |entries| {
        for until in [1, 3, 2] {
            entries.revoke_user(USER, UnixTime(until));
            entries.end_conversation(USER, "c");
            entries.revoke_issuer_key(key(1).public());
        }
    });
    assert_eq!((users.entries().len(), users.entries().users().first().map(|user| user.until)), (3, Some(UnixTime(3))));
    assert_eq!(RevocationList::verify(users.text(), HUB, &[key(9).public()]).unwrap(), users);
}

#[test]
fn makes_no_list_that_would_be_refused() {
    let make = |number, next, fill: fn(&mut Entries)| {
        let mut entries = Entries::default();
        fill(&mut entries);
        let list = UnsignedList::new(HUB, number, NOW, next, entries).and_then(|list| list.sign(&key(9)));
        list.map(drop).map_err(|error| error.kind())
    };
    let hour = NOW.plus(3600);
    assert_eq!(make(1, hour, |_| ()), Ok(()));
    assert_eq!(make(0, hour, |_| ()), Err(RevocationErrorKind::Number));
    assert_eq!(make(1 << 53, hour, |_| ()), Err(RevocationErrorKind::Number));
    assert_eq!(make(1, NOW, |_| ()), Err(RevocationErrorKind::Time));
    assert_eq!(make(1, NOW.plus(604_801), |_| ()), Err(RevocationErrorKind::Time));
    assert_eq!(make(1, hour, |entries| entries.revoke_grant(&"a".repeat(1025))), Err(RevocationErrorKind::Entry));
    assert_eq!(make(1, hour, |entries| entries.revoke_user("a", UnixTime(1 << 40))), Err(RevocationErrorKind::Entry));
    let own = |entries: &mut Entries| entries.revoke_issuer_key(key(9).public());
    assert_eq!(make(1, hour, own), Err(RevocationErrorKind::SignerRevoked));
}

// spec: RV-20
#[test]
fn refuses_a_state_that_is_none() {
    let mut view = view();
    view.apply(HUB, list(4, |entries| entries.revoke_holder(key(2).public().id())).text(), NOW).unwrap();
    let state = view.state();
    assert!(view.clone().restore(&format!("{state}\n")).is_ok());
    for bad in ["", "{}", "[]", &state.replace("\"v\":1", "\"v\":2"), &state.replace(":4,", ":0,"), &state[1..]] {
        assert!(view.clone().restore(bad).is_err(), "{bad}");
    }
    // A state that speaks of other issuers changes nothing here.
    let mut other = RevocationLists::default().issuer("https://other.example", [key(9).public()]);
    other.restore(&state).unwrap();
    assert_eq!(other.apply("https://other.example", "", NOW).unwrap_err().kind(), RevocationErrorKind::Malformed);
}

// spec: RV-20
#[test]
fn an_issuer_that_was_away_for_one_run_finds_its_state() {
    let mut view = view();
    let revoke = |entries: &mut Entries| entries.revoke_holder(key(2).public().id());
    view.apply(HUB, list(3, revoke).text(), NOW).unwrap();
    // Kept, although the issuer left it out.
    view.apply(HUB, list(4, |_| ()).text(), NOW).unwrap();
    let mut other = RevocationLists::default().issuer("https://other.example", [key(9).public()]);
    other.restore(&view.state()).unwrap();
    assert!(!other.holder_revoked(HUB, &key(2).public().id()), "it counts for nothing there");
    let mut again = self::view();
    again.restore(&other.state()).unwrap();
    assert_eq!(again.state(), view.state());
    assert!(again.holder_revoked(HUB, &key(2).public().id()));
    assert_eq!(again.apply(HUB, list(3, |_| ()).text(), NOW).unwrap_err().kind(), RevocationErrorKind::RolledBack);
    // It is the same where the issuer is told of only after the state.
    let mut late = RevocationLists::default();
    late.restore(&view.state()).unwrap();
    let mut late = late.issuer(HUB, [key(9).public()]);
    assert_eq!(late.state(), view.state());
    assert!(late.holder_revoked(HUB, &key(2).public().id()));
    assert_eq!(late.apply(HUB, list(3, |_| ()).text(), NOW).unwrap_err().kind(), RevocationErrorKind::RolledBack);
    // What is configured is told by what was accepted, not by what was stored of it before.
    let mut both = self::view();
    both.restore(&other.state()).unwrap();
    both.apply(HUB, list(5, revoke).text(), NOW).unwrap();
    assert_eq!(both.state().matches(HUB).count(), 1);
}

#[test]
fn clones_are_views_of_their_own() {
    let mut one = view();
    one.apply(HUB, list(1, |entries| entries.revoke_grant("g-1")).text(), NOW).unwrap();
    let before = one.clone();
    assert_eq!(one.apply(HUB, list(2, |_| ()).text(), NOW), Ok(Applied::Replaced));
    assert!(before.grant_revoked(HUB, "g-1") && !one.grant_revoked(HUB, "g-1"));
}

fn open() -> OpenToken {
    let grant = Grant::new(HUB, USER, "calendar-bot", key(2).public())
        .purpose("scheduling")
        .audience("https://calendar.example.com")
        .valid(NOW, NOW.plus(864_000))
        .right(Right { r#type: "http", location: "/calendars", action: "GET" })
        .delegation_depth(2)
        .grant("g-1")
        .conversation("c-1");
    grant.sign(&key(1), &key(3)).unwrap()
}

/// The code of a request at a path by the delegate, or `None` where it is allowed.
fn ask(view: &RevocationLists, now: UnixTime, path: &str) -> Option<Code> {
    let verifier = Verifier::builder()
        .audience("https://calendar.example.com")
        .authority("calendar.example.com")
        .issuer(HUB, [key(1).public()])
        .build()
        .unwrap();
    let child = open().delegate(&Delegation::to("summary-bot", key(5).public())).unwrap();
    let token = child.sign(&key(2), &key(4)).unwrap().seal().unwrap();
    let url = format!("https://calendar.example.com{path}");
    let fields = SignRequest::new("GET", &url, &token).created(now, vec![1; 16]).sign(&key(5)).unwrap();
    let mut parts = Parts::new("GET", fields.target());
    parts.extend(fields.iter().map(|(name, value)| (name, value.as_bytes())));
    let replay = MemoryReplay::insecure_without_epoch();
    let outcome = verifier.verify(&parts, b"", now, view, &replay, &Operations::http());
    outcome.err().map(|denial| denial.code())
}

const PATH: &str = "/calendars/primary";

// spec: VF-11, VF-12, VF-13, VF-14, VF-15, VF-16
#[test]
fn a_parents_revocation_kills_the_child() {
    let code = |fill: fn(&mut Entries)| {
        let mut view = view();
        view.apply(HUB, list(1, fill).text(), NOW).unwrap();
        ask(&view, NOW, PATH)
    };
    assert_eq!(code(|_| ()), None);
    let parent = |entries: &mut Entries| {
        let id = open().claims().block_ids().next().unwrap();
        entries.revoke_block(id.first_chunk().copied().unwrap());
    };
    assert_eq!(code(parent), Some(Code::TokenRevoked));
    assert_eq!(code(|entries| entries.revoke_holder(key(2).public().id())), Some(Code::TokenRevoked));
    assert_eq!(code(|entries| entries.revoke_holder(key(5).public().id())), Some(Code::TokenRevoked));
    assert_eq!(code(|entries| entries.revoke_user(USER, NOW)), Some(Code::TokenRevoked));
    assert_eq!(code(|entries| entries.revoke_user(USER, UnixTime(NOW.0 - 1))), None);
    assert_eq!(code(|entries| entries.revoke_grant("g-1")), Some(Code::TokenRevoked));
    assert_eq!(code(|entries| entries.end_conversation(USER, "c-1")), Some(Code::ConversationEnded));
    assert_eq!(code(|entries| entries.end_conversation("c-1", USER)), None);
    assert_eq!(code(|entries| entries.revoke_issuer_key(key(1).public())), Some(Code::TokenSignature));
}

// spec: VF-10, RV-21
#[test]
fn a_stale_view_refuses_but_for_what_is_safe_without_it() {
    let mut view = view();
    view.apply(HUB, list(1, |entries| entries.revoke_grant("g-other")).text(), NOW).unwrap();
    assert_eq!(ask(&view, NOW.plus(3600), PATH), None);
    assert_eq!(ask(&view, NOW.plus(3601), PATH), Some(Code::RevocationStale));
    // A clock that went back does not make a list younger.
    assert!(view.is_fresh(HUB, UnixTime(NOW.0 - 30)) && !view.is_fresh(HUB, UnixTime(NOW.0 - 31)));
    let mut safe = view.safe_when_stale(&[("GET", "/calendars/{id}")]).unwrap();
    assert_eq!(ask(&safe, NOW.plus(3601), PATH), None);
    assert_eq!(ask(&safe, NOW.plus(3601), "/calendars/primary/events"), Some(Code::RevocationStale));
    // What the stale view knows counts there, too.
    safe.apply(HUB, list(2, |entries| entries.revoke_grant("g-1")).text(), NOW).unwrap();
    assert_eq!(ask(&safe, NOW.plus(3601), PATH), Some(Code::TokenRevoked));
    assert!(safe.safe_when_stale(&[("GET", "calendars")]).is_err());
}

// spec: RV-22
#[test]
fn without_lists_nothing_is_revoked_and_with_none_taken_nothing_is_fresh() {
    assert_eq!(ask(&RevocationLists::default(), NOW, PATH), None);
    assert_eq!(ask(&view(), NOW, PATH), Some(Code::RevocationStale));
    let error = RevocationLists::default().apply(HUB, list(1, |_| ()).text(), NOW).unwrap_err();
    assert_eq!(error.kind(), RevocationErrorKind::Issuer);
}

// spec: RV-23
#[test]
fn a_list_speaks_of_its_own_issuer_alone() {
    const OTHER: &str = "https://other.example";
    let mut entries = Entries::default();
    entries.revoke_holder(key(2).public().id());
    entries.revoke_user(USER, NOW);
    entries.revoke_grant("g-1");
    entries.end_conversation(USER, "c-1");
    entries.revoke_issuer_key(key(1).public());
    open().claims().block_ids().for_each(|id| entries.revoke_block(id.first_chunk().copied().unwrap()));
    let list = UnsignedList::new(OTHER, 1, NOW, NOW.plus(60), entries).unwrap().sign(&key(8)).unwrap();
    let mut view = view().issuer(OTHER, [key(8).public()]);
    view.apply(HUB, self::list(1, |_| ()).text(), NOW).unwrap();
    view.apply(OTHER, list.text(), NOW).unwrap();
    assert!(view.holder_revoked(OTHER, &key(2).public().id()));
    assert_eq!(ask(&view, NOW, PATH), None);
}
