//! `request/parameters.json`: the parameters of a signature and its window.

use crate::clock::NOW;
use crate::keys::Key;
use crate::raw_request::{Request, Signature};
use crate::text::b64u;

use super::case::{Case, File};
use super::standard::{PATH, token, unsigned};

const TWIN: &str = "request/get";

fn with(change: impl FnOnce(&mut Signature)) -> Request {
    let mut signature = Signature::new(&Key::named("agent"));
    change(&mut signature);
    signature.sign(unsigned("GET", PATH, &token()))
}

fn set(name: &str, value: &str) -> Request {
    with(|signature| signature.set(name, value))
}

fn window(created: i64, expires: i64) -> Request {
    with(|signature| {
        signature.set("created", created.to_string());
        signature.set("expires", expires.to_string());
    })
}

/// The file.
#[must_use]
pub fn file() -> File {
    let mut file = File::new("request", "parameters", "the signature's parameters, and the time in which it holds");
    shapes(&mut file);
    nonces(&mut file);
    algorithms(&mut file);
    windows(&mut file);
    file
}

fn shapes(file: &mut File) {
    for name in ["created", "expires", "nonce", "keyid"] {
        let attack = if name == "nonce" { 33 } else { 31 };
        file.push(
            Case::new(&format!("no-{name}"), &format!("no {name}"), &with(|s| s.unset(name)))
                .req("RQ-40")
                .attack(attack)
                .deny(3, "params_incomplete", TWIN),
        );
    }
    file.push(
        Case::new("parameters-any-order", "the parameters in another order", &with(|s| s.parameters.reverse()))
            .req("RQ-41")
            .req("RQ-46"),
    );
    let keyid = Key::named("agent").id();
    let invalid: [(&str, &str, &str, &str, u8); 12] = [
        ("unknown-parameter", "a parameter that the profile does not have", "context", "\"x\"", 6),
        ("unknown-parameter-true", "a parameter without a value that the profile does not have", "strict", "", 6),
        ("created-string", "created as a string", "created", "\"1795453200\"", 32),
        ("created-decimal", "a fractional created", "created", "1795453200.5", 32),
        ("created-date", "created as a date of RFC 9651", "created", "@1795453200", 32),
        ("created-true", "created without a value", "created", "", 32),
        ("expires-string", "expires as a string", "expires", "\"1795453260\"", 32),
        ("expires-decimal", "a fractional expires", "expires", "1795453260.5", 32),
        ("nonce-token", "a nonce that is a token", "nonce", "abcdefghijklmnopqrstuv", 6),
        ("nonce-bytes", "a nonce that is a byte sequence", "nonce", ":AAAAAAAAAAAAAAAAAAAAAA==:", 6),
        ("keyid-token", "a keyid that is a token", "keyid", "NxrCHrTq9apjqfecEvvPuRlom19Xo8yyeAGwaI3Mni0", 6),
        ("alg-token", "an alg that is a token", "alg", "ed25519", 6),
    ];
    for (slug, comment, name, value, attack) in invalid {
        file.push(Case::new(slug, comment, &set(name, value)).req("RQ-41").attack(attack).deny(
            3,
            "params_invalid",
            TWIN,
        ));
    }
    for (slug, comment, value) in [
        ("keyid-empty", "an empty keyid", String::new()),
        ("keyid-padded", "the holder's key id with padding", format!("{keyid}=")),
        ("keyid-hex", "the holder's key in another form", Key::named("agent").public_text()),
        ("keyid-root", "the key id of the issuer", Key::named("root").id()),
    ] {
        file.push(Case::new(slug, comment, &set("keyid", &format!("\"{value}\""))).req("RQ-45").attack(38).deny(
            5,
            "key_mismatch",
            TWIN,
        ));
    }
}

