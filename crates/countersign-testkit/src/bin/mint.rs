//! Writes vectors of tokens and requests that the library itself made, for verifiers by others to read:
//! `mint --seed N --count K --out DIR`. Every third is made wrong in one place.
//!
//! What is expected is the reference verifier's word; that what is not made wrong is allowed is asserted. The verifiers in
//! `test-vectors/checkers` have the same command, for what they make.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "a generator over numbers of its own: a panic says that it contradicts itself"
)]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

use countersign::jsonrpc::{Message, SignMessage};
use countersign::key::SigningKey;
use countersign::request::{SignRequest, TokenField};
use countersign::time::UnixTime;
use countersign::token::{ArgValue, Delegation, Grant, OpenToken, Restriction, Right, SealedToken};
use countersign_testkit::clock::NOW;
use countersign_testkit::forge::random::Random;
use countersign_testkit::format::{Expect, Input, Operation, Vector, VectorFile};
use countersign_testkit::format_rpc::{Mcp, RpcFile, RpcInput, RpcVector, Sent};
use countersign_testkit::keys::Key;
use countersign_testkit::reference::{Judgement, decide_message, decide_request};
use countersign_testkit::text::b64u;
use countersign_testkit::vectors::standard::{ISSUER, SERVICE, config};
use serde::Deserialize as _;

const USERS: [&str; 4] = ["alice@example.com", "björn@example.com", "用户", "a \"quoted\" user"];
const NAMES: [&str; 3] = ["calendar-bot", "résumé reader", "bot\\7"];
const BODY: &str = r#"{"to":["a@example.com","b@example.com"],"amount":12.50,"link":"https://wiki.example/x","file":"/docs/a.md","urgent":true,"n":{"deep":-7},"day":"2026-11-24"}"#;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let parsed = match arguments.as_slice() {
        ["--seed", seed, "--count", count, "--out", out] => seed.parse().ok().zip(count.parse().ok()).zip(Some(out)),
        _ => None,
    };
    let Some(((seed, count), out)) = parsed else {
        eprintln!("usage: mint --seed N --count K --out DIR");
        return ExitCode::from(2);
    };
    match write(seed, count, &PathBuf::from(out)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mint: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write(seed: u64, count: u64, out: &Path) -> Result<(), Box<dyn Error>> {
    let comment = format!("made by the library: seed {seed}");
    let (mut requests, mut messages) = (Vec::new(), Vec::new());
    for index in 0..count {
        let mut making = Making::new(seed, index);
        if index % 4 == 3 {
            messages.push(making.message()?);
        } else {
            requests.push(making.request()?);
        }
    }
    println!("{} requests and {} messages", requests.len(), messages.len());
    let file = |folder: &str, text: serde_json::Result<String>| -> Result<(), Box<dyn Error>> {
        fs::create_dir_all(out.join(folder))?;
        Ok(fs::write(out.join(folder).join("rust.json"), text? + "\n")?)
    };
    file("verify", serde_json::to_string_pretty(&VectorFile { comment: comment.clone(), vectors: requests }))?;
    file("jsonrpc", serde_json::to_string_pretty(&RpcFile { comment, vectors: messages }))
}

/// What is wrong with a vector that is to be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    Altered,
    Issuer,
    Late,
    Right,
    Restriction,
    Audience,
}

const WRONGS: [Wrong; 6] =
    [Wrong::Altered, Wrong::Issuer, Wrong::Late, Wrong::Right, Wrong::Restriction, Wrong::Audience];

/// One vector in the making.
struct Making {
    random: Random,
    seed: u64,
    index: u64,
    wrong: Option<Wrong>,
    /// How many next keys and agents there are.
    keys: usize,
}

impl Making {
    fn new(seed: u64, index: u64) -> Self {
        let mut random = Random::new(seed, index);
        let wrong = (index % 3 == 2).then(|| *random.of(&WRONGS));
        Self { random, seed, index, wrong, keys: 0 }
    }

    fn is(&self, wrong: Wrong) -> bool {
        self.wrong == Some(wrong)
    }

    /// A key that nobody had before.
    fn key(&mut self) -> SigningKey {
        self.keys += 1;
        let name = format!("mint {} {} {}", self.seed, self.index, self.keys);
        SigningKey::from_seed(&Key::named(&name).seed())
    }

