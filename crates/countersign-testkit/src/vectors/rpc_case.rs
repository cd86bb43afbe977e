//! One vector of `jsonrpc/` in the making, its file, and the valid messages that the vectors change in one place.

use crate::clock::{EXPIRES, NOW, rfc3339};
use crate::format::{Config, Expect, Outcome};
use crate::format_rpc::{Mcp, RpcFile, RpcInput, RpcVector, Sent};
use crate::keys::Key;
use crate::raw_request::{Request, digest_sha256};
use crate::raw_rpc::{Envelope, Json, Rpc};
use crate::text::b64u;

use super::standard::{ISSUER, PURPOSE, Plan, SERVICE, USER, config, first_agent, post_signature, right, unsigned};

/// The server's name.
pub const SERVER: &str = "calendar";
/// The path of its HTTP endpoint.
pub const ENDPOINT: &str = "/mcp";
/// The right of the standard call.
pub const TOOL_RIGHT: &str = "mcp_tool:calendar/list_events:call";

/// A token for MCP, held by `agent`.
#[must_use]
pub fn plan() -> Plan {
    Plan::standard().rights([
        right("mcp_tool", "calendar/list_events", "call"),
        right("mcp_tool", "calendar/create_event", "call"),
        right("mcp_resource", "calendar/file/-/notes", "read"),
        right("mcp_resource", "calendar/memo/today", "read"),
        right("mcp_prompt", "brief", "get"),
        right("http", "/", "GET"),
    ])
}

/// The standard message before it is signed.
#[must_use]
pub fn call() -> Rpc {
    Rpc::call("list_events", Json::object([("day", Json::text("2026-11-24"))]))
}

/// The standard envelope.
#[must_use]
pub fn envelope() -> Envelope {
    envelope_of(&plan().text())
}

/// The standard envelope with this token.
#[must_use]
pub fn envelope_of(token: &str) -> Envelope {
    Envelope::new(&Key::named("agent"), SERVICE, token)
}

/// A message in the standard envelope.
#[must_use]
pub fn signed(message: Rpc) -> Rpc {
    envelope().sign(message)
}

/// An HTTP request with this body, signed by `agent` with all `mcp-` fields covered.
#[must_use]
pub fn over_http(method: &str, token: &str, fields: &[(&str, &str)], body: &str) -> Request {
    over_http_to(method, ENDPOINT, token, fields, body)
}

/// The same to another target.
#[must_use]
pub fn over_http_to(method: &str, target: &str, token: &str, fields: &[(&str, &str)], body: &str) -> Request {
    let mut request = unsigned(method, target, token);
    let mut signature = post_signature();
    if body.is_empty() {
        signature.uncover("content-type");
        signature.uncover("content-digest");
    } else {
        request.add("Content-Length", body.len().to_string());
        request.add("Content-Digest", digest_sha256(body.as_bytes()));
        if !fields.iter().any(|(name, _)| *name == "Content-Type") {
            request.add("Content-Type", "application/json");
        }
        request.body = body.as_bytes().to_vec();
    }
    for (name, value) in fields {
        request.add(name, value);
        let name = name.to_ascii_lowercase();
        if !signature.components.contains(&format!("\"{name}\"")) {
            signature.cover(&name);
        }
    }
    signature.sign(request)
}

/// A vector in the making. It starts as: standard configuration, standard time, allowed.
#[derive(Clone, Debug)]
pub struct RpcCase(RpcVector);

