//! The extractors of axum.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use countersign_tower::{AnyOperation, Authorized};

use crate::support::{EVENTS, Hits, Read, Server, Write, layer, sign};

async fn as_read(who: Authorized<Read>, State(hits): State<Hits>) -> String {
    hits.fetch_add(1, Ordering::SeqCst);
    who.operation().resource().to_owned()
}

async fn as_write(who: Authorized<Write>, State(hits): State<Hits>) -> String {
    hits.fetch_add(1, Ordering::SeqCst);
    who.operation().resource().to_owned()
}

async fn as_any(who: AnyOperation, State(hits): State<Hits>) -> String {
    hits.fetch_add(1, Ordering::SeqCst);
    who.operation().action().to_owned()
}

#[tokio::test]
async fn reaches_no_handler_of_another_operation() {
    // The route serves writes, the table says that it is a read.
    let app = |hits: &Hits, layer| {
        Router::new().route("/calendars/{id}/events", get(as_write)).with_state(Arc::clone(hits)).layer(layer)
    };
    let server = Server::start_with(layer(), app).await;
    let answer = server.send(&sign("GET", EVENTS, b"").bytes()).await;
    assert_eq!(answer.status, 403);
    assert_eq!(answer.field("www-authenticate"), Some(r#"Countersign error="insufficient_authorization""#));
    assert_eq!(server.hits(), 0);
    let records = server.records();
    assert_eq!(records.len(), 2, "the layer allowed, the extractor did not");
    assert_eq!(records[0].trace_id, records[1].trace_id);
    assert_eq!(answer.json()["trace_id"], records[1].trace_id.to_string());
    assert_eq!(records[1].decision, None);
}

#[tokio::test]
async fn hands_over_what_was_authorised() {
    let app = |hits: &Hits, layer| {
        Router::new()
            .route("/calendars/{id}/events", get(as_read).post(as_any))
            .with_state(Arc::clone(hits))
            .layer(layer)
    };
    let server = Server::start_with(layer(), app).await;
    let answer = server.expect(&sign("GET", EVENTS, b"").bytes(), 200, None).await;
    assert_eq!(answer.body, "/calendars/primary");
    let answer = server.expect(&sign("POST", EVENTS, b"{}").bytes(), 200, None).await;
    assert_eq!(answer.body, "write");
}

#[tokio::test]
async fn answers_500_without_the_layer() {
    let app = |hits: &Hits, _| {
        Router::new().route("/calendars/{id}/events", get(as_read).post(as_any)).with_state(Arc::clone(hits))
    };
    let server = Server::start_with(layer(), app).await;
    for request in [sign("GET", EVENTS, b""), sign("POST", EVENTS, b"{}")] {
        let answer = server.send(&request.bytes()).await;
        assert_eq!(answer.status, 500);
        assert_eq!(answer.json()["code"], "internal");
    }
    assert_eq!(server.hits(), 0);
}