    /// Restrictions that this kind of request keeps.
    fn kept(&mut self, message: bool) -> Restriction {
        let text = |value: &str| ArgValue::Str(value.into());
        let resource: &str = if message { "calendar/list_events" } else { "/mail/out" };
        let (kind, action) = if message { ("mcp_tool", "call") } else { ("email", "send") };
        let all = [
            Restriction::ExpiresBy(UnixTime(NOW.unsigned_abs() + 60 + self.random.bits() % 3000)),
            Restriction::NotBefore(UnixTime(NOW.unsigned_abs() - self.random.bits() % 3000)),
            Restriction::Services(vec![SERVICE.into()]),
            Restriction::Types(vec![kind.into(), "other".into()]),
            Restriction::Actions(vec![action.into()]),
            Restriction::Purposes(vec!["scheduling".into(), "billing".into()]),
            Restriction::Users(USERS.map(str::to_owned).to_vec()),
            Restriction::Bindings(vec!["ed25519".into(), "jsonrpc".into()]),
            Restriction::ResourceIs(resource.into()),
            Restriction::ResourceUnder(if message { "calendar" } else { "/mail/" }.into()),
            Restriction::ArgIn("/to".into(), vec![text("b@example.com"), text("a@example.com"), text("ü")]),
            Restriction::ArgEndsWith("/to".into(), "@example.com".into()),
            Restriction::ArgStartsWith("/link".into(), "https://".into()),
            Restriction::ArgIs("/urgent".into(), ArgValue::Bool(true)),
            Restriction::ArgAtLeast("/n/deep".into(), -7),
            Restriction::ArgAtMost("/n/deep".into(), 0),
            Restriction::ArgAbsent("/cc".into()),
            Restriction::When("other".into(), "send".into(), Box::new(Restriction::ArgAbsent("/to".into()))),
            Restriction::When(
                kind.into(),
                action.into(),
                Box::new(Restriction::ArgIs("/urgent".into(), ArgValue::Bool(true))),
            ),
            // Declared by the table that requests go by, and by nobody for messages.
            Restriction::ArgAtMost("/amount".into(), 1250),
            Restriction::ArgUnder("/file".into(), "/docs".into()),
            Restriction::ArgHostIn("/link".into(), vec!["wiki.example".into(), "a.example".into()]),
            Restriction::Methods(vec!["POST".into()]),
        ];
        let count = if message { all.len() - 4 } else { all.len() };
        all[self.random.below(count)].clone()
    }

    fn restrictions(&mut self, message: bool) -> Vec<Restriction> {
        (0..=self.random.below(3)).map(|_| self.kept(message)).collect()
    }

