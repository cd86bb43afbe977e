"""The signed JSON-RPC message, and MCP (spec/jsonrpc.md)."""

import re
from typing import Any

from . import encoding, jsontext
from .arguments import Arguments, Declared
from .errors import Denial, refuse
from .jsontext import Number
from .operation import MAX_READ, Asked, Mcp, Operation, good_segment, media_type
from .request import Proof, Request, good_nonce, good_window
from .token import MAX_TEXT

ENVELOPE = "dev.countersign/request"
_VERSION = "io.modelcontextprotocol/protocolVersion"
_RELAYED = ("progressToken", "traceparent", "tracestate", "baggage")
_MEMBERS = {"v": int, "token": str, "service": str, "created": int, "expires": int, "nonce": str, "keyid": str, "sig": str}
_ID = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
_IDLE = set("""initialize ping server/discover tools/list resources/list resources/templates/list prompts/list notifications/initialized
    notifications/cancelled notifications/progress notifications/roots/list_changed""".split())  # JR-23
_URI = re.compile(r"([a-z][a-z0-9+.-]*)://((?:[a-z0-9][a-z0-9._:-]*)?)((?:/.*)?)", re.DOTALL)


def read(text: bytes, stage: int) -> dict[str, Any]:
    """JR-2 to JR-4"""
    try:
        root = jsontext.parse(text)
    except jsontext.Ambiguous:
        raise Denial(stage, "body_ambiguous") from None
    refuse(isinstance(root, list), stage, "batch_rejected")  # JR-3
    kinds = {"jsonrpc": str, "method": str, "id": (str, int), "params": dict}
    good = isinstance(root, dict) and {"jsonrpc", "method"} <= root.keys() <= kinds.keys() and root["jsonrpc"] == "2.0" and all(
        isinstance(value if name == "params" else _scalar(value), kinds[name]) for name, value in root.items())
    refuse(not good, stage, "body_ambiguous")  # JR-4
    return root


def _scalar(value: Any) -> str | int | None:
    """A String or an Integer, else None."""
    return value.integer if isinstance(value, Number) else value if isinstance(value, str) else None


def _meta(sent: dict) -> dict:
    meta = sent.get("params", {}).get("_meta")
    return meta if isinstance(meta, dict) else {}


def _small(name: str, value: Any) -> bool:
    """JR-40"""
    if isinstance(value, str):
        return len(value.encode()) <= 8192
    return name == "progressToken" and isinstance(_scalar(value), int) and not isinstance(value, bool)


def _covered(sent: dict) -> dict[str, Any]:
    """The members of `_meta` that are covered."""
    return {name: value for name, value in _meta(sent).items() if name not in _RELAYED}


def envelope(sent: dict, now: int) -> Proof:
    """JR-5 to JR-11"""
    refuse(ENVELOPE not in _meta(sent), 3, "signature_required")  # JR-7
    found = _meta(sent)[ENVELOPE]
    refuse(not isinstance(found, dict), 3, "params_invalid")  # JR-9
    values = {name: _scalar(value) for name, value in found.items()}
    refuse(len(str(values.get("token"))) > MAX_TEXT, 1, "limit_exceeded")  # JR-5
    refuse(found.get("token", "") == "", 2, "token_missing")  # JR-6
    refuse(not _MEMBERS.keys() <= found.keys(), 3, "params_incomplete")  # JR-8
    refuse(any(not isinstance(value, _MEMBERS.get(name, ())) for name, value in values.items()), 3, "params_invalid")  # JR-9
    signature = encoding.un_b64u(found["sig"])
    refuse(values["v"] != 1 or not good_nonce(found["nonce"]) or signature is None, 3, "params_invalid")  # JR-10
    refuse(not good_window(found["created"].integer, found["expires"].integer, now), 3, "window_invalid")  # JR-11
    return Proof(found["token"], found["keyid"], found["nonce"], signature or b"", signed_bytes(sent), "jsonrpc")


def service(sent: dict, audiences: list[str]) -> str:
    """JR-12"""
    wanted = _meta(sent)[ENVELOPE]["service"]
    refuse(wanted not in audiences, 5, "audience_mismatch")
    return wanted


def signed_bytes(sent: dict) -> bytes:
    """ "Signed bytes" """
    meta = _covered(sent)
    meta[ENVELOPE] = {name: value for name, value in meta[ENVELOPE].items() if name != "sig"}
    return b"countersign-jsonrpc-v1\0" + jsontext.jcs({"method": sent["method"], "params": sent["params"] | {"_meta": meta}})


