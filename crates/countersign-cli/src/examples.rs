//! The command line with an example under the help of each command.

use clap::{Command, CommandFactory as _};

use crate::args::Cli;

/// Each command, as it is typed, and what its help ends with.
const EXAMPLES: &[(&str, &str)] = &[
    (
        "keygen",
        "  countersign keygen --out agent.pem",
    ),
    (
        "mint",
        "  countersign mint --issuer-key hub.pem --issuer https://hub.example --user alice@example.com \\
    --agent calendar-bot=$AGENT --purpose scheduling --audience https://calendar.example.com \\
    --right http:/calendars/primary:GET --expires-in 1h --depth 1 > token

$AGENT is the public key that `countersign keygen` printed, ed25519/ and 64 digits.",
    ),
    (
        "restrict",
        "  countersign restrict @token --expires-in 10m --action GET --resource-under /calendars/primary > narrow",
    ),
    (
        "delegate",
        "  countersign delegate @token --holder-key agent.pem --to summary-bot=$SUB --action GET > handed-on

$SUB is the public key that `countersign keygen` printed, ed25519/ and 64 digits.",
    ),
    (
        "seal",
        "  countersign seal @narrow > sealed",
    ),
    (
        "sign-rpc",
        "  countersign sign-rpc --key agent.pem --token @token --service https://calendar.example.com/mcp call.json > signed.json",
    ),
    (
        "verify-rpc",
        "  countersign verify-rpc --config verifier.toml --server calendar signed.json",
    ),
    (
        "approval request",
        "  countersign approval request --denial problem.json --token @token > approval.json
  countersign approval request --request request --config verifier.toml > approval.json",
    ),
    (
        "approval grant",
        "  countersign approval grant --key approver.pem approval.json
  countersign approval grant --key approver.pem approval.json --yes > approval

The first asks at the terminal, after it showed everything. With --yes there is no question: what is approved stands on
standard error.",
    ),
    (
        "rar",
        "  countersign rar @token > details.json",
    ),
    (
        "jwks",
        "  countersign jwks @hub.pem > jwks.json",
    ),
    (
        "send",
        "  countersign send --key agent.pem --token @token GET https://calendar.example.com/calendars/primary/events",
    ),
    (
        "inspect",
        "  countersign inspect @token
  countersign inspect @token --json | jq .blocks",
    ),
    (
        "sign",
        "  countersign sign --key agent.pem --token @narrow GET https://calendar.example.com/calendars/primary > request
  countersign sign --key agent.pem --token @narrow POST https://calendar.example.com/calendars/primary/events \\
    -H 'content-type: application/json' --body event.json > request",
    ),
    (
        "verify",
        "  countersign verify --config verifier.toml request
  countersign verify --config verifier.toml --authority calendar.example.com - < request",
    ),
    (
        "revoke",
        "  countersign revoke --issuer-key revocation.pem --issuer https://hub.example --list revocations.txt --token @token
  countersign revoke --issuer-key revocation.pem --issuer https://hub.example --list revocations.txt \\
    --user alice@example.com --holder $AGENT --fresh-for 1h

$AGENT is the public key of the holder, ed25519/ and 64 digits.",
    ),
    (
        "revocations verify",
        "  countersign revocations verify revocations.txt --key $REVOCATION --issuer https://hub.example --above 41

$REVOCATION is the public key that signs the list, ed25519/ and 64 digits.",
    ),
    (
        "vectors run",
        "  countersign vectors run test-vectors",
    ),
    (
        "demo",
        "  countersign demo
  countersign demo --json | jq .code",
    ),
    (
        "doctor",
        "  countersign doctor verifier.toml request
  countersign doctor verifier.toml - --now 2026-11-23T17:00:00Z < captured

The verdict is that of `countersign verify`. Nothing is remembered between runs: neither nonces nor budgets. What is
printed holds no part of the token and no key, but it tells more than a stranger may know: it is for the operator.

Exit status: 0 allowed, 1 denied, 2 misuse.",
    ),
    (
        "completions",
        "  countersign completions bash > /etc/bash_completion.d/countersign
  countersign completions zsh > ~/.zfunc/_countersign
  countersign completions fish > ~/.config/fish/completions/countersign.fish",
    ),
    (
        "man",
        "  countersign man --out /usr/local/share/man/man1",
    ),
];

/// The whole command line.
pub(crate) fn command() -> Command {
    EXAMPLES.iter().fold(Cli::command(), |command, (path, example)| {
        let mut names = path.split(' ');
        let Some(name) = names.next() else { return command };
        let text = format!("For example:\n\n{example}");
        command.mut_subcommand(name, |subcommand| match names.next() {
            None => subcommand.after_help(text),
            Some(inner) => subcommand.mut_subcommand(inner, |subcommand| subcommand.after_help(text)),
        })
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests say what went wrong by panicking")]
    use super::*;

    /// The commands that do something, as they are typed.
    fn leaves(command: &Command, path: &str) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for one in command.get_subcommands() {
            let path = [path, " ", one.get_name()].concat();
            match one.has_subcommands() {
                true => found.extend(leaves(one, &path)),
                false => found.push((path, one.get_after_help().map(ToString::to_string).unwrap_or_default())),
            }
        }
        found
    }

    /// The words of a line of a shell, without what it redirects.
    fn words(line: &str) -> Vec<String> {
        let mut words: Vec<String> = Vec::new();
        for (at, piece) in line.split('\'').enumerate() {
            match at % 2 {
                1 => words.push(piece.to_owned()),
                _ => words.extend(piece.split_whitespace().map(str::to_owned)),
            }
        }
        let end = words.iter().position(|word| [">", "<", "|"].contains(&word.as_str())).unwrap_or(words.len());
        words.truncate(end);
        words
    }

    #[test]
    fn each_command_has_an_example_that_it_accepts() {
        let command = command();
        let key = format!("ed25519/{}", "42".repeat(32));
        for (path, help) in leaves(&command, "countersign") {
            let help =
                help.replace(" \\\n", " ").replace("$AGENT", &key).replace("$SUB", &key).replace("$REVOCATION", &key);
            let examples: Vec<&str> = help.lines().map(str::trim).filter(|line| line.starts_with(&path)).collect();
            assert!(!examples.is_empty(), "{path} has no example; add one to EXAMPLES");
            for example in examples {
                let parsed = command.clone().try_get_matches_from(words(example));
                assert!(parsed.is_ok(), "{example}: {}", parsed.err().unwrap());
            }
        }
    }

    #[test]
    fn the_command_line_is_well_formed() {
        command().debug_assert();
    }
}