    /// A token with up to four delegations, and the key of its holder.
    fn token(&mut self, message: bool) -> Result<(OpenToken, SigningKey), Box<dyn Error>> {
        let (agent, next) = (self.key(), self.key());
        let audience = if self.is(Wrong::Audience) { "https://other.example" } else { SERVICE };
        let (name, user) = (*self.random.of(&NAMES), *self.random.of(&USERS));
        let mut grant = Grant::new(ISSUER, user, name, agent.public())
            .purpose("scheduling")
            .audience(audience)
            .valid(UnixTime(NOW.unsigned_abs() - 60), UnixTime(NOW.unsigned_abs() + 3600))
            .delegation_depth(4);
        let location = match (message, self.is(Wrong::Right)) {
            (_, true) => "/elsewhere",
            (true, false) => *self.random.of(&["calendar", "calendar/list_events"]),
            (false, false) => *self.random.of(&["/", "/mail", "/mail/out"]),
        };
        let (kind, action) = if message { ("mcp_tool", "call") } else { ("email", "send") };
        for other in 0..self.random.below(5) {
            grant = grant.right(Right { r#type: kind, location: "/other", action: &format!("other-{other}") });
        }
        grant = grant.right(Right { r#type: kind, location, action });
        if self.random.once_in(3) {
            grant = grant.budget("daily", "calls", 5, 86_400).metered("daily", kind, action);
        }
        if self.random.once_in(3) {
            grant = grant.grant("g-1").conversation("c-1");
        }
        for restriction in self.restrictions(message) {
            grant = grant.restriction(restriction);
        }
        let issuer =
            if self.is(Wrong::Issuer) { self.key() } else { SigningKey::from_seed(&Key::named("root").seed()) };
        let (mut token, mut holder) = (grant.sign(&issuer, &next)?, agent);
        for depth in (0..self.random.below(5) as u8).rev() {
            let (to, next) = (self.key(), self.key());
            let name = *self.random.of(&NAMES);
            let mut delegation = Delegation::to(name, to.public()).delegation_depth(depth);
            for restriction in self.restrictions(message) {
                delegation = delegation.restriction(restriction);
            }
            token = token.delegate(&delegation)?.sign(&holder, &next)?;
            holder = to;
        }
        if self.random.once_in(2) {
            let restrictions = self.restrictions(message);
            token = token.restrict(&restrictions, &self.key())?;
        }
        if self.is(Wrong::Restriction) {
            token = token.restrict(&[Restriction::ArgAbsent("/to".into())], &self.key())?;
        }
        Ok((token, holder))
    }

    /// When it is signed.
    fn created(&mut self) -> UnixTime {
        let age = if self.is(Wrong::Late) { 600 } else { self.random.bits() % 60 };
        UnixTime(NOW.unsigned_abs() - age)
    }

    /// What is sent of what was signed.
    fn sent(&self, text: String) -> String {
        if self.is(Wrong::Altered) {
            text.replacen("/mail/out", "/mail/oui", 1).replacen("-11-24", "-11-25", 1)
        } else {
            text
        }
    }

    fn names(&self, folder: &str) -> (String, String) {
        let made = "made by the library".to_owned();
        let comment = self.wrong.map_or(made, |wrong| format!("made by the library, then made wrong: {wrong:?}"));
        (format!("{folder}/rust-{}-{}", self.seed, self.index), comment)
    }

    fn expect(&self, judged: Result<Judgement, String>) -> Result<Expect, Box<dyn Error>> {
        let judged = judged?;
        if judged.is_allowed() != self.wrong.is_none() {
            return Err(format!("vector {}: {:?}, and yet {}", self.index, self.wrong, judged.decision).into());
        }
        let mut decision = judged.decision;
        let members = decision.as_object_mut().expect("a decision");
        let result = members.remove("decision").expect("a decision");
        members.insert("result".into(), result);
        if self.wrong.is_some() {
            members.retain(|name, _| matches!(name.as_str(), "result" | "stage" | "code"));
        }
        Ok(Expect::deserialize(decision)?)
    }

    fn request(&mut self) -> Result<Vector, Box<dyn Error>> {
        let (token, holder) = self.token(false)?;
        let sealed = token.seal()?;
        let created = self.created();
        let request = self.signed(&sealed, &holder, created)?;
        let row = Operation {
            urls: vec!["/link".into()],
            paths: vec!["/file".into()],
            scales: [("/amount".to_owned(), 2)].into(),
            ..Operation::new("POST", "/mail/{box}", "email", "/mail/{box}", "send")
        };
        let config = countersign_testkit::format::Config { operations: Some(vec![row]), ..config() };
        let input = Input {
            config,
            now: NOW,
            before: Vec::new(),
            before_denied: Vec::new(),
            revoked: None,
            authority: None,
            request_b64u: b64u(&request),
        };
        let ((id, comment), flags) = (self.names("verify"), Vec::new());
        let expect = Expect::deserialize(serde_json::json!({ "result": "allow", "stage": null, "code": null }))?;
        let mut vector = Vector { id, req: vec!["VF-36".into()], flags, comment, input, expect };
        vector.expect = self.expect(decide_request(&vector))?;
        Ok(vector)
    }

    /// The bytes of a signed request.
    fn signed(
        &mut self,
        token: &SealedToken,
        signer: &SigningKey,
        created: UnixTime,
    ) -> Result<Vec<u8>, Box<dyn Error>> {
        let target = *self.random.of(&["/mail/out", "/mail/out?x=1", "/mail/out?q=%C3%BC&q=b+c"]);
        let url = format!("{SERVICE}{target}");
        let media = *self.random.of(&["application/json", "application/json; charset=utf-8"]);
        let mut sign = SignRequest::new("POST", &url, token)
            .created(created, self.random.sixteen().to_vec())
            .field("content-type", media)
            .with_alg(self.random.once_in(2))
            .body(BODY.as_bytes());
        if self.random.once_in(3) {
            sign = sign.field("idempotency-key", "a-1").field("x-label", "two  words");
        }
        if self.random.once_in(3) {
            sign = sign.token_field(TokenField::CountersignToken);
        }
        let signed = sign.sign(signer)?;
        let mut text = format!("POST {} HTTP/1.1\r\nHost: calendar.example.com\r\n", signed.target());
        for (name, value) in signed.iter().filter(|(name, _)| *name != "host") {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        if signed.iter().all(|(name, _)| name != "content-length") {
            text.push_str(&format!("Content-Length: {}\r\n", BODY.len()));
        }
        Ok([self.sent(text).as_bytes(), b"\r\n", BODY.as_bytes()].concat())
    }

    fn message(&mut self) -> Result<RpcVector, Box<dyn Error>> {
        let (token, holder) = self.token(true)?;
        let sealed = token.seal()?;
        let created = self.created();
        let text = format!(
            r#"{{"jsonrpc":"2.0","id":{},"method":"tools/call","params":{{"name":"list_events","arguments":{BODY}}}}}"#,
            self.index
        );
        let message = Message::parse(text.as_bytes(), 1 << 20)?;
        let sign = SignMessage::new(message, SERVICE, &sealed).created(created, self.random.sixteen().to_vec());
        let sent = Sent::Message(b64u(self.sent(sign.sign(&holder)?.to_text()).as_bytes()));
        let mcp = Mcp { server: "calendar".into(), path: "/mcp".into(), envelope: false };
        let input = RpcInput { config: config(), mcp, now: NOW, before: Vec::new(), revoked: None, sent };
        let ((id, comment), flags) = (self.names("jsonrpc"), Vec::new());
        let expect = Expect::deserialize(serde_json::json!({ "result": "allow", "stage": null, "code": null }))?;
        let mut vector = RpcVector { id, req: vec!["JR-14".into()], flags, comment, input, expect };
        vector.expect = self.expect(decide_message(&vector))?;
        Ok(vector)
    }
}
