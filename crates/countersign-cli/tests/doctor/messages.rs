//! Requests to the endpoint of MCP, whose operation is that of the message in the body.

use serde_json::{Value, json};

use crate::common::{NOW, Shell};
use crate::{Said, doctor_at, explains};

const MCP: &str = "https://calendar.example.com/mcp";

/// A service with a server of MCP, and a `token` for one of its tools and one resource.
fn service() -> Shell {
    let (shell, keys) = Shell::service();
    let agent = format!("calendar-bot={}", keys.agent);
    let who = ["mint", "--issuer-key", "hub.pem", "--issuer", "https://hub.example", "--user", "alice@example.com"];
    let what = ["--agent", &agent, "--purpose", "scheduling", "--audience", "https://calendar.example.com"];
    let may = ["--right", "mcp_tool:calendar/invite:call", "--expires-in", "1h"];
    shell.write("token", shell.at_now(&[&who[..], &what, &may].concat()).ok());
    shell.write("verifier.toml", [shell.read("verifier.toml"), b"[mcp]\nserver = \"calendar\"\n".to_vec()].concat());
    shell
}

fn call(tool: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": {"to": "bob"}}})
}

/// What doctor says of a message to the endpoint. It is what `verify` decides.
fn said_of(shell: &Shell, method: &str, message: &Value, fields: &[&str]) -> Value {
    shell.write("call.json", message.to_string());
    let sign = ["sign", "--key", "agent.pem", "--token", "@token", method, MCP];
    let body = ["-H", "content-type: application/json", "--body", "call.json"];
    let body = if message.is_null() { &[][..] } else { &body[..] };
    let signed = shell.at_now(&[&sign[..], body, fields].concat());
    assert_eq!(signed.code, 0, "{signed:?}");
    let report = doctor_at(shell, NOW, &signed.stdout, &[]);
    let verified = shell.at_now(&["verify", "--config", "verifier.toml", "request"]);
    let decision: Value = serde_json::from_str(verified.text()).unwrap();
    assert_eq!(decision["decision"], report["decision"], "{report:#}");
    let refused = (&report["refused"]["stage"], &report["refused"]["code"]);
    assert_eq!((&decision["stage"], &decision["code"]), refused, "{report:#}");
    report
}

fn seen(report: &Value, stage: usize) -> &str {
    report["stages"][stage - 1]["seen"].as_str().unwrap()
}

#[test]
fn a_call_is_the_operation_of_its_message() {
    let shell = service();
    let report = said_of(&shell, "POST", &call("invite"), &["-H", "mcp-name: invite"]);
    assert!(
        seen(&report, 11).starts_with("\"call\" on \"calendar/invite\" of type \"mcp_tool\" is covered by"),
        "{report:#}"
    );
    let said = Said {
        stage: 11,
        code: "right_missing",
        seen: &["\"call\" on \"calendar/send_email\" of type \"mcp_tool\""],
        sender: "\"mcp_tool:calendar/send_email:call\"",
        operator: "[mcp]",
    };
    explains(&said_of(&shell, "POST", &call("send_email"), &[]), &said);
    let said = Said { stage: 11, code: "header_body_mismatch", seen: &[], sender: "from the body", operator: "" };
    explains(&said_of(&shell, "POST", &call("invite"), &["-H", "mcp-name: send_email"]), &said);
    let said = Said {
        stage: 11,
        code: "operation_unmapped",
        seen: &["no operation for this method", "the request is \"POST\" \"/mcp\""],
        sender: "MCP",
        operator: "[mcp]",
    };
    let unknown = json!({"jsonrpc": "2.0", "id": 1, "method": "completion/complete", "params": {}});
    explains(&said_of(&shell, "POST", &unknown, &[]), &said);
    let said = Said { seen: &["no operation of MCP for this method and media type"], ..said };
    explains(&said_of(&shell, "PUT", &call("invite"), &[]), &said);
    let said = Said {
        stage: 11,
        code: "resource_invalid",
        seen: &["name is no segment of a resource"],
        sender: "one segment",
        operator: "",
    };
    explains(&said_of(&shell, "POST", &call("a/b"), &[]), &said);
}

#[test]
fn what_acts_on_nothing_needs_no_right() {
    let shell = service();
    let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    for report in [said_of(&shell, "POST", &ping, &[]), said_of(&shell, "GET", &Value::Null, &[])] {
        assert_eq!(report["decision"], "allow");
        assert_eq!(seen(&report, 11), "it acts on nothing, so no right is asked for");
        assert_eq!(seen(&report, 12), "nothing to charge");
    }
}
