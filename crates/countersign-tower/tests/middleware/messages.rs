//! Messages through the gate and the layer (the vectors run in `vectors`), and what both do with a server's answers.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use bytes::Bytes;
use countersign::from_base64url;
use countersign::jsonrpc::Message;
use countersign::jsonrpc::mcp::Server;
use countersign::key::SigningKey;
use countersign::time::UnixTime;
use countersign::token::{Grant, OpenToken, Right};
use countersign::verify::{Decision, Endpoint, MemoryCharges, MemoryReplay, Operations, Verifier};
use countersign_testkit::format_rpc::{RpcVector, Sent};
use countersign_testkit::runner::Answer;
use countersign_testkit::setup::Setup;
use countersign_tower::client::Signer;
use countersign_tower::mcp::{CALLER, Gate, Received};
use countersign_tower::{AuditRecord, CountersignLayer};
use http::{HeaderMap, Method, Request, StatusCode, Uri, header};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::vectors::in_http_types;

type Records = Arc<Mutex<Vec<AuditRecord>>>;

/// One server, reached over HTTP and by lines, with the same stores.
struct Service {
    app: Router,
    gate: Gate,
    records: Records,
}

impl Service {
    fn of(vector: &RpcVector) -> Self {
        let Setup { verifier, revocations, now, .. } =
            Setup::with(&vector.input.config, vector.input.revoked.as_ref(), vector.input.now);
        let audiences: Vec<String> = verifier.audiences().map(str::to_owned).collect();
        let (mcp, records) = (&vector.input.mcp, Records::default());
        let (server, sink) = (Server::new(&mcp.server).unwrap(), Arc::clone(&records));
        let endpoint = Endpoint { path: mcp.path.clone(), server: server.clone(), envelope: mcp.envelope };
        let layer = CountersignLayer::builder(Arc::new(verifier), Operations::table([]).unwrap())
            .mcp(endpoint)
            .clock(move || now)
            .revocations(Arc::new(revocations))
            .replay(MemoryReplay::insecure_without_epoch())
            .charges(MemoryCharges::insecure_without_epoch())
            .audit(Arc::new(move |record: &AuditRecord| sink.lock().unwrap().push(record.clone())))
            .build();
        // The one that the message is for, where it is for any.
        let text = match &vector.input.sent {
            Sent::Message(text) => from_base64url(text).unwrap(),
            Sent::Request(_) => Vec::new(),
        };
        let text = String::from_utf8_lossy(&text);
        let named = |audience: &&String| text.contains(&format!("\"service\":\"{audience}\""));
        let audience = audiences.iter().find(named).unwrap_or(&audiences[0]);
        let gate = Gate::new(&layer, audience, server).unwrap();
        let answer = |method: Method| async move {
            let form = if method == Method::GET { "text/event-stream" } else { "application/json" };
            ([(header::CONTENT_TYPE, form)], "{}")
        };
        Self { app: Router::new().fallback(answer).layer(layer), gate, records }
    }

    /// What was decided, and that the sender was told no more than a class.
    async fn decide(&self, sent: &Sent) -> Decision {
        let (allowed, told) = match sent {
            Sent::Message(text) => match self.gate.receive(&without_id(from_base64url(text).unwrap())).await {
                Received::Forward(message) => {
                    assert!(!message.to_string().contains("dev.countersign/request"), "{message}");
                    assert_eq!(message["params"]["_meta"][CALLER]["decision"], "allow");
                    // The server answers, so that the next message may have this one's id.
                    if let Some(id) = message.get("id") {
                        assert!(self.gate.passes(&mut json!({"jsonrpc": "2.0", "id": id, "result": {}})));
                    }
                    (true, String::new())
                }
                Received::Answer(error) => (false, error.to_string()),
                Received::Nothing => (false, String::new()),
            },
            Sent::Request(bytes) => {
                let request = in_http_types(&from_base64url(bytes).unwrap(), None).unwrap();
                let response = self.app.clone().oneshot(request).await.unwrap();
                let allowed = response.status() == StatusCode::OK;
                let body = response.into_body().collect().await.unwrap().to_bytes();
                (allowed, String::from_utf8(body.to_vec()).unwrap())
            }
        };
        let record = self.records.lock().unwrap().pop().unwrap();
        let decision = record.decision.clone().unwrap_or_else(|| unreachable!("no decision: {record:?}, {told}"));
        assert_eq!(decision.decision == "allow", allowed, "{decision:?}");
        if let Some(code) = decision.code.as_deref().and_then(countersign::Code::from_word) {
            let (code, class) = (code.as_str(), code.class().as_str());
            assert!(code == class || !told.contains(code), "{code} in {told}");
        }
        decision
    }
}

