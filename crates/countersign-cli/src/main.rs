//! The `countersign` command: keys, tokens, signed requests and decisions, from a shell.
//!
//! Exit status: 0 for done or allowed, 1 for denied, 2 for misuse, with one sentence on standard error that names what
//! was misused.

mod args;
mod commands;
mod config;
mod demo;
mod examples;
mod input;
mod judge;
mod keyfile;
mod output;
mod parse;
mod restrictions;
mod revocations;
mod sentences;
mod style;
mod text;

use std::process::ExitCode;

use clap::FromArgMatches as _;

fn main() -> ExitCode {
    let mut command = examples::command().color(style::When::asked(std::env::args_os()).into());
    let parsed = command.try_get_matches_from_mut(std::env::args_os());
    let parsed = parsed.and_then(|matches| args::Cli::from_arg_matches(&matches));
    let cli = match parsed.map_err(|error| error.format(&mut command)) {
        Ok(cli) => cli,
        Err(error) => return output::usage(&error),
    };
    cli.color.set();
    commands::run(cli).unwrap_or_else(|error| {
        output::complain(&format!("{error:#}"));
        ExitCode::from(2)
    })
}
