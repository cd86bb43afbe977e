"""The signed JSON-RPC message, and MCP (spec/jsonrpc.md)."""
from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Any

from . import body, encoding, jsontext
from .arguments import Arguments, Declared
from .config import Mcp
from .errors import Denial
from .jsontext import Number
from .message import Request
from .operation import Entry, Operation, good_segment
from .signature import Proof, good_nonce, good_window
from .token import MAX_TEXT

ENVELOPE = "dev.countersign/request"
_VERSION = "io.modelcontextprotocol/protocolVersion"
_RELAYED = ("progressToken", "traceparent", "tracestate", "baggage")
_MEMBERS = {"v": int, "token": str, "service": str, "created": int, "expires": int, "nonce": str, "keyid": str, "sig": str}
_ID = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
_IDLE = {"initialize", "ping", "server/discover", "tools/list", "resources/list", "resources/templates/list",
         "prompts/list", "notifications/initialized", "notifications/cancelled", "notifications/progress",
         "notifications/roots/list_changed"}  # JR-23
_LISTS = {"tools/list": "tools/call", "resources/list": "resources/read", "prompts/list": "prompts/get"}
_URI = re.compile(r"([a-z][a-z0-9+.-]*)://((?:[a-z0-9][a-z0-9._:-]*)?)((?:/.*)?)\Z", re.DOTALL)
NOTHING = "\ud800"  # no text of a message equals it
_ENTRY = Entry("", "/", "", "", "")


@dataclass
class Call:
    operation: Operation
    arguments: Arguments
    args: dict | None
    meta: dict | None


def read(text: bytes, stage: int) -> dict[str, Any]:
    """JR-2 to JR-4"""
    ambiguous = Denial(stage, "body_ambiguous")
    try:
        root = jsontext.parse(text)
    except jsontext.Ambiguous:
        raise ambiguous from None
    if isinstance(root, list):  # JR-3
        raise Denial(stage, "batch_rejected")
    if not isinstance(root, dict) or not root.keys() <= {"jsonrpc", "method", "id", "params"}:  # JR-4
        raise ambiguous
    if root.get("jsonrpc") != "2.0" or not isinstance(root.get("method"), str):
        raise ambiguous
    if "id" in root and not isinstance(_scalar(root["id"]), (str, int)):
        raise ambiguous
    if "params" in root and not isinstance(root["params"], dict):
        raise ambiguous
    return root


def _scalar(value: Any) -> str | int | None:
    """A String or an Integer, else None."""
    if isinstance(value, Number):
        return value.integer
    return value if isinstance(value, str) else None


def _meta(sent: dict) -> dict:
    meta = sent.get("params", {}).get("_meta")
    return meta if isinstance(meta, dict) else {}


def envelope(sent: dict, now: int) -> Proof:
    """JR-5 to JR-11"""
    if ENVELOPE not in _meta(sent):  # JR-7
        raise Denial(3, "signature_required")
    found = _meta(sent)[ENVELOPE]
    if not isinstance(found, dict):  # JR-9
        raise Denial(3, "params_invalid")
    if isinstance(found.get("token"), str) and len(found["token"]) > MAX_TEXT:  # JR-5
        raise Denial(1, "limit_exceeded")
    if found.get("token", "") == "":  # JR-6
        raise Denial(2, "token_missing")
    if not _MEMBERS.keys() <= found.keys():  # JR-8
        raise Denial(3, "params_incomplete")
    values = {name: _scalar(value) for name, value in found.items()}
    if any(name not in _MEMBERS or not isinstance(value, _MEMBERS[name]) for name, value in values.items()):  # JR-9
        raise Denial(3, "params_invalid")
    signature = encoding.un_b64u(found["sig"])
    if values["v"] != 1 or not good_nonce(found["nonce"]) or signature is None:  # JR-10
        raise Denial(3, "params_invalid")
    created, expires = found["created"].integer, found["expires"].integer
    if not good_window(created, expires, now):  # JR-11
        raise Denial(3, "window_invalid")
    return Proof(found["token"], found["keyid"], found["nonce"], signature, signed_bytes(sent), "jsonrpc")


def service(sent: dict, audiences: list[str]) -> str:
    """JR-12"""
    wanted = _meta(sent)[ENVELOPE]["service"]
    if wanted not in audiences:
        raise Denial(5, "audience_mismatch")
    return wanted


def _covered(sent: dict) -> dict[str, Any]:
    """The members of `_meta` that are covered."""
    return {name: value for name, value in _meta(sent).items() if name not in _RELAYED}


def signed_bytes(sent: dict) -> bytes:
    """ "Signed bytes" """
    meta = _covered(sent)
    meta[ENVELOPE] = {name: value for name, value in meta[ENVELOPE].items() if name != "sig"}
    params = sent["params"] | {"_meta": meta}
    return b"countersign-jsonrpc-v1\0" + jsontext.jcs({"method": sent["method"], "params": params})


