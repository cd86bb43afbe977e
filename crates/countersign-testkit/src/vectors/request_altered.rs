//! `request/altered.json`: a request that was signed and then changed.

use sha2::{Digest as _, Sha256};

use crate::keys::Key;
use crate::raw_checks::{pred, string};
use crate::raw_request::{Request, Signature, digest_sha256, digest_sha512};
use crate::text::b64;

use super::case::{Case, File};
use super::standard::{BODY, PATH, Plan, get, get_target, post, post_signature, token, unsigned, unsigned_post};

/// The file.
#[must_use]
pub fn file() -> File {
    let mut file = File::new("request", "altered", "requests changed after they were signed");
    targets(&mut file);
    fields(&mut file);
    bodies(&mut file);
    file
}

fn altered(file: &mut File, slug: &str, comment: &str, attack: u8, request: &Request, twin: &str) {
    file.push(Case::new(slug, comment, request).req("RQ-46").req("RQ-48").attack(attack).deny(
        8,
        "signature_invalid",
        twin,
    ));
}

/// A request for one target, sent to another.
fn moved(signed: &str, sent: &str) -> Request {
    let mut request = get_target(signed, &token());
    request.target = sent.into();
    request
}

fn targets(file: &mut File) {
    let twin = "request/get";
    let mut method = get(&token());
    method.method = "POST".into();
    altered(
        file,
        "method-swapped",
        "signed as GET, sent as POST, for which the token has a right too",
        13,
        &method,
        twin,
    );
    let mut method = get(&token());
    method.method = "get".into();
    altered(file, "method-case", "signed as GET, sent as get", 13, &method, twin);
    for (slug, comment, sent, attack) in [
        ("path-other", "another resource under the same right", "/calendars/private", 18),
        ("path-slash-added", "a slash added at the end", "/calendars/primary/", 18),
        ("path-slash-doubled", "a slash doubled", "/calendars//primary", 18),
        ("path-escaped-slash", "a slash escaped", "/calendars%2Fprimary", 17),
        ("path-escaped-letter", "a letter escaped", "/calendar%73/primary", 17),
        ("path-dot-segment", "a dot segment added", "/calendars/./primary", 18),
        ("path-case", "a letter in upper case", "/calendars/Primary", 18),
        ("query-added", "a query added", "/calendars/primary?all=1", 19),
    ] {
        altered(file, slug, comment, attack, &moved(PATH, sent), twin);
    }
    file.push(
        Case::new(
            "path-escapes",
            "a path with upper-case escapes and an @",
            &get_target("/calendars/caf%C3%A9@work", &token()),
        )
        .req("RQ-46")
        .req("VF-28"),
    );
    for (slug, comment, sent) in [
        ("path-lower-case-escapes", "the escapes in lower case", "/calendars/caf%c3%a9@work"),
        ("path-escaped-at", "the @ escaped", "/calendars/caf%C3%A9%40work"),
    ] {
        altered(file, slug, comment, 17, &moved("/calendars/caf%C3%A9@work", sent), "request/path-escapes");
    }
    let query = "/calendars/primary?from=1&to=2";
    file.push(Case::new("query", "a query of two parameters", &get_target(query, &token())).req("RQ-46"));
    for (slug, comment, sent) in [
        ("query-reordered", "the parameters in the other order", "/calendars/primary?to=2&from=1"),
        ("query-extended", "a parameter more", "/calendars/primary?from=1&to=2&all=1"),
        ("query-emptied", "the query removed", PATH),
        ("query-shortened", "a parameter less", "/calendars/primary?from=1"),
        ("query-escaped", "a digit escaped", "/calendars/primary?from=%31&to=2"),
        ("query-moved", "the question mark moved", "/calendars/primary/from=1?to=2"),
    ] {
        altered(file, slug, comment, 19, &moved(query, sent), "request/query");
    }
    let mut host = get(&token());
    host.set("host", "backup.example.com");
    let two = |case: Case| case.config(|config| config.authorities.push("backup.example.com".into()));
    file.push(two(Case::new("two-authorities", "a verifier with two authorities", &get(&token())).req("RQ-17")));
    file.push(two(Case::new("host-swapped", "signed for one of the verifier's authorities, sent to the other", &host)
        .req("RQ-46")
        .req("RQ-48")
        .attack(14)
        .deny(8, "signature_invalid", "request/two-authorities")));
}

