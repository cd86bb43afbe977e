//! Keys of an issuer from a server: real TLS on loopback, with an authority of the test's own.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use countersign::key::PublicKey;
use countersign::verify::{MemoryReplay, Verifier};
use countersign_tower::CountersignLayer;
use countersign_tower::jwks::{JwkSet, JwkSetError, JwksConfigError, JwksFetchError, JwksOptions, JwksSource};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::support::{EVENTS, NOW, Raw, SERVICE, Server, grant, key, operations, routes, sign_with};
use crate::tls::Authority;

const HUB: &str = "https://hub.example";

/// What the server of keys does with a request.
#[derive(Clone)]
enum Reply {
    Bytes(Vec<u8>),
    /// The same, so much later.
    Late(Duration, Vec<u8>),
    /// This again and again, until the client has enough.
    Endless(Vec<u8>),
    Silence,
}

/// A server of keys.
struct KeyServer {
    url: String,
    connections: Arc<AtomicUsize>,
    fetches: Arc<AtomicUsize>,
    reply: Arc<Mutex<Reply>>,
    task: JoinHandle<()>,
}

impl Drop for KeyServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn answer(status: &str, fields: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\n{fields}content-length: {}\r\nconnection: close\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn json(body: &str) -> Reply {
    Reply::Bytes(answer("200 OK", "content-type: application/jwk-set+json\r\n", body.as_bytes()))
}

fn set(names: &[&str]) -> String {
    JwkSet::of(public(names)).to_json()
}

fn public(names: &[&str]) -> Vec<PublicKey> {
    names.iter().map(|name| key(name).public()).collect()
}

async fn serve_one(mut stream: impl AsyncRead + AsyncWrite + Unpin, fetches: &AtomicUsize, reply: &Mutex<Reply>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    fetches.fetch_add(1, Ordering::SeqCst);
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    assert!(head.starts_with("get /keys http/1.1\r\n"), "{head}");
    assert!(!head.contains("cookie") && !head.contains("authorization") && !head.contains("accept-encoding"), "{head}");
    let reply = reply.lock().unwrap().clone();
    match reply {
        Reply::Bytes(bytes) => drop(stream.write_all(&bytes).await),
        Reply::Late(delay, bytes) => {
            tokio::time::sleep(delay).await;
            drop(stream.write_all(&bytes).await);
        }
        Reply::Endless(bytes) => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n").await;
            while stream.write_all(&bytes).await.is_ok() {}
        }
        Reply::Silence => tokio::time::sleep(Duration::from_secs(60)).await,
    }
    let _ = stream.shutdown().await;
}

impl KeyServer {
    /// One with a certificate of `authority` for `localhost`; without one it speaks plain HTTP.
    async fn start(authority: Option<&Authority>, reply: Reply) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let scheme = if authority.is_some() { "https" } else { "http" };
        let acceptor = authority.map(|ca| TlsAcceptor::from(Arc::new(ca.server("localhost", &[b"http/1.1"]))));
        let (connections, fetches) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let reply = Arc::new(Mutex::new(reply));
        let shared = (Arc::clone(&connections), Arc::clone(&fetches), Arc::clone(&reply));
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let ((connections, fetches, reply), acceptor) = (shared.clone(), acceptor.clone());
                connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    match acceptor {
                        None => serve_one(stream, &fetches, &reply).await,
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                serve_one(stream, &fetches, &reply).await;
                            }
                        }
                    }
                });
            }
        });
        Self { url: format!("{scheme}://localhost:{port}/keys"), connections, fetches, reply, task }
    }

    fn reply(&self, reply: Reply) {
        *self.reply.lock().unwrap() = reply;
    }

    fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }
}

fn options(server: &KeyServer, authority: &Authority) -> JwksOptions {
    JwksSource::url(&server.url)
        .allow_private_addresses()
        .trust_only([authority.der.to_vec()])
        .min_interval(Duration::ZERO)
}

#[tokio::test]
async fn fetches_a_set_over_tls() {
    let ca = Authority::new();
    let server = KeyServer::start(Some(&ca), json(&set(&["root", "root-2"]))).await;
    let source = options(&server, &ca).build().unwrap();
    assert_eq!(source.keys().public(), []);
    assert_eq!(source.refresh().await, Ok(()));
    assert_eq!(source.keys().public(), public(&["root", "root-2"]));
    server.reply(json(&set(&["root-2"])));
    assert_eq!(source.refresh().await, Ok(()));
    assert_eq!(source.keys().public(), public(&["root-2"]));
    assert_eq!(server.fetches(), 2);
}

