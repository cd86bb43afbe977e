//! The typed restrictions as options (`spec/checks.md`, Typed restrictions).

use clap::{ArgAction, ArgMatches, Command};
use countersign::json::Value;
use countersign::time::UnixTime;
use countersign::token::{ArgValue, Restriction};

use crate::parse::{self, Seconds};

/// Restrictions in the order of the command line, since `--when` guards what follows it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Restrictions(Vec<Piece>);

/// What one option says.
#[derive(Clone, Debug, PartialEq)]
enum Piece {
    ExpiresIn(u64),
    One(Restriction),
    /// One value of a list: several of them are alternatives.
    Among(List, String),
    ArgIn(String, ArgValue),
    ArgHostIn(String, String),
    ArgsOnly(String),
    When(String, String),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum List {
    Service,
    Type,
    Action,
    Method,
    Tool,
    User,
    Purpose,
    Binding,
}

impl List {
    fn of(self, values: Vec<String>) -> Restriction {
        match self {
            Self::Service => Restriction::Services(values),
            Self::Type => Restriction::Types(values),
            Self::Action => Restriction::Actions(values),
            Self::Method => Restriction::Methods(values),
            Self::Tool => Restriction::Tools(values),
            Self::User => Restriction::Users(values),
            Self::Purpose => Restriction::Purposes(values),
            Self::Binding => Restriction::Bindings(values),
        }
    }
}

type Parser = fn(&str) -> Result<Piece, String>;

/// Id, what its value is called, help, how it is read.
const OPTIONS: &[(&str, &str, &str, Parser)] = &[
    ("restriction-expires-in", "DURATION", "For so long from now on, such as 10m", |text| {
        parse::duration(text).map(|Seconds(seconds)| Piece::ExpiresIn(seconds)).map_err(str::to_owned)
    }),
    ("restriction-expires-by", "RFC3339", "Up to this second, such as 2026-11-23T18:00:00Z", |text| {
        parse::time(text).map(|at| Piece::One(Restriction::ExpiresBy(at))).map_err(str::to_owned)
    }),
    ("restriction-not-before", "RFC3339", "From this second on, such as 2026-11-23T17:30:00Z", |text| {
        parse::time(text).map(|at| Piece::One(Restriction::NotBefore(at))).map_err(str::to_owned)
    }),
    ("restriction-service", "URL", "At this service only, such as https://calendar.example.com", |text| {
        among(List::Service, text)
    }),
    ("restriction-type", "TYPE", "Operations of this type only, such as calendar", |text| among(List::Type, text)),
    ("restriction-action", "ACTION", "This action only, such as read", |text| among(List::Action, text)),
    ("restriction-method", "METHOD", "This HTTP method only, such as GET", |text| among(List::Method, text)),
    ("restriction-tool", "TOOL", "This tool only, such as search_events", |text| among(List::Tool, text)),
    ("restriction-user", "USER", "On behalf of this user only, such as alice@example.com", |text| {
        among(List::User, text)
    }),
    ("restriction-purpose", "PURPOSE", "For this purpose only, such as scheduling", |text| among(List::Purpose, text)),
    ("restriction-binding", "BINDING", "Under this binding only, such as ed25519", |text| among(List::Binding, text)),
    ("restriction-resource-is", "RESOURCE", "This resource only, such as /calendars/primary", |text| {
        some(text).map(|resource| Piece::One(Restriction::ResourceIs(resource)))
    }),
    (
        "restriction-resource-under",
        "LOCATION",
        "This location and what is beneath it only, such as /calendars",
        |text| some(text).map(|location| Piece::One(Restriction::ResourceUnder(location))),
    ),
    (
        "restriction-arg",
        "N=V|N:=JSON",
        "This argument is there and is this, such as /to=alice@example.com or /limit:=5",
        |text| value(text).map(|(name, value)| Piece::One(Restriction::ArgIs(name, value))),
    ),
    (
        "restriction-arg-in",
        "N=V|N:=JSON",
        "This argument is there and is this, or another one given so, such as /to=bob@example.com",
        |text| value(text).map(|(name, value)| Piece::ArgIn(name, value)),
    ),
    ("restriction-arg-starts-with", "N=S", "This argument is there and starts so, such as /subject=Re:", |text| {
        named(text).map(|(name, start)| Piece::One(Restriction::ArgStartsWith(name, start)))
    }),
    ("restriction-arg-ends-with", "N=S", "This argument is there and ends so, such as /to=@example.com", |text| {
        named(text).map(|(name, end)| Piece::One(Restriction::ArgEndsWith(name, end)))
    }),
    (
        "restriction-arg-at-most",
        "N=I",
        "This argument is there and at most this integer, such as /amount=5000",
        |text| integer(text).map(|(name, most)| Piece::One(Restriction::ArgAtMost(name, most))),
    ),
    (
        "restriction-arg-at-least",
        "N=I",
        "This argument is there and at least this integer, such as /amount=1",
        |text| integer(text).map(|(name, least)| Piece::One(Restriction::ArgAtLeast(name, least))),
    ),
    (
        "restriction-arg-under",
        "N=PATH",
        "This argument, a path, is there and at or beneath this one, such as /file=/docs",
        |text| named(text).map(|(name, path)| Piece::One(Restriction::ArgUnder(name, path))),
    ),
    (
        "restriction-arg-host-in",
        "N=HOST",
        "This argument, a URL, is there and has this host, such as /url=example.com",
        |text| named(text).map(|(name, host)| Piece::ArgHostIn(name, host)),
    ),
    ("restriction-arg-absent", "N", "This argument is not there, such as /bcc", |text| {
        argument(text).map(|name| Piece::One(Restriction::ArgAbsent(name)))
    }),
    (
        "restriction-args-only",
        "N",
        "No arguments but these are there, path and query parameters included, such as /to",
        |text| argument(text).map(Piece::ArgsOnly),
    ),
    (
        "restriction-when",
        "TYPE:ACTION",
        "What follows holds for operations of this type and action only, such as email:send",
        |text| match text.split_once(':') {
            Some((kind, action)) if !kind.is_empty() && !action.is_empty() => {
                Ok(Piece::When(kind.to_owned(), action.to_owned()))
            }
            _ => Err("not TYPE:ACTION, such as email:send".to_owned()),
        },
    ),
];

fn some(text: &str) -> Result<String, String> {
    if text.is_empty() { Err("a value is required".to_owned()) } else { Ok(text.to_owned()) }
}

fn among(list: List, text: &str) -> Result<Piece, String> {
    some(text).map(|value| Piece::Among(list, value))
}

/// A name that an argument can have.
fn argument(name: &str) -> Result<String, String> {
    if ["/", "path.", "query."].iter().any(|start| name.starts_with(start)) {
        return Ok(name.to_owned());
    }
    Err("an argument's name is /pointer, path.name or query.name, such as /to".to_owned())
}

fn named(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("not N=VALUE, such as /to=alice@example.com")?;
    Ok((argument(name)?, value.to_owned()))
}

/// `N=V` is a string, `N:=V` JSON.
fn value(text: &str) -> Result<(String, ArgValue), String> {
    let (name, value) = text.split_once('=').ok_or("not N=V or N:=JSON, such as /to=alice@example.com or /limit:=5")?;
    let Some(name) = name.strip_suffix(':') else {
        return Ok((argument(name)?, ArgValue::Str(value.to_owned())));
    };
    let value = match Value::parse(value.as_bytes()) {
        Ok(Value::Str(text)) => ArgValue::Str(text),
        Ok(Value::Integer(integer)) => ArgValue::Integer(integer),
        Ok(Value::Bool(value)) => ArgValue::Bool(value),
        _ => return Err("behind := stands a JSON string, an integer, true or false".to_owned()),
    };
    Ok((argument(name)?, value))
}

fn integer(text: &str) -> Result<(String, i64), String> {
    let (name, value) = text.split_once('=').ok_or("not N=INTEGER, such as /amount=5000")?;
    let name = name.strip_suffix(':').unwrap_or(name);
    let value = value.parse().map_err(|_| "behind = stands an integer, in the scale that the service declares")?;
    Ok((argument(name)?, value))
}

impl Restrictions {
    /// What was asked for, in the order of the command line. Values of one list stand where the first of them does.
    pub(crate) fn at(&self, now: UnixTime) -> Vec<Restriction> {
        let mut found: Vec<(Option<(String, String)>, Restriction)> = Vec::new();
        let mut guard: Option<(String, String)> = None;
        for piece in &self.0 {
            let restriction = match piece.clone() {
                Piece::When(kind, action) => {
                    guard = Some((kind, action));
                    continue;
                }
                Piece::ExpiresIn(seconds) => Restriction::ExpiresBy(now.plus(seconds)),
                Piece::One(restriction) => restriction,
                Piece::Among(list, value) => list.of(vec![value]),
                Piece::ArgIn(name, value) => Restriction::ArgIn(name, vec![value]),
                Piece::ArgHostIn(name, host) => Restriction::ArgHostIn(name, vec![host]),
                Piece::ArgsOnly(name) => Restriction::ArgsOnly(vec![name]),
            };
            let joined = found.iter_mut().any(|(known, before)| *known == guard && join(before, &restriction));
            if !joined {
                found.push((guard.clone(), restriction));
            }
        }
        found
            .into_iter()
            .map(|(guard, restriction)| match guard {
                Some((kind, action)) => Restriction::When(kind, action, Box::new(restriction)),
                None => restriction,
            })
            .collect()
    }
}

/// Adds a value to a list of the same kind.
fn join(before: &mut Restriction, more: &Restriction) -> bool {
    use Restriction::{
        Actions, ArgHostIn, ArgIn, ArgsOnly, Bindings, Methods, Purposes, Services, Tools, Types, Users,
    };
    match (before, more) {
        (Services(all), Services(more))
        | (Types(all), Types(more))
        | (Actions(all), Actions(more))
        | (Methods(all), Methods(more))
        | (Tools(all), Tools(more))
        | (Users(all), Users(more))
        | (Purposes(all), Purposes(more))
        | (Bindings(all), Bindings(more))
        | (ArgsOnly(all), ArgsOnly(more)) => all.extend(more.iter().cloned()),
        (ArgHostIn(name, all), ArgHostIn(other, more)) if name == other => all.extend(more.iter().cloned()),
        (ArgIn(name, all), ArgIn(other, more)) if name == other => all.extend(more.iter().cloned()),
        _ => return false,
    }
    true
}

/// An option that says one thing and is given twice for the same operations: both could hold only where they agree.
fn twice<'p>(pieces: impl Iterator<Item = &'p Piece>) -> Option<&'static str> {
    let mut guard = None;
    let mut seen: Vec<(Option<&Piece>, &str)> = Vec::new();
    for piece in pieces {
        let option = match piece {
            Piece::When(..) => {
                guard = Some(piece);
                continue;
            }
            Piece::ExpiresIn(_) => "--expires-in",
            Piece::One(Restriction::ExpiresBy(_)) => "--expires-by",
            Piece::One(Restriction::NotBefore(_)) => "--not-before",
            Piece::One(Restriction::ResourceIs(_)) => "--resource-is",
            Piece::One(Restriction::ResourceUnder(_)) => "--resource-under",
            _ => continue,
        };
        if seen.contains(&(guard, option)) {
            return Some(option);
        }
        seen.push((guard, option));
    }
    None
}

