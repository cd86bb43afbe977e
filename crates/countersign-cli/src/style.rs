//! Colours, where whoever reads is a terminal that shows them.
//!
//! What is styled is text that was made safe before (`text.rs`): a style adds escape sequences and takes none away.

use std::ffi::OsString;
use std::fs::File;
use std::io;

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use clap::ValueEnum;

/// When the output has colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    /// On a terminal, unless NO_COLOR says no.
    #[default]
    Auto,
    /// Also into a pipe or a file.
    Always,
    /// Never.
    Never,
}

impl When {
    /// What the arguments ask for, for messages of the parser itself.
    pub(crate) fn asked(arguments: impl IntoIterator<Item = OsString>) -> Self {
        let mut arguments = arguments.into_iter();
        let mut asked = None;
        while let Some(argument) = arguments.next().filter(|argument| argument != "--") {
            match argument.to_str().and_then(|argument| argument.strip_prefix("--color")) {
                Some("") => asked = arguments.next().and_then(|value| value.into_string().ok()),
                Some(value) => asked = value.strip_prefix('=').map(str::to_owned).or(asked),
                None => {}
            }
        }
        asked.and_then(|value| Self::from_str(&value, false).ok()).unwrap_or_default()
    }

    /// Sets the choice for the rest of the run.
    pub(crate) fn set(self) {
        match self {
            Self::Auto => ColorChoice::Auto,
            Self::Always => ColorChoice::AlwaysAnsi,
            Self::Never => ColorChoice::Never,
        }
        .write_global();
    }
}

impl From<When> for clap::ColorChoice {
    fn from(when: When) -> Self {
        match when {
            When::Auto => Self::Auto,
            When::Always => Self::Always,
            When::Never => Self::Never,
        }
    }
}

/// Writes text with a style, or as it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Styles {
    on: bool,
}

impl Styles {
    /// For standard output, by `--color`, NO_COLOR, CLICOLOR_FORCE, TERM and whether it is a terminal.
    pub(crate) fn stdout() -> Self {
        Self { on: !matches!(AutoStream::choice(&io::stdout()), ColorChoice::Never) }
    }

    /// For what is printed to standard error.
    pub(crate) fn stderr() -> Self {
        Self { on: !matches!(AutoStream::choice(&io::stderr()), ColorChoice::Never) }
    }

    /// For a terminal that was opened by its name.
    pub(crate) fn terminal(terminal: &File) -> Self {
        Self { on: !matches!(AutoStream::choice(terminal), ColorChoice::Never) }
    }

    /// What a reader looks for first.
    pub(crate) fn strong(self, text: &str) -> String {
        self.styled(Style::new().bold(), text)
    }

    /// What stands beside it.
    pub(crate) fn faint(self, text: &str) -> String {
        self.styled(Style::new().dimmed(), text)
    }

    /// Allowed, still valid.
    pub(crate) fn good(self, text: &str) -> String {
        self.styled(AnsiColor::Green.on_default(), text)
    }

    /// Denied, over.
    pub(crate) fn bad(self, text: &str) -> String {
        self.styled(AnsiColor::Red.on_default(), text)
    }

    /// To be looked at.
    pub(crate) fn warning(self, text: &str) -> String {
        self.styled(AnsiColor::Yellow.on_default().bold(), text)
    }

    fn styled(self, style: Style, text: &str) -> String {
        if self.on && !text.is_empty() { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_codes_only_where_they_are_shown() {
        assert_eq!(Styles { on: false }.good("ok"), "ok");
        assert_eq!(Styles { on: true }.good("ok"), "\u{1b}[32mok\u{1b}[0m");
        assert_eq!(Styles { on: true }.bad(""), "");
    }

    #[test]
    fn the_parser_of_the_command_line_is_told_before_it_parses() {
        let asked = |line: &str| When::asked(line.split(' ').map(OsString::from));
        assert_eq!(asked("countersign --color never --help"), When::Never);
        assert_eq!(asked("countersign --help --color=always"), When::Always);
        assert_eq!(asked("countersign verify -- --color=always"), When::Auto);
        for line in ["countersign --color", "countersign --color=green", "countersign --colour=never", "countersign"] {
            assert_eq!(asked(line), When::Auto, "{line}");
        }
    }
}
