//! Bodies that come slowly or never, and agents that fill the files of others.

use std::sync::Arc;
use std::time::{Duration, Instant};

use countersign::request::SignRequest;
use countersign::time::UnixTime;
use countersign::token::{Delegation, Grant, OpenToken, Right};
use countersign::verify::{MemoryReplay, Verifier};
use countersign_tower::{CountersignLayer, LayerBuilder};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

#[cfg(target_os = "linux")]
use crate::spool::{spooled, until};
use crate::support::{EVENTS, NOW, SERVICE, Server, grant, key, mint, nonce, operations, routes};

const MIB: usize = 1 << 20;

/// A layer that takes bodies of up to 16 MiB and holds 1,000 bytes of them in memory, at a time.
fn holding(now: UnixTime) -> LayerBuilder {
    let verifier = Verifier::builder()
        .audience(SERVICE)
        .authority("calendar.example.com")
        .issuer("https://hub.example", [key("root").public()])
        .max_body(16 << 20)
        .build();
    CountersignLayer::builder(Arc::new(verifier.unwrap()), operations())
        .clock(move || now)
        .replay(MemoryReplay::insecure_without_epoch())
        .body_memory(1000)
}

async fn serve(layer: LayerBuilder) -> Server {
    Server::start_with(layer, |hits, layer| routes(hits).layer(axum::extract::DefaultBodyLimit::disable()).layer(layer))
        .await
}

/// A signed POST with a body of so many bytes, by the holder of this name.
fn request(token: &OpenToken, holder: &str, length: usize) -> Vec<u8> {
    let (sealed, url, body) = (token.seal().unwrap(), format!("{SERVICE}{EVENTS}"), vec![b'a'; length]);
    let request = SignRequest::new("POST", &url, &sealed).created(NOW, nonce());
    let fields = request.field("content-type", "application/octet-stream").body(&body).sign(&key(holder)).unwrap();
    let mut bytes = format!("POST {EVENTS} HTTP/1.1\r\ncontent-length: {length}\r\n").into_bytes();
    for (name, value) in fields.iter() {
        bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(&body);
    bytes
}

/// Sends all but the last bytes and then a byte at a time, more slowly than the body needs to be. The answer, and how long it
/// took.
async fn dribble(server: &Server, bytes: &[u8], last: usize) -> (String, Duration) {
    let started = Instant::now();
    let (mut read, mut write) = TcpStream::connect(server.address).await.unwrap().into_split();
    let (first, rest) = bytes.split_at(bytes.len() - last);
    let (first, rest) = (first.to_vec(), rest.to_vec());
    let writing = tokio::spawn(async move {
        write.write_all(&first).await.unwrap();
        for byte in rest {
            tokio::time::sleep(Duration::from_millis(50)).await;
            if write.write_all(&[byte]).await.is_err() {
                break;
            }
        }
        write
    });
    let mut answer = vec![0; 4096];
    let length = tokio::time::timeout(Duration::from_secs(20), read.read(&mut answer)).await.unwrap().unwrap();
    let took = started.elapsed();
    answer.truncate(length);
    if answer.starts_with(b"HTTP/1.1 408 ") {
        // Nobody reads the rest: the connection is over, by its end or by a reset.
        let rest = tokio::time::timeout(Duration::from_secs(5), read.read(&mut [0; 64])).await.unwrap();
        assert_eq!(rest.unwrap_or_default(), 0);
    }
    writing.abort();
    (String::from_utf8(answer).unwrap(), took)
}

fn refused_as_late(server: &Server, answer: &str) {
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("\"code\":\"request_timeout\"") && !answer.contains("www-authenticate"), "{answer}");
    let record = server.records().pop().unwrap();
    assert_eq!((record.detail, record.decision.is_none()), ("body did not come in time", true));
    assert_eq!(server.hits(), 0);
}

