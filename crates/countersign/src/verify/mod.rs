//! Verification in twelve stages (`spec/verify.md`).
//!
//! Core does no input and output: what needs a store is named as an effect, and the caller hands its outcome back. Each
//! type can be got in one way and used once, so no stage is skipped or repeated:
//!
//! | type | what is known |
//! | --- | --- |
//! | [`Proven`] | stages 1 to 8: framing, fields, profile, chain, revocation, signatures |
//! | [`NonceClaim`] | 9: the body is the signed one |
//! | [`Authenticated`] | 10: the nonce is new |
//! | [`Charges`] | 11: the right, the checks |
//! | [`Authorized`] | 12: what had to be charged was charged |
//!
//! [`Verifier::verify`] does all of it in one call.

mod approval;
mod cache;
mod charges;
mod config;
mod decision;
mod digest;
mod issuers;
mod operation;
mod replay;
mod resource;
mod revocation;
mod rpc;
mod stages;
mod store;

use crate::code::Code;
use crate::denial::Denial;
use crate::jsonrpc::{Envelope, Message};
use crate::key::{FixedKey, KeyId, PublicKey, Signature};
use crate::request::{self, BodyLength, Parts};
use crate::time::{SKEW, UnixTime};
use crate::token::{Decoded, UnverifiedToken, VerifiedChain, by_issuer, rest_holds};

pub use self::approval::{Approval, ApprovalUse, Approvals, MAX_APPROVAL_SECONDS, UnsignedApproval};
use self::cache::{PrefixId, Prefixes};
pub use self::charges::{Authorized, Charge, ChargeOutcome, ChargeSet, Charges, Delegated};
use self::config::{Config, Issuer, Service};
pub use self::config::{ConfigError, VerifierBuilder};
pub use self::decision::{AgentRecord, Decision};
pub use self::digest::OperationRecord;
pub use self::issuers::{IssuerKeys, IssuerKeysError};
pub(crate) use self::operation::declared_once;
pub use self::operation::{CostEntry, Operation, OperationEntry, OperationError, Operations};
pub use self::replay::{MemoryReplay, NonceEntry, ReplayOutcome, ReplayStore};
pub use self::resource::{covers, is_valid_resource};
pub use self::revocation::{RevocationView, Revocations};
pub use self::rpc::{Endpoint, Idle, McpCharges};
pub use self::stages::{Authenticated, HttpFacts, MAX_JSON_BODY, NonceClaim, Proven};
use self::stages::{Form, Request};
pub use self::store::{ChargeStore, MemoryCharges};

/// How many token prefixes a verifier remembers unless told otherwise.
pub const DEFAULT_CACHE: usize = 8192;

/// How a request proved who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binding {
    /// An Ed25519 signature over this request.
    Ed25519,
    /// A MAC under the key of a session.
    Hmac,
    /// An Ed25519 signature over a JSON-RPC message.
    Jsonrpc,
    /// A DPoP proof (RFC 9449), which says nothing of the request's body.
    Dpop,
    /// Whoever held the key of a bearer.
    Bearer,
}

impl Binding {
    /// The word that checks, policies and decisions see.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ed25519 => "ed25519",
            Self::Hmac => "hmac",
            Self::Jsonrpc => "jsonrpc",
            Self::Dpop => "dpop",
            Self::Bearer => "bearer",
        }
    }
}

/// Checks requests for one service.
///
/// ```
/// use countersign::key::SigningKey;
/// use countersign::request::{Message, SignRequest};
/// use countersign::time::UnixTime;
/// use countersign::token::{Grant, Right};
/// use countersign::verify::{MemoryReplay, Operations, Revocations, Verifier};
///
/// # let (issuer, agent, next) = (SigningKey::from_seed(&[1; 32]), SigningKey::from_seed(&[2; 32]), SigningKey::from_seed(&[3; 32]));
/// # let now = UnixTime(1_795_453_200);
/// let token = Grant::new("https://hub.example", "alice@example.com", "calendar-bot", agent.public())
///     .purpose("scheduling").audience("https://calendar.example.com").valid(now, now.plus(3600))
///     .right(Right { r#type: "http", location: "/calendars", action: "GET" })
///     .sign(&issuer, &next)?.seal()?;
/// let fields = SignRequest::new("GET", "https://calendar.example.com/calendars/primary", &token)
///     .created(now, vec![7; 16]).sign(&agent)?;
///
/// let verifier = Verifier::builder()
///     .audience("https://calendar.example.com").authority("calendar.example.com")
///     .issuer("https://hub.example", [issuer.public()])
///     .build()?;
/// let mut parts = countersign::request::Parts::new("GET", fields.target());
/// parts.extend(fields.iter().map(|(name, value)| (name, value.as_bytes())));
///
/// let (revocations, replay) = (Revocations::default(), MemoryReplay::insecure_without_epoch());
/// let authorized = verifier.verify(&parts, b"", now, &revocations, &replay, &Operations::http())?;
/// assert_eq!(authorized.chain().claims().user(), "alice@example.com");
/// let replayed = verifier.verify(&parts, b"", now, &revocations, &replay, &Operations::http());
/// assert_eq!(replayed.unwrap_err().code().as_str(), "replayed");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Verifier {
    config: Config,
}

