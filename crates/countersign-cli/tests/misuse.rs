//! What is misused is named, in one sentence and with status 2; and no output tells a secret that was not asked for.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests say what went wrong by panicking")]

mod common;

use std::fs;
use std::process::Command;

use common::{Ran, Shell};
use countersign::{from_base64url, to_base64url, to_hex};

const URL: &str = "https://calendar.example.com/calendars/primary";

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

#[test]
fn each_misuse_names_what_was_misused() {
    let (shell, keys) = Shell::service();
    let agent = format!("calendar-bot={}", keys.agent);
    let token = text(shell.read("token"));
    let token = token.trim_end();
    let sealed = shell.run(&["seal", "@token"]);
    shell.write("sealed", sealed.ok());
    shell.write("body", "{}");
    shell.write("empty", "");
    shell.write("large", vec![b'A'; 64 * 1024 + 1]);
    shell.write("bytes", [0xff, 0xfe]);
    fs::File::create(shell.path("huge")).unwrap().set_len(34 * 1024 * 1024 + 1).unwrap();
    shell.write("unknown.toml", [shell.read("verifier.toml"), b"[revoked]\n".to_vec()].concat());
    // A token whose next secret is not the one that its last block names.
    let mut spliced = from_base64url(token).unwrap();
    *spliced.last_mut().unwrap() ^= 1;
    shell.write("spliced", to_base64url(&spliced));
    let mint = |option: &str, value: &str| -> Vec<String> {
        let mut args = vec!["mint".to_owned()];
        for (name, usual) in [
            ("--issuer-key", "hub.pem"),
            ("--issuer", "https://hub.example"),
            ("--user", "alice@example.com"),
            ("--agent", &agent),
            ("--purpose", "scheduling"),
            ("--audience", "https://calendar.example.com"),
            ("--right", "http:/:GET"),
            ("--expires-in", "1h"),
            ("--depth", "0"),
        ] {
            args.extend([name.to_owned(), if name == option { value } else { usual }.to_owned()]);
        }
        args
    };
    let minted = mint("", "");
    shell.at_now(&minted.iter().map(String::as_str).collect::<Vec<_>>()).ok();
    let long = "a".repeat(1025);
    for (option, value) in [
        ("--issuer-key", "missing.pem"),
        ("--issuer-key", "verifier.toml"),
        ("--issuer-key", "large"),
        ("--issuer-key", "bytes"),
        ("--issuer", ""),
        ("--user", ""),
        ("--agent", "calendar-bot"),
        ("--agent", "calendar-bot=ed25519/00"),
        ("--agent", &format!("={}", keys.agent)),
        ("--purpose", ""),
        ("--audience", "calendar.example.com"),
        ("--audience", "https://calendar.example.com/#"),
        ("--right", "http:/"),
        ("--right", "http::GET"),
        ("--right", &format!("http:/{long}:GET")),
        ("--expires-in", "1 hour"),
        ("--expires-in", "0s"),
        ("--depth", "7"),
        ("--depth", "-1"),
    ] {
        let args = mint(option, value);
        names(&shell, &args.iter().map(String::as_str).collect::<Vec<_>>(), option);
    }
    let to = format!("summary-bot={}", keys.sub);
    let sign = ["sign", "--key", "agent.pem", "--token", "@token"];
    for (args, named) in [
        (&["restrict", "@token"][..], "restriction"),
        (&["restrict", "token", "--action", "read"], "@FILE"),
        (&["restrict", "@missing", "--action", "read"], "TOKEN @missing"),
        (&["restrict", "@large", "--action", "read"], "TOKEN @large"),
        (&["restrict", "@bytes", "--action", "read"], "TOKEN"),
        (&["restrict", "@empty", "--action", "read"], "TOKEN"),
        (&["restrict", "-", "--action", "read"], "TOKEN"),
        (&["restrict", "@sealed", "--action", "read"], "sealed"),
        (&["restrict", "@spliced", "--action", "read"], "TOKEN"),
        (&["restrict", "@token", "--action", ""], "--action"),
        (&["restrict", "@token", "--action", &long], "TOKEN"),
        (&["restrict", "@token", "--expires-in", "soon"], "--expires-in"),
        (&["restrict", "@token", "--expires-in", "1h", "--expires-by", common::NOW], "--expires-by"),
        (&["restrict", "@token", "--not-before", "tomorrow"], "--not-before"),
        (&["restrict", "@token", "--resource-under", "/a", "--resource-under", "/b"], "--resource-under"),
        (&["delegate", "@token", "--holder-key", "sub.pem", "--to", &to], "--holder-key"),
        (&["delegate", "@token", "--holder-key", "agent.pem", "--to", "summary-bot"], "--to"),
        (&["delegate", "@token", "--holder-key", "agent.pem", "--to", &to, "--depth", "2"], "--depth"),
        (&["seal", "@sealed"], "sealed"),
        (&["inspect", "@spliced-not"], "TOKEN @spliced-not"),
        (&["inspect", "not-a-token"], "TOKEN"),
        (&["verify", "--config", "missing.toml", "body"], "--config missing.toml"),
        (&["verify", "--config", "unknown.toml", "body"], "revoked"),
        (&["verify", "--config", "body", "body"], "--config body: line 1"),
        (&["verify", "--config", "large", "body"], "--config large"),
        (&["verify", "--config", "verifier.toml", "body"], "body: not an HTTP/1.1 request message"),
        (&["verify", "--config", "verifier.toml", "huge"], "huge: more than 34816 KiB"),
        (&["verify", "body"], "--config"),
        (&["--now", "noon", "inspect", "@token"], "--now"),
        (&["vectors", "run", "missing"], "DIR missing"),
        (&["keygen"], "--out"),
        (&["keygen", "--out", "missing/agent.pem"], "--out missing/agent.pem"),
        (&["nonsense"], "nonsense"),
        (&[], "Usage"),
    ] {
        names(&shell, args, named);
    }
    for (rest, named) in [
        (&["GET", "calendar.example.com"][..], "URL"),
        (&["GET", "https://calendar.example.com/?"], "URL"),
        (&["GET", "https://alice@calendar.example.com/"], "URL"),
        (&["GET /", URL], "METHOD"),
        (&["CONNECT", URL], "METHOD"),
        (&["GET", URL, "--nonce", "00"], "--nonce"),
        (&["GET", URL, "-H", "host: other"], "-H"),
        (&["GET", URL, "-H", "no colon"], "-H"),
        (&["POST", URL, "--body", "missing"], "--body missing"),
        (&["POST", URL, "--body", "huge"], "--body huge"),
        (&["POST", URL, "--body", "body"], "-H 'content-type: "),
    ] {
        names(&shell, &[&sign, rest].concat(), named);
    }
    names(&shell, &["sign", "--key", "sub.pem", "--token", "@token", "GET", URL], "--key");
    names(&shell, &["sign", "--key", "agent.pem", "--token", "@missing", "GET", URL], "--token @missing");
    names(&shell, &["sign", "--key", "agent.pem", "--token", "@spliced", "GET", URL], "--token");
}

