//! What is stateful, as traits that may wait: used nonces and charges (`spec/verify.md`, stages 10 and 12).

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use countersign::time::UnixTime;
use countersign::verify::{ChargeOutcome, ChargeSet, ChargeStore, NonceEntry, ReplayOutcome, ReplayStore};

/// What a store's methods give back.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A store of used nonces that may be asked over a network.
pub trait AsyncReplayStore: Send + Sync {
    /// Records a nonce and tells, in one atomic step, whether it was new.
    ///
    /// An answer later than the layer's time limit counts as [`ReplayOutcome::Unavailable`].
    fn record<'a>(&'a self, entry: &'a NonceEntry, now: UnixTime) -> StoreFuture<'a, ReplayOutcome>;
}

/// A store that answers at once, such as [`countersign::verify::MemoryReplay`], where one that may wait is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Immediate<S>(
    /// The store.
    pub S,
);

impl<S: ReplayStore + Send + Sync> AsyncReplayStore for Immediate<S> {
    fn record<'a>(&'a self, entry: &'a NonceEntry, now: UnixTime) -> StoreFuture<'a, ReplayOutcome> {
        Box::pin(std::future::ready(self.0.record(entry, now)))
    }
}

impl<S: ChargeStore + Send + Sync> AsyncChargeStore for Immediate<S> {
    fn charge<'a>(&'a self, set: &'a ChargeSet, now: UnixTime) -> StoreFuture<'a, ChargeOutcome> {
        Box::pin(std::future::ready(self.0.charge(set, now)))
    }
}

/// A store of budgets and used approvals that may be asked over a network.
pub trait AsyncChargeStore: Send + Sync {
    /// Takes everything in the set or nothing, in one atomic step. The set is not empty.
    ///
    /// An answer later than the layer's time limit counts as [`ChargeOutcome::Unavailable`].
    fn charge<'a>(&'a self, set: &'a ChargeSet, now: UnixTime) -> StoreFuture<'a, ChargeOutcome>;
}

/// Waits no longer than `limit`; `None` when it is over.
// spec: VF-21
pub(crate) async fn within<T>(limit: Duration, answer: impl Future<Output = T>) -> Option<T> {
    let mut answer = pin!(answer);
    // What is there at once needs no timer, so stores and bodies in memory work without one.
    let first = std::future::poll_fn(|cx| Poll::Ready(answer.as_mut().poll(cx))).await;
    match first {
        Poll::Ready(answer) => Some(answer),
        Poll::Pending => tokio::time::timeout(limit, answer).await.ok(),
    }
}
