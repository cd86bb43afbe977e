//! `request/framing.json`: sizes, shapes, authority, before anything is parsed.

use crate::keys::Key;
use crate::raw_request::{Request, Signature};

use super::case::{Case, File};
use super::standard::{
    AUTHORITY, BODY, PATH, Plan, get, get_target, post, post_signature, right, token, unsigned, unsigned_post,
};

const TWIN: &str = "request/get";

fn agent() -> Signature {
    Signature::new(&Key::named("agent"))
}

/// The standard request with a line more, unsigned.
fn line(name: &str, value: impl AsRef<[u8]>) -> Request {
    get(&token()).with(name, value)
}

/// The file.
#[must_use]
pub fn file() -> File {
    let mut file = File::new("request", "framing", "sizes and shapes, told before anything is parsed");
    sizes(&mut file);
    lines(&mut file);
    targets(&mut file);
    authority(&mut file);
    bodies(&mut file);
    file
}

fn refuse(file: &mut File, slug: &str, comment: &str, req: &str, attack: u8, code: &str, request: &Request) {
    file.push(Case::new(slug, comment, request).req(req).attack(attack).deny(1, code, TWIN));
}

/// What the limit on the head counts.
fn head(request: &Request) -> usize {
    let lines: usize = request.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    request.method.len() + request.target.len() + lines
}

fn sizes(file: &mut File) {
    let limit = |file: &mut File, slug: &str, comment: &str, req: &str, request: &Request, twin: &str| {
        file.push(Case::new(slug, comment, request).req(req).attack(52).deny(
            1,
            "limit_exceeded",
            &format!("request/{twin}"),
        ));
    };
    let target = |length: usize| get_target(&format!("{PATH}?{}", "a".repeat(length - PATH.len() - 1)), &token());
    file.push(Case::new("target-8192", "a target of 8,192 bytes", &target(8192)).req("RQ-1"));
    limit(file, "target-8193", "a target of 8,193 bytes", "RQ-1", &target(8193), "target-8192");
    let padded = |total: usize| {
        let request = line("X-Pad", "");
        let missing = total - head(&request);
        line("X-Pad", "a".repeat(missing))
    };
    file.push(Case::new("head-32768", "a head of 32,768 bytes", &padded(32_768)).req("RQ-1"));
    limit(file, "head-32769", "a head of 32,769 bytes", "RQ-1", &padded(32_769), "head-32768");
    let spaced = |total: usize| {
        let mut request = padded(total);
        let (_, value) = request.headers.last_mut().expect("the line of padding");
        *value = [b" \t", value.as_slice(), b"  "].concat();
        request
    };
    let comment = "spaces and tabs at both ends of a value do not count";
    file.push(Case::new("head-32768-spaces", comment, &spaced(32_768)).req("RQ-1"));
    limit(file, "head-32769-spaces", "one byte more between them", "RQ-1", &spaced(32_769), "head-32768-spaces");
    let counted = |count: usize| {
        let request = get(&token());
        (request.headers.len()..count).fold(request, |request, n| request.with("X-Line", n.to_string()))
    };
    file.push(Case::new("lines-128", "128 field lines", &counted(128)).req("RQ-1"));
    limit(file, "lines-129", "129 field lines", "RQ-1", &counted(129), "lines-128");

    let input = |length: usize| {
        let (input, signature) = agent().parts(&unsigned("GET", PATH, &token()));
        let start = format!("{input}, pad=();p=\"");
        let filled = format!("{start}{}\"", "a".repeat(length - start.len() - 1));
        unsigned("GET", PATH, &token()).with("Signature-Input", filled).with("Signature", signature)
    };
    file.push(Case::new("signature-input-4096", "a Signature-Input of 4,096 bytes", &input(4096)).req("RQ-2"));
    limit(
        file,
        "signature-input-4097",
        "a Signature-Input of 4,097 bytes",
        "RQ-2",
        &input(4097),
        "signature-input-4096",
    );
    let signature = |length: usize| {
        let (input, signature) = agent().parts(&unsigned("GET", PATH, &token()));
        // Base64 comes in steps of four; the label takes up what is left over.
        let rest = length - signature.len() - ", =::".len();
        let label = 4 + rest % 4;
        let filled = format!("{signature}, {}=:{}:", "p".repeat(label), "A".repeat(rest - label));
        unsigned("GET", PATH, &token()).with("Signature-Input", input).with("Signature", filled)
    };
    file.push(Case::new("signature-4096", "a Signature of 4,096 bytes", &signature(4096)).req("RQ-2"));
    limit(file, "signature-4097", "a Signature of 4,097 bytes", "RQ-2", &signature(4097), "signature-4096");
    let mut digest = unsigned_post(&token(), BODY);
    let text = digest.field_text("content-digest");
    digest.set("content-digest", format!("{text}, pad=:{}:", "A".repeat(1024)));
    file.push(
        Case::new("content-digest-long", "a Content-Digest of more than 1,024 bytes", &post_signature().sign(digest))
            .req("RQ-2")
            .attack(52)
            .deny(1, "limit_exceeded", "request/post"),
    );

    let body = |max: u64| {
        Case::new("", "", &post(&token(), BODY))
            .config(|config| config.max_body_bytes = Some(max))
            .right("http:/calendars:POST")
    };
    file.push(
        body(BODY.len() as u64)
            .named("body-at-limit", "a body of just the size that the verifier is configured for")
            .req("RQ-3"),
    );
    file.push(
        body(BODY.len() as u64 - 1)
            .named("body-above-limit", "a body one byte greater than the configured size")
            .req("RQ-3")
            .attack(52)
            .deny(1, "body_too_large", "request/body-at-limit"),
    );
}

