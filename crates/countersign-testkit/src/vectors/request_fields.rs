//! `request/fields.json`: the token's place, and fields that are exactly what RFC 9651 writes.

use crate::keys::Key;
use crate::raw_request::{Request, Signature, digest_sha256, digest_sha512, nonce};
use crate::text::{b64, b64u};

use super::case::{Case, File};
use super::standard::{BODY, PATH, post_signature, token, unsigned, unsigned_post};

const TWIN: &str = "request/get";

fn agent() -> Signature {
    Signature::new(&Key::named("agent"))
}

/// The file.
#[must_use]
pub fn file() -> File {
    let mut file = File::new("request", "fields", "where the token stands, and exact structured fields");
    places(&mut file);
    signatures(&mut file);
    inputs(&mut file);
    digests(&mut file);
    file
}

/// A request with these token fields, all of them covered.
fn carried(fields: &[(&str, &str)]) -> Request {
    let mut request = Request::new("GET", PATH);
    let mut signature = agent();
    signature.uncover("authorization");
    let mut covered: Vec<String> = Vec::new();
    for (name, value) in fields {
        request.add(name, value);
        let name = name.to_ascii_lowercase();
        if !covered.contains(&name) {
            signature.cover(&name);
            covered.push(name);
        }
    }
    signature.sign(request)
}

fn places(file: &mut File) {
    let token = token();
    let own = format!("Countersign {token}");
    let (auth, field) = ("Authorization", "Countersign-Token");
    file.push(
        Case::new("token-field", "the token in Countersign-Token", &carried(&[(field, &token)]))
            .req("RQ-34")
            .req("RQ-22"),
    );
    file.push(
        Case::new(
            "token-field-basic",
            "the token in Countersign-Token, and Authorization of another scheme",
            &carried(&[(auth, "Basic dTpw"), (field, &token)]),
        )
        .req("RQ-19"),
    );
    let twin = "request/token-field";
    let mut refused =
        |slug: &str, comment: &str, req: &str, attack: u8, code: &str, fields: &[(&str, &str)], twin: &str| {
            file.push(Case::new(slug, comment, &carried(fields)).req(req).attack(attack).deny(2, code, twin));
        };
    refused(
        "token-in-both",
        "the same token in both fields",
        "RQ-21",
        29,
        "token_ambiguous",
        &[(auth, &own), (field, &token)],
        twin,
    );
    refused(
        "token-field-twice",
        "Countersign-Token twice",
        "RQ-21",
        29,
        "token_ambiguous",
        &[(field, &token), (field, &token)],
        twin,
    );
    refused(
        "authorization-twice",
        "the same Authorization twice",
        "RQ-18",
        29,
        "token_ambiguous",
        &[(auth, &own), (auth, &own)],
        TWIN,
    );
    refused(
        "authorization-and-bearer",
        "Authorization of another scheme on a second line",
        "RQ-18",
        29,
        "token_ambiguous",
        &[(auth, &own), (auth, "Bearer x")],
        TWIN,
    );
    refused(
        "other-authorization-twice",
        "two Authorization lines of other schemes, the token in its own field",
        "RQ-18",
        29,
        "token_ambiguous",
        &[(auth, "Bearer x"), (auth, "Basic dTpw"), (field, &token)],
        "request/token-field-basic",
    );
    refused(
        "token-missing",
        "Authorization of another scheme, and no token",
        "RQ-22",
        1,
        "token_missing",
        &[(auth, "Bearer x")],
        "request/token-field-basic",
    );
    refused("token-empty", "an empty Countersign-Token", "RQ-22", 1, "token_missing", &[(field, "")], twin);
    for (slug, scheme) in [
        ("scheme-lower-case", "countersign"),
        ("scheme-upper-case", "COUNTERSIGN"),
        ("session-scheme-lower-case", "countersign-session"),
    ] {
        refused(
            slug,
            "the scheme in another case",
            "RQ-19",
            1,
            "header_malformed",
            &[(auth, &format!("{scheme} {token}"))],
            TWIN,
        );
    }
    refused(
        "session-scheme",
        "the scheme of sessions, which this verifier does not have",
        "RQ-20",
        60,
        "binding_not_accepted",
        &[(auth, "Countersign-Session dGlja2V0")],
        TWIN,
    );
    let spaced = carried(&[(auth, &format!("Countersign  {token}"))]);
    file.push(
        Case::new("two-spaces", "two spaces after the scheme: the second one is part of the token", &spaced)
            .req("TK-1")
            .req("RQ-19")
            .deny(4, "token_malformed", TWIN),
    );
    let tab = carried(&[(auth, &format!("Countersign {token}, {token}"))]);
    file.push(
        Case::new("two-tokens-in-one", "two tokens joined by a comma: longer than any token", &tab)
            .req("TK-1")
            .attack(29)
            .deny(4, "token_malformed", TWIN),
    );
}

