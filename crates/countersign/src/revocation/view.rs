//! The view of stage 6 over the lists of several issuers.

use core::fmt;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::list::is_fresh;
use super::{RevocationError, RevocationErrorKind as Kind, RevocationList};
use crate::encoding::{sha256, truncated};
use crate::json::Value;
use crate::key::{KeyId, PublicKey};
use crate::time::{SKEW, UnixTime};
use crate::verify::{OperationEntry, OperationError, Operations, RevocationView};

/// An id or the digest of a name, cut to 16 bytes.
pub(super) type Short = [u8; 16];

/// What became of a list that was not refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Applied {
    /// It took the place of the one before.
    Replaced,
    /// It is the one that is in force.
    Unchanged,
}

/// The list of an issuer that is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListStatus {
    /// Its number.
    pub number: u64,
    /// When it was made.
    pub created: UnixTime,
    /// Up to and including which second it counts as fresh.
    pub next: UnixTime,
    /// How many entries are held.
    pub entries: usize,
    /// How many of them are holders and issuer keys that the list itself lacks, which it must not.
    pub kept: usize,
}

/// What is revoked, by the signed lists of the issuers.
///
/// An entry takes 16 bytes, a user's 24, an issuer key 32; a look-up is a binary search and, for names, one SHA-256 before
/// it. Clones share their entries.
///
/// | issuer | fresh | revoked |
/// | --- | --- | --- |
/// | added with [`Self::issuer`], a list applied | from its `created` to its `next` | what it says |
/// | added, no list applied yet | no | nothing known |
/// | not added | yes | nothing |
///
/// ```
/// use countersign::key::SigningKey;
/// use countersign::revocation::{Applied, Entries, RevocationErrorKind, RevocationLists, UnsignedList};
/// use countersign::time::UnixTime;
/// use countersign::verify::RevocationView as _;
///
/// let (hub, now) = ("https://hub.example", UnixTime(1_795_453_200));
/// let key = SigningKey::from_seed(&[9; 32]); // visibly for tests
/// let list = |number, grants: &[&str]| {
///     let mut entries = Entries::default();
///     grants.iter().for_each(|grant| entries.revoke_grant(grant));
///     UnsignedList::new(hub, number, now, now.plus(3600), entries)?.sign(&key)
/// };
/// let mut view = RevocationLists::default().issuer(hub, [key.public()]);
/// assert!(!view.is_fresh(hub, now));
///
/// assert_eq!(view.apply(hub, list(2, &["g-1"])?.text(), now)?, Applied::Replaced);
/// assert!(view.is_fresh(hub, now) && view.grant_revoked(hub, "g-1"));
/// let older = view.apply(hub, list(1, &[])?.text(), now).unwrap_err();
/// assert_eq!(older.kind(), RevocationErrorKind::RolledBack);
/// # Ok::<(), countersign::revocation::RevocationError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct RevocationLists {
    pub(super) feeds: BTreeMap<String, Feed>,
    /// What a state said of issuers that are not configured now, as it stood there: they may be again.
    pub(super) elsewhere: BTreeMap<String, Value>,
    safe: Option<Operations>,
}

/// One issuer's lists.
#[derive(Clone, Default)]
pub(super) struct Feed {
    keys: Vec<PublicKey>,
    /// Number and digest of the list accepted last, which may have been in an earlier run.
    pub(super) last: Option<(u64, [u8; 32])>,
    /// What the list accepted last lacks and an earlier one had.
    pub(super) kept_holders: Arc<[Short]>,
    pub(super) kept_keys: Arc<[PublicKey]>,
    loaded: Option<Arc<Loaded>>,
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.last.map(|(number, _)| number);
        f.debug_struct("Feed").field("keys", &self.keys).field("number", &number).finish_non_exhaustive()
    }
}

/// A list's entries, sorted for look-up.
struct Loaded {
    number: u64,
    created: UnixTime,
    next: UnixTime,
    blocks: Box<[Short]>,
    holders: Box<[Short]>,
    users: Box<[(Short, UnixTime)]>,
    grants: Box<[Short]>,
    conversations: Box<[Short]>,
    keys: Box<[PublicKey]>,
}

