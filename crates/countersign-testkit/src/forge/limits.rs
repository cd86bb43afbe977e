//! Restrictions of tokens, each with a way to act against it.
//!
//! The checks are those of `spec/checks.md`, Typed restrictions, written from its table.

use super::errand::{Body, Errand};
use super::random::Random;
use crate::raw_approval::Json;
use crate::raw_checks::{
    Check, Expr, check_if, check_one, expiry, lit, num, pred, query, reject_if, string, strings, v, var,
};

/// A restriction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Limit {
    /// `resource_under R`.
    Under(String),
    /// `actions`, one value.
    Action(String),
    /// `methods`, one value.
    Method(String),
    /// `users`, one value: the token's own, so that nothing acts against it.
    User(String),
    /// `arg_is N V`.
    Is(String, String),
    /// `arg_in N V…`.
    In(String, Vec<String>),
    /// `arg_at_most N I`.
    AtMost(String, i64),
    /// `args_only N…`.
    Only(Vec<String>),
    /// `arg_absent N`.
    Absent(String),
    /// `expires_by D`.
    Until(i64),
}

fn present(name: &str) -> Check {
    check_if([query([pred("arg_present", [string(name)])], [])])
}

fn values(name: &str, expression: Expr) -> Check {
    reject_if(query([pred("arg", [string(name), var("value")])], [expression]))
}

fn set(texts: &[String]) -> Expr {
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    strings(&texts).into()
}

impl Limit {
    /// The checks.
    #[must_use]
    pub fn checks(&self) -> Vec<Check> {
        match self {
            Self::Under(path) => {
                let resource = || [pred("resource", [var("resource")])];
                let within = v("resource").starts_with(lit(&format!("{path}/")));
                vec![check_if([query(resource(), [v("resource").eq(lit(path))]), query(resource(), [within])])]
            }
            Self::Action(action) => vec![check_one("action", |found| found.eq(lit(action)))],
            Self::Method(method) => vec![check_one("method", |found| found.eq(lit(method)))],
            Self::User(user) => vec![check_one("user", |found| found.eq(lit(user)))],
            Self::Is(name, value) => vec![present(name), values(name, v("value").ne(lit(value)))],
            Self::In(name, texts) => vec![present(name), values(name, set(texts).contains(v("value")).not())],
            Self::AtMost(name, most) => vec![present(name), values(name, v("value").gt(num(*most)))],
            Self::Only(names) => {
                vec![reject_if(query([pred("arg_present", [var("name")])], [set(names).contains(v("name")).not()]))]
            }
            Self::Absent(name) => vec![reject_if(query([pred("arg_present", [string(name.as_str())])], []))],
            Self::Until(date) => vec![expiry(*date)],
        }
    }

    /// A restriction that this errand keeps to. What [`Errand::vary`] changes stays within it.
    #[must_use]
    pub fn around(errand: &Errand, user: &str, random: &mut Random) -> Self {
        let row = errand.entry();
        let named = |name: &str| {
            let Body::Json(members) = &errand.body else { return None };
            members.iter().find(|(known, _)| known == name).map(|(_, value)| value)
        };
        let texts = |value: &Json| match value {
            Json::Text(text) => vec![text.clone()],
            Json::Array(all) => {
                all.iter().filter_map(|v| if let Json::Text(t) = v { Some(t.clone()) } else { None }).collect()
            }
            _ => Vec::new(),
        };
        let argument = *random.of(&["room", "currency", "from", "to"]);
        let limit = match random.below(9) {
            0 | 1 => row.parameters().next().map(|_| {
                let resource = errand.resource();
                let end = resource.find(&errand.params[0]).unwrap() + errand.params[0].len();
                Self::Under(if random.once_in(2) { resource } else { resource[..end].into() })
            }),
            2 if row.sibling.is_some() => Some(Self::Action(row.action().into())),
            3 if row.method() == "POST" && row.sibling.is_some() => Some(Self::Method("POST".into())),
            4 if row.read_body => {
                row.parameters().next().map(|name| Self::Is(format!("path.{name}"), errand.params[0].clone()))
            }
            5 => named(argument).map(|value| match (value, random.once_in(2)) {
                (Json::Text(text), true) => Self::Is(format!("/{argument}"), text.clone()),
                _ => {
                    let mut all = texts(value);
                    all.push(random.word());
                    Self::In(format!("/{argument}"), all)
                }
            }),
            6 if row.cents => Some(Self::AtMost("/amount".into(), random.between(100, 200))),
            7 if row.read_body => {
                let mut names: Vec<String> = row.parameters().map(|name| format!("path.{name}")).collect();
                names.extend(["query.ref".into(), "query.page".into()]);
                if let Body::Json(members) = &errand.body {
                    names.extend(members.iter().map(|(name, _)| format!("/{name}")));
                }
                Some(Self::Only(names))
            }
            8 if row.read_body => {
                Some(Self::Absent(if errand.body == Body::None { "query.all".into() } else { "/urgent".into() }))
            }
            _ => None,
        };
        limit.unwrap_or_else(|| Self::User(user.into()))
    }

    /// Turns an errand into one that this restriction forbids; false where there is none.
    pub fn breach(&self, errand: &mut Errand, random: &mut Random) -> bool {
        let elsewhere = |errand: &mut Errand, random: &mut Random| {
            let first = errand.params.first_mut().unwrap();
            *first = if random.once_in(2) { format!("{first}x") } else { random.word() };
            true
        };
        match self {
            Self::User(_) | Self::Until(_) => false,
            Self::Under(_) => elsewhere(errand, random),
            Self::Action(_) | Self::Method(_) => {
                errand.row = errand.entry().sibling.unwrap();
                errand.body = Body::None;
                true
            }
            Self::Absent(name) if name.starts_with("query.") => {
                errand.set_query(&name[6..], "1");
                true
            }
            Self::Is(name, _) if name.starts_with("path.") => elsewhere(errand, random),
            Self::Is(name, value) => {
                if random.once_in(3) {
                    errand.remove_member(&name[1..]);
                    return true;
                }
                errand.set_member(&name[1..], Json::Text(format!("{value}x")))
            }
            Self::In(name, texts) => {
                let more = Json::Text(random.word());
                let first = Json::Text(texts[0].clone());
                errand.set_member(&name[1..], if random.once_in(2) { more } else { Json::Array(vec![first, more]) })
            }
            Self::AtMost(name, most) => errand.set_member(&name[1..], Json::from(most + random.between(1, 1000))),
            Self::Only(_) => {
                if random.once_in(2) || errand.body == Body::None {
                    errand.set_query("all", "1");
                    return true;
                }
                errand.set_member("extra", Json::Bool(true))
            }
            Self::Absent(name) => errand.set_member(&name[1..], Json::Bool(random.once_in(2))),
        }
    }
}