impl Verifier {
    /// Starts a configuration.
    pub fn builder() -> VerifierBuilder {
        VerifierBuilder::default()
    }

    pub(crate) fn new(config: Config) -> Self {
        Self { config }
    }

    /// The greatest body that is read, in bytes.
    pub fn max_body(&self) -> u64 {
        self.config.max_body
    }

    /// The configured audiences, those with the longest path first.
    pub fn audiences(&self) -> impl Iterator<Item = &str> {
        self.config.services.iter().map(|service| service.audience.as_str())
    }

    /// The configured audience that a request path belongs to (VF-6).
    pub fn service(&self, path: &str) -> Option<&str> {
        self.service_of(path).map(|service| service.audience.as_str())
    }

    fn service_of(&self, path: &str) -> Option<&Service> {
        self.config.services.iter().find(|service| covers(&service.path, path))
    }

    /// The configured authorities, normalised.
    pub fn authorities(&self) -> impl Iterator<Item = &str> {
        self.config.authorities.iter().map(String::as_str)
    }

    /// An authority in the form that is compared; `None` where it is no host and port (RQ-15).
    pub fn normalised_authority(&self, authority: &str) -> Option<String> {
        request::normalise(authority, self.config.scheme)
    }

    /// The configured issuers, each with the handle of its keys.
    pub fn issuers(&self) -> impl Iterator<Item = (&str, &IssuerKeys)> {
        self.config.issuers.iter().map(|issuer| (&*issuer.name, &issuer.keys))
    }

    /// Stages 1 to 8: everything that can be known without the body and without a store.
    pub fn check<R: RevocationView + ?Sized>(
        &self,
        parts: &Parts<'_>,
        now: UnixTime,
        revocations: &R,
    ) -> Result<Proven, Denial> {
        let names = request::Names {
            scheme: self.config.scheme,
            authorities: &self.config.authorities,
            max_body: self.config.max_body,
        };
        let framed = request::frame(parts, &names)?;
        let mut selected = request::select(parts, &framed, now)?;
        // Covered, so ASCII (RQ-38).
        let text = core::str::from_utf8(framed.token);
        let token = decode(text.map_err(|_| Denial::new(4, Code::TokenMalformed, "token that is not base64url"))?)?;
        // spec: VF-6
        let (issuer, service) = self.addressed(&token, self.service_of(framed.path), now)?;
        let claims = token.claims();
        let holders: Vec<KeyId> = claims.agents().map(|agent| agent.key.id()).collect();
        // spec: RQ-45
        let holder = holders.last().copied().filter(|id| id.to_string() == selected.keyid);
        let holder = holder.ok_or(Denial::new(5, Code::KeyMismatch, "keyid is not the current holder's"))?;
        let agent = holders.first().copied().unwrap_or(holder);
        let revoked = revocation::check(claims, &holders, Some((parts.method, framed.path)), now, revocations);
        let proof = |key: &PublicKey| {
            selected.signature.as_ref().is_some_and(|signature| key.verify(&selected.base, signature).is_ok())
        };
        if let Err(denial) = revoked {
            return Err(self.told(denial, token, issuer, revocations, proof));
        }
        let (chain, learned) = self.chain(token, issuer, revocations)?;
        // spec: RQ-48
        let holds = proof(&chain.claims().holder());
        if !holds {
            return Err(Denial::new(8, Code::SignatureInvalid, "request signature does not verify"));
        }
        // As long as a head: not held beside what is kept of the head.
        selected.base = Vec::new();
        if let Some(cache) = &self.config.cache {
            // Only now: a token that nobody proved to hold leaves no trace.
            learned.into_iter().for_each(|id| cache.insert(id));
        }
        let request = Request {
            http: Some(HttpFacts {
                method: parts.method.to_owned(),
                authority: framed.authority.clone(),
                path: framed.path.to_owned(),
                query: framed.query.map(str::to_owned),
            }),
            service: service.to_owned(),
            covered: selected.covered.iter().map(|name| (*name).to_owned()).collect(),
            binding: Binding::Ed25519,
            now,
            max_body: self.config.max_body,
            body_covered: selected.body_covered,
            body_announced: parts.body != BodyLength::Unknown,
            form: Form {
                media: parts.value("content-type").and_then(|value| request::Media::parse(&value)),
                plain_json: parts.value("content-type").is_some_and(|value| request::is_plain_json(&value)),
                encoded: parts.lines("content-encoding").next().is_some(),
            },
            // Covered, or it would have been refused; what is not UTF-8 is not ASCII, and was refused too.
            approvals: parts.value("countersign-approval").and_then(|value| String::from_utf8(value).ok()),
            fields: other_fields(parts, &selected.covered, framed.token_field),
            mcp: parts.starting("mcp-"),
            enveloped: false,
            nonce: selected.nonce.clone(),
            body: None,
        };
        let claim = NonceEntry {
            holder,
            agent,
            nonce: selected.nonce,
            created: selected.created,
            keep_until: selected.expires.plus(2 * SKEW + 1),
        };
        Ok(Proven::new(request, chain, claim, framed.digest))
    }

