//! Lists in files, replaced while the service serves.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use countersign::revocation::{Entries, RevocationErrorKind, UnsignedList};
use countersign::time::UnixTime;
use countersign::token::Delegation;
use countersign::verify::RevocationView as _;
use countersign_tower::{FileRevocations, FileRevocationsBuilder, ReloadError, replace_file};
use tempfile::TempDir;

use crate::support::{EVENTS, NOW, Server, grant, key, layer, mint, routes, sign, sign_with};

const HUB: &str = "https://hub.example";

/// A folder with a list, and a clock that tests move.
struct Hub {
    folder: TempDir,
    clock: Arc<AtomicU64>,
}

impl Hub {
    fn new() -> Self {
        Self { folder: TempDir::new().unwrap(), clock: Arc::new(AtomicU64::new(NOW.0)) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(number: u64, fill: impl FnOnce(&mut Entries)) -> String {
        let mut entries = Entries::default();
        fill(&mut entries);
        let list = UnsignedList::new(HUB, number, NOW, NOW.plus(3600), entries).unwrap();
        list.sign(&key("revocation")).unwrap().text().to_owned()
    }

    fn publish(&self, number: u64, fill: impl FnOnce(&mut Entries)) {
        self.write(&(Self::text(number, fill) + "\n"));
    }

    fn write(&self, text: &str) {
        replace_file(&self.path("list"), text.as_bytes()).unwrap();
    }

    fn builder(&self) -> FileRevocationsBuilder {
        let clock = Arc::clone(&self.clock);
        FileRevocations::builder()
            .issuer(HUB, [key("revocation").public()], self.path("list"))
            .clock(move || UnixTime(clock.load(Ordering::SeqCst)))
    }

    fn view(&self) -> Arc<FileRevocations> {
        Arc::new(self.builder().build().unwrap())
    }

    async fn serve(&self, view: &Arc<FileRevocations>) -> Server {
        let layer = layer().revocations(Arc::clone(view) as Arc<_>);
        Server::start_with(layer, |hits, layer| routes(hits).layer(layer)).await
    }
}

/// Why the last list was refused. What else went wrong shows as its words.
fn refused(view: &FileRevocations) -> Option<RevocationErrorKind> {
    let error = view.status()[0].error?;
    let ReloadError::Refused(refused) = error else { unreachable!("{error}") };
    Some(refused.kind())
}

// spec: VF-11, VF-12, RV-17
#[tokio::test]
async fn what_is_revoked_while_serving_is_refused_from_the_next_request_on() {
    let hub = Hub::new();
    hub.publish(1, |_| ());
    let view = hub.view();
    let server = hub.serve(&view).await;
    let token = mint(&grant());
    let child = token.delegate(&Delegation::to("summary-bot", key("sub-agent").public())).unwrap();
    let child = child.sign(&key("agent"), &key("next-1")).unwrap();
    let by_child = || sign_with(&child, &key("sub-agent"), "GET", EVENTS, b"").bytes();
    server.expect(&by_child(), 200, None).await;

    let parent = token.claims().block_ids().next().unwrap();
    hub.publish(2, |entries| entries.revoke_block(*parent.first_chunk().unwrap()));
    // Not before the file is looked at; and then the child is refused with its parent.
    server.expect(&by_child(), 200, None).await;
    view.reload_changed();
    server.expect(&by_child(), 401, Some("token_revoked")).await;
    server.expect(&sign("GET", EVENTS, b"").bytes(), 401, Some("token_revoked")).await;

    hub.publish(3, |entries| entries.revoke_holder(key("agent").public().id()));
    view.reload_changed();
    server.expect(&by_child(), 401, Some("token_revoked")).await;
    // The same right for another agent is not touched.
    let other = countersign::token::Grant::new(HUB, "alice@example.com", "mail-bot", key("third-agent").public())
        .purpose("scheduling")
        .audience(crate::support::SERVICE)
        .valid(NOW, NOW.plus(60))
        .right(countersign::token::Right { r#type: "calendar", location: "/calendars", action: "read" });
    let other = sign_with(&mint(&other), &key("third-agent"), "GET", EVENTS, b"");
    server.expect(&other.bytes(), 200, None).await;
    let status = &view.status()[0];
    assert_eq!((status.list.unwrap().number, status.fresh, status.failures), (3, true, 0));
}

#[tokio::test]
async fn a_watched_file_is_taken_by_itself() {
    let hub = Hub::new();
    hub.publish(1, |_| ());
    let view = hub.view();
    view.watch(Duration::from_millis(10)).unwrap();
    let server = hub.serve(&view).await;
    server.expect(&sign("GET", EVENTS, b"").bytes(), 200, None).await;
    hub.publish(2, |entries| entries.revoke_user("alice@example.com", NOW));
    let number = || view.status()[0].list.unwrap().number;
    let taken = async {
        while number() < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), taken).await.unwrap();
    server.expect(&sign("GET", EVENTS, b"").bytes(), 401, Some("token_revoked")).await;
}

// spec: RV-15, RV-19
#[tokio::test]
async fn a_bad_file_leaves_the_old_list_in_force_until_it_is_stale() {
    let hub = Hub::new();
    hub.publish(5, |entries| entries.revoke_grant("g-1"));
    let view = hub.view();
    let server = hub.serve(&view).await;
    let revoked = mint(&grant().grant("g-1"));
    let by_revoked = || sign_with(&revoked, &key("agent"), "GET", EVENTS, b"").bytes();
    let good = Hub::text(6, |_| ());
    let stranger = UnsignedList::new(HUB, 6, NOW, NOW.plus(60), Entries::default()).unwrap();
    let stranger = stranger.sign(&key("stranger")).unwrap().text().to_owned();
    for (text, kind) in [
        (Hub::text(4, |_| ()), RevocationErrorKind::RolledBack),
        (Hub::text(5, |_| ()), RevocationErrorKind::NumberReused),
        (stranger, RevocationErrorKind::Signature),
        (good[..good.len() / 2].to_owned(), RevocationErrorKind::Malformed),
        (good.clone() + "\n\n", RevocationErrorKind::Malformed),
        (good.clone() + "\r\n", RevocationErrorKind::Malformed),
        (String::new(), RevocationErrorKind::Malformed),
    ] {
        hub.write(&text);
        view.reload_changed();
        assert_eq!(refused(&view), Some(kind));
        server.expect(&by_revoked(), 401, Some("token_revoked")).await;
        server.expect(&sign("GET", EVENTS, b"").bytes(), 200, None).await;
    }
    assert_eq!(view.status()[0].failures, 7);
    // A refused file is not read again and again; a missing one is looked for.
    view.reload_changed();
    assert_eq!(view.status()[0].failures, 7);
    fs::remove_file(hub.path("list")).unwrap();
    view.reload_changed();
    assert_eq!(view.status()[0].error, Some(ReloadError::Unreadable(std::io::ErrorKind::NotFound)));
    server.expect(&by_revoked(), 401, Some("token_revoked")).await;
    hub.clock.store(NOW.0 + 3601, Ordering::SeqCst);
    assert!(!view.status()[0].fresh && view.status()[0].list.is_some());
    assert!(!view.is_fresh(HUB, NOW.plus(3601)));
    hub.clock.store(NOW.0, Ordering::SeqCst);
    hub.write(&good);
    view.reload_changed();
    assert_eq!((view.status()[0].error, view.status()[0].failures), (None, 0));
    server.expect(&by_revoked(), 200, None).await;
}

// spec: VF-10, RV-22
#[tokio::test]
async fn without_a_fresh_list_only_what_is_safe_is_served() {
    let hub = Hub::new();
    let safe = hub.builder().safe_when_stale(&[("GET", "/calendars/{id}/events")]).unwrap();
    for (view, status, code) in
        [(hub.builder(), 503, Some("revocation_stale")), (safe, 200, None)].map(|(b, s, c)| (b.build().unwrap(), s, c))
    {
        let server = hub.serve(&Arc::new(view)).await;
        server.expect(&sign("GET", EVENTS, b"").bytes(), status, code).await;
        let post = sign("POST", EVENTS, b"{}");
        server.expect(&post.bytes(), 503, Some("revocation_stale")).await;
    }
    // A list from the future is refused, and taken once its time has come, though the file is the same.
    hub.clock.store(NOW.0 - 31, Ordering::SeqCst);
    hub.publish(1, |_| ());
    let view = hub.view();
    assert_eq!(refused(&view), Some(RevocationErrorKind::NotYetValid));
    hub.clock.store(NOW.0 - 30, Ordering::SeqCst);
    view.reload_changed();
    assert_eq!(refused(&view), None);
    let server = hub.serve(&view).await;
    server.expect(&sign("GET", EVENTS, b"").bytes(), 200, None).await;
    // One that was fresh up to a second ago is taken, and is stale.
    hub.clock.store(NOW.0, Ordering::SeqCst);
    let list = UnsignedList::new(HUB, 2, UnixTime(NOW.0 - 60), UnixTime(NOW.0 - 1), Entries::default()).unwrap();
    hub.write(list.sign(&key("revocation")).unwrap().text());
    view.reload_changed();
    assert_eq!((refused(&view), view.status()[0].fresh), (None, false));
    server.expect(&sign("GET", EVENTS, b"").bytes(), 503, Some("revocation_stale")).await;
}

// spec: RV-15, RV-20
#[tokio::test]
async fn a_restart_takes_no_older_list() {
    let hub = Hub::new();
    let state = hub.path("state");
    let start = || hub.builder().state(&state).build();
    hub.publish(7, |entries| entries.revoke_grant("g-1"));
    let older = Hub::text(6, |_| ());
    assert_eq!(start().unwrap().status()[0].list.unwrap().number, 7);
    hub.write(&older);
    let view = start().unwrap();
    assert_eq!((refused(&view), view.status()[0].fresh), (Some(RevocationErrorKind::RolledBack), false));
    // Without the state it is taken.
    assert_eq!(hub.view().status()[0].list.unwrap().number, 6);
    hub.publish(7, |entries| entries.revoke_grant("g-1"));
    view.reload_changed();
    assert_eq!((refused(&view), view.status()[0].fresh), (None, true));
    fs::write(&state, "{}").unwrap();
    assert!(start().is_err());
    // A state that can't be written is told, and the list is in force all the same.
    let nowhere = hub.path("missing").join("state");
    let view = hub.builder().state(&nowhere).build().unwrap();
    assert_eq!(view.status()[0].error, Some(ReloadError::StateNotWritten(std::io::ErrorKind::NotFound)));
    assert!(view.grant_revoked(HUB, "g-1"));
    fs::create_dir(hub.path("missing")).unwrap();
    view.reload_changed();
    assert_eq!(view.status()[0].error, None);
    assert!(fs::read_to_string(nowhere).unwrap().contains("\"number\":7"));
}
