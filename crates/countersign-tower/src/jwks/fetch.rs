//! One fetch of a key set: TLS, no redirects, no proxies, a checked address, a bounded answer.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{self, HeaderMap};
use http::{HeaderValue, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::guard::Guard;
use super::{JwkSet, JwkSetError};

/// The longest head of an answer, in bytes.
const HEAD: usize = 32 * 1024;

/// How many addresses of a name are tried.
const ADDRESSES: usize = 4;

/// A client for one URL. Each fetch is a connection of its own, to an address that was looked at for it.
pub(super) struct Fetcher {
    host: String,
    port: u16,
    /// The path and the query.
    target: String,
    authority: HeaderValue,
    guard: Guard,
    /// None for http on loopback.
    tls: Option<(TlsConnector, ServerName<'static>)>,
    timeout: Duration,
}

/// What a fetch brought.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) set: JwkSet,
    /// How long the answer says it may be kept, in seconds.
    pub(super) max_age: Option<u64>,
}

/// What a [`Fetcher`] is made of.
pub(super) struct Settings<'a> {
    pub(super) url: &'a str,
    pub(super) private_addresses: bool,
    pub(super) http_loopback: bool,
    /// The authorities to trust instead of the system's, in DER.
    pub(super) roots: Option<Vec<Vec<u8>>>,
    pub(super) timeout: Duration,
}

impl Fetcher {
    pub(super) fn new(settings: Settings<'_>) -> Result<Self, JwksConfigError> {
        // The parser drops a fragment in silence.
        let url = Some(settings.url).filter(|url| !url.contains('#')).and_then(|url| url.parse::<Uri>().ok());
        let url = url.ok_or(JwksConfigError::Url)?;
        let (guard, secure) = match url.scheme_str() {
            Some("https") if settings.private_addresses => (Guard::Any, true),
            Some("https") => (Guard::Public, true),
            Some("http") if settings.http_loopback => (Guard::Loopback, false),
            Some("http") => return Err(JwksConfigError::Scheme),
            _ => return Err(JwksConfigError::Url),
        };
        let (host, port, authority) = authority(&url, secure).ok_or(JwksConfigError::Url)?;
        let name = ServerName::try_from(host.clone()).map_err(|_| JwksConfigError::Url)?;
        // Names are looked at when they are resolved; what can be said of an address is said now.
        if host.parse::<IpAddr>().is_ok_and(|address| !guard.permits(address)) {
            return Err(JwksConfigError::Address);
        }
        let tls = match secure {
            true => Some((TlsConnector::from(Arc::new(tls(settings.roots)?)), name)),
            false => None,
        };
        let target = url.path_and_query().map_or("/", |target| target.as_str()).to_owned();
        Ok(Self { host, port, target, authority, guard, tls, timeout: settings.timeout })
    }

    /// Fetches the set. Ends within the time limit of the settings.
    pub(super) async fn fetch(&self) -> Result<Fetched, JwksFetchError> {
        let fetched = timeout(self.timeout, async {
            let stream = self.connect().await?;
            match &self.tls {
                None => self.ask(stream).await,
                Some((connector, name)) => {
                    let stream = connector.connect(name.clone(), stream).await.map_err(|_| JwksFetchError::Tls)?;
                    self.ask(stream).await
                }
            }
        });
        fetched.await.unwrap_or(Err(JwksFetchError::Unreachable))
    }

    /// Connects to an address that was looked at. The name is resolved once, so an answer that changes changes nothing.
    async fn connect(&self) -> Result<TcpStream, JwksFetchError> {
        let resolved = tokio::net::lookup_host((self.host.as_str(), self.port)).await;
        let addresses: Vec<SocketAddr> = resolved.map_err(|_| JwksFetchError::Unreachable)?.collect();
        // One address that is not let through among others is no name to talk to.
        if !addresses.iter().all(|address| self.guard.permits(address.ip())) {
            return Err(JwksFetchError::Address);
        }
        // One that does not answer leaves time for the others.
        let tries = u32::try_from(addresses.len().min(ADDRESSES)).unwrap_or(1);
        let share = self.timeout.checked_div(tries).unwrap_or(self.timeout);
        for address in addresses.into_iter().take(ADDRESSES) {
            if let Ok(Ok(stream)) = timeout(share, TcpStream::connect(address)).await {
                return Ok(stream);
            }
        }
        Err(JwksFetchError::Unreachable)
    }

    /// One request and its answer.
    async fn ask<S>(&self, stream: S) -> Result<Fetched, JwksFetchError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut client = http1::Builder::new();
        client.max_buf_size(HEAD);
        let unreachable = |_| JwksFetchError::Unreachable;
        let (mut sender, connection) = client.handshake(TokioIo::new(stream)).await.map_err(unreachable)?;
        // Ends with this function.
        let mut running = JoinSet::new();
        running.spawn(connection);
        let request = Request::get(self.target.as_str())
            .header(header::HOST, self.authority.clone())
            .header(header::ACCEPT, "application/jwk-set+json, application/json")
            .header(header::USER_AGENT, concat!("countersign/", env!("CARGO_PKG_VERSION")))
            .header(header::CONNECTION, "close")
            .body(Empty::<Bytes>::new())
            .map_err(|_| JwksFetchError::Unreachable)?;
        read(sender.send_request(request).await.map_err(unreachable)?).await
    }
}

