//! `countersign sign-rpc` and `verify-rpc` (`spec/jsonrpc.md`).

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, anyhow, bail};
use countersign::jsonrpc::mcp::Server;
use countersign::jsonrpc::{Message, SignError, SignMessage};
use countersign::time::UnixTime;
use countersign::verify::VerifierBuilder;

use crate::args::{SignRpc, VerifyRpc};
use crate::judge::Judge;
use crate::{config, input, keyfile, output, revocations};

pub(crate) fn sign(args: &SignRpc, now: UnixTime) -> anyhow::Result<()> {
    let key = keyfile::read(&args.key, "--key")?;
    let token = input::sealed_token(&args.token, "--token")?;
    let path = args.message.as_deref().unwrap_or(Path::new("-"));
    let named = || format!("MESSAGE {}", path.display());
    let text = input::file_or_stdin(path, input::MESSAGE).with_context(named)?;
    let message = Message::parse(&text, VerifierBuilder::DEFAULT_MAX_BODY)
        .map_err(|denial| anyhow!("{}: {}", named(), denial.detail()))?;
    let nonce = match &args.nonce {
        Some(nonce) => nonce.clone(),
        None => input::random::<16>()?.to_vec(),
    };
    if token.claims().audience() != args.service {
        bail!("--service: the token is for another service");
    }
    let signed = SignMessage::new(message, &args.service, &token).created(now, nonce).sign(&key);
    let signed = signed.map_err(|error| match error {
        SignError::NotTheHolder => anyhow!("--key: {error}"),
        SignError::Meta => anyhow!("{}: {error}", named()),
        _ => anyhow!("--nonce or --now: {error}"),
    })?;
    output::line(&signed.to_text())
}

pub(crate) fn verify(args: &VerifyRpc, now: UnixTime) -> anyhow::Result<ExitCode> {
    let config = config::read(&args.config)?;
    let server = match (&args.server, &config.mcp) {
        (Some(name), _) => Server::new(name).context("--server")?,
        (None, Some(mcp)) => mcp.server.clone(),
        (None, None) => bail!("--server: the configuration has no [mcp] with the name of the server"),
    };
    let view = revocations::of_config(&args.config, "--config", &config.verifier, now)?;
    let judge = Judge::of(config, view);
    let stdin = [PathBuf::from("-")];
    let messages = if args.messages.is_empty() { stdin.as_slice() } else { args.messages.as_slice() };
    let mut denied = false;
    for path in messages {
        let text = input::file_or_stdin(path, input::MESSAGE).with_context(|| path.display().to_string())?;
        let decision = judge.decide_rpc(&text, &server, now);
        denied |= decision.decision != "allow";
        output::json(&decision)?;
    }
    Ok(ExitCode::from(u8::from(denied)))
}
