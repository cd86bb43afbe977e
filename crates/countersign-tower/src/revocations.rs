//! The issuers' revocation lists from files, kept up to date while the service serves (`spec/revocation.md`).

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, SystemTime};
use std::{fmt, thread};

use countersign::key::{KeyId, PublicKey};
use countersign::revocation::{
    Applied, ListStatus, MAX_LIST_TEXT, RevocationError, RevocationErrorKind, RevocationLists,
};
use countersign::time::UnixTime;
use countersign::verify::{OperationError, RevocationView};

use crate::layer::{Clock, system_clock};

/// What is revoked, by lists in files.
///
/// Verifying never waits for a file: a list is read and verified aside, and then takes the old one's place in one step. A
/// list that is refused changes nothing but [`Self::status`]; the old one stays, until it is no longer fresh.
///
/// ```no_run
/// use std::{sync::Arc, time::Duration};
/// use countersign_tower::FileRevocations;
///
/// # let key = countersign::key::SigningKey::from_seed(&[9; 32]).public();
/// let revocations = Arc::new(
///     FileRevocations::builder()
///         .issuer("https://hub.example", [key], "hub.revocations")
///         .state("revocations.state") // so that a restart takes no older list
///         .build()?,
/// );
/// revocations.watch(Duration::from_secs(1))?;
/// // CountersignLayer::builder(verifier, operations).revocations(revocations.clone())
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct FileRevocations {
    sources: Vec<Source>,
    state: Option<PathBuf>,
    clock: Clock,
    current: RwLock<Arc<RevocationLists>>,
    /// What each file looked like when it was read last. Held over a reload, so that there is one at a time.
    seen: Mutex<Vec<Option<Stamp>>>,
    reports: Mutex<Vec<Report>>,
}

struct Source {
    issuer: String,
    path: PathBuf,
}

#[derive(Clone, Copy, Default)]
struct Report {
    failures: u64,
    error: Option<ReloadError>,
}

/// Tells one content of a path from the next without reading it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: SystemTime,
    len: u64,
    inode: u64,
}

/// Why a list could not be taken from its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReloadError {
    /// The file can't be read.
    Unreadable(io::ErrorKind),
    /// The list was refused.
    Refused(RevocationError),
    /// The list is in force, and the file of [`FileRevocationsBuilder::state`] can't be written: after a restart an older
    /// list could be taken.
    StateNotWritten(io::ErrorKind),
}

impl fmt::Display for ReloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(kind) => write!(f, "the file can't be read: {kind}"),
            Self::Refused(error) => error.fmt(f),
            Self::StateNotWritten(kind) => write!(f, "the state can't be written: {kind}"),
        }
    }
}

impl std::error::Error for ReloadError {}

/// How it stands with one issuer's lists.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SourceStatus {
    /// The issuer.
    pub issuer: String,
    /// The list in force; `None` where none was accepted since the start.
    pub list: Option<ListStatus>,
    /// Whether the list is fresh now. Where it is not, the issuer's tokens are refused with `revocation_stale`.
    pub fresh: bool,
    /// How many reloads failed since one succeeded.
    pub failures: u64,
    /// Why the last reload failed.
    pub error: Option<ReloadError>,
}

/// Configures [`FileRevocations`].
#[must_use]
pub struct FileRevocationsBuilder {
    lists: RevocationLists,
    sources: Vec<Source>,
    state: Option<PathBuf>,
    clock: Clock,
}

impl FileRevocationsBuilder {
    /// An issuer, the keys that may sign its lists, and the file of its list. The keys are the issuer's revocation keys, or
    /// its root keys where it has none.
    pub fn issuer(mut self, issuer: &str, keys: impl IntoIterator<Item = PublicKey>, path: impl Into<PathBuf>) -> Self {
        self.lists = self.lists.issuer(issuer, keys);
        self.sources.retain(|source| source.issuer != issuer);
        self.sources.push(Source { issuer: issuer.to_owned(), path: path.into() });
        self
    }