def map_message(sent: dict, server: str) -> Call | None:
    """The operation of a message; None where it acts on nothing (JR-23)."""
    method, params = sent["method"], sent.get("params", {})
    if method in _IDLE:
        return None
    if method not in _ID:  # JR-24
        raise Denial(11, "operation_unmapped")
    name = params.get(_ID[method])
    if not isinstance(name, str):  # JR-18
        raise Denial(11, "operation_unmapped")
    allowed = {"uri", "_meta"} if method == "resources/read" else {"name", "arguments", "_meta"}
    if not params.keys() <= allowed:  # JR-19
        raise Denial(11, "operation_unmapped")
    arguments = params.get("arguments", {})
    if not isinstance(arguments, dict) or not isinstance(params.get("_meta", {}), dict):  # JR-20
        raise body.ambiguous()
    operation = _operation(method, name, server)
    args = None if method == "resources/read" else arguments
    meta = {name: value for name, value in _covered(sent).items() if name != ENVELOPE}
    return Call(operation, Arguments.extract(Declared(), [], args), args, meta or None)


def map_item(method: str, item: dict, server: str) -> Call:
    """JR-25: the operation of an item of a list."""
    acting = _LISTS[method]
    name = item.get(_ID[acting])
    return map_message({"method": acting, "params": {_ID[acting]: name}}, server)  # type: ignore[return-value]


def _operation(method: str, name: str, server: str) -> Operation:
    if method == "resources/read":
        match = _URI.match(name)
        if not match:  # JR-22
            raise Denial(11, "resource_invalid")
        scheme, host, path = match.groups()
        return Operation("mcp_resource", f"{server}/{scheme}/{host or '-'}{path}", "read", None, _ENTRY)
    if not good_segment(name):  # JR-21
        raise Denial(11, "resource_invalid")
    if method == "tools/call":
        return Operation("mcp_tool", f"{server}/{name}", "call", name, _ENTRY)
    return Operation("mcp_prompt", name, "get", None, _ENTRY)


# MCP over Streamable HTTP

def map_request(request: Request, mcp: Mcp, proof: Proof, service: str, holder: bytes, now: int) -> Call | None:
    """JR-27 to JR-34; None where the request acts on nothing."""
    if request.method in (b"GET", b"DELETE") and not request.body:  # JR-27
        return None
    if request.method != b"POST":
        raise Denial(11, "operation_unmapped")
    media, charsets = body.media_type(request) if request.value("content-type") is not None else ("", [])
    if media != "application/json":  # JR-28
        raise Denial(11, "operation_unmapped")
    coded = any(charset.lower() != "utf-8" for charset in charsets) or request.lines("content-encoding")
    if coded or len(request.body) > body.MAX_READ:  # JR-29
        raise body.ambiguous()
    sent = read(request.body, 11)
    if "dev.countersign/caller" in _meta(sent):  # JR-37
        raise body.ambiguous()
    _fields(request, sent)
    if mcp.envelope:
        _both(sent, proof, service, holder, now)
    return map_message(sent, mcp.server)


def _mismatch() -> Denial:
    return Denial(11, "header_body_mismatch")


def _field(request: Request, name: str) -> str | None:
    """The text that a field stands for, or NOTHING."""
    value = request.value(name)
    if value is None:
        return None
    text = value.decode("latin-1")
    if not (text.startswith("=?base64?") and text.endswith("?=") and len(text) >= 11):
        return text
    try:
        data = base64.b64decode(text[9:-2], validate=True)
        if base64.b64encode(data).decode() == text[9:-2]:
            return data.decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        pass
    return NOTHING


def _fields(request: Request, sent: dict) -> None:
    method, params = sent["method"], sent.get("params", {})
    named = _field(request, "mcp-method")
    if named is not None and named != method:  # JR-30
        raise _mismatch()
    named = _field(request, "mcp-name")
    if named is not None and (method not in _ID or params.get(_ID[method]) != named):  # JR-31
        raise _mismatch()
    named = _field(request, "mcp-protocol-version")
    if named is not None and _VERSION in _meta(sent) and _meta(sent)[_VERSION] != named:  # JR-32
        raise _mismatch()
    for name in {field.lower().decode() for field, _ in request.fields if field.lower().startswith(b"mcp-param-")}:
        if method != "tools/call" or _field(request, name) not in _texts(params.get("arguments")):  # JR-33
            raise _mismatch()


def _texts(value: Any) -> set[str]:
    """All Strings, Integers and Bools that members lead to, as text."""
    out: set[str] = set()
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, bool):
            out.add("true" if item else "false")
        elif isinstance(item, dict):
            pending.extend(item.values())
        elif isinstance(item, list):
            continue
        elif (scalar := _scalar(item)) is not None:
            out.add(str(scalar))
    return out


def _both(sent: dict, proof: Proof, service_: str, holder: bytes, now: int) -> None:
    """JR-34"""
    try:
        inner = envelope(sent, now)
        if service(sent, [service_]) != service_ or inner.token != proof.token or inner.keyid != proof.keyid:
            raise _mismatch()
    except Denial:
        raise _mismatch() from None
    if inner.nonce == proof.nonce or not encoding.verify(holder, inner.signature, inner.signed):
        raise _mismatch()