#[tokio::test]
async fn speaks_to_no_private_address_unless_told() {
    let ca = Authority::new();
    let server = KeyServer::start(Some(&ca), json(&set(&["root"]))).await;
    let source = JwksSource::url(&server.url).trust_only([ca.der.to_vec()]).build().unwrap();
    assert_eq!(source.refresh().await, Err(JwksFetchError::Address));
    assert_eq!(server.connections.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn trusts_no_other_authority_and_no_other_name() {
    let (ca, other) = (Authority::new(), Authority::new());
    let server = KeyServer::start(Some(&ca), json(&set(&["root"]))).await;
    let source = options(&server, &other).build().unwrap();
    assert_eq!(source.refresh().await, Err(JwksFetchError::Tls));
    // The system's authorities, where it has any, know nothing of this one either.
    match JwksSource::url(&server.url).allow_private_addresses().build() {
        Ok(source) => assert_eq!(source.refresh().await, Err(JwksFetchError::Tls)),
        Err(error) => assert_eq!(error, JwksConfigError::Tls),
    }
    // The certificate is for `localhost`, not for the address.
    let by_address = server.url.replace("localhost", "127.0.0.1");
    let source = JwksSource::url(&by_address).allow_private_addresses().trust_only([ca.der.to_vec()]).build().unwrap();
    assert_eq!(source.refresh().await, Err(JwksFetchError::Tls));
    assert_eq!(server.fetches(), 0);
}

#[tokio::test]
async fn refuses_answers_that_are_no_key_set_and_keeps_what_it_has() {
    let ca = Authority::new();
    let server = KeyServer::start(Some(&ca), json(&set(&["root"]))).await;
    let elsewhere = KeyServer::start(Some(&ca), json(&set(&["stranger"]))).await;
    let source = options(&server, &ca).timeout(Duration::from_millis(500)).build().unwrap();
    assert_eq!(source.refresh().await, Ok(()));
    let (keys, is_json) = (set(&["stranger"]), "content-type: application/json\r\n");
    let moved = format!("{is_json}location: {}\r\n", elsewhere.url);
    let long = format!("{{\"keys\":[]{}}}", " ".repeat(JwkSet::MAX_BYTES));
    let private = keys.replace("\"kty\"", "\"d\":\"AA\",\"kty\"");
    let reply = |status: &str, fields: &str, body: &str| Reply::Bytes(answer(status, fields, body.as_bytes()));
    let cut = reply("200 OK", is_json, &keys);
    let Reply::Bytes(mut cut) = cut else { unreachable!() };
    cut.truncate(cut.len() - 1);
    for (reply, error) in [
        (reply("302 Found", &moved, &keys), JwksFetchError::Redirect),
        (reply("308 Permanent Redirect", &moved, &keys), JwksFetchError::Redirect),
        (reply("500 Internal Server Error", is_json, &keys), JwksFetchError::Status(500)),
        (reply("203 Non-Authoritative Information", is_json, &keys), JwksFetchError::Status(203)),
        (reply("200 OK", "content-type: text/html\r\n", &keys), JwksFetchError::ContentType),
        (reply("200 OK", "", &keys), JwksFetchError::ContentType),
        (reply("200 OK", &format!("{is_json}content-encoding: gzip\r\n"), &keys), JwksFetchError::ContentType),
        (reply("200 OK", is_json, &long), JwksFetchError::Set(JwkSetError::TooLong)),
        (Reply::Endless(vec![b' '; 4096]), JwksFetchError::Set(JwkSetError::TooLong)),
        (reply("200 OK", is_json, "{}"), JwksFetchError::Set(JwkSetError::Malformed)),
        (reply("200 OK", is_json, &private), JwksFetchError::Set(JwkSetError::Private)),
        (Reply::Bytes(cut), JwksFetchError::Unreachable),
        (Reply::Bytes(b"\x16\x03\x01".to_vec()), JwksFetchError::Unreachable),
        (Reply::Silence, JwksFetchError::Unreachable),
    ] {
        server.reply(reply);
        assert_eq!(source.refresh().await, Err(error));
        assert_eq!((source.last_error(), source.keys().public()), (Some(error), public(&["root"])));
    }
    assert_eq!(elsewhere.connections.load(Ordering::SeqCst), 0, "redirects are not followed");
    server.reply(json(&set(&["root-2"])));
    assert_eq!(source.refresh().await, Ok(()));
    assert_eq!((source.last_error(), source.keys().public()), (None, public(&["root-2"])));
}

#[tokio::test]
async fn takes_http_from_this_computer_alone() {
    let server = KeyServer::start(None, json(&set(&["root"]))).await;
    let source = JwksSource::url(&server.url).insecure_http_loopback().build().unwrap();
    assert_eq!(source.refresh().await, Ok(()));
    assert_eq!(source.keys().public(), public(&["root"]));
    assert!(JwksSource::url(&server.url).allow_private_addresses().build().is_err());
}

/// A service whose issuer's keys come from this source.
async fn serve(source: &JwksSource) -> Server {
    let verifier = Verifier::builder()
        .audience(SERVICE)
        .authority("calendar.example.com")
        .live_issuer(HUB, source.keys())
        .issuer("https://other.example", [key("stranger").public()])
        .build();
    let layer = CountersignLayer::builder(Arc::new(verifier.unwrap()), operations())
        .clock(|| NOW)
        .replay(MemoryReplay::insecure_without_epoch())
        .jwks(source.clone());
    Server::start_with(layer, |hits, layer| routes(hits).layer(layer)).await
}

/// A request under a token by this root key.
fn by(root: &str) -> Raw {
    let token = grant().sign(&key(root), &key("next-0")).unwrap();
    sign_with(&token, &key("agent"), "GET", EVENTS, b"")
}

const UNKNOWN: Option<&str> = Some("token_signature");

// spec: VF-43
#[tokio::test]
async fn a_token_by_a_new_key_is_accepted_after_one_fetch() {
    let ca = Authority::new();
    let keys = KeyServer::start(Some(&ca), json(&set(&["root"]))).await;
    let source = options(&keys, &ca).build().unwrap();
    let server = serve(&source).await;
    // The first request finds no keys and has them fetched.
    server.expect(&by("root").bytes(), 200, None).await;
    server.expect(&by("root").bytes(), 200, None).await;
    assert_eq!(keys.fetches(), 1);
    keys.reply(json(&set(&["root", "root-2"])));
    server.expect(&by("root-2").bytes(), 200, None).await;
    server.expect(&by("root").bytes(), 200, None).await;
    assert_eq!(keys.fetches(), 2);
    server.expect(&by("stranger").bytes(), 401, UNKNOWN).await;
    assert_eq!(keys.fetches(), 3);
}

#[tokio::test]
async fn forged_tokens_cause_one_fetch_in_an_interval() {
    let ca = Authority::new();
    let keys = KeyServer::start(Some(&ca), json(&set(&["root"]))).await;
    // 30 seconds between fetches.
    let source = JwksSource::url(&keys.url).allow_private_addresses().trust_only([ca.der.to_vec()]).build().unwrap();
    let server = serve(&source).await;
    let mut forged = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let address = server.address;
        forged.spawn(async move { crate::support::exchange(address, &by("stranger").bytes()).await.status });
    }
    while let Some(status) = forged.join_next().await {
        assert_eq!(status.unwrap(), 401);
    }
    assert_eq!(keys.fetches(), 1);
    // Those whose key is known are served meanwhile; a new key has to wait its time.
    server.expect(&by("root").bytes(), 200, None).await;
    keys.reply(json(&set(&["root", "root-2"])));
    server.expect(&by("root-2").bytes(), 401, UNKNOWN).await;
    assert_eq!(source.refresh().await, Ok(()), "the outcome of the last fetch stands");
    assert_eq!(keys.fetches(), 1);
}

#[tokio::test]
async fn a_fetch_goes_on_when_the_sender_went_away() {
    let ca = Authority::new();
    let keys = KeyServer::start(Some(&ca), json(&set(&["root"]))).await;
    let source = JwksSource::url(&keys.url).allow_private_addresses().trust_only([ca.der.to_vec()]).build().unwrap();
    let Reply::Bytes(bytes) = json(&set(&["root"])) else { unreachable!() };
    keys.reply(Reply::Late(Duration::from_millis(300), bytes));
    let server = serve(&source).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(&by("stranger").bytes()).await.unwrap();
    while keys.fetches() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    drop(stream);
    // Waits for the fetch that runs.
    server.expect(&by("root").bytes(), 200, None).await;
    assert_eq!(keys.fetches(), 1);
}

// spec: VF-43
#[tokio::test]
async fn a_key_that_is_taken_out_of_the_set_ends_with_the_lifetime() {
    let ca = Authority::new();
    let keys = KeyServer::start(Some(&ca), json(&set(&["root"]))).await;
    let lifetime = Duration::from_millis(300);
    let source = options(&keys, &ca).lifetimes(lifetime, lifetime).build().unwrap();
    let server = serve(&source).await;
    server.expect(&by("root").bytes(), 200, None).await;
    keys.reply(json(&set(&["root-2"])));
    tokio::time::sleep(lifetime).await;
    // Even if it is the first request after a quiet time.
    server.expect(&by("root").bytes(), 401, UNKNOWN).await;
    server.expect(&by("root-2").bytes(), 200, None).await;
}

#[tokio::test]
async fn a_server_that_fails_leaves_the_keys_for_a_while() {
    let ca = Authority::new();
    let keys = KeyServer::start(Some(&ca), json(&set(&["root"]))).await;
    let (lifetime, unreachable) = (Duration::from_millis(50), Duration::from_millis(1500));
    let source = options(&keys, &ca).lifetimes(lifetime, lifetime).keep_while_unreachable(unreachable).build().unwrap();
    let server = serve(&source).await;
    server.expect(&by("root").bytes(), 200, None).await;
    keys.reply(Reply::Bytes(answer("503 Service Unavailable", "", b"")));
    tokio::time::sleep(lifetime).await;
    for _ in 0..3 {
        server.expect(&by("root").bytes(), 200, None).await;
    }
    assert_eq!(source.last_error(), Some(JwksFetchError::Status(503)));
    tokio::time::sleep(unreachable + lifetime).await;
    server.expect(&by("root").bytes(), 401, UNKNOWN).await;
    assert_eq!(source.keys().public(), []);
    keys.reply(json(&set(&["root"])));
    server.expect(&by("root").bytes(), 200, None).await;
}
