//! What a gate remembers of the messages that wait, and who may do what to them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use countersign::jsonrpc::mcp::Server;
use countersign::jsonrpc::{Message, SignMessage};
use countersign::key::SigningKey;
use countersign::time::UnixTime;
use countersign::token::{Delegation, Grant, OpenToken, Right};
use countersign::verify::{MemoryCharges, MemoryReplay, Operations, Verifier};
use countersign_tower::mcp::{Gate, Received, guard_lines};
use countersign_tower::{AuditRecord, CountersignLayer};
use serde_json::{Value, json};

use crate::support::nonce;

const NOW: UnixTime = UnixTime(1_795_453_200);
const AUDIENCE: &str = "https://calendar.example.com/mcp";

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32])
}

fn grant(agent: u8) -> Grant {
    Grant::new("https://hub.example", "alice", "bot", key(agent).public())
        .purpose("scheduling")
        .audience(AUDIENCE)
        .valid(NOW, NOW.plus(3600))
        .right(Right { r#type: "mcp_tool", location: "calendar/list_events", action: "call" })
        .delegation_depth(1)
}

fn mint(grant: &Grant) -> OpenToken {
    grant.sign(&key(1), &key(3)).unwrap()
}

/// Somebody who signs messages.
struct Agent {
    token: OpenToken,
    key: SigningKey,
}

impl Agent {
    fn of(seed: u8) -> Self {
        Self { token: mint(&grant(seed)), key: key(seed) }
    }

    fn signed(&self, message: &Value) -> Vec<u8> {
        let message = Message::parse(message.to_string().as_bytes(), 1 << 20).unwrap();
        let sealed = self.token.seal().unwrap();
        let unsigned = SignMessage::new(message, AUDIENCE, &sealed).created(NOW, nonce()).prepare().unwrap();
        let signature = self.key.sign(unsigned.payload());
        unsigned.complete(signature).to_text().into_bytes()
    }
}

/// A gate, and what its audit saw.
struct Seen {
    gate: Gate,
    records: Arc<Mutex<Vec<AuditRecord>>>,
}

impl Seen {
    fn gate() -> Self {
        let verifier = Verifier::builder().audience(AUDIENCE).authority("calendar.example.com");
        let verifier = verifier.issuer("https://hub.example", [key(1).public()]).build().unwrap();
        let records: Arc<Mutex<Vec<AuditRecord>>> = Arc::default();
        let sink = Arc::clone(&records);
        let layer = CountersignLayer::builder(Arc::new(verifier), Operations::table([]).unwrap())
            .replay(MemoryReplay::insecure_without_epoch())
            .charges(MemoryCharges::insecure_without_epoch())
            .clock(|| NOW)
            .audit(Arc::new(move |record: &AuditRecord| sink.lock().unwrap().push(record.clone())))
            .build();
        Self { gate: Gate::new(&layer, AUDIENCE, Server::new("calendar").unwrap()).unwrap(), records }
    }

    async fn send(&self, agent: &Agent, message: Value) -> Received {
        self.gate.receive(&agent.signed(&message)).await
    }

    /// The message as the server gets it.
    async fn forwarded(&self, agent: &Agent, message: Value) -> Value {
        match self.send(agent, message).await {
            Received::Forward(message) => message,
            other => panic!("{other:?}"),
        }
    }

    /// The class of the error that is answered.
    async fn refused(&self, agent: &Agent, message: Value) -> String {
        match self.send(agent, message).await {
            Received::Answer(error) => error["error"]["message"].as_str().unwrap().to_owned(),
            other => panic!("{other:?}"),
        }
    }

    /// What the peer gets of an answer by the server.
    fn answered(&self, id: &Value, result: &Value) -> Option<Value> {
        let mut answer = json!({"jsonrpc": "2.0", "id": id, "result": result});
        self.gate.passes(&mut answer).then_some(answer)
    }

    fn detail(&self) -> &'static str {
        self.records.lock().unwrap().last().unwrap().detail
    }
}

fn request(id: impl Into<Value>, method: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id.into(), "method": method})
}

fn call(id: u64) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": "list_events"}})
}

fn cancel(id: impl Into<Value>) -> Value {
    json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id.into()}})
}

fn tools() -> Value {
    json!({"tools": [{"name": "list_events"}, {"name": "wire_money"}]})
}

