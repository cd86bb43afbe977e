//! The command line.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Parser, Subcommand};
use countersign::rar::Resource;
use countersign::time::UnixTime;
use countersign::token::Restriction;

use crate::parse::{self, FieldLine, Holder, RightText, Seconds};

const FIVE_STEPS: &str = "\
From nothing to a decision, in five steps:

  1. countersign keygen --out hub.pem                           a key for the issuer; and agent.pem for the agent
  2. countersign mint --issuer-key hub.pem --issuer https://hub.example --user alice@example.com \\
       --agent calendar-bot=ed25519/<agent's public key> --purpose scheduling \\
       --audience https://calendar.example.com --right http:/calendars/primary:GET \\
       --expires-in 1h --depth 1 > token                        what the agent may do, and for whom
  3. countersign restrict @token --expires-in 10m > narrow      less of it; or hand it on:
     countersign delegate @token --holder-key agent.pem --to summary-bot=ed25519/<its public key> > narrow
  4. countersign sign --key agent.pem --token @narrow GET https://calendar.example.com/calendars/primary > request
  5. countersign verify --config verifier.toml request          the service's decision, as one line of JSON

TOKEN is the token itself, @FILE, or - for standard input. An open token is a secret, and other users of a computer can
see arguments: give it as @FILE or -.

Exit status: 0 done or allowed, 1 denied, 2 misuse.";

/// Delegation tokens and signed requests for AI agents.
#[derive(Parser)]
#[command(name = "countersign", version, after_help = FIVE_STEPS, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// The present, for runs that can be repeated, such as 2026-11-23T17:00:00Z; the system's clock unless given.
    #[arg(long, global = true, value_name = "RFC3339", value_parser = parse::time, display_order = 900)]
    pub(crate) now: Option<UnixTime>,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Make a private key; its public half is printed as JSON.
    Keygen(Keygen),
    /// Make a token: what an issuer lets an agent do on a user's behalf.
    Mint(Mint),
    /// Narrow an open token; all restrictions must hold besides those it has.
    Restrict(Restrict),
    /// Hand an open token on to another agent's key.
    Delegate(Delegate),
    /// Close an open token: it can then be used and shown, and narrowed by no one.
    Seal(Seal),
    /// Say in plain sentences what a token says. Verifies nothing.
    Inspect(Inspect),
    /// Print a token's rights, before any check, purpose and duration as OAuth authorization_details. Verifies nothing.
    Rar(Rar),
    /// Sign a request; the whole HTTP/1.1 message is printed.
    Sign(Sign),
    /// Decide about requests: one line of JSON for each.
    Verify(Verify),
    /// Work with test vectors.
    #[command(subcommand)]
    Vectors(Vectors),
    /// Start a service, let agents use it, and mount attacks on it.
    Demo(Demo),
}

#[derive(Args)]
pub(crate) struct Keygen {
    /// The key file to write (PKCS#8 PEM, mode 0600), such as agent.pem; it must not exist yet.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}

#[derive(Args)]
pub(crate) struct Mint {
    /// The issuer's key file, such as hub.pem.
    #[arg(long, value_name = "FILE")]
    pub(crate) issuer_key: PathBuf,
    /// Who issues, such as https://hub.example.
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    pub(crate) issuer: String,
    /// On whose behalf the agent acts, such as alice@example.com.
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    pub(crate) user: String,
    /// The agent and its public key, such as calendar-bot=ed25519/4295….
    #[arg(long, value_name = "NAME=KEY", value_parser = parse::holder)]
    pub(crate) agent: Holder,
    /// What for, such as scheduling. With --rar: for the details that do not say it.
    #[arg(long, value_parser = NonEmptyStringValueParser::new(), required_unless_present = "rar")]
    pub(crate) purpose: Option<String>,
    /// The one service that the token is for, such as https://calendar.example.com.
    #[arg(long, value_name = "URL", value_parser = parse::audience, required_unless_present = "rar")]
    pub(crate) audience: Option<String>,
    /// What the agent may do, such as calendar:/calendars/primary:read; one or more. A location covers what is beneath
    /// it. For a service without an operation table the type is http and the action a method: http:/calendars:GET.
    #[arg(long = "right", value_name = "TYPE:LOCATION:ACTION", required_unless_present = "rar", value_parser = parse::right)]
    pub(crate) rights: Vec<RightText>,
    /// For how long, such as 90s, 10m, 1h or 30d. With --rar: for the details that do not say it.
    #[arg(long, value_name = "DURATION", value_parser = parse::duration, required_unless_present = "rar")]
    pub(crate) expires_in: Option<Seconds>,
    /// A file with OAuth authorization_details (RFC 9396), such as details.json, or - for standard input, in place of
    /// --right and --audience: a token a line, one for each purpose, duration and audience.
    #[arg(long, value_name = "FILE|-", conflicts_with_all = ["rights", "audience"])]
    pub(crate) rar: Option<PathBuf>,
    /// The resource that the details are asked for (RFC 8707), such as https://calendar.example.com: the audience of the
    /// tokens. Without it each location is a URL, whose origin is the audience.
    #[arg(long, value_name = "URL", requires = "rar", value_parser = Resource::parse)]
    pub(crate) resource: Option<Resource>,
    /// How many times the token may be handed on, 0 to 6, such as 2.
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true, value_parser = clap::value_parser!(u8).range(0..=6))]
    pub(crate) depth: u8,
}

