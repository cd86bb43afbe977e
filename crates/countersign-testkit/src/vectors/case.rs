//! One vector in the making, and the file that collects them.

use crate::clock::{EXPIRES, NOW, rfc3339};
use crate::format::{Agent, Config, Expect, Input, Operation, Outcome, Revoked, Vector, VectorFile};
use crate::raw_request::Request;
use crate::text::b64u;

use super::standard::{ISSUER, PURPOSE, USER, config, first_agent};

/// A vector in the making. It starts as: standard configuration, standard time, allowed.
#[derive(Clone, Debug)]
pub struct Case(Vector);

impl Case {
    /// A vector over these message bytes.
    #[must_use]
    pub fn bytes(slug: &str, comment: &str, request: &[u8]) -> Self {
        let input = Input {
            config: config(),
            now: NOW,
            before: Vec::new(),
            before_denied: Vec::new(),
            revoked: None,
            authority: None,
            request_b64u: b64u(request),
        };
        let expect = Expect {
            result: Outcome::Allow,
            stage: None,
            code: None,
            issuer: Some(ISSUER.into()),
            user: Some(USER.into()),
            agents: Some(vec![first_agent()]),
            purpose: Some(PURPOSE.into()),
            expires: Some(rfc3339(EXPIRES)),
            right: Some("http:/calendars:GET".into()),
            binding: Some("ed25519".into()),
        };
        Self(Vector { id: slug.into(), req: Vec::new(), flags: Vec::new(), comment: comment.into(), input, expect })
    }

    /// A vector over this request.
    #[must_use]
    pub fn new(slug: &str, comment: &str, request: &Request) -> Self {
        Self::bytes(slug, comment, &request.to_bytes())
    }

    /// Under another name.
    #[must_use]
    pub fn named(mut self, slug: &str, comment: &str) -> Self {
        self.0.id = slug.into();
        self.0.comment = comment.into();
        self
    }

    /// Denied at this stage with this code; `twin` is the id of the allowed vector that it
    /// departs from.
    #[must_use]
    pub fn deny(mut self, stage: u8, code: &str, twin: &str) -> Self {
        self.0.expect = Expect {
            result: Outcome::Deny,
            stage: Some(stage),
            code: Some(code.into()),
            issuer: None,
            user: None,
            agents: None,
            purpose: None,
            expires: None,
            right: None,
            binding: None,
        };
        self.0.flags.push(format!("twin:{twin}"));
        self
    }

    /// Tests this requirement of `spec/`.
    #[must_use]
    pub fn req(mut self, id: &str) -> Self {
        if !self.0.req.iter().any(|known| known == id) {
            self.0.req.push(id.into());
        }
        self
    }

    /// Belongs to an attack of the design's list.
    #[must_use]
    pub fn attack(self, number: u8) -> Self {
        self.flag(&format!("attack:{number}"))
    }

    /// Bears a flag.
    #[must_use]
    pub fn flag(mut self, flag: &str) -> Self {
        self.0.flags.push(flag.into());
        self
    }

    /// Under another configuration.
    #[must_use]
    pub fn config(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.0.input.config);
        self
    }

    /// With an operation table.
    #[must_use]
    pub fn operations(self, rows: impl IntoIterator<Item = Operation>) -> Self {
        self.config(|config| config.operations = Some(rows.into_iter().collect()))
    }

    /// At another time.
    #[must_use]
    pub fn now(mut self, now: i64) -> Self {
        self.0.input.now = now;
        self
    }

    /// After this request was allowed.
    #[must_use]
    pub fn before(mut self, request: &Request) -> Self {
        self.0.input.before.push(b64u(&request.to_bytes()));
        self
    }

    /// After this request was denied.
    #[must_use]
    pub fn before_denied(mut self, request: &Request) -> Self {
        self.0.input.before_denied.push(b64u(&request.to_bytes()));
        self
    }

    /// With this revoked.
    #[must_use]
    pub fn revoked(mut self, change: impl FnOnce(&mut Revoked)) -> Self {
        change(self.0.input.revoked.get_or_insert_default());
        self
    }

    /// By HTTP/2 with this `:authority`.
    #[must_use]
    pub fn h2(mut self, authority: &str) -> Self {
        self.0.input.authority = Some(authority.into());
        self.flag("h2")
    }

    /// Allowed under this right.
    #[must_use]
    pub fn right(mut self, right: &str) -> Self {
        self.0.expect.right = Some(right.into());
        self
    }

    /// Allowed to this chain of holders.
    #[must_use]
    pub fn agents(mut self, agents: impl IntoIterator<Item = Agent>) -> Self {
        self.0.expect.agents = Some(agents.into_iter().collect());
        self
    }

    /// Allowed until this time.
    #[must_use]
    pub fn expires(mut self, unix: i64) -> Self {
        self.0.expect.expires = Some(rfc3339(unix));
        self
    }

    /// Allowed, with this change to what is expected.
    #[must_use]
    pub fn expect(mut self, change: impl FnOnce(&mut Expect)) -> Self {
        change(&mut self.0.expect);
        self
    }
}

/// A file in the making.
#[derive(Clone, Debug)]
pub struct File {
    /// Its folder.
    pub folder: &'static str,
    /// Its name without `.json`.
    pub name: &'static str,
    comment: String,
    vectors: Vec<Vector>,
}

impl File {
    /// An empty file.
    #[must_use]
    pub fn new(folder: &'static str, name: &'static str, comment: &str) -> Self {
        Self { folder, name, comment: comment.into(), vectors: Vec::new() }
    }

    /// Adds a vector.
    pub fn push(&mut self, case: Case) {
        let mut vector = case.0;
        vector.id = format!("{}/{}", self.folder, vector.id);
        self.vectors.push(vector);
    }

    /// What is written.
    #[must_use]
    pub fn content(&self) -> VectorFile {
        VectorFile { comment: self.comment.clone(), vectors: self.vectors.clone() }
    }
}
