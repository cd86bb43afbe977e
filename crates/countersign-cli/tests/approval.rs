//! `approval grant`: who is asked, where, and what they see before.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests say what went wrong by panicking")]

mod common;

use std::fs;
use std::process::{Command, Stdio};

use common::{NOW, Ran, Shell};

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
    let (shell, keys) = Shell::service();
    let (approver, agent) = (shell.keygen("approver"), format!("calendar-bot={}", keys.agent));
    let who = ["mint", "--issuer-key", "hub.pem", "--issuer", "https://hub.example", "--user", "alice@example.com"];
    let what = ["--agent", &agent, "--purpose", "scheduling", "--audience", "https://calendar.example.com"];
    let needed = format!("http:POST:{approver}");
    let may = ["--right", "http:/calendars/primary:POST", "--approval", &needed, "--expires-in", "1h"];
    shell.write("asking", shell.at_now(&[&who[..], &what, &may].concat()).ok());
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
        let (shown, _) = seen.split_once("[y/N]").unwrap();
        assert!(shown.contains("Review"), "{seen}");
    }
}
