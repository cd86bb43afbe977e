//! The calendar of `examples/calendar.rs` on a free loopback port.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, PoisonError, RwLock, mpsc};
use std::time::Duration;

use anyhow::Context as _;
use countersign::key::{KeyId, PublicKey};
use countersign::revocation::RevocationLists;
use countersign::time::UnixTime;
use countersign::verify::{MemoryCharges, MemoryReplay, RevocationView, Verifier};
use countersign_tower::{AuditRecord, CountersignLayer, system_clock};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::calendar;

/// A port that is taken, before the service runs on it: its address is part of every token.
pub(super) struct Place {
    listener: TcpListener,
    pub(super) address: SocketAddr,
}

impl Place {
    pub(super) fn take() -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port on 127.0.0.1")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// The name that requests are addressed to.
    pub(super) fn authority(&self) -> String {
        self.address.to_string()
    }

    /// The audience that tokens are for.
    pub(super) fn audience(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// The running service, and its audit.
pub(super) struct Service {
    pub(super) address: SocketAddr,
    audit: mpsc::Receiver<AuditRecord>,
    revocations: Arc<Live>,
    issuer: (String, PublicKey),
    runtime: Runtime,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<std::io::Result<()>>,
}

impl Service {
    pub(super) fn start(place: Place, issuer: (&str, PublicKey)) -> anyhow::Result<Self> {
        let verifier = Verifier::builder()
            .audience(&place.audience())
            .authority(&place.authority())
            .issuer(issuer.0, [issuer.1])
            .build()?;
        let (sink, audit) = mpsc::channel();
        let revocations = Arc::new(Live::default());
        let issuer = (issuer.0.to_owned(), issuer.1);
        let layer = CountersignLayer::builder(Arc::new(verifier), calendar::operations()?)
            // All keys are made after the service is, so nobody can have used a nonce before.
            .replay(MemoryReplay::insecure_without_epoch())
            .charges(MemoryCharges::insecure_without_epoch())
            .revocations(revocations.clone())
            .audit(Arc::new(move |record: &AuditRecord| drop(sink.send(record.clone()))))
            .build();
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let address = place.address;
        let serving = runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(place.listener)?;
            let stopped = async move { drop(stopped.await) };
            axum::serve(listener, calendar::app(layer)).with_graceful_shutdown(stopped).await
        });
        Ok(Self { address, audit, revocations, issuer, runtime, stop, serving })
    }

    /// The record of the request that was answered last; nothing where it never got to the layer.
    pub(super) fn record(&self) -> Option<AuditRecord> {
        // The layer records before it answers.
        self.audit.try_recv().ok()
    }

    /// Gives the service a list of revocations, as its feed would.
    pub(super) fn revoke(&self, list: &str) -> anyhow::Result<()> {
        let (issuer, key) = &self.issuer;
        let mut lists = RevocationLists::default().issuer(issuer, [*key]);
        lists.apply(issuer, list, system_clock()).context("the list of revocations is refused")?;
        *self.revocations.0.write().unwrap_or_else(PoisonError::into_inner) = lists;
        Ok(())
    }

    /// Ends the service and waits for it.
    pub(super) fn stop(self) -> anyhow::Result<()> {
        // It can have ended by itself only with an error, which is told here too.
        let _ = self.stop.send(());
        let ended = self.runtime.block_on(async {
            tokio::time::timeout(Duration::from_secs(5), self.serving).await.context("the service does not end")
        });
        self.runtime.shutdown_timeout(Duration::from_secs(1));
        ended??.context("the service failed")
    }
}

/// A view that changes while the service runs. It expects no list until the first one comes.
#[derive(Default)]
struct Live(RwLock<RevocationLists>);

impl Live {
    fn look<T>(&self, at: impl FnOnce(&RevocationLists) -> T) -> T {
        at(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl RevocationView for Live {
    fn is_fresh(&self, issuer: &str, now: UnixTime) -> bool {
        self.look(|lists| lists.is_fresh(issuer, now))
    }

    fn block_revoked(&self, issuer: &str, id: &[u8; 16]) -> bool {
        self.look(|lists| lists.block_revoked(issuer, id))
    }

    fn holder_revoked(&self, issuer: &str, key: &KeyId) -> bool {
        self.look(|lists| lists.holder_revoked(issuer, key))
    }

    fn user_revoked_until(&self, issuer: &str, user: &str) -> Option<UnixTime> {
        self.look(|lists| lists.user_revoked_until(issuer, user))
    }

    fn grant_revoked(&self, issuer: &str, grant: &str) -> bool {
        self.look(|lists| lists.grant_revoked(issuer, grant))
    }

    fn conversation_ended(&self, issuer: &str, user: &str, conversation: &str) -> bool {
        self.look(|lists| lists.conversation_ended(issuer, user, conversation))
    }

    fn issuer_key_revoked(&self, issuer: &str, key: &PublicKey) -> bool {
        self.look(|lists| lists.issuer_key_revoked(issuer, key))
    }
}