fn lines(file: &mut File) {
    let mut malformed = |slug: &str, comment: &str, req: &str, attack: u8, request: &Request| {
        refuse(file, slug, comment, req, attack, "header_malformed", request);
    };
    malformed("field-named-method", "a field named @method", "RQ-8", 12, &line("@method", "GET"));
    malformed("field-name-space", "a field name with a space at its end", "RQ-8", 12, &line("X-Note ", "1"));
    malformed("field-name-not-ascii", "a field name with a letter outside ASCII", "RQ-8", 12, &line("X-Nöte", "1"));
    malformed("field-name-quote", "a field name with a quotation mark", "RQ-8", 12, &line("x\"y", "1"));
    malformed(
        "value-bare-lf",
        "a bare LF inside a value, with what looks like a field behind it",
        "RQ-9",
        28,
        &line("X-Note", "a\nX-Other: b"),
    );
    malformed("value-bare-cr", "a bare CR inside a value", "RQ-9", 28, &line("X-Note", "a\rb"));
    malformed("value-nul", "a NUL inside a value", "RQ-9", 28, &line("X-Note", "a\0b"));
    malformed("value-folded", "a folded line", "RQ-9", 28, &line("X-Note", "a\r\n b"));
    malformed("value-delete", "a DEL inside a value", "RQ-9", 28, &line("X-Note", "a\x7fb"));
    malformed("value-control", "a control byte inside a value", "RQ-9", 28, &line("X-Note", "a\x01b"));
    // Folded and signed so: a folded token would be no token besides.
    malformed("covered-value-folded", "a folded Idempotency-Key, which is covered", "RQ-9", 28, &{
        let mut signature = agent();
        signature.cover("idempotency-key");
        signature.sign(unsigned("GET", PATH, &token()).with("Idempotency-Key", "\"a\r\n b\""))
    });
    file.push(
        Case::new(
            "value-tab",
            "a tab inside a value, and letters outside ASCII, in a field that is not covered",
            &line("X-Note", "a\tb\u{e9}"),
        )
        .req("RQ-9"),
    );

    for name in [
        "Upgrade",
        "X-HTTP-Method-Override",
        "X-HTTP-Method",
        "X-Method-Override",
        "X-Original-URL",
        "X-Original-URI",
        "X-Original-Method",
        "X-Rewrite-URL",
    ] {
        let slug = format!("refused-{}", name.to_ascii_lowercase());
        refuse(
            file,
            &slug,
            "a field that overrides method or target, or changes the protocol",
            "RQ-12",
            13,
            "header_refused",
            &line(name, "DELETE"),
        );
    }
    let mut covered = agent();
    covered.cover("x-http-method-override");
    let request = covered.sign(unsigned("GET", PATH, &token()).with("X-HTTP-Method-Override", "GET"));
    refuse(
        file,
        "refused-though-covered",
        "an override that is covered and says the same method",
        "RQ-12",
        13,
        "header_refused",
        &request,
    );
    refuse(file, "trailer-announced", "a Trailer field", "RQ-13", 27, "trailer_rejected", &line("Trailer", "X-Sum"));

    let method = |method: &str| {
        agent().sign(unsigned(method, PATH, &Plan::standard().fact(right("http", "/calendars", method)).text()))
    };
    let long = "A".repeat(32);
    file.push(
        Case::new("method-32", "a method of 32 letters, which the token has a right for", &method(&long))
            .req("RQ-4")
            .right(&format!("http:/calendars:{long}")),
    );
    let twin = "request/method-32";
    file.push(Case::new("method-33", "a method of 33 letters", &method(&"A".repeat(33))).req("RQ-4").deny(
        1,
        "header_malformed",
        twin,
    ));
    file.push(Case::new("method-not-token", "a method that is no token", &method("GE(T")).req("RQ-4").deny(
        1,
        "header_malformed",
        twin,
    ));
    file.push(Case::new("method-connect", "CONNECT", &method("CONNECT")).req("RQ-5").attack(13).deny(
        1,
        "header_refused",
        twin,
    ));
}

