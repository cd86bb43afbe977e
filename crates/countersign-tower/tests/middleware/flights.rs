//! Bodies of requests with one nonce, of which one at a time is read.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::post;
use bytes::Bytes;
use countersign::time::UnixTime;
use countersign::verify::{MemoryReplay, NonceEntry, ReplayOutcome, ReplayStore as _};
use countersign_tower::{AsyncReplayStore, AuditRecord, Immediate, StoreFuture};
use futures::channel::mpsc;
use futures::{StreamExt as _, stream};
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use tokio::sync::Notify;
use tower::ServiceExt as _;

use crate::support::{EVENTS, Raw, layer, sign};

const BODY: &[u8] = br#"{"title":"Tea"}"#;

struct Service {
    app: Router,
    records: Arc<Mutex<Vec<AuditRecord>>>,
}

impl Service {
    fn start() -> Self {
        Self::over(Arc::new(Immediate(MemoryReplay::insecure_without_epoch())))
    }

    fn over(replay: Arc<dyn AsyncReplayStore>) -> Self {
        let records: Arc<Mutex<Vec<AuditRecord>>> = Arc::default();
        let sink = Arc::clone(&records);
        let layer = layer()
            .body_timeout(Duration::from_secs(10))
            .async_replay(replay)
            .audit(Arc::new(move |record: &AuditRecord| sink.lock().unwrap().push(record.clone())))
            .build();
        let app = Router::new().route("/calendars/{id}/events", post(|body: Bytes| async move { body })).layer(layer);
        Self { app, records }
    }

    async fn send(&self, head: &Raw, body: Body) -> (StatusCode, Bytes) {
        let answer = self.app.clone().oneshot(request(head, body)).await.unwrap();
        let status = answer.status();
        (status, answer.into_body().collect().await.unwrap().to_bytes())
    }

    async fn refused_unread(&self, head: &Raw) {
        let read = Arc::new(AtomicBool::new(false));
        let (status, _) = self.send(head, telling(&read)).await;
        assert_eq!((status, read.load(Ordering::SeqCst)), (StatusCode::SERVICE_UNAVAILABLE, false));
        let record = self.records.lock().unwrap().pop().unwrap();
        let decision = record.decision.unwrap();
        assert_eq!((decision.stage, decision.code.as_deref()), (Some(9), Some("store_unavailable")));
        assert_eq!(record.detail, "body of another request with this nonce is being read");
    }
}

fn request(head: &Raw, body: Body) -> Request<Body> {
    let mut request = Request::post(&head.target).body(body).unwrap();
    for (name, value) in &head.fields {
        request.headers_mut().append(http::HeaderName::try_from(name).unwrap(), value.parse().unwrap());
    }
    request
}

/// A body that says when it is read.
fn telling(read: &Arc<AtomicBool>) -> Body {
    let read = Arc::clone(read);
    Body::from_stream(stream::poll_fn(move |_| {
        read.store(true, Ordering::SeqCst);
        Poll::Ready(None::<std::io::Result<Bytes>>)
    }))
}

/// A body that comes when it is sent, and what tells that it is awaited.
fn coming() -> (mpsc::UnboundedSender<std::io::Result<Bytes>>, Arc<Notify>, Body) {
    let (send, mut receive) = mpsc::unbounded();
    let awaited = Arc::new(Notify::new());
    let tell = Arc::clone(&awaited);
    let body = stream::poll_fn(move |cx| {
        tell.notify_one();
        receive.poll_next_unpin(cx)
    });
    (send, awaited, Body::from_stream(body))
}

/// The same signature under another label, which it does not cover.
fn relabelled(head: &Raw) -> Raw {
    ["signature-input", "signature"].iter().fold(head.clone(), |raw, name| {
        let value = raw.field(name).replacen("countersign=", "other=", 1);
        raw.set(name, &value)
    })
}

// spec: RQ-51
#[tokio::test]
async fn one_body_of_a_nonce_is_read_at_a_time() {
    let service = Arc::new(Service::start());
    let head = sign("POST", EVENTS, BODY);
    let (send, awaited, body) = coming();
    let first = tokio::spawn({
        let (service, head) = (Arc::clone(&service), head.clone());
        async move { service.send(&head, body).await }
    });
    awaited.notified().await;
    service.refused_unread(&head).await;
    service.refused_unread(&relabelled(&head)).await;
    service.refused_unread(&head.clone().set("content-length", "15")).await;
    // Another request of the same agent is read meanwhile.
    let other = sign("POST", EVENTS, BODY);
    assert_eq!(service.send(&other, Body::from(BODY)).await.0, StatusCode::OK);
    send.unbounded_send(Ok(Bytes::from_static(BODY))).unwrap();
    drop(send);
    assert_eq!(first.await.unwrap(), (StatusCode::OK, Bytes::from_static(BODY)));
    // Now it is the store that refuses.
    assert_eq!(service.send(&head, Body::from(BODY)).await.0, StatusCode::UNAUTHORIZED);
    let decision = service.records.lock().unwrap().pop().unwrap().decision.unwrap();
    assert_eq!(decision.code.as_deref(), Some("replayed"));
}

// spec: RQ-51
#[tokio::test]
async fn a_nonce_is_free_again_however_its_body_ends() {
    let service = Arc::new(Service::start());
    let head = sign("POST", EVENTS, BODY);
    // The connection goes away.
    let (_send, awaited, body) = coming();
    let first = tokio::spawn({
        let (service, head) = (Arc::clone(&service), head.clone());
        async move { service.send(&head, body).await }
    });
    awaited.notified().await;
    service.refused_unread(&head).await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    // The body breaks off, and is another one.
    let broken = stream::iter([Ok(Bytes::from_static(b"{")), Err(std::io::Error::other("gone"))]);
    assert_eq!(service.send(&head, Body::from_stream(broken)).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(service.send(&head, Body::from("{}")).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(service.send(&head, Body::from(BODY)).await.0, StatusCode::OK);
}

/// A store that answers when it is told to.
struct Told {
    store: MemoryReplay,
    asked: Notify,
    answer: Notify,
}

impl AsyncReplayStore for Told {
    fn record<'a>(&'a self, entry: &'a NonceEntry, now: UnixTime) -> StoreFuture<'a, ReplayOutcome> {
        Box::pin(async move {
            self.asked.notify_one();
            self.answer.notified().await;
            self.store.record(entry, now)
        })
    }
}

// spec: RQ-51
#[tokio::test]
async fn no_second_body_is_read_before_the_store_has_the_nonce() {
    let store =
        Arc::new(Told { store: MemoryReplay::insecure_without_epoch(), asked: Notify::new(), answer: Notify::new() });
    let service = Arc::new(Service::over(Arc::clone(&store) as Arc<dyn AsyncReplayStore>));
    let head = sign("POST", EVENTS, BODY);
    let first = tokio::spawn({
        let (service, head) = (Arc::clone(&service), head.clone());
        async move { service.send(&head, Body::from(BODY)).await }
    });
    store.asked.notified().await;
    service.refused_unread(&head).await;
    store.answer.notify_one();
    assert_eq!(first.await.unwrap().0, StatusCode::OK);
}
