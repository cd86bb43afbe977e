//! The service: all twelve stages, then the inner service or an answer to a stranger.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use countersign::Denial;
use countersign::request::is_transport_field;
use countersign::time::UnixTime;
use countersign::verify::{Approvals, Authorized, ChargeOutcome, Charges, ReplayOutcome};
use http::{Request, Response, request};
use http_body::Body;
use tower_service::Service;

use crate::audit::{AuditRecord, TraceId};
use crate::body::{self, Unread, VerifiedBody};
use crate::head::{Target, body_length};
use crate::layer::Shared;
use crate::problem::Problem;
use crate::store::within;

/// An inner service behind [`crate::CountersignLayer`].
///
/// The inner service is asked whether it is ready only when a request was authorised, so strangers hold none of its
/// capacity.
#[derive(Clone)]
pub struct Countersign<S> {
    shared: Arc<Shared>,
    inner: S,
}

impl<S> Countersign<S> {
    pub(crate) fn new(shared: Arc<Shared>, inner: S) -> Self {
        Self { shared, inner }
    }
}

impl<S: fmt::Debug> fmt::Debug for Countersign<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Countersign").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl<S, B, R> Service<Request<B>> for Countersign<S>
where
    S: Service<Request<VerifiedBody>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Body + Send + 'static,
    B::Data: Send,
    R: From<Bytes>,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let shared = Arc::clone(&self.shared);
        let mut inner = self.inner.clone();
        Box::pin(async move {
            match shared.admit(request).await {
                Ok(request) => {
                    poll_fn(|cx| inner.poll_ready(cx)).await?;
                    inner.call(request).await
                }
                Err((problem, trace)) => Ok(problem.into_response(trace)),
            }
        })
    }
}

/// What the extractor needs to know of the layer that ran.
#[cfg(feature = "axum")]
#[derive(Clone)]
pub(crate) struct Admitted {
    pub(crate) authorized: Arc<Authorized>,
    pub(crate) trace: TraceId,
    pub(crate) shared: Arc<Shared>,
}

/// Why a request was not let through.
enum Refusal {
    /// Refused by a stage.
    Denied(Box<Denial>),
    /// The body broke off.
    Broken,
    /// Something rewrote the target between its reception and this layer.
    Rewritten,
}

impl From<Denial> for Refusal {
    fn from(denial: Denial) -> Self {
        Self::Denied(Box::new(denial))
    }
}

impl Shared {
    /// Decides, records, and gives what the inner service may see.
    async fn admit<B>(self: &Arc<Self>, request: Request<B>) -> Result<Request<VerifiedBody>, (Problem, TraceId)>
    where
        B: Body + Send,
        B::Data: Send,
    {
        let started = Instant::now();
        let (now, trace) = ((self.clock)(), TraceId::random());
        let (head, body) = request.into_parts();
        let outcome = self.verify(&head, body, now).await;
        let at = (now, trace, u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX));
        match outcome {
            Ok((authorized, body)) => {
                self.audit.record(&AuditRecord::allowed(at, &authorized));
                Ok(Request::from_parts(self.hand_over(head, authorized, trace), VerifiedBody::new(body)))
            }
            Err(Refusal::Denied(denial)) => {
                self.audit.record(&AuditRecord::denied(at, &denial));
                Err((Problem::of_denial(&denial, self.ask_approval_at.as_deref()), trace))
            }
            Err(Refusal::Broken) => {
                self.audit.record(&AuditRecord::undecided(at, "body broke off"));
                Err((Problem::broken(), trace))
            }
            Err(Refusal::Rewritten) => {
                self.audit.record(&AuditRecord::undecided(at, "target was rewritten before it was verified"));
                Err((Problem::misconfigured(), trace))
            }
        }
    }

    /// Stages 1 to 12, in their order.
    // spec: VF-1
    async fn verify<B>(&self, head: &request::Parts, body: B, now: UnixTime) -> Result<(Authorized, Bytes), Refusal>
    where
        B: Body + Send,
        B::Data: Send,
    {
        let length = body_length(&head.headers, &body);
        let proven = {
            let target = Target::of(head).map_err(|_| Refusal::Rewritten)?;
            self.verifier.check(&target.parts(head, length), now, self.revocations.as_ref())?
        };
        let (claim, body) =
            body::read(proven, body, length, self.verifier.max_body()).await.map_err(|unread| match unread {
                Unread::Denied(denial) => denial.into(),
                Unread::Broken => Refusal::Broken,
            })?;
        // spec: VF-19, VF-21
        let outcome = within(self.store_timeout, self.replay.record(claim.entry(), now)).await;
        let authenticated = claim.recorded(outcome.unwrap_or(ReplayOutcome::Unavailable))?;
        // spec: VF-23
        let charges = authenticated.map(&self.operations, &body, &Approvals::none())?;
        Ok((self.charge(charges, now).await?, body))
    }

    /// Stage 12.
    async fn charge(&self, charges: Charges, now: UnixTime) -> Result<Authorized, Refusal> {
        if charges.is_empty() {
            return Ok(charges.charged(ChargeOutcome::Charged)?);
        }
        // spec: VF-35
        let Some(store) = &self.charges else { return Ok(charges.uncharged()?) };
        // spec: VF-45
        let answer = within(self.store_timeout, store.charge(charges.set(), now)).await;
        Ok(charges.charged(answer.unwrap_or(ChargeOutcome::Unavailable))?)
    }

    /// The head as the inner service sees it.
    // spec: RQ-39
    fn hand_over(self: &Arc<Self>, mut head: request::Parts, authorized: Authorized, trace: TraceId) -> request::Parts {
        if !self.pass_uncovered_fields {
            let passes = |name: &str| is_transport_field(name) || authorized.covered().any(|covered| covered == name);
            let hidden: Vec<_> = head.headers.keys().filter(|name| !passes(name.as_str())).cloned().collect();
            for name in hidden {
                head.headers.remove(name);
            }
        }
        let authorized = Arc::new(authorized);
        #[cfg(feature = "axum")]
        head.extensions.insert(Admitted { authorized: Arc::clone(&authorized), trace, shared: Arc::clone(self) });
        head.extensions.insert(trace);
        head.extensions.insert(authorized);
        head
    }
}
