//! Two sides measured in turns, so that whatever slows the machine down slows both.

use std::time::{Duration, Instant};

/// One side: does its work so many times and says how long that took, preparation left out.
pub type Side<'a> = &'a mut dyn FnMut(usize) -> Duration;

/// How two sides compare. Times are of one run, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comparison {
    /// The median of the rounds' ratios.
    pub ratio: f64,
    /// Their first and third quartile.
    pub quartiles: (f64, f64),
    /// The median time of the first side.
    pub first: f64,
    /// The median time of the second side.
    pub second: f64,
}

/// A side whose work needs no preparation.
pub fn timed<T>(mut work: impl FnMut() -> T) -> impl FnMut(usize) -> Duration {
    move |times| {
        let start = Instant::now();
        for _ in 0..times {
            std::hint::black_box(work());
        }
        start.elapsed()
    }
}

/// A side whose work uses up an input, made beforehand.
pub fn timed_with<I, T>(mut prepare: impl FnMut() -> I, mut work: impl FnMut(I) -> T) -> impl FnMut(usize) -> Duration {
    move |times| {
        let inputs: Vec<I> = (0..times).map(|_| prepare()).collect();
        let start = Instant::now();
        for input in inputs {
            std::hint::black_box(work(input));
        }
        start.elapsed()
    }
}

/// Runs both sides in turns, `rounds` times; which one begins changes from round to round.
///
/// A round gives each side about `batch` of time, short enough that both meet the same machine.
#[must_use]
pub fn compare(rounds: usize, batch: Duration, first: Side<'_>, second: Side<'_>) -> Comparison {
    let (first_times, second_times) = (times(batch, first), times(batch, second));
    let (mut ratios, mut firsts, mut seconds) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds.max(1) {
        let (a, b) = at_depth(round / 2 % DEPTHS, &mut || {
            if round % 2 == 0 {
                let a = first(first_times);
                (a, second(second_times))
            } else {
                let b = second(second_times);
                (first(first_times), b)
            }
        });
        let a = a.as_secs_f64() * 1e6 / first_times as f64;
        let b = b.as_secs_f64() * 1e6 / second_times as f64;
        ratios.push(a / b);
        firsts.push(a);
        seconds.push(b);
    }
    let [ratio, low, high] = [0.5, 0.25, 0.75].map(|part| quantile(&mut ratios, part));
    Comparison { ratio, quartiles: (low, high), first: quantile(&mut firsts, 0.5), second: quantile(&mut seconds, 0.5) }
}

/// Places of the stack that rounds are run at, in steps of about 270 bytes: a page of them.
const DEPTHS: usize = 16;

/// Runs a round `depth` steps further down the stack.
///
/// Where the stack lies is chosen anew for each process, and moves the time of vector code by a tenth and more. Rounds at
/// many places have a median that processes agree on.
fn at_depth<T>(depth: usize, round: &mut dyn FnMut() -> T) -> T {
    let pad = std::hint::black_box([0_u8; 208]);
    let found = if depth == 0 { round() } else { at_depth(depth - 1, round) };
    std::hint::black_box(&pad);
    found
}

/// How often a side's work fits into `batch`, found after it is warm.
fn times(batch: Duration, side: Side<'_>) -> usize {
    let mut times = 1;
    loop {
        let taken = side(times);
        if taken * 4 >= batch || times >= 1 << 20 {
            let one = (taken.as_secs_f64() / times as f64).max(1e-9);
            return ((batch.as_secs_f64() / one) as usize).max(1);
        }
        times *= 2;
    }
}

fn quantile(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let index = (values.len().saturating_sub(1) as f64 * part).round() as usize;
    values.get(index).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_which_side_takes_longer() {
        let mut double = |times: usize| Duration::from_micros(times as u64 * 2);
        let mut single = |times: usize| Duration::from_micros(times as u64);
        let found = compare(5, Duration::from_millis(1), &mut double, &mut single);
        assert!((found.ratio - 2.0).abs() < 1e-9, "{found:?}");
        assert!((found.first - 2.0).abs() < 1e-9 && (found.second - 1.0).abs() < 1e-9, "{found:?}");
    }

    #[test]
    fn one_slow_round_does_not_move_the_ratio() {
        let mut calls = 0;
        let mut disturbed = |times: usize| {
            calls += 1;
            let micros = if calls == 20 { 50 } else { 1 };
            Duration::from_micros(times as u64 * micros)
        };
        let mut steady = |times: usize| Duration::from_micros(times as u64);
        let found = compare(21, Duration::from_micros(100), &mut disturbed, &mut steady);
        assert!((found.ratio - 1.0).abs() < 1e-9, "{found:?}");
    }
}
