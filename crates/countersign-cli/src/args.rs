//! The command line.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Parser, Subcommand};
use countersign::key::{KeyId, PublicKey};
use countersign::rar::Resource;
use countersign::time::UnixTime;

use crate::parse::{
    self, ApprovalText, BudgetText, FieldLine, Holder, RightText, Seconds, UserConversation, UserUntil,
};
use crate::restrictions::Restrictions;
use crate::style::When;

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
     countersign doctor verifier.toml request                   the same decision, explained

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

    /// Colours: auto (on a terminal, unless NO_COLOR is set), always, or never; such as never.
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        value_enum,
        default_value_t,
        hide_default_value = true,
        hide_possible_values = true,
        display_order = 901
    )]
    pub(crate) color: When,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Make a private key; its public half is printed as JSON.
    Keygen(Keygen),
    /// Print public keys as a JWK Set: what an issuer publishes for its verifiers.
    Jwks(Jwks),
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
    /// Take things back: write the next of an issuer's signed, numbered revocation lists. With nothing to revoke, the list
    /// is made anew, so that it stays fresh.
    Revoke(Revoke),
    /// Look at revocation lists.
    #[command(subcommand)]
    Revocations(Revocations),
    /// Sign a JSON-RPC message, such as one of MCP; it is printed with its envelope, in one line.
    SignRpc(SignRpc),
    /// Decide about JSON-RPC messages of MCP: one line of JSON for each.
    VerifyRpc(VerifyRpc),
    /// Ask for an approval, or give one.
    #[command(subcommand)]
    Approval(Approval),
    /// Work with test vectors.
    #[command(subcommand)]
    Vectors(Vectors),
    /// Start a service, let agents use it, and mount attacks on it.
    Demo(Demo),
    /// Sign a request, send it, and print the answer.
    Send(Send),
    /// Explain a decision about one request, stage by stage: what was checked, what was seen, what would have passed.
    Doctor(Doctor),
    /// Print a script by which a shell completes this command's options.
    Completions(Completions),
    /// Write manual pages, one for the command and one for each subcommand.
    Man(Man),
}

#[derive(Args)]
pub(crate) struct Keygen {
    /// The key file to write (PKCS#8 PEM, mode 0600), such as agent.pem; it must not exist yet.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}

#[derive(Args)]
pub(crate) struct Jwks {
    /// Public keys such as ed25519/4295…, or key files such as @hub.pem, whose public halves are taken; one to eight.
    #[arg(value_name = "KEY|@FILE", required = true)]
    pub(crate) keys: Vec<String>,
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
    #[arg(long = "expires-in", value_name = "DURATION", value_parser = parse::duration, required_unless_present = "rar")]
    pub(crate) valid_for: Option<Seconds>,
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
    /// An amount that may be spent, such as daily:calls:100:1d (100 calls a day; a window of 0: for good).
    #[arg(long = "budget", value_name = "ACCOUNT:UNIT:AMOUNT:WINDOW", value_parser = parse::budget)]
    pub(crate) budgets: Vec<BudgetText>,
    /// An account counts operations of this type and action only, such as daily:email:send.
    #[arg(long = "metered", value_name = "ACCOUNT:TYPE:ACTION", value_parser = parse::right)]
    pub(crate) metered: Vec<RightText>,
    /// Operations of this type and action need a fresh approval by this key, such as email:send:ed25519/5db6….
    #[arg(long = "approval", value_name = "TYPE:ACTION:KEY", value_parser = parse::approval)]
    pub(crate) approvals: Vec<ApprovalText>,
    /// The permission behind the token, by which all of its tokens are revoked together, such as g-19c2.
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) grant: Option<String>,
    /// The conversation that the token ends with, such as conv-7f3a.
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) conversation: Option<String>,
    #[command(flatten)]
    pub(crate) restrictions: Restrictions,
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
    /// An amount that the new holder and those behind it may spend, such as hour:calls:10:1h.
    #[arg(long = "budget", value_name = "ACCOUNT:UNIT:AMOUNT:WINDOW", value_parser = parse::budget)]
    pub(crate) budgets: Vec<BudgetText>,
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
    /// An approval, such as $(countersign approval grant --key approver.pem approval.json); any number.
    #[arg(long = "approval", value_name = "VALUE")]
    pub(crate) approvals: Vec<String>,
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

