//! Both sides say the same of what they are measured on. A ratio of two different verdicts would mean nothing.

use countersign::Denial;
use http::{HeaderValue, Method, Uri};

use crate::fixture::{BODY, HttpRequest, Scenario, key};
use crate::service::Service;
use crate::stack::{Refused, Stack};

/// The body that comes with a scenario's request.
#[must_use]
pub fn body(scenario: Scenario) -> &'static [u8] {
    if scenario == Scenario::OneBlockBody { BODY } else { b"" }
}

/// The stack that serves a scenario.
#[must_use]
pub fn stack(scenario: Scenario) -> Stack {
    Stack::new(scenario.holder().public(), key("agent").public())
}

/// What the core and the stack say of one request.
pub type Verdicts = (Result<(), Denial>, Result<(), Refused>);

/// Asks both.
pub fn of(service: &Service, stack: &Stack, request: &HttpRequest, body: &[u8]) -> Verdicts {
    (service.verify(request, body).map(drop), stack.verify(request.clone(), !body.is_empty()))
}

/// Asks both about each scenario's request as it is, and altered in each way that both can see.
///
/// # Panics
///
/// When they differ, or one allows an altered request.
pub fn assert_same() {
    for scenario in Scenario::ALL {
        let (cold, warm, stack, body) = (Service::cold(), Service::warm(), stack(scenario), body(scenario));
        // The warm one a second time: its first request is a cold one.
        for service in [&cold, &warm, &warm] {
            let (ours, theirs) = of(service, &stack, &scenario.request(), body);
            assert!(ours.is_ok() && theirs.is_ok(), "{}: {ours:?}, {theirs:?}", scenario.name());
        }
        for (what, request) in altered(scenario) {
            for service in [&cold, &warm] {
                let (ours, theirs) = of(service, &stack, &request, body);
                assert!(ours.is_err() && theirs.is_err(), "{}, {what}: {ours:?}, {theirs:?}", scenario.name());
            }
        }
    }
    let other: &[u8] = br#"{"summary":"Something else"}"#;
    let mut request = Scenario::OneBlockBody.request();
    *request.body_mut() = other.into();
    let (ours, theirs) = of(&Service::cold(), &stack(Scenario::OneBlockBody), &request, other);
    assert!(ours.is_err() && theirs == Err(Refused::Digest), "another body: {ours:?}, {theirs:?}");
}

fn altered(scenario: Scenario) -> Vec<(&'static str, HttpRequest)> {
    let mut method = scenario.request();
    *method.method_mut() = Method::DELETE;
    let mut path = scenario.request();
    *path.uri_mut() =
        Uri::from_static("https://calendar.example.com/calendars/primary/other?from=2100-01-01&to=2100-01-08");
    let mut query = scenario.request();
    *query.uri_mut() = Uri::from_static("https://calendar.example.com/calendars/primary/events");
    let mut token = scenario.request();
    let other = Scenario::ThreeBlocks.sealed().to_text();
    let other = if scenario == Scenario::ThreeBlocks { Scenario::OneBlock.sealed().to_text() } else { other };
    token.headers_mut().insert("authorization", HeaderValue::from_str(&["Countersign ", &other].concat()).unwrap());
    let mut unsigned = scenario.request();
    unsigned.headers_mut().remove("signature");
    vec![
        ("another method", method),
        ("another path", path),
        ("another query", query),
        ("another token", token),
        ("no signature", unsigned),
    ]
}

#[cfg(test)]
mod tests {
    #[test]
    fn core_and_stack_agree() {
        super::assert_same();
    }
}
