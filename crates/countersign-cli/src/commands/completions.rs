//! `countersign completions`.

use clap::CommandFactory as _;

use crate::args::{Cli, Completions};
use crate::output;

pub(crate) fn run(args: &Completions) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "countersign", &mut script);
    output::bytes(&script)
}
