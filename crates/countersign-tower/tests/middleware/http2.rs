//! HTTP/2: axum serves, hyper asks; what hyper would not send is written frame by frame.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::routing::post;
use bytes::Bytes;
use countersign::verify::{MemoryReplay, Verifier};
use countersign_tower::CountersignLayer;
use http::{HeaderMap, HeaderValue, Request, Version};
use http_body::{Body, Frame};
use http_body_util::BodyExt as _;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::support::{EVENTS, Hits, NOW, Raw, SERVICE, Server, echo, key, layer, operations, routes, sign};
use crate::tls::Authority;

const NAME: &str = "calendar.example.com";

/// A body in frames of at most this many bytes, of a length that nobody announces, and with these trailers.
#[derive(Default)]
struct Frames {
    data: Bytes,
    at_most: usize,
    trailers: Option<HeaderMap>,
}

impl Body for Frames {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.data.is_empty() {
            return Poll::Ready(self.trailers.take().map(|trailers| Ok(Frame::trailers(trailers))));
        }
        let length = self.at_most.min(self.data.len());
        let data = self.data.split_to(length);
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_empty() && self.trailers.is_none()
    }
}

type Client = SendRequest<Frames>;

async fn client(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Client {
    let (client, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    client
}

/// HTTP/2 from the first byte, without TLS.
async fn connect(server: &Server) -> Client {
    client(TcpStream::connect(server.address).await.unwrap()).await
}

/// The signed request under this `:authority`, which stands in the place of `Host`.
fn request(raw: &Raw, scheme: &str, authority: &str, trailers: Option<HeaderMap>) -> Request<Frames> {
    let mut request = Request::builder().version(Version::HTTP_2).method(raw.method.as_str());
    request = request.uri(format!("{scheme}://{authority}{}", raw.target));
    for (name, value) in raw.fields.iter().filter(|(name, _)| name != "host") {
        request = request.header(name, value);
    }
    request.body(Frames { data: raw.body.clone().into(), at_most: 1000, trailers }).unwrap()
}

async fn answer(client: &mut Client, request: Request<Frames>) -> (u16, Value) {
    client.ready().await.unwrap();
    let answer = client.send_request(request).await.unwrap();
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap())
}

/// Sends, and holds the answer to the decision that the audit saw.
async fn expect(server: &Server, request: Request<Frames>, status: u16, code: Option<&str>) -> Value {
    let before = server.records().len();
    let (answered, body) = answer(&mut connect(server).await, request).await;
    let records = server.records();
    assert_eq!(records.len(), before + 1, "{body}");
    let decision = records[before].decision.clone().unwrap();
    assert_eq!((answered, decision.code.as_deref()), (status, code), "{body}");
    body
}

fn plain(raw: &Raw) -> Request<Frames> {
    request(raw, "http", NAME, None)
}

// spec: RQ-17
#[tokio::test]
async fn takes_the_authority_from_its_pseudo_header() {
    let server = Server::start().await;
    let seen = expect(&server, plain(&sign("GET", EVENTS, b"")), 200, None).await;
    assert_eq!(seen["user"], "alice@example.com");
    let target = format!("{EVENTS}?from=today&to=%41");
    expect(&server, plain(&sign("GET", &target, b"")), 200, None).await;
    for same in ["calendar.example.com:443", "CALENDAR.example.com"] {
        expect(&server, request(&sign("GET", EVENTS, b""), "http", same, None), 200, None).await;
    }
    for (other, code) in [
        ("mail.example.com", "authority_mismatch"),
        ("calendar.example.com:8443", "authority_mismatch"),
        ("calendar.example.com.", "authority_mismatch"),
    ] {
        let other = request(&sign("GET", EVENTS, b""), "http", other, None);
        expect(&server, other, 401, Some(code)).await;
    }
    assert_eq!(server.hits(), 4);
}

// spec: RQ-14, RQ-15, RQ-16
#[tokio::test]
async fn refuses_a_host_that_is_not_the_authority() {
    let server = Server::start().await;
    let with_host = |authority: &str, host: &'static str| {
        let mut request = request(&sign("GET", EVENTS, b""), "http", authority, None);
        request.headers_mut().insert("host", HeaderValue::from_static(host));
        request
    };
    expect(&server, with_host(NAME, NAME), 200, None).await;
    for (authority, host) in [(NAME, "mail.example.com"), ("mail.example.com", NAME), (NAME, "")] {
        expect(&server, with_host(authority, host), 401, Some("authority_ambiguous")).await;
    }
    let mut twice = with_host(NAME, NAME);
    twice.headers_mut().append("host", HeaderValue::from_static(NAME));
    expect(&server, twice, 401, Some("authority_ambiguous")).await;
    let mut forwarded = plain(&sign("GET", EVENTS, b""));
    *forwarded.uri_mut() = format!("http://mail.example.com{EVENTS}").parse().unwrap();
    forwarded.headers_mut().insert("x-forwarded-host", HeaderValue::from_static(NAME));
    expect(&server, forwarded, 401, Some("authority_mismatch")).await;
    assert_eq!(server.hits(), 1);
}

