use super::*;

fn message(text: &str) -> Message {
    Message::parse(text.as_bytes(), 1 << 20).unwrap()
}

fn call(method: &str, params: &str) -> Result<Mapped, Code> {
    let text = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#);
    map(&message(&text), &Server::new("calendar").unwrap()).map_err(|unmapped| unmapped.code)
}

fn resource_of(method: &str, params: &str) -> Result<String, Code> {
    call(method, params).map(|mapped| match mapped {
        Mapped::Operation(operation, _) => operation.resource().to_owned(),
        Mapped::Nothing => String::new(),
    })
}

// spec: JR-18, JR-19, JR-20, JR-21, JR-23, JR-24
#[test]
fn maps_what_acts_and_refuses_what_it_does_not_know() {
    let ok = |text: &str| Ok(text.to_owned());
    for (method, params, expected) in [
        ("tools/call", r#"{"name":"send_email","arguments":{"to":"a"}}"#, ok("calendar/send_email")),
        ("tools/call", r#"{"name":"a","_meta":{}}"#, ok("calendar/a")),
        ("tools/call", r#"{"arguments":{}}"#, Err(Code::OperationUnmapped)),
        ("tools/call", r#"{"name":1}"#, Err(Code::OperationUnmapped)),
        ("tools/call", r#"{"name":"a","requestState":"x"}"#, Err(Code::OperationUnmapped)),
        ("tools/call", r#"{"name":"a","arguments":null}"#, Err(Code::BodyAmbiguous)),
        ("tools/call", r#"{"name":"a","arguments":[]}"#, Err(Code::BodyAmbiguous)),
        ("tools/call", r#"{"name":""}"#, Err(Code::ResourceInvalid)),
        ("tools/call", r#"{"name":"a/b"}"#, Err(Code::ResourceInvalid)),
        ("tools/call", r#"{"name":".."}"#, Err(Code::ResourceInvalid)),
        ("tools/call", r#"{"name":"a b"}"#, Err(Code::ResourceInvalid)),
        ("prompts/get", r#"{"name":"brief","arguments":{}}"#, ok("brief")),
        ("resources/read", r#"{"uri":"file:///a"}"#, ok("calendar/file/-/a")),
        ("resources/read", r#"{"uri":"file:///a","arguments":{}}"#, Err(Code::OperationUnmapped)),
        ("tools/list", "{}", ok("")),
        ("notifications/initialized", "{}", ok("")),
        ("notifications/elicitation/response", "{}", Err(Code::OperationUnmapped)),
        ("completion/complete", "{}", Err(Code::OperationUnmapped)),
        ("resources/subscribe", r#"{"uri":"file:///a"}"#, Err(Code::OperationUnmapped)),
        ("Tools/call", r#"{"name":"a"}"#, Err(Code::OperationUnmapped)),
    ] {
        assert_eq!(resource_of(method, params), expected, "{method} {params}");
    }
}

// spec: JR-22
#[test]
fn each_uri_has_its_own_resource_or_none() {
    for (uri, expected) in [
        ("file:///notes/a.md", Some("calendar/file/-/notes/a.md")),
        ("https://wiki.example/x", Some("calendar/https/wiki.example/x")),
        ("https://wiki.example:8443/x", Some("calendar/https/wiki.example:8443/x")),
        ("memo://today", Some("calendar/memo/today")),
        ("memo://today/", Some("calendar/memo/today/")),
        ("memo://", Some("calendar/memo/-")),
        ("memo://-/x", None),
        ("memo:today", None),
        ("Memo://today", None),
        ("memo://Today", None),
        ("https://a@wiki.example/x", None),
        ("https://wiki.example/x?y", None),
        ("https://wiki.example/x#y", None),
        ("https://wiki.example/a/../b", None),
        ("https://wiki.example//b", None),
        ("https://wiki.example/%2e%2e/b", None),
        ("https://wiki.example/a\\b", None),
        ("https://[::1]/x", None),
        ("://a/b", None),
        ("1a://a/b", None),
    ] {
        assert_eq!(resource(&Server::new("calendar").unwrap(), uri).as_deref(), expected, "{uri}");
    }
}

#[test]
fn a_server_is_named_by_one_segment() {
    for bad in ["", ".", "..", "a/b", "/a", "a b", "%41"] {
        assert_eq!(Server::new(bad), Err(InvalidServer), "{bad}");
    }
}

#[test]
fn a_declaration_that_could_match_nothing_is_refused() {
    let declare = |name: &str, digits: u8| {
        let scales = [(name.to_owned(), digits)].into();
        Server::new("pay").unwrap().declare("pay", Declarations { scales, ..Declarations::default() })
    };
    assert!(declare("/amount", 2).is_ok());
    for (name, digits) in [("amount", 2), ("query.amount", 2), ("path.amount", 2), ("/amount", 16)] {
        assert_eq!(declare(name, digits), Err(OperationError::Declaration), "{name} {digits}");
    }
    let both = Declarations { urls: vec!["/to".to_owned()], paths: vec!["/to".to_owned()], ..Declarations::default() };
    assert_eq!(Server::new("pay").unwrap().declare("pay", both), Err(OperationError::Declaration));
}

// spec: JR-30, JR-31, JR-32, JR-33
#[test]
fn fields_that_say_something_else_than_the_body_are_refused() {
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"send_email","arguments":{"to":"a","n":3,
        "deep":{"yes":true}},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#;
    let list = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    let read = r#"{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"file:///ü"}}"#;
    type Fields = &'static [(&'static str, &'static str)];
    let fields: [(&str, Fields, bool); 17] = [
        (call, &[("Mcp-Method", "tools/call"), ("mcp-name", " send_email ")], true),
        (call, &[("Mcp-Method", "tools/list")], false),
        (call, &[("Mcp-Method", "tools/call"), ("Mcp-Method", "tools/call")], false),
        (call, &[("Mcp-Name", "list_events")], false),
        (call, &[("Mcp-Name", "=?base64?c2VuZF9lbWFpbA==?=")], true),
        (call, &[("Mcp-Name", "=?base64?c2VuZF9lbWFpbA?=")], false),
        (call, &[("Mcp-Protocol-Version", "2026-07-28")], true),
        (call, &[("Mcp-Protocol-Version", "2025-11-25")], false),
        (list, &[("Mcp-Protocol-Version", "2025-11-25")], true),
        (list, &[("Mcp-Name", "send_email")], false),
        (list, &[("Mcp-Param-To", "a")], false),
        (call, &[("Mcp-Param-To", "a"), ("Mcp-Param-N", "3"), ("Mcp-Param-Yes", "true")], true),
        (call, &[("Mcp-Param-To", "b")], false),
        (call, &[("Mcp-Session-Id", "any")], true),
        (call, &[("X-Mcp-Name", "any")], true),
        (read, &[("Mcp-Name", "=?base64?ZmlsZTovLy/DvA==?=")], true),
        (read, &[("Mcp-Name", "file:///u")], false),
    ];
    for (text, fields, expected) in fields {
        let agreed = fields_agree(fields.iter().map(|(name, value)| (*name, value.as_bytes())), &message(text));
        assert_eq!(agreed.is_ok(), expected, "{fields:?}");
    }
}
