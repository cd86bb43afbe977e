//! The layer and its configuration.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use countersign::time::UnixTime;
use countersign::verify::{
    ChargeStore, Endpoint, MemoryCharges, MemoryReplay, Operations, ReplayStore, RevocationView, Revocations, Verifier,
};
use tower_layer::Layer;

use crate::audit::{AuditSink, NoAudit};
use crate::flight::Flights;
use crate::service::Countersign;
use crate::spool::Spools;
use crate::store::{AsyncChargeStore, AsyncReplayStore, Immediate};

/// Gives the present in whole seconds, rounded down.
pub type Clock = Arc<dyn Fn() -> UnixTime + Send + Sync>;

/// A view of revocations that the service keeps up to date while it serves.
pub type SharedRevocations = Arc<dyn RevocationView + Send + Sync>;

/// The system's clock.
pub fn system_clock() -> UnixTime {
    // A clock before 1970 reads as 1970, at which no token was issued: everything is refused.
    UnixTime(SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs()))
}

/// How long a store may take unless told otherwise.
const STORE_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a body may take unless told otherwise.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// How much of a body is held in memory unless told otherwise.
const BODY_MEMORY: usize = 256 * 1024;

/// How much the bodies in files may be together unless told otherwise.
const SPOOL_LIMIT: u64 = 1 << 30;

/// Lets requests through whose proofs hold and whose operation is allowed.
///
/// Cheap to clone; all clones share their stores. The response's body has to come from [`bytes::Bytes`] and to be [`Unpin`],
/// as those of axum and of `http-body-util` are; it goes on in an [`crate::mcp::AnswerBody`].
#[derive(Clone)]
pub struct CountersignLayer {
    pub(crate) shared: Arc<Shared>,
}

impl CountersignLayer {
    /// A layer with the system's clock, nothing revoked, stores in memory and no audit.
    ///
    /// These stores forget when the process ends. So they refuse requests and approvals that were signed before they began
    /// and up to 30 seconds after, with 503: another process may have taken them. Budgets start afresh with the process,
    /// and each process has its own.
    pub fn new(verifier: Arc<Verifier>, operations: Operations) -> Self {
        Self::builder(verifier, operations).build()
    }

    /// Starts a configuration. `operations` maps every request that is let through.
    pub fn builder(verifier: Arc<Verifier>, operations: Operations) -> LayerBuilder {
        LayerBuilder {
            verifier,
            operations,
            endpoints: Vec::new(),
            clock: Arc::new(system_clock),
            revocations: Arc::new(Revocations::default()),
            replay: None,
            charges: ChargesOf::Memory,
            ask_approval_at: None,
            audit: Arc::new(NoAudit),
            pass_uncovered_fields: false,
            store_timeout: STORE_TIMEOUT,
            body_timeout: BODY_TIMEOUT,
            body_memory: BODY_MEMORY,
            spool_limit: SPOOL_LIMIT,
            spool_quota: None,
            spool_directory: None,
            #[cfg(feature = "jwks")]
            jwks: Vec::new(),
        }
    }
}

impl fmt::Debug for CountersignLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CountersignLayer").field("verifier", &self.shared.verifier).finish_non_exhaustive()
    }
}

impl<S> Layer<S> for CountersignLayer {
    type Service = Countersign<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Countersign::new(Arc::clone(&self.shared), inner)
    }
}

/// What all clones of a layer and its services share.
pub(crate) struct Shared {
    pub(crate) verifier: Arc<Verifier>,
    pub(crate) operations: Operations,
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) clock: Clock,
    pub(crate) revocations: SharedRevocations,
    pub(crate) replay: Arc<dyn AsyncReplayStore>,
    pub(crate) charges: Option<Arc<dyn AsyncChargeStore>>,
    pub(crate) ask_approval_at: Option<String>,
    pub(crate) audit: Arc<dyn AuditSink>,
    pub(crate) pass_uncovered_fields: bool,
    pub(crate) store_timeout: Duration,
    pub(crate) body_timeout: Duration,
    pub(crate) spools: Spools,
    pub(crate) flights: Flights,
    #[cfg(feature = "jwks")]
    pub(crate) jwks: Vec<(String, crate::jwks::JwksSource)>,
}

