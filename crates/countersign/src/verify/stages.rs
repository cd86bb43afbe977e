//! Stages 9 to 11 as types.

use crate::checks::{self, Arguments, Facts, WORK_LIMIT, Work};
use crate::code::Code;
use crate::denial::Denial;
use crate::request::{BodyDigest, BodyHasher, Expected};
use crate::time::UnixTime;
use crate::token::VerifiedChain;

use super::Binding;
use super::charges::{Approvals, Charges};
use super::operation::{Operation, Operations};
use super::replay::{NonceEntry, ReplayOutcome};
use super::resource::{covers, is_valid_resource};

/// What later stages need of the request itself.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) authority: String,
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) service: String,
    pub(crate) covered: Vec<String>,
    pub(crate) binding: Binding,
    pub(crate) now: UnixTime,
    pub(crate) max_body: u64,
    pub(crate) body_covered: bool,
    /// Whether the head told the body's length.
    pub(crate) body_announced: bool,
}

/// Both proofs hold for the head of the request; the body is still to be seen.
#[derive(Debug)]
#[must_use]
pub struct Proven {
    request: Request,
    chain: VerifiedChain,
    claim: NonceEntry,
    digest: Expected,
}

impl Proven {
    pub(crate) fn new(request: Request, chain: VerifiedChain, claim: NonceEntry, digest: Expected) -> Self {
        Self { request, chain, claim, digest }
    }

    /// A hasher for the digests that the request lists. Feed it the body as received.
    pub fn hasher(&self) -> BodyHasher {
        self.digest.hasher()
    }

    /// The chain behind the request.
    pub fn chain(&self) -> &VerifiedChain {
        &self.chain
    }

    /// Stage 9: the whole body was received and this is its digest.
    pub fn body(self, digest: BodyDigest) -> Result<NonceClaim, Denial> {
        let deny = |code, detail| Err(Denial::new(9, code, detail).by(&self.chain));
        // spec: RQ-52
        if digest.len > self.request.max_body {
            return deny(Code::BodyTooLarge, "body longer than the service reads");
        }
        // spec: RQ-54
        if digest.len > 0 && (!self.request.body_covered || self.digest.is_empty()) {
            return deny(Code::BodyUncovered, "there is a body and its digest or type is not covered");
        }
        // spec: RQ-49
        if !self.digest.matches(&digest) {
            return deny(Code::DigestMismatch, "body is not the one that was signed");
        }
        Ok(NonceClaim { request: self.request, chain: self.chain, claim: self.claim })
    }

    /// Stage 9: trailers came behind the body.
    // spec: RQ-53
    pub fn trailers(self) -> Denial {
        Denial::new(9, Code::TrailerRejected, "trailers behind the body").by(&self.chain)
    }

    /// Stage 9: the body does not end within the limit.
    pub fn too_large(self) -> Denial {
        Denial::new(9, Code::BodyTooLarge, "body longer than the service reads").by(&self.chain)
    }

    /// Stage 9: the body can't be held until all of it is there, for the reason that `detail` gives in one sentence.
    // spec: RQ-51
    pub fn unheld(self, detail: &'static str) -> Denial {
        Denial::new(9, Code::StoreUnavailable, detail).by(&self.chain)
    }

    /// Whether the head told how long the body is.
    pub fn body_announced(&self) -> bool {
        self.request.body_announced
    }
}

/// The request is proven, body and all; its nonce is still to be recorded.
#[derive(Debug)]
#[must_use]
pub struct NonceClaim {
    request: Request,
    chain: VerifiedChain,
    claim: NonceEntry,
}

impl NonceClaim {
    /// What the replay store has to record.
    pub fn entry(&self) -> &NonceEntry {
        &self.claim
    }

    /// Stage 10: the store's answer.
    pub fn recorded(self, outcome: ReplayOutcome) -> Result<Authenticated, Denial> {
        let deny = |code, detail| Err(Denial::new(10, code, detail).by(&self.chain));
        match outcome {
            ReplayOutcome::New => Ok(Authenticated { request: self.request, chain: self.chain }),
            ReplayOutcome::Seen => deny(Code::Replayed, "nonce used before"),
            ReplayOutcome::Unavailable => deny(Code::StoreUnavailable, "replay store can't take the nonce"),
        }
    }
}

/// It is known who asks; what they ask for is still to be allowed.
#[derive(Debug)]
#[must_use]
pub struct Authenticated {
    request: Request,
    chain: VerifiedChain,
}

impl Authenticated {
    /// The chain behind the request.
    pub fn chain(&self) -> &VerifiedChain {
        &self.chain
    }

    /// The method as received.
    pub fn method(&self) -> &str {
        &self.request.method
    }

    /// The path as received.
    pub fn path(&self) -> &str {
        &self.request.path
    }

    /// Stage 11 for the operation that a table gives.
    pub fn map(self, operations: &Operations) -> Result<Charges, Denial> {
        match operations.map(&self.request.method, &self.request.path) {
            Some(operation) => self.authorize(operation, &Approvals::none()),
            None => {
                Err(Denial::new(11, Code::OperationUnmapped, "no operation for this method and path").by(&self.chain))
            }
        }
    }

    /// Stage 11: right, checks and approvals for one operation.
    pub fn authorize(self, operation: Operation, approvals: &Approvals) -> Result<Charges, Denial> {
        let deny = |code, detail| {
            Denial::new(11, code, detail).by(&self.chain).for_operation(&operation, &self.request.service)
        };
        // spec: VF-25
        if !is_valid_resource(&self.request.path) || !is_valid_resource(&operation.resource) {
            return Err(deny(Code::ResourceInvalid, "path or resource is not in the resource grammar"));
        }
        let claims = self.chain.claims();
        // spec: VF-29, VF-30
        let right = claims.rights().position(|right| {
            right.r#type == operation.r#type
                && right.action == operation.action
                && covers(right.location, &operation.resource)
        });
        let right = right.ok_or_else(|| deny(Code::RightMissing, "no right covers the operation"))?;
        let agent = claims.agents().next().map(|agent| (agent.name, agent.key));
        let arguments = Arguments::not_extracted();
        let facts = Facts {
            time: self.request.now,
            service: &self.request.service,
            r#type: &operation.r#type,
            resource: &operation.resource,
            action: &operation.action,
            method: Some(&self.request.method),
            authority: Some(&self.request.authority),
            path: Some(&self.request.path),
            tool: operation.tool.as_deref(),
            binding: self.request.binding.as_str(),
            holder: claims.holder(),
            user: claims.user(),
            agent: agent.ok_or_else(|| deny(Code::CheckError, "chain without an agent"))?,
            purpose: claims.purpose(),
            issuer: claims.issuer(),
            arguments: &arguments,
        };
        // spec: VF-31
        let mut work = Work::new(WORK_LIMIT);
        checks::evaluate(&self.chain, &facts, &mut work).map_err(|failed| {
            let detail = match failed.code {
                Code::CheckFailed => "a check did not pass",
                Code::LimitExceeded => "checks need more work than the limit",
                _ => "a check could not be evaluated",
            };
            deny(failed.code, detail).at_check(failed.block, failed.check)
        })?;
        // spec: VF-32
        let needed =
            claims.approvals().any(|(r#type, action, _)| r#type == operation.r#type && action == operation.action);
        if needed && approvals.is_empty() {
            return Err(deny(Code::ApprovalRequired, "operation needs an approval"));
        }
        Ok(Charges::new(self.request, self.chain, operation, right))
    }
}
