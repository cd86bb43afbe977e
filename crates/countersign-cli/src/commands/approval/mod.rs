//! `countersign approval request` and `approval grant` (`spec/request.md`, Approvals).

mod grant;
mod shown;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, anyhow, bail};
use countersign::json::Value;
use countersign::request::Message;
use countersign::time::UnixTime;
use countersign::verify::OperationRecord;
use countersign::{Code, Denial, to_base64url};

use crate::args::{Approval, ApprovalRequest};
use crate::judge::Judge;
use crate::{config, input, output, revocations};

pub(crate) fn run(command: &Approval, now: UnixTime) -> anyhow::Result<ExitCode> {
    match command {
        Approval::Request(args) => request(args, now),
        Approval::Grant(args) => grant::run(args, now),
    }
}

fn request(args: &ApprovalRequest, now: UnixTime) -> anyhow::Result<ExitCode> {
    let (token, record, approvers) = match (&args.denial, &args.request) {
        (Some(denial), _) => {
            let named = || format!("--denial {}", denial.display());
            let problem = json(denial).with_context(named)?;
            let (record, approvers) = of_problem(&problem).with_context(named)?;
            let token = args.token.as_deref().context("--denial needs --token, the token that was sent")?;
            (input::sealed_token(token, "--token")?.to_text(), record, approvers)
        }
        (None, Some(request)) => {
            let bytes = input::file_or_stdin(request, input::MESSAGE)
                .with_context(|| format!("--request {}", request.display()))?;
            let message = Message::parse(&bytes).with_context(|| format!("--request {}", request.display()))?;
            let path = args.config.as_deref().context("--request needs --config, the service's verifier.toml")?;
            match of_message(&message, path, now)? {
                Ok(found) => found,
                Err(sentence) => {
                    output::complain(&sentence);
                    return Ok(ExitCode::FAILURE);
                }
            }
        }
        (None, None) => bail!("approval request needs --denial or --request"),
    };
    let approvers = approvers.into_iter().map(Value::Str).collect();
    output::json(&Value::object([
        ("operation", Value::object(record.members().map(|(name, value)| (name, value.clone())))),
        ("digest", Value::Str(to_base64url(&record.digest()))),
        ("approvers", Value::Array(approvers)),
        ("token", Value::Str(token)),
    ]))?;
    Ok(ExitCode::SUCCESS)
}

type Found = (String, OperationRecord, Vec<String>);

/// What a service's answer says has to be approved.
fn of_problem(problem: &Value) -> anyhow::Result<(OperationRecord, Vec<String>)> {
    let approval = problem.as_object().and_then(|problem| problem.member("approval")).and_then(Value::as_object);
    let approval = approval.context("not an answer that asks for an approval")?;
    let operation = approval.member("operation").cloned().unwrap_or(Value::Null);
    let record = OperationRecord::from_json(operation).context("the answer names no operation")?;
    let digest = approval.member("digest").and_then(Value::as_str);
    if digest != Some(to_base64url(&record.digest()).as_str()) {
        bail!("the answer's digest is not that of its operation");
    }
    let approvers = approval.member("approvers").and_then(Value::as_array).unwrap_or_default();
    Ok((record, approvers.iter().filter_map(Value::as_str).map(str::to_owned).collect()))
}

/// What the service with this configuration would ask an approval for; or why it would not.
fn of_message(message: &Message<'_>, path: &Path, now: UnixTime) -> anyhow::Result<Result<Found, String>> {
    let config = config::read(path)?;
    let view = revocations::of_config(path, "--config", &config.verifier, now)?;
    let judge = Judge::of(config, view);
    let denial: Denial = match judge.verify(message, now) {
        Ok(_) => return Ok(Err("the request needs no approval".to_owned())),
        Err(denial) => denial,
    };
    let asked = matches!(denial.code(), Code::ApprovalRequired | Code::ApprovalInvalid);
    let Some((record, keys)) = denial.approval().filter(|_| asked) else {
        let sentence = format!("the request would be refused before an approval is asked for: {denial}");
        return Ok(Err(sentence));
    };
    let token = message.parts().token().context("the request has no token")?;
    Ok(Ok((token.to_owned(), record.clone(), keys.iter().map(|key| key.id().to_string()).collect())))
}

fn json(path: &Path) -> anyhow::Result<Value> {
    let bytes = input::file_or_stdin(path, input::MESSAGE)?;
    Value::parse(&bytes).map_err(|error| anyhow!("not JSON that every parser reads alike: {error}"))
}
