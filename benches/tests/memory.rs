//! How much memory stages 1 to 8 take, above the message itself, whatever the message is.
//!
//! A file of its own: the counting allocator is the whole process's, and nothing else may run beside the one test.

use countersign_benches::worst::{self, Crowded, Worst};

#[global_allocator]
static COUNTING: dhat::Alloc = dhat::Alloc;

/// What one request may take before its proofs hold.
const CEILING: usize = 64 * 1024;

/// The most that was allocated at one time while `work` ran, above what there was.
fn peak(work: impl FnOnce()) -> usize {
    let profiler = dhat::Profiler::builder().testing().build();
    work();
    let stats = dhat::HeapStats::get();
    drop(profiler);
    stats.max_bytes
}

#[test]
fn stages_1_to_8_take_64_kib_at_most() {
    // It notices what is there to notice.
    assert!((5_000..6_000).contains(&peak(|| drop(std::hint::black_box(vec![0_u8; 5_000])))));
    let unknowing = Crowded::new(None);
    let mut greatest = 0;
    for (service, Worst { name, request, accepted, .. }) in worst::with_services() {
        for (what, service, request) in [("refused", &service, &request), ("accepted", &unknowing, &accepted)] {
            let parts = worst::parts(request);
            let mut allowed = None;
            let bytes = peak(|| allowed = Some(service.check_parts(&parts)));
            assert_eq!(allowed, Some(what == "accepted"), "{name}");
            println!("memory {name} {what}: {bytes} bytes");
            assert!(bytes <= CEILING, "{name}, {what}: {bytes} bytes");
            greatest = greatest.max(bytes);
        }
    }
    println!("memory: {greatest} bytes at most (ceiling {CEILING})");
}
