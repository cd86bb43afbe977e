//! Every vector of `test-vectors/` through the layer: as requests of the `http` crate, and as bytes on a socket.
//!
//! What the types or the server can't hand on unchanged is listed here by name, with what becomes of it, and counted.

use std::cell::RefCell;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use countersign::from_base64url;
use countersign::request::Message;
use countersign::verify::{Decision, MemoryCharges, MemoryReplay};
use countersign_testkit::format::Vector;
use countersign_testkit::runner::{self, Answer, Implementation, Ran};
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
async fn decide<F: AsyncFn(&Service, &[u8], Option<&str>) -> Option<Decision>>(
    vector: &Vector,
    send: F,
    nowhere: &str,
) -> Answer {
    let service = Service::new(vector);
    for (requests, expected) in [(&vector.input.before, "allow"), (&vector.input.before_denied, "deny")] {
        for request in requests {
            let decision = send(&service, &from_base64url(request).unwrap(), None).await;
            if decision.as_ref().is_none_or(|decision| decision.decision != expected) {
                return Answer::Failed(format!("a request before it is {decision:?}"));
            }
        }
    }
    let bytes = from_base64url(&vector.input.request_b64u).unwrap();
    match send(&service, &bytes, vector.input.authority.as_deref()).await {
        Some(decision) => Answer::Decision(serde_json::to_value(&decision).unwrap()),
        None => Answer::NotReached(nowhere.to_owned()),
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// The vectors that got nowhere for this reason, sorted: those to be refused, and those to be allowed.
fn got_nowhere(ran: &Ran, reason: &str) -> [Vec<String>; 2] {
    ran.not_reached.each_ref().map(|all| {
        let mut ids: Vec<String> = all.iter().filter(|(_, why)| why == reason).map(|(id, _)| id.clone()).collect();
        ids.sort_unstable();
        ids
    })
}

fn sorted(ids: &[&str]) -> Vec<String> {
    let mut ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
    ids.sort_unstable();
    ids
}

/// The layer, given requests of the crate `http`.
struct Layer;

const IN_NO_TYPE: &str = "not in http types";

impl Implementation for Layer {
    fn name(&self) -> &str {
        "middleware"
    }

    fn decide(&self, vector: &Vector) -> Answer {
        let send = async |service: &Service, bytes: &[u8], authority: Option<&str>| {
            let request = in_http_types(bytes, authority)?;
            let answer = service.app.clone().oneshot(request).await.unwrap();
            service.decision(answer.status().as_u16())
        };
        block_on(decide(vector, send, IN_NO_TYPE))
    }
}

#[test]
fn the_layer_decides_every_vector_that_http_types_hold() {
    let ran = runner::run(&Layer);
    ran.none_failed();
    let [refused, allowed] = got_nowhere(&ran, IN_NO_TYPE);
    println!(
        "not applicable: {} vectors that are in no http type: middleware:\n  {}",
        refused.len(),
        refused.join("\n  ")
    );
    assert_eq!((refused, allowed), (sorted(NOT_IN_HTTP_TYPES), Vec::new()));
}

/// The layer behind hyper, given bytes on a socket.
#[derive(Default)]
struct BehindHyper {
    repaired: RefCell<Vec<String>>,
}

const BY_HYPER: &str = "refused by hyper";
const HTTP_2: &str = "HTTP/2";
const REPAIRED: &str = "repaired by hyper";

impl Implementation for BehindHyper {
    fn name(&self) -> &str {
        "middleware behind hyper"
    }

    fn decide(&self, vector: &Vector) -> Answer {
        if vector.input.authority.is_some() {
            return Answer::NotReached(HTTP_2.to_owned());
        }
        let send = async |service: &Service, bytes: &[u8], _: Option<&str>| {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let (address, app) = (listener.local_addr().unwrap(), service.app.clone());
            let task = tokio::spawn(async move { axum::serve(listener, app).await });
            let answer = exchange(address, bytes).await;
            task.abort();
            let decision = service.decision(answer.status);
            assert!(decision.is_some() || matches!(answer.status, 400 | 431), "{answer:?}");
            decision
        };
        let answer = block_on(decide(vector, send, BY_HYPER));
        match (REPAIRED_BY_HYPER.iter().find(|(id, _)| *id == vector.id), answer) {
            (None, answer) => answer,
            (Some((id, expected)), Answer::Decision(decision)) => {
                assert_eq!(decision["code"].as_str(), *expected, "{id}");
                self.repaired.borrow_mut().push(format!("{id}: {}", expected.unwrap_or("allowed")));
                Answer::NotReached(REPAIRED.to_owned())
            }
            (Some(_), answer) => Answer::Failed(format!("repaired otherwise: {answer:?}")),
        }
    }
}

#[test]
fn the_layer_decides_every_vector_that_hyper_hands_on() {
    let hyper = BehindHyper::default();
    let ran = runner::run(&hyper);
    ran.none_failed();
    let repaired = hyper.repaired.take();
    let http2: usize = got_nowhere(&ran, HTTP_2).iter().map(Vec::len).sum();
    println!("not applicable: {http2} vectors of HTTP/2, which the other test has: middleware behind hyper");
    let [refused, allowed] = got_nowhere(&ran, BY_HYPER);
    println!("{} refused by hyper itself:\n  {}", refused.len(), refused.join("\n  "));
    println!("allowed ones that hyper refuses:\n  {}", allowed.join("\n  "));
    println!("repaired by hyper:\n  {}", repaired.join("\n  "));
    assert_eq!(repaired.len(), REPAIRED_BY_HYPER.len());
    assert_eq!((refused, allowed), (sorted(REFUSED_BY_HYPER), sorted(REFUSED_BY_HYPER_THOUGH_ALLOWED)));
}