def map_message(sent: dict, server: str, proof: bool = True) -> Asked | None:
    """What a message asks for; None where it acts on nothing (JR-23). `proof` says whether the envelope is one."""
    method, params = sent["method"], sent.get("params", {})
    if method in _IDLE:
        return None
    refuse(method not in _ID, 11, "operation_unmapped")  # JR-24
    name, arguments = params.get(_ID[method]), params.get("arguments", {})
    refuse(not isinstance(name, str), 11, "operation_unmapped")  # JR-18
    reading = method == "resources/read"
    refuse(not params.keys() <= ({"uri", "_meta"} if reading else {"name", "arguments", "_meta"}), 11, "operation_unmapped")  # JR-19
    refuse(not isinstance(arguments, dict) or not isinstance(params.get("_meta", {}), dict), 11, "body_ambiguous")  # JR-20
    refuse(not all(_small(name, value) for name, value in _meta(sent).items() if name in _RELAYED), 11, "body_ambiguous")
    if reading:
        match = _URI.fullmatch(name)
        refuse(not match, 11, "resource_invalid")  # JR-22
        scheme, host, path = match.groups() if match else ("", "", "")
        operation = Operation("mcp_resource", f"{server}/{scheme}/{host or '-'}{path}", "read")
    else:
        refuse(not good_segment(name), 11, "resource_invalid")  # JR-21
        tool = Operation("mcp_tool", f"{server}/{name}", "call", name)
        operation = tool if method == "tools/call" else Operation("mcp_prompt", name, "get")
    meta = {name: value for name, value in _covered(sent).items() if name != ENVELOPE or not proof}
    return Asked(operation, Arguments.extract(Declared(), [], arguments), None if reading else arguments, meta=meta or None)


# MCP over Streamable HTTP

def map_request(request: Request, mcp: Mcp, proof: Proof, service: str, holder: bytes, now: int) -> Asked | None:
    """JR-27 to JR-34; None where the request acts on nothing."""
    if request.method in (b"GET", b"DELETE") and not request.body:  # JR-27
        return None
    refuse(request.method != b"POST", 11, "operation_unmapped")
    media = re.split(rb"[; \t]", request.value("content-type") or b"")[0].lower()
    refuse(media != b"application/json", 11, "operation_unmapped")  # JR-28
    _, readable = media_type(request)
    refuse(not readable or len(request.body) > MAX_READ, 11, "body_ambiguous")  # JR-29
    sent = read(request.body, 11)
    refuse("dev.countersign/caller" in _meta(sent), 11, "body_ambiguous")  # JR-37
    refuse(not _fields_fit(request, sent), 11, "header_body_mismatch")
    refuse(mcp.envelope and not _both(sent, proof, service, holder, now), 11, "header_body_mismatch")
    return map_message(sent, mcp.server, mcp.envelope)


def _field(request: Request, name: str) -> object:
    """The text that a field stands for, or an object that equals nothing."""
    text = (request.value(name) or b"").decode()
    if not (text.startswith("=?base64?") and text.endswith("?=") and len(text) >= 11):
        return text
    try:
        data = encoding.un_b64(text[9:-2])
        return object() if data is None else data.decode("utf-8")
    except UnicodeDecodeError:
        return object()


def _fields_fit(request: Request, sent: dict) -> bool:
    """JR-30 to JR-33"""
    method, params, meta = sent["method"], sent.get("params", {}), _meta(sent)
    wanted = {"mcp-method": method, "mcp-name": params.get(_ID[method]) if method in _ID else None}
    if _VERSION in meta:
        wanted["mcp-protocol-version"] = meta[_VERSION]
    if any(name.encode() in request.names and _field(request, name) != value for name, value in wanted.items()):
        return False
    if b"mcp-protocol-version" in request.names and not isinstance(_field(request, "mcp-protocol-version"), str):
        return False
    named = [name.decode() for name in request.names if name.startswith(b"mcp-param-")]
    return not named or method == "tools/call" and {_field(request, name) for name in named} <= _texts(params.get("arguments"))


def _texts(value: Any) -> set[object]:
    """All Strings, Integers and Bools that members lead to, as text."""
    if isinstance(value, dict):
        return {text for member in value.values() for text in _texts(member)}
    if isinstance(value, bool):
        return {"true" if value else "false"}
    scalar = _scalar(value)
    return set() if scalar is None else {str(scalar)}


def _both(sent: dict, proof: Proof, service_: str, holder: bytes, now: int) -> bool:
    """JR-34"""
    try:
        inner = envelope(sent, now)
        service(sent, [service_])
    except Denial:
        return False
    same = (inner.token, inner.keyid) == (proof.token, proof.keyid) and inner.nonce != proof.nonce
    return same and encoding.verify(holder, inner.signature, inner.signed)
