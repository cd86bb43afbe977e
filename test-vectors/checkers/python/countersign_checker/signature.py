"""Stage 3 of a signed request, and its signature base (spec/request.md)."""
from __future__ import annotations

import re
from dataclasses import dataclass

from . import encoding
from .encoding import SKEW
from .errors import Denial
from .message import Carried, Request, is_token
from .structured import InnerList, Item

TAG, SESSION_TAG = "countersign-request-v1", "countersign-session-v1"
DERIVED = ("@method", "@authority", "@path", "@query")
_PROTECTED = {b"content-digest", b"content-encoding", b"authorization", b"countersign-token", b"countersign-approval",
              b"idempotency-key"}
# "Uncovered fields and the application"
TRANSPORT = frozenset("""
    accept accept-charset accept-encoding accept-language baggage cache-control cdn-loop connection content-digest content-length
    content-type date expect forwarded host keep-alive max-forwards pragma priority proxy-connection signature signature-input te
    traceparent tracestate transfer-encoding user-agent via x-forwarded-for x-forwarded-host x-forwarded-port x-forwarded-prefix
    x-forwarded-proto x-forwarded-server x-real-ip x-request-id""".split())
_CREDENTIALS = ("authorization", "proxy-authorization", "cookie")
_PARAMS = {"created": "integer", "expires": "integer", "nonce": "string", "keyid": "string", "tag": "string",
           "alg": "string"}


@dataclass
class Proof:
    """A proof of who asks, of a request or of a JSON-RPC message, before its signature was verified."""

    token: str
    keyid: str
    nonce: str
    expires: int
    signature: bytes
    signed: bytes
    binding: str
    covered: frozenset[str] = frozenset()
    header: str = ""  # the token header


def good_nonce(text: str) -> bool:
    """RQ-42, JR-10"""
    data = encoding.un_b64u(text)
    return data is not None and 16 <= len(data) <= 64


def good_window(created: int, expires: int, now: int) -> bool:
    """RQ-44"""
    return created < expires and expires - created <= 300 and created <= now + SKEW and now <= expires + SKEW


def _tag(member: Item | InnerList) -> str | None:
    tag = member.params.get("tag")
    return tag.value if tag and tag.kind == "string" else None


def select(request: Request, carried: Carried, authority: bytes, now: int) -> Proof:
    """Stage 3."""
    tags = {label: _tag(member) for label, member in carried.inputs.items()}
    if SESSION_TAG in tags.values():  # RQ-27
        raise Denial(3, "tag_invalid")
    ours = [label for label, tag in tags.items() if tag == TAG]
    if not ours:  # RQ-28
        raise Denial(3, "signature_required")
    if len(ours) > 1:  # RQ-29
        raise Denial(3, "signature_ambiguous")
    if ours[0] not in carried.signatures:  # RQ-30
        raise Denial(3, "signature_required")
    member = carried.inputs[ours[0]]
    assert isinstance(member, InnerList)  # RQ-23
    names = _coverage(request, carried, member)
    params = _parameters(member, now)
    return Proof(carried.token, params["keyid"].value, params["nonce"].value, params["expires"].value,
                 carried.signatures[ours[0]], base(request, authority, names, member.text), "ed25519",
                 frozenset(names), carried.header)


def _coverage(request: Request, carried: Carried, member: InnerList) -> list[str]:
    if any(item.kind != "string" or item.params for item in member.items):  # RQ-31
        raise Denial(3, "components_invalid")
    names: list[str] = [item.value for item in member.items]
    for name in names:
        if name not in DERIVED and (not is_token(name.encode()) or re.search("[A-Z]", name)):  # RQ-32
            raise Denial(3, "components_invalid")
    if len(set(names)) != len(names):  # RQ-33
        raise Denial(3, "components_invalid")
    if not {*DERIVED, carried.header} <= set(names):  # RQ-34
        raise Denial(3, "components_incomplete")
    if request.announced > 0 and not {"content-digest", "content-type"} <= set(names):  # RQ-35
        raise Denial(3, "body_uncovered")
    for field in {name.lower() for name, _ in request.fields}:
        if (field in _PROTECTED or field.startswith(b"mcp-")) and field.decode() not in names:  # RQ-36
            raise Denial(3, "header_uncovered")
    for name in names:
        if name in DERIVED:
            continue
        value = request.value(name)
        if value is None:  # RQ-37
            raise Denial(3, "component_unresolvable")
        if not value.isascii():  # RQ-38
            raise Denial(3, "header_malformed")
    return names


def _parameters(member: InnerList, now: int) -> dict[str, Item]:
    params = member.params
    if not {"created", "expires", "nonce", "keyid"} <= params.keys():  # RQ-40
        raise Denial(3, "params_incomplete")
    if any(_PARAMS.get(name) != item.kind for name, item in params.items()):  # RQ-41
        raise Denial(3, "params_invalid")
    if not good_nonce(params["nonce"].value):  # RQ-42
        raise Denial(3, "params_invalid")
    if "alg" in params and params["alg"].value != "ed25519":  # RQ-43
        raise Denial(3, "alg_rejected")
    if not good_window(params["created"].value, params["expires"].value, now):  # RQ-44
        raise Denial(3, "window_invalid")
    return params


def base(request: Request, authority: bytes, names: list[str], parameters: str) -> bytes:
    """RQ-46, RQ-47: the signature base of the request as received."""
    derived = {"@method": request.method, "@authority": authority, "@path": request.path,
               "@query": b"?" + (request.query or b"")}
    lines = []
    for name in names:
        value = derived[name] if name in derived else request.value(name)
        assert value is not None  # RQ-37
        lines.append(b'"%s": %s\n' % (name.encode(), value))
    return b"".join(lines) + b'"@signature-params": ' + parameters.encode()


def other_fields(request: Request, proof: Proof) -> dict[str, str] | None:
    """The member `fields` of "Operation digest" of spec/verify.md."""
    out: dict[str, str] = {}
    for name in proof.covered - {*DERIVED, proof.header, "countersign-approval"} - (TRANSPORT - {"content-type"}):
        value = request.value(name) or b""
        out[name] = encoding.sha256(value).hex() if name in _CREDENTIALS else value.decode()
    return out or None
