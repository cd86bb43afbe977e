//! A bounded memory of token prefixes whose signatures hold (`spec/verify.md`, VF-4).
//!
//! Only the outcome of stage 7 is kept. Everything that time or state can change is looked at again on every request.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use sha2::{Digest as _, Sha256};

use crate::key::PublicKey;
use crate::token::Decoded;

/// SHA-256 over the root key and the bytes of a prefix with its signatures.
pub(crate) type PrefixId = [u8; 32];

const SHARDS: usize = 16;

/// Two generations: when the young one has half of the room, it becomes the old one.
#[derive(Debug)]
pub(crate) struct ChainCache {
    half: usize,
    shards: [Mutex<Generations>; SHARDS],
}

#[derive(Debug, Default)]
struct Generations {
    young: HashSet<PrefixId>,
    old: HashSet<PrefixId>,
}

impl ChainCache {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { half: (capacity / SHARDS / 2).max(1), shards: core::array::from_fn(|_| Mutex::default()) }
    }

    fn shard(&self, id: &PrefixId) -> Option<&Mutex<Generations>> {
        let [first, ..] = *id;
        self.shards.get(usize::from(first) % SHARDS)
    }

    pub(crate) fn contains(&self, id: &PrefixId) -> bool {
        let Some(shard) = self.shard(id) else { return false };
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        if shard.young.contains(id) {
            return true;
        }
        let found = shard.old.contains(id);
        if found {
            shard.insert(*id, self.half);
        }
        found
    }

    pub(crate) fn insert(&self, id: PrefixId) {
        if let Some(shard) = self.shard(&id) {
            shard.lock().unwrap_or_else(PoisonError::into_inner).insert(id, self.half);
        }
    }
}

impl Generations {
    fn insert(&mut self, id: PrefixId, half: usize) {
        if self.young.len() >= half {
            self.old = core::mem::take(&mut self.young);
        }
        self.young.insert(id);
    }
}

/// The ids of a token's prefixes, the whole token last.
pub(crate) struct Prefixes {
    boundaries: Vec<Sha256>,
    pub(crate) whole: PrefixId,
}

impl Prefixes {
    pub(crate) fn new(root: &PublicKey, token: &Decoded) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(root.as_bytes());
        let mut from = 0;
        let mut boundaries = Vec::with_capacity(token.layout.blocks.len());
        for block in &token.layout.blocks {
            hasher.update(token.bytes.get(from..block.prefix_end).unwrap_or_default());
            from = block.prefix_end;
            boundaries.push(hasher.clone());
        }
        hasher.update(token.bytes.get(from..).unwrap_or_default());
        Self { boundaries, whole: hasher.finalize().into() }
    }

    /// The ids of blocks 0 to n, for each n.
    pub(crate) fn blocks(&self) -> impl DoubleEndedIterator<Item = PrefixId> + ExactSizeIterator {
        self.boundaries.iter().map(|hasher| hasher.clone().finalize().into())
    }

    /// What is to be remembered once all of it holds, where the first `known` blocks are remembered already.
    pub(crate) fn from(&self, known: usize) -> Vec<PrefixId> {
        self.blocks().skip(known).chain([self.whole]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_each_prefix_and_the_whole() {
        let key = crate::key::SigningKey::from_seed(&[1; 32]);
        let token = crate::token::Grant::new("https://hub.example", "alice", "bot", key.public())
            .audience("https://a.example")
            .valid(crate::time::UnixTime(1), crate::time::UnixTime(2))
            .right(crate::token::Right { r#type: "http", location: "/", action: "GET" })
            .sign(&key, &key)
            .unwrap();
        let longer = token.restrict(&[crate::token::Restriction::Users(vec!["alice".into()])], &key).unwrap();
        let prefixes = |token: &crate::token::OpenToken| {
            let text = token.seal().unwrap().to_text();
            let token = crate::token::UnverifiedToken::from_text(&text).unwrap();
            Prefixes::new(&key.public(), &token.0)
        };
        let (one, two) = (prefixes(&token), prefixes(&longer));
        let learned = one.from(0);
        assert_eq!(learned.last(), Some(&one.whole));
        assert_eq!(learned.len(), 2);
        assert_eq!(learned.first(), two.blocks().next().as_ref(), "the longer token begins with it");
        assert_eq!(two.from(1), [two.blocks().nth(1).unwrap(), two.whole]);
        assert_ne!(
            Prefixes::new(&crate::key::SigningKey::from_seed(&[2; 32]).public(), &{
                let text = token.seal().unwrap().to_text();
                crate::token::UnverifiedToken::from_text(&text).unwrap().0
            })
            .whole,
            one.whole,
            "under another key it is another"
        );
    }

    #[test]
    fn stays_within_its_room_and_keeps_what_is_used() {
        let cache = ChainCache::new(32);
        let id = |n: u16| {
            let mut id = [0; 32];
            id[1..3].copy_from_slice(&n.to_be_bytes());
            id
        };
        cache.insert(id(0));
        for n in 1..1000 {
            assert!(cache.contains(&id(0)), "what is asked for stays");
            cache.insert(id(n));
        }
        let kept: usize = cache.shards.iter().map(|s| s.lock().unwrap()).map(|s| s.young.len() + s.old.len()).sum();
        assert!(kept <= 32, "{kept}");
        assert!(!cache.contains(&id(1)));
    }
}
