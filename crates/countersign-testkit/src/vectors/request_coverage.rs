//! `request/coverage.json`: what a signature must cover, may cover and cannot cover.

use crate::keys::Key;
use crate::raw_request::{Request, Signature, digest_sha256};

use super::case::{Case, File};
use super::standard::{BODY, PATH, post_signature, token, unsigned, unsigned_post};

const TWIN: &str = "request/get";
const POST: &str = "request/post";

fn agent() -> Signature {
    Signature::new(&Key::named("agent"))
}

/// The standard GET with these fields more, and a signature changed before it is made.
fn get_with(fields: &[(&str, &str)], change: impl FnOnce(&mut Signature)) -> Request {
    let request =
        fields.iter().fold(unsigned("GET", PATH, &token()), |request, (name, value)| request.with(name, value));
    let mut signature = agent();
    change(&mut signature);
    signature.sign(request)
}

fn post_with(change_request: impl FnOnce(&mut Request), change: impl FnOnce(&mut Signature)) -> Request {
    let mut request = unsigned_post(&token(), BODY);
    change_request(&mut request);
    let mut signature = post_signature();
    change(&mut signature);
    signature.sign(request)
}

/// The file.
#[must_use]
pub fn file() -> File {
    let mut file = File::new("request", "coverage", "what a signature must cover, may cover and cannot cover");
    required(&mut file);
    names(&mut file);
    protected(&mut file);
    bodies(&mut file);
    file
}

fn required(file: &mut File) {
    let empty = get_with(&[], |s| s.components.clear());
    file.push(Case::new("empty", "a signature that covers nothing", &empty).req("RQ-34").attack(7).deny(
        3,
        "components_incomplete",
        TWIN,
    ));
    for name in ["@method", "@authority", "@path", "@query", "authorization"] {
        let slug = format!("without-{}", name.trim_start_matches('@'));
        let request = get_with(&[], |s| s.uncover(name));
        file.push(Case::new(&slug, &format!("{name} not covered"), &request).req("RQ-34").attack(8).deny(
            3,
            "components_incomplete",
            TWIN,
        ));
    }
    let mut field = Request::new("GET", PATH).with("Countersign-Token", token());
    field = {
        let mut s = agent();
        s.uncover("authorization");
        s.sign(field)
    };
    file.push(
        Case::new("without-countersign-token", "the token in Countersign-Token, which is not covered", &field)
            .req("RQ-34")
            .attack(8)
            .deny(3, "components_incomplete", "request/token-field"),
    );
    let reversed = get_with(&[], |s| s.components.reverse());
    file.push(Case::new("any-order", "the components in another order", &reversed).req("RQ-34").req("RQ-46"));
    let more = get_with(&[("X-Custom", "a"), ("Accept", "application/json")], |s| {
        s.cover("x-custom");
        s.cover("accept");
    });
    file.push(Case::new("more", "two fields more are covered", &more).req("RQ-32").req("RQ-37").req("RQ-39"));
    let repeated = get_with(&[("X-Custom", " a "), ("x-custom", "b,c")], |s| s.cover("x-custom"));
    file.push(
        Case::new("repeated-lines", "a covered field on two lines, with spaces around a value", &repeated).req("RQ-47"),
    );
    let first_only = get_with(&[("X-Custom", "a"), ("x-custom", "b")], |s| {
        s.cover("x-custom");
        s.values.push(("x-custom".into(), b"a".to_vec()));
    });
    file.push(
        Case::new(
            "repeated-lines-first-signed",
            "a covered field on two lines, the signature over the first alone",
            &first_only,
        )
        .req("RQ-47")
        .attack(10)
        .deny(8, "signature_invalid", "request/repeated-lines"),
    );
    let empty_value = get_with(&[("X-Custom", "")], |s| s.cover("x-custom"));
    file.push(Case::new("empty-value", "a covered field with an empty value", &empty_value).req("RQ-37"));
    file.push(
        Case::new("absent", "a covered field that is absent", &get_with(&[], |s| s.cover("x-custom")))
            .req("RQ-37")
            .attack(10)
            .deny(3, "component_unresolvable", "request/empty-value"),
    );
    let letters = |cover: bool| {
        get_with(&[("X-Custom", "caf\u{e9}")], |s| {
            if cover {
                s.cover("x-custom")
            }
        })
    };
    file.push(
        Case::new("not-ascii-uncovered", "letters outside ASCII in a field that is not covered", &letters(false))
            .req("RQ-38")
            .req("RQ-39"),
    );
    file.push(Case::new("not-ascii", "letters outside ASCII in a covered field", &letters(true)).req("RQ-38").deny(
        3,
        "header_malformed",
        "request/not-ascii-uncovered",
    ));
    let twin = unsigned("GET", PATH, &token()).field("authorization").expect("a token");
    for (slug, comment, letter) in [
        ("not-ascii-token", "a letter outside ASCII in the token field", &b"\xC3\xA9"[..]),
        ("not-utf8-token", "a byte in the token field that is no UTF-8", b"\xFF"),
    ] {
        let mut request = unsigned("GET", PATH, &token());
        request.set("authorization", [&twin[..40], letter, &twin[41..]].concat());
        let case = Case::new(slug, comment, &agent().sign(request)).req("RQ-38");
        file.push(case.deny(3, "header_malformed", TWIN));
    }
}

