//! `token/profile.json`: Biscuits that every Biscuit library reads and the profile refuses.

use crate::clock::{EXPIRES, ISSUED, NOW};
use crate::keys::Key;
use crate::raw_checks::{
    Check, Expr, Predicate, Term, check_if, check_one, date, expiry, lit, pred, query, reject_if, string, strings, v,
    var,
};
use crate::raw_token::{Block, RawToken, Symbols, block_payload_v0, public_key};
use crate::text::b64u;
use crate::wire::Message;

use super::case::{Case, File};
use super::standard::{Plan, get, get_by, right};
use super::token_forms::{base, form_of};

const TWIN: &str = "request/get";

fn refused(file: &mut File, slug: &str, comment: &str, req: &str, token: &str) {
    file.push(Case::new(slug, comment, &get(token)).req(req).deny(4, "token_profile", TWIN));
}

/// The file.
#[must_use]
pub fn file() -> File {
    let mut file = File::new("token", "profile", "readable Biscuits outside the profile");
    containers(&mut file);
    versions(&mut file);
    authority_facts(&mut file);
    later_blocks(&mut file);
    file
}

fn containers(file: &mut File) {
    let token = Plan::standard().sign();
    let first = &token.blocks[0];
    let tail = |message: Message| b64u(&message.message(2, &first.message()).message(4, &token.seal()).encode());
    refused(file, "root-key-id", "a rootKeyId, which nothing signs", "TK-9", &tail(Message::new().uint(1, 1)));

    let signed = |version: Option<u64>, next: Message, external: Option<Message>| {
        let mut block = Message::new().bytes(1, &first.payload).message(2, &next).bytes(3, &first.signature);
        if let Some(external) = external {
            block = block.message(4, &external);
        }
        if let Some(version) = version {
            block = block.uint(5, version);
        }
        b64u(&Message::new().message(2, &block).message(4, &token.seal()).encode())
    };
    refused(
        file,
        "payload-version-absent",
        "no version in the signed block, signed the old way (version 0)",
        "TK-11",
        &{
            let mut old = RawToken::authority(&Key::named("root"), first.payload.clone());
            old.blocks[0].signature = Key::named("root").sign(&block_payload_v0(&first.payload, &first.next));
            old.blocks[0].version = None;
            old.sealed_text()
        },
    );
    refused(
        file,
        "payload-version-two",
        "version 2 in the signed block",
        "TK-11",
        &signed(Some(2), public_key(&first.next), None),
    );
    refused(
        file,
        "next-key-p256",
        "a next key of algorithm 1",
        "TK-12",
        &signed(Some(1), Message::new().uint(1, 1).bytes(2, &first.next), None),
    );
    refused(
        file,
        "next-key-short",
        "a next key of 31 bytes",
        "TK-12",
        &signed(Some(1), public_key(&first.next[..31]), None),
    );
    refused(
        file,
        "next-key-long",
        "a next key of 33 bytes",
        "TK-12",
        &signed(Some(1), public_key(&[&first.next[..], &[0]].concat()), None),
    );
    let external = crate::raw_token::external_signature(&token.external(&first.payload, &Key::named("root")));
    refused(
        file,
        "authority-external-signature",
        "an external signature on the authority block",
        "TK-14",
        &signed(Some(1), public_key(&first.next), Some(external)),
    );

    let block = |change: fn(Message) -> Message| {
        let message = change(Plan::standard().authority.first_party(&mut Symbols::default()));
        let mut message = message;
        message.fields.sort_by_key(|field| field.number);
        RawToken::authority(&Key::named("root"), message.encode()).sealed_text()
    };
    refused(file, "block-context", "a context in the authority block", "TK-9", &block(|m| m.bytes(2, b"note")));
    refused(
        file,
        "block-scope",
        "a scope (trusting authority) in the authority block",
        "TK-9",
        &block(|m| m.message(7, &Message::new().uint(1, 0))),
    );
    refused(
        file,
        "block-public-keys",
        "a table of public keys in the authority block",
        "TK-9",
        &block(|m| m.message(8, &public_key(&Key::named("stranger").public()))),
    );

    let open = token.message(&token.open());
    file.push(
        Case::new("open", "the open form in a request: it shows the next secret", &get(&b64u(&open.encode())))
            .req("TK-15")
            .attack(64)
            .deny(4, "token_unsealed", TWIN),
    );
    let other = token.message(&Message::new().bytes(1, &Key::named("stranger").seed()));
    file.push(
        Case::new(
            "open-foreign-secret",
            "an open form with the secret of another key: refused as open before anything else",
            &get(&b64u(&other.encode())),
        )
        .req("TK-15")
        .attack(64)
        .deny(4, "token_unsealed", TWIN),
    );
}