async fn read(mut answer: Response<Incoming>) -> Result<Fetched, JwksFetchError> {
    if answer.status().is_redirection() {
        return Err(JwksFetchError::Redirect);
    }
    if answer.status() != StatusCode::OK {
        return Err(JwksFetchError::Status(answer.status().as_u16()));
    }
    if !is_json(answer.headers()) || answer.headers().contains_key(header::CONTENT_ENCODING) {
        return Err(JwksFetchError::ContentType);
    }
    let max_age = max_age(answer.headers());
    let mut document = BytesMut::new();
    while let Some(frame) = answer.frame().await.transpose().map_err(|_| JwksFetchError::Unreachable)? {
        let Ok(data) = frame.into_data() else { continue };
        if document.len().saturating_add(data.len()) > JwkSet::MAX_BYTES {
            return Err(JwksFetchError::Set(JwkSetError::TooLong));
        }
        document.extend_from_slice(&data);
    }
    let set = JwkSet::parse(&document).map_err(JwksFetchError::Set)?;
    Ok(Fetched { set, max_age })
}

/// The host, without the brackets of an address of IPv6; the port; and both as `Host` has them.
fn authority(url: &Uri, secure: bool) -> Option<(String, u16, HeaderValue)> {
    let (authority, host) = (url.authority()?.as_str(), url.host()?);
    let port = match authority.strip_prefix(host)? {
        "" if secure => 443,
        "" => 80,
        port => port.strip_prefix(':').filter(|port| !port.starts_with('+'))?.parse().ok()?,
    };
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    Some((bare.to_owned(), port, HeaderValue::from_str(authority).ok()?))
}

fn tls(roots: Option<Vec<Vec<u8>>>) -> Result<ClientConfig, JwksConfigError> {
    let mut store = RootCertStore::empty();
    match roots {
        Some(roots) => {
            for root in roots {
                store.add(CertificateDer::from(root)).map_err(|_| JwksConfigError::Root)?;
            }
        }
        None => {
            let (added, _) = store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if added == 0 {
                return Err(JwksConfigError::Tls);
            }
        }
    }
    // Named, since a process may have installed another one, or two.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|_| JwksConfigError::Tls)?;
    let mut config = builder.with_root_certificates(store).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn is_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(first), None) = (types.next(), types.next()) else { return false };
    let essence = first.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    ["application/json", "application/jwk-set+json"].iter().any(|known| known.eq_ignore_ascii_case(essence))
}

/// The seconds that are left of `max-age`; none where the answer must not be kept.
fn max_age(headers: &HeaderMap) -> Option<u64> {
    let lines = headers.get_all(header::CACHE_CONTROL).iter().filter_map(|line| line.to_str().ok());
    let mut max_age = None;
    for directive in lines.flat_map(|line| line.split(',')).map(str::trim) {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        if ["no-store", "no-cache"].iter().any(|known| known.eq_ignore_ascii_case(name)) {
            return None;
        }
        if name.eq_ignore_ascii_case("max-age") && max_age.is_none() {
            max_age = value.trim_matches('"').parse().ok();
        }
    }
    let age = headers.get(header::AGE).and_then(|age| age.to_str().ok()?.parse::<u64>().ok()).unwrap_or_default();
    max_age.map(|max_age: u64| max_age.saturating_sub(age))
}

/// A source of keys that can't be set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JwksConfigError {
    /// Not an absolute https URL without user, password and fragment.
    Url,
    /// An http URL, and http on loopback was not allowed.
    Scheme,
    /// The URL has an address in it that is not let through.
    Address,
    /// A certificate authority that is no certificate.
    Root,
    /// The system has no authorities to trust.
    Tls,
    /// Limits of time that contradict each other.
    Times,
}

impl fmt::Display for JwksConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Url => "not an absolute https URL without user, password and fragment",
            Self::Scheme => "the URL of a key set must be https",
            Self::Address => "the URL has an address in it that is not public",
            Self::Root => "a certificate authority is not a certificate in DER",
            Self::Tls => "the system has no certificate authorities to trust",
            Self::Times => "the shortest lifetime is longer than the longest",
        })
    }
}

impl std::error::Error for JwksConfigError {}

/// Why a fetch brought no keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JwksFetchError {
    /// The name stands for an address that is not public, or for several of which one is not.
    Address,
    /// No address, no connection, no answer in time, or one that broke off.
    Unreachable,
    /// No TLS, such as for a certificate that is not trusted or is another name's.
    Tls,
    /// The server sent elsewhere, which is not followed.
    Redirect,
    /// Another status than 200.
    Status(u16),
    /// Not `application/json` or `application/jwk-set+json`, or with a content coding.
    ContentType,
    /// The document is no set of keys that an issuer can have.
    Set(JwkSetError),
    /// A key is no point of the curve.
    Key,
}

