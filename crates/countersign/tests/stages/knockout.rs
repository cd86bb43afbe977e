//! What no vector can show and no other test did: found by `test-vectors/knockout`.

use countersign::jsonrpc::mcp::{self, Listing, Server};
use countersign::jsonrpc::{Message, SignMessage};
use countersign::key::PublicKey;
use countersign::rar::AuthorizationDetails;
use countersign::request::{BodyLength, Parts, SignRequest, SignedFields};
use countersign::revocation::{Entries, RevocationLists, UnsignedList};
use countersign::time::UnixTime;
use countersign::token::{
    Check, CheckKind, Expression, Grant, Op, Predicate, Query, Restriction, Right, SealedToken, Term, UnverifiedToken,
    binary_op, unary_op,
};
use countersign::verify::{
    Approvals, Authenticated, Binding, ChargeOutcome, Endpoint, HttpFacts, McpCharges, MemoryReplay, NonceClaim,
    NonceEntry, Operation, Operations, Proven, ReplayOutcome, ReplayStore, RevocationView, Revocations,
    UnsignedApproval, Verifier,
};
use countersign::{Class, Code};

use crate::{NOW, Stale, key};

const SERVICE: &str = "https://calendar.example.com";

fn grant() -> Grant {
    Grant::new("https://hub.example", "alice@example.com", "calendar-bot", key(2).public())
        .purpose("scheduling")
        .audience(SERVICE)
        .valid(NOW, NOW.plus(3600))
        .right(Right { r#type: "http", location: "/calendars", action: "GET" })
}

fn seal(grant: Grant, issuer: u8) -> SealedToken {
    grant.sign(&key(issuer), &key(3)).unwrap().seal().unwrap()
}

fn verifier() -> Verifier {
    let builder = Verifier::builder().audience(SERVICE).authority("calendar.example.com");
    builder.issuer("https://hub.example", [key(1).public()]).build().unwrap()
}

fn signed(token: &SealedToken) -> SignedFields {
    let url = "https://calendar.example.com/calendars/primary";
    SignRequest::new("GET", url, token).created(NOW, vec![1; 16]).sign(&key(2)).unwrap()
}

fn check<R: RevocationView>(fields: &SignedFields, view: &R) -> Result<Proven, countersign::Denial> {
    let mut parts = Parts::new("GET", fields.target());
    parts.extend(fields.iter().map(|(name, value)| (name, value.as_bytes())));
    verifier().check(&parts, NOW, view)
}

fn proven(token: &SealedToken) -> Proven {
    check(&signed(token), &Revocations::default()).unwrap()
}

fn claim(token: &SealedToken) -> NonceClaim {
    let proven = proven(token);
    let hasher = proven.hasher();
    proven.body(hasher.finish()).unwrap()
}

// spec: VF-50
#[test]
fn a_forged_token_is_not_told_that_the_view_is_stale() {
    let told = |issuer| {
        let denial = check(&signed(&seal(grant(), issuer)), &Stale).unwrap_err();
        (denial.code(), denial.class())
    };
    assert_eq!(told(1), (Code::RevocationStale, Class::Unavailable));
    assert_eq!(told(9), (Code::RevocationStale, Class::InvalidToken));
}

// spec: RQ-51
#[test]
fn a_body_that_can_not_be_held_is_told_so() {
    let denial = proven(&seal(grant(), 1)).unheld("no room for the body");
    assert_eq!((denial.stage(), denial.code(), denial.class()), (9, Code::StoreUnavailable, Class::Unavailable));
}

// spec: VF-47
#[test]
fn a_nonce_that_is_carried_on_is_recorded_with_the_charges_or_owed() {
    let token = seal(grant().budget("daily", "calls", 1, 0), 1);
    let entry = claim(&token).entry().clone();
    let charges = claim(&token).defer().map(&Operations::http(), b"", &Approvals::none()).unwrap();
    assert_eq!(charges.set().nonce.as_ref(), Some(&entry));
    // Refused at stage 11, and at stage 12 without a store: it is still to be recorded.
    let nothing = Operations::table([]).unwrap();
    let unmapped = claim(&token).defer().map(&nothing, b"", &Approvals::none()).unwrap_err();
    assert_eq!((unmapped.code(), unmapped.owed_nonce()), (Code::OperationUnmapped, Some(&entry)));
    assert_eq!(charges.uncharged().unwrap_err().owed_nonce(), Some(&entry));
    let at_once = claim(&token).recorded(ReplayOutcome::New).unwrap();
    assert_eq!(at_once.map(&nothing, b"", &Approvals::none()).unwrap_err().owed_nonce(), None);
}

// spec: VF-48
#[test]
fn nobody_approved_a_body_that_nobody_saw() {
    let token = seal(grant().approval("http", "GET", key(7).public()), 1);
    let chain = proven(&token).chain().clone();
    let resumed = || {
        let path = "/calendars/primary".to_owned();
        let http =
            HttpFacts { method: "GET".to_owned(), authority: "calendar.example.com".to_owned(), path, query: None };
        let at = (SERVICE, Some(http));
        verifier().resume(chain.clone(), Binding::Hmac, at, NOW, &Revocations::default()).unwrap()
    };
    let operation = Operation::new("http", "/calendars/primary", "GET");
    let digest = resumed().record(&operation).digest();
    let approval = UnsignedApproval::new(key(7).public(), digest, NOW, 60, [1; 16]).unwrap().sign(&key(7)).unwrap();
    let denial = resumed().authorize(operation, &Approvals::recorded([approval])).unwrap_err();
    assert_eq!((denial.stage(), denial.code()), (11, Code::ApprovalRequired));
}

// spec: JR-15, VF-20
#[test]
fn the_nonce_of_a_message_is_kept_as_that_of_a_request() {
    let token = seal(grant(), 1);
    let message = Message::parse(br#"{"jsonrpc":"2.0","method":"ping"}"#, 1 << 20).unwrap();
    let message = SignMessage::new(message, SERVICE, &token).created(NOW, vec![1; 16]).sign(&key(2)).unwrap();
    let claim = verifier().check_rpc(&message, NOW, &Revocations::default()).unwrap();
    assert_eq!(claim.entry().keep_until, NOW.plus(60 + 61));
    let store = MemoryReplay::insecure_without_epoch();
    assert_eq!(store.record(claim.entry(), NOW), ReplayOutcome::New);
    assert_eq!(store.record(claim.entry(), NOW.plus(90)), ReplayOutcome::Seen);
}

// spec: VF-47
#[test]
fn a_nonce_that_was_not_new_at_stage_12_is_told_as_at_stage_10() {
    let token = seal(grant().budget("daily", "calls", 1, 0), 1);
    let charges = claim(&token).defer().map(&Operations::http(), b"", &Approvals::none()).unwrap();
    let denial = charges.charged(ChargeOutcome::Replayed).unwrap_err();
    assert_eq!((denial.stage(), denial.code()), (10, Code::Replayed));
}

// spec: RQ-59
#[test]
fn the_use_of_an_approval_is_kept_past_its_end() {
    let token = seal(grant().approval("http", "GET", key(7).public()), 1);
    let operation = Operation::new("http", "/calendars/primary", "GET").without_arguments();
    let authenticated = claim(&token).recorded(ReplayOutcome::New).unwrap();
    let digest = authenticated.record(&operation).digest();
    let approval = UnsignedApproval::new(key(7).public(), digest, NOW, 60, [1; 16]).unwrap().sign(&key(7)).unwrap();
    let charges = authenticated.authorize(operation, &Approvals::recorded([approval])).unwrap();
    let kept: Vec<UnixTime> = charges.set().approvals.iter().map(|used| used.keep_until).collect();
    assert_eq!(kept, [NOW.plus(60 + 61)]);
}

// spec: VF-21
#[test]
fn a_full_store_of_nonces_refuses() {
    let store = MemoryReplay::insecure_without_epoch().with_room(16, 1 << 10);
    let first = claim(&seal(grant(), 1)).entry().clone();
    let second = NonceEntry { nonce: vec![2; 16], ..first.clone() };
    assert_eq!(store.record(&first, NOW), ReplayOutcome::New);
    assert_eq!(store.record(&second, NOW), ReplayOutcome::Unavailable);
    assert_eq!(store.record(&first, NOW), ReplayOutcome::Seen);
}

/// Stages 1 to 10 of a POST with this body.
fn posted(grant: Grant, query: &str, fields: &[(&str, &str)], body: &[u8]) -> Authenticated {
    let token = seal(grant.right(Right { r#type: "http", location: "/calendars", action: "POST" }), 1);
    let url = ["https://calendar.example.com/calendars/primary", query].concat();
    let mut request = SignRequest::new("POST", &url, &token).created(NOW, vec![1; 16]);
    for (name, value) in fields {
        request = request.field(name, value);
    }
    let fields = request.field("content-type", "application/json").body(body).sign(&key(2)).unwrap();
    let mut parts = Parts::new("POST", fields.target()).body(BodyLength::Known(body.len() as u64));
    parts.extend(fields.iter().map(|(name, value)| (name, value.as_bytes())));
    let proven = verifier().check(&parts, NOW, &Revocations::default()).unwrap();
    let mut hasher = proven.hasher();
    hasher.update(body);
    proven.body(hasher.finish()).unwrap().recorded(ReplayOutcome::New).unwrap()
}

fn mapped(grant: Grant, query: &str, body: &str) -> Option<Code> {
    let authenticated = posted(grant, query, &[], body.as_bytes());
    authenticated.map(&Operations::http(), body.as_bytes(), &Approvals::none()).err().map(|denial| denial.code())
}

// spec: CK-33, CK-43
#[test]
fn names_are_counted_before_equal_ones_are_left_out() {
    let narrowed = || grant().restriction(Restriction::ArgAbsent("/nothing".to_owned()));
    let query = ["?", &"x&".repeat(1000)].concat();
    let members = |count: usize| {
        let members: Vec<String> = (0..count).map(|name| format!("\"{name}\":{{}}")).collect();
        ["{", &members.join(","), "}"].concat()
    };
    assert_eq!(mapped(narrowed(), query.trim_end_matches('&'), &members(24)), None);
    assert_eq!(mapped(narrowed(), query.trim_end_matches('&'), &members(25)), Some(Code::CheckError));
}

// spec: CK-27, CK-31
#[test]
fn sets_cost_what_their_elements_do() {
    let set = || Op::Value(Term::Set((0..128).map(Term::Integer).collect()));
    let code = |op: i32, values: usize| {
        let value = Predicate::new("arg", ["/a".into(), Term::Variable("value".to_owned())]);
        let expression = Expression(vec![set(), set(), Op::Binary(op), Op::Unary(unary_op::NEGATE)]);
        let query = Query { predicates: vec![value], expressions: vec![expression] };
        let check = Check { kind: CheckKind::RejectIf, queries: vec![query] };
        let values: Vec<String> = (0..values).map(|value| value.to_string()).collect();
        mapped(grant().restriction(Restriction::Check(check)), "", &format!("{{\"a\":[{}]}}", values.join(",")))
    };
    // For each value an offer, four operations, and 128 × 128 or 128.
    assert_eq!(code(binary_op::CONTAINS, 6), None);
    assert_eq!(code(binary_op::CONTAINS, 7), Some(Code::LimitExceeded));
    assert_eq!(code(binary_op::EQUAL, 751), None);
    assert_eq!(code(binary_op::EQUAL, 752), Some(Code::LimitExceeded));
}

fn endpoint() -> Endpoint {
    Endpoint { path: "/calendars/primary".to_owned(), server: Server::new("calendar").unwrap(), envelope: false }
}

fn mcp(body: &str, fields: &[(&str, &str)]) -> Option<Code> {
    let rights = grant().right(Right { r#type: "mcp_tool", location: "calendar", action: "call" }).right(Right {
        r#type: "mcp_prompt",
        location: "plan",
        action: "get",
    });
    let authenticated = posted(rights, "", fields, body.as_bytes());
    authenticated.map_mcp_http(&endpoint(), body.as_bytes(), &Approvals::none()).err().map(|denial| denial.code())
}

// spec: JR-33
#[test]
fn a_parameter_in_a_field_is_that_of_a_tool() {
    let field = [("mcp-param-day", "today")];
    let call = |method: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{"name":"plan","arguments":{{"day":"today"}}}}}}"#
        )
    };
    assert_eq!(mcp(&call("tools/call"), &field), None);
    assert_eq!(mcp(&call("prompts/get"), &[]), None);
    assert_eq!(mcp(&call("prompts/get"), &field), Some(Code::HeaderBodyMismatch));
}

// spec: JR-29
#[test]
fn a_post_without_a_message_is_no_message() {
    assert_eq!(mcp("", &[]), Some(Code::BodyAmbiguous));
}

// spec: JR-22
#[test]
fn a_uri_has_a_scheme_in_lower_case() {
    let read = |uri: &str| {
        let text = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{{"uri":"{uri}"}}}}"#);
        mcp::map(&Message::parse(text.as_bytes(), 1 << 20).unwrap(), &Server::new("calendar").unwrap())
            .err()
            .map(|unmapped| unmapped.code)
    };
    assert_eq!(read("memo+x://today"), None);
    assert_eq!(read("meMo://today"), Some(Code::ResourceInvalid));
    assert_eq!(read("me_mo://today"), Some(Code::ResourceInvalid));
}

