//! A calendar behind the layer, and both kinds of clients for it.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn};
use axum::routing::{any, get};
use axum::{Json, Router};
use bytes::Bytes;
use countersign::key::SigningKey;
use countersign::time::UnixTime;
use countersign::token::{Grant, OpenToken, Right};
use countersign::verify::{self, MemoryReplay, OperationEntry, Operations, Verifier};
use countersign_testkit::keys::Key;
use countersign_tower::client::{RetryPolicy, Signer, SignerBuilder, SigningLayer, SigningService};
use countersign_tower::{AuditRecord, CountersignLayer, LayerBuilder};
use http::{HeaderMap, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tower::{Layer as _, ServiceExt as _};

pub(crate) const NOW: UnixTime = UnixTime(1_795_453_200);
pub(crate) const EVENTS: &str = "/calendars/primary/events";

pub(crate) type Hyper = Client<HttpConnector, Full<Bytes>>;

pub(crate) fn key(name: &str) -> SigningKey {
    SigningKey::from_seed(&Key::named(name).seed())
}

/// A client of hyper-util; `http2` from the first byte on, or HTTP/1.1.
pub(crate) fn hyper(http2: bool) -> Hyper {
    Client::builder(TokioExecutor::new()).http2_only(http2).build_http()
}

/// A service that runs, and what came to it.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    hits: Arc<AtomicUsize>,
    heads: Arc<Mutex<Vec<HeaderMap>>>,
    records: Arc<Mutex<Vec<AuditRecord>>>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// The calendar behind a layer that never heard of any nonce.
    pub(crate) async fn start() -> Self {
        Self::start_with(|layer| layer).await
    }

    pub(crate) async fn start_with(configure: impl FnOnce(LayerBuilder) -> LayerBuilder) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let records: Arc<Mutex<Vec<AuditRecord>>> = Arc::default();
        let sink = Arc::clone(&records);
        let verifier = Verifier::builder()
            .audience(&format!("http://{address}"))
            .authority(&address.to_string())
            .issuer("https://hub.example", [key("root").public()])
            .build();
        let layer = CountersignLayer::builder(Arc::new(verifier.unwrap()), operations())
            .clock(|| NOW)
            .replay(MemoryReplay::insecure_without_epoch())
            .audit(Arc::new(move |record: &AuditRecord| sink.lock().unwrap().push(record.clone())));
        let hits: Arc<AtomicUsize> = Arc::default();
        let routes = Router::new()
            .route("/calendars/{id}/events", get(echo).post(echo))
            .route("/down", any(down))
            .with_state(Arc::clone(&hits))
            .layer(configure(layer).build());
        Self::serve(listener, routes, hits, records)
    }

    /// Answers every request with a redirect to this URL.
    pub(crate) async fn redirecting(status: StatusCode, location: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let location = location.to_owned();
        let answer = move || async move { (status, [("location", location)]) };
        Self::serve(listener, Router::new().fallback(answer), Arc::default(), Arc::default())
    }

    fn serve(
        listener: TcpListener,
        routes: Router,
        hits: Arc<AtomicUsize>,
        records: Arc<Mutex<Vec<AuditRecord>>>,
    ) -> Self {
        let address = listener.local_addr().unwrap();
        let heads: Arc<Mutex<Vec<HeaderMap>>> = Arc::default();
        let seen = Arc::clone(&heads);
        // In front of everything: what was on the wire.
        let routes = routes.layer(from_fn(move |request: Request, next: Next| {
            seen.lock().unwrap().push(request.headers().clone());
            next.run(request)
        }));
        let task = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { address, hits, heads, records, task }
    }

    pub(crate) fn url(&self, target: &str) -> String {
        format!("http://{}{target}", self.address)
    }

    /// What Alice grants to calendar-bot here.
    pub(crate) fn grant(&self) -> Grant {
        Grant::new("https://hub.example", "alice@example.com", "calendar-bot", key("agent").public())
            .purpose("scheduling")
            .audience(&self.url(""))
            .valid(UnixTime(NOW.0 - 300), NOW.plus(3600))
            .right(Right { r#type: "calendar", location: "/calendars/primary", action: "read" })
            .right(Right { r#type: "calendar", location: "/calendars/primary", action: "write" })
    }

    pub(crate) fn token(&self) -> OpenToken {
        mint(&self.grant())
    }

    pub(crate) fn signer(&self) -> SignerBuilder {
        Signer::builder(self.token(), key("agent")).clock(|| NOW)
    }

    /// calendar-bot over HTTP/1.1, which waits no longer than it has to.
    pub(crate) fn client(&self) -> SigningService<Hyper> {
        layer(self.signer().build().unwrap()).layer(hyper(false))
    }

    /// How often a handler was reached.
    pub(crate) fn hits(&self) -> usize {
        self.hits.load(Ordering::SeqCst)
    }

    /// The fields of all requests so far.
    pub(crate) fn heads(&self) -> Vec<HeaderMap> {
        self.heads.lock().unwrap().clone()
    }

    /// The codes of all decisions so far; `allow` where there is none.
    pub(crate) fn codes(&self) -> Vec<String> {
        let records = self.records.lock().unwrap();
        let code = |record: &AuditRecord| record.decision.clone().unwrap().code.unwrap_or_else(|| "allow".into());
        records.iter().map(code).collect()
    }
}

pub(crate) fn mint(grant: &Grant) -> OpenToken {
    grant.sign(&key("root"), &key("next-0")).unwrap()
}

pub(crate) fn layer(signer: Signer) -> SigningLayer {
    SigningLayer::new(signer).retry(RetryPolicy::default().wait(Duration::from_millis(1)))
}

fn operations() -> Operations {
    let entry = |method: &str, path: &str, action: &str| OperationEntry {
        method: method.into(),
        path: path.into(),
        r#type: "calendar".into(),
        resource: if path.contains("{id}") { "/calendars/{id}" } else { "/calendars/primary" }.into(),
        action: action.into(),
    };
    Operations::table([
        entry("GET", "/calendars/{id}/events", "read"),
        entry("POST", "/calendars/{id}/events", "write"),
        entry("GET", "/down", "read"),
    ])
    .unwrap()
}

/// Says what a handler sees.
async fn echo(State(hits): State<Arc<AtomicUsize>>, request: Request) -> Json<Value> {
    hits.fetch_add(1, Ordering::SeqCst);
    let version = format!("{:?}", request.version());
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let authorized = parts.extensions.get::<Arc<verify::Authorized>>().unwrap();
    Json(json!({
        "user": authorized.chain().claims().user(),
        "blocks": authorized.chain().claims().block_count(),
        "covered": authorized.covered().collect::<Vec<_>>(),
        "version": version,
        "body": String::from_utf8(body.to_vec()).unwrap(),
    }))
}

/// An application with a fault of its own.
async fn down(State(hits): State<Arc<AtomicUsize>>) -> (StatusCode, [(&'static str, &'static str); 2]) {
    hits.fetch_add(1, Ordering::SeqCst);
    (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "0"), ("www-authenticate", "Bearer error=\"unavailable\"")])
}

pub(crate) fn get_request(url: &str) -> http::Request<Full<Bytes>> {
    http::Request::get(url).body(Full::default()).unwrap()
}

pub(crate) fn post_request(url: &str, body: &'static str) -> http::Request<Full<Bytes>> {
    let request = http::Request::post(url).header("content-type", "application/json");
    request.body(Full::from(body)).unwrap()
}

/// Sends; status and body of the answer.
pub(crate) async fn send<B>(client: &SigningService<Hyper>, request: http::Request<B>) -> (u16, Value)
where
    B: http_body::Body<Error: Into<countersign_tower::client::BoxError>> + Send + 'static,
    B::Data: Send,
{
    let answer = client.clone().oneshot(request).await.unwrap();
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

/// A body whose length nobody announces.
pub(crate) struct Chunks(pub(crate) VecDeque<&'static str>);

impl http_body::Body for Chunks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|chunk| Ok(Frame::data(Bytes::from_static(chunk.as_bytes())))))
    }
}

/// The value of a parameter of our signature.
pub(crate) fn parameter(head: &HeaderMap, name: &str) -> String {
    let input = head["signature-input"].to_str().unwrap();
    let (_, value) = input.split_once(&format!(";{name}=")).unwrap();
    value.split(';').next().unwrap().to_owned()
}
