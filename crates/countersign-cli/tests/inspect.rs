//! What `inspect` says, and what it keeps from the terminal; and a smoke of `--help`.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests say what went wrong by panicking")]

mod common;

use std::process::{Command, Stdio};

use common::Shell;
use countersign::key::SigningKey;
use countersign::time::UnixTime;
use countersign::token::{
    Check, CheckKind, Delegation, Expression, Grant, Predicate, Query, Restriction, Right, Term, binary_op,
};
use serde_json::{Value, json};

#[test]
fn says_who_may_do_what_for_whom_and_that_nothing_is_verified() {
    let (shell, keys) = Shell::service();
    let to = format!("summary-bot={}", keys.sub);
    let restrict = ["restrict", "@token", "--expires-in", "10m", "--resource-under", "/calendars/"];
    shell.write("narrow", shell.at_now(&restrict).ok());
    let handed_on = shell.at_now(&[
        "delegate",
        "@narrow",
        "--holder-key",
        "agent.pem",
        "--to",
        &to,
        "--depth",
        "1",
        "--action",
        "GET",
        "--action",
        "HEAD",
    ]);
    shell.write("handed-on", handed_on.ok());
    let said = shell.at_now(&["inspect", "@handed-on"]);
    let said = said.ok();
    let json: Value = serde_json::from_str(shell.at_now(&["inspect", "@handed-on", "--json"]).ok()).unwrap();
    let (agent, sub) = (json["agents"][0]["key_id"].as_str().unwrap(), json["agents"][1]["key_id"].as_str().unwrap());
    let ids: Vec<&str> = json["blocks"].as_array().unwrap().iter().map(|block| block["id"].as_str().unwrap()).collect();
    let tree = format!(
        "Nothing here is verified: anybody can write a token that says this.

issuer \"https://hub.example\"
└─ user \"alice@example.com\", for the purpose \"scheduling\"
   at the service \"https://calendar.example.com\" and no other
   from 2026-11-23T17:00:00Z until 2026-11-23T17:10:00Z: 10 minutes left
   └─ agent \"calendar-bot\", by the issuer's word; key id {agent}
      issued in block 0, id {}
      may:
      - \"GET\" on \"/calendars/primary\" and what is beneath it, in operations of type \"http\"
      - \"POST\" on \"/calendars/primary\" and what is beneath it, in operations of type \"http\"
      on condition of all of these:
      - only until 2026-11-23T18:00:00Z
      narrowed by whoever held it, in block 1, id {}
      on condition of all of these:
      - only until 2026-11-23T17:10:00Z
      - only \"/calendars\" and what is beneath it
      └─ delegate \"summary-bot\", by the word of the holder of {agent}; key id {sub}; signs the requests now
         handed on in block 2, id {}
         on condition of all of these:
         - only the action \"GET\" or \"HEAD\"

It may be handed on once more.
The token is open: whoever has this text can narrow it, and seal it for use. Keep it secret.
",
        ids[0], ids[1], ids[2]
    );
    assert_eq!(said, tree);
    assert!(shell.run(&["--now", "2026-11-23T17:10:00Z", "inspect", "@handed-on"]).ok().contains("Z: 0 seconds left"));
    let over = shell.run(&["--now", "2026-11-23T17:10:01Z", "inspect", "@handed-on"]);
    assert!(over.ok().contains("until 2026-11-23T17:10:00Z: expired 1 second ago"), "{}", over.ok());
    shell.write("sealed", shell.run(&["seal", "@handed-on"]).ok());
    assert!(shell.run(&["inspect", "@sealed"]).ok().contains("The token is sealed"));
}

