//! From parameters and a JSON body to facts (`spec/checks.md`, Extraction, Poison).

use std::collections::{BTreeMap, HashSet};

use super::arguments::{ArgName, Arguments, Builder, MAX_FACTS, TooMuch};
use super::derive::{path_of, url_host};
use super::value::Scalar;
use crate::json::{Object, Value, scaled};

/// What a service declares of the arguments of an operation; part of what it publishes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Declarations {
    /// Names of arguments that are URLs: they give `arg_host`.
    pub urls: Vec<String>,
    /// Names of arguments that are paths: they give `arg_path`.
    pub paths: Vec<String>,
    /// How many digits behind the point the numbers under a name have, 0 to 15.
    pub scales: BTreeMap<String, u8>,
}

/// What there is of a body to take arguments from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Body<'b> {
    /// No body: extracted, with nothing in it.
    None,
    /// A body that gives no arguments: nothing counts as extracted.
    Other,
    /// The root of a JSON body.
    Object(&'b Object),
}

/// A parameter that two parsers could read differently: `body_ambiguous`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ambiguous;

/// The arguments of a request. `path` has the template's names and the raw segments, in its order.
// spec: CK-28, CK-32
pub(crate) fn extract<'p>(
    path: impl IntoIterator<Item = (&'p str, &'p str)>,
    query: Option<&str>,
    body: Body<'_>,
    declared: &Declarations,
) -> Result<Arguments, Ambiguous> {
    // Decoded first and whatever else is there: a broken escape is refused even where nothing is extracted.
    let mut parameters: Vec<(String, String)> = Vec::new();
    for (name, segment) in path {
        parameters.push((["path.", name].concat(), decode(segment, false)?));
    }
    for part in query.unwrap_or_default().split('&').filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        parameters.push((["query.", &decode(name, true)?].concat(), decode(value, true)?));
    }
    let object = match body {
        Body::None => None,
        Body::Other => return Ok(Arguments::not_extracted()),
        Body::Object(object) => Some(object),
    };
    let mut walk = Walk { builder: Builder::new(), declared };
    for (name, kind) in
        declared.urls.iter().map(|name| (name, true)).chain(declared.paths.iter().map(|name| (name, false)))
    {
        walk.builder.declare(ArgName { name: name.clone(), url: kind, path: !kind, ..ArgName::default() });
    }
    Ok(match walk.all(&parameters, object) {
        Ok(()) => walk.builder.finish(),
        // spec: CK-33
        Err(TooMuch) => Arguments::not_extracted(),
    })
}

struct Walk<'d> {
    builder: Builder,
    declared: &'d Declarations,
}

