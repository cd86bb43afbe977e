//! Keys of issuers in their three places.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests say what went wrong by panicking")]

mod common;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;

use common::{Ran, Shell};
use serde_json::Value;

/// A signed request in `request`, and what stands before and after the place of the keys.
fn service() -> (Shell, impl Fn(&str) -> Vec<u8>) {
    let (shell, keys) = Shell::service();
    let signed = shell.at_now(&[
        "sign",
        "--key",
        "agent.pem",
        "--token",
        "@token",
        "GET",
        "https://calendar.example.com/calendars/primary",
    ]);
    shell.write("request", &signed.stdout);
    let config = String::from_utf8(shell.read("verifier.toml")).unwrap();
    let line = format!("keys = [\"{}\"]", keys.hub);
    assert!(config.contains(&line), "{config}");
    (shell, move |place| config.replace(&line, place).into_bytes())
}

fn verify(shell: &Shell) -> Ran {
    shell.at_now(&["verify", "--config", "keys.toml", "request"])
}

#[test]
fn prints_a_key_set_of_keys_and_key_files() {
    let shell = Shell::new();
    let (hub, next) = (shell.keygen("hub"), shell.keygen("next"));
    let printed = shell.run(&["jwks", "@hub.pem", &next, &hub]);
    let set: Value = serde_json::from_str(printed.ok()).unwrap();
    let keys = set["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 2, "a key twice stands there once");
    for key in keys {
        let mut members: Vec<&str> = key.as_object().unwrap().keys().map(String::as_str).collect();
        members.sort_unstable();
        assert_eq!(members, ["crv", "kid", "kty", "use", "x"]);
    }
    let x = countersign::from_base64url(keys[0]["x"].as_str().unwrap()).unwrap();
    assert_eq!(format!("ed25519/{}", countersign::to_hex(&x)), hub);
    for (args, named) in [
        (&["jwks"][..], "KEY"),
        (&["jwks", "hub.pem"], "@FILE"),
        (&["jwks", "@missing.pem"], "KEY missing.pem"),
        (&["jwks", "ed25519/00"], "KEY"),
    ] {
        let ran = shell.run(args);
        assert_eq!(ran.code, 2);
        assert!(ran.stderr.contains(named), "{}", ran.stderr);
    }
    let many: Vec<String> = (0..9).map(|number| shell.keygen(&format!("key-{number}"))).collect();
    let args: Vec<&str> = std::iter::once("jwks").chain(many.iter().map(String::as_str)).collect();
    assert_eq!(shell.run(&args[..9]).code, 0);
    assert!(shell.run(&args).stderr.contains("at most 8 keys"));
}

#[test]
fn verifies_by_a_key_set_in_a_file() {
    let (shell, config) = service();
    shell.write("hub.jwks.json", shell.run(&["jwks", "@sub.pem", "@hub.pem"]).ok());
    shell.write("keys.toml", config("jwks_file = \"hub.jwks.json\""));
    verify(&shell).ok();
    // The path is relative to the configuration, wherever the command runs.
    std::fs::create_dir(shell.path("elsewhere")).unwrap();
    std::fs::rename(shell.path("hub.jwks.json"), shell.path("elsewhere/hub.jwks.json")).unwrap();
    assert_eq!(verify(&shell).code, 2);
    shell.write("elsewhere/keys.toml", config("jwks_file = \"hub.jwks.json\""));
    shell.at_now(&["verify", "--config", "elsewhere/keys.toml", "request"]).ok();

    shell.write("hub.jwks.json", shell.run(&["jwks", "@sub.pem"]).ok());
    let denied = verify(&shell);
    assert_eq!((denied.code, denied.lines()[0]["code"].as_str()), (1, Some("token_signature")));
    for (document, told) in [
        (r#"{"keys":[]}"#, "no Ed25519 key"),
        (r#"{"keys":[{"kty":"RSA","n":"AQ","e":"AQAB"}]}"#, "no Ed25519 key"),
        (r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AA","d":"AA"}]}"#, "private key"),
        (r#"{"keys":[],"keys":[]}"#, "RFC 7517"),
    ] {
        shell.write("hub.jwks.json", document);
        let ran = verify(&shell);
        assert_eq!((ran.code, ran.stdout.len()), (2, 0));
        assert!(ran.stderr.contains(told) && ran.stderr.contains("issuers[0].jwks_file"), "{}", ran.stderr);
    }
}

/// Answers one request with this document; its URL.
fn serve_once(document: String) -> (String, std::thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
    let task = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut lines = BufReader::new(&stream).lines();
        assert_eq!(lines.next().unwrap().unwrap(), "GET /jwks.json HTTP/1.1");
        assert!(lines.any(|line| line.unwrap().is_empty()));
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n";
        write!(&stream, "{head}content-length: {}\r\n\r\n{document}", document.len()).unwrap();
    });
    (url, task)
}

#[test]
fn verifies_by_a_key_set_at_a_url() {
    let (shell, config) = service();
    let at = |url: &str, more: &str| config(&format!("jwks_url = \"{url}\"\n{more}"));
    let (url, task) = serve_once(shell.run(&["jwks", "@hub.pem"]).ok().to_owned());
    shell.write("keys.toml", at(&url, "insecure_http_loopback = true"));
    verify(&shell).ok();
    task.join().unwrap();
    // Nobody listens there any more: no keys, no decision.
    let ran = verify(&shell);
    assert_eq!((ran.code, ran.stdout.len()), (2, 0));
    assert!(ran.stderr.contains("--config keys.toml: issuers[0].jwks_url: "), "{}", ran.stderr);

    let (url, task) = serve_once(shell.run(&["jwks", "@sub.pem"]).ok().to_owned());
    shell.write("keys.toml", at(&url, "insecure_http_loopback = true"));
    let denied = verify(&shell);
    task.join().unwrap();
    assert_eq!((denied.code, denied.lines()[0]["code"].as_str()), (1, Some("token_signature")));

    for (url, more, told) in [
        (url.as_str(), "", "must be https"),
        ("https://127.0.0.1/", "", "allow_private_addresses = true"),
        ("https://localhost:1/", "", "not public"),
    ] {
        shell.write("keys.toml", at(url, more));
        let ran = verify(&shell);
        assert_eq!((ran.code, ran.stdout.len()), (2, 0));
        assert!(ran.stderr.contains(told), "{}", ran.stderr);
    }
}
