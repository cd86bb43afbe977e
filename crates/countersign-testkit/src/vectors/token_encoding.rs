//! `token/encoding.json`: one token has one encoding.

use crate::raw_checks::{Expr, Op, Predicate, Term, check_if, check_one, pred, query, truth, v};
use crate::raw_token::{Block, RawToken, Symbols, external_signature, public_key};
use crate::text::{b64, b64u, hex};
use crate::wire::{Message, VARINT};

use super::case::{Case, File};
use super::standard::{Plan, get, get_by};

const TWIN: &str = "token/one-block";

/// The standard token with its authority block's message changed, then signed.
fn with_block(plan: &Plan, change: impl FnOnce(&mut Message)) -> RawToken {
    let mut message = plan.authority.first_party(&mut Symbols::default());
    change(&mut message);
    RawToken::authority(&plan.root, message.encode())
}

fn block(change: impl FnOnce(&mut Message)) -> String {
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

/// The standard token with one check more, whose one expression is these encoded operations.
fn operations(ops: &Message) -> String {
    let time = Symbols::default().predicate(&pred("time", [Term::Var("time".into())]));
    rule(&Message::new().message(1, &head()).message(2, &time).message(3, ops))
}

fn head() -> Message {
    Message::new().uint(1, 27)
}

/// The standard token with one check more, of this one encoded query.
fn rule(query: &Message) -> String {
    check(&Message::new().message(1, query))
}

/// The standard token with this encoded check more.
fn check(check: &Message) -> String {
    block(|message| *message = std::mem::take(message).message(6, check))
}

/// The standard token with a fact more whose one term is these bytes.
fn term(bytes: Vec<u8>) -> String {
    Plan::standard().fact(pred("grant", [Term::Raw(bytes)])).text()
}

fn value(term: &Message) -> Message {
    Message::new().message(1, term)
}

fn ops(list: &[Message]) -> Message {
    list.iter().fold(Message::new(), |message, op| message.message(1, op))
}

fn time_var() -> Message {
    value(&Message::new().uint(1, 5))
}

fn late_date() -> Message {
    value(&Message::new().uint(4, 1_900_000_000))
}

fn less_than() -> Message {
    Message::new().message(3, &Message::new().uint(1, 0))
}

/// The file.
#[must_use]
pub fn file() -> File {
    let mut file = File::new("token", "encoding", "a token has exactly one encoding, text and bytes");
    file.push(
        Case::new("one-block", "the standard token: one authority block, sealed", &get(&Plan::standard().text()))
            .req("TK-1")
            .req("TK-3")
            .req("TK-39")
            .req("TK-42"),
    );
    text_form(&mut file);
    container(&mut file);
    signed_block(&mut file);
    inner_block(&mut file);
    terms(&mut file);
    expressions(&mut file);
    symbols(&mut file);
    nesting(&mut file);
    file
}

fn malformed(file: &mut File, slug: &str, comment: &str, req: &str, token: &str) {
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

fn terms(file: &mut File) {
    malformed(file, "term-empty", "a term without a member", "TK-6", &term(vec![]));
    malformed(
        file,
        "term-two-members",
        "a term that is an integer and a date",
        "TK-5",
        &term(Message::new().int(2, 1).uint(4, 1).encode()),
    );
    malformed(
        file,
        "term-same-member-twice",
        "a term with the same date twice",
        "TK-5",
        &term(Message::new().uint(4, 1).uint(4, 1).encode()),
    );
    malformed(file, "term-unknown-field", "a term of field 11", "TK-8", &term(Message::new().uint(11, 1).encode()));
    malformed(
        file,
        "term-bool-two",
        "a Boolean with the value 2",
        "TK-4",
        &operations(&ops(&[value(&Message::new().uint(6, 2))])),
    );
    malformed(
        file,
        "term-wide-variable",
        "a variable 2^32 + 5, which some readers cut to 5",
        "TK-4",
        &operations(&ops(&[value(&Message::new().uint(1, (1 << 32) + 5)), late_date(), less_than()])),
    );
    malformed(
        file,
        "term-varint-past-64-bits",
        "a date in ten bytes that needs 65 bits",
        "TK-4",
        &operations(&ops(&[
            time_var(),
            value(&Message::new().raw(4, VARINT, &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02])),
            less_than(),
        ])),
    );
    malformed(
        file,
        "term-overlong-date",
        "the date of a check with a byte too many",
        "TK-4",
        &operations(&ops(&[time_var(), value(&Message::new().overlong_uint(4, 1_900_000_000)), less_than()])),
    );
    malformed(
        file,
        "term-set-unknown-field",
        "a field 2 in TermSet",
        "TK-8",
        &operations(&ops(&[
            value(&Message::new().message(7, &Message::new().message(1, &Message::new().uint(4, 1)).uint(2, 1))),
            time_var(),
            Message::new().message(3, &Message::new().uint(1, 5)),
        ])),
    );
    malformed(
        file,
        "predicate-unknown-field",
        "a field 3 in Predicate",
        "TK-8",
        &rule(
            &Message::new()
                .message(1, &head())
                .message(2, &Message::new().uint(1, 5).message(2, &Message::new().uint(1, 5)).uint(3, 1)),
        ),
    );
    malformed(
        file,
        "predicate-no-name",
        "a predicate without its name",
        "TK-6",
        &rule(&Message::new().message(1, &head()).message(2, &Message::new().message(2, &Message::new().uint(1, 5)))),
    );
}

fn expressions(file: &mut File) {
    let good = || ops(&[time_var(), late_date(), less_than()]);
    file.push(
        Case::new("strict-less-than", "a check `$time < …`: operator number 0, written", &get(&operations(&good())))
            .req("TK-6"),
    );
    let twin = "token/strict-less-than";
    let mut refused = |slug: &str, comment: &str, req: &str, expression: &Message| {
        file.push(Case::new(slug, comment, &get(&operations(expression))).req(req).attack(63).deny(
            4,
            "token_malformed",
            twin,
        ));
    };
    refused(
        "binary-no-kind",
        "the same with the operator number left out",
        "TK-6",
        &ops(&[time_var(), late_date(), Message::new().message(3, &Message::new())]),
    );
    refused(
        "binary-overlong-kind",
        "the same with the operator number in two bytes",
        "TK-4",
        &ops(&[time_var(), late_date(), Message::new().message(3, &Message::new().overlong_uint(1, 0))]),
    );
    refused(
        "binary-unknown-field",
        "a field 3 in OpBinary",
        "TK-8",
        &ops(&[time_var(), late_date(), Message::new().message(3, &Message::new().uint(1, 0).uint(3, 1))]),
    );
    refused(
        "unary-unknown-field",
        "a field 3 in OpUnary",
        "TK-8",
        &ops(&[time_var(), late_date(), less_than(), Message::new().message(2, &Message::new().uint(1, 1).uint(3, 1))]),
    );
    refused(
        "op-empty",
        "an operation without a member",
        "TK-6",
        &ops(&[time_var(), late_date(), less_than(), Message::new()]),
    );
    refused(
        "op-two-members",
        "an operation that is a value and an operator",
        "TK-5",
        &ops(&[time_var(), late_date().message(3, &Message::new().uint(1, 0))]),
    );
    refused(
        "op-unknown-field",
        "an operation of field 5",
        "TK-8",
        &ops(&[time_var(), late_date(), less_than(), Message::new().uint(5, 1)]),
    );
    refused("expression-unknown-field", "a field 2 in Expression", "TK-8", &good().uint(2, 1));
}

fn symbols(file: &mut File) {
    let names = |change: fn(&mut Vec<String>)| {
        block(|message| {
            let mut list: Vec<String> = Vec::new();
            let mut symbols = Symbols::default();
            Plan::standard().authority.facts.iter().for_each(|fact| {
                symbols.fact(fact);
            });
            list.extend(symbols.new_strings().iter().cloned());
            change(&mut list);
            message.remove(1);
            let strings = list.iter().fold(Message::new(), |m, text| m.bytes(1, text.as_bytes()));
            message.fields.splice(0..0, strings.fields);
        })
    };
    malformed(file, "symbols-unused", "a string that nothing uses", "TK-19", &names(|list| list.push("unused".into())));
    malformed(
        file,
        "symbols-repeated",
        "a string that stands twice",
        "TK-18",
        &names(|list| {
            let last = list[0].clone();
            list.push(last);
        }),
    );
    malformed(
        file,
        "symbols-default",
        "a string that every table has",
        "TK-18",
        &names(|list| list.push("read".into())),
    );
    malformed(
        file,
        "symbols-missing",
        "the last string missing: its number points past the end",
        "TK-17",
        &names(|list| {
            list.pop();
        }),
    );
    malformed(
        file,
        "symbols-not-utf8",
        "a purpose that is not UTF-8",
        "TK-21",
        &block(|message| {
            let place = message.fields.iter().position(|f| f.bytes.ends_with(b"scheduling")).unwrap();
            message.fields[place] = Message::new().bytes(1, b"schedul\xffng").fields.remove(0);
        }),
    );
    malformed(file, "symbols-order", "two strings that change places, and every use of them", "TK-19", &{
        let mut facts = Plan::standard().authority.facts;
        facts.swap(1, 2);
        let mut symbols = Symbols::default();
        // Numbered as if the facts stood in the usual order.
        Plan::standard().authority.facts.iter().for_each(|fact| {
            symbols.fact(fact);
        });
        let authority = Block { facts, ..Plan::standard().authority };
        Plan { authority, ..Plan::standard() }.root_with(&mut symbols)
    });
    for (slug, number) in [("symbol-gap-first", 28), ("symbol-gap-last", 1023), ("symbol-past-end", 5000)] {
        malformed(
            file,
            slug,
            "a grant whose string number names no string",
            "TK-17",
            &Plan::standard().fact(pred("grant", [Term::Symbol(number)])).text(),
        );
    }
    let known = Plan::standard().sign();
    let mut table = Symbols::default();
    Plan::standard().authority.first_party(&mut table);
    let restriction = Block::restriction([check_one("purpose", |p| p.eq(Term::Str("scheduling".into())))]);
    let mut good = known.clone();
    good.restrict(restriction.first_party(&mut table).encode());
    file.push(
        Case::new(
            "symbols-shared",
            "a restriction that uses a string of the authority block by its number",
            &get(&good.sealed_text()),
        )
        .req("TK-17")
        .req("TK-36"),
    );
    let mut own = known.clone();
    own.restrict(restriction.first_party(&mut Symbols::default()).encode());
    file.push(
        Case::new(
            "symbols-brought-again",
            "the same restriction that brings the string again",
            &get(&own.sealed_text()),
        )
        .req("TK-18")
        .attack(63)
        .deny(4, "token_malformed", "token/symbols-shared"),
    );

    let set = |texts: &[&str]| {
        Plan::standard().check(check_one("method", |m| Expr::from(crate::raw_checks::strings(texts)).contains(m)))
    };
    file.push(
        Case::new(
            "set-order",
            "a set of strings that the table lacked, in byte order",
            &get(&set(&["GET", "HEAD", "LIST"]).text()),
        )
        .req("TK-20"),
    );
    let mut refused = |slug: &str, comment: &str, req: &str, token: &str| {
        file.push(Case::new(slug, comment, &get(token)).req(req).attack(63).deny(
            4,
            "token_malformed",
            "token/set-order",
        ));
    };
    refused(
        "set-descending",
        "the elements of the set in descending order",
        "CK-19",
        &set(&["LIST", "HEAD", "GET"]).text(),
    );
    refused("set-repeated", "an element of the set twice", "CK-19", &set(&["GET", "HEAD", "HEAD"]).text());
    refused("set-symbols-unsorted", "the set's new strings numbered against byte order", "TK-20", &{
        let mut symbols = Symbols::default();
        let plan = set(&["GET", "HEAD", "LIST"]);
        plan.authority.facts.iter().for_each(|fact| {
            symbols.fact(fact);
        });
        symbols.number("method");
        symbols.number("LIST");
        symbols.number("HEAD");
        Plan {
            authority: Block {
                checks: vec![
                    plan.authority.checks[0].clone(),
                    check_one("method", |m| {
                        Expr::from(crate::raw_checks::strings(&["GET", "LIST", "HEAD"])).contains(m)
                    }),
                ],
                ..plan.authority
            },
            ..plan
        }
        .root_with(&mut symbols)
    });
    let far = Plan::deep(1);
    let mut seeing = far.sign();
    let block = Block::delegation("summary-bot", &crate::keys::Key::named("sub-agent"), []);
    let payload = block.third_party();
    let mut payload_sees = payload.clone();
    payload_sees.fields.pop();
    let fact = Message::new().message(
        1,
        &Message::new()
            .uint(1, 1024)
            .message(2, &Message::new().uint(3, 1030))
            .message(2, &Message::new().bytes(5, &crate::keys::Key::named("sub-agent").public())),
    );
    let payload_sees =
        Message { fields: payload_sees.fields.into_iter().filter(|f| !f.bytes.ends_with(b"summary-bot")).collect() }
            .message(4, &fact);
    seeing.delegate(payload_sees.encode(), &crate::keys::Key::named("agent"));
    file.push(
        Case::new(
            "symbols-of-the-token-in-a-delegation",
            "a delegation block that uses a string number of the token's table",
            &get_by("sub-agent", &seeing.sealed_text()),
        )
        .req("TK-17")
        .attack(63)
        .deny(4, "token_malformed", "chain/one-delegation"),
    );
}

fn nesting(file: &mut File) {
    // Right-nested `true && (true && …)`: each level adds a closure and an operation to the depth.
    let nested = |levels: usize| (0..levels).fold(truth(true), |inner, _| truth(true).and(inner));
    let time: fn() -> Vec<Predicate> = || vec![pred("time", [Term::Var("time".into())])];
    file.push(
        Case::new(
            "nested-closures",
            "closures nested 20 deep",
            &get(&Plan::standard().check(check_if([query(time(), [nested(20)])])).text()),
        )
        .req("TK-10"),
    );
    // Sets in sets: the innermost term stands at the depth given.
    let deep = |depth: usize| {
        // Block, check, rule, expression, operation and value are the first six.
        let levels = (depth - 6) / 2;
        let set = (0..levels).fold(Term::Int(1), |inner, _| Term::Set(vec![inner]));
        let expression = Expr(vec![Op::Value(set)]).contains(v("time"));
        Plan::standard().check(check_if([query(time(), [expression])])).text()
    };
    file.push(
        Case::new("nesting-66", "sets nested until a message has depth 66", &get(&deep(66)))
            .req("TK-10")
            .attack(63)
            .deny(4, "token_malformed", "token/nested-closures"),
    );
    file.push(
        Case::new(
            "nesting-64",
            "sets nested until a message has depth 64: only what they mean is refused",
            &get(&deep(64)),
        )
        .req("TK-10")
        .req("CK-17")
        .attack(63)
        .deny(4, "token_profile", "token/nested-closures"),
    );
}
