//! The demonstration.

use std::process::ExitCode;

/// Runs the demonstration.
pub(crate) fn run(_json: bool) -> anyhow::Result<ExitCode> {
    anyhow::bail!("demo: not built yet")
}
