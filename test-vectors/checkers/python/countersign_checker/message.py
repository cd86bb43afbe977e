"""An HTTP message: how it is read, stage 1 and the token of stage 2 (spec/request.md)."""
from __future__ import annotations

import re
from dataclasses import dataclass

from . import encoding
from .errors import Denial, Misuse
from .structured import Dictionary, Inexact, InnerList, Item, exact_dictionary
from .token import MAX_TEXT

_TOKEN = re.compile(rb"[A-Za-z0-9!#$%&'*+.^_`|~-]+\Z")
_AUTHORITY = re.compile(rb"[a-zA-Z0-9.:\[\]-]+\Z")
_TARGET = re.compile(rb"/[\x21-\x7e]*\Z")
_REFUSED = {b"upgrade", b"x-http-method-override", b"x-http-method", b"x-method-override", b"x-original-url",
            b"x-original-uri", b"x-original-method", b"x-rewrite-url"}
_MAX_INT = 2**63 - 1


def is_token(data: bytes) -> bool:
    """A token of RFC 9110."""
    return _TOKEN.match(data) is not None


@dataclass
class Request:
    method: bytes
    target: bytes
    fields: list[tuple[bytes, bytes]]  # names as received, values without spaces and tabs at both ends
    authority: bytes | None = None     # the pseudo-header
    body: bytes = b""
    trailers: bool = False

    def lines(self, name: str) -> list[bytes]:
        wanted = name.encode()
        return [value for field, value in self.fields if field.lower() == wanted]

    def value(self, name: str) -> bytes | None:
        """The value of a field, None where it is absent ("Values of fields")."""
        lines = self.lines(name)
        return b", ".join(line.strip(b" \t") for line in lines) if lines else None

    @property
    def path(self) -> bytes:
        return self.target.partition(b"?")[0]

    @property
    def query(self) -> bytes | None:
        """What follows the first `?`, None without one."""
        _, mark, query = self.target.partition(b"?")
        return query if mark else None

    @property
    def announced(self) -> int:
        """The value of Content-Length, 0 without one; after stage 1."""
        lines = self.lines("content-length")
        return encoding.digits_to_int(lines[0].decode(), _MAX_INT) or 0 if lines else 0


def read_request(raw: bytes, authority: bytes | None) -> Request:
    """Reads a message as test-vectors/README.md says: nothing is refused or repaired that is the verifier's to judge."""
    head, mark, rest = raw.partition(b"\r\n\r\n")
    if not mark:
        raise Misuse("no end of the head")
    lines = head.split(b"\r\n")
    method, first, tail = lines[0].partition(b" ")
    target, last, version = tail.rpartition(b" ")
    if not first or not last or version != b"HTTP/1.1":
        raise Misuse("no request line")
    fields: list[tuple[bytes, bytes]] = []
    for line in lines[1:]:
        if line[:1] in (b" ", b"\t") and fields:
            fields[-1] = (fields[-1][0], fields[-1][1] + b"\r\n" + line)
            continue
        name, _, value = line.partition(b":")
        fields.append((name, value))
    request = Request(method, target, [(name, value.strip(b" \t")) for name, value in fields], authority)
    lengths, coding = request.lines("content-length"), request.value("transfer-encoding")
    if lengths and lengths[0].isdigit():
        request.body = rest[:encoding.digits_to_int(lengths[0].decode(), _MAX_INT)]
    elif coding is not None and coding.lower() == b"chunked":
        request.body, request.trailers = _chunks(rest)
    return request


def _chunks(data: bytes) -> tuple[bytes, bool]:
    """The body of chunks, and whether there is a trailer section that is not empty."""
    body = bytearray()
    while True:
        line, mark, data = data.partition(b"\r\n")
        size = line.partition(b";")[0].strip()
        if not mark or not re.fullmatch(rb"[0-9A-Fa-f]{1,15}", size):
            raise Misuse("no chunk")
        length = int(size, 16)
        if length == 0:
            return bytes(body), not data.startswith(b"\r\n")
        if data[length:length + 2] != b"\r\n":
            raise Misuse("a chunk that does not end")
        body += data[:length]
        data = data[length + 2:]


def normalise(authority: bytes, scheme: str) -> bytes:
    """ "Authority": lower case, without the default port. """
    return authority.lower().removesuffix(b":443" if scheme == "https" else b":80")


