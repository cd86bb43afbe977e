//! The predicates that a check may name (`spec/checks.md`, Facts).

/// A fact name that checks may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Predicate {
    Time,
    Service,
    Type,
    Resource,
    Action,
    Method,
    Authority,
    Path,
    Tool,
    Binding,
    Holder,
    User,
    Agent,
    Purpose,
    Issuer,
    Arg,
    ArgHost,
    ArgPath,
    ArgPresent,
}

impl Predicate {
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "time" => Self::Time,
            "service" => Self::Service,
            "type" => Self::Type,
            "resource" => Self::Resource,
            "action" => Self::Action,
            "method" => Self::Method,
            "authority" => Self::Authority,
            "path" => Self::Path,
            "tool" => Self::Tool,
            "binding" => Self::Binding,
            "holder" => Self::Holder,
            "user" => Self::User,
            "agent" => Self::Agent,
            "purpose" => Self::Purpose,
            "issuer" => Self::Issuer,
            "arg" => Self::Arg,
            "arg_host" => Self::ArgHost,
            "arg_path" => Self::ArgPath,
            "arg_present" => Self::ArgPresent,
            _ => return None,
        })
    }

    pub(crate) fn arity(self) -> usize {
        match self {
            Self::Agent | Self::Arg | Self::ArgHost | Self::ArgPath => 2,
            _ => 1,
        }
    }
}
