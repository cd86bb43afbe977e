//! Fields twice, fields that nobody signed, fields that are gone.

use super::bench::Bench;
use super::draft::Asked;

/// A field a second time: the same line again, or one that says something else.
pub fn duplicated(bench: &mut Bench<'_>) -> Asked {
    let base = bench.any();
    let draft = bench.whole(base);
    let mut names = draft.covered_fields();
    names.extend(["host".into(), "signature".into(), "signature-input".into()]);
    let mut asked = draft.sign();
    let name = bench.random.of(&names).clone();
    let value = match asked.request.field(&name) {
        Some(value) if bench.random.once_in(2) => value,
        _ => bench.random.word().into_bytes(),
    };
    if bench.random.once_in(2) {
        asked.request.add(&name, &value);
    } else {
        asked.request.headers.insert(0, (name, value));
    }
    asked
}

/// A second signature with our tag, or one that a session would have.
pub fn second_signature(bench: &mut Bench<'_>) -> Asked {
    let base = bench.any();
    let mut draft = bench.plain(base);
    let (input, signature) = draft.parts();
    draft.signature.label = "other".into();
    if bench.random.once_in(2) {
        draft.signature.key = bench.fresh_key();
    }
    if bench.random.once_in(3) {
        draft.signature.set("tag", "\"countersign-session-v1\"");
    }
    let (input_2, signature_2) = draft.parts();
    if bench.random.once_in(2) {
        draft.signed(&format!("{input}, {input_2}"), &format!("{signature}, {signature_2}"))
    } else {
        draft.signed(&format!("{input_2}, {input}"), &format!("{signature_2}, {signature}"))
    }
}

/// A field that has to be signed wherever it is, added by somebody on the way.
pub fn added(bench: &mut Bench<'_>) -> Asked {
    let base = bench.any();
    let draft = bench.plain(base);
    let covered = draft.covered_fields();
    let names = [
        "Content-Encoding",
        "Countersign-Approval",
        "Idempotency-Key",
        "Mcp-Method",
        "Mcp-Anything",
        "Content-Digest",
        "Authorization",
    ];
    let fresh = names.iter().filter(|name| !covered.contains(&name.to_ascii_lowercase())).copied().collect::<Vec<_>>();
    let name = *bench.random.of(&fresh);
    let value = match name {
        "Content-Digest" => crate::raw_request::digest_sha256(&draft.request.body),
        "Authorization" => "Basic dXNlcjpzZWNyZXQ=".into(),
        _ => bench.random.word(),
    };
    let mut asked = draft.sign();
    asked.request.add(name, value);
    asked
}

/// A covered field taken away by somebody on the way.
pub fn removed(bench: &mut Bench<'_>) -> Asked {
    let base = bench.any();
    let draft = bench.whole(base);
    let fields = draft.covered_fields();
    let mut asked = draft.sign();
    asked.request.remove(bench.random.of::<String>(&fields));
    asked
}

/// Signed by the holder, without a component that every request covers, or a field that has to be.
pub fn uncovered(bench: &mut Bench<'_>) -> Asked {
    let base = bench.any();
    let mut draft = bench.whole(base);
    let mut names: Vec<String> = draft.covered_fields().into_iter().filter(|name| name != "x-note").collect();
    names.extend(["@method", "@authority", "@path", "@query"].map(str::to_owned));
    draft.signature.uncover(bench.random.of::<String>(&names));
    draft.sign()
}

/// A field that has another method, target or framing obeyed than was signed.
pub fn overriding(bench: &mut Bench<'_>) -> Asked {
    let base = bench.any();
    let mut draft = bench.plain(base);
    let (name, value) = *bench.random.of(&[
        ("X-HTTP-Method-Override", "DELETE"),
        ("X-HTTP-Method", "DELETE"),
        ("X-Method-Override", "DELETE"),
        ("X-Original-URL", "/admin"),
        ("X-Original-URI", "/admin"),
        ("X-Original-Method", "DELETE"),
        ("X-Rewrite-URL", "/admin"),
        ("Upgrade", "websocket"),
        ("Trailer", "content-digest"),
        ("Transfer-Encoding", "gzip, chunked"),
    ]);
    if bench.random.once_in(2) {
        draft.covered(name, value);
        return draft.sign();
    }
    let mut asked = draft.sign();
    asked.request.add(name, value);
    asked
}
