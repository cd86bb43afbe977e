//! The arguments of a request as facts (`spec/checks.md`, Arguments).

use core::cmp::Ordering;
use core::fmt;

use super::value::Scalar;

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
///
/// Names are kept once, in order, so that an evaluation looks a name up once and then compares numbers.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Arguments {
    extracted: bool,
    names: Vec<ArgName>,
    /// Indices into `names`, by name.
    order: Vec<usize>,
    values: Vec<Given>,
    hosts: Vec<Given>,
    paths: Vec<Given>,
    present: Vec<usize>,
    /// Names under which one value stands more than once: one fact, and yet no one value.
    repeated: Vec<usize>,
}

/// A fact: the index of its name, and its value.
pub(super) type Given = (usize, Scalar);

/// The facts that a predicate over one name is offered, and the index of that name among them.
pub(super) type Offered<'a, T> = (&'a [T], Option<usize>);

// Names without what stands under them: that may be a secret.
impl fmt::Debug for Arguments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.names.iter().map(|name| name.name.as_str()).collect();
        f.debug_struct("Arguments").field("extracted", &self.extracted).field("names", &names).finish_non_exhaustive()
    }
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

    /// Whether arguments were extracted.
    pub fn is_extracted(&self) -> bool {
        self.extracted
    }

    /// Says of a name that it is poisoned in some way, a URL or a path; what was said of it before stays.
    pub fn declare(&mut self, name: ArgName) {
        let index = self.index(&name.name);
        if let Some(known) = self.names.get_mut(index) {
            known.poisoned |= name.poisoned;
            known.derived_poisoned |= name.derived_poisoned;
            known.presence_poisoned |= name.presence_poisoned;
            known.url |= name.url;
            known.path |= name.path;
        }
    }

    /// Adds `arg_present(name)`.
    pub fn present(&mut self, name: &str) {
        let index = self.index(name);
        if !self.present.contains(&index) {
            self.present.push(index);
        }
    }

    /// Adds `arg(name, value)`.
    pub fn value(&mut self, argument: Argument) {
        let index = self.index(&argument.name);
        if !add(&mut self.values, (index, argument.value)) {
            self.repeated.push(index);
        }
    }

    /// Adds `arg_host(name, host)`.
    pub fn host(&mut self, name: &str, host: &str) {
        let index = self.index(name);
        add(&mut self.hosts, (index, Scalar::Str(host.to_owned())));
    }

    /// Adds `arg_path(name, path)`.
    pub fn path(&mut self, name: &str, path: &str) {
        let index = self.index(name);
        add(&mut self.paths, (index, Scalar::Str(path.to_owned())));
    }

    /// Every fact: its predicate, the argument's name, and the value (`arg_present` has none).
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str, Option<&Scalar>)> {
        let present = self.present.iter().map(|index| ("arg_present", self.name(*index), None));
        [("arg", &self.values), ("arg_host", &self.hosts), ("arg_path", &self.paths)]
            .into_iter()
            .flat_map(move |(predicate, facts)| {
                facts.iter().map(move |(index, value)| (predicate, self.name(*index), Some(value)))
            })
            .chain(present)
    }

    /// Whether a check over some name would be an error: arguments were not extracted, or a name is poisoned.
    pub fn has_unreadable(&self) -> bool {
        let poisoned = |known: &ArgName| known.poisoned || known.presence_poisoned;
        // What is no URL or path matters only where it was declared to be one.
        let derived = |known: &ArgName| known.derived_poisoned && (known.url || known.path);
        !self.extracted || self.names.iter().any(|known| poisoned(known) || derived(known))
    }

    /// The one value under a name; `None` where there is none or more than one, equal ones too, or the name is poisoned.
    pub fn only(&self, name: &str) -> Option<&Scalar> {
        let index = self.find(name).ok()?;
        if !self.extracted || self.names.get(index)?.poisoned || self.repeated.contains(&index) {
            return None;
        }
        let mut values = self.values.iter().filter(|(known, _)| *known == index);
        let (first, more) = (values.next()?, values.next());
        more.is_none().then_some(&first.1)
    }

    /// The `arg` facts, or `None` where asking for this name is an error.
    pub(super) fn values_of(&self, name: &str) -> Option<Offered<'_, Given>> {
        self.offered(&self.values, name, |known| !known.poisoned, true)
    }

    /// The `arg_host` facts, or `None` where asking for this name is an error.
    pub(super) fn hosts_of(&self, name: &str) -> Option<Offered<'_, Given>> {
        self.offered(&self.hosts, name, |known| known.url && !known.poisoned && !known.derived_poisoned, false)
    }

    /// The `arg_path` facts, or `None` where asking for this name is an error.
    pub(super) fn paths_of(&self, name: &str) -> Option<Offered<'_, Given>> {
        self.offered(&self.paths, name, |known| known.path && !known.poisoned && !known.derived_poisoned, false)
    }

    /// The `arg_present` facts, or `None` where asking for this name is an error.
    pub(super) fn present_for(&self, name: &str) -> Option<Offered<'_, usize>> {
        self.offered(&self.present, name, |known| !known.presence_poisoned, true)
    }

    /// All `arg_present` facts, or `None` where asking for any of them is an error.
    pub(super) fn all_present(&self) -> Option<&[usize]> {
        (self.extracted && !self.names.iter().any(|known| known.presence_poisoned)).then_some(&self.present)
    }

    pub(super) fn name(&self, index: usize) -> &str {
        self.names.get(index).map_or("", |known| &known.name)
    }

    fn offered<'a, T>(
        &self,
        facts: &'a [T],
        name: &str,
        readable: impl Fn(&ArgName) -> bool,
        unless_known: bool,
    ) -> Option<Offered<'a, T>> {
        let index = self.find(name).ok();
        let readable = index.and_then(|index| self.names.get(index)).map_or(unless_known, readable);
        (self.extracted && readable).then_some((facts, index))
    }

    fn find(&self, name: &str) -> Result<usize, usize> {
        let by_name = |index: &usize| self.name(*index).cmp(name);
        let place = self.order.binary_search_by(by_name)?;
        Ok(self.order.get(place).copied().unwrap_or_default())
    }

    /// The index of a name, which is new or not.
    fn index(&mut self, name: &str) -> usize {
        match self.find(name) {
            Ok(index) => index,
            Err(place) => {
                let index = self.names.len();
                self.order.insert(place, index);
                self.names.push(ArgName { name: name.to_owned(), ..ArgName::default() });
                index
            }
        }
    }
}

