//! The JSON format of the files below `test-vectors/jsonrpc/` (`test-vectors/README.md`).
//!
//! Like [`crate::format`], but for what is verified: a JSON-RPC message, or an HTTP request with one in its body.

use serde::{Deserialize, Serialize};

use crate::format::{Config, Expect, Revoked};

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RpcFile {
    /// What the file is about.
    pub comment: String,
    /// Its vectors.
    pub vectors: Vec<RpcVector>,
}

/// One vector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RpcVector {
    /// `jsonrpc/slug`, unique.
    pub id: String,
    /// The requirements of `spec/` that it tests.
    pub req: Vec<String>,
    /// `attack:N`, `twin:ID`.
    pub flags: Vec<String>,
    /// What is done and why the outcome follows.
    pub comment: String,
    /// What is verified.
    pub input: RpcInput,
    /// The outcome.
    pub expect: Expect,
}

/// What is verified, and under which conditions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RpcInput {
    /// The verifier's configuration. It has no operation table.
    pub config: Config,
    /// What it knows of MCP.
    pub mcp: Mcp,
    /// The present, in seconds since the Unix epoch.
    pub now: i64,
    /// What was verified before, by the same stores: all must be allowed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<Sent>,
    /// What is revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Revoked>,
    /// What is verified.
    pub sent: Sent,
}

/// What a verifier knows of MCP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mcp {
    /// The server's name.
    pub server: String,
    /// The path of its HTTP endpoint.
    pub path: String,
    /// Whether requests by HTTP need an envelope besides.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub envelope: bool,
}

/// What is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sent {
    /// The text of a JSON-RPC message, base64url without padding.
    #[serde(rename = "message_b64u")]
    Message(String),
    /// An HTTP/1.1 message, base64url without padding.
    #[serde(rename = "request_b64u")]
    Request(String),
}
