//! The head of a request as core reads it, from the types of the `http` crate (`spec/request.md`, Framing).

use std::borrow::Cow;

use countersign::request::{BodyLength, Parts};
use http::{HeaderMap, Uri, Version, header, request};

/// The application would act on another target than the one that was received.
pub(crate) struct Rewritten;

/// The target and the authority of a request as received.
#[derive(Debug)]
pub(crate) struct Target<'a> {
    target: Cow<'a, str>,
    authority: Option<&'a str>,
}

impl<'a> Target<'a> {
    pub(crate) fn of(parts: &'a request::Parts) -> Result<Self, Rewritten> {
        let uri = received(parts)?;
        let origin_form = || uri.path_and_query().map_or("", |target| target.as_str());
        if parts.version >= Version::HTTP_2 {
            let authority = uri.authority().map(|authority| authority.as_str());
            return Ok(Self { target: Cow::Borrowed(origin_form()), authority });
        }
        // spec: RQ-6: what names a scheme or an authority in HTTP/1.1 is no origin-form; it is handed on whole, to be
        // refused.
        let target = match (uri.scheme(), uri.authority()) {
            (None, None) => Cow::Borrowed(origin_form()),
            _ => Cow::Owned(uri.to_string()),
        };
        Ok(Self { target, authority: None })
    }

    /// Everything that core reads of the head.
    pub(crate) fn parts<'p>(&'p self, head: &'p request::Parts, body: BodyLength) -> Parts<'p> {
        let mut parts = Parts::new(head.method.as_str(), &self.target).body(body);
        if let Some(authority) = self.authority {
            parts = parts.authority(authority);
        }
        parts.extend(head.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())));
        parts
    }
}

/// The URI as received: routers of axum take prefixes off the one in the request.
#[cfg(feature = "axum")]
fn received(parts: &request::Parts) -> Result<&Uri, Rewritten> {
    let Some(axum::extract::OriginalUri(original)) = parts.extensions.get() else { return Ok(&parts.uri) };
    // Taking a prefix off leaves the end of the path and the query as they were. Anything else was a rewrite, and the
    // handler would serve what nobody signed.
    let (whole, rest) = (original.path(), parts.uri.path());
    let stripped = whole.ends_with(rest) || rest == "/";
    if stripped && original.query() == parts.uri.query() { Ok(original) } else { Err(Rewritten) }
}

#[cfg(not(feature = "axum"))]
#[expect(clippy::unnecessary_wraps, reason = "with the feature `axum` it can fail")]
fn received(parts: &request::Parts) -> Result<&Uri, Rewritten> {
    Ok(&parts.uri)
}

/// What the framing announces of the body.
pub(crate) fn body_length(headers: &HeaderMap, body: &impl http_body::Body) -> BodyLength {
    if headers.contains_key(header::TRANSFER_ENCODING) {
        return BodyLength::Unknown;
    }
    let announced = headers.get(header::CONTENT_LENGTH).map(http::HeaderValue::as_bytes);
    // What is no number is the verifier's to refuse; what is too great for one is as long as can be.
    let digits = announced.filter(|value| !value.is_empty() && value.iter().all(u8::is_ascii_digit));
    let announced = digits.map(|value| {
        let digit = |sum: u64, byte: &u8| sum.saturating_mul(10).saturating_add(u64::from(byte.saturating_sub(b'0')));
        value.iter().fold(0, digit)
    });
    match announced {
        Some(length) => BodyLength::Known(length),
        None if body.is_end_stream() || body.size_hint().exact() == Some(0) => BodyLength::Known(0),
        None => BodyLength::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(version: Version, uri: &str) -> (String, Option<String>) {
        let Ok(request) = http::Request::builder().version(version).uri(uri).body(()) else {
            return Default::default();
        };
        let (parts, ()) = request.into_parts();
        match Target::of(&parts) {
            Ok(target) => (target.target.into_owned(), target.authority.map(str::to_owned)),
            Err(Rewritten) => Default::default(),
        }
    }

    #[test]
    fn hands_on_targets_of_http_1_as_they_came() {
        for uri in ["/a?b", "/a?", "*", "http://calendar.example.com/a", "calendar.example.com:443"] {
            assert_eq!(target(Version::HTTP_11, uri), (uri.to_owned(), None));
        }
    }

    #[test]
    fn takes_the_authority_of_http_2() {
        let expected = ("/a?b".to_owned(), Some("calendar.example.com:8443".to_owned()));
        assert_eq!(target(Version::HTTP_2, "https://calendar.example.com:8443/a?b"), expected);
        assert_eq!(target(Version::HTTP_2, "/a?b"), ("/a?b".to_owned(), None));
    }

    #[cfg(feature = "axum")]
    #[test]
    fn knows_a_stripped_prefix_from_a_rewrite() {
        let seen = |original: &str, now: &str| {
            let mut request = http::Request::new(());
            *request.uri_mut() = now.parse().unwrap_or_default();
            let original = axum::extract::OriginalUri(original.parse().unwrap_or_default());
            request.extensions_mut().insert(original);
            let (parts, ()) = request.into_parts();
            Target::of(&parts).ok().map(|target| target.target.into_owned())
        };
        assert_eq!(seen("/v1/a?b", "/a?b").as_deref(), Some("/v1/a?b"));
        assert_eq!(seen("/v1", "/").as_deref(), Some("/v1"));
        assert_eq!(seen("/v1/a", "/c"), None);
        assert_eq!(seen("/v1/a?b", "/a?c"), None);
    }

    #[test]
    fn announces_only_what_the_head_says() {
        let mut headers = HeaderMap::new();
        let body = http_body_util::Full::new(bytes::Bytes::from_static(b"hi"));
        let empty = http_body_util::Empty::<bytes::Bytes>::new();
        assert_eq!(body_length(&headers, &empty), BodyLength::Known(0));
        assert_eq!(body_length(&headers, &body), BodyLength::Unknown);
        headers.insert(header::CONTENT_LENGTH, http::HeaderValue::from_static("2"));
        assert_eq!(body_length(&headers, &body), BodyLength::Known(2));
        headers.insert(header::CONTENT_LENGTH, http::HeaderValue::from_static("99999999999999999999999"));
        assert_eq!(body_length(&headers, &body), BodyLength::Known(u64::MAX));
        headers.insert(header::CONTENT_LENGTH, http::HeaderValue::from_static("+2"));
        assert_eq!(body_length(&headers, &body), BodyLength::Unknown);
        headers.insert(header::TRANSFER_ENCODING, http::HeaderValue::from_static("chunked"));
        assert_eq!(body_length(&headers, &body), BodyLength::Unknown);
    }
}