/// Equal facts stand once. Whether this one is new.
fn add(list: &mut Vec<Given>, fact: Given) -> bool {
    let new = !list.contains(&fact);
    if new {
        list.push(fact);
    }
    new
}

/// Facts as they are found, equal ones among them; [`Collected::facts`] leaves these out.
#[derive(Default)]
pub(super) struct Collected {
    given: Vec<Given>,
}

impl Collected {
    pub(super) fn push(&mut self, index: usize, value: Scalar) {
        self.given.push((index, value));
    }

    pub(super) fn len(&self) -> usize {
        self.given.len()
    }

    /// The first of each, in their order; and the names of those that were left out.
    fn facts(self) -> (Vec<Given>, Vec<usize>) {
        let mut by_value: Vec<(usize, &Given)> = self.given.iter().enumerate().collect();
        by_value.sort_by(|(at, one), (behind, other)| compare(one, other).then(at.cmp(behind)));
        let mut first = vec![true; self.given.len()];
        let mut repeated = Vec::new();
        for pair in by_value.windows(2) {
            if let [(_, one), (behind, other)] = pair
                && one == other
                && let Some(first) = first.get_mut(*behind)
            {
                *first = false;
                repeated.push(one.0);
            }
        }
        (self.given.into_iter().zip(first).filter_map(|(given, first)| first.then_some(given)).collect(), repeated)
    }
}

fn compare(one: &Given, other: &Given) -> Ordering {
    one.0.cmp(&other.0).then_with(|| one.1.cmp(&other.1))
}

/// Arguments in the making, by the limits of extraction.
pub(super) struct Builder {
    arguments: Arguments,
    values: Collected,
    hosts: Collected,
    paths: Collected,
    present: usize,
}

/// More than can be told: nothing counts as extracted.
pub(super) struct TooMuch;

/// How many `arg` facts there may be, and how many `arg_present` facts.
pub(super) const MAX_FACTS: usize = 1024;

/// The greatest length of a name and of a string, in bytes.
const MAX_LEN: usize = 4096;

impl Builder {
    pub(super) fn new() -> Self {
        let none = Collected::default;
        Self { arguments: Arguments::none(), values: none(), hosts: none(), paths: none(), present: 0 }
    }

    /// `arg_present(name)`.
    // spec: CK-33, CK-34
    pub(super) fn present(&mut self, name: &str) -> Result<(), TooMuch> {
        self.present = self.present.saturating_add(1);
        if self.present > MAX_FACTS || name.len() > MAX_LEN {
            return Err(TooMuch);
        }
        self.arguments.present(name);
        Ok(())
    }

    /// `arg(name, value)`.
    // spec: CK-33
    pub(super) fn value(&mut self, name: &str, value: Scalar) -> Result<(), TooMuch> {
        if let Scalar::Str(text) = &value
            && text.len() > MAX_LEN
        {
            return Err(TooMuch);
        }
        if self.values.len() >= MAX_FACTS {
            return Err(TooMuch);
        }
        let index = self.arguments.index(name);
        self.values.push(index, value);
        Ok(())
    }

    pub(super) fn host(&mut self, name: &str, host: String) {
        let index = self.arguments.index(name);
        self.hosts.push(index, Scalar::Str(host));
    }

    pub(super) fn path(&mut self, name: &str, path: String) {
        let index = self.arguments.index(name);
        self.paths.push(index, Scalar::Str(path));
    }

    pub(super) fn declare(&mut self, name: ArgName) {
        self.arguments.declare(name);
    }

    pub(super) fn finish(self) -> Arguments {
        let Self { mut arguments, values, hosts, paths, .. } = self;
        (arguments.values, arguments.repeated) = values.facts();
        (arguments.hosts, arguments.paths) = (hosts.facts().0, paths.facts().0);
        arguments
    }
}
