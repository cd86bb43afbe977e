//! The commands, a module each.

mod approval;
mod completions;
mod doctor;
mod inspect;
mod jwks;
mod keygen;
mod man;
mod mint;
mod narrow;
mod rar;
mod revocations;
mod revoke;
mod rpc;
mod send;
mod sign;
mod vectors;
mod verify;

use std::process::ExitCode;

use crate::args::{Cli, Command, Revocations, Vectors};
use crate::{demo, input};

/// Runs the command that was asked for.
pub(crate) fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let now = || input::now(cli.now);
    match cli.command {
        Command::Keygen(args) => keygen::run(&args).map(done),
        Command::Jwks(args) => jwks::run(&args).map(done),
        Command::Mint(args) => mint::run(&args, now()?).map(done),
        Command::Restrict(args) => narrow::restrict(args, now()?).map(done),
        Command::Delegate(args) => narrow::delegate(args, now()?).map(done),
        Command::Seal(args) => narrow::seal(&args).map(done),
        Command::Inspect(args) => inspect::run(&args, now()?).map(done),
        Command::Rar(args) => rar::run(&args).map(done),
        Command::Sign(args) => sign::run(&args, now()?).map(done),
        Command::Verify(args) => verify::run(&args, now()?),
        Command::Revoke(args) => revoke::run(&args, now()?).map(done),
        Command::Revocations(Revocations::Verify(args)) => revocations::run(&args, now()?),
        Command::SignRpc(args) => rpc::sign(&args, now()?).map(done),
        Command::VerifyRpc(args) => rpc::verify(&args, now()?),
        Command::Approval(args) => approval::run(&args, now()?),
        Command::Vectors(Vectors::Run { folder }) => vectors::run(&folder),
        Command::Demo(args) => demo::run(args.json),
        Command::Send(args) => send::run(args, cli.now),
        Command::Doctor(args) => doctor::run(&args, now()?),
        Command::Completions(args) => completions::run(&args).map(done),
        Command::Man(args) => man::run(&args).map(done),
    }
}

fn done((): ()) -> ExitCode {
    ExitCode::SUCCESS
}
