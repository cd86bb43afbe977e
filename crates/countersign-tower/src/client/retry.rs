//! When a refused request is signed and sent once more.

use std::time::{Duration, SystemTime};

use countersign::Class;
use http::{HeaderMap, Method, StatusCode, header};

use super::refusal::class_of;

/// How often, and after what time, a request is signed and sent anew.
///
/// Only refusals of a verifier are retried, which an answer shows by `WWW-Authenticate: Countersign error="…"`: the
/// application did not see the request then. Whatever the application answered stands, and so does a failure of the
/// transport.
///
/// - `unavailable` is retried after `Retry-After`, or where the answer does not say, after a wait that doubles each time.
/// - `replayed` is retried at once, but only where the method is idempotent (RFC 9110 section 9.2.2) or the request has
///   an `Idempotency-Key`. Nonces are random, so it means that a copy of this very request came first, and that one may
///   have been carried out.
#[derive(Clone, Copy, Debug)]
pub struct RetryPolicy {
    retries: u32,
    wait: Duration,
    longest: Duration,
}

impl Default for RetryPolicy {
    /// One retry; `unavailable` waits a quarter of a second, or up to five where the service says so.
    fn default() -> Self {
        Self { retries: 1, wait: Duration::from_millis(250), longest: Duration::from_secs(5) }
    }
}

impl RetryPolicy {
    /// No retries.
    #[must_use]
    pub const fn never() -> Self {
        Self { retries: 0, wait: Duration::ZERO, longest: Duration::ZERO }
    }

    /// At most so many retries of one request.
    #[must_use]
    pub const fn retries(mut self, count: u32) -> Self {
        self.retries = count;
        self
    }

    /// The first wait where the answer has no `Retry-After`. A nonce's byte spreads it over half of its length, so that
    /// many agents do not come back at once.
    #[must_use]
    pub const fn wait(mut self, first: Duration) -> Self {
        self.wait = first;
        self
    }

    /// The longest wait. A service that asks for a longer one gets no retry: its answer is handed on.
    #[must_use]
    pub const fn longest_wait(mut self, longest: Duration) -> Self {
        self.longest = longest;
        self
    }

    /// How long to wait before the next attempt, if there is to be one. `done` counts the retries so far.
    pub(crate) fn next(
        &self,
        done: u32,
        repeatable: bool,
        status: StatusCode,
        headers: &HeaderMap,
        spread: u8,
    ) -> Option<Duration> {
        if done >= self.retries {
            return None;
        }
        match class_of(status, headers)? {
            Class::Replayed if repeatable => Some(Duration::ZERO),
            Class::Unavailable => {
                let wait = match headers.get(header::RETRY_AFTER) {
                    Some(value) => retry_after(value.to_str().ok()?, SystemTime::now())?,
                    None => {
                        let wait = self.wait.saturating_mul(2_u32.saturating_pow(done));
                        let share = wait.checked_div(512)?.saturating_mul(u32::from(spread));
                        wait.saturating_sub(share).min(self.longest)
                    }
                };
                (wait <= self.longest).then_some(wait)
            }
            _ => None,
        }
    }
}

/// Whether doing a request twice is the same as doing it once.
pub(crate) fn is_repeatable(method: &Method, headers: &HeaderMap) -> bool {
    method.is_idempotent() || headers.contains_key("idempotency-key")
}

/// Seconds or a date (RFC 9110 section 10.2.3); `None` for anything else.
fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        return value.parse().ok().map(Duration::from_secs);
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(class: &'static str, retry_after: Option<&'static str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(class));
        if let Some(value) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(value));
        }
        headers
    }

    fn unavailable(policy: RetryPolicy, done: u32, retry_after: Option<&'static str>, spread: u8) -> Option<Duration> {
        let headers = headers("Countersign error=unavailable", retry_after);
        policy.next(done, false, StatusCode::SERVICE_UNAVAILABLE, &headers, spread)
    }

    #[test]
    fn waits_as_long_as_the_service_asks_and_not_longer_than_the_cap() {
        let policy = RetryPolicy::default().retries(3);
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(unavailable(policy, 0, Some("0"), 255), seconds(0));
        assert_eq!(unavailable(policy, 0, Some("5"), 255), seconds(5));
        assert_eq!(unavailable(policy, 0, Some("Sun, 06 Nov 1994 08:49:37 GMT"), 0), seconds(0));
        for beyond in ["6", "99999999999999999999999", "-1", "soon", "", "Fri, 31 Dec 9999 23:59:59 GMT"] {
            assert_eq!(unavailable(policy, 0, Some(beyond), 0), None, "{beyond}");
        }
    }

    #[test]
    fn waits_double_are_spread_and_end() {
        let policy = RetryPolicy::default().retries(9);
        let wait = |done, spread| unavailable(policy, done, None, spread).unwrap_or_default().as_millis();
        assert_eq!([wait(0, 0), wait(1, 0), wait(2, 0), wait(8, 0)], [250, 500, 1000, 5000]);
        assert!((125..=126).contains(&wait(0, 255)), "{}", wait(0, 255));
        assert_eq!(unavailable(policy, 9, None, 0), None);
        assert_eq!(unavailable(RetryPolicy::never(), 0, Some("0"), 0), None);
    }

    #[test]
    fn a_copy_that_may_have_been_carried_out_is_not_repeated() {
        let replayed = headers("Countersign error=replayed", None);
        let next = |repeatable| RetryPolicy::default().next(0, repeatable, StatusCode::UNAUTHORIZED, &replayed, 0);
        assert_eq!((next(true), next(false)), (Some(Duration::ZERO), None));
        let mut keyed = HeaderMap::new();
        assert!(!is_repeatable(&Method::POST, &keyed) && is_repeatable(&Method::PUT, &keyed));
        keyed.insert("idempotency-key", HeaderValue::from_static("k"));
        assert!(is_repeatable(&Method::POST, &keyed));
    }

    #[test]
    fn what_the_application_answered_stands() {
        let policy = RetryPolicy::default();
        let none = HeaderMap::new();
        assert_eq!(policy.next(0, true, StatusCode::SERVICE_UNAVAILABLE, &none, 0), None);
        for class in ["insufficient_authorization", "invalid_token", "budget_exceeded", "something_new"] {
            let text = format!("Countersign error=\"{class}\"");
            let mut headers = HeaderMap::new();
            headers
                .insert(header::WWW_AUTHENTICATE, HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("")));
            assert_eq!(policy.next(0, true, StatusCode::SERVICE_UNAVAILABLE, &headers, 0), None, "{class}");
        }
        let challenge = headers("Countersign error=unavailable", None);
        assert_eq!(policy.next(0, true, StatusCode::OK, &challenge, 0), None);
    }
}