impl RpcCase {
    /// A vector over this.
    #[must_use]
    pub fn sent(slug: &str, comment: &str, sent: Sent) -> Self {
        let (right, binding) = match &sent {
            Sent::Message(_) => (TOOL_RIGHT, "jsonrpc"),
            Sent::Request(_) => (TOOL_RIGHT, "ed25519"),
        };
        let input = RpcInput {
            config: config(),
            mcp: Mcp { server: SERVER.into(), path: ENDPOINT.into(), envelope: false },
            now: NOW,
            before: Vec::new(),
            revoked: None,
            sent,
        };
        let expect = Expect {
            result: Outcome::Allow,
            stage: None,
            code: None,
            issuer: Some(ISSUER.into()),
            user: Some(USER.into()),
            agents: Some(vec![first_agent()]),
            purpose: Some(PURPOSE.into()),
            expires: Some(rfc3339(EXPIRES)),
            right: Some(right.into()),
            binding: Some(binding.into()),
        };
        let id = slug.into();
        Self(RpcVector { id, req: Vec::new(), flags: Vec::new(), comment: comment.into(), input, expect })
    }

    /// A vector over this message.
    #[must_use]
    pub fn new(slug: &str, comment: &str, message: &Rpc) -> Self {
        Self::text(slug, comment, message.wire())
    }

    /// A vector over this text.
    #[must_use]
    pub fn text(slug: &str, comment: &str, text: impl AsRef<[u8]>) -> Self {
        Self::sent(slug, comment, Sent::Message(b64u(text.as_ref())))
    }

    /// A vector over this HTTP request.
    #[must_use]
    pub fn http(slug: &str, comment: &str, request: &Request) -> Self {
        Self::sent(slug, comment, Sent::Request(b64u(&request.to_bytes())))
    }

    /// Denied at this stage with this code; `twin` names the allowed vector of this folder that it departs from.
    #[must_use]
    pub fn deny(mut self, stage: u8, code: &str, twin: &str) -> Self {
        self.0.expect = Expect {
            result: Outcome::Deny,
            stage: Some(stage),
            code: Some(code.into()),
            issuer: None,
            user: None,
            agents: None,
            purpose: None,
            expires: None,
            right: None,
            binding: None,
        };
        self.0.flags.push(format!("twin:jsonrpc/{twin}"));
        self
    }

    /// Tests these requirements of `spec/`.
    #[must_use]
    pub fn req<const N: usize>(mut self, ids: [&str; N]) -> Self {
        self.0.req.extend(ids.map(str::to_owned));
        self
    }

    /// Belongs to an attack of the design's list.
    #[must_use]
    pub fn attack(mut self, number: u8) -> Self {
        self.0.flags.push(format!("attack:{number}"));
        self
    }

    /// Under another configuration.
    #[must_use]
    pub fn config(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.0.input.config);
        self
    }

    /// By a service that asks for both proofs.
    #[must_use]
    pub fn both(mut self) -> Self {
        self.0.input.mcp.envelope = true;
        self
    }

    /// At another time.
    #[must_use]
    pub fn now(mut self, now: i64) -> Self {
        self.0.input.now = now;
        self
    }

    /// After this was allowed.
    #[must_use]
    pub fn before(mut self, sent: Sent) -> Self {
        self.0.input.before.push(sent);
        self
    }

    /// Allowed under this right; `None` where nothing is acted on.
    #[must_use]
    pub fn right(mut self, right: Option<&str>) -> Self {
        self.0.expect.right = right.map(str::to_owned);
        self
    }
}

/// A file of `jsonrpc/` in the making.
#[derive(Clone, Debug)]
pub struct RpcCases {
    /// Its name without `.json`.
    pub name: &'static str,
    comment: String,
    vectors: Vec<RpcVector>,
}

impl RpcCases {
    /// An empty file.
    #[must_use]
    pub fn new(name: &'static str, comment: &str) -> Self {
        Self { name, comment: comment.into(), vectors: Vec::new() }
    }

    /// Adds a vector.
    pub fn push(&mut self, case: RpcCase) {
        let mut vector = case.0;
        vector.id = format!("jsonrpc/{}", vector.id);
        self.vectors.push(vector);
    }

    /// What is written.
    #[must_use]
    pub fn content(&self) -> RpcFile {
        RpcFile { comment: self.comment.clone(), vectors: self.vectors.clone() }
    }
}