/// A gate takes no notification with an id, which is not part of what is signed.
fn without_id(text: Vec<u8>) -> Vec<u8> {
    let idle = |method: &str| method.starts_with("notifications/");
    match serde_json::from_slice(&text) {
        Ok(Value::Object(mut message)) if message.get("method").and_then(Value::as_str).is_some_and(idle) => {
            message.remove("id");
            Value::Object(message).to_string().into_bytes()
        }
        _ => text,
    }
}

/// What gate and layer decide, after what came before.
pub(crate) async fn decide(vector: &RpcVector) -> Answer {
    let service = Service::of(vector);
    for before in &vector.input.before {
        let decision = service.decide(before).await;
        if decision.decision != "allow" {
            return Answer::Failed(format!("what came before it is {decision:?}"));
        }
    }
    Answer::Decision(serde_json::to_value(service.decide(&vector.input.sent).await).unwrap())
}

const NOW: UnixTime = UnixTime(1_795_453_200);
const AUDIENCE: &str = "https://calendar.example.com/mcp";

fn token() -> OpenToken {
    let right = |location, action| Right { r#type: "mcp_tool", location, action };
    Grant::new("https://hub.example", "alice", "bot", SigningKey::from_seed(&[2; 32]).public())
        .purpose("scheduling")
        .audience(AUDIENCE)
        .valid(NOW, NOW.plus(3600))
        .right(right("calendar/list_events", "call"))
        .right(Right { r#type: "mcp_resource", location: "calendar/memo/a", action: "read" })
        .sign(&SigningKey::from_seed(&[1; 32]), &SigningKey::from_seed(&[3; 32]))
        .unwrap()
}

fn signer() -> Signer {
    Signer::builder(token(), SigningKey::from_seed(&[2; 32])).clock(|| NOW).build().unwrap()
}

fn layer() -> CountersignLayer {
    let verifier = Verifier::builder().audience(AUDIENCE).authority("calendar.example.com");
    let verifier = verifier.issuer("https://hub.example", [SigningKey::from_seed(&[1; 32]).public()]).build().unwrap();
    let server = Server::new("calendar").unwrap();
    CountersignLayer::builder(Arc::new(verifier), Operations::table([]).unwrap())
        .mcp(Endpoint { path: "/mcp".to_owned(), server, envelope: false })
        .replay(MemoryReplay::insecure_without_epoch())
        .clock(|| NOW)
        .build()
}

fn all_tools() -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "result": {"tools": [
        {"name": "list_events"}, {"name": "send_email"}, {"name": 1}, {}, "list_events",
    ], "nextCursor": "x"}})
}

fn shown_tools() -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "result": {"tools": [{"name": "list_events"}], "nextCursor": "x"}})
}

async fn post(app: Router, method: &str) -> Response {
    post_message(app, json!({"jsonrpc": "2.0", "id": 1, "method": method})).await
}

