//! Bodies, lengths, trailers and targets, as bytes on a socket.

use crate::support::{EVENTS, Server, layer, routes, sign};
use tower::Layer as _;

#[tokio::test]
async fn reads_chunked_bodies_that_are_signed() {
    let server = Server::start().await;
    let request = sign("POST", EVENTS, br#"{"title":"Tea at four"}"#);
    let answer = server.expect(&request.chunked(""), 200, None).await;
    assert_eq!(answer.json()["body"], r#"{"title":"Tea at four"}"#);
    let mut altered = sign("POST", EVENTS, br#"{"title":"Tea at four"}"#);
    altered.body[10] = b'S';
    server.expect(&altered.chunked(""), 401, Some("digest_mismatch")).await;
    let mut added = sign("GET", EVENTS, b"");
    added.body = b"{}".to_vec();
    server.expect(&added.chunked(""), 401, Some("body_uncovered")).await;
    assert_eq!(server.hits(), 1);
}

#[tokio::test]
async fn refuses_bodies_over_the_limit() {
    let server = Server::start().await;
    let long = |length: usize| format!("{:length$}", "{}").into_bytes();
    let fits = sign("POST", EVENTS, &long(1000));
    server.expect(&fits.bytes(), 200, None).await;
    let too_long = sign("POST", EVENTS, &long(1001));
    server.expect(&too_long.bytes(), 401, Some("body_too_large")).await;
    server.expect(&too_long.chunked(""), 401, Some("body_too_large")).await;
    let stages: Vec<_> = server.records().iter().map(|record| record.decision.as_ref().unwrap().stage).collect();
    assert_eq!(stages, [None, Some(1), Some(9)]);
    assert_eq!(server.hits(), 1);
}

#[tokio::test]
async fn refuses_a_long_body_before_it_has_come() {
    let server = Server::start().await;
    let request = sign("POST", EVENTS, &[b' '; 1001]);
    let mut bytes = request.bytes();
    let head = bytes.len() - 1001;
    bytes.truncate(head);
    server.expect(&bytes, 401, Some("body_too_large")).await;
}

#[tokio::test]
async fn refuses_trailers() {
    let server = Server::start().await;
    let request = sign("POST", EVENTS, b"{}");
    server.expect(&request.chunked("x-late: 1\r\n"), 401, Some("trailer_rejected")).await;
    server.expect(&request.clone().push("trailer", "x-late").chunked(""), 401, Some("trailer_rejected")).await;
    // Neither spent the nonce.
    server.expect(&request.chunked(""), 200, None).await;
}

#[tokio::test]
async fn refuses_ambiguous_and_other_authorities() {
    let server = Server::start().await;
    let request = || sign("GET", EVENTS, b"");
    server.expect(&request().push("host", "calendar.example.com").bytes(), 401, Some("authority_ambiguous")).await;
    server.expect(&request().set("host", "mail.example.com").bytes(), 401, Some("authority_mismatch")).await;
    let masked = request().set("host", "evil.example").push("x-forwarded-host", "calendar.example.com");
    server.expect(&masked.bytes(), 401, Some("authority_mismatch")).await;
    let mut none = request();
    none.fields.retain(|(name, _)| name != "host");
    server.expect(&none.bytes(), 401, Some("authority_ambiguous")).await;
    assert_eq!(server.hits(), 0);
}

#[tokio::test]
async fn refuses_targets_that_are_not_in_origin_form() {
    let server = Server::start().await;
    for target in [
        "https://calendar.example.com/calendars/primary/events",
        "http://evil.example/calendars/primary/events",
        "calendar.example.com:443",
        "*",
        "/calendars/primary/events?",
    ] {
        let mut request = sign("GET", EVENTS, b"");
        request.target = target.to_owned();
        server.expect(&request.bytes(), 401, Some("header_malformed")).await;
    }
    assert_eq!(server.hits(), 0);
}

#[tokio::test]
async fn refuses_fields_that_make_it_another_request() {
    let server = Server::start().await;
    let request = sign("GET", EVENTS, b"");
    let overridden = request.clone().push("x-http-method-override", "DELETE");
    server.expect(&overridden.bytes(), 401, Some("header_refused")).await;
    server.expect(&request.clone().push("mcp-name", "transfer").bytes(), 401, Some("header_uncovered")).await;
    server.expect(&request.clone().push("idempotency-key", "1").bytes(), 401, Some("header_uncovered")).await;
    let twice = request.clone().push("authorization", "Basic QTpC");
    server.expect(&twice.bytes(), 401, Some("token_ambiguous")).await;
    assert_eq!(server.hits(), 0);
}

/// A body that breaks off in the middle.
struct Broken(bool);

impl http_body::Body for Broken {
    type Data = bytes::Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<bytes::Bytes>, std::io::Error>>> {
        let first = std::mem::replace(&mut self.0, true);
        std::task::Poll::Ready(Some(match first {
            false => Ok(http_body::Frame::data(bytes::Bytes::from_static(b"{"))),
            true => Err(std::io::ErrorKind::ConnectionReset.into()),
        }))
    }
}

fn into_http<B>(raw: &crate::support::Raw, body: B) -> http::Request<B> {
    let mut request = http::Request::builder().method(raw.method.as_str()).uri(&raw.target);
    for (name, value) in &raw.fields {
        request = request.header(name, value);
    }
    request.header("content-length", raw.body.len()).body(body).unwrap()
}

#[tokio::test]
async fn decides_nothing_about_a_body_that_breaks_off() {
    let hits = crate::support::Hits::default();
    let records = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let sink = std::sync::Arc::clone(&records);
    let sink = move |record: &countersign_tower::AuditRecord| sink.lock().unwrap().push(record.clone());
    let layer = layer().audit(std::sync::Arc::new(sink)).build();
    let raw = sign("POST", EVENTS, b"{}");
    let send = |request| tower::ServiceExt::oneshot(layer.layer(routes(&hits)), request);
    let answer = send(into_http(&raw, axum::body::Body::new(Broken(false)))).await.unwrap();
    assert_eq!((answer.status(), answer.headers().get("www-authenticate")), (http::StatusCode::BAD_REQUEST, None));
    // Shorter than announced, though no transport complained.
    let answer = send(into_http(&raw, axum::body::Body::from("{"))).await.unwrap();
    assert_eq!(answer.status(), 400);
    let answer = send(into_http(&raw, axum::body::Body::from("{}"))).await.unwrap();
    assert_eq!(answer.status(), 200, "the nonce was not spent");
    let decided: Vec<bool> = records.lock().unwrap().iter().map(|record| record.decision.is_some()).collect();
    assert_eq!(decided, [false, false, true]);
}
