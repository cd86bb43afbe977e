//! One request, one decision: what `verify` and `vectors run` share.

use countersign::Denial;
use countersign::request::Message;
use countersign::time::UnixTime;
use countersign::verify::{
    Approvals, Authorized, Charges, Decision, MemoryCharges, MemoryReplay, Operations, ReplayStore as _,
    RevocationView, Verifier,
};
use countersign_tower::jwks::JwksSource;

use crate::config::Config;

/// A verifier with all that it needs besides the request.
pub(crate) struct Judge {
    pub(crate) verifier: Verifier,
    pub(crate) operations: Operations,
    pub(crate) revocations: Box<dyn RevocationView>,
    pub(crate) replay: MemoryReplay,
    pub(crate) charges: MemoryCharges,
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
        Self { verifier, operations, revocations, replay, charges, sources: Vec::new() }
    }

    /// A judge for the service of a configuration file.
    pub(crate) fn of(config: Config, revocations: Box<dyn RevocationView>) -> Self {
        let Config { verifier, operations, sources } = config;
        Self { sources, ..Self::new(verifier, operations, revocations) }
    }

    /// The decision about one request.
    pub(crate) fn decide(&self, message: &Message<'_>, now: UnixTime) -> Decision {
        match self.verify(message, now) {
            Ok(authorized) => authorized.decision(),
            Err(denial) => Decision::from(&denial),
        }
    }

    /// All stages.
    pub(crate) fn verify(&self, message: &Message<'_>, now: UnixTime) -> Result<Authorized, Denial> {
        self.charges(message, now)?.charge_with(&self.charges, now)
    }

    /// Stages 1 to 11: what stage 12 would charge.
    pub(crate) fn charges(&self, message: &Message<'_>, now: UnixTime) -> Result<Charges, Denial> {
        let proven = self.verifier.check(message.parts(), now, &*self.revocations)?;
        if message.has_trailers() {
            return Err(proven.trailers());
        }
        let mut hasher = proven.hasher();
        hasher.update(message.body());
        let claim = proven.body(hasher.finish())?;
        let outcome = self.replay.record(claim.entry(), now);
        claim.recorded(outcome)?.map(&self.operations, message.body(), &Approvals::none())
    }
}
