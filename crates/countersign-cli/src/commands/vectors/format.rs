//! The JSON form of vectors (`test-vectors/README.md`). An unknown member is an error: a runner that overlooks a
//! condition would test something else.

use countersign::verify::{AgentRecord, OperationEntry};
use serde::Deserialize;

/// A file of vectors; those of a folder differ in what goes in and what comes out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File<I, E> {
    #[serde(rename = "comment")]
    _comment: String,
    pub(super) vectors: Vec<Vector<I, E>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Vector<I, E> {
    pub(super) id: String,
    #[serde(rename = "req")]
    _req: Vec<String>,
    #[serde(rename = "flags")]
    _flags: Vec<String>,
    #[serde(rename = "comment")]
    _comment: String,
    pub(super) input: I,
    pub(super) expect: E,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    pub(super) config: Config,
    pub(super) now: u64,
    #[serde(default)]
    pub(super) before: Vec<String>,
    #[serde(default)]
    pub(super) before_denied: Vec<String>,
    #[serde(default)]
    pub(super) revoked: Revoked,
    pub(super) authority: Option<String>,
    pub(super) request_b64u: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    pub(super) audience: Vec<String>,
    pub(super) authorities: Vec<String>,
    pub(super) issuers: Vec<Issuer>,
    pub(super) operations: Option<Vec<OperationEntry>>,
    pub(super) max_body_bytes: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Issuer {
    pub(super) issuer: String,
    pub(super) keys: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Revoked {
    pub(super) blocks: Vec<String>,
    pub(super) holders: Vec<String>,
    pub(super) users: Vec<RevokedUser>,
    pub(super) grants: Vec<RevokedGrant>,
    pub(super) conversations: Vec<RevokedConversation>,
    pub(super) issuer_keys: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RevokedUser {
    pub(super) issuer: String,
    pub(super) user: String,
    pub(super) before: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RevokedGrant {
    pub(super) issuer: String,
    pub(super) grant: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RevokedConversation {
    pub(super) issuer: String,
    pub(super) user: String,
    pub(super) conversation: String,
}

/// The expected decision; on a denial the members from `issuer` on are absent.
#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(super) struct Expect {
    pub(super) result: String,
    pub(super) stage: Option<u8>,
    pub(super) code: Option<String>,
    pub(super) issuer: Option<String>,
    pub(super) user: Option<String>,
    pub(super) agents: Option<Vec<AgentRecord>>,
    pub(super) purpose: Option<String>,
    pub(super) expires: Option<String>,
    pub(super) right: Option<String>,
    pub(super) binding: Option<String>,
}
