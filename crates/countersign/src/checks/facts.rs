//! The facts that a request gives to checks.

use super::value::Scalar;
use crate::key::PublicKey;
use crate::time::UnixTime;

/// What the verifier knows of one request, by predicate.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// `time`.
    pub time: UnixTime,
    /// `service`: the configured audience that the request is for.
    pub service: &'a str,
    /// `type` of the operation.
    pub r#type: &'a str,
    /// `resource` of the operation.
    pub resource: &'a str,
    /// `action` of the operation.
    pub action: &'a str,
    /// `method`; absent outside HTTP.
    pub method: Option<&'a str>,
    /// `authority`, normalised; absent outside HTTP.
    pub authority: Option<&'a str>,
    /// `path` as received; absent outside HTTP.
    pub path: Option<&'a str>,
    /// `tool`, where the operation is a tool's.
    pub tool: Option<&'a str>,
    /// `binding`.
    pub binding: &'a str,
    /// `holder`: the current holder's key.
    pub holder: PublicKey,
    /// `user`, from the authority block.
    pub user: &'a str,
    /// `agent`, from the authority block: name and key.
    pub agent: (&'a str, PublicKey),
    /// `purpose`, from the authority block.
    pub purpose: &'a str,
    /// `issuer`, from the authority block.
    pub issuer: &'a str,
    /// `arg`, `arg_host`, `arg_path`, `arg_present`.
    pub arguments: &'a Arguments,
}

/// One value of an argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    /// The argument's name: an RFC 6901 pointer, `path.…` or `query.…`.
    pub name: String,
    /// One value of it.
    pub value: Scalar,
}

/// What is known of one argument's name besides its values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ArgName {
    /// The name.
    pub name: String,
    /// Whether a value under the name has no one reading: `arg`, `arg_host` and `arg_path` of it are errors.
    pub poisoned: bool,
    /// Whether a declared URL or path under the name does not parse: `arg_host` and `arg_path` of it are errors.
    pub derived_poisoned: bool,
    /// Whether an array under the name holds an object or an array: `arg_present` of it is an error.
    pub presence_poisoned: bool,
    /// Whether the service declared the argument to be a URL.
    pub url: bool,
    /// Whether the service declared the argument to be a path.
    pub path: bool,
}

/// The arguments of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    extracted: bool,
    names: Vec<ArgName>,
    values: Vec<Argument>,
    hosts: Vec<Argument>,
    paths: Vec<Argument>,
    present: Vec<String>,
}

impl Arguments {
    /// Arguments that were not read: every check that asks for one is an error.
    pub fn not_extracted() -> Self {
        Self::default()
    }

    /// A request that has no arguments.
    pub fn none() -> Self {
        Self { extracted: true, ..Self::default() }
    }

    /// Says of a name that it is poisoned in some way, a URL or a path.
    pub fn declare(&mut self, name: ArgName) {
        self.names.push(name);
    }

    /// Adds `arg_present(name)`.
    pub fn present(&mut self, name: &str) {
        if !self.present.iter().any(|known| known == name) {
            self.present.push(name.to_owned());
        }
    }

    /// Adds `arg(name, value)`.
    pub fn value(&mut self, argument: Argument) {
        add(&mut self.values, argument);
    }

    /// Adds `arg_host(name, host)`.
    pub fn host(&mut self, name: &str, host: &str) {
        add(&mut self.hosts, Argument { name: name.to_owned(), value: Scalar::Str(host.to_owned()) });
    }

    /// Adds `arg_path(name, path)`.
    pub fn path(&mut self, name: &str, path: &str) {
        add(&mut self.paths, Argument { name: name.to_owned(), value: Scalar::Str(path.to_owned()) });
    }

    /// Every fact: its predicate, the argument's name, and the value (`arg_present` has none).
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str, Option<&Scalar>)> {
        let present = self.present.iter().map(|name| ("arg_present", name.as_str(), None));
        [("arg", &self.values), ("arg_host", &self.hosts), ("arg_path", &self.paths)]
            .into_iter()
            .flat_map(|(predicate, facts)| {
                facts.iter().map(move |fact| (predicate, fact.name.as_str(), Some(&fact.value)))
            })
            .chain(present)
    }

    /// The `arg` facts, or `None` where asking is an error.
    pub(crate) fn values_of(&self, name: &str) -> Option<&[Argument]> {
        self.readable(name).then_some(&self.values)
    }

    /// The `arg_host` facts, or `None` where asking is an error.
    pub(crate) fn hosts_of(&self, name: &str) -> Option<&[Argument]> {
        (self.derivable(name) && self.declared(name, |known| known.url)).then_some(&self.hosts)
    }

    /// The `arg_path` facts, or `None` where asking is an error.
    pub(crate) fn paths_of(&self, name: &str) -> Option<&[Argument]> {
        (self.derivable(name) && self.declared(name, |known| known.path)).then_some(&self.paths)
    }

    /// All `arg_present` facts, or `None` where asking for any of them is an error.
    pub(crate) fn all_present(&self) -> Option<&[String]> {
        (self.extracted && !self.names.iter().any(|known| known.presence_poisoned)).then_some(&self.present)
    }

    /// All `arg_present` facts, or `None` where asking for this one is an error.
    pub(crate) fn present_for(&self, name: &str) -> Option<&[String]> {
        (self.extracted && !self.declared(name, |known| known.presence_poisoned)).then_some(&self.present)
    }

    fn derivable(&self, name: &str) -> bool {
        self.readable(name) && !self.declared(name, |known| known.derived_poisoned)
    }

    fn readable(&self, name: &str) -> bool {
        self.extracted && !self.declared(name, |known| known.poisoned)
    }

    fn declared(&self, name: &str, what: impl Fn(&ArgName) -> bool) -> bool {
        self.names.iter().any(|known| known.name == name && what(known))
    }
}

/// Equal facts stand once.
fn add(list: &mut Vec<Argument>, argument: Argument) {
    if !list.contains(&argument) {
        list.push(argument);
    }
}