fn targets(file: &mut File) {
    let mut malformed = |slug: &str, comment: &str, req: &str, target: &str| {
        refuse(file, slug, comment, req, 19, "header_malformed", &get_target(target, &token()));
    };
    malformed("target-bare-query", "a bare ? at the end of the target", "RQ-7", "/calendars/primary?");
    malformed("target-absolute", "a target in absolute form", "RQ-6", "https://calendar.example.com/calendars/primary");
    malformed("target-authority", "a target in authority form", "RQ-6", "calendar.example.com:443");
    malformed("target-asterisk", "the target *", "RQ-6", "*");
    malformed("target-relative", "a target without its first slash", "RQ-6", "calendars/primary");
    malformed("target-fragment", "a fragment in the target", "RQ-6", "/calendars/primary#top");
    malformed("target-not-ascii", "a letter outside ASCII in the target", "RQ-6", "/calendars/primäry");
    malformed("target-tab", "a tab in the target", "RQ-6", "/calendars/pri\tmary");
    file.push(
        Case::new("target-empty-value", "a query with an empty value", &get_target("/calendars/primary?a=", &token()))
            .req("RQ-7")
            .req("RQ-46"),
    );
    file.push(
        Case::new(
            "target-two-question-marks",
            "a query that is a question mark",
            &get_target("/calendars/primary??", &token()),
        )
        .req("RQ-7"),
    );
}

