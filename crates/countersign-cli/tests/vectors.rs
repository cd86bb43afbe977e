//! Every vector through the commands `verify` and `verify-rpc`, and all of them through `vectors run`.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests say what went wrong by panicking")]

mod common;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use common::Shell;
use countersign::key::SigningKey;
use countersign::revocation::{Entries, UnsignedList};
use countersign::time::UnixTime;
use countersign::{from_base64url, from_hex};
use countersign_testkit::format::{Config, Expect, Outcome, Revoked, Vector};
use countersign_testkit::format_rar;
use countersign_testkit::format_rpc::{Mcp, RpcVector, Sent};
use countersign_testkit::keys::Key;
use countersign_testkit::runner::{self, Answer, Implementation, folder};
use serde_json::{Value, json};

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            // Lists are no requests: `vectors run` runs them, and `verify` is given those of `lists` below.
            if !path.ends_with("revocation") {
                found.extend(files(&path));
            }
        } else if path.extension().is_some_and(|end| end == "json") && !path.ends_with("schema.json") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn vectors() -> Vec<Vector> {
    runner::load(&folder()).unwrap()
}

/// Writes a list for each configured issuer that says what the vector has revoked of it; their files.
fn lists(shell: &Shell, config: &Config, revoked: &Revoked, now: UnixTime) -> Vec<String> {
    let one = |(number, issuer): (usize, &countersign_testkit::format::Issuer)| {
        let mut entries = Entries::default();
        for id in &revoked.blocks {
            entries.revoke_block(*from_hex::<32>(id).unwrap().first_chunk().unwrap());
        }
        revoked.holders.iter().for_each(|id| entries.revoke_holder(id.parse().unwrap()));
        for user in revoked.users.iter().filter(|user| user.issuer == issuer.issuer) {
            entries.revoke_user(&user.user, UnixTime(user.before.try_into().unwrap()));
        }
        let grants = revoked.grants.iter().filter(|grant| grant.issuer == issuer.issuer);
        grants.for_each(|grant| entries.revoke_grant(&grant.grant));
        let ended = revoked.conversations.iter().filter(|ended| ended.issuer == issuer.issuer);
        ended.for_each(|ended| entries.end_conversation(&ended.user, &ended.conversation));
        revoked.issuer_keys.iter().for_each(|key| entries.revoke_issuer_key(key.parse().unwrap()));
        let list = UnsignedList::new(&issuer.issuer, 1, now, now.plus(60), entries).unwrap();
        let name = format!("list-{number}");
        shell.write(&name, list.sign(&SigningKey::from_seed(&Key::named("revocation").seed())).unwrap().text());
        name
    };
    config.issuers.iter().enumerate().map(one).collect()
}

/// `verifier.toml` of a vector's configuration.
fn verifier_toml(config: &Config, lists: &[String]) -> String {
    let mut file = toml::Table::new();
    let mut put = |name: &str, value: toml::Value| drop(file.insert(name.to_owned(), value));
    put("audience", toml::Value::try_from(&config.audience).unwrap());
    put("authorities", toml::Value::try_from(&config.authorities).unwrap());
    let mut issuers = toml::Value::try_from(&config.issuers).unwrap();
    for (issuer, list) in issuers.as_array_mut().unwrap().iter_mut().zip(lists) {
        let issuer = issuer.as_table_mut().unwrap();
        issuer.insert("revocations".to_owned(), list.as_str().into());
        issuer.insert("revocation_keys".to_owned(), vec![Key::named("revocation").public_text()].into());
    }
    put("issuers", issuers);
    if let Some(operations) = &config.operations {
        put("operations", toml::Value::try_from(operations).unwrap());
    }
    if let Some(bytes) = config.max_body_bytes {
        let limits = BTreeMap::from([("max_body_bytes", bytes)]);
        put("limits", toml::Value::try_from(limits).unwrap());
    }
    toml::to_string(&file).unwrap()
}