fn names(shell: &Shell, args: &[&str], named: &str) {
    let ran = shell.run(args);
    assert_eq!((ran.code, ran.text()), (2, ""), "{args:?}: {ran:?}");
    assert!(ran.stderr.contains(named), "{args:?}: {}", ran.stderr);
    // The parser of the command line adds its usage below; the rest is one sentence.
    let ours = ran.stderr.starts_with("countersign: ");
    assert!(ours || ran.stderr.contains("Usage") || ran.stderr.contains("--help"), "{args:?}: {}", ran.stderr);
    assert!(!ours || ran.stderr.lines().count() == 1, "{args:?}: {}", ran.stderr);
}

// spec: TK-50
#[test]
fn keygen_refuses_to_overwrite_and_keeps_the_key_to_its_owner() {
    let shell = Shell::new();
    shell.keygen("agent");
    let before = shell.read("agent.pem");
    let ran = shell.run(&["keygen", "--out", "agent.pem"]);
    assert_eq!((ran.code, ran.text()), (2, ""));
    assert_eq!(ran.stderr, "countersign: --out agent.pem: the file exists and is not overwritten\n");
    assert_eq!(shell.read("agent.pem"), before);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let mode = fs::metadata(shell.path("agent.pem")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        // Nor does it write through a link that someone left there.
        symlink(shell.path("elsewhere"), shell.path("link.pem")).unwrap();
        assert_eq!(shell.run(&["keygen", "--out", "link.pem"]).code, 2);
        assert!(!shell.path("elsewhere").exists());
    }
}