fn versions(file: &mut File) {
    let version = |block: Block, version| {
        Plan { authority: Block { version: Some(version), ..block }, ..Plan::standard() }.text()
    };
    for wrong in [1, 2, 4, 5, 6, 7] {
        refused(
            file,
            &format!("block-version-{wrong}"),
            &format!("version {wrong} where 3 applies"),
            "TK-26",
            &version(Plan::standard().authority, wrong),
        );
    }
    let no_version = {
        let mut message = Plan::standard().authority.first_party(&mut Symbols::default());
        message.remove(3);
        RawToken::authority(&Key::named("root"), message.encode()).sealed_text()
    };
    refused(file, "block-version-absent", "no version in the block", "TK-26", &no_version);
    let cases: [(&str, &str, Plan, u64); 3] = [
        ("not-equal", "an operation !==", Plan::standard().check(check_one("method", |m| m.ne(lit("DELETE")))), 4),
        (
            "reject-if",
            "a reject if",
            Plan::standard()
                .check(reject_if(query([pred("method", [var("method")])], [v("method").eq(lit("DELETE"))]))),
            6,
        ),
        (
            "closure",
            "a closure",
            Plan::standard().check(check_one("method", |m| m.clone().eq(lit("GET")).or(m.eq(lit("HEAD"))))),
            6,
        ),
    ];
    for (name, what, plan, right_version) in cases {
        let slug = format!("version-with-{name}");
        file.push(Case::new(&slug, &format!("{what}, and version {right_version}"), &get(&plan.text())).req("TK-26"));
        file.push(
            Case::new(&format!("{slug}-wrong"), &format!("{what}, and version 3"), &get(&version(plan.authority, 3)))
                .req("TK-26")
                .deny(4, "token_profile", &format!("token/{slug}")),
        );
    }
    let delegated = |version: Option<u64>| {
        let mut token = Plan::deep(1).sign();
        let block = Block { version, ..Block::delegation("summary-bot", &Key::named("sub-agent"), []) };
        token.delegate(block.third_party().encode(), &Key::named("agent"));
        token.sealed_text()
    };
    for wrong in [3, 6] {
        file.push(
            Case::new(
                &format!("delegation-version-{wrong}"),
                &format!("a delegation block of version {wrong} where 5 applies"),
                &get_by("sub-agent", &delegated(Some(wrong))),
            )
            .req("TK-26")
            .deny(4, "token_profile", "chain/one-delegation"),
        );
    }
}

