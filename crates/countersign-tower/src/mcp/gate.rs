//! Messages one by one: what a verifier does between a transport of lines and a server of MCP.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use countersign::Class;
use countersign::jsonrpc::mcp::Server;
use countersign::jsonrpc::{ENVELOPE, Message};
use countersign::time::UnixTime;
use countersign::verify::{Approvals, McpCharges, NonceClaim, ReplayOutcome};
use serde_json::{Map, Value, json};

use super::listing::Filter;
use super::{CALLER, Caller};
use crate::audit::{AuditRecord, TraceId};
use crate::layer::{CountersignLayer, Shared};
use crate::problem::Problem;
use crate::service::Refusal;
use crate::store::within;

/// How many messages may wait for their answers at once.
const MAX_WAITING: usize = 1024;

/// Decides about the messages that come to one server, under one audience.
///
/// Shares verifier, stores, revocations, clock and audit with the layer that it is made from, so a service may be reached
/// both ways and a nonce is used up for both.
pub struct Gate {
    shared: Arc<Shared>,
    audience: String,
    server: Server,
    /// The messages that the server has not answered, by id, and what the callers of listings may see.
    waiting: Mutex<HashMap<String, Option<Filter>>>,
}

/// What becomes of a message.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub enum Received {
    /// It is allowed: this goes to the server, without the proof and with [`CALLER`].
    Forward(Value),
    /// It is refused, and this is the answer to its sender.
    Answer(Value),
    /// It is refused, and nobody waits for an answer.
    Nothing,
}

/// The verifier is not told of this audience.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownAudience;

impl fmt::Display for UnknownAudience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a gate's audience is not one of its verifier's")
    }
}

impl std::error::Error for UnknownAudience {}

impl Gate {
    /// A gate before the server of this name, for messages to this audience: one of the verifier's. A message for another is
    /// `audience_mismatch`, so that a right at one server is none at another of the same service.
    pub fn new(layer: &CountersignLayer, audience: &str, server: Server) -> Result<Self, UnknownAudience> {
        if !layer.shared.verifier.audiences().any(|known| known == audience) {
            return Err(UnknownAudience);
        }
        Ok(Self { shared: Arc::clone(&layer.shared), audience: audience.to_owned(), server, waiting: Mutex::default() })
    }

    /// The longest message that is read, in bytes (JR-1).
    pub fn max_message(&self) -> u64 {
        self.shared.verifier.max_body()
    }

    /// Decides about one message, records the decision, and charges what it costs.
    // spec: JR-26, JR-35
    pub async fn receive(&self, text: &[u8]) -> Received {
        let started = Instant::now();
        let (now, trace) = ((self.shared.clock)(), TraceId::random());
        let message = Message::parse(text, self.max_message()).map_err(Refusal::from);
        let id = message.as_ref().ok().and_then(|message| message.id()).and_then(|id| serde_json::to_value(id).ok());
        let outcome = match message {
            Ok(message) => self.verify(&message, now).await.map(|caller| (caller, message)),
            Err(refusal) => Err(refusal),
        };
        let at = (now, trace, u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX));
        let (caller, message) = match outcome {
            Ok(allowed) => allowed,
            Err(refusal) => {
                let problem = self.shared.refused(at, &refusal);
                return id.map_or(Received::Nothing, |id| Received::Answer(error(id, problem, trace)));
            }
        };
        if !self.expect(&caller, &message, id.as_ref()) {
            self.shared
                .audit
                .record(&AuditRecord::undecided(at, "answer could not be told from another, or too many are awaited"));
            let problem = Problem::of_class(Class::Unavailable);
            return id.map_or(Received::Nothing, |id| Received::Answer(error(id, problem, trace)));
        }
        self.shared.audit.record(&AuditRecord::of_caller(at, &caller));
        match handed_on(message, &caller, trace) {
            Some(message) => Received::Forward(message),
            None => Received::Nothing,
        }
    }

    /// A message was longer than [`Self::max_message`] and was not read: recorded as any other refusal.
    // spec: JR-1
    pub fn too_long(&self) {
        let at = ((self.shared.clock)(), TraceId::random(), 0);
        self.shared.audit.record(&AuditRecord::denied(at, &Message::too_long()));
    }

    /// Whether a message of the server may go to its peer, after what the caller may not use was taken out of it.
    ///
    /// An answer may where it is the first one to a message that was forwarded. Anything else has to be a message of the
    /// server's own.
    // spec: JR-25
    pub fn passes(&self, message: &mut Value) -> bool {
        let is_answer = message.get("result").or(message.get("error")).is_some();
        if !is_answer {
            return message.get("method").is_some();
        }
        let Some(id) = message.get("id").map(Value::to_string) else { return false };
        match self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&id) {
            Some(Some(filter)) => {
                filter.message(message);
                true
            }
            Some(None) => true,
            None => false,
        }
    }

    async fn verify(&self, message: &Message, now: UnixTime) -> Result<Caller, Refusal> {
        let shared = &self.shared;
        // spec: JR-12
        let check = || Ok(shared.verifier.check_rpc_for(&self.audience, message, now, shared.revocations.as_ref()));
        let claim = shared.with_current_keys(check, NonceClaim::chain).await?;
        let outcome = within(shared.store_timeout, shared.replay.record(claim.entry(), now)).await;
        let authenticated = claim.recorded(outcome.unwrap_or(ReplayOutcome::Unavailable))?;
        match authenticated.map_mcp(&self.server, message, &Approvals::none())? {
            McpCharges::Operation(charges) => Ok(Caller::Operation(Arc::new(shared.charge(*charges, now).await?))),
            McpCharges::Nothing(idle) => Ok(Caller::Nothing(Arc::from(idle))),
        }
    }

    /// Remembers that an answer is to come, and what its caller may see. False where it could not be told from another.
    fn expect(&self, caller: &Caller, message: &Message, id: Option<&Value>) -> bool {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(id) = id.map(Value::to_string) else {
            // What was cancelled needs no answer, and one that comes late does not pass.
            if message.method() == "notifications/cancelled" {
                let id = message.params().and_then(|params| params.member("requestId"));
                if let Some(id) = id.and_then(|id| serde_json::to_value(id).ok()) {
                    waiting.remove(&id.to_string());
                }
            }
            return true;
        };
        let filter = match caller {
            Caller::Nothing(idle) => Filter::new(idle, &self.server, message.method()),
            Caller::Operation(_) => None,
        };
        if waiting.len() >= MAX_WAITING || waiting.contains_key(&id) {
            return false;
        }
        waiting.insert(id, filter);
        true
    }
}

/// The message as the server gets it: written anew from the value that was verified.
// spec: JR-17, JR-35
fn handed_on(message: Message, caller: &Caller, trace: TraceId) -> Option<Value> {
    let mut message = serde_json::to_value(message.into_value()).ok()?;
    let mut who = serde_json::to_value(caller.decision()).ok()?;
    who.as_object_mut()?.insert("trace_id".to_owned(), trace.to_string().into());
    let meta = message.get_mut("params")?.get_mut("_meta")?.as_object_mut()?;
    meta.remove(ENVELOPE);
    meta.insert(CALLER.to_owned(), who);
    Some(message)
}

// spec: JR-26
fn error(id: Value, problem: Problem, trace: TraceId) -> Value {
    let (code, message) = (problem.status(), problem.word());
    let data: Map<String, Value> = problem.into_members(trace);
    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message, "data": data } })
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("audience", &self.audience).field("server", &self.server).finish_non_exhaustive()
    }
}
