//! `request/signature.json`: that there is one signature of ours, and that it is good.

use sha2::{Digest as _, Sha256};

use crate::keys::{Key, thumbprint};
use crate::raw_checks::{Term, pred, string};
use crate::raw_request::{Request, Signature, TAG};

use super::case::{Case, File};
use super::curve;
use super::standard::{AGENT, PATH, Plan, get, token, unsigned};

const TWIN: &str = "request/get";

fn agent() -> Signature {
    Signature::new(&Key::named("agent"))
}

fn plain() -> Request {
    unsigned("GET", PATH, &token())
}

/// The standard request with these signature bytes.
fn signed_with(bytes: &[u8]) -> Request {
    let (input, signature) = agent().parts_with(bytes);
    plain().with("Signature-Input", input).with("Signature", signature)
}

/// The standard request with a second signature, by a stranger under another label and this tag.
fn beside(tag: &str) -> Request {
    let request = plain();
    let (input, signature) = agent().parts(&request);
    let mut other = Signature::new(&Key::named("stranger"));
    other.label = "other".into();
    other.set("tag", tag);
    let (other_input, other_signature) = other.parts(&request);
    request
        .with("Signature-Input", format!("{other_input}, {input}"))
        .with("Signature", format!("{other_signature}, {signature}"))
}

/// The file.
#[must_use]
pub fn file() -> File {
    let mut file =
        File::new("request", "signature", "one signature of ours, selected by its tag, valid over this very request");
    file.push(
        Case::new(
            "get",
            "a GET with a one-block token, signed by the token's holder: the twin of most vectors",
            &get(&token()),
        )
        .req("RQ-28")
        .req("RQ-48")
        .req("RQ-46")
        .req("TK-46")
        .req("TK-48")
        .req("VF-36")
        .req("TK-1")
        .req("TK-3")
        .req("TK-39")
        .req("TK-42")
        .req("TK-27")
        .req("VF-1"),
    );
    selection(&mut file);
    keys(&mut file);
    bytes(&mut file);
    file
}

fn selection(file: &mut File) {
    let without = |name: &str| {
        let mut request = get(&token());
        request.remove(name);
        request
    };
    let mut none = |slug: &str, comment: &str, req: &str, attack: u8, request: &Request| {
        file.push(Case::new(slug, comment, request).req(req).attack(attack).deny(3, "signature_required", TWIN));
    };
    none(
        "no-signature",
        "neither Signature-Input nor Signature: the token used as a bearer token",
        "RQ-28",
        1,
        &plain(),
    );
    none("no-signature-input", "Signature without Signature-Input", "RQ-28", 2, &without("signature-input"));
    none("no-signature-field", "Signature-Input without Signature", "RQ-30", 2, &without("signature"));
    let mut relabelled = get(&token());
    let text = relabelled.field_text("signature").replace("sig=", "other=");
    relabelled.set("signature", text);
    none("label-without-signature", "Signature under another label than Signature-Input", "RQ-30", 2, &relabelled);
    for (slug, comment, tag) in [
        ("other-tag", "a good signature under the tag of another protocol", "\"web-bot-auth\""),
        ("tag-case", "our tag in upper case", "\"COUNTERSIGN-REQUEST-V1\""),
        ("tag-token", "our tag as a token instead of a string", TAG),
    ] {
        let mut signature = agent();
        signature.set("tag", tag);
        none(slug, comment, "RQ-28", 36, &signature.sign(plain()));
    }
    let mut untagged = agent();
    untagged.unset("tag");
    none("no-tag", "a good signature without a tag", "RQ-28", 36, &untagged.sign(plain()));

    let mut labelled = agent();
    labelled.label = "*any-label.1".into();
    file.push(
        Case::new("any-label", "our signature under another label: labels say nothing", &labelled.sign(plain()))
            .req("RQ-28"),
    );
    let mut renamed = get(&token());
    for name in ["signature-input", "signature"] {
        let text = renamed.field_text(name).replacen("sig=", "renamed=", 1);
        renamed.set(name, text);
    }
    file.push(
        Case::new("label-changed", "the label changed in both fields after signing: nothing signs it", &renamed)
            .req("RQ-30")
            .req("RQ-48"),
    );

    file.push(
        Case::new(
            "other-signature-beside",
            "a stranger's signature of another protocol beside ours: ignored",
            &beside("\"web-bot-auth\""),
        )
        .req("RQ-28"),
    );
    let twin = "request/other-signature-beside";
    file.push(
        Case::new("two-of-ours", "a stranger's signature with our tag beside ours", &beside(&format!("\"{TAG}\"")))
            .req("RQ-29")
            .attack(4)
            .deny(3, "signature_ambiguous", twin),
    );
    file.push(
        Case::new(
            "session-tag-beside",
            "a signature with the session tag beside ours",
            &beside("\"countersign-session-v1\""),
        )
        .req("RQ-27")
        .attack(36)
        .deny(3, "tag_invalid", twin),
    );
    let mut session = agent();
    session.set("tag", "\"countersign-session-v1\"");
    file.push(
        Case::new("session-tag", "our signature with the session tag, outside a session", &session.sign(plain()))
            .req("RQ-27")
            .attack(36)
            .deny(3, "tag_invalid", TWIN),
    );

    let two_lines = |tag: &str| {
        let joined = beside(tag);
        let mut request = plain();
        for name in ["signature-input", "signature"] {
            for part in joined.field_text(name).split(", ") {
                request.add(name, part);
            }
        }
        request
    };
    file.push(
        Case::new("two-lines", "two signatures on two lines of each field", &two_lines("\"web-bot-auth\""))
            .req("RQ-23")
            .req("RQ-24"),
    );
    let (input, _) = agent().parts(&plain());
    let garbage = plain().with("Signature-Input", &input).with("Signature", "sig=:not base64:");
    file.push(
        Case::new("malformed-signature", "a Signature that is no byte sequence, beside a good token", &garbage)
            .req("RQ-24")
            .attack(3)
            .deny(2, "header_malformed", TWIN),
    );
    let bearer = |signature: &str| {
        let request =
            Request::new("GET", PATH).with("Authorization", "Bearer secret").with("Countersign-Token", token());
        let mut spec = agent();
        spec.cover("countersign-token");
        let (input, good) = spec.parts(&request);
        let value = if signature.is_empty() { good } else { signature.to_owned() };
        request.with("Signature-Input", input).with("Signature", value)
    };
    file.push(
        Case::new("bearer-beside", "Authorization: Bearer, covered, and the token in Countersign-Token", &bearer(""))
            .req("RQ-19")
            .req("RQ-36"),
    );
    file.push(
        Case::new(
            "malformed-signature-beside-bearer",
            "the same with a malformed Signature: the bearer token does not stand in",
            &bearer("sig=?"),
        )
        .req("RQ-24")
        .attack(3)
        .deny(2, "header_malformed", "request/bearer-beside"),
    );
}

