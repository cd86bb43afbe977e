//! The `countersign` command: keys, tokens, signed requests and decisions, from a shell.
//!
//! Exit status: 0 for done or allowed, 1 for denied, 2 for misuse, with one sentence on standard error that names what
//! was misused.

mod args;
mod commands;
mod config;
mod demo;
mod input;
mod judge;
mod keyfile;
mod output;
mod parse;
mod revocations;
mod text;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let cli = match args::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return output::usage(&error),
    };
    commands::run(cli).unwrap_or_else(|error| {
        output::complain(&format!("{error:#}"));
        ExitCode::from(2)
    })
}
