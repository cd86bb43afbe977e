//! What an issuer took back: its signed, numbered lists, and a view over the lists of several issuers
//! (`spec/revocation.md`).
//!
//! | you are | start at |
//! | --- | --- |
//! | a service | [`RevocationLists`], which stage 6 of [`crate::verify`] asks |
//! | an issuer | [`Entries`], [`UnsignedList`] |
//! | looking at one list | [`RevocationList::verify`] |
//!
//! A service that knows by itself what is revoked needs no list: see [`crate::verify::Revocations`].

mod entries;
mod list;
mod state;
mod view;

use core::fmt;

pub use self::entries::{Conversation, Entries, UserTokens};
pub use self::list::{RevocationList, UnsignedList};
pub use self::state::StateError;
pub use self::view::{Applied, ListStatus, RevocationLists};

/// The greatest length of a list's text, in characters.
pub const MAX_LIST_TEXT: usize = 64 << 20;

/// The greatest number of entries of a list.
pub const MAX_ENTRIES: usize = 1_000_000;

/// The longest time from a list's making to the end of its freshness, in seconds.
pub const MAX_FRESHNESS: u64 = 7 * 86_400;

/// The greatest number of a list: integers up to here are exact in JSON everywhere.
pub const MAX_NUMBER: u64 = (1 << 53) - 1;

/// Why a list was refused (`spec/revocation.md`, Refusals).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RevocationErrorKind {
    /// Not the text of a list.
    Malformed,
    /// Too long, or too many entries.
    Limit,
    /// Signed by none of the keys that may sign.
    Signature,
    /// Signed by a key that is revoked.
    SignerRevoked,
    /// The payload is no JSON.
    Json,
    /// The payload is not in the form of RFC 8785.
    NotCanonical,
    /// A member too many, missing, or of another kind.
    Member,
    /// Another version of the format.
    Version,
    /// The list of another issuer, or of one that the view was not configured with.
    Issuer,
    /// A number outside 1 to [`MAX_NUMBER`].
    Number,
    /// Times that do not fit together.
    Time,
    /// An entry that is not in its form.
    Entry,
    /// Entries out of order, or one twice.
    Order,
    /// Made in the future.
    NotYetValid,
    /// Older than the list that was accepted last.
    RolledBack,
    /// The number of the list that was accepted last, with another payload.
    NumberReused,
}

impl RevocationErrorKind {
    /// The word of `spec/revocation.md`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Limit => "limit_exceeded",
            Self::Signature => "signature_invalid",
            Self::SignerRevoked => "signer_revoked",
            Self::Json => "json_invalid",
            Self::NotCanonical => "not_canonical",
            Self::Member => "member_invalid",
            Self::Version => "version_unsupported",
            Self::Issuer => "issuer_mismatch",
            Self::Number => "number_invalid",
            Self::Time => "time_invalid",
            Self::Entry => "entry_invalid",
            Self::Order => "order_invalid",
            Self::NotYetValid => "not_yet_valid",
            Self::RolledBack => "rolled_back",
            Self::NumberReused => "number_reused",
        }
    }

    const fn sentence(self) -> &'static str {
        match self {
            Self::Malformed => "not the text of a revocation list",
            Self::Limit => "a revocation list over its limits",
            Self::Signature => "signed by none of the keys that may sign the issuer's lists",
            Self::SignerRevoked => "signed by a key that is revoked",
            Self::Json => "the payload is no JSON",
            Self::NotCanonical => "the payload is not in canonical form",
            Self::Member => "a member of the payload is missing, too many, or of another kind",
            Self::Version => "another version of revocation lists",
            Self::Issuer => "the list of another issuer",
            Self::Number => "a number outside 1 to 2^53 - 1",
            Self::Time => "not created before next, or more than seven days between them",
            Self::Entry => "an entry is not in its form",
            Self::Order => "entries are out of order, or one stands twice",
            Self::NotYetValid => "made in the future",
            Self::RolledBack => "older than the list accepted last",
            Self::NumberReused => "another list than the one accepted last, under its number",
        }
    }
}

/// A revocation list was refused, or can't be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevocationError(RevocationErrorKind);

impl RevocationError {
    /// Why.
    pub const fn kind(&self) -> RevocationErrorKind {
        self.0
    }
}

impl From<RevocationErrorKind> for RevocationError {
    fn from(kind: RevocationErrorKind) -> Self {
        Self(kind)
    }
}

impl fmt::Display for RevocationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.as_str(), self.0.sentence())
    }
}

impl core::error::Error for RevocationError {}
