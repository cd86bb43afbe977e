//! Reading a revocation list never panics; what is taken is written back byte for byte, and the view finds all of it.
//!
//! Input is a payload, which is signed here, or a list's text; behind a zero byte, changes to a valid payload.
#![no_main]

use std::collections::BTreeSet;

use arbitrary::{Result, Unstructured};
use countersign::revocation::{Applied, Entries, RevocationList, RevocationLists, UnsignedList};
use countersign::time::UnixTime;
use countersign::verify::RevocationView as _;
use countersign::{from_base64url, to_base64url};
use countersign_fuzz::{keys, mutate};
use libfuzzer_sys::fuzz_target;

const ISSUER: &str = "https://hub.example";
const DOMAIN: &[u8] = b"countersign-revocations-v1\0";

fuzz_target!(|data: &[u8]| {
    match data.split_first() {
        Some((0, rest)) => {
            if let Ok(payload) = changed(&mut Unstructured::new(rest)) {
                run(&signed(&payload), Some(&payload));
            }
        }
        _ => {
            run(&signed(data), Some(data));
            if let Ok(text) = core::str::from_utf8(data) {
                run(text, None);
            }
        }
    }
});

fn signed(payload: &[u8]) -> String {
    let signature = keys::root().sign(&[DOMAIN, payload].concat());
    format!("{}.{}", to_base64url(payload), to_base64url(signature.as_bytes()))
}

/// A payload with entries of all kinds, changed in a few places.
fn changed(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let mut entries = Entries::default();
    for _ in 0..u.int_in_range(0..=6)? {
        match u.int_in_range(0..=5)? {
            0 => entries.revoke_block(u.arbitrary()?),
            1 => entries.revoke_holder(keys::key(u.arbitrary()?).public().id()),
            2 => entries.revoke_user(u.arbitrary()?, UnixTime(u.int_in_range(0..=UnixTime::MAX_DATE.0)?)),
            3 => entries.revoke_grant(u.arbitrary()?),
            4 => entries.end_conversation(u.arbitrary()?, u.arbitrary()?),
            _ => entries.revoke_issuer_key(keys::key(u.int_in_range(2..=255)?).public()),
        }
    }
    let number = u.int_in_range(1..=1 << 53)?;
    let next = keys::NOW.plus(u.int_in_range(1..=700_000)?);
    let Ok(list) = UnsignedList::new(ISSUER, number, keys::NOW, next, entries) else {
        return Err(arbitrary::Error::IncorrectFormat);
    };
    let mut payload = list.payload()[DOMAIN.len()..].to_vec();
    if u.ratio(7, 8)? {
        mutate::bytes(u, &mut payload)?;
    } else {
        // What was made here is taken here.
        assert!(RevocationList::verify(&signed(&payload), ISSUER, &[keys::root().public()]).is_ok());
    }
    Ok(payload)
}

fn run(text: &str, payload: Option<&[u8]>) {
    let root = keys::root().public();
    let Ok(list) = RevocationList::verify(text, ISSUER, &[root]) else { return };
    assert_eq!(list.text(), text);
    let (number, created, next, entries) = (list.number(), list.created(), list.next(), list.entries());
    assert!(created < next && next <= created.plus(604_800) && (1..1 << 53).contains(&number));
    let again = UnsignedList::new(ISSUER, number, created, next, entries.clone()).unwrap();
    let read = text.split('.').next().and_then(from_base64url).unwrap();
    assert!(payload.is_none_or(|payload| payload == read));
    assert_eq!(again.payload(), [DOMAIN, &read].concat(), "another encoding");
    let same = again.sign(&keys::root()).unwrap();
    assert_eq!(same.text(), text, "another list");

    let now = created;
    let mut view = RevocationLists::default().issuer(ISSUER, [root]);
    assert_eq!(view.apply(ISSUER, text, now), Ok(Applied::Replaced));
    assert_eq!(view.apply(ISSUER, text, now), Ok(Applied::Unchanged));
    assert!(view.is_fresh(ISSUER, now) && view.is_fresh(ISSUER, next) && !view.is_fresh(ISSUER, next.plus(1)));
    // Holders are held by the first half of their ids, which two keys have in common only in what was made up.
    let halves: BTreeSet<&[u8]> = entries.holders().iter().map(|id| &id.as_bytes()[..16]).collect();
    assert_eq!(view.status(ISSUER).unwrap().entries, entries.len() - entries.holders().len() + halves.len());
    assert!(entries.blocks().iter().all(|id| view.block_revoked(ISSUER, id)));
    assert!(entries.holders().iter().all(|id| view.holder_revoked(ISSUER, id)));
    assert!(entries.users().iter().all(|entry| view.user_revoked_until(ISSUER, &entry.user) == Some(entry.until)));
    assert!(entries.grants().iter().all(|grant| view.grant_revoked(ISSUER, grant)));
    let mut ended = entries.conversations().iter();
    assert!(ended.all(|entry| view.conversation_ended(ISSUER, &entry.user, &entry.conversation)));
    assert!(entries.issuer_keys().iter().all(|key| view.issuer_key_revoked(ISSUER, key)));
    let mut restored = RevocationLists::default().issuer(ISSUER, [root]);
    restored.restore(&view.state()).unwrap();
    assert_eq!(restored.state(), view.state());
    assert_eq!(restored.apply(ISSUER, text, now), Ok(Applied::Replaced));
}
