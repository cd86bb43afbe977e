//! Typed restrictions are found again by the shape of their checks, and nothing else is taken for one.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests say what went wrong by panicking")]

use countersign::key::SigningKey;
use countersign::time::UnixTime;
use countersign::token::{
    ArgValue, Check, CheckKind, Condition, Expression, Grant, Op, Predicate, Query, Restriction, Right, Term,
    binary_op, recognise, unary_op,
};

const DATE: UnixTime = UnixTime(1_795_453_200);

fn typed() -> Vec<Restriction> {
    let one = || vec!["https://a.example".to_owned()];
    // `read` is a default symbol: in the token's bytes it stands before `list`.
    let some = || vec!["list".to_owned(), "read".to_owned()];
    vec![
        Restriction::ExpiresBy(DATE),
        Restriction::NotBefore(DATE),
        Restriction::Services(one()),
        Restriction::Types(some()),
        Restriction::Actions(some()),
        Restriction::Methods(some()),
        Restriction::Tools(some()),
        Restriction::Users(one()),
        Restriction::Purposes(some()),
        Restriction::Bindings(one()),
        Restriction::ResourceIs("/calendars/primary".to_owned()),
        Restriction::ResourceUnder("/calendars".to_owned()),
        Restriction::ResourceUnder("/".to_owned()),
    ]
}

fn sorted(restriction: Restriction) -> Restriction {
    let order = |mut values: Vec<String>| {
        values.sort_unstable();
        values
    };
    match restriction {
        Restriction::Types(values) => Restriction::Types(order(values)),
        Restriction::Actions(values) => Restriction::Actions(order(values)),
        Restriction::Methods(values) => Restriction::Methods(order(values)),
        Restriction::Tools(values) => Restriction::Tools(order(values)),
        Restriction::Purposes(values) => Restriction::Purposes(order(values)),
        other => other,
    }
}

