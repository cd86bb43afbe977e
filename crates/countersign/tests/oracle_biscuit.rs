//! biscuit-auth reads, verifies, re-encodes and judges as core does: every token that core makes, and every token of the
//! vectors that the profile takes.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests say what went wrong by panicking"
)]

use std::path::Path;

use countersign::checks::{ArgName, Argument, Arguments, Facts, Scalar, WORK_LIMIT, Work, evaluate};
use countersign::key::{PublicKey, SigningKey};
use countersign::time::UnixTime;
use countersign::token::{
    Check, CheckKind, Delegation, Expression, Grant, Op, OpenToken, Predicate, Query, Restriction, Right, Term,
    UnverifiedToken, VerifiedChain, binary_op, unary_op,
};
use countersign::{Code, from_base64url};
use countersign_datalog::oracle::{self, Outcome};
use countersign_testkit::runner;

const NOW: UnixTime = UnixTime(1_795_453_200);

fn key(number: u8) -> SigningKey {
    SigningKey::from_seed(&[number; 32])
}

fn grant() -> Grant {
    Grant::new("https://hub.example", "alice@example.com", "calendar-bot", key(2).public())
        .purpose("scheduling")
        .audience("https://calendar.example.com")
        .valid(NOW, NOW.plus(3600))
        .right(Right { r#type: "http", location: "/calendars", action: "GET" })
}

fn sign(grant: &Grant) -> OpenToken {
    grant.sign(&key(1), &key(100)).unwrap()
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn variable(name: &str) -> Term {
    Term::Variable(name.to_owned())
}

fn check(kind: CheckKind, predicates: Vec<Predicate>, expressions: Vec<Expression>) -> Restriction {
    Restriction::Check(Check { kind, queries: vec![Query { predicates, expressions }] })
}

/// `reject if arg_path("/source", $p), !($p === "/docs" || $p.starts_with("/docs/"))`, a closure and a third-level stack.
fn guarded_path() -> Restriction {
    let under = Op::Closure(vec![Op::Value(variable("p")), Op::Value("/docs/".into()), Op::Binary(binary_op::PREFIX)]);
    let mut expression = Expression::binary(variable("p"), binary_op::EQUAL, "/docs".into());
    expression.0.extend([under, Op::Binary(binary_op::LAZY_OR)]);
    check(
        CheckKind::RejectIf,
        vec![Predicate::new("type", ["http".into()]), Predicate::new("arg_path", ["/source".into(), variable("p")])],
        vec![expression.negated()],
    )
}

/// Restrictions of every kind; some hold for the request below, some do not.
fn restrictions() -> Vec<Restriction> {
    let one = |name: &str, expression: Expression| {
        check(CheckKind::CheckIf, vec![Predicate::new(name, [variable("x")])], vec![expression])
    };
    let set = |terms: Vec<Term>| {
        let expression = Expression::binary(Term::Set(terms), binary_op::CONTAINS, variable("x"));
        check(CheckKind::RejectIf, vec![Predicate::new("arg", ["/n".into(), variable("x")])], vec![expression])
    };
    let length = Expression(vec![
        Op::Value(variable("x")),
        Op::Unary(unary_op::LENGTH),
        Op::Value(Term::Integer(19)),
        Op::Binary(binary_op::LESS_OR_EQUAL),
    ]);
    vec![
        Restriction::ExpiresBy(NOW.plus(600)),
        Restriction::ExpiresBy(UnixTime(NOW.0 - 1)),
        Restriction::NotBefore(NOW),
        Restriction::NotBefore(NOW.plus(1)),
        Restriction::Services(words(&["https://calendar.example.com"])),
        Restriction::Services(words(&["https://mail.example.com", "https://calendar.example.com"])),
        Restriction::Types(words(&["mail", "http", "mail"])),
        Restriction::Types(words(&["mail"])),
        Restriction::Actions(words(&["GET", "read", "write"])),
        Restriction::Methods(words(&["POST", "PUT"])),
        Restriction::Tools(words(&["search"])),
        Restriction::Users(words(&["alice@example.com", "bob@example.com"])),
        Restriction::Purposes(words(&["scheduling"])),
        Restriction::Bindings(words(&["ed25519", "session"])),
        Restriction::ResourceIs("/calendars/primary".to_owned()),
        Restriction::ResourceUnder("/calendars".to_owned()),
        Restriction::ResourceUnder("/calendars/prim".to_owned()),
        Restriction::ResourceUnder("/".to_owned()),
        guarded_path(),
        one("user", length),
        one("time", Expression::binary(variable("x"), binary_op::LESS_THAN, Term::Integer(1))),
        one("holder", Expression::binary(variable("x"), binary_op::NOT_EQUAL, Term::Bytes(vec![]))),
        one("resource", Expression(vec![Op::Value(variable("x"))])),
        set(vec![Term::Integer(2), Term::Integer(-1), Term::Integer(7)]),
        set(vec![Term::Bool(true), Term::Bool(false)]),
        set(vec![Term::Bool(false)]),
        // The value of another argument.
        set(vec![Term::Integer(11)]),
        set(vec!["seven".into(), "read".into(), "a".into()]),
        set(vec![]),
        check(CheckKind::CheckIf, vec![Predicate::new("arg_present", ["/n".into()])], vec![]),
        check(CheckKind::RejectIf, vec![Predicate::new("arg_present", ["/source".into()])], vec![]),
        check(
            CheckKind::CheckIf,
            vec![Predicate::new("agent", ["calendar-bot".into(), Term::Bytes(key(2).public().as_bytes().to_vec())])],
            vec![Expression(vec![Op::Value(Term::Bool(true))])],
        ),
    ]
}

/// Tokens of many shapes, with what to call each.
fn tokens() -> Vec<(String, OpenToken)> {
    let mut tokens = vec![("plain".to_owned(), sign(&grant()))];
    let full = grant()
        .right(Right { r#type: "read", location: "/", action: "write" })
        .budget("mail", "calls", 10, 0)
        .budget("mail", "usd-cents", i64::MAX, 86_400)
        .metered("mail", "email", "send")
        .approval("email", "send", key(9).public())
        .grant("grant-1")
        .conversation("conversation-1")
        .delegation_depth(6);
    tokens.push(("all facts".to_owned(), sign(&full)));
    for (index, restriction) in restrictions().into_iter().enumerate() {
        // In each kind of block.
        let authority = sign(&grant().restriction(restriction.clone()));
        tokens.push((format!("restriction {index} in authority"), authority));
        let first = sign(&full).restrict(core::slice::from_ref(&restriction), &key(101)).unwrap();
        tokens.push((format!("restriction {index} in a block"), first.clone()));
        let delegation = Delegation::to("summary-bot", key(3).public()).restriction(restriction).delegation_depth(1);
        let third = first.delegate(&delegation).unwrap().sign(&key(2), &key(102)).unwrap();
        tokens.push((format!("restriction {index} in a delegation"), third));
    }
    // Chains of each depth, a budget in every delegation, and a restriction behind each.
    for depth in 0..=6_u8 {
        let mut token = sign(&full.clone().delegation_depth(depth.max(1)));
        for step in 0..depth {
            let to = Delegation::to("sub", key(20 + step).public())
                .delegation_depth(depth - step - 1)
                .budget("mail", "calls", 3, 60);
            let holder = if step == 0 { key(2) } else { key(19 + step) };
            token = token.delegate(&to).unwrap().sign(&holder, &key(110 + step)).unwrap();
            if token.claims().block_count() < 12 {
                token =
                    token.restrict(&[Restriction::ResourceUnder("/calendars".to_owned())], &key(120 + step)).unwrap();
            }
        }
        tokens.push((format!("depth {depth}"), token));
    }
    let mut long = sign(&grant());
    for block in 1..12_u8 {
        long = long.restrict(&[Restriction::Users(words(&["alice@example.com", "own"]))], &key(100 + block)).unwrap();
    }
    assert!(long.restrict(&[Restriction::NotBefore(NOW)], &key(99)).is_err());
    tokens.push(("twelve blocks".to_owned(), long));
    tokens
}

fn arguments() -> Arguments {
    let mut arguments = Arguments::none();
    for name in ["/n", "/n/deep", "/source"] {
        arguments.declare(ArgName { name: name.to_owned(), url: true, path: true, ..ArgName::default() });
        arguments.present(name);
    }
    for value in [Scalar::Integer(7), Scalar::Str("seven".to_owned()), Scalar::Bool(true)] {
        arguments.value(Argument { name: "/n".to_owned(), value });
    }
    arguments.value(Argument { name: "/n/deep".to_owned(), value: Scalar::Integer(11) });
    arguments.path("/source", "/docs/q3/report.md");
    arguments
}

fn facts<'a>(chain: &'a VerifiedChain, now: UnixTime, path: &'a str, arguments: &'a Arguments) -> Facts<'a> {
    let claims = chain.claims();
    let agent = claims.agents().next().unwrap();
    Facts {
        time: now,
        service: claims.audience(),
        r#type: "http",
        resource: path,
        action: "GET",
        method: Some("GET"),
        authority: Some("calendar.example.com"),
        path: Some(path),
        tool: None,
        binding: "ed25519",
        holder: claims.holder(),
        user: claims.user(),
        agent: (agent.name, agent.key),
        purpose: claims.purpose(),
        issuer: claims.issuer(),
        arguments,
    }
}

/// What core says in the engine's words.
fn ours(chain: &VerifiedChain, facts: &Facts<'_>) -> Result<(), Code> {
    evaluate(chain, facts, &mut Work::new(WORK_LIMIT)).map_err(|denial| denial.code)
}

/// An engine evaluates every check, core up to the first that does not pass: an error may hide behind a failed check.
fn agrees(ours: Result<(), Code>, engine: &Outcome) -> bool {
    match ours {
        Ok(()) => *engine == Outcome::Allow,
        Err(Code::CheckFailed) => *engine != Outcome::Allow,
        Err(_) => matches!(engine, Outcome::Error(_)),
    }
}

fn read_back(bytes: &[u8], root: &PublicKey, name: &str) -> VerifiedChain {
    let biscuit = oracle::verify(bytes, root).unwrap_or_else(|error| unreadable(name, &error));
    assert!(oracle::read(bytes).is_ok(), "{name}");
    assert_eq!(biscuit.to_vec().unwrap(), bytes, "{name}: another encoding");
    assert_eq!(oracle::encoded_anew(bytes).unwrap(), bytes, "{name}: another encoding");
    let chain = UnverifiedToken::from_bytes(bytes.to_vec()).unwrap().verify(&[*root]).unwrap();
    let claims = chain.claims();
    assert_eq!(biscuit.block_count(), claims.block_count(), "{name}");
    for (block, external) in biscuit.external_public_keys().into_iter().enumerate() {
        let expected = claims.delegated_by(block).map(|key| key.as_bytes().to_vec());
        assert_eq!(external.map(|key| key.to_bytes()), expected, "{name}");
    }
    chain
}

#[expect(clippy::panic, reason = "tests say what went wrong by panicking")]
fn unreadable(name: &str, error: &biscuit_auth::error::Token) -> ! {
    panic!("{name}: biscuit-auth refuses it: {error}")
}

#[test]
fn reads_verifies_and_re_encodes_every_token_that_core_makes() {
    let tokens = tokens();
    for (name, token) in &tokens {
        let (open, sealed) = (token.dangerous_text(), token.seal().unwrap().to_text());
        for text in [open.as_str(), sealed.as_str()] {
            read_back(&from_base64url(text).unwrap(), &key(1).public(), name);
            let stranger = key(200).public();
            assert!(oracle::verify(&from_base64url(text).unwrap(), &stranger).is_err(), "{name}");
        }
    }
    assert!(tokens.len() > 90, "{}", tokens.len());
}

#[test]
fn prints_checks_as_biscuit_auth_does() {
    for (name, token) in tokens() {
        let biscuit = oracle::read(&from_base64url(&token.dangerous_text()).unwrap()).unwrap();
        for block in 0..biscuit.block_count() {
            let source = biscuit.print_block_source(block).unwrap();
            let theirs = source.lines().map(|line| line.trim_end_matches(';'));
            let theirs: Vec<&str> =
                theirs.filter(|line| line.starts_with("check") || line.starts_with("reject")).collect();
            assert_eq!(token.claims().checks(block), theirs, "{name}");
        }
    }
}

/// What people read groups as the bytes do, where the bytes have no parentheses too.
#[test]
fn printed_checks_mean_what_is_evaluated() {
    let (x, yes, no) = (|| Op::Value(variable("x")), || Op::Value(Term::Bool(true)), || Op::Value(Term::Bool(false)));
    let (equal, not) = (|| Op::Binary(binary_op::EQUAL), || Op::Unary(unary_op::NEGATE));
    let (and, or) = (|| Op::Binary(binary_op::LAZY_AND), || Op::Binary(binary_op::LAZY_OR));
    let (word, starts) = (|| Op::Value("alice@example.com".into()), || Op::Binary(binary_op::PREFIX));
    for (ops, text) in [
        (vec![x(), word(), equal(), not()], "!($x === \"alice@example.com\")"),
        (vec![x(), word(), starts(), not()], "!$x.starts_with(\"alice@example.com\")"),
        (vec![yes(), not(), not()], "!(!true)"),
        (vec![no(), no(), equal(), no(), equal()], "(false === false) === false"),
        (vec![no(), Op::Closure(vec![yes(), Op::Closure(vec![yes()]), or()]), and()], "false && (true || true)"),
        (vec![yes(), Op::Closure(vec![yes()]), or(), Op::Closure(vec![no()]), and()], "(true || true) && false"),
        (vec![yes(), Op::Closure(vec![no()]), or(), not()], "!(true || false)"),
        (vec![no(), Op::Closure(vec![no()]), and(), Op::Closure(vec![yes()]), or()], "false && false || true"),
    ] {
        let predicate = Predicate::new("user", [variable("x")]);
        let restriction = check(CheckKind::CheckIf, vec![predicate], vec![Expression(ops)]);
        let token = sign(&grant().restriction(restriction));
        let bytes = from_base64url(&token.dangerous_text()).unwrap();
        let checks = token.claims().checks(0);
        assert_eq!(checks[1], format!("check if user($x), {text}"));
        let (chain, arguments) = (read_back(&bytes, &key(1).public(), text), Arguments::none());
        let facts = facts(&chain, NOW, "/calendars", &arguments);
        let read = oracle::outcome_of_text(checks.iter().map(String::as_str), &facts).unwrap();
        assert_eq!(read, oracle::outcome(&bytes, &key(1).public(), &facts), "{text}");
        assert!(agrees(ours(&chain, &facts), &read), "{text}");
    }
}

#[test]
fn a_printed_variable_is_no_more_than_a_name() {
    let name = "x), true or user($y";
    let predicate = Predicate::new("user", [variable(name)]);
    let token = sign(&grant().restriction(check(CheckKind::CheckIf, vec![predicate], vec![])));
    assert_eq!(token.claims().checks(0)[1], "check if user($\"x), true or user($y\")");
}

#[test]
fn the_engine_judges_their_checks_alike() {
    let (arguments, none) = (arguments(), Arguments::none());
    let mut seen = [0; 3];
    for (name, token) in tokens() {
        let bytes = from_base64url(&token.seal().unwrap().to_text()).unwrap();
        let chain = read_back(&bytes, &key(1).public(), &name);
        for (now, path, arguments) in [
            (NOW, "/calendars/primary", &arguments),
            (NOW.plus(601), "/calendars/primary", &arguments),
            (NOW.plus(3601), "/calendars/primary", &arguments),
            (NOW, "/calendars", &arguments),
            (NOW, "/calendars-old", &arguments),
            (NOW, "/", &arguments),
        ] {
            let facts = facts(&chain, now, path, arguments);
            let (ours, engine) = (ours(&chain, &facts), oracle::outcome(&bytes, &key(1).public(), &facts));
            assert!(agrees(ours, &engine), "{name} at {now} for {path}: core {ours:?}, engine {engine:?}");
            seen[match engine {
                Outcome::Allow => 0,
                Outcome::Deny => 1,
                Outcome::Error(_) => 2,
            }] += 1;
        }
        // Names that nobody declared are an error for core and nothing to an engine: only the plain predicates agree.
        let facts = facts(&chain, NOW, "/calendars/primary", &none);
        let (ours, engine) = (ours(&chain, &facts), oracle::outcome(&bytes, &key(1).public(), &facts));
        assert!(agrees(ours, &engine) || name.contains("restriction 18 "), "{name}: core {ours:?}, engine {engine:?}");
    }
    assert!(seen.iter().all(|count| *count > 10), "outcomes that hardly occur test nothing: {seen:?}");
}

/// The texts of the tokens in an HTTP message, without judging it.
fn texts(message: &[u8]) -> Vec<String> {
    let message = String::from_utf8_lossy(message);
    let values = message.split("\r\n").filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "authorization" => value.strip_prefix("Countersign "),
            "countersign-token" => Some(value),
            _ => None,
        }
    });
    values.map(str::to_owned).collect()
}