impl fmt::Display for JwksFetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address => f.write_str("the name stands for an address that is not public"),
            Self::Unreachable => f.write_str("the server of the key set gave no answer"),
            Self::Tls => f.write_str("the server of the key set is not trusted for its name"),
            Self::Redirect => f.write_str("the server of the key set sent elsewhere, which is not followed"),
            Self::Status(status) => write!(f, "the server of the key set answered with status {status}"),
            Self::ContentType => f.write_str("the answer is not application/jwk-set+json or application/json"),
            Self::Set(error) => error.fmt(f),
            Self::Key => f.write_str("a key of the set is not an Ed25519 public key"),
        }
    }
}

impl std::error::Error for JwksFetchError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, http::HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn reads_how_long_an_answer_may_be_kept() {
        let of = |lines: &[(&'static str, &'static str)]| max_age(&headers(lines));
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[("cache-control", "public, Max-Age=600")]), Some(600));
        assert_eq!(of(&[("cache-control", "public"), ("cache-control", "max-age=\"60\"")]), Some(60));
        assert_eq!(of(&[("cache-control", "max-age=600"), ("age", "200")]), Some(400));
        assert_eq!(of(&[("cache-control", "max-age=600"), ("age", "700")]), Some(0));
        assert_eq!(of(&[("cache-control", "max-age=600, no-store")]), None);
        assert_eq!(of(&[("cache-control", "no-cache, max-age=600")]), None);
        assert_eq!(of(&[("cache-control", "max-age=-1, s-maxage=5")]), None);
    }

    #[test]
    fn takes_json_alone() {
        let of = |value: &'static str| is_json(&headers(&[("content-type", value)]));
        assert!(of("application/json") && of("Application/JWK-Set+JSON; charset=utf-8"));
        assert!(!of("text/html") && !of("application/jsonp") && !of("text/plain, application/json"));
        assert!(!is_json(&headers(&[])));
        assert!(!is_json(&headers(&[("content-type", "application/json"), ("content-type", "text/html")])));
    }

    #[test]
    fn takes_https_urls_of_public_hosts() {
        let of = |url: &str, private_addresses, http_loopback| {
            let timeout = Duration::from_secs(1);
            let settings = Settings { url, private_addresses, http_loopback, roots: Some(Vec::new()), timeout };
            Fetcher::new(settings).err()
        };
        for good in [
            "https://hub.example/jwks.json",
            "HTTPS://hub.example:8443/a?b",
            "https://hub.example",
            "https://1.1.1.1/",
            "https://[2a00::1]:8443/",
        ] {
            assert_eq!(of(good, false, false), None, "{good}");
        }
        for bad in [
            "hub.example/jwks.json",
            "/jwks.json",
            "hub.example",
            "ftp://hub.example/",
            "file:///etc/keys",
            "https://",
            "https:///keys",
            "https://user@hub.example/",
            "https://:password@hub.example/",
            "https://hub.example:/",
            "https://hub.example:65536/",
            "https://hub.example:+1/",
            "https://hub.example/#keys",
            "https://hub example/",
            "https://１２７.0.0.1/",
            "data:application/json,{}",
        ] {
            assert_eq!(of(bad, true, true), Some(JwksConfigError::Url), "{bad}");
        }
        assert_eq!(of("http://hub.example/", true, false), Some(JwksConfigError::Scheme));
        for address in ["127.0.0.1", "10.0.0.1", "169.254.169.254", "[::1]", "[::ffff:127.0.0.1]", "[fd00::1]"] {
            let url = format!("https://{address}/");
            assert_eq!(of(&url, false, false), Some(JwksConfigError::Address), "{address}");
            assert_eq!(of(&url, true, false), None, "{address}");
        }
        assert_eq!(of("http://127.0.0.1:8000/", false, true), None);
        assert_eq!(of("http://10.0.0.1/", true, true), Some(JwksConfigError::Address));
        assert_eq!(of("http://1.1.1.1/", true, true), Some(JwksConfigError::Address));
    }
    #[tokio::test]
    async fn looks_at_what_a_name_stands_for_in_whatever_spelling() {
        for host in ["localhost", "0x7f.1", "2130706433", "0177.0.0.1", "127.1"] {
            let url = format!("https://{host}:1/");
            let (timeout, roots) = (Duration::from_secs(5), Some(Vec::new()));
            let settings = Settings { url: &url, private_addresses: false, http_loopback: false, roots, timeout };
            // Most systems resolve all of these to loopback.
            match Fetcher::new(settings) {
                Err(error) => assert_eq!(error, JwksConfigError::Url, "{host}"),
                Ok(fetcher) => {
                    let outcome = fetcher.fetch().await.map(|_| ());
                    let refused = outcome == Err(JwksFetchError::Address);
                    let unresolved = host != "localhost" && outcome == Err(JwksFetchError::Unreachable);
                    assert!(refused || unresolved, "{host}: {outcome:?}");
                }
            }
        }
    }
}
