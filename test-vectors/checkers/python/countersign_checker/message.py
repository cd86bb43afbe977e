"""An HTTP message: how it is read, stage 1 and the token of stage 2 (spec/request.md)."""

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from .encoding import digits_to_int
from .errors import Denial, Misuse, refuse
from .structured import Dictionary, exact_dictionary
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
