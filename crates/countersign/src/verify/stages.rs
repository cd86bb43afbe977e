//! Stages 9 to 11 as types.

use core::fmt;

use crate::checks::{self, Facts, WORK_LIMIT, Work};
use crate::code::Code;
use crate::denial::Denial;
use crate::json::Value;
use crate::key::{KeyId, PublicKey};
use crate::request::{BodyDigest, BodyHasher, Expected, Media};
use crate::time::{SKEW, UnixTime};
use crate::token::VerifiedChain;

use super::Binding;
use super::approval::{self, ApprovalUse, Approvals, Needed};
use super::charges::Charges;
use super::digest::OperationRecord;
use super::operation::{Operation, Operations};
use super::replay::{NonceEntry, ReplayOutcome};
use super::resource::{covers, is_valid_resource};
use super::revocation::RevocationView;

/// The greatest JSON body that is read for arguments, in bytes.
pub const MAX_JSON_BODY: u64 = 1 << 20;

/// What an HTTP request gives to checks and digests.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpFacts {
    /// The method as received.
    pub method: String,
    /// The authority that the request was sent to, normalised.
    pub authority: String,
    /// The path as received.
    pub path: String,
    /// The raw query, without its `?`.
    pub query: Option<String>,
}

// A query may hold secrets.
impl fmt::Debug for HttpFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, authority, path, .. } = self;
        f.debug_struct("HttpFacts")
            .field("method", method)
            .field("authority", authority)
            .field("path", path)
            .finish_non_exhaustive()
    }
}

/// What later stages need of the request itself.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) http: Option<HttpFacts>,
    pub(crate) service: String,
    pub(crate) covered: Vec<String>,
    pub(crate) binding: Binding,
    pub(crate) now: UnixTime,
    pub(crate) max_body: u64,
    pub(crate) body_covered: bool,
    /// Whether the head told the body's length.
    pub(crate) body_announced: bool,
    /// What the fields say of the body's form.
    pub(crate) form: Form,
    /// The value of `Countersign-Approval`.
    pub(crate) approvals: Option<String>,
    /// The covered fields that an approver signs, by name.
    pub(crate) fields: Vec<(String, String)>,
    /// Fields of MCP, in order.
    pub(crate) mcp: Vec<(String, Vec<u8>)>,
    /// Whether the proof is the envelope of the message that is to be done.
    pub(crate) enveloped: bool,
    /// The nonce of the signature.
    pub(crate) nonce: Vec<u8>,
    /// The body, once it is known. For an HTTP request that was taken up again it is not.
    pub(crate) body: Option<BodyDigest>,
}

// Whoever logs what was verified logs no cookie, no credential for somebody else and no approval.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("service", &self.service)
            .field("binding", &self.binding)
            .field("covered", &self.covered)
            .finish_non_exhaustive()
    }
}

