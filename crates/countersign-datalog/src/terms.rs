//! Core's values as biscuit-auth's.

use biscuit_auth::builder::{Fact, Term};
use countersign::checks::{Arguments, Facts, Scalar};
use countersign::key::PublicKey;
use countersign::time::UnixTime;

pub(crate) fn str(text: &str) -> Term {
    Term::Str(text.to_owned())
}

pub(crate) fn key(key: PublicKey) -> Term {
    Term::Bytes(key.as_bytes().to_vec())
}

pub(crate) fn date(at: UnixTime) -> Term {
    Term::Date(at.0)
}

pub(crate) fn fact(name: &str, terms: impl IntoIterator<Item = Term>) -> Fact {
    Fact::new(name.to_owned(), terms.into_iter().collect::<Vec<_>>())
}

/// The facts that the verifier adds. Those of the authority block (`user`, `agent`, `purpose`, `issuer`) are not among
/// them: the token brings them itself.
pub(crate) fn of_the_verifier(facts: &Facts<'_>) -> Vec<Fact> {
    let mut list = vec![
        fact("time", [date(facts.time)]),
        fact("service", [str(facts.service)]),
        fact("type", [str(facts.r#type)]),
        fact("resource", [str(facts.resource)]),
        fact("action", [str(facts.action)]),
        fact("binding", [str(facts.binding)]),
        fact("holder", [key(facts.holder)]),
    ];
    let optional =
        [("method", facts.method), ("authority", facts.authority), ("path", facts.path), ("tool", facts.tool)];
    list.extend(optional.into_iter().filter_map(|(name, value)| value.map(|value| fact(name, [str(value)]))));
    list.extend(of_arguments(facts.arguments));
    list
}

/// The facts about arguments.
pub(crate) fn of_arguments(arguments: &Arguments) -> Vec<Fact> {
    let of = |(predicate, name, value): (&str, &str, Option<&Scalar>)| {
        let value = value.map(|value| match value {
            Scalar::Str(text) => str(text),
            Scalar::Integer(number) => Term::Integer(*number),
            Scalar::Bool(value) => Term::Bool(*value),
        });
        fact(predicate, core::iter::once(str(name)).chain(value))
    };
    arguments.iter().map(of).collect()
}

/// The facts of the authority block that checks may name.
pub(crate) fn of_the_authority_block(facts: &Facts<'_>) -> Vec<Fact> {
    vec![
        fact("user", [str(facts.user)]),
        fact("agent", [str(facts.agent.0), key(facts.agent.1)]),
        fact("purpose", [str(facts.purpose)]),
        fact("issuer", [str(facts.issuer)]),
    ]
}