async fn post_message(app: Router, message: Value) -> Response {
    let body = Bytes::from(message.to_string());
    let uri = Uri::from_static(AUDIENCE);
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
    headers.insert("last-event-id", "7".parse().unwrap());
    let signed = signer().sign(&Method::POST, &uri, &headers, &body).await.unwrap();
    let mut request =
        Request::post("/mcp").header(header::HOST, "calendar.example.com").body(Body::from(body)).unwrap();
    request.headers_mut().extend(signed);
    app.oneshot(request).await.unwrap()
}

fn answering(response: fn() -> Response) -> Router {
    Router::new().route("/mcp", any(move || async move { response() })).layer(layer())
}

async fn text(response: Response) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

// spec: JR-25
#[tokio::test]
async fn filters_listings_in_json_and_in_events() {
    let json =
        || ([(header::CONTENT_TYPE, "application/json; charset=utf-8")], all_tools().to_string()).into_response();
    let answer = post(answering(json), "tools/list").await;
    let length = answer.headers().get(header::CONTENT_LENGTH).map(|length| length.to_str().unwrap().to_owned());
    let told = text(answer).await;
    assert_eq!(length.unwrap(), told.len().to_string());
    assert_eq!(serde_json::from_str::<Value>(&told).unwrap(), shown_tools());

    // The stream goes on behind the answer, as some servers' do.
    let events = || {
        let first = "id: 1\r\ndata:\r\n\r\nevent: message\ndata: {\"method\":\"notifications/progress\"}\n\ndata: no message\n\n";
        let text = format!("{first}event: message\ndata: {}\n\n", all_tools());
        let stream = futures::stream::iter([Ok::<_, std::io::Error>(Bytes::from(text))]);
        let body = Body::from_stream(futures::StreamExt::chain(stream, futures::stream::pending()));
        Response::builder().header(header::CONTENT_TYPE, "text/event-stream").body(body).unwrap()
    };
    let told = text(post(answering(events), "tools/list").await).await;
    let expected = format!(
        "event: message\ndata: {{\"method\":\"notifications/progress\"}}\n\nevent: message\ndata: {}\n\n",
        shown_tools()
    );
    assert_eq!(told, expected);
}

// spec: JR-25
#[tokio::test]
async fn hands_on_no_listing_that_it_cannot_read() {
    let plain = || all_tools().to_string().into_response();
    let batch = || ([(header::CONTENT_TYPE, "application/json")], format!("[{}]", all_tools())).into_response();
    let coded = || {
        let fields = [(header::CONTENT_TYPE, "application/json"), (header::CONTENT_ENCODING, "gzip")];
        (fields, all_tools().to_string()).into_response()
    };
    let long = || ([(header::CONTENT_TYPE, "application/json")], " ".repeat(5 << 20)).into_response();
    let accepted = || StatusCode::ACCEPTED.into_response();
    let empty = || ([(header::CONTENT_TYPE, "application/json")], "").into_response();
    for answer in [plain as fn() -> Response, batch, coded, long, accepted, empty] {
        let answer = post(answering(answer), "tools/list").await;
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(!text(answer).await.contains("send_email"));
    }
    // A stream that ends without an event shows nothing.
    let ended = || ([(header::CONTENT_TYPE, "text/event-stream")], "").into_response();
    let answer = post(answering(ended), "tools/list").await;
    assert_eq!((answer.status(), text(answer).await), (StatusCode::OK, String::new()));
    // What is no listing passes as it is, whatever it holds.
    let answer = post(answering(plain), "ping").await;
    assert_eq!(text(answer).await, all_tools().to_string());
    let answer = post(answering(accepted), "notifications/initialized").await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
}

// spec: JR-37
#[tokio::test]
async fn no_sender_says_who_asks() {
    let json = || ([(header::CONTENT_TYPE, "application/json")], "{}").into_response();
    let with = |member: &str| json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "list_events", "_meta": {member: {"user": "x"}}}});
    assert_eq!(post_message(answering(json), with("other")).await.status(), StatusCode::OK);
    assert_eq!(post_message(answering(json), with(CALLER)).await.status(), StatusCode::FORBIDDEN);
}