fn authority_facts(file: &mut File) {
    let standard = Plan::standard;
    for name in ["countersign", "issuer", "user", "agent", "purpose", "audience", "issued_at", "right"] {
        refused(
            file,
            &format!("no-{}", name.replace('_', "-")),
            &format!("no `{name}`"),
            "TK-29",
            &standard().without(name).text(),
        );
    }
    let key = || Term::Bytes(Key::named("stranger").public().to_vec());
    let seconds: [(&str, Predicate); 9] = [
        ("issuer", pred("issuer", [string("https://other.example")])),
        ("user", pred("user", [string("bob@example.com")])),
        ("agent", pred("agent", [string("other-bot"), key()])),
        ("purpose", pred("purpose", [string("billing")])),
        ("audience", pred("audience", [string("https://mail.example.com")])),
        ("issued-at", pred("issued_at", [date(ISSUED + 1)])),
        ("grant", pred("grant", [string("g-2")])),
        ("conversation", pred("conversation", [string("conv-2")])),
        ("delegation-depth", pred("delegation_depth", [Term::Int(2)])),
    ];
    for (name, second) in seconds {
        let plan = match name {
            "grant" => standard().fact(pred("grant", [string("g-1")])),
            "conversation" => standard().fact(pred("conversation", [string("conv-1")])),
            "delegation-depth" => Plan::deep(1),
            _ => standard(),
        };
        refused(
            file,
            &format!("second-{name}"),
            &format!("a second `{}`", second.name),
            "TK-29",
            &plan.fact(second).text(),
        );
    }
    let bad: [(&str, &str, &str, Plan); 17] = [
        ("profile-version-two", "profile version 2", "TK-31", standard().replace(pred("countersign", [Term::Int(2)]))),
        (
            "profile-version-string",
            "a profile version that is a string",
            "TK-28",
            standard().replace(pred("countersign", [string("1")])),
        ),
        (
            "unknown-fact",
            "a fact that the profile does not have",
            "TK-28",
            standard().fact(pred("role", [string("admin")])),
        ),
        (
            "verifier-fact",
            "a fact that only the verifier states: time",
            "TK-28",
            standard().fact(pred("time", [date(NOW)])),
        ),
        (
            "user-two-terms",
            "a user of two terms",
            "TK-28",
            standard().replace(pred("user", [string("alice@example.com"), string("x")])),
        ),
        ("user-no-term", "a user without a term", "TK-28", standard().replace(pred("user", []))),
        ("user-integer", "a user that is an integer", "TK-28", standard().replace(pred("user", [Term::Int(7)]))),
        ("user-variable", "a user that is a variable", "TK-28", standard().replace(pred("user", [var("user")]))),
        (
            "right-two-terms",
            "a right without an action",
            "TK-28",
            standard().fact(pred("right", [string("http"), string("/calendars")])),
        ),
        (
            "right-set",
            "a right whose action is a set",
            "TK-28",
            standard().fact(pred("right", [string("http"), string("/x"), strings(&["GET"])])),
        ),
        (
            "issued-at-integer",
            "a time of issue that is an integer",
            "TK-28",
            standard().replace(pred("issued_at", [Term::Int(ISSUED)])),
        ),
        (
            "agent-key-short",
            "an agent's key of 31 bytes",
            "TK-32",
            standard().replace(pred("agent", [string("calendar-bot"), Term::Bytes(vec![7; 31])])),
        ),
        (
            "approval-key-long",
            "an approver's key of 33 bytes",
            "TK-32",
            standard().fact(pred("approval", [string("email"), string("send"), Term::Bytes(vec![7; 33])])),
        ),
        ("depth-zero", "a delegation depth of 0: to be left out", "TK-33", Plan::deep(0)),
        ("depth-seven", "a delegation depth of 7", "TK-33", Plan::deep(7)),
        (
            "budget-zero",
            "a budget of nothing",
            "TK-33",
            standard().fact(pred("budget", [string("daily"), string("calls"), Term::Int(0), Term::Int(86_400)])),
        ),
        (
            "budget-negative-window",
            "a budget with a window of -1 second",
            "TK-33",
            standard().fact(pred("budget", [string("daily"), string("calls"), Term::Int(5), Term::Int(-1)])),
        ),
    ];
    for (slug, comment, req, plan) in bad {
        refused(file, slug, comment, req, &plan.text());
    }
    for (slug, term) in [
        ("null", Term::Null),
        ("array", Term::Array(vec![Term::Int(1)])),
        ("map", Term::Map(vec![("a".into(), Term::Int(1))])),
    ] {
        let (plan, twin) = base(Some(6));
        form_of(
            file,
            &format!("grant-{slug}"),
            &format!("a term of the kind {slug}"),
            "TK-9",
            &plan.fact(pred("grant", [term])),
            twin,
        );
    }
    let only = |check: Check| Plan { authority: Block { checks: vec![check], ..standard().authority }, ..standard() };
    refused(
        file,
        "no-expiry",
        "no check at all, so no expiry",
        "TK-34",
        &Plan { authority: Block { checks: vec![], ..standard().authority }, ..standard() }.text(),
    );
    refused(
        file,
        "expiry-other-variable",
        "an expiry under another variable, and no other: an ordinary check",
        "TK-34",
        &only(check_if([query([pred("time", [var("t")])], [v("t").le(Expr::from(date(EXPIRES)))])])).text(),
    );
    refused(
        file,
        "expiry-less-than",
        "an expiry with < instead of <=, and no other",
        "TK-34",
        &only(check_one("time", |t| t.lt(date(EXPIRES)))).text(),
    );
    refused(
        file,
        "expiry-with-alternative",
        "an expiry with an alternative beside it, and no other",
        "TK-34",
        &only(check_if([
            expiry(EXPIRES).queries.remove(0),
            query([pred("method", [var("method")])], [v("method").eq(lit("GET"))]),
        ]))
        .text(),
    );
    refused(
        file,
        "date-too-late",
        "an expiry in the year 10000",
        "TK-23",
        &standard().check(expiry(253_402_300_800)).text(),
    );
    file.push(
        Case::new(
            "date-last",
            "an expiry in the last second of the year 9999",
            &get(&standard().check(expiry(253_402_300_799)).text()),
        )
        .req("TK-23"),
    );
    let long = |length: usize| standard().check(check_one("purpose", |p| p.ne(lit(&"x".repeat(length)))));
    file.push(Case::new("string-1024", "a string of 1,024 bytes", &get(&long(1024).text())).req("TK-22"));
    file.push(Case::new("string-1025", "a string of 1,025 bytes", &get(&long(1025).text())).req("TK-22").deny(
        4,
        "token_profile",
        "token/string-1024",
    ));
    let long = |length: usize| standard().check(check_one("holder", |h| h.ne(Term::Bytes(vec![7; length]))));
    file.push(Case::new("bytes-1024", "a constant of 1,024 bytes", &get(&long(1024).text())).req("TK-22"));
    file.push(Case::new("bytes-1025", "a constant of 1,025 bytes", &get(&long(1025).text())).req("TK-22").deny(
        4,
        "token_profile",
        "token/bytes-1024",
    ));
}

