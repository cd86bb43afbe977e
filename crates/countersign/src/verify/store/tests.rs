//! All or nothing, at most once, and not past the amount, whoever races.

use super::*;
use crate::verify::{ApprovalUse, Charge, Delegated};

const NOW: UnixTime = UnixTime(1_795_453_200);

fn charge(account: &str, cost: u64, amount: u64, window: u64) -> Charge {
    Charge { counter: vec![account.to_owned()], cost, amount, window, delegated: None }
}

fn used(id: u8, created: UnixTime) -> ApprovalUse {
    ApprovalUse { id: [id; 32], created, keep_until: created.plus(661) }
}

fn set(charges: &[Charge], approvals: &[ApprovalUse]) -> ChargeSet {
    ChargeSet { charges: charges.to_vec(), approvals: approvals.to_vec(), nonce: None }
}

// spec: VF-34
#[test]
fn charges_up_to_the_amount_and_afresh_in_the_next_window() {
    let store = MemoryCharges::insecure_without_epoch();
    let hourly = charge("a", 1, 2, 3600);
    let at = |now| store.charge(&set(std::slice::from_ref(&hourly), &[]), now);
    assert_eq!(
        [at(NOW), at(NOW), at(NOW)],
        [ChargeOutcome::Charged, ChargeOutcome::Charged, ChargeOutcome::Exceeded(0)]
    );
    // 17:00 is a multiple of an hour, so the window ends at 18:00.
    assert_eq!(at(NOW.plus(3599)), ChargeOutcome::Exceeded(0));
    assert_eq!(hourly.resets_at(NOW), Some(NOW.plus(3600)));
    assert_eq!(at(NOW.plus(3600)), ChargeOutcome::Charged);
    assert_eq!(store.spent(&hourly, NOW.plus(3600)), 1);
    let ever = charge("b", 3, 3, 0);
    assert_eq!(store.charge(&set(std::slice::from_ref(&ever), &[]), NOW), ChargeOutcome::Charged);
    assert_eq!(store.charge(&set(std::slice::from_ref(&ever), &[]), UnixTime(u64::MAX)), ChargeOutcome::Exceeded(0));
    assert_eq!(ever.resets_at(NOW), None);
    assert_eq!(store.charge(&set(&[charge("b", u64::MAX, u64::MAX, 0)], &[]), NOW), ChargeOutcome::Exceeded(0));
    assert_eq!(store.charge(&set(&[charge("b", 0, 3, 0)], &[]), NOW), ChargeOutcome::Charged);
}

// spec: VF-49
#[test]
fn time_does_not_go_back() {
    let store = MemoryCharges::insecure_without_epoch();
    let hourly = charge("a", 1, 1, 3600);
    let at = |now| store.charge(&set(std::slice::from_ref(&hourly), &[]), now);
    assert_eq!([at(NOW), at(NOW.plus(3600))], [ChargeOutcome::Charged; 2]);
    // By clocks that were read before the window began: it is not begun again, before it or after.
    assert_eq!([at(NOW), at(NOW.plus(3599)), at(NOW.plus(3600))], [ChargeOutcome::Exceeded(0); 3]);
    // An approval whose use may have been forgotten.
    assert_eq!(store.charge(&set(&[], &[used(1, UnixTime(NOW.0 - 700))]), NOW), ChargeOutcome::Unavailable);
}

#[test]
fn counters_of_windows_that_are_over_make_room() {
    let store = MemoryCharges::insecure_without_epoch().with_room(4096);
    let names: Vec<String> = (0..3).map(|of| of.to_string()).collect();
    // Three a second, so their number is never a power of two.
    for second in 0..5000 {
        let charges: Vec<Charge> = names
            .iter()
            .map(|name| Charge { counter: vec![second.to_string(), name.clone()], ..charge("", 1, 9, 1) })
            .collect();
        assert_eq!(store.charge(&set(&charges, &[]), NOW.plus(second)), ChargeOutcome::Charged, "{second}");
    }
}

