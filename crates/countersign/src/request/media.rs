//! Media types (RFC 9110 section 8.3.1), as far as a body's reading depends on them.

use super::fields::is_token_byte;

/// Whether a body is JSON, and in UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Media {
    /// `application/json` or a subtype that ends in `+json`; no `charset`, or UTF-8.
    Json,
    /// The same with another `charset`.
    JsonInOtherCharset,
    /// Something else.
    Other,
}

impl Media {
    /// Reads the value of a `Content-Type`. `None` where it is not one media type.
    // spec: RQ-56
    pub(crate) fn parse(value: &[u8]) -> Option<Self> {
        let value = core::str::from_utf8(value).ok()?;
        let essence_end = value.find([';', ' ', '\t']).unwrap_or(value.len());
        let (essence, mut rest) = value.split_at_checked(essence_end)?;
        let (kind, subtype) = essence.split_once('/')?;
        if !is_token(kind) || !is_token(subtype) {
            return None;
        }
        let (kind, subtype) = (kind.to_ascii_lowercase(), subtype.to_ascii_lowercase());
        let json = kind == "application" && subtype == "json" || subtype.ends_with("+json");
        let mut utf8 = true;
        loop {
            rest = rest.trim_start_matches([' ', '\t']);
            if rest.is_empty() {
                break;
            }
            rest = rest.strip_prefix(';')?.trim_start_matches([' ', '\t']);
            if rest.is_empty() || rest.starts_with(';') {
                continue;
            }
            let (name, behind) = rest.split_once('=')?;
            let (text, behind) = parameter(behind)?;
            if !is_token(name) {
                return None;
            }
            if name.eq_ignore_ascii_case("charset") {
                utf8 &= text.eq_ignore_ascii_case("utf-8");
            }
            rest = behind;
        }
        Some(match (json, utf8) {
            (true, true) => Self::Json,
            (true, false) => Self::JsonInOtherCharset,
            (false, _) => Self::Other,
        })
    }
}

/// Whether a value's type is `application/json` itself.
pub(crate) fn is_plain_json(value: &[u8]) -> bool {
    let essence = value.split(|byte| matches!(byte, b';' | b' ' | b'\t')).next().unwrap_or_default();
    essence.eq_ignore_ascii_case(b"application/json")
}

/// A token or a quoted string, and what follows it.
fn parameter(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([';', ' ', '\t']).unwrap_or(text.len());
        let (value, rest) = text.split_at_checked(end)?;
        return is_token(value).then(|| (value.to_owned(), rest));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, quoted.get(at.checked_add(1)?..)?)),
            '\\' => value.push(characters.next()?.1),
            other => value.push(other),
        }
    }
    None
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    // spec: RQ-56
    #[test]
    fn reads_one_media_type() {
        for (value, media) in [
            ("application/json", Media::Json),
            ("Application/JSON ; Charset=\"UTF-8\"", Media::Json),
            ("application/problem+json;charset=utf-8;;profile=\"a,b\\\"c\"", Media::Json),
            ("image/svg+JSON", Media::Json),
            ("application/json;charset=utf-16", Media::JsonInOtherCharset),
            ("application/json;charset=utf-8;charset=utf-7", Media::JsonInOtherCharset),
            ("application/jsonx", Media::Other),
            ("text/json", Media::Other),
            ("text/plain; charset=utf-16", Media::Other),
        ] {
            assert_eq!(Media::parse(value.as_bytes()), Some(media), "{value}");
        }
        for value in [
            "",
            "application",
            "application/",
            "/json",
            "application/json, text/plain",
            "application/json text/plain",
            "application/json;a",
            "application/json;a=",
            "application/json;=b",
            "application/json;a=\"b",
            "application/json;a=b,c",
            "application/json;a=\"b\"c",
            "application /json",
            "application/json,",
        ] {
            assert_eq!(Media::parse(value.as_bytes()), None, "{value}");
        }
        assert_eq!(Media::parse(b"text/pl\xffain"), None);
    }
}