// spec: JR-25, JR-38
#[tokio::test]
async fn the_answer_to_a_cancelled_listing_is_that_of_no_other_message() {
    let (seen, agent) = (Seen::gate(), Agent::of(2));
    let listing = seen.forwarded(&agent, request(5, "tools/list")).await;
    let cancelled = seen.forwarded(&agent, cancel(5)).await;
    assert_eq!(cancelled["params"]["requestId"], listing["id"]);
    let ping = seen.forwarded(&agent, request(5, "ping")).await;
    // It comes late, under either id that somebody may take for its own.
    assert_eq!(seen.answered(&listing["id"], &tools()), None);
    assert_eq!(seen.answered(&json!(5), &tools()), None);
    assert_ne!(listing["id"], ping["id"]);
    assert_eq!(seen.answered(&ping["id"], &json!({})), Some(json!({"jsonrpc": "2.0", "id": 5, "result": {}})));
}

// spec: JR-38
#[tokio::test]
async fn nobody_cancels_what_another_sent() {
    let (seen, agent, other) = (Seen::gate(), Agent::of(2), Agent::of(4));
    let listing = seen.forwarded(&agent, request(5, "tools/list")).await;
    // Also not by the number that the server knows it by, or by one that the server may take for it.
    for id in [json!(5), listing["id"].clone(), json!("5")] {
        assert_eq!(seen.send(&other, cancel(id)).await, Received::Nothing);
    }
    for id in [json!(6), json!("5"), json!({"id": 5}), Value::Null] {
        assert_eq!(seen.send(&agent, cancel(id)).await, Received::Nothing);
    }
    // The signature covers the number and not its spelling, and servers differ in what they take for equal.
    let spelled = String::from_utf8(agent.signed(&cancel(5))).unwrap().replace("\"requestId\":5", "\"requestId\":5.0");
    assert_eq!(seen.gate.receive(spelled.as_bytes()).await, Received::Nothing);
    assert_eq!(seen.detail(), "nothing of the sender's to cancel");
    let shown = json!({"tools": [{"name": "list_events"}]});
    let answer = seen.answered(&listing["id"], &tools()).unwrap();
    assert_eq!((&answer["id"], &answer["result"]), (&json!(5), &shown));
    // It is answered, so it waits no longer.
    assert_eq!(seen.send(&agent, cancel(5)).await, Received::Nothing);
    // What names no message cancels none.
    let bare = json!({"jsonrpc": "2.0", "method": "notifications/cancelled"});
    assert!(matches!(seen.send(&agent, bare).await, Received::Forward(_)));
}

// spec: JR-38
#[tokio::test]
async fn each_message_has_an_id_of_the_gates_own() {
    let (seen, agent) = (Seen::gate(), Agent::of(2));
    let mut known = Vec::new();
    for id in [json!(7), json!("7"), json!("a b"), json!(-1), json!(7)] {
        let forwarded = seen.forwarded(&agent, request(id.clone(), "ping")).await;
        assert!(!known.contains(&forwarded["id"]), "{} again", forwarded["id"]);
        known.push(forwarded["id"].clone());
        if known.len() == 1 {
            let error = json!({"jsonrpc": "2.0", "id": forwarded["id"], "error": {"code": 1, "message": "no"}});
            let mut answer = error.clone();
            assert!(seen.gate.passes(&mut answer));
            assert_eq!(answer, json!({"jsonrpc": "2.0", "id": 7, "error": {"code": 1, "message": "no"}}));
            assert!(!seen.gate.passes(&mut error.clone()), "a second answer");
        }
    }
    // A notification has none, then as now.
    let note = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    assert_eq!(seen.forwarded(&agent, note).await.get("id"), None);
}

// spec: JR-38
#[tokio::test]
async fn what_could_not_wait_is_not_charged() {
    let seen = Seen::gate();
    let agent = Agent { token: mint(&grant(2).budget("calls", "calls", 2, 0)), key: key(2) };
    let _ = seen.forwarded(&agent, call(1)).await;
    for _ in 0..3 {
        assert_eq!(seen.refused(&agent, call(1)).await, "unavailable");
    }
    let _ = seen.forwarded(&agent, call(2)).await;
    assert_eq!(seen.refused(&agent, call(3)).await, "budget_exceeded");
    // What was refused does not wait.
    let _ = seen.forwarded(&agent, request(3, "ping")).await;
}