/// The option's name. Its id is unlike that of any argument that a command has besides.
fn long(id: &'static str) -> &'static str {
    id.strip_prefix("restriction-").unwrap_or(id)
}

impl clap::Args for Restrictions {
    fn augment_args(command: Command) -> Command {
        // `mint` has its own --expires-in, which every token needs.
        let own: Vec<String> = command.get_arguments().filter_map(|arg| arg.get_long().map(str::to_owned)).collect();
        let heading = "Restrictions (several values of one: any of them; several of them: all must hold)";
        OPTIONS.iter().filter(|(id, ..)| !own.iter().any(|known| known == long(id))).fold(
            command.next_help_heading(heading),
            |command, (id, value, help, parser)| {
                let once = matches!(long(id), "expires-in" | "expires-by");
                let other = if long(id) == "expires-in" { "restriction-expires-by" } else { "restriction-expires-in" };
                let mut arg = clap::Arg::new(*id)
                    .long(long(id))
                    .value_name(*value)
                    .help(*help)
                    .action(ArgAction::Append)
                    .value_parser(*parser);
                if once && !own.iter().any(|known| known == "expires-in") {
                    arg = arg.conflicts_with(other);
                }
                command.arg(arg)
            },
        )
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for Restrictions {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut pieces: Vec<(usize, Piece)> = Vec::new();
        for (id, ..) in OPTIONS {
            // A command that has an option of its own under the name knows no such piece.
            if let Ok(Some(values)) = matches.try_get_many::<Piece>(id)
                && let Some(places) = matches.indices_of(id)
            {
                pieces.extend(places.zip(values.cloned()));
            }
        }
        pieces.sort_by_key(|(place, _)| *place);
        if let Some(option) = twice(pieces.iter().map(|(_, piece)| piece)) {
            let sentence = format!("the argument '{option}' cannot be used multiple times\n");
            return Err(clap::Error::raw(clap::error::ErrorKind::ArgumentConflict, sentence));
        }
        Ok(Self(pieces.into_iter().map(|(_, piece)| piece).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
