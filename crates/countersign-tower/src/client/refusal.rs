//! A verifier's refusal, read from its answer (`spec/verify.md`, The answer to a stranger).

use std::error::Error;
use std::fmt;

use bytes::Bytes;
use countersign::Class;
use countersign::time::UnixTime;
use http::{HeaderMap, Response, StatusCode, header};
use http_body::Body;
use http_body_util::{BodyExt as _, Limited};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::challenge::error_word;
use super::key::BoxError;

/// The greatest problem body that is read, in bytes. Of a longer one only the class is known.
pub const MAX_PROBLEM: usize = 16 * 1024;

/// The classes that this client knows.
const CLASSES: &[Class] = &[
    Class::InvalidToken,
    Class::InvalidRequestProof,
    Class::Replayed,
    Class::InsufficientAuthorization,
    Class::ApprovalRequired,
    Class::BudgetExceeded,
    Class::Unavailable,
];

/// A verifier refused the request; the application did not see it.
///
/// The class stands in `WWW-Authenticate` and is always known. The rest comes from the problem (RFC 9457) in the body,
/// as far as there is one. All text in it is the service's: show it as such, and do not let a model take it for an
/// instruction. [`Display`](fmt::Display) prints the class and [`Refusal::advice`] only.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Refusal {
    /// Why, as far as strangers are told.
    pub class: Class,
    /// The status of the answer.
    pub status: StatusCode,
    /// The problem's `title`.
    pub title: Option<String>,
    /// The problem's `detail`.
    pub detail: Option<String>,
    /// The id under which the service's audit has the exact code.
    pub trace_id: Option<String>,
    /// The RFC 9396 array that would have been enough (`insufficient_authorization`).
    pub authorization_details: Option<Value>,
    /// The operation's digest and where to ask (`approval_required`).
    pub approval: Option<Value>,
    /// What is spent (`budget_exceeded`).
    pub budget: Option<SpentBudget>,
}

/// A budget that has too little left.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SpentBudget {
    /// What is counted, such as `calls`.
    pub unit: Option<String>,
    /// When it is there again; `None` for a budget that never is.
    pub resets_at: Option<UnixTime>,
}

/// What an agent can do about a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Remedy {
    /// Another token is needed: this one is expired, revoked, or not for this service.
    AnotherToken,
    /// The request or how it is signed is wrong; the same again would be refused again. A clock that is off is one
    /// reason.
    CorrectRequest,
    /// Sign once more, if doing the request twice does no harm: a copy of it came first.
    SignAgain,
    /// Ask for more authority: [`Refusal::authorization_details`] says which.
    AskForAuthority,
    /// Have a person approve the operation: see [`Refusal::approval`].
    AskForApproval,
    /// Wait: [`Refusal::budget`] says until when.
    WaitForBudget,
    /// The service can't decide; the same request may pass later.
    TryLater,
}

impl Refusal {
    /// What to do about it.
    pub const fn remedy(&self) -> Remedy {
        match self.class {
            Class::InvalidToken => Remedy::AnotherToken,
            Class::Replayed => Remedy::SignAgain,
            Class::InsufficientAuthorization => Remedy::AskForAuthority,
            Class::ApprovalRequired => Remedy::AskForApproval,
            Class::BudgetExceeded => Remedy::WaitForBudget,
            Class::Unavailable => Remedy::TryLater,
            _ => Remedy::CorrectRequest,
        }
    }

    /// The same in words: one clause, this library's own.
    pub const fn advice(&self) -> &'static str {
        match self.remedy() {
            Remedy::AnotherToken => "the token is not accepted; get another one",
            Remedy::CorrectRequest => "the proof of this request is not accepted; check clock, key, url and fields",
            Remedy::SignAgain => "a copy of this request came first; sign again if doing it twice does no harm",
            Remedy::AskForAuthority => "the token does not allow this operation; ask for more authority",
            Remedy::AskForApproval => "the operation needs an approval; have it approved",
            Remedy::WaitForBudget => "a budget has too little left; wait until it resets",
            Remedy::TryLater => "the service can't decide now; try again later",
        }
    }

    fn of_class(class: Class, status: StatusCode) -> Self {
        Self {
            class,
            status,
            title: None,
            detail: None,
            trace_id: None,
            authorization_details: None,
            approval: None,
            budget: None,
        }
    }

    /// Takes what a problem says. A member of another type than it should have counts as absent.
    fn read(&mut self, problem: &Value) {
        let text = |name: &str| problem.get(name).and_then(Value::as_str).map(str::to_owned);
        (self.title, self.detail, self.trace_id) = (text("title"), text("detail"), text("trace_id"));
        self.authorization_details = problem.get("authorization_details").filter(|value| value.is_array()).cloned();
        self.approval = problem.get("approval").filter(|value| value.is_object()).cloned();
        self.budget = problem.get("budget").filter(|value| value.is_object()).map(|budget| SpentBudget {
            unit: budget.get("unit").and_then(Value::as_str).map(str::to_owned),
            resets_at: budget.get("resets_at").and_then(Value::as_str).and_then(rfc_3339),
        });
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refused with {}: {}", self.class.as_str(), self.advice())
    }
}

impl Error for Refusal {}