// spec: RQ-39
#[tokio::test]
async fn no_field_of_the_connection_goes_on() {
    let names = |headers: HeaderMap| async move {
        let mut names: Vec<&str> = headers.keys().map(http::HeaderName::as_str).collect();
        names.sort_unstable();
        names.join(" ")
    };
    let app = Router::new().route("/mcp", any(names)).layer(layer());
    let body = Bytes::from_static(br#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#);
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
    headers.insert("x-tenant", "a".parse().unwrap());
    let signed = signer().sign(&Method::POST, &Uri::from_static(AUDIENCE), &headers, &body).await.unwrap();
    let mut request =
        Request::post("/mcp").header(header::HOST, "calendar.example.com").body(Body::from(body)).unwrap();
    request.headers_mut().extend(signed);
    for (name, value) in
        [("connection", "keep-alive, x-tenant"), ("te", "trailers"), ("keep-alive", "1"), ("x-late", "1")]
    {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    let told = text(app.oneshot(request).await.unwrap()).await;
    assert_eq!(told, "authorization content-digest content-type host signature signature-input x-tenant");
}

// spec: JR-36
#[tokio::test]
async fn no_stream_goes_on_where_another_broke_off() {
    let app = Router::new()
        .route("/mcp", any(|headers: HeaderMap| async move { headers.contains_key("last-event-id").to_string() }))
        .layer(layer());
    assert_eq!(text(post(app.clone(), "ping").await).await, "false");
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "list_events"}});
    assert_eq!(text(post_message(app, call).await).await, "false");
}

async fn get(app: Router) -> Response {
    let signed = signer().sign(&Method::GET, &Uri::from_static(AUDIENCE), &HeaderMap::new(), &Bytes::new()).await;
    let mut request = Request::get("/mcp").header(header::HOST, "calendar.example.com").body(Body::empty()).unwrap();
    request.headers_mut().extend(signed.unwrap());
    app.oneshot(request).await.unwrap()
}

// spec: JR-39
#[tokio::test]
async fn a_stream_has_no_answers() {
    // It does not end, and comes in pieces that are no events.
    let events = || {
        let note = "id: 7\r\nevent: message\r\ndata: {\"method\":\r\ndata: \"notifications/progress\"}\r\n\r\n";
        let answers = format!("data: {}\n\ndata: {{\"error\":{{}},\"method\":\"x\"}}\n\n", all_tools());
        let others = format!("data: [{}]\n\ndata: send_email\n\n: alive send_email\n\ndata:\n\n", all_tools());
        let text = format!("{note}{answers}{others}data: {{\"id\":1,\"method\":\"ping\"}}\n\ndata: rest");
        let pieces: Vec<_> =
            text.as_bytes().chunks(5).map(|piece| Ok::<_, std::io::Error>(Bytes::copy_from_slice(piece))).collect();
        let stream = futures::StreamExt::chain(futures::stream::iter(pieces), futures::stream::pending());
        let fields = [("content-type", "text/event-stream"), ("content-length", "9999"), ("x-kept", "1")];
        (fields.map(|(name, value)| (header::HeaderName::from_static(name), value)), Body::from_stream(stream))
            .into_response()
    };
    let answer = get(answering(events)).await;
    assert_eq!((answer.status(), answer.headers().get(header::CONTENT_LENGTH)), (StatusCode::OK, None));
    assert!(answer.headers().contains_key("x-kept"));
    let (mut body, mut told) = (answer.into_body(), String::new());
    let last = "data: {\"id\":1,\"method\":\"ping\"}\n\n";
    while !told.ends_with(last) {
        told.push_str(std::str::from_utf8(body.frame().await.unwrap().unwrap().data_ref().unwrap()).unwrap());
    }
    let note = "id: 7\nevent: message\ndata: {\"method\":\"notifications/progress\"}\n\n";
    // A comment in the place of each, so that whoever waits sees that the stream lives.
    assert_eq!(told, format!("{note}{}{last}", ":\n\n".repeat(6)));
}

