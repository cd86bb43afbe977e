//! What came of a run: counts by class, stage and code, and whatever should not have been.

use core::fmt;
use std::collections::BTreeMap;

use super::classes::{CLASSES, LEAST_OF_A_MILLION, REACH};
use super::draft::Asked;
use super::judge::Verdict;
use super::run::Plan;

/// How many requests with the wrong verdict are shown.
const SHOWN: usize = 5;

/// A request that is shown.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// The place of its class; none for a valid request.
    pub class: Option<usize>,
    /// Its index among the forged ones; of a valid request the number of its batch.
    pub index: u64,
    /// What became of it.
    pub verdict: Verdict,
    /// It.
    pub dump: String,
}

impl Accepted {
    /// Class, index and verdict, and the request below.
    #[must_use]
    pub fn text(&self) -> String {
        let name = self.class.map_or("valid, batch", |class| CLASSES[class].name);
        format!("{name} {}: {}\n{}", self.index, word(self.verdict), self.dump)
    }
}

/// What came of a run.
#[derive(Clone, Debug, Default)]
pub struct Report {
    verdicts: BTreeMap<(usize, Verdict), u64>,
    valid: u64,
    valid_accepted: u64,
    wrong: Vec<Accepted>,
}

impl Report {
    pub(super) fn valid(&mut self, batch: u64, verdict: Verdict, asked: &Asked) {
        self.valid += 1;
        if verdict.is_allowed() {
            self.valid_accepted += 1;
        } else {
            self.show(Accepted { class: None, index: batch, verdict, dump: asked.dump() });
        }
    }

    pub(super) fn forged(&mut self, class: usize, index: u64, verdict: Verdict, asked: &Asked) {
        *self.verdicts.entry((class, verdict)).or_default() += 1;
        if verdict.is_allowed() {
            self.show(Accepted { class: Some(class), index, verdict, dump: asked.dump() });
        }
    }

    fn show(&mut self, wrong: Accepted) {
        // Batches end in any order: each keeps its first ones, and the first of all are among them.
        if self.wrong.iter().filter(|known| known.class.is_some() == wrong.class.is_some()).count() < SHOWN {
            self.wrong.push(wrong);
        }
    }

    pub(super) fn add(&mut self, other: Self) {
        for (key, count) in other.verdicts {
            *self.verdicts.entry(key).or_default() += count;
        }
        self.valid += other.valid;
        self.valid_accepted += other.valid_accepted;
        self.wrong.extend(other.wrong);
        *self = core::mem::take(self).sorted();
    }

    pub(super) fn sorted(mut self) -> Self {
        self.wrong.sort_by_key(|wrong| (wrong.class.is_some(), wrong.index));
        let valid = self.wrong.iter().filter(|wrong| wrong.class.is_none()).count();
        let forged = self.wrong.split_off(valid);
        self.wrong.truncate(SHOWN);
        self.wrong.extend(forged.into_iter().take(SHOWN));
        self
    }

    /// How many were forged.
    #[must_use]
    pub fn forged_count(&self) -> u64 {
        self.verdicts.values().sum()
    }

    /// How many forged ones were let through.
    #[must_use]
    pub fn forged_accepted(&self) -> u64 {
        self.count(|_, verdict| verdict.is_allowed())
    }

    /// How many valid ones there were, and how many of them were let through.
    #[must_use]
    pub fn valid_count(&self) -> (u64, u64) {
        (self.valid, self.valid_accepted)
    }

    /// How many there were of both.
    #[must_use]
    pub fn all(&self) -> u64 {
        self.forged_count() + self.valid
    }

    /// Requests with the wrong verdict, the first few.
    #[must_use]
    pub fn wrong(&self) -> &[Accepted] {
        &self.wrong
    }

    fn count(&self, is: impl Fn(usize, Verdict) -> bool) -> u64 {
        self.verdicts.iter().filter(|((class, verdict), _)| is(*class, *verdict)).map(|(_, count)| count).sum()
    }

