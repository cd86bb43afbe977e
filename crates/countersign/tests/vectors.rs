//! Every vector of `test-vectors/` through the core.
#![expect(clippy::unwrap_used, reason = "tests say what went wrong by panicking")]

use std::path::Path;

use countersign::request::Message;
use countersign::verify::{Approvals, Decision, MemoryCharges, MemoryReplay, ReplayStore as _};
use countersign::{Denial, from_base64url};
use countersign_testkit::format::Vector;
use countersign_testkit::runner;
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
fn run(vector: &Vector) -> Result<(), String> {
    let service = Service(Setup::of(vector));
    for _ in 0..2 {
        let (replay, charges) = (MemoryReplay::insecure_without_epoch(), MemoryCharges::insecure_without_epoch());
        let stores = Stores { replay, charges };
        for (requests, expected) in [(&vector.input.before, "allow"), (&vector.input.before_denied, "deny")] {
            for request in requests {
                let decision = service.decide(request, None, &stores);
                if decision.decision != expected {
                    return Err(format!("{}: a request before it is {decision:?}", vector.id));
                }
            }
        }
        let decision = service.decide(&vector.input.request_b64u, vector.input.authority.as_deref(), &stores);
        runner::compare(vector, &serde_json::to_value(&decision).unwrap())?;
    }
    Ok(())
}

// spec: VF-1, VF-4
#[test]
fn core_decides_every_vector_as_expected() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../test-vectors");
    let vectors = runner::load(&dir).unwrap();
    let failures: Vec<String> = vectors.iter().filter_map(|vector| run(vector).err()).collect();
    println!("{} vectors through core", vectors.len());
    assert!(failures.is_empty(), "{} of {} failed:\n{}", failures.len(), vectors.len(), failures.join("\n"));
}
