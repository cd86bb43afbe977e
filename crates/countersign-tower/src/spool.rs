//! Bodies that are too long for memory: in a file without a name until their digest matched (`spec/request.md`, Body).

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use countersign::key::KeyId;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

/// What is read from a file at a time.
const CHUNK: u64 = 128 * 1024;

/// Where the bodies of a layer are held.
#[derive(Clone, Debug)]
pub(crate) struct Spools {
    memory: usize,
    directory: Arc<PathBuf>,
    room: Arc<Room>,
}

/// Why a body could not be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unheld {
    /// The files of other bodies leave too little room.
    Full,
    /// The files of other bodies of the same agent do.
    OverQuota,
    /// The file system refused, or there is no runtime whose threads may wait for it.
    Disk,
}

impl Unheld {
    pub(crate) fn detail(self) -> &'static str {
        match self {
            Self::Full => "no room to spool the body",
            Self::OverQuota => "no room to spool more bodies of this agent",
            Self::Disk => "body can't be spooled to a file",
        }
    }
}

impl Spools {
    pub(crate) fn new(memory: usize, directory: PathBuf, total: u64, quota: u64) -> Self {
        Self { memory, directory: Arc::new(directory), room: Arc::new(Room { total, quota, used: Mutex::default() }) }
    }

    /// How much of a body stays in memory.
    pub(crate) fn memory(&self) -> usize {
        self.memory
    }

    /// Writes behind what is in the spool of this agent, or to a new one.
    pub(crate) async fn append(&self, agent: KeyId, spool: Option<Spool>, data: Bytes) -> Result<Spool, Unheld> {
        let mut taken = Taken { room: Arc::clone(&self.room), agent, bytes: 0 };
        taken.take(data.len() as u64)?;
        let directory = Arc::clone(&self.directory);
        // The thread owns the file and its room: where nobody waits for it any more, both go with its end.
        waiting(move || {
            let mut spool = match spool {
                Some(spool) => spool,
                None => Spool {
                    file: nameless(directory.as_path())?,
                    len: 0,
                    taken: Taken { room: Arc::clone(&taken.room), agent, bytes: 0 },
                },
            };
            spool.file.write_all(&data)?;
            spool.len = spool.len.saturating_add(data.len() as u64);
            spool.taken.bytes = spool.taken.bytes.saturating_add(std::mem::take(&mut taken.bytes));
            Ok(spool)
        })
        .await
        .map_err(|_| Unheld::Disk)
    }
}

/// A file that has no name, or lost it at once, readable to this user alone.
fn nameless(directory: &Path) -> io::Result<File> {
    let file = tempfile::tempfile_in(directory)?;
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(file)
}

async fn waiting<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    let runtime = Handle::try_current().map_err(io::Error::other)?;
    runtime.spawn_blocking(work).await.map_err(io::Error::other)?
}

/// How much the layer's files may hold together, and of that each agent's.
#[derive(Debug)]
struct Room {
    total: u64,
    quota: u64,
    used: Mutex<Used>,
}

#[derive(Debug, Default)]
struct Used {
    all: u64,
    /// Agents that use none have no entry.
    of: HashMap<KeyId, u64>,
}

impl Room {
    fn used(&self) -> MutexGuard<'_, Used> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Room in the layer's files. Given back when dropped.
#[derive(Debug)]
struct Taken {
    room: Arc<Room>,
    agent: KeyId,
    bytes: u64,
}

impl Taken {
    fn take(&mut self, bytes: u64) -> Result<(), Unheld> {
        let mut used = self.room.used();
        let all = used.all.saturating_add(bytes);
        let own = used.of.get(&self.agent).copied().unwrap_or_default().saturating_add(bytes);
        if all > self.room.total {
            return Err(Unheld::Full);
        }
        if own > self.room.quota {
            return Err(Unheld::OverQuota);
        }
        used.all = all;
        used.of.insert(self.agent, own);
        self.bytes = self.bytes.saturating_add(bytes);
        Ok(())
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        if self.bytes == 0 {
            return;
        }
        let mut used = self.room.used();
        used.all = used.all.saturating_sub(self.bytes);
        if let Some(own) = used.of.get_mut(&self.agent) {
            *own = own.saturating_sub(self.bytes);
            if *own == 0 {
                used.of.remove(&self.agent);
            }
        }
    }
}

/// A file that has no name, so that it is gone when it is closed, by whatever end the process comes to.
// The file stands before its room: it is closed first.
#[derive(Debug)]
pub(crate) struct Spool {
    file: File,
    len: u64,
    taken: Taken,
}

impl Spool {
    /// All was written; now it may be read from its start.
    pub(crate) async fn rewound(mut self) -> Result<Reader, Unheld> {
        let spool = waiting(move || self.file.rewind().map(|()| self)).await.map_err(|_| Unheld::Disk)?;
        Ok(Reader { left: spool.len, state: State::Idle(spool) })
    }
}

/// Reads a spool once, from its start.
#[derive(Debug)]
pub(crate) struct Reader {
    left: u64,
    state: State,
}

#[derive(Debug)]
enum State {
    Idle(Spool),
    Reading(JoinHandle<io::Result<(Spool, Bytes)>>),
    Over,
}

impl Reader {
    /// What is still to be read, in bytes.
    pub(crate) fn left(&self) -> u64 {
        self.left
    }

