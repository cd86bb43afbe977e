//! JSON-RPC messages from the command line: `sign-rpc`, `verify-rpc`, and MCP over HTTP by `sign` and `verify`.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests say what went wrong by panicking")]

mod common;

use common::{Ran, Shell};
use serde_json::{Value, json};

const SERVICE: &str = "https://calendar.example.com/mcp";

/// A token for one tool, whose argument `to` has to end in example.com where it is there at all.
fn session() -> Shell {
    let shell = Shell::new();
    let (hub, agent) = (shell.keygen("hub"), shell.keygen("agent"));
    let agent = format!("calendar-bot={agent}");
    let who =
        ["mint", "--issuer-key", "hub.pem", "--issuer", "https://hub.example", "--user", "alice", "--agent", &agent];
    let what = ["--purpose", "scheduling", "--audience", SERVICE, "--expires-in", "1h"];
    let rights = ["--right", "mcp_tool:calendar/invite:call"];
    shell.write("token", shell.at_now(&[&who[..], &what, &rights].concat()).ok());
    let narrow = shell.at_now(&["restrict", "@token", "--arg-ends-with", "/to=@example.com", "--tool", "invite"]);
    shell.write("narrow", narrow.ok());
    let issuer = format!("[[issuers]]\nissuer = \"https://hub.example\"\nkeys = [\"{hub}\"]\n");
    let config = format!(
        "audience = [\"{SERVICE}\"]\nauthorities = [\"calendar.example.com\"]\n{issuer}[mcp]\nserver = \"calendar\"\npath = \"/mcp\"\n"
    );
    shell.write("verifier.toml", config);
    shell
}

fn invite(to: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "invite", "arguments": {"to": to}}})
}

fn sign(shell: &Shell, message: &Value) -> Value {
    shell.write("call.json", message.to_string());
    let arguments = ["sign-rpc", "--key", "agent.pem", "--token", "@narrow", "--service", SERVICE, "call.json"];
    serde_json::from_str(shell.at_now(&arguments).ok()).unwrap()
}

fn verify(shell: &Shell, message: &Value) -> Ran {
    shell.write("signed.json", message.to_string());
    shell.at_now(&["verify-rpc", "--config", "verifier.toml", "signed.json"])
}

fn denied(ran: &Ran) -> String {
    assert_eq!(ran.code, 1, "{ran:?}");
    ran.lines()[0]["code"].as_str().unwrap().to_owned()
}

#[test]
fn a_message_is_signed_and_verified() {
    let shell = session();
    let signed = sign(&shell, &invite(&json!("bob@example.com")));
    let decision = verify(&shell, &signed).lines().remove(0);
    assert_eq!((&decision["decision"], &decision["binding"]), (&json!("allow"), &json!("jsonrpc")));
    assert_eq!(decision["right"], "mcp_tool:calendar/invite:call");
    assert!(!signed.to_string().contains("cs_sk_"));

    // What a relay may do, and what not.
    let mut renumbered = signed.clone();
    renumbered["id"] = json!("r-1");
    renumbered["params"]["_meta"]["progressToken"] = json!(7);
    assert_eq!(verify(&shell, &renumbered).code, 0);
    let mut moved = signed.clone();
    moved["params"]["name"] = json!("send_email");
    assert_eq!(denied(&verify(&shell, &moved)), "signature_invalid");
    let mut readdressed = signed.clone();
    readdressed["params"]["arguments"]["to"] = json!("eve@example.com");
    assert_eq!(denied(&verify(&shell, &readdressed)), "signature_invalid");
    assert_eq!(denied(&verify(&shell, &json!([signed]))), "batch_rejected");
    shell.write("twice", signed.to_string().replacen("{", "{\"id\":1,", 1));
    assert_eq!(denied(&shell.at_now(&["verify-rpc", "--config", "verifier.toml", "twice"])), "body_ambiguous");

    // One run remembers its nonces.
    shell.write("signed.json", signed.to_string());
    let both = shell.at_now(&["verify-rpc", "--config", "verifier.toml", "signed.json", "signed.json"]);
    assert_eq!((both.code, &both.lines()[1]["code"]), (1, &json!("replayed")));
    // Another server has other tools.
    let other = shell.at_now(&["verify-rpc", "--config", "verifier.toml", "--server", "mail", "signed.json"]);
    assert_eq!(denied(&other), "right_missing");
}

#[test]
fn arguments_of_a_tool_are_held_to_the_token() {
    let shell = session();
    for (to, code) in [
        (json!("bob@example.org"), "check_failed"),
        (json!(["bob@example.com", "eve@example.org"]), "check_failed"),
        (json!([["bob@example.com"]]), "check_error"),
        (json!(null), "check_error"),
        (json!(7), "check_error"),
    ] {
        assert_eq!(denied(&verify(&shell, &sign(&shell, &invite(&to)))), code, "{to}");
    }
    let several = json!(["bob@example.com", "carol@example.com"]);
    assert_eq!(verify(&shell, &sign(&shell, &invite(&several))).code, 0);
}

#[test]
fn a_call_over_http_has_the_operation_of_its_body() {
    let shell = session();
    shell.write("call.json", invite(&json!("bob@example.com")).to_string());
    let request = ["sign", "--key", "agent.pem", "--token", "@narrow", "POST", SERVICE, "--body", "call.json"];
    let typed = ["-H", "content-type: application/json"];
    let ask = |fields: &[&str]| {
        let signed = shell.at_now(&[&request[..], &typed, fields].concat());
        assert_eq!(signed.code, 0, "{}", signed.stderr);
        shell.write("request", &signed.stdout);
        shell.at_now(&["verify", "--config", "verifier.toml", "request"])
    };
    let allowed = ask(&["-H", "mcp-method: tools/call", "-H", "mcp-name: invite"]);
    assert_eq!((allowed.code, &allowed.lines()[0]["binding"]), (0, &json!("ed25519")));
    assert_eq!(denied(&ask(&["-H", "mcp-name: send_email"])), "header_body_mismatch");
    let mut message = shell.read("request");
    message.splice(message.len() - 3..message.len() - 3, *b" ");
    shell.write("request", message);
    assert_eq!(shell.at_now(&["verify", "--config", "verifier.toml", "request"]).code, 2, "longer than announced");
}

#[test]
fn misuse_is_named() {
    let shell = session();
    shell.write("call.json", invite(&json!("bob@example.com")).to_string());
    let sign = ["sign-rpc", "--key", "agent.pem", "--token", "@narrow"];
    let other = shell.at_now(&[&sign[..], &["--service", "https://mail.example.com", "call.json"]].concat());
    assert_eq!((other.code, other.stderr.contains("--service")), (2, true), "{}", other.stderr);
    shell.write("text", "no json");
    let text = shell.at_now(&[&sign[..], &["--service", SERVICE, "text"]].concat());
    assert_eq!((text.code, text.stderr.contains("text")), (2, true), "{}", text.stderr);
}
