//! What an agent is sent out for: one operation with its parameters and its body.

use super::random::Random;
use super::service::{ROWS, Row};
use crate::raw_approval::Json;

/// A body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// None.
    None,
    /// A JSON object.
    Json(Vec<(String, Json)>),
    /// Bytes that are no JSON.
    Bytes(Vec<u8>),
}

/// One operation with its parameters and its body.
#[derive(Clone, Debug)]
pub struct Errand {
    /// The place of its row in the table.
    pub row: usize,
    /// The parameters of the path.
    pub params: Vec<String>,
    /// The parameters of the query.
    pub query: Vec<(String, String)>,
    /// The body.
    pub body: Body,
}

impl Errand {
    /// An errand of this row.
    #[must_use]
    pub fn of(row: usize, random: &mut Random) -> Self {
        let params = ROWS[row].parameters().map(|_| format!("{}-{}", random.word(), random.below(10))).collect();
        let word = |random: &mut Random| Json::Text(random.word());
        let body = match row {
            2 => vec![("room", word(random)), ("title", word(random))],
            4 => vec![("amount", Json::from(1)), ("currency", Json::from("EUR"))],
            5 => {
                let to = |random: &mut Random| Json::Text(format!("{}@example.com", random.word()));
                let to = Json::Array((0..1 + random.below(3)).map(|_| to(random)).collect());
                vec![("subject", word(random)), ("to", to)]
            }
            8 => vec![("from", word(random)), ("to", word(random))],
            _ => Vec::new(),
        };
        let body = match row {
            7 => Body::Bytes(Vec::new()),
            2 | 4 | 5 | 8 => Body::Json(body.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
            _ => Body::None,
        };
        let mut errand = Self { row, params, query: Vec::new(), body };
        errand.vary(random);
        errand
    }

    /// Another errand of the same kind: everything differs that no restriction of the forger speaks of.
    pub fn vary(&mut self, random: &mut Random) {
        self.query.clear();
        if random.once_in(2) {
            self.refer(random);
        }
        match &mut self.body {
            Body::None => {}
            Body::Bytes(bytes) => {
                let length = 1 + random.below(200);
                *bytes = (0..length).map(|_| random.bits() as u8).collect();
            }
            Body::Json(members) => {
                for (name, value) in members {
                    match name.as_str() {
                        "title" | "subject" => *value = Json::Text(random.word()),
                        "amount" => *value = Json::from(random.between(1, 100)),
                        _ => {}
                    }
                }
            }
        }
    }

    /// Gives the query a reference that no other request has.
    pub fn refer(&mut self, random: &mut Random) {
        self.set_query("ref", &random.word());
    }

    /// Sets a parameter of the query.
    pub fn set_query(&mut self, name: &str, value: &str) {
        match self.query.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => value.clone_into(old),
            None => self.query.push((name.into(), value.into())),
        }
    }

    /// The row.
    #[must_use]
    pub fn entry(&self) -> &'static Row {
        &ROWS[self.row]
    }

    /// The path.
    #[must_use]
    pub fn path(&self) -> String {
        self.entry().path(&self.params)
    }

    /// The resource.
    #[must_use]
    pub fn resource(&self) -> String {
        self.entry().resource(&self.params)
    }

    /// What follows the `?`, where there is one.
    #[must_use]
    pub fn query_text(&self) -> Option<String> {
        let parts: Vec<String> = self.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if parts.is_empty() { None } else { Some(parts.join("&")) }
    }

    /// The request target.
    #[must_use]
    pub fn target(&self) -> String {
        match self.query_text() {
            Some(query) => format!("{}?{query}", self.path()),
            None => self.path(),
        }
    }

    /// The body's bytes and media type.
    #[must_use]
    pub fn content(&self) -> Option<(Vec<u8>, &'static str)> {
        match &self.body {
            Body::None => None,
            Body::Json(members) => Some((Json::Object(members.clone()).jcs().into_bytes(), "application/json")),
            Body::Bytes(bytes) => Some((bytes.clone(), "application/octet-stream")),
        }
    }

    /// A member of the body.
    pub fn member(&mut self, name: &str) -> Option<&mut Json> {
        let Body::Json(members) = &mut self.body else { return None };
        members.iter_mut().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// Sets a member of the body; false where that is no object.
    pub fn set_member(&mut self, name: &str, value: Json) -> bool {
        let Body::Json(members) = &mut self.body else { return false };
        match members.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = value,
            None => members.push((name.into(), value)),
        }
        true
    }

    /// Takes a member of the body away.
    pub fn remove_member(&mut self, name: &str) {
        if let Body::Json(members) = &mut self.body {
            members.retain(|(known, _)| known != name);
        }
    }

    /// What it costs in cents, for a row that costs any.
    #[must_use]
    pub fn cents(&self) -> i64 {
        let Body::Json(members) = &self.body else { return 0 };
        let amount = members.iter().find(|(name, _)| self.entry().cents && name == "amount");
        match amount {
            Some((_, Json::Number(number))) => number.parse().unwrap(),
            _ => 0,
        }
    }
}
