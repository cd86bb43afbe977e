//! `doctor`: its verdict is the verifier's, its explanation names what differs, and it tells no secret.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests say what went wrong by panicking"
)]

#[path = "../common/mod.rs"]
mod common;
mod messages;
mod operation;
mod proof;
mod token;
mod vectors;

use common::{Keys, NOW, Ran, Shell};
use serde_json::{Value, json};

pub(crate) const URL: &str = "https://calendar.example.com/calendars/primary";

/// The texts in a request that no explanation may repeat: the token, the nonce, the signature.
pub(crate) fn secrets(request: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(request);
    let mut secrets = Vec::new();
    for line in text.lines() {
        let Some((name, value)) = line.split_once(':') else { continue };
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "authorization" => secrets.extend(value.split(' ').nth(1).map(str::to_owned)),
            "countersign-token" => secrets.push(value.to_owned()),
            "signature" => secrets.extend(value.split(':').nth(1).map(str::to_owned)),
            "signature-input" => {
                secrets.extend(
                    value.split("nonce=\"").skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned),
                );
            }
            _ => {}
        }
    }
    secrets
}

/// Whether a part of a secret stands in a text, of 26 characters or more: far less than what is of use.
pub(crate) fn tells(said: &str, secret: &str) -> bool {
    let window = 20;
    if !secret.is_ascii() || secret.len() < window {
        return false;
    }
    (0..=secret.len() - window).step_by(7).any(|at| said.contains(&secret[at..at + window]))
}

/// Runs doctor in both forms; the JSON. Neither form tells a secret of the request.
pub(crate) fn doctor_at(shell: &Shell, now: &str, request: &[u8], extra: &[&str]) -> Value {
    shell.write("request", request);
    let args = [&["--now", now, "doctor", "verifier.toml", "request"], extra].concat();
    let people = shell.run(&args);
    let machine = shell.run(&[args.as_slice(), &["--json"]].concat());
    assert_eq!((people.stderr.as_str(), machine.stderr.as_str()), ("", ""));
    assert_eq!(people.code, machine.code);
    for said in [people.text(), machine.text()] {
        for secret in secrets(request) {
            assert!(!tells(said, &secret), "{said}");
        }
        assert!(!said.contains("ed25519/"), "{said}");
        assert!(!said.contains(|c: char| c.is_control() && c != '\n'), "{said:?}");
    }
    let report: Value = serde_json::from_str(machine.text()).unwrap();
    assert_eq!(machine.code, i32::from(report["decision"] == "deny"), "{report}");
    // The form for people has the same in it.
    if let Some(code) = report["refused"]["code"].as_str() {
        assert!(people.text().contains(&format!("REFUSED  {code}: ")), "{}", people.text());
        for text in report["refused"]["seen"].as_array().unwrap() {
            assert!(people.text().contains(text.as_str().unwrap()), "{text}");
        }
        assert!(people.text().contains("to pass"));
    } else {
        assert!(people.text().contains("allowed at "), "{}", people.text());
    }
    report
}

pub(crate) fn sign(shell: &Shell, rest: &[&str]) -> Vec<u8> {
    let ran = shell.at_now(&[&["sign", "--key", "agent.pem"], rest].concat());
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    ran.stdout
}

pub(crate) fn edited(request: &[u8], from: &str, to: &str) -> Vec<u8> {
    let text = String::from_utf8(request.to_vec()).unwrap();
    assert!(text.contains(from), "{from}: {text}");
    text.replacen(from, to, 1).into_bytes()
}

/// Adds a line before the empty one.
pub(crate) fn with_line(request: &[u8], line: &str) -> Vec<u8> {
    edited(request, "\r\n\r\n", &format!("\r\n{line}\r\n\r\n"))
}

pub(crate) fn without_line(request: &[u8], name: &str) -> Vec<u8> {
    let text = String::from_utf8(request.to_vec()).unwrap();
    let line = text.split("\r\n").find(|line| line.starts_with(&format!("{name}: "))).unwrap();
    text.replacen(&format!("{line}\r\n"), "", 1).into_bytes()
}

/// What a denial must say: at which stage, with which code, and words in `seen`, `sender` and `operator`.
pub(crate) struct Said<'a> {
    pub(crate) stage: u8,
    pub(crate) code: &'a str,
    pub(crate) seen: &'a [&'a str],
    pub(crate) sender: &'a str,
    pub(crate) operator: &'a str,
}