fn keys(file: &mut File) {
    let mut invalid = |slug: &str, comment: &str, attack: u8, req: &str, request: &Request| {
        file.push(Case::new(slug, comment, request).req("RQ-48").req(req).attack(attack).deny(
            8,
            "signature_invalid",
            TWIN,
        ));
    };
    for (slug, who) in [("key-stranger", "stranger"), ("key-root", "root"), ("key-approver", "approver")] {
        let mut signature = Signature::new(&Key::named(who));
        signature.set("keyid", format!("\"{}\"", Key::named("agent").id()));
        invalid(slug, "another key signs and names the holder's", 38, "VF-18", &signature.sign(plain()));
    }
    // HMAC-SHA256 under the holder's public key, as a confused verifier would compute it.
    let public = Key::named("agent").public();
    let pad = |byte: u8| -> Vec<u8> {
        let mut block = [byte; 64];
        block.iter_mut().zip(public).for_each(|(place, key)| *place ^= key);
        block.to_vec()
    };
    let inner = Sha256::digest([pad(0x36), agent().base(&plain())].concat());
    let mac = Sha256::digest([pad(0x5c), inner.to_vec()].concat());
    invalid(
        "hmac-with-public-key",
        "HMAC-SHA256 under the holder's public key as the signature",
        37,
        "TK-46",
        &signed_with(&mac),
    );
    file.push(
        Case::new(
            "key-own",
            "a stranger signs and names its own key",
            &Signature::new(&Key::named("stranger")).sign(plain()),
        )
        .req("RQ-45")
        .attack(38)
        .deny(5, "key_mismatch", TWIN),
    );
}

fn bytes(file: &mut File) {
    let good = Key::named("agent").sign(&agent().base(&plain()));
    let mut invalid = |slug: &str, comment: &str, attack: u8, req: &str, bytes: &[u8]| {
        file.push(Case::new(slug, comment, &signed_with(bytes)).req("RQ-48").req(req).attack(attack).deny(
            8,
            "signature_invalid",
            TWIN,
        ));
    };
    let flipped = |place: usize| {
        let mut bytes = good.clone();
        bytes[place] ^= 1;
        bytes
    };
    invalid("bit-of-r", "a bit of R turned", 38, "TK-46", &flipped(0));
    invalid("bit-of-s", "a bit of S turned", 38, "TK-46", &flipped(32));
    invalid("signature-of-63-bytes", "a signature of 63 bytes", 38, "RQ-48", &good[..63]);
    invalid("signature-of-65-bytes", "a signature of 65 bytes", 38, "RQ-48", &[&good[..], &[0]].concat());
    invalid("signature-of-no-bytes", "a signature of no bytes", 38, "RQ-48", &[]);
    invalid("signature-of-zero-bytes", "a signature of 64 zero bytes", 38, "TK-45", &[0; 64]);
    invalid("s-plus-order", "the order of the group added to S", 39, "TK-44", &curve::plus_order(&good));
    let key = Key::named("agent");
    let base = agent().base(&plain());
    invalid(
        "r-small-order",
        "R the neutral element, S to match",
        39,
        "TK-45",
        &curve::neutral_r(&key, &curve::NEUTRAL, &base),
    );
    invalid(
        "r-non-canonical",
        "R the neutral element in a non-canonical encoding, S to match",
        39,
        "TK-46",
        &curve::neutral_r(&key, &curve::NEUTRAL_NON_CANONICAL, &base),
    );
    for (slug, comment, public) in [
        (
            "a-small-order",
            "a holder's key of small order, under which one signature fits every message",
            curve::NEUTRAL,
        ),
        ("a-non-canonical", "the same in a non-canonical encoding", curve::NEUTRAL_NON_CANONICAL),
    ] {
        let weak = Plan::standard().replace(pred("agent", [string(AGENT), Term::Bytes(public.to_vec())])).text();
        let mut signature = agent();
        signature.set("keyid", format!("\"{}\"", thumbprint(&public)));
        let (input, value) = signature.parts_with(&curve::for_neutral_key());
        let request = unsigned("GET", PATH, &weak).with("Signature-Input", input).with("Signature", value);
        file.push(Case::new(slug, comment, &request).req("TK-45").req("RQ-48").attack(39).deny(
            8,
            "signature_invalid",
            TWIN,
        ));
    }
}
