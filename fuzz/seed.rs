//! Writes the seeds under `seeds/`: from the test vectors, from the valid requests of the targets, and for `checks` from
//! a fixed generator.
//!
//!     cargo run --release --example seed

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use countersign::from_base64url;
use countersign_fuzz::{details, requests};
use serde_json::Value;

/// Of the vectors of one file with the same outcome, so many give a seed.
const EACH: usize = 1;

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut seeds = Seeds::default();
    let mut folders: Vec<_> = fs::read_dir(root.join("../test-vectors")).unwrap().map(|e| e.unwrap().path()).collect();
    folders.sort();
    let tools = |path: &Path| ["checkers", "knockout", "mutants"].iter().any(|tool| path.ends_with(tool));
    for folder in folders.iter().filter(|path| path.is_dir() && !tools(path)) {
        let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
        files.sort();
        for file in files {
            let file: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
            let vectors = file["vectors"].as_array().unwrap();
            if folder.ends_with("rar") {
                seeds.of_details(vectors);
            } else if folder.ends_with("revocation") {
                seeds.of_lists(vectors);
            } else if folder.ends_with("jsonrpc") {
                seeds.of_messages(vectors);
            } else {
                seeds.of_a_file(vectors);
                if folder.ends_with("request") {
                    seeds.of_heads_and_bodies(vectors);
                }
            }
        }
    }
    for sent in requests::sent() {
        seeds.message(&sent.message);
    }
    // Behind a zero byte the targets change valid inputs.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |len: usize| -> Vec<u8> {
        (0..len)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                (state >> 32) as u8
            })
            .collect()
    };
    let checks: BTreeSet<Vec<u8>> = (0..24).map(|_| random(1024)).collect();
    for bytes in checks.iter().take(8) {
        seeds.tokens.insert([&[0], &bytes[..768]].concat());
        seeds.details.insert([&[0x80 | bytes[0]], &bytes[..256]].concat());
    }
    for (kind, bytes) in (0..4).cycle().zip(checks.iter().take(8)) {
        seeds.json.insert([&[0], &bytes[..256]].concat());
        seeds.messages.insert([&[kind], &bytes[..512]].concat());
        seeds.framed.insert([&[0], &bytes[..128]].concat());
    }
    seeds.lists.extend(checks.iter().take(8).map(|bytes| [&[0], &bytes[..256]].concat()));
    let verify: BTreeSet<Vec<u8>> = (0..24).map(|_| random(192)).collect();
    let attenuate: BTreeSet<Vec<u8>> = (0..24).map(|_| random(768)).collect();
    let reference: BTreeSet<Vec<u8>> = (0..32).map(|_| random(192)).collect();
    for (name, set) in [
        ("token", &seeds.tokens),
        ("request", &seeds.requests),
        ("verify", &verify),
        ("attenuate", &attenuate),
        ("reference", &reference),
        ("rar", &seeds.details),
        ("fields", &seeds.fields),
        ("revocation", &seeds.lists),
        ("checks", &checks),
        ("json", &seeds.json),
        ("jsonrpc", &seeds.messages),
        ("http_message", &seeds.framed),
    ] {
        let folder = root.join("seeds").join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        for (number, bytes) in set.iter().enumerate() {
            fs::write(folder.join(format!("{number:03}")), bytes).unwrap();
        }
        println!("{name}: {} seeds, {} bytes", set.len(), set.iter().map(Vec::len).sum::<usize>());
    }
}

#[derive(Default)]
struct Seeds {
    tokens: BTreeSet<Vec<u8>>,
    requests: BTreeSet<Vec<u8>>,
    fields: BTreeSet<Vec<u8>>,
    details: BTreeSet<Vec<u8>>,
    lists: BTreeSet<Vec<u8>>,
    json: BTreeSet<Vec<u8>>,
    messages: BTreeSet<Vec<u8>>,
    framed: BTreeSet<Vec<u8>>,
}

