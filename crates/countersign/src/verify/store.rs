//! Budgets and used approvals, taken in one step (`spec/verify.md`, Stage 12).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use crate::key::KeyId;
use crate::time::{SKEW, UnixTime};

use super::charges::{ChargeOutcome, ChargeSet};
use super::replay::{NonceEntry, ReplayOutcome, ReplayStore};

/// Takes what a request costs: all of it, or nothing.
pub trait ChargeStore {
    /// Raises every counter, uses up every approval and records the nonce, in one atomic step; or does nothing of it.
    ///
    /// A charge with a cost of 0 is never too much, also where more was spent already than its amount.
    fn charge(&self, set: &ChargeSet, now: UnixTime) -> ChargeOutcome;
}

/// Counters and used approvals in memory, of one process.
///
/// Of counters that delegation blocks make, an agent and all to whom it hands its tokens on have a quota. Nothing that still
/// counts is dropped to make room.
///
/// What was spent is forgotten when the process ends: budgets then start afresh. Used approvals would be usable again, so
/// those signed before the store began, and up to 30 seconds after, are refused. It takes no nonces: give those to a
/// [`super::MemoryReplay`], or join the two with [`MemoryCharges::with_nonces`].
#[derive(Debug)]
pub struct MemoryCharges {
    started: UnixTime,
    room: usize,
    quota: usize,
    state: Mutex<State>,
    replay: Option<super::MemoryReplay>,
}

#[derive(Debug, Default)]
struct State {
    /// By counter: the window's number, and what was spent in it.
    counters: BTreeMap<Vec<String>, Spent>,
    /// How many of them are of delegation blocks, by first holder.
    delegated: HashMap<KeyId, usize>,
    used: HashSet<[u8; 32]>,
    by_end: BTreeMap<UnixTime, Vec<[u8; 32]>>,
    /// The latest time that it was given. Time does not go back: a window that began is not begun again.
    newest: UnixTime,
    /// How many counters were left when those of ended windows were last dropped.
    swept: usize,
    /// And when.
    swept_at: UnixTime,
}

#[derive(Clone, Copy, Debug)]
struct Spent {
    window: u64,
    amount: u64,
    ends: Option<UnixTime>,
    agent: Option<KeyId>,
}

impl MemoryCharges {
    /// How many counters, and how many used approvals, are held unless told otherwise.
    const ROOM: usize = 1 << 18;

    /// How many counters of delegation blocks an agent may have at a time unless told otherwise.
    pub const DEFAULT_QUOTA: usize = 1 << 12;

    /// An empty store that began now.
    // spec: VF-46
    pub fn starting_at(now: UnixTime) -> Self {
        Self { started: now.plus(SKEW), ..Self::insecure_without_epoch() }
    }

    /// An empty store that takes approvals of any age: one that was used before it began can be used once more.
    pub fn insecure_without_epoch() -> Self {
        Self {
            started: UnixTime(0),
            room: Self::ROOM,
            quota: Self::DEFAULT_QUOTA,
            state: Mutex::default(),
            replay: None,
        }
    }

    /// Holds at most so many counters, and so many used approvals. Full, it refuses.
    #[must_use]
    pub fn with_room(mut self, room: usize) -> Self {
        self.room = room;
        self
    }

    /// Keeps at most so many counters of delegation blocks of an agent and all to whom it hands its tokens on.
    // spec: VF-51
    #[must_use]
    pub fn with_quota(mut self, quota: usize) -> Self {
        self.quota = quota;
        self
    }

    /// Records nonces too, for requests whose stage 10 was put off.
    #[must_use]
    pub fn with_nonces(mut self, replay: super::MemoryReplay) -> Self {
        self.replay = Some(replay);
        self
    }

    /// What was spent of a counter in the window of `now`.
    pub fn spent(&self, charge: &super::Charge, now: UnixTime) -> u64 {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.spent(charge, now)
    }

    fn record(&self, nonce: &NonceEntry, now: UnixTime) -> ReplayOutcome {
        self.replay.as_ref().map_or(ReplayOutcome::Unavailable, |replay| replay.record(nonce, now))
    }
}

