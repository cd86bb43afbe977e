//! `countersign completions`.

use crate::args::Completions;
use crate::examples::command;
use crate::output;

pub(crate) fn run(args: &Completions) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command(), "countersign", &mut script);
    output::bytes(&script)
}
