//! Bodies that are longer than what is held in memory.

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::handler::Handler;
use axum::routing::post;
use bytes::Bytes;
use countersign::request::SignRequest;
use countersign::token::{OpenToken, Restriction};
use countersign::verify::{MemoryReplay, Verifier};
use countersign_tower::{CountersignLayer, LayerBuilder, VerifiedBody};
use http_body::Body as _;
use http_body_util::{BodyExt as _, Full};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tower::{Layer as _, ServiceExt as _};

use crate::support::{EVENTS, Hits, Inner, NOW, Raw, SERVICE, Server, grant, key, mint, nonce, operations};

const MIB: usize = 1 << 20;

/// A layer that takes bodies of up to 16 MiB and writes long ones here.
fn spooling(directory: &Path) -> LayerBuilder {
    let verifier = Verifier::builder()
        .audience(SERVICE)
        .authority("calendar.example.com")
        .issuer("https://hub.example", [key("root").public()])
        .max_body(16 << 20)
        .build();
    CountersignLayer::builder(Arc::new(verifier.unwrap()), operations())
        .clock(|| NOW)
        .replay(MemoryReplay::insecure_without_epoch())
        .spool_directory(directory)
}

/// Bytes that tell if any of them is lost, doubled or moved.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| u8::try_from((at ^ (at >> 8) ^ (at >> 16)) & 0xff).unwrap()).collect()
}

/// Reads the body frame by frame, and says how long it was.
async fn receive(State(hits): State<Hits>, request: Request) -> String {
    hits.fetch_add(1, Ordering::SeqCst);
    let mut body = request.into_body();
    let expected = pattern(usize::try_from(body.size_hint().exact().unwrap()).unwrap());
    let mut at = 0;
    while let Some(frame) = body.frame().await {
        let data = frame.unwrap().into_data().unwrap();
        assert_eq!(data, expected[at..at + data.len()]);
        at += data.len();
    }
    assert_eq!(at, expected.len());
    at.to_string()
}

async fn serve(layer: LayerBuilder) -> Server {
    serve_with(layer, receive).await
}

async fn serve_with<T: 'static>(layer: LayerBuilder, handler: impl Handler<T, Hits>) -> Server {
    let app = |hits: &Hits, layer| {
        Router::new()
            .route("/calendars/{id}/events", post(handler))
            .with_state(Arc::clone(hits))
            .layer(axum::extract::DefaultBodyLimit::disable())
            .layer(layer)
    };
    Server::start_with(layer, app).await
}

/// A signed POST with a body of this length, which nothing reads arguments from.
fn request(length: usize) -> Raw {
    signed(&mint(&grant()), "application/octet-stream", pattern(length))
}

fn signed(token: &OpenToken, media_type: &str, body: Vec<u8>) -> Raw {
    let (sealed, url) = (token.seal().unwrap(), format!("{SERVICE}{EVENTS}"));
    let request = SignRequest::new("POST", &url, &sealed).created(NOW, nonce());
    let fields = request.field("content-type", media_type).body(&body).sign(&key("agent")).unwrap();
    let lines = fields.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Raw { method: "POST".to_owned(), target: EVENTS.to_owned(), fields: lines, body }
}

/// Files of the directory that this process holds open, with or without a name.
#[cfg(target_os = "linux")]
fn open_files(directory: &Path) -> usize {
    let open = std::fs::read_dir("/proc/self/fd").unwrap();
    open.filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok())
        .filter(|to| to.starts_with(directory))
        .count()
}

fn names(directory: &Path) -> usize {
    std::fs::read_dir(directory).unwrap().count()
}

pub(crate) async fn until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..2000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(holds(), "never: {what}");
}

// spec: RQ-51
#[tokio::test]
async fn hands_a_long_body_on_when_its_digest_matched_and_never_otherwise() {
    let directory = tempfile::tempdir().unwrap();
    let server = serve(spooling(directory.path())).await;
    for request in [request(8 * MIB).bytes(), request(MIB + 1).chunked("")] {
        server.expect(&request, 200, None).await;
    }
    assert_eq!(server.hits(), 2);
    for at in [0, 4 * MIB, 8 * MIB - 1] {
        let mut altered = request(8 * MIB);
        altered.body[at] ^= 1;
        server.expect(&altered.bytes(), 401, Some("digest_mismatch")).await;
    }
    let mut altered = request(MIB);
    altered.body[MIB - 1] ^= 1;
    server.expect(&altered.chunked(""), 401, Some("digest_mismatch")).await;
    let mut cut = request(MIB);
    cut.body.truncate(MIB - 1);
    server.expect(&cut.chunked(""), 401, Some("digest_mismatch")).await;
    server.expect(&request(MIB).chunked("x-late: 1\r\n"), 401, Some("trailer_rejected")).await;
    server.expect(&request((16 << 20) + 1).bytes(), 401, Some("body_too_large")).await;
    assert_eq!(server.hits(), 2);
    assert_eq!(names(directory.path()), 0);
    #[cfg(target_os = "linux")]
    until("all files are closed", || open_files(directory.path()) == 0).await;
}

