//! What is printed: a table for people, or JSON, one object a line.

use serde::Serialize;

use crate::output;
use crate::style::Styles;

/// What became of a request.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub(super) who: &'static str,
    pub(super) what: &'static str,
    /// `allow` or `deny`, by the audit; `none` where the request did not get that far.
    pub(super) decision: String,
    pub(super) expected: &'static str,
    /// The exact code, as the audit saw it; strangers are told a class only.
    pub(super) code: Option<String>,
    pub(super) expected_code: Option<&'static str>,
    /// The status that the sender got.
    pub(super) status: u16,
    pub(super) micros: u64,
    /// What is not as it must be.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) wrong: Vec<&'static str>,
}

/// Prints rows as they come.
pub(super) struct Report {
    json: bool,
    styles: Styles,
}

impl Report {
    pub(super) fn new(json: bool) -> Self {
        Self { json, styles: Styles::stdout() }
    }

    pub(super) fn start(&self) -> anyhow::Result<()> {
        if self.json {
            return Ok(());
        }
        output::line("Alice lets calendar-bot read and write her calendar; calendar-bot lets summary-bot read it.")?;
        output::line(
            "Every request goes over a socket. The code is the audit's: whoever asks is told a class only.\n",
        )?;
        let head = columns("who", "what", "verdict", "code", "µs");
        output::line(&self.styles.strong(&head))
    }

    pub(super) fn row(&self, row: &Row) -> anyhow::Result<()> {
        if self.json {
            return output::json(row);
        }
        let code = row.code.as_deref().unwrap_or_default();
        let mut line = columns(row.who, row.what, &row.decision, code, &row.micros.to_string());
        if !row.wrong.is_empty() {
            line = format!("{line}  WRONG: {}", row.wrong.join(", "));
        }
        output::line(&match (row.wrong.is_empty(), row.decision.as_str()) {
            (false, _) => self.styles.warning(&line),
            (true, "allow") => self.styles.good(&line),
            (true, _) => self.styles.bad(&line),
        })
    }

    pub(super) fn end(&self, rows: &[Row]) -> anyhow::Result<()> {
        if self.json {
            return Ok(());
        }
        let count = |decision: &str| rows.iter().filter(|row| row.decision == decision).count();
        let wrong = rows.iter().filter(|row| !row.wrong.is_empty()).count();
        let verdict = match wrong {
            0 => "all as they must be".to_owned(),
            wrong => format!("{wrong} not as they must be"),
        };
        output::line(&format!("\n{} allowed, {} denied, {verdict}", count("allow"), count("deny")))
    }
}

fn columns(who: &str, what: &str, verdict: &str, code: &str, micros: &str) -> String {
    format!("{who:<13}{what:<51}{verdict:<9}{code:<20}{micros:>7}")
}
