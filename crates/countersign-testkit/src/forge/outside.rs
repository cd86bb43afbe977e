//! Signed by the right holder, at the wrong time, at the wrong place, or for what the token does not allow.

use super::base::Base;
use super::bench::Bench;
use super::draft::Asked;
use super::errand::Errand;
use super::service::ROWS;
use crate::raw_request::Request;

/// A good request that comes when its window is over.
pub fn after_window(bench: &mut Bench<'_>) -> Asked {
    let base = bench.any();
    let mut asked = bench.whole(base).sign();
    asked.now += 231 + bench.random.between(0, 400);
    asked
}

/// A good request that comes before its window.
pub fn before_window(bench: &mut Bench<'_>) -> Asked {
    let base = bench.any();
    let mut asked = bench.whole(base).sign();
    asked.now -= 51 + bench.random.between(0, 400);
    asked
}

/// A request of this base, made and judged at this time.
fn at(bench: &mut Bench<'_>, base: &Base, now: i64) -> Asked {
    let clock = core::mem::replace(&mut bench.clock, now);
    let asked = bench.whole(base).sign();
    bench.clock = clock;
    asked
}

/// A request made after the token's expiry: a second, or months.
pub fn expired(bench: &mut Bench<'_>) -> Asked {
    let base = bench.any();
    let by = if bench.random.once_in(2) { 1 } else { bench.random.between(2, 10_000_000) };
    at(bench, base, base.expires + by)
}

/// A request made before the token was issued, by more than clocks may differ.
pub fn before_issue(bench: &mut Bench<'_>) -> Asked {
    let base = bench.any();
    let by = if bench.random.once_in(2) { 31 } else { bench.random.between(32, 10_000_000) };
    at(bench, base, base.issued - by)
}

/// A resource that no right covers, with the action of one that does.
pub fn resource(bench: &mut Bench<'_>) -> Asked {
    let (base, errand) = uncovered(bench, |errand, bench| {
        let Some(first) = errand.params.first_mut() else { return };
        *first = match bench.random.below(3) {
            // Begins like the one that is covered, and is another.
            0 => format!("{first}x"),
            1 => first[..first.len() - 1].to_owned(),
            _ => bench.random.word(),
        };
    });
    bench.draft(&base.text, base.holder(), &errand).sign()
}

/// Another operation of the service, which no right covers.
pub fn action(bench: &mut Bench<'_>) -> Asked {
    let (base, errand) = uncovered(bench, |errand, bench| {
        let rows: Vec<usize> =
            (0..ROWS.len()).filter(|row| ROWS[*row].service == errand.entry().service && *row != errand.row).collect();
        let params = core::mem::take(&mut errand.params);
        *errand = Errand::of(*bench.random.of(&rows), &mut bench.random);
        for (place, value) in errand.params.iter_mut().zip(params) {
            *place = value;
        }
    });
    bench.draft(&base.text, base.holder(), &errand).sign()
}

/// A base and an errand changed so that no right covers it.
fn uncovered<'w>(bench: &mut Bench<'w>, change: impl Fn(&mut Errand, &mut Bench<'w>)) -> (&'w Base, Errand) {
    loop {
        let base = bench.any();
        let mut errand = bench.errand(base);
        change(&mut errand, bench);
        if !base.covers(&errand) {
            return (base, errand);
        }
    }
}

/// Within the rights, against a restriction of one of the blocks.
pub fn restriction(bench: &mut Bench<'_>) -> Asked {
    loop {
        let base = bench.find(|base| !base.limits.is_empty());
        let mut errand = bench.errand(base);
        let limit = bench.random.of(&base.limits).clone();
        if limit.breach(&mut errand, &mut bench.random) {
            let mut draft = bench.draft(&base.text, base.holder(), &errand);
            bench.approve(&mut draft, base, base.holder());
            return draft.sign();
        }
    }
}

/// A request for this target, by the holder.
fn to_target(bench: &mut Bench<'_>, base: &Base, target: String) -> Asked {
    let mut draft = bench.plain(base);
    draft.request.target = target;
    draft.sign()
}

/// A path that two programs could read differently.
pub fn path_tricks(bench: &mut Bench<'_>) -> Asked {
    let base = bench.find(|base| !base.errand.params.is_empty());
    let errand = bench.errand(base);
    let path = errand.path();
    let first = &errand.params[0];
    let word = bench.random.word();
    let other = match bench.random.below(12) {
        0 => format!("{first}/../{word}"),
        1 => format!("{first}/./"),
        2 => format!("{first}/%2e%2e/{word}"),
        3 => format!("{first}%2F..%2F{word}"),
        4 => format!("{first}//"),
        5 => format!("{first};{word}"),
        6 => format!("{first}%00"),
        7 => format!("{first}%5c{word}"),
        8 => format!("%{:02X}{}", first.as_bytes()[0], &first[1..]),
        9 => format!("{first}%c3%bc"),
        10 => format!("{first}%ZZ"),
        _ => format!("{first}%FF"),
    };
    to_target(bench, base, path.replacen(first, &other, 1))
}

/// A method or a path that the service has no operation for.
pub fn unmapped(bench: &mut Bench<'_>) -> Asked {
    let base = bench.any();
    let mut draft = bench.plain(base);
    let Request { method, target, .. } = &mut draft.request;
    match bench.random.below(3) {
        0 => *method = method.to_ascii_lowercase(),
        1 => *method = (*bench.random.of(&["HEAD", "OPTIONS", "PATCH", "TRACE"])).into(),
        _ => *target = format!("{}/{}/of/it", draft.errand.path(), bench.random.word()),
    }
    draft.sign()
}

/// A token for another service.
pub fn other_service(bench: &mut Bench<'_>) -> Asked {
    let base = bench.random.of(&bench.world.elsewhere);
    bench.plain(base).sign()
}

/// A token for one audience of the service, at a path of another one.
pub fn other_audience(bench: &mut Bench<'_>) -> Asked {
    let base = bench.any();
    let service = base.errand.entry().service;
    let other = bench.find(|other| other.errand.entry().service != service);
    let errand = bench.errand(other);
    bench.draft(&base.text, base.holder(), &errand).sign()
}

/// A token of an issuer that the service does not know.
pub fn unknown_issuer(bench: &mut Bench<'_>) -> Asked {
    let base = bench.random.of(&bench.world.strangers);
    bench.plain(base).sign()
}

/// Another authority: signed for it, or a request for one carried to another.
pub fn other_authority(bench: &mut Bench<'_>) -> Asked {
    const OTHERS: [&str; 5] =
        ["api.example.com.evil.example", "evil.example", "api.example.com:80", "www.api.example.com", "api.example.co"];
    let base = bench.any();
    let mut draft = bench.plain(base);
    draft.request.remove("host");
    draft.authority = None;
    let other = *bench.random.of(&OTHERS);
    draft.request.add("Host", other);
    if bench.random.once_in(2) {
        draft.signature.values = vec![("@authority".into(), other.into())];
    }
    draft.sign()
}

/// A request for one of the service's authorities, carried to the other one.
pub fn swapped_authority(bench: &mut Bench<'_>) -> Asked {
    let base = bench.any();
    let mut asked = bench.plain(base).sign();
    let has_port = |text: &str| text.ends_with(":8443");
    let found = asked.authority.clone().unwrap_or_else(|| asked.request.field_text("host"));
    let other = if has_port(&found) { "api.example.com" } else { "api.example.com:8443" };
    asked.request.remove("host");
    match &mut asked.authority {
        Some(authority) => *authority = other.into(),
        None => asked.request.add("Host", other),
    }
    asked
}