/// What `verify` has to print: on a denial the identity shows from stage 9 on, and vectors do not repeat it.
fn holds(expect: &Expect, decision: &Value) -> Result<(), String> {
    let mut expected = serde_json::to_value(expect).unwrap();
    let members = expected.as_object_mut().unwrap();
    let result = members.remove("result").unwrap();
    members.insert("decision".to_owned(), result);
    if expect.result == Outcome::Allow && expect.right.is_none() {
        members.insert("right".to_owned(), Value::Null);
    }
    let mut found = decision.clone();
    if expect.result == Outcome::Deny {
        let proven = expect.stage.is_some_and(|stage| stage >= 9);
        for member in ["issuer", "user", "agents", "purpose", "expires", "binding", "right"] {
            let value = found.as_object_mut().unwrap().remove(member).unwrap();
            if value.is_null() == (proven && member != "right") {
                return Err(format!("{member} is {value}"));
            }
        }
    }
    if found == expected { Ok(()) } else { Err(format!("{found} instead of {expected}")) }
}

/// The commands `verify` and `verify-rpc`, each run once for a vector.
struct Command {
    shell: Shell,
    /// How many had a list of what is revoked.
    revoked: Cell<u32>,
}

/// What is asked of one run: messages in files, of which the last one is the vector's own.
struct Asked<'a> {
    config: &'a Config,
    mcp: Option<&'a Mcp>,
    revoked: Option<&'a Revoked>,
    now: i64,
    messages: Vec<&'a str>,
    /// What becomes of each.
    words: Vec<&'a str>,
    command: &'a [&'a str],
}

impl Command {
    fn run(&self, asked: &Asked<'_>, expect: &Expect) -> Answer {
        let now = UnixTime(u64::try_from(asked.now).unwrap());
        let lists = asked.revoked.map(|revoked| lists(&self.shell, asked.config, revoked, now));
        self.revoked.set(self.revoked.get().saturating_add(lists.iter().len().try_into().unwrap()));
        let mut config = verifier_toml(asked.config, &lists.unwrap_or_default());
        if let Some(mcp) = asked.mcp {
            config.push_str("[mcp]\n");
            config.push_str(&toml::to_string(mcp).unwrap());
        }
        self.shell.write("verifier.toml", config);
        let name = |(number, message): (usize, &&str)| {
            let name = format!("message-{number}");
            self.shell.write(&name, from_base64url(message).unwrap());
            name
        };
        let names: Vec<String> = asked.messages.iter().enumerate().map(name).collect();
        let now = now.to_string();
        let mut args = vec![asked.command[0], "--config", "verifier.toml", "--now", &now];
        args.extend(&asked.command[1..]);
        args.extend(names.iter().map(String::as_str));
        let ran = self.shell.run(&args);
        let decisions = ran.lines();
        let found: Vec<&Value> = decisions.iter().map(|decision| &decision["decision"]).collect();
        if asked.words != found || !ran.stderr.is_empty() {
            return Answer::Failed(format!("{found:?} instead of {:?}; {}", asked.words, ran.stderr));
        }
        if ran.code != i32::from(asked.words.contains(&"deny")) {
            return Answer::Failed(format!("exit status {}", ran.code));
        }
        let decision = decisions.last().unwrap();
        holds(expect, decision).map_or_else(Answer::Failed, |()| Answer::Decision(decision.clone()))
    }
}

fn word(expect: &Expect) -> &'static str {
    if expect.result == Outcome::Allow { "allow" } else { "deny" }
}

const BOTH: &str = "messages and requests in one vector";

impl Implementation for Command {
    fn name(&self) -> &str {
        "command"
    }

    fn decide(&self, vector: &Vector) -> Answer {
        let input = &vector.input;
        let alone = input.before.is_empty() && input.before_denied.is_empty();
        assert!(input.authority.is_none() || alone, "{}: one --authority is for all requests of a run", vector.id);
        let authority = input.authority.as_deref().map_or(vec!["verify"], |text| vec!["verify", "--authority", text]);
        let mut words: Vec<&str> = input.before.iter().map(|_| "allow").collect();
        words.extend(input.before_denied.iter().map(|_| "deny"));
        words.push(word(&vector.expect));
        let messages = input.before.iter().chain(&input.before_denied).chain([&input.request_b64u]);
        let asked = Asked {
            config: &input.config,
            mcp: None,
            revoked: input.revoked.as_ref(),
            now: input.now,
            messages: messages.map(String::as_str).collect(),
            words,
            command: &authority,
        };
        self.run(&asked, &vector.expect)
    }