fn nonces(file: &mut File) {
    let nonce = |bytes: usize| b64u(&vec![0xa5; bytes]);
    for bytes in [16, 64] {
        file.push(
            Case::new(
                &format!("nonce-{bytes}"),
                &format!("a nonce of {bytes} bytes"),
                &set("nonce", &format!("\"{}\"", nonce(bytes))),
            )
            .req("RQ-42"),
        );
    }
    let mut invalid = |slug: &str, comment: &str, value: &str, twin: &str| {
        file.push(Case::new(slug, comment, &set("nonce", &format!("\"{value}\""))).req("RQ-42").attack(33).deny(
            3,
            "params_invalid",
            twin,
        ));
    };
    invalid("nonce-15", "a nonce of 15 bytes", &nonce(15), "request/nonce-16");
    invalid("nonce-65", "a nonce of 65 bytes", &nonce(65), "request/nonce-64");
    invalid("nonce-empty", "an empty nonce", "", "request/nonce-16");
    invalid("nonce-padded", "a nonce with padding", &format!("{}==", nonce(16)), "request/nonce-16");
    invalid(
        "nonce-standard-alphabet",
        "a nonce with a + and a /",
        &format!("+/{}", &nonce(16)[2..]),
        "request/nonce-16",
    );
    invalid(
        "nonce-stray-bits",
        "a nonce whose last letter has a bit that stands for nothing",
        &format!("{}R", &nonce(16)[..21]),
        "request/nonce-16",
    );
    invalid("nonce-odd-length", "a nonce of 25 letters", &format!("{}AAA", nonce(16)), "request/nonce-16");
}

fn algorithms(file: &mut File) {
    file.push(Case::new("alg", "alg named: ed25519", &set("alg", "\"ed25519\"")).req("RQ-43"));
    for alg in ["hmac-sha256", "rsa-v1_5-sha256", "ecdsa-p256-sha256", "Ed25519", "none", ""] {
        let slug = if alg.is_empty() {
            "alg-empty".to_owned()
        } else {
            format!("alg-{}", alg.to_ascii_lowercase().replace('_', "-"))
        };
        let slug = if alg == "Ed25519" { "alg-upper-case".to_owned() } else { slug };
        file.push(Case::new(&slug, "another alg", &set("alg", &format!("\"{alg}\""))).req("RQ-43").attack(37).deny(
            3,
            "alg_rejected",
            "request/alg",
        ));
    }
}

fn windows(file: &mut File) {
    let good: [(&str, &str, i64, i64); 5] = [
        ("window-300", "expires 300 seconds after created", NOW, NOW + 300),
        ("window-1", "expires a second after created", NOW, NOW + 1),
        ("created-at-skew", "created 30 seconds ahead", NOW + 30, NOW + 90),
        ("expires-at-skew", "expired 30 seconds ago", NOW - 90, NOW - 30),
        ("created-long-ago", "created 300 seconds ago, expiring now", NOW - 300, NOW),
    ];
    for (slug, comment, created, expires) in good {
        file.push(Case::new(slug, comment, &window(created, expires)).req("RQ-44").attack(65));
    }
    let most = 999_999_999_999_999;
    let bad: [(&str, &str, i64, i64, u8, &str); 11] = [
        ("window-301", "expires 301 seconds after created", NOW, NOW + 301, 31, "window-300"),
        ("window-0", "expires when it was created", NOW, NOW, 31, "window-1"),
        ("window-inverted", "expires before it was created", NOW, NOW - 1, 31, "window-1"),
        ("created-ahead", "created 31 seconds ahead", NOW + 31, NOW + 91, 65, "created-at-skew"),
        ("expires-past", "expired 31 seconds ago", NOW - 91, NOW - 31, 65, "expires-at-skew"),
        ("created-negative", "created before 1970", -1, 59, 32, "get"),
        ("window-over-epoch", "created a second before 1970, expiring now", -1, NOW, 32, "get"),
        ("created-huge", "created and expires of 15 digits", most - 60, most, 32, "get"),
        ("expires-huge", "expires of 15 digits", NOW, most, 32, "window-300"),
        ("created-least", "the least created of RFC 9651", -most, NOW, 32, "created-long-ago"),
        ("created-zero", "created and expires in 1970", 0, 60, 32, "get"),
    ];
    for (slug, comment, created, expires, attack, twin) in bad {
        file.push(Case::new(slug, comment, &window(created, expires)).req("RQ-44").attack(attack).deny(
            3,
            "window_invalid",
            &format!("request/{twin}"),
        ));
    }
}
