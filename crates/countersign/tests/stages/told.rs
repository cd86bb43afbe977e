//! What each type tells of what it holds: the middleware, audits and the command line are built on it.

use countersign::checks::{ArgName, Argument, Arguments, Declarations, Scalar};
use countersign::json::Value;
use countersign::jsonrpc::mcp::Server;
use countersign::jsonrpc::{ENVELOPE, Message, SignMessage};
use countersign::request::{BodyDigest, BodyLength, Parts, SignRequest, SignedFields, fuzzing};
use countersign::token::{
    Check, CheckKind, Delegation, Expression, Grant, Predicate, Query, Restriction, Right, SealedToken, Term, binary_op,
};
use countersign::verify::{
    Approval, Approvals, Authenticated, Binding, Endpoint, IssuerKeys, IssuerKeysError, McpCharges, MemoryCharges,
    MemoryReplay, Operation, OperationEntry, OperationRecord, Operations, Proven, ReplayOutcome, ReplayStore as _,
    Revocations, UnsignedApproval, Verifier,
};
use countersign::{Class, Code};

use crate::{NOW, key};

const SERVICE: &str = "https://calendar.example.com";
const URL: &str = "https://calendar.example.com/calendars/primary?day=1";

fn grant() -> Grant {
    Grant::new("https://hub.example", "alice@example.com", "calendar-bot", key(2).public())
        .purpose("scheduling")
        .audience(SERVICE)
        .valid(NOW, NOW.plus(3600))
        .right(Right { r#type: "http", location: "/calendars", action: "POST" })
        .right(Right { r#type: "mcp_tool", location: "/calendar", action: "call" })
}

fn seal(grant: Grant) -> SealedToken {
    grant.sign(&key(1), &key(3)).unwrap().seal().unwrap()
}

fn verifier() -> Verifier {
    let builder = Verifier::builder().audience(SERVICE).audience("https://calendar.example.com/admin");
    let builder = builder.authority("Calendar.Example.com:443").authority("backup.example.com");
    builder.issuer("https://hub.example", [key(1).public()]).build().unwrap()
}

fn signed(token: &SealedToken, body: &[u8]) -> SignedFields {
    let request =
        SignRequest::new("POST", URL, token).created(NOW, vec![1; 16]).field("content-type", "application/json");
    request.body(body).sign(&key(2)).unwrap()
}

fn proven(fields: &SignedFields, body: BodyLength) -> Proven {
    let mut parts = Parts::new("POST", fields.target()).body(body);
    parts.extend(fields.iter().map(|(name, value)| (name, value.as_bytes())));
    verifier().check(&parts, NOW, &Revocations::default()).unwrap()
}

fn digest_of(proven: &Proven, body: &[u8]) -> BodyDigest {
    let mut hasher = proven.hasher();
    hasher.update(body);
    hasher.finish()
}

fn authenticated(token: &SealedToken, body: &[u8]) -> Authenticated {
    let proven = proven(&signed(token, body), BodyLength::Known(body.len() as u64));
    let digest = digest_of(&proven, body);
    proven.body(digest).unwrap().recorded(ReplayOutcome::New).unwrap()
}

#[test]
fn a_verifier_tells_its_configuration() {
    let verifier = verifier();
    assert_eq!(verifier.audiences().collect::<Vec<_>>(), ["https://calendar.example.com/admin", SERVICE]);
    assert_eq!(verifier.service("/admin/users"), Some("https://calendar.example.com/admin"));
    assert_eq!(verifier.service("/administration"), Some(SERVICE));
    let narrow = Verifier::builder().audience("https://a.example/api").authority("a.example");
    let narrow = narrow.issuer("https://hub.example", [key(1).public()]).build().unwrap();
    assert_eq!((narrow.service("/api/x"), narrow.service("/")), (Some("https://a.example/api"), None));
    assert_eq!(verifier.authorities().collect::<Vec<_>>(), ["calendar.example.com", "backup.example.com"]);
    assert_eq!(verifier.normalised_authority("BACKUP.example.com:443").as_deref(), Some("backup.example.com"));
    assert_eq!(verifier.normalised_authority("backup.example.com:8443").as_deref(), Some("backup.example.com:8443"));
    assert_eq!(verifier.normalised_authority("a b"), None);
    let issuers: Vec<_> = verifier.issuers().map(|(name, keys)| (name.to_owned(), keys.public())).collect();
    assert_eq!(issuers, [("https://hub.example".to_owned(), vec![key(1).public()])]);
}

#[test]
fn what_is_proven_tells_of_the_request() {
    let token = seal(grant());
    let fields = signed(&token, b"{\"a\":1}");
    assert!(proven(&fields, BodyLength::Known(7)).body_announced());
    assert!(!proven(&fields, BodyLength::Unknown).body_announced());
    let authenticated = authenticated(&token, b"{\"a\":1}");
    let http = authenticated.http().unwrap();
    assert_eq!((&*http.method, &*http.authority), ("POST", "calendar.example.com"));
    assert_eq!((&*http.path, http.query.as_deref()), ("/calendars/primary", Some("day=1")));
    assert_eq!(authenticated.service(), SERVICE);
    assert!(authenticated.reads_json());
    let charges = authenticated.map(&Operations::http(), b"{\"a\":1}", &Approvals::none()).unwrap();
    assert!(charges.is_empty() && !charges.unit_missing());
    let authorized = charges.uncharged().unwrap();
    assert_eq!((authorized.service(), authorized.at(), authorized.binding()), (SERVICE, NOW, Binding::Ed25519));
    assert_eq!(authorized.http().unwrap().path, "/calendars/primary");
    let covered: Vec<&str> = authorized.covered().collect();
    assert!(
        ["@method", "@path", "content-digest", "authorization"].iter().all(|name| covered.contains(name)),
        "{covered:?}"
    );
    assert_eq!(authorized.right().unwrap().location, "/calendars");
}

#[test]
fn what_was_decided_is_logged_without_what_the_request_says() {
    let body = br#"{"password":"secret-in-body"}"#;
    let map = |grant: Grant| {
        let url = "https://calendar.example.com/calendars/primary?key=secret-in-query";
        let token = seal(grant);
        let request = SignRequest::new("POST", url, &token).created(NOW, vec![1; 16]);
        let fields = request.field("content-type", "application/json").body(body).sign(&key(2)).unwrap();
        let proven = proven(&fields, BodyLength::Known(body.len() as u64));
        let digest = digest_of(&proven, body);
        let authenticated = proven.body(digest).unwrap().recorded(ReplayOutcome::New).unwrap();
        authenticated.map(&Operations::http(), body, &Approvals::none())
    };
    let charges = map(grant()).unwrap();
    let before = format!("{charges:?}");
    let authorized = charges.uncharged().unwrap();
    let shown = [before, format!("{authorized:?}"), format!("{:?}", authorized.operation())];
    let other = Restriction::ArgIs("/password".to_owned(), "another".into());
    let failed = map(grant().restriction(other)).unwrap_err();
    assert!(failed.refused().is_some());
    let asked = map(grant().approval("http", "POST", key(7).public())).unwrap_err();
    let (record, _) = asked.approval().unwrap();
    assert!(record.to_jcs().contains("secret-in-body"));
    let denied = [format!("{failed:?}"), format!("{asked:?}"), format!("{record:?}")];
    for shown in shown.iter().chain(&denied) {
        assert!(!shown.contains("secret"), "{shown}");
    }
    assert!(shown.iter().all(|shown| shown.contains("/password") && shown.contains("POST")), "{shown:?}");
}

// spec: VF-44, VF-48
#[test]
fn an_envelope_is_left_out_of_what_is_approved_only_where_it_is_the_proof() {
    let right = Right { r#type: "mcp_tool", location: "calendar/list_events", action: "call" };
    let token = seal(grant().right(right).approval("mcp_tool", "call", key(7).public()));
    let server = Server::new("calendar").unwrap();
    let message = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_events"}}"#;
    let message = Message::parse(message, 1024).unwrap();
    let message = SignMessage::new(message, SERVICE, &token).created(NOW, vec![5; 16]).sign(&key(2)).unwrap();
    let has_envelope = |authenticated: Authenticated| {
        let denial = authenticated.map_mcp(&server, &message, &Approvals::none()).unwrap_err();
        let (record, _) = denial.approval().unwrap();
        record.member("meta").and_then(Value::as_object).is_some_and(|meta| meta.member(ENVELOPE).is_some())
    };
    let own = verifier().check_rpc(&message, NOW, &Revocations::default()).unwrap();
    assert!(!has_envelope(own.recorded(ReplayOutcome::New).unwrap()));
    let chain = authenticated(&token, b"").chain().clone();
    let resumed = verifier().resume(chain, Binding::Hmac, (SERVICE, None), NOW, &Revocations::default()).unwrap();
    assert!(has_envelope(resumed), "nobody held it against the message");
}

#[test]
fn a_request_without_a_body_has_no_json() {
    let authenticated = authenticated(&seal(grant()), b"");
    assert!(!authenticated.reads_json());
    assert_eq!(authenticated.json(b"").unwrap(), None);
}

// spec: VF-34, VF-51
#[test]
fn charges_tell_whose_they_are_and_what_they_lack() {
    let charges =
        |grant: Grant| authenticated(&seal(grant), b"").map(&Operations::http(), b"", &Approvals::none()).unwrap();
    let own = charges(grant().budget("daily", "calls", 5, 0));
    assert!(!own.is_empty() && !own.unit_missing());
    assert_eq!(own.set().charges.len(), 1);
    assert!(own.set().charges.iter().all(|charge| charge.delegated.is_none()), "no quota for what issuers give");
    assert_eq!(own.operation().costs().collect::<Vec<_>>(), [("calls", 1)]);
    let other = charges(grant().budget("daily", "cents", 5, 0));
    assert!(other.unit_missing());
    let denial = other.charge_with(&MemoryCharges::insecure_without_epoch(), NOW).unwrap_err();
    assert_eq!((denial.stage(), denial.code()), (12, Code::BudgetExceeded));
}

#[test]
fn a_message_that_acts_on_nothing_tells_who_sent_it() {
    let token = seal(grant());
    let server = Server::new("calendar").unwrap();
    let message = Message::parse(br#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#, 1024).unwrap();
    let message = SignMessage::new(message, SERVICE, &token).created(NOW, vec![5; 16]).sign(&key(2)).unwrap();
    let claim = verifier().check_rpc(&message, NOW, &Revocations::default()).unwrap();
    let entry = claim.entry().clone();
    let McpCharges::Nothing(idle) = claim.defer().map_mcp(&server, &message, &Approvals::none()).unwrap() else {
        unreachable!("a listing acts on nothing")
    };
    assert_eq!((idle.service(), idle.at(), idle.covered().count()), (SERVICE, NOW, 0));
    assert_eq!(idle.owed_nonce(), Some(&entry), "its nonce is still to be recorded");
    assert_eq!(idle.chain().claims().user(), "alice@example.com");
    assert_eq!(idle.decision().binding.as_deref(), Some("jsonrpc"));
    // The same by HTTP, recorded.
    let fields = signed(&token, b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}");
    let body = b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}";
    let proven = proven(&fields, BodyLength::Known(body.len() as u64));
    let digest = digest_of(&proven, body);
    let authenticated = proven.body(digest).unwrap().recorded(ReplayOutcome::New).unwrap();
    let (charges, _) = authenticated
        .map_mcp_http(&Endpoint { path: "/".to_owned(), server, envelope: false }, body, &Approvals::none())
        .unwrap();
    let McpCharges::Nothing(idle) = charges else { unreachable!("a listing acts on nothing") };
    assert!(idle.covered().any(|name| name == "content-digest") && idle.owed_nonce().is_none());
}

// spec: JR-12
#[test]
fn a_message_can_be_held_to_one_service() {
    let token = seal(grant());
    let message = Message::parse(br#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#, 1024).unwrap();
    let message = SignMessage::new(message, SERVICE, &token).created(NOW, vec![5; 16]).sign(&key(2)).unwrap();
    let (verifier, view) = (verifier(), Revocations::default());
    assert!(verifier.check_rpc_for(SERVICE, &message, NOW, &view).is_ok());
    let denial = verifier.check_rpc_for("https://calendar.example.com/admin", &message, NOW, &view).unwrap_err();
    assert_eq!((denial.stage(), denial.code()), (5, Code::AudienceMismatch));
}

// spec: RQ-57, VF-44
#[test]
fn an_approval_tells_what_it_is_for_and_is_read_back() {
    let unsigned = || UnsignedApproval::new(key(7).public(), [8; 32], NOW, 60, [1; 16]).unwrap();
    let payload = unsigned().payload().to_vec();
    assert!(payload.starts_with(b"countersign-approval-v1\0{\"approver\":"));
    let approval = unsigned().complete(key(7).sign(&payload)).unwrap();
    assert_eq!(approval.to_text(), unsigned().sign(&key(7)).unwrap().to_text());
    let again = Approval::from_text(&approval.to_text()).unwrap();
    assert_eq!(
        (again.approver(), again.digest(), again.expires()),
        (&*key(7).public().id().to_string(), [8; 32], NOW.plus(60))
    );
    assert_eq!(again.to_text(), approval.to_text());
    let shown = format!("{again:?}");
    assert!(shown.starts_with("Approval") && !shown.contains(&approval.to_text()), "{shown}");
}

// spec: VF-41, VF-44
#[test]
fn a_record_is_read_back_and_nothing_else_is_one() {
    let authenticated = authenticated(&seal(grant()), b"{\"a\":1}");
    let Some(Value::Object(args)) = authenticated.json(b"{\"a\":1}").unwrap() else { unreachable!("an object") };
    let operation = Operation::new("http", "/calendars", "POST").with_args(args, &Declarations::default());
    let record = authenticated.record(&operation);
    let read = |text: &str| OperationRecord::from_json(Value::parse(text.as_bytes()).unwrap());
    let text = record.to_jcs();
    assert_eq!(read(&text).map(|record| (record.to_jcs(), record.digest())), Some((text.clone(), record.digest())));
    assert_eq!(record.member("resource").and_then(Value::as_str), Some("/calendars"));
    assert_eq!(record.member("nothing"), None);
    let members: Vec<&str> = record.members().map(|(name, _)| name).collect();
    assert_eq!(members.len(), 20, "{members:?}");
    assert!(record.members().all(|(name, value)| record.member(name) == Some(value)));
    let digest: String = record.digest().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(format!("{record:?}"), format!("OperationRecord({digest:?})"));
    for (from, to) in [
        ("\"issuer\":\"https://hub.example\"", "\"issuer\":null"),
        ("\"query\":\"day=1\"", "\"query\":1"),
        ("\"authority\":\"calendar.example.com\"", "\"authority\":[]"),
        ("\"args\":{\"a\":1}", "\"args\":[]"),
        ("\"content-type\":\"application/json\"", "\"content-type\":1"),
        ("\"name\":\"calendar-bot\"", "\"name\":1"),
        ("\"name\":\"calendar-bot\"", "\"name\":\"calendar-bot\",\"more\":1"),
        ("\"agents\":[", "\"agents\":[1,"),
        ("\"tool\":null,", ""),
        ("\"tool\":null,", "\"tool\":null,\"more\":null,"),
    ] {
        assert!(text.contains(from), "{text}");
        assert_eq!(read(&text.replace(from, to)), None, "{to}");
    }
}

#[test]
fn an_operation_tells_what_it_was_made_of() {
    let operation = Operation::new("email", "/mail", "send").tool("send_mail").cost("cents", 7);
    assert_eq!((operation.r#type(), operation.resource(), operation.action()), ("email", "/mail", "send"));
    assert_eq!(operation.tool_name(), Some("send_mail"));
    assert_eq!(operation.costs().collect::<Vec<_>>(), [("calls", 1), ("cents", 7)]);
    assert!(!operation.arguments().is_extracted());
    let operation = operation.free().without_arguments();
    assert!(operation.costs().next().is_none() && operation.arguments().is_extracted());
}

// spec: CK-33, CK-36
#[test]
fn arguments_tell_whether_a_check_would_err() {
    let name = |name: &str| ArgName { name: name.into(), ..ArgName::default() };
    let with = |names: &[ArgName]| {
        let mut arguments = Arguments::none();
        names.iter().for_each(|name| arguments.declare(name.clone()));
        arguments.has_unreadable()
    };
    assert!(Arguments::not_extracted().has_unreadable());
    assert!(!with(&[]) && !with(&[name("/a")]) && !with(&[ArgName { url: true, ..name("/a") }]));
    assert!(with(&[name("/a"), ArgName { poisoned: true, ..name("/b") }]));
    assert!(with(&[ArgName { presence_poisoned: true, ..name("/b") }]));
    // What is no URL matters where it is declared to be one.
    assert!(!with(&[ArgName { derived_poisoned: true, ..name("/b") }]));
    assert!(with(&[ArgName { derived_poisoned: true, url: true, ..name("/b") }]));
    assert!(with(&[ArgName { derived_poisoned: true, path: true, ..name("/b") }]));
    let mut arguments = Arguments::none();
    let given = |value: i64| Argument { name: "/n".into(), value: Scalar::Integer(value) };
    arguments.value(given(1));
    assert_eq!(arguments.only("/n"), Some(&Scalar::Integer(1)));
    arguments.value(given(1));
    assert_eq!(arguments.only("/n"), None, "two equal values are no one value");
    arguments.host("/u", "a.example");
    arguments.path("/p", "/a");
    let facts: Vec<_> = arguments.iter().map(|(predicate, name, _)| (predicate, name)).collect();
    assert_eq!(facts, [("arg", "/n"), ("arg_host", "/u"), ("arg_path", "/p")]);
}

#[test]
fn keys_of_an_issuer_are_one_set_for_all_handles() {
    let keys = IssuerKeys::new([key(1).public()]).unwrap();
    let (handle, other) = (keys.clone(), IssuerKeys::new([key(1).public()]).unwrap());
    assert!(handle.is_handle_of(&keys) && !other.is_handle_of(&keys));
    handle.replace([key(4).public()]).unwrap();
    assert_eq!(keys.public(), [key(4).public()]);
    assert!(format!("{keys:?}").contains(&key(4).public().to_string()));
    let many = (0..9).map(|n| key(n).public());
    assert_eq!(IssuerKeys::new(many).unwrap_err(), IssuerKeysError::TooMany);
}

#[test]
fn parts_tell_what_was_given() {
    let parts = Parts::new("POST", "/a?b").authority("a.example").body(BodyLength::Known(3));
    assert_eq!((parts.method(), parts.target(), parts.pseudo_authority()), ("POST", "/a?b", Some("a.example")));
    assert_eq!((parts.body_length(), parts.fields().len(), parts.token()), (BodyLength::Known(3), 0, None));
    let with = |fields: &[(&'static str, &'static [u8])]| {
        let mut parts = Parts::new("GET", "/");
        parts.extend(fields.iter().copied());
        (parts.token(), parts.fields().len())
    };
    assert_eq!(with(&[("Authorization", b"Countersign abc")]), (Some("abc"), 1));
    assert_eq!(with(&[("countersign-token", b"def"), ("x", b"y")]), (Some("def"), 2));
    assert_eq!(with(&[("authorization", b"Bearer x")]).0, None);
}

#[test]
fn fields_of_one_length_and_end_are_told_apart() {
    let token = seal(grant());
    let request = SignRequest::new("POST", URL, &token).created(NOW, vec![1; 16]);
    let fields = request.field("a-same-end", "one").field("b-same-end", "two").sign(&key(2)).unwrap();
    assert_eq!(proven(&fields, BodyLength::Known(0)).chain().claims().user(), "alice@example.com");
    let lines = [("a-same-end", "one"), ("b-same-end", "two"), ("A-Same-End", "three")];
    let base = fuzzing::signature_base("GET", "/", "a.example", &lines, &["a-same-end", "b-same-end"], "()").unwrap();
    let expected = "\"a-same-end\": one, three\n\"b-same-end\": two\n\"@signature-params\": ()";
    assert_eq!(String::from_utf8(base).unwrap(), expected);
}

// spec: TK-42
#[test]
fn a_delegation_is_signed_by_whoever_has_the_key() {
    let open = || grant().delegation_depth(1).sign(&key(1), &key(3)).unwrap();
    let unsigned = || open().delegate(&Delegation::to("sub-bot", key(5).public())).unwrap();
    let signature = key(2).sign(unsigned().payload());
    let there = unsigned().complete(signature, &key(6)).unwrap();
    assert_eq!(there.dangerous_text(), unsigned().sign(&key(2), &key(6)).unwrap().dangerous_text());
    assert_eq!(there.holder(), key(5).public());
}

#[test]
fn a_store_of_nonces_tells_how_many_it_has() {
    let store = MemoryReplay::insecure_without_epoch();
    assert!(store.is_empty());
    let proven = proven(&signed(&seal(grant()), b""), BodyLength::Known(0));
    let digest = digest_of(&proven, b"");
    let claim = proven.body(digest).unwrap();
    assert_eq!(store.record(claim.entry(), NOW), ReplayOutcome::New);
    assert!(!store.is_empty() && store.len() == 1);
}

// spec: VF-25
#[test]
fn declarations_are_of_names_that_there_can_be() {
    let entry = |change: fn(&mut OperationEntry)| {
        let mut entry = OperationEntry::new("POST", "/mail/{box}", "email", "/mail/{box}", "send");
        change(&mut entry);
        Operations::table([entry]).is_ok()
    };
    assert!(entry(|entry| entry.urls.extend(["/u".to_owned(), "path.box".to_owned(), "query.u".to_owned()])));
    for name in ["u", "paths.u", "quer"] {
        let mut entry = OperationEntry::new("POST", "/mail", "email", "/mail", "send");
        entry.urls.push(name.to_owned());
        assert!(Operations::table([entry]).is_err(), "{name}");
    }
    for (path, resource) in [
        ("/mail/{Box}", "/mail"),
        ("/mail/{a-b}", "/mail"),
        ("/mail/{}", "/mail"),
        ("/mail/{a}", "/mail/}{a}"),
        ("/mail/{a}", "/mail/{a}}"),
        ("/mail/{a}", "/mail/{b}"),
    ] {
        let entry = OperationEntry::new("POST", path, "email", resource, "send");
        assert!(Operations::table([entry]).is_err(), "{path} {resource}");
    }
    let names = OperationEntry::new("POST", "/{a_1}/{b2}", "email", "/{b2}/{a_1}", "send");
    let mapped = Operations::table([names]).unwrap().map("POST", "/x/y").unwrap();
    assert_eq!(mapped.resource(), "/y/x");
}

// spec: VF-40
#[test]
fn a_denial_by_checks_says_which_kind_it_is() {
    let denied = |restriction: Restriction| {
        let token = grant().sign(&key(1), &key(3)).unwrap().restrict(&[restriction], &key(4)).unwrap().seal().unwrap();
        let denial = authenticated(&token, b"").map(&Operations::http(), b"", &Approvals::none()).unwrap_err();
        (denial.code(), denial.detail())
    };
    let failed = denied(Restriction::Users(vec!["bob@example.com".into()]));
    assert_eq!(failed, (Code::CheckFailed, "a check did not pass"));
    let x = || Term::Variable("x".to_owned());
    let expression = Expression::binary(x(), binary_op::LESS_THAN, Term::Integer(5));
    let query = Query { predicates: vec![Predicate::new("user", [x()])], expressions: vec![expression] };
    let check = Check { kind: CheckKind::CheckIf, queries: vec![query] };
    assert_eq!(denied(Restriction::Check(check)), (Code::CheckError, "a check could not be evaluated"));
}

#[test]
fn the_class_of_a_code_is_told_by_a_denial() {
    let denial = proven(&signed(&seal(grant()), b""), BodyLength::Known(0)).trailers();
    assert_eq!((denial.code(), denial.class()), (Code::TrailerRejected, Class::InvalidRequestProof));
    assert!(denial.detail().starts_with(char::is_lowercase) && !denial.detail().ends_with('.'));
}
