"""Stage 3 of a signed request, and its signature base (spec/request.md)."""

import re
from typing import NamedTuple

from . import encoding
from .encoding import SKEW
from .errors import refuse
from .message import Carried, Request, is_token
from .structured import Item

TAG, SESSION_TAG = "countersign-request-v1", "countersign-session-v1"
DERIVED = ("@method", "@authority", "@path", "@query")
_PROTECTED = set("content-digest content-encoding authorization countersign-token countersign-approval idempotency-key".split())
# "Uncovered fields and the application"
TRANSPORT = frozenset("""
    accept accept-charset accept-encoding accept-language baggage cache-control cdn-loop connection content-digest content-length
    content-type date expect forwarded host keep-alive max-forwards pragma priority proxy-connection signature signature-input te
    traceparent tracestate transfer-encoding user-agent via x-forwarded-for x-forwarded-host x-forwarded-port x-forwarded-prefix
    x-forwarded-proto x-forwarded-server x-real-ip x-request-id""".split())
_CREDENTIALS = ("authorization", "proxy-authorization", "cookie")
_PARAMS = {"created": "integer", "expires": "integer", "nonce": "string", "keyid": "string", "tag": "string", "alg": "string"}


class Proof(NamedTuple):
    """A proof of who asks, of a request or of a JSON-RPC message, before its signature was verified."""

    token: str
    keyid: str
    nonce: str
    signature: bytes
    signed: bytes
    binding: str
    covered: frozenset[str] = frozenset()
    header: str = ""  # the token header


def good_nonce(text: str) -> bool:
    """RQ-42, JR-10"""
    return 16 <= len(encoding.un_b64u(text) or b"") <= 64


def good_window(created: int, expires: int, now: int) -> bool:
    """RQ-44"""
    return created < expires <= created + 300 and created <= now + SKEW and now <= expires + SKEW


def select(request: Request, carried: Carried, authority: bytes, now: int) -> Proof:
    """Stage 3."""
    tags = {label: member.params["tag"].value for label, member in carried.inputs.items()
            if "tag" in member.params and member.params["tag"].kind == "string"}
    refuse(SESSION_TAG in tags.values(), 3, "tag_invalid")  # RQ-27
    ours = [label for label, tag in tags.items() if tag == TAG]
    refuse(not ours, 3, "signature_required")  # RQ-28
    refuse(len(ours) > 1, 3, "signature_ambiguous")  # RQ-29
    refuse(ours[0] not in carried.signatures, 3, "signature_required")  # RQ-30
    member = carried.inputs[ours[0]]
    names = _coverage(request, carried.header, member)
    params = _parameters(member, now)
    return Proof(carried.token, params["keyid"].value, params["nonce"].value, carried.signatures[ours[0]],
                 base(request, authority, names, member.text), "ed25519", frozenset(names), carried.header)


def _coverage(request: Request, header: str, member: Item) -> list[str]:
    refuse(any(item.kind != "string" or item.params for item in member.value), 3, "components_invalid")  # RQ-31
    names: list[str] = [item.value for item in member.value]
    fields = [name for name in names if name not in DERIVED]
    refuse(any(not is_token(name.encode()) or re.search("[A-Z]", name) for name in fields), 3, "components_invalid")  # RQ-32
    refuse(len(set(names)) != len(names), 3, "components_invalid")  # RQ-33
    refuse(not {*DERIVED, header} <= set(names), 3, "components_incomplete")  # RQ-34
    refuse(request.announced > 0 and not {"content-digest", "content-type"} <= set(names), 3, "body_uncovered")  # RQ-35
    protected = {name.decode() for name in request.names if name.decode() in _PROTECTED or name.startswith(b"mcp-")}
    refuse(protected - set(names), 3, "header_uncovered")  # RQ-36
    values = [request.value(name) for name in fields]
    refuse(None in values, 3, "component_unresolvable")  # RQ-37
    refuse(any(value and not value.isascii() for value in values), 3, "header_malformed")  # RQ-38
    return names


def _parameters(member: Item, now: int) -> dict[str, Item]:
    params = member.params
    refuse(not {"created", "expires", "nonce", "keyid"} <= params.keys(), 3, "params_incomplete")  # RQ-40
    refuse(any(_PARAMS.get(name) != item.kind for name, item in params.items()), 3, "params_invalid")  # RQ-41
    refuse(not good_nonce(params["nonce"].value), 3, "params_invalid")  # RQ-42
    refuse("alg" in params and params["alg"].value != "ed25519", 3, "alg_rejected")  # RQ-43
    refuse(not good_window(params["created"].value, params["expires"].value, now), 3, "window_invalid")  # RQ-44
    return params


def base(request: Request, authority: bytes, names: list[str], parameters: str) -> bytes:
    """RQ-46, RQ-47: the signature base of the request as received."""
    derived = {"@method": request.method, "@authority": authority, "@path": request.path, "@query": b"?" + (request.query or b"")}
    lines = [b'"%s": %s\n' % (name.encode(), derived[name] if name in derived else request.value(name) or b"") for name in names]
    return b"".join(lines) + b'"@signature-params": ' + parameters.encode()


def other_fields(request: Request, proof: Proof) -> dict[str, str] | None:
    """The member `fields` of "Operation digest" of spec/verify.md."""
    names = proof.covered - {*DERIVED, proof.header, "countersign-approval"} - (TRANSPORT - {"content-type"})
    values = {name: request.value(name) or b"" for name in names}
    return {name: encoding.sha256(value).hex() if name in _CREDENTIALS else value.decode() for name, value in values.items()} or None