impl RevocationLists {
    /// An issuer whose lists are looked for, and the keys that may sign them: its revocation keys, or its root keys where
    /// it has none (`spec/revocation.md`, RV-4). What a state said of it that was restored before counts from now on.
    #[must_use]
    pub fn issuer(mut self, issuer: &str, keys: impl IntoIterator<Item = PublicKey>) -> Self {
        let mut feed = Feed { keys: keys.into_iter().collect(), ..Feed::default() };
        // spec: RV-20
        if let Some(saved) = self.elsewhere.remove(issuer) {
            feed.restore(&saved);
        }
        self.feeds.insert(issuer.to_owned(), feed);
        self
    }

    /// Requests of this method and path, a template such as `/calendars/{id}`, are let through without a fresh view.
    /// What the view knows is refused all the same.
    pub fn safe_when_stale(mut self, entries: &[(&str, &str)]) -> Result<Self, OperationError> {
        let entries = entries.iter().map(|(method, path)| OperationEntry::new(method, path, "", "/", ""));
        self.safe = Some(Operations::table(entries)?);
        Ok(self)
    }

    /// Verifies a list of this issuer and puts it in force. On an error nothing has changed.
    ///
    /// The caller stores [`Self::state`] durably before it forgets that this list was accepted.
    pub fn apply(&mut self, issuer: &str, text: &str, now: UnixTime) -> Result<Applied, RevocationError> {
        // A list of an issuer that was not added would never be asked for.
        let feed = self.feeds.get_mut(issuer).ok_or(RevocationError(Kind::Issuer))?;
        let list = RevocationList::verify(text, issuer, &feed.keys)?;
        feed.apply(&list, now)
    }

    /// The list of an issuer that is in force.
    pub fn status(&self, issuer: &str) -> Option<ListStatus> {
        let feed = self.feeds.get(issuer)?;
        let loaded = feed.loaded.as_ref()?;
        Some(ListStatus {
            number: loaded.number,
            created: loaded.created,
            next: loaded.next,
            entries: loaded.len(),
            kept: feed.kept_holders.len().saturating_add(feed.kept_keys.len()),
        })
    }

    fn loaded(&self, issuer: &str) -> Option<&Loaded> {
        self.feeds.get(issuer)?.loaded.as_deref()
    }
}

impl Feed {
    fn apply(&mut self, list: &RevocationList, now: UnixTime) -> Result<Applied, RevocationError> {
        // spec: RV-5
        if self.key_revoked(&list.signer()) {
            return Err(Kind::SignerRevoked.into());
        }
        // spec: RV-14
        if list.created() > now.plus(SKEW) {
            return Err(Kind::NotYetValid.into());
        }
        match self.last {
            // spec: RV-15
            Some((last, _)) if list.number() < last => return Err(Kind::RolledBack.into()),
            // spec: RV-16
            Some((last, digest)) if list.number() == last => {
                if digest != *list.digest() {
                    return Err(Kind::NumberReused.into());
                }
                if self.loaded.is_some() {
                    return Ok(Applied::Unchanged);
                }
            }
            _ => {}
        }
        // spec: RV-17
        let entries = list.entries();
        let holders: Vec<Short> = entries.holders().iter().map(|key| truncated(key.as_bytes())).collect();
        let (holders, kept_holders) = self.keep(holders, &self.kept_holders, |loaded| &loaded.holders);
        let (keys, kept_keys) = self.keep(entries.issuer_keys().to_vec(), &self.kept_keys, |loaded| &loaded.keys);
        let mut users: Vec<_> = entries.users().iter().map(|entry| (short(&[&entry.user]), entry.until)).collect();
        // Of two users that meet in 16 bytes the later time stands first and is found.
        users.sort_unstable_by(|(one, until), (other, later)| one.cmp(other).then(later.cmp(until)));
        users.dedup_by(|(later, _), (kept, _)| later == kept);
        let conversations = entries.conversations().iter().map(|entry| short(&[&entry.user, &entry.conversation]));
        let loaded = Loaded {
            number: list.number(),
            created: list.created(),
            next: list.next(),
            blocks: sorted(entries.blocks().to_vec()),
            holders,
            users: users.into_boxed_slice(),
            grants: sorted(entries.grants().iter().map(|grant| short(&[grant])).collect()),
            conversations: sorted(conversations.collect()),
            keys,
        };
        self.last = Some((list.number(), *list.digest()));
        (self.kept_holders, self.kept_keys) = (kept_holders, kept_keys);
        self.loaded = Some(Arc::new(loaded));
        Ok(Applied::Replaced)
    }

