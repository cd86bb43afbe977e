//! Stage 1: sizes and framing (`spec/request.md`, Framing).

use super::Faults;
use super::message::Message;

/// What stage 1 knows of the configuration.
pub(super) struct Limits<'a> {
    pub(super) max_body: u64,
    pub(super) https: bool,
    pub(super) authorities: &'a [String],
}

/// A token of RFC 9110 section 5.6.2.
pub(super) fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
}

/// The authority, normalised.
pub(super) fn normalised(authority: &[u8], https: bool) -> Vec<u8> {
    let lower = authority.to_ascii_lowercase();
    let port: &[u8] = if https { b":443" } else { b":80" };
    lower.strip_suffix(port).map_or(lower.clone(), <[u8]>::to_vec)
}

/// Looks at the head. The normalised authority, where there is one.
pub(super) fn stage_1(message: &Message, limits: &Limits<'_>, faults: &mut Faults) -> Option<Vec<u8>> {
    sizes(message, limits, faults);
    request_line(message, faults);
    lines(message, faults);
    authority(message, limits, faults)
}

fn sizes(message: &Message, limits: &Limits<'_>, faults: &mut Faults) {
    // spec: RQ-1
    let fields: usize = message.lines.iter().map(|line| line.name.len() + line.value.len()).sum();
    let head = message.method.len() + message.target.len() + fields;
    let fits = message.target.len() <= 8_192 && head <= 32_768 && message.lines.len() <= 128;
    faults.need(fits, 1, "limit_exceeded", "RQ-1");
    // spec: RQ-2
    for (name, most) in [("signature-input", 4_096), ("signature", 4_096), ("content-digest", 1_024)] {
        let length = message.value(name).map_or(0, |value| value.len());
        faults.need(length <= most, 1, "limit_exceeded", "RQ-2");
    }
    // spec: TK-2
    let carried = message.values("authorization").into_iter().filter_map(|value| value.strip_prefix(b"Countersign "));
    for token in message.values("countersign-token").into_iter().chain(carried) {
        faults.need(token.len() <= 6_827, 1, "limit_exceeded", "TK-2");
    }
    // spec: RQ-3
    if let [length] = message.values("content-length")[..]
        && !length.is_empty()
        && length.iter().all(u8::is_ascii_digit)
    {
        let announced = std::str::from_utf8(length).unwrap().parse::<u64>().unwrap_or(u64::MAX);
        faults.need(announced <= limits.max_body, 1, "body_too_large", "RQ-3");
    }
}

fn request_line(message: &Message, faults: &mut Faults) {
    // spec: RQ-4
    faults.need(is_token(&message.method) && message.method.len() <= 32, 1, "header_malformed", "RQ-4");
    // spec: RQ-5
    if message.method == b"CONNECT" {
        faults.refuse(1, "header_refused", "RQ-5");
        return;
    }
    // spec: RQ-6
    let target = &message.target;
    let plain = target.iter().all(|byte| (0x21..=0x7e).contains(byte) && *byte != b'#');
    faults.need(target.first() == Some(&b'/') && plain, 1, "header_malformed", "RQ-6");
    // spec: RQ-7
    faults.need(message.query() != Some(b""), 1, "header_malformed", "RQ-7");
}

fn lines(message: &Message, faults: &mut Faults) {
    for line in &message.lines {
        // spec: RQ-8
        faults.need(is_token(&line.name), 1, "header_malformed", "RQ-8");
        // spec: RQ-9
        let control = |byte: &u8| (*byte < 0x20 && *byte != b'\t') || *byte == 0x7f;
        faults.need(!line.value.iter().any(control), 1, "header_malformed", "RQ-9");
    }
    // spec: RQ-10
    let lengths = message.values("content-length");
    let digits = |value: &&[u8]| !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    faults.need(lengths.len() < 2 && lengths.iter().all(digits), 1, "header_malformed", "RQ-10");
    // spec: RQ-11
    if let Some(coding) = message.value("transfer-encoding") {
        let plain = coding.eq_ignore_ascii_case(b"chunked") && lengths.is_empty();
        faults.need(plain, 1, "header_malformed", "RQ-11");
    }
    // spec: RQ-12
    for name in [
        "upgrade",
        "x-http-method-override",
        "x-http-method",
        "x-method-override",
        "x-original-url",
        "x-original-uri",
        "x-original-method",
        "x-rewrite-url",
    ] {
        faults.need(!message.has(name), 1, "header_refused", "RQ-12");
    }
    // spec: RQ-13
    faults.need(!message.has("trailer"), 1, "trailer_rejected", "RQ-13");
}

fn authority(message: &Message, limits: &Limits<'_>, faults: &mut Faults) -> Option<Vec<u8>> {
    let hosts = message.values("host");
    // spec: RQ-14
    let right_number = if message.authority.is_some() { hosts.len() <= 1 } else { hosts.len() == 1 };
    if !right_number {
        faults.refuse(1, "authority_ambiguous", "RQ-14");
        return None;
    }
    // spec: RQ-15
    let good = |text: &[u8]| {
        !text.is_empty() && text.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-.:[]".contains(byte))
    };
    if !message.authority.iter().map(Vec::as_slice).chain(hosts.iter().copied()).all(good) {
        faults.refuse(1, "authority_ambiguous", "RQ-15");
        return None;
    }
    let host = hosts.first().map(|host| normalised(host, limits.https));
    let pseudo = message.authority.as_ref().map(|text| normalised(text, limits.https));
    // spec: RQ-16
    if let (Some(host), Some(pseudo)) = (&host, &pseudo)
        && host != pseudo
    {
        faults.refuse(1, "authority_ambiguous", "RQ-16");
        return None;
    }
    let authority = pseudo.or(host)?;
    // spec: RQ-17
    let known = |text: &String| normalised(text.as_bytes(), limits.https) == authority;
    faults.need(limits.authorities.iter().any(known), 1, "authority_mismatch", "RQ-17");
    Some(authority)
}
