//! `countersign doctor`: a decision explained, stage by stage (`spec/verify.md`).
//!
//! The verdict, its stage and its code are the verifier's own. What is added is what was seen: the message, the token's
//! claims and the configuration, put beside what would have passed. Nothing of the token's text, no key and no nonce is
//! printed, and what the sender wrote is quoted, escaped and cut.

mod case;
mod framing;
mod operation;
mod proof;
mod token;

use std::process::ExitCode;

use anyhow::Context as _;
use countersign::request::Message;
use countersign::time::UnixTime;
use countersign::verify::{Charge, McpCharges};
use countersign::{Code, Denial, Stage};
use serde::Serialize;

use self::case::Case;
use crate::args::Doctor;
use crate::judge::Judge;
use crate::style::Styles;
use crate::text::without_secrets;
use crate::{config, input, output, revocations};

pub(crate) fn run(args: &Doctor, now: UnixTime) -> anyhow::Result<ExitCode> {
    let config = config::read_named(&args.config, "CONFIG")?;
    let named = || format!("REQUEST {}", args.request.display());
    let bytes = input::file_or_stdin(&args.request, input::MESSAGE).with_context(named)?;
    let message = Message::parse(&bytes).with_context(named)?;
    let message = match &args.authority {
        Some(authority) => message.with_authority(authority),
        None => message,
    };
    let view = revocations::of_config(&args.config, "CONFIG", &config.verifier, now)?;
    let judge = Judge::of(config, view);
    let report = Report::of(&judge, &message, now);
    if args.json {
        output::json(&report)?;
    } else {
        output::line(&report.lines(Styles::stdout()).join("\n"))?;
    }
    Ok(ExitCode::from(u8::from(report.refused.is_some())))
}

/// The stages: what each is called, and what it looks at.
const STAGES: [(&str, &str); 12] = [
    (
        "sizes and framing",
        "sizes, the request line, the form of each field line, the body's framing, and whether the authority is one \
            of the service's",
    ),
    (
        "token and structured fields",
        "that there is one token in one place, and that Signature-Input, Signature and Content-Digest are in their \
            one form",
    ),
    (
        "signature: what it covers, and when",
        "that there is one signature with our tag, that it covers what it must, its parameters, and its window of time",
    ),
    ("token: form", "that the token is sealed, in the one encoding, and inside the profile"),
    (
        "issuer, audience, times, key id",
        "that the issuer is configured, the token is for this service and not expired, and keyid is the current \
            holder's",
    ),
    ("revocation", "that no block, no holder, no grant and no conversation of the token is revoked"),
    ("signatures of the token", "that the issuer's signature and all behind it hold"),
    ("signature of the request", "that the signature holds over this request under the current holder's key"),
    ("body", "that the body is the one whose digest was signed"),
    ("nonce", "that the holder did not use the nonce before"),
    (
        "right, checks, approvals",
        "that the request is an operation of the service, that a right covers it, that all checks pass, and that \
            approvals are there",
    ),
    ("charges", "that the budgets of the token have enough left"),
];

/// Why a stage refused, and what to do.
#[derive(Debug, Default, Serialize)]
struct Why {
    /// What was seen, and how it differs from what would have passed.
    seen: Vec<String>,
    /// What would have passed.
    passes: String,
    /// What whoever sent the request should change.
    sender: Option<String>,
    /// What whoever runs the service should change.
    operator: Option<String>,
}

impl Why {
    fn new(passes: &str) -> Self {
        Self { passes: passes.to_owned(), ..Self::default() }
    }

    fn seen(mut self, seen: impl Into<String>) -> Self {
        self.seen.push(seen.into());
        self
    }

    fn all(mut self, seen: impl IntoIterator<Item = String>) -> Self {
        self.seen.extend(seen);
        self
    }

    fn sender(mut self, advice: impl Into<String>) -> Self {
        self.sender = Some(advice.into());
        self
    }

    fn operator(mut self, advice: impl Into<String>) -> Self {
        self.operator = Some(advice.into());
        self
    }

    fn for_each_text(&mut self, change: impl Fn(&mut String)) {
        self.seen.iter_mut().for_each(&change);
        change(&mut self.passes);
        self.sender.iter_mut().for_each(&change);
        self.operator.iter_mut().for_each(&change);
    }
}

/// What became of a stage.
#[derive(Debug, Serialize)]
struct Step {
    stage: Stage,
    title: &'static str,
    /// `passed`, `refused` or `not_reached`.
    outcome: &'static str,
    checked: &'static str,
    /// What was seen where it passed.
    seen: Option<String>,
}

/// The stage that refused.
#[derive(Debug, Serialize)]
struct Refusal {
    stage: Stage,
    code: &'static str,
    detail: &'static str,
    /// What the sender is told.
    class: &'static str,
    status: u16,
    /// The block and the check in it, where a check refused.
    check: Option<Place>,
    #[serde(flatten)]
    why: Why,
}

#[derive(Debug, Serialize)]
struct Place {
    block: usize,
    check: usize,
}

#[derive(Debug, Serialize)]
struct Report {
    decision: &'static str,
    now: String,
    stages: Vec<Step>,
    refused: Option<Refusal>,
}

