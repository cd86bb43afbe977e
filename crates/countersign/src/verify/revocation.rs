//! What was taken back, as a verifier sees it: local, in memory, synchronous (`spec/verify.md`, Revocation).

use std::collections::{BTreeMap, BTreeSet};

use crate::code::Code;
use crate::denial::Denial;
use crate::encoding::truncated;
use crate::key::{KeyId, PublicKey};
use crate::time::UnixTime;
use crate::token::Claims;

/// A view of what was revoked.
pub trait RevocationView {
    /// Whether the view on this issuer is recent enough to be relied on.
    fn is_fresh(&self, issuer: &str, now: UnixTime) -> bool;
    /// Whether the service takes requests of this method and path, as received, without a fresh view. What the view
    /// knows to be revoked is refused all the same.
    fn is_safe_when_stale(&self, _method: &str, _path: &str) -> bool {
        false
    }
    /// Whether a block was revoked, by the first 16 bytes of its id.
    fn block_revoked(&self, issuer: &str, id: &[u8; 16]) -> bool;
    /// Whether a holder's key was revoked for tokens of this issuer.
    fn holder_revoked(&self, issuer: &str, key: &KeyId) -> bool;
    /// Up to when tokens of a user were revoked.
    fn user_revoked_until(&self, issuer: &str, user: &str) -> Option<UnixTime>;
    /// Whether a grant was revoked.
    fn grant_revoked(&self, issuer: &str, grant: &str) -> bool;
    /// Whether a conversation has ended.
    fn conversation_ended(&self, issuer: &str, user: &str, conversation: &str) -> bool;
    /// Whether an issuer's key was revoked.
    fn issuer_key_revoked(&self, issuer: &str, key: &PublicKey) -> bool;
}

/// A view held in memory, for services that know by themselves what is revoked. Empty, it revokes nothing.
///
/// For the signed lists of issuers see [`crate::revocation::RevocationLists`].
#[derive(Clone, Debug, Default)]
pub struct Revocations {
    blocks: BTreeSet<[u8; 16]>,
    holders: BTreeSet<KeyId>,
    users: BTreeMap<(String, String), UnixTime>,
    grants: BTreeSet<(String, String)>,
    conversations: BTreeSet<(String, String, String)>,
    issuer_keys: BTreeSet<(String, PublicKey)>,
}

impl Revocations {
    /// Revokes a block by its id.
    pub fn revoke_block(&mut self, id: &[u8; 32]) {
        self.blocks.insert(truncated(id));
    }

    /// Revokes a holder's key, wherever in a chain it stands; never lapses.
    pub fn revoke_holder(&mut self, key: KeyId) {
        self.holders.insert(key);
    }

    /// Revokes all tokens of a user issued at `until` or before.
    pub fn revoke_user(&mut self, issuer: &str, user: &str, until: UnixTime) {
        let entry = self.users.entry((issuer.to_owned(), user.to_owned())).or_insert(until);
        *entry = (*entry).max(until);
    }

    /// Revokes all tokens of a grant.
    pub fn revoke_grant(&mut self, issuer: &str, grant: &str) {
        self.grants.insert((issuer.to_owned(), grant.to_owned()));
    }

    /// Ends a conversation.
    pub fn end_conversation(&mut self, issuer: &str, user: &str, conversation: &str) {
        self.conversations.insert((issuer.to_owned(), user.to_owned(), conversation.to_owned()));
    }

    /// Revokes a key of an issuer: it is not tried any more.
    pub fn revoke_issuer_key(&mut self, issuer: &str, key: PublicKey) {
        self.issuer_keys.insert((issuer.to_owned(), key));
    }
}

impl RevocationView for Revocations {
    fn is_fresh(&self, _issuer: &str, _now: UnixTime) -> bool {
        true
    }

    fn block_revoked(&self, _issuer: &str, id: &[u8; 16]) -> bool {
        self.blocks.contains(id)
    }

    fn holder_revoked(&self, _issuer: &str, key: &KeyId) -> bool {
        self.holders.contains(key)
    }

    fn user_revoked_until(&self, issuer: &str, user: &str) -> Option<UnixTime> {
        if self.users.is_empty() { None } else { self.users.get(&(issuer.to_owned(), user.to_owned())).copied() }
    }

    fn grant_revoked(&self, issuer: &str, grant: &str) -> bool {
        !self.grants.is_empty() && self.grants.contains(&(issuer.to_owned(), grant.to_owned()))
    }

    fn conversation_ended(&self, issuer: &str, user: &str, conversation: &str) -> bool {
        !self.conversations.is_empty()
            && self.conversations.contains(&(issuer.to_owned(), user.to_owned(), conversation.to_owned()))
    }

    fn issuer_key_revoked(&self, issuer: &str, key: &PublicKey) -> bool {
        !self.issuer_keys.is_empty() && self.issuer_keys.contains(&(issuer.to_owned(), *key))
    }
}

/// Stage 6, on claims whose signatures are not verified yet. `holders` are the key ids of the chain, `asked` the request's
/// method and its path as received, where there is a request.
pub(crate) fn check(
    claims: Claims<'_>,
    holders: &[KeyId],
    asked: Option<(&str, &str)>,
    now: UnixTime,
    view: &(impl RevocationView + ?Sized),
) -> Result<(), Denial> {
    let deny = |code, detail| Err(Denial::new(6, code, detail));
    let (issuer, user) = (claims.issuer(), claims.user());
    // spec: VF-10
    if !view.is_fresh(issuer, now) && !asked.is_some_and(|(method, path)| view.is_safe_when_stale(method, path)) {
        return deny(Code::RevocationStale, "view of revocations too old");
    }
    // spec: VF-11
    if claims.block_ids().any(|id| view.block_revoked(issuer, &truncated(&id))) {
        return deny(Code::TokenRevoked, "block revoked");
    }
    // spec: VF-12
    if holders.iter().any(|key| view.holder_revoked(issuer, key)) {
        return deny(Code::TokenRevoked, "holder's key revoked");
    }
    // spec: VF-13
    if view.user_revoked_until(issuer, user).is_some_and(|until| claims.issued_at() <= until) {
        return deny(Code::TokenRevoked, "user's tokens revoked");
    }
    // spec: VF-14
    if claims.grant().is_some_and(|grant| view.grant_revoked(issuer, grant)) {
        return deny(Code::TokenRevoked, "grant revoked");
    }
    // spec: VF-15
    if claims.conversation().is_some_and(|conversation| view.conversation_ended(issuer, user, conversation)) {
        return deny(Code::ConversationEnded, "conversation ended");
    }
    Ok(())
}