pub(crate) fn explains(report: &Value, said: &Said<'_>) {
    let refused = &report["refused"];
    assert_eq!((&refused["stage"], &refused["code"]), (&json!(said.stage), &json!(said.code)), "{report:#}");
    let all = |value: &Value| -> String {
        value.as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect::<Vec<_>>().join("\n")
    };
    for words in said.seen {
        assert!(all(&refused["seen"]).contains(words), "{words}: {refused:#}");
    }
    for (who, words) in [("sender", said.sender), ("operator", said.operator)] {
        let advice = refused[who].as_str().unwrap_or_default();
        assert!(advice.contains(words), "{who}, {words}: {refused:#}");
    }
    for (index, step) in report["stages"].as_array().unwrap().iter().enumerate() {
        let stage = u8::try_from(index + 1).unwrap();
        let outcome = match stage.cmp(&said.stage) {
            std::cmp::Ordering::Less => "passed",
            std::cmp::Ordering::Equal => "refused",
            std::cmp::Ordering::Greater => "not_reached",
        };
        assert_eq!((&step["stage"], &step["outcome"]), (&json!(stage), &json!(outcome)));
        assert_eq!(step["seen"].is_string(), outcome == "passed", "{step}");
    }
}

pub(crate) fn handed_on(shell: &Shell, keys: &Keys) -> String {
    let to = format!("summary-bot={}", keys.sub);
    let delegate = ["delegate", "@token", "--holder-key", "agent.pem", "--to", &to];
    shell.write("handed-on", shell.at_now(&delegate).ok());
    shell.run(&["seal", "@handed-on"]).ok().trim_end().to_owned()
}

pub(crate) fn token_of(request: &[u8]) -> String {
    secrets(request).into_iter().next().unwrap()
}

#[test]
fn an_allowed_request_has_every_stage_in_one_line() {
    let (shell, _) = Shell::service();
    let request = sign(&shell, &["--token", "@token", "GET", URL]);
    let report = doctor_at(&shell, NOW, &request, &[]);
    assert_eq!((&report["decision"], &report["refused"]), (&json!("allow"), &Value::Null));
    let stages = report["stages"].as_array().unwrap();
    assert_eq!(stages.len(), 12);
    assert!(stages.iter().all(|step| step["outcome"] == "passed" && !step["seen"].as_str().unwrap().is_empty()));
    assert!(stages[10]["seen"].as_str().unwrap().contains("\"http:/calendars/primary:GET\"; its one check passes"));
    let people = shell.feed(&["--now", NOW, "doctor", "verifier.toml", "-"], &request);
    // Twelve stages, an empty line, the verdict.
    assert_eq!(people.ok().lines().count(), 14);
    assert!(people.text().ends_with("\nallowed at 2026-11-23T17:00:00Z.\n"), "{}", people.text());
    let coloured = shell.at_now(&["--color", "always", "doctor", "verifier.toml", "request"]);
    assert!(coloured.ok().contains("\u{1b}[32mpassed"));
    // By HTTP/2 the authority stands beside the message.
    let request = without_line(&request, "host");
    assert_eq!(doctor_at(&shell, NOW, &request, &["--authority", "calendar.example.com"])["decision"], "allow");
    let report = doctor_at(&shell, NOW, &request, &[]);
    let said = Said {
        stage: 1,
        code: "authority_ambiguous",
        seen: &["Host has 0 lines"],
        sender: "",
        operator: "--authority",
    };
    explains(&report, &said);
}

#[test]
fn misuse_is_named_in_one_sentence() {
    let (shell, _) = Shell::service();
    shell.write("junk", "hello");
    for (args, named) in [
        (&["doctor"][..], "CONFIG"),
        (&["doctor", "verifier.toml"], "REQUEST"),
        (&["doctor", "missing.toml", "junk"], "CONFIG missing.toml"),
        (&["doctor", "junk", "junk"], "CONFIG junk: line 1"),
        (&["doctor", "verifier.toml", "missing"], "REQUEST missing"),
        (&["doctor", "verifier.toml", "junk"], "REQUEST junk: not an HTTP/1.1 request message"),
        (&["doctor", "verifier.toml", "-"], "REQUEST -"),
        (&["doctor", "verifier.toml", "junk", "--authority"], "--authority"),
        (&["--color", "green", "doctor", "verifier.toml", "junk"], "--color"),
    ] {
        let Ran { code, stdout, stderr } = shell.run(args);
        assert_eq!((code, stdout.as_slice()), (2, &b""[..]), "{args:?}: {stderr}");
        assert!(stderr.contains(named), "{args:?}: {stderr}");
        assert!(!stderr.starts_with("countersign: ") || stderr.lines().count() == 1, "{args:?}: {stderr}");
    }
}
