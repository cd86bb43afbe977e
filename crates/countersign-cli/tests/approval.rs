//! `approval grant`: who is asked, where, and what they see before.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests say what went wrong by panicking")]

mod common;

use std::fs;
use std::process::{Command, Stdio};

use common::{NOW, Ran, Shell};
use sha2::{Digest as _, Sha256};

const COMMAND: &str = env!("CARGO_BIN_EXE_countersign");

/// Runs a command without a controlling terminal.
const DETACHED: &str = "import os, sys\nos.setsid()\nos.execv(sys.argv[1], sys.argv[1:])\n";

/// Runs a command with a controlling terminal that is none of its standard streams but the last, and types an answer once it
/// was asked. Prints what the terminal showed.
const AT_A_TERMINAL: &str = r#"
import os, pty, signal, sys
answer, out = sys.argv[1], sys.argv[2]
pid, terminal = pty.fork()
if pid == 0:
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 1)
    os.execv(sys.argv[3], sys.argv[3:])
signal.alarm(60)
seen, asked = b"", False
while True:
    try:
        data = os.read(terminal, 65536)
    except OSError:
        break
    if not data:
        break
    seen += data
    if not asked and seen.endswith(b"[y/N] "):
        asked = True
        os.write(terminal, answer.encode() + b"\n")
sys.stdout.buffer.write(seen)
sys.stdout.flush()
sys.exit(os.WEXITSTATUS(os.waitpid(pid, 0)[1]))
"#;

/// Runs a script with python3, where there is one.
fn python(shell: &Shell, script: &str, args: &[&str]) -> Option<Ran> {
    let mut command = Command::new("python3");
    command.args(["-c", script]).args(args).current_dir(shell.path(".")).stdin(Stdio::null());
    let Ok(output) = command.output() else {
        println!("not run: python3 is not installed");
        return None;
    };
    let code = output.status.code().unwrap();
    Some(Ran { code, stdout: output.stdout, stderr: String::from_utf8(output.stderr).unwrap() })
}

/// A service, and `approval.json`: a POST of this body that waits for the approval of `approver.pem`.
fn asked(body: &str) -> Shell {
    asked_with(body, &[])
}

/// The same, with a token that says more.
fn asked_with(body: &str, more: &[&str]) -> Shell {
    let (shell, keys) = Shell::service();
    let (approver, agent) = (shell.keygen("approver"), format!("calendar-bot={}", keys.agent));
    let who = ["mint", "--issuer-key", "hub.pem", "--issuer", "https://hub.example", "--user", "alice@example.com"];
    let what = ["--agent", &agent, "--purpose", "scheduling", "--audience", "https://calendar.example.com"];
    let needed = format!("http:POST:{approver}");
    let may = ["--right", "http:/calendars/primary:POST", "--approval", &needed, "--expires-in", "1h"];
    shell.write("asking", shell.at_now(&[&who[..], &what, &may, more].concat()).ok());
    let table = "[[operations]]\nmethod = \"POST\"\npath = \"/calendars/{id}\"\ntype = \"http\"\n\
         resource = \"/calendars/{id}\"\naction = \"POST\"\n";
    shell.write("verifier.toml", [shell.read("verifier.toml"), table.as_bytes().to_vec()].concat());
    shell.write("body.json", body);
    let sign = ["sign", "--key", "agent.pem", "--token", "@asking", "POST"];
    let rest = ["https://calendar.example.com/calendars/primary", "-H", "content-type: application/json"];
    let signed = shell.at_now(&[&sign[..], &rest, &["--body", "body.json"]].concat());
    assert_eq!(signed.code, 0, "{signed:?}");
    shell.write("request", signed.stdout);
    let request = shell.at_now(&["approval", "request", "--request", "request", "--config", "verifier.toml"]);
    shell.write("approval.json", request.ok());
    shell
}

const GRANT: [&str; 7] = ["--now", NOW, "approval", "grant", "--key", "approver.pem", "approval.json"];

/// Grants at a terminal with an answer: the status, what the terminal showed, what was printed.
fn at_a_terminal(shell: &Shell, answer: &str, args: &[&str]) -> Option<(i32, String, String)> {
    let ran = python(shell, AT_A_TERMINAL, &[&[answer, "printed", COMMAND], args].concat())?;
    assert_eq!(ran.stderr, "");
    Some((ran.code, ran.text().to_owned(), fs::read_to_string(shell.path("printed")).unwrap()))
}