#[tokio::test]
async fn a_body_that_does_not_come_in_time_is_refused() {
    let server = serve(holding(NOW).body_timeout(Duration::from_millis(300))).await;
    for length in [500, 5000] {
        let bytes = request(&mint(&grant()), "agent", length);
        let (answer, took) = dribble(&server, &bytes, 400).await;
        refused_as_late(&server, &answer);
        assert!(took >= Duration::from_millis(300) && took < Duration::from_secs(10), "{took:?}");
    }
    // Nothing was recorded of it, so the same request may be sent again.
    let bytes = request(&mint(&grant()), "agent", 500);
    let (answer, _) = dribble(&server, &bytes, 400).await;
    refused_as_late(&server, &answer);
    server.expect(&bytes, 200, None).await;
}

#[tokio::test]
async fn a_body_that_comes_slowly_and_in_time_is_taken() {
    let server = serve(holding(NOW)).await;
    let (answer, took) = dribble(&server, &request(&mint(&grant()), "agent", 5000), 10).await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && took > Duration::from_millis(400), "{took:?} {answer}");
}

/// The limit of the layer is 30 seconds here, and nobody waits that long for a request that is over before.
#[tokio::test]
async fn no_body_is_awaited_past_the_end_of_its_signature_or_its_token() {
    // It ends 60 seconds after it was made, and 30 more for the skew of clocks.
    let server = serve(holding(NOW.plus(89))).await;
    let bytes = request(&mint(&grant()), "agent", 5000);
    let (answer, took) = dribble(&server, &bytes, 1000).await;
    refused_as_late(&server, &answer);
    assert!(took < Duration::from_secs(10), "{took:?}");

    let server = serve(holding(NOW)).await;
    let ending = mint(&grant().valid(NOW, NOW.plus(1)));
    let (answer, took) = dribble(&server, &request(&ending, "agent", 5000), 1000).await;
    refused_as_late(&server, &answer);
    assert!(took < Duration::from_secs(10), "{took:?}");
}

/// Sends a request but for its last bytes.
#[cfg(target_os = "linux")]
async fn begin(server: &Server, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(&bytes[..bytes.len() - 10]).await.unwrap();
    stream
}

// spec: RQ-51
#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_agent_and_its_delegates_have_a_share_of_the_files() {
    let directory = tempfile::tempdir().unwrap();
    let server = serve(holding(NOW).spool_directory(directory.path()).spool_limit(8 << 20)).await;
    let ours = mint(&grant());
    let delegation = Delegation::to("summary-bot", key("sub-agent").public());
    let handed_on = ours.delegate(&delegation).unwrap().sign(&key("agent"), &key("next-1")).unwrap();
    let other = Grant::new("https://hub.example", "alice@example.com", "other-bot", key("other").public());
    let other = other.purpose("scheduling").audience(SERVICE).valid(NOW, NOW.plus(3600));
    let other = mint(&other.right(Right { r#type: "calendar", location: "/calendars/primary", action: "write" }));

    // A quarter of it, unless said.
    server.expect(&request(&ours, "agent", 2 * MIB), 200, None).await;
    server.expect(&request(&ours, "agent", 2 * MIB + 1), 503, Some("store_unavailable")).await;
    let held = begin(&server, &request(&ours, "agent", 3 * MIB / 2)).await;
    until("the half is written", || spooled(directory.path()) > 5 << 18).await;
    for (token, holder) in [(&ours, "agent"), (&handed_on, "sub-agent")] {
        let answer = server.expect(&request(token, holder, MIB), 503, Some("store_unavailable")).await;
        assert_eq!(answer.json()["code"], "unavailable");
        let record = server.records().pop().unwrap();
        let decision = record.decision.unwrap();
        assert_eq!((record.detail, decision.stage), ("no room to spool more bodies of this agent", Some(9)));
    }
    // Others have theirs, and what needs no file needs no share.
    server.expect(&request(&other, "other", 2 * MIB), 200, None).await;
    server.expect(&request(&ours, "agent", 1000), 200, None).await;
    drop(held);
    until("the file is closed", || spooled(directory.path()) == 0).await;
    // The one that broke off may have its record only now.
    assert_eq!(server.send(&request(&handed_on, "sub-agent", 2 * MIB)).await.status, 200);
}
