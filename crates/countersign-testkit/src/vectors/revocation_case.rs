//! A revocation list in the making, and a vector of it.

use crate::clock::NOW;
use crate::format_revocation::{
    ListConversation, ListExpect, ListInput, ListResult, ListRevoked, ListUser, ListVector,
};
use crate::keys::Key;
use crate::text::b64u;

use super::revocation_lists::FOLDER;
use super::standard::ISSUER;

/// A list in the making: its members in the order of RFC 8785, each with the text of its value.
#[derive(Clone)]
pub(super) struct List {
    pub(super) members: Vec<(String, String)>,
    pub(super) signer: &'static str,
    pub(super) revoked: ListRevoked,
    pub(super) number: i64,
}

impl List {
    /// A list of this number that revokes nothing.
    pub(super) fn empty(number: i64) -> Self {
        let number_text = number.to_string();
        let (created, next, issuer) = ((NOW - 60).to_string(), (NOW + 3_540).to_string(), quoted(ISSUER));
        let members = [
            ("blocks", "[]"),
            ("conversations", "[]"),
            ("created", &created),
            ("grants", "[]"),
            ("holders", "[]"),
            ("issuer", &issuer),
            ("issuer_keys", "[]"),
            ("next", &next),
            ("number", &number_text),
            ("users", "[]"),
            ("v", "1"),
        ];
        let members = members.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        Self { members, signer: "revocation", revoked: ListRevoked::default(), number }
    }

    /// The same with another text for a member.
    pub(super) fn set(mut self, name: &str, value: &str) -> Self {
        self.members.iter_mut().find(|(known, _)| known == name).unwrap().1 = value.into();
        self
    }

    pub(super) fn add(mut self, at: usize, name: &str, value: &str) -> Self {
        self.members.insert(at, (name.into(), value.into()));
        self
    }

    pub(super) fn without(mut self, name: &str) -> Self {
        self.members.retain(|(known, _)| known != name);
        self
    }

    pub(super) fn by(mut self, signer: &'static str) -> Self {
        self.signer = signer;
        self
    }

    pub(super) fn blocks(mut self, ids: &[&str]) -> Self {
        self.revoked.blocks = ids.iter().map(|id| (*id).to_owned()).collect();
        self.set("blocks", &array(ids.iter().map(|id| quoted(id))))
    }

    pub(super) fn holders(mut self, names: &[&str]) -> Self {
        let mut ids: Vec<String> = names.iter().map(|name| Key::named(name).id()).collect();
        ids.sort();
        let text = array(ids.iter().map(|id| quoted(id)));
        self.revoked.holders = ids;
        self.set("holders", &text)
    }

    pub(super) fn issuer_keys(mut self, names: &[&str]) -> Self {
        let mut keys: Vec<String> = names.iter().map(|name| Key::named(name).public_text()).collect();
        keys.sort();
        let text = array(keys.iter().map(|key| quoted(key)));
        self.revoked.issuer_keys = keys;
        self.set("issuer_keys", &text)
    }