impl Walk<'_> {
    fn all(&mut self, parameters: &[(String, String)], body: Option<&Object>) -> Result<(), TooMuch> {
        for (name, value) in parameters {
            self.builder.present(name)?;
            self.string(name, value)?;
        }
        // spec: CK-44
        let twins = twins(parameters.iter().map(|(name, _)| name.as_str()));
        twins.iter().for_each(|name| self.ambiguous(name));
        body.map_or(Ok(()), |object| self.object("", object, false))
    }

    // spec: CK-29, CK-34, CK-44
    fn object(&mut self, parent: &str, object: &Object, ambiguous: bool) -> Result<(), TooMuch> {
        // Each member is a fact, and what follows reads them all.
        if object.len() > MAX_FACTS {
            return Err(TooMuch);
        }
        let twins = twins(object.iter().map(|(name, _)| name));
        for (member, value) in object.iter() {
            let name = [parent, "/", &member.replace('~', "~0").replace('/', "~1")].concat();
            self.builder.present(&name)?;
            let ambiguous = ambiguous || twins.contains(member);
            if ambiguous {
                self.ambiguous(&name);
            }
            match value {
                Value::Object(members) => {
                    self.poison(&name);
                    self.object(&name, members, ambiguous)?;
                }
                Value::Array(elements) => {
                    if elements.is_empty() {
                        self.poison(&name);
                    }
                    let mut poisoned = [false; 2];
                    for element in elements {
                        // The same poison twice says nothing new, and finding a name is dear beside two bytes of body.
                        let kind = match element {
                            Value::Object(_) | Value::Array(_) => poisoned.first_mut(),
                            Value::Null => poisoned.last_mut(),
                            _ => None,
                        };
                        if kind.is_some_and(|known| std::mem::replace(known, true)) {
                            continue;
                        }
                        self.element(&name, element)?;
                    }
                }
                scalar => self.scalar(&name, scalar)?,
            }
        }
        Ok(())
    }

    fn element(&mut self, name: &str, element: &Value) -> Result<(), TooMuch> {
        if matches!(element, Value::Object(_) | Value::Array(_)) {
            self.ambiguous(name);
            return Ok(());
        }
        self.scalar(name, element)
    }

    // spec: CK-30, CK-35
    fn scalar(&mut self, name: &str, scalar: &Value) -> Result<(), TooMuch> {
        let scale = self.declared.scales.get(name).copied();
        let value = match scalar {
            Value::Str(text) => return self.string(name, text),
            Value::Bool(value) => Some(Scalar::Bool(*value)),
            Value::Integer(value) => scaled(*value, scale.unwrap_or(0)).map(Scalar::Integer),
            Value::Fraction(value) => scale.and_then(|scale| value.scaled(scale)).map(Scalar::Integer),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        };
        self.not_derived(name);
        match value {
            Some(value) => self.builder.value(name, value),
            None => {
                self.poison(name);
                Ok(())
            }
        }
    }

    // spec: CK-38, CK-39
    fn string(&mut self, name: &str, text: &str) -> Result<(), TooMuch> {
        self.builder.value(name, Scalar::Str(text.to_owned()))?;
        if self.declared.urls.iter().any(|known| known == name) {
            match url_host(text) {
                Some(host) => self.builder.host(name, host),
                None => self.not_derived(name),
            }
        }
        if self.declared.paths.iter().any(|known| known == name) {
            match path_of(text) {
                Some(path) => self.builder.path(name, path.to_owned()),
                None => self.not_derived(name),
            }
        }
        Ok(())
    }

    fn ambiguous(&mut self, name: &str) {
        self.builder.declare(ArgName { poisoned: true, presence_poisoned: true, ..named(name) });
    }

    fn poison(&mut self, name: &str) {
        self.builder.declare(ArgName { poisoned: true, ..named(name) });
    }

    /// What stands under the name is no URL or path. Says nothing of a name that is declared to be neither.
    fn not_derived(&mut self, name: &str) {
        self.builder.declare(ArgName { derived_poisoned: true, ..named(name) });
    }
}

fn named(name: &str) -> ArgName {
    ArgName { name: name.to_owned(), ..ArgName::default() }
}

/// The names among these that differ from another one by case alone.
fn twins<'n>(names: impl Iterator<Item = &'n str> + Clone) -> HashSet<&'n str> {
    // Names in small letters of ASCII are their own folded form, but for case, and most bodies have no others.
    if !names.clone().any(|name| name.bytes().any(|byte| byte.is_ascii_uppercase() || !byte.is_ascii())) {
        return HashSet::new();
    }
    let mut folded: Vec<(String, &str)> = names.map(|name| (folded(name), name)).collect();
    folded.sort_unstable();
    let pairs = folded.windows(2).filter_map(|pair| match pair {
        [(one, first), (other, second)] if one == other && first != second => Some([*first, *second]),
        _ => None,
    });
    pairs.flatten().collect()
}

/// One form for all spellings that somebody may take for the same name. The lower case in between joins what has no
/// upper case of its own, such as the sign for kelvin.
// spec: CK-44
fn folded(name: &str) -> String {
    if name.is_ascii() {
        return name.to_ascii_uppercase();
    }
    name.chars().flat_map(char::to_lowercase).flat_map(char::to_uppercase).collect()
}

/// Percent-decoding; `form` reads `+` as a space.
// spec: CK-30
fn decode(text: &str, form: bool) -> Result<String, Ambiguous> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let mut digit = || bytes.next().and_then(|digit| char::from(digit).to_digit(16));
                let (high, low) = (digit().ok_or(Ambiguous)?, digit().ok_or(Ambiguous)?);
                u8::try_from(high << 4 | low).map_err(|_| Ambiguous)?
            }
            b'+' if form => b' ',
            byte => byte,
        });
    }
    String::from_utf8(decoded).map_err(|_| Ambiguous)
}

#[cfg(test)]
mod tests;
