//! The keys of one issuer, from a URL: fetched, kept, refreshed, dropped.
//!
//! There is no task in the background. What is due is done when a request asks: the layer does it between stages 1 to 8
//! and the rest. A service that nobody asks fetches nothing, and the first request after a quiet time waits for a fetch.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use countersign::key::PublicKey;
use countersign::verify::IssuerKeys;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::Instant;

use super::fetch::{Fetched, Fetcher, JwksConfigError, JwksFetchError, Settings};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Configures a [`JwksSource`].
#[derive(Clone, Debug)]
#[must_use]
pub struct JwksOptions {
    url: String,
    private_addresses: bool,
    http_loopback: bool,
    roots: Option<Vec<Vec<u8>>>,
    timeout: Duration,
    interval: Duration,
    lifetimes: (Duration, Duration),
    unreachable: Duration,
    overlap: Duration,
}

impl JwksOptions {
    /// Lets the name of the server stand for addresses that are not public, such as those of a private network and of this
    /// computer.
    pub fn allow_private_addresses(mut self) -> Self {
        self.private_addresses = true;
        self
    }

    /// Takes an `http` URL, whose name must stand for addresses of this computer alone. For tests and sidecars: nobody vouches
    /// for the keys but who may listen there.
    pub fn insecure_http_loopback(mut self) -> Self {
        self.http_loopback = true;
        self
    }

    /// Trusts these certificate authorities, in DER, and none of the system's.
    pub fn trust_only(mut self, roots: impl IntoIterator<Item = Vec<u8>>) -> Self {
        self.roots = Some(roots.into_iter().collect());
        self
    }

    /// How long a fetch may take in all, DNS and TLS included; 5 seconds unless said. Requests wait for it.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    /// The least time between the beginnings of two fetches; 30 seconds unless said. It bounds what forged tokens can cause:
    /// each may be by a key that is newer than the set.
    pub fn min_interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Between which bounds `max-age` of the answer is honoured; 5 minutes and 24 hours unless said. An answer without it is
    /// kept for the shorter one.
    pub fn lifetimes(mut self, shortest: Duration, longest: Duration) -> Self {
        self.lifetimes = (shortest, longest);
        self
    }

    /// For how long past the end of their lifetime keys are used while fetches fail; 24 hours unless said. After that all are
    /// dropped, and the issuer's tokens refused, until a fetch brings some.
    pub fn keep_while_unreachable(mut self, limit: Duration) -> Self {
        self.unreachable = limit;
        self
    }

    /// For how long a key is used that is no longer in the set; not at all unless said.
    ///
    /// An issuer that rotates keys well publishes the old one beside the new one until the last token by it has expired, and
    /// takes a key out to end it. This is for issuers that swap keys at once, and it delays the end of every key.
    pub fn overlap(mut self, grace: Duration) -> Self {
        self.overlap = grace;
        self
    }

    /// The source, which has no keys yet.
    pub fn build(self) -> Result<JwksSource, JwksConfigError> {
        let (shortest, longest) = self.lifetimes;
        if shortest > longest {
            return Err(JwksConfigError::Times);
        }
        let fetcher = Fetcher::new(Settings {
            url: &self.url,
            private_addresses: self.private_addresses,
            http_loopback: self.http_loopback,
            roots: self.roots,
            timeout: self.timeout,
        })?;
        let inner = Inner {
            fetcher,
            keys: IssuerKeys::default(),
            generation: AtomicU64::new(0),
            state: Mutex::default(),
            ended: watch::Sender::new(0),
            interval: self.interval,
            lifetimes: self.lifetimes,
            unreachable: self.unreachable,
            overlap: self.overlap,
        };
        Ok(JwksSource(Arc::new(inner)))
    }
}

/// The keys of one issuer at a configured URL (`spec/verify.md`, Configuration).
///
/// All clones are one source. When the last one goes, its keys go too: a verifier whose keys nobody keeps up to date
/// refuses everything. So give the source to the layer ([`crate::LayerBuilder::jwks`]), which keeps it up to date.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use countersign::verify::{Operations, Verifier};
/// use countersign_tower::CountersignLayer;
/// use countersign_tower::jwks::JwksSource;
///
/// let source = JwksSource::url("https://hub.example/.well-known/jwks.json").build()?;
/// if let Err(error) = source.refresh().await {
///     eprintln!("no keys yet: {error}"); // the first request tries again
/// }
/// let verifier = Verifier::builder()
///     .audience("https://calendar.example.com").authority("calendar.example.com")
///     .live_issuer("https://hub.example", source.keys())
///     .build()?;
/// let layer = CountersignLayer::builder(verifier.into(), Operations::http())
///     .jwks(source)
///     .build();
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct JwksSource(Arc<Inner>);