    /// Stage 5, but for the key id.
    fn addressed<'v>(
        &'v self,
        token: &UnverifiedToken,
        service: Option<&'v Service>,
        now: UnixTime,
    ) -> Result<(&'v Issuer, &'v str), Denial> {
        let deny = |code, detail| Err(Denial::new(5, code, detail));
        let claims = token.claims();
        // spec: VF-5
        let Some(issuer) = self.config.issuers.iter().find(|issuer| *issuer.name == *claims.issuer()) else {
            return deny(Code::IssuerUnknown, "issuer is not configured");
        };
        // spec: VF-7
        let Some(service) = service.filter(|service| service.audience == claims.audience()) else {
            return deny(Code::AudienceMismatch, "token is for another service");
        };
        // spec: VF-8
        if claims.issued_at() > now.plus(SKEW) {
            return deny(Code::TokenNotYetValid, "token issued in the future");
        }
        // spec: VF-9
        if now > claims.expires() {
            return deny(Code::TokenExpired, "token expired");
        }
        Ok((issuer, &service.audience))
    }

    /// Stages 4 to 8 of a JSON-RPC message, whose envelope stands for the fields of a request (`spec/jsonrpc.md`).
    ///
    /// There is no body besides, so what follows is stage 10. The message itself goes on to
    /// [`Authenticated::map_mcp`]. A message for any of the configured audiences is taken: where a server is one of several,
    /// [`Self::check_rpc_for`] takes those for its own.
    pub fn check_rpc<R: RevocationView + ?Sized>(
        &self,
        message: &Message,
        now: UnixTime,
        revocations: &R,
    ) -> Result<NonceClaim, Denial> {
        self.rpc(message, now, revocations, |_| true)
    }

    /// The same, for a message that has to be for this one of the configured audiences.
    pub fn check_rpc_for<R: RevocationView + ?Sized>(
        &self,
        audience: &str,
        message: &Message,
        now: UnixTime,
        revocations: &R,
    ) -> Result<NonceClaim, Denial> {
        self.rpc(message, now, revocations, |service| service == audience)
    }

    fn rpc<R: RevocationView + ?Sized>(
        &self,
        message: &Message,
        now: UnixTime,
        revocations: &R,
        ours: impl Fn(&str) -> bool,
    ) -> Result<NonceClaim, Denial> {
        let envelope = Envelope::read(message, now)?;
        let token = decode(envelope.token)?;
        // spec: JR-12
        let mut services = self.config.services.iter().filter(|service| ours(&service.audience));
        let service = services.find(|service| service.audience == envelope.service);
        let (issuer, service) = self.addressed(&token, service, now)?;
        let claims = token.claims();
        let holders: Vec<KeyId> = claims.agents().map(|agent| agent.key.id()).collect();
        // spec: JR-13
        let holder = holders.last().copied().filter(|id| id.to_string() == envelope.keyid);
        let holder = holder.ok_or(Denial::new(5, Code::KeyMismatch, "keyid is not the current holder's"))?;
        let agent = holders.first().copied().unwrap_or(holder);
        let signature = envelope.signature.map(Signature::from_bytes);
        let proof = |key: &PublicKey| {
            signature.as_ref().is_some_and(|signature| key.verify(&message.payload(), signature).is_ok())
        };
        if let Err(denial) = revocation::check(claims, &holders, None, now, revocations) {
            return Err(self.told(denial, token, issuer, revocations, proof));
        }
        let (chain, learned) = self.chain(token, issuer, revocations)?;
        // spec: JR-14
        let holds = proof(&chain.claims().holder());
        if !holds {
            return Err(Denial::new(8, Code::SignatureInvalid, "signature of the message does not verify"));
        }
        if let Some(cache) = &self.config.cache {
            learned.into_iter().for_each(|id| cache.insert(id));
        }
        let request = Request { enveloped: true, ..self.without_http(service, Binding::Jsonrpc, now) };
        // spec: JR-15
        let claim = NonceEntry {
            holder,
            agent,
            nonce: envelope.nonce,
            created: envelope.created,
            keep_until: envelope.expires.plus(2 * SKEW + 1),
        };
        Ok(NonceClaim::new(request, chain, claim))
    }

    /// A request that is no HTTP request.
    fn without_http(&self, service: &str, binding: Binding, now: UnixTime) -> Request {
        Request {
            http: None,
            service: service.to_owned(),
            covered: Vec::new(),
            binding,
            now,
            max_body: self.config.max_body,
            body_covered: false,
            body_announced: true,
            form: Form::default(),
            approvals: None,
            fields: Vec::new(),
            mcp: Vec::new(),
            enveloped: false,
            nonce: Vec::new(),
            body: None,
        }
    }

    /// A refusal of stage 6, for a stranger as stages 7 and 8 would have refused: what is revoked is told to nobody but the
    /// holder.
    // spec: VF-50
    fn told<R: RevocationView + ?Sized>(
        &self,
        denial: Denial,
        token: UnverifiedToken,
        issuer: &Issuer,
        revocations: &R,
        proof: impl Fn(&PublicKey) -> bool,
    ) -> Denial {
        match self.chain(token, issuer, revocations) {
            Err(forged) => denial.told_like(&forged),
            Ok((chain, _)) if !proof(&chain.claims().holder()) => denial.told_as(Code::SignatureInvalid.class()),
            Ok(_) => denial,
        }
    }

    /// Stage 7. The prefixes that were verified now, to be remembered once the request's own signature holds.
    fn chain<R: RevocationView + ?Sized>(
        &self,
        token: UnverifiedToken,
        issuer: &Issuer,
        revocations: &R,
    ) -> Result<(VerifiedChain, Vec<PrefixId>), Denial> {
        // spec: VF-16
        let current = issuer.keys.current();
        let counts = |key: &&FixedKey| !revocations.issuer_key_revoked(&issuer.name, &key.public());
        let keys = || current.iter().filter(counts);
        let Decoded { bytes, layout, .. } = &token.0;
        // How many blocks hold already, under which key; and what was hashed to find that.
        let mut remembered = None;
        let mut hashed = None;
        if let Some(cache) = &self.config.cache {
            // Of what the cache holds, only what stands under one of these keys can be found.
            for key in keys() {
                let prefixes = Prefixes::new(&key.public(), &token.0);
                if cache.contains(&prefixes.whole) {
                    return Ok((VerifiedChain::new(token.0, key.public()), Vec::new()));
                }
                let blocks = prefixes.blocks().collect::<Vec<_>>();
                let last = blocks.iter().rposition(|id| cache.contains(id));
                hashed = Some((key.public(), prefixes));
                if let Some(last) = last {
                    remembered = Some((key.public(), last.saturating_add(1)));
                    break;
                }
            }
        }
        let found = || {
            let (signed, signature) = by_issuer(bytes, layout)?;
            FixedKey::first(keys(), &signed, &signature).map(FixedKey::public)
        };
        let root = remembered.map(|(root, _)| root).or_else(found);
        let known = remembered.map_or(0, |(_, blocks)| blocks);
        if let Some(root) = root.filter(|_| rest_holds(bytes, layout, known.max(1))) {
            let learned = match (&self.config.cache, hashed) {
                (None, _) => Vec::new(),
                (Some(_), Some((key, prefixes))) if key == root => prefixes.from(known),
                (Some(_), _) => Prefixes::new(&root, &token.0).from(known),
            };
            return Ok((VerifiedChain::new(token.0, root), learned));
        }
        let denial = Denial::new(7, Code::TokenSignature, "signature of the token does not verify");
        Err(denial.naming(&issuer.name))
    }

    /// All twelve stages in one call, with the whole body at hand and a store that answers at once.
    ///
    /// A chain whose budgets count the operation is refused, and an operation that needs an approval:
    /// [`Self::verify_and_charge`] takes a store for both.
    pub fn verify<R: RevocationView + ?Sized, S: ReplayStore + ?Sized>(
        &self,
        parts: &Parts<'_>,
        body: &[u8],
        now: UnixTime,
        revocations: &R,
        replay: &S,
        operations: &Operations,
    ) -> Result<Authorized, Denial> {
        self.to_charges(parts, body, now, revocations, replay, operations)?.uncharged()
    }

    /// All twelve stages in one call, with a store of budgets and used approvals besides the one of nonces.
    pub fn verify_and_charge<R: RevocationView + ?Sized, S: ReplayStore + ?Sized, C: ChargeStore + ?Sized>(
        &self,
        (parts, body): (&Parts<'_>, &[u8]),
        now: UnixTime,
        revocations: &R,
        (replay, charges): (&S, &C),
        operations: &Operations,
    ) -> Result<Authorized, Denial> {
        self.to_charges(parts, body, now, revocations, replay, operations)?.charge_with(charges, now)
    }

    fn to_charges<R: RevocationView + ?Sized, S: ReplayStore + ?Sized>(
        &self,
        parts: &Parts<'_>,
        body: &[u8],
        now: UnixTime,
        revocations: &R,
        replay: &S,
        operations: &Operations,
    ) -> Result<Charges, Denial> {
        let proven = self.check(parts, now, revocations)?;
        let mut hasher = proven.hasher();
        hasher.update(body);
        let claim = proven.body(hasher.finish())?;
        let outcome = replay.record(claim.entry(), now);
        claim.recorded(outcome)?.map(operations, body, &Approvals::none())
    }

    /// Goes on with a chain that this verifier verified before, and that the caller keeps with the key that proves who asks
    /// now: expiry and revocation again, then stage 11.
    ///
    /// `service` is the audience that is addressed. The caller answers for the proof: that it was made for this request, and
    /// that it was not replayed.
    // spec: VF-48
    pub fn resume<R: RevocationView + ?Sized>(
        &self,
        chain: VerifiedChain,
        binding: Binding,
        (service, http): (&str, Option<HttpFacts>),
        now: UnixTime,
        revocations: &R,
    ) -> Result<Authenticated, Denial> {
        let deny = |stage, code, detail| Err(Denial::new(stage, code, detail));
        if matches!(binding, Binding::Dpop | Binding::Bearer) && !self.config.accept_unsigned {
            return deny(2, Code::BindingNotAccepted, "binding that this service does not take");
        }
        let claims = chain.claims();
        let Some(issuer) = self.config.issuers.iter().find(|issuer| *issuer.name == *claims.issuer()) else {
            return deny(5, Code::IssuerUnknown, "issuer is not configured");
        };
        if service != claims.audience() || !self.config.services.iter().any(|known| known.audience == service) {
            return deny(5, Code::AudienceMismatch, "token is for another service");
        }
        if now > claims.expires() {
            return deny(5, Code::TokenExpired, "token expired");
        }
        let holders: Vec<KeyId> = claims.agents().map(|agent| agent.key.id()).collect();
        let asked = http.as_ref().map(|facts| (facts.method.as_str(), facts.path.as_str()));
        revocation::check(claims, &holders, asked, now, revocations)?;
        // spec: VF-16
        let known = issuer.keys.current().iter().any(|key| key.public() == chain.root());
        if !known || revocations.issuer_key_revoked(&issuer.name, &chain.root()) {
            return deny(7, Code::TokenSignature, "issuer's key is not in use any more");
        }
        let request = Request { http, ..self.without_http(service, binding, now) };
        Ok(Authenticated { request, chain, deferred: None })
    }
}

/// The covered fields that the operation's digest has, each with its whole value. They are ASCII, or they were refused.
fn other_fields(parts: &Parts<'_>, covered: &[&str], token_field: &str) -> Vec<(String, String)> {
    let names = covered.iter().filter(|name| digest::is_other_field(name, token_field));
    let value = |name: &str| parts.value(name).and_then(|value| String::from_utf8(value).ok()).unwrap_or_default();
    names.map(|name| ((*name).to_owned(), value(name))).collect()
}

fn decode(text: &str) -> Result<UnverifiedToken, Denial> {
    let token = UnverifiedToken::from_text(text).map_err(|error| Denial::new(4, error.code(), error.detail()))?;
    // spec: TK-15
    if token.is_sealed() { Ok(token) } else { Err(Denial::new(4, Code::TokenUnsealed, "open token in a request")) }
}
