//! Messages through the core.

use countersign::jsonrpc::Message;
use countersign::jsonrpc::mcp::Server;
use countersign::request::Message as HttpMessage;
use countersign::verify::{
    Approvals, ChargeStore as _, Decision, Endpoint, McpCharges, MemoryCharges, MemoryReplay, ReplayStore as _,
};
use countersign::{Denial, from_base64url};
use countersign_testkit::format_rpc::{RpcVector, Sent};
use countersign_testkit::runner::Answer;
use countersign_testkit::setup::Setup;

struct Service {
    setup: Setup,
    endpoint: Endpoint,
    replay: MemoryReplay,
    charges: MemoryCharges,
}

impl Service {
    fn of(vector: &RpcVector) -> Self {
        let mcp = &vector.input.mcp;
        Self {
            setup: Setup::with(&vector.input.config, vector.input.revoked.as_ref(), vector.input.now),
            endpoint: Endpoint {
                path: mcp.path.clone(),
                server: Server::new(&mcp.server).unwrap(),
                envelope: mcp.envelope,
            },
            replay: MemoryReplay::insecure_without_epoch(),
            charges: MemoryCharges::insecure_without_epoch(),
        }
    }

    fn decide(&self, sent: &Sent) -> Decision {
        let decided = match sent {
            Sent::Message(text) => self.message(&from_base64url(text).unwrap()),
            Sent::Request(text) => self.request(&from_base64url(text).unwrap()),
        };
        decided.unwrap_or_else(|denial| Decision::from(&denial))
    }

    fn message(&self, text: &[u8]) -> Result<Decision, Denial> {
        let Setup { verifier, revocations, now, .. } = &self.setup;
        let message = Message::parse(text, verifier.max_body())?;
        let claim = verifier.check_rpc(&message, *now, revocations)?;
        let outcome = self.replay.record(claim.entry(), *now);
        let authenticated = claim.recorded(outcome)?;
        self.charge(authenticated.map_mcp(&self.endpoint.server, &message, &Approvals::none())?)
    }

    fn request(&self, bytes: &[u8]) -> Result<Decision, Denial> {
        let Setup { verifier, revocations, now, .. } = &self.setup;
        let message = HttpMessage::parse(bytes).unwrap();
        let proven = verifier.check(message.parts(), *now, revocations)?;
        let mut hasher = proven.hasher();
        hasher.update(message.body());
        let claim = proven.body(hasher.finish())?;
        let outcome = self.replay.record(claim.entry(), *now);
        let authenticated = claim.recorded(outcome)?;
        assert_eq!(authenticated.http().unwrap().path, self.endpoint.path);
        self.charge(authenticated.map_mcp_http(&self.endpoint, message.body(), &Approvals::none())?.0)
    }

    fn charge(&self, charges: McpCharges) -> Result<Decision, Denial> {
        match charges {
            McpCharges::Nothing(idle) => Ok(idle.decision()),
            McpCharges::Operation(charges) if charges.is_empty() => {
                charges.uncharged().map(|allowed| allowed.decision())
            }
            McpCharges::Operation(charges) => {
                let outcome = self.charges.charge(charges.set(), self.setup.now);
                charges.charged(outcome).map(|allowed| allowed.decision())
            }
        }
    }
}

pub(crate) fn decide(vector: &RpcVector) -> Answer {
    let service = Service::of(vector);
    for before in &vector.input.before {
        let decision = service.decide(before);
        if decision.decision != "allow" {
            return Answer::Failed(format!("what came before it is {decision:?}"));
        }
    }
    Answer::Decision(serde_json::to_value(service.decide(&vector.input.sent)).unwrap())
}
