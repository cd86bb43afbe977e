//! Why the operation was refused: nonce, right, checks, approvals, budgets (stages 10 to 12).

use countersign::token::{Check, Claims, Right, Term};
use countersign::verify::{Charge, Operation, covers, is_valid_resource};
use countersign::{Code, Denial};

use super::Why;
use super::case::{Case, operation, shown};
use super::token::setter;
use crate::sentences::{any, list, restrictions, span};
use crate::text::visible;

/// Stage 10.
pub(super) fn nonce(code: Code) -> Option<Why> {
    Some(match code {
        Code::Replayed => Why::new("a nonce that this key did not use before")
            .seen("the holder's key and the nonce are in the replay store")
            .sender("sign again: each request has a nonce of its own, a repeated one too"),
        Code::StoreUnavailable => Why::new("a replay store that answers, has room, and remembers since before created")
            .seen("the store can't take the nonce")
            .operator("see to the replay store; after a start, requests signed before it are refused"),
        _ => return None,
    })
}

/// Stage 11.
pub(super) fn authority(case: &Case<'_>, denial: &Denial) -> Option<Why> {
    match denial.code() {
        Code::OperationUnmapped if case.mcp.is_some() => Some(no_message(case, denial)),
        Code::OperationUnmapped => Some(unmapped(case)),
        // The message names no resource that could be looked at.
        Code::ResourceInvalid if denial.refused().is_none() => Some(
            Why::new("a tool or prompt whose name is one segment of a resource; a URI such as memo://a/b")
                .seen(denial.detail())
                .sender("name one tool or prompt by one segment, without a slash, or a resource by a plain URI"),
        ),
        Code::ResourceInvalid => Some(invalid(case, denial)),
        Code::RightMissing => right(case, denial),
        Code::CheckFailed | Code::CheckError | Code::LimitExceeded => check(case, denial),
        Code::ApprovalRequired => approval(denial),
        Code::ApprovalInvalid => Some(
            Why::new("a valid approval for this very operation, by an approver that the token names")
                .seen(denial.detail())
                .sender("have the operation approved again, as it is sent"),
        ),
        Code::HeaderBodyMismatch => Some(
            Why::new("fields and body that name the same method, tool and proof")
                .seen("a field and the body, or two proofs, name different things")
                .sender("make the fields from the body that is sent"),
        ),
        Code::BatchRejected => Some(
            Why::new("one JSON-RPC request in a body").seen("the body is a batch").sender("send each call by itself"),
        ),
        Code::BodyAmbiguous => Some(
            Why::new("a body and parameters that every parser reads alike")
                .seen(denial.detail())
                .sender("send each argument once, in JSON without repeated keys"),
        ),
        _ => None,
    }
}

fn unmapped(case: &Case<'_>) -> Why {
    let (method, (path, _)) = (case.message.parts().method(), case.target());
    let routes: Vec<(&str, String)> = case.operations.routes().into_iter().flatten().collect();
    // The verifier's own mapping says which other methods the path has.
    let mut methods: Vec<&str> = Vec::new();
    for (other, _) in &routes {
        if !methods.contains(other) && case.operations.map(other, path).is_some() {
            methods.push(other);
        }
    }
    let near = match methods.is_empty() {
        true => {
            let table = routes.iter().take(12).map(|(method, path)| format!("{} {}", shown(method), shown(path)));
            let more = routes.len().saturating_sub(12);
            let more = if more > 0 { format!(", and {more} more") } else { String::new() };
            format!("the table has {}{more}", list(table, "and"))
        }
        false => format!("the path is known, with the method {}", any(methods.into_iter().map(shown))),
    };
    Why::new("an entry under [[operations]] with this method and a path that fits, segment by segment")
        .seen(format!("the request is {} {}", shown(method), shown(path)))
        .seen(near)
        .sender("send one of the service's requests; a slash at the end counts, and the method is compared in its case")
        .operator(
            "where this request is meant to be served, add it under [[operations]]; a wide entry lets more through",
        )
}

/// At the endpoint of MCP.
fn no_message(case: &Case<'_>, denial: &Denial) -> Why {
    let (method, (path, _)) = (case.message.parts().method(), case.target());
    let r#type = case.lines("content-type").next().map(|line| shown(&String::from_utf8_lossy(line)));
    Why::new("a POST of application/json with one message of a method that MCP maps, and of parameters that it names")
        .seen(denial.detail())
        .seen(format!(
            "the request is {} {} with {}",
            shown(method),
            shown(path),
            r#type.map_or_else(|| "no Content-Type".to_owned(), |r#type| format!("the type {type}"))
        ))
        .sender("send one of the messages of MCP that act on tools, prompts or resources, or on nothing")
        .operator("where this path is not the endpoint of MCP, correct it under [mcp]")
}

