//! `token/encoding.json`: one token has one encoding.

use crate::raw_checks::{Term, pred, query};
use crate::raw_token::{Block, RawToken, Symbols, external_signature, public_key};
use crate::text::{b64, b64u, hex};
use crate::wire::Message;

use super::case::{Case, File};
use super::standard::{Plan, get, get_by};

const TWIN: &str = "request/get";

/// The standard token with its authority block's message changed, then signed.
fn with_block(plan: &Plan, change: impl FnOnce(&mut Message)) -> RawToken {
    let mut message = plan.authority.first_party(&mut Symbols::default());
    change(&mut message);
    RawToken::authority(&plan.root, message.encode())
}

pub(super) fn block(change: impl FnOnce(&mut Message)) -> String {
    with_block(&Plan::standard(), change).sealed_text()
}

/// The standard token with its outer message changed.
fn outer(change: impl FnOnce(&mut Message)) -> String {
    let token = Plan::standard().sign();
    let mut message = token.message(&token.seal());
    change(&mut message);
    b64u(&message.encode())
}

/// The standard token with the message of its signed block changed.
fn signed(change: impl FnOnce(&mut Message)) -> String {
    let token = Plan::standard().sign();
    let mut message = token.blocks[0].message();
    change(&mut message);
    b64u(&Message::new().message(2, &message).message(4, &token.seal()).encode())
}

pub(super) fn head() -> Message {
    Message::new().uint(1, 27)
}

/// The standard token with one check more, of this one encoded query.
pub(super) fn rule(query: &Message) -> String {
    check(&Message::new().message(1, query))
}

/// The standard token with this encoded check more.
fn check(check: &Message) -> String {
    block(|message| *message = std::mem::take(message).message(6, check))
}

/// The file.
#[must_use]
pub fn file() -> File {
    let mut file = File::new("token", "encoding", "a token has exactly one encoding, text and bytes");
    text_form(&mut file);
    container(&mut file);
    signed_block(&mut file);
    inner_block(&mut file);
    file
}

pub(super) fn malformed(file: &mut File, slug: &str, comment: &str, req: &str, token: &str) {
    file.push(Case::new(slug, comment, &get(token)).req(req).attack(63).deny(4, "token_malformed", TWIN));
}

fn text_form(file: &mut File) {
    let text = Plan::standard().text();
    let bytes = Plan::standard().sign().sealed();
    malformed(
        file,
        "text-padded",
        "the token's text with base64 padding",
        "TK-1",
        &format!("{text}{}", "=".repeat((4 - text.len() % 4) % 4)),
    );
    malformed(
        file,
        "text-standard-alphabet",
        "the token's text in the alphabet with + and /",
        "TK-1",
        b64(&bytes).trim_end_matches('='),
    );
    let last = text.as_bytes()[text.len() - 1];
    let next = char::from(if last == b'9' {
        b'-'
    } else if last == b'Z' {
        b'a'
    } else if last == b'z' {
        b'0'
    } else {
        last + 1
    });
    malformed(
        file,
        "text-stray-bits",
        "the last character with a bit set that stands for nothing",
        "TK-1",
        &format!("{}{next}", &text[..text.len() - 1]),
    );
    let mut odd = text.clone();
    while odd.len() % 4 != 1 {
        odd.push('A');
    }
    malformed(file, "text-odd-length", "A appended until the length leaves a remainder of 1", "TK-1", &odd);
    malformed(file, "text-inner-space", "a space inside the text", "TK-1", &format!("{} {}", &text[..40], &text[40..]));
    malformed(file, "text-hex", "the token in hexadecimal: base64url of other bytes", "TK-3", &hex(&bytes));
    malformed(file, "trailing-byte", "one zero byte after the message", "TK-3", &b64u(&[&bytes[..], &[0]].concat()));
    malformed(file, "truncated", "the last byte missing", "TK-3", &b64u(&bytes[..bytes.len() - 1]));
}

