//! One fetch of a key set: TLS, no redirects, no proxies, a checked address, a bounded answer.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use reqwest::header::{AGE, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use reqwest::{Client, StatusCode, Url, redirect};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt as _;

use super::guard::Guard;
use super::{JwkSet, JwkSetError};

/// A client for one URL.
#[derive(Debug)]
pub(super) struct Fetcher {
    client: Client,
    url: Url,
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
        let url = Url::parse(settings.url).map_err(|_| JwksConfigError::Url)?;
        let guard = match url.scheme() {
            "https" if settings.private_addresses => Guard::Any,
            "https" => Guard::Public,
            "http" if settings.http_loopback => Guard::Loopback,
            "http" => return Err(JwksConfigError::Scheme),
            _ => return Err(JwksConfigError::Url),
        };
        let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        let host = url.host_str().filter(|host| plain && !host.is_empty()).ok_or(JwksConfigError::Url)?;
        // An address in the URL is never resolved, so it is looked at here. What the URL parser takes for one, in whatever
        // spelling, stands here in its usual form.
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        if literal.is_ok_and(|address| !guard.permits(address)) {
            return Err(JwksConfigError::Address);
        }
        let client = Client::builder()
            .tls_backend_preconfigured(tls(settings.roots)?)
            .dns_resolver(guard)
            .http1_only()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .referer(false)
            // A connection that is kept was checked at another time.
            .pool_max_idle_per_host(0)
            .timeout(settings.timeout)
            .user_agent(concat!("countersign/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|_| JwksConfigError::Tls)?;
        Ok(Self { client, url })
    }

    /// Fetches the set. Ends within the time limit of the settings.
    pub(super) async fn fetch(&self) -> Result<Fetched, JwksFetchError> {
        let request = self.client.get(self.url.clone()).header("accept", "application/jwk-set+json, application/json");
        let mut answer = request.send().await.map_err(|error| failed(&error))?;
        if answer.status().is_redirection() {
            return Err(JwksFetchError::Redirect);
        }
        if answer.status() != StatusCode::OK {
            return Err(JwksFetchError::Status(answer.status().as_u16()));
        }
        if !is_json(answer.headers()) || answer.headers().contains_key(CONTENT_ENCODING) {
            return Err(JwksFetchError::ContentType);
        }
        let max_age = max_age(answer.headers());
        let mut document = BytesMut::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| failed(&error))? {
            if document.len().saturating_add(chunk.len()) > JwkSet::MAX_BYTES {
                return Err(JwksFetchError::Set(JwkSetError::TooLong));
            }
            document.extend_from_slice(&chunk);
        }
        let set = JwkSet::parse(&document).map_err(JwksFetchError::Set)?;
        Ok(Fetched { set, max_age })
    }
}

fn tls(roots: Option<Vec<Vec<u8>>>) -> Result<ClientConfig, JwksConfigError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| JwksConfigError::Tls)?;
    let Some(roots) = roots else {
        let builder = builder.with_platform_verifier().map_err(|_| JwksConfigError::Tls)?;
        return Ok(builder.with_no_client_auth());
    };
    let mut store = RootCertStore::empty();
    for root in roots {
        store.add(CertificateDer::from(root)).map_err(|_| JwksConfigError::Root)?;
    }
    Ok(builder.with_root_certificates(store).with_no_client_auth())
}

/// A refused address is told from other failures to connect, since somebody has to change something.
fn failed(error: &reqwest::Error) -> JwksFetchError {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<super::guard::Refused>() {
            return JwksFetchError::Address;
        }
        cause = error.source();
    }
    JwksFetchError::Unreachable
}

fn is_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (Some(first), None) = (types.next(), types.next()) else { return false };
    let essence = first.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    ["application/json", "application/jwk-set+json"].iter().any(|known| known.eq_ignore_ascii_case(essence))
}

/// The seconds that are left of `max-age`; none where the answer must not be kept.
fn max_age(headers: &HeaderMap) -> Option<u64> {
    let lines = headers.get_all(CACHE_CONTROL).iter().filter_map(|line| line.to_str().ok());
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
    let age = headers.get(AGE).and_then(|age| age.to_str().ok()?.parse::<u64>().ok()).unwrap_or_default();
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
    /// TLS can't be set up, such as for lack of authorities to trust.
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
            Self::Tls => "TLS can't be set up",
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
    /// No connection, no TLS, no answer in time, or one that broke off.
    Unreachable,
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
        for good in
            ["https://hub.example/jwks.json", "https://hub.example:8443/a?b", "https://1.1.1.1/", "https://[2a00::1]/"]
        {
            assert_eq!(of(good, false, false), None, "{good}");
        }
        for bad in [
            "hub.example/jwks.json",
            "ftp://hub.example/",
            "file:///etc/keys",
            "https://",
            "https://user@hub.example/",
            "https://:password@hub.example/",
            "https://hub.example/#keys",
            "data:application/json,{}",
        ] {
            assert_eq!(of(bad, true, true), Some(JwksConfigError::Url), "{bad}");
        }
        assert_eq!(of("http://hub.example/", true, false), Some(JwksConfigError::Scheme));
        for address in [
            "127.0.0.1",
            "10.0.0.1",
            "0x7f.1",
            "2130706433",
            "0177.0.0.1",
            "169.254.169.254",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[fd00::1]",
            "１２７.0.0.1",
        ] {
            let url = format!("https://{address}/");
            assert_eq!(of(&url, false, false), Some(JwksConfigError::Address), "{address}");
            assert_eq!(of(&url, true, false), None, "{address}");
        }
        assert_eq!(of("http://127.0.0.1:8000/", false, true), None);
        assert_eq!(of("http://10.0.0.1/", true, true), Some(JwksConfigError::Address));
        assert_eq!(of("http://1.1.1.1/", true, true), Some(JwksConfigError::Address));
    }
}
