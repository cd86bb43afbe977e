//! What a token says, by name, and the chain whose signatures hold.

use std::sync::Arc;

use super::Decoded;
use super::datalog::Check;
use super::layout;
use super::print;
use super::values;
use crate::encoding::to_hex;
use crate::key::{KeyId, PublicKey};
use crate::time::UnixTime;

/// What a token says. Whether any of it is true depends on where it came from: see the methods that return it.
#[derive(Clone, Copy)]
pub struct Claims<'a> {
    decoded: &'a Decoded,
}

/// A right: an RFC 9396 object, flattened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Right<'a> {
    /// RFC 9396 `type`.
    pub r#type: &'a str,
    /// One of RFC 9396 `locations`: it covers itself and everything beneath, by whole segments.
    pub location: &'a str,
    /// One of RFC 9396 `actions`.
    pub action: &'a str,
}

/// A holder in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agent<'a> {
    /// The name that the one before gave it: the issuer for the first, the delegator for the others.
    pub name: &'a str,
    /// Its key.
    pub key: PublicKey,
    /// The key of the delegator whose claim the name is; `None` where it is the issuer's.
    pub claimed_by: Option<PublicKey>,
}

/// An amount that the chain may spend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget<'a> {
    /// The block that sets it, 0 for the authority block.
    pub block: usize,
    /// The account that is charged.
    pub account: &'a str,
    /// What is counted.
    pub unit: &'a str,
    /// How much of it, at least 1.
    pub amount: u64,
    /// Length of a window in seconds, aligned to the Unix epoch; 0: for good.
    pub window: u64,
    /// The effective expiry of the blocks up to and with the one that sets it: no token with this budget holds after it.
    pub expires: UnixTime,
}

impl<'a> Claims<'a> {
    pub(crate) fn new(decoded: &'a Decoded) -> Self {
        Self { decoded }
    }

    fn text(self, text: super::symbol::Text) -> &'a str {
        text.of(&self.decoded.bytes)
    }

    fn layout(self) -> &'a layout::Layout {
        &self.decoded.layout
    }

    /// Who issued the token: an issuer identifier such as `https://hub.example`.
    pub fn issuer(self) -> &'a str {
        self.text(self.layout().issuer)
    }

    /// On whose behalf. An identity is the pair of issuer and user.
    pub fn user(self) -> &'a str {
        self.text(self.layout().user)
    }

    /// Why.
    pub fn purpose(self) -> &'a str {
        self.text(self.layout().purpose)
    }

    /// The one service that the token is for: an RFC 8707 resource identifier.
    pub fn audience(self) -> &'a str {
        self.text(self.layout().audience)
    }

    /// When it was issued.
    pub fn issued_at(self) -> UnixTime {
        UnixTime(self.layout().issued_at)
    }

    /// When it ends: the least of all blocks. The token still holds at this second.
    pub fn expires(self) -> UnixTime {
        UnixTime(self.layout().expires)
    }

    /// What it allows, before any check.
    pub fn rights(self) -> impl Iterator<Item = Right<'a>> {
        self.layout().rights.iter().map(move |right| Right {
            r#type: self.text(right.r#type),
            location: self.text(right.location),
            action: self.text(right.action),
        })
    }

    /// The first agent, then each delegate; the last is the current holder.
    pub fn agents(self) -> impl Iterator<Item = Agent<'a>> {
        let holders = &self.layout().holders;
        holders.iter().enumerate().map(move |(index, holder)| Agent {
            name: self.text(holder.name),
            key: holder.key,
            claimed_by: index.checked_sub(1).and_then(|before| holders.get(before)).map(|before| before.key),
        })
    }

    /// The current holder's key.
    pub fn holder(self) -> PublicKey {
        super::holder(self.layout())
    }

    /// How many more times the token may be handed on.
    pub fn delegation_depth(self) -> u8 {
        self.layout().depth_left
    }

    /// The budgets of all blocks.
    pub fn budgets(self) -> impl Iterator<Item = Budget<'a>> {
        self.layout().budgets.iter().map(move |budget| Budget {
            block: budget.block,
            account: self.text(budget.account),
            unit: self.text(budget.unit),
            amount: budget.amount,
            window: budget.window,
            expires: UnixTime(self.layout().blocks.get(budget.block).map_or(u64::MAX, |block| block.expires)),
        })
    }

    /// The operations that an account of the authority block counts, as (account, type, action).
    pub fn metered(self) -> impl Iterator<Item = (&'a str, &'a str, &'a str)> {
        let metered = self.layout().metered.iter();
        metered.map(move |m| (self.text(m.account), self.text(m.r#type), self.text(m.action)))
    }

    /// The operations that need an approval, as (type, action, key of the approver).
    pub fn approvals(self) -> impl Iterator<Item = (&'a str, &'a str, PublicKey)> {
        let approvals = self.layout().approvals.iter();
        approvals.map(move |a| (self.text(a.r#type), self.text(a.action), a.key))
    }

    /// The issuer's permission behind the token.
    pub fn grant(self) -> Option<&'a str> {
        self.layout().grant.map(|grant| self.text(grant))
    }

    /// The conversation that the token is tied to.
    pub fn conversation(self) -> Option<&'a str> {
        self.layout().conversation.map(|conversation| self.text(conversation))
    }

    /// How many blocks there are, the authority block included.
    pub fn block_count(self) -> usize {
        self.layout().blocks.len()
    }

    /// The ids of all blocks: what revocations name.
    pub fn block_ids(self) -> impl Iterator<Item = [u8; 32]> {
        self.layout().blocks.iter().map(|block| block.id)
    }

    /// The key that a block was delegated by; `None` for the authority block and for restrictions.
    pub fn delegated_by(self, block: usize) -> Option<PublicKey> {
        self.layout().blocks.get(block)?.external.map(|external| external.key)
    }

    /// The checks of a block in the Datalog notation of Biscuit, for people.
    pub fn checks(self, block: usize) -> Vec<String> {
        print::checks(self.decoded, block)
    }

    /// The checks of a block as values, in the order of [`Claims::checks`]: for tools that explain a token.
    pub fn check_values(self, block: usize) -> Vec<Check> {
        values::checks(self.decoded, block)
    }
}

/// A chain whose every signature holds under one key of its issuer.
///
/// Cheap to clone: it is what caches keep and what later stages ask.
#[derive(Clone)]
pub struct VerifiedChain {
    decoded: Arc<Decoded>,
    root: PublicKey,
}

impl VerifiedChain {
    pub(crate) fn new(decoded: Decoded, root: PublicKey) -> Self {
        Self { decoded: Arc::new(decoded), root }
    }

    /// What the chain says, under the issuer's word and the holders' signatures.
    pub fn claims(&self) -> Claims<'_> {
        Claims::new(&self.decoded)
    }

    /// The issuer's key that signed the authority block.
    pub fn root(&self) -> PublicKey {
        self.root
    }

    pub(crate) fn decoded(&self) -> &Decoded {
        &self.decoded
    }

    /// The token's text, as it was shown.
    pub(crate) fn text(&self) -> String {
        crate::encoding::to_base64url(&self.decoded.bytes)
    }

    /// The id of the current holder's key.
    pub fn holder_id(&self) -> KeyId {
        self.claims().holder().id()
    }
}

impl core::fmt::Debug for VerifiedChain {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let id = self.decoded.layout.blocks.first().map(|block| to_hex(&block.id));
        f.debug_struct("VerifiedChain").field("authority", &id).finish_non_exhaustive()
    }
}
