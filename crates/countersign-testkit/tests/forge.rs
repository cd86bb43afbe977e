//! The forger against the core: nothing forged is let through, and the forger would notice.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests say what went wrong by panicking")]

use std::collections::BTreeSet;

use countersign_testkit::forge::classes::{CLASSES, place};
use countersign_testkit::forge::{Asked, Core, Judge as _, Plan, Report, Verdict, World, again, run};

fn plan(count: u64, threads: usize) -> Plan {
    Plan { count, only: None, threads }
}

#[test]
fn refuses_every_forged_request_and_no_valid_one() {
    let (world, plan) = (World::new(2026), plan(20_000, 2));
    let core = Core::new(&world);
    let report = run(&world, &plan, &|| core.judge());
    print!("{report}");
    assert_eq!(report.failures(&plan), [""; 0], "{:#?}", report.wrong());
    assert_eq!((report.forged_count(), report.forged_accepted()), (20_000, 0));
    let (valid, accepted) = report.valid_count();
    assert!(valid >= 1_000 && accepted == valid, "{accepted} of {valid}");
    for (place, class) in CLASSES.iter().enumerate() {
        assert!(report.of_class(place) >= 200, "{}", class.name);
        assert!(!class.breaks_signatures() || report.reached(place) > 0, "{}", class.name);
    }
}

#[test]
fn notices_what_a_judge_lets_through() {
    let (world, plan) = (World::new(1), plan(1_000, 1));
    let report = run(&world, &plan, &|| |_: &Asked| Verdict::Allowed);
    assert_eq!(report.forged_accepted(), 1_000);
    assert!(report.failures(&plan)[0].starts_with("1000 forged requests were accepted"));
    let shown = &report.wrong()[0];
    assert_eq!((shown.class, shown.index), (Some(0), 0));
    assert!(shown.dump.contains("HTTP/1.1"));
    // One that takes anything but a replay for good.
    let careless = |forgets: &'static str| {
        let core = Core::new(&world);
        run(&world, &plan, &|| {
            let mut judge = core.judge();
            move |asked: &Asked| match judge.judge(asked) {
                Verdict::Denied(_, code) if code == forgets => Verdict::Allowed,
                verdict => verdict,
            }
        })
    };
    for forgets in ["token_signature", "signature_invalid", "replayed", "check_failed", "budget_exceeded"] {
        assert!(careless(forgets).forged_accepted() > 0, "{forgets}");
    }
}

#[test]
fn notices_what_a_judge_refuses() {
    let (world, plan) = (World::new(1), plan(1_000, 1));
    let report = run(&world, &plan, &|| |_: &Asked| Verdict::Denied(1, "limit_exceeded"));
    let failures = report.failures(&plan);
    assert!(failures.iter().any(|failure| failure.contains("valid requests were refused")));
    assert!(failures.iter().any(|failure| failure.starts_with("flip-signature:")));
}

#[test]
fn gives_the_same_again_with_any_number_of_threads() {
    let world = World::new(7);
    let text = |threads: usize| {
        let report: Report = run(&world, &plan(12_000, threads), &|| shape);
        report.to_string()
    };
    assert_eq!(text(1), text(3));
    let dumps: BTreeSet<String> =
        (0..2).map(|_| again(&World::new(7), &plan(12_000, 1), 5_500, &mut shape).unwrap().dump).collect();
    assert_eq!(dumps.len(), 1);
    assert!(again(&world, &plan(10, 1), 10, &mut shape).is_none());
}

/// A judge that tells requests apart without judging: so the test is about what is made.
fn shape(asked: &Asked) -> Verdict {
    let sum = asked.dump().bytes().fold(0_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte));
    Verdict::Denied(sum % 12, "shape")
}

#[test]
fn classes_have_names_of_their_own() {
    let names: BTreeSet<&str> = CLASSES.iter().map(|class| class.name).collect();
    assert_eq!(names.len(), CLASSES.len());
    assert!(names.iter().all(|name| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')));
    assert!(names.iter().all(|name| place(name).is_some_and(|at| CLASSES[at].name == *name)));
}