    /// How many there are of a class.
    #[must_use]
    pub fn of_class(&self, class: usize) -> u64 {
        self.count(|other, _| other == class)
    }

    /// How many of a class got to a stage that it is meant for.
    #[must_use]
    pub fn reached(&self, class: usize) -> u64 {
        let stages = CLASSES[class].stages;
        self.count(|other, verdict| {
            other == class && matches!(verdict, Verdict::Denied(stage, _) if stages.contains(&stage))
        })
    }

    /// What is not as it has to be, in words; nothing where all is well.
    #[must_use]
    pub fn failures(&self, plan: &Plan) -> Vec<String> {
        let mut failures = Vec::new();
        if self.forged_accepted() > 0 {
            failures.push(format!("{} forged requests were accepted", self.forged_accepted()));
        }
        if self.valid_accepted < self.valid {
            failures.push(format!("{} valid requests were refused", self.valid - self.valid_accepted));
        }
        if self.valid < plan.count / 20 {
            failures.push(format!("{} valid requests are too few", self.valid));
        }
        let least = if plan.only.is_some() { plan.count } else { plan.count * LEAST_OF_A_MILLION / 1_000_000 };
        for (place, class) in CLASSES.iter().enumerate() {
            let count = self.of_class(place);
            if plan.only.is_some_and(|only| only != place) {
                continue;
            }
            if count < least.max(1) {
                failures.push(format!("{}: {count} are too few, {} are the least", class.name, least.max(1)));
            }
            let reached = self.reached(place);
            if reached * 100 < count * REACH {
                failures.push(format!("{}: {reached} of {count} got to {}", class.name, stages(class.stages)));
            }
        }
        failures
    }
}

fn stages(stages: &[u8]) -> String {
    let words: Vec<String> = stages.iter().map(u8::to_string).collect();
    format!("stage {}", words.join(" or "))
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<28}{:>9}  {:<22}stage/code", "class", "forged", "reached")?;
        for (place, class) in CLASSES.iter().enumerate() {
            let count = self.of_class(place);
            if count == 0 {
                continue;
            }
            let percent = self.reached(place) * 100 / count;
            let reached = format!("{percent:>3} % {}", stages(class.stages).replace(" or ", ","));
            let mut codes: Vec<(u64, String)> = Vec::new();
            for ((of, verdict), count) in &self.verdicts {
                if *of == place {
                    codes.push((*count, format!("{} {count}", word(*verdict))));
                }
            }
            codes.sort_by_key(|(count, _)| core::cmp::Reverse(*count));
            let codes: Vec<String> = codes.into_iter().map(|(_, text)| text).collect();
            writeln!(f, "{:<28}{count:>9}  {reached:<22}{}", class.name, codes.join(", "))?;
        }
        writeln!(f)?;
        writeln!(f, "{:<36}{:>9}", "stage/code", "forged")?;
        let mut by_code: BTreeMap<Verdict, u64> = BTreeMap::new();
        for ((_, verdict), count) in &self.verdicts {
            *by_code.entry(*verdict).or_default() += count;
        }
        for (verdict, count) in by_code {
            writeln!(f, "{:<36}{count:>9}", word(verdict))?;
        }
        let signatures = |of: usize| CLASSES[of].breaks_signatures();
        let of_signatures = self.count(|class, _| signatures(class));
        let reached = self.count(|class, verdict| signatures(class) && matches!(verdict, Verdict::Denied(7 | 8, _)));
        writeln!(f)?;
        writeln!(f, "forged requests that break a signature: {of_signatures}, reached stage 7 or 8: {reached}")
    }
}

fn word(verdict: Verdict) -> String {
    match verdict {
        Verdict::Allowed => "ACCEPTED".into(),
        Verdict::Denied(stage, code) => format!("{stage}/{code}"),
    }
}