fn authority(file: &mut File) {
    let host = |value: &str| {
        let mut request = unsigned("GET", PATH, &token());
        request.set("host", value);
        let mut signature = agent();
        // The signer signs the name that it means, however Host spells it.
        signature.values.push(("@authority".into(), value.to_ascii_lowercase().trim_end_matches(":443").into()));
        signature.sign(request)
    };
    let mut ambiguous = |slug: &str, comment: &str, req: &str, attack: u8, request: &Request| {
        refuse(file, slug, comment, req, attack, "authority_ambiguous", request);
    };
    let mut without = get(&token());
    without.remove("host");
    ambiguous("host-missing", "no Host", "RQ-14", 15, &without);
    ambiguous("host-twice", "the same Host twice", "RQ-14", 15, &line("Host", AUTHORITY));
    ambiguous("host-two-names", "two Host lines with two names", "RQ-14", 15, &line("Host", "mail.example.com"));
    ambiguous("host-empty", "an empty Host", "RQ-15", 15, &host(""));
    ambiguous("host-user-info", "user information in Host", "RQ-15", 15, &host("calendar.example.com@evil.example"));
    ambiguous("host-list", "two names in one Host", "RQ-15", 15, &host("calendar.example.com,evil.example"));
    ambiguous("host-path", "a path in Host", "RQ-15", 15, &host("calendar.example.com/evil"));
    ambiguous("host-escape", "an escape in Host", "RQ-15", 15, &host("calendar%2Eexample.com"));
    for (slug, comment, name) in [
        ("host-other", "the name of another service", "mail.example.com"),
        ("host-port", "another port", "calendar.example.com:8443"),
        ("host-port-of-other-scheme", "the default port of the other scheme", "calendar.example.com:80"),
        ("host-last-dot", "a dot at the end of the name", "calendar.example.com."),
    ] {
        refuse(file, slug, comment, "RQ-17", 14, "authority_mismatch", &host(name));
    }
    refuse(
        file,
        "host-masked",
        "another Host, and the right name in X-Forwarded-Host",
        "RQ-17",
        16,
        "authority_mismatch",
        &host("evil.example").with("X-Forwarded-Host", AUTHORITY),
    );
    file.push(
        Case::new(
            "forwarded-ignored",
            "the right Host, and another name in X-Forwarded-Host and Forwarded",
            &line("X-Forwarded-Host", "evil.example").with("Forwarded", "host=evil.example"),
        )
        .req("RQ-17"),
    );
    file.push(
        Case::new("host-upper-case", "Host in upper case", &host("CALENDAR.EXAMPLE.COM")).req("RQ-16").req("RQ-46"),
    );
    file.push(
        Case::new("host-default-port", "Host with the default port of the scheme", &host("calendar.example.com:443"))
            .req("RQ-16")
            .req("RQ-46"),
    );
    file.push(
        Case::new("host-spaces", "Host with spaces around it", &{
            let mut r = get(&token());
            r.set("host", "  calendar.example.com  ");
            r
        })
        .req("RQ-16"),
    );

    let h2_at = |host: Option<&str>, authority: &str| {
        let mut signature = agent();
        signature.values.push(("@authority".into(), authority.into()));
        let mut request = unsigned("GET", PATH, &token());
        request.remove("host");
        if let Some(host) = host {
            request.headers.insert(0, ("Host".into(), host.into()));
        }
        signature.sign(request)
    };
    let h2 = |host: Option<&str>| h2_at(host, AUTHORITY);
    file.push(
        Case::new("h2", "HTTP/2: the authority in its pseudo-header, no Host", &h2(None)).h2(AUTHORITY).req("RQ-14"),
    );
    let padded = |total: usize| {
        let request = h2(None).with("X-Pad", "");
        let missing = total - head(&request);
        h2(None).with("X-Pad", "a".repeat(missing))
    };
    let case = Case::new("h2-head-32768", "a head of 32,768 bytes beside `:authority`", &padded(32_768));
    file.push(case.h2(AUTHORITY).req("RQ-1"));
    let case = Case::new("h2-head-32769", "a head of 32,769 bytes beside `:authority`", &padded(32_769));
    file.push(case.h2(AUTHORITY).req("RQ-1").attack(52).deny(1, "limit_exceeded", "request/h2-head-32768"));
    file.push(Case::new("h2-host", "HTTP/2 with an equal Host", &h2(Some(AUTHORITY))).h2(AUTHORITY).req("RQ-16"));
    file.push(
        Case::new(
            "h2-host-equivalent",
            "HTTP/2 with a Host that differs in case and default port",
            &h2(Some("Calendar.example.com:443")),
        )
        .h2(AUTHORITY)
        .req("RQ-16"),
    );
    let ambiguous = [
        ("h2-host-other", "HTTP/2 with another Host", "RQ-16", Some("mail.example.com"), AUTHORITY),
        (
            "h2-authority-other",
            "HTTP/2 with another authority than the right Host",
            "RQ-16",
            Some(AUTHORITY),
            "mail.example.com",
        ),
        ("h2-authority-empty", "HTTP/2 with an empty authority", "RQ-15", None, ""),
        (
            "h2-authority-user-info",
            "HTTP/2 with user information in the authority",
            "RQ-15",
            None,
            "user@calendar.example.com",
        ),
    ];
    for (slug, comment, req, host, authority) in ambiguous {
        file.push(Case::new(slug, comment, &h2(host)).h2(authority).req(req).attack(15).deny(
            1,
            "authority_ambiguous",
            "request/h2-host",
        ));
    }
    file.push(
        Case::new("h2-two-hosts", "HTTP/2 with two equal Host lines", &h2(Some(AUTHORITY)).with("Host", AUTHORITY))
            .h2(AUTHORITY)
            .req("RQ-14")
            .attack(15)
            .deny(1, "authority_ambiguous", "request/h2-host"),
    );
    file.push(
        Case::new("h2-mismatch", "HTTP/2 with the authority of another service", &h2_at(None, "mail.example.com"))
            .h2("mail.example.com")
            .req("RQ-17")
            .attack(14)
            .deny(1, "authority_mismatch", "request/h2"),
    );
}