fn names(file: &mut File) {
    let mut invalid = |slug: &str, comment: &str, req: &str, attack: u8, component: &str| {
        let request = get_with(&[("X-Custom", "a")], |s| s.components.push(component.into()));
        file.push(Case::new(slug, comment, &request).req(req).attack(attack).deny(3, "components_invalid", TWIN));
    };
    invalid("twice", "@method twice", "RQ-33", 9, "\"@method\"");
    invalid("field-twice", "authorization twice", "RQ-33", 9, "\"authorization\"");
    for (slug, component) in [
        ("parameter-req", "\"x-custom\";req"),
        ("parameter-sf", "\"x-custom\";sf"),
        ("parameter-bs", "\"x-custom\";bs"),
        ("parameter-tr", "\"x-custom\";tr"),
        ("parameter-key", "\"x-custom\";key=\"a\""),
        ("parameter-unknown", "\"x-custom\";x"),
        ("parameter-query-param", "\"@query-param\";name=\"a\""),
    ] {
        invalid(slug, "a component with a parameter", "RQ-31", 11, component);
    }
    for name in ["@target-uri", "@request-target", "@scheme", "@status", "@signature-params", "@", "@unknown"] {
        invalid(
            &format!("derived-{}", if name == "@" { "empty" } else { &name[1..] }),
            "a derived component that the profile does not have",
            "RQ-32",
            11,
            &format!("\"{name}\""),
        );
    }
    invalid("name-upper-case", "a field name in upper case", "RQ-32", 9, "\"X-Custom\"");
    invalid("name-empty", "an empty name", "RQ-32", 9, "\"\"");
    invalid("name-space", "a name with a space", "RQ-32", 9, "\"x custom\"");
    invalid("item-token", "a component that is a token", "RQ-31", 6, "x-custom");
    invalid("item-integer", "a component that is an integer", "RQ-31", 6, "1");
    invalid("item-bytes", "a component that is a byte sequence", "RQ-31", 6, ":eC1jdXN0b20=:");
}

