//! The grammars of `spec/rar.md`: durations, URLs and locations.

use std::net::Ipv6Addr;

use super::resource;

/// The longest duration.
const LONGEST: u64 = 253_402_300_799;

/// A duration in seconds; the rule that another text breaks.
// spec: RA-10, RA-11
pub(super) fn duration(text: &str) -> Result<u64, &'static str> {
    let seconds = short(text).or_else(|| iso(text)).ok_or("RA-10")?;
    u64::try_from(seconds).ok().filter(|seconds| *seconds <= LONGEST).ok_or("RA-11")
}

/// `number`, in steps of a unit. Numbers too long for the type are as good as the greatest.
fn number(digits: &str) -> Option<u128> {
    let good = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.is_empty() && !digits.starts_with('0');
    good.then(|| digits.parse().unwrap_or(u128::from(u64::MAX)).min(u128::from(u64::MAX)))
}

fn short(text: &str) -> Option<u128> {
    let (at, unit) = text.char_indices().next_back()?;
    let each = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    Some(number(&text[..at])? * each)
}

fn iso(text: &str) -> Option<u128> {
    let rest = text.strip_prefix('P')?;
    let (days, time) = match rest.split_once('T') {
        Some((days, time)) => (days, Some(time)),
        None => (rest, None),
    };
    let mut seconds = 0;
    match days.strip_suffix('D') {
        Some(days) => seconds += number(days)? * 86_400,
        None if !days.is_empty() || time.is_none() => return None,
        None => {}
    }
    if let Some(mut time) = time {
        if time.is_empty() {
            return None;
        }
        // hours, minutes, seconds: each at most once, in this order.
        for (unit, each) in [('H', 3_600), ('M', 60), ('S', 1)] {
            if let Some((digits, rest)) = time.split_once(unit) {
                seconds += number(digits)? * each;
                time = rest;
            }
        }
        if !time.is_empty() {
            return None;
        }
    }
    Some(seconds)
}

/// A duration as RA-25 writes it.
// spec: RA-25
pub(super) fn write_duration(seconds: u64) -> String {
    let part = |count: u64, unit: char| if count > 0 { format!("{count}{unit}") } else { String::new() };
    let time = [part(seconds / 3_600 % 24, 'H'), part(seconds / 60 % 60, 'M'), part(seconds % 60, 'S')].concat();
    let days = part(seconds / 86_400, 'D');
    if time.is_empty() { format!("P{days}") } else { format!("P{days}T{time}") }
}

/// Origin and path of a text that begins with a scheme; nothing where the origin has not the form of RA-14.
// spec: RA-14
pub(super) fn origin(text: &str) -> Option<(&str, &str)> {
    let (scheme, own_port) = if text.starts_with("https://") {
        ("https://", "443")
    } else if text.starts_with("http://") {
        ("http://", "80")
    } else {
        return None;
    };
    let rest = &text[scheme.len()..];
    let end = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let (host, port) = match authority.strip_prefix('[') {
        Some(inner) => {
            let (address, port) = inner.split_once(']')?;
            // As RFC 5952 writes it, which is how the standard library does.
            let parsed: Ipv6Addr = address.parse().ok()?;
            if parsed.to_string() != address {
                return None;
            }
            (address, port)
        }
        None => {
            let host = authority.split(':').next()?;
            if !is_host(host) {
                return None;
            }
            (host, &authority[host.len()..])
        }
    };
    if !port.is_empty() {
        let digits = port.strip_prefix(':')?;
        if number(digits)? > 65_535 || digits == own_port {
            return None;
        }
    }
    (host.len() <= 253).then_some((&text[..scheme.len() + end], path))
}

fn is_host(host: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let labels: Vec<&str> = host.split('.').collect();
    if !labels.iter().all(|label| !label.is_empty() && label.bytes().all(letter)) {
        return false;
    }
    let last = labels[labels.len() - 1];
    let digits = |label: &str| label.bytes().all(|byte| byte.is_ascii_digit());
    let hexadecimal =
        |label: &str| label.strip_prefix("0x").is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_hexdigit()));
    if digits(last) || hexadecimal(last) {
        let octet =
            |label: &&str| digits(label) && (*label == "0" || !label.starts_with('0')) && label.parse::<u8>().is_ok();
        return labels.len() == 4 && labels.iter().all(octet);
    }
    true
}

/// Whether a path or name matches the grammar of RA-15.
// spec: RA-15
pub(super) fn is_location(text: &str) -> bool {
    resource::broken(text.as_bytes()).is_empty()
}

/// Whether a resource has the form of RA-17.
// spec: RA-17
pub(super) fn is_resource(text: &str) -> bool {
    let good = |(_, path): (&str, &str)| path.is_empty() || is_location(path);
    text.len() <= 1_024 && origin(text).is_some_and(good)
}

/// Whether a text obeys RA-8.
// spec: RA-8
pub(super) fn is_text(text: &str) -> bool {
    (1..=1_024).contains(&text.len()) && !text.chars().any(char::is_control)
}
