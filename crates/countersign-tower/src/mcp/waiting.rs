//! The messages that a server has not answered (`spec/jsonrpc.md`, Answers).

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use countersign::key::KeyId;
use serde_json::Value;

use super::listing::Filter;

/// How many messages may wait at once.
const MAX: usize = 1024;

/// How many of them may be those of one agent and of all to whom it hands its tokens on.
const MAX_OF_AGENT: usize = MAX / 4;

/// The longest id that is kept, in bytes of JSON.
const MAX_ID: usize = 256;

/// Messages by the ids under which the server knows them. None of these is used twice, so an answer that comes late, to a
/// message that was cancelled, is the answer of no other.
#[derive(Debug, Default)]
pub(super) struct Waiting(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    last: u64,
    messages: HashMap<u64, Sent>,
}

/// A message that waits.
#[derive(Debug)]
pub(super) struct Sent {
    /// Its sender's id for it.
    pub(super) id: Value,
    /// The first holder of the sender's chain, in whose share it counts.
    pub(super) agent: KeyId,
    /// Who sent it, and may cancel it.
    pub(super) holder: KeyId,
    /// What its sender may see of the answer.
    pub(super) filter: Option<Filter>,
}

impl Waiting {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a message that is about to be handed on; `None` where its answer could not be told from another, or too
    /// many wait.
    // spec: JR-26, JR-38
    pub(super) fn reserve(&self, sent: Sent) -> Option<Reserved<'_>> {
        let mut table = self.table();
        let of_agent = table.messages.values().filter(|other| other.agent == sent.agent).count();
        let taken = table.messages.values().any(|other| other.id == sent.id);
        if taken || table.messages.len() >= MAX || of_agent >= MAX_OF_AGENT || sent.id.to_string().len() > MAX_ID {
            return None;
        }
        let id = table.last.checked_add(1)?;
        table.last = id;
        table.messages.insert(id, sent);
        Some(Reserved { waiting: self, id, taken: false })
    }

    /// The message that the server answers under this id, for the first time.
    pub(super) fn answered(&self, id: &Value) -> Option<Sent> {
        self.table().messages.remove(&id.as_u64()?)
    }

    /// Nothing waits any more. The ids that were given stay given.
    // spec: JR-38
    pub(super) fn clear(&self) {
        self.table().messages.clear();
    }

    /// Takes out the message with this id of its sender's; the server's id for it.
    // spec: JR-38
    pub(super) fn cancelled(&self, id: &Value, holder: KeyId) -> Option<u64> {
        let mut table = self.table();
        let own = |(_, sent): &(&u64, &Sent)| sent.id == *id && sent.holder == holder;
        let (known, _) = table.messages.iter().find(own)?;
        let known = *known;
        table.messages.remove(&known);
        Some(known)
    }
}

/// A place among what waits. Given back when dropped, unless it was taken.
#[derive(Debug)]
pub(super) struct Reserved<'w> {
    waiting: &'w Waiting,
    id: u64,
    taken: bool,
}

impl Reserved<'_> {
    /// The message is handed on under this id.
    pub(super) fn take(mut self) -> u64 {
        self.taken = true;
        self.id
    }
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        if !self.taken {
            self.waiting.table().messages.remove(&self.id);
        }
    }
}