#[derive(Args)]
pub(crate) struct Restrict {
    /// An open token, @FILE such as @token, or - for standard input.
    #[arg(value_name = "TOKEN|@FILE|-")]
    pub(crate) token: String,
    #[command(flatten)]
    pub(crate) restrictions: Restrictions,
}

#[derive(Args)]
pub(crate) struct Delegate {
    /// An open token, @FILE such as @token, or - for standard input.
    #[arg(value_name = "TOKEN|@FILE|-")]
    pub(crate) token: String,
    /// The key file of the token's current holder, such as agent.pem.
    #[arg(long, value_name = "FILE")]
    pub(crate) holder_key: PathBuf,
    /// The new holder and its public key, such as summary-bot=ed25519/5db6….
    #[arg(long, value_name = "NAME=KEY", value_parser = parse::holder)]
    pub(crate) to: Holder,
    /// How many times the new holder may hand the token on: less than is left now, such as 0.
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true, value_parser = clap::value_parser!(u8).range(0..=6))]
    pub(crate) depth: u8,
    #[command(flatten)]
    pub(crate) restrictions: Restrictions,
}

#[derive(Args)]
pub(crate) struct Seal {
    /// An open token, @FILE such as @token, or - for standard input.
    #[arg(value_name = "TOKEN|@FILE|-")]
    pub(crate) token: String,
}

#[derive(Args)]
pub(crate) struct Inspect {
    /// A token, open or sealed, @FILE such as @token, or - for standard input.
    #[arg(value_name = "TOKEN|@FILE|-")]
    pub(crate) token: String,
    /// Print JSON instead of sentences.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct Rar {
    /// A token, open or sealed, @FILE such as @token, or - for standard input. Locations are URLs where the token's
    /// audience is an origin and all of them are paths; else mint --rar needs the audience as --resource.
    #[arg(value_name = "TOKEN|@FILE|-")]
    pub(crate) token: String,
    /// Print one line in canonical form (RFC 8785) instead of several.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct Sign {
    /// The key file of the token's current holder, such as agent.pem.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
    /// A token, @FILE such as @token, or - for standard input. An open one is sealed first.
    #[arg(long, value_name = "TOKEN|@FILE|-")]
    pub(crate) token: String,
    /// The request's method, such as GET.
    #[arg(value_parser = parse::method)]
    pub(crate) method: String,
    /// The request's absolute URL, such as 'https://calendar.example.com/calendars/primary?from=today'.
    pub(crate) url: String,
    /// A field of the request, such as 'content-type: application/json'; any number. Where one of them is
    /// authorization, the token stands in countersign-token.
    #[arg(short = 'H', value_name = "name: value", value_parser = parse::field)]
    pub(crate) fields: Vec<FieldLine>,
    /// A file with the request's body, such as event.json; needs -H 'content-type: …'.
    #[arg(long, value_name = "FILE")]
    pub(crate) body: Option<PathBuf>,
    /// The nonce, 16 to 64 bytes such as 000102030405060708090a0b0c0d0e0f, for runs that can be repeated; fresh randomness
    /// unless given. A service takes each nonce of a key once.
    #[arg(long, value_name = "HEX", value_parser = parse::nonce)]
    pub(crate) nonce: Option<::std::vec::Vec<u8>>,
}

