//! Messages one by one: what a verifier does between a transport of lines and a server of MCP.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use countersign::jsonrpc::mcp::Server;
use countersign::jsonrpc::{ENVELOPE, Message};
use countersign::time::UnixTime;
use countersign::verify::{Approvals, McpCharges, NonceClaim, ReplayOutcome};
use countersign::{Class, Denial};
use serde_json::{Map, Value, json};

use super::listing::Filter;
use super::waiting::{Reserved, Sent, Waiting};
use super::{CALLER, Caller};
use crate::audit::{AuditRecord, TraceId};
use crate::layer::{CountersignLayer, Shared};
use crate::problem::Problem;
use crate::service::Refusal;
use crate::store::within;

/// The notification that takes a message back.
const CANCELLED: &str = "notifications/cancelled";

/// Decides about the messages that come to one server, under one audience.
///
/// Shares verifier, stores, revocations, clock and audit with the layer that it is made from, so a service may be reached
/// both ways and a nonce is used up for both.
///
/// Messages go on under ids of the gate's own. At most 1,024 wait for their answers at once, of these at most 256 of one
/// agent and of all to whom it hands its tokens on; an id is kept where it has at most 256 bytes as JSON. What is beyond is
/// answered `unavailable`, before anything is charged. A caller that waits no longer sends `notifications/cancelled`, which
/// makes room, and so does [`Self::disconnected`]. One gate is for one connection to the server at a time.
pub struct Gate {
    shared: Arc<Shared>,
    audience: String,
    server: Server,
    /// The messages that the server has not answered, and what the callers of listings may see.
    waiting: Waiting,
}

/// What becomes of a message.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub enum Received {
    /// It is allowed: this goes to the server, without the proof, with [`CALLER`], and under an id of the gate's own.
    Forward(Value),
    /// It is refused, and this is the answer to its sender.
    Answer(Value),
    /// It is refused, and nobody waits for an answer; or it would cancel what is not its sender's, or over.
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
        Ok(Self {
            shared: Arc::clone(&layer.shared),
            audience: audience.to_owned(),
            server,
            waiting: Waiting::default(),
        })
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
        let at = || (now, trace, u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX));
        let message = Message::parse(text, self.max_message());
        let id = message.as_ref().ok().and_then(|message| message.id()).and_then(|id| serde_json::to_value(id).ok());
        let answer = |problem| id.clone().map_or(Received::Nothing, |id| Received::Answer(error(id, problem, trace)));
        let outcome = match message {
            Ok(message) => self.verify(&message, id.as_ref(), now).await.map(|allowed| (allowed, message)),
            Err(denial) => Err(Refused::from(denial)),
        };
        let ((caller, place), message) = match outcome {
            Ok(allowed) => allowed,
            Err(Refused::Denied(refusal)) => return answer(self.shared.refused(at(), &refusal)),
            Err(Refused::Here(class, detail)) => {
                self.shared.audit.record(&AuditRecord::undecided(at(), detail));
                return answer(Problem::of_class(class));
            }
        };
        self.shared.audit.record(&AuditRecord::of_caller(at(), &caller));
        let cancels = message.method() == CANCELLED;
        let Some(mut message) = handed_on(message, &caller, trace) else { return Received::Nothing };
        if cancels && !self.cancel(&mut message, &caller) {
            self.shared.audit.record(&AuditRecord::undecided(at(), "nothing of the sender's to cancel"));
            return Received::Nothing;
        }
        // spec: JR-38
        if let (Some(id), Some(place)) = (message.get_mut("id"), place) {
            *id = place.take().into();
        }
        Received::Forward(message)
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
        // spec: JR-38
        let Some(sent) = message.get("id").and_then(|id| self.waiting.answered(id)) else { return false };
        if let Some(filter) = &sent.filter {
            filter.message(message);
        }
        if let Some(id) = message.get_mut("id") {
            *id = sent.id;
        }
        true
    }

    /// The connection to the server has ended, and none of the answers that are awaited will come. Another one may begin.
    /// [`super::guard_lines`] says so by itself.
    // spec: JR-38
    pub fn disconnected(&self) {
        self.waiting.clear();
    }

    /// Who sent a message and what they are allowed, and a place for it where it waits for an answer.
    async fn verify(
        &self,
        message: &Message,
        id: Option<&Value>,
        now: UnixTime,
    ) -> Result<(Caller, Option<Reserved<'_>>), Refused> {
        // Nobody would ever answer it, and it would wait for good.
        // spec: JR-38
        if id.is_some() && message.method().starts_with("notifications/") {
            return Err(Refused::Here(Class::InsufficientAuthorization, "notification with an id"));
        }
        let shared = &self.shared;
        // spec: JR-12
        let check = || Ok(shared.verifier.check_rpc_for(&self.audience, message, now, shared.revocations.as_ref()));
        let claim = shared.with_current_keys(check, NonceClaim::chain).await?;
        let agent = claim.entry().agent;
        let outcome = within(shared.store_timeout, shared.replay.record(claim.entry(), now)).await;
        let authenticated = claim.recorded(outcome.unwrap_or(ReplayOutcome::Unavailable))?;
        let holder = authenticated.chain().holder_id();
        let place = |filter| match id {
            None => Ok(None),
            Some(id) => match self.waiting.reserve(Sent { id: id.clone(), agent, holder, filter }) {
                None => Err(Refused::Here(
                    Class::Unavailable,
                    "answer could not be told from another, or too many are awaited",
                )),
                place => Ok(place),
            },
        };
        match authenticated.map_mcp(&self.server, message, &Approvals::none())? {
            McpCharges::Operation(charges) => {
                // Before it is charged: what can't wait is not handed on.
                let place = place(None)?;
                Ok((Caller::Operation(Arc::new(shared.charge(*charges, now).await?)), place))
            }
            McpCharges::Nothing(idle) => {
                let idle = Arc::from(idle);
                let place = place(Filter::new(&idle, &self.server, message.method()))?;
                Ok((Caller::Nothing(idle), place))
            }
        }
    }

    /// Names what a notification cancels as the server knows it. False where that is not its sender's, or does not wait.
    // spec: JR-38
    fn cancel(&self, message: &mut Value, caller: &Caller) -> bool {
        let Some(id) = message.get_mut("params").and_then(|params| params.get_mut("requestId")) else { return true };
        match self.waiting.cancelled(id, caller.chain().holder_id()) {
            Some(known) => {
                *id = known.into();
                true
            }
            None => false,
        }
    }
}

/// Why a message is not handed on.
enum Refused {
    /// As in every verifier.
    Denied(Refusal),
    /// By the gate, for what it would have to keep of the message: the class that is answered, and what the audit is told.
    Here(Class, &'static str),
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self::Denied(refusal)
    }
}

impl From<Denial> for Refused {
    fn from(denial: Denial) -> Self {
        Self::Denied(denial.into())
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
