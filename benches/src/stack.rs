//! The obvious stack on the same work: httpsig-hyper for the request, biscuit-auth for the token and the policy.
//!
//! It is given every advantage that a careful service could give it: keys, policy and constant facts are made once, the
//! holder's key is known before the token is read, only the facts that policy and checks name are added, and nothing is
//! done that Countersign does besides (nonces, revocation, coverage, canonical forms).

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use biscuit_auth::builder::{Algorithm, Fact, Policy, Term};
use biscuit_auth::{AuthorizerBuilder, AuthorizerLimits, Biscuit, PublicKey as RootKey};
use countersign::key::PublicKey;
use countersign::to_hex;
use httpsig_hyper::prelude::{AlgorithmName, PublicKey as RequestKey};
use httpsig_hyper::{MessageSignatureReqSync as _, RequestContentDigest as _};

use crate::fixture::{AUDIENCE, HttpRequest, ISSUER, NOW, key};

/// What the stack says of a request that it refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The request's signature.
    Signature,
    /// The body's digest.
    Digest,
    /// There is no token.
    NoToken,
    /// The token or one of its signatures.
    Token,
    /// The policy, a check or a limit.
    Policy,
}

/// A configured service.
#[derive(Clone, Debug)]
pub struct Stack {
    root: RootKey,
    holder: RequestKey,
    public: PublicKey,
    key_id: String,
    authorizer: AuthorizerBuilder,
    all_facts: bool,
}

impl Stack {
    /// A service that knows the key of the requests it gets. `agent` is the first holder of the tokens, who may hand on.
    #[must_use]
    pub fn new(holder: PublicKey, agent: PublicKey) -> Self {
        let root = RootKey::from_bytes(key("root").public().as_bytes(), Algorithm::Ed25519).unwrap();
        let request_key = RequestKey::from_bytes(&AlgorithmName::Ed25519, holder.as_bytes()).unwrap();
        let authorizer = AuthorizerBuilder::new()
            // The default of 1 ms is wall-clock time: a busy machine would change the verdict.
            .set_limits(AuthorizerLimits { max_time: Duration::from_secs(10), ..AuthorizerLimits::default() })
            .policy(policy(holder, agent))
            .unwrap();
        Self {
            root,
            holder: request_key,
            public: holder,
            key_id: holder.id().to_string(),
            authorizer,
            all_facts: false,
        }
    }

    /// The same service with every fact about a request that Countersign's checks may ask for.
    #[must_use]
    pub fn with_all_facts(mut self) -> Self {
        self.all_facts = true;
        self
    }

    /// The same service under the engine's own limits: 1,000 facts, 100 iterations, 1 ms.
    #[must_use]
    pub fn with_default_limits(mut self) -> Self {
        self.authorizer = self.authorizer.set_limits(AuthorizerLimits::default());
        self
    }

    /// Signature, digest where there is a body, token, policy.
    pub fn verify(&self, request: HttpRequest, has_body: bool) -> Result<(), Refused> {
        self.request(&request)?;
        let head = if has_body {
            ready(request.verify_content_digest()).map_err(|_| Refused::Digest)?.into_parts().0
        } else {
            request.into_parts().0
        };
        let text = head.headers.get("authorization").ok_or(Refused::NoToken)?.to_str().unwrap_or_default();
        let biscuit = self.parse(text.strip_prefix("Countersign ").ok_or(Refused::NoToken)?)?;
        self.authorize(&biscuit, head.method.as_str(), head.uri.path())
    }

    /// The signature of RFC 9421.
    pub fn request(&self, request: &HttpRequest) -> Result<(), Refused> {
        let name = request.verify_message_signature_sync(&self.holder, Some(&self.key_id));
        name.map(drop).map_err(|_| Refused::Signature)
    }

    /// The token and all of its signatures.
    pub fn parse(&self, text: &str) -> Result<Biscuit, Refused> {
        Biscuit::from_base64(text, self.root).map_err(|_| Refused::Token)
    }

    /// Checks and policy.
    pub fn authorize(&self, biscuit: &Biscuit, method: &str, path: &str) -> Result<(), Refused> {
        let mut facts =
            vec![fact("time", Term::Date(NOW.0)), fact("action", text(method)), fact("resource", text(path))];
        if self.all_facts {
            facts.extend([
                fact("service", text(AUDIENCE)),
                fact("type", text("http")),
                fact("holder", Term::Bytes(self.public.as_bytes().to_vec())),
                fact("method", text(method)),
                fact("authority", text(crate::fixture::AUTHORITY)),
                fact("path", text(path)),
                fact("binding", text("ed25519")),
            ]);
        }
        let mut builder = self.authorizer.clone();
        for fact in facts {
            builder = builder.fact(fact).map_err(|_| Refused::Policy)?;
        }
        let mut authorizer = builder.build(biscuit).map_err(|_| Refused::Policy)?;
        authorizer.authorize().map(drop).map_err(|_| Refused::Policy)
    }
}

/// One policy: this issuer, this audience, this holder, and a right that covers the operation. What the service knows
/// beforehand stands in it as constants.
fn policy(holder: PublicKey, agent: PublicKey) -> Policy {
    let key = |key: PublicKey| to_hex(key.as_bytes());
    let rest = format!(
        "issuer(\"{ISSUER}\"), audience(\"{AUDIENCE}\"), action($action), resource($resource), \
         right(\"http\", $location, $action), \
         $resource === $location || $resource.starts_with($location + \"/\")"
    );
    let policy = if holder == agent {
        format!("allow if agent($name, hex:{}), {rest}", key(holder))
    } else {
        // The block that the agent itself signed names the new holder.
        format!(
            "allow if agent($first, hex:{}), delegate($name, hex:{}), {rest} trusting authority, {agent}",
            key(agent),
            key(holder),
        )
    };
    policy.as_str().try_into().unwrap()
}

fn fact(name: &str, term: Term) -> Fact {
    Fact::new(name.to_owned(), vec![term])
}

fn text(text: &str) -> Term {
    Term::Str(text.to_owned())
}

/// The outcome of a future that waits for nothing: no runtime stands between the stack and the clock.
fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("a body in memory is there at once"),
    }
}
