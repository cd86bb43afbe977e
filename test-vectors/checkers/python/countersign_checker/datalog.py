"""Blocks: Protocol Buffers, symbols, terms and checks ("Container", "One encoding only" and "Symbols" of spec/token.md).

Reading is not strict about the one encoding: who reads a whole message compares `encode` of it with the bytes, which holds
TK-4, TK-5 and TK-7 and the lengths of TK-3.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, is_dataclass
from typing import Any, NamedTuple

from .encoding import MAX_DATE
from .errors import Denial, refuse

MAX_DEPTH = 64


@dataclass(frozen=True)
class Term:
    kind: str   # variable, a scalar kind, or set
    value: Any  # str for variables and strings (on the way an index of symbols); a tuple of terms for sets


@dataclass(frozen=True)
class Predicate:
    name: str
    terms: tuple[Term, ...]


@dataclass(frozen=True)
class Op:
    kind: str   # value, unary, binary, closure
    value: Any  # a term, the number of the operation, a tuple of operations


@dataclass(frozen=True)
class Query:
    head: Predicate
    body: tuple[Predicate, ...]
    expressions: tuple[tuple[Op, ...], ...]


@dataclass(frozen=True)
class Check:
    queries: tuple[Query, ...]
    kind: int = 0


@dataclass(frozen=True)
class Block:
    facts: tuple[Predicate, ...]
    checks: tuple[Check, ...]
    version: int = 0
    symbols: tuple[str, ...] = ()


# What messages become: of one field what it holds, else an object of these, else a dict
CLASSES = {"Term": Term, "Predicate": Predicate, "Op": Op, "Rule": Query, "Check": Check, "Block": Block}


class Field(NamedTuple):
    label: str   # required, optional, repeated, oneof
    kind: str    # a scalar of protobuf, or the name of a message
    name: str


def _fields(text: str) -> dict[int, Field]:
    rows = [row.split() for row in text.split(",")]
    return {int(number): Field(*row) for *row, number in rows}


SCHEMA = {name: _fields(text) for name, text in {
    "Biscuit": "required SignedBlock authority 2, repeated SignedBlock blocks 3, required Proof proof 4",
    "SignedBlock": """required bytes block 1, required PublicKey nextKey 2, required bytes signature 3,
        optional ExternalSignature externalSignature 4, optional uint32 version 5""",
    "ExternalSignature": "required bytes signature 1, required PublicKey publicKey 2",
    "PublicKey": "required int32 algorithm 1, required bytes key 2",
    "Proof": "oneof bytes nextSecret 1, oneof bytes finalSignature 2",
    "Block": "repeated string symbols 1, optional uint32 version 3, repeated Fact facts 4, repeated Check checks 6",
    "Fact": "required Predicate predicate 1",
    "Check": "repeated Rule queries 1, optional int32 kind 2",
    "Rule": "required Predicate head 1, repeated Predicate body 2, repeated Expression expressions 3",
    "Predicate": "required uint64 name 1, repeated Term terms 2",
    "Term": """oneof uint32 variable 1, oneof int64 integer 2, oneof uint64 string 3, oneof uint64 date 4, oneof bytes bytes 5,
        oneof bool bool 6, oneof TermSet set 7""",
    "TermSet": "repeated Term set 1",
    "Expression": "repeated Op ops 1",
    "Op": "oneof Term value 1, oneof OpUnary unary 2, oneof OpBinary binary 3, oneof OpClosure closure 4",
    "OpUnary": "required int32 kind 1",
    "OpBinary": "required int32 kind 1",
    "OpClosure": "repeated Op ops 2",
}.items()}
# TK-9: fields of Biscuit that the profile does not have
FOREIGN = {"Biscuit": {1}, "Block": {2, 5, 7, 8}, "Rule": {4}, "Term": {8, 9, 10}, "OpUnary": {2}, "OpBinary": {2}, "OpClosure": {1}}
_BITS = {"uint32": 32, "int32": 32, "uint64": 64, "int64": 64, "bool": 1}


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        refuse(at >= len(data) or shift > 63, 4, "token_malformed")  # TK-3
        value |= (data[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 0x80:
            return value, at


def _number(kind: str, raw: int) -> int | bool:
    """The value of that type that has these bits."""
    raw &= 2**_BITS[kind] - 1
    if kind.startswith("int") and raw >> (_BITS[kind] - 1):
        raw -= 2**_BITS[kind]
    return bool(raw) if kind == "bool" else raw


def decode(message: str, data: bytes, depth: int = 0) -> Any:
    """Reads a whole message. `depth` is the depth of this message inside a block, 0 outside of blocks (TK-10)."""
    refuse(depth > MAX_DEPTH, 4, "token_malformed")  # TK-10
    schema = SCHEMA[message]
    out: dict[str, Any] = {field.name: () for field in schema.values() if field.label == "repeated"}
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        refuse(tag >> 3 in FOREIGN.get(message, ()), 4, "token_profile")  # TK-9
        field = schema.get(tag >> 3)
        if field is None or tag & 7 != (0 if field.kind in _BITS else 2):  # TK-8, TK-3
            raise Denial(4, "token_malformed")
        value: Any
        value, at = _varint(data, at)
        if field.kind in _BITS:
            value = _number(field.kind, value)
        else:
            refuse(value > len(data) - at, 4, "token_malformed")  # TK-3
            value, at = data[at:at + value], at + value
            if field.kind == "string":
                try:
                    value = value.decode("utf-8")  # TK-21
                except UnicodeDecodeError:
                    raise Denial(4, "token_malformed") from None
            elif field.kind != "bytes":
                value = decode(field.kind, value, depth + 1 if depth else 0)
        out[field.name] = (*out[field.name], value) if field.label == "repeated" else value
    refuse(any(field.label == "required" and field.name not in out for field in schema.values()), 4, "token_malformed")  # TK-6
    oneof = schema[max(schema)].label == "oneof"
    refuse(oneof and len(out) != 1, 4, "token_malformed")  # TK-5, TK-6
    if len(schema) == 1:
        return out.popitem()[1]
    if message not in CLASSES:
        return out
    return CLASSES[message](*out.popitem()) if oneof else CLASSES[message](**out)


def _write_varint(value: int) -> bytes:
    value &= 2**64 - 1
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out) + bytes([value])


def encode(message: str, value: Any) -> bytes:
    """The one encoding of a message."""
    schema = SCHEMA[message]
    members = value if isinstance(value, dict) else {value.kind: value.value} if isinstance(value, (Term, Op)) else None
    if members is None:
        members = {field.name: value for field in schema.values()} if len(schema) == 1 else vars(value)
    out = b""
    for number, field in sorted(schema.items()):
        items = members.get(field.name, ()) if field.label == "repeated" else [members[field.name]] if field.name in members else []
        for item in items:
            if field.label == "optional" and not item:  # TK-7
                continue
            if field.kind in _BITS:
                out += _write_varint(number << 3) + _write_varint(int(item))
            else:
                part = item if field.kind == "bytes" else item.encode() if field.kind == "string" else encode(field.kind, item)
                out += _write_varint(number << 3 | 2) + _write_varint(len(part)) + part
    return out


FIXED = (  # 0 to 27
    "read", "write", "resource", "operation", "right", "time", "role", "owner", "tenant", "namespace", "user", "team", "service", "admin",
    "email", "group", "member", "ip_address", "client", "client_ip", "domain", "path", "version", "cluster", "node", "hostname", "nonce",
    "query")
FIRST = 1024
CHECK_IF, REJECT_IF = 0, 2
SCALARS = ("integer", "string", "date", "bytes", "bool")


class Symbols:
    """The strings from 1024 on, as one block sees them."""

    def __init__(self, strings: Iterable[str] = ()) -> None:
        self.strings = list(strings)

    def text(self, index: int) -> str:
        refuse(len(FIXED) <= index < FIRST or index >= FIRST + len(self.strings), 4, "token_malformed")  # TK-17
        return FIXED[index] if index < FIRST else self.strings[index - FIRST]

    def index(self, text: str) -> int:
        """The index of a string, which is added where it is missing."""
        if text in FIXED:
            return FIXED.index(text)
        if text not in self.strings:
            self.strings.append(text)
        return FIRST + self.strings.index(text)


def _translate(value: Any, symbol: Callable[[Any], Any]) -> Any:
    """The same with indices in place of strings, or strings in place of indices, in document order."""
    if isinstance(value, tuple):
        return tuple(_translate(part, symbol) for part in value)
    if isinstance(value, Predicate):
        return Predicate(symbol(value.name), _translate(value.terms, symbol))
    if not isinstance(value, Term):
        return type(value)(*(_translate(part, symbol) for part in vars(value).values())) if is_dataclass(value) else value
    if value.kind == "set":
        refuse(len(value.value) > 128, 4, "limit_exceeded")  # CK-18
        kinds = {term.kind for term in value.value}
        refuse(len(kinds) > 1 or not kinds <= set(SCALARS), 4, "token_profile")  # CK-17
        elements = sorted(set(value.value), key=_order)  # TK-20, since UTF-8 sorts as code points do
        return Term("set", tuple(sorted((_translate(term, symbol) for term in elements), key=_order)))  # CK-19
    refuse(value.kind == "bytes" and len(value.value) > 1024 or value.kind == "date" and value.value > MAX_DATE, 4, "token_profile")  # TK-22, TK-23
    return Term(value.kind, symbol(value.value)) if value.kind in ("variable", "string") else value


def _order(term: Term) -> Any:
    return term.value


def flat(ops: tuple[Op, ...]) -> Iterator[Op]:
    """All operations, those inside closures too."""
    for op in ops:
        yield op
        if op.kind == "closure":
            yield from flat(op.value)


def version_of(checks: tuple[Check, ...], external: bool) -> int:
    """TK-26: the version that a block must have."""
    ops = [op for check in checks for query in check.queries for expression in query.expressions for op in flat(expression)]
    if any(check.kind == REJECT_IF for check in checks) or any(op.kind == "closure" for op in ops):
        return 6
    return 5 if external else 4 if Op("binary", 20) in ops else 3


def read_block(data: bytes, symbols: Symbols) -> Block:
    """Decodes a block and adds its strings to `symbols`."""
    block = decode("Block", data, depth=1)
    before = Symbols(symbols.strings)
    symbols.strings += block.symbols
    refuse(any(len(text.encode()) > 1024 for text in block.symbols), 4, "token_profile")  # TK-22
    refuse(len(block.facts) > 200 or len(block.checks) > 64, 4, "limit_exceeded")  # TK-25
    refuse(len(set(block.facts)) != len(block.facts), 4, "token_malformed")  # TK-24
    facts, checks = _translate(block.facts, symbols.text), _translate(block.checks, symbols.text)
    refuse(write_block(facts, checks, block.version, before) != data, 4, "token_malformed")  # TK-3 to TK-7, TK-17 to TK-20, CK-19
    return Block(facts, checks, block.version)


def write_block(facts: tuple[Predicate, ...], checks: tuple[Check, ...], version: int, symbols: Symbols) -> bytes:
    """Encodes a block and adds its strings to `symbols`."""
    known = len(symbols.strings)
    facts, checks = _translate(facts, symbols.index), _translate(checks, symbols.index)
    return encode("Block", Block(facts, checks, version, tuple(symbols.strings[known:])))
