//! Stores that wait, refuse, or are not there.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use countersign::time::UnixTime;
use countersign::verify::{ChargeOutcome, ChargeSet, MemoryReplay, NonceEntry, ReplayOutcome, ReplayStore as _};
use countersign_tower::{AsyncChargeStore, AsyncReplayStore, CountersignLayer, LayerBuilder, StoreFuture};
use tower::{Layer as _, Service, ServiceExt as _};

use crate::support::{
    EVENTS, Inner, NOW, Server, grant, key, layer, mint, operations, routes, sign, sign_with, verifier,
};

async fn serve(layer: LayerBuilder) -> Server {
    Server::start_with(layer, |hits, layer| routes(hits).layer(layer)).await
}

/// A store behind a network that is this slow.
struct Slow(MemoryReplay, Duration);

impl AsyncReplayStore for Slow {
    fn record<'a>(&'a self, entry: &'a NonceEntry, now: UnixTime) -> StoreFuture<'a, ReplayOutcome> {
        Box::pin(async move {
            tokio::time::sleep(self.1).await;
            self.0.record(entry, now)
        })
    }
}

fn slow(delay: u64) -> Arc<Slow> {
    Arc::new(Slow(MemoryReplay::insecure_without_epoch(), Duration::from_millis(delay)))
}

#[tokio::test]
async fn waits_for_a_replay_store_up_to_its_limit() {
    let limit = Duration::from_millis(300);
    let server = serve(layer().async_replay(slow(20)).store_timeout(limit)).await;
    let request = sign("GET", EVENTS, b"").bytes();
    server.expect(&request, 200, None).await;
    server.expect(&request, 401, Some("replayed")).await;
    let server = serve(layer().async_replay(slow(5_000)).store_timeout(limit)).await;
    server.expect(&sign("GET", EVENTS, b"").bytes(), 503, Some("store_unavailable")).await;
    assert_eq!(server.hits(), 0);
}

#[tokio::test]
async fn the_default_store_refuses_what_is_older_than_itself() {
    let server = serve(CountersignLayer::builder(verifier(), operations()).clock(|| NOW)).await;
    server.expect(&sign("GET", EVENTS, b"").bytes(), 503, Some("store_unavailable")).await;
    assert_eq!(server.hits(), 0);
}

// spec: VF-35
#[tokio::test]
async fn refuses_a_budget_without_a_store() {
    let token = mint(&grant().budget("mail", "calls", 5, 0));
    let server = serve(layer().without_charges()).await;
    let request = sign_with(&token, &key("agent"), "GET", EVENTS, b"");
    let answer = server.expect(&request.bytes(), 503, Some("store_unavailable")).await;
    assert_eq!(answer.json()["code"], "unavailable");
    assert_eq!(server.hits(), 0);
}

/// One counter for everything.
#[derive(Default)]
struct OneCounter(Mutex<u64>, AtomicUsize);

impl AsyncChargeStore for OneCounter {
    fn charge<'a>(&'a self, set: &'a ChargeSet, _: UnixTime) -> StoreFuture<'a, ChargeOutcome> {
        let charges = &set.charges;
        self.1.fetch_add(1, Ordering::SeqCst);
        let mut spent = self.0.lock().unwrap();
        let over = charges.iter().position(|charge| *spent + charge.cost > charge.amount);
        let answer = match over {
            Some(index) => ChargeOutcome::Exceeded(index),
            None => {
                *spent += charges.iter().map(|charge| charge.cost).sum::<u64>();
                ChargeOutcome::Charged
            }
        };
        Box::pin(std::future::ready(answer))
    }
}

#[tokio::test]
async fn charges_what_was_allowed_and_nothing_else() {
    let store = Arc::new(OneCounter::default());
    let server = serve(layer().async_charges(Arc::clone(&store) as Arc<dyn AsyncChargeStore>)).await;
    let token = mint(&grant().budget("mail", "calls", 2, 3600));
    let request = |target| sign_with(&token, &key("agent"), "GET", target, b"").bytes();
    server.expect(&request(EVENTS), 200, None).await;
    server.expect(&request("/calendars/work/events"), 403, Some("right_missing")).await;
    server.expect(&request(EVENTS), 200, None).await;
    let answer = server.expect(&request(EVENTS), 429, Some("budget_exceeded")).await;
    let expected = serde_json::json!({"unit": "calls", "resets_at": "2026-11-23T18:00:00Z"});
    assert_eq!(answer.json()["budget"], expected);
    // A unit that the operation does not name is refused before the store is asked.
    let tokens = mint(&grant().budget("mail", "calls", 9, 0).budget("mail", "tokens", 9, 0));
    let asked = store.1.load(Ordering::SeqCst);
    let unnamed = sign_with(&tokens, &key("agent"), "GET", EVENTS, b"");
    server.expect(&unnamed.bytes(), 429, Some("budget_exceeded")).await;
    assert_eq!(store.1.load(Ordering::SeqCst), asked);
    // What no budget counts is not charged.
    server.expect(&sign("GET", EVENTS, b"").bytes(), 200, None).await;
    assert_eq!((*store.0.lock().unwrap(), server.hits()), (2, 3));
}

/// An inner service that counts how often it is asked for anything.
#[derive(Clone, Default)]
struct Counting(Arc<AtomicUsize>);

impl Service<Inner> for Counting {
    type Response = http::Response<http_body_util::Full<bytes::Bytes>>;
    type Error = std::convert::Infallible;
    type Future = std::future::Ready<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Self::Error>> {
        self.0.fetch_add(1, Ordering::SeqCst);
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Inner) -> Self::Future {
        self.0.fetch_add(1, Ordering::SeqCst);
        let (_, body) = request.into_parts();
        let bytes = body.bytes().cloned().unwrap();
        std::future::ready(Ok(http::Response::new(bytes.into())))
    }
}

#[tokio::test]
async fn a_refused_request_does_not_touch_the_inner_service() {
    let inner = Counting::default();
    let service = layer().build().layer(inner.clone());
    let request = |raw: &crate::support::Raw| {
        let mut request = http::Request::builder().uri(&raw.target);
        for (name, value) in &raw.fields {
            request = request.header(name, value);
        }
        request.body(http_body_util::Empty::<bytes::Bytes>::new()).unwrap()
    };
    let refused = service.clone().oneshot(request(&sign("GET", "/unmapped", b""))).await.unwrap();
    assert_eq!((refused.status(), inner.0.load(Ordering::SeqCst)), (http::StatusCode::FORBIDDEN, 0));
    let allowed = service.oneshot(request(&sign("GET", EVENTS, b""))).await.unwrap();
    assert_eq!((allowed.status(), inner.0.load(Ordering::SeqCst)), (http::StatusCode::OK, 2));
}
