//! One request, one decision: what `verify`, `doctor`, `approval request` and `vectors run` share.

use std::sync::Arc;

use countersign::Denial;
use countersign::jsonrpc::mcp::Server;
use countersign::jsonrpc::{self as rpc};
use countersign::request::Message;
use countersign::time::UnixTime;
use countersign::verify::{
    Approvals, Authenticated, Decision, Endpoint, McpCharges, MemoryCharges, MemoryReplay, Operations,
    ReplayStore as _, RevocationView, Verifier,
};
use countersign_tower::jwks::JwksSource;
use countersign_tower::mcp::Caller;

use crate::config::Config;

/// A verifier with all that it needs besides the request.
pub(crate) struct Judge {
    pub(crate) verifier: Verifier,
    pub(crate) operations: Operations,
    pub(crate) revocations: Box<dyn RevocationView>,
    pub(crate) replay: MemoryReplay,
    pub(crate) charges: MemoryCharges,
    /// Where MCP is spoken.
    pub(crate) mcp: Option<Endpoint>,
    /// Keys that were fetched last as long as their sources.
    #[expect(dead_code, reason = "held, not read")]
    sources: Vec<(String, JwksSource)>,
}

impl Judge {
    /// A judge whose memory starts with this run.
    pub(crate) fn new(verifier: Verifier, operations: Operations, revocations: Box<dyn RevocationView>) -> Self {
        // A command that ends with its last request remembers nothing from earlier runs and can't claim to. An epoch
        // would refuse every request that was signed before the run, and so all of them. A service needs one.
        let (replay, charges) = (MemoryReplay::insecure_without_epoch(), MemoryCharges::insecure_without_epoch());
        Self { verifier, operations, revocations, replay, charges, mcp: None, sources: Vec::new() }
    }

    /// A judge for the service of a configuration file.
    pub(crate) fn of(config: Config, revocations: Box<dyn RevocationView>) -> Self {
        let Config { verifier, operations, mcp, sources } = config;
        Self { mcp, sources, ..Self::new(verifier, operations, revocations) }
    }

    /// The same, with a server of MCP.
    pub(crate) fn with_mcp(self, mcp: Endpoint) -> Self {
        Self { mcp: Some(mcp), ..self }
    }

    /// The decision about one request.
    pub(crate) fn decide(&self, message: &Message<'_>, now: UnixTime) -> Decision {
        self.verify(message, now).map_or_else(|denial| Decision::from(&denial), |caller| caller.decision())
    }

    /// The decision about one JSON-RPC message of MCP, to this server.
    pub(crate) fn decide_rpc(&self, text: &[u8], server: &Server, now: UnixTime) -> Decision {
        let decided = || {
            let message = rpc::Message::parse(text, self.verifier.max_body())?;
            let claim = self.verifier.check_rpc(&message, now, &*self.revocations)?;
            let outcome = self.replay.record(claim.entry(), now);
            let authenticated = claim.recorded(outcome)?;
            self.charged(authenticated.map_mcp(server, &message, &Approvals::none())?, now)
        };
        decided().map_or_else(|denial: Denial| Decision::from(&denial), |caller| caller.decision())
    }

    /// All stages.
    pub(crate) fn verify(&self, message: &Message<'_>, now: UnixTime) -> Result<Caller, Denial> {
        self.charged(self.charges(message, now)?, now)
    }

    /// Stages 1 to 11: what stage 12 would charge.
    pub(crate) fn charges(&self, message: &Message<'_>, now: UnixTime) -> Result<McpCharges, Denial> {
        let authenticated = self.authenticated(message, now)?;
        // spec: JR-27
        if let Some(mcp) = self.endpoint(message) {
            return authenticated.map_mcp_http(mcp, message.body(), &Approvals::none()).map(|(charges, _)| charges);
        }
        let charges = authenticated.map(&self.operations, message.body(), &Approvals::none())?;
        Ok(McpCharges::Operation(Box::new(charges)))
    }

    /// Stage 12.
    pub(crate) fn charged(&self, charges: McpCharges, now: UnixTime) -> Result<Caller, Denial> {
        match charges {
            McpCharges::Nothing(idle) => Ok(Caller::Nothing(Arc::from(idle))),
            McpCharges::Operation(charges) => {
                charges.charge_with(&self.charges, now).map(|authorized| Caller::Operation(Arc::new(authorized)))
            }
        }
    }

    /// The endpoint of MCP that a request goes to.
    pub(crate) fn endpoint(&self, message: &Message<'_>) -> Option<&Endpoint> {
        let path = message.parts().target().split('?').next();
        self.mcp.as_ref().filter(|mcp| path == Some(mcp.path.as_str()))
    }

    fn authenticated(&self, message: &Message<'_>, now: UnixTime) -> Result<Authenticated, Denial> {
        let proven = self.verifier.check(message.parts(), now, &*self.revocations)?;
        if message.has_trailers() {
            return Err(proven.trailers());
        }
        let mut hasher = proven.hasher();
        hasher.update(message.body());
        let claim = proven.body(hasher.finish())?;
        let outcome = self.replay.record(claim.entry(), now);
        claim.recorded(outcome)
    }
}
