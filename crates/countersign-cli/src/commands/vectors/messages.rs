//! The vectors of `jsonrpc/`: messages, and requests with a message in their body (`test-vectors/README.md`, Messages).

use anyhow::{Context as _, bail};
use countersign::from_base64url;
use countersign::jsonrpc::mcp::Server;
use countersign::request::Message;
use countersign::time::UnixTime;
use countersign::verify::{Decision, Endpoint};
use serde::Deserialize;

use super::format::{Config, Expect, Revoked, Vector};
use crate::judge::Judge;

/// The folder whose files have this format.
pub(super) const FOLDER: &str = "jsonrpc";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    config: Config,
    mcp: Mcp,
    now: u64,
    #[serde(default)]
    before: Vec<Sent>,
    #[serde(default)]
    revoked: Revoked,
    sent: Sent,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mcp {
    server: String,
    path: String,
    #[serde(default)]
    envelope: bool,
}

#[derive(Deserialize)]
enum Sent {
    #[serde(rename = "message_b64u")]
    Message(String),
    #[serde(rename = "request_b64u")]
    Request(String),
}

/// Runs one vector.
pub(super) fn check(vector: &Vector<Input, Expect>) -> anyhow::Result<()> {
    let input = &vector.input;
    let server = Server::new(&input.mcp.server)?;
    let endpoint = Endpoint { path: input.mcp.path.clone(), server, envelope: input.mcp.envelope };
    let judge = super::judge_of(&input.config, &input.revoked)?.with_mcp(endpoint.clone());
    let now = UnixTime(input.now);
    for (number, sent) in input.before.iter().enumerate() {
        let decision = decide(&judge, &endpoint, sent, now)?;
        if decision.decision != "allow" {
            bail!("message {number} before it: not allow but {}", super::brief(&decision));
        }
    }
    super::hold(&vector.expect, &decide(&judge, &endpoint, &input.sent, now)?)
}

fn decide(judge: &Judge, endpoint: &Endpoint, sent: &Sent, now: UnixTime) -> anyhow::Result<Decision> {
    let bytes = |text: &str| from_base64url(text).context("what is not base64url");
    Ok(match sent {
        Sent::Message(text) => judge.decide_rpc(&bytes(text)?, &endpoint.server, now),
        Sent::Request(text) => {
            let request = bytes(text)?;
            judge.decide(&Message::parse(&request)?, now)
        }
    })
}