#[derive(Args)]
pub(crate) struct Revoke {
    /// The key file that signs the list, such as revocation.pem: the issuer's revocation key, or a root key such as hub.pem
    /// where services were told of no revocation key.
    #[arg(long, value_name = "FILE")]
    pub(crate) issuer_key: PathBuf,
    /// Whose list it is, such as https://hub.example.
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    pub(crate) issuer: String,
    /// The list's file, such as revocations.txt. What it revokes now stays revoked; it need not exist yet.
    #[arg(long, value_name = "FILE")]
    pub(crate) list: PathBuf,
    /// Another public key that may have signed the present list, such as ed25519/4295…; any number.
    #[arg(long = "signed-by", value_name = "KEY", value_parser = parse::public_key)]
    pub(crate) signed_by: Vec<PublicKey>,
    /// A block's id as `inspect --json` shows it, such as 8e11…: its token and all made from it; any number.
    #[arg(long = "block", value_name = "ID", value_parser = parse::block_id)]
    pub(crate) blocks: Vec<[u8; 16]>,
    /// A holder's key id or public key, such as NxrCHrTq9apjqfecEvvPuRlom19Xo8yyeAGwaI3Mni0 or ed25519/fdc4…: every token that
    /// it holds or has held. Never taken back. Any number.
    #[arg(long = "holder", value_name = "KEYID|KEY", value_parser = parse::key_id)]
    pub(crate) holders: Vec<KeyId>,
    /// A user's tokens issued up to a time, such as alice@example.com@2026-11-23T17:00:00Z; without the time, up to now. Any
    /// number.
    #[arg(long = "user", value_name = "USER[@RFC3339]", value_parser = parse::user_until)]
    pub(crate) users: Vec<UserUntil>,
    /// A conversation that has ended, such as alice@example.com:conv-7f3a; it begins behind the last colon. Any number.
    #[arg(long = "conversation", value_name = "USER:CONVERSATION", value_parser = parse::conversation)]
    pub(crate) conversations: Vec<UserConversation>,
    /// A grant, such as g-19c2: all of its tokens; any number.
    #[arg(long = "grant", value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) grants: Vec<String>,
    /// A key of the issuer that is not to be trusted any more, such as ed25519/4295…. Never taken back, and not the key that
    /// signs this list. Any number.
    #[arg(long = "issuer-key-revoked", value_name = "KEY", value_parser = parse::public_key)]
    pub(crate) issuer_keys: Vec<PublicKey>,
    /// A token, @FILE such as @token, or - for standard input: this token and all made from it, by the id of its last block.
    /// Tokens that it was made from stay. Any number.
    #[arg(long = "token", value_name = "TOKEN|@FILE|-")]
    pub(crate) tokens: Vec<String>,
    /// For how long services may rely on this list, such as 10m or 1h, at most 7d. A new one has to be there before.
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = parse::duration)]
    pub(crate) fresh_for: Seconds,
    /// Print JSON instead of a sentence.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Subcommand)]
pub(crate) enum Revocations {
    /// Say what a list revokes, and whether a service would rely on it now: 1 where it would not.
    Verify(VerifyRevocations),
}

#[derive(Args)]
pub(crate) struct VerifyRevocations {
    /// The list's file, such as revocations.txt.
    #[arg(value_name = "FILE")]
    pub(crate) list: PathBuf,
    /// A public key that may sign it, such as ed25519/4295…; one or more.
    #[arg(long = "key", value_name = "KEY", required = true, value_parser = parse::public_key)]
    pub(crate) keys: Vec<PublicKey>,
    /// Whose list it must be, such as https://hub.example; anybody's unless given.
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    pub(crate) issuer: Option<String>,
    /// The number that its number must exceed, such as 41.
    #[arg(long, value_name = "N")]
    pub(crate) above: Option<u64>,
    /// Print JSON instead of sentences.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct SignRpc {
    /// The key file of the token's current holder, such as agent.pem.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
    /// A token, @FILE such as @token, or - for standard input. An open one is sealed first.
    #[arg(long, value_name = "TOKEN|@FILE|-")]
    pub(crate) token: String,
    /// The service that the message is for, such as https://calendar.example.com/mcp: the token's audience.
    #[arg(long, value_name = "URL", value_parser = parse::audience)]
    pub(crate) service: String,
    /// A file with one JSON-RPC message, such as call.json, or - for standard input, which is also read where none is given.
    #[arg(value_name = "MESSAGE|-")]
    pub(crate) message: Option<PathBuf>,
    /// The nonce, 16 to 64 bytes such as 000102030405060708090a0b0c0d0e0f, for runs that can be repeated; fresh randomness
    /// unless given.
    #[arg(long, value_name = "HEX", value_parser = parse::nonce)]
    pub(crate) nonce: Option<::std::vec::Vec<u8>>,
}

#[derive(Args)]
pub(crate) struct VerifyRpc {
    /// The service's configuration, such as verifier.toml; its [mcp] names the server.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// The name of the server that rights speak of, such as calendar, in place of the one in the configuration.
    #[arg(long, value_name = "NAME")]
    pub(crate) server: Option<String>,
    /// Files with one message each, such as signed.json, or - for standard input, which is also read where none is given.
    #[arg(value_name = "MESSAGE|-")]
    pub(crate) messages: Vec<PathBuf>,
}

