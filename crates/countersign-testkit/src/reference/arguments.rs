//! The arguments of an operation (`spec/checks.md`, Arguments).

use std::collections::{BTreeMap, BTreeSet};

use super::block::Term;
use super::json::{GREATEST, Json};
use super::operation::Operation;

/// Where arguments come from besides path and query.
#[derive(Clone, Copy, Debug)]
pub(super) enum Body<'a> {
    /// There is none.
    Absent,
    /// An object that was read.
    Object(&'a Json),
    /// Anything else: nothing is extracted then.
    Other,
}

/// The predicate for which a name is poisoned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    Arg,
    Host,
    Path,
    Present,
}

/// What is known of the arguments.
#[derive(Clone, Debug, Default)]
pub(super) struct Arguments {
    pub(super) extracted: bool,
    /// Names and values, equal ones too.
    pub(super) values: Vec<(String, Term)>,
    pub(super) hosts: Vec<(String, Term)>,
    pub(super) paths: Vec<(String, Term)>,
    pub(super) present: Vec<String>,
    pub(super) poisoned: Vec<(Of, String)>,
}

/// An escape that is none, or bytes that are not UTF-8.
#[derive(Clone, Copy, Debug)]
pub(super) struct BadEscape;

/// Decodes `%` escapes.
// spec: CK-30
fn decoded(text: &str, form: bool) -> Result<String, BadEscape> {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match first {
            b'+' if form => bytes.push(b' '),
            b'%' => {
                let digits = rest.split_at_checked(2).ok_or(BadEscape)?;
                let digit = |at: usize| char::from(digits.0[at]).to_digit(16).ok_or(BadEscape);
                bytes.push((digit(0)? * 16 + digit(1)?) as u8);
                rest = digits.1;
            }
            plain => bytes.push(*plain),
        }
    }
    String::from_utf8(bytes).map_err(|_| BadEscape)
}

/// Extracts the arguments. Path and query are decoded even where nothing counts as extracted.
pub(super) fn extract(operation: &Operation, query: Option<&str>, body: Body<'_>) -> Result<Arguments, BadEscape> {
    let mut found = Arguments { extracted: true, ..Arguments::default() };
    // spec: CK-32
    for (name, raw) in &operation.parameters {
        found.parameter(format!("path.{name}"), decoded(raw, false)?, operation);
    }
    for part in query.unwrap_or_default().split('&').filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        found.parameter(format!("query.{}", decoded(name, true)?), decoded(value, true)?, operation);
    }
    // spec: CK-44
    for name in twins(&found.present) {
        found.ambiguous(&name);
    }
    if let Body::Object(root) = body {
        found.members("", root, false, operation);
    }
    // spec: CK-28
    if matches!(body, Body::Other) || !found.within_limits() {
        return Ok(Arguments::default());
    }
    Ok(found)
}

impl Arguments {
    // spec: CK-33, CK-43
    fn within_limits(&self) -> bool {
        let short = |text: &str| text.len() <= 4_096;
        let value = |(name, value): &(String, Term)| short(name) && !matches!(value, Term::Text(text) if !short(text));
        self.values.len() <= 1_024
            && self.present.len() <= 1_024
            && self.values.iter().all(value)
            && self.present.iter().all(|name| short(name))
    }

    fn parameter(&mut self, name: String, value: String, operation: &Operation) {
        self.present.push(name.clone());
        self.scalar(&name, &Json::Text(value), operation);
    }

    // spec: CK-29, CK-34
    fn members(&mut self, pointer: &str, object: &Json, beneath: bool, operation: &Operation) {
        let members = object.members().unwrap_or_default();
        let twins = twins(&members.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>());
        for (name, value) in members {
            let ambiguous = beneath || twins.contains(name);
            let pointer = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
            self.present.push(pointer.clone());
            // spec: CK-44
            if ambiguous {
                self.ambiguous(&pointer);
            }
            match value {
                Json::Object(_) => {
                    self.poison(&pointer);
                    self.members(&pointer, value, ambiguous, operation);
                }
                Json::Array(elements) => {
                    if elements.is_empty() {
                        self.poison(&pointer);
                    }
                    for element in elements {
                        if matches!(element, Json::Object(_) | Json::Array(_)) {
                            self.ambiguous(&pointer);
                        } else {
                            self.scalar(&pointer, element, operation);
                        }
                    }
                }
                scalar => self.scalar(&pointer, scalar, operation),
            }
        }
    }

    /// Poison for all four predicates.
    fn ambiguous(&mut self, name: &str) {
        self.poison(name);
        self.poisoned.push((Of::Present, name.to_owned()));
    }

    fn poison(&mut self, name: &str) {
        self.poisoned.extend([Of::Arg, Of::Host, Of::Path].map(|of| (of, name.to_owned())));
    }