// spec: TK-50
#[cfg(unix)]
#[test]
fn warns_of_a_key_that_others_can_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let (shell, _) = Shell::service();
    let sign = ["sign", "--key", "agent.pem", "--token", "@token", "GET", URL];
    for (mode, readable) in [(0o600, false), (0o400, false), (0o640, true), (0o604, true), (0o644, true)] {
        fs::set_permissions(shell.path("agent.pem"), fs::Permissions::from_mode(mode)).unwrap();
        let ran = shell.at_now(&sign);
        // A warning: what was asked for is done.
        assert!(ran.code == 0 && ran.text().starts_with("GET "), "{ran:?}");
        let warning =
            "countersign: --key agent.pem: others than its owner can read this private key; chmod 600 ends that\n";
        assert_eq!(ran.stderr, if readable { warning } else { "" }, "{mode:o}");
    }
    // Who else gets at the public half does not matter, nor at what is no key.
    shell.write("no-key.pem", "nothing");
    let ran = shell.at_now(&["sign", "--key", "no-key.pem", "--token", "@token", "GET", URL]);
    assert_eq!((ran.code, ran.stderr.lines().count()), (2, 1), "{}", ran.stderr);
}

// spec: TK-50
#[test]
fn key_files_are_those_of_openssl() {
    if Command::new("openssl").arg("version").output().is_err() {
        println!("not run: openssl is not installed");
        return;
    }
    let shell = Shell::new();
    let openssl = |args: &[&str]| {
        let output = Command::new("openssl").args(args).current_dir(shell.path(".")).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    // Ours in theirs: the public half that openssl derives is the one that we printed.
    let public = shell.keygen("ours");
    let der = openssl(&["pkey", "-in", "ours.pem", "-pubout", "-outform", "DER"]);
    assert_eq!(public, format!("ed25519/{}", to_hex(&der[der.len() - 32..])));
    // Theirs in ours: a token of a key of openssl, and a request by another.
    openssl(&["genpkey", "-algorithm", "ed25519", "-out", "theirs.pem"]);
    let der = openssl(&["pkey", "-in", "theirs.pem", "-pubout", "-outform", "DER"]);
    let agent = format!("bot=ed25519/{}", to_hex(&der[der.len() - 32..]));
    let mut mint = vec!["mint", "--issuer-key", "theirs.pem", "--issuer", "https://hub.example", "--user", "alice"];
    mint.extend(["--agent", &agent, "--purpose", "p", "--audience", "https://calendar.example.com"]);
    mint.extend(["--right", "http:/:GET", "--expires-in", "1h"]);
    shell.write("token", shell.run(&mint).ok());
    shell.run(&["sign", "--key", "theirs.pem", "--token", "@token", "GET", URL]).ok();
    openssl(&["genpkey", "-algorithm", "x25519", "-out", "other.pem"]);
    assert_eq!(shell.run(&["sign", "--key", "other.pem", "--token", "@token", "GET", URL]).code, 2);
}

/// The texts in which a secret of 32 bytes would show: hexadecimal, and base64 at each of its three alignments.
fn traces(secret: &[u8]) -> Vec<String> {
    let mut traces = vec![to_hex(secret), to_hex(secret).to_uppercase()];
    for shift in 0..3 {
        let text = to_base64url(&[&vec![0; shift], secret].concat());
        traces.push(text[4..40].to_owned());
    }
    traces
}

#[test]
fn no_output_tells_a_secret_that_was_not_asked_for() {
    let (shell, keys) = Shell::service();
    let token = text(shell.read("token"));
    let token = token.trim_end();
    let next = from_base64url(token).unwrap();
    let next = next[next.len() - 32..].to_vec();
    let mut secrets = traces(&next);
    for name in ["hub.pem", "agent.pem", "sub.pem"] {
        let pem = text(shell.read(name));
        let body = pem.lines().nth(1).unwrap().replace('+', "-").replace('/', "_");
        let der = from_base64url(&body).unwrap();
        secrets.extend(traces(&der[der.len() - 32..]));
    }
    // The probe itself: the open token tells its secret.
    let tells = |ran: &Ran| {
        let all = [String::from_utf8_lossy(&ran.stdout), ran.stderr.as_str().into()].concat();
        let all = all.replace('+', "-").replace('/', "_");
        secrets.iter().any(|secret| all.contains(secret.as_str()))
    };
    assert!(tells(&Ran { code: 0, stdout: token.as_bytes().to_vec(), stderr: String::new() }));

    let to = format!("summary-bot={}", keys.sub);
    let sign = ["sign", "--key", "agent.pem", "--token", "@token", "GET", URL];
    let request = shell.at_now(&sign);
    shell.write("request", &request.stdout);
    shell.write("not-a-config.toml", token);
    shell.write("not-a-key.pem", token);
    let private = "cs_sk_I5M5PzAEuUxnL5F6Qg-f5eZXu05iP8T43mkedOKF6JY";
    for args in [
        &["inspect", "@token"][..],
        &["inspect", "@token", "--json"],
        &["inspect", token, token],
        &["inspect", token, "--jsn"],
        &["rar", "@token"],
        &["rar", token, token],
        &["seal", "@token"],
        &["seal", token, "--depth", "1"],
        &sign,
        &["sign", "--key", "sub.pem", "--token", token, "GET", URL],
        &["sign", "--key", "agent.pem", "--token", token, "GET", token],
        &["sign", "--key", token, "--token", token, "GET", URL],
        &["sign", "--key", "agent.pem", &format!("--token=@{token}"), "GET", URL],
        &["sign", "--key", "agent.pem", &format!("--tken={token}"), "GET", URL],
        &["verify", "--config", "verifier.toml", "request", "agent.pem", "token"],
        &["verify", "--config", "not-a-config.toml", "request"],
        &["restrict", token],
        &["restrict", token, "--expires-in", token],
        &["restrict", "@agent.pem", "--action", "read"],
        &["restrict", "@token", "--action", "read"],
        &["delegate", "@token", "--holder-key", "agent.pem", "--to", &to],
        &["delegate", token, "--holder-key", "not-a-key.pem", "--to", &to],
        &["keygen", "--out", "fresh.pem"],
        &["keygen", "--out", "agent.pem"],
        &["vectors", "run", "."],
    ] {
        let ran = shell.at_now(args);
        assert!(!tells(&ran), "{args:?}: {ran:?}");
    }
    let ran = shell.run(&["inspect", "@token", private]);
    assert!(ran.code == 2 && !ran.stderr.contains("cs_sk_"), "{ran:?}");
    // What goes onto the wire is sealed.
    assert_eq!(request.code, 0);
    let request = text(request.stdout);
    let sent = request.lines().find_map(|line| line.strip_prefix("authorization: Countersign ")).unwrap();
    assert!(!from_base64url(sent).unwrap().windows(32).any(|bytes| bytes == next));
}
