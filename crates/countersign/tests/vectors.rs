//! Every vector of `test-vectors/` through the core.
#![expect(clippy::unwrap_used, reason = "tests say what went wrong by panicking")]

use std::path::Path;

use countersign::request::Message;
use countersign::time::UnixTime;
use countersign::verify::{
    Decision, MemoryReplay, OperationEntry, Operations, ReplayStore as _, Revocations, Verifier,
};
use countersign::{Denial, from_base64url, from_hex};
use countersign_testkit::format::{Config, Revoked, Vector};
use countersign_testkit::runner;

struct Service {
    verifier: Verifier,
    operations: Operations,
    revocations: Revocations,
    now: UnixTime,
}

impl Service {
    fn new(vector: &Vector) -> Self {
        Self {
            verifier: verifier(&vector.input.config),
            operations: operations(&vector.input.config),
            revocations: vector.input.revoked.as_ref().map(revocations).unwrap_or_default(),
            now: UnixTime(vector.input.now.try_into().unwrap()),
        }
    }

    fn decide(&self, request: &str, authority: Option<&str>, replay: &MemoryReplay) -> Decision {
        let bytes = from_base64url(request).unwrap();
        let mut message = Message::parse(&bytes).unwrap();
        if let Some(authority) = authority {
            message = message.with_authority(authority);
        }
        match self.verify(&message, replay) {
            Ok(decision) => decision,
            Err(denial) => Decision::from(&denial),
        }
    }

    fn verify(&self, message: &Message<'_>, replay: &MemoryReplay) -> Result<Decision, Denial> {
        let proven = self.verifier.check(message.parts(), self.now, &self.revocations)?;
        if message.has_trailers() {
            return Err(proven.trailers());
        }
        let mut hasher = proven.hasher();
        hasher.update(message.body());
        let claim = proven.body(hasher.finish())?;
        let outcome = replay.record(claim.entry(), self.now);
        Ok(claim.recorded(outcome)?.map(&self.operations)?.uncharged()?.decision())
    }
}

fn verifier(config: &Config) -> Verifier {
    let mut builder = Verifier::builder();
    for audience in &config.audience {
        builder = builder.audience(audience);
    }
    for authority in &config.authorities {
        builder = builder.authority(authority);
    }
    for issuer in &config.issuers {
        builder = builder.issuer(&issuer.issuer, issuer.keys.iter().map(|key| key.parse().unwrap()));
    }
    if let Some(bytes) = config.max_body_bytes {
        builder = builder.max_body(bytes);
    }
    builder.build().unwrap()
}

fn operations(config: &Config) -> Operations {
    let Some(rows) = &config.operations else { return Operations::http() };
    let entries = rows.iter().map(|row| OperationEntry {
        method: row.method.clone(),
        path: row.path.clone(),
        r#type: row.kind.clone(),
        resource: row.resource.clone(),
        action: row.action.clone(),
    });
    Operations::table(entries).unwrap()
}

fn revocations(revoked: &Revoked) -> Revocations {
    let mut view = Revocations::default();
    revoked.blocks.iter().for_each(|id| view.revoke_block(&from_hex(id).unwrap()));
    revoked.holders.iter().for_each(|id| view.revoke_holder(id.parse().unwrap()));
    for user in &revoked.users {
        view.revoke_user(&user.issuer, &user.user, UnixTime(user.before.try_into().unwrap()));
    }
    revoked.grants.iter().for_each(|grant| view.revoke_grant(&grant.issuer, &grant.grant));
    revoked.conversations.iter().for_each(|c| view.end_conversation(&c.issuer, &c.user, &c.conversation));
    for issuer in &revoked.issuer_keys {
        view.revoke_issuer_key("https://hub.example", issuer.parse().unwrap());
    }
    view
}

/// Twice with one verifier: what stage 7 learned the first time must change no verdict.
fn run(vector: &Vector) -> Result<(), String> {
    let service = Service::new(vector);
    for _ in 0..2 {
        let replay = MemoryReplay::insecure_without_epoch();
        for (requests, expected) in [(&vector.input.before, "allow"), (&vector.input.before_denied, "deny")] {
            for request in requests {
                let decision = service.decide(request, None, &replay);
                if decision.decision != expected {
                    return Err(format!("{}: a request before it is {decision:?}", vector.id));
                }
            }
        }
        let decision = service.decide(&vector.input.request_b64u, vector.input.authority.as_deref(), &replay);
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