    /// Users by their JSON text and their meaning.
    pub(super) fn users(mut self, users: &[(&str, &str, i64)]) -> Self {
        let entry = |(text, _, until): &(&str, &str, i64)| format!(r#"{{"until":{until},"user":{text}}}"#);
        let text = array(users.iter().map(entry));
        let user = |(_, user, until): &(&str, &str, i64)| ListUser { user: (*user).into(), until: *until };
        self.revoked.users = users.iter().map(user).collect();
        self.set("users", &text)
    }

    pub(super) fn grants(mut self, grants: &[&str]) -> Self {
        self.revoked.grants = grants.iter().map(|grant| (*grant).to_owned()).collect();
        self.set("grants", &array(grants.iter().map(|grant| quoted(grant))))
    }

    pub(super) fn conversations(mut self, ended: &[(&str, &str)]) -> Self {
        let entry = |(user, name): &(&str, &str)| format!(r#"{{"conversation":"{name}","user":"{user}"}}"#);
        let text = array(ended.iter().map(entry));
        let conversation =
            |(user, name): &(&str, &str)| ListConversation { user: (*user).into(), conversation: (*name).into() };
        self.revoked.conversations = ended.iter().map(conversation).collect();
        self.set("conversations", &text)
    }

    pub(super) fn payload(&self) -> String {
        let members: Vec<String> = self.members.iter().map(|(name, value)| format!(r#""{name}":{value}"#)).collect();
        format!("{{{}}}", members.join(","))
    }

    pub(super) fn text(&self) -> String {
        sign(self.payload().as_bytes(), self.signer)
    }
}

pub(super) fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

fn array(entries: impl Iterator<Item = String>) -> String {
    format!("[{}]", entries.collect::<Vec<_>>().join(","))
}

pub(super) fn signature(payload: &[u8], signer: &str) -> Vec<u8> {
    Key::named(signer).sign(&[b"countersign-revocations-v1\0", payload].concat())
}

pub(super) fn sign(payload: &[u8], signer: &str) -> String {
    format!("{}.{}", b64u(payload), b64u(&signature(payload, signer)))
}

/// A vector in the making.
#[derive(Clone)]
pub(super) struct Case(pub(super) ListVector);

impl Case {
    /// Accepted, and in force afterwards.
    pub(super) fn accept(slug: &str, comment: &str, list: &List) -> Self {
        let input = ListInput {
            issuer: ISSUER.into(),
            keys: vec![Key::named("revocation").public_text()],
            now: NOW,
            before: Vec::new(),
            restarted: false,
            list: list.text(),
        };
        let expect = ListExpect {
            result: ListResult::Accept,
            error: None,
            number: Some(list.number),
            fresh: true,
            revoked: list.revoked.clone(),
        };
        let (id, comment) = (format!("{FOLDER}/{slug}"), comment.to_owned());
        Self(ListVector { id, req: Vec::new(), flags: Vec::new(), comment, input, expect })
    }

    /// Refused, with nothing in force before.
    pub(super) fn refuse(slug: &str, comment: &str, list: &List, error: &str, twin: &str) -> Self {
        let mut case = Self::accept(slug, comment, list);
        case.0.expect = ListExpect {
            result: ListResult::Refuse,
            error: Some(error.into()),
            number: None,
            fresh: false,
            revoked: ListRevoked::default(),
        };
        case.0.flags.push(format!("twin:{FOLDER}/{twin}"));
        case
    }

    pub(super) fn req(mut self, ids: &[&str]) -> Self {
        self.0.req.extend(ids.iter().map(|id| (*id).to_owned()));
        self
    }

    /// With another text in the list's place.
    pub(super) fn list(mut self, text: String) -> Self {
        self.0.input.list = text;
        self
    }

    pub(super) fn keys(mut self, names: &[&str]) -> Self {
        self.0.input.keys = names.iter().map(|name| Key::named(name).public_text()).collect();
        self
    }

    pub(super) fn now(mut self, now: i64) -> Self {
        self.0.input.now = now;
        self
    }

    pub(super) fn stale(mut self) -> Self {
        self.0.expect.fresh = false;
        self
    }

    /// After this list, which stays in force where the vector's own is refused.
    pub(super) fn after(mut self, list: &List) -> Self {
        self.0.input.before.push(list.text());
        if self.0.expect.result == ListResult::Refuse {
            self.0.expect.number = Some(list.number);
            self.0.expect.fresh = true;
            self.0.expect.revoked = list.revoked.clone();
        }
        self
    }

    /// Started anew after the lists before: what was in force has to be taken again.
    pub(super) fn restarted(mut self) -> Self {
        self.0.input.restarted = true;
        if self.0.expect.result == ListResult::Refuse {
            (self.0.expect.number, self.0.expect.fresh) = (None, false);
            self.0.expect.revoked = ListRevoked::default();
        }
        self
    }

    pub(super) fn revoked(mut self, change: impl FnOnce(&mut ListRevoked)) -> Self {
        change(&mut self.0.expect.revoked);
        self
    }
}