fn container(file: &mut File) {
    let token = Plan::standard().sign();
    let (authority, seal) = (token.blocks[0].message(), token.seal());
    let with = |message: Message| b64u(&message.encode());
    malformed(
        file,
        "container-unknown-field",
        "a field 5 in Biscuit, which the schema does not have",
        "TK-8",
        &outer(|m| *m = std::mem::take(m).uint(5, 1)),
    );
    malformed(
        file,
        "container-unknown-bytes-field",
        "a field 15 of bytes in Biscuit",
        "TK-8",
        &outer(|m| *m = std::mem::take(m).bytes(15, b"x")),
    );
    malformed(
        file,
        "container-overlong-tag",
        "the tag of the proof as a varint of two bytes",
        "TK-4",
        &with(Message::new().message(2, &authority).overlong_tag(
            4,
            2,
            &[&crate::wire::varint(seal.encode().len() as u64)[..], &seal.encode()].concat(),
        )),
    );
    malformed(
        file,
        "container-overlong-length",
        "the length of the proof as a varint with a byte too many",
        "TK-4",
        &with(Message::new().message(2, &authority).overlong_length(4, &seal.encode())),
    );
    malformed(file, "container-order", "the proof before the authority block", "TK-5", &outer(|m| m.swap(2, 4)));
    malformed(
        file,
        "container-two-proofs",
        "the same proof twice",
        "TK-5",
        &outer(|m| *m = std::mem::take(m).message(4, &seal)),
    );
    malformed(
        file,
        "container-two-authorities",
        "the same authority block twice",
        "TK-5",
        &with(Message::new().message(2, &authority).message(2, &authority).message(4, &seal)),
    );
    malformed(file, "container-no-authority", "no authority block", "TK-6", &outer(|m| m.remove(2)));
    malformed(file, "container-no-proof", "no proof", "TK-6", &outer(|m| m.remove(4)));
    malformed(
        file,
        "container-wire-type",
        "the proof's field with the wire type of a varint",
        "TK-3",
        &with(Message::new().message(2, &authority).uint(4, 1)),
    );
    malformed(
        file,
        "container-group",
        "a field with the wire type of a group",
        "TK-3",
        &outer(|m| *m = std::mem::take(m).raw(4, 3, &[])),
    );
    malformed(
        file,
        "proof-empty",
        "a proof with neither member",
        "TK-6",
        &with(Message::new().message(2, &authority).message(4, &Message::new())),
    );
    let both = Message::new().bytes(1, &token.secret.seed());
    let both = Message { fields: [both.fields, seal.fields.clone()].concat() };
    malformed(
        file,
        "proof-both",
        "a proof with a next secret and a final signature",
        "TK-5",
        &with(Message::new().message(2, &authority).message(4, &both)),
    );
    malformed(
        file,
        "proof-unknown-field",
        "a field 3 in Proof",
        "TK-8",
        &with(Message::new().message(2, &authority).message(4, &seal.uint(3, 1))),
    );
}

fn signed_block(file: &mut File) {
    let token = Plan::standard().sign();
    let first = &token.blocks[0];
    let with_key = |key: Message| {
        let block = Message::new().bytes(1, &first.payload).message(2, &key).bytes(3, &first.signature).uint(5, 1);
        b64u(&Message::new().message(2, &block).message(4, &token.seal()).encode())
    };
    malformed(
        file,
        "signed-block-unknown-field",
        "a field 6 in SignedBlock",
        "TK-8",
        &signed(|m| *m = std::mem::take(m).uint(6, 1)),
    );
    malformed(file, "signed-block-order", "the signature before the next key", "TK-5", &signed(|m| m.swap(2, 3)));
    malformed(
        file,
        "signed-block-two-versions",
        "the version twice",
        "TK-5",
        &signed(|m| *m = std::mem::take(m).uint(5, 1)),
    );
    malformed(file, "signed-block-no-signature", "no signature", "TK-6", &signed(|m| m.remove(3)));
    malformed(file, "signed-block-no-next-key", "no next key", "TK-6", &signed(|m| m.remove(2)));
    malformed(
        file,
        "signed-block-version-zero",
        "version 0, written",
        "TK-7",
        &signed(|m| {
            m.remove(5);
            *m = std::mem::take(m).uint(5, 0);
        }),
    );
    malformed(
        file,
        "signed-block-overlong-version",
        "version 1 in two bytes",
        "TK-4",
        &signed(|m| {
            m.remove(5);
            *m = std::mem::take(m).overlong_uint(5, 1);
        }),
    );
    malformed(
        file,
        "signed-block-wide-version",
        "version 2^32 + 1, which some readers cut to 1",
        "TK-4",
        &signed(|m| {
            m.remove(5);
            *m = std::mem::take(m).uint(5, (1 << 32) + 1);
        }),
    );
    malformed(
        file,
        "next-key-no-algorithm",
        "algorithm 0 of the next key not written",
        "TK-6",
        &with_key(Message::new().bytes(2, &first.next)),
    );
    malformed(
        file,
        "next-key-unknown-field",
        "a field 3 in PublicKey",
        "TK-8",
        &with_key(public_key(&first.next).uint(3, 1)),
    );
    malformed(
        file,
        "next-key-overlong-algorithm",
        "algorithm 0 in two bytes",
        "TK-4",
        &with_key(Message::new().overlong_uint(1, 0).bytes(2, &first.next)),
    );

    let plan = Plan::deep(1).delegate("agent", "summary-bot", "sub-agent", None);
    let token = plan.sign();
    let with_external = |change: fn(Message) -> Message| {
        let block = &token.blocks[1];
        let external = change(external_signature(block.external.as_ref().unwrap()));
        let block = Message::new()
            .bytes(1, &block.payload)
            .message(2, &public_key(&block.next))
            .bytes(3, &block.signature)
            .message(4, &external)
            .uint(5, 1);
        let message = Message::new().message(2, &token.blocks[0].message()).message(3, &block);
        b64u(&message.message(4, &token.seal()).encode())
    };
    let mut refused = |slug: &str, comment: &str, req: &str, change: fn(Message) -> Message| {
        let request = get_by("sub-agent", &with_external(change));
        file.push(Case::new(slug, comment, &request).req(req).attack(63).deny(
            4,
            "token_malformed",
            "chain/one-delegation",
        ));
    };
    refused("external-unknown-field", "a field 3 in ExternalSignature", "TK-8", |m| m.uint(3, 1));
    refused("external-order", "the public key before the external signature", "TK-5", |mut m| {
        m.swap(1, 2);
        m
    });
    refused("external-no-key", "an external signature without its public key", "TK-6", |mut m| {
        m.remove(2);
        m
    });
}

