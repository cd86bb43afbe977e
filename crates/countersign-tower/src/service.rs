//! The service: all twelve stages, then the inner service or an answer to a stranger.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use countersign::request::{BodyLength, is_transport_field};
use countersign::time::UnixTime;
use countersign::token::VerifiedChain;
use countersign::verify::{
    Approvals, Authenticated, Authorized, ChargeOutcome, Charges, Endpoint, McpCharges, Proven, ReplayOutcome,
};
use countersign::{Class, Denial};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, request};
use http_body::Body;
use tower_service::Service;

use crate::audit::{AuditRecord, TraceId};
use crate::body::{self, Unread, VerifiedBody};
use crate::head::{Target, body_length};
use crate::layer::Shared;
use crate::mcp::{AnswerBody, Caller, Filter, Unreadable};
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
    R: Body + From<Bytes> + Send + Unpin,
    R::Data: Send,
    R::Error: Send,
{
    type Response = Response<AnswerBody<R>>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let shared = Arc::clone(&self.shared);
        let mut inner = self.inner.clone();
        Box::pin(async move {
            let (request, answers, at) = match shared.admit(request).await {
                Ok(admitted) => admitted,
                Err((problem, trace)) => return Ok(problem.into_response(trace).map(AnswerBody::whole)),
            };
            poll_fn(|cx| inner.poll_ready(cx)).await?;
            let response = inner.call(request).await?;
            Ok(shared.answered(answers, response, at).await)
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

/// When a request came, its id, and how long the decision took.
type At = (UnixTime, TraceId, u64);

/// What becomes of the inner service's answer.
enum Answers {
    /// It is handed on as it is.
    Whole,
    /// The same, at an endpoint of MCP.
    WholeOfMcp,
    /// It is a listing.
    Listing(Filter),
    /// It is a stream of the server's own messages.
    Stream,
}

/// A request that is let through.
struct Allowed {
    caller: Caller,
    answers: Answers,
    body: VerifiedBody,
}

/// Fields of one connection (RFC 9110 section 7.6.1), but for what frames the body.
const CONNECTION_FIELDS: [&str; 4] = ["connection", "keep-alive", "proxy-connection", "te"];

/// Why a request or a message was not let through.
pub(crate) enum Refusal {
    /// Refused by a stage.
    Denied(Box<Denial>),
    /// The body broke off.
    Broken,
    /// The body was not there in time.
    Late,
    /// The file that the body is held in can't be read.
    Unreadable,
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
    async fn admit<B>(
        self: &Arc<Self>,
        request: Request<B>,
    ) -> Result<(Request<VerifiedBody>, Answers, At), (Problem, TraceId)>
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
            Ok(Allowed { caller, answers, body }) => {
                self.audit.record(&AuditRecord::of_caller(at, &caller));
                let head = self.hand_over(head, caller, &answers, trace);
                Ok((Request::from_parts(head, body), answers, at))
            }
            Err(refusal) => Err((self.refused(at, &refusal), trace)),
        }
    }

    /// Records a refusal, and gives what its sender is told.
    pub(crate) fn refused(&self, at: At, refusal: &Refusal) -> Problem {
        let (record, problem) = match refusal {
            Refusal::Denied(denial) => {
                (AuditRecord::denied(at, denial), Problem::of_denial(denial, self.ask_approval_at.as_deref()))
            }
            Refusal::Broken => (AuditRecord::undecided(at, "body broke off"), Problem::broken()),
            Refusal::Late => (AuditRecord::undecided(at, "body did not come in time"), Problem::late()),
            Refusal::Unreadable => {
                (AuditRecord::undecided(at, "spooled body can't be read"), Problem::of_class(Class::Unavailable))
            }
            Refusal::Rewritten => {
                (AuditRecord::undecided(at, "target was rewritten before it was verified"), Problem::misconfigured())
            }
        };
        self.audit.record(&record);
        problem
    }

    /// What its sender gets of the inner service's answer: none where nobody knows what it shows.
    async fn answered<R>(&self, answers: Answers, response: Response<R>, at: At) -> Response<AnswerBody<R>>
    where
        R: Body + From<Bytes>,
    {
        let (answer, detail) = match answers {
            Answers::Whole | Answers::WholeOfMcp => return response.map(AnswerBody::whole),
            Answers::Listing(filter) => {
                let answer = filter.response(response).await;
                (answer.map(|answer| answer.map(AnswerBody::whole)), "answer to a listing can't be read")
            }
            Answers::Stream => (AnswerBody::stream(response), "answer to a GET is no stream of messages"),
        };
        answer.unwrap_or_else(|Unreadable| {
            self.audit.record(&AuditRecord::undecided(at, detail));
            Problem::of_class(Class::Unavailable).into_response(at.1).map(AnswerBody::whole)
        })
    }

    /// Stages 1 to 12, in their order.
    // spec: VF-1
    async fn verify<B>(&self, head: &request::Parts, body: B, now: UnixTime) -> Result<Allowed, Refusal>
    where
        B: Body + Send,
        B::Data: Send,
    {
        let length = body_length(&head.headers, &body);
        let proven = self.check(head, length, now).await?;
        // spec: RQ-51
        let flight = match length {
            BodyLength::Known(0) => None,
            _ => match self.flights.begin(proven.entry()) {
                Some(flight) => Some(flight),
                None => return Err(proven.unheld("body of another request with this nonce is being read").into()),
            },
        };
        // A guard of the transport's, and no part of the verdict: a body that is late by its own proofs is refused below.
        let until = proven.body_until().0.saturating_sub(now.0);
        let left = self.body_timeout.min(Duration::from_secs(until.saturating_add(1)));
        let reading = body::read(proven, body, length, self.verifier.max_body(), &self.spools);
        let read = within(left, reading).await.ok_or(Refusal::Late)?;
        let (claim, body) = read.map_err(|unread| match unread {
            Unread::Denied(denial) => denial.into(),
            Unread::Broken => Refusal::Broken,
        })?;
        // spec: VF-49
        let now = (self.clock)().max(now);
        let claim = claim.later(now, self.revocations.as_ref())?;
        // spec: VF-19, VF-21
        let outcome = within(self.store_timeout, self.replay.record(claim.entry(), now)).await;
        let authenticated = claim.recorded(outcome.unwrap_or(ReplayOutcome::Unavailable))?;
        // Who sends it again now has its nonce refused. Before the store has it, the body would be read and held again.
        drop(flight);
        // What arguments are read from is 1 MiB at most.
        let body =
            if authenticated.reads_json() { body.into_memory().await.map_err(|_| Refusal::Unreadable)? } else { body };
        let read = body.bytes().map_or(&[][..], |bytes| bytes);
        // spec: JR-27
        if let Some(endpoint) = self.endpoint(&authenticated) {
            let (charges, message) = authenticated.map_mcp_http(endpoint, read, &Approvals::none())?;
            return match charges {
                McpCharges::Operation(charges) => {
                    let caller = Caller::Operation(Arc::new(self.charge(*charges, now).await?));
                    Ok(Allowed { caller, answers: Answers::WholeOfMcp, body })
                }
                McpCharges::Nothing(idle) => {
                    let idle = Arc::from(idle);
                    let filter = message.and_then(|message| Filter::new(&idle, &endpoint.server, message.method()));
                    let answers = match filter {
                        Some(filter) => Answers::Listing(filter),
                        None if head.method == Method::GET => Answers::Stream,
                        None => Answers::WholeOfMcp,
                    };
                    Ok(Allowed { caller: Caller::Nothing(idle), answers, body })
                }
            };
        }
        // spec: VF-23
        let charges = authenticated.map(&self.operations, read, &Approvals::none())?;
        let caller = Caller::Operation(Arc::new(self.charge(charges, now).await?));
        Ok(Allowed { caller, answers: Answers::Whole, body })
    }

    /// The endpoint of MCP that a request goes to.
    fn endpoint(&self, authenticated: &Authenticated) -> Option<&Endpoint> {
        let path = &authenticated.http()?.path;
        self.endpoints.iter().find(|endpoint| endpoint.path == *path)
    }

    /// Stages 1 to 8.
    async fn check(&self, head: &request::Parts, length: BodyLength, now: UnixTime) -> Result<Proven, Refusal> {
        let check = || {
            let target = Target::of(head).map_err(|_| Refusal::Rewritten)?;
            Ok(self.verifier.check(&target.parts(head, length), now, self.revocations.as_ref()))
        };
        self.with_current_keys(check, Proven::chain).await
    }

    /// Checks, and once more where the keys of the token's issuer changed meanwhile.
    #[cfg(feature = "jwks")]
    pub(crate) async fn with_current_keys<T>(
        &self,
        check: impl Fn() -> Result<Result<T, Denial>, Refusal>,
        chain: fn(&T) -> &VerifiedChain,
    ) -> Result<T, Refusal> {
        // A change between here and the check can't be missed: whatever changed, the sum did.
        let changes = || self.jwks.iter().fold(0_u64, |sum, (_, source)| sum.wrapping_add(source.generation()));
        let before = changes();
        let first = check()?;
        let issuer = match &first {
            Ok(checked) => Some(chain(checked).claims().issuer()),
            Err(denial) => denial.under_no_key_of(),
        };
        let source = issuer.and_then(|issuer| self.jwks.iter().find(|(name, _)| name == issuer));
        let Some((_, source)) = source else { return Ok(first?) };
        match &first {
            Ok(_) => source.keep().await,
            Err(_) => source.fetch().await,
        }
        if changes() == before { Ok(first?) } else { Ok(check()??) }
    }

    #[cfg(not(feature = "jwks"))]
    pub(crate) async fn with_current_keys<T>(
        &self,
        check: impl Fn() -> Result<Result<T, Denial>, Refusal>,
        _: fn(&T) -> &VerifiedChain,
    ) -> Result<T, Refusal> {
        Ok(check()??)
    }

    /// Stage 12.
    pub(crate) async fn charge(&self, charges: Charges, now: UnixTime) -> Result<Authorized, Refusal> {
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
    fn hand_over(
        self: &Arc<Self>,
        mut head: request::Parts,
        caller: Caller,
        answers: &Answers,
        trace: TraceId,
    ) -> request::Parts {
        if !self.pass_uncovered_fields {
            let passes = |name: &str| is_transport_field(name) || caller.covers(name);
            let hidden: Vec<_> = head.headers.keys().filter(|name| !passes(name.as_str())).cloned().collect();
            for name in hidden {
                head.headers.remove(name);
            }
        }
        // These speak of the connection that ends here. Anybody on the way may write them, and `Connection` could have a proxy
        // behind this layer take away fields that were signed.
        for name in CONNECTION_FIELDS {
            head.headers.remove(name);
        }
        join_lines(&mut head.headers, |name| caller.covers(name));
        if !matches!(answers, Answers::Whole) {
            // A stream that goes on where another broke off would repeat its listings, unfiltered.
            // spec: JR-36
            head.headers.remove("last-event-id");
        }
        head.extensions.insert(trace);
        if let Caller::Operation(authorized) = &caller {
            #[cfg(feature = "axum")]
            head.extensions.insert(Admitted { authorized: Arc::clone(authorized), trace, shared: Arc::clone(self) });
            head.extensions.insert(Arc::clone(authorized));
        }
        head.extensions.insert(caller);
        head
    }
}

/// Makes one line of each covered field that came as several.
///
/// The signature is over the joined value, so anybody on the way may take it apart, and an application that asks for the
/// first line would act on a part of what was signed.
// spec: RQ-60
fn join_lines(headers: &mut HeaderMap, covers: impl Fn(&str) -> bool) {
    let several = |name: &&HeaderName| headers.get_all(*name).iter().nth(1).is_some() && covers(name.as_str());
    let names: Vec<HeaderName> = headers.keys().filter(several).cloned().collect();
    for name in names {
        let lines = headers.get_all(&name);
        let secret = lines.iter().any(HeaderValue::is_sensitive);
        let values: Vec<&[u8]> = lines.iter().map(|line| trimmed(line.as_bytes())).collect();
        let joined = HeaderValue::from_bytes(&values.join(&b", "[..]));
        // What is joined of values is one. The other case would leave a value that nobody signed.
        match joined {
            Ok(mut value) => {
                value.set_sensitive(secret);
                headers.insert(name, value);
            }
            Err(_) => drop(headers.remove(name)),
        }
    }
}

/// A value as the signature base has it: without spaces and tabs at both ends.
fn trimmed(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}