#[derive(Subcommand)]
pub(crate) enum Approval {
    /// Write down what has to be approved, for the approver: the operation, the token, the digest.
    Request(ApprovalRequest),
    /// Show an operation and approve it with a key; the value of Countersign-Approval is printed.
    Grant(ApprovalGrant),
}

#[derive(Args)]
#[command(group(clap::ArgGroup::new("from").required(true)))]
pub(crate) struct ApprovalRequest {
    /// The answer of a service that asked for an approval (the problem, application/problem+json), such as problem.json, or
    /// -; needs --token.
    #[arg(long, value_name = "FILE|-", group = "from", requires = "token")]
    pub(crate) denial: Option<PathBuf>,
    /// The token that was sent, @FILE such as @token, or - for standard input.
    #[arg(long, value_name = "TOKEN|@FILE|-")]
    pub(crate) token: Option<String>,
    /// An HTTP/1.1 request message, such as request, or -; needs --config.
    #[arg(long, value_name = "FILE|-", group = "from", requires = "config")]
    pub(crate) request: Option<PathBuf>,
    /// The configuration of the service that the request is for, such as verifier.toml: its table says which operation the
    /// request is.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct ApprovalGrant {
    /// The approver's key file, such as approver.pem.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
    /// What `approval request` printed, such as approval.json, or - for standard input.
    #[arg(value_name = "FILE|-")]
    pub(crate) request: PathBuf,
    /// A key of the issuer, such as ed25519/4295…: the token's signatures are verified under it.
    #[arg(long, value_name = "KEY", value_parser = parse::public_key)]
    pub(crate) issuer_key: Option<countersign::key::PublicKey>,
    /// For how long the approval holds, such as 5m; at most 10m.
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = parse::duration)]
    pub(crate) expires_in: Seconds,
    /// Show long values and long tokens in full. Without it the start is shown, the length and the SHA-256 of all of it.
    #[arg(long)]
    pub(crate) full: bool,
    /// Approve without a question. Without it the question is asked at the terminal, and where there is none nothing is
    /// approved.
    #[arg(long)]
    pub(crate) yes: bool,
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

#[derive(Args)]
pub(crate) struct Send {
    /// The key file of the token's current holder, such as agent.pem.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
    /// A token, @FILE such as @token, or - for standard input. An open one is sealed first; only an open one can be
    /// narrowed for this request.
    #[arg(long, value_name = "TOKEN|@FILE|-")]
    pub(crate) token: String,
    /// The request's method, such as GET.
    #[arg(value_parser = parse::method)]
    pub(crate) method: String,
    /// The request's absolute URL, such as 'https://calendar.example.com/calendars/primary?from=today'. The token is sent
    /// to the origin of its audience only.
    pub(crate) url: String,
    /// Another origin at which the token's service answers, such as http://127.0.0.1:8600; any number.
    #[arg(long = "also-at", value_name = "ORIGIN")]
    pub(crate) also_at: Vec<String>,
    /// A field of the request, such as 'content-type: application/json'; any number. Where one of them is
    /// authorization, the token stands in countersign-token.
    #[arg(short = 'H', value_name = "name: value", value_parser = parse::field)]
    pub(crate) fields: Vec<FieldLine>,
    /// A file with the request's body, such as event.json; needs -H 'content-type: …'.
    #[arg(long, value_name = "FILE")]
    pub(crate) body: Option<PathBuf>,
    /// An approval of this operation, such as eyJhcHBy….c2lnbmF0… from who may approve it.
    #[arg(long, value_name = "VALUE", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) approval: Option<String>,
    /// Certificates to trust instead of the system's, in PEM, such as ca.pem.
    #[arg(long, value_name = "FILE")]
    pub(crate) cacert: Option<PathBuf>,
    /// How long to wait for the answer to begin, such as 10s.
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = parse::duration)]
    pub(crate) timeout: Seconds,
    /// Print the status line and the fields of the answer in front of its body.
    #[arg(long)]
    pub(crate) include: bool,
    /// Print the answer, or the refusal with all that it says, as one line of JSON.
    #[arg(long, conflicts_with = "include")]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) restrictions: Restrictions,
}

#[derive(Args)]
pub(crate) struct Doctor {
    /// The service's configuration, such as verifier.toml.
    #[arg(value_name = "CONFIG")]
    pub(crate) config: PathBuf,
    /// A file with one HTTP/1.1 request message, such as request, or - for standard input.
    #[arg(value_name = "REQUEST|-")]
    pub(crate) request: PathBuf,
    /// The :authority pseudo-header, for a request that came by HTTP/2, such as calendar.example.com.
    #[arg(long, value_name = "NAME")]
    pub(crate) authority: Option<String>,
    /// Print one JSON object instead of sentences.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct Completions {
    /// The shell, such as bash.
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Args)]
pub(crate) struct Man {
    /// The folder to write to, such as /usr/local/share/man/man1; it is made where it does not exist, and pages of an
    /// earlier version are overwritten.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
}