/// A standard request whose signature has a `+` and a `/` in base64.
fn telling() -> (Request, String, String) {
    let mut signature = agent();
    for attempt in 0.. {
        signature.set("nonce", format!("\"{}\"", nonce(&format!("telling {attempt}"))));
        let request = unsigned("GET", PATH, &token());
        let (input, value) = signature.parts(&request);
        if value.contains('+') && value.contains('/') {
            return (request, input, value);
        }
    }
    unreachable!("some nonce gives both letters")
}

fn signatures(file: &mut File) {
    let (request, input, value) = telling();
    let with = |value: &str| request.clone().with("Signature-Input", &input).with("Signature", value);
    file.push(Case::new("signature-exact", "a signature whose base64 has a + and a /", &with(&value)).req("RQ-24"));
    let twin = "request/signature-exact";
    let mut malformed = |slug: &str, comment: &str, attack: u8, value: &str| {
        file.push(Case::new(slug, comment, &with(value)).req("RQ-24").attack(attack).deny(2, "header_malformed", twin));
    };
    malformed("signature-base64url", "the signature in base64url", 5, &value.replace('+', "-").replace('/', "_"));
    malformed("signature-unpadded", "the signature without its padding", 5, &value.replace("==:", ":"));
    malformed("signature-half-padded", "the signature with one = too few", 5, &value.replace("==:", "=:"));
    let stray = {
        let place = value.len() - 4;
        let last = value.as_bytes()[place];
        let next = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let index = next.iter().position(|letter| *letter == last).unwrap();
        format!("{}{}==:", &value[..place], char::from(next[index + 1]))
    };
    malformed("signature-stray-bits", "the last letter with a bit set that stands for nothing", 5, &stray);
    malformed("signature-twice", "the same label twice on one line", 4, &format!("{value}, {value}"));
    malformed("signature-parameter", "a parameter behind the signature", 4, &format!("{value};a=1"));
    malformed(
        "signature-other-integer",
        "a member of another label that is an integer",
        4,
        &format!("{value}, other=1"),
    );
    malformed("signature-other-list", "a member of another label that is a list", 4, &format!("{value}, other=()"));
    malformed(
        "signature-other-bad-base64",
        "a member of another label without padding",
        5,
        &format!("{value}, other=:YQ:"),
    );
    malformed("signature-comma-only", "no space behind the comma between members", 4, &format!("{value},other=:YQ==:"));
    malformed("signature-last-comma", "a comma at the end", 4, &format!("{value},"));
    malformed("signature-label-case", "a label in upper case", 4, &value.replace("sig=", "SIG="));
    malformed("signature-inner-space", "a space inside the byte sequence", 5, &value.replacen("sig=:", "sig=: ", 1));
    malformed("signature-string", "the signature as a string", 5, &value.replace(":", "\""));
    malformed("signature-empty-field", "an empty Signature field", 4, "");
    let doubled = with(&value).with("Signature", &value);
    file.push(
        Case::new("signature-twice-on-two-lines", "the same label on two lines", &doubled).req("RQ-24").attack(4).deny(
            2,
            "header_malformed",
            twin,
        ),
    );
    let bare = with(&format!("{value}, other=:YQ==:"));
    file.push(
        Case::new("signature-other-label", "a byte sequence under another label beside ours: ignored", &bare)
            .req("RQ-24"),
    );
}