fn protected(file: &mut File) {
    for (name, value, attack) in [
        ("content-encoding", "gzip", 26),
        ("countersign-approval", "e30.c2ln", 56),
        ("idempotency-key", "\"k-1\"", 30),
        ("mcp-name", "delete_everything", 30),
        ("mcp-session-id", "1868a90c", 30),
        ("mcp-", "x", 30),
    ] {
        let slug = name.trim_end_matches('-');
        file.push(
            Case::new(
                &format!("protected-{slug}"),
                &format!("{name}, covered"),
                &get_with(&[(name, value)], |s| s.cover(name)),
            )
            .req("RQ-36")
            .req("VF-33"),
        );
        file.push(
            Case::new(
                &format!("protected-{slug}-uncovered"),
                &format!("{name}, present and not covered"),
                &get_with(&[(name, value)], |_| ()),
            )
            .req("RQ-36")
            .attack(attack)
            .deny(3, "header_uncovered", &format!("request/protected-{slug}")),
        );
    }
    let added = get_with(&[], |_| ()).with("MCP-Name", "delete_everything");
    file.push(
        Case::new("protected-added-later", "MCP-Name, in upper case, added after signing", &added)
            .req("RQ-36")
            .req("RQ-8")
            .attack(30)
            .deny(3, "header_uncovered", TWIN),
    );
    let bearer = |cover: bool| {
        let request = Request::new("GET", PATH).with("Authorization", "Bearer x").with("Countersign-Token", token());
        let mut signature = agent();
        if !cover {
            signature.uncover("authorization");
        }
        signature.cover("countersign-token");
        signature.sign(request)
    };
    file.push(
        Case::new(
            "authorization-uncovered",
            "Authorization of another scheme, not covered, beside the token's own field",
            &bearer(false),
        )
        .req("RQ-36")
        .req("RQ-19")
        .attack(3)
        .deny(3, "header_uncovered", "request/bearer-beside"),
    );
    let digest = |cover: bool| {
        get_with(&[("Content-Digest", &digest_sha256(b""))], |s| {
            if cover {
                s.cover("content-digest")
            }
        })
    };
    file.push(
        Case::new("empty-digest", "a GET with the digest of no bytes, covered", &digest(true))
            .req("RQ-50")
            .req("RQ-36"),
    );
    file.push(
        Case::new("empty-digest-uncovered", "the same, not covered", &digest(false)).req("RQ-36").attack(23).deny(
            3,
            "header_uncovered",
            "request/empty-digest",
        ),
    );
    let with_type = get_with(&[("Content-Type", "text/plain")], |_| ());
    file.push(
        Case::new("content-type-without-body", "a Content-Type without a body, not covered", &with_type)
            .req("RQ-35")
            .req("RQ-39"),
    );
    file.push(
        Case::new(
            "content-encoding-added",
            "a body whose Content-Encoding was added after signing",
            &post_with(|_| (), |_| ()).with("Content-Encoding", "gzip"),
        )
        .req("RQ-36")
        .attack(26)
        .deny(3, "header_uncovered", POST),
    );
}

fn bodies(file: &mut File) {
    let mut uncovered = |slug: &str, comment: &str, attack: u8, request: &Request, twin: &str| {
        file.push(Case::new(slug, comment, request).req("RQ-35").attack(attack).deny(3, "body_uncovered", twin));
    };
    uncovered(
        "digest-uncovered",
        "a body whose Content-Digest is not covered",
        23,
        &post_with(|_| (), |s| s.uncover("content-digest")),
        POST,
    );
    uncovered(
        "type-uncovered",
        "a body whose Content-Type is not covered",
        23,
        &post_with(|_| (), |s| s.uncover("content-type")),
        POST,
    );
    uncovered(
        "body-without-digest",
        "a body without Content-Digest",
        22,
        &post_with(|r| r.remove("content-digest"), |s| s.uncover("content-digest")),
        POST,
    );
    uncovered(
        "body-without-type",
        "a body without Content-Type",
        22,
        &post_with(|r| r.remove("content-type"), |s| s.uncover("content-type")),
        POST,
    );
    let mut added = get_with(&[], |_| ()).with("Content-Length", "2");
    added.body = b"{}".to_vec();
    uncovered("body-added", "a body added to a signed GET", 22, &added, TWIN);
    let mut added = get_with(&[], |_| ())
        .with("Content-Type", "application/json")
        .with("Content-Length", "2")
        .with("Content-Digest", digest_sha256(b"{}"));
    added.body = b"{}".to_vec();
    uncovered("body-and-digest-added", "a body added to a signed GET, with its digest", 22, &added, TWIN);
    let mut missing = |slug: &str, comment: &str, field: &str| {
        file.push(
            Case::new(slug, comment, &post_with(|r| r.remove(field), |_| ()))
                .req("RQ-37")
                .req("RQ-35")
                .attack(10)
                .deny(3, "component_unresolvable", POST),
        );
    };
    missing("digest-absent", "a Content-Digest that is covered and absent", "content-digest");
    missing("type-absent", "a Content-Type that is covered and absent", "content-type");
    file.push(
        Case::new("length-zero", "a POST with Content-Length 0 and neither digest nor type", &{
            let request = unsigned("POST", PATH, &token()).with("Content-Length", "0");
            agent().sign(request)
        })
        .right("http:/calendars:POST")
        .req("RQ-35"),
    );
}
