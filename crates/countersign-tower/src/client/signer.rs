//! A token, the key of its holder, and where both may be used.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use countersign::jsonrpc::{Message, SignMessage};
use countersign::key::{PublicKey, Signature, SigningKey};
use countersign::request::{SignRequest, TokenField, is_protected_field};
use countersign::time::UnixTime;
use countersign::token::{Claims, OpenToken, Restriction, SealedToken};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use zeroize::Zeroizing;

use super::error::{ClientError, ErrorKind};
use super::key::{BoxError, RequestKey};
use super::origin::Origin;
use crate::layer::{Clock, system_clock};

/// Bytes of a nonce.
const NONCE: usize = 16;

/// Fills a buffer with randomness that nobody can guess and that never comes twice.
pub type Randomness = Arc<dyn Fn(&mut [u8]) -> Result<(), BoxError> + Send + Sync>;

/// Signs the requests of one agent under one token.
///
/// Holds the token sealed: it is sealed when the signer is built, and again by [`Signer::for_call`], not for each
/// request. Cheap to clone; clones share key, clock and randomness.
#[derive(Clone)]
pub struct Signer {
    shared: Arc<Shared>,
    token: Arc<Token>,
}

struct Shared {
    key: Arc<dyn RequestKey>,
    clock: Clock,
    randomness: Randomness,
    origins: Vec<Origin>,
    lifetime: u64,
}

struct Token {
    open: Option<OpenToken>,
    sealed: SealedToken,
}

impl Signer {
    /// Signs for the holder of this token by its key, at the token's audience.
    pub fn new(token: OpenToken, key: SigningKey) -> Result<Self, ClientError> {
        Self::builder(token, key).build()
    }

    /// Starts a configuration, for keys that live elsewhere and services that go by other names.
    pub fn builder(token: OpenToken, key: impl RequestKey + 'static) -> SignerBuilder {
        SignerBuilder::new(Given::Open(token), Arc::new(key))
    }

    /// The same with a token that is sealed already: it can't be narrowed for a call.
    pub fn builder_sealed(token: SealedToken, key: impl RequestKey + 'static) -> SignerBuilder {
        SignerBuilder::new(Given::Sealed(token), Arc::new(key))
    }

    /// A signer whose token has these restrictions besides those it has: the least that a call needs, so that nothing on
    /// the way can use it for more.
    ///
    /// Costs two signatures, once; the new signer keeps the sealed token.
    pub fn for_call(&self, restrictions: &[Restriction]) -> Result<Self, ClientError> {
        let open = self.token.open.as_ref().ok_or(ClientError::new(ErrorKind::Sealed))?;
        let mut seed = Zeroizing::new([0; 32]);
        self.randomness(seed.as_mut())?;
        let narrowed = open.restrict(restrictions, &SigningKey::from_seed(&seed))?;
        let token = Token { sealed: narrowed.seal()?, open: Some(narrowed) };
        Ok(Self { shared: Arc::clone(&self.shared), token: Arc::new(token) })
    }

