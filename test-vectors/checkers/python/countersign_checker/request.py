"""An HTTP message: how it is read, stages 1 to 3, and its signature base (spec/request.md)."""

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from . import encoding
from .encoding import SKEW, digits_to_int
from .errors import Denial, Misuse, refuse
from .structured import Dictionary, Item, exact_dictionary
from .token import MAX_TEXT

_TOKEN = re.compile(rb"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_AUTHORITY = re.compile(rb"[a-zA-Z0-9.:\[\]-]+")
_REFUSED = set(b"""upgrade x-http-method-override x-http-method x-method-override x-original-url x-original-uri x-original-method
    x-rewrite-url""".split())
_MAX_INT = 2**63 - 1


def is_token(data: bytes) -> bool:
    """A token of RFC 9110."""
    return _TOKEN.fullmatch(data) is not None


@dataclass
class Request:
    method: bytes
    target: bytes
    fields: list[tuple[bytes, bytes]]  # names as received, values without spaces and tabs at both ends
    authority: bytes | None = None     # the pseudo-header
    body: bytes = b""
    trailers: bool = False
    names: set[bytes] = field(init=False)  # in lower case

    def __post_init__(self) -> None:
        self.names = {name.lower() for name, _ in self.fields}
        self.path, mark, query = self.target.partition(b"?")
        self.query = query if mark else None  # what follows the first `?`

    def lines(self, name: str) -> list[bytes]:
        return [value for field, value in self.fields if field.lower() == name.encode()]

    def value(self, name: str) -> bytes | None:
        """The value of a field, None where it is absent ("Values of fields")."""
        lines = self.lines(name)
        return b", ".join(lines) if lines else None

    @property
    def announced(self) -> int:
        """The value of Content-Length, 0 without a good one."""
        lines = self.lines("content-length")
        return (digits_to_int(lines[0].decode(), _MAX_INT) or 0) if lines and lines[0].isdigit() else 0


def read_request(raw: bytes, authority: bytes | None) -> Request:
    """Reads a message as test-vectors/README.md says: nothing is refused or repaired that is the verifier's to judge."""
    head, mark, rest = raw.partition(b"\r\n\r\n")
    first, _, rows = head.partition(b"\r\n")
    lines = re.split(rb"\r\n(?![ \t])", rows) if rows else []
    method, space, tail = first.partition(b" ")
    target, last, version = tail.rpartition(b" ")
    if not (mark and space and last) or version != b"HTTP/1.1":
        raise Misuse("no request line, or no end of the head")
    fields = [(name, value.strip(b" \t")) for name, _, value in (line.partition(b":") for line in lines)]
    request = Request(method, target, fields, authority)
    if b"content-length" in request.names:
        request.body = rest[:request.announced]
    elif (request.value("transfer-encoding") or b"").lower() == b"chunked":
        request.body, request.trailers = _chunks(rest)
    return request


def _chunks(data: bytes) -> tuple[bytes, bool]:
    """The body of chunks, and whether there is a trailer section that is not empty."""
    body = b""
    while True:
        line, mark, data = data.partition(b"\r\n")
        size = re.match(rb"([0-9A-Fa-f]{1,15})[ \t]*(;|\Z)", line)
        length = int(size.group(1), 16) if mark and size else 0
        if not (mark and size) or length and data[length:length + 2] != b"\r\n":
            raise Misuse("no chunk")
        if length == 0:
            return body, not data.startswith(b"\r\n")
        body += data[:length]
        data = data[length + 2:]


def normalise(authority: bytes, scheme: str) -> bytes:
    """ "Authority": lower case, without the default port. """
    return authority.lower().removesuffix(b":443" if scheme == "https" else b":80")


def framing(request: Request, scheme: str, authorities: list[bytes], max_body: int) -> bytes:
    """Stage 1. Gives the normalised authority."""
    head = len(request.method) + len(request.target) + sum(len(name) + len(value) for name, value in request.fields)
    refuse(len(request.target) > 8192 or head > 32768 or len(request.fields) > 128, 1, "limit_exceeded")  # RQ-1
    for name, most in (("signature-input", 4096), ("signature", 4096), ("content-digest", 1024)):
        refuse(len(request.value(name) or b"") > most, 1, "limit_exceeded")  # RQ-2
    texts = request.lines("countersign-token")
    texts += [value[12:] for value in request.lines("authorization") if value.startswith(b"Countersign ")]
    refuse(any(len(text) > MAX_TEXT for text in texts), 1, "limit_exceeded")  # TK-2
    lengths, coding = request.lines("content-length"), request.value("transfer-encoding")
    refuse(len(lengths) > 1 or any(not re.fullmatch(rb"[0-9]+", value) for value in lengths), 1, "header_malformed")  # RQ-10
    refuse(any(digits_to_int(value.decode(), max_body) is None for value in lengths), 1, "body_too_large")  # RQ-3
    refuse(not is_token(request.method) or len(request.method) > 32, 1, "header_malformed")  # RQ-4
    refuse(request.method == b"CONNECT", 1, "header_refused")  # RQ-5
    refuse(not re.fullmatch(rb"/[\x21\x22\x24-\x7e]*", request.target), 1, "header_malformed")  # RQ-6
    refuse(request.query == b"", 1, "header_malformed")  # RQ-7
    refuse(not all(is_token(field) for field, _ in request.fields), 1, "header_malformed")  # RQ-8
    refuse(any(re.search(rb"[\x00-\x08\x0a-\x1f\x7f]", value) for _, value in request.fields), 1, "header_malformed")  # RQ-9
    refuse(coding is not None and (lengths or coding.lower() != b"chunked"), 1, "header_malformed")  # RQ-11
    refuse(request.names & _REFUSED, 1, "header_refused")  # RQ-12
    refuse(b"trailer" in request.names, 1, "trailer_rejected")  # RQ-13
    hosts = request.lines("host")
    given = hosts if request.authority is None else [request.authority, *hosts]
    refuse(len(hosts) > 1 or not given, 1, "authority_ambiguous")  # RQ-14
    refuse(not all(_AUTHORITY.fullmatch(value) for value in given), 1, "authority_ambiguous")  # RQ-15
    normal = {normalise(value, scheme) for value in given}
    refuse(len(normal) > 1, 1, "authority_ambiguous")  # RQ-16
    refuse(not normal <= {normalise(value, scheme) for value in authorities}, 1, "authority_mismatch")  # RQ-17
    return normal.pop()


class Carried(NamedTuple):
    """What stage 2 found."""

    token: str
    header: str  # the name of the token header
    inputs: Dictionary
    signatures: dict[str, bytes]
    digests: dict[str, bytes]


def carried(request: Request) -> Carried:
    """Stage 2."""
    authorization, own = request.lines("authorization"), request.lines("countersign-token")
    scheme, _, credentials = (authorization[0] if authorization else b"").partition(b" ")
    in_authorization = scheme == b"Countersign"
    refuse(len(authorization) > 1, 2, "token_ambiguous")  # RQ-18
    refuse(scheme == b"Countersign-Session", 2, "binding_not_accepted")  # RQ-20
    refuse(not in_authorization and scheme.lower() in (b"countersign", b"countersign-session"), 2, "header_malformed")  # RQ-19
    refuse(len(own) > 1 or own and in_authorization, 2, "token_ambiguous")  # RQ-21
    token = credentials if in_authorization else own[0] if own else b""
    refuse(not token, 2, "token_missing")  # RQ-22
    inputs = _exact(request, "signature-input", "list")  # RQ-23
    signatures, digests = (_exact(request, name, "bytes") for name in ("signature", "content-digest"))  # RQ-24, RQ-25
    refuse(any(member.params for member in (*signatures.values(), *digests.values())), 2, "header_malformed")  # RQ-24, RQ-25
    refuse(not digests.keys() <= {"sha-256", "sha-512"}, 2, "digest_alg_rejected")  # RQ-26
    return Carried(token.decode("latin-1"), "authorization" if in_authorization else "countersign-token", inputs,
                   {label: member.value for label, member in signatures.items()},
                   {algorithm: member.value for algorithm, member in digests.items()})


def _exact(request: Request, name: str, kind: str) -> Dictionary:
    """A field whose members are all of one kind; empty where it is absent."""
    value = request.value(name)
    try:
        out = {} if value is None else exact_dictionary(value)
    except ValueError:
        raise Denial(2, "header_malformed") from None
    refuse(any(member.kind != kind for member in out.values()), 2, "header_malformed")
    return out


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
