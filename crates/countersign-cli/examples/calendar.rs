//! A calendar that agents may use: about the least that a service behind Countersign needs.
//!
//! `countersign keygen --out hub.pem` makes an issuer's key and prints its public half. Then:
//!
//!     cargo run -p countersign-cli --example calendar -- ed25519/…
//!
//! and `countersign mint`, `countersign sign` make requests for it. `countersign demo` runs the same service and attacks
//! it. A second argument is the file of a revocation list; what `countersign revoke --issuer-key hub.pem` writes there is
//! refused a second later.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use countersign::verify::{OperationEntry, OperationError, Operations, Verifier};
use countersign_tower::{Authorized, CountersignLayer, FileRevocations, JsonLines, OperationType};
use serde::{Deserialize, Serialize};

// First, what agents can ask for. Each operation has a type and an action, and rights in tokens speak of these.

struct Read;

impl OperationType for Read {
    const TYPE: &'static str = "calendar";
    const ACTION: &'static str = "read";
}

struct Write;

impl OperationType for Write {
    const TYPE: &'static str = "calendar";
    const ACTION: &'static str = "write";
}

/// Which request is which operation. What is not listed here never reaches a handler.
pub fn operations() -> Result<Operations, OperationError> {
    let events = |method: &str, action: &str| {
        OperationEntry::new(method, "/calendars/{id}/events", "calendar", "/calendars/{id}", action)
    };
    Operations::table([events("GET", Read::ACTION), events("POST", Write::ACTION)])
}

// Then the service itself. The first argument of a handler says which operation it serves, and holds who asks.

#[derive(Clone, Serialize, Deserialize)]
struct Event {
    title: String,
}

type Calendars = Arc<Mutex<BTreeMap<String, Vec<Event>>>>;

async fn list(_: Authorized<Read>, Path(id): Path<String>, State(all): State<Calendars>) -> Json<Vec<Event>> {
    let all = all.lock().unwrap_or_else(PoisonError::into_inner);
    Json(all.get(&id).cloned().unwrap_or_default())
}

async fn add(
    who: Authorized<Write>,
    Path(id): Path<String>,
    State(all): State<Calendars>,
    // The body is the one that the agent signed: the layer read and checked all of it.
    Json(event): Json<Event>,
) -> (StatusCode, String) {
    let claims = who.chain().claims();
    let by = claims.agents().last().map(|agent| agent.name).unwrap_or_default();
    let said = format!("added by {by} for {}\n", claims.user());
    all.lock().unwrap_or_else(PoisonError::into_inner).entry(id).or_default().push(event);
    (StatusCode::CREATED, said)
}

/// A route that somebody forgot to put into the table. No harm comes of it: it is not reached.
async fn export() -> &'static str {
    "all calendars of everybody"
}

/// The routes behind the layer. `layer` goes on last, so that it stands before all of them.
pub fn app(layer: CountersignLayer) -> Router {
    Router::new()
        .route("/calendars/{id}/events", get(list).post(add))
        .route("/export", get(export))
        .with_state(Calendars::default())
        .layer(layer)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let issuer = std::env::args().nth(1).context("the argument is the issuer's public key, ed25519/…")?.parse()?;
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 8600)).await?;
    // Who may issue tokens, and under which names this service is addressed. Tokens name the audience, requests the
    // authority; both must be one of these.
    let verifier = Verifier::builder()
        .audience("http://127.0.0.1:8600")
        .authority("127.0.0.1:8600")
        .issuer("https://hub.example", [issuer])
        .build()?;
    let mut revocations = FileRevocations::builder();
    if let Some(list) = std::env::args().nth(2) {
        revocations = revocations.issuer("https://hub.example", [issuer], list);
    }
    let revocations = Arc::new(revocations.build()?);
    revocations.watch(Duration::from_secs(1))?;
    // Answers tell a class of errors only; the exact codes stand in the audit, here on standard error. Nonces are kept in
    // memory, so for its first 30 seconds the service answers 503: it can't know what it took before it was started.
    let layer = CountersignLayer::builder(Arc::new(verifier), operations()?)
        .revocations(revocations)
        .audit(Arc::new(JsonLines::new(std::io::stderr())))
        .build();
    axum::serve(listener, app(layer)).await?;
    Ok(())
}