fn bodies(file: &mut File) {
    file.push(
        Case::new("post", "a POST with a JSON body: the twin of vectors with a body", &post(&token(), BODY))
            .right("http:/calendars:POST")
            .req("RQ-35")
            .req("RQ-49"),
    );
    let twin = "request/post";
    let with = |name: &str, value: &str| post(&token(), BODY).with(name, value);
    let mut malformed = |slug: &str, comment: &str, req: &str, request: &Request| {
        file.push(Case::new(slug, comment, request).req(req).attack(20).deny(1, "header_malformed", twin));
    };
    malformed(
        "content-length-twice",
        "Content-Length twice, with one value",
        "RQ-10",
        &with("Content-Length", &BODY.len().to_string()),
    );
    malformed(
        "content-length-and-chunked",
        "Content-Length together with Transfer-Encoding",
        "RQ-11",
        &with("Transfer-Encoding", "chunked"),
    );
    let chunked = |coding: &str, trailer: &str| {
        let mut request = unsigned_post(&token(), BODY);
        request.remove("content-length");
        request.add("Transfer-Encoding", coding);
        let (first, second) = BODY.split_at(7);
        let chunk = |part: &[u8]| [format!("{:x}\r\n", part.len()).as_bytes(), part, b"\r\n"].concat();
        request.body = [chunk(first), chunk(second), format!("0\r\n{trailer}\r\n").into_bytes()].concat();
        post_signature().sign(request)
    };
    file.push(
        Case::new("chunked", "the body in two chunks: the digest is over what they hold", &chunked("chunked", ""))
            .right("http:/calendars:POST")
            .req("RQ-11")
            .req("RQ-49"),
    );
    file.push(
        Case::new("chunked-upper-case", "the same with Chunked in another case", &chunked("Chunked", ""))
            .right("http:/calendars:POST")
            .req("RQ-11"),
    );
    let limited = |max: usize| {
        Case::new("", "", &chunked("chunked", ""))
            .config(|config| config.max_body_bytes = Some(max as u64))
            .right("http:/calendars:POST")
            .req("RQ-52")
    };
    file.push(limited(BODY.len()).named("chunked-at-limit", "chunks that hold just as much as the limit allows"));
    file.push(
        limited(BODY.len() - 1)
            .named("chunked-above-limit", "chunks that hold a byte too many: told as they arrive")
            .attack(52)
            .deny(9, "body_too_large", "request/chunked-at-limit"),
    );
    file.push(
        Case::new("trailer", "a trailer after the last chunk", &chunked("chunked", "X-Sum: 1\r\n"))
            .req("RQ-53")
            .attack(27)
            .deny(9, "trailer_rejected", "request/chunked"),
    );
}
