//! Denials of stages 4, 5 and 7.

use countersign::from_base64url;

use crate::common::{NOW, Shell};
use crate::{Said, URL, doctor_at, edited, explains, sign, token_of};

#[test]
fn explains_what_is_wrong_with_the_token() {
    let (shell, keys) = Shell::service();
    let request = sign(&shell, &["--token", "@token", "GET", URL]);
    let sealed = token_of(&request);
    let open = String::from_utf8(shell.read("token")).unwrap().trim_end().to_owned();
    let report = doctor_at(&shell, NOW, &edited(&request, &sealed, &open), &[]);
    explains(
        &report,
        &Said {
            stage: 4,
            code: "token_unsealed",
            seen: &["open"],
            sender: "countersign seal",
            operator: "others may have",
        },
    );
    // The secret of an open token is its last 32 bytes; no form of it is told.
    let bytes = from_base64url(&open).unwrap();
    assert!(!report.to_string().contains(&countersign::to_hex(&bytes[bytes.len() - 32..])));
    let cut = edited(&request, &sealed, &sealed[..sealed.len() - 5]);
    let said = Said {
        stage: 4,
        code: "token_malformed",
        seen: &["characters"],
        sender: "as it was given",
        operator: "cuts long fields",
    };
    explains(&doctor_at(&shell, NOW, &cut, &[]), &said);

    // A token that ended while it was narrowed.
    shell.write("narrow", shell.at_now(&["restrict", "@token", "--expires-in", "10m"]).ok());
    let late = "2026-11-23T17:10:01Z";
    let ran = shell.run(&["--now", late, "sign", "--key", "agent.pem", "--token", "@narrow", "GET", URL]);
    let said = Said {
        stage: 5,
        code: "token_expired",
        seen: &[
            "ended at 2026-11-23T17:10:00Z, 1 second ago",
            "it is block 1 that says so, of a holder who narrowed it",
        ],
        sender: "get another token",
        operator: "--now",
    };
    explains(&doctor_at(&shell, late, &ran.stdout, &[]), &said);

    // The same request before services with other configurations.
    let toml = String::from_utf8(shell.read("verifier.toml")).unwrap();
    let before = |from: &str, to: &str, said: &Said<'_>| {
        shell.write("verifier.toml", toml.replace(from, to));
        explains(&doctor_at(&shell, NOW, &request, &[]), said);
        shell.write("verifier.toml", &toml);
    };
    before(
        "\"https://hub.example\"",
        "\"https://hub.example/\"",
        &Said {
            stage: 5,
            code: "issuer_unknown",
            seen: &[
                "\"https://hub.example\" issued it",
                "configured are \"https://hub.example/\"",
                "a slash at its end alone",
            ],
            sender: "an issuer that this service accepts",
            operator: "[[issuers]]",
        },
    );
    before(
        "\"https://calendar.example.com\"",
        "\"https://calendar.example.com/\"",
        &Said {
            stage: 5,
            code: "audience_mismatch",
            seen: &[
                "the token is for \"https://calendar.example.com\"",
                "the service \"https://calendar.example.com/\"",
                "two audiences",
            ],
            sender: "a token for this service",
            operator: "add it to audience",
        },
    );
    before(
        "\"https://calendar.example.com\"",
        "\"https://calendar.example.com/mail\"",
        &Said {
            stage: 5,
            code: "audience_mismatch",
            seen: &["no configured audience covers the path"],
            sender: "",
            operator: "",
        },
    );
    before(
        &keys.hub,
        &keys.sub,
        &Said {
            stage: 7,
            code: "token_signature",
            seen: &["configured keys of this issuer: "],
            sender: "get the token again",
            operator: "may have a new one",
        },
    );
}
