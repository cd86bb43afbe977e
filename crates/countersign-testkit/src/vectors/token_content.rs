//! `token/content.json`: terms, expressions, symbols and nesting have one encoding too.

use crate::raw_checks::{Expr, Op, Predicate, Term, check_if, check_one, pred, query, string, truth, v};
use crate::raw_token::{Block, Symbols};
use crate::wire::{Message, VARINT};

use super::case::{Case, File};
use super::standard::{Plan, get, get_by};
use super::token_encoding::{block, head, malformed, rule};

/// The file.
#[must_use]
pub fn file() -> File {
    let mut file = File::new("token", "content", "terms, expressions, symbols and nesting have one encoding");
    terms(&mut file);
    expressions(&mut file);
    symbols(&mut file);
    nesting(&mut file);
    file
}

/// The standard token with one check more, whose one expression is these encoded operations.
fn operations(ops: &Message) -> String {
    let time = Symbols::default().predicate(&pred("time", [Term::Var("time".into())]));
    rule(&Message::new().message(1, &head()).message(2, &time).message(3, ops))
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

/// A set of strings whose elements are written in this order, whatever their numbers.
fn texts_in_order(texts: &[&str]) -> Term {
    Term::Set(texts.iter().map(|text| string(*text)).collect())
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
    // Its number is still the first one, so that nothing else is wrong with it.
    let mut again = Message::new().bytes(1, b"scheduling");
    let mut table = Symbols::default();
    Plan::standard().authority.first_party(&mut table);
    again.fields.extend(restriction.first_party(&mut table).fields);
    let mut own = known.clone();
    own.restrict(again.encode());
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

    let set =
        |texts: &[&str]| Plan::standard().check(check_one("method", |m| Expr::from(texts_in_order(texts)).contains(m)));
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
                    check_one("method", |m| Expr::from(texts_in_order(&["GET", "LIST", "HEAD"])).contains(m)),
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
