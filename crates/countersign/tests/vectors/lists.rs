//! Revocation lists through the core.

use countersign::from_base64url;
use countersign::revocation::{RevocationList, RevocationLists, UnsignedList};
use countersign::time::UnixTime;
use countersign::verify::RevocationView as _;
use countersign_testkit::format_revocation::{ListExpect, ListResult, ListRevoked, ListVector};
use countersign_testkit::runner::Answer;

/// What is in the view, of what a vector expects to be there.
fn found(view: &RevocationLists, issuer: &str, expected: &ListRevoked) -> Result<(), String> {
    let all = [
        expected.blocks.iter().all(|id| view.block_revoked(issuer, &from_base64url(id).unwrap().try_into().unwrap())),
        expected.holders.iter().all(|id| view.holder_revoked(issuer, &id.parse().unwrap())),
        expected.users.iter().all(|entry| {
            let until = view.user_revoked_until(issuer, &entry.user);
            until == Some(UnixTime(entry.until.try_into().unwrap()))
        }),
        expected.grants.iter().all(|grant| view.grant_revoked(issuer, grant)),
        expected.conversations.iter().all(|entry| view.conversation_ended(issuer, &entry.user, &entry.conversation)),
        expected.issuer_keys.iter().all(|key| view.issuer_key_revoked(issuer, &key.parse().unwrap())),
    ];
    // With as many entries as are expected, there is nothing else.
    let held = view.status(issuer).map_or(0, |status| status.entries);
    if all == [true; 6] && held == expected.len() { Ok(()) } else { Err(format!("{all:?}, {held} entries")) }
}

pub(crate) fn take(vector: &ListVector) -> Answer {
    run(vector).map_or_else(Answer::Failed, |found| Answer::List(Box::new(found)))
}

fn run(vector: &ListVector) -> Result<ListExpect, String> {
    let (input, now) = (&vector.input, UnixTime(vector.input.now.try_into().unwrap()));
    let start = || RevocationLists::default().issuer(&input.issuer, input.keys.iter().map(|key| key.parse().unwrap()));
    let mut view = start();
    for text in &input.before {
        view.apply(&input.issuer, text, now).map_err(|error| format!("a list before it: {error}"))?;
    }
    if input.restarted {
        let state = view.state();
        view = start();
        view.restore(&state).unwrap();
        assert_eq!(view.state(), state);
    }
    let outcome = view.apply(&input.issuer, &input.list, now);
    let status = view.status(&input.issuer);
    let got = ListExpect {
        result: if outcome.is_ok() { ListResult::Accept } else { ListResult::Refuse },
        error: outcome.err().map(|error| error.kind().as_str().to_owned()),
        number: status.map(|status| status.number.try_into().unwrap()),
        fresh: view.is_fresh(&input.issuer, now),
        revoked: vector.expect.revoked.clone(),
    };
    // The view is asked for each expected entry, since it tells none of its own accord.
    found(&view, &input.issuer, &vector.expect.revoked)?;
    // What was taken is written again as it was.
    if outcome.is_ok() {
        let keys: Vec<_> = input.keys.iter().map(|key| key.parse().unwrap()).collect();
        let list = RevocationList::verify(&input.list, &input.issuer, &keys).unwrap();
        let (number, created, next) = (list.number(), list.created(), list.next());
        let again = UnsignedList::new(&input.issuer, number, created, next, list.entries().clone()).unwrap();
        let (payload, signature) = input.list.split_once('.').unwrap();
        assert!(again.payload().ends_with(&from_base64url(payload).unwrap()), "{}", vector.id);
        let signature = from_base64url(signature).unwrap().try_into().unwrap();
        let signature = countersign::key::Signature::from_bytes(signature);
        assert_eq!(again.complete(signature, list.signer()).unwrap(), list, "{}", vector.id);
    }
    Ok(got)
}