/// What `Content-Type` and `Content-Encoding` say.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Form {
    /// `None` where the field is absent or no media type.
    pub(crate) media: Option<Media>,
    /// Whether it is `application/json` and no other type of JSON.
    pub(crate) plain_json: bool,
    pub(crate) encoded: bool,
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

    /// What the replay store will have to record, once the body is there.
    pub fn entry(&self) -> &NonceEntry {
        &self.claim
    }

    /// Stage 9: the whole body was received and this is its digest.
    pub fn body(self, digest: BodyDigest) -> Result<NonceClaim, Denial> {
        let deny = |code, detail| Err(Denial::new(9, code, detail).by(&self.chain, self.request.binding));
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
        let request = Request { body: Some(digest), ..self.request };
        Ok(NonceClaim { request, chain: self.chain, claim: self.claim })
    }

    /// Stage 9: trailers came behind the body.
    // spec: RQ-53
    pub fn trailers(self) -> Denial {
        Denial::new(9, Code::TrailerRejected, "trailers behind the body").by(&self.chain, self.request.binding)
    }

    /// Stage 9: the body does not end within the limit.
    pub fn too_large(self) -> Denial {
        Denial::new(9, Code::BodyTooLarge, "body longer than the service reads").by(&self.chain, self.request.binding)
    }

    /// Stage 9: the body can't be held until all of it is there, for the reason that `detail` gives in one sentence.
    // spec: RQ-51
    pub fn unheld(self, detail: &'static str) -> Denial {
        Denial::new(9, Code::StoreUnavailable, detail).by(&self.chain, self.request.binding)
    }

    /// The last second at which the body may be there: past it [`NonceClaim::later`] refuses the request whatever came.
    pub fn body_until(&self) -> UnixTime {
        // It is kept for 2 × skew + 1 second past the window's end.
        let window = self.claim.keep_until.0.saturating_sub(SKEW.saturating_add(1));
        UnixTime(window).min(self.chain.claims().expires())
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
    pub(crate) fn new(request: Request, chain: VerifiedChain, claim: NonceEntry) -> Self {
        Self { request, chain, claim }
    }

    /// What the replay store has to record.
    pub fn entry(&self) -> &NonceEntry {
        &self.claim
    }

    /// The chain behind the request.
    pub fn chain(&self) -> &VerifiedChain {
        &self.chain
    }

    /// The present is later than the head was judged at: a body may take its time. What time and revocation can change is
    /// judged again, and stages 10 to 12 go by this time.
    ///
    /// Whoever waited for a body has to call this before the nonce is recorded, or a body that is held back keeps a
    /// request good after its window, its token or its rights have ended.
    // spec: VF-49
    pub fn later<R: RevocationView + ?Sized>(mut self, now: UnixTime, revocations: &R) -> Result<Self, Denial> {
        if now <= self.request.now {
            return Ok(self);
        }
        let claims = self.chain.claims();
        let deny = |stage, code, detail| Err(Denial::new(stage, code, detail).by(&self.chain, self.request.binding));
        // It is kept for 2 × skew + 1 second past the window's end.
        if now.0 > self.claim.keep_until.0.saturating_sub(SKEW.saturating_add(1)) {
            return deny(3, Code::WindowInvalid, "signature expired before its body had come");
        }
        if now > claims.expires() {
            return deny(5, Code::TokenExpired, "token expired before the body had come");
        }
        let holders: Vec<KeyId> = claims.agents().map(|agent| agent.key.id()).collect();
        let asked = self.request.http.as_ref().map(|facts| (facts.method.as_str(), facts.path.as_str()));
        super::revocation::check(claims, &holders, asked, now, revocations)
            .map_err(|denial| denial.by(&self.chain, self.request.binding))?;
        if revocations.issuer_key_revoked(claims.issuer(), &self.chain.root()) {
            return deny(7, Code::TokenSignature, "signature of the token does not verify");
        }
        self.request.now = now;
        Ok(self)
    }

    /// Stage 10: the store's answer.
    pub fn recorded(self, outcome: ReplayOutcome) -> Result<Authenticated, Denial> {
        let deny = |code, detail| Err(Denial::new(10, code, detail).by(&self.chain, self.request.binding));
        match outcome {
            ReplayOutcome::New => Ok(Authenticated { request: self.request, chain: self.chain, deferred: None }),
            ReplayOutcome::Seen => deny(Code::Replayed, "nonce used before"),
            ReplayOutcome::Unavailable => deny(Code::StoreUnavailable, "replay store can't take the nonce"),
        }
    }

    /// Puts stage 10 off: the nonce is recorded in one transaction with the charges ([`super::ChargeSet::nonce`]).
    ///
    /// A denial on the way still spends it: record [`Denial::owed_nonce`], or the request can be tried again and again.
    // spec: VF-47
    pub fn defer(self) -> Authenticated {
        Authenticated { request: self.request, chain: self.chain, deferred: Some(self.claim) }
    }
}

/// It is known who asks; what they ask for is still to be allowed.
#[derive(Debug)]
#[must_use]
pub struct Authenticated {
    pub(crate) request: Request,
    pub(crate) chain: VerifiedChain,
    pub(crate) deferred: Option<NonceEntry>,
}

impl Authenticated {
    /// The chain behind the request.
    pub fn chain(&self) -> &VerifiedChain {
        &self.chain
    }

