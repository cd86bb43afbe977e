//! Nonces that were used (`spec/verify.md`, Nonce).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::key::KeyId;
use crate::time::{SKEW, UnixTime};

/// A nonce that is to be recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NonceEntry {
    /// Whose nonce it is.
    pub holder: KeyId,
    /// The first holder of the chain, in whose share of a store it counts: later holders are as many as that one likes.
    pub agent: KeyId,
    /// Its 16 to 64 bytes.
    pub nonce: Vec<u8>,
    /// When the signature was made, by its own word.
    pub created: UnixTime,
    /// Until when the entry must be kept.
    pub keep_until: UnixTime,
}

/// What a replay store says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplayOutcome {
    /// It was recorded now and had not been before.
    New,
    /// It had been recorded before.
    Seen,
    /// The store can't say: no answer, full, over a quota, or a memory shorter than the request's age.
    Unavailable,
}

/// A store of used nonces that answers at once.
pub trait ReplayStore {
    /// Records a nonce and tells, in one atomic step, whether it was new.
    fn record(&self, entry: &NonceEntry, now: UnixTime) -> ReplayOutcome;
}

impl<S: ReplayStore + ?Sized> ReplayStore for &S {
    fn record(&self, entry: &NonceEntry, now: UnixTime) -> ReplayOutcome {
        (**self).record(entry, now)
    }
}

const SHARDS: usize = 16;

/// A bounded store in memory, with a quota for each agent and all to whom it hands its tokens on.
///
/// Full is a refusal: no entry that could still be replayed is dropped to make room.
#[derive(Debug)]
pub struct MemoryReplay {
    /// Since when the store remembers; `None` where it is told that nothing came before.
    epoch: Option<UnixTime>,
    capacity: usize,
    quota: usize,
    /// By holder.
    shards: [Mutex<Shard>; SHARDS],
    /// How many nonces each agent has in all shards. Locked while a shard is, never the other way round.
    agents: [Mutex<HashMap<KeyId, usize>>; SHARDS],
}

/// A holder and its nonce.
type Used = (KeyId, Vec<u8>);

#[derive(Debug, Default)]
struct Shard {
    /// The latest time that it was given: what ends before it may be forgotten.
    newest: UnixTime,
    used: HashSet<Used>,
    /// When each may be forgotten, and of which agent it is.
    by_end: BTreeMap<UnixTime, Vec<(KeyId, Used)>>,
}

fn shard_of<'s, T>(shards: &'s [Mutex<T>; SHARDS], key: &KeyId) -> Option<MutexGuard<'s, T>> {
    let [first, ..] = *key.as_bytes();
    let shard = shards.get(usize::from(first) % SHARDS)?;
    Some(shard.lock().unwrap_or_else(PoisonError::into_inner))
}

impl MemoryReplay {
    /// Room for nonces in all, and for those of one agent, that a service needs unless it knows better.
    pub const DEFAULT_CAPACITY: usize = 1 << 20;
    /// See [`Self::DEFAULT_CAPACITY`]. A fraction of a shard's room, so that no agent can fill it for others.
    pub const DEFAULT_QUOTA: usize = 1 << 13;

    /// A store that starts to remember at `now`: requests made up to then, and 30 seconds after, are refused, since a
    /// store before it may have taken them.
    pub fn starting_at(now: UnixTime) -> Self {
        Self { epoch: Some(now), ..Self::insecure_without_epoch() }
    }

    /// A store that is told that no request was accepted before it, such as by keys that are younger than it is.
    ///
    /// After a restart with the same keys, requests of the last minutes would pass a second time.
    pub fn insecure_without_epoch() -> Self {
        Self {
            epoch: None,
            capacity: Self::DEFAULT_CAPACITY,
            quota: Self::DEFAULT_QUOTA,
            shards: core::array::from_fn(|_| Mutex::default()),
            agents: core::array::from_fn(|_| Mutex::default()),
        }
    }

    /// Sets how many nonces are kept in all, and of one agent: at most one part in 32 of all, so that no agent fills the
    /// part of the store that its nonces are in.
    #[must_use]
    pub fn with_room(mut self, capacity: usize, quota: usize) -> Self {
        (self.capacity, self.quota) = (capacity, quota.min(capacity / (2 * SHARDS)).max(1));
        self
    }

