//! Text that is put into a source, and where it stands afterwards. Nothing of the source is taken away, so that what is
//! put in for one mutant may stand within what another one encloses.

use std::cmp::Reverse;
use std::ops::Range;

use serde::Serialize;

/// Text that is put in before and after a piece of the source; or, where the piece is empty, just there.
#[derive(Default)]
pub(crate) struct Insert {
    pub(crate) range: Range<usize>,
    pub(crate) before: String,
    pub(crate) after: String,
    /// Which mutants these are, each with the part of `before` that is its own.
    pub(crate) own: Vec<(u32, Range<usize>)>,
}

impl Insert {
    pub(crate) fn around(range: Range<usize>) -> Self {
        Self { range, ..Self::default() }
    }

    /// Appends text that is the mutant's own: an error in it is the mutant's.
    pub(crate) fn push_own(&mut self, number: u32, text: &str) {
        let start = self.before.len();
        self.before.push_str(text);
        self.own.push((number, start..self.before.len()));
    }
}

/// Where a mutant stands in the rewritten file.
#[derive(Serialize)]
pub(crate) struct Place {
    number: u32,
    own: [usize; 2],
    /// With what it is an alternative to.
    around: [usize; 2],
}

/// Where a function stands in the rewritten file.
#[derive(Serialize)]
pub(crate) struct Function {
    name: String,
    around: [usize; 2],
}

/// At one offset: what ends there, inner before outer; then what stands there; then what begins, outer before inner.
#[derive(Clone, Copy, Eq, Ord, PartialEq, PartialOrd)]
enum Order {
    After(Reverse<usize>, Reverse<usize>),
    Point(usize),
    Before(Reverse<usize>, usize),
}

pub(crate) fn render(
    source: &str,
    inserts: Vec<Insert>,
    functions: Vec<(String, Range<usize>)>,
) -> (String, Vec<Place>, Vec<Function>) {
    let first = inserts.len();
    let mut all = inserts;
    let (names, ranges): (Vec<String>, Vec<Range<usize>>) = functions.into_iter().unzip();
    all.extend(ranges.into_iter().map(Insert::around));

    let mut events = Vec::new();
    for (index, insert) in all.iter().enumerate() {
        let Range { start, end } = insert.range;
        if start == end {
            events.push((start, Order::Point(index), index));
        } else {
            events.push((start, Order::Before(Reverse(end), index), index));
            events.push((end, Order::After(Reverse(start), Reverse(index)), index));
        }
    }
    events.sort_unstable();

    let mut out = String::with_capacity(source.len() * 2);
    let mut around = vec![[0; 2]; all.len()];
    let mut at = 0;
    for (offset, order, index) in events {
        out.push_str(&source[at..offset]);
        at = offset;
        if !matches!(order, Order::After(..)) {
            around[index][0] = out.len();
            out.push_str(&all[index].before);
        }
        if !matches!(order, Order::Before(..)) {
            out.push_str(&all[index].after);
            around[index][1] = out.len();
        }
    }
    out.push_str(&source[at..]);

    let mut places = Vec::new();
    for (insert, around) in all.iter().zip(&around) {
        for (number, own) in &insert.own {
            places.push(Place { number: *number, own: [own.start, own.end].map(|at| around[0] + at), around: *around });
        }
    }
    let functions = names.into_iter().zip(&around[first..]).map(|(name, around)| Function { name, around: *around });
    (out, places, functions.collect())
}