    fn decide_message(&self, vector: &RpcVector) -> Answer {
        let input = &vector.input;
        let (mut messages, mut requests) = (Vec::new(), Vec::new());
        for sent in input.before.iter().chain([&input.sent]) {
            match sent {
                Sent::Message(text) => messages.push(text.as_str()),
                Sent::Request(text) => requests.push(text.as_str()),
            }
        }
        // Two commands have two stores.
        let (command, messages) = match (messages.is_empty(), requests.is_empty()) {
            (false, true) => (["verify-rpc"], messages),
            (true, false) => (["verify"], requests),
            _ => return Answer::NotReached(BOTH.to_owned()),
        };
        let mut words: Vec<&str> = input.before.iter().map(|_| "allow").collect();
        words.push(word(&vector.expect));
        let asked = Asked {
            config: &input.config,
            mcp: Some(&input.mcp),
            revoked: input.revoked.as_ref(),
            now: input.now,
            messages,
            words,
            command: &command,
        };
        self.run(&asked, &vector.expect)
    }
}

#[test]
fn verify_gives_the_decision_of_every_vector() {
    let command = Command { shell: Shell::new(), revoked: Cell::new(0) };
    let ran = runner::run(&command);
    ran.none_failed();
    println!("{} of them with a revocation list", command.revoked.get());
    let mut held_up: Vec<&str> = ran.not_reached.iter().flatten().map(|(id, _)| id.as_str()).collect();
    println!("not applicable: {} vectors of {BOTH}, which `vectors run` has: command", held_up.len());
    held_up.sort_unstable();
    assert_eq!(
        held_up,
        [
            "jsonrpc/cost-http",
            "jsonrpc/cost-http-over",
            "jsonrpc/envelope-later",
            "jsonrpc/replayed-from-http",
            "jsonrpc/replayed-in-http"
        ]
    );
}

#[test]
fn vectors_run_passes_every_vector() {
    let ran = Shell::new().run(&["vectors", "run", folder().to_str().unwrap()]);
    let (details, lists) = (format_rar::load(&folder()).unwrap(), runner::load_lists(&folder()).unwrap());
    let messages = runner::load_rpc(&folder()).unwrap();
    let all = vectors().len() + details.len() + lists.len() + messages.len();
    assert_eq!(ran.ok(), format!("{all} passed, 0 failed\n"));
}

/// A folder with one vector, changed by `change`.
fn altered(change: impl FnOnce(&mut Value)) -> Shell {
    let shell = Shell::new();
    let path = files(&folder()).into_iter().find(|path| path.ends_with("verify/revocation.json")).unwrap();
    let mut file: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let vectors = file["vectors"].as_array_mut().unwrap();
    vectors.retain(|vector| vector["expect"]["result"] == "allow");
    vectors.truncate(1);
    assert_eq!(vectors.len(), 1);
    change(&mut file);
    fs::create_dir(shell.path("suite")).unwrap();
    shell.write("suite/one.json", file.to_string());
    shell
}

#[test]
fn another_expectation_fails() {
    let run = |change: fn(&mut Value)| altered(change).run(&["vectors", "run", "suite"]);
    assert_eq!(run(|_| ()).ok(), "1 passed, 0 failed\n");
    for change in [
        (|file| file["vectors"][0]["expect"]["user"] = json!("mallory@example.com")) as fn(&mut Value),
        |file| file["vectors"][0]["expect"]["agents"][0]["claimed_by"] = json!("somebody"),
        |file| file["vectors"][0]["expect"]["expires"] = json!("2026-11-23T18:00:01Z"),
        |file| file["vectors"][0]["expect"] = json!({"result": "deny", "stage": 6, "code": "token_revoked"}),
        |file| file["vectors"][0]["input"]["now"] = json!(0),
        |file| file["vectors"][0]["input"]["before_denied"] = json!([file["vectors"][0]["input"]["request_b64u"]]),
        |file| file["vectors"][0]["input"]["request_b64u"] = json!("AAAA"),
        |file| {
            let user = json!({"issuer": "https://hub.example", "user": "alice@example.com", "before": 1_795_453_200});
            file["vectors"][0]["input"]["revoked"] = json!({"users": [user]});
        },
    ] {
        let ran = run(change);
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(ran.text().ends_with("0 passed, 1 failed\n"), "{ran:?}");
        assert!(ran.text().starts_with("verify/"), "{ran:?}");
    }
}