// spec: JR-39
#[tokio::test]
async fn a_stream_that_cannot_be_read_is_none() {
    let json = || ([(header::CONTENT_TYPE, "application/json")], all_tools().to_string()).into_response();
    let coded = || {
        let fields = [(header::CONTENT_TYPE, "text/event-stream"), (header::CONTENT_ENCODING, "gzip")];
        (fields, all_tools().to_string()).into_response()
    };
    for answer in [json as fn() -> Response, coded] {
        let answer = get(answering(answer)).await;
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(!text(answer).await.contains("send_email"));
    }
    // An event of more than 4 MiB ends it, and so does one that is no text.
    let long = || {
        let text =
            format!("data: {{\"method\":\"a\"}}\n\ndata: {}\n\ndata: {{\"method\":\"b\"}}\n\n", " ".repeat(5 << 20));
        ([(header::CONTENT_TYPE, "text/event-stream")], text).into_response()
    };
    let bytes = || {
        let text = b"data: {\"method\":\"a\"}\n\ndata: \xff\n\ndata: {\"method\":\"b\"}\n\n";
        ([(header::CONTENT_TYPE, "text/event-stream")], text.to_vec()).into_response()
    };
    for answer in [long as fn() -> Response, bytes] {
        assert_eq!(text(get(answering(answer)).await).await, "data: {\"method\":\"a\"}\n\n");
    }
    // A server without such a stream says so.
    let none = || (StatusCode::METHOD_NOT_ALLOWED, "send_email").into_response();
    assert_eq!(get(answering(none)).await.status(), StatusCode::METHOD_NOT_ALLOWED);
}

async fn message(method: &str, id: Value) -> Vec<u8> {
    let text = json!({"jsonrpc": "2.0", "id": id, "method": method}).to_string();
    let message = Message::parse(text.as_bytes(), 1 << 20).unwrap();
    signer().sign_message(message).await.unwrap().to_text().into_bytes()
}

/// The id under which a gate hands a message on.
async fn forwarded(gate: &Gate, method: &str, id: Value) -> Value {
    let Received::Forward(message) = gate.receive(&message(method, id).await).await else { panic!() };
    message["id"].clone()
}

// spec: JR-25
#[tokio::test]
async fn a_gate_filters_the_answer_to_each_listing_once() {
    let gate = Gate::new(&layer(), AUDIENCE, Server::new("calendar").unwrap()).unwrap();
    let tools = forwarded(&gate, "tools/list", json!(1)).await;
    // The same id again, while its answer is awaited, is nobody's to tell apart.
    let Received::Answer(error) = gate.receive(&message("tools/list", json!(1)).await).await else { panic!() };
    assert_eq!((&error["error"]["code"], &error["error"]["message"]), (&json!(503), &json!("unavailable")));
    // A string is another id than a number.
    forwarded(&gate, "tools/list", json!("1")).await;
    let resources = forwarded(&gate, "resources/list", json!(2)).await;

    let answer_to = |id: &Value| json!({"jsonrpc": "2.0", "id": id, "result": all_tools()["result"]});
    let mut answer = answer_to(&tools);
    assert!(gate.passes(&mut answer));
    assert_eq!(answer, shown_tools());
    assert!(!gate.passes(&mut answer_to(&tools)), "a second answer");
    let again = forwarded(&gate, "tools/list", json!(1)).await;
    let listed = json!({"resources": [{"uri": "memo://a/b"}, {"uri": "memo://b"}, {"uri": "memo:a"}]});
    let mut answer = json!({"id": resources, "result": listed});
    assert!(gate.passes(&mut answer));
    assert_eq!(answer, json!({"id": 2, "result": {"resources": [{"uri": "memo://a/b"}]}}));
    // Another message under its id can't take the filter off, nor can an answer that nobody waits for.
    let Received::Answer(_) = gate.receive(&message("ping", json!(1)).await).await else { panic!() };
    for id in [json!(1_000), json!(-1), json!(again.to_string()), json!(again.as_f64()), Value::Null] {
        assert!(!gate.passes(&mut answer_to(&id)), "{id}");
    }
    assert!(!gate.passes(&mut json!({"result": all_tools()["result"]})));
    assert!(gate.passes(&mut json!({"method": "notifications/message"})));
    // What is no list is shown to nobody.
    let mut answer = json!({"id": again, "result": {"tools": {"name": "send_email"}}});
    assert!(gate.passes(&mut answer));
    assert_eq!(answer, json!({"id": 1, "result": {"tools": []}}));
}

