//! `countersign send` against services on loopback: the example calendar, over http and https.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests say what went wrong by panicking")]

#[expect(dead_code, unreachable_pub, reason = "it is a program of its own, whose main is not used here")]
#[path = "../examples/calendar.rs"]
mod calendar;
mod common;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn};
use common::{Ran, Shell};
use countersign::time::UnixTime;
use countersign::verify::{MemoryReplay, Verifier};
use countersign_tower::CountersignLayer;
use rustls::pki_types::PrivatePkcs8KeyDer;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// [`common::NOW`].
const NOW: UnixTime = UnixTime(1_795_453_200);

/// A service that runs, and the fields of what came to it.
struct Service {
    /// With the scheme.
    origin: String,
    heads: Arc<Mutex<Vec<HeaderMap>>>,
    // Ends the service when it goes.
    _runtime: Runtime,
}

impl Service {
    /// `app` is told its origin.
    fn start(tls: Option<TlsAcceptor>, app: impl FnOnce(&str, SocketAddr) -> Router) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let origin = format!("{}://{address}", if tls.is_some() { "https" } else { "http" });
        let heads: Arc<Mutex<Vec<HeaderMap>>> = Arc::default();
        let seen = Arc::clone(&heads);
        let app = app(&origin, address).layer(from_fn(move |request: Request, next: Next| {
            seen.lock().unwrap().push(request.headers().clone());
            next.run(request)
        }));
        match tls {
            Some(acceptor) => runtime.spawn(async move { axum::serve(Tls { listener, acceptor }, app).await.unwrap() }),
            None => runtime.spawn(async move { axum::serve(listener, app).await.unwrap() }),
        };
        Self { origin, heads, _runtime: runtime }
    }

    /// The example, for tokens by this issuer.
    fn calendar(hub: &str, tls: Option<TlsAcceptor>) -> Self {
        let issuer = hub.parse().unwrap();
        Self::start(tls, |origin, address| {
            let verifier = Verifier::builder()
                .audience(origin)
                .authority(&address.to_string())
                .issuer("https://hub.example", [issuer])
                .build();
            let layer = CountersignLayer::builder(Arc::new(verifier.unwrap()), calendar::operations().unwrap())
                .clock(|| NOW)
                .replay(MemoryReplay::insecure_without_epoch());
            calendar::app(layer.build())
        })
    }

    fn events(&self) -> String {
        format!("{}/calendars/primary/events", self.origin)
    }

    fn heads(&self) -> Vec<HeaderMap> {
        self.heads.lock().unwrap().clone()
    }
}