#[test]
fn json_has_ids_checks_and_sentences() {
    let (shell, keys) = Shell::service();
    let to = format!("summary-bot={}", keys.sub);
    let delegate = ["delegate", "@token", "--holder-key", "agent.pem", "--to", &to, "--action", "GET"];
    shell.write("handed-on", shell.at_now(&delegate).ok());
    shell.write("sealed", shell.run(&["seal", "@handed-on"]).ok());
    let json = |now: &str| -> Value {
        serde_json::from_str(shell.run(&["--now", now, "inspect", "@sealed", "--json"]).ok()).unwrap()
    };
    let found = json("2026-11-23T18:00:00Z");
    assert_eq!((&found["verified"], &found["sealed"]), (&Value::Bool(false), &Value::Bool(true)));
    assert_eq!((&found["expired"], &found["now"]), (&Value::Bool(false), &json!("2026-11-23T18:00:00Z")));
    assert_eq!(json("2026-11-23T18:00:01Z")["expired"], true);
    assert_eq!(found["agents"].as_array().unwrap().len(), 2);
    assert_eq!(found["agents"][1]["public_key"], keys.sub);
    let blocks = found["blocks"].as_array().unwrap();
    assert_eq!(blocks.len(), 2);
    assert_eq!((&blocks[0]["kind"], &blocks[1]["kind"]), (&json!("authority"), &json!("delegation")));
    assert_eq!(blocks[1]["delegated_by"], found["agents"][0]["key_id"]);
    assert!(blocks.iter().all(|block| block["id"].as_str().unwrap().len() == 64));
    assert_eq!(blocks[1]["checks"], json!(["check if action($action), $action === \"GET\""]));
    let action = json!({"name": "actions", "sentence": "only the action \"GET\"", "checks": [0]});
    assert_eq!(blocks[1]["restrictions"], json!([action]));
}