    /// Requests of this method and path, a template such as `/calendars/{id}`, are let through without a fresh view.
    pub fn safe_when_stale(mut self, entries: &[(&str, &str)]) -> Result<Self, OperationError> {
        self.lists = self.lists.safe_when_stale(entries)?;
        Ok(self)
    }

    /// Where it is stored which lists were accepted last. Without it, an older list can be put in place over a restart.
    ///
    /// Each process has a file of its own. Whoever can write it can roll the lists back.
    pub fn state(mut self, path: impl Into<PathBuf>) -> Self {
        self.state = Some(path.into());
        self
    }

    /// Where the present comes from.
    pub fn clock(mut self, clock: impl Fn() -> UnixTime + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Reads the state, and all lists for the first time. A list that can't be taken is no error here: its issuer's tokens
    /// are refused until one can, see [`FileRevocations::status`].
    ///
    /// Fails where there is a state that can't be read.
    pub fn build(mut self) -> io::Result<FileRevocations> {
        if let Some(path) = &self.state {
            match fs::read_to_string(path) {
                Ok(state) => {
                    self.lists.restore(&state).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        let built = FileRevocations {
            current: RwLock::new(Arc::new(self.lists)),
            seen: Mutex::new(vec![None; self.sources.len()]),
            reports: Mutex::new(vec![Report::default(); self.sources.len()]),
            sources: self.sources,
            state: self.state,
            clock: self.clock,
        };
        built.reload();
        Ok(built)
    }
}

impl FileRevocations {
    /// Starts a configuration.
    pub fn builder() -> FileRevocationsBuilder {
        FileRevocationsBuilder {
            lists: RevocationLists::default(),
            sources: Vec::new(),
            state: None,
            clock: Arc::new(system_clock),
        }
    }

    /// Reads all files anew.
    pub fn reload(&self) {
        self.run(true);
    }

    /// Reads those files anew that were replaced or written since they were read last.
    pub fn reload_changed(&self) {
        self.run(false);
    }

    /// Looks for changed files again and again, in a thread that ends when the last other owner of `self` is gone.
    pub fn watch(self: &Arc<Self>, every: Duration) -> io::Result<()> {
        let weak = Arc::downgrade(self);
        let look = move || {
            loop {
                thread::sleep(every);
                let Some(strong) = weak.upgrade() else { return };
                strong.reload_changed();
            }
        };
        thread::Builder::new().name("revocations".to_owned()).spawn(look).map(drop)
    }

    /// How it stands with each issuer's lists, in the order in which they were added.
    pub fn status(&self) -> Vec<SourceStatus> {
        let (view, now) = (self.view(), (self.clock)());
        let reports = lock(&self.reports);
        let status = |(source, report): (&Source, &Report)| SourceStatus {
            issuer: source.issuer.clone(),
            list: view.status(&source.issuer),
            fresh: view.is_fresh(&source.issuer, now),
            failures: report.failures,
            error: report.error,
        };
        self.sources.iter().zip(reports.iter()).map(status).collect()
    }

    fn view(&self) -> Arc<RevocationLists> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn run(&self, all: bool) {
        let mut seen = lock(&self.seen);
        for (index, (source, seen)) in self.sources.iter().zip(seen.iter_mut()).enumerate() {
            // Taken before the file is read: what is written meanwhile is seen the next time.
            let stamp = Stamp::of(&source.path);
            if !all && stamp.is_some() && stamp == *seen {
                continue;
            }
            let outcome = self.load(source);
            // What may end otherwise without a change of the file is tried again.
            let again = match outcome {
                Ok(()) => false,
                Err(ReloadError::Refused(error)) => error.kind() == RevocationErrorKind::NotYetValid,
                Err(_) => true,
            };
            *seen = stamp.filter(|_| !again);
            if let Some(report) = lock(&self.reports).get_mut(index) {
                report.error = outcome.err();
                report.failures = if outcome.is_ok() { 0 } else { report.failures.saturating_add(1) };
            }
        }
    }

    fn load(&self, source: &Source) -> Result<(), ReloadError> {
        let text = read(&source.path)?;
        let mut lists = RevocationLists::clone(&self.view());
        let applied = lists.apply(&source.issuer, &text, (self.clock)()).map_err(ReloadError::Refused)?;
        drop(text);
        // An earlier try may have left the state unwritten, so an unchanged list is no reason not to write.
        let stored = self.store(&lists);
        if applied == Applied::Replaced {
            *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(lists);
        }
        stored.map_err(|error| ReloadError::StateNotWritten(error.kind()))
    }

    // spec: RV-20
    fn store(&self, lists: &RevocationLists) -> io::Result<()> {
        let Some(path) = &self.state else { return Ok(()) };
        let state = lists.state() + "\n";
        if fs::read(path).is_ok_and(|stored| stored == state.as_bytes()) {
            return Ok(());
        }
        replace_file(path, state.as_bytes())
    }
}

impl fmt::Debug for FileRevocations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileRevocations").field("lists", &self.view()).finish_non_exhaustive()
    }
}

impl fmt::Debug for FileRevocationsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileRevocationsBuilder").field("lists", &self.lists).finish_non_exhaustive()
    }
}