    /// How many nonces are kept.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner).used.len()).sum()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl ReplayStore for MemoryReplay {
    // spec: VF-19
    fn record(&self, entry: &NonceEntry, now: UnixTime) -> ReplayOutcome {
        // spec: VF-21
        if self.epoch.is_some_and(|epoch| entry.created <= epoch.plus(SKEW)) {
            return ReplayOutcome::Unavailable;
        }
        match self.try_record(entry, now) {
            Some(outcome) => outcome,
            None => {
                // What the agent used elsewhere may be over by now.
                for shard in &self.shards {
                    self.forget_before(&mut shard.lock().unwrap_or_else(PoisonError::into_inner), now);
                }
                self.try_record(entry, now).unwrap_or(ReplayOutcome::Unavailable)
            }
        }
    }
}

impl MemoryReplay {
    /// `None` where the agent is over its quota.
    fn try_record(&self, entry: &NonceEntry, now: UnixTime) -> Option<ReplayOutcome> {
        let mut shard = shard_of(&self.shards, &entry.holder)?;
        self.forget_before(&mut shard, now);
        // spec: VF-49
        if entry.keep_until < shard.newest {
            return Some(ReplayOutcome::Unavailable);
        }
        let pair = (entry.holder, entry.nonce.clone());
        if shard.used.contains(&pair) {
            return Some(ReplayOutcome::Seen);
        }
        if shard.used.len() >= (self.capacity / SHARDS).max(1) {
            return Some(ReplayOutcome::Unavailable);
        }
        // spec: VF-21
        let mut agents = shard_of(&self.agents, &entry.agent)?;
        let count = agents.get(&entry.agent).copied().unwrap_or_default();
        if count >= self.quota {
            return None;
        }
        agents.insert(entry.agent, count.saturating_add(1));
        drop(agents);
        shard.used.insert(pair.clone());
        shard.by_end.entry(entry.keep_until).or_default().push((entry.agent, pair));
        Some(ReplayOutcome::New)
    }

