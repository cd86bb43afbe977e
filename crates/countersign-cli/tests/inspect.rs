//! What `inspect` says, and what it keeps from the terminal; and a smoke of `--help`.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests say what went wrong by panicking")]

mod common;

use common::Shell;
use countersign::key::SigningKey;
use countersign::time::UnixTime;
use countersign::token::{Check, CheckKind, Expression, Grant, Predicate, Query, Restriction, Right, Term, binary_op};
use serde_json::Value;

#[test]
fn says_who_may_do_what_for_whom_and_that_nothing_is_verified() {
    let (shell, keys) = Shell::service();
    let to = format!("summary-bot={}", keys.sub);
    let handed_on = shell.at_now(&[
        "delegate",
        "@token",
        "--holder-key",
        "agent.pem",
        "--to",
        &to,
        "--depth",
        "1",
        "--action",
        "GET",
    ]);
    shell.write("handed-on", handed_on.ok());
    let said = shell.at_now(&["inspect", "@handed-on"]);
    let said = said.ok();
    assert!(said.starts_with("Nothing here is verified"), "{said}");
    for sentence in [
        "\"https://hub.example\" says:",
        "\"calendar-bot\" may act for \"alice@example.com\", for the purpose \"scheduling\",",
        "at the service \"https://calendar.example.com\" and no other,",
        "from 2026-11-23T17:00:00Z until 2026-11-23T18:00:00Z:",
        "- \"GET\" on \"/calendars/primary\" and what is beneath it, in operations of type \"http\"",
        "1. \"calendar-bot\", by the issuer's word; key id ",
        "2. \"summary-bot\", by the word of the holder of ",
        "It may be handed on once more.",
        "check if time($time), $time <= 2026-11-23T18:00:00Z",
        "check if action($action), $action === \"GET\"",
        "The token is open",
    ] {
        assert!(said.contains(sentence), "{sentence}\n{said}");
    }
    assert!(!said.contains("is over"), "{said}");
    assert!(shell.run(&["--now", "2026-11-23T18:00:01Z", "inspect", "@handed-on"]).ok().contains("(that is over)"));
    shell.write("sealed", shell.run(&["seal", "@handed-on"]).ok());
    assert!(shell.run(&["inspect", "@sealed"]).ok().contains("The token is sealed"));
    let json: Value = serde_json::from_str(shell.run(&["inspect", "@sealed", "--json"]).ok()).unwrap();
    assert_eq!((&json["verified"], &json["sealed"]), (&Value::Bool(false), &Value::Bool(true)));
    assert_eq!(json["agents"].as_array().unwrap().len(), 2);
    assert_eq!(json["blocks"].as_array().unwrap().len(), 2);
}

#[test]
fn nothing_in_a_token_acts_on_the_terminal() {
    let nasty = "\u{1b}]0;x\u{7}\u{1b}[2J\r\n  2. \"boss\"\u{8}\u{7f}\u{9b}\u{85}\u{202e}\u{2066}\u{200f}\u{61c}\u{2028}\u{feff}";
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
        assert!(ran.text().contains("check if type($"), "{args:?}: {ran:?}");
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
    for command in ["keygen", "mint", "restrict", "delegate", "seal", "inspect", "sign", "verify"] {
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
    assert!(shell.run(&["--version"]).ok().starts_with("countersign "));
}