#[tokio::test]
async fn holds_what_fits_in_memory_and_no_more() {
    // Nothing can be written here, so what is let through was held in memory.
    let server = serve(spooling(Path::new("/nonexistent/countersign")).body_memory(1000)).await;
    server.expect(&request(1000).bytes(), 200, None).await;
    server.expect(&request(1000).chunked(""), 200, None).await;
    assert_eq!(server.hits(), 2);
    // spec: RQ-51
    let answer = server.expect(&request(1001).bytes(), 503, Some("store_unavailable")).await;
    assert_eq!(answer.json()["code"], "unavailable");
    let record = server.records().pop().unwrap();
    assert_eq!((record.detail, record.decision.unwrap().stage), ("body can't be spooled to a file", Some(9)));
    assert_eq!(server.hits(), 2);
}

// spec: CK-28
#[tokio::test]
async fn reads_arguments_from_a_body_that_was_spooled() {
    let directory = tempfile::tempdir().unwrap();
    let server = serve_with(spooling(directory.path()).body_memory(1000), count).await;
    let to = |names: &[&str]| Restriction::ArgIn("/to".into(), names.iter().map(|name| (*name).into()).collect());
    let token = mint(&grant()).restrict(&[to(&["bob@example.com"])], &key("next-1")).unwrap();
    let lines = vec!["a".repeat(4000); 100];
    let body = |to: &str| serde_json::json!({"to": to, "lines": lines}).to_string().into_bytes();
    let allowed = signed(&token, "application/json", body("bob@example.com"));
    let answer = server.expect(&allowed.bytes(), 200, None).await;
    assert_eq!(answer.body, allowed.body.len().to_string());
    let denied = signed(&token, "application/json", body("eve@example.com"));
    server.expect(&denied.bytes(), 403, Some("check_failed")).await;
    let twice = [b"{\"to\":\"bob@example.com\",".as_slice(), &body("bob@example.com")[1..]].concat();
    server.expect(&signed(&token, "application/json", twice).bytes(), 403, Some("body_ambiguous")).await;
    // Longer than what arguments are read from: the restriction can't be held against it.
    let mut long = body("bob@example.com");
    long.extend(vec![b' '; MIB]);
    server.expect(&signed(&token, "application/json", long).bytes(), 403, Some("check_error")).await;
    assert_eq!(server.hits(), 1);
}

/// Says how long the body was.
async fn count(State(hits): State<Hits>, request: Request) -> String {
    hits.fetch_add(1, Ordering::SeqCst);
    request.into_body().collect().await.unwrap().to_bytes().len().to_string()
}

#[tokio::test]
async fn serves_many_long_bodies_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let server = serve(spooling(directory.path()).body_memory(10_000)).await;
    let mut sending = tokio::task::JoinSet::new();
    for number in 0..32_usize {
        let mut request = request(300_000 + number);
        let good = number % 4 != 0;
        if !good {
            request.body[number * 1000] ^= 1;
        }
        let address = server.address;
        sending.spawn(async move { (good, number, crate::support::exchange(address, &request.bytes()).await) });
    }
    while let Some(done) = sending.join_next().await {
        let (good, number, answer) = done.unwrap();
        assert_eq!(answer.status, if good { 200 } else { 401 }, "{number}: {}", answer.body);
        assert!(!good || answer.body == (300_000 + number).to_string());
    }
    assert_eq!(server.hits(), 24);
    assert_eq!(names(directory.path()), 0);
}

/// Sends the head and a part of the body.
async fn send_part(server: &Server, bytes: &[u8], part: usize) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(&bytes[..part]).await.unwrap();
    stream
}