def framing(request: Request, scheme: str, authorities: list[bytes], max_body: int) -> bytes:
    """Stage 1. Gives the normalised authority."""
    head = len(request.method) + len(request.target) + sum(len(name) + len(value) for name, value in request.fields)
    if len(request.target) > 8192 or head > 32768 or len(request.fields) > 128:  # RQ-1
        raise Denial(1, "limit_exceeded")
    for name, most in (("signature-input", 4096), ("signature", 4096), ("content-digest", 1024)):  # RQ-2
        if len(request.value(name) or b"") > most:
            raise Denial(1, "limit_exceeded")
    texts = request.lines("countersign-token")
    texts += [value[12:] for value in request.lines("authorization") if value.startswith(b"Countersign ")]
    if any(len(text) > MAX_TEXT for text in texts):  # TK-2
        raise Denial(1, "limit_exceeded")
    lengths, coding = request.lines("content-length"), request.value("transfer-encoding")
    if len(lengths) > 1 or any(not re.fullmatch(rb"[0-9]+", value) for value in lengths):  # RQ-10
        raise Denial(1, "header_malformed")
    if lengths and (length := encoding.digits_to_int(lengths[0].decode(), _MAX_INT)) is None or \
            lengths and length is not None and length > max_body:  # RQ-3
        raise Denial(1, "body_too_large")
    if not is_token(request.method) or len(request.method) > 32:  # RQ-4
        raise Denial(1, "header_malformed")
    if request.method == b"CONNECT":  # RQ-5
        raise Denial(1, "header_refused")
    if not _TARGET.match(request.target) or b"#" in request.target:  # RQ-6
        raise Denial(1, "header_malformed")
    if request.target.find(b"?") == len(request.target) - 1:  # RQ-7
        raise Denial(1, "header_malformed")
    for field, value in request.fields:
        if not is_token(field):  # RQ-8
            raise Denial(1, "header_malformed")
        if any(byte < 0x20 and byte != 9 or byte == 0x7F for byte in value):  # RQ-9
            raise Denial(1, "header_malformed")
    if coding is not None and (lengths or coding.lower() != b"chunked"):  # RQ-11
        raise Denial(1, "header_malformed")
    names = {name.lower() for name, _ in request.fields}
    if names & _REFUSED:  # RQ-12
        raise Denial(1, "header_refused")
    if b"trailer" in names:  # RQ-13
        raise Denial(1, "trailer_rejected")
    return _authority(request, scheme, authorities)


def _authority(request: Request, scheme: str, authorities: list[bytes]) -> bytes:
    hosts = request.lines("host")
    given = hosts if request.authority is None else [request.authority, *hosts]
    if len(hosts) > 1 or not given:  # RQ-14
        raise Denial(1, "authority_ambiguous")
    if any(not _AUTHORITY.match(value) for value in given):  # RQ-15
        raise Denial(1, "authority_ambiguous")
    normal = {normalise(value, scheme) for value in given}
    if len(normal) > 1:  # RQ-16
        raise Denial(1, "authority_ambiguous")
    authority = normal.pop()
    if authority not in {normalise(value, scheme) for value in authorities}:  # RQ-17
        raise Denial(1, "authority_mismatch")
    return authority


@dataclass
class Carried:
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
    if len(authorization) > 1:  # RQ-18
        raise Denial(2, "token_ambiguous")
    if scheme == b"Countersign-Session":  # RQ-20
        raise Denial(2, "binding_not_accepted")
    if not in_authorization and scheme.lower() in (b"countersign", b"countersign-session"):  # RQ-19
        raise Denial(2, "header_malformed")
    if len(own) > 1 or (own and in_authorization):  # RQ-21
        raise Denial(2, "token_ambiguous")
    token = credentials if in_authorization else own[0] if own else b""
    if not token:  # RQ-22
        raise Denial(2, "token_missing")
    inputs = _exact(request, "signature-input")
    if not all(isinstance(member, InnerList) for member in inputs.values()):  # RQ-23
        raise Denial(2, "header_malformed")
    signatures = _byte_sequences(request, "signature")  # RQ-24
    digests = _byte_sequences(request, "content-digest")  # RQ-25
    if not digests.keys() <= {"sha-256", "sha-512"}:  # RQ-26
        raise Denial(2, "digest_alg_rejected")
    header = "authorization" if in_authorization else "countersign-token"
    return Carried(token.decode("latin-1"), header, inputs, signatures, digests)


def _exact(request: Request, name: str) -> Dictionary:
    value = request.value(name)
    if value is None:
        return {}
    try:
        return exact_dictionary(value)
    except Inexact:
        raise Denial(2, "header_malformed") from None


def _byte_sequences(request: Request, name: str) -> dict[str, bytes]:
    out = {}
    for key, member in _exact(request, name).items():
        if not isinstance(member, Item) or member.kind != "bytes" or member.params:
            raise Denial(2, "header_malformed")
        out[key] = member.value
    return out