// spec: JR-38
#[tokio::test]
async fn no_notification_has_an_id() {
    let (seen, agent) = (Seen::gate(), Agent::of(2));
    for method in ["progress", "initialized", "cancelled", "roots/list_changed", "other"] {
        let message = request(1, &format!("notifications/{method}"));
        assert_eq!(seen.refused(&agent, message).await, "insufficient_authorization", "{method}");
        assert_eq!(seen.detail(), "notification with an id");
    }
    let _ = seen.forwarded(&agent, request(1, "ping")).await;
}

// spec: JR-38
#[tokio::test]
async fn an_agent_and_its_delegates_have_a_share_of_what_waits() {
    let (seen, agent, other) = (Seen::gate(), Agent::of(2), Agent::of(4));
    for id in 0..256 {
        let _ = seen.forwarded(&agent, request(id, "ping")).await;
    }
    assert_eq!(seen.refused(&agent, request(256, "ping")).await, "unavailable");
    let handed_on = agent.token.delegate(&Delegation::to("helper", key(5).public())).unwrap();
    let delegate = Agent { token: handed_on.sign(&agent.key, &key(6)).unwrap(), key: key(5) };
    assert_eq!(seen.refused(&delegate, request(257, "ping")).await, "unavailable");
    let _ = seen.forwarded(&other, request(258, "ping")).await;
    // One ends, and one may come.
    let _ = seen.forwarded(&agent, cancel(7)).await;
    let _ = seen.forwarded(&delegate, request(259, "ping")).await;
    assert_eq!(seen.refused(&agent, request(260, "ping")).await, "unavailable");
}

// spec: JR-38
#[tokio::test]
async fn no_long_id_is_kept() {
    let (seen, agent) = (Seen::gate(), Agent::of(2));
    let _ = seen.forwarded(&agent, request("a".repeat(254), "ping")).await;
    assert_eq!(seen.refused(&agent, request("a".repeat(255), "ping")).await, "unavailable");
    // As JSON it is six times as long.
    assert_eq!(seen.refused(&agent, request("\u{1}".repeat(43), "ping")).await, "unavailable");
}

// spec: JR-38
#[tokio::test]
async fn what_waits_ends_with_the_connection_to_the_server() {
    let seen = Seen::gate();
    let agent = Agent::of(2);
    let first = seen.forwarded(&agent, call(1)).await["id"].clone();
    assert_eq!(seen.refused(&agent, call(1)).await, "unavailable");
    seen.gate.disconnected();
    assert_eq!(seen.answered(&first, &json!({})), None, "of a connection that is over");
    let second = seen.forwarded(&agent, call(1)).await["id"].clone();
    assert_ne!(first, second);
    assert!(seen.answered(&second, &json!({})).is_some());
}

// spec: JR-38
#[tokio::test]
async fn lines_leave_nothing_waiting_behind() {
    use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, duplex, split};
    let seen = Seen::gate();
    let agent = Agent::of(2);
    // A server that reads the message and is gone, and a future that is dropped before its server answers.
    for ends in [true, false] {
        let ((peer, gate_of_peer), (server, gate_of_server)) = (duplex(1 << 16), duplex(1 << 16));
        let guard = guard_lines(&seen.gate, split(gate_of_peer), split(gate_of_server));
        let (from_gate, to_gate) = split(peer);
        let run = async {
            let mut to_gate = to_gate;
            to_gate.write_all(&[agent.signed(&call(7)), b"\n".to_vec()].concat()).await.unwrap();
            let mut line = String::new();
            let mut server = BufReader::new(server);
            // What waits from before would have it answered, and never handed on.
            let read = server.read_line(&mut line);
            tokio::time::timeout(Duration::from_secs(10), read).await.unwrap().unwrap();
            assert!(line.contains("tools/call"), "{line}");
            if !ends {
                return;
            }
            drop(server);
            std::future::pending().await
        };
        tokio::select! {
            ended = guard => assert!(ends && ended.is_ok()),
            () = run => assert!(!ends),
        }
        drop(from_gate);
    }
    assert!(matches!(seen.send(&agent, call(7)).await, Received::Forward(_)));
}