fn inputs(file: &mut File) {
    let (good, value) = agent().parts(&unsigned("GET", PATH, &token()));
    let with = |input: &str| {
        let mut request = unsigned("GET", PATH, &token());
        request.add("Signature-Input", input);
        request.add("Signature", &value);
        request
    };
    let mut malformed = |slug: &str, comment: &str, attack: u8, input: &str| {
        file.push(Case::new(slug, comment, &with(input)).req("RQ-23").attack(attack).deny(2, "header_malformed", TWIN));
    };
    malformed("input-twice", "the same label twice on one line", 4, &format!("{good}, {good}"));
    malformed("input-two-spaces", "two spaces between components", 4, &good.replacen("\" \"", "\"  \"", 1));
    malformed("input-space-in-list", "a space after the opening parenthesis", 4, &good.replacen('(', "( ", 1));
    malformed(
        "input-space-before-parameter",
        "a space before a parameter",
        4,
        &good.replacen(";created", "; created", 1),
    );
    malformed("input-leading-zero", "a leading zero in created", 4, &good.replacen("created=", "created=0", 1));
    malformed("input-negative-zero", "a second member with -0", 4, &format!("{good}, other=();a=-0"));
    malformed("input-decimal", "a second member with the decimal 1.50", 4, &format!("{good}, other=();a=1.50"));
    malformed("input-created-twice", "created twice", 4, &good.replacen(";created", ";created=1;created", 1));
    malformed(
        "input-long-integer",
        "an integer of 16 digits",
        32,
        &good.replacen(";expires", ";x=1234567890123456;expires", 1),
    );
    malformed("input-open-string", "a string that does not end", 6, good.trim_end_matches('"'));
    malformed("input-open-list", "a list that does not end", 7, &good.replacen(')', "", 1));
    malformed("input-other-not-list", "a member of another label that is no list", 4, &format!("{good}, other=1"));
    malformed("input-other-true", "a member of another label without a value", 4, &format!("{good}, other"));
    malformed("input-last-comma", "a comma at the end", 4, &format!("{good},"));
    malformed("input-tab", "a tab behind the comma", 4, &format!("{good},\tother=()"));
    malformed(
        "input-unquoted-keyid",
        "keyid without quotation marks, starting with a digit and a letter",
        6,
        &good.replacen("keyid=\"", "keyid=9", 1).replacen("\";tag", ";tag", 1),
    );
    malformed("input-empty-field", "an empty Signature-Input field", 4, "");
    let doubled = with(&good).with("Signature-Input", &good);
    file.push(
        Case::new("input-twice-on-two-lines", "the same label on two lines", &doubled).req("RQ-23").attack(4).deny(
            2,
            "header_malformed",
            TWIN,
        ),
    );
}

fn digests(file: &mut File) {
    let post = |digest: &str| {
        let mut request = unsigned_post(&token(), BODY);
        request.set("content-digest", digest);
        post_signature().sign(request)
    };
    let good = digest_sha256(BODY);
    let twin = "request/post";
    let allow = |slug: &str, comment: &str, digest: &str| {
        Case::new(slug, comment, &post(digest)).right("http:/calendars:POST").req("RQ-49").req("RQ-25")
    };
    file.push(allow("digest-sha512", "a SHA-512 digest alone", &digest_sha512(BODY)));
    file.push(allow("digest-both", "both digests", &format!("{good}, {}", digest_sha512(BODY))));
    let mut refused = |slug: &str, comment: &str, req: &str, attack: u8, code: &str, digest: &str| {
        file.push(Case::new(slug, comment, &post(digest)).req(req).attack(attack).deny(2, code, twin));
    };
    refused(
        "digest-md5",
        "an MD5 digest alone",
        "RQ-26",
        24,
        "digest_alg_rejected",
        &format!("md5=:{}:", b64(&[7; 16])),
    );
    refused(
        "digest-md5-beside",
        "an MD5 digest beside a good one",
        "RQ-26",
        24,
        "digest_alg_rejected",
        &format!("{good}, md5=:{}:", b64(&[7; 16])),
    );
    refused(
        "digest-unknown-beside",
        "a digest of an unknown algorithm beside a good one",
        "RQ-26",
        24,
        "digest_alg_rejected",
        &format!("{good}, sha-3=:{}:", b64(&[7; 32])),
    );
    refused("digest-adler", "a checksum alone", "RQ-26", 24, "digest_alg_rejected", "adler=:AAAAAA==:");
    refused(
        "digest-upper-case",
        "the algorithm's key in upper case",
        "RQ-25",
        24,
        "header_malformed",
        &good.replace("sha-256", "SHA-256"),
    );
    refused(
        "digest-unpadded",
        "the digest without its padding",
        "RQ-25",
        5,
        "header_malformed",
        &good.replace("=:", ":").replacen("sha-256:", "sha-256=:", 1),
    );
    refused(
        "digest-base64url",
        "the digest in base64url without the colons",
        "RQ-25",
        5,
        "header_malformed",
        &format!("sha-256={}", b64u(&[0xfb; 32])),
    );
    refused("digest-twice", "the same algorithm twice", "RQ-25", 25, "header_malformed", &format!("{good}, {good}"));
    refused(
        "digest-parameter",
        "a parameter behind the digest",
        "RQ-25",
        25,
        "header_malformed",
        &format!("{good};q=1"),
    );
    refused("digest-empty-field", "an empty Content-Digest", "RQ-25", 23, "header_malformed", "");
}