#[test]
fn signs_nothing_where_there_is_nobody_to_ask() {
    let shell = asked(r#"{"title":"Review"}"#);
    let Some(ran) = python(&shell, DETACHED, &[&[COMMAND], &GRANT[..]].concat()) else { return };
    assert_eq!((ran.code, ran.text()), (2, ""));
    assert_eq!(ran.stderr, "countersign: no terminal to ask at; --yes approves without a question\n");
    let ran = python(&shell, DETACHED, &[&[COMMAND], &GRANT[..], &["--yes"]].concat()).unwrap();
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.text().lines().count(), 1, "{ran:?}");
    assert!(ran.stderr.contains("Review"), "{}", ran.stderr);
}

#[test]
fn asks_at_the_terminal_whatever_stands_at_standard_input() {
    let shell = asked(r#"{"title":"Review"}"#);
    for answer in ["no", "", "yess"] {
        let Some((code, seen, printed)) = at_a_terminal(&shell, answer, &GRANT) else { return };
        assert_eq!((code, printed.as_str()), (1, ""), "{answer:?}: {seen}");
        assert!(seen.contains("Review") && seen.contains("not approved"), "{seen}");
    }
    for answer in ["yes", "y"] {
        let (code, seen, printed) = at_a_terminal(&shell, answer, &GRANT).unwrap();
        assert_eq!((code, printed.lines().count()), (0, 1), "{answer:?}: {seen}");
        let (shown, _) = seen.split_once("In short:").unwrap();
        assert!(shown.contains("Review"), "{seen}");
    }
}

/// What stands behind the member's name, with what is said beneath it.
fn member(seen: &str, name: &str) -> String {
    let mut lines = seen.lines().skip_while(|line| !line.starts_with(&format!("  {name}: ")));
    let first = lines.next().unwrap();
    let more = lines.take_while(|line| line.starts_with("    "));
    [first].into_iter().chain(more).collect()
}

#[test]
fn long_arguments_do_not_scroll_the_question_away() {
    let body = format!(r#"{{"text":"{}the end"}}"#, "A long text. ".repeat(5000));
    let shell = asked(&body);
    let Some((code, seen, _)) = at_a_terminal(&shell, "no", &GRANT) else { return };
    assert_eq!(code, 1, "{seen}");
    assert!(seen.len() < 8000 && !seen.contains("the end"), "{} {seen}", seen.len());
    // The hash is that of the arguments in canonical form, as which the body was written here.
    let hash = countersign::to_hex(&<[u8; 32]>::from(Sha256::digest(&body)));
    assert!(member(&seen, "args").contains(&hash), "{seen}");
    // The question comes last, and says what it is about and what was not seen.
    let (_, question) = seen.split_once("In short:").unwrap();
    for said in [
        "alice@example.com",
        "calendar-bot",
        "/calendars/primary",
        "\"POST\"",
        "\"http\"",
        "https://calendar.example.com",
    ] {
        assert!(question.contains(said), "{said}: {question}");
    }
    assert!(question.contains("NOT all of it: 1 part was cut; --full shows it."), "{question}");
    assert!(question.contains("Approve what was not shown in full? [y/N] "), "{question}");

    let (_, seen, _) = at_a_terminal(&shell, "no", &[&GRANT[..], &["--full"]].concat()).unwrap();
    assert!(seen.contains("the end") && !seen.contains("NOT all"), "{seen}");
    let (shown, question) = seen.split_once("In short:").unwrap();
    let (lines, bytes) = (shown.lines().count(), shown.replace('\r', "").len());
    assert!(
        question.contains(&format!("{lines} lines, {bytes} bytes, which is all of it.")),
        "{lines} {bytes} {question}"
    );
    assert!(question.contains("\nApprove? [y/N] "), "{question}");
    // Without a question the record on standard error says the same.
    let granted = shell.run(&[&GRANT[..], &["--yes"]].concat());
    assert_eq!(granted.code, 0, "{granted:?}");
    assert!(granted.stderr.contains("NOT all of it"), "{}", granted.stderr);
}

#[test]
fn a_token_of_many_lines_is_cut_as_well() {
    let many: Vec<String> = (0..80).map(|n| format!("http:/o/{n}:GET")).collect();
    let many: Vec<&str> = many.iter().flat_map(|right| ["--right", right]).collect();
    let shell = asked_with(r#"{"title":"Review"}"#, &many);
    let granted = shell.run(&[&GRANT[..], &["--yes"]].concat());
    assert!(granted.code == 0 && granted.stderr.lines().count() < 100, "{}", granted.stderr);
    assert!(granted.stderr.contains("NOT all of it: 1 part was cut"), "{}", granted.stderr);
    let granted = shell.run(&[&GRANT[..], &["--yes", "--full"]].concat());
    assert!(granted.code == 0 && granted.stderr.contains("/o/79"), "{}", granted.stderr);
}

#[test]
fn operations_that_differ_never_look_alike() {
    let long = "A".repeat(5000);
    for (one, other) in [
        ("Review".to_owned(), "Review\u{fe0f}".to_owned()),
        ("Review".to_owned(), "Review\u{e0101}".to_owned()),
        ("Review\u{3164}".to_owned(), "Review\u{ffa0}".to_owned()),
        ("\u{fe0f}".to_owned(), r"\\u{fe0f}".to_owned()),
        ([&long, "1"].concat(), [&long, "2"].concat()),
        // Seen as one: the digest tells.
        ("paypal".to_owned(), "p\u{430}ypal".to_owned()),
        ("\u{e9}".to_owned(), "e\u{301}".to_owned()),
    ] {
        let seen = [one, other].map(|text| {
            let granted = asked(&format!(r#"{{"title":"{text}"}}"#)).run(&[&GRANT[..], &["--yes"]].concat());
            assert_eq!(granted.code, 0, "{granted:?}");
            assert!(granted.stderr.lines().any(|line| line.starts_with("Digest of the operation: ")), "{granted:?}");
            granted.stderr
        });
        assert_ne!(member(&seen[0], "args"), member(&seen[1], "args"));
        let digest =
            |at: usize| seen[at].split_once("Digest of the operation: ").map(|(_, rest)| rest[..43].to_owned());
        assert_ne!(digest(0), digest(1));
    }
}

/// A request to an endpoint of MCP has the operation of the message in it, also where an approval is asked for.
#[test]
fn a_call_of_a_tool_can_be_approved() {
    let (shell, keys) = Shell::service();
    let (approver, agent) = (shell.keygen("approver"), format!("calendar-bot={}", keys.agent));
    let who = ["mint", "--issuer-key", "hub.pem", "--issuer", "https://hub.example", "--user", "alice@example.com"];
    let what = ["--agent", &agent, "--purpose", "scheduling", "--audience", "https://calendar.example.com"];
    let needed = format!("mcp_tool:call:{approver}");
    let may = ["--right", "mcp_tool:calendar:call", "--approval", &needed, "--expires-in", "1h"];
    shell.write("asking", shell.at_now(&[&who[..], &what, &may].concat()).ok());
    shell.write("verifier.toml", [shell.read("verifier.toml"), b"[mcp]\nserver = \"calendar\"\n".to_vec()].concat());
    let sign = |message: &str, approval: &[&str]| {
        shell.write("call.json", message);
        let sign = ["sign", "--key", "agent.pem", "--token", "@asking", "POST", "https://calendar.example.com/mcp"];
        let body = ["-H", "content-type: application/json", "--body", "call.json"];
        let signed = shell.at_now(&[&sign[..], &body, approval].concat());
        assert_eq!(signed.code, 0, "{signed:?}");
        shell.write("request", signed.stdout);
    };
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"invite","arguments":{"to":"bob"}}}"#;
    sign(call, &[]);
    let request = shell.at_now(&["approval", "request", "--request", "request", "--config", "verifier.toml"]);
    let asked = &request.lines()[0]["operation"];
    assert_eq!((asked["type"].as_str(), asked["resource"].as_str()), (Some("mcp_tool"), Some("calendar/invite")));
    assert_eq!((&asked["tool"], &asked["args"]["to"]), (&"invite".into(), &"bob".into()));
    shell.write("approval.json", request.ok());
    let granted = shell.run(&[&GRANT[..], &["--yes"]].concat());
    assert_eq!(granted.code, 0, "{granted:?}");
    sign(call, &["--approval", granted.text().trim()]);
    shell.at_now(&["verify", "--config", "verifier.toml", "request"]).ok();
    // What acts on nothing needs none.
    sign(r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#, &[]);
    let listing = shell.at_now(&["approval", "request", "--request", "request", "--config", "verifier.toml"]);
    assert_eq!((listing.code, listing.stderr.as_str()), (1, "countersign: the request needs no approval\n"));
}