// spec: JR-26
#[tokio::test]
async fn a_gate_answers_with_a_class_and_what_would_do() {
    let gate = Gate::new(&layer(), AUDIENCE, Server::new("calendar").unwrap()).unwrap();
    let call = json!({"jsonrpc": "2.0", "id": "a", "method": "tools/call", "params": {"name": "send_email"}});
    let call = Message::parse(call.to_string().as_bytes(), 1 << 20).unwrap();
    let signed = signer().sign_message(call).await.unwrap().to_text();
    let Received::Answer(answer) = gate.receive(signed.as_bytes()).await else { panic!() };
    assert_eq!((&answer["jsonrpc"], &answer["id"]), (&json!("2.0"), &json!("a")));
    assert_eq!(
        (&answer["error"]["code"], &answer["error"]["message"]),
        (&json!(403), &json!("insufficient_authorization"))
    );
    let details = &answer["error"]["data"]["authorization_details"][0];
    assert_eq!((&details["type"], &details["actions"]), (&json!("mcp_tool"), &json!(["call"])));
    assert!(answer["error"]["data"]["trace_id"].is_string());
    // A notification has no answer, whatever becomes of it.
    let text = br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    assert_eq!(gate.receive(text).await, Received::Nothing);
}

// spec: JR-12
#[tokio::test]
async fn a_gate_takes_messages_for_its_own_audience_alone() {
    let (issuer, records) = (SigningKey::from_seed(&[1; 32]).public(), Records::default());
    let verifier = Verifier::builder().audience("https://calendar.example.com/mail").audience(AUDIENCE);
    let verifier = verifier.authority("calendar.example.com").issuer("https://hub.example", [issuer]).build().unwrap();
    let sink = Arc::clone(&records);
    let layer = CountersignLayer::builder(Arc::new(verifier), Operations::table([]).unwrap())
        .replay(MemoryReplay::insecure_without_epoch())
        .clock(|| NOW)
        .audit(Arc::new(move |record: &AuditRecord| sink.lock().unwrap().push(record.clone())))
        .build();
    let server = || Server::new("calendar").unwrap();
    let mail = Gate::new(&layer, "https://calendar.example.com/mail", server()).unwrap();
    let calendar = Gate::new(&layer, AUDIENCE, server()).unwrap();
    let call = message("tools/list", json!(1)).await;
    // Same layer, same server name: what is for the calendar does nothing at the mail's gate, and keeps its nonce.
    let Received::Answer(answer) = mail.receive(&call).await else { panic!() };
    assert_eq!(answer["error"]["message"], "invalid_token");
    let decision = records.lock().unwrap().pop().unwrap().decision.unwrap();
    assert_eq!((decision.stage, decision.code.as_deref()), (Some(5), Some("audience_mismatch")));
    let Received::Forward(_) = calendar.receive(&call).await else { panic!() };
}

#[test]
fn a_gate_is_for_an_audience_of_its_verifier() {
    for unknown in ["https://calendar.example.com", "https://calendar.example.com/mcp/", "", "mcp"] {
        let error = Gate::new(&layer(), unknown, Server::new("calendar").unwrap()).unwrap_err();
        assert_eq!(error.to_string(), "a gate's audience is not one of its verifier's");
    }
}