fn later_blocks(file: &mut File) {
    let restricted = |block: &Block| {
        let mut symbols = Symbols::default();
        let payload = Plan::standard().authority.first_party(&mut symbols).encode();
        let mut token = RawToken::authority(&Key::named("root"), payload);
        token.restrict(block.first_party(&mut symbols).encode());
        token.sealed_text()
    };
    let twin = "token/restriction";
    file.push(
        Case::new(
            "restriction",
            "a restriction block with one check",
            &get(&restricted(&Block::restriction([expiry(NOW + 60)]))),
        )
        .req("TK-36")
        .req("TK-40")
        .req("TK-35")
        .expires(NOW + 60),
    );
    let mut claims = |slug: &str, comment: &str, block: &Block| {
        file.push(Case::new(slug, comment, &get(&restricted(block))).req("TK-36").attack(44).deny(
            4,
            "token_profile",
            twin,
        ));
    };
    claims("restriction-empty", "a restriction block without a check", &Block::default());
    for (slug, fact) in [
        ("right", right("http", "/", "DELETE")),
        ("user", pred("user", [string("root")])),
        ("agent", pred("agent", [string("x"), Term::Bytes(vec![7; 32])])),
        ("time", pred("time", [date(0)])),
        ("service", pred("service", [string("https://mail.example.com")])),
        ("depth", pred("delegation_depth", [Term::Int(6)])),
        ("delegate", pred("delegate", [string("x"), Term::Bytes(Key::named("stranger").public().to_vec())])),
    ] {
        let block = Block { facts: vec![fact], checks: vec![expiry(NOW + 60)], ..Block::default() };
        claims(
            &format!("restriction-claims-{slug}"),
            "a restriction block that states a fact of the authority block or of the verifier",
            &block,
        );
    }
    let delegated = |change: &dyn Fn(&mut Block)| {
        let mut token = Plan::deep(2).sign();
        let mut block = Block::delegation("summary-bot", &Key::named("sub-agent"), []);
        change(&mut block);
        token.delegate(block.third_party().encode(), &Key::named("agent"));
        token.sealed_text()
    };
    let twin = "token/delegation";
    file.push(
        Case::new("delegation", "a delegation block with its one fact", &get_by("sub-agent", &delegated(&|_| {})))
            .req("TK-38")
            .agents([
                super::standard::first_agent(),
                super::standard::later_agent("summary-bot", "sub-agent", "agent"),
            ]),
    );
    let mut bad = |slug: &str, comment: &str, req: &str, change: &dyn Fn(&mut Block)| {
        file.push(Case::new(slug, comment, &get_by("sub-agent", &delegated(change))).req(req).deny(
            4,
            "token_profile",
            twin,
        ));
    };
    bad("delegation-without-delegate", "a delegation block without `delegate`", "TK-38", &|b| {
        b.facts = vec![pred("delegation_depth", [Term::Int(1)])]
    });
    bad("delegation-two-delegates", "a delegation block with two", "TK-38", &|b| {
        b.facts.push(pred("delegate", [string("other"), Term::Bytes(vec![7; 32])]))
    });
    bad("delegation-key-short", "a delegate's key of 31 bytes", "TK-32", &|b| {
        b.facts = vec![pred("delegate", [string("summary-bot"), Term::Bytes(vec![7; 31])])]
    });
    bad("delegation-depth-zero", "a depth of 0: to be left out", "TK-33", &|b| {
        b.facts.push(pred("delegation_depth", [Term::Int(0)]))
    });
    bad("delegation-two-depths", "two depths", "TK-38", &|b| {
        b.facts.push(pred("delegation_depth", [Term::Int(1)]));
        b.facts.push(pred("delegation_depth", [Term::Int(2)]));
    });
    for (slug, fact) in [
        ("version", pred("countersign", [Term::Int(1)])),
        ("issuer", pred("issuer", [string("https://hub.example")])),
        ("user", pred("user", [string("root")])),
        ("agent", pred("agent", [string("root"), Term::Bytes(vec![7; 32])])),
        ("purpose", pred("purpose", [string("scheduling")])),
        ("audience", pred("audience", [string("https://calendar.example.com")])),
        ("issued-at", pred("issued_at", [date(ISSUED)])),
        ("right", right("http", "/", "DELETE")),
        ("metered", pred("metered", [string("a"), string("b"), string("c")])),
        ("grant", pred("grant", [string("g")])),
        ("conversation", pred("conversation", [string("c")])),
        ("approval", pred("approval", [string("a"), string("b"), Term::Bytes(vec![7; 32])])),
    ] {
        bad(
            &format!("delegation-claims-{slug}"),
            "a delegation block with a fact of the authority block",
            "TK-38",
            &|b| b.facts.push(fact.clone()),
        );
    }
}