#[derive(Args)]
pub(crate) struct Verify {
    /// The service's configuration, such as verifier.toml.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// Files with one HTTP/1.1 request message each, such as request, or - for standard input, which is also read where
    /// none is given. They share one memory of nonces, in their order.
    #[arg(value_name = "REQUEST|-")]
    pub(crate) requests: Vec<PathBuf>,
    /// The :authority pseudo-header, for requests that came by HTTP/2, such as calendar.example.com.
    #[arg(long, value_name = "NAME")]
    pub(crate) authority: Option<String>,
}

#[derive(Subcommand)]
pub(crate) enum Vectors {
    /// Run all vectors of a folder against this implementation.
    Run {
        /// The folder, such as test-vectors.
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
}

#[derive(Args)]
pub(crate) struct Demo {
    /// Print JSON instead of a table.
    #[arg(long)]
    pub(crate) json: bool,
}

/// The typed restrictions (`spec/checks.md`).
#[derive(Args)]
#[command(next_help_heading = "Restrictions (several values of one: any of them; several of them: all must hold)")]
pub(crate) struct Restrictions {
    /// For so long from now on, such as 10m.
    #[arg(long, value_name = "DURATION", value_parser = parse::duration, conflicts_with = "expires_by")]
    expires_in: Option<Seconds>,
    /// Up to this second, such as 2026-11-23T18:00:00Z.
    #[arg(long, value_name = "RFC3339", value_parser = parse::time)]
    expires_by: Option<UnixTime>,
    /// From this second on, such as 2026-11-23T17:30:00Z.
    #[arg(long, value_name = "RFC3339", value_parser = parse::time)]
    not_before: Option<UnixTime>,
    /// At this service only, such as https://calendar.example.com.
    #[arg(long = "service", value_name = "URL", value_parser = NonEmptyStringValueParser::new())]
    services: Vec<String>,
    /// Operations of this type only, such as calendar.
    #[arg(long = "type", value_name = "TYPE", value_parser = NonEmptyStringValueParser::new())]
    types: Vec<String>,
    /// This action only, such as read.
    #[arg(long = "action", value_name = "ACTION", value_parser = NonEmptyStringValueParser::new())]
    actions: Vec<String>,
    /// This HTTP method only, such as GET.
    #[arg(long = "method", value_name = "METHOD", value_parser = NonEmptyStringValueParser::new())]
    methods: Vec<String>,
    /// This tool only, such as search_events.
    #[arg(long = "tool", value_name = "TOOL", value_parser = NonEmptyStringValueParser::new())]
    tools: Vec<String>,
    /// On behalf of this user only, such as alice@example.com.
    #[arg(long = "user", value_name = "USER", value_parser = NonEmptyStringValueParser::new())]
    users: Vec<String>,
    /// For this purpose only, such as scheduling.
    #[arg(long = "purpose", value_name = "PURPOSE", value_parser = NonEmptyStringValueParser::new())]
    purposes: Vec<String>,
    /// Under this binding only, such as ed25519.
    #[arg(long = "binding", value_name = "BINDING", value_parser = NonEmptyStringValueParser::new())]
    bindings: Vec<String>,
    /// This resource only, such as /calendars/primary.
    #[arg(long, value_name = "RESOURCE", value_parser = NonEmptyStringValueParser::new())]
    resource_is: Option<String>,
    /// This location and what is beneath it only, such as /calendars.
    #[arg(long, value_name = "LOCATION", value_parser = NonEmptyStringValueParser::new())]
    resource_under: Option<String>,
}

impl Restrictions {
    /// What was asked for, in the order of the help.
    pub(crate) fn at(self, now: UnixTime) -> Vec<Restriction> {
        let some = |values: Vec<String>, restriction: fn(Vec<String>) -> Restriction| {
            (!values.is_empty()).then(|| restriction(values))
        };
        [
            self.expires_in.map(|Seconds(seconds)| Restriction::ExpiresBy(now.plus(seconds))),
            self.expires_by.map(Restriction::ExpiresBy),
            self.not_before.map(Restriction::NotBefore),
            some(self.services, Restriction::Services),
            some(self.types, Restriction::Types),
            some(self.actions, Restriction::Actions),
            some(self.methods, Restriction::Methods),
            some(self.tools, Restriction::Tools),
            some(self.users, Restriction::Users),
            some(self.purposes, Restriction::Purposes),
            some(self.bindings, Restriction::Bindings),
            self.resource_is.map(Restriction::ResourceIs),
            self.resource_under.map(Restriction::ResourceUnder),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}