// spec: JR-25
#[test]
fn a_listing_shows_what_the_token_allows() {
    let idle = |restriction: Option<Restriction>| {
        let grant = grant().right(Right { r#type: "mcp_tool", location: "calendar", action: "call" });
        let token = restriction.into_iter().fold(grant, Grant::restriction);
        let message = Message::parse(br#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#, 1 << 20).unwrap();
        let server = Server::new("calendar").unwrap();
        let authenticated = claim(&seal(token, 1)).recorded(ReplayOutcome::New).unwrap();
        let McpCharges::Nothing(idle) = authenticated.map_mcp(&server, &message, &Approvals::none()).unwrap() else {
            unreachable!("a listing acts on nothing")
        };
        idle
    };
    let tools = Listing::of("tools/list").unwrap();
    let shows =
        |restriction, server: &str| idle(restriction).shows(&Server::new(server).unwrap(), &tools, "list_events");
    assert!(shows(None, "calendar"));
    assert!(!shows(None, "mail"), "no right covers it");
    assert!(!shows(Some(Restriction::Tools(vec!["other".to_owned()])), "calendar"), "a check fails");
    // A listing has no arguments to look at.
    assert!(shows(Some(Restriction::ArgAtMost("/n".to_owned(), 5)), "calendar"));
    assert_eq!(Listing::of("resources/list").map(|listing| listing.member()), Some("resources"));
    assert_eq!(Listing::of("prompts/list").map(|listing| listing.member()), Some("prompts"));
    assert!(Listing::of("resources/templates/list").is_none());
}

// spec: TK-2
#[test]
fn a_token_of_more_than_5_kib_is_not_read() {
    let code = |length: usize| UnverifiedToken::from_bytes(vec![0; length]).err().map(|error| error.code());
    assert_eq!(code(5120), Some(Code::TokenMalformed));
    assert_eq!(code(5121), Some(Code::LimitExceeded));
}

// spec: TK-49
#[test]
fn a_key_has_its_prefix() {
    let text = key(1).public().to_string();
    assert_eq!(text.parse(), Ok(key(1).public()));
    assert!(text.trim_start_matches("ed25519/").parse::<PublicKey>().is_err());
}

// spec: CK-41
#[test]
fn a_location_that_ends_in_a_slash_is_no_resource_under() {
    let resource = |op: i32, text: &str| {
        let variable = || Term::Variable("resource".to_owned());
        let expression = Expression(vec![Op::Value(variable()), Op::Value(text.into()), Op::Binary(op)]);
        Query { predicates: vec![Predicate::new("resource", [variable()])], expressions: vec![expression] }
    };
    let check = |location: &str| {
        let beneath = [location, "/"].concat();
        let queries = vec![resource(binary_op::EQUAL, location), resource(binary_op::PREFIX, &beneath)];
        Check { kind: CheckKind::CheckIf, queries }
    };
    assert_eq!(Restriction::recognise(&[check("/a")]), [Restriction::ResourceUnder("/a".to_owned())]);
    assert_eq!(Restriction::recognise(&[check("/a/")]), [Restriction::Check(check("/a/"))]);
}

// spec: RA-28
#[test]
fn what_would_have_been_enough_says_nothing_of_purpose_and_duration() {
    let details = AuthorizationDetails::sufficient(&Operation::new("calendar", "/a", "read"), SERVICE).unwrap();
    let json = r#"[{"actions":["read"],"locations":["https://calendar.example.com/a"],"type":"calendar"}]"#;
    assert_eq!(details.to_json(), json);
}

// spec: RQ-4, RQ-10, RQ-11, RQ-15
#[test]
fn framing_that_no_vector_can_write_is_refused() {
    let token = seal(grant(), 1);
    let fields = signed(&token);
    let code = |method: &'static str, more: &[(&'static str, &'static str)]| {
        let mut parts = Parts::new(method, fields.target()).authority("calendar.example.com");
        parts.extend(fields.iter().filter(|(name, _)| *name != "host").map(|(name, value)| (name, value.as_bytes())));
        parts.extend(more.iter().map(|(name, value)| (*name, value.as_bytes())));
        let denial = verifier().check(&parts, NOW, &Revocations::default()).err();
        denial.map(|denial| (denial.stage(), denial.code()))
    };
    let malformed = Some((1, Code::HeaderMalformed));
    assert_eq!(code("GET", &[]), None);
    assert_eq!(code("", &[]), malformed);
    assert_eq!(code("GET", &[("content-length", "0")]), None);
    assert_eq!(code("GET", &[("content-length", "")]), malformed);
    assert_eq!(code("GET", &[("content-length", "0x0")]), malformed);
    assert_eq!(code("GET", &[("transfer-encoding", "Chunked")]), None);
    assert_eq!(code("GET", &[("transfer-encoding", "gzip")]), malformed);
    assert_eq!(code("GET", &[("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")]), malformed);
    assert_eq!(code("GET", &[("host", "calendar.example.com")]), None);
    assert_eq!(code("GET", &[("host", "calendar example com")]), Some((1, Code::AuthorityAmbiguous)));
}

fn list(number: u64, fill: impl FnOnce(&mut Entries)) -> String {
    let mut entries = Entries::default();
    fill(&mut entries);
    let list = UnsignedList::new("https://hub.example", number, NOW, NOW.plus(3600), entries).unwrap();
    list.sign(&key(9)).unwrap().text().to_owned()
}

// spec: RV-13, RV-17
#[test]
fn a_list_is_made_in_order_and_takes_the_place_of_the_one_before() {
    let mut view = RevocationLists::default().issuer("https://hub.example", [key(9).public()]);
    let unordered = list(1, |entries| {
        ["b", "a", "b"].into_iter().for_each(|grant| entries.revoke_grant(grant));
        [2, 1, 2].into_iter().for_each(|id| entries.revoke_block([id; 16]));
    });
    assert!(view.apply("https://hub.example", &unordered, NOW).is_ok());
    assert!(view.block_revoked("https://hub.example", &[1; 16]));
    view.apply("https://hub.example", &list(2, |entries| entries.revoke_block([2; 16])), NOW).unwrap();
    assert!(!view.block_revoked("https://hub.example", &[1; 16]));
    assert!(view.block_revoked("https://hub.example", &[2; 16]));
}
