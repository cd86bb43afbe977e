//! The tower side: a layer around any client service of the `http` types.

use std::fmt;
use std::future::{Future, poll_fn};
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use countersign::token::Restriction;
use http::{Request, Response};
use http_body::Body;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use tower_layer::Layer;
use tower_service::Service;

use super::error::{ClientError, ErrorKind};
use super::key::BoxError;
use super::refusal::admitted;
use super::retry::{RetryPolicy, is_repeatable};
use super::signer::Signer;

/// The greatest body that is signed unless said: what verifiers take unless configured otherwise (`spec/request.md`,
/// RQ-3).
const MAX_BODY: usize = 1024 * 1024;

/// What both kinds of clients can be told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    pub(crate) retry: RetryPolicy,
    pub(crate) max_body: usize,
    pub(crate) refusals_are_errors: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { retry: RetryPolicy::default(), max_body: MAX_BODY, refusals_are_errors: false }
    }
}

/// All of a body, up to a limit: its digest is signed, and it may have to be sent again.
pub(crate) async fn buffer<B>(body: B, limit: usize) -> Result<Bytes, ClientError>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    if body.size_hint().lower() > limit as u64 {
        return Err(ClientError::new(ErrorKind::BodyTooLarge));
    }
    match Limited::new(body, limit).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(ClientError::new(ErrorKind::BodyTooLarge)),
        Err(error) => Err(ClientError::by(ErrorKind::Body, error)),
    }
}

/// Waits before the next attempt. No time at all needs no timer.
pub(crate) async fn pause(wait: Duration) {
    if !wait.is_zero() {
        tokio::time::sleep(wait).await;
    }
}

/// Signs every request that goes through.
///
/// A request with a [`Signer`] among its extensions is signed by that one instead.
#[derive(Clone, Debug)]
pub struct SigningLayer {
    signer: Signer,
    options: Options,
}

impl SigningLayer {
    /// A layer with one retry, bodies of at most 1 MiB, and refusals as answers.
    pub fn new(signer: Signer) -> Self {
        Self { signer, options: Options::default() }
    }

    /// When a request is signed and sent anew.
    #[must_use]
    pub const fn retry(mut self, policy: RetryPolicy) -> Self {
        self.options.retry = policy;
        self
    }

    /// The greatest body in bytes; each request holds its own in memory until it is answered.
    #[must_use]
    pub const fn max_body(mut self, bytes: usize) -> Self {
        self.options.max_body = bytes;
        self
    }

    /// Whether a verifier's refusal is an error, [`ErrorKind::Refused`], instead of an answer.
    #[must_use]
    pub const fn refusals_are_errors(mut self, errors: bool) -> Self {
        self.options.refusals_are_errors = errors;
        self
    }
}

impl<S> Layer<S> for SigningLayer {
    type Service = SigningService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        SigningService { signer: self.signer.clone(), options: self.options, inner }
    }
}

/// A client that signs.
///
/// The inner service takes requests whose body is [`Full`]`<Bytes>`; where it takes another, put
/// `tower::util::MapRequest` between the two.
#[derive(Clone)]
pub struct SigningService<S> {
    signer: Signer,
    options: Options,
    inner: S,
}

impl<S: Clone> SigningService<S> {
    /// The same client under a token that allows less: see [`Signer::for_call`]. Connections are shared.
    pub fn for_call(&self, restrictions: &[Restriction]) -> Result<Self, ClientError> {
        Ok(Self { signer: self.signer.for_call(restrictions)?, options: self.options, inner: self.inner.clone() })
    }
}

impl<S> SigningService<S> {
    /// What signs.
    pub const fn signer(&self) -> &Signer {
        &self.signer
    }
}

impl<S> fmt::Debug for SigningService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningService").field("signer", &self.signer).finish_non_exhaustive()
    }
}

impl<S, B, R> Service<Request<B>> for SigningService<S>
where
    S: Service<Request<Full<Bytes>>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
    R: Body + Send + 'static,
    R::Data: Send,
    R::Error: Into<BoxError>,
{
    type Response = Response<R>;
    type Error = ClientError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx).map_err(transport)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The clone was not asked whether it is ready; the one that was goes into the future.
        let clone = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, clone);
        let (signer, options) = (self.signer.clone(), self.options);
        Box::pin(async move {
            let (mut head, body) = request.into_parts();
            let signer = head.extensions.remove().unwrap_or(signer);
            let body = buffer(body, options.max_body).await?;
            let repeatable = is_repeatable(&head.method, &head.headers);
            let mut done = 0_u32;
            loop {
                let (headers, spread) = signer.sign_attempt(&head.method, &head.uri, &head.headers, &body).await?;
                let mut attempt = head.clone();
                attempt.headers = headers;
                let attempt = Request::from_parts(attempt, Full::new(body.clone()));
                let response = inner.call(attempt).await.map_err(transport)?;
                let wait = options.retry.next(done, repeatable, response.status(), response.headers(), spread);
                let Some(wait) = wait else {
                    return if options.refusals_are_errors {
                        admitted(response).await.map_err(|refusal| ClientError::new(ErrorKind::Refused(refusal)))
                    } else {
                        Ok(response)
                    };
                };
                drop(response);
                pause(wait).await;
                done = done.saturating_add(1);
                poll_fn(|cx| inner.poll_ready(cx)).await.map_err(transport)?;
            }
        })
    }
}

fn transport(error: impl Into<BoxError>) -> ClientError {
    ClientError::by(ErrorKind::Transport, error)
}