    /// The entries of a list together with those that it lacks and that were there before, and the latter alone.
    // spec: RV-18
    fn keep<T: Ord + Copy>(
        &self,
        listed: Vec<T>,
        kept: &[T],
        before: impl Fn(&Loaded) -> &[T],
    ) -> (Box<[T]>, Arc<[T]>) {
        let listed = sorted(listed);
        let before = self.loaded.as_deref().map(before).unwrap_or_default();
        let lacking = before.iter().chain(kept).filter(|entry| listed.binary_search(entry).is_err());
        let lacking = sorted(lacking.copied().collect());
        let all = sorted(listed.iter().chain(&lacking).copied().collect());
        (all, lacking.into())
    }

    /// All keys that lists revoked, also before a list is loaded in this run.
    pub(super) fn revoked_keys(&self) -> &[PublicKey] {
        self.loaded.as_ref().map_or(&*self.kept_keys, |loaded| &loaded.keys)
    }

    fn key_revoked(&self, key: &PublicKey) -> bool {
        self.revoked_keys().contains(key)
    }
}

impl Loaded {
    fn len(&self) -> usize {
        let names = [self.blocks.len(), self.holders.len(), self.grants.len(), self.conversations.len()];
        let others = [self.users.len(), self.keys.len()];
        names.into_iter().chain(others).fold(0, usize::saturating_add)
    }
}

fn sorted<T: Ord>(mut entries: Vec<T>) -> Box<[T]> {
    entries.sort_unstable();
    entries.dedup();
    entries.into_boxed_slice()
}

/// The digest of names; each goes in with its length, so that no two lists of names are one byte string.
fn short(names: &[&str]) -> Short {
    match names {
        [name] => truncated(&sha256(&[name.as_bytes()])),
        [first, second] => {
            let length = u64::try_from(first.len()).unwrap_or(u64::MAX).to_be_bytes();
            truncated(&sha256(&[&length, first.as_bytes(), second.as_bytes()]))
        }
        _ => [0; 16],
    }
}

// spec: RV-23
impl RevocationView for RevocationLists {
    // spec: RV-21, RV-22
    fn is_fresh(&self, issuer: &str, now: UnixTime) -> bool {
        self.feeds
            .get(issuer)
            .is_none_or(|feed| feed.loaded.as_ref().is_some_and(|loaded| is_fresh(loaded.created, loaded.next, now)))
    }

    fn is_safe_when_stale(&self, method: &str, path: &str) -> bool {
        self.safe.as_ref().is_some_and(|safe| safe.map(method, path).is_some())
    }

    fn block_revoked(&self, issuer: &str, id: &[u8; 16]) -> bool {
        self.loaded(issuer).is_some_and(|loaded| loaded.blocks.binary_search(id).is_ok())
    }

    fn holder_revoked(&self, issuer: &str, key: &KeyId) -> bool {
        let key = truncated(key.as_bytes());
        self.feeds.get(issuer).is_some_and(|feed| {
            // Where a list is loaded it holds what was kept, too.
            let all = feed.loaded.as_ref().map_or(&*feed.kept_holders, |loaded| &loaded.holders);
            all.binary_search(&key).is_ok()
        })
    }

    fn user_revoked_until(&self, issuer: &str, user: &str) -> Option<UnixTime> {
        let loaded = self.loaded(issuer).filter(|loaded| !loaded.users.is_empty())?;
        let name = short(&[user]);
        let at = loaded.users.binary_search_by(|(known, _)| known.cmp(&name)).ok()?;
        loaded.users.get(at).map(|(_, until)| *until)
    }

    fn grant_revoked(&self, issuer: &str, grant: &str) -> bool {
        self.loaded(issuer)
            .is_some_and(|loaded| !loaded.grants.is_empty() && loaded.grants.binary_search(&short(&[grant])).is_ok())
    }

    fn conversation_ended(&self, issuer: &str, user: &str, conversation: &str) -> bool {
        self.loaded(issuer).map(|loaded| &loaded.conversations).is_some_and(|conversations| {
            !conversations.is_empty() && conversations.binary_search(&short(&[user, conversation])).is_ok()
        })
    }

    fn issuer_key_revoked(&self, issuer: &str, key: &PublicKey) -> bool {
        self.feeds.get(issuer).is_some_and(|feed| feed.key_revoked(key))
    }
}