fn inner_block(file: &mut File) {
    let add = |change: fn(Message) -> Message| block(|m| *m = change(std::mem::take(m)));
    malformed(file, "block-unknown-field", "a field 9 in Block", "TK-8", &add(|m| m.uint(9, 1)));
    malformed(file, "block-order", "the version after a fact", "TK-5", &block(|m| m.swap(3, 4)));
    malformed(file, "block-check-before-facts", "a check before the facts", "TK-5", &block(|m| m.swap(4, 6)));
    malformed(
        file,
        "block-scattered-symbols",
        "a symbol after the version, away from the others",
        "TK-5",
        &block(|m| {
            let last = m.fields.iter().rposition(|f| f.number == 1).unwrap();
            m.fields.swap(last, last + 1);
        }),
    );
    malformed(
        file,
        "block-two-versions",
        "the version twice",
        "TK-5",
        &block(|m| {
            let place = m.fields.iter().position(|f| f.number == 3).unwrap();
            let version = m.fields[place].clone();
            m.fields.insert(place, version);
        }),
    );
    malformed(
        file,
        "block-version-zero",
        "version 0, written",
        "TK-7",
        &Plan { authority: Block { version: Some(0), ..Plan::standard().authority }, ..Plan::standard() }.text(),
    );
    malformed(
        file,
        "block-overlong-version",
        "version 3 in two bytes",
        "TK-4",
        &block(|m| {
            let field = m.fields.iter_mut().find(|f| f.number == 3).unwrap();
            *field = Message::new().overlong_uint(3, 3).fields.remove(0);
        }),
    );
    malformed(
        file,
        "block-version-fixed",
        "version 3 as eight fixed bytes",
        "TK-3",
        &block(|m| {
            let field = m.fields.iter_mut().find(|f| f.number == 3).unwrap();
            *field = Message::new().fixed64(3, 3).fields.remove(0);
        }),
    );
    malformed(
        file,
        "block-length-past-end",
        "a check whose length reaches past the block",
        "TK-3",
        &add(|m| m.raw(6, 2, &[40, 0x0a])),
    );
    malformed(
        file,
        "fact-unknown-field",
        "a field 2 in Fact",
        "TK-8",
        &block(|m| {
            let fact = Symbols::default().fact(&pred("delegation_depth", []));
            let _ = fact;
            let place = m.fields.iter().position(|f| f.number == 4).unwrap();
            let inner = Message::new().message(1, &Message::new().uint(1, 1024).message(2, &Message::new().int(2, 1)));
            m.fields[place] = Message::new().message(4, &inner.uint(2, 1)).fields.remove(0);
        }),
    );
    malformed(
        file,
        "fact-empty",
        "a fact without its predicate",
        "TK-6",
        &block(|m| {
            let place = m.fields.iter().position(|f| f.number == 6).unwrap();
            m.fields.insert(place, Message::new().message(4, &Message::new()).fields.remove(0));
        }),
    );
    malformed(
        file,
        "fact-twice",
        "a right that stands twice",
        "TK-24",
        &Plan::standard().fact(super::standard::right("http", "/calendars", "GET")).text(),
    );
    let plain = Symbols::default().query(&query([pred("time", [Term::Var("time".into())])], []));
    malformed(
        file,
        "check-kind-zero",
        "kind 0 (check if), written",
        "TK-7",
        &check(&Message::new().message(1, &plain).uint(2, 0)),
    );
    malformed(
        file,
        "check-unknown-field",
        "a field 3 in Check",
        "TK-8",
        &check(&Message::new().message(1, &plain).uint(3, 1)),
    );
    malformed(
        file,
        "check-two-kinds",
        "kind 2 (reject if) twice",
        "TK-5",
        &check(&Message::new().message(1, &plain).uint(2, 2).uint(2, 2)),
    );
    malformed(file, "rule-unknown-field", "a field 5 in Rule", "TK-8", &rule(&plain.clone().uint(5, 1)));
    malformed(file, "rule-no-head", "a query without its head", "TK-6", &{
        let mut m = plain.clone();
        m.remove(1);
        rule(&m)
    });
    malformed(file, "rule-order", "a body before the head", "TK-5", &{
        let mut m = plain;
        m.swap(1, 2);
        rule(&m)
    });
}
