//! Signing clients: what an agent sends its requests with (`spec/request.md`, for signers).
//!
//! A [`Signer`] holds the agent's open token and key. Put it around the HTTP client that the agent has: [`SigningLayer`]
//! for clients of tower and hyper, `ReqwestSigning` (feature `reqwest`) for reqwest, [`Signer::sign`] for any other.
//!
//! ```
//! use countersign_tower::client::{Signer, SigningLayer, admitted};
//! use countersign::{key::SigningKey, token::{OpenToken, Restriction}};
//! use tower::{Layer as _, ServiceExt as _};
//!
//! # use bytes::Bytes;
//! # use http_body_util::Full;
//! # async fn list<S>(token: &str, key: SigningKey, http: S) -> Result<(), Box<dyn std::error::Error>>
//! # where S: tower::Service<http::Request<Full<Bytes>>, Response = http::Response<Full<Bytes>>, Error = std::io::Error>
//! # + Clone + Send + 'static, S::Future: Send {
//! // `http` is any client service, such as hyper-util's: Client::builder(TokioExecutor::new()).build_http().
//! let signer = Signer::new(OpenToken::from_text(token)?, key)?;
//! let client = SigningLayer::new(signer).layer(http);
//! // Less than the token allows: what this call needs, and for no other.
//! let reader = client.for_call(&[Restriction::Actions(vec!["read".into()])])?;
//! let request = http::Request::get("https://calendar.example.com/calendars/primary/events");
//! let answer = reader.oneshot(request.body(Full::<Bytes>::default())?).await?;
//! let events = admitted(answer).await?; // or an error that says whether to ask, wait or sign again
//! # Ok(())
//! # }
//! ```
//!
//! # What is signed
//!
//! Method, authority, path, query, the token, and every field that the request has when it comes to the client, but those
//! of transport; for a body also its type, which it must have, and `content-digest`, which is set here. A body is read
//! into memory for that, up to a limit. What is added behind the client is not covered, and the service does not see it.
//! An approval goes with its request in the field `countersign-approval`.
//!
//! # Where the token goes
//!
//! To the origin of the token's audience, and to those that [`SignerBuilder::also_at`] names. A request for any other is
//! an error, [`ErrorKind::OtherOrigin`], and nothing is sent. Redirects are handed to the caller. A layer that follows
//! them, such as that of tower-http, belongs around the signing client and never inside of it: outside, each step is a
//! request of its own, signed for its own URL or refused as above; inside, token and signature would be carried along.
//! So does reqwest's own tower service: for reqwest take `ReqwestSigning`, which turns that off.
//!
//! # What is cached
//!
//! The sealed token: once for a [`Signer`], once for each [`Signer::for_call`]. Nothing else. Keep a narrowed signer for
//! as long as the task it was made for; it costs two signatures and some 200 bytes of each request.
//!
//! # What is retried
//!
//! One retry, with a new nonce and a new `created`, where a verifier refused the request and so nothing was done:
//! `unavailable` after a wait, `replayed` at once if doing the request twice does no harm. See [`RetryPolicy`]. A failure
//! of the transport is not retried, since the request may have arrived; a retry layer around the signing client may do
//! that, and signs anew each time.
//!
//! # When the service says no
//!
//! The answer is handed on as it is. [`admitted`] turns a verifier's refusal into a [`Refusal`], whose
//! [`remedy`](Refusal::remedy) says what to do; [`SigningLayer::refusals_are_errors`] does that for every request.
//!
//! Waiting needs a tokio runtime with its timer.

mod challenge;
mod error;
mod key;
mod origin;
mod refusal;
#[cfg(feature = "reqwest")]
mod reqwest;
mod retry;
mod service;
mod signer;

pub use self::error::{ClientError, ErrorKind};
pub use self::key::{BoxError, KeyFuture, RequestKey};
pub use self::refusal::{MAX_PROBLEM, Refusal, Remedy, SpentBudget, admitted, class_of};
#[cfg(feature = "reqwest")]
pub use self::reqwest::{ReqwestSigning, admitted_reqwest, client_error};
pub use self::retry::RetryPolicy;
pub use self::service::{SigningLayer, SigningService};
pub use self::signer::{Randomness, Signer, SignerBuilder};
