//! Requests as they are signed, and as they are judged.

use super::base::Base;
use super::errand::{Body, Errand};
use super::random::Random;
use super::service::AUTHORITIES;
use crate::keys::Key;
use crate::raw_approval::{Approval, Json, OperationObject, content_sha256};
use crate::raw_request::{Request, Signature, digest_sha256, digest_sha512};
use crate::text::b64u;

/// What a judge is asked: a request, and the time at which it comes.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The request line, the field lines and the body.
    pub request: Request,
    /// The `:authority` of HTTP/2, where that is what it came by.
    pub authority: Option<String>,
    /// The time.
    pub now: i64,
}

impl Asked {
    /// The request as text, for whoever looks into one of them. Bytes that are no text are escaped.
    #[must_use]
    pub fn dump(&self) -> String {
        let mut out = format!("now {}\n", self.now);
        if let Some(authority) = &self.authority {
            out.push_str(&format!(":authority {authority}\n"));
        }
        out.push_str(&format!("{} {} HTTP/1.1\n", self.request.method, self.request.target.escape_debug()));
        for (name, value) in &self.request.headers {
            out.push_str(&format!("{name}: {}\n", value.escape_ascii()));
        }
        out.push_str(&format!("\n{}\n", self.request.body.escape_ascii()));
        out
    }
}

/// A request before it is signed.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The message.
    pub request: Request,
    /// The `:authority`, where there is one.
    pub authority: Option<String>,
    /// The signature to be made.
    pub signature: Signature,
    /// The field that carries the token, in lower case.
    pub carrier: &'static str,
    /// The time.
    pub now: i64,
    /// What it is for.
    pub errand: Errand,
}

/// A value of the nonce parameter.
#[must_use]
pub fn nonce(random: &mut Random) -> String {
    format!("\"{}\"", b64u(&random.sixteen()))
}

impl Draft {
    /// A request for this errand with this token, to be signed by this key. What the profile leaves open is drawn.
    #[must_use]
    pub fn new(token: &str, holder: &Key, errand: &Errand, now: i64, random: &mut Random) -> Self {
        let mut request = Request {
            method: errand.entry().method().into(),
            target: errand.target(),
            headers: Vec::new(),
            body: Vec::new(),
        };
        let host = *random.of(&AUTHORITIES);
        let spelled = match random.below(8) {
            0 => host.to_ascii_uppercase(),
            1 if !host.contains(':') => format!("{host}:443"),
            _ => host.to_owned(),
        };
        let authority = random.once_in(3).then(|| spelled.clone());
        if authority.is_none() || random.once_in(4) {
            request.add("Host", host);
            if authority.is_none() {
                request.set("Host", &spelled);
            }
        }
        let mut signature = Signature::new(holder);
        signature.label = (*random.of(&["sig", "countersign", "s-1"])).into();
        signature.values.push(("@authority".into(), host.into()));
        let created = now - random.between(-20, 20);
        signature.set("created", created.to_string());
        signature.set("expires", (now + random.between(21, 200)).to_string());
        signature.set("nonce", nonce(random));
        if random.once_in(3) {
            signature.set("alg", "\"ed25519\"");
        }
        random.shuffle(&mut signature.parameters);
        let mut draft = Self {
            request,
            authority,
            signature,
            carrier: if random.once_in(3) { "countersign-token" } else { "authorization" },
            now,
            errand: errand.clone(),
        };
        draft.signature.uncover("authorization");
        draft.add_fields(token, random);
        random.shuffle(&mut draft.signature.components);
        draft
    }

    fn add_fields(&mut self, token: &str, random: &mut Random) {
        match self.carrier {
            "authorization" => self.covered("Authorization", &format!("Countersign {token}")),
            _ => {
                self.covered("Countersign-Token", token);
                if random.once_in(4) {
                    self.covered("Authorization", "Basic dXNlcjpzZWNyZXQ=");
                }
            }
        }
        if let Some((body, media)) = self.errand.content() {
            self.covered("Content-Type", media);
            let digest = match random.below(4) {
                0 => digest_sha512(&body),
                1 => format!("{}, {}", digest_sha512(&body), digest_sha256(&body)),
                _ => digest_sha256(&body),
            };
            self.covered("Content-Digest", &digest);
            if random.once_in(2) {
                self.request.add("Content-Length", body.len().to_string());
            }
            self.request.body = body;
        }
        if random.once_in(4) {
            self.covered("Idempotency-Key", &random.word());
        }
        if random.once_in(4) {
            self.covered("X-Note", &random.word());
        }
        if random.once_in(4) {
            self.request.add("X-Note-Of-Nobody", random.word());
        }
        self.request.add("User-Agent", "agent/1.0");
    }

