//! What each step costs by itself. Nothing is held to a bound here: `ratios` does that, in turns with its peer.

use std::hint::black_box;
use std::time::Duration;

use countersign::key::Signature;
use countersign::revocation::{Entries, RevocationLists, UnsignedList};
use countersign::time::UnixTime;
use countersign::token::{Delegation, Restriction, UnverifiedToken};
use countersign::verify::{MemoryReplay, NonceEntry, ReplayStore as _, RevocationView as _};
use countersign_benches::fixture::{NOW, Scenario, authority, get_only, grant, key, to_sign};
use countersign_benches::rejected;
use countersign_benches::service::Service;
use countersign_benches::verdicts::{body, stack};
use criterion::{BatchSize, Criterion, criterion_main};
use ed25519_dalek::{Signer as _, SigningKey, Verifier as _, VerifyingKey};

fn floor(c: &mut Criterion) {
    let mut group = c.benchmark_group("floor");
    let message = [7; 32];
    let signer = SigningKey::from_bytes(&key("agent").dangerous_seed());
    let (verifying, signature) = (signer.verifying_key(), signer.sign(&message));
    group.bench_function("verify_strict", |b| b.iter(|| verifying.verify_strict(black_box(&message), &signature)));
    group.bench_function("verify", |b| b.iter(|| verifying.verify(black_box(&message), &signature)));
    let bytes = verifying.to_bytes();
    group.bench_function("decompress_key", |b| b.iter(|| VerifyingKey::from_bytes(black_box(&bytes))));
    group.bench_function("sign", |b| b.iter(|| signer.sign(black_box(&message))));
    let (ours, signature) = (key("agent"), Signature::from_bytes(signature.to_bytes()));
    let public = ours.public();
    group.bench_function("countersign/verify", |b| b.iter(|| public.verify(black_box(&message), &signature)));
    group.bench_function("countersign/sign", |b| b.iter(|| ours.sign(black_box(&message))));
    group.bench_function("countersign/from_seed", |b| {
        let seed = ours.dangerous_seed();
        b.iter(|| countersign::key::SigningKey::from_seed(black_box(&seed)));
    });
    group.finish();
}

fn verify(c: &mut Criterion) {
    for scenario in Scenario::ALL {
        let (request, body, name) = (scenario.request(), body(scenario), scenario.name());
        let (cold, warm, stack) = (Service::cold(), Service::warm(), stack(scenario));
        drop(warm.verify(&request, body));
        let copy = || request.clone();
        c.bench_function(&format!("verify_cold/{name}"), |b| {
            b.iter_batched(copy, |request| cold.verify(&request, body), BatchSize::SmallInput);
        });
        c.bench_function(&format!("verify_warm/{name}"), |b| {
            b.iter_batched(copy, |request| warm.verify(&request, body), BatchSize::SmallInput);
        });
        c.bench_function(&format!("stack/{name}"), |b| {
            b.iter_batched(copy, |request| stack.verify(request, !body.is_empty()), BatchSize::SmallInput);
        });
        let text = scenario.sealed().to_text();
        let biscuit = stack.parse(&text);
        c.bench_function(&format!("stack/{name}/httpsig"), |b| b.iter(|| stack.request(black_box(&request))));
        c.bench_function(&format!("stack/{name}/biscuit_parse"), |b| b.iter(|| stack.parse(black_box(&text))));
        if let Ok(biscuit) = biscuit {
            let (method, path) = (request.method().as_str(), request.uri().path());
            c.bench_function(&format!("stack/{name}/biscuit_authorize"), |b| {
                b.iter(|| stack.authorize(black_box(&biscuit), method, path));
            });
        }
    }
}

fn reject(c: &mut Criterion) {
    let service = Service::cold();
    for case in rejected::all() {
        c.bench_function(case.name, |b| b.iter(|| service.verify(black_box(&case.request), b"")));
    }
}

