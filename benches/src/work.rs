//! What the checks of one request may cost: tokens and arguments that ask for as much work as they can.

use std::time::{Duration, Instant};

use countersign::Code;
use countersign::checks::{Argument, Arguments, Facts, Scalar, WORK_LIMIT, Work, evaluate};
use countersign::token::{
    ArgValue, Check, CheckKind, Expression, Grant, Op, Predicate, Query, Restriction, Right, Term, UnverifiedToken,
    VerifiedChain, binary_op, unary_op,
};

use crate::fixture::{AUDIENCE, ISSUER, NOW, key};

/// A token and arguments.
#[derive(Debug)]
pub struct Bomb {
    /// What it asks for.
    pub name: &'static str,
    /// What it may take, in microseconds.
    pub ceiling: f64,
    chain: VerifiedChain,
    arguments: Arguments,
}

impl Bomb {
    fn new(name: &'static str, restrictions: &[Restriction], arguments: Arguments) -> Self {
        let issuer = key("root");
        let grant = Grant::new(ISSUER, "alice@example.com", "calendar-bot", key("agent").public());
        let grant = grant.purpose("scheduling").audience(AUDIENCE).valid(NOW, NOW.plus(3600));
        let grant = grant.right(Right { r#type: "http", location: "/", action: "POST" });
        let grant = restrictions.iter().cloned().fold(grant, Grant::restriction);
        let token = grant.sign(&issuer, &key("next-0")).expect(name);
        let token = UnverifiedToken::from_text(&token.dangerous_text()).unwrap();
        let chain = token.verify(&[issuer.public()]).expect(name);
        Self { name, ceiling: 1000.0, chain, arguments }
    }

    /// The outcome, and the units that were done.
    pub fn run(&self) -> (Result<(), Code>, u64) {
        let claims = self.chain.claims();
        let facts = Facts {
            time: NOW,
            service: AUDIENCE,
            r#type: "http",
            resource: "/a",
            action: "POST",
            method: Some("POST"),
            authority: Some("calendar.example.com"),
            path: Some("/a"),
            tool: None,
            binding: "ed25519",
            holder: claims.holder(),
            user: claims.user(),
            agent: ("calendar-bot", claims.holder()),
            purpose: claims.purpose(),
            issuer: claims.issuer(),
            arguments: &self.arguments,
        };
        let mut work = Work::new(WORK_LIMIT);
        let outcome = evaluate(&self.chain, &facts, &mut work).map_err(|denial| denial.code);
        (outcome, work.done())
    }

    /// The least of so many runs: it does the same each time, and whatever else the machine does only adds to it.
    pub fn time(&self, runs: usize) -> Duration {
        let once = |_| {
            let start = Instant::now();
            let _ = std::hint::black_box(self.run());
            start.elapsed()
        };
        (0..runs.max(1)).map(once).min().unwrap_or_default()
    }
}

/// 1,024 values under one name, this long, alike up to their ends.
fn values(length: usize) -> Arguments {
    let mut arguments = Arguments::none();
    arguments.present("/a");
    for number in 0..1024 {
        let text = format!("{}{number:04}", "a".repeat(length.saturating_sub(4)));
        arguments.value(Argument { name: "/a".to_owned(), value: Scalar::Str(text) });
    }
    arguments
}

fn names() -> Arguments {
    let mut arguments = Arguments::none();
    for number in 0..1024 {
        let name = format!("/{}{number:04}", "n".repeat(1000));
        arguments.present(&name);
        arguments.value(Argument { name, value: Scalar::Integer(number) });
    }
    arguments
}

fn reject(op: i32, with: Term) -> Restriction {
    let value = || Op::Value(Term::Variable("value".to_owned()));
    let ops = [value(), Op::Value(with), Op::Binary(op), value(), Op::Value("b".into()), Op::Binary(binary_op::SUFFIX)];
    let (first, second) = ops.split_at(3);
    let query = Query {
        predicates: vec![Predicate::new("arg", ["/a".into(), Term::Variable("value".to_owned())])],
        expressions: vec![Expression(first.to_vec()), Expression(second.to_vec())],
    };
    Restriction::Check(Check { kind: CheckKind::RejectIf, queries: vec![query] })
}

/// All of them.
pub fn bombs() -> Vec<Bomb> {
    let sixty_three = |restriction: &Restriction| vec![restriction.clone(); 63];
    let twenty = |restriction: &Restriction| vec![restriction.clone(); 20];
    let set: Vec<ArgValue> = (0..100).map(ArgValue::Integer).collect();
    let long = "a".repeat(900);
    let mut nots =
        vec![Op::Value(Term::Variable("value".to_owned())), Op::Value("c".into()), Op::Binary(binary_op::EQUAL)];
    nots.extend(vec![Op::Unary(unary_op::NEGATE); 54]);
    let nots = Query {
        predicates: vec![Predicate::new("arg", ["/a".into(), Term::Variable("value".to_owned())])],
        expressions: vec![Expression(nots.into_iter().chain([Op::Unary(unary_op::NEGATE)]).collect())],
    };
    vec![
        Bomb::new(
            "64 checks over 1,024 arguments",
            &sixty_three(&Restriction::ArgEndsWith("/a".to_owned(), "4".to_owned()))
                .iter()
                .take(16)
                .cloned()
                .chain(sixty_three(&reject(binary_op::PREFIX, "b".into())).into_iter().take(30))
                .collect::<Vec<_>>(),
            {
                let mut arguments = Arguments::none();
                arguments.present("/a");
                for number in 0..1024 {
                    let text = format!("{number}4");
                    arguments.value(Argument { name: "/a".to_owned(), value: Scalar::Str(text) });
                }
                arguments
            },
        ),
        Bomb::new(
            "9 searches of a set of 100 over 1,024 strings",
            &sixty_three(&Restriction::Check({
                let mut checks = Restriction::ArgIn("/a".to_owned(), set).to_checks().unwrap();
                let mut check = checks.remove(1);
                if let Some(Expression(ops)) = check.queries.first_mut().and_then(|query| query.expressions.first_mut())
                {
                    ops.pop();
                }
                check
            }))
            .into_iter()
            .take(9)
            .collect::<Vec<_>>(),
            values(8),
        ),
        Bomb::new(
            "20 searches in 1,024 strings of 1,000 bytes",
            &twenty(&reject(binary_op::CONTAINS, "aab".into())),
            values(1000),
        ),
        // No search passes such text at memory speed; the units do not tell it from other text.
        Bomb {
            ceiling: 5000.0,
            ..Bomb::new(
                "a search for 900 bytes in 1,024 strings of 1,000 bytes, again and again",
                &vec![reject(binary_op::CONTAINS, Term::Str([&long, "b"].concat())); 20],
                values(1000),
            )
        },
        Bomb::new(
            "20 comparisons with 1,024 strings of 900 bytes",
            &twenty(&reject(binary_op::EQUAL, Term::Str([&long, "0000"].concat()))),
            values(904),
        ),
        Bomb::new(
            "20 searches in 1,024 strings of 63 bytes",
            &twenty(&reject(binary_op::CONTAINS, "aab".into())),
            values(63),
        ),
        Bomb::new(
            "names of 1,000 bytes, 1,024 of them, in 63 checks",
            &sixty_three(&Restriction::ArgAbsent("/a".to_owned()))
                .into_iter()
                .take(30)
                .chain(sixty_three(&Restriction::ArgsOnly(vec!["/x".to_owned()])).into_iter().take(1).map(|_| {
                    let name = Term::Variable("name".to_owned());
                    Restriction::Check(Check {
                        kind: CheckKind::RejectIf,
                        queries: vec![Query {
                            predicates: vec![Predicate::new("arg_present", [name.clone()])],
                            expressions: vec![Expression::binary(name, binary_op::CONTAINS, "nnb".into())],
                        }],
                    })
                }))
                .chain(vec![Restriction::ArgAbsent("/b".to_owned()); 32])
                .collect::<Vec<_>>(),
            names(),
        ),
        Bomb::new(
            "56 negations of each of 1,024 strings",
            &vec![Restriction::Check(Check { kind: CheckKind::RejectIf, queries: vec![nots] }); 10],
            values(8),
        ),
    ]
}
