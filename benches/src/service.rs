//! The core's side: a service that verifies with [`Verifier`] alone.

use countersign::Denial;
use countersign::request::{BodyLength, Parts};
use countersign::verify::{Approvals, Authorized, Operations, ReplayOutcome, Revocations, Verifier};

use crate::fixture::{AUDIENCE, AUTHORITY, HttpRequest, ISSUER, NOW, key};

/// A configured service.
#[derive(Debug)]
pub struct Service {
    verifier: Verifier,
    revocations: Revocations,
    operations: Operations,
}

impl Service {
    /// A service that remembers no chain: every signature is verified on every request.
    #[must_use]
    pub fn cold() -> Self {
        Self::new(Some(0))
    }

    /// A service with the cache that it has unless told otherwise.
    #[must_use]
    pub fn warm() -> Self {
        Self::new(None)
    }

    fn new(cache: Option<usize>) -> Self {
        let builder =
            Verifier::builder().audience(AUDIENCE).authority(AUTHORITY).issuer(ISSUER, [key("root").public()]);
        let builder = match cache {
            Some(prefixes) => builder.cache(prefixes),
            None => builder,
        };
        let verifier = builder.build().unwrap();
        Self { verifier, revocations: Revocations::default(), operations: Operations::http() }
    }

    /// All twelve stages. The replay store's answer is given, not asked for: the peer has no such store.
    pub fn verify(&self, request: &HttpRequest, body: &[u8]) -> Result<Authorized, Denial> {
        let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
        let mut parts = Parts::new(request.method().as_str(), target).body(BodyLength::Known(body.len() as u64));
        parts.extend(request.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes())));
        let proven = self.verifier.check(&parts, NOW, &self.revocations)?;
        let mut hasher = proven.hasher();
        hasher.update(body);
        let claim = proven.body(hasher.finish())?;
        claim.recorded(ReplayOutcome::New)?.map(&self.operations, body, &Approvals::none())?.uncharged()
    }
}
