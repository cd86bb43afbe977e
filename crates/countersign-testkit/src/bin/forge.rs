//! Forges requests by the million and has the verifier judge them.

use std::process::ExitCode;
use std::time::Instant;
use std::{env, thread};

use countersign_testkit::forge::classes::{CLASSES, REACH, place};
use countersign_testkit::forge::{Core, Plan, World, again, run};

const HELP: &str = "\
Forges requests, gives them to the verifier with valid ones in between, and counts what becomes of them.

usage: forge [--count N] [--seed N] [--threads N] [--only CLASS] [--dump INDEX]

  --count N     forged requests (1000000); a valid one follows every 16
  --seed N      what everything is drawn from, keys too (1)
  --threads N   as many as there are processors; the outcome is the same with any number
  --only CLASS  all forged requests of one class; the last of --classes is made in no other way
  --dump INDEX  makes the forged request of this index again and shows it with its verdict;
                with the --seed, --count and --only of the run that named it
  --classes     the names of the classes
  --help        this

The table has a row for each class: how many were forged, how many of a hundred got to the stage that the class is meant
for, and how many were refused with each stage/code. The last line is

  forged N accepted N valid M accepted M

Exit code 0: no forged request and every valid one was accepted, and no class is too small or refused for other reasons
than its own. 1: otherwise, and the requests with the wrong verdict are shown, the first few. 2: wrong usage.
";

struct Arguments {
    count: u64,
    seed: u64,
    threads: usize,
    only: Option<usize>,
    dump: Option<u64>,
}

fn arguments() -> Result<Option<Arguments>, String> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let mut parsed = Arguments { count: 1_000_000, seed: 1, threads, only: None, dump: None };
    let mut words = env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--help" | "-h" => {
                print!("{HELP}");
                return Ok(None);
            }
            "--classes" => {
                CLASSES.iter().for_each(|class| println!("{}", class.name));
                return Ok(None);
            }
            _ => {}
        }
        let value = words.next().ok_or(format!("{word}: no value, or no option"))?;
        let number = || value.parse::<u64>().map_err(|_| format!("{word} {value}: not a number"));
        match word.as_str() {
            "--count" => parsed.count = number()?.max(1),
            "--seed" => parsed.seed = number()?,
            "--threads" => parsed.threads = usize::try_from(number()?).map_err(|_| "too many threads")?.clamp(1, 256),
            "--only" => parsed.only = Some(place(&value).ok_or(format!("{value}: no class; see --classes"))?),
            "--dump" => parsed.dump = Some(number()?),
            _ => return Err(format!("{word}: no option; see --help")),
        }
    }
    Ok(Some(parsed))
}

fn main() -> ExitCode {
    let arguments = match arguments() {
        Ok(Some(arguments)) => arguments,
        Ok(None) => return ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("forge: {error}");
            return ExitCode::from(2);
        }
    };
    let Arguments { count, seed, threads, only, dump } = arguments;
    let world = World::new(seed);
    let plan = Plan { count, only, threads };
    let core = Core::new(&world);
    if let Some(index) = dump {
        let Some(found) = again(&world, &plan, index, &mut core.judge()) else {
            eprintln!("forge: {index}: the run has {count} forged requests");
            return ExitCode::from(2);
        };
        println!("{}", found.text());
        return ExitCode::SUCCESS;
    }
    println!("seed {seed}, {threads} threads; a class has to reach its stage {REACH} times of a hundred\n");
    let start = Instant::now();
    let report = run(&world, &plan, &|| core.judge());
    let seconds = start.elapsed().as_secs_f64();
    print!("{report}");
    for wrong in report.wrong() {
        println!("\n{}", wrong.text());
    }
    let failures = report.failures(&plan);
    let (valid, accepted) = report.valid_count();
    println!("{seconds:.1} s, {:.0} requests a second", report.all() as f64 / seconds);
    failures.iter().for_each(|failure| println!("FAILED {failure}"));
    println!(
        "forged {} accepted {} valid {valid} accepted {accepted}",
        report.forged_count(),
        report.forged_accepted()
    );
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
