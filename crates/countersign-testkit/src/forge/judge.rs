//! Who judges: the core's verifier with stores in memory, or whatever else a run is given.

use countersign::time::UnixTime;
use countersign::verify::{CostEntry, MemoryCharges, MemoryReplay, OperationEntry, Operations, Revocations, Verifier};

use super::draft::Asked;
use super::service::{AUTHORITIES, ISSUERS, REVOKED_ISSUER_KEY, ROWS, SERVICES, issuer_key};
use super::world::{CONVERSATION, GRANT, Revoked, World};
use crate::clock::NOW;
use countersign::request::{BodyLength, Parts};

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It may be served.
    Allowed,
    /// It is refused, at this stage and with this code.
    Denied(u8, &'static str),
}

/// Judges requests, one after the other, and remembers what it has to.
pub trait Judge {
    /// Judges the next one.
    fn judge(&mut self, asked: &Asked) -> Verdict;
}

impl<F: FnMut(&Asked) -> Verdict> Judge for F {
    fn judge(&mut self, asked: &Asked) -> Verdict {
        self(asked)
    }
}

/// The configuration of the core's verifier for a world.
#[derive(Debug)]
pub struct Core<'w> {
    world: &'w World,
    operations: Operations,
    revocations: Revocations,
}

/// One verifier with empty stores.
#[derive(Debug)]
pub struct CoreJudge<'c> {
    core: &'c Core<'c>,
    verifier: Verifier,
    replay: MemoryReplay,
    charges: MemoryCharges,
}

impl<'w> Core<'w> {
    /// The configuration.
    #[must_use]
    pub fn new(world: &'w World) -> Self {
        let entries = ROWS.iter().map(|row| {
            let [method, path, kind, resource, action] = row.entry;
            let mut cost = vec![("calls".to_owned(), CostEntry::Amount(1))];
            cost.extend(row.cents.then(|| ("cents".to_owned(), CostEntry::Argument("/amount".into()))));
            OperationEntry {
                cost: Some(cost.into_iter().collect()),
                read_body: Some(row.read_body),
                ..OperationEntry::new(method, path, kind, resource, action)
            }
        });
        Self { world, operations: Operations::table(entries).unwrap(), revocations: revocations(world) }
    }

    /// A verifier that has seen nothing.
    #[must_use]
    pub fn judge(&self) -> CoreJudge<'_> {
        let mut builder = Verifier::builder();
        for audience in SERVICES {
            builder = builder.audience(audience);
        }
        for authority in AUTHORITIES {
            builder = builder.authority(authority);
        }
        for (issuer, (name, keys)) in ISSUERS.iter().enumerate() {
            let keys = (0..*keys).map(|key| issuer_key(self.world.seed, issuer, key).public_text().parse().unwrap());
            builder = builder.issuer(name, keys);
        }
        CoreJudge {
            core: self,
            verifier: builder.build().unwrap(),
            replay: MemoryReplay::insecure_without_epoch(),
            charges: MemoryCharges::insecure_without_epoch(),
        }
    }
}

fn revocations(world: &World) -> Revocations {
    let mut view = Revocations::default();
    for (base, why) in &world.revoked {
        match *why {
            Revoked::Block(at) => view.revoke_block(&base.pieces.blocks[at].id()),
            Revoked::Holder(at) => view.revoke_holder(base.holders[at].id().parse().unwrap()),
            Revoked::User => view.revoke_user(&base.issuer, &base.user, UnixTime(NOW.unsigned_abs())),
            Revoked::Grant => view.revoke_grant(&base.issuer, GRANT),
            Revoked::Conversation => view.end_conversation(&base.issuer, &base.user, CONVERSATION),
            Revoked::IssuerKey => {
                let (issuer, key) = REVOKED_ISSUER_KEY;
                let key = issuer_key(world.seed, issuer, key).public_text().parse().unwrap();
                view.revoke_issuer_key(ISSUERS[issuer].0, key);
            }
        }
    }
    view
}

impl Judge for CoreJudge<'_> {
    fn judge(&mut self, asked: &Asked) -> Verdict {
        let request = &asked.request;
        let mut parts = Parts::new(&request.method, &request.target).body(BodyLength::Known(request.body.len() as u64));
        if let Some(authority) = &asked.authority {
            parts = parts.authority(authority);
        }
        parts.extend(request.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())));
        let now = UnixTime(asked.now.unsigned_abs());
        let Core { revocations, operations, .. } = self.core;
        let stores = (&self.replay, &self.charges);
        match self.verifier.verify_and_charge((&parts, &request.body), now, revocations, stores, operations) {
            Ok(_) => Verdict::Allowed,
            Err(denial) => Verdict::Denied(denial.stage(), denial.code().as_str()),
        }
    }
}