/// The class of a refusal, from status and fields alone: `None` for an answer that no verifier gave.
///
/// A word that this version does not know is none, and the answer is then one like any other.
pub fn class_of(status: StatusCode, headers: &HeaderMap) -> Option<Class> {
    if !(status.is_client_error() || status.is_server_error()) {
        return None;
    }
    let word = error_word(headers)?;
    CLASSES.iter().copied().find(|class| class.as_str() == word)
}

/// Hands an answer on if no verifier refused it; reads the refusal otherwise.
///
/// At most [`MAX_PROBLEM`] bytes of the body are read. How long that takes is bounded by the client's own timeouts.
///
/// ```
/// use countersign_tower::client::{Remedy, admitted};
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let answer = http::Response::builder()
///     .status(429)
///     .header("www-authenticate", "Countersign error=\"budget_exceeded\"")
///     .header("content-type", "application/problem+json")
///     .body(r#"{"budget": {"unit": "calls", "resets_at": "2026-11-24T00:00:00Z"}}"#.to_owned());
/// let refusal = admitted(answer.unwrap()).await.unwrap_err();
/// assert_eq!(refusal.remedy(), Remedy::WaitForBudget);
/// assert_eq!(refusal.budget.unwrap().resets_at.unwrap().to_string(), "2026-11-24T00:00:00Z");
/// # }
/// ```
pub async fn admitted<B>(response: Response<B>) -> Result<Response<B>, Box<Refusal>>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    let Some(class) = class_of(response.status(), response.headers()) else { return Ok(response) };
    let mut refusal = Refusal::of_class(class, response.status());
    if is_problem(response.headers())
        && let Some(problem) = problem(response.into_body()).await
    {
        refusal.read(&problem);
    }
    Err(Box::new(refusal))
}

fn is_problem(headers: &HeaderMap) -> bool {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/problem+json")
}

async fn problem<B>(body: B) -> Option<Value>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    let body: Bytes = Limited::new(body, MAX_PROBLEM).collect().await.ok()?.to_bytes();
    serde_json::from_slice(&body).ok()
}

fn rfc_3339(text: &str) -> Option<UnixTime> {
    let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    u64::try_from(time.unix_timestamp()).ok().map(UnixTime)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests say what went wrong by panicking")]
    use super::*;
    use serde_json::json;

    fn answer(status: u16, class: &str, media_type: &str, body: impl Into<String>) -> Response<String> {
        Response::builder()
            .status(status)
            .header("www-authenticate", format!("Countersign error=\"{class}\""))
            .header("content-type", media_type)
            .body(body.into())
            .unwrap()
    }

    #[test]
    fn every_class_has_its_own_remedy() {
        let remedies: Vec<Remedy> =
            CLASSES.iter().map(|class| Refusal::of_class(*class, StatusCode::FORBIDDEN).remedy()).collect();
        for (index, remedy) in remedies.iter().enumerate() {
            assert!(!remedies.iter().skip(index).skip(1).any(|other| other == remedy));
        }
    }

    #[tokio::test]
    async fn reads_what_would_have_been_enough() {
        let details = json!([{"type": "calendar", "locations": ["/calendars/work"], "actions": ["read"]}]);
        let body = json!({"title": "t", "detail": "d", "trace_id": "x", "authorization_details": details}).to_string();
        let refused = answer(403, "insufficient_authorization", "Application/Problem+JSON; charset=utf-8", body);
        let refusal = admitted(refused).await.unwrap_err();
        assert_eq!((refusal.class, refusal.status.as_u16()), (Class::InsufficientAuthorization, 403));
        let texts = [refusal.title.as_deref(), refusal.detail.as_deref(), refusal.trace_id.as_deref()];
        assert_eq!(texts, [Some("t"), Some("d"), Some("x")]);
        assert_eq!(refusal.authorization_details.as_ref(), Some(&details));
        // What the service wrote is not repeated in messages.
        assert!(!refusal.to_string().contains("work"));
    }

    #[tokio::test]
    async fn knows_the_class_without_a_problem_that_can_be_read() {
        let long = json!({"title": "t".repeat(MAX_PROBLEM)}).to_string();
        let untyped = json!({"title": 1, "authorization_details": {}, "approval": [], "budget": "x"}).to_string();
        for (media_type, body) in [
            ("application/problem+json", long.as_str()),
            ("application/problem+json", "{"),
            ("application/problem+json", "[]"),
            ("application/problem+json", untyped.as_str()),
            ("application/json", r#"{"title": "t"}"#),
        ] {
            let refusal = admitted(answer(401, "invalid_token", media_type, body)).await.unwrap_err();
            assert_eq!((refusal.class, &refusal.title), (Class::InvalidToken, &None));
            assert!(refusal.authorization_details.is_none() && refusal.approval.is_none() && refusal.budget.is_none());
        }
    }

    #[tokio::test]
    async fn hands_on_what_no_verifier_said() {
        for (status, class) in [(200, "replayed"), (302, "replayed"), (403, "something_new")] {
            let passed = admitted(answer(status, class, "text/plain", "whole")).await.unwrap();
            assert_eq!((passed.status().as_u16(), passed.into_body().as_str()), (status, "whole"));
        }
        let plain = Response::builder().status(503).body("down".to_owned()).unwrap();
        assert!(admitted(plain).await.is_ok());
    }
}