fn invalid(case: &Case<'_>, denial: &Denial) -> Why {
    let (path, _) = case.target();
    let resource = denial.refused().map(|(operation, _)| operation.resource());
    let mut why = Why::new(
        "segments that are not empty, `.` or `..`; letters, digits and -._~!$&'()*+,=:@ as they are; anything else \
            as upper-case \
         percent escapes of UTF-8, and never an escaped slash, percent, backslash, semicolon or control character",
    );
    for (what, text) in [("path", Some(path)), ("resource", resource)] {
        let Some(text) = text.filter(|text| !is_valid_resource(text)) else { continue };
        why = why.seen(format!("the {what} is {}", shown(text)));
        let segments = text.strip_prefix('/').unwrap_or(text).split('/');
        let bad = segments.filter(|segment| !is_valid_resource(&["/", segment].concat()) || segment.is_empty());
        why = why.all(bad.take(4).map(|segment| match segment {
            "" => "a segment is empty".to_owned(),
            segment => format!("the segment {} is outside the grammar", shown(segment)),
        }));
    }
    why.sender("write the path in that form before it is signed").operator(
        "where the resource is at fault and the path is not, correct the entry's resource under [[operations]]",
    )
}

fn right(case: &Case<'_>, denial: &Denial) -> Option<Why> {
    let (wanted, claims) = (denial.refused()?.0, denial.chain()?.claims());
    let mut rights: Vec<(usize, Right<'_>)> = claims.rights().map(|right| (nearness(&right, wanted), right)).collect();
    // The nearest first; those that are as near stay in the order of the block.
    rights.sort_by_key(|(near, _)| core::cmp::Reverse(*near));
    let more = rights.len().saturating_sub(4);
    let lines = rights.iter().take(4).map(|(_, right)| differs(right, wanted));
    Some(
        Why::new(
            "a right of the token with this type and this action, and a location that covers the resource by \
            whole segments",
        )
        .seen(format!("the request is {}", operation(wanted)))
        .all(lines)
        .all((more > 0).then(|| format!("and {more} rights more, none of which is nearer")))
        .sender(format!(
            "get a token with a right such as {}, or do not do this",
            shown(&[wanted.r#type(), wanted.resource(), wanted.action()].join(":"))
        ))
        .operator(match case.mcp {
            None => {
                "where the request is mapped to another operation than it should be, correct the entry under \
                    [[operations]]"
            }
            Some(_) => "where rights know the server by another name, correct the name under [mcp]",
        }),
    )
}

/// How many of type, location and action fit; the type counts most, then the action.
fn nearness(right: &Right<'_>, wanted: &Operation) -> usize {
    let fits = [
        (right.r#type == wanted.r#type(), 4),
        (right.action == wanted.action(), 2),
        (covers(right.location, wanted.resource()), 1),
    ];
    fits.into_iter().filter(|(fits, _)| *fits).map(|(_, weight)| weight).sum()
}

fn differs(right: &Right<'_>, wanted: &Operation) -> String {
    let mut why = Vec::new();
    if right.r#type != wanted.r#type() {
        why.push("has another type".to_owned());
    }
    if right.action != wanted.action() {
        why.push("has another action".to_owned());
    }
    if !covers(right.location, wanted.resource()) {
        why.push(match (right.location.strip_suffix('/'), wanted.resource().starts_with(right.location)) {
            (Some(itself), _) if itself == wanted.resource() => {
                "has a location that ends with a slash: it covers what is beneath, and not this itself".to_owned()
            }
            (_, true) => "has a location that ends in the middle of a segment of the resource".to_owned(),
            _ => "has another location".to_owned(),
        });
    }
    let text = [right.r#type, right.location, right.action].join(":");
    format!("the right {} {}", shown(&text), list(why.into_iter(), "and"))
}

/// The check that did not pass, and the facts that it saw.
fn check(case: &Case<'_>, denial: &Denial) -> Option<Why> {
    let ((block, index), chain) = (denial.check()?, denial.chain()?);
    let claims = chain.claims();
    let printed = claims.checks(block);
    let value = claims.check_values(block).into_iter().nth(index)?;
    let sentence = restrictions(claims, block).into_iter().find(|sentence| sentence.checks.contains(&index));
    let sentence = sentence.filter(|sentence| sentence.name.is_some()).map(|sentence| sentence.text);
    let passes = match (&sentence, denial.code()) {
        (_, Code::LimitExceeded) => "checks that need at most 100,000 units of work together".to_owned(),
        (Some(sentence), _) => sentence.clone(),
        (None, _) => "a request for which the check passes".to_owned(),
    };
    let arguments = predicates(&value).iter().any(|name| name.starts_with("arg"));
    let mut why = Why::new(&passes)
        .seen(format!("check {index} of block {block} {}: {}", setter(claims, block), visible(printed.get(index)?)))
        .all(facts(case, denial, claims, &value));
    if arguments && denial.code() == Code::CheckError {
        why = why.seen("it asks for an argument of the request that could not be read or has no one reading");
    }
    let narrower = match (block, claims.delegated_by(block)) {
        (0, _) => "get a token without this condition from the issuer",
        (_, Some(_)) => "ask whoever handed the token on for less narrow conditions",
        (_, None) => "use the token as it was before it was narrowed",
    };
    Some(why.sender(format!("keep to the condition, or {narrower}")))
}

/// The names of the predicates that a check asks for, each once.
fn predicates(check: &Check) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for predicate in check.queries.iter().flat_map(|query| &query.predicates) {
        if !names.contains(&predicate.name.as_str()) {
            names.push(&predicate.name);
        }
    }
    names
}

/// What the verifier offered to the predicates of a check.
fn facts(case: &Case<'_>, denial: &Denial, claims: Claims<'_>, check: &Check) -> Vec<String> {
    let Some((wanted, service)) = denial.refused() else { return Vec::new() };
    let (path, _) = case.target();
    let authority = case.authority().and_then(|authority| case.verifier.normalised_authority(&authority));
    let fact = |name: &str| -> Option<String> {
        let text = match name {
            "time" => return Some(format!("time was {}", case.now)),
            "holder" => return Some(format!("holder was the key {}", claims.holder().id())),
            "agent" => {
                let agent = claims.agents().next()?;
                return Some(format!("agent was {} with the key {}", shown(agent.name), agent.key.id()));
            }
            "service" => service,
            "type" => wanted.r#type(),
            "resource" => wanted.resource(),
            "action" => wanted.action(),
            "method" => case.message.parts().method(),
            "authority" => authority.as_deref()?,
            "path" => path,
            "tool" => match wanted.tool_name() {
                Some(tool) => tool,
                None => return Some("tool was absent: the operation is no tool's".to_owned()),
            },
            "binding" => "ed25519",
            "user" => claims.user(),
            "purpose" => claims.purpose(),
            "issuer" => claims.issuer(),
            _ => return None,
        };
        Some(format!("{name} was {}", shown(text)))
    };
    let mut facts: Vec<String> = predicates(check).into_iter().filter_map(fact).collect();
    let mut arguments: Vec<&str> = Vec::new();
    for predicate in check.queries.iter().flat_map(|query| &query.predicates) {
        if let ("arg" | "arg_host" | "arg_path" | "arg_present", Some(Term::Str(name))) =
            (predicate.name.as_str(), predicate.terms.first())
            && !arguments.contains(&name.as_str())
        {
            arguments.push(name);
        }
    }
    facts.extend(arguments.into_iter().map(|name| format!("it asks for the argument {}", shown(name))));
    facts
}

fn approval(denial: &Denial) -> Option<Why> {
    let (wanted, claims) = (denial.refused()?.0, denial.chain()?.claims());
    let asked =
        claims.approvals().filter(|(r#type, action, _)| *r#type == wanted.r#type() && *action == wanted.action());
    let keys = any(asked.map(|(_, _, key)| key.id().to_string()));
    Some(
        Why::new("an approval for this very operation, by a key that the token names")
            .seen(format!("the request is {}", operation(wanted)))
            .seen(format!("the token asks for an approval by the key {keys}"))
            .sender("have the operation approved by the holder of that key, and send the approval with it"),
    )
}

/// Stage 12.
pub(super) fn charges(code: Code, charges: &[Charge]) -> Option<Why> {
    let charge = |charge: &Charge| {
        let (unit, account) = match charge.counter.as_slice() {
            [.., account, unit, _] => (shown(unit), shown(account)),
            _ => return None,
        };
        let window =
            if charge.window == 0 { "in all".to_owned() } else { format!("in each window of {}", span(charge.window)) };
        Some(format!("it costs {} {unit} of the budget {account}, which has {} {window}", charge.cost, charge.amount))
    };
    let why = Why::new("each budget that counts the operation has enough left for its cost")
        .all(charges.iter().filter_map(charge));
    Some(match code {
        Code::StoreUnavailable => why.seen("the store can't take the charges").operator(
            "see to the store of budgets and approvals: it is full, late or missing, or began after the approval was signed",
        ),
        Code::ApprovalInvalid => Why::new("an approval that was not used before")
            .seen("the approval was used before")
            .sender("have the operation approved again: an approval is good for one request"),
        Code::BudgetExceeded => why
            .seen("a budget has too little left, or counts a unit that the operation's cost does not name")
            .sender("wait until the window ends, or get a token with a greater budget"),
        _ => return None,
    })
}