impl Report {
    fn of(judge: &Judge, message: &Message<'_>, now: UnixTime) -> Self {
        let case = Case::new(judge, message, now);
        let mut charges: Vec<Charge> = Vec::new();
        let verdict = judge.charges(message, now).and_then(|found| {
            if let McpCharges::Operation(found) = &found {
                charges.extend_from_slice(&found.set().charges);
            }
            judge.charged(found, now)
        });
        let chain = match &verdict {
            Ok(caller) => Some(caller.chain().clone()),
            Err(denial) => denial.chain().cloned(),
        };
        let refused_at = verdict.as_ref().err().map(Denial::stage);
        let stages = (1..).zip(STAGES).map(|(stage, (title, checked))| {
            let (outcome, seen) = match refused_at {
                Some(at) if stage == at => ("refused", None),
                Some(at) if stage > at => ("not_reached", None),
                _ => ("passed", Some(without_secrets(&case.passed(stage, chain.as_ref(), verdict.as_ref().ok())))),
            };
            Step { stage, title, outcome, checked, seen }
        });
        let stages = stages.collect();
        let refused = verdict.err().map(|denial| Refusal::of(&case, &denial, &charges));
        let decision = if refused.is_some() { "deny" } else { "allow" };
        Self { decision, now: now.to_string(), stages, refused }
    }

    /// The report for people, a line each.
    fn lines(&self, styles: Styles) -> Vec<String> {
        let mut lines = Vec::new();
        for Step { stage, title, outcome, checked, seen } in &self.stages {
            let head = format!("{stage:>2}  {title:<37}");
            match (*outcome, &self.refused) {
                ("passed", _) => {
                    lines.push(format!("{head}{}  {}", styles.good("passed "), seen.as_deref().unwrap_or_default()));
                }
                ("refused", Some(refusal)) => {
                    let code = styles.strong(refusal.code);
                    lines.push(format!("{head}{}  {code}: {}", styles.bad("REFUSED"), refusal.detail));
                    refusal.lines(checked, styles, &mut lines);
                }
                _ => {}
            }
        }
        lines.push(String::new());
        lines.push(match &self.refused {
            None => format!("{} at {}.", styles.good("allowed"), self.now),
            Some(refusal) => {
                let behind = match refusal.stage {
                    12.. => String::new(),
                    11 => " Stage 12 was not looked at.".to_owned(),
                    stage => format!(" Stages {} to 12 were not looked at.", stage.saturating_add(1)),
                };
                let (class, status) = (refusal.class, refusal.status);
                let denied = styles.bad("denied");
                format!("{denied} at {}.{behind} The sender is told {class} ({status}) and nothing of this.", self.now)
            }
        });
        lines
    }
}

impl Refusal {
    fn of(case: &Case<'_>, denial: &Denial, charges: &[Charge]) -> Self {
        let mut why = why(case, denial, charges);
        // What anybody wrote was quoted and cut; a token in a place where none belongs goes besides.
        why.for_each_text(|text| *text = without_secrets(text));
        let class = denial.class();
        Self {
            stage: denial.stage(),
            code: denial.code().as_str(),
            detail: denial.detail(),
            class: class.as_str(),
            status: class.status(),
            check: denial.check().map(|(block, check)| Place { block, check }),
            why,
        }
    }

    fn lines(&self, checked: &str, styles: Styles, lines: &mut Vec<String>) {
        let mut part = |title: &str, text: &str| {
            // Padded before it is styled: escape sequences have no width.
            let title = styles.strong(&format!("{title:<10}"));
            lines.push(format!("    {title}{text}"));
        };
        part("checked", checked);
        let mut title = "seen";
        for seen in &self.why.seen {
            part(title, seen);
            title = "";
        }
        part("to pass", &self.why.passes);
        for (title, advice) in [("sender", &self.why.sender), ("operator", &self.why.operator)] {
            if let Some(advice) = advice {
                part(title, advice);
            }
        }
    }
}

/// What is behind a refusal. Codes of later versions of the verifier have their detail alone.
fn why(case: &Case<'_>, denial: &Denial, charges: &[Charge]) -> Why {
    let (stage, code) = (denial.stage(), denial.code());
    let found = match stage {
        1 => framing::framing(case, code),
        2 => framing::fields(case, code),
        3 => proof::signature(case, code),
        4 => token::form(case, code),
        5 => token::claims(case, code),
        6 => token::revocation(code),
        7 => token::signatures(case, code),
        8 => proof::holds(case, code),
        9 => proof::body(case, code),
        10 => operation::nonce(code),
        11 => operation::authority(case, denial),
        _ => operation::charges(code, charges),
    };
    found.unwrap_or_else(|| unknown(code))
}

fn unknown(code: Code) -> Why {
    Why::new("see spec/errors.md for what this code means").seen(format!("the verifier refused with {code}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stages that a run of this command passes, or refuses in one way: the rest is tested over whole requests.
    #[test]
    fn codes_of_stores_and_lists_have_advice_of_their_own() {
        for code in Code::ALL {
            for stage in code.stages() {
                let found = match stage {
                    6 => token::revocation(*code),
                    10 => operation::nonce(*code),
                    12 => operation::charges(*code, &[]),
                    _ => continue,
                };
                let advised = found.is_some_and(|why| why.sender.is_some() || why.operator.is_some());
                assert!(advised, "{code} at stage {stage}");
            }
        }
    }
}
