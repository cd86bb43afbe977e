//! MCP at stage 11: the message says which operation it is (`spec/jsonrpc.md`).

use crate::code::Code;
use crate::denial::Denial;
use crate::jsonrpc::mcp::{self, Listing, Mapped, Server, fields_agree};
use crate::jsonrpc::{CALLER, Envelope, Message};
use crate::key::Signature;
use crate::time::UnixTime;
use crate::token::VerifiedChain;

use super::approval::Approvals;
use super::charges::Charges;
use super::decision::Decision;
use super::replay::NonceEntry;
use super::stages::Authenticated;

/// Where MCP is spoken over HTTP, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The raw path of the endpoint.
    pub path: String,
    /// The server behind it.
    pub server: Server,
    /// Whether the message in the body needs an envelope besides the signature of the request.
    pub envelope: bool,
}

/// What a message of MCP needs after stage 11.
#[derive(Debug)]
#[must_use]
pub enum McpCharges {
    /// It is an operation, which is allowed once its charges are taken.
    Operation(Box<Charges>),
    /// It acts on nothing: it is allowed, and charged nothing.
    Nothing(Box<Idle>),
}

/// A message that acts on nothing, by somebody whose proofs hold.
#[derive(Debug)]
#[must_use]
pub struct Idle(Authenticated);

impl Idle {
    /// Who asks, for whom, why and until when.
    pub fn chain(&self) -> &VerifiedChain {
        self.0.chain()
    }

    /// The audience under which the service was addressed.
    pub fn service(&self) -> &str {
        self.0.service()
    }

    /// The nonce that is still to be recorded, where recording it was put off.
    pub fn owed_nonce(&self) -> Option<&NonceEntry> {
        self.0.deferred.as_ref()
    }

    /// The decision, to be recorded: allow, without a right.
    pub fn decision(&self) -> Decision {
        Decision::without_right(self.chain().claims(), self.0.request.binding.as_str())
    }

    /// Whether the token would allow what an item of a listing stands for, by the item's key.
    // spec: JR-25
    pub fn shows(&self, server: &Server, listing: &Listing, key: &str) -> bool {
        listing.operation(server, key).is_some_and(|operation| self.0.would_list(&operation))
    }

    /// Names of the components and fields that the signature covers; none where it is over a message.
    pub fn covered(&self) -> impl Iterator<Item = &str> {
        self.0.request.covered.iter().map(String::as_str)
    }

    /// When it was verified.
    pub fn at(&self) -> UnixTime {
        self.0.request.now
    }
}

impl Authenticated {
    /// Stage 11 for a message of MCP.
    // spec: JR-18, JR-23
    pub fn map_mcp(self, server: &Server, message: &Message, approvals: &Approvals) -> Result<McpCharges, Denial> {
        let proof = self.request.enveloped;
        self.mapped(server, message, approvals, proof)
    }

    /// `proof`: whether the envelope of the message was held against the request.
    fn mapped(
        self,
        server: &Server,
        message: &Message,
        approvals: &Approvals,
        proof: bool,
    ) -> Result<McpCharges, Denial> {
        match mcp::map(message, server) {
            Ok(Mapped::Nothing) => Ok(McpCharges::Nothing(Box::new(Idle(self)))),
            Ok(Mapped::Operation(operation, arguments)) => {
                let declared = server.declared(message).cloned().unwrap_or_default();
                let operation = operation.of_message(arguments, &declared, message.signed_meta(proof));
                self.authorize(operation, approvals).map(|charges| McpCharges::Operation(Box::new(charges)))
            }
            Err(unmapped) => Err(self.denial(unmapped.code, unmapped.detail)),
        }
    }

    /// Stage 11 for a request to an endpoint of MCP: the operation is that of the body. `body` is all of it.
    // spec: JR-27, JR-28, JR-29
    pub fn map_mcp_http(
        self,
        endpoint: &Endpoint,
        body: &[u8],
        approvals: &Approvals,
    ) -> Result<(McpCharges, Option<Message>), Denial> {
        let method = self.request.http.as_ref().map(|http| http.method.as_str()).unwrap_or_default();
        if matches!(method, "GET" | "DELETE") && self.body_len() == 0 {
            return Ok((McpCharges::Nothing(Box::new(Idle(self))), None));
        }
        if method != "POST" || !self.request.form.plain_json {
            return Err(self.denial(Code::OperationUnmapped, "no operation of MCP for this method and media type"));
        }
        let Some(value) = self.json(body)? else {
            return Err(self.denial(Code::BodyAmbiguous, "no message in the body"));
        };
        let message = Message::shaped(value).map_err(|(code, detail)| self.denial(code, detail))?;
        // spec: JR-37
        if message.meta(CALLER).is_some() {
            return Err(self.denial(Code::BodyAmbiguous, "message says who asks, as only a verifier may"));
        }
        let fields = self.request.mcp.iter().map(|(name, value)| (name.as_str(), value.as_slice()));
        fields_agree(fields, &message).map_err(|unmapped| self.denial(unmapped.code, unmapped.detail))?;
        if endpoint.envelope {
            self.same_proof(&message)?;
        }
        let charges = self.mapped(&endpoint.server, &message, approvals, endpoint.envelope)?;
        Ok((charges, Some(message)))
    }

    // spec: JR-34
    fn same_proof(&self, message: &Message) -> Result<(), Denial> {
        let mismatch = |detail| self.denial(Code::HeaderBodyMismatch, detail);
        let envelope = Envelope::read(message, self.request.now)
            .map_err(|_| mismatch("the body has no envelope that could be verified"))?;
        let same = envelope.token == self.chain.text()
            && envelope.keyid == self.chain.holder_id().to_string()
            && envelope.service == self.request.service;
        if !same || envelope.nonce == self.request.nonce {
            return Err(mismatch("the request and the message in it are not by one proof each of one sender"));
        }
        let signature = envelope.signature.map(Signature::from_bytes);
        let holds = signature
            .is_some_and(|signature| self.chain.claims().holder().verify(&message.payload(), &signature).is_ok());
        if holds { Ok(()) } else { Err(mismatch("signature of the message does not verify")) }
    }
}
