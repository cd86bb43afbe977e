//! The answer to a stranger: a class, never a code (`spec/verify.md`, The answer to a stranger).

use bytes::Bytes;
use countersign::rar::AuthorizationDetails;
use countersign::time::UnixTime;
use countersign::verify::Charge;
use countersign::{Class, Code, Denial, to_base64url};
use http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Map, Value, json};

use crate::audit::TraceId;

/// The `title` of the problems of a class.
pub fn title(class: Class) -> &'static str {
    match class {
        Class::InvalidToken => "The token is not accepted",
        Class::InvalidRequestProof => "The proof of this request is not accepted",
        Class::Replayed => "The request was received before",
        Class::InsufficientAuthorization => "The token does not allow this operation",
        Class::ApprovalRequired => "The operation needs an approval",
        Class::BudgetExceeded => "A budget has too little left",
        Class::Unavailable => "The request can't be decided now",
        _ => "The request is refused",
    }
}

/// What the client should do. One sentence for each class: it gives no code away.
fn detail(class: Class) -> &'static str {
    match class {
        Class::InvalidToken => "get another token",
        Class::InvalidRequestProof => "correct the request or how it is signed",
        Class::Replayed => "sign again with another nonce",
        Class::InsufficientAuthorization => "ask for more authority, or do something else",
        Class::ApprovalRequired => "have the operation approved",
        Class::BudgetExceeded => "wait until the budget resets",
        Class::Unavailable => "try again later",
        _ => "the request is refused",
    }
}

/// An answer in the form of RFC 9457.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    class: Option<Class>,
    members: Map<String, Value>,
}

impl Problem {
    // spec: VF-38, VF-40
    pub(crate) fn of_class(class: Class) -> Self {
        // Every class has a status of the registry.
        let status = StatusCode::from_u16(class.status()).unwrap_or(StatusCode::UNAUTHORIZED);
        Self::new(status, Some(class), class.as_str(), title(class), detail(class))
    }

    /// Of a denial. `ask` is where approvals are asked for.
    pub(crate) fn of_denial(denial: &Denial, ask: Option<&str>) -> Self {
        let mut problem = Self::of_class(denial.class());
        // spec: VF-41
        match (denial.code(), denial.refused()) {
            (Code::RightMissing, Some((operation, service))) => {
                // No right allows an operation that has no details, so there is nothing to ask for.
                if let Ok(details) = AuthorizationDetails::sufficient(operation, service) {
                    problem.members.insert("authorization_details".to_owned(), json!(details));
                }
            }
            (Code::BudgetExceeded, _) => {
                problem.members.insert("budget".to_owned(), budget(denial.exceeded()));
            }
            (Code::ApprovalRequired | Code::ApprovalInvalid, _) => {
                problem.members.insert("approval".to_owned(), approval(denial, ask));
            }
            _ => {}
        }
        problem
    }

    /// The message broke off, so there is nothing to decide about.
    pub(crate) fn broken() -> Self {
        let detail = "the body is not the one that the head announces";
        Self::new(StatusCode::BAD_REQUEST, None, "bad_request", "The request is incomplete", detail)
    }

    /// The message was not there in time. Its nonce was not used up, so it may be sent again while its signature lasts.
    pub(crate) fn late() -> Self {
        let detail = "the body did not come in time";
        Self::new(StatusCode::REQUEST_TIMEOUT, None, "request_timeout", "The request is incomplete", detail)
    }

    /// The service is set up wrongly, which is nobody's business but the operator's.
    pub(crate) fn misconfigured() -> Self {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Self::new(status, None, "internal", "The service can't answer", "the operator knows more by the trace id")
    }

    fn new(status: StatusCode, class: Option<Class>, code: &str, title: &str, detail: &str) -> Self {
        let members = json!({
            "type": "about:blank", "title": title, "status": status.as_u16(), "code": code, "detail": detail,
        });
        let Value::Object(members) = members else { return Self { status, class, members: Map::new() } };
        Self { status, class, members }
    }

    /// The HTTP status, which is also the code of an error in JSON-RPC (JR-26).
    pub(crate) fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// The class, where there is one.
    pub(crate) fn word(&self) -> &'static str {
        self.class.map_or("internal", |class| class.as_str())
    }

    pub(crate) fn into_members(mut self, trace: TraceId) -> Map<String, Value> {
        self.members.insert("trace_id".to_owned(), trace.to_string().into());
        self.members
    }

    pub(crate) fn into_response<B: From<Bytes>>(self, trace: TraceId) -> Response<B> {
        let (status, class) = (self.status, self.class);
        let body = Value::Object(self.into_members(trace)).to_string();
        let mut response = Response::new(B::from(Bytes::from(body)));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        // spec: VF-39
        if let Some(class) = class
            && let Ok(challenge) = HeaderValue::try_from(format!("Countersign error=\"{}\"", class.as_str()))
        {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

/// What is to be approved, by whose keys, and where to ask. Null members at stage 12, where an approval was used before.
fn approval(denial: &Denial, ask: Option<&str>) -> Value {
    let approval = denial.approval();
    let digest = approval.map(|(record, _)| to_base64url(&record.digest()));
    let operation: Option<Map<String, Value>> = approval.map(|(record, _)| {
        record
            .members()
            .filter_map(|(name, value)| Some((name.to_owned(), serde_json::to_value(value).ok()?)))
            .collect()
    });
    let approvers: Option<Vec<String>> =
        approval.map(|(_, keys)| keys.iter().map(|key| key.id().to_string()).collect());
    json!({ "digest": digest, "operation": operation, "approvers": approvers, "ask": ask })
}

/// What is spent, and when it is there again: never for a budget without a window.
fn budget(exceeded: Option<(&Charge, Option<UnixTime>)>) -> Value {
    // A counter ends with account, unit and window.
    let unit = exceeded.and_then(|(charge, _)| charge.counter.iter().rev().nth(1));
    let resets_at = exceeded.and_then(|(_, resets_at)| resets_at).map(|at| at.to_string());
    json!({ "unit": unit, "resets_at": resets_at })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_when_a_window_ends() {
        let charge = |window| Charge {
            counter: ["hub", "alice", "mail", "calls", "3600"].map(str::to_owned).to_vec(),
            cost: 1,
            amount: 1,
            window,
            delegated: None,
        };
        let now = UnixTime(1_795_453_260);
        let expected = json!({ "unit": "calls", "resets_at": "2026-11-23T18:00:00Z" });
        let told = |charge: &Charge| budget(Some((charge, charge.resets_at(now))));
        assert_eq!(told(&charge(3600)), expected);
        assert_eq!(told(&charge(0)), json!({ "unit": "calls", "resets_at": null }));
    }
}
