//! The official TypeScript client, with a `fetch` that signs, talks to the example over HTTP.

use std::process::Command;

use serde_json::{Value, json};

use super::{Files, Server, folder, token};

/// Node.js and npm are installed by `./test`; where they are absent nothing was run, and that is a failure.
fn installed(folder: &std::path::Path) {
    let output =
        Command::new("npm").args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(folder).output();
    let output = output.unwrap_or_else(|error| panic!("npm can't be run ({error}): apt-get install nodejs npm"));
    assert!(output.status.success(), "npm ci: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_typescript_client_works_with_a_server_over_http() {
    // The packages are installed beside the checkout's files, in a folder of this run.
    let place = tempfile::tempdir().unwrap();
    for file in ["package.json", "package-lock.json", "client.mjs", "signing-fetch.mjs"] {
        std::fs::copy(folder().join("tests/mcp_typescript").join(file), place.path().join(file)).unwrap();
    }
    installed(place.path());
    let (_server, url) = Server::over_http();
    let files = Files::new(&token(&url).seal().unwrap().to_text());
    let mut command = Command::new("node");
    command.arg("client.mjs").arg(&url).args([files.path("token"), files.path("key")]);
    let output = command.current_dir(place.path()).output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    let told: Value = serde_json::from_str(&told).unwrap();
    let refused = |status: u16, class: &str| json!({"refused": true, "status": status, "class": class});
    let expected = json!({
        "tools": ["list_events"],
        "list_events": "no events on 2026-11-24 for alice@example.com",
        "send_email": refused(403, "insufficient_authorization"),
        "moved": refused(401, "invalid_request_proof"),
        "replayed": refused(401, "replayed"),
    });
    assert_eq!(told, expected);
}