    /// What the token claims.
    pub fn claims(&self) -> Claims<'_> {
        self.token.sealed.claims()
    }

    /// Signs a request, once, with a fresh nonce and the time of now; gives all fields to send it with.
    ///
    /// These are the given fields, `authorization` (`countersign-token` where that is taken), `signature-input`,
    /// `signature`, and for a body `content-digest`. All fields are covered but those of transport. `host`,
    /// `content-length` and `transfer-encoding` are left out: they are the transport's to write, from the URL and the
    /// body. The clients of this module call this for each attempt; call it where a client of another kind sends.
    ///
    /// Fails, before anything is signed, where the URL's origin is neither the audience's nor one that
    /// [`SignerBuilder::also_at`] names.
    pub async fn sign(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Result<HeaderMap, ClientError> {
        self.sign_attempt(method, uri, headers, body).await.map(|(headers, _)| headers)
    }

    /// The same, and one byte of the nonce: as random as the nonce is, and public.
    pub(crate) async fn sign_attempt(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Result<(HeaderMap, u8), ClientError> {
        let origin = Origin::of(uri).ok_or(ClientError::new(ErrorKind::Url))?;
        if !self.shared.origins.contains(&origin) {
            return Err(ClientError::new(ErrorKind::OtherOrigin));
        }
        same_host(headers, uri, &origin)?;
        let mut nonce = [0; NONCE];
        self.randomness(&mut nonce)?;
        let (url, sealed) = (uri.to_string(), &self.token.sealed);
        let mut request = SignRequest::new(method.as_str(), &url, sealed)
            .created((self.shared.clock)(), nonce.to_vec())
            .lifetime(self.shared.lifetime)
            .body(body);
        for (name, value) in headers.iter().filter(|(name, _)| !is_written_here(name)) {
            let value = core::str::from_utf8(value.as_bytes());
            request = request.field(name.as_str(), value.map_err(|_| ClientError::new(ErrorKind::Field))?);
        }
        if headers.contains_key(header::AUTHORIZATION) {
            request = request.token_field(TokenField::CountersignToken);
        }
        let unsigned = request.prepare()?;
        let signature = self.signature(unsigned.base()).await?;
        let mut fields = HeaderMap::with_capacity(headers.len().saturating_add(4));
        for (name, value) in unsigned.complete(signature).iter().filter(|(name, _)| *name != "host") {
            let unreachable = |_| ClientError::new(ErrorKind::Field);
            let name = HeaderName::try_from(name).map_err(|_| ClientError::new(ErrorKind::Field))?;
            let mut value = HeaderValue::try_from(value).map_err(unreachable)?;
            let secret = headers.get(&name).is_some_and(HeaderValue::is_sensitive);
            value.set_sensitive(secret || is_credential(&name));
            fields.append(name, value);
        }
        Ok((fields, nonce[0]))
    }

    /// Signs a JSON-RPC message, once, for the service that the token is for (`spec/jsonrpc.md`).
    pub async fn sign_message(&self, message: Message) -> Result<Message, ClientError> {
        let (sealed, mut nonce) = (&self.token.sealed, [0; NONCE]);
        self.randomness(&mut nonce)?;
        let unsigned = SignMessage::new(message, sealed.claims().audience(), sealed)
            .created((self.shared.clock)(), nonce.to_vec())
            .lifetime(self.shared.lifetime)
            .prepare()
            .map_err(|error| ClientError::new(ErrorKind::Message(error)))?;
        let signature = self.signature(unsigned.payload()).await?;
        Ok(unsigned.complete(signature))
    }

    /// By the holder's key, which a KMS may not have signed with.
    async fn signature(&self, payload: &[u8]) -> Result<Signature, ClientError> {
        let signature = self.shared.key.sign(payload).await;
        let signature = signature.map_err(|error| ClientError::by(ErrorKind::Key, error))?;
        // It may have signed with another variant of Ed25519 too; the service's answer would not say so.
        let verified = self.token.sealed.holder().verify(payload, &signature);
        verified.map_err(|error| ClientError::by(ErrorKind::Key, error))?;
        Ok(signature)
    }

    fn randomness(&self, bytes: &mut [u8]) -> Result<(), ClientError> {
        (self.shared.randomness)(bytes).map_err(|error| ClientError::by(ErrorKind::Random, error))
    }
}

/// What follows from URL and body, whatever the caller wrote there.
fn is_written_here(name: &HeaderName) -> bool {
    [header::HOST, header::CONTENT_LENGTH, header::TRANSFER_ENCODING].contains(name) || name == "content-digest"
}

/// Fields that logs should not show: the token, approvals, other credentials.
fn is_credential(name: &HeaderName) -> bool {
    name != "content-digest" && name != header::CONTENT_ENCODING && is_protected_field(name.as_str())
}

/// The transport may send the `Host` that it finds; it must be the one that is signed.
fn same_host(headers: &HeaderMap, uri: &Uri, origin: &Origin) -> Result<(), ClientError> {
    let scheme = uri.scheme_str().unwrap_or_default();
    for host in headers.get_all(header::HOST) {
        let named = host.to_str().ok().and_then(|host| Origin::of_text(&[scheme, "://", host].concat()));
        if named.as_ref() != Some(origin) {
            return Err(ClientError::new(ErrorKind::Host));
        }
    }
    Ok(())
}

// Neither token nor key.
impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("holder", &self.shared.key.public()).finish_non_exhaustive()
    }
}

enum Given {
    Open(OpenToken),
    Sealed(SealedToken),
}

/// Configures a [`Signer`].
#[must_use]
pub struct SignerBuilder {
    given: Given,
    key: Arc<dyn RequestKey>,
    clock: Clock,
    randomness: Randomness,
    also_at: Vec<String>,
    lifetime: u64,
}

impl SignerBuilder {
    fn new(given: Given, key: Arc<dyn RequestKey>) -> Self {
        let system = |bytes: &mut [u8]| getrandom::fill(bytes).map_err(BoxError::from);
        Self {
            given,
            key,
            clock: Arc::new(system_clock),
            randomness: Arc::new(system),
            also_at: Vec::new(),
            lifetime: 60,
        }
    }

    /// Another origin at which the token's service answers, such as `http://127.0.0.1:8600`. The token is sent there as to
    /// its audience: name no host that is not the service's, and without TLS none but this machine.
    pub fn also_at(mut self, origin: &str) -> Self {
        self.also_at.push(origin.to_owned());
        self
    }

    /// Where the present comes from; the system's clock unless said.
    pub fn clock(mut self, clock: impl Fn() -> UnixTime + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Where nonces and the next keys of narrowed tokens come from; the operating system unless said.
    ///
    /// For tests and for hardware sources. Whoever can guess it can undo the narrowing of a call; a nonce that comes twice
    /// is refused.
    pub fn randomness(mut self, source: impl Fn(&mut [u8]) -> Result<(), BoxError> + Send + Sync + 'static) -> Self {
        self.randomness = Arc::new(source);
        self
    }

    /// For how many seconds a signature holds, 1 to 300; 60 unless said.
    pub fn lifetime(mut self, seconds: u64) -> Self {
        self.lifetime = seconds;
        self
    }

    /// The signer. Seals the token.
    pub fn build(self) -> Result<Signer, ClientError> {
        let token = match self.given {
            Given::Open(open) => Token { sealed: open.seal()?, open: Some(open) },
            Given::Sealed(sealed) => Token { open: None, sealed },
        };
        let holder: PublicKey = token.sealed.holder();
        if self.key.public() != holder {
            return Err(ClientError::new(ErrorKind::NotTheHolder));
        }
        // An audience that is no URL has no origin; then only what the caller names is one.
        let mut origins: Vec<Origin> = Origin::of_text(token.sealed.claims().audience()).into_iter().collect();
        for url in &self.also_at {
            origins.push(Origin::of_text(url).ok_or(ClientError::new(ErrorKind::Url))?);
        }
        let shared =
            Shared { key: self.key, clock: self.clock, randomness: self.randomness, origins, lifetime: self.lifetime };
        Ok(Signer { shared: Arc::new(shared), token: Arc::new(token) })
    }
}

impl fmt::Debug for SignerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignerBuilder").field("holder", &self.key.public()).finish_non_exhaustive()
    }
}
