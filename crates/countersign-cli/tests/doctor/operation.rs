//! Denials of stages 11 and 12.

use std::fmt::Write as _;

use countersign::key::SigningKey;
use countersign::request::SignRequest;
use countersign::time::UnixTime;
use countersign::token::{Grant, Right};
use serde_json::json;

use crate::common::{NOW, Shell};
use crate::{Said, URL, doctor_at, explains, sign};

#[test]
fn explains_what_the_token_does_not_allow() {
    let (shell, _) = Shell::service();
    let at = |args: &[&str]| sign(&shell, &[&["--token"], args].concat());
    let put = at(&["@token", "PUT", URL]);
    let said = Said {
        stage: 11,
        code: "right_missing",
        seen: &[
            "\"PUT\" on \"/calendars/primary\" of type \"http\"",
            "\"http:/calendars/primary:GET\" has another action",
        ],
        sender: "\"http:/calendars/primary:PUT\"",
        operator: "[[operations]]",
    };
    explains(&doctor_at(&shell, NOW, &put, &[]), &said);
    let beside = at(&["@token", "GET", &format!("{URL}-old")]);
    let said = Said {
        stage: 11,
        code: "right_missing",
        seen: &["\"http:/calendars/primary:GET\" has a location that ends in the middle of a segment"],
        sender: "",
        operator: "",
    };
    let report = doctor_at(&shell, NOW, &beside, &[]);
    explains(&report, &said);
    // The right with the action that was asked for is nearer than the other.
    let seen = report["refused"]["seen"].as_array().unwrap();
    assert!(seen[1].as_str().unwrap().contains(":GET") && seen[2].as_str().unwrap().contains(":POST"), "{seen:?}");
    let odd = at(&["@token", "GET", &format!("{URL}/%2e%2e/x")]);
    let said = Said {
        stage: 11,
        code: "resource_invalid",
        seen: &["the segment \"%2e%2e\" is outside"],
        sender: "in that form",
        operator: "",
    };
    explains(&doctor_at(&shell, NOW, &odd, &[]), &said);

    shell.write("narrow", shell.at_now(&["restrict", "@token", "--action", "POST", "--action", "PUT"]).ok());
    let report = doctor_at(&shell, NOW, &at(&["@narrow", "GET", URL]), &[]);
    let said = Said {
        stage: 11,
        code: "check_failed",
        seen: &[
            "check 0 of block 1 of a holder who narrowed it: check if action($action), {\"POST\", \"PUT\"}",
            "action was \"GET\"",
        ],
        sender: "as it was before it was narrowed",
        operator: "",
    };
    explains(&report, &said);
    assert_eq!(report["refused"]["check"], json!({"block": 1, "check": 0}));
    assert_eq!(report["refused"]["passes"], "only the action \"POST\" or \"PUT\"");

    let table = "[[operations]]\nmethod = \"GET\"\npath = \"/calendars/{id}\"\ntype = \"calendar\"\n\
                 resource = \"/calendars/{id}\"\naction = \"read\"\n";
    shell.write("verifier.toml", [shell.read("verifier.toml"), table.as_bytes().to_vec()].concat());
    let said =
        |seen, operator| Said { stage: 11, code: "operation_unmapped", seen, sender: "slash at the end", operator };
    explains(
        &doctor_at(&shell, NOW, &put, &[]),
        &said(&["the path is known, with the method \"GET\""], "[[operations]]"),
    );
    let below = at(&["@token", "GET", &format!("{URL}/events")]);
    explains(
        &doctor_at(&shell, NOW, &below, &[]),
        &said(&["the table has \"GET\" \"/calendars/{id}\""], "[[operations]]"),
    );
    let mapped = at(&["@token", "GET", URL]);
    let said = Said {
        stage: 11,
        code: "right_missing",
        seen: &["of type \"calendar\"", "has another type and another action"],
        sender: "",
        operator: "",
    };
    let report = doctor_at(&shell, NOW, &mapped, &[]);
    assert_eq!(report["refused"]["code"], said.code);
    assert!(
        report["refused"]["seen"][1].as_str().unwrap().contains("has another type and has another action"),
        "{report:#}"
    );
}

/// What the command line has no option for, by the library.
#[test]
fn explains_approvals_and_budgets() {
    let [issuer, agent, next] = [[1; 32], [2; 32], [3; 32]].map(|seed| SigningKey::from_seed(&seed));
    let shell = Shell::new();
    let mut toml =
        "audience = [\"https://calendar.example.com\"]\nauthorities = [\"calendar.example.com\"]\n".to_owned();
    write!(toml, "[[issuers]]\nissuer = \"https://hub.example\"\nkeys = [\"{}\"]\n", issuer.public()).unwrap();
    shell.write("verifier.toml", toml);
    let now = UnixTime(1_795_453_200);
    let explained = |grant: fn(Grant, &SigningKey) -> Grant| {
        let token = Grant::new("https://hub.example", "alice", "bot", agent.public())
            .purpose("p")
            .audience("https://calendar.example.com")
            .valid(now, now.plus(3600))
            .right(Right { r#type: "http", location: "/", action: "GET" });
        let token = grant(token, &issuer).sign(&issuer, &next).unwrap().seal().unwrap();
        let fields = SignRequest::new("GET", URL, &token).created(now, vec![7; 16]).sign(&agent).unwrap();
        let mut request = format!("GET {} HTTP/1.1\r\n", fields.target());
        fields.iter().for_each(|(name, value)| write!(request, "{name}: {value}\r\n").unwrap());
        request.push_str("\r\n");
        doctor_at(&shell, &now.to_string(), request.as_bytes(), &[])
    };
    let key = format!("an approval by the key {}", issuer.public().id());
    explains(
        &explained(|grant, key| grant.approval("http", "GET", key.public())),
        &Said {
            stage: 11,
            code: "approval_required",
            seen: &[&key],
            sender: "have the operation approved",
            operator: "",
        },
    );
    explains(
        &explained(|grant, _| grant.budget("a", "tokens", 3, 60)),
        &Said {
            stage: 12,
            code: "budget_exceeded",
            seen: &["a budget has too little left, or counts a unit that the operation's cost does not name"],
            sender: "get a token with a greater budget",
            operator: "",
        },
    );
}