#[tokio::test]
async fn reads_bodies_of_announced_and_of_unannounced_length() {
    let server = Server::start().await;
    let body = br#"{"title":"Tea at four"}"#;
    let seen = expect(&server, plain(&sign("POST", EVENTS, body)), 200, None).await;
    assert_eq!(seen["body"], core::str::from_utf8(body).unwrap());
    let announced = sign("POST", EVENTS, body).push("content-length", &body.len().to_string());
    expect(&server, plain(&announced), 200, None).await;
    let mut altered = sign("POST", EVENTS, body);
    altered.body[10] = b'S';
    expect(&server, plain(&altered), 401, Some("digest_mismatch")).await;
    let mut added = sign("GET", EVENTS, b"");
    added.body = b"{}".to_vec();
    expect(&server, plain(&added), 401, Some("body_uncovered")).await;
    expect(&server, plain(&sign("POST", EVENTS, &[b' '; 1001])), 401, Some("body_too_large")).await;
    assert_eq!(server.hits(), 2);
}

#[tokio::test]
async fn a_body_that_is_not_as_long_as_announced_reaches_nobody() {
    let server = Server::start().await;
    for length in ["1", "3"] {
        let raw = sign("POST", EVENTS, b"{}").push("content-length", length);
        let mut client = connect(&server).await;
        client.ready().await.unwrap();
        let answer = client.send_request(plain(&raw)).await;
        assert!(answer.as_ref().is_err() || answer.is_ok_and(|answer| answer.status() == 400), "{length}");
    }
    assert_eq!(server.hits(), 0);
}

// spec: RQ-53
#[tokio::test]
async fn refuses_trailers() {
    let server = Server::start().await;
    let raw = sign("POST", EVENTS, b"{}");
    let mut late = HeaderMap::new();
    late.insert("x-late", HeaderValue::from_static("1"));
    expect(&server, request(&raw, "http", NAME, Some(late.clone())), 401, Some("trailer_rejected")).await;
    let mut bodiless = sign("GET", EVENTS, b"");
    expect(&server, request(&bodiless, "http", NAME, Some(late)), 401, Some("trailer_rejected")).await;
    // Neither spent its nonce.
    expect(&server, plain(&raw), 200, None).await;
    bodiless.body.clear();
    expect(&server, plain(&bodiless), 200, None).await;
    assert_eq!(server.hits(), 2);
}

#[tokio::test]
async fn a_replay_over_another_stream_or_version_is_refused() {
    let server = Server::start().await;
    let raw = sign("GET", EVENTS, b"");
    let mut client = connect(&server).await;
    assert_eq!(answer(&mut client, plain(&raw)).await.0, 200);
    assert_eq!(answer(&mut client, plain(&raw)).await.0, 401);
    server.expect(&raw.bytes(), 401, Some("replayed")).await;
    assert_eq!(server.hits(), 1);
}