struct Tls {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl axum::serve::Listener for Tls {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        loop {
            let (stream, address) = self.listener.accept().await.unwrap();
            // A client that does not trust us goes away here.
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// Keys `hub`, `agent` and `other`, a service, and a `token` for it.
fn session() -> (Shell, Service) {
    session_over(None)
}

fn session_over(tls: Option<TlsAcceptor>) -> (Shell, Service) {
    let shell = Shell::new();
    let (hub, agent) = (shell.keygen("hub"), shell.keygen("agent"));
    shell.keygen("other");
    let service = Service::calendar(&hub, tls);
    mint(&shell, &agent, &service);
    shell.write("event.json", br#"{"title":"Review"}"#);
    (shell, service)
}

fn mint(shell: &Shell, agent: &str, service: &Service) {
    let agent = format!("calendar-bot={agent}");
    let who = ["mint", "--issuer-key", "hub.pem", "--issuer", "https://hub.example", "--user", "alice@example.com"];
    let what = ["--agent", &agent, "--purpose", "scheduling", "--audience", &service.origin, "--expires-in", "1h"];
    let rights = ["--right", "calendar:/calendars/primary:read", "--right", "calendar:/calendars/primary:write"];
    shell.write("token", shell.at_now(&[&who[..], &what, &rights].concat()).ok());
}

fn send(shell: &Shell, rest: &[&str]) -> Ran {
    shell.at_now(&[&["send", "--key", "agent.pem", "--token", "@token"], rest].concat())
}

const JSON: [&str; 4] = ["-H", "content-type: application/json", "--body", "event.json"];

/// One sentence on standard error, and it says this.
fn complains(ran: &Ran, code: i32, said: &str) {
    assert_eq!(ran.code, code, "{}", ran.stderr);
    assert!(ran.stderr.starts_with("countersign: ") && ran.stderr.lines().count() == 1, "{}", ran.stderr);
    assert!(ran.stderr.contains(said), "{}", ran.stderr);
}

#[test]
fn a_session_reads_and_writes_a_calendar() {
    let (shell, service) = session();
    let events = service.events();
    assert_eq!(send(&shell, &["GET", &events]).ok(), "[]");
    let added = send(&shell, &[&["POST", &events][..], &JSON].concat());
    assert_eq!(added.ok(), "added by calendar-bot for alice@example.com\n");
    let listed = send(&shell, &["GET", &format!("{events}?from=today"), "--include"]);
    let (head, body) = listed.ok().split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.contains("content-type: application/json"), "{head}");
    assert_eq!(body, r#"[{"title":"Review"}]"#);
    let printed = &send(&shell, &["GET", &events, "--json"]).lines()[0];
    assert_eq!((&printed["status"], &printed["body"]), (&200.into(), &body.into()));
    assert_eq!(printed["fields"]["content-type"], json!(["application/json"]));
    // Each time another nonce, and what the command itself adds is there.
    let heads = service.heads();
    assert_ne!(heads[0]["signature-input"], heads[3]["signature-input"]);
    assert!(heads.iter().all(|head| head["user-agent"].to_str().unwrap().starts_with("countersign/")));
}

#[test]
fn a_refusal_is_one_sentence_that_says_what_to_do() {
    let (shell, service) = session();
    let events = service.events();
    let narrowed = send(&shell, &[&["POST", &events, "--action", "read"][..], &JSON].concat());
    complains(&narrowed, 1, "insufficient_authorization: the token does not allow this operation; ask for more");
    assert_eq!(narrowed.text(), "");
    assert_eq!(send(&shell, &["GET", &events, "--action", "read", "--expires-in", "5m"]).code, 0);
    let work = format!("{}/calendars/work/events", service.origin);
    let more = send(&shell, &["GET", &work]);
    let enough = format!(r#""locations":["{}/calendars/work"],"type":"calendar"}}] would be enough"#, service.origin);
    complains(&more, 1, &enough);
    let printed = send(&shell, &["GET", &work, "--json"]);
    assert_eq!(printed.code, 1);
    let refusal = &printed.lines()[0]["refusal"];
    assert_eq!(refusal["authorization_details"][0]["actions"], json!(["read"]));
    assert!(more.stderr.contains("(trace ") && refusal["trace_id"].is_string());
    let shown = send(&shell, &["GET", &work, "--include"]);
    assert!(shown.text().starts_with("HTTP/1.1 403 Forbidden\r\n"), "{}", shown.text());
    let late = ["--now", "2026-11-23T17:30:00Z", "send", "--key", "agent.pem", "--token", "@token", "GET", &events];
    complains(&shell.run(&late), 1, "invalid_request_proof");
}

#[test]
fn what_the_application_says_is_printed_whatever_its_status() {
    let (shell, service) = session();
    shell.write("event.json", br#"{"name":"Review"}"#);
    let unprocessable = send(&shell, &[&["POST", &service.events()][..], &JSON].concat());
    complains(&unprocessable, 1, "the service answered with status 422");
    assert!(unprocessable.text().contains("missing field"), "{}", unprocessable.text());
}

#[test]
fn an_approval_travels_in_its_field_and_is_covered() {
    let (shell, service) = session();
    let ran = send(&shell, &["GET", &service.events(), "--approval", "cGF5bG9hZA.c2lnbmF0dXJl", "-H", "x-note: a"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let head = &service.heads()[0];
    assert_eq!(head["countersign-approval"], "cGF5bG9hZA.c2lnbmF0dXJl");
    let input = head["signature-input"].to_str().unwrap();
    assert!(input.contains("\"countersign-approval\"") && input.contains("\"x-note\""), "{input}");
    complains(&send(&shell, &["GET", &service.events(), "--approval", "a\nb"]), 2, "--approval");
}

#[test]
fn a_token_goes_to_its_own_service_only() {
    let (shell, service) = session();
    let other = Service::start(None, |_, _| Router::new().fallback(async || "hello"));
    complains(&send(&shell, &["GET", &other.origin]), 2, "--also-at");
    assert!(other.heads().is_empty());
    assert_eq!(send(&shell, &["GET", &other.origin, "--also-at", &other.origin]).ok(), "hello");
    // A redirect is an answer.
    let to = other.origin.clone();
    let moved = Service::start(None, |_, _| {
        Router::new().fallback(move || async move { (StatusCode::TEMPORARY_REDIRECT, [("location", to)]) })
    });
    let ran = send(&shell, &["GET", &moved.origin, "--also-at", &moved.origin]);
    complains(&ran, 0, "a redirect, which is not followed");
    assert_eq!((moved.heads().len(), other.heads().len(), service.heads().len()), (1, 1, 0));
}

#[test]
fn misuse_names_the_option() {
    let (shell, service) = session();
    let events = service.events();
    let sealed = shell.run(&["seal", "@token"]);
    shell.write("sealed", sealed.ok());
    shell.write("empty.pem", b"");
    shell.write("junk.pem", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    let with = |key: &str, token: &str, rest: &[&str]| {
        shell.at_now(&[&["send", "--key", key, "--token", token, "GET", &events], rest].concat())
    };
    assert_eq!(with("agent.pem", "@sealed", &[]).ok(), "[]");
    complains(&with("agent.pem", "@sealed", &["--action", "read"]), 2, "--token: the token is sealed");
    complains(&with("other.pem", "@token", &[]), 2, "--key: the key is not the one");
    complains(&with("agent.pem", "@token", &["--body", "event.json"]), 2, "--body: a body needs its type");
    complains(&with("agent.pem", "@token", &["--body", "missing"]), 2, "--body missing");
    complains(&with("agent.pem", "@token", &["-H", "upgrade: h2c"]), 2, "-H: ");
    complains(&with("agent.pem", "@token", &["--also-at", "nowhere"]), 2, "--also-at: ");
    for file in ["missing.pem", "empty.pem", "junk.pem"] {
        complains(&with("agent.pem", "@token", &["--cacert", file]), 2, &format!("--cacert {file}"));
    }
    for url in ["/calendars", "ftp://127.0.0.1/", "http://bob@127.0.0.1/", "http://127.0.0.1:x/"] {
        complains(&send(&shell, &["GET", url]), 2, "URL: ");
    }
    complains(&send(&shell, &["GET", &format!("{events}?")]), 2, "URL: ");
    assert_eq!(service.heads().len(), 1);
}

#[test]
fn a_service_that_is_not_there_or_does_not_answer_is_exit_2() {
    let (shell, _service) = session();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", silent.local_addr().unwrap());
    let ran = send(&shell, &["GET", &origin, "--also-at", &origin, "--timeout", "1s"]);
    complains(&ran, 2, "--timeout: no answer within 1 seconds");
    drop(silent);
    complains(&send(&shell, &["GET", &origin, "--also-at", &origin]), 2, "URL: the request could not be sent");
}

#[test]
fn a_refusal_can_not_steer_the_terminal_or_flood_it() {
    let (shell, _service) = session();
    let details = json!([{"type": "\u{1b}[2J\u{202e}\u{9b}", "pad": "x".repeat(9_000)}]);
    let problem = json!({"authorization_details": details, "trace_id": "t\r\u{1b}"}).to_string();
    let hostile = Service::start(None, move |_, _| {
        Router::new().fallback(move || async move {
            let challenge = ("www-authenticate", "Countersign error=\"insufficient_authorization\"");
            (StatusCode::FORBIDDEN, [challenge, ("content-type", "application/problem+json")], problem)
        })
    });
    for json in [false, true] {
        let args = ["GET", &hostile.origin, "--also-at", &hostile.origin, "--json"];
        let ran = send(&shell, &args[..if json { 5 } else { 4 }]);
        complains(&ran, 1, "insufficient_authorization");
        assert!(ran.stderr.len() < 1_000, "{}", ran.stderr.len());
        let text = [ran.stderr.as_str(), ran.text()].concat();
        let steers = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{202e}');
        assert!(!text.contains(steers), "{text}");
        if json {
            let printed: Value = ran.lines().remove(0);
            assert_eq!(printed["refusal"]["authorization_details"], details);
        }
    }
}

#[test]
fn a_refusal_whose_problem_never_ends_ends() {
    let (shell, _service) = session();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", silent.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        let (mut stream, _) = silent.accept().unwrap();
        assert!(stream.read(&mut [0; 8192]).unwrap() > 0);
        let head = "HTTP/1.1 403 Forbidden\r\nwww-authenticate: Countersign error=\"invalid_token\"\r\n\
            content-type: application/problem+json\r\nx-note: \u{9b}31m\r\ncontent-length: 100\r\n\r\n{";
        stream.write_all(head.as_bytes()).unwrap();
        // Until the client goes away.
        while stream.read(&mut [0; 4096]).is_ok_and(|count| count > 0) {}
    });
    let ran = send(&shell, &["GET", &origin, "--also-at", &origin, "--timeout", "1s", "--include"]);
    complains(&ran, 2, "--timeout");
    assert!(ran.text().contains("x-note: ") && !ran.text().contains('\u{9b}'), "{}", ran.text());
    server.join().unwrap();
}

#[test]
fn bytes_that_are_no_text_keep_their_value() {
    let (shell, _service) = session();
    let bytes = Service::start(None, |_, _| Router::new().fallback(async || vec![0xff, 0x00, 0xfe]));
    let at = ["GET", &bytes.origin, "--also-at", &bytes.origin];
    assert_eq!(send(&shell, &at).stdout, [0xff, 0x00, 0xfe]);
    assert_eq!(send(&shell, &[&at[..], &["--json"]].concat()).lines()[0]["body_base64url"], "_wD-");
}

#[test]
fn https_trusts_the_given_certificate_and_no_other() {
    let ours = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let theirs = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(ours.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let tls = tls.with_no_client_auth().with_single_cert(vec![ours.cert.der().clone()], key.into()).unwrap();
    let (shell, service) = session_over(Some(TlsAcceptor::from(Arc::new(tls))));
    shell.write("ours.pem", ours.cert.pem());
    shell.write("theirs.pem", theirs.cert.pem());
    let events = service.events();
    assert_eq!(send(&shell, &["GET", &events, "--cacert", "ours.pem"]).ok(), "[]");
    complains(&send(&shell, &["GET", &events, "--cacert", "theirs.pem"]), 2, "URL: the request could not be sent");
    complains(&send(&shell, &["GET", &events]), 2, "countersign: ");
    // The token is for https: to the same port without TLS it does not go.
    let plain = events.replace("https://", "http://");
    complains(&send(&shell, &["GET", &plain, "--cacert", "ours.pem"]), 2, "--also-at");
    assert_eq!(service.heads().len(), 1);
}