struct Inner {
    fetcher: Fetcher,
    keys: IssuerKeys,
    /// Counts the changes of `keys`.
    generation: AtomicU64,
    state: Mutex<State>,
    /// Counts the fetches that ended.
    ended: watch::Sender<u64>,
    interval: Duration,
    lifetimes: (Duration, Duration),
    unreachable: Duration,
    overlap: Duration,
}

#[derive(Debug, Default)]
struct State {
    /// When the last set that counts came, and for how long it lives.
    fetched: Option<(Instant, Duration)>,
    begun: Option<Instant>,
    fetching: bool,
    error: Option<JwksFetchError>,
    published: Vec<PublicKey>,
    /// Keys that are no longer published, the latest first, and the end of each.
    retired: Vec<(PublicKey, Instant)>,
}

/// How soon a set is to be fetched anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    No,
    /// Soon: a request starts it and does not wait.
    Soon,
    /// Now: requests wait for it.
    Now,
}

impl JwksSource {
    /// Starts a configuration. The URL is the operator's; there is none in tokens.
    pub fn url(url: &str) -> JwksOptions {
        JwksOptions {
            url: url.to_owned(),
            private_addresses: false,
            http_loopback: false,
            roots: None,
            timeout: Duration::from_secs(5),
            interval: Duration::from_secs(30),
            lifetimes: (MINUTE.saturating_mul(5), DAY),
            unreachable: DAY,
            overlap: Duration::ZERO,
        }
    }

    /// The keys as they are and as they will be: a handle for [`countersign::verify::VerifierBuilder::live_issuer`].
    pub fn keys(&self) -> &IssuerKeys {
        &self.0.keys
    }

    /// Fetches the set now; where the last fetch began less than the least interval ago, its outcome stands.
    ///
    /// Goes on to its end where the caller stops waiting. Needs a tokio runtime with I/O and time.
    pub async fn refresh(&self) -> Result<(), JwksFetchError> {
        self.fetch().await;
        self.last_error().map_or(Ok(()), Err)
    }

    /// Why the last fetch brought nothing; `None` where it brought a set, or none has ended.
    pub fn last_error(&self) -> Option<JwksFetchError> {
        self.0.lock().error
    }

    /// How often the keys have changed.
    pub(crate) fn generation(&self) -> u64 {
        self.0.generation.load(Ordering::Acquire)
    }

    /// After a request was verified under a key of this source: drops the keys whose time is over, and sees to it that the set
    /// is fetched when that is due.
    pub(crate) async fn keep(&self) {
        match self.0.prune(Instant::now()) {
            Due::No => {}
            Due::Soon => drop(self.0.begin()),
            Due::Now => self.fetch().await,
        }
    }