/// Where budgets are charged and approvals used up.
enum ChargesOf {
    Memory,
    Nowhere,
    Store(Arc<dyn AsyncChargeStore>),
}

/// Configures a [`CountersignLayer`].
#[must_use]
pub struct LayerBuilder {
    verifier: Arc<Verifier>,
    operations: Operations,
    endpoints: Vec<Endpoint>,
    clock: Clock,
    revocations: SharedRevocations,
    replay: Option<Arc<dyn AsyncReplayStore>>,
    charges: ChargesOf,
    ask_approval_at: Option<String>,
    audit: Arc<dyn AuditSink>,
    pass_uncovered_fields: bool,
    store_timeout: Duration,
    body_timeout: Duration,
    body_memory: usize,
    spool_limit: u64,
    spool_quota: Option<u64>,
    spool_directory: Option<PathBuf>,
    #[cfg(feature = "jwks")]
    jwks: Vec<(String, crate::jwks::JwksSource)>,
}

impl LayerBuilder {
    /// Where the present comes from.
    pub fn clock(mut self, clock: impl Fn() -> UnixTime + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Where MCP is spoken: the operation of a request to this path is that of the message in its body, and not one of the
    /// table. Listings that the inner service answers are filtered (`spec/jsonrpc.md`).
    pub fn mcp(mut self, endpoint: Endpoint) -> Self {
        self.endpoints.push(endpoint);
        self
    }

    /// What is revoked.
    pub fn revocations(mut self, view: SharedRevocations) -> Self {
        self.revocations = view;
        self
    }

    /// Where used nonces are kept, in a store that answers at once.
    pub fn replay(self, store: impl ReplayStore + Send + Sync + 'static) -> Self {
        self.async_replay(Arc::new(Immediate(store)))
    }

    /// Where used nonces are kept, in a store that may have to wait. Replicas of one service must share it.
    pub fn async_replay(mut self, store: Arc<dyn AsyncReplayStore>) -> Self {
        self.replay = Some(store);
        self
    }

    /// Where budgets are charged and approvals used up, in a store that answers at once.
    pub fn charges(self, store: impl ChargeStore + Send + Sync + 'static) -> Self {
        self.async_charges(Arc::new(Immediate(store)))
    }

    /// Where budgets are charged and approvals used up, in a store that may have to wait. Replicas of one service must
    /// share it.
    pub fn async_charges(mut self, store: Arc<dyn AsyncChargeStore>) -> Self {
        self.charges = ChargesOf::Store(store);
        self
    }

    /// No store of budgets and approvals: what needs one is refused with 503.
    pub fn without_charges(mut self) -> Self {
        self.charges = ChargesOf::Nowhere;
        self
    }

    /// Where agents are told to ask for approvals: a URL of the service's own choosing, in the answer `approval_required`.
    pub fn ask_approval_at(mut self, url: &str) -> Self {
        self.ask_approval_at = Some(url.to_owned());
        self
    }

    /// Who gets the record of every request.
    pub fn audit(mut self, sink: Arc<dyn AuditSink>) -> Self {
        self.audit = sink;
        self
    }

    /// Whether fields that the signature does not cover stay in the request, which takes a handler that knows which:
    /// see [`countersign::verify::Authorized::covered`]. Without it all but those of transport are taken away.
    pub fn pass_uncovered_fields(mut self, pass: bool) -> Self {
        self.pass_uncovered_fields = pass;
        self
    }

    /// How long a store may take before it counts as unavailable; 2 seconds unless said.
    pub fn store_timeout(mut self, limit: Duration) -> Self {
        self.store_timeout = limit;
        self
    }

    /// How long a body may take until all of it is there, and in its file where it is a long one; 30 seconds unless said. It
    /// gets less where its signature or its token ends before: then it would be refused anyway.
    ///
    /// Past it the answer is 408, and a connection of HTTP/1.1 is closed. This guards what a body holds while it comes, and is
    /// no part of the verdict: the audit has a record without a decision, and the nonce was not used up. It takes a runtime of
    /// tokio with a timer, except for bodies that are there at once.
    pub fn body_timeout(mut self, limit: Duration) -> Self {
        self.body_timeout = limit;
        self
    }

    /// How much of a body is held in memory until its digest matched, in bytes; 256 KiB unless said. A longer one goes to a
    /// file. How long a body may be at all is the verifier's to say
    /// ([`countersign::verify::VerifierBuilder::max_body`]).
    pub fn body_memory(mut self, bytes: usize) -> Self {
        self.body_memory = bytes;
        self
    }

    /// How long the bodies in files may be together, in bytes; 1 GiB unless said. A request that goes beyond is answered
    /// with 503, so this is at least as much as the longest body.
    ///
    /// A body takes room from its first byte in a file until its [`crate::VerifiedBody`] is read or dropped. How long it may
    /// come is limited by [`Self::body_timeout`], and how much of the room one agent may take by [`Self::spool_quota`].
    pub fn spool_limit(mut self, bytes: u64) -> Self {
        self.spool_limit = bytes;
        self
    }

    /// How much of that the bodies of one agent and of all to whom it hands its tokens on may take together, in bytes; a
    /// quarter of the limit unless said. A request that goes beyond is answered with 503, so this too is at least as much as
    /// the longest body.
    pub fn spool_quota(mut self, bytes: u64) -> Self {
        self.spool_quota = Some(bytes);
        self
    }

    /// Where bodies that are too long for memory are written; the system's directory for temporary files unless said. Where
    /// that one is in memory, name another.
    ///
    /// The files have no name, and their blocks are not wiped: where bodies are secret, use an encrypted disk.
    pub fn spool_directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.spool_directory = Some(directory.into());
        self
    }

