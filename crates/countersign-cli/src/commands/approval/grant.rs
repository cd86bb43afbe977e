//! `countersign approval grant`: shows an operation, asks, signs.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::process::ExitCode;

use anyhow::{Context as _, anyhow, bail};
use countersign::json::Value;
use countersign::key::PublicKey;
use countersign::time::UnixTime;
use countersign::to_base64url;
use countersign::token::UnverifiedToken;
use countersign::verify::{MAX_APPROVAL_SECONDS, OperationRecord, UnsignedApproval};

use super::json;
use super::shown::Page;
use crate::args::ApprovalGrant;
use crate::style::Styles;
use crate::{input, keyfile, output};

/// The longest answer that is read: as much as a terminal keeps of a line.
const ANSWER: u64 = 4096;

pub(super) fn run(args: &ApprovalGrant, now: UnixTime) -> anyhow::Result<ExitCode> {
    let key = keyfile::read(&args.key, "--key")?;
    if args.expires_in.0 > MAX_APPROVAL_SECONDS {
        bail!("--expires-in: an approval holds for 10m at most");
    }
    let named = || args.request.display().to_string();
    let asked = json(&args.request).with_context(named)?;
    let member = |name: &str| asked.as_object().and_then(|asked| asked.member(name));
    let record = member("operation").cloned().and_then(OperationRecord::from_json);
    let record = record.with_context(|| format!("{}: no operation in the form of approval request", named()))?;
    let text = member("token").and_then(Value::as_str).with_context(|| format!("{}: no token", named()))?;
    let token = UnverifiedToken::from_text(text).map_err(|error| anyhow!("{}: its token: {error}", named()))?;
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
    let page = |styles| {
        let mut page = Page::new(&record, args.full);
        page.token(&token, text, verified, now, styles);
        page.in_short(&record, token.claims());
        page
    };
    if args.yes {
        let page = page(Styles::stderr());
        io::stderr().lock().write_all(page.text().as_bytes()).context("standard error can't be written")?;
    } else {
        let terminal = terminal().context("no terminal to ask at; --yes approves without a question")?;
        let page = page(Styles::terminal(&terminal));
        if !confirmed(terminal, &page).context("the terminal can't be asked")? {
            output::complain("not approved");
            return Ok(ExitCode::FAILURE);
        }
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

/// The terminal of whoever runs the command, whatever stands at the standard streams: what is piped in is not their answer,
/// and where errors are logged nobody may be reading.
fn terminal() -> Option<File> {
    OpenOptions::new().read(true).write(true).open("/dev/tty").ok()
}

/// Shows the page and asks.
fn confirmed(mut terminal: File, page: &Page) -> io::Result<bool> {
    terminal.write_all(page.text().as_bytes())?;
    terminal.write_all(page.question().as_bytes())?;
    let mut answer = Vec::new();
    BufReader::new(terminal.take(ANSWER)).read_until(b'\n', &mut answer)?;
    Ok(matches!(answer.trim_ascii(), b"y" | b"Y" | b"yes"))
}
