//! Reading an HTTP/1.1 message never panics, and what was read, written back plainly, is read the same.
//!
//! Input is a message; behind a zero byte, changes to a valid one.
#![no_main]

use std::sync::LazyLock;

use arbitrary::{Result, Unstructured};
use countersign::request::{BodyLength, Message};
use countersign_fuzz::{mutate, requests};
use libfuzzer_sys::fuzz_target;

static SENT: LazyLock<Vec<requests::Sent>> = LazyLock::new(requests::sent);

fuzz_target!(|data: &[u8]| {
    match data.split_first() {
        Some((0, rest)) => {
            if let Ok(message) = changed(&mut Unstructured::new(rest)) {
                run(&message);
            }
        }
        _ => run(data),
    }
});

/// A short message of few lines, or a valid one, with other framing and changes.
fn changed(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let mut message = if u.arbitrary()? {
        u.choose(&SENT)?.message.clone()
    } else {
        let mut message = b"POST /a b HTTP/1.1\r\nA: b\r\n c\r\n".to_vec();
        let body: &[u8] = u.arbitrary()?;
        let body = &body[..body.len().min(64)];
        if u.arbitrary()? {
            message.extend(b"Transfer-Encoding: chunked\r\n\r\n");
            for chunk in body.chunks(u.int_in_range(1..=17)?) {
                let size = if u.arbitrary()? { format!("{:x}", chunk.len()) } else { format!("{:04X}", chunk.len()) };
                message.extend([size.as_bytes(), b"\r\n", chunk, b"\r\n"].concat());
            }
            message.extend(*u.choose(&[&b"0\r\n\r\n"[..], b"0\r\nx: y\r\n\r\n", b"00\r\n\r\n", b"0;a\r\n\r\n"])?);
        } else {
            message.extend(format!("content-length: {}\r\n\r\n", body.len()).bytes());
            message.extend(body);
        }
        message
    };
    if u.arbitrary()? {
        message = mutate::lines(u, &message)?;
    }
    if u.arbitrary()? {
        mutate::bytes(u, &mut message)?;
    }
    Ok(message)
}

fn run(bytes: &[u8]) {
    let Ok(message) = Message::parse(bytes) else { return };
    let plain = written(&message);
    let again = Message::parse(&plain);
    let again = again.unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&plain)));
    let (one, other) = (message.parts(), again.parts());
    assert_eq!((one.method(), one.target()), (other.method(), other.target()));
    assert_eq!((one.pseudo_authority(), other.pseudo_authority()), (None, None));
    assert!(!one.method().contains(' '), "the method ends at the first space");
    assert!(one.fields().iter().all(|field| !field.name.contains(':')), "the name ends at the first colon");
    assert!(one.fields() == other.fields(), "{}", String::from_utf8_lossy(&plain));
    assert_eq!(one.body_length(), other.body_length());
    assert_eq!(message.body(), again.body());
    assert_eq!(message.has_trailers(), again.has_trailers());
    if let BodyLength::Known(length) = one.body_length() {
        assert_eq!(length, message.body().len() as u64);
    }
}

fn written(message: &Message<'_>) -> Vec<u8> {
    let parts = message.parts();
    let mut bytes = [parts.method(), " ", parts.target(), " HTTP/1.1\r\n"].concat().into_bytes();
    let values = |name: &str| -> Vec<&[u8]> {
        let fields = parts.fields().iter().filter(|field| field.name.eq_ignore_ascii_case(name));
        fields.map(|field| field.value).collect()
    };
    for field in parts.fields() {
        bytes.extend([field.name.as_bytes(), b": ", field.value].concat());
        // The last line of a folded value may have nothing but the white space that is taken off.
        bytes.extend(if field.value.ends_with(b"\r\n") { &b" \r\n"[..] } else { b"\r\n" });
    }
    bytes.extend(b"\r\n");
    let chunked = matches!(values("transfer-encoding")[..], [coding] if coding.eq_ignore_ascii_case(b"chunked"))
        && values("content-length").is_empty();
    if !chunked {
        assert!(!message.has_trailers());
        return [&bytes, message.body()].concat();
    }
    if !message.body().is_empty() {
        bytes.extend(format!("{:x}\r\n", message.body().len()).bytes());
        bytes.extend([message.body(), b"\r\n"].concat());
    }
    bytes.extend(if message.has_trailers() { &b"0\r\nx: y\r\n\r\n"[..] } else { b"0\r\n\r\n" });
    bytes
}
