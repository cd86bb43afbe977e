//! What a token says, in sentences: rights, restrictions, budgets, approvals, ends.
//!
//! Restrictions are recognised by the shape of their checks; a check without a name of its own is given in Datalog.
//! Each text that comes from the token is quoted or made visible, so a sentence is safe to print as it is. No sentence
//! says that anything is true: that depends on where the claims came from.

use countersign::time::UnixTime;
use countersign::token::{Budget, Claims, Condition, Recognised, Right, Term, recognise};

use crate::text::{quoted, visible};

/// What a token says.
pub(crate) struct Sentences {
    /// A sentence for each right.
    pub(crate) may: Vec<String>,
    /// The restrictions of each block, in order.
    pub(crate) blocks: Vec<Vec<Sentence>>,
    /// The budgets of each block, and what they count.
    pub(crate) budgets: Vec<Vec<String>>,
    /// Which operations need an approval.
    pub(crate) approvals: Vec<String>,
    /// What the token ends with besides its expiry: a grant, a conversation.
    pub(crate) ends: Vec<String>,
    /// How often it may still be handed on.
    pub(crate) handing_on: String,
}

/// A restriction.
pub(crate) struct Sentence {
    /// In words; in Datalog where the checks have no name.
    pub(crate) text: String,
    /// Its name in `spec/checks.md`.
    pub(crate) name: Option<&'static str>,
    /// The checks behind it, by their place in the block.
    pub(crate) checks: std::ops::Range<usize>,
}

