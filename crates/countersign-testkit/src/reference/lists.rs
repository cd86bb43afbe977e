//! Revocation lists (`spec/revocation.md`).

use std::collections::BTreeSet;

use super::json::{self, Json};
use super::{Faults, base64, ed25519};
use crate::format_revocation::{
    ListConversation, ListExpect, ListInput, ListResult, ListRevoked, ListUser, ListVector,
};

/// A list that passed all rules about itself.
#[derive(Clone, Debug)]
struct List {
    number: i64,
    hash: [u8; 32],
    created: i64,
    next: i64,
    entries: ListRevoked,
}

/// What a verifier has of one issuer.
#[derive(Clone, Debug, Default)]
struct View {
    in_force: Option<List>,
    // spec: RV-20 (all that a restart leaves)
    last: Option<(i64, [u8; 32])>,
    issuer_keys: BTreeSet<String>,
    holders: BTreeSet<String>,
}

/// The six arrays.
const ARRAYS: [&str; 6] = ["blocks", "conversations", "grants", "holders", "issuer_keys", "users"];
const LAST_SECOND: i64 = 253_402_300_799;

/// Takes a vector's lists in turn: what its last one breaks, and what there is then.
///
/// # Errors
///
/// When a list before it is refused.
pub fn take(vector: &ListVector) -> Result<(Faults, ListExpect), String> {
    let input = &vector.input;
    let mut view = View::default();
    for list in &input.before {
        let faults = apply(&mut view, list, input);
        if let Some(fault) = faults.first() {
            return Err(format!("a list before it: {fault:?}"));
        }
    }
    if input.restarted {
        view.in_force = None;
    }
    let faults = apply(&mut view, &input.list, input);
    let error = faults.first().map(|fault| fault.code.to_owned());
    // spec: RV-21, RV-22
    let fresh = view.in_force.as_ref().is_some_and(|list| list.created <= input.now + 30 && input.now <= list.next);
    let mut revoked = view.in_force.as_ref().map(|list| list.entries.clone()).unwrap_or_default();
    // spec: RV-18
    if view.in_force.is_some() {
        revoked.holders = view.holders.into_iter().collect();
        revoked.issuer_keys = view.issuer_keys.into_iter().collect();
    }
    let result = if error.is_none() { ListResult::Accept } else { ListResult::Refuse };
    Ok((faults, ListExpect { result, error, number: view.in_force.map(|list| list.number), fresh, revoked }))
}

/// Takes a list, or refuses it and changes nothing.
// spec: RV-19
fn apply(view: &mut View, text: &str, input: &ListInput) -> Faults {
    let mut faults = Faults::default();
    let Some((list, signer)) = read(text, input, &mut faults) else { return faults };
    // spec: RV-5
    let gone = list.entries.issuer_keys.contains(signer) || view.issuer_keys.contains(signer);
    faults.need(!gone, 0, "signer_revoked", "RV-5");
    // spec: RV-14
    faults.need(list.created <= input.now + 30, 0, "not_yet_valid", "RV-14");
    if let Some((number, hash)) = view.last {
        // spec: RV-15
        faults.need(list.number >= number, 0, "rolled_back", "RV-15");
        // spec: RV-16
        faults.need(list.number != number || list.hash == hash, 0, "number_reused", "RV-16");
    }
    // spec: RV-17
    if faults.0.is_empty() {
        view.last = Some((list.number, list.hash));
        view.holders.extend(list.entries.holders.iter().cloned());
        view.issuer_keys.extend(list.entries.issuer_keys.iter().cloned());
        view.in_force = Some(list);
    }
    faults
}

