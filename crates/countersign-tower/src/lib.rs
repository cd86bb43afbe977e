//! Countersign for tower and axum: a layer that lets a request through when both of its proofs hold and the operation
//! that it asks for is allowed (`spec/verify.md`).
//!
//! The layer, not the handler, maps a request to its operation, and decides before the inner service is called. What the
//! inner service gets is the verified body, the fields that were signed, and who asks.
//!
//! | you want to | see |
//! | --- | --- |
//! | protect a service | [`CountersignLayer`] |
//! | know in a handler who asks | [`Authorized`], [`AnyOperation`] (feature `axum`), or the extension [`std::sync::Arc`] of [`countersign::verify::Authorized`] |
//! | protect a server of MCP, over HTTP or stdio | [`mcp`] |
//! | keep a record of decisions | [`AuditSink`], [`JsonLines`] |
//! | fetch an issuer's keys, and keep up with their rotation | [`jwks`] (feature `jwks`) |
//! | take bodies that are too long for memory | [`LayerBuilder::body_memory`], [`VerifiedBody`] |
//! | take back what issuers revoke, from their lists in files | [`FileRevocations`] |
//! | share nonces or budgets between replicas | [`AsyncReplayStore`], [`AsyncChargeStore`] |
//! | be an agent, and sign requests | `client` (feature `client`, for reqwest also feature `reqwest`) |
//!
//! # Where to put the layer
//!
//! Behind nothing that rewrites methods, targets or fields: what the layer sees must be what the agent signed. Nesting
//! routers of axum is fine. With a `Router`, `layer` also protects the fallback, `route_layer` only what is routed.
//!
//! # What the server in front does
//!
//! An HTTP server reads the bytes before this layer does, and what it makes of them can't be told apart here any more.
//! Hyper answers most malformed messages itself, with 400, and those of more than 100 field lines with 431. Four things
//! it repairs in silence, so that they are not refused as `spec/request.md` says: it ends a line at a bare LF, cuts a
//! `#fragment` off the target, drops a second `Content-Length` of the same value, and drops `Content-Length` beside
//! `Transfer-Encoding`. The layer and the application then see the same repaired request, and the signature is held
//! against that one. A front end that reads such a message in another way is a reason to refuse it there.
//!
//! ```
//! use std::sync::Arc;
//! use axum::{Router, routing::get};
//! use countersign::key::SigningKey;
//! use countersign::verify::{OperationEntry, Operations, Verifier};
//! use countersign_tower::{Authorized, CountersignLayer, OperationType};
//!
//! struct ReadCalendar;
//! impl OperationType for ReadCalendar {
//!     const TYPE: &'static str = "calendar";
//!     const ACTION: &'static str = "read";
//! }
//!
//! async fn events(who: Authorized<ReadCalendar>) -> String {
//!     format!("events for {}", who.chain().claims().user())
//! }
//!
//! # let issuer = SigningKey::from_seed(&[1; 32]).public();
//! let verifier = Verifier::builder()
//!     .audience("https://calendar.example.com").authority("calendar.example.com")
//!     .issuer("https://hub.example", [issuer])
//!     .build()?;
//! let operations = Operations::table([
//!     OperationEntry::new("GET", "/calendars/{id}/events", "calendar", "/calendars/{id}", "read"),
//! ])?;
//! let app: Router = Router::new()
//!     .route("/calendars/{id}/events", get(events))
//!     .layer(CountersignLayer::new(Arc::new(verifier), operations));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod audit;
mod body;
#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "axum")]
mod extract;
mod flight;
mod head;
pub mod jwks;
mod layer;
pub mod mcp;
mod problem;
mod revocations;
mod service;
mod spool;
mod store;

pub use self::audit::{AuditRecord, AuditSink, AuditedOperation, JsonLines, NoAudit, TraceId};
pub use self::body::VerifiedBody;
#[cfg(feature = "axum")]
pub use self::extract::{AnyOperation, Authorized, OperationRejection, OperationType};
pub use self::layer::{Clock, CountersignLayer, LayerBuilder, SharedRevocations, system_clock};
pub use self::problem::title;
pub use self::revocations::{FileRevocations, FileRevocationsBuilder, ReloadError, SourceStatus, replace_file};
pub use self::service::Countersign;
pub use self::store::{AsyncChargeStore, AsyncReplayStore, Immediate, StoreFuture};

/// The README's Rust, run with the other examples.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
