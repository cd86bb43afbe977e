//! The core beside its peers in one run, in turns. Fails where a bound is exceeded: see `README.md`.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use countersign::key::Signature;
use countersign_benches::fixture::{Scenario, key};
use countersign_benches::paired::{Comparison, compare, timed, timed_with};
use countersign_benches::service::Service;
use countersign_benches::worst::{Crowded, parts, with_services};
use countersign_benches::{bodies, rejected, sizes, verdicts, work};
use ed25519_dalek::{Signer as _, SigningKey, Verifier as _, VerifyingKey};

/// Rounds of each comparison; of an even number of them, each side begins half.
const ROUNDS: usize = 200;
/// What each side is given in a round: less than a scheduler's slice, so that a preempted side spoils few rounds.
const BATCH: Duration = Duration::from_millis(1);

/// The signatures of a request that has as many as there can be: eight keys tried for the first of 12 blocks, six of which
/// are delegations, a seal and the request's own.
const SIGNATURES: u32 = 8 + 11 + 6 + 1 + 1;
/// A refusal may cost so many times an accepted request of its size.
const REFUSED_TO_ACCEPTED: f64 = 1.5;
/// And this at most, in microseconds.
const REFUSED_MICROS: f64 = 1000.0;

/// One line of the table.
struct Line {
    name: String,
    found: Comparison,
    bound: Option<f64>,
}

impl Line {
    fn over(&self) -> bool {
        // A ratio that is no number holds no bound.
        self.bound.is_some_and(|bound| self.found.ratio.is_nan() || self.found.ratio > bound)
    }
}

fn main() -> ExitCode {
    // `cargo test --benches` and lists of tests run this too: they get the assertions and no clock.
    let measured = std::env::args().any(|argument| argument == "--bench");
    verdicts::assert_same();
    println!("\nverdicts: core and the obvious stack agree on {} requests, as signed and altered", Scenario::ALL.len());
    let mut over = 0_usize;
    println!("\nsizes");
    for size in sizes::all() {
        let holds = size.bytes == size.expected;
        over = over.saturating_add(usize::from(!holds));
        let word = if holds { "ok" } else { "OVER" };
        println!("  {:<46} {:>5} bytes (exactly {}) {word}", size.name, size.bytes, size.expected);
    }
    let rounds = if measured { ROUNDS } else { 1 };
    let lines = lines(rounds, if measured { BATCH } else { Duration::from_micros(1) });
    println!("\nratios: medians of {rounds} rounds, both sides in turns");
    println!("  {:<58} {:>9} {:>9}   ratio of quartiles", "", "first µs", "second µs");
    for Line { name, found, .. } in &lines {
        let Comparison { first, second, quartiles: (low, high), .. } = found;
        println!("  {name:<58} {first:>9.2} {second:>9.2}   {low:.3} … {high:.3}");
    }
    if measured {
        engine();
    }
    println!();
    for line in &lines {
        let Line { name, found, bound } = line;
        match bound {
            Some(bound) if measured => {
                let word = if line.over() { "OVER" } else { "ok" };
                println!("ratio {name} = {:.3} (bound {bound:.2}) {word}", found.ratio);
                over = over.saturating_add(usize::from(line.over()));
            }
            _ => println!("ratio {name} = {:.3} (no bound)", found.ratio),
        }
    }
    over = over.saturating_add(bombs(measured));
    over = over.saturating_add(refusals(measured));
    over = over.saturating_add(dear_bodies(measured));
    if over > 0 {
        println!("\n{over} OVER");
        return ExitCode::FAILURE;
    }
    println!("\nall within their bounds");
    ExitCode::SUCCESS
}