    /// The HTTP request; `None` where the proof came another way.
    pub fn http(&self) -> Option<&HttpFacts> {
        self.request.http.as_ref()
    }

    /// The audience under which the service was addressed.
    pub fn service(&self) -> &str {
        &self.request.service
    }

    /// Whether the body is JSON that [`Self::map`] and [`Self::json`] want to see.
    pub fn reads_json(&self) -> bool {
        self.body_len() > 0 && self.body_len() <= MAX_JSON_BODY && self.request.form.media == Some(Media::Json)
    }

    /// The body as JSON by `spec/request.md`, or `None` where it is no JSON body, or one too long to be read. `body` is all
    /// of it, where [`Self::reads_json`] says so.
    // spec: RQ-55, RQ-56, CK-28
    pub fn json(&self, body: &[u8]) -> Result<Option<Value>, Denial> {
        let ambiguous = |detail| self.denial(Code::BodyAmbiguous, detail);
        self.one_media_type()?;
        if self.body_len() == 0 || self.body_len() > MAX_JSON_BODY {
            return Ok(None);
        }
        match self.request.form.media {
            Some(Media::Json) => {}
            Some(Media::JsonInOtherCharset) => return Err(ambiguous("JSON in another charset than UTF-8")),
            Some(Media::Other) | None => return Ok(None),
        }
        if self.request.form.encoded {
            return Err(ambiguous("content coding where arguments are read"));
        }
        let value = Value::parse(body).map_err(|_| ambiguous("body that two parsers could read differently"))?;
        Ok(Some(value))
    }

    pub(crate) fn body_len(&self) -> u64 {
        self.request.body.as_ref().map_or(0, |body| body.len)
    }

    /// Whether there may be a body that was not seen here.
    fn body_unknown(&self) -> bool {
        self.request.http.is_some() && self.request.body.is_none()
    }

    fn one_media_type(&self) -> Result<(), Denial> {
        if self.body_len() > 0 && self.request.form.media.is_none() {
            return Err(self.denial(Code::BodyAmbiguous, "content-type that is not one media type"));
        }
        Ok(())
    }

    pub(crate) fn denial(&self, code: Code, detail: &'static str) -> Denial {
        Denial::new(11, code, detail).by(&self.chain, self.request.binding).owing(self.deferred.clone())
    }

    /// Stage 11 for the operation that a table gives, with the arguments of the request. `body` is all of the body where
    /// [`Self::reads_json`] says so, and may be empty elsewhere.
    // spec: VF-23
    pub fn map(self, operations: &Operations, body: &[u8], approvals: &Approvals) -> Result<Charges, Denial> {
        let mapped = self.request.http.as_ref().and_then(|http| operations.find(&http.method, &http.path));
        let Some(mapped) = mapped else {
            return Err(self.denial(Code::OperationUnmapped, "no operation for this method and path"));
        };
        let operation = mapped.operation().clone();
        let named = |denial: Denial| denial.for_operation(&operation, &self.request.service);
        self.valid(&operation).map_err(named)?;
        let root = if mapped.reads_body() { self.json(body) } else { self.one_media_type().map(|()| None) };
        let object = match root.map_err(named)? {
            Some(Value::Object(object)) => Some(object),
            _ => None,
        };
        let query = self.request.http.as_ref().and_then(|http| http.query.as_deref());
        let has_body = self.body_len() > 0 || self.body_unknown();
        let operation = mapped.complete(query, object, has_body).map_err(|_| {
            named(self.denial(Code::BodyAmbiguous, "parameter that two parsers could read differently"))
        })?;
        self.authorize(operation, approvals)
    }

    // spec: VF-25
    fn valid(&self, operation: &Operation) -> Result<(), Denial> {
        let path = self.request.http.as_ref().is_none_or(|http| is_valid_resource(&http.path));
        if path && is_valid_resource(&operation.resource) {
            return Ok(());
        }
        Err(self.denial(Code::ResourceInvalid, "path or resource is not in the resource grammar"))
    }

    /// Everything that an approver of this operation signs.
    pub fn record(&self, operation: &Operation) -> OperationRecord {
        OperationRecord::new(&self.request, self.chain.claims(), operation)
    }