// spec: RQ-51
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_request_that_breaks_off_leaves_no_file_and_gives_back_its_room() {
    let directory = tempfile::tempdir().unwrap();
    let server = serve(spooling(directory.path()).spool_limit(9 << 20).spool_quota(9 << 20)).await;
    let long = request(8 * MIB).bytes();
    for _ in 0..3 {
        let half = send_part(&server, &long, 5 * MIB).await;
        until("the file is open", || open_files(directory.path()) == 1).await;
        assert_eq!(names(directory.path()), 0, "the file has no name");
        // While the half of it is there, another long one does not fit.
        until("the half is written", || spooled(directory.path()) > 4 << 20).await;
        server.expect(&request(8 * MIB).bytes(), 503, Some("store_unavailable")).await;
        drop(half);
        until("the file is closed", || open_files(directory.path()) == 0).await;
    }
    assert_eq!(server.hits(), 0);
    server.expect(&long, 200, None).await;
    server.expect(&request(9 * MIB).bytes(), 200, None).await;
    let record = server.expect(&request(9 * MIB + 1).bytes(), 503, Some("store_unavailable")).await;
    assert_eq!(record.json()["code"], "unavailable");
    assert_eq!(server.records().pop().unwrap().detail, "no room to spool the body");
}

/// How much the open files of the directory hold.
#[cfg(target_os = "linux")]
pub(crate) fn spooled(directory: &Path) -> u64 {
    let open = std::fs::read_dir("/proc/self/fd").unwrap().map(|entry| entry.unwrap().path());
    let ours = open.filter(|fd| std::fs::read_link(fd).is_ok_and(|to| to.starts_with(directory)));
    ours.filter_map(|fd| std::fs::metadata(fd).ok()).map(|file| file.len()).sum()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn files_are_readable_to_their_user_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let server = serve(spooling(directory.path())).await;
    let half = send_part(&server, &request(MIB).bytes(), MIB / 2).await;
    until("the file is open", || open_files(directory.path()) == 1).await;
    let open = std::fs::read_dir("/proc/self/fd").unwrap().map(|entry| entry.unwrap().path());
    let ours = open.filter(|fd| std::fs::read_link(fd).is_ok_and(|to| to.starts_with(directory.path())));
    let modes: Vec<u32> = ours.map(|fd| std::fs::metadata(fd).unwrap().permissions().mode() & 0o777).collect();
    assert_eq!(modes, [0o600]);
    drop(half);
}

/// What an inner service that is no router makes of a body.
async fn answer_of<F, T>(directory: &Path, length: usize, inner: F) -> Bytes
where
    F: FnOnce(VerifiedBody) -> T + Clone + Send + 'static,
    T: Future<Output = String> + Send,
{
    let inner = tower::service_fn(move |request: Inner| {
        let answer = inner.clone()(request.into_body());
        async move { Ok::<_, Infallible>(http::Response::new(Full::new(Bytes::from(answer.await)))) }
    });
    let raw = request(length);
    let mut request = http::Request::builder().method("POST").uri(&raw.target);
    for (name, value) in &raw.fields {
        request = request.header(name, value);
    }
    let request = request.body(Full::new(Bytes::from(raw.body))).unwrap();
    let answer = spooling(directory).body_memory(1000).build().layer(inner).oneshot(request).await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.into_body().collect().await.unwrap().to_bytes()
}

#[tokio::test]
async fn says_what_is_in_memory_and_reads_the_rest_up_to_a_limit() {
    let directory = tempfile::tempdir().unwrap();
    let seen = |body: &VerifiedBody| format!("{} {:?}", body.len(), body.bytes().map(Bytes::len));
    let short = answer_of(directory.path(), 1000, move |body| async move { seen(&body) }).await;
    assert_eq!(short, "1000 Some(1000)");
    let long = answer_of(directory.path(), 300_001, move |body| async move {
        let before = seen(&body);
        let all = body.into_bytes(300_001).await.unwrap();
        format!("{before} {}", all == pattern(300_001))
    });
    assert_eq!(long.await, "300001 None true");
    let limited = answer_of(directory.path(), 300_001, |body| async {
        format!("{:?}", body.into_bytes(300_000).await.unwrap_err().kind())
    });
    assert_eq!(limited.await, "FileTooLarge");
    let part = answer_of(directory.path(), 300_001, move |mut body| async move {
        let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
        let rest = body.into_bytes(300_001).await.unwrap();
        format!("{}", [first, rest].concat() == pattern(300_001))
    });
    assert_eq!(part.await, "true");
}