    /// Waits for the end of a fetch: of the one that runs, or else of one that begins now, if it may.
    pub(crate) async fn fetch(&self) {
        let Some(mut ended) = self.0.begin() else { return };
        // The sender lives as long as this handle.
        let _ = ended.changed().await;
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while the lock is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a fetch unless one runs. Gives what tells its end; `None` where none may begin yet.
    fn begin(self: &Arc<Self>) -> Option<watch::Receiver<u64>> {
        let runtime = Handle::try_current().ok()?;
        let mut state = self.lock();
        // Under the lock, so that no end between now and the wait is missed.
        let ended = self.ended.subscribe();
        if state.fetching {
            return Some(ended);
        }
        let now = Instant::now();
        if state.begun.is_some_and(|begun| now.duration_since(begun) < self.interval) {
            return None;
        }
        (state.begun, state.fetching) = (Some(now), true);
        drop(state);
        let running = Running(Arc::clone(self));
        // A task of its own: whoever goes away while it runs, such as the sender of a forged token, does not end it.
        runtime.spawn(async move {
            let outcome = running.0.fetcher.fetch().await;
            running.0.take(outcome, Instant::now());
        });
        Some(ended)
    }

    /// Takes over what a fetch brought. What was there stays where it brought nothing.
    fn take(&self, outcome: Result<Fetched, JwksFetchError>, now: Instant) {
        let mut state = self.lock();
        let outcome = outcome.and_then(|fetched| {
            // Looked at before anything changes: a set that can't be used is no set.
            IssuerKeys::new(fetched.set.keys().iter().copied()).map_err(|_| JwksFetchError::Key)?;
            Ok(fetched)
        });
        match outcome {
            Err(error) => state.error = Some(error),
            Ok(Fetched { set, max_age }) => {
                let (shortest, longest) = self.lifetimes;
                let lifetime = max_age.map_or(shortest, Duration::from_secs).clamp(shortest, longest);
                let published = std::mem::replace(&mut state.published, set.keys().to_vec());
                if let Some(end) = now.checked_add(self.overlap).filter(|_| !self.overlap.is_zero()) {
                    let gone = published.into_iter().filter(|key| !set.keys().contains(key)).map(|key| (key, end));
                    state.retired.splice(0..0, gone);
                }
                state.retired.retain(|(key, _)| !set.keys().contains(key));
                (state.fetched, state.error) = (Some((now, lifetime)), None);
            }
        }
        self.apply(&mut state, now);
    }

    /// Drops what is over, and tells when the set is to be fetched.
    fn prune(&self, now: Instant) -> Due {
        let mut state = self.lock();
        let Some((at, lifetime)) = state.fetched else { return Due::Now };
        let age = now.duration_since(at);
        if age > lifetime.saturating_add(self.unreachable) {
            (state.fetched, state.published, state.retired) = (None, Vec::new(), Vec::new());
            self.apply(&mut state, now);
            return Due::Now;
        }
        if state.retired.iter().any(|(_, end)| *end <= now) {
            self.apply(&mut state, now);
        }
        let soon = lifetime.saturating_sub(lifetime.checked_div(5).unwrap_or_default());
        match state.error {
            // The server was asked in vain, so requests don't wait for it each time.
            Some(_) if age >= lifetime => Due::Soon,
            None if age >= lifetime => Due::Now,
            _ if age >= soon => Due::Soon,
            _ => Due::No,
        }
    }

    /// Puts the keys that are to be used into the handle: all that are published, and retired ones as far as there is room.
    fn apply(&self, state: &mut State, now: Instant) {
        state.retired.retain(|(_, end)| now < *end);
        state.retired.truncate(IssuerKeys::LIMIT.saturating_sub(state.published.len()));
        let keys: Vec<PublicKey> =
            state.published.iter().chain(state.retired.iter().map(|(key, _)| key)).copied().collect();
        if self.keys.public() != keys && self.keys.replace(keys).is_ok() {
            self.generation.fetch_add(1, Ordering::AcqRel);
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Nobody would take a key away any more.
        let _ = self.keys.replace([]);
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwksSource")
            .field("keys", &self.keys)
            .field("error", &self.lock().error)
            .finish_non_exhaustive()
    }
}

/// A fetch that runs. However it ends, those who wait are told.
struct Running(Arc<Inner>);

impl Drop for Running {
    fn drop(&mut self) {
        // Told under the lock: who waits for the next fetch is not woken by the end of this one.
        let mut state = self.0.lock();
        state.fetching = false;
        self.0.ended.send_modify(|ended| *ended = ended.wrapping_add(1));
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests say what went wrong by panicking")]
mod tests {
    use super::*;
    use crate::jwks::JwkSet;
    use countersign::key::SigningKey;

    const HOUR: Duration = Duration::from_secs(3600);

    fn key(seed: u8) -> PublicKey {
        SigningKey::from_seed(&[seed; 32]).public()
    }

    fn source(options: impl FnOnce(JwksOptions) -> JwksOptions) -> Arc<Inner> {
        options(JwksSource::url("https://hub.example/jwks").trust_only([])).build().unwrap().0
    }

    fn brings(keys: impl IntoIterator<Item = PublicKey>, max_age: Option<u64>) -> Result<Fetched, JwksFetchError> {
        Ok(Fetched { set: JwkSet::of(keys), max_age })
    }

    #[test]
    fn honours_max_age_between_its_bounds() {
        let start = Instant::now();
        for (max_age, lifetime) in [
            (None, 300),
            (Some(0), 300),
            (Some(299), 300),
            (Some(1000), 1000),
            (Some(86_400), 86_400),
            (Some(86_401), 86_400),
            (Some(u64::MAX), 86_400),
        ] {
            let source = source(|options| options);
            assert_eq!(source.prune(start), Due::Now, "nothing was fetched");
            source.take(brings([key(1)], max_age), start);
            let due = |seconds| source.prune(start + Duration::from_secs(seconds));
            assert_eq!(due(lifetime * 4 / 5 - 1), Due::No, "{max_age:?}");
            assert_eq!(due(lifetime * 4 / 5), Due::Soon, "{max_age:?}");
            assert_eq!(due(lifetime - 1), Due::Soon, "{max_age:?}");
            assert_eq!(due(lifetime), Due::Now, "{max_age:?}");
        }
    }

    #[test]
    fn keeps_keys_while_fetches_fail_and_drops_them_in_the_end() {
        let start = Instant::now();
        let source = source(|options| options.keep_while_unreachable(HOUR * 24));
        source.take(brings([key(1)], Some(3600)), start);
        source.take(Err(JwksFetchError::Unreachable), start + HOUR);
        assert_eq!(source.keys.public(), [key(1)]);
        assert_eq!(source.prune(start + HOUR * 2), Due::Soon, "requests don't wait for a server that does not answer");
        assert_eq!(source.prune(start + HOUR * 25), Due::Soon);
        assert_eq!(source.keys.public(), [key(1)]);
        assert_eq!(source.prune(start + HOUR * 25 + MINUTE), Due::Now);
        assert_eq!(source.keys.public(), []);
        source.take(brings([key(1)], None), start + HOUR * 26);
        assert_eq!(source.keys.public(), [key(1)]);
    }

    #[test]
    fn a_key_that_is_published_no_more_goes_at_once_or_after_its_overlap() {
        let start = Instant::now();
        let at_once = source(|options| options);
        at_once.take(brings([key(1), key(2)], None), start);
        at_once.take(brings([key(2)], None), start);
        assert_eq!(at_once.keys.public(), [key(2)]);
        at_once.take(brings([], None), start);
        assert_eq!(at_once.keys.public(), []);

        let later = source(|options| options.overlap(HOUR).lifetimes(HOUR * 5, HOUR * 5));
        later.take(brings([key(1)], None), start);
        later.take(brings([key(2)], None), start + MINUTE);
        assert_eq!(later.keys.public(), [key(2), key(1)]);
        // The grace begins once, not with every fetch.
        later.take(brings([key(2)], None), start + HOUR);
        let _ = later.prune(start + HOUR + MINUTE - Duration::from_secs(1));
        assert_eq!(later.keys.public(), [key(2), key(1)]);
        let _ = later.prune(start + HOUR + MINUTE);
        assert_eq!(later.keys.public(), [key(2)]);
        // Published again, it is a key like others.
        later.take(brings([key(3)], None), start + HOUR * 2);
        later.take(brings([key(2)], None), start + HOUR * 2);
        assert_eq!(later.keys.public(), [key(2), key(3)]);
    }

    #[test]
    fn retired_keys_leave_room_for_published_ones() {
        let start = Instant::now();
        let source = source(|options| options.overlap(HOUR));
        source.take(brings((0..6).map(key), None), start);
        source.take(brings((6..12).map(key), None), start);
        let expected: Vec<_> = (6..12).chain(0..2).map(key).collect();
        assert_eq!(source.keys.public(), expected);
    }

    #[test]
    fn a_set_that_can_not_be_used_changes_nothing() {
        let start = Instant::now();
        let source = source(|options| options);
        source.take(brings([key(1)], None), start);
        let mut off = [0; 32];
        off[0] = 2;
        source.take(brings([PublicKey::from_bytes(off)], None), start + HOUR);
        assert_eq!((source.keys.public(), source.lock().error), (vec![key(1)], Some(JwksFetchError::Key)));
        assert_eq!(source.generation.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn keys_go_with_their_last_source() {
        let source = JwksSource(source(|options| options));
        source.0.take(brings([key(1)], None), Instant::now());
        let (keys, clone) = (source.keys().clone(), source.clone());
        drop(source);
        assert_eq!(keys.public(), [key(1)]);
        drop(clone);
        assert_eq!(keys.public(), []);
    }

    #[test]
    fn refuses_bounds_that_contradict_each_other() {
        let options = JwksSource::url("https://hub.example/").trust_only([]).lifetimes(HOUR, MINUTE);
        assert_eq!(options.build().unwrap_err(), JwksConfigError::Times);
    }
}