/// What the stack's engine does with the tokens that the core refuses at their rule, under its limit of 1 ms. Once.
fn engine() {
    let stack = verdicts::stack(Scenario::OneBlock).with_default_limits();
    for case in rejected::all().into_iter().filter(|case| case.name.starts_with("reject_rule_token")) {
        let start = Instant::now();
        let refused = stack.verify(case.request, false);
        let millis = start.elapsed().as_secs_f64() * 1e3;
        println!("  the stack on the request of {:<31} {millis:>8.1} ms, then {refused:?}", case.name);
    }
}

/// What the checks of one request cost at most. An absolute ceiling; how many are over it.
fn bombs(measured: bool) -> usize {
    println!("\nchecks that ask for as much work as they can: the least of 21 runs");
    let mut over = 0_usize;
    for bomb in work::bombs() {
        let (outcome, units) = bomb.run();
        let told = outcome.map_or_else(|code| code.to_string(), |()| "passed".to_owned());
        let micros = if measured { bomb.time(21).as_secs_f64() * 1e6 } else { 0.0 };
        let holds = micros <= bomb.ceiling;
        over = over.saturating_add(usize::from(!holds));
        let word = if holds { "ok" } else { "OVER" };
        println!(
            "work {:<72} {units:>7} units, {told:<15} {micros:>8.1} µs (ceiling {}) {word}",
            bomb.name, bomb.ceiling
        );
    }
    over
}

/// What a body of a mebibyte costs at most, beside reading it with serde_json and nothing else; and an absolute ceiling. How
/// many are over that.
fn dear_bodies(measured: bool) -> usize {
    let (rounds, batch) = if measured { (ROUNDS / 10, BATCH) } else { (1, Duration::from_micros(1)) };
    println!("\nbodies of a mebibyte, all stages: medians of {rounds} rounds, beside serde_json in turns");
    let mut over = 0_usize;
    for dear in bodies::all() {
        let mut read = timed(|| serde_json::from_slice::<serde_json::Value>(&dear.body).is_ok());
        let found = compare(rounds, batch, &mut timed(|| dear.run()), &mut read);
        let holds = !measured || found.first <= dear.ceiling;
        over = over.saturating_add(usize::from(!holds));
        let word = if holds { "ok" } else { "OVER" };
        println!(
            "body {:<52} {:>10.1} µs (ceiling {}) {:>7.2} of serde_json {word}",
            dear.name, found.first, dear.ceiling, found.ratio
        );
    }
    over
}

/// What the worst inputs of each stage cost, beside an accepted request of their size and beside the most signatures that a
/// request can have; and an absolute ceiling. How many are over.
fn refusals(measured: bool) -> usize {
    let (rounds, batch) = if measured { (ROUNDS / 2, BATCH) } else { (1, Duration::from_micros(1)) };
    println!("\nrefusals of stages 1 to 8: each input is as great as can be, and wrong at its end");
    println!("  {:<22} {:>9}   {:>10} {:>12}", "", "µs", ": accepted", format!(": {SIGNATURES} strict"));
    let mut over = 0_usize;
    for (service, worst) in with_services() {
        let unknowing = Crowded::new(None);
        let [refused, accepted] = [&worst.request, &worst.accepted].map(parts);
        let mut refusal = timed(|| service.check_parts(&refused));
        let beside = compare(rounds, batch, &mut refusal, &mut timed(|| unknowing.check_parts(&accepted)));
        let floor = compare(rounds, batch, &mut refusal, &mut signatures(SIGNATURES));
        let micros = beside.first.min(floor.first);
        let holds = beside.ratio <= REFUSED_TO_ACCEPTED && floor.ratio <= 1.0 && micros <= REFUSED_MICROS;
        over = over.saturating_add(usize::from(measured && !holds));
        let word = if holds { "ok" } else { "OVER" };
        println!("refusal {:<22} {micros:>9.1} µs {:>10.3} {:>12.3} {word}", worst.name, beside.ratio, floor.ratio);
    }
    println!("bounds: {REFUSED_TO_ACCEPTED} of an accepted request, {SIGNATURES} × verify_strict, {REFUSED_MICROS} µs");
    over
}

