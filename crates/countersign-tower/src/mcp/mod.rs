//! Services that speak the Model Context Protocol (`spec/jsonrpc.md`).
//!
//! | where | what |
//! | --- | --- |
//! | over Streamable HTTP | [`crate::LayerBuilder::mcp`]: the layer maps a request to that path by the message in its body |
//! | over stdio, or any other transport of lines | [`Gate`] decides about a message; [`guard_lines`] puts it before a server |
//! | an agent over stdio | [`sign_lines`] signs what a client writes (feature `client`) |
//!
//! Both give the server only what was allowed, and take from its listings what the token would not allow.
//!
//! A handler behind the layer finds a [`Caller`] among the extensions of the request. A server behind a gate finds it as
//! JSON in the member [`CALLER`] of `_meta`, which nobody but the gate can write.

mod events;
mod gate;
mod lines;
mod listing;
mod waiting;

use std::sync::Arc;

/// The member of `_meta` in which a gate says who asks: the decision, with the trace id.
pub use countersign::jsonrpc::CALLER;
use countersign::token::VerifiedChain;
use countersign::verify::{Authorized, Decision, Idle};

pub use self::events::AnswerBody;
pub use self::gate::{Gate, Received, UnknownAudience};
pub use self::lines::guard_lines;
#[cfg(feature = "client")]
pub use self::lines::sign_lines;
pub(crate) use self::listing::{Filter, Unreadable};

/// Who sent a message, and what they were allowed.
#[derive(Clone, Debug)]
pub enum Caller {
    /// An operation that a right covers.
    Operation(Arc<Authorized>),
    /// A message that acts on nothing.
    Nothing(Arc<Idle>),
}

impl Caller {
    /// Who asks, for whom, why and until when.
    pub fn chain(&self) -> &VerifiedChain {
        match self {
            Self::Operation(authorized) => authorized.chain(),
            Self::Nothing(idle) => idle.chain(),
        }
    }

    /// The decision, as a record.
    pub fn decision(&self) -> Decision {
        match self {
            Self::Operation(authorized) => authorized.decision(),
            Self::Nothing(idle) => idle.decision(),
        }
    }

    pub(crate) fn covers(&self, name: &str) -> bool {
        match self {
            Self::Operation(authorized) => authorized.covered().any(|covered| covered == name),
            Self::Nothing(idle) => idle.covered().any(|covered| covered == name),
        }
    }
}
