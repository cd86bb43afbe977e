//! `countersign man`: a page for the command and one for each of its subcommands.

use std::fs;

use anyhow::Context as _;

use crate::args::Man;
use crate::examples::command;

pub(crate) fn run(args: &Man) -> anyhow::Result<()> {
    let named = || format!("--out {}", args.out.display());
    fs::create_dir_all(&args.out).with_context(named)?;
    clap_mangen::generate_to(command(), &args.out).with_context(named)
}