impl ChargeStore for MemoryCharges {
    // spec: VF-34, VF-45
    fn charge(&self, set: &ChargeSet, now: UnixTime) -> ChargeOutcome {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // The nonce first: it is spent whatever comes of the rest, and the lock makes both one step.
        if let Some(nonce) = &set.nonce {
            match self.record(nonce, now) {
                ReplayOutcome::New => {}
                ReplayOutcome::Seen => return ChargeOutcome::Replayed,
                ReplayOutcome::Unavailable => return ChargeOutcome::Unavailable,
            }
        }
        // spec: VF-49
        let now = state.newest.max(now);
        state.forget_before(now);
        if state.is_short_of_room(set, self.room, self.quota) {
            state.sweep(now);
        }
        for (index, charge) in set.charges.iter().enumerate() {
            let after = state.spent(charge, now).checked_add(charge.cost);
            // A cost of 0 passes also where a new token has a lesser amount than was spent under the old one.
            if charge.cost > 0 && after.is_none_or(|after| after > charge.amount) {
                return ChargeOutcome::Exceeded(index);
            }
        }
        // spec: VF-46
        let epoch = self.started > UnixTime(0) && set.approvals.iter().any(|used| used.created <= self.started);
        if set.approvals.iter().any(|used| state.used.contains(&used.id)) {
            return ChargeOutcome::ApprovalUsed;
        }
        let used = state.used.len().saturating_add(set.approvals.len());
        let forgotten = set.approvals.iter().any(|used| used.keep_until < now);
        let full = used > self.room || state.is_short_of_room(set, self.room, self.quota);
        if epoch || forgotten || full {
            return ChargeOutcome::Unavailable;
        }
        for charge in &set.charges {
            let amount = state.spent(charge, now).saturating_add(charge.cost);
            let window = now.0.checked_div(charge.window).unwrap_or(0);
            let agent = charge.delegated.map(|delegated| delegated.agent);
            let spent = Spent { window, amount, ends: charge.ends(now), agent };
            let before = state.counters.insert(charge.counter.clone(), spent);
            if let (None, Some(agent)) = (before, agent) {
                let count = state.delegated.entry(agent).or_default();
                *count = count.saturating_add(1);
            }
        }
        for used in &set.approvals {
            state.used.insert(used.id);
            state.by_end.entry(used.keep_until).or_default().push(used.id);
        }
        ChargeOutcome::Charged
    }
}

impl State {
    fn spent(&self, charge: &super::Charge, now: UnixTime) -> u64 {
        let window = now.0.checked_div(charge.window).unwrap_or(0);
        self.counters.get(&charge.counter).filter(|spent| spent.window == window).map_or(0, |spent| spent.amount)
    }

    /// Drops uses that no clock takes any more; and, when there are many, counters that are over.
    fn forget_before(&mut self, now: UnixTime) {
        self.newest = now;
        while let Some(first) = self.by_end.first_entry()
            && *first.key() < now
        {
            for id in first.remove() {
                self.used.remove(&id);
            }
        }
        // As often as there are twice as many as were left, so that it costs each charge little.
        if self.counters.len() >= self.swept.saturating_mul(2).max(1024) {
            self.drop_ended(now);
        }
    }

    /// Whether the new counters of a set do not fit, in all or of one agent.
    // spec: VF-51
    fn is_short_of_room(&self, set: &ChargeSet, room: usize, quota: usize) -> bool {
        let new = || set.charges.iter().filter(|charge| !self.counters.contains_key(&charge.counter));
        if self.counters.len().saturating_add(new().count()) > room {
            return true;
        }
        let agents = || new().filter_map(|charge| charge.delegated.map(|delegated| delegated.agent));
        agents().next().is_some_and(|agent| {
            // All charges of a set are of one token, and so of one first holder.
            self.delegated.get(&agent).copied().unwrap_or_default().saturating_add(agents().count()) > quota
        })
    }

    /// Makes room where there is none, at most once a second: whoever is over their quota may ask as often as they like.
    fn sweep(&mut self, now: UnixTime) {
        if now > self.swept_at {
            self.drop_ended(now);
        }
    }

    fn drop_ended(&mut self, now: UnixTime) {
        self.counters.retain(|_, spent| spent.ends.is_none_or(|ends| ends >= now));
        self.delegated.clear();
        for agent in self.counters.values().filter_map(|spent| spent.agent) {
            let count = self.delegated.entry(agent).or_default();
            *count = count.saturating_add(1);
        }
        (self.swept, self.swept_at) = (self.counters.len(), now);
    }
}

#[cfg(test)]
mod tests;