// spec: VF-45, RQ-59
#[test]
fn takes_all_or_nothing() {
    let store = MemoryCharges::insecure_without_epoch();
    let (first, second) = (charge("a", 1, 9, 0), charge("b", 1, 0, 0));
    let approval = used(1, NOW);
    let both = set(&[first.clone(), second], std::slice::from_ref(&approval));
    assert_eq!(store.charge(&both, NOW), ChargeOutcome::Exceeded(1));
    assert_eq!(store.spent(&first, NOW), 0);
    let one = set(std::slice::from_ref(&first), std::slice::from_ref(&approval));
    assert_eq!(store.charge(&one, NOW), ChargeOutcome::Charged);
    assert_eq!(store.charge(&one, NOW), ChargeOutcome::ApprovalUsed);
    assert_eq!(store.spent(&first, NOW), 1);
    let fresh_and_used = set(&[], &[used(2, NOW), approval]);
    assert_eq!(store.charge(&fresh_and_used, NOW.plus(661)), ChargeOutcome::ApprovalUsed);
    assert_eq!(store.charge(&set(&[], &[used(2, NOW)]), NOW.plus(661)), ChargeOutcome::Charged);
}

// spec: VF-46
#[test]
fn refuses_approvals_older_than_its_memory() {
    let store = MemoryCharges::starting_at(NOW);
    let at = |created| store.charge(&set(&[], &[used(1, created)]), NOW.plus(40));
    assert_eq!(at(NOW.plus(30)), ChargeOutcome::Unavailable);
    assert_eq!(at(NOW.plus(31)), ChargeOutcome::Charged);
}

#[test]
fn full_refuses_and_drops_nothing() {
    let store = MemoryCharges::insecure_without_epoch().with_room(1);
    assert_eq!(store.charge(&set(&[charge("a", 1, 9, 0)], &[used(1, NOW)]), NOW), ChargeOutcome::Charged);
    assert_eq!(store.charge(&set(&[charge("b", 1, 9, 0)], &[]), NOW), ChargeOutcome::Unavailable);
    assert_eq!(store.charge(&set(&[charge("a", 1, 9, 0)], &[used(2, NOW)]), NOW), ChargeOutcome::Unavailable);
    assert_eq!(store.charge(&set(&[charge("a", 1, 9, 0)], &[]), NOW), ChargeOutcome::Charged);
    assert_eq!(store.charge(&set(&[], &[used(1, NOW)]), NOW), ChargeOutcome::ApprovalUsed);
}

// spec: VF-47
#[test]
fn records_the_nonce_whatever_comes_of_the_rest() {
    let nonces = crate::verify::MemoryReplay::insecure_without_epoch();
    let store = MemoryCharges::insecure_without_epoch().with_nonces(nonces);
    let holder = crate::key::SigningKey::from_seed(&[1; 32]).public().id();
    let nonce = |nonce: u8| {
        Some(NonceEntry { holder, agent: holder, nonce: vec![nonce; 16], created: NOW, keep_until: NOW.plus(121) })
    };
    let refused = ChargeSet { nonce: nonce(1), ..set(&[charge("a", 2, 1, 0)], &[]) };
    assert_eq!(store.charge(&refused, NOW), ChargeOutcome::Exceeded(0));
    assert_eq!(store.charge(&refused, NOW), ChargeOutcome::Replayed);
    let good = charge("a", 1, 1, 0);
    assert_eq!(
        store.charge(&ChargeSet { nonce: nonce(1), ..set(std::slice::from_ref(&good), &[]) }, NOW),
        ChargeOutcome::Replayed
    );
    assert_eq!(store.spent(&good, NOW), 0);
    assert_eq!(store.charge(&ChargeSet { nonce: nonce(2), ..set(&[good], &[]) }, NOW), ChargeOutcome::Charged);
    let without = MemoryCharges::insecure_without_epoch();
    assert_eq!(without.charge(&ChargeSet { nonce: nonce(3), ..ChargeSet::default() }, NOW), ChargeOutcome::Unavailable);
}

