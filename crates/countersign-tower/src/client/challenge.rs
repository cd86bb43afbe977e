//! `WWW-Authenticate: Countersign error="…"` among the challenges of an answer (RFC 9110 section 11.6.1).

use http::{HeaderMap, header};

/// The `error` of the scheme `Countersign`.
///
/// `None` where there is none, where two say different things, and where a line of the field is not in its form: what
/// two readers could read differently is not acted on.
pub(crate) fn error_word(headers: &HeaderMap) -> Option<String> {
    let mut found: Option<String> = None;
    for line in headers.get_all(header::WWW_AUTHENTICATE) {
        let line = line.to_str().ok()?;
        let mut ours = false;
        for element in elements(line)? {
            let (scheme, parameter) = scheme_and_parameter(element);
            if let Some(scheme) = scheme {
                ours = scheme.eq_ignore_ascii_case("countersign");
            }
            let Some((name, value)) = parameter.and_then(|parameter| parameter.split_once('=')) else { continue };
            if !ours || !name.trim_end().eq_ignore_ascii_case("error") {
                continue;
            }
            let value = unquoted(value.trim())?;
            if found.as_ref().is_some_and(|found| *found != value) {
                return None;
            }
            found = Some(value);
        }
    }
    found
}

/// The elements of the list: parted by commas that stand outside of quotes.
fn elements(line: &str) -> Option<Vec<&str>> {
    let (mut elements, mut start, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, byte) in line.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => {
                elements.push(line.get(start..at)?.trim());
                start = at.saturating_add(1);
            }
            _ => {}
        }
    }
    elements.push(line.get(start..)?.trim());
    (!quoted).then_some(elements)
}

/// `Scheme`, `Scheme rest`, or a further parameter of the scheme before.
fn scheme_and_parameter(element: &str) -> (Option<&str>, Option<&str>) {
    let end = element.find(|c: char| !is_token_char(c)).unwrap_or(element.len());
    let (word, rest) = element.split_at_checked(end).unwrap_or((element, ""));
    match rest.trim_start() {
        // The equals sign of a parameter may have spaces in front of it.
        behind if behind.starts_with('=') => (None, Some(element)),
        "" => (Some(word), None),
        behind => (Some(word), Some(behind)),
    }
}

fn is_token_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

/// The value of a token or of a quoted string.
fn unquoted(value: &str) -> Option<String> {
    let Some(inner) = value.strip_prefix('"') else {
        return (!value.is_empty() && value.chars().all(is_token_char)).then(|| value.to_owned());
    };
    let (mut out, mut rest) = (String::new(), inner.chars());
    loop {
        match rest.next()? {
            '\\' => out.push(rest.next()?),
            '"' => return rest.next().is_none().then_some(out),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn word(lines: &[&'static str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::WWW_AUTHENTICATE, HeaderValue::from_static(line));
        }
        error_word(&headers)
    }

    #[test]
    fn finds_our_challenge_among_others() {
        for lines in [
            &[r#"Countersign error="replayed""#][..],
            &["countersign  error = replayed"],
            &[r#"Countersign realm="a, b", error="re\played""#],
            &[r#"Bearer realm="x", error="invalid_token", Countersign error="replayed""#],
            &[r#"Countersign error="replayed", Bearer error="invalid_token""#],
            &["Negotiate YWJj==", r#"Basic realm="a\"b, Countersign error=unavailable""#, "Countersign error=replayed"],
            &["Countersign, Basic, Countersign error=replayed", "Countersign error=replayed"],
        ] {
            assert_eq!(word(lines).as_deref(), Some("replayed"), "{lines:?}");
        }
    }

    #[test]
    fn acts_on_nothing_that_can_be_read_in_two_ways() {
        for lines in [
            &[][..],
            &["Countersign"],
            &["Countersign error="],
            &[r#"Countersign error="replayed"#],
            &[r#"Countersign error="replayed"x"#],
            &["Countersign error=a b"],
            &[r#"Bearer error="replayed""#],
            &[r#"Bearer realm="Countersign error=replayed""#],
            &["Countersign-Session error=replayed"],
            &["Countersign error=replayed", "Countersign error=unavailable"],
            &["error=replayed"],
        ] {
            assert_eq!(word(lines), None, "{lines:?}");
        }
    }
}
