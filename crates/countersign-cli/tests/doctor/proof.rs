//! Denials of stages 1, 2, 3, 5, 8 and 9, by a request that was altered.

use serde_json::Value;

use crate::common::{NOW, Shell};
use crate::{Said, URL, doctor_at, edited, explains, handed_on, sign, token_of, with_line, without_line};

#[test]
fn explains_what_is_wrong_with_the_proof() {
    let (shell, keys) = Shell::service();
    shell.write("event.json", br#"{"title":"Review"}"#);
    let get = sign(&shell, &["--token", "@token", "GET", URL]);
    let body = ["-H", "content-type: application/json", "-H", "x-note: a", "--body", "event.json"];
    let post = sign(&shell, &[&["--token", "@token", "POST", URL], body.as_slice()].concat());
    let delegated = handed_on(&shell, &keys);
    let id = |index: usize| -> String {
        let found: Value = serde_json::from_str(shell.run(&["inspect", "@handed-on", "--json"]).ok()).unwrap();
        found["agents"][index]["key_id"].as_str().unwrap().to_owned()
    };
    let holder = format!("the current holder is \"summary-bot\" with the key {}", id(1));
    let agent = format!("the current holder's key is {}", id(0));
    let holders = ["that is the key of \"calendar-bot\", who handed the token on", &holder];
    let altered = [&agent, "@path as received: \"/calendars/Primary\""];
    let cases: Vec<(Vec<u8>, Said<'_>)> = vec![
        (
            edited(&get, "host: calendar.example.com", "host: other.example.com"),
            Said {
                stage: 1,
                code: "authority_mismatch",
                seen: &["addressed to \"other.example.com\"", "authorities are \"calendar.example.com\""],
                sender: "one of the service's names",
                operator: "add it to authorities",
            },
        ),
        (
            edited(&get, "host: calendar", "host: \u{1b}[2Jcalendar"),
            Said {
                stage: 1,
                code: "header_malformed",
                seen: &["the value of host has a control byte"],
                sender: "",
                operator: "",
            },
        ),
        (
            with_line(&get, "x-http-method-override: DELETE"),
            Said {
                stage: 1,
                code: "header_refused",
                seen: &["x-http-method-override is there"],
                sender: "leave the field out",
                operator: "proxy",
            },
        ),
        (
            with_line(&get, &format!("x-large: {}", "a".repeat(40_000))),
            Said {
                stage: 1,
                code: "limit_exceeded",
                seen: &["the head has 4", "32768 are the most"],
                sender: "send less",
                operator: "",
            },
        ),
        (
            without_line(&get, "authorization"),
            Said {
                stage: 2,
                code: "token_missing",
                seen: &["Authorization has 0 lines"],
                sender: "send the token",
                operator: "proxy",
            },
        ),
        (
            with_line(&get, "countersign-token: AAAA"),
            Said {
                stage: 2,
                code: "token_ambiguous",
                seen: &["Authorization has 1 line, Countersign-Token 1 line"],
                sender: "in one place",
                operator: "",
            },
        ),
        (
            edited(&get, "authorization: Countersign ", "authorization: countersign "),
            Said {
                stage: 2,
                code: "header_malformed",
                seen: &["scheme in Authorization is \"countersign\""],
                sender: "",
                operator: "",
            },
        ),
        (
            with_line(&get, "content-digest: md5=:AA==:"),
            Said { stage: 2, code: "digest_alg_rejected", seen: &["names \"md5\""], sender: "sha-256", operator: "" },
        ),
        (
            without_line(&get, "signature-input"),
            Said {
                stage: 3,
                code: "signature_required",
                seen: &["there is no signature-input"],
                sender: "countersign sign",
                operator: "proxy",
            },
        ),
        (
            edited(&get, " \"@query\"", ""),
            Said {
                stage: 3,
                code: "components_incomplete",
                seen: &["not covered: @query"],
                sender: "cover @query",
                operator: "",
            },
        ),
        (
            edited(&get, "\"@path\"", "\"@path\" \"@target-uri\""),
            Said {
                stage: 3,
                code: "components_invalid",
                seen: &["\"@target-uri\" is no component"],
                sender: "@target-uri",
                operator: "",
            },
        ),
        (
            edited(&post, " \"content-digest\"", ""),
            Said {
                stage: 3,
                code: "body_uncovered",
                seen: &["18 bytes", "not covered: content-digest"],
                sender: "cover content-digest",
                operator: "",
            },
        ),
        (
            with_line(&get, "Idempotency-Key: 1"),
            Said {
                stage: 3,
                code: "header_uncovered",
                seen: &["present and not covered: idempotency-key"],
                sender: "cover idempotency-key",
                operator: "added the field",
            },
        ),
        (
            without_line(&post, "x-note"),
            Said {
                stage: 3,
                code: "component_unresolvable",
                seen: &["x-note is covered, and not in the message"],
                sender: "send the field",
                operator: "proxy",
            },
        ),
        (
            edited(&get, ";keyid=", ";kid="),
            Said {
                stage: 3,
                code: "params_invalid",
                seen: &["\"kid\" is unknown"],
                sender: "parameters",
                operator: "",
            },
        ),
        (
            edited(&get, &format!(";keyid=\"{}\"", id(0)), ""),
            Said { stage: 3, code: "params_incomplete", seen: &["missing: keyid"], sender: "keyid", operator: "" },
        ),
        (
            edited(&get, &token_of(&get), &delegated),
            Said { stage: 5, code: "key_mismatch", seen: &holders, sender: "current holder's key", operator: "" },
        ),
        (
            edited(&get, "/calendars/primary", "/calendars/Primary"),
            Said {
                stage: 8,
                code: "signature_invalid",
                seen: &altered,
                sender: "compare the values above",
                operator: "altered them",
            },
        ),
        (
            edited(&post, "Review", "Coffee"),
            Said {
                stage: 9,
                code: "digest_mismatch",
                seen: &["the body has 18 bytes", "the body that arrived has sha-256=:"],
                sender: "the very bytes",
                operator: "changes the body",
            },
        ),
    ];
    for (request, said) in &cases {
        explains(&doctor_at(&shell, NOW, request, &[]), said);
    }
    // The window, from both sides.
    let said = |seen, sender, operator| Said { stage: 3, code: "window_invalid", seen, sender, operator };
    let late = doctor_at(&shell, "2026-11-23T17:10:00Z", &get, &[]);
    let ended = ["created is 2026-11-23T17:00:00Z, expires 2026-11-23T17:01:00Z", "ended 9 minutes ago"];
    explains(&late, &said(&ended, "sign again", "--now 2026-11-23T17:00:00Z"));
    let early = doctor_at(&shell, "2026-11-23T16:50:00Z", &get, &[]);
    explains(&early, &said(&["begins in 10 minutes"], "it is 10 minutes fast", "clock of the service"));
}