fn fields(file: &mut File) {
    let twin = "request/get";
    let mut swapped = get(&token());
    let other = Plan::standard().replace(pred("purpose", [string("billing")])).text();
    swapped.set("authorization", format!("Countersign {other}"));
    altered(file, "token-swapped", "another good token of the same holder swapped in", 40, &swapped, twin);
    let with_key = |sent: &str| {
        let mut signature = Signature::new(&Key::named("agent"));
        signature.cover("idempotency-key");
        let mut request = signature.sign(unsigned("GET", PATH, &token()).with("Idempotency-Key", "\"k-1\""));
        request.set("idempotency-key", sent);
        request
    };
    altered(
        file,
        "covered-field-changed",
        "a covered field changed",
        10,
        &with_key("\"k-2\""),
        "request/protected-idempotency-key",
    );
    altered(
        file,
        "covered-field-repeated",
        "a covered field repeated",
        10,
        &with_key("\"k-1\"").with("Idempotency-Key", "\"k-2\""),
        "request/protected-idempotency-key",
    );
    let parameter = |from: &str, to: &str| {
        let mut request = get(&token());
        let text = request.field_text("signature-input");
        assert!(text.contains(from), "the text to change is there");
        request.set("signature-input", text.replacen(from, to, 1));
        request
    };
    for (slug, comment, from, to) in [
        ("created-changed", "created a second later", "created=1795453200", "created=1795453201"),
        ("expires-extended", "expires four minutes later", "expires=1795453260", "expires=1795453500"),
        ("nonce-changed", "another nonce: a replay under a new name", "nonce=\"", "nonce=\"AAAA"),
        (
            "components-reordered",
            "two components in the other order",
            "\"@method\" \"@authority\"",
            "\"@authority\" \"@method\"",
        ),
        ("alg-added", "alg added", ";tag=", ";alg=\"ed25519\";tag="),
        (
            "parameters-reordered",
            "two parameters in the other order",
            ";created=1795453200;expires=1795453260",
            ";expires=1795453260;created=1795453200",
        ),
    ] {
        altered(file, slug, comment, 31, &parameter(from, to), twin);
    }
    let mut covers_more = get(&token()).with("X-Custom", "a");
    let text = covers_more.field_text("signature-input");
    covers_more.set("signature-input", text.replacen("\"authorization\"", "\"authorization\" \"x-custom\"", 1));
    altered(file, "component-added", "a field and its coverage added after signing", 10, &covers_more, twin);
}

fn bodies(file: &mut File) {
    let twin = "request/post";
    let with_body = |mut request: Request, body: &[u8]| {
        request.body = body.to_vec();
        request.set("content-length", body.len().to_string());
        request
    };
    let other = br#"{"title":"breakfast"}"#;
    let mut mismatch = |slug: &str, comment: &str, req: &str, attack: u8, request: &Request, twin: &str| {
        file.push(Case::new(slug, comment, request).req(req).attack(attack).deny(9, "digest_mismatch", twin));
    };
    let signed = || post(&token(), BODY);
    mismatch("body-swapped", "another body under the signed digest", "RQ-49", 20, &with_body(signed(), other), twin);
    mismatch(
        "body-longer",
        "a byte added to the body",
        "RQ-49",
        20,
        &with_body(signed(), &[BODY, b" "].concat()),
        twin,
    );
    mismatch(
        "body-shorter",
        "the last byte of the body missing",
        "RQ-49",
        20,
        &with_body(signed(), &BODY[..BODY.len() - 1]),
        twin,
    );
    mismatch("body-removed", "the body removed", "RQ-50", 20, &with_body(signed(), b""), twin);
    let digest = |text: &str| {
        let mut request = unsigned_post(&token(), BODY);
        request.set("content-digest", text);
        post_signature().sign(request)
    };
    let (good, good_512) = (digest_sha256(BODY), digest_sha512(BODY));
    mismatch(
        "second-digest-wrong",
        "a good SHA-256 and the SHA-512 of another body",
        "RQ-49",
        25,
        &digest(&format!("{good}, {}", digest_sha512(other))),
        "request/digest-both",
    );
    mismatch(
        "first-digest-wrong",
        "the SHA-256 of another body and a good SHA-512",
        "RQ-49",
        25,
        &digest(&format!("{}, {good_512}", digest_sha256(other))),
        "request/digest-both",
    );
    let hash = Sha256::digest(BODY);
    mismatch(
        "digest-short",
        "the first 31 bytes of the digest",
        "RQ-49",
        25,
        &digest(&format!("sha-256=:{}:", b64(&hash[..31]))),
        twin,
    );
    mismatch("digest-of-no-length", "a digest of no bytes", "RQ-49", 25, &digest("sha-256=::"), twin);
    mismatch(
        "digest-under-other-name",
        "the SHA-256 digest under the name of SHA-512",
        "RQ-49",
        25,
        &digest(&format!("sha-512=:{}:", b64(&hash))),
        twin,
    );
    let mut nothing = Signature::new(&Key::named("agent"));
    nothing.cover("content-digest");
    let request = nothing.sign(unsigned("GET", PATH, &token()).with("Content-Digest", &good));
    mismatch(
        "digest-without-body",
        "a GET without a body, with the digest of one",
        "RQ-50",
        23,
        &request,
        "request/empty-digest",
    );

    let mut both = with_body(signed(), other);
    both.set("content-digest", digest_sha256(other));
    altered(file, "body-and-digest-swapped", "another body with its own digest", 21, &both, twin);
    let mut kind = signed();
    kind.set("content-type", "text/html");
    altered(file, "content-type-changed", "another Content-Type", 21, &kind, twin);
    let coded = |cover: bool| {
        let mut request = unsigned_post(&token(), BODY);
        request.set("content-type", "application/octet-stream");
        request.add("Content-Encoding", "gzip");
        let mut signature = post_signature();
        if cover {
            signature.cover("content-encoding");
        }
        signature.sign(request)
    };
    file.push(
        Case::new(
            "content-encoding-covered",
            "a body with a content coding that is covered: the digest is over the coded bytes",
            &coded(true),
        )
        .right("http:/calendars:POST")
        .req("RQ-36")
        .req("RQ-49"),
    );
    file.push(
        Case::new("content-encoding-uncovered", "the same with the coding not covered", &coded(false))
            .req("RQ-36")
            .attack(26)
            .deny(3, "header_uncovered", "request/content-encoding-covered"),
    );
}
