//! What the command prints. A closed pipe is an error to report, never a panic.

use std::io::{self, Write as _};
use std::process::ExitCode;

use anyhow::Context as _;
use serde::Serialize;

use crate::text::{visible, visible_json, without_secrets};

/// Bytes to standard output, as they are.
pub(crate) fn bytes(bytes: &[u8]) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).context("standard output can't be written")
}

/// A line to standard output.
pub(crate) fn line(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.write_all(b"\n"))
        .and_then(|()| out.flush())
        .context("standard output can't be written")
}

/// One line of JSON to standard output.
pub(crate) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    line(&visible_json(&serde_json::to_string(value)?))
}

/// A sentence to standard error.
pub(crate) fn complain(sentence: &str) {
    // Where standard error is closed nobody is there to be told.
    let _ = writeln!(io::stderr().lock(), "countersign: {}", visible(&without_secrets(sentence)));
}

/// What the parser of the command line says: help and version, or a misuse.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let message = error.to_string();
    let told = without_secrets(&message);
    if told == message {
        let _ = error.print();
    } else {
        let _ = io::stderr().lock().write_all(told.as_bytes());
    }
    ExitCode::from(2)
}