fn lines(rounds: usize, batch: Duration) -> Vec<Line> {
    let mut lines = Vec::new();
    for scenario in Scenario::ALL {
        let body = verdicts::body(scenario);
        let request = scenario.request();
        let stack = verdicts::stack(scenario);
        let full = stack.clone().with_all_facts();
        let (cold, warm) = (Service::cold(), Service::warm());
        drop(warm.verify(&request, body));
        let copy = || request.clone();
        let mut cold = timed_with(copy, |request| cold.verify(&request, body).is_ok());
        let mut warm = timed_with(copy, |request| warm.verify(&request, body).is_ok());
        let mut stack = timed_with(copy, |request| stack.verify(request, !body.is_empty()).is_ok());
        let mut full = timed_with(copy, |request| full.verify(request, !body.is_empty()).is_ok());
        let mut floor = signatures(scenario.signatures());
        let name = scenario.name();
        let mut line = |name: String, found, bound| lines.push(Line { name, found, bound });
        line(format!("verify_cold/{name} : obvious stack"), compare(rounds, batch, &mut cold, &mut stack), Some(0.90));
        line(format!("verify_warm/{name} : obvious stack"), compare(rounds, batch, &mut warm, &mut stack), Some(0.50));
        line(
            format!("verify_cold/{name} : obvious stack, all facts"),
            compare(rounds, batch, &mut cold, &mut full),
            None,
        );
        let floored = format!("verify_cold/{name} : {} × verify_strict", scenario.signatures());
        line(floored, compare(rounds, batch, &mut cold, &mut floor), None);
        let mut one = signatures(1);
        line(format!("verify_warm/{name} : 1 × verify_strict"), compare(rounds, batch, &mut warm, &mut one), None);
    }
    let service = Service::cold();
    for case in rejected::all() {
        let mut ours = timed_with(|| case.request.clone(), |request| service.verify(&request, b"").is_err());
        let bound = case.name.starts_with("reject_rule_token").then_some(1.4);
        let found = compare(rounds, batch, &mut ours, &mut signatures(1));
        lines.push(Line { name: format!("{} : verify_strict", case.name), found, bound });
    }
    let mut through = public_key_verify();
    let found = compare(rounds, batch, &mut through, &mut signatures(1));
    lines.push(Line { name: "PublicKey::verify : verify_strict".to_owned(), found, bound: None });
    let found = compare(rounds, batch, &mut lenient_verify(), &mut signatures(1));
    lines.push(Line { name: "verify : verify_strict".to_owned(), found, bound: None });
    lines
}

/// `count` strict verifications of a short message under a key that is decompressed already: the least that so many
/// signatures cost.
fn signatures(count: u32) -> impl FnMut(usize) -> Duration {
    let signer = SigningKey::from_bytes(&key("agent").dangerous_seed());
    let (verifying, message): (VerifyingKey, _) = (signer.verifying_key(), [7; 32]);
    let signature = signer.sign(&message);
    timed(move || (0..count).all(|_| verifying.verify_strict(std::hint::black_box(&message), &signature).is_ok()))
}

/// One verification that does not decompress `R`: what looking at its order costs.
fn lenient_verify() -> impl FnMut(usize) -> Duration {
    let signer = SigningKey::from_bytes(&key("agent").dangerous_seed());
    let (verifying, message) = (signer.verifying_key(), [7; 32]);
    let signature = signer.sign(&message);
    timed(move || verifying.verify(std::hint::black_box(&message), &signature).is_ok())
}

/// A strict verification through the core's own type, which decompresses the key each time.
fn public_key_verify() -> impl FnMut(usize) -> Duration {
    let (signer, message) = (key("agent"), [7; 32]);
    let (public, signature): (_, Signature) = (signer.public(), signer.sign(&message));
    timed(move || public.verify(std::hint::black_box(&message), &signature).is_ok())
}
