//! The demonstration: a calendar service on a loopback port, two agents that use it, and everybody who tries to.

mod cast;
mod forge;
mod report;
mod service;
mod state;
mod steps;
mod wire;

#[path = "../../examples/calendar.rs"]
#[expect(dead_code, unreachable_pub, reason = "it is a program of its own, whose main is not used here")]
mod calendar;

use std::process::ExitCode;

use self::cast::{Cast, ISSUER};
use self::report::{Report, Row};
use self::service::{Place, Service};
use self::steps::Step;

/// Runs the demonstration; 1 when anything differs from what it must be.
pub(crate) fn run(json: bool) -> anyhow::Result<ExitCode> {
    let place = Place::take()?;
    let cast = Cast::new(&place)?;
    let service = Service::start(place, (ISSUER, cast.issuer.public()))?;
    let report = Report::new(json);
    report.start()?;
    let mut rows = Vec::new();
    let mut all = steps::all(&cast)?;
    all.extend(state::all(&cast)?);
    for step in all {
        let row = take(&service, step)?;
        report.row(&row)?;
        rows.push(row);
    }
    report.end(&rows)?;
    service.stop()?;
    Ok(ExitCode::from(u8::from(rows.iter().any(|row| !row.wrong.is_empty()))))
}

/// Sends one request, and holds the audit and the answer to what they must be.
fn take(service: &Service, step: Step) -> anyhow::Result<Row> {
    if let Some(list) = &step.revoked {
        service.revoke(list)?;
    }
    let answer = wire::exchange(service.address, &step.bytes)?;
    let record = service.record();
    let micros = record.as_ref().map_or(0, |record| record.micros);
    let (decision, code) = match record.and_then(|record| record.decision) {
        Some(decision) => (decision.decision, decision.code),
        None => ("none".to_owned(), None),
    };
    let expected = if step.code.is_some() { "deny" } else { "allow" };
    let mut wrong = Vec::new();
    if decision != expected {
        wrong.push("decision");
    }
    if code.as_deref() != step.code {
        wrong.push("code");
    }
    if step.code.is_none() != (200..300).contains(&answer.status) {
        wrong.push("status");
    }
    if step.answer.is_some_and(|expected| answer.body != expected) {
        wrong.push("answer");
    }
    // Strangers are told a class; where it is called as the code is, that is what they are told.
    let class = step.code.and_then(countersign::Code::from_word).map(|code| code.class().as_str());
    let told = |code: &str| Some(code) != class && (answer.head.contains(code) || answer.body.contains(code));
    if step.code.is_some_and(told) {
        wrong.push("code told to the sender");
    }
    let (who, what, expected_code, status) = (step.who, step.what, step.code, answer.status);
    Ok(Row { who, what, decision, expected, code, expected_code, status, micros, wrong })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_what_is_not_as_it_must_be() -> anyhow::Result<()> {
        let place = Place::take()?;
        let cast = Cast::new(&place)?;
        let service = Service::start(place, (ISSUER, cast.issuer.public()))?;
        let step = |code, answer| -> anyhow::Result<Step> {
            Ok(Step { who: "calendar-bot", what: "reads", bytes: cast.read()?.bytes(), code, answer, revoked: None })
        };
        assert!(take(&service, step(None, Some("[]"))?)?.wrong.is_empty());
        assert_eq!(take(&service, step(None, Some("[{}]"))?)?.wrong, ["answer"]);
        assert_eq!(take(&service, step(Some("replayed"), None)?)?.wrong, ["decision", "code", "status"]);
        let nonsense = Step { bytes: b"GET / HTTP/9\r\n\r\n".to_vec(), ..step(Some("replayed"), None)? };
        assert_eq!(take(&service, nonsense)?.wrong, ["decision", "code"]);
        service.stop()
    }
}
