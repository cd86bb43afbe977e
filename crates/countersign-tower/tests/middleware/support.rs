//! A calendar service on a loopback port, and a client that writes bytes.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::routing::get;
use axum::{Json, Router};
use countersign::key::SigningKey;
use countersign::request::SignRequest;
use countersign::time::UnixTime;
use countersign::token::{Grant, OpenToken, Right};
use countersign::verify::{self, MemoryReplay, OperationEntry, Operations, Verifier};
use countersign_testkit::keys::Key;
use countersign_tower::{
    AuditRecord, Authorized, CountersignLayer, LayerBuilder, OperationType, TraceId, VerifiedBody,
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

pub(crate) const NOW: UnixTime = UnixTime(1_795_453_200);
pub(crate) const SERVICE: &str = "https://calendar.example.com";
pub(crate) const EVENTS: &str = "/calendars/primary/events";

pub(crate) fn key(name: &str) -> SigningKey {
    SigningKey::from_seed(&Key::named(name).seed())
}

/// What Alice grants to calendar-bot.
pub(crate) fn grant() -> Grant {
    Grant::new("https://hub.example", "alice@example.com", "calendar-bot", key("agent").public())
        .purpose("scheduling")
        .audience(SERVICE)
        .valid(UnixTime(NOW.0 - 300), NOW.plus(3600))
        .right(Right { r#type: "calendar", location: "/calendars/primary", action: "read" })
        .right(Right { r#type: "calendar", location: "/calendars/primary", action: "write" })
        .delegation_depth(1)
}

pub(crate) fn mint(grant: &Grant) -> OpenToken {
    grant.sign(&key("root"), &key("next-0")).unwrap()
}

/// A request in pieces, so that a test can change one of them after it was signed.
#[derive(Clone)]
pub(crate) struct Raw {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Raw {
    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.fields.retain(|(known, _)| known != name);
        self.push(name, value)
    }

    pub(crate) fn push(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn field(&self, name: &str) -> &str {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str()).unwrap()
    }

    /// The message with `Content-Length`, where there is a body.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let length = format!("content-length: {}\r\n", self.body.len());
        self.with(if self.body.is_empty() { "" } else { &length }, &self.body)
    }

    /// The message in chunks of at most 7 bytes, and with these trailers.
    pub(crate) fn chunked(&self, trailers: &str) -> Vec<u8> {
        let mut body = Vec::new();
        for chunk in self.body.chunks(7) {
            body.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            body.extend_from_slice(chunk);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("0\r\n{trailers}\r\n").as_bytes());
        self.with("transfer-encoding: chunked\r\n", &body)
    }

    fn with(&self, framing: &str, body: &[u8]) -> Vec<u8> {
        let mut bytes = format!("{} {} HTTP/1.1\r\n", self.method, self.target).into_bytes();
        for (name, value) in &self.fields {
            bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        bytes.extend_from_slice(framing.as_bytes());
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(body);
        bytes
    }
}

/// A nonce that no other call of this process has.
pub(crate) fn nonce() -> Vec<u8> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    [NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes(), [7; 8]].concat()
}

/// Signs with this token by this key.
pub(crate) fn sign_with(token: &OpenToken, holder: &SigningKey, method: &str, target: &str, body: &[u8]) -> Raw {
    sign_fields(token, holder, method, target, body, &[])
}

pub(crate) fn sign_fields(
    token: &OpenToken,
    holder: &SigningKey,
    method: &str,
    target: &str,
    body: &[u8],
    extra: &[(&str, &str)],
) -> Raw {
    let (sealed, url) = (token.seal().unwrap(), format!("{SERVICE}{target}"));
    let mut request = SignRequest::new(method, &url, &sealed).created(NOW, nonce());
    if !body.is_empty() {
        request = request.field("content-type", "application/json").body(body);
    }
    for (name, value) in extra {
        request = request.field(name, value);
    }
    let fields = request.sign(holder).unwrap();
    Raw {
        method: method.to_owned(),
        target: fields.target().to_owned(),
        fields: fields.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        body: body.to_vec(),
    }
}

/// Signs as calendar-bot does.
pub(crate) fn sign(method: &str, target: &str, body: &[u8]) -> Raw {
    sign_with(&mint(&grant()), &key("agent"), method, target, body)
}

pub(crate) fn entry(method: &str, path: &str, action: &str) -> OperationEntry {
    OperationEntry::new(method, path, "calendar", "/calendars/{id}", action)
}

pub(crate) fn operations() -> Operations {
    Operations::table([
        entry("GET", "/calendars/{id}/events", "read"),
        entry("POST", "/calendars/{id}/events", "write"),
        entry("GET", "/v1/calendars/{id}/events", "read"),
    ])
    .unwrap()
}

pub(crate) fn verifier() -> Arc<Verifier> {
    let verifier = Verifier::builder()
        .audience(SERVICE)
        .authority("calendar.example.com")
        .issuer("https://hub.example", [key("root").public()])
        .max_body(1000)
        .build();
    Arc::new(verifier.unwrap())
}

pub(crate) fn layer() -> LayerBuilder {
    CountersignLayer::builder(verifier(), operations()).clock(|| NOW).replay(MemoryReplay::insecure_without_epoch())
}

pub(crate) struct Read;

impl OperationType for Read {
    const TYPE: &'static str = "calendar";
    const ACTION: &'static str = "read";
}

pub(crate) struct Write;

impl OperationType for Write {
    const TYPE: &'static str = "calendar";
    const ACTION: &'static str = "write";
}

/// How often a handler was reached.
pub(crate) type Hits = Arc<AtomicUsize>;

/// Says what a handler sees.
pub(crate) async fn echo(State(hits): State<Hits>, request: Request) -> Json<Value> {
    hits.fetch_add(1, Ordering::SeqCst);
    let (parts, body) = request.into_parts();
    let body: Bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let names: Vec<&str> = parts.headers.keys().map(|name| name.as_str()).collect();
    let authorized = parts.extensions.get::<Arc<verify::Authorized>>().unwrap();
    Json(json!({
        "user": authorized.chain().claims().user(),
        "agents": authorized.chain().claims().agents().map(|agent| agent.name.to_owned()).collect::<Vec<_>>(),
        "covered": authorized.covered().collect::<Vec<_>>(),
        "trace": parts.extensions.get::<TraceId>().unwrap().to_string(),
        "fields": names,
        "body": String::from_utf8(body.to_vec()).unwrap(),
    }))
}

async fn read(_: Authorized<Read>, hits: State<Hits>, request: Request) -> Json<Value> {
    echo(hits, request).await
}

async fn write(_: Authorized<Write>, hits: State<Hits>, request: Request) -> Json<Value> {
    echo(hits, request).await
}

pub(crate) fn routes(hits: &Hits) -> Router {
    Router::new()
        .route("/calendars/{id}/events", get(read).post(write))
        .route("/unmapped", get(echo))
        .fallback(echo)
        .with_state(Arc::clone(hits))
}

/// A service that runs, and what was seen of it.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) hits: Hits,
    records: Arc<Mutex<Vec<AuditRecord>>>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// The calendar behind a layer.
    pub(crate) async fn start() -> Self {
        Self::start_with(layer(), |hits, layer| routes(hits).layer(layer)).await
    }

    pub(crate) async fn start_with(layer: LayerBuilder, app: impl FnOnce(&Hits, CountersignLayer) -> Router) -> Self {
        let records: Arc<Mutex<Vec<AuditRecord>>> = Arc::default();
        let sink = Arc::clone(&records);
        let layer = layer.audit(Arc::new(move |record: &AuditRecord| sink.lock().unwrap().push(record.clone())));
        let hits = Hits::default();
        let app = app(&hits, layer.build());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { address, hits, records, task }
    }

    pub(crate) async fn send(&self, bytes: &[u8]) -> Answer {
        exchange(self.address, bytes).await
    }

    /// Sends, and holds the answer to the decision that the audit saw.
    pub(crate) async fn expect(&self, bytes: &[u8], status: u16, code: Option<&str>) -> Answer {
        let before = self.records().len();
        let answer = self.send(bytes).await;
        let records = self.records();
        assert_eq!(records.len(), before + 1, "one record for one request; the answer was {answer:?}");
        let decision = records[before].decision.clone().unwrap();
        assert_eq!((answer.status, decision.code.as_deref()), (status, code), "{}", answer.body);
        assert_eq!(decision.decision, if code.is_some() { "deny" } else { "allow" });
        answer
    }

    pub(crate) fn records(&self) -> Vec<AuditRecord> {
        self.records.lock().unwrap().clone()
    }

    pub(crate) fn hits(&self) -> usize {
        self.hits.load(Ordering::SeqCst)
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// One request, one answer, one connection. The answer may come before all bytes are written.
pub(crate) async fn exchange(address: SocketAddr, bytes: &[u8]) -> Answer {
    let all = async {
        let stream = TcpStream::connect(address).await.unwrap();
        let (mut read, mut write) = stream.into_split();
        let (bytes, head_only) = (bytes.to_vec(), bytes.starts_with(b"HEAD "));
        // Not closed before the answer is there: a server takes that for a client that went away.
        let writing = tokio::spawn(async move {
            let _ = write.write_all(&bytes).await;
            write
        });
        let mut received = Vec::new();
        let mut buffer = [0; 4096];
        let answer = loop {
            if let Some(answer) = parse(&received, head_only) {
                break answer;
            }
            let count = read.read(&mut buffer).await.unwrap();
            assert!(count > 0, "closed without a whole answer: {}", String::from_utf8_lossy(&received));
            received.extend_from_slice(&buffer[..count]);
        };
        writing.abort();
        answer
    };
    tokio::time::timeout(Duration::from_secs(20), all).await.unwrap()
}

fn parse(bytes: &[u8], head_only: bool) -> Option<Answer> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let answer = Answer { status, head, body: String::new() };
    let length = answer.field("content-length").filter(|_| !head_only);
    let length: usize = length.map_or(0, |length| length.parse().unwrap());
    let body = bytes.get(end + 4..end + 4 + length)?;
    Some(Answer { body: String::from_utf8(body.to_vec()).unwrap(), ..answer })
}

/// For tests without a router: what the inner service was given.
pub(crate) type Inner = http::Request<VerifiedBody>;
