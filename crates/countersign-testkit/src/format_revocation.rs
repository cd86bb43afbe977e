//! The JSON format of the vectors of revocation lists, `test-vectors/revocation/` (`test-vectors/README.md`).
//!
//! Unknown members are errors, as in [`crate::format`].

use serde::{Deserialize, Serialize};

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListFile {
    /// What the file is about.
    pub comment: String,
    /// Its vectors.
    pub vectors: Vec<ListVector>,
}

/// One vector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListVector {
    /// `revocation/slug`, unique.
    pub id: String,
    /// The requirements of `spec/` that it tests.
    pub req: Vec<String>,
    /// `twin:ID`: the accepted vector from which a refused one departs in one change.
    pub flags: Vec<String>,
    /// What is done and why the outcome follows.
    pub comment: String,
    /// What is taken.
    pub input: ListInput,
    /// The outcome.
    pub expect: ListExpect,
}

/// A list, and what was before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListInput {
    /// The issuer whose list is looked for.
    pub issuer: String,
    /// The keys that may sign its lists, `ed25519/<hex>`.
    pub keys: Vec<String>,
    /// The present, in seconds since the Unix epoch.
    pub now: i64,
    /// Texts of lists taken before: all must be accepted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<String>,
    /// Whether the verifier is started anew after them, with what it stores (RV-20) and nothing else.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub restarted: bool,
    /// The text of the list.
    pub list: String,
}

/// Accepted or refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ListResult {
    /// The list is accepted.
    Accept,
    /// The list is refused.
    Refuse,
}

/// The outcome, and the view after it. A refused list leaves the view as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListExpect {
    /// Accepted or refused.
    pub result: ListResult,
    /// The word of the refusal.
    pub error: Option<String>,
    /// The number of the list in force; null where there is none.
    pub number: Option<i64>,
    /// Whether the view is fresh.
    pub fresh: bool,
    /// All that the view revokes.
    pub revoked: ListRevoked,
}

/// What a view of one issuer revokes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListRevoked {
    /// The first 16 bytes of block ids, base64url.
    pub blocks: Vec<String>,
    /// Key ids of holders.
    pub holders: Vec<String>,
    /// Users, and up to when their tokens are revoked.
    pub users: Vec<ListUser>,
    /// Grants.
    pub grants: Vec<String>,
    /// Conversations that have ended.
    pub conversations: Vec<ListConversation>,
    /// The issuer's keys, `ed25519/<hex>`.
    pub issuer_keys: Vec<String>,
}

impl ListRevoked {
    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        let names = self.blocks.len() + self.holders.len() + self.grants.len() + self.issuer_keys.len();
        names + self.users.len() + self.conversations.len()
    }

    /// Whether nothing is revoked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A user whose tokens issued at `until` or before are revoked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListUser {
    /// The user.
    pub user: String,
    /// The last second that is revoked.
    pub until: i64,
}

/// An ended conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListConversation {
    /// The user.
    pub user: String,
    /// The conversation.
    pub conversation: String,
}