fn token(c: &mut Criterion) {
    let mut group = c.benchmark_group("token");
    for scenario in [Scenario::OneBlock, Scenario::ThreeBlocks, Scenario::ThreeBlocksDelegated] {
        let (name, text) = (scenario.name(), scenario.sealed().to_text());
        let root = [key("root").public()];
        group.bench_function(format!("decode/{name}"), |b| b.iter(|| UnverifiedToken::from_text(black_box(&text))));
        group.bench_function(format!("decode_and_verify/{name}"), |b| {
            b.iter(|| UnverifiedToken::from_text(black_box(&text)).map(|token| token.verify(&root)));
        });
    }
    let (open, root, next) = (authority(), key("root"), key("next-1"));
    let grant = grant();
    group.bench_function("mint", |b| b.iter(|| grant.sign(black_box(&root), &next)));
    group.bench_function("seal", |b| b.iter(|| black_box(&open).seal()));
    let restrictions = get_only();
    group.bench_function("restrict", |b| b.iter(|| black_box(&open).restrict(&restrictions, &next)));
    let to =
        Delegation::to("summary-bot", key("sub-agent").public()).restriction(Restriction::ExpiresBy(NOW.plus(300)));
    let agent = key("agent");
    group.bench_function("delegate", |b| {
        b.iter(|| black_box(&open).delegate(&to).map(|unsigned| unsigned.sign(&agent, &next)));
    });
    group.finish();
}

fn sign(c: &mut Criterion) {
    let agent = key("agent");
    for scenario in [Scenario::OneBlock, Scenario::OneBlockBody] {
        let sealed = scenario.sealed();
        c.bench_function(&format!("sign/{}", scenario.name()), |b| {
            b.iter(|| to_sign(scenario, black_box(&sealed)).sign(&agent));
        });
    }
    let text = Scenario::OneBlock.sealed().to_text();
    c.bench_function("sign/1_block/httpsig", |b| b.iter(|| rejected::signed_by_peer(black_box(&text), 0)));
}

fn replay(c: &mut Criterion) {
    let (store, holder) = (MemoryReplay::insecure_without_epoch(), key("agent").public().id());
    let mut count = 0_u64;
    c.bench_function("replay/memory", |b| {
        b.iter(|| {
            count = count.wrapping_add(1);
            // A thousand requests a second: what has ended is forgotten on the way.
            let created = UnixTime(NOW.0.saturating_add(count / 1000));
            let nonce = [count.to_be_bytes(), [0; 8]].concat();
            store.record(&NonceEntry { holder, agent: holder, nonce, created, keep_until: created.plus(121) }, created)
        });
    });
}

/// Look-ups in a list of 100,000 blocks and 100,000 grants, and what it takes to verify and apply it.
fn revocation(c: &mut Criterion) {
    const ISSUER: &str = "https://hub.example";
    let mut entries = Entries::default();
    for number in 0..100_000_u128 {
        // Spread like ids are.
        entries.revoke_block(number.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).to_be_bytes());
        entries.revoke_grant(&format!("g-{number}"));
    }
    let signer = key("root");
    let list = UnsignedList::new(ISSUER, 1, NOW, NOW.plus(3600), entries).and_then(|list| list.sign(&signer));
    let Ok(list) = list else { return };
    let empty = RevocationLists::default().issuer(ISSUER, [signer.public()]);
    let mut view = empty.clone();
    let _ = view.apply(ISSUER, list.text(), NOW);
    let mut group = c.benchmark_group("revocation/200k");
    group.sample_size(10);
    group.bench_function("block", |b| b.iter(|| view.block_revoked(ISSUER, black_box(&[0x5a; 16]))));
    group.bench_function("grant", |b| b.iter(|| view.grant_revoked(ISSUER, black_box("g-19c2"))));
    group.bench_function("apply", |b| b.iter(|| empty.clone().apply(ISSUER, black_box(list.text()), NOW)));
    group.finish();
}

fn short() -> Criterion {
    Criterion::default()
        .sample_size(50)
        .warm_up_time(Duration::from_millis(400))
        .measurement_time(Duration::from_millis(1200))
}

mod groups {
    use super::{floor, reject, replay, revocation, short, sign, token, verify};
    criterion::criterion_group! {
        name = all;
        config = short();
        targets = floor, verify, reject, token, sign, replay, revocation
    }
}
criterion_main!(groups::all);