/// The text of a list's file.
// spec: RV-1
fn read(path: &Path) -> Result<String, ReloadError> {
    let unreadable = |error: io::Error| ReloadError::Unreadable(error.kind());
    let malformed = ReloadError::Refused(RevocationErrorKind::Malformed.into());
    let mut bytes = Vec::new();
    // One more than the list and its line feed: what is longer is refused for its length.
    let most = u64::try_from(MAX_LIST_TEXT.saturating_add(2)).unwrap_or(u64::MAX);
    File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes)).map_err(unreadable)?;
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    }
    String::from_utf8(bytes).map_err(|_| malformed)
}

/// Puts a file in the place of another, or of none, in one step that outlives a crash: who reads it sees the old content or
/// the new one. For lists and states.
pub fn replace_file(path: &Path, content: &[u8]) -> io::Result<()> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let mut temporary = OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".{}-{}.new", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
    let temporary = path.with_file_name(temporary);
    let written = OpenOptions::new().write(true).create_new(true).open(&temporary).and_then(|mut file| {
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    });
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
        return written;
    }
    // The name is in the folder: that has to be on the disk, too.
    #[cfg(unix)]
    File::open(folder_of(path)).and_then(|folder| folder.sync_all())?;
    Ok(())
}

#[cfg(unix)]
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let meta = fs::metadata(path).ok()?;
        #[cfg(unix)]
        let inode = std::os::unix::fs::MetadataExt::ino(&meta);
        #[cfg(not(unix))]
        let inode = 0;
        Some(Self { modified: meta.modified().ok()?, len: meta.len(), inode })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl RevocationView for FileRevocations {
    fn is_fresh(&self, issuer: &str, now: UnixTime) -> bool {
        self.view().is_fresh(issuer, now)
    }

    fn is_safe_when_stale(&self, method: &str, path: &str) -> bool {
        self.view().is_safe_when_stale(method, path)
    }

    fn block_revoked(&self, issuer: &str, id: &[u8; 16]) -> bool {
        self.view().block_revoked(issuer, id)
    }

    fn holder_revoked(&self, issuer: &str, key: &KeyId) -> bool {
        self.view().holder_revoked(issuer, key)
    }

    fn user_revoked_until(&self, issuer: &str, user: &str) -> Option<UnixTime> {
        self.view().user_revoked_until(issuer, user)
    }

    fn grant_revoked(&self, issuer: &str, grant: &str) -> bool {
        self.view().grant_revoked(issuer, grant)
    }

    fn conversation_ended(&self, issuer: &str, user: &str, conversation: &str) -> bool {
        self.view().conversation_ended(issuer, user, conversation)
    }

    fn issuer_key_revoked(&self, issuer: &str, key: &PublicKey) -> bool {
        self.view().issuer_key_revoked(issuer, key)
    }
}