    /// Adds a line and covers it.
    pub fn covered(&mut self, name: &str, value: &str) {
        self.request.add(name, value);
        self.signature.cover(&name.to_ascii_lowercase());
    }

    /// The covered fields, in lower case.
    #[must_use]
    pub fn covered_fields(&self) -> Vec<String> {
        let names = self.signature.components.iter().map(|component| component.trim_matches('"').to_owned());
        names.filter(|name| !name.starts_with('@')).collect()
    }

    /// Another token in its place.
    pub fn set_token(&mut self, token: &str) {
        match self.carrier {
            "authorization" => self.request.set("Authorization", format!("Countersign {token}")),
            carrier => self.request.set(carrier, token),
        }
    }

    /// The operation that the service will see, for a token of this base held by this key.
    #[must_use]
    pub fn operation(&self, base: &Base, holder: &Key) -> OperationObject {
        let row = self.errand.entry();
        let text = |text: &str| Json::from(text);
        let (_, host) = self.signature.values.iter().find(|(name, _)| name == "@authority").unwrap();
        let args = match (&self.errand.body, row.read_body) {
            (Body::Json(members), true) => Json::Object(members.clone()),
            _ => Json::Null,
        };
        let content = match &args {
            Json::Null if !self.request.body.is_empty() => content_sha256(&self.request.body),
            _ => Json::Null,
        };
        let members = [
            ("issuer", text(&base.issuer)),
            ("user", text(&base.user)),
            ("purpose", text(&base.purpose)),
            ("grant", Json::Null),
            ("conversation", Json::Null),
            ("agents", base.agents(holder)),
            ("holder", Json::Text(holder.id())),
            ("service", text(&base.audience)),
            ("authority", text(core::str::from_utf8(host).unwrap())),
            ("method", text(&self.request.method)),
            ("path", Json::Text(self.errand.path())),
            ("query", self.errand.query_text().map_or(Json::Null, Json::Text)),
            ("type", text(row.kind())),
            ("resource", Json::Text(self.errand.resource())),
            ("action", text(row.action())),
            ("tool", Json::Null),
            ("args", args),
            ("content_sha256", content),
            ("fields", self.other_fields()),
            ("meta", Json::Null),
        ];
        OperationObject(members.map(|(name, value)| (name.to_owned(), value)).to_vec())
    }

    /// The member `fields` of the operation: what is covered and reaches the application as the agent's word.
    fn other_fields(&self) -> Json {
        let names = self.covered_fields();
        let names = names
            .iter()
            .filter(|name| ![self.carrier, "content-digest", "countersign-approval"].contains(&name.as_str()));
        let members: Vec<(String, Json)> = names
            .map(|name| {
                let value = self.request.field(name).unwrap_or_default();
                let hashed = name == "authorization";
                let text = || Json::Text(String::from_utf8(value.clone()).unwrap());
                (name.clone(), if hashed { content_sha256(&value) } else { text() })
            })
            .collect();
        if members.is_empty() { Json::Null } else { Json::Object(members) }
    }

    /// A fresh approval of an operation by this key.
    #[must_use]
    pub fn approval(&self, operation: &OperationObject, approver: &Key, random: &mut Random) -> Approval {
        let created = self.now - random.between(-20, 20);
        Approval::new(approver, &operation.digest())
            .with("id", format!("\"{}\"", b64u(&random.sixteen())))
            .times(created, self.now + random.between(60, 500))
    }

    /// Adds these approvals, covered.
    pub fn approve(&mut self, approvals: &[Approval]) {
        if !approvals.is_empty() {
            let texts: Vec<String> = approvals.iter().map(Approval::text).collect();
            self.covered("Countersign-Approval", &texts.join(", "));
        }
    }

    /// The values of `Signature-Input` and `Signature`, as they are signed now.
    #[must_use]
    pub fn parts(&self) -> (String, String) {
        self.signature.parts(&self.request)
    }

    /// Signed.
    #[must_use]
    pub fn sign(self) -> Asked {
        let (input, signature) = self.parts();
        self.signed(&input, &signature)
    }

    /// With these values of the two fields.
    #[must_use]
    pub fn signed(mut self, input: &str, signature: &str) -> Asked {
        self.request.add("Signature-Input", input);
        self.request.add("Signature", signature);
        Asked { request: self.request, authority: self.authority, now: self.now }
    }
}
