//! The same for reqwest, as a middleware.

use std::sync::Arc;

use bytes::Bytes;
use http::{Extensions, Uri};
use reqwest::redirect::Policy;
use reqwest::{Body, Request, Response};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Error, Middleware, Next, Result};

use super::error::{ClientError, ErrorKind};
use super::refusal::{Refusal, admitted, class_of};
use super::retry::{RetryPolicy, is_repeatable};
use super::service::{Options, buffer, pause};
use super::signer::Signer;

/// Makes a reqwest client that signs every request.
///
/// reqwest follows redirects below its middlewares, with the fields of the first request. To another origin it would drop
/// `authorization` and `cookie`, and take `countersign-token`, `signature` and `countersign-approval` along. So a
/// signing client follows none: whatever policy the given builder has is replaced, and the middleware itself is not to be
/// had without. A redirect is an answer; a request to its `location` is a new one, signed for its own URL if that is at
/// the token's service.
///
/// A request with a [`Signer`] among its extensions is signed by that one instead, so one client serves many narrowed
/// tokens:
///
/// ```
/// # use countersign::key::SigningKey;
/// # use countersign::time::UnixTime;
/// # use countersign::token::{Grant, Restriction, Right};
/// use countersign_tower::client::{ReqwestSigning, Signer, admitted_reqwest};
///
/// # async fn call() -> Result<(), Box<dyn std::error::Error>> {
/// # let key = SigningKey::from_seed(&[2; 32]);
/// # let token = Grant::new("https://hub.example", "alice@example.com", "calendar-bot", key.public()).sign(&key, &key)?;
/// let signer = Signer::new(token, key)?;
/// let client = ReqwestSigning::new(signer.clone()).client(reqwest::Client::builder())?;
///
/// let today = signer.for_call(&[Restriction::Actions(vec!["read".into()])])?;
/// let url = "https://calendar.example.com/calendars/primary/events";
/// let events = admitted_reqwest(client.get(url).with_extension(today).send().await?).await?;
/// # Ok(())
/// # }
/// ```
///
/// Two things reqwest adds after the signature was made, and no signature covers them: the client builder's
/// `default_headers` and its cookies. Set what the service is to see on the request itself.
#[derive(Clone, Debug)]
pub struct ReqwestSigning {
    signer: Signer,
    options: Options,
}

impl ReqwestSigning {
    /// One retry, bodies of at most 1 MiB, and refusals as answers.
    pub fn new(signer: Signer) -> Self {
        Self { signer, options: Options::default() }
    }

    /// When a request is signed and sent anew.
    #[must_use]
    pub const fn retry(mut self, policy: RetryPolicy) -> Self {
        self.options.retry = policy;
        self
    }

    /// The greatest body in bytes. A body that is a stream is read into memory first.
    #[must_use]
    pub const fn max_body(mut self, bytes: usize) -> Self {
        self.options.max_body = bytes;
        self
    }

    /// Whether a verifier's refusal is an error: [`Error::Middleware`] around a [`ClientError`], which [`client_error`]
    /// finds.
    #[must_use]
    pub const fn refusals_are_errors(mut self, errors: bool) -> Self {
        self.options.refusals_are_errors = errors;
        self
    }

    /// The client.
    pub fn client(self, client: reqwest::ClientBuilder) -> reqwest::Result<ClientWithMiddleware> {
        self.client_behind(client, [])
    }

    /// The client behind other middlewares, the first of them outermost. Put none behind the signature: what it changed
    /// would not be what was signed.
    pub fn client_behind(
        self,
        client: reqwest::ClientBuilder,
        outer: impl IntoIterator<Item = Arc<dyn Middleware>>,
    ) -> reqwest::Result<ClientWithMiddleware> {
        let client = ClientBuilder::new(client.redirect(Policy::none()).build()?);
        let client = outer.into_iter().fold(client, ClientBuilder::with_arc);
        Ok(client.with(Signing(self)).build())
    }
}

/// Private, so that no client follows redirects under it.
struct Signing(ReqwestSigning);

#[async_trait::async_trait]
impl Middleware for Signing {
    async fn handle(&self, mut request: Request, extensions: &mut Extensions, next: Next<'_>) -> Result<Response> {
        let options = self.0.options;
        let signer = extensions.get::<Signer>().unwrap_or(&self.0.signer).clone();
        let body = match request.body_mut().take() {
            Some(body) => buffer(body, options.max_body).await.map_err(Error::middleware)?,
            None => Bytes::new(),
        };
        // As reqwest makes the target of it: a fragment falls off here as there.
        let uri: Uri =
            request.url().as_str().parse().map_err(|_| Error::middleware(ClientError::new(ErrorKind::Url)))?;
        let repeatable = is_repeatable(request.method(), request.headers());
        let unsigned = request.headers().clone();
        let mut done = 0_u32;
        loop {
            let signed = signer.sign_attempt(request.method(), &uri, &unsigned, &body).await;
            let (headers, spread) = signed.map_err(Error::middleware)?;
            // Without its body a request can always be cloned.
            let unreachable = || Error::middleware(ClientError::new(ErrorKind::Body));
            let mut attempt = request.try_clone().ok_or_else(unreachable)?;
            *attempt.headers_mut() = headers;
            if !body.is_empty() {
                *attempt.body_mut() = Some(Body::from(body.clone()));
            }
            let response = next.clone().run(attempt, extensions).await?;
            let wait = options.retry.next(done, repeatable, response.status(), response.headers(), spread);
            let Some(wait) = wait else {
                return if options.refusals_are_errors {
                    let refused = |refusal| Error::middleware(ClientError::new(ErrorKind::Refused(refusal)));
                    admitted_reqwest(response).await.map_err(refused)
                } else {
                    Ok(response)
                };
            };
            drop(response);
            pause(wait).await;
            done = done.saturating_add(1);
        }
    }
}

/// [`admitted`] for an answer of reqwest.
pub async fn admitted_reqwest(response: Response) -> core::result::Result<Response, Box<Refusal>> {
    if class_of(response.status(), response.headers()).is_none() {
        return Ok(response);
    }
    admitted(http::Response::from(response)).await.map(Response::from)
}

/// This module's error in one of reqwest's middlewares, if it is one.
pub fn client_error(error: &Error) -> Option<&ClientError> {
    match error {
        Error::Middleware(error) => error.downcast_ref(),
        Error::Reqwest(_) => None,
    }
}