/// What the command line has no option for, by the library: budgets, approvals, a grant, a conversation, restrictions
/// on arguments and a check without a name.
#[test]
fn says_budgets_approvals_ends_and_checks_without_a_name() {
    let [issuer, agent, next] = [[1; 32], [2; 32], [3; 32]].map(|seed| SigningKey::from_seed(&seed));
    let variable = |name: &str| Term::Variable(name.to_owned());
    let check = |kind, predicates, expressions| {
        Restriction::Check(Check { kind, queries: vec![Query { predicates, expressions }] })
    };
    let present = check(CheckKind::CheckIf, vec![Predicate::new("arg_present", ["/amount".into()])], vec![]);
    let most = check(
        CheckKind::RejectIf,
        vec![Predicate::new("arg", ["/amount".into(), variable("value")])],
        vec![Expression::binary(variable("value"), binary_op::GREATER_THAN, Term::Integer(500))],
    );
    let path = check(
        CheckKind::CheckIf,
        vec![Predicate::new("path", [variable("p")])],
        vec![Expression::binary(variable("p"), binary_op::SUFFIX, ".md".into())],
    );
    let token = Grant::new("https://hub.example", "alice", "bot", agent.public())
        .purpose("p")
        .audience("https://calendar.example.com")
        .valid(UnixTime(1_795_453_200), UnixTime(1_795_456_800))
        .delegation_depth(1)
        .right(Right { r#type: "booking", location: "/", action: "pay" })
        .budget("travel", "EUR", 500, 3600)
        .metered("travel", "booking", "pay")
        .approval("booking", "pay", issuer.public())
        .grant("grant-1")
        .conversation("conversation-1")
        .restriction(present)
        .restriction(most)
        .restriction(path)
        .sign(&issuer, &next)
        .unwrap();
    let delegation = Delegation::to("sub", next.public()).budget("calls", "calls", 3, 0);
    let token = token.delegate(&delegation).unwrap().sign(&agent, &next).unwrap();
    let shell = Shell::new();
    shell.write("token", token.dangerous_text().as_bytes());
    let said = shell.at_now(&["inspect", "@token"]);
    let said = said.ok();
    let approval = format!(
        "- each \"pay\" in operations of type \"booking\" needs an approval by the key {}",
        issuer.public().id()
    );
    for line in [
        "ends when the grant \"grant-1\" is revoked",
        "ends with the conversation \"conversation-1\"",
        "- the argument \"/amount\" must be given, and each value of it must be at most 500",
        "- check if path($p), $p.ends_with(\".md\")",
        "- budget \"travel\", the user's: at most 500 \"EUR\" in each window of 1 hour; it counts \"pay\" in \
            \"booking\"",
        "- budget \"calls\", for this delegate and those behind it: at most 3 \"calls\" in all; it counts every \
            operation",
        &approval,
        "It may not be handed on any more.",
    ] {
        assert!(said.lines().any(|said| said.trim_start() == line), "{line}\n{said}");
    }
    // The delegate's budget stands beneath the delegate.
    assert!(said.find("└─ delegate").unwrap() < said.find("budget \"calls\"").unwrap());
    assert!(said.find("budget \"travel\"").unwrap() < said.find("└─ delegate").unwrap());
    let found: Value = serde_json::from_str(shell.at_now(&["inspect", "@token", "--json"]).ok()).unwrap();
    assert_eq!(found["budgets"][0]["counts"], json!([{"type": "booking", "action": "pay"}]));
    assert_eq!(found["budgets"][1]["counts"], Value::Null);
    let named: Vec<&Value> =
        found["blocks"][0]["restrictions"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(named, [&json!("expires_by"), &json!("arg_at_most"), &Value::Null]);
    assert_eq!(found["blocks"][0]["restrictions"][1]["checks"], json!([1, 2]));
}

#[test]
fn colours_are_for_terminals_and_for_who_asks() {
    let (shell, _) = Shell::service();
    let plain = shell.at_now(&["inspect", "@token"]);
    assert!(!plain.ok().contains('\u{1b}'), "{}", plain.text());
    let coloured = shell.at_now(&["inspect", "@token", "--color", "always"]);
    assert!(coloured.ok().contains("\u{1b}[32m1 hour left\u{1b}[0m"), "{}", coloured.text());
    let stripped = coloured.text().split('\u{1b}').enumerate().map(|(at, piece)| match at {
        0 => piece,
        _ => piece.split_once('m').unwrap().1,
    });
    assert_eq!(stripped.collect::<String>(), plain.text());
    let json = shell.at_now(&["inspect", "@token", "--json", "--color", "always"]);
    assert!(!json.ok().contains('\u{1b}'));
    for args in [&["--help"][..], &["inspect", "--help"], &["demo", "--json"], &["demo"], &["completions", "bash"]] {
        assert!(!shell.run(args).ok().contains('\u{1b}'), "{args:?}");
    }
    assert_eq!(shell.run(&["--color", "sometimes", "inspect", "@token"]).code, 2);
}

#[test]
fn a_terminal_gets_colours_unless_it_wants_none() {
    let (shell, _) = Shell::service();
    let on_terminal = |variables: &[(&str, &str)]| {
        let command = format!("'{}' --now {} inspect @token", env!("CARGO_BIN_EXE_countersign"), common::NOW);
        let mut script = Command::new("script");
        script.args(["-qec", &command, "/dev/null"]).current_dir(shell.path(".")).stdin(Stdio::null());
        script.env_remove("NO_COLOR").env_remove("CLICOLOR").env_remove("CLICOLOR_FORCE");
        // Services that run tests are given colours whatever their terminal.
        script.env_remove("CI").env("TERM", "xterm");
        let output = script.envs(variables.iter().copied()).output().ok()?;
        Some(String::from_utf8_lossy(&output.stdout).into_owned()).filter(|said| said.contains("hub.example"))
    };
    let Some(said) = on_terminal(&[]) else {
        println!("not run: script is not installed");
        return;
    };
    assert!(said.contains("\u{1b}[32m1 hour left\u{1b}[0m"), "{said}");
    for unwanted in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let said = on_terminal(&[unwanted]).unwrap();
        assert!(!said.contains('\u{1b}'), "{unwanted:?}: {said}");
    }
}

#[test]
fn nothing_in_a_token_acts_on_the_terminal() {
    let nasty = "\u{1b}]0;x\u{7}\u{1b}[2J\r\n  2. \
        \"boss\"\u{8}\u{7f}\u{9b}\u{85}\u{202e}\u{2066}\u{200f}\u{61c}\u{2028}\u{feff}";
    let shell = Shell::new();
    shell.keygen("hub");
    let agent = format!("{nasty}={}", shell.keygen("agent"));
    let sub = format!("{nasty}={}", shell.keygen("sub"));
    let right = format!("{nasty}:{nasty}:{nasty}");
    let audience = format!("https://{nasty}");
    let mut mint = vec!["mint", "--issuer-key", "hub.pem", "--issuer", nasty, "--user", nasty, "--agent", &agent];
    mint.extend(["--purpose", nasty, "--audience", &audience, "--right", &right, "--expires-in", "1h", "--depth", "1"]);
    shell.write("token", shell.at_now(&mint).ok());
    let delegate =
        ["delegate", "@token", "--holder-key", "agent.pem", "--to", &sub, "--action", nasty, "--user", nasty];
    shell.write("handed-on", shell.at_now(&delegate).ok());
    let acts =
        |c: char| (c.is_control() && c != '\n') || nasty.chars().skip_while(|c| *c != '\u{202e}').any(|n| n == c);
    let lines = |args: &[&str]| {
        let ran = shell.at_now(args);
        let said = ran.ok();
        assert!(!said.contains(acts), "{said:?}");
        said.lines().count()
    };
    // As many lines as with names that have nothing to hide.
    let (tame, keys) = Shell::service();
    let to = format!("b={}", keys.sub);
    let delegate = ["delegate", "@token", "--holder-key", "agent.pem", "--to", &to, "--action", "a", "--user", "u"];
    tame.write("handed-on", tame.at_now(&delegate).ok());
    let expected = tame.at_now(&["inspect", "@handed-on"]).ok().lines().count();
    // The tame one has one right more, and one delegation more is left to be told in the same line.
    assert_eq!(lines(&["inspect", "@handed-on"]), expected.saturating_sub(1));
    assert_eq!(lines(&["inspect", "@handed-on", "--json"]), 1);
    let json: Value = serde_json::from_str(shell.run(&["inspect", "@handed-on", "--json"]).ok()).unwrap();
    assert_eq!(json["user"], nasty);
}

#[test]
fn nor_does_the_name_of_a_variable() {
    let [issuer, agent, next] = [[1; 32], [2; 32], [3; 32]].map(|seed| SigningKey::from_seed(&seed));
    let variable = Term::Variable("\u{1b}[2J\u{202e}".to_owned());
    let query = Query {
        predicates: vec![Predicate::new("type", [variable.clone()])],
        expressions: vec![Expression::binary(variable, binary_op::EQUAL, "http".into())],
    };
    let token = Grant::new("https://hub.example", "alice", "bot", agent.public())
        .purpose("p")
        .audience("https://calendar.example.com")
        .valid(UnixTime(1_795_453_200), UnixTime(1_795_456_800))
        .right(Right { r#type: "http", location: "/", action: "GET" })
        .restriction(Restriction::Check(Check { kind: CheckKind::CheckIf, queries: vec![query] }))
        .sign(&issuer, &next)
        .unwrap();
    let shell = Shell::new();
    shell.write("token", token.dangerous_text().as_bytes());
    for args in [&["inspect", "@token"][..], &["inspect", "@token", "--json"]] {
        let ran = shell.run(args);
        assert!(!ran.ok().contains(['\u{1b}', '\u{202e}']), "{args:?}: {ran:?}");
        assert!(ran.text().contains("only operations of type "), "{args:?}: {ran:?}");
    }
}

#[test]
fn help_shows_the_way_and_an_example_for_each_option() {
    let shell = Shell::new();
    let help = shell.run(&["--help"]);
    let places: Vec<usize> = ["keygen", "mint", "restrict", "delegate", "sign", "verify"]
        .iter()
        .map(|command| help.ok().find(&format!("countersign {command} ")).unwrap())
        .collect();
    assert!(places.is_sorted(), "{places:?}");
    for command in ["keygen", "mint", "restrict", "delegate", "seal", "inspect", "sign", "verify", "doctor", "man"] {
        let help = shell.run(&[command, "--help"]);
        let mut described = 0_u32;
        // An option's help stands beside it, or below where the names are long.
        let lines: Vec<&str> = help.ok().lines().map(str::trim_start).collect();
        for (at, line) in lines.iter().enumerate().filter(|(_, line)| line.contains(" <") && line.starts_with('-')) {
            let below = lines.iter().skip(at + 1).take_while(|line| !line.starts_with('-'));
            let text: String = core::iter::once(line).chain(below).copied().collect();
            assert!(text.contains("such as"), "{command}: {line}");
            described = described.saturating_add(1);
        }
        assert!(described > 0, "{command}");
    }
    assert!(shell.run(&["vectors", "run", "--help"]).ok().contains("test-vectors"));
    assert!(shell.run(&["demo", "--help"]).ok().contains("--json"));
    let commands =
        ["keygen", "mint", "restrict", "delegate", "seal", "inspect", "sign", "verify", "vectors run", "demo"];
    for command in commands.into_iter().chain(["doctor", "completions", "man"]) {
        let args: Vec<&str> = command.split(' ').chain(["--help"]).collect();
        let example = format!("For example:\n\n  countersign {command}");
        assert!(shell.run(&args).ok().contains(&example), "{command}");
    }
    assert!(shell.run(&["--version"]).ok().starts_with("countersign "));
}