/// All that a token says of what may be done with it.
pub(crate) fn sentences(claims: Claims<'_>) -> Sentences {
    let blocks = 0..claims.block_count();
    Sentences {
        may: claims.rights().map(right).collect(),
        blocks: blocks.clone().map(|block| restrictions(claims, block)).collect(),
        budgets: blocks.map(|block| budgets(claims, block)).collect(),
        approvals: claims
            .approvals()
            .map(|(r#type, action, key)| {
                let (r#type, action) = (quoted(r#type), quoted(action));
                format!("each {action} in operations of type {type} needs an approval by the key {}", key.id())
            })
            .collect(),
        ends: ends(claims),
        handing_on: match claims.delegation_depth() {
            0 => "It may not be handed on any more.".to_owned(),
            1 => "It may be handed on once more.".to_owned(),
            times => format!("It may be handed on {times} more times."),
        },
    }
}

/// What a right allows.
pub(crate) fn right(right: Right<'_>) -> String {
    let (r#type, location, action) = (quoted(right.r#type), quoted(right.location), quoted(right.action));
    // A location that ends with a slash covers no resource of its own name.
    let place = match right.location.ends_with('/') {
        true => format!("what is beneath {location}"),
        false => format!("{location} and what is beneath it"),
    };
    format!("{action} on {place}, in operations of type {type}")
}

/// The restrictions of one block.
pub(crate) fn restrictions(claims: Claims<'_>, block: usize) -> Vec<Sentence> {
    let printed = claims.checks(block);
    let sentence = |found: Recognised| {
        let checks = found.first..found.first.saturating_add(found.count);
        let datalog = || printed.get(checks.clone()).unwrap_or_default().join("; ");
        let (text, name) = match &found.condition {
            Some(condition) => (words(condition), Some(condition.name())),
            None => (visible(&datalog()), None),
        };
        let text = match &found.when {
            None => text,
            Some((r#type, action)) => {
                format!("for operations of type {} with the action {}: {text}", quoted(r#type), quoted(action))
            }
        };
        Sentence { text, name, checks }
    };
    recognise(&claims.check_values(block)).into_iter().map(sentence).collect()
}

/// A condition in words.
fn words(condition: &Condition) -> String {
    let each =
        |name: &str, what: &str| format!("the argument {} must be given, and each value of it {what}", quoted(name));
    match condition {
        Condition::ExpiresBy(date) => format!("only until {date}"),
        Condition::NotBefore(date) => format!("not before {date}"),
        Condition::OneOf { subject, values } => {
            let front = match *subject {
                "service" => "only at the service",
                "type" => "only operations of type",
                "action" => "only the action",
                "method" => "only with the HTTP method",
                "tool" => "only the tool",
                "user" => "only on behalf of",
                "purpose" => "only for the purpose",
                _ => "only where the request is proven by",
            };
            format!("{front} {}", any(values.iter().map(|value| quoted(value))))
        }
        Condition::ResourceIs(resource) => format!("only {} and nothing beneath it", quoted(resource)),
        Condition::ResourceUnder(root) if root == "/" => "only resources that begin with \"/\"".to_owned(),
        Condition::ResourceUnder(location) => format!("only {} and what is beneath it", quoted(location)),
        Condition::ArgIn { name, values, .. } => each(name, &format!("must be {}", any(values.iter().map(scalar)))),
        Condition::ArgStartsWith { name, prefix } => each(name, &format!("must begin with {}", quoted(prefix))),
        Condition::ArgEndsWith { name, suffix } => each(name, &format!("must end with {}", quoted(suffix))),
        Condition::ArgAtMost { name, most } => each(name, &format!("must be at most {most}")),
        Condition::ArgAtLeast { name, least } => each(name, &format!("must be at least {least}")),
        Condition::ArgUnder { name, path } if path == "/" => each(name, "must be a path that begins with \"/\""),
        Condition::ArgUnder { name, path } => each(name, &format!("must be the path {} or beneath it", quoted(path))),
        Condition::ArgHostIn { name, hosts } => {
            let hosts = any(hosts.iter().map(|host| quoted(host)));
            each(name, &format!("must be a URL with the host {hosts}"))
        }
        Condition::ArgAbsent { name } => format!("the argument {} must not be given", quoted(name)),
        Condition::ArgsOnly { names } => {
            format!("no arguments besides {}", list(names.iter().map(|name| quoted(name)), "and"))
        }
        // A condition of a later version of the library.
        _ => format!("a restriction of the kind {}", condition.name()),
    }
}

/// The budgets of one block.
fn budgets(claims: Claims<'_>, block: usize) -> Vec<String> {
    claims.budgets().filter(|budget| budget.block == block).map(|found| budget(claims, &found)).collect()
}

fn budget(claims: Claims<'_>, budget: &Budget<'_>) -> String {
    let window = match budget.window {
        0 => "in all".to_owned(),
        seconds => format!("in each window of {}", span(seconds)),
    };
    let whose = if budget.block == 0 { "the user's" } else { "for this delegate and those behind it" };
    let counts = match counted(claims, budget) {
        None => "every operation".to_owned(),
        Some(operations) => {
            let operation = |(r#type, action): (&str, &str)| format!("{} in {}", quoted(action), quoted(r#type));
            any(operations.into_iter().map(operation))
        }
    };
    let (account, unit, amount) = (quoted(budget.account), quoted(budget.unit), budget.amount);
    format!("budget {account}, {whose}: at most {amount} {unit} {window}; it counts {counts}")
}

/// The operations that a budget counts, as (type, action); `None` for all of them.
pub(crate) fn counted<'a>(claims: Claims<'a>, budget: &Budget<'_>) -> Option<Vec<(&'a str, &'a str)>> {
    let metered = claims.metered().filter(|(account, ..)| budget.block == 0 && *account == budget.account);
    let metered: Vec<_> = metered.map(|(_, r#type, action)| (r#type, action)).collect();
    if metered.is_empty() { None } else { Some(metered) }
}

fn ends(claims: Claims<'_>) -> Vec<String> {
    let grant = claims.grant().map(|grant| format!("ends when the grant {} is revoked", quoted(grant)));
    let conversation = claims.conversation();
    let conversation = conversation.map(|conversation| format!("ends with the conversation {}", quoted(conversation)));
    grant.into_iter().chain(conversation).collect()
}

/// `now` against the time of a token, in words.
pub(crate) fn validity(claims: Claims<'_>, now: UnixTime) -> String {
    let (from, until) = (claims.issued_at(), claims.expires());
    if now > until {
        format!("expired {} ago", span(now.0.saturating_sub(until.0)))
    } else if now < from {
        format!("begins in {}", span(from.0.saturating_sub(now.0)))
    } else {
        format!("{} left", span(until.0.saturating_sub(now.0)))
    }
}

/// A length of time: two units at most, the lesser of them rounded down.
pub(crate) fn span(seconds: u64) -> String {
    let units = [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
    let mut rest = seconds;
    let mut parts = Vec::new();
    for (length, name) in units {
        let count = rest.checked_div(length).unwrap_or_default();
        rest = rest.checked_rem(length).unwrap_or_default();
        match count {
            0 if parts.is_empty() => continue,
            0 => break,
            1 => parts.push(format!("1 {name}")),
            count => parts.push(format!("{count} {name}s")),
        }
        if parts.len() == 2 {
            break;
        }
    }
    if parts.is_empty() { "0 seconds".to_owned() } else { parts.join(" ") }
}

fn scalar(term: &Term) -> String {
    match term {
        Term::Str(text) => quoted(text),
        Term::Integer(value) => value.to_string(),
        Term::Bool(value) => value.to_string(),
        // Recognised conditions have no other kinds.
        _ => "another value".to_owned(),
    }
}

/// `a`, `a or b`, `a, b or c`.
pub(crate) fn any(values: impl Iterator<Item = String>) -> String {
    list(values, "or")
}

pub(crate) fn list(values: impl Iterator<Item = String>, word: &str) -> String {
    let mut values: Vec<String> = values.collect();
    match (values.pop(), values.is_empty()) {
        (None, _) => String::new(),
        (Some(only), true) => only,
        (Some(last), false) => format!("{} {word} {last}", values.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests say what went wrong by panicking")]
    use super::*;

    #[test]
    fn lengths_of_time_are_readable() {
        for (seconds, text) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (60, "1 minute"),
            (3_661, "1 hour 1 minute"),
            (3_601, "1 hour"),
            (90_000, "1 day 1 hour"),
            (172_800, "2 days"),
            (119, "1 minute 59 seconds"),
        ] {
            assert_eq!(span(seconds), text);
        }
    }

    #[test]
    fn each_condition_has_words_of_its_own() {
        let (name, text) = (|| "/to".to_owned(), |text: &str| text.to_owned());
        let one = |subject| Condition::OneOf { subject, values: vec![text("a"), text("b\u{1b}"), text("c")] };
        let strings = vec![text("a"), text("b")];
        for (condition, said) in [
            (Condition::ExpiresBy(UnixTime(0)), "only until 1970-01-01T00:00:00Z"),
            (Condition::NotBefore(UnixTime(0)), "not before 1970-01-01T00:00:00Z"),
            (one("service"), r#"only at the service "a", "b\u{1b}" or "c""#),
            (one("type"), r#"only operations of type "a", "b\u{1b}" or "c""#),
            (one("action"), r#"only the action "a", "b\u{1b}" or "c""#),
            (one("method"), r#"only with the HTTP method "a", "b\u{1b}" or "c""#),
            (one("tool"), r#"only the tool "a", "b\u{1b}" or "c""#),
            (one("user"), r#"only on behalf of "a", "b\u{1b}" or "c""#),
            (one("purpose"), r#"only for the purpose "a", "b\u{1b}" or "c""#),
            (one("binding"), r#"only where the request is proven by "a", "b\u{1b}" or "c""#),
            (Condition::ResourceIs(text("/a")), r#"only "/a" and nothing beneath it"#),
            (Condition::ResourceUnder(text("/a")), r#"only "/a" and what is beneath it"#),
            (Condition::ResourceUnder(text("/")), r#"only resources that begin with "/""#),
            (
                Condition::ArgIn { name: name(), values: vec![Term::Bool(true)], exact: true },
                r#"the argument "/to" must be given, and each value of it must be true"#,
            ),
            (
                Condition::ArgIn { name: name(), values: vec!["a".into(), Term::Integer(7)], exact: false },
                r#"the argument "/to" must be given, and each value of it must be "a" or 7"#,
            ),
            (
                Condition::ArgStartsWith { name: name(), prefix: text("a") },
                r#"the argument "/to" must be given, and each value of it must begin with "a""#,
            ),
            (
                Condition::ArgEndsWith { name: name(), suffix: text("a") },
                r#"the argument "/to" must be given, and each value of it must end with "a""#,
            ),
            (
                Condition::ArgAtMost { name: name(), most: 5 },
                r#"the argument "/to" must be given, and each value of it must be at most 5"#,
            ),
            (
                Condition::ArgAtLeast { name: name(), least: -5 },
                r#"the argument "/to" must be given, and each value of it must be at least -5"#,
            ),
            (
                Condition::ArgUnder { name: name(), path: text("/a") },
                r#"the argument "/to" must be given, and each value of it must be the path "/a" or beneath it"#,
            ),
            (
                Condition::ArgUnder { name: name(), path: text("/") },
                r#"the argument "/to" must be given, and each value of it must be a path that begins with "/""#,
            ),
            (
                Condition::ArgHostIn { name: name(), hosts: strings.clone() },
                r#"the argument "/to" must be given, and each value of it must be a URL with the host "a" or "b""#,
            ),
            (Condition::ArgAbsent { name: name() }, r#"the argument "/to" must not be given"#),
            (Condition::ArgsOnly { names: strings }, r#"no arguments besides "a" and "b""#),
        ] {
            assert_eq!(words(&condition), said);
        }
    }

    #[test]
    fn budgets_say_what_they_count() {
        use countersign::key::SigningKey;
        use countersign::token::Grant;
        let [issuer, agent, next] = [[1; 32], [2; 32], [3; 32]].map(|seed| SigningKey::from_seed(&seed));
        let token = Grant::new("https://hub.example", "alice", "bot", agent.public())
            .purpose("p")
            .audience("https://calendar.example.com")
            .valid(UnixTime(1_795_453_200), UnixTime(1_795_456_800))
            .right(Right { r#type: "http", location: "/", action: "GET" })
            .budget("travel", "EUR", 500, 86_400)
            .budget("calls", "calls", 10, 0)
            .metered("travel", "booking", "pay")
            .metered("travel", "booking", "reserve")
            .approval("booking", "pay", issuer.public())
            .grant("g-1")
            .conversation("c-1")
            .sign(&issuer, &next)
            .unwrap();
        let said = sentences(token.claims());
        assert_eq!(
            said.budgets,
            [[
                "budget \"travel\", the user's: at most 500 \"EUR\" in each window of 1 day; it counts \"pay\" in \
                 \"booking\" or \"reserve\" in \"booking\"",
                r#"budget "calls", the user's: at most 10 "calls" in all; it counts every operation"#,
            ]]
        );
        let key = issuer.public().id();
        let approval = format!(r#"each "pay" in operations of type "booking" needs an approval by the key {key}"#);
        assert_eq!(said.approvals, [approval]);
        assert_eq!(said.ends, [r#"ends when the grant "g-1" is revoked"#, r#"ends with the conversation "c-1""#]);
        assert_eq!(said.may, [r#""GET" on what is beneath "/", in operations of type "http""#]);
        let claims = token.claims();
        for (now, said) in [
            (1_795_453_200, "1 hour left"),
            (1_795_456_800, "0 seconds left"),
            (1_795_456_801, "expired 1 second ago"),
            (1_795_453_199, "begins in 1 second"),
        ] {
            assert_eq!(validity(claims, UnixTime(now)), said);
        }
    }
}
