//! Requests through the core.

use countersign::request::Message;
use countersign::verify::{Approvals, Decision, MemoryCharges, MemoryReplay, ReplayStore as _};
use countersign::{Denial, from_base64url};
use countersign_testkit::format::Vector;
use countersign_testkit::runner::Answer;
use countersign_testkit::setup::Setup;

/// What one verifier remembers.
struct Stores {
    replay: MemoryReplay,
    charges: MemoryCharges,
}

/// What the core decides about a request of a vector.
struct Service(Setup);

impl Service {
    fn decide(&self, request: &str, authority: Option<&str>, stores: &Stores) -> Decision {
        let bytes = from_base64url(request).unwrap();
        let mut message = Message::parse(&bytes).unwrap();
        if let Some(authority) = authority {
            message = message.with_authority(authority);
        }
        match self.verify(&message, stores) {
            Ok(decision) => decision,
            Err(denial) => Decision::from(&denial),
        }
    }

    fn verify(&self, message: &Message<'_>, stores: &Stores) -> Result<Decision, Denial> {
        let proven = self.0.verifier.check(message.parts(), self.0.now, &self.0.revocations)?;
        if message.has_trailers() {
            return Err(proven.trailers());
        }
        let mut hasher = proven.hasher();
        hasher.update(message.body());
        let claim = proven.body(hasher.finish())?;
        let outcome = stores.replay.record(claim.entry(), self.0.now);
        let charges = claim.recorded(outcome)?.map(&self.0.operations, message.body(), &Approvals::none())?;
        Ok(charges.charge_with(&stores.charges, self.0.now)?.decision())
    }
}

/// Twice with one verifier: what stage 7 learned the first time must change no verdict.
pub(crate) fn decide(vector: &Vector) -> Answer {
    let service = Service(Setup::of(vector));
    let mut decisions = Vec::new();
    for _ in 0..2 {
        let (replay, charges) = (MemoryReplay::insecure_without_epoch(), MemoryCharges::insecure_without_epoch());
        let stores = Stores { replay, charges };
        for (requests, expected) in [(&vector.input.before, "allow"), (&vector.input.before_denied, "deny")] {
            for request in requests {
                let decision = service.decide(request, None, &stores);
                if decision.decision != expected {
                    return Answer::Failed(format!("a request before it is {decision:?}"));
                }
            }
        }
        let decision = service.decide(&vector.input.request_b64u, vector.input.authority.as_deref(), &stores);
        decisions.push(serde_json::to_value(&decision).unwrap());
    }
    match &decisions[..] {
        [first, second] if first == second => Answer::Decision(first.clone()),
        _ => Answer::Failed(format!("two decisions: {decisions:?}")),
    }
}
