//! `countersign approval request` and `approval grant` (`spec/request.md`, Approvals).

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, anyhow, bail};
use countersign::json::Value;
use countersign::key::PublicKey;
use countersign::request::Message;
use countersign::time::UnixTime;
use countersign::token::UnverifiedToken;
use countersign::verify::{MAX_APPROVAL_SECONDS, OperationRecord, UnsignedApproval};
use countersign::{Code, Denial, to_base64url};

use crate::args::{Approval, ApprovalGrant, ApprovalRequest};
use crate::judge::Judge;
use crate::style::Styles;
use crate::text::{quoted, visible};
use crate::{config, input, keyfile, output, revocations};

pub(crate) fn run(command: &Approval, now: UnixTime) -> anyhow::Result<ExitCode> {
    match command {
        Approval::Request(args) => request(args, now),
        Approval::Grant(args) => grant(args, now),
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

fn grant(args: &ApprovalGrant, now: UnixTime) -> anyhow::Result<ExitCode> {
    let key = keyfile::read(&args.key, "--key")?;
    if args.expires_in.0 > MAX_APPROVAL_SECONDS {
        bail!("--expires-in: an approval holds for 10m at most");
    }
    let named = || args.request.display().to_string();
    let asked = json(&args.request).with_context(named)?;
    let member = |name: &str| asked.as_object().and_then(|asked| asked.member(name));
    let record = member("operation").cloned().and_then(OperationRecord::from_json);
    let record = record.with_context(|| format!("{}: no operation in the form of approval request", named()))?;
    let token = member("token").and_then(Value::as_str).with_context(|| format!("{}: no token", named()))?;
    let token = UnverifiedToken::from_text(token).map_err(|error| anyhow!("{}: its token: {error}", named()))?;
    let digest = record.digest();
    if let Some(reason) = mismatch(&record, &token, &key.public(), now) {
        output::complain(&format!("not approved: {reason}"));
        return Ok(ExitCode::FAILURE);
    }
    if member("digest").and_then(Value::as_str) != Some(to_base64url(&digest).as_str()) {
        output::complain("not approved: the digest is not that of the operation");
        return Ok(ExitCode::FAILURE);
    }
    let verified = match args.issuer_key {
        None => false,
        Some(issuer) if token.clone().verify(&[issuer]).is_ok() => true,
        Some(_) => {
            output::complain("not approved: the token's signatures do not verify under --issuer-key");
            return Ok(ExitCode::FAILURE);
        }
    };
    show(&record, &token, verified, now)?;
    if !args.yes && io::stdin().is_terminal() && !confirmed()? {
        output::complain("not approved");
        return Ok(ExitCode::FAILURE);
    }
    let id = *input::random::<16>()?;
    let unsigned = UnsignedApproval::new(key.public(), digest, now, args.expires_in.0, id);
    let approval = unsigned.and_then(|unsigned| unsigned.sign(&key));
    let approval = approval.context("--expires-in: an approval lasts from 1s to 10m")?;
    output::line(&approval.to_text())?;
    Ok(ExitCode::SUCCESS)
}

/// Why this key can't approve this operation of this token.
fn mismatch(record: &OperationRecord, token: &UnverifiedToken, key: &PublicKey, now: UnixTime) -> Option<&'static str> {
    let claims = token.claims();
    let text = |name: &str| record.member(name).and_then(Value::as_str).unwrap_or_default();
    let same = [
        ("issuer", claims.issuer().to_owned()),
        ("user", claims.user().to_owned()),
        ("purpose", claims.purpose().to_owned()),
        ("holder", claims.holder().id().to_string()),
        ("service", claims.audience().to_owned()),
    ];
    if same.iter().any(|(name, of_token)| text(name) != of_token) {
        return Some("the operation is not one of this token: issuer, user, purpose, holder or service differ");
    }
    let asked = |(kind, action, approver): (&str, &str, PublicKey)| {
        kind == text("type") && action == text("action") && approver == *key
    };
    if !claims.approvals().any(asked) {
        return Some("the token does not name this key as an approver of such operations");
    }
    if claims.agents().any(|agent| agent.key == *key) {
        return Some("the key is one of a holder of the token, who can't approve");
    }
    (now > claims.expires()).then_some("the token is over")
}

/// Shows the token and every member of the operation, on standard error: standard output is for the approval.
fn show(record: &OperationRecord, token: &UnverifiedToken, verified: bool, now: UnixTime) -> anyhow::Result<()> {
    let mut lines = vec!["To be approved, once:".to_owned()];
    for (name, value) in record.members() {
        let value = match value {
            Value::Null => "none".to_owned(),
            Value::Str(text) => quoted(text),
            other => visible(&other.to_jcs()),
        };
        lines.push(format!("  {name}: {value}"));
    }
    lines.push(String::new());
    lines.push(match verified {
        true => {
            "The token that it is asked under; its signatures hold under the issuer's key that you gave:".to_owned()
        }
        false => "The token that it is asked under; nothing of it was verified (--issuer-key does that):".to_owned(),
    });
    lines
        .extend(super::inspect::tree(token, now, Styles::stderr()).into_iter().skip(2).map(|line| format!("  {line}")));
    let mut err = io::stderr().lock();
    err.write_all(lines.join("\n").as_bytes())
        .and_then(|()| err.write_all(b"\n\n"))
        .context("standard error can't be written")
}

fn confirmed() -> anyhow::Result<bool> {
    let _ = io::stderr().lock().write_all(b"Approve? [y/N] ");
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