#[tokio::test]
async fn decides_about_each_stream_of_a_connection_by_itself() {
    let server = Server::start().await;
    let client = connect(&server).await;
    let mut streams = tokio::task::JoinSet::new();
    for number in 0..60 {
        let mut client = client.clone();
        let mut raw = sign("POST", EVENTS, format!("{{\"n\":{number}}}").as_bytes());
        if number % 3 == 0 {
            raw.body[0] ^= 1;
        }
        streams.spawn(async move { (number, answer(&mut client, plain(&raw)).await) });
    }
    while let Some(done) = streams.join_next().await {
        let (number, (status, body)) = done.unwrap();
        assert_eq!(status, if number % 3 == 0 { 401 } else { 200 }, "{number}: {body}");
        assert!(number % 3 == 0 || body["body"] == format!("{{\"n\":{number}}}"));
    }
    assert_eq!(server.hits(), 40);
}

/// A layer that takes bodies of up to 16 MiB.
fn large() -> countersign_tower::LayerBuilder {
    let verifier =
        Verifier::builder().audience(SERVICE).authority(NAME).issuer("https://hub.example", [key("root").public()]);
    CountersignLayer::builder(Arc::new(verifier.max_body(16 << 20).build().unwrap()), operations())
        .clock(|| NOW)
        .replay(MemoryReplay::insecure_without_epoch())
}

#[tokio::test]
async fn hands_a_long_body_on_when_its_digest_matched_and_never_otherwise() {
    let app = |hits: &Hits, layer| {
        Router::new()
            .route("/calendars/{id}/events", post(echo))
            .with_state(Arc::clone(hits))
            .layer(axum::extract::DefaultBodyLimit::disable())
            .layer(layer)
    };
    let server = Server::start_with(large(), app).await;
    let body: Vec<u8> = (0..8_000_000_u32).map(|at| b'a' + u8::try_from(at % 23).unwrap()).collect();
    let seen = expect(&server, plain(&sign("POST", EVENTS, &body)), 200, None).await;
    assert!(seen["body"].as_str().unwrap().as_bytes() == body);
    let mut altered = sign("POST", EVENTS, &body);
    altered.body[7_999_999] ^= 1;
    expect(&server, plain(&altered), 401, Some("digest_mismatch")).await;
    assert_eq!(server.hits(), 1);
}