impl Seeds {
    /// A vector of each code.
    fn of_a_file(&mut self, vectors: &[Value]) {
        let mut taken: Vec<&Value> = Vec::new();
        for vector in vectors {
            let code = &vector["expect"]["code"];
            let before = taken.iter().filter(|known| **known == code).count();
            taken.push(code);
            let message = from_base64url(vector["input"]["request_b64u"].as_str().unwrap()).unwrap();
            if before < EACH && message.len() <= 6_000 {
                self.message(&message);
            }
        }
    }

    /// Each text of details that is not long, behind the number of its resource.
    fn of_details(&mut self, vectors: &[Value]) {
        for vector in vectors {
            let text = vector["input"]["details"].as_str().unwrap();
            let resource = vector["input"]["resource"].as_str();
            let number = details::RESOURCES.iter().position(|known| *known == resource).unwrap_or(1);
            if text.len() <= 1_000 {
                self.details.insert([&[number as u8], text.as_bytes()].concat());
            }
        }
    }

    /// The payloads of lists, and the text of one.
    fn of_lists(&mut self, vectors: &[Value]) {
        for vector in vectors {
            let text = vector["input"]["list"].as_str().unwrap();
            let payload = text.split('.').next().and_then(from_base64url).unwrap_or_default();
            if !payload.is_empty() && payload.len() <= 2_000 {
                self.lists.insert(payload);
            }
        }
        self.lists.extend(vectors.first().map(|vector| vector["input"]["list"].as_str().unwrap().into()));
    }

    /// A message of each code; of the others, short ones as JSON.
    fn of_messages(&mut self, vectors: &[Value]) {
        let mut taken: BTreeSet<String> = BTreeSet::new();
        for vector in vectors {
            let sent = &vector["input"]["sent"];
            let Some(bytes) = sent["message_b64u"].as_str().and_then(from_base64url) else { continue };
            if bytes.len() <= 4_000 && taken.insert(vector["expect"]["code"].to_string()) {
                self.messages.insert(bytes);
            } else if bytes.len() <= 400 {
                // Without a token: what is no message, or no JSON.
                self.json.insert(bytes);
            }
        }
    }

    /// How requests are framed, and the JSON in their bodies; without tokens, which nobody reads there.
    fn of_heads_and_bodies(&mut self, vectors: &[Value]) {
        // Every so many of the vectors, since many have one framing.
        for vector in vectors.iter().step_by(9) {
            let bytes = from_base64url(vector["input"]["request_b64u"].as_str().unwrap()).unwrap();
            let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(bytes.len());
            let (head, rest) = bytes.split_at(end);
            let long = [&b"authorization"[..], b"countersign-token", b"signature"];
            let lines = String::from_utf8_lossy(head);
            let lines: Vec<&str> = lines
                .split("\r\n")
                .filter(|line| !long.iter().any(|name| line.to_ascii_lowercase().as_bytes().starts_with(name)))
                .collect();
            if bytes.len() <= 4_000 && rest.len() <= 300 {
                self.framed.insert([lines.join("\r\n").as_bytes(), rest].concat());
                self.json.insert(rest.strip_prefix(b"\r\n\r\n").unwrap_or_default().to_vec());
            }
        }
    }

    /// A message, its token and its fields.
    fn message(&mut self, message: &[u8]) {
        for line in String::from_utf8_lossy(message).split("\r\n") {
            let Some((name, value)) = line.split_once(": ") else { continue };
            match name.to_ascii_lowercase().as_str() {
                "authorization" => self.token(value.strip_prefix("Countersign ").unwrap_or_default()),
                "countersign-token" => self.token(value),
                "signature-input" | "signature" | "content-digest" => drop(self.fields.insert(value.into())),
                _ => {}
            }
        }
        self.requests.insert(message.to_vec());
    }

    fn token(&mut self, text: &str) {
        self.tokens.extend(from_base64url(text));
    }
}
