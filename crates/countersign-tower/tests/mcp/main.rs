//! The examples `mcp_server` and `mcp_client` as processes, and what a relay between them may not do.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests say what went wrong by panicking"
)]

mod typescript;

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use bytes::Bytes;
use countersign::jsonrpc::Message;
use countersign::key::SigningKey;
use countersign::token::{Grant, OpenToken, Right};
use countersign_tower::client::Signer;
use countersign_tower::system_clock;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde_json::{Value, json};

const STDIO: &str = "https://calendar.example.com/mcp";

/// A program of `examples/`, which `cargo test` builds before the tests.
fn example(name: &str) -> PathBuf {
    let this = std::env::current_exe().unwrap();
    let path = this.ancestors().nth(2).unwrap().join("examples").join(name);
    assert!(path.exists(), "{} is not built: cargo build -p countersign-tower --examples", path.display());
    path
}

fn key(name: u8) -> SigningKey {
    SigningKey::from_seed(&[name; 32])
}

/// Alice lets calendar-bot call one tool of three.
fn token(audience: &str) -> OpenToken {
    let now = system_clock();
    Grant::new("https://hub.example", "alice@example.com", "calendar-bot", key(2).public())
        .purpose("scheduling")
        .audience(audience)
        .valid(now, now.plus(600))
        .right(Right { r#type: "mcp_tool", location: "calendar/list_events", action: "call" })
        .sign(&key(1), &key(3))
        .unwrap()
}

/// Files for the client: the token, the holder's key.
struct Files(tempfile::TempDir);

impl Files {
    fn new(token: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("token"), token).unwrap();
        std::fs::write(folder.path().join("key"), key(2).dangerous_text().as_bytes()).unwrap();
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

/// A running server; it ends with the test.
struct Server {
    process: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Server {
    fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(example("mcp_server"));
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().unwrap();
        let (input, output) = (process.stdin.take(), BufReader::new(process.stdout.take().unwrap()));
        Self { process, input, output }
    }

    fn over_stdio() -> Self {
        Self::start(&["stdio", &key(1).public().to_string(), STDIO])
    }

    fn over_http() -> (Self, String) {
        let mut server = Self::start(&["http", &key(1).public().to_string()]);
        let url = server.line();
        (server, url)
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn write(&mut self, text: &str) {
        let input = self.input.as_mut().unwrap();
        writeln!(input, "{text}").unwrap();
        input.flush().unwrap();
    }

    fn ask(&mut self, text: &str) -> Value {
        self.write(text);
        serde_json::from_str(&self.line()).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn client(files: &Files, arguments: &[&str]) -> String {
    let (token, key) = (files.path("token"), files.path("key"));
    let output = Command::new(example("mcp_client")).args([&token, &key]).args(arguments).output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    told
}

/// One tool is shown, and called for Alice; another is refused.
fn worked(told: &str, refused: &str) {
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines[0], "tools: list_events", "{told}");
    assert_eq!(lines[1], "list_events: \"no events on 2026-11-24 for alice@example.com\"", "{told}");
    assert!(lines[2].starts_with("send_email: refused: ") && lines[2].contains(refused), "{told}");
    assert_eq!(lines.len(), 3, "{told}");
}

#[test]
fn a_client_works_with_a_server_over_stdio() {
    let files = Files::new(&token(STDIO).dangerous_text());
    let (server, issuer) = (example("mcp_server"), key(1).public().to_string());
    let told = client(&files, &["stdio", server.to_str().unwrap(), "stdio", &issuer, STDIO]);
    worked(&told, "insufficient_authorization");
}

#[test]
fn a_client_works_with_a_server_over_http() {
    let (_server, url) = Server::over_http();
    let files = Files::new(&token(&url).dangerous_text());
    worked(&client(&files, &["http", &url]), "insufficient_authorization");
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn signed(message: &Value) -> Value {
    let signer = Signer::new(token(STDIO), key(2)).unwrap();
    let message = Message::parse(message.to_string().as_bytes(), 1 << 20).unwrap();
    serde_json::from_str(&block_on(signer.sign_message(message)).unwrap().to_text()).unwrap()
}

fn call(id: u8, tool: &str) -> Value {
    let arguments = json!({"day": "2026-11-24"});
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": tool, "arguments": arguments}})
}

fn begin(server: &mut Server) {
    let params =
        json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "0"}});
    let initialize = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params});
    assert!(server.ask(&signed(&initialize).to_string())["result"]["serverInfo"].is_object());
    server.write(&signed(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).to_string());
}

#[test]
fn refuses_what_a_relay_does_to_messages() {
    let mut server = Server::over_stdio();
    begin(&mut server);
    let class = |answer: &Value| answer["error"]["message"].as_str().unwrap_or("none").to_owned();
    let text = |answer: &Value| answer["result"]["content"][0]["text"].as_str().unwrap_or("none").to_owned();

    // Renumbered and written anew, it is still the agent's.
    let mut renumbered = signed(&call(1, "list_events"));
    renumbered["id"] = json!("relay-1");
    let answer = server.ask(&renumbered.to_string());
    assert_eq!(
        (answer["id"].as_str(), text(&answer)),
        (Some("relay-1"), "no events on 2026-11-24 for alice@example.com".to_owned())
    );
    // Sent once more, it is not.
    assert_eq!(class(&server.ask(&renumbered.to_string())), "replayed");

    // Moved to another tool, by the message or by its envelope.
    let mut moved = signed(&call(2, "list_events"));
    moved["params"]["name"] = json!("add_event");
    assert_eq!(class(&server.ask(&moved.to_string())), "invalid_request_proof");
    let mut carrying = call(3, "send_email");
    carrying["params"]["_meta"] = signed(&call(3, "list_events"))["params"]["_meta"].clone();
    assert_eq!(class(&server.ask(&carrying.to_string())), "invalid_request_proof");
    let mut other = signed(&call(4, "list_events"));
    other["params"]["arguments"]["day"] = json!("2026-11-25");
    assert_eq!(class(&server.ask(&other.to_string())), "invalid_request_proof");

    // Without a proof at all; and with a caller of the sender's own choosing, which the gate overwrites.
    assert_eq!(class(&server.ask(&call(5, "list_events").to_string())), "invalid_request_proof");
    let mut posing = call(6, "list_events");
    posing["params"]["_meta"] = json!({"dev.countersign/caller": {"user": "mallory"}});
    assert_eq!(text(&server.ask(&signed(&posing).to_string())), "no events on 2026-11-24 for alice@example.com");

    // Signed, and beyond the token.
    assert_eq!(class(&server.ask(&signed(&call(7, "send_email")).to_string())), "insufficient_authorization");
    // A batch has no one id to be answered with; the next answer is to what comes behind it.
    server.write(&format!("[{}]", signed(&call(8, "list_events"))));
    let list = signed(&json!({"jsonrpc": "2.0", "id": 9, "method": "tools/list"}));
    let answer = server.ask(&list.to_string());
    assert_eq!(answer["id"], 9);
    let names: Vec<&str> =
        answer["result"]["tools"].as_array().unwrap().iter().filter_map(|tool| tool["name"].as_str()).collect();
    assert_eq!(names, ["list_events"]);
}

/// Posts a signed call, after `change` had its way with it; the status, and the class or the text of the answer.
fn post(url: &str, fields: &[(&str, &str)], change: fn(&mut HeaderMap, &mut String)) -> (u16, String) {
    let signer = Signer::new(token(url), key(2)).unwrap();
    let mut body = call(1, "list_events").to_string();
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
    for (name, value) in fields {
        headers.insert(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap());
    }
    block_on(async {
        let bytes = Bytes::from(body.clone());
        let mut signed = signer.sign(&Method::POST, &url.parse().unwrap(), &headers, &bytes).await.unwrap();
        change(&mut signed, &mut body);
        let answer = reqwest::Client::new().post(url).headers(signed).body(body).send().await.unwrap();
        let status = answer.status().as_u16();
        let challenge = answer.headers().get(header::WWW_AUTHENTICATE).map(|value| value.to_str().unwrap().to_owned());
        let text = answer.text().await.unwrap();
        let told = || {
            serde_json::from_str::<Value>(&text).unwrap()["result"]["content"][0]["text"].as_str().map(str::to_owned)
        };
        (status, challenge.or_else(told).unwrap_or(text.clone()))
    })
}

#[test]
fn refuses_what_a_relay_does_to_requests() {
    let (_server, url) = Server::over_http();
    let allowed = (200, "no events on 2026-11-24 for alice@example.com".to_owned());
    let refused = (401, "Countersign error=\"invalid_request_proof\"".to_owned());
    let fields = [("mcp-method", "tools/call"), ("mcp-name", "list_events")];
    assert_eq!(post(&url, &[], |_, _| {}), allowed);
    assert_eq!(post(&url, &fields, |_, _| {}), allowed);
    // Moved to another tool, in the body alone, in the fields alone, in both.
    assert_eq!(post(&url, &fields, |_, body| *body = body.replace("list_events", "send_email")), refused);
    let rename: fn(&mut HeaderMap, &mut String) =
        |headers, _| drop(headers.insert("mcp-name", HeaderValue::from_static("send_email")));
    assert_eq!(post(&url, &fields, rename), refused);
    let added: fn(&mut HeaderMap, &mut String) =
        |headers, _| drop(headers.insert("mcp-name", HeaderValue::from_static("list_events")));
    assert_eq!(post(&url, &[], added), refused);
    let mismatched = (403, "Countersign error=\"insufficient_authorization\"".to_owned());
    // Signed by the agent, but the fields and the body say different things.
    assert_eq!(post(&url, &[("mcp-name", "send_email")], |_, _| {}), mismatched);
    assert_eq!(post(&url, &[("mcp-method", "tools/list")], |_, _| {}), mismatched);
    let remove: fn(&mut HeaderMap, &mut String) = |headers, _| drop(headers.remove("mcp-name"));
    assert_eq!(post(&url, &fields, remove), refused);
}

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
