//! Every vector of `test-vectors/` through the layer: as requests of the `http` crate, and as bytes on a socket.
//!
//! What the types or the server can't hand on unchanged is listed here by name, with what becomes of it, and counted.

use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use countersign::from_base64url;
use countersign::request::Message;
use countersign::verify::{Decision, MemoryCharges, MemoryReplay};
use countersign_testkit::format::{Outcome, Vector};
use countersign_testkit::runner;
use countersign_testkit::setup::Setup;
use countersign_tower::{AuditRecord, CountersignLayer};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version};
use http_body::Frame;
use tokio::net::TcpListener;
use tower::ServiceExt as _;

use crate::support::exchange;

/// The types of `http` hold no such message, so no layer can get one. All are to be refused.
const NOT_IN_HTTP_TYPES: &[&str] = &[
    "request/field-named-method",
    "request/field-name-space",
    "request/field-name-not-ascii",
    "request/field-name-quote",
    "request/value-bare-lf",
    "request/value-bare-cr",
    "request/value-nul",
    "request/value-folded",
    "request/value-delete",
    "request/value-control",
    "request/covered-value-folded",
    "request/method-not-token",
    "request/target-relative",
    "request/target-fragment",
    "request/target-tab",
    "request/h2-authority-empty",
    "verify/path-backtick",
    "verify/path-less-than",
];

/// Hyper answers these itself with 400 or 431; the last is answered by the layer without a decision, since there is no
/// chunked body where hyper looks for one. All are to be refused.
const REFUSED_BY_HYPER: &[&str] = &[
    "request/lines-129",
    "request/field-named-method",
    "request/field-name-space",
    "request/field-name-not-ascii",
    "request/field-name-quote",
    "request/value-bare-cr",
    "request/value-nul",
    "request/value-folded",
    "request/value-delete",
    "request/value-control",
    "request/covered-value-folded",
    "request/method-not-token",
    "request/target-relative",
    "request/target-tab",
    "verify/path-backtick",
    "verify/path-less-than",
    "request/content-length-and-chunked",
];

/// Hyper takes at most 100 field lines, where `spec/request.md` allows 128.
const REFUSED_BY_HYPER_THOUGH_ALLOWED: &[&str] = &["request/lines-128"];

/// Hyper repairs these before the layer sees them, and this is the code then. It ends a line at a bare LF (what follows
/// is a field of its own, which nobody covered, and is taken away), cuts a fragment off the target, and drops a second
/// `Content-Length` of the same value.
const REPAIRED_BY_HYPER: &[(&str, Option<&str>)] = &[
    ("request/value-bare-lf", None),
    ("request/target-fragment", Some("signature_invalid")),
    ("request/content-length-twice", None),
];

fn vectors() -> Vec<Vector> {
    runner::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../test-vectors")).unwrap()
}

/// The layer of a vector, and the records of its audit.
struct Service {
    app: Router,
    records: Arc<Mutex<Vec<AuditRecord>>>,
}

impl Service {
    fn new(vector: &Vector) -> Self {
        let Setup { verifier, operations, revocations, now } = Setup::of(vector);
        let records: Arc<Mutex<Vec<AuditRecord>>> = Arc::default();
        let sink = Arc::clone(&records);
        let layer = CountersignLayer::builder(Arc::new(verifier), operations)
            .clock(move || now)
            .revocations(Arc::new(revocations))
            .replay(MemoryReplay::insecure_without_epoch())
            .charges(MemoryCharges::insecure_without_epoch())
            .audit(Arc::new(move |record: &AuditRecord| sink.lock().unwrap().push(record.clone())))
            .build();
        Self { app: Router::new().fallback(|| async { "reached" }).layer(layer), records }
    }

    /// What was decided about the last request; nothing where it did not get here.
    fn decision(&self, status: u16) -> Option<Decision> {
        let decision = self.records.lock().unwrap().pop()?.decision?;
        assert_eq!(decision.decision == "allow", status == 200, "{status}: {decision:?}");
        Some(decision)
    }
}

/// The message in the types of `http`, every field line as it is; `None` where they can't hold it unchanged.
pub(crate) fn in_http_types(bytes: &[u8], authority: Option<&str>) -> Option<Request<Body>> {
    let message = Message::parse(bytes).unwrap();
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    // A folded line is one that does not begin a field, or a bad one, and is in no `HeaderValue`.
    let mut lines = bytes_lines(&bytes[..end]);
    let mut words = lines.next().unwrap().split(|byte| *byte == b' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let mut uri = Uri::try_from(target).ok().filter(|uri| uri.to_string().as_bytes() == target)?;
    if let Some(authority) = authority {
        let mut parts = uri.into_parts();
        parts.scheme = Some("https".parse().unwrap());
        parts.authority = Some(authority.parse().ok()?);
        uri = Uri::from_parts(parts).unwrap();
    }
    let mut headers = HeaderMap::new();
    for line in lines {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
        let value = &line[colon + 1..];
        let start = value.iter().position(|byte| !blank(byte)).unwrap_or(value.len());
        let end = value.iter().rposition(|byte| !blank(byte)).map_or(start, |last| last + 1);
        let value = &value[start..end];
        headers.append(HeaderName::from_bytes(&line[..colon]).ok()?, HeaderValue::from_bytes(value).ok()?);
    }
    let mut frames = Vec::new();
    if !message.body().is_empty() {
        frames.push(Frame::data(Bytes::copy_from_slice(message.body())));
    }
    if message.has_trailers() {
        let trailer = [(HeaderName::from_static("x-trailer"), HeaderValue::from_static("1"))];
        frames.push(Frame::trailers(trailer.into_iter().collect()));
    }
    let body = match frames.is_empty() {
        true => Body::empty(),
        false => Body::new(Frames(frames.into_iter())),
    };
    let mut request = Request::new(body);
    *request.method_mut() = Method::from_bytes(method).ok()?;
    *request.uri_mut() = uri;
    *request.version_mut() = if authority.is_some() { Version::HTTP_2 } else { Version::HTTP_11 };
    *request.headers_mut() = headers;
    Some(request)
}

fn bytes_lines(mut rest: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let end = rest.windows(2).position(|two| two == b"\r\n");
        let line = rest.get(..end.unwrap_or(rest.len())).filter(|line| !line.is_empty())?;
        rest = end.map_or(&[], |end| &rest[end + 2..]);
        Some(line)
    })
}