/// Reads a list, and who signed it.
fn read<'a>(text: &str, input: &'a ListInput, faults: &mut Faults) -> Option<(List, &'a String)> {
    // spec: RV-2
    faults.need(text.chars().count() <= 67_108_864, 0, "limit_exceeded", "RV-2");
    // spec: RV-1
    let parts = text.split_once('.').and_then(|(payload, signature)| {
        let signature: [u8; 64] = base64::from_url(signature.as_bytes())?.try_into().ok()?;
        Some((base64::from_url(payload.as_bytes())?, signature))
    });
    let Some((payload, signature)) = parts else {
        faults.refuse(0, "malformed", "RV-1");
        return None;
    };
    // spec: RV-3, RV-4
    let signed = [b"countersign-revocations-v1\0", payload.as_slice()].concat();
    let by =
        |key: &&String| base64::public_key(key).is_some_and(|key| ed25519::verify(&key, &signed, &signature).is_ok());
    let Some(signer) = input.keys.iter().find(by) else {
        faults.refuse_for(0, "signature_invalid", &["RV-3", "RV-4"]);
        return None;
    };
    // spec: RV-6
    let Ok(value) = json::read(&payload) else {
        faults.refuse(0, "json_invalid", "RV-6");
        return None;
    };
    let canonical = json::jcs(&value);
    faults.need(canonical.as_bytes() == payload, 0, "not_canonical", "RV-6");
    // Whatever the spelling, the rules from here on are about values.
    let value = json::read(canonical.as_bytes()).expect("canonical");
    // spec: RV-7
    let Some(entries) = members(&value) else {
        faults.refuse(0, "member_invalid", "RV-7");
        return None;
    };
    let integer = |name: &str| value.get(name).and_then(Json::integer).expect("by RV-7");
    // spec: RV-8
    faults.need(integer("v") == 1, 0, "version_unsupported", "RV-8");
    // spec: RV-9
    faults.need(value.get("issuer")?.text() == Some(&input.issuer), 0, "issuer_mismatch", "RV-9");
    // spec: RV-10
    let number = integer("number");
    faults.need((1..=json::GREATEST).contains(&number), 0, "number_invalid", "RV-10");
    // spec: RV-11
    let (created, next) = (integer("created"), integer("next"));
    let fits = 0 <= created && created < next && next <= created.saturating_add(604_800) && next <= LAST_SECOND;
    faults.need(fits, 0, "time_invalid", "RV-11");
    // spec: RV-2
    faults.need(entries.len() <= 1_000_000, 0, "limit_exceeded", "RV-2");
    each(&entries, faults);
    Some((List { number, hash: ed25519::sha256(&payload), created, next, entries }, signer))
}

/// The members, where they are those of the table.
fn members(value: &Json) -> Option<ListRevoked> {
    let names: Vec<&str> = value.members()?.iter().map(|(name, _)| name.as_str()).collect();
    let known = |name: &&str| ARRAYS.contains(name) || ["created", "issuer", "next", "number", "v"].contains(name);
    if names.len() != 11 || !names.iter().all(known) {
        return None;
    }
    for name in ["created", "next", "number", "v"] {
        value.get(name)?.integer()?;
    }
    value.get("issuer")?.text()?;
    let array = |name: &str| value.get(name)?.elements();
    let strings = |name: &str| array(name)?.iter().map(|it| it.text().map(str::to_owned)).collect::<Option<Vec<_>>>();
    let two = |it: &Json| it.members().is_some_and(|members| members.len() == 2);
    let user = |it: &Json| {
        let user = it.get("user")?.text()?.to_owned();
        two(it).then_some(ListUser { user, until: it.get("until")?.integer()? })
    };
    let ended = |it: &Json| {
        let (user, conversation) = (it.get("user")?.text()?.to_owned(), it.get("conversation")?.text()?.to_owned());
        two(it).then_some(ListConversation { user, conversation })
    };
    Some(ListRevoked {
        blocks: strings("blocks")?,
        holders: strings("holders")?,
        users: array("users")?.iter().map(user).collect::<Option<_>>()?,
        grants: strings("grants")?,
        conversations: array("conversations")?.iter().map(ended).collect::<Option<_>>()?,
        issuer_keys: strings("issuer_keys")?,
    })
}

/// Looks at each entry, and at their order.
fn each(entries: &ListRevoked, faults: &mut Faults) {
    // spec: RV-12
    let bytes = |text: &String, length: usize| base64::from_url(text.as_bytes()).is_some_and(|it| it.len() == length);
    let short = |text: &String| text.len() <= 1_024;
    let users = |it: &ListUser| short(&it.user) && (0..=LAST_SECOND).contains(&it.until);
    let good = entries.blocks.iter().all(|id| bytes(id, 16))
        && entries.holders.iter().all(|id| bytes(id, 32))
        && entries.issuer_keys.iter().all(|key| base64::public_key(key).is_some())
        && entries.users.iter().all(users)
        && entries.grants.iter().all(short)
        && entries.conversations.iter().all(|it| short(&it.user) && short(&it.conversation));
    faults.need(good, 0, "entry_invalid", "RV-12");
    // spec: RV-13 (a `String` compares by its bytes)
    let ascends = |texts: &[String]| texts.windows(2).all(|pair| pair[0] < pair[1]);
    let pairs: Vec<_> = entries.conversations.iter().map(|it| (&it.user, &it.conversation)).collect();
    let in_order = [&entries.blocks, &entries.holders, &entries.grants, &entries.issuer_keys]
        .into_iter()
        .all(|texts| ascends(texts))
        && entries.users.windows(2).all(|pair| pair[0].user < pair[1].user)
        && pairs.windows(2).all(|pair| pair[0] < pair[1]);
    faults.need(in_order, 0, "order_invalid", "RV-13");
}
