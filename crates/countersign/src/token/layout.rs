//! What the decoder found, kept beside the bytes.

use super::symbol::{Scope, Symbols, Text};
use super::wire::Span;
use crate::key::PublicKey;

/// The limits of the profile (`spec/token.md`, Limits).
pub(crate) mod limit {
    pub(crate) const TOKEN_BYTES: usize = 5 * 1024;
    /// A seal takes 32 bytes more than a next secret.
    pub(crate) const OPEN_TOKEN_BYTES: usize = 5088;
    pub(crate) const TOKEN_CHARS: usize = 6827;
    pub(crate) const BLOCKS: usize = 12;
    pub(crate) const FACTS: usize = 200;
    pub(crate) const CHECKS: usize = 64;
    pub(crate) const QUERIES: usize = 16;
    pub(crate) const OPERATIONS: usize = 64;
    pub(crate) const SET: usize = 128;
    pub(crate) const NESTING: usize = 64;
    pub(crate) const STRING_BYTES: usize = 1024;
    pub(crate) const RIGHTS: usize = 128;
    pub(crate) const BUDGETS: usize = 8;
    pub(crate) const METERED: usize = 16;
    pub(crate) const APPROVALS: usize = 16;
    pub(crate) const DEPTH: u8 = 6;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CheckKind {
    CheckIf,
    RejectIf,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Check {
    pub(crate) kind: CheckKind,
    pub(crate) span: Span,
}

#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) payload: Span,
    pub(crate) scope: Scope,
    pub(crate) next_key: PublicKey,
    pub(crate) signature: Span,
    pub(crate) external: Option<External>,
    /// SHA-256 of the external signature where there is one, of the block signature otherwise.
    pub(crate) id: [u8; 32],
    /// Where the bytes of this block and all before it end in the token.
    pub(crate) prefix_end: usize,
    pub(crate) checks: Vec<Check>,
    /// The effective expiry of the blocks up to and with this one.
    pub(crate) expires: u64,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct External {
    pub(crate) signature: Span,
    pub(crate) key: PublicKey,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Right {
    pub(crate) r#type: Text,
    pub(crate) location: Text,
    pub(crate) action: Text,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Holder {
    pub(crate) name: Text,
    pub(crate) key: PublicKey,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    /// The block that sets it, 0 for the authority block.
    pub(crate) block: usize,
    pub(crate) account: Text,
    pub(crate) unit: Text,
    pub(crate) amount: u64,
    pub(crate) window: u64,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Metered {
    pub(crate) account: Text,
    pub(crate) r#type: Text,
    pub(crate) action: Text,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Approval {
    pub(crate) r#type: Text,
    pub(crate) action: Text,
    pub(crate) key: PublicKey,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Proof {
    NextSecret(Span),
    FinalSignature(Span),
}

/// Everything that later stages ask of a token.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) symbols: Symbols,
    pub(crate) blocks: Vec<Block>,
    pub(crate) proof: Proof,
    pub(crate) issuer: Text,
    pub(crate) user: Text,
    pub(crate) purpose: Text,
    pub(crate) audience: Text,
    pub(crate) issued_at: u64,
    pub(crate) expires: u64,
    pub(crate) rights: Vec<Right>,
    /// The agent, then each delegate; the last is the current holder.
    pub(crate) holders: Vec<Holder>,
    pub(crate) depth_left: u8,
    pub(crate) budgets: Vec<Budget>,
    pub(crate) metered: Vec<Metered>,
    pub(crate) approvals: Vec<Approval>,
    pub(crate) grant: Option<Text>,
    pub(crate) conversation: Option<Text>,
}
