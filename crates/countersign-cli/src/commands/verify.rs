//! `countersign verify`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use countersign::request::Message;
use countersign::time::UnixTime;
use countersign::verify::Decision;

use crate::args::Verify;
use crate::judge::Judge;
use crate::{config, input, output, revocations};

pub(crate) fn run(args: &Verify, now: UnixTime) -> anyhow::Result<ExitCode> {
    let config = config::read(&args.config)?;
    let view = revocations::of_config(&args.config, "--config", &config.verifier, now)?;
    let judge = Judge::of(config, view);
    let stdin = [PathBuf::from("-")];
    let requests = if args.requests.is_empty() { stdin.as_slice() } else { args.requests.as_slice() };
    let (mut denied, mut misused) = (false, false);
    for path in requests {
        // What is no message has no decision; those behind it still do.
        match decide(&judge, path, args.authority.as_deref(), now) {
            Ok(decision) => {
                denied |= decision.decision != "allow";
                output::json(&decision)?;
            }
            Err(error) => {
                misused = true;
                output::complain(&format!("{}: {error:#}", path.display()));
            }
        }
    }
    Ok(ExitCode::from(match (misused, denied) {
        (true, _) => 2,
        (false, true) => 1,
        (false, false) => 0,
    }))
}

fn decide(judge: &Judge, path: &Path, authority: Option<&str>, now: UnixTime) -> anyhow::Result<Decision> {
    let bytes = input::file_or_stdin(path, input::MESSAGE)?;
    let message = Message::parse(&bytes)?;
    let message = match authority {
        Some(authority) => message.with_authority(authority),
        None => message,
    };
    Ok(judge.decide(&message, now))
}