#[test]
fn reads_every_token_of_the_vectors_that_the_profile_takes() {
    let vectors = runner::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../test-vectors")).unwrap();
    let (mut seen, mut verified, mut judged) = (0, 0, 0);
    for vector in vectors {
        let input = &vector.input;
        let requests = input.before.iter().chain(&input.before_denied).chain([&input.request_b64u]);
        let roots: Vec<PublicKey> =
            input.config.issuers.iter().flat_map(|issuer| &issuer.keys).map(|key| key.parse().unwrap()).collect();
        for text in requests.flat_map(|request| texts(&from_base64url(request).unwrap())) {
            let Ok(token) = UnverifiedToken::from_text(&text) else { continue };
            seen += 1;
            let bytes = from_base64url(&text).unwrap();
            let ours = token.verify(&roots);
            let theirs = roots.iter().find(|root| oracle::verify(&bytes, root).is_ok());
            assert_eq!(ours.is_ok(), theirs.is_some(), "{}", vector.id);
            let (Ok(chain), Some(root)) = (ours, theirs) else { continue };
            verified += 1;
            read_back(&bytes, root, &vector.id);
            // Derived names that nobody declared differ by design.
            let checks = (0..chain.claims().block_count()).flat_map(|block| chain.claims().checks(block));
            if checks.into_iter().any(|check| check.contains("arg_host(") || check.contains("arg_path(")) {
                continue;
            }
            let arguments = Arguments::none();
            let now = UnixTime(input.now.try_into().unwrap());
            let facts = facts(&chain, now, "/calendars/primary", &arguments);
            let ours = self::ours(&chain, &facts);
            if ours != Err(Code::LimitExceeded) {
                let engine = oracle::outcome(&bytes, root, &facts);
                assert!(agrees(ours, &engine), "{}: core {ours:?}, engine {engine:?}", vector.id);
                judged += 1;
            }
        }
    }
    println!("{seen} tokens of the profile, {verified} verified, {judged} judged");
    assert!(seen > 0, "no vector has a token of the profile");
    assert!(verified > 0 && judged > 0);
}