    fn scalar(&mut self, name: &str, value: &Json, operation: &Operation) {
        let term = match value {
            Json::Text(text) => Some(Term::Text(text.clone())),
            Json::Bool(value) => Some(Term::Bool(*value)),
            // spec: CK-35
            Json::Number(text) => match operation.scales.get(name) {
                Some(digits) => scaled(text, *digits).map(Term::Integer),
                None => value.integer().map(Term::Integer),
            },
            _ => None,
        };
        match term {
            Some(term) => self.values.push((name.to_owned(), term)),
            None => self.poison(name),
        }
        let text = value.text();
        for (declared, of, facts, read) in [
            (&operation.urls, Of::Host, &mut self.hosts, host as fn(&str) -> Option<String>),
            (&operation.paths, Of::Path, &mut self.paths, path),
        ] {
            if declared.iter().any(|known| known == name) {
                match text.and_then(read) {
                    Some(text) => facts.push((name.to_owned(), Term::Text(text))),
                    None => self.poisoned.push((of, name.to_owned())),
                }
            }
        }
    }
}

/// The names that differ from another of them in the case of letters alone.
fn twins(names: &[String]) -> BTreeSet<String> {
    let mut alike: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for name in names {
        let folded = name.chars().flat_map(char::to_lowercase).flat_map(char::to_uppercase).collect();
        alike.entry(folded).or_default().insert(name.clone());
    }
    alike.into_values().filter(|names| names.len() > 1).flatten().collect()
}

/// A number times 10^n, where that is an integer of at most 2^53 − 1.
fn scaled(text: &str, n: u8) -> Option<i64> {
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |text| (true, text));
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{fraction}");
    let digits = all.trim_start_matches('0').trim_end_matches('0');
    if digits.is_empty() {
        return Some(0);
    }
    // "Poison": more than 15 significant digits of a fraction.
    if text.contains(['.', 'e']) && digits.len() > 15 {
        return None;
    }
    let stripped = all.len() - all.trim_end_matches('0').len();
    // An exponent of more than 18 digits is far from any number here; its sign alone counts.
    let far = if exponent.starts_with('-') { i128::MIN / 2 } else { i128::MAX / 2 };
    let exponent = exponent.parse::<i64>().map_or(far, i128::from);
    let zeros = exponent + i128::from(n) + stripped as i128 - fraction.len() as i128;
    if !(0..=16).contains(&zeros) {
        return None;
    }
    let value = format!("{digits}{}", "0".repeat(zeros as usize)).parse::<i64>().ok()?;
    (value <= GREATEST).then_some(if negative { -value } else { value })
}

/// The host of a URL.
// spec: CK-38
fn host(url: &str) -> Option<String> {
    if !url.bytes().all(|byte| (0x21..=0x7e).contains(&byte) && byte != b'\\') {
        return None;
    }
    let (scheme, rest) = url.split_once("://")?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return None;
    }
    let authority = rest.split(['/', '?', '#']).next()?;
    let (host, port) = match authority.strip_prefix('[') {
        Some(inner) => {
            let (inner, port) = inner.split_once(']')?;
            let good = |letter: char| letter.is_ascii_hexdigit() || letter == ':' || letter == '.';
            if inner.is_empty() || !inner.chars().all(good) {
                return None;
            }
            (format!("[{inner}]"), port)
        }
        None => {
            let (host, _) = authority.split_once(':').unwrap_or((authority, ""));
            if !is_name(host) {
                return None;
            }
            (host.to_owned(), &authority[host.len()..])
        }
    };
    if !port.is_empty() {
        let digits = port.strip_prefix(':')?;
        let good = digits.len() <= 5 && digits.bytes().all(|byte| byte.is_ascii_digit());
        if !good || digits.parse::<u32>().unwrap_or(0) > 65_535 {
            return None;
        }
    }
    Some(host.to_ascii_lowercase())
}

fn is_name(host: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let labels: Vec<&str> = host.split('.').collect();
    if host.len() > 253 || !labels.iter().all(|it| (1..=63).contains(&it.len()) && it.bytes().all(letter)) {
        return false;
    }
    let last = labels[labels.len() - 1];
    let number = |label: &str| label.bytes().all(|byte| byte.is_ascii_digit());
    if number(last) || last.starts_with("0x") || last.starts_with("0X") {
        let octet = |label: &&str| {
            number(label) && (label.len() == 1 || !label.starts_with('0')) && label.parse::<u8>().is_ok()
        };
        return labels.len() == 4 && labels.iter().all(octet);
    }
    true
}

/// The path, as it is.
// spec: CK-39
fn path(text: &str) -> Option<String> {
    let bad_byte = |byte: u8| byte < 0x20 || byte == 0x7f || byte == b'\\';
    let bad_escape = ["%2F", "%2f", "%5C", "%5c", "%00"].into_iter().any(|escape| text.contains(escape));
    if text.is_empty() || text.bytes().any(bad_byte) || bad_escape {
        return None;
    }
    let inner = text.strip_prefix('/').unwrap_or(text);
    let inner = inner.strip_suffix('/').unwrap_or(inner);
    // `/` alone has the two segments that may be empty and no other.
    let bad_segment = |segment: &str| {
        let plain = segment.replace("%2E", ".").replace("%2e", ".");
        segment.is_empty() || plain == "." || plain == ".."
    };
    if text != "/" && inner.split('/').any(bad_segment) {
        return None;
    }
    Some(text.to_owned())
}
