//! What an approver sees: everything, or what fits before the question, and then how much that was.

use countersign::json::Value;
use countersign::time::UnixTime;
use countersign::token::{Claims, UnverifiedToken};
use countersign::verify::OperationRecord;
use countersign::{to_base64url, to_hex};
use sha2::{Digest as _, Sha256};

use crate::style::Styles;
use crate::text::{quoted, quoted_within, visible_within};

/// How much of one value is shown, in characters.
const VALUE: usize = 2000;

/// How much of the token is shown, in lines and in bytes.
const TOKEN: (usize, usize) = (60, 6000);

/// How much of a value the question repeats, in characters.
const BRIEF: usize = 120;

/// Lines for an approver.
pub(super) struct Page {
    lines: Vec<String>,
    full: bool,
    /// How many parts were not shown in full.
    cut: usize,
}

impl Page {
    /// A page with the token and every member of the operation.
    ///
    /// Values have no line breaks of their own, so what is said of a cut stands on a line that no value can feign.
    pub(super) fn new(record: &OperationRecord, full: bool) -> Self {
        let mut page = Self { lines: vec!["To be approved, once:".to_owned()], full, cut: 0 };
        for (name, value) in record.members() {
            page.member(name, value);
        }
        page
    }

    fn member(&mut self, name: &str, value: &Value) {
        let limit = if self.full { usize::MAX } else { VALUE };
        let (whole, (shown, left)) = match value {
            Value::Null => (String::new(), ("none".to_owned(), 0)),
            Value::Str(text) => (text.clone(), quoted_within(text, limit)),
            other => {
                let text = other.to_jcs();
                let shown = visible_within(&text, limit);
                (text, shown)
            }
        };
        self.lines.push(format!("  {name}: {shown}"));
        if left > 0 {
            self.cut(&format!("{left} of its {} characters are not shown", whole.chars().count()), whole.as_bytes());
        }
    }

    /// The token, as `inspect` shows it. `text` is what was asked with.
    pub(super) fn token(&mut self, token: &UnverifiedToken, text: &str, verified: bool, now: UnixTime, styles: Styles) {
        self.lines.push(String::new());
        let known = match verified {
            true => {
                "The token that it is asked under; its signatures hold under the issuer's key that you gave. The approval is for what stands above, under any token:"
            }
            false => {
                "The token that it is asked under; nothing of it was verified (--issuer-key does that). The approval is for what stands above, under any token:"
            }
        };
        self.lines.push(known.to_owned());
        let tree = crate::commands::inspect::tree(token, now, styles);
        let lines: Vec<String> = tree.into_iter().skip(2).map(|line| format!("  {line}")).collect();
        let mut bytes = 0_usize;
        let fits = lines.iter().take(TOKEN.0).take_while(|line| {
            bytes = bytes.saturating_add(line.len());
            bytes <= TOKEN.1
        });
        let shown = if self.full { lines.len() } else { fits.count() };
        let left = lines.len().saturating_sub(shown);
        self.lines.extend(lines.into_iter().take(shown));
        if left > 0 {
            self.cut(&format!("{left} lines about the token are not shown"), text.as_bytes());
        }
    }

    fn cut(&mut self, what: &str, whole: &[u8]) {
        self.cut = self.cut.saturating_add(1);
        self.lines.push(format!("    … {what}; SHA-256 of all of it: {}", to_hex(&Sha256::digest(whole))));
    }

    /// Ends the page with what the question is about, since whoever answers may see no more than the last lines.
    pub(super) fn in_short(&mut self, record: &OperationRecord, claims: Claims<'_>) {
        let brief = |name: &str| shortened(record.member(name).and_then(Value::as_str).unwrap_or_default());
        let agent = claims.agents().last().map(|agent| shortened(agent.name)).unwrap_or_default();
        self.lines.push(String::new());
        // Counted before: these lines are not part of it.
        let seen = format!("{} lines, {} bytes", self.lines.len(), self.text().len());
        self.lines.extend([
            format!("In short: {} on {} (type {})", brief("action"), brief("resource"), brief("type")),
            format!("at the service {}", brief("service")),
            format!("for the user {}, asked by {agent} with the key {}.", brief("user"), brief("holder")),
            format!("Digest of the operation: {}", to_base64url(&record.digest())),
            match self.cut {
                0 => format!("Shown above: {seen}, which is all of it."),
                1 => format!("Shown above: {seen}, which is NOT all of it: 1 part was cut; --full shows it."),
                cut => format!("Shown above: {seen}, which is NOT all of it: {cut} parts were cut; --full shows them."),
            },
        ]);
    }

    pub(super) fn text(&self) -> String {
        let mut text = self.lines.join("\n");
        text.push('\n');
        text
    }

    /// The question that follows.
    pub(super) fn question(&self) -> &'static str {
        if self.cut > 0 { "Approve what was not shown in full? [y/N] " } else { "Approve? [y/N] " }
    }
}

fn shortened(text: &str) -> String {
    match quoted_within(text, BRIEF) {
        (_, 0) => quoted(text),
        (start, _) => format!("{start}…"),
    }
}
