//! Why authorization details are refused (`spec/rar.md`, Refusals).

use core::fmt;

use crate::json::JsonError;

/// Authorization details, or a resource, that give no token.
///
/// It says what is wrong, in which detail, and at which member. Its text has nothing that the sender wrote but the name of
/// a member that is not known: at most 32 characters of it, all but letters, digits, `-`, `_` and `.` escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RarError {
    kind: ErrorKind,
    detail: Option<usize>,
    member: Option<Box<str>>,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Not a JSON text that everybody reads alike.
    Json(JsonError),
    /// The text is longer than [`super::MAX_TEXT`].
    TooLong,
    /// No array, an empty one, or one of more than [`super::MAX_DETAILS`].
    Array,
    /// An element that is no object.
    Object,
    /// A member that these tokens can't say.
    Unknown,
    /// A member that has to be there and is not, without a default.
    Missing,
    /// A value of another type, an empty one, or one that no right can hold.
    Value,
    /// A duration in no accepted form, or out of its range.
    Duration,
    /// A location outside the grammar.
    Location,
    /// A URL that is not at the resource that the request is for.
    Elsewhere,
    /// A location that is no URL, in a request for no resource.
    NoResource,
    /// A resource that is no absolute URL in its one form.
    Resource,
    /// More than [`super::MAX_RIGHTS`] rights of one token.
    Rights,
    /// More than [`super::MAX_TOKENS`] tokens.
    Tokens,
}

impl RarError {
    pub(super) const fn of(kind: ErrorKind) -> Self {
        Self { kind, detail: None, member: None }
    }

    /// At a member that the text does not choose.
    pub(super) fn at(mut self, member: &'static str) -> Self {
        self.member = Some(member.into());
        self
    }

    /// At a member whose name the text chose.
    // spec: RA-30
    pub(super) fn at_unknown(mut self, member: &str) -> Self {
        const SHOWN: usize = 32;
        let mut name = String::new();
        for c in member.chars().take(SHOWN) {
            if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') {
                name.push(c);
            } else {
                name.extend(c.escape_unicode());
            }
        }
        if member.chars().nth(SHOWN).is_some() {
            name.push('…');
        }
        self.member = Some(name.into());
        self
    }

    pub(super) fn in_detail(mut self, index: usize) -> Self {
        self.detail = Some(index);
        self
    }

    /// What is wrong.
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The detail that it is about, from 0.
    pub const fn detail(&self) -> Option<usize> {
        self.detail
    }

    /// The member that it is about; bounded and escaped where the name is not one of ours.
    pub fn member(&self) -> Option<&str> {
        self.member.as_deref()
    }

    /// The error code of the OAuth answer: `invalid_target` (RFC 8707) where the resource is what is wrong or missing,
    /// `invalid_authorization_details` (RFC 9396) for all else.
    // spec: RA-29
    pub const fn oauth_error(&self) -> &'static str {
        match self.kind {
            ErrorKind::Resource | ErrorKind::NoResource => "invalid_target",
            _ => "invalid_authorization_details",
        }
    }
}

impl fmt::Display for RarError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(detail) = self.detail {
            write!(f, "detail {detail}: ")?;
        }
        if let Some(member) = &self.member {
            write!(f, "\"{member}\": ")?;
        }
        match self.kind {
            ErrorKind::Json(error) => write!(f, "authorization details: {error}"),
            ErrorKind::TooLong => f.write_str("authorization details of more than 1 MiB"),
            ErrorKind::Array => f.write_str("authorization details are an array of 1 to 128 objects"),
            ErrorKind::Object => f.write_str("not an object"),
            ErrorKind::Unknown => f.write_str("a member that these tokens can't say"),
            ErrorKind::Missing => f.write_str("is missing, and there is no default for it"),
            ErrorKind::Value => {
                f.write_str("not of its type, empty, longer than 1,024 bytes, or with a control character")
            }
            ErrorKind::Duration => f.write_str("not a duration such as PT1H, PT1H30M, P1D, 90s, 10m, 1h or 30d"),
            ErrorKind::Location => f.write_str("a location that is no resource, and no URL of one in its one form"),
            ErrorKind::Elsewhere => f.write_str("a URL that is not at the requested resource"),
            ErrorKind::NoResource => f.write_str("a location that is no URL, and no resource is requested"),
            ErrorKind::Resource => f.write_str(
                "the resource is no absolute https or http URL in lower case, without user, default port, query and \
                 fragment",
            ),
            ErrorKind::Rights => f.write_str("more than 128 rights for one purpose, duration and audience"),
            ErrorKind::Tokens => f.write_str("more than 64 different purposes, durations and audiences"),
        }
    }
}

impl core::error::Error for RarError {}

#[cfg(test)]
mod tests {
    use super::*;

    // spec: RA-30
    #[test]
    fn names_members_of_strangers_bounded_and_escaped() {
        let shown = |name: &str| RarError::of(ErrorKind::Unknown).at_unknown(name).in_detail(3).to_string();
        assert_eq!(shown("x-note_1.a"), "detail 3: \"x-note_1.a\": a member that these tokens can't say");
        assert!(shown("a\"b\n\u{202e}").contains("\"a\\u{22}b\\u{a}\\u{202e}\""));
        let long = shown(&"\u{1f916}".repeat(60_000));
        assert!(long.len() < 400 && long.contains('…'), "{long}");
        assert!(!shown(&"a".repeat(32)).contains('…') && shown(&"a".repeat(33)).contains('…'));
    }
}