    /// The next bytes; `None` when all were read. A file that ends too early is an error, never a shorter body.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        loop {
            match std::mem::replace(&mut self.state, State::Over) {
                State::Over => return Poll::Ready(None),
                State::Idle(_) if self.left == 0 => return Poll::Ready(None),
                State::Idle(mut spool) => {
                    let runtime = match Handle::try_current() {
                        Ok(runtime) => runtime,
                        Err(error) => return Poll::Ready(Some(Err(io::Error::other(error)))),
                    };
                    let length = usize::try_from(self.left.min(CHUNK)).unwrap_or_default();
                    self.state = State::Reading(runtime.spawn_blocking(move || {
                        let mut chunk = vec![0; length];
                        spool.file.read_exact(&mut chunk)?;
                        Ok((spool, chunk.into()))
                    }));
                }
                State::Reading(mut reading) => match Pin::new(&mut reading).poll(cx) {
                    Poll::Pending => {
                        self.state = State::Reading(reading);
                        return Poll::Pending;
                    }
                    Poll::Ready(Err(error)) => return Poll::Ready(Some(Err(io::Error::other(error)))),
                    Poll::Ready(Ok(Err(error))) => return Poll::Ready(Some(Err(error))),
                    Poll::Ready(Ok(Ok((spool, chunk)))) => {
                        self.left = self.left.saturating_sub(chunk.len() as u64);
                        if self.left > 0 {
                            self.state = State::Idle(spool);
                        }
                        return Poll::Ready(Some(Ok(chunk)));
                    }
                },
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests say what went wrong by panicking")]
mod tests {
    use super::*;

    fn left(spools: &Spools) -> u64 {
        let used = spools.room.used();
        assert_eq!(used.all, used.of.values().sum::<u64>());
        assert!(used.of.values().all(|own| *own > 0));
        spools.room.total.checked_sub(used.all).unwrap()
    }

    fn agent(name: u8) -> KeyId {
        countersign::key::SigningKey::from_seed(&[name; 32]).public().id()
    }

    #[tokio::test]
    async fn each_agent_has_its_share() {
        let spools = Spools::new(0, std::env::temp_dir(), 10, 6);
        let bytes = Bytes::from_static(b"123456");
        let first = spools.append(agent(1), None, bytes.clone()).await.unwrap();
        assert_eq!(spools.append(agent(1), None, bytes.slice(..1)).await.unwrap_err(), Unheld::OverQuota);
        assert_eq!(spools.append(agent(2), None, bytes.clone()).await.unwrap_err(), Unheld::Full);
        let second = spools.append(agent(2), None, bytes.slice(..4)).await.unwrap();
        assert_eq!(left(&spools), 0);
        drop(first);
        assert_eq!(left(&spools), 6);
        // What is over the share takes the whole of that body down, and nobody else's.
        assert_eq!(spools.append(agent(2), Some(second), bytes.slice(..3)).await.unwrap_err(), Unheld::OverQuota);
        assert_eq!(left(&spools), 10);
        assert!(spools.room.used().of.is_empty());
    }

    #[tokio::test]
    async fn gives_back_its_room_however_it_ends() {
        let directory = tempfile::tempdir().unwrap();
        let spools = Spools::new(0, directory.path().to_owned(), 10, 10);
        let bytes = Bytes::from_static(b"123456");
        let spool = spools.append(agent(1), None, bytes.clone()).await.unwrap();
        assert_eq!(left(&spools), 4);
        assert_eq!(spools.append(agent(1), None, bytes.clone()).await.unwrap_err(), Unheld::Full);
        assert_eq!(left(&spools), 4);
        // What is too much for a spool that exists takes it down.
        assert_eq!(spools.append(agent(1), Some(spool), bytes.clone()).await.unwrap_err(), Unheld::Full);
        assert_eq!(left(&spools), 10);
        let spool = spools.append(agent(1), None, bytes.clone()).await.unwrap();
        let mut reader = spools.append(agent(1), Some(spool), bytes.slice(..4)).await.unwrap().rewound().await.unwrap();
        assert_eq!((left(&spools), reader.left()), (0, 10));
        let read = std::future::poll_fn(|cx| reader.poll_next(cx)).await.unwrap().unwrap();
        assert_eq!((read.as_ref(), left(&spools)), (b"1234561234".as_slice(), 10));
        assert!(std::future::poll_fn(|cx| reader.poll_next(cx)).await.is_none());
        // The file never had a name that others could open.
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn gives_back_its_room_when_nobody_waits_any_more() {
        let spools = Spools::new(0, std::env::temp_dir(), 1000, 1000);
        for _ in 0..20 {
            let mut writing = Box::pin(spools.append(agent(1), None, Bytes::from_static(&[7; 500])));
            // Begun, and given up before it ends, or just after.
            let _ = std::future::poll_fn(|cx| Poll::Ready(writing.as_mut().poll(cx).is_ready())).await;
            drop(writing);
            while left(&spools) < 1000 {
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
        }
    }

    #[tokio::test]
    async fn an_unwritable_directory_is_an_error_that_keeps_no_room() {
        let spools = Spools::new(0, PathBuf::from("/nonexistent/countersign"), 10, 10);
        assert_eq!(spools.append(agent(1), None, Bytes::from_static(b"1")).await.unwrap_err(), Unheld::Disk);
        assert_eq!(left(&spools), 10);
    }

    #[tokio::test]
    async fn a_file_that_ends_too_early_is_an_error() {
        let spools = Spools::new(0, std::env::temp_dir(), 10, 10);
        let spool = spools.append(agent(1), None, Bytes::from_static(b"123456")).await.unwrap();
        spool.file.set_len(3).unwrap();
        let mut reader = spool.rewound().await.unwrap();
        assert!(std::future::poll_fn(|cx| reader.poll_next(cx)).await.unwrap().is_err());
        assert!(std::future::poll_fn(|cx| reader.poll_next(cx)).await.is_none());
        assert_eq!(left(&spools), 10);
    }
}
