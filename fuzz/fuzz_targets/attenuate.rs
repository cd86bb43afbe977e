//! A block more never allows more: whatever is denied to a token is denied to every token made from it, the checks that
//! name the holder aside, since a delegation moves the holder. What a token says stays, and only shrinks.
#![no_main]

use std::sync::LazyLock;

use arbitrary::{Result, Unstructured};
use countersign::Denial;
use countersign::checks::{WORK_LIMIT, Work, evaluate};
use countersign::key::SigningKey;
use countersign::token::{Claims, OpenToken, UnverifiedToken, VerifiedChain};
use countersign::verify::{Approvals, Authenticated, Binding, ChargeSet, MemoryCharges, Revocations, Verifier, covers};
use countersign_fuzz::attenuate::{self, Asked, SERVICE, Step};
use countersign_fuzz::{checks, keys};
use libfuzzer_sys::{Corpus, fuzz_target};

static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| {
    let builder = Verifier::builder().audience(SERVICE).authority("service.example");
    builder.issuer("https://hub.example", [keys::root().public()]).build().unwrap()
});

fuzz_target!(|data: &[u8]| -> Corpus { run(&mut Unstructured::new(data)).unwrap_or(Corpus::Reject) });

fn run(u: &mut Unstructured<'_>) -> Result<Corpus> {
    let Ok(mut token) = attenuate::granted(u)? else { return Ok(Corpus::Reject) };
    let mut holder = keys::agent();
    let asked = [attenuate::asked(u)?, attenuate::asked(u)?];
    let (arguments, _) = checks::arguments(u)?;
    for block in 1..=u.int_in_range(1..=4)? {
        let step = attenuate::step(u)?;
        let Some((longer, to)) = taken(&token, &holder, &step, block) else { return Ok(Corpus::Keep) };
        let (before, after) = (chain(&token), chain(&longer));
        shrinks(before.claims(), after.claims(), &step);
        let moved = matches!(step, Step::Delegate(..)) && names_holder(before.claims());
        asked.iter().for_each(|asked| never_more(asked, &before, &after, moved));
        // With the same holder among the facts, the blocks that were there decide the same, one by one.
        let facts = checks::facts(u, &token, &arguments)?;
        let verdict = |chain| evaluate(chain, &facts, &mut Work::new(WORK_LIMIT));
        match (verdict(&before), verdict(&after)) {
            (Err(denial), verdict) => assert_eq!(verdict, Err(denial), "another verdict of the same blocks"),
            (Ok(()), Err(denial)) => assert_eq!(denial.block, before.claims().block_count()),
            (Ok(()), Ok(())) => {}
        }
        (token, holder) = (longer, to);
    }
    Ok(Corpus::Keep)
}

/// The token with one block more and the key of its holder; `None` where core makes none.
fn taken(token: &OpenToken, holder: &SigningKey, step: &Step, block: u8) -> Option<(OpenToken, SigningKey)> {
    let longer = step.take(token, holder, block).ok();
    match step {
        Step::Restrict(_) => Some((longer?, holder.clone())),
        Step::Delegate(_, to) => {
            assert!(step.take(token, &keys::root(), block).is_err(), "handed on by who does not hold it");
            assert!(longer.is_none() || token.claims().delegation_depth() > 0, "handed on too often");
            Some((longer?, keys::key(*to)))
        }
    }
}

fn chain(token: &OpenToken) -> VerifiedChain {
    let sealed = token.seal().unwrap();
    let read = UnverifiedToken::from_text(&sealed.to_text()).unwrap();
    assert!(read.clone().into_open().is_err(), "a sealed token was opened");
    read.verify(&[keys::root().public()]).expect("what is made here verifies")
}