    /// Keeps keys up to date: those of the issuer whose handle in the verifier is this source's
    /// ([`countersign::verify::VerifierBuilder::live_issuer`]).
    #[cfg(feature = "jwks")]
    pub fn jwks(mut self, source: crate::jwks::JwksSource) -> Self {
        let issuers: Vec<String> = self
            .verifier
            .issuers()
            .filter(|(_, keys)| keys.is_handle_of(source.keys()))
            .map(|(name, _)| name.to_owned())
            .collect();
        self.jwks.extend(issuers.into_iter().map(|issuer| (issuer, source.clone())));
        self
    }

    /// The layer.
    pub fn build(self) -> CountersignLayer {
        let default =
            || -> Arc<dyn AsyncReplayStore> { Arc::new(Immediate(MemoryReplay::starting_at((self.clock)()))) };
        let replay = self.replay.unwrap_or_else(default);
        let directory = self.spool_directory.unwrap_or_else(std::env::temp_dir);
        let quota = self.spool_quota.unwrap_or(self.spool_limit / 4);
        let charges: Option<Arc<dyn AsyncChargeStore>> = match self.charges {
            ChargesOf::Memory => Some(Arc::new(Immediate(MemoryCharges::starting_at((self.clock)())))),
            ChargesOf::Nowhere => None,
            ChargesOf::Store(store) => Some(store),
        };
        CountersignLayer {
            shared: Arc::new(Shared {
                verifier: self.verifier,
                operations: self.operations,
                endpoints: self.endpoints,
                clock: self.clock,
                revocations: self.revocations,
                replay,
                charges,
                ask_approval_at: self.ask_approval_at,
                audit: self.audit,
                pass_uncovered_fields: self.pass_uncovered_fields,
                store_timeout: self.store_timeout,
                body_timeout: self.body_timeout,
                spools: Spools::new(self.body_memory, directory, self.spool_limit, quota),
                flights: Flights::default(),
                #[cfg(feature = "jwks")]
                jwks: self.jwks,
            }),
        }
    }
}

impl fmt::Debug for LayerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LayerBuilder").field("verifier", &self.verifier).finish_non_exhaustive()
    }
}
