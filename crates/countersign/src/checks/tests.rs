//! The worked examples of `spec/checks.md`, counted.

use super::{ArgName, Argument, Arguments, CheckDenial, Facts, Scalar, Work, evaluate};
use crate::code::Code;
use crate::key::{PublicKey, SigningKey};
use crate::time::UnixTime;
use crate::token::{
    Check, CheckKind, Expression, Grant, Op, Predicate, Query, Restriction, Right, Term, UnverifiedToken,
    VerifiedChain, binary_op, unary_op,
};

const NOW: UnixTime = UnixTime(1_795_453_200);

fn keys() -> (SigningKey, SigningKey) {
    (SigningKey::from_seed(&[1; 32]), SigningKey::from_seed(&[2; 32]))
}

/// A chain of one block with an expiry and these restrictions.
fn chain(restrictions: &[Restriction]) -> VerifiedChain {
    let (root, next) = keys();
    let mut grant = Grant::new("https://hub.example", "alice@example.com", "calendar-bot", next.public())
        .purpose("scheduling")
        .audience("https://calendar.example.com")
        .valid(NOW, NOW.plus(3600))
        .right(Right { r#type: "email", location: "/", action: "send" });
    for restriction in restrictions {
        grant = grant.restriction(restriction.clone());
    }
    let text = grant.sign(&root, &next).unwrap().dangerous_text();
    UnverifiedToken::from_text(&text).unwrap().verify(&[root.public()]).unwrap()
}

fn run(restrictions: &[Restriction], action: &str, resource: &str, arguments: &Arguments) -> (Result<(), Code>, u64) {
    let key = PublicKey::from_bytes([0; 32]);
    let facts = Facts {
        time: NOW,
        service: "https://calendar.example.com",
        r#type: "email",
        resource,
        action,
        method: None,
        authority: None,
        path: None,
        tool: None,
        binding: "ed25519",
        holder: key,
        user: "alice@example.com",
        agent: ("calendar-bot", key),
        purpose: "scheduling",
        issuer: "https://hub.example",
        arguments,
    };
    let mut work = Work::new(super::WORK_LIMIT);
    let outcome = evaluate(&chain(restrictions), &facts, &mut work);
    (outcome.map_err(|CheckDenial { code, .. }| code), work.done())
}

/// What the expiry check of [`chain`] costs.
const EXPIRY: u64 = 4;

fn var(name: &str) -> Term {
    Term::Variable(name.to_owned())
}

fn reject(predicates: Vec<Predicate>, ops: Vec<Op>) -> Restriction {
    let expressions = if ops.is_empty() { vec![] } else { vec![Expression(ops)] };
    Restriction::Check(Check { kind: CheckKind::RejectIf, queries: vec![Query { predicates, expressions }] })
}

fn strings(arguments: &mut Arguments, facts: &[(&str, &str)]) {
    for (name, value) in facts {
        arguments.value(Argument { name: (*name).to_owned(), value: Scalar::Str((*value).to_owned()) });
    }
}

// spec: CK-27, example 1
#[test]
fn counts_the_first_example() {
    let under = "/projects/2026/northern-region/quarterly-planning/working-documents/drafts";
    let resource = [under, "/q3/report.md"].concat();
    let (outcome, work) =
        run(&[Restriction::ResourceUnder(under.to_owned())], "send", &resource, &Arguments::not_extracted());
    assert_eq!((outcome, work), (Ok(()), 14));
}

// spec: CK-27, example 2
#[test]
fn counts_the_second_example() {
    let mut arguments = Arguments::none();
    strings(&mut arguments, &[("/subject", "Hi")]);
    strings(&mut arguments, &[("/to", "a@example.com"), ("/to", "b@example.com"), ("/to", "c@example.com")]);
    arguments.value(Argument { name: "/urgent".to_owned(), value: Scalar::Bool(true) });
    let check = |third: &str| {
        let set = ["a@example.com", "b@example.com", third].map(Term::from).to_vec();
        reject(
            vec![
                Predicate::new("type", ["email".into()]),
                Predicate::new("action", ["send".into()]),
                Predicate::new("arg", ["/to".into(), var("value")]),
            ],
            vec![
                Op::Value(Term::Set(set)),
                Op::Value(var("value")),
                Op::Binary(binary_op::CONTAINS),
                Op::Unary(unary_op::NEGATE),
            ],
        )
    };
    assert_eq!(run(&[check("c@example.com")], "send", "/", &arguments), (Ok(()), EXPIRY + 28));
    assert_eq!(run(&[check("d@example.com")], "send", "/", &arguments), (Err(Code::CheckFailed), EXPIRY + 27));
    assert_eq!(run(&[check("c@example.com")], "read", "/", &arguments), (Ok(()), EXPIRY + 2));
}

// spec: CK-27, example 3
#[test]
fn counts_the_third_example() {
    let mut arguments = Arguments::none();
    for (name, path) in [("/source", "/docs/q3/report.md"), ("/target", "/docs")] {
        arguments.declare(ArgName { name: name.to_owned(), path: true, ..ArgName::default() });
        arguments.path(name, path);
    }
    let check = |name: &str| {
        let path = || Op::Value(var("path"));
        reject(
            vec![Predicate::new("arg_path", [name.into(), var("path")])],
            vec![
                path(),
                Op::Value("/docs".into()),
                Op::Binary(binary_op::EQUAL),
                Op::Closure(vec![path(), Op::Value("/docs/".into()), Op::Binary(binary_op::PREFIX)]),
                Op::Binary(binary_op::LAZY_OR),
                Op::Unary(unary_op::PARENS),
                Op::Unary(unary_op::NEGATE),
            ],
        )
    };
    assert_eq!(run(&[check("/source")], "send", "/", &arguments), (Ok(()), EXPIRY + 12));
    assert_eq!(run(&[check("/target")], "send", "/", &arguments), (Ok(()), EXPIRY + 9));
}

// spec: CK-21
#[test]
fn a_constant_name_is_offered_up_to_its_match_and_the_rest_when_the_inside_fails() {
    let mut arguments = Arguments::none();
    ["/a", "/b", "/c", "/d"].iter().for_each(|name| arguments.present(name));
    let present = |name: &str| Predicate::new("arg_present", [name.into()]);
    let succeeds = reject(vec![present("/b")], vec![]);
    assert_eq!(run(&[succeeds], "send", "/", &arguments), (Err(Code::CheckFailed), EXPIRY + 2));
    let fails_inside = reject(vec![present("/b"), present("/x")], vec![]);
    assert_eq!(run(&[fails_inside], "send", "/", &arguments), (Ok(()), EXPIRY + 2 + 4 + 2));
}

// spec: CK-33, CK-36, CK-37
#[test]
fn asking_for_what_has_no_one_reading_is_an_error() {
    let arg = reject(vec![Predicate::new("arg", ["/a".into(), var("v")])], vec![Op::Value(Term::Bool(false))]);
    let host = reject(vec![Predicate::new("arg_host", ["/a".into(), var("v")])], vec![Op::Value(Term::Bool(false))]);
    let present = reject(vec![Predicate::new("arg_present", ["/a".into()])], vec![Op::Value(Term::Bool(false))]);
    let any = reject(vec![Predicate::new("arg_present", [var("v")])], vec![Op::Value(Term::Bool(false))]);
    let code = |check: &Restriction, arguments: &Arguments| run(std::slice::from_ref(check), "send", "/", arguments).0;
    let declared = |name: ArgName| {
        let mut arguments = Arguments::none();
        arguments.declare(name);
        arguments
    };
    let name = |name: &str| ArgName { name: name.to_owned(), url: true, ..ArgName::default() };
    for check in [&arg, &host, &present, &any] {
        assert_eq!(code(check, &Arguments::not_extracted()), Err(Code::CheckError));
        assert_eq!(code(check, &declared(name("/a"))), Ok(()));
    }
    assert_eq!(code(&host, &Arguments::none()), Err(Code::CheckError), "not declared a URL");
    let poisoned = declared(ArgName { poisoned: true, ..name("/a") });
    assert_eq!(
        [&arg, &host, &present].map(|c| code(c, &poisoned)),
        [Err(Code::CheckError), Err(Code::CheckError), Ok(())]
    );
    let derived = declared(ArgName { derived_poisoned: true, ..name("/a") });
    assert_eq!([&arg, &host].map(|c| code(c, &derived)), [Ok(()), Err(Code::CheckError)]);
    let elsewhere = declared(ArgName { presence_poisoned: true, ..name("/b") });
    assert_eq!([&present, &any].map(|c| code(c, &elsewhere)), [Ok(()), Err(Code::CheckError)]);
}