#[test]
fn gives_back_each_typed_restriction_from_its_checks_and_from_a_token() {
    let [issuer, agent, next] = [[1; 32], [2; 32], [3; 32]].map(|seed| SigningKey::from_seed(&seed));
    let token = Grant::new("https://hub.example", "alice", "bot", agent.public())
        .purpose("p")
        .audience("https://a.example")
        .valid(DATE, DATE.plus(3600))
        .right(Right { r#type: "http", location: "/", action: "GET" })
        .sign(&issuer, &next)
        .unwrap();
    for restriction in typed() {
        let checks = restriction.to_checks().unwrap();
        assert_eq!(Restriction::recognise(&checks), core::slice::from_ref(&restriction));
        let narrowed = token.restrict(core::slice::from_ref(&restriction), &next).unwrap();
        let read: Vec<_> = Restriction::recognise(&narrowed.claims().check_values(1)).into_iter().map(sorted).collect();
        assert_eq!(read, [restriction]);
    }
    let narrowed = token.restrict(&typed(), &next).unwrap();
    let read: Vec<_> = Restriction::recognise(&narrowed.claims().check_values(1)).into_iter().map(sorted).collect();
    assert_eq!(read, typed());
    let authority = Restriction::recognise(&narrowed.claims().check_values(0));
    assert_eq!(authority, [Restriction::ExpiresBy(DATE.plus(3600))]);
}

fn variable(name: &str) -> Term {
    Term::Variable(name.to_owned())
}

fn query(predicates: Vec<Predicate>, expressions: Vec<Expression>) -> Query {
    Query { predicates, expressions }
}

fn present(name: &str) -> Check {
    let predicate = Predicate::new("arg_present", [name.into()]);
    Check { kind: CheckKind::CheckIf, queries: vec![query(vec![predicate], vec![])] }
}

/// `reject if predicate(terms), ops`.
fn reject(predicate: &str, terms: Vec<Term>, ops: Vec<Op>) -> Check {
    let expressions = if ops.is_empty() { vec![] } else { vec![Expression(ops)] };
    Check { kind: CheckKind::RejectIf, queries: vec![query(vec![Predicate::new(predicate, terms)], expressions)] }
}

fn set(values: &[&str]) -> Term {
    Term::Set(values.iter().map(|value| (*value).into()).collect())
}

fn compared(op: i32, value: Term, negated: bool) -> Vec<Op> {
    let mut ops = vec![Op::Value(variable("value")), Op::Value(value), Op::Binary(op)];
    ops.extend(negated.then_some(Op::Unary(unary_op::NEGATE)));
    ops
}

fn among(values: Term, name: &str) -> Vec<Op> {
    let contains = Op::Binary(binary_op::CONTAINS);
    vec![Op::Value(values), Op::Value(variable(name)), contains, Op::Unary(unary_op::NEGATE)]
}

fn under(path: &str, prefix: &str) -> Vec<Op> {
    vec![
        Op::Value(variable("path")),
        Op::Value(path.into()),
        Op::Binary(binary_op::EQUAL),
        Op::Closure(vec![Op::Value(variable("path")), Op::Value(prefix.into()), Op::Binary(binary_op::PREFIX)]),
        Op::Binary(binary_op::LAZY_OR),
        Op::Unary(unary_op::PARENS),
        Op::Unary(unary_op::NEGATE),
    ]
}

/// Every row of the table about arguments, as its text stands in `spec/checks.md`.
fn arguments() -> Vec<(&'static str, Vec<Check>, Condition)> {
    let arg = |ops| vec![present("/n"), reject("arg", vec!["/n".into(), variable("value")], ops)];
    let name = || "/n".to_owned();
    let text = |text: &str| text.to_owned();
    vec![
        (
            "arg_is",
            arg(compared(binary_op::NOT_EQUAL, Term::Bool(true), false)),
            Condition::ArgIn { name: name(), values: vec![Term::Bool(true)], exact: true },
        ),
        (
            "arg_in",
            arg(among(set(&["a", "b"]), "value")),
            Condition::ArgIn { name: name(), values: vec!["a".into(), "b".into()], exact: false },
        ),
        (
            "arg_starts_with",
            arg(compared(binary_op::PREFIX, "Re:".into(), true)),
            Condition::ArgStartsWith { name: name(), prefix: text("Re:") },
        ),
        (
            "arg_ends_with",
            arg(compared(binary_op::SUFFIX, "@a.example".into(), true)),
            Condition::ArgEndsWith { name: name(), suffix: text("@a.example") },
        ),
        (
            "arg_at_most",
            arg(compared(binary_op::GREATER_THAN, Term::Integer(5), false)),
            Condition::ArgAtMost { name: name(), most: 5 },
        ),
        (
            "arg_at_least",
            arg(compared(binary_op::LESS_THAN, Term::Integer(-5), false)),
            Condition::ArgAtLeast { name: name(), least: -5 },
        ),
        (
            "arg_under",
            vec![present("/n"), reject("arg_path", vec!["/n".into(), variable("path")], under("/docs", "/docs/"))],
            Condition::ArgUnder { name: name(), path: text("/docs") },
        ),
        (
            "arg_under",
            vec![
                present("/n"),
                reject("arg_path", vec!["/n".into(), variable("value")], compared(binary_op::PREFIX, "/".into(), true)),
            ],
            Condition::ArgUnder { name: name(), path: text("/") },
        ),
        (
            "arg_host_in",
            vec![present("/n"), reject("arg_host", vec!["/n".into(), variable("host")], among(set(&["h"]), "host"))],
            Condition::ArgHostIn { name: name(), hosts: vec![text("h")] },
        ),
        ("arg_absent", vec![reject("arg_present", vec!["/n".into()], vec![])], Condition::ArgAbsent { name: name() }),
        (
            "args_only",
            vec![reject("arg_present", vec![variable("name")], among(set(&["/a", "query.b"]), "name"))],
            Condition::ArgsOnly { names: vec![text("/a"), text("query.b")] },
        ),
    ]
}

/// `when calendar write` in front of a check, as CK-42 writes it.
fn guarded(check: &Check) -> Check {
    let mut check = check.clone();
    match check.kind {
        CheckKind::RejectIf => {
            let front = [("type", "calendar"), ("action", "write")];
            let front = front.map(|(name, value)| Predicate::new(name, [value.into()]));
            check.queries[0].predicates.splice(0..0, front);
        }
        CheckKind::CheckIf => {
            let differs = |name: &str, value: &str| {
                let expression = Expression::binary(variable(name), binary_op::NOT_EQUAL, value.into());
                query(vec![Predicate::new(name, [variable(name)])], vec![expression])
            };
            check.queries.splice(0..0, [differs("type", "calendar"), differs("action", "write")]);
        }
    }
    check
}

#[test]
fn recognises_each_restriction_on_arguments_with_and_without_when() {
    let mut all = arguments();
    all.extend(typed().into_iter().map(|restriction| {
        let checks = restriction.to_checks().unwrap();
        let condition = recognise(&checks)[0].condition.clone().unwrap();
        (condition.name(), checks, condition)
    }));
    for (name, checks, condition) in &all {
        let found = recognise(checks);
        assert_eq!(found.len(), 1, "{name}: {found:?}");
        assert_eq!((condition.name(), found[0].condition.as_ref()), (*name, Some(condition)));
        assert_eq!((found[0].first, found[0].count, found[0].when.as_ref()), (0, checks.len(), None));
        let guarded: Vec<Check> = checks.iter().map(guarded).collect();
        let found = recognise(&guarded);
        assert_eq!(found.len(), 1, "{name}: {found:?}");
        assert_eq!(found[0].condition.as_ref(), Some(condition));
        assert_eq!(found[0].when, Some(("calendar".to_owned(), "write".to_owned())));
        // What comes back says the same, in the one form that the typed restriction has.
        let restrictions = Restriction::recognise(&guarded);
        assert!(matches!(restrictions.as_slice(), [Restriction::When(..)]), "{name}: {restrictions:?}");
        let again = recognise(&restrictions[0].to_checks().unwrap());
        assert_eq!((&again[0].condition, &again[0].when), (&found[0].condition, &found[0].when), "{name}");
    }
    let names = typed().into_iter().map(|restriction| {
        recognise(&restriction.to_checks().unwrap())[0].condition.as_ref().map(Condition::name).unwrap_or_default()
    });
    let expected = [
        "expires_by",
        "not_before",
        "services",
        "types",
        "actions",
        "methods",
        "tools",
        "users",
        "purposes",
        "bindings",
        "resource_is",
        "resource_under",
        "resource_under",
    ];
    assert_eq!(names.collect::<Vec<_>>(), expected);
    // All in one block: each is found, and no check is counted twice.
    let block: Vec<Check> = all.iter().flat_map(|(_, checks, _)| checks.clone()).collect();
    let found = recognise(&block);
    assert_eq!(found.iter().map(|one| one.count).sum::<usize>(), block.len());
    let conditions: Vec<_> = found.into_iter().map(|one| one.condition.unwrap()).collect();
    assert_eq!(conditions, all.into_iter().map(|(_, _, condition)| condition).collect::<Vec<_>>());
}

#[test]
fn gives_no_name_to_what_says_something_else() {
    let arg = |ops| reject("arg", vec!["/n".into(), variable("value")], ops);
    let at_most = || arg(compared(binary_op::GREATER_THAN, Term::Integer(5), false));
    let mut half_guarded = guarded(&at_most());
    half_guarded.queries[0].predicates.remove(1);
    let check_if = |name: &str, op, value| {
        let expression = Expression::binary(variable("x"), op, value);
        query(vec![Predicate::new(name, [variable("x")])], vec![expression])
    };
    let one = |query| vec![Check { kind: CheckKind::CheckIf, queries: vec![query] }];
    let resource = |location: &str, prefix: &str| {
        let queries = vec![
            check_if("resource", binary_op::EQUAL, location.into()),
            check_if("resource", binary_op::PREFIX, prefix.into()),
        ];
        vec![Check { kind: CheckKind::CheckIf, queries }]
    };
    let other = |op, value: Term, negated| {
        let mut ops = compared(op, value, negated);
        ops[0] = Op::Value(variable("other"));
        ops
    };
    let path = |ops| vec![present("/n"), reject("arg_path", vec!["/n".into(), variable("value")], ops)];
    // Of the right variable first, and of another in the closure.
    let mut mixed = under("/docs", "/docs/");
    mixed[0] = Op::Value(variable("value"));
    let mut turned = under("/docs", "/docs/");
    if let Op::Closure(beneath) = &mut turned[3] {
        beneath[0] = Op::Value(variable("value"));
    }
    let check_of = |name: &str, bound: &str, asked: &str| {
        let expression = Expression::binary(variable(asked), binary_op::EQUAL, "read".into());
        query(vec![Predicate::new(name, [variable(bound)])], vec![expression])
    };
    // `present` unless two facts are such, as CK-42 has it of type and action.
    let otherwise = |first: &str, second: &str| {
        let mut check = guarded(&present("/n"));
        for (query, name) in check.queries.iter_mut().zip([first, second]) {
            query.predicates[0].name = name.to_owned();
        }
        check
    };
    let mut extra = at_most();
    extra.queries[0].expressions.push(Expression(vec![Op::Value(Term::Bool(true))]));
    for (what, checks) in [
        ("a limit on an argument that may be left out", vec![at_most()]),
        ("the presence of another argument", vec![present("/m"), at_most()]),
        ("one half guarded", vec![guarded(&present("/n")), at_most()]),
        ("the other half guarded", vec![present("/n"), guarded(&at_most())]),
        ("guarded by the type alone", vec![present("/n"), half_guarded]),
        ("a second expression", vec![present("/n"), extra]),
        ("a strict limit", vec![present("/n"), arg(compared(5, Term::Integer(5), false))]),
        ("an affirmed prefix", vec![present("/n"), arg(compared(binary_op::PREFIX, "a".into(), false))]),
        ("a set that is affirmed", vec![present("/n"), arg(among(set(&["a"]), "value")[..3].to_vec())]),
        ("an empty set", vec![present("/n"), arg(among(set(&[]), "value"))]),
        ("another variable", vec![present("/n"), arg(among(set(&["a"]), "other"))]),
        ("another variable compared", vec![present("/n"), arg(other(binary_op::NOT_EQUAL, "a".into(), false))]),
        ("another variable limited", vec![present("/n"), arg(other(binary_op::LESS_THAN, Term::Integer(5), false))]),
        ("another variable's beginning", vec![present("/n"), arg(other(binary_op::PREFIX, "a".into(), true))]),
        ("another variable's end", vec![present("/n"), arg(other(binary_op::SUFFIX, "a".into(), true))]),
        ("another variable at the root", path(other(binary_op::PREFIX, "/".into(), true))),
        ("paths that begin so", path(compared(binary_op::PREFIX, "/docs".into(), true))),
        ("paths of another variable", path(under("/docs", "/docs/"))),
        ("paths beneath one of another variable", path(mixed)),
        ("paths of another variable beneath one", path(turned)),
        ("a fact of another variable", one(check_of("action", "x", "y"))),
        ("guarded by other facts", vec![otherwise("purpose", "action"), guarded(&at_most())]),
        ("guarded by other facts behind", vec![otherwise("type", "purpose"), guarded(&at_most())]),
        (
            "a path beside",
            vec![present("/n"), reject("arg_path", vec!["/n".into(), variable("path")], under("/docs", "/docs-old/"))],
        ),
        ("a location beside", resource("/docs", "/docs-old/")),
        ("a location without its slash", resource("/docs", "/docs")),
        ("a prefix that is no location", one(check_if("resource", binary_op::PREFIX, "/docs/".into()))),
        ("a time before", one(check_if("time", binary_op::LESS_THAN, Term::Date(DATE.0)))),
        ("a date of the wrong kind", one(check_if("time", binary_op::LESS_OR_EQUAL, Term::Integer(5)))),
        ("another subject", one(check_if("authority", binary_op::EQUAL, "a".into()))),
        ("another comparison", one(check_if("action", binary_op::NOT_EQUAL, "a".into()))),
    ] {
        for one in recognise(&checks) {
            assert_eq!((one.condition.as_ref(), one.count), (None, 1), "{what}");
        }
        let same: Vec<_> = checks.iter().cloned().map(Restriction::Check).collect();
        assert_eq!(Restriction::recognise(&checks), same, "{what}");
    }
    let arg_is = |value: Term| vec![present("/n"), arg(compared(binary_op::NOT_EQUAL, value, false))];
    let five = Restriction::ArgIs("/n".to_owned(), ArgValue::Integer(5));
    assert_eq!(Restriction::recognise(&arg_is(Term::Integer(5))), [five]);
    // The name of a variable says nothing.
    let renamed = one(check_if("action", binary_op::EQUAL, "read".into()));
    assert_eq!(Restriction::recognise(&renamed), [Restriction::Actions(vec!["read".to_owned()])]);
    assert_eq!(recognise(&[]), []);
}