/// Frames one by one, with no length announced beside the head's.
struct Frames(std::vec::IntoIter<Frame<Bytes>>);

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        std::task::Poll::Ready(self.0.next().map(Ok))
    }
}

/// Runs the requests before, then the vector's own, each by `send`, which says nothing where a request got nowhere.
async fn run<F: AsyncFn(&Service, &[u8], Option<&str>) -> Option<Decision>>(
    vector: &Vector,
    send: F,
) -> Result<Option<Decision>, String> {
    let service = Service::new(vector);
    for (requests, expected) in [(&vector.input.before, "allow"), (&vector.input.before_denied, "deny")] {
        for request in requests {
            let decision = send(&service, &from_base64url(request).unwrap(), None).await;
            if decision.as_ref().is_none_or(|decision| decision.decision != expected) {
                return Err(format!("{}: a request before it is {decision:?}", vector.id));
            }
        }
    }
    let bytes = from_base64url(&vector.input.request_b64u).unwrap();
    Ok(send(&service, &bytes, vector.input.authority.as_deref()).await)
}

/// What became of the vectors.
#[derive(Default)]
struct Report {
    decided: usize,
    refused: Vec<String>,
    refused_though_allowed: Vec<String>,
    failures: Vec<String>,
}

impl Report {
    fn add(&mut self, vector: &Vector, outcome: Result<Option<Decision>, String>) {
        match outcome {
            Ok(Some(decision)) => match runner::compare(vector, &serde_json::to_value(&decision).unwrap()) {
                Ok(()) => self.decided += 1,
                Err(failure) => self.failures.push(failure),
            },
            Ok(None) if vector.expect.result == Outcome::Deny => self.refused.push(vector.id.clone()),
            Ok(None) => self.refused_though_allowed.push(vector.id.clone()),
            Err(failure) => self.failures.push(failure),
        }
    }

    /// Holds what got nowhere to the list of it, in whatever order the files stand.
    fn expect(mut self, refused: &[&str], refused_though_allowed: &[&str]) {
        assert!(self.failures.is_empty(), "{}", self.failures.join("\n"));
        self.refused.sort_unstable();
        let mut expected = refused.to_vec();
        expected.sort_unstable();
        assert_eq!(self.refused, expected);
        assert_eq!(self.refused_though_allowed, refused_though_allowed);
    }
}

#[tokio::test]
async fn the_layer_decides_every_vector_that_http_types_hold() {
    let mut report = Report::default();
    for vector in &vectors() {
        let outcome = run(vector, async |service, bytes, authority| {
            let request = in_http_types(bytes, authority)?;
            let answer = service.app.clone().oneshot(request).await.unwrap();
            service.decision(answer.status().as_u16())
        });
        report.add(vector, outcome.await);
    }
    println!("{} vectors decided by the layer; {} not in http types:", report.decided, report.refused.len());
    println!("  {}", report.refused.join("\n  "));
    report.expect(NOT_IN_HTTP_TYPES, &[]);
}

#[tokio::test]
async fn the_layer_decides_every_vector_that_hyper_hands_on() {
    let (mut report, mut repaired, mut http2) = (Report::default(), Vec::new(), 0);
    for vector in &vectors() {
        if vector.input.authority.is_some() {
            http2 += 1;
            continue;
        }
        let outcome = run(vector, async |service, bytes, _| {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let (address, app) = (listener.local_addr().unwrap(), service.app.clone());
            let task = tokio::spawn(async move { axum::serve(listener, app).await });
            let answer = exchange(address, bytes).await;
            task.abort();
            let decision = service.decision(answer.status);
            assert!(decision.is_some() || matches!(answer.status, 400 | 431), "{answer:?}");
            decision
        });
        match REPAIRED_BY_HYPER.iter().find(|(id, _)| *id == vector.id) {
            None => report.add(vector, outcome.await),
            Some((id, expected)) => {
                let decision = outcome.await.unwrap().unwrap();
                assert_eq!(decision.code.as_deref(), *expected, "{id}");
                repaired.push(format!("{id}: {}", decision.code.as_deref().unwrap_or("allowed")));
            }
        }
    }
    println!("{} vectors decided behind hyper; {http2} of HTTP/2 left to the other test", report.decided);
    println!("{} refused by hyper itself:\n  {}", report.refused.len(), report.refused.join("\n  "));
    println!("allowed ones that hyper refuses:\n  {}", report.refused_though_allowed.join("\n  "));
    println!("repaired by hyper:\n  {}", repaired.join("\n  "));
    assert_eq!(repaired.len(), REPAIRED_BY_HYPER.len());
    report.expect(REFUSED_BY_HYPER, REFUSED_BY_HYPER_THOUGH_ALLOWED);
}
