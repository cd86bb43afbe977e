//! The JSON format of the vector files (`test-vectors/README.md`, `test-vectors/schema.json`).
//!
//! Unknown members are errors: a runner that overlooks a condition would test something else.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One file: vectors of one folder and topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VectorFile {
    /// What the file is about.
    pub comment: String,
    /// Its vectors.
    pub vectors: Vec<Vector>,
}

/// One vector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vector {
    /// `folder/slug`, unique.
    pub id: String,
    /// The requirements of `spec/` that it tests.
    pub req: Vec<String>,
    /// `attack:N`, `twin:ID`, `h2`, …
    pub flags: Vec<String>,
    /// What is done and why the outcome follows.
    pub comment: String,
    /// What is verified.
    pub input: Input,
    /// The outcome.
    pub expect: Expect,
}

/// What is verified, and under which conditions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The verifier's configuration.
    pub config: Config,
    /// The present, in seconds since the Unix epoch.
    pub now: i64,
    /// Requests (as `request_b64u`) verified before, by the same stores: all must be allowed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<String>,
    /// Requests verified next, by the same stores: all must be denied.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before_denied: Vec<String>,
    /// What is revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Revoked>,
    /// The `:authority` pseudo-header, where the request came by HTTP/2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority: Option<String>,
    /// The HTTP/1.1 message, base64url without padding.
    pub request_b64u: String,
}

/// A verifier's configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The audiences that this service answers to.
    pub audience: Vec<String>,
    /// The authorities that it is reached under.
    pub authorities: Vec<String>,
    /// Whose tokens it accepts.
    pub issuers: Vec<Issuer>,
    /// The operation table; without one, the default mapping (type `http`, resource the path,
    /// action the method).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operations: Option<Vec<Operation>>,
    /// The greatest body, where it is not the default of 1 MiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_body_bytes: Option<u64>,
}

/// An issuer and its keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// Its identifier.
    pub issuer: String,
    /// Its root keys, `ed25519/<hex>`.
    pub keys: Vec<String>,
}

/// A row of the operation table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// The operation's type.
    #[serde(rename = "type")]
    pub kind: String,
    /// The operation's resource.
    pub resource: String,
    /// The operation's action.
    pub action: String,
    /// The operation's tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// Names of arguments that are URLs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
    /// Names of arguments that are paths.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
    /// Digits behind the point, by the argument's name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub scales: BTreeMap<String, u8>,
    /// What the operation costs, by unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<BTreeMap<String, Cost>>,
    /// Whether a JSON body is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_body: Option<bool>,
}

impl Operation {
    /// A row with nothing but what every row has.
    #[must_use]
    pub fn new(method: &str, path: &str, kind: &str, resource: &str, action: &str) -> Self {
        Self {
            method: method.into(),
            path: path.into(),
            kind: kind.into(),
            resource: resource.into(),
            action: action.into(),
            tool: None,
            urls: Vec::new(),
            paths: Vec::new(),
            scales: BTreeMap::new(),
            cost: None,
            read_body: None,
        }
    }
}

/// A cost: an amount, or the name of the argument that says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Cost {
    /// This much.
    Amount(u64),
    /// As much as this argument says.
    Argument(String),
}

/// The revocation view.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revoked {
    /// Block ids, lower-case hexadecimal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocks: Vec<String>,
    /// Holders' key ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holders: Vec<String>,
    /// Users whose tokens issued at or before a time are revoked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<RevokedUser>,
    /// Grants.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<RevokedGrant>,
    /// Conversations that ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conversations: Vec<RevokedConversation>,
    /// Issuers' root keys, `ed25519/<hex>`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub issuer_keys: Vec<String>,
}

/// A user whose tokens issued at or before `before` are revoked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevokedUser {
    /// The issuer that names the user.
    pub issuer: String,
    /// The user.
    pub user: String,
    /// The last second that is revoked.
    pub before: i64,
}

/// A revoked grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevokedGrant {
    /// The issuer that gave it.
    pub issuer: String,
    /// The grant.
    pub grant: String,
}

/// An ended conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevokedConversation {
    /// The issuer that names the user.
    pub issuer: String,
    /// The user.
    pub user: String,
    /// The conversation.
    pub conversation: String,
}

/// The outcome of a verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The request is allowed.
    Allow,
    /// The request is denied.
    Deny,
}

/// The expected decision. The members from `issuer` on stand on allow only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// Allow or deny.
    pub result: Outcome,
    /// The stage that denies.
    pub stage: Option<u8>,
    /// The code that it denies with.
    pub code: Option<String>,
    /// The issuer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// The user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The chain of holders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agents: Option<Vec<Agent>>,
    /// The purpose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// The effective expiry, RFC 3339 in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// The right that covered the operation: `TYPE:LOCATION:ACTION`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub right: Option<String>,
    /// The binding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binding: Option<String>,
}

/// One holder of the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agent {
    /// Its name.
    pub name: String,
    /// The thumbprint of its key.
    pub key_id: String,
    /// Who says so: the issuer for the first, the delegator's key id for the others.
    pub claimed_by: String,
}