/// What a token says of itself is what the one before said, with a block more, and never more than that.
fn shrinks(before: Claims<'_>, after: Claims<'_>, step: &Step) {
    let count = before.block_count();
    assert_eq!(after.block_count(), count + 1);
    assert_eq!((before.issuer(), before.user()), (after.issuer(), after.user()));
    assert_eq!((before.purpose(), before.audience()), (after.purpose(), after.audience()));
    assert_eq!((before.grant(), before.conversation()), (after.grant(), after.conversation()));
    assert_eq!(before.issued_at(), after.issued_at());
    assert!(before.rights().eq(after.rights()) && before.metered().eq(after.metered()));
    assert!(before.approvals().eq(after.approvals()));
    assert!(before.block_ids().eq(after.block_ids().take(count)));
    assert!((0..count).all(|block| before.check_values(block) == after.check_values(block)));
    assert!((0..count).all(|block| before.delegated_by(block) == after.delegated_by(block)));
    assert!(after.expires() <= before.expires());
    let budgets: Vec<_> = after.budgets().collect();
    assert!(before.budgets().eq(budgets.iter().copied().filter(|budget| budget.block < count)));
    let agents: Vec<_> = before.agents().collect();
    assert!(agents.iter().copied().eq(after.agents().take(agents.len())));
    match step {
        Step::Restrict(_) => {
            assert_eq!((after.holder(), after.agents().count()), (before.holder(), agents.len()));
            assert_eq!(after.delegation_depth(), before.delegation_depth());
            assert_eq!(after.delegated_by(count), None);
        }
        Step::Delegate(_, to) => {
            assert_eq!((after.holder(), after.agents().count()), (keys::key(*to).public(), agents.len() + 1));
            assert!(after.delegation_depth() < before.delegation_depth());
            assert_eq!(after.delegated_by(count), Some(before.holder()));
        }
    }
}

fn names_holder(claims: Claims<'_>) -> bool {
    let checks = (0..claims.block_count()).flat_map(|block| claims.check_values(block));
    checks.flat_map(|check| check.queries).flat_map(|query| query.predicates).any(|fact| fact.name == "holder")
}

fn authenticated(asked: &Asked, chain: &VerifiedChain) -> Result<Authenticated, Denial> {
    let service = (SERVICE, asked.http.clone());
    VERIFIER.resume(chain.clone(), Binding::Ed25519, service, asked.now, &Revocations::default())
}

fn allowed(asked: &Asked, chain: &VerifiedChain) -> Result<ChargeSet, Denial> {
    let charges = authenticated(asked, chain)?.authorize(asked.operation.clone(), &Approvals::none())?;
    let set = charges.set().clone();
    let authorized = charges.charge_with(&MemoryCharges::insecure_without_epoch(), asked.now)?;
    let right = authorized.right().expect("nothing is allowed without a right");
    let operation = &asked.operation;
    assert_eq!((right.r#type, right.action), (operation.r#type(), operation.action()));
    assert!(covers(right.location, operation.resource()), "{right:?} {operation:?}");
    assert!(asked.now <= chain.claims().expires());
    Ok(set)
}

fn never_more(asked: &Asked, before: &VerifiedChain, after: &VerifiedChain, moved: bool) {
    if moved {
        return;
    }
    match (allowed(asked, before), allowed(asked, after)) {
        (Err(denial), later) => assert!(later.is_err(), "denied as {}, allowed later: {asked:?}", denial.code()),
        (Ok(before), Ok(after)) => {
            // Whatever was charged is charged still, against no greater amount.
            assert!(before.charges.iter().all(|charge| after.charges.contains(charge)), "{before:?} {after:?}");
            assert_eq!(before.approvals.len(), after.approvals.len());
        }
        (Ok(_), Err(_)) => {}
    }
    let listed = |chain| authenticated(asked, chain).is_ok_and(|who| who.would_list(&asked.operation));
    assert!(listed(before) || !listed(after), "shown only later: {asked:?}");
    // What a listing can not know does not hide.
    assert!(listed(after) || allowed(asked, after).is_err(), "allowed and not shown: {asked:?}");
}