    /// Whether the token lets this operation be shown in a listing: a right covers it, and no check fails that does not
    /// depend on arguments, which a listing has not.
    pub fn would_list(&self, operation: &Operation) -> bool {
        let listed = operation.clone().not_extracted();
        let facts = self.facts(&listed);
        self.valid(&listed).is_ok()
            && self.right(&listed).is_some()
            && facts.is_some_and(|facts| checks::may_pass(&self.chain, &facts, WORK_LIMIT))
    }

    // spec: VF-29, VF-30
    fn right(&self, operation: &Operation) -> Option<usize> {
        self.chain.claims().rights().position(|right| {
            right.r#type == operation.r#type
                && right.action == operation.action
                && covers(right.location, &operation.resource)
        })
    }

    fn facts<'f>(&'f self, operation: &'f Operation) -> Option<Facts<'f>> {
        let claims = self.chain.claims();
        let agent = claims.agents().next().map(|agent| (agent.name, agent.key));
        let http = self.request.http.as_ref();
        Some(Facts {
            time: self.request.now,
            service: &self.request.service,
            r#type: &operation.r#type,
            resource: &operation.resource,
            action: &operation.action,
            method: http.map(|http| http.method.as_str()),
            authority: http.map(|http| http.authority.as_str()),
            path: http.map(|http| http.path.as_str()),
            tool: operation.tool.as_deref(),
            binding: self.request.binding.as_str(),
            holder: claims.holder(),
            user: claims.user(),
            agent: agent?,
            purpose: claims.purpose(),
            issuer: claims.issuer(),
            arguments: &operation.arguments,
        })
    }

    // spec: VF-31
    fn checks(&self, operation: &Operation) -> Result<(), (Code, &'static str, (usize, usize))> {
        let facts = self.facts(operation).ok_or((Code::CheckError, "chain without an agent", (0, 0)))?;
        let mut work = Work::new(WORK_LIMIT);
        checks::evaluate(&self.chain, &facts, &mut work).map_err(|failed| {
            let detail = match failed.code {
                Code::CheckFailed => "a check did not pass",
                Code::LimitExceeded => "checks need more work than the limit",
                _ => "a check could not be evaluated",
            };
            (failed.code, detail, (failed.block, failed.check))
        })
    }

    // spec: VF-32
    fn approved(&self, operation: &Operation, recorded: &Approvals) -> Result<Vec<ApprovalUse>, Denial> {
        let claims = self.chain.claims();
        let mut keys: Vec<PublicKey> = Vec::new();
        for (r#type, action, key) in claims.approvals() {
            if r#type == operation.r#type && action == operation.action && !keys.contains(&key) {
                keys.push(key);
            }
        }
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        // spec: VF-48
        if self.body_unknown() && !operation.whole_body {
            let denial = self.denial(Code::ApprovalRequired, "body is not known, so nobody can have approved it");
            return Err(denial.for_operation(operation, &self.request.service));
        }
        let record = self.record(operation);
        let holders: Vec<PublicKey> = claims.agents().map(|agent| agent.key).collect();
        let needed = Needed { keys: &keys, holders: &holders, digest: &record.digest(), now: self.request.now };
        approval::uses(&needed, self.request.approvals.as_deref(), recorded).map_err(|(code, detail)| {
            let denial = self.denial(code, detail).for_operation(operation, &self.request.service);
            denial.awaiting(record, keys)
        })
    }

    /// Stage 11: right, checks and approvals for one operation.
    pub fn authorize(self, operation: Operation, approvals: &Approvals) -> Result<Charges, Denial> {
        let named = |denial: Denial| denial.for_operation(&operation, &self.request.service);
        self.valid(&operation).map_err(named)?;
        let right = self.right(&operation);
        let right = right.ok_or_else(|| named(self.denial(Code::RightMissing, "no right covers the operation")))?;
        self.checks(&operation)
            .map_err(|(code, detail, (block, check))| named(self.denial(code, detail)).at_check(block, check))?;
        let uses = self.approved(&operation, approvals)?;
        Ok(Charges::new(self, operation, right, uses))
    }
}