/// Attack 57: 64 clients race for the last ten units.
#[test]
fn no_race_passes_the_amount() {
    let store = MemoryCharges::insecure_without_epoch();
    let one = set(&[charge("a", 1, 10, 60), charge("b", 2, 64, 0)], &[]);
    let charged = std::thread::scope(|scope| {
        let race: Vec<_> = (0..64).map(|_| scope.spawn(|| store.charge(&one, NOW))).collect();
        race.into_iter()
            .map(|thread| thread.join().unwrap())
            .filter(|outcome| *outcome == ChargeOutcome::Charged)
            .count()
    });
    assert_eq!(charged, 10);
    assert_eq!(store.spent(&charge("b", 2, 64, 0), NOW), 20);
}

/// Attack 56: one approval, 64 clients.
#[test]
fn one_of_many_racing_uses_of_an_approval_wins() {
    let store = MemoryCharges::insecure_without_epoch();
    let one = set(&[charge("a", 1, 1000, 0)], &[used(7, NOW)]);
    let won = std::thread::scope(|scope| {
        let race: Vec<_> = (0..64).map(|_| scope.spawn(|| store.charge(&one, NOW))).collect();
        race.into_iter()
            .map(|thread| thread.join().unwrap())
            .filter(|outcome| *outcome == ChargeOutcome::Charged)
            .count()
    });
    assert_eq!((won, store.spent(&charge("a", 1, 1000, 0), NOW)), (1, 1));
}

fn of_agent(agent: u8, block: usize, ends: UnixTime) -> Charge {
    let agent = crate::key::SigningKey::from_seed(&[agent; 32]).public().id();
    Charge { delegated: Some(Delegated { agent, ends }), ..charge(&format!("{agent} {block}"), 1, 1, 0) }
}

// spec: VF-51
#[test]
fn an_agent_that_delegates_to_itself_fills_its_own_share_alone() {
    let store = MemoryCharges::insecure_without_epoch().with_quota(100);
    let at = |agent, block, now| store.charge(&set(&[of_agent(agent, block, NOW.plus(60))], &[]), now);
    for block in 0..100 {
        assert_eq!(at(1, block, NOW), ChargeOutcome::Charged, "{block}");
    }
    assert_eq!(at(1, 100, NOW.plus(1)), ChargeOutcome::Unavailable);
    // A counter that it has counts on, whatever else is refused.
    assert_eq!(at(1, 7, NOW.plus(1)), ChargeOutcome::Exceeded(0));
    assert_eq!(at(2, 0, NOW.plus(1)), ChargeOutcome::Charged);
    let authority = charge("authority", 1, 9, 0);
    assert_eq!(store.charge(&set(&[authority], &[]), NOW.plus(1)), ChargeOutcome::Charged);
    // Two of one set count as two.
    let two = [of_agent(2, 98, NOW.plus(60)), of_agent(2, 99, NOW.plus(60))];
    for block in 1..99 {
        assert_eq!(at(2, block + 1000, NOW.plus(1)), ChargeOutcome::Charged, "{block}");
    }
    assert_eq!(store.charge(&set(&two, &[]), NOW.plus(1)), ChargeOutcome::Unavailable);
}

// spec: VF-51
#[test]
fn a_counter_of_a_delegation_is_kept_until_its_blocks_end_and_no_longer() {
    let store = MemoryCharges::insecure_without_epoch().with_room(2);
    let ends = NOW.plus(60);
    let at = |block, now| store.charge(&set(&[of_agent(1, block, ends)], &[]), now);
    assert_eq!([at(0, NOW), at(1, NOW)], [ChargeOutcome::Charged; 2]);
    assert_eq!([at(2, ends), at(0, ends)], [ChargeOutcome::Unavailable, ChargeOutcome::Exceeded(0)]);
    assert_eq!(at(2, ends.plus(1)), ChargeOutcome::Charged);
    // A counter of the authority block never ends.
    let store = MemoryCharges::insecure_without_epoch().with_room(1);
    let ever = |name| store.charge(&set(&[charge(name, 1, 1, 0)], &[]), UnixTime(u64::MAX));
    assert_eq!(
        [ever("a"), ever("b"), ever("a")],
        [ChargeOutcome::Charged, ChargeOutcome::Unavailable, ChargeOutcome::Exceeded(0)]
    );
}