/// The standard vector of authorization details, changed by `change`.
fn altered_details(change: impl FnOnce(&mut Value)) -> Shell {
    let shell = Shell::new();
    let mut file: Value = serde_json::from_slice(&fs::read(folder().join("rar/members.json")).unwrap()).unwrap();
    file["vectors"].as_array_mut().unwrap().truncate(1);
    change(&mut file);
    fs::create_dir_all(shell.path("suite/rar")).unwrap();
    shell.write("suite/rar/one.json", file.to_string());
    shell
}

#[test]
fn another_expectation_of_details_fails() {
    let run = |change: fn(&mut Value)| altered_details(change).run(&["vectors", "run", "suite"]);
    assert_eq!(run(|_| ()).ok(), "1 passed, 0 failed\n");
    for change in [
        (|file| file["vectors"][0]["expect"]["tokens"][0]["audience"] = json!("https://mail.example.com"))
            as fn(&mut Value),
        |file| file["vectors"][0]["expect"]["tokens"][0]["duration"] = json!(3_601),
        |file| file["vectors"][0]["expect"]["tokens"][0]["rights"][0][2] = json!("delete"),
        |file| file["vectors"][0]["expect"]["tokens"][0]["details"] = json!("[]"),
        |file| file["vectors"][0]["expect"]["tokens"] = json!([]),
        |file| file["vectors"][0]["input"]["resource"] = json!("https://Calendar.example.com"),
        |file| {
            let error = "invalid_authorization_details";
            file["vectors"][0]["expect"] = json!({"result": "refused", "error": error, "member": null});
        },
    ] {
        let ran = run(change);
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(ran.text().starts_with("rar/standard") && ran.text().ends_with("0 passed, 1 failed\n"), "{ran:?}");
    }
    for change in [
        (|file| file["vectors"][0]["input"]["more"] = json!(1)) as fn(&mut Value),
        |file| file["vectors"][0]["expect"]["more"] = json!(1),
        |file| file["vectors"][0]["expect"]["tokens"][0]["more"] = json!(1),
        |file| file["vectors"] = json!([]),
    ] {
        assert_eq!(run(change).code, 2);
    }
}

#[test]
fn unknown_members_and_empty_folders_are_misuse() {
    let refused = |shell: &Shell| {
        let ran = shell.run(&["vectors", "run", "suite"]);
        assert_eq!((ran.code, ran.text()), (2, ""), "{ran:?}");
        assert!(ran.stderr.starts_with("countersign: DIR "), "{ran:?}");
        assert_eq!(ran.stderr.lines().count(), 1, "{ran:?}");
    };
    for change in [
        (|file| file["vectors"][0]["input"]["revokd"] = json!({})) as fn(&mut Value),
        |file| file["vectors"][0]["expect"]["detail"] = json!("x"),
        |file| file["vectors"][0]["input"]["config"]["cache"] = json!(0),
        |file| file["vectors"][0]["why"] = json!("x"),
        |file| file["more"] = json!([]),
        |file| file["vectors"] = json!([]),
        |file| {
            let twice = file["vectors"][0].clone();
            file["vectors"] = json!([twice, twice]);
        },
    ] {
        refused(&altered(change));
    }
    let empty = altered(|_| ());
    fs::create_dir(empty.path("suite/empty")).unwrap();
    refused(&empty);
    refused(&Shell::new());
}