    // spec: VF-20
    fn forget_before(&self, shard: &mut Shard, now: UnixTime) {
        shard.newest = shard.newest.max(now);
        while let Some(first) = shard.by_end.first_entry()
            && *first.key() < now
        {
            for (agent, pair) in first.remove() {
                shard.used.remove(&pair);
                let Some(mut agents) = shard_of(&self.agents, &agent) else { continue };
                let left = agents.get(&agent).copied().unwrap_or_default().saturating_sub(1);
                if left == 0 {
                    agents.remove(&agent);
                } else {
                    agents.insert(agent, left);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::SigningKey;

    const NOW: UnixTime = UnixTime(1_795_453_200);

    fn entry(nonce: u8) -> NonceEntry {
        let holder = SigningKey::from_seed(&[1; 32]).public().id();
        NonceEntry { holder, agent: holder, nonce: vec![nonce; 16], created: NOW, keep_until: NOW.plus(121) }
    }

    // spec: VF-19, VF-20
    #[test]
    fn takes_a_nonce_once_while_it_could_be_replayed() {
        let store = MemoryReplay::insecure_without_epoch();
        assert_eq!(store.record(&entry(1), NOW), ReplayOutcome::New);
        assert_eq!(store.record(&entry(1), NOW), ReplayOutcome::Seen);
        assert_eq!(store.record(&entry(1), NOW.plus(121)), ReplayOutcome::Seen);
        assert_eq!(store.len(), 1);
        let later = NonceEntry { keep_until: NOW.plus(300), ..entry(2) };
        assert_eq!(store.record(&later, NOW.plus(122)), ReplayOutcome::New);
        assert_eq!(store.len(), 1);
    }

    // spec: VF-21
    #[test]
    fn refuses_what_is_older_than_its_memory() {
        let store = MemoryReplay::starting_at(NOW);
        let at = |created| store.record(&NonceEntry { created, ..entry(1) }, NOW.plus(40));
        assert_eq!(at(NOW.plus(30)), ReplayOutcome::Unavailable);
        assert_eq!(at(NOW.plus(31)), ReplayOutcome::New);
    }

    // spec: VF-19
    #[test]
    fn a_holder_uses_a_nonce_once_whoever_the_chain_began_with() {
        let store = MemoryReplay::insecure_without_epoch();
        let other = SigningKey::from_seed(&[9; 32]).public().id();
        assert_eq!(store.record(&entry(1), NOW), ReplayOutcome::New);
        assert_eq!(store.record(&NonceEntry { agent: other, ..entry(1) }, NOW), ReplayOutcome::Seen);
        assert_eq!(store.record(&NonceEntry { holder: other, ..entry(1) }, NOW), ReplayOutcome::New);
    }

    // spec: VF-20, VF-21
    #[test]
    fn what_is_over_in_another_shard_does_not_count() {
        let store = MemoryReplay::insecure_without_epoch().with_room(1 << 10, 16);
        let holder = |seed: u8| SigningKey::from_seed(&[seed; 32]).public().id();
        let at =
            |seed, now| store.record(&NonceEntry { holder: holder(seed), keep_until: NOW.plus(60), ..entry(1) }, now);
        for seed in 10..26 {
            assert_eq!(at(seed, NOW), ReplayOutcome::New);
        }
        assert_eq!(at(26, NOW.plus(60)), ReplayOutcome::Unavailable);
        for seed in 26..42 {
            let later = NonceEntry { holder: holder(seed), keep_until: NOW.plus(121), ..entry(1) };
            assert_eq!(store.record(&later, NOW.plus(61)), ReplayOutcome::New, "{seed}");
        }
        assert_eq!(store.len(), 16);
    }

    // spec: VF-20, VF-21
    #[test]
    fn full_refuses_and_drops_nothing() {
        let store = MemoryReplay::insecure_without_epoch().with_room(1 << 20, 2);
        assert_eq!(
            [1, 2, 3].map(|n| store.record(&entry(n), NOW)),
            [ReplayOutcome::New, ReplayOutcome::New, ReplayOutcome::Unavailable]
        );
        assert_eq!(store.record(&entry(1), NOW), ReplayOutcome::Seen);
    }

    // spec: VF-21
    #[test]
    fn one_agent_leaves_room_in_its_part_of_the_smallest_store() {
        let store = MemoryReplay::insecure_without_epoch().with_room(1 << 10, 1 << 10);
        let id = |seed: u8| SigningKey::from_seed(&[seed; 32]).public().id();
        let holder = id(7);
        let of = |agent: KeyId, nonce| store.record(&NonceEntry { holder, agent, ..entry(nonce) }, NOW);
        let taken = (0..64).filter(|nonce| of(holder, *nonce) == ReplayOutcome::New).count();
        assert_eq!(taken, 32);
        let other = (100..164).filter(|nonce| of(id(8), *nonce) == ReplayOutcome::New).count();
        assert_eq!(other, 32);
        // Two of them fill it.
        assert_eq!(of(id(9), 200), ReplayOutcome::Unavailable);
        assert_eq!(of(holder, 0), ReplayOutcome::Seen);
    }

    // spec: VF-49
    #[test]
    fn takes_nothing_that_it_may_have_forgotten() {
        let store = MemoryReplay::insecure_without_epoch();
        assert_eq!(store.record(&entry(1), NOW), ReplayOutcome::New);
        assert_eq!(
            store.record(&NonceEntry { keep_until: NOW.plus(200), ..entry(2) }, NOW.plus(122)),
            ReplayOutcome::New
        );
        // By a clock that was read before.
        assert_eq!(store.record(&entry(1), NOW), ReplayOutcome::Unavailable);
        assert_eq!(store.record(&entry(3), NOW.plus(121)), ReplayOutcome::Unavailable);
    }

    #[test]
    fn an_agent_has_one_share_however_often_it_hands_on() {
        let store = MemoryReplay::insecure_without_epoch().with_room(1 << 20, 2);
        let holder = |seed: u8| SigningKey::from_seed(&[seed; 32]).public().id();
        let by = |seed: u8| store.record(&NonceEntry { holder: holder(seed), ..entry(1) }, NOW);
        assert_eq!([1, 2, 3].map(by), [ReplayOutcome::New, ReplayOutcome::New, ReplayOutcome::Unavailable]);
        let other = NonceEntry { holder: holder(4), agent: holder(4), ..entry(1) };
        assert_eq!(store.record(&other, NOW), ReplayOutcome::New);
    }

    #[test]
    fn one_of_many_racing_threads_wins() {
        let store = MemoryReplay::insecure_without_epoch();
        let wins = std::thread::scope(|scope| {
            let race: Vec<_> = (0..64).map(|_| scope.spawn(|| store.record(&entry(9), NOW))).collect();
            race.into_iter().map(|t| t.join().unwrap()).filter(|o| *o == ReplayOutcome::New).count()
        });
        assert_eq!(wins, 1);
    }
}