#[tokio::test]
async fn serves_behind_tls_that_negotiates_it() {
    let ca = Authority::new();
    let acceptor = TlsAcceptor::from(Arc::new(ca.server(NAME, &[b"h2", b"http/1.1"])));
    let hits = Hits::default();
    let app = routes(&hits).layer(layer().build());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        loop {
            let stream = acceptor.accept(listener.accept().await.unwrap().0).await.unwrap();
            let service = TowerToHyperService::new(app.clone());
            tokio::spawn(async move {
                let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                let _ = server.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    let connector = TlsConnector::from(Arc::new(ca.client(&[b"h2"])));
    let stream = TcpStream::connect(address).await.unwrap();
    let stream = connector.connect(NAME.try_into().unwrap(), stream).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
    let mut client = client(stream).await;
    let (status, seen) = answer(&mut client, request(&sign("POST", EVENTS, b"{}"), "https", NAME, None)).await;
    assert_eq!((status, &seen["body"]), (200, &"{}".into()));
    let other = request(&sign("GET", EVENTS, b""), "https", "mail.example.com", None);
    assert_eq!(answer(&mut client, other).await.0, 401);
    task.abort();
}

/// An HTTP/2 frame.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let [_, length @ ..] = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [length.as_slice(), &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A field as HPACK writes one that it does not remember, without Huffman codes (RFC 7541, 6.2.2).
fn field(name: &str, value: &str) -> Vec<u8> {
    let text = |text: &str| {
        let mut bytes = Vec::new();
        match text.len() {
            short @ 0..=126 => bytes.push(u8::try_from(short).unwrap()),
            long => {
                bytes.push(127);
                let mut rest = long - 127;
                while rest >= 128 {
                    bytes.push(u8::try_from(rest % 128).unwrap() | 128);
                    rest /= 128;
                }
                bytes.push(u8::try_from(rest).unwrap());
            }
        }
        [bytes.as_slice(), text.as_bytes()].concat()
    };
    [vec![0], text(name), text(value)].concat()
}

/// What became of a stream.
#[derive(Debug, PartialEq)]
enum Became {
    Answered,
    Reset,
    Closed,
}

/// Writes one request without a body, exactly so.
async fn send_raw(server: &Server, fields: &[(&str, &str)]) -> Became {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let block: Vec<u8> = fields.iter().flat_map(|(name, value)| field(name, value)).collect();
    // END_STREAM and END_HEADERS.
    let bytes = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), frame(4, 0, 0, &[]), frame(1, 5, 1, &block)].concat();
    stream.write_all(&bytes).await.unwrap();
    loop {
        let mut head = [0; 9];
        if stream.read_exact(&mut head).await.is_err() {
            return Became::Closed;
        }
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        stream.read_exact(&mut payload).await.unwrap();
        match (head[3], head[8]) {
            (1, 1) => return Became::Answered,
            (3, 1) => return Became::Reset,
            (7, _) => return Became::Closed,
            _ => {}
        }
    }
}

/// The pseudo-headers and fields of a signed GET, without `Host`.
fn fields(raw: &Raw) -> Vec<(&str, &str)> {
    let pseudo = [(":method", "GET"), (":scheme", "http"), (":authority", NAME), (":path", raw.target.as_str())];
    let fields = raw.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    pseudo.into_iter().chain(fields.filter(|(name, _)| *name != "host")).collect()
}

#[tokio::test]
async fn fields_of_the_connection_do_not_reach_the_application() {
    let server = Server::start().await;
    assert_eq!(send_raw(&server, &fields(&sign("GET", EVENTS, b""))).await, Became::Answered);
    assert_eq!(server.hits(), 1);
    let records = server.records().len();
    for (name, value) in [
        ("connection", "keep-alive"),
        ("connection", "signature"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "h2c"),
        ("keep-alive", "timeout=5"),
        ("proxy-connection", "keep-alive"),
        ("te", "gzip"),
        // Names in upper case and pseudo-headers behind fields are malformed too.
        ("X-Upper", "1"),
        (":path", "/calendars/other/events"),
        (":unknown", "1"),
    ] {
        let raw = sign("GET", EVENTS, b"");
        let became = send_raw(&server, &[fields(&raw).as_slice(), &[(name, value)]].concat()).await;
        assert_ne!(became, Became::Answered, "{name}: {value}");
    }
    // Hyper refuses them before the layer sees anything.
    assert_eq!((server.hits(), server.records().len()), (1, records));
    let raw = sign("GET", EVENTS, b"");
    let trailers_are_welcome = [fields(&raw).as_slice(), &[("te", "trailers")]].concat();
    assert_eq!(send_raw(&server, &trailers_are_welcome).await, Became::Answered);
    assert_eq!(server.hits(), 2);
}

#[tokio::test]
async fn a_request_without_authority_goes_by_its_host_and_with_neither_it_is_refused() {
    let server = Server::start().await;
    let raw = sign("GET", EVENTS, b"");
    let without = |raw: &Raw, more: &[(&'static str, &'static str)]| {
        let fields = fields(raw).into_iter().filter(|(name, _)| *name != ":authority");
        fields
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .chain(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
            .collect::<Vec<_>>()
    };
    let send = async |fields: Vec<(String, String)>| {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let became = send_raw(&server, &fields).await;
        (became, server.records().pop().and_then(|record| record.decision?.code))
    };
    assert_eq!(send(without(&raw, &[])).await, (Became::Answered, Some("authority_ambiguous".to_owned())));
    let other = send(without(&raw, &[("host", "mail.example.com")])).await;
    assert_eq!(other, (Became::Answered, Some("authority_mismatch".to_owned())));
    assert_eq!(send(without(&raw, &[("host", NAME)])).await, (Became::Answered, None));
    assert_eq!(server.hits(), 1);
}

#[tokio::test]
async fn connect_is_refused() {
    let server = Server::start().await;
    let raw = sign("GET", EVENTS, b"");
    let mut fields = fields(&raw);
    fields[0] = (":method", "CONNECT");
    fields.retain(|(name, _)| ![":scheme", ":path"].contains(name));
    assert_eq!(send_raw(&server, &fields).await, Became::Answered);
    let codes: Vec<_> = server.records().into_iter().map(|record| record.decision.unwrap().code).collect();
    assert_eq!((codes, server.hits()), (vec![Some("header_refused".to_owned())], 0));
}
