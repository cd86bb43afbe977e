"""Protocol Buffers, read strictly and written canonically ("Container" and "One encoding only" of spec/token.md)."""
from __future__ import annotations

from typing import Any, NamedTuple

from .errors import Denial

MAX_DEPTH = 64
Message = dict[str, Any]


class Field(NamedTuple):
    name: str
    kind: str    # a scalar of protobuf, or the name of a message
    label: str   # required, optional, repeated, oneof


def _fields(text: str) -> dict[int, Field]:
    table: dict[int, Field] = {}
    for line in text.strip().splitlines():
        label, kind, name, number = line.split()
        table[int(number)] = Field(name, kind, label)
    return table


SCHEMA: dict[str, dict[int, Field]] = {name: _fields(text) for name, text in {
    "Biscuit": "required SignedBlock authority 2\nrepeated SignedBlock blocks 3\nrequired Proof proof 4",
    "SignedBlock": """required bytes block 1
        required PublicKey nextKey 2
        required bytes signature 3
        optional ExternalSignature externalSignature 4
        optional uint32 version 5""",
    "ExternalSignature": "required bytes signature 1\nrequired PublicKey publicKey 2",
    "PublicKey": "required int32 algorithm 1\nrequired bytes key 2",
    "Proof": "oneof bytes nextSecret 1\noneof bytes finalSignature 2",
    "Block": "repeated string symbols 1\noptional uint32 version 3\nrepeated Fact facts 4\nrepeated Check checks 6",
    "Fact": "required Predicate predicate 1",
    "Check": "repeated Rule queries 1\noptional int32 kind 2",
    "Rule": "required Predicate head 1\nrepeated Predicate body 2\nrepeated Expression expressions 3",
    "Predicate": "required uint64 name 1\nrepeated Term terms 2",
    "Term": """oneof uint32 variable 1
        oneof int64 integer 2
        oneof uint64 string 3
        oneof uint64 date 4
        oneof bytes bytes 5
        oneof bool bool 6
        oneof TermSet set 7""",
    "TermSet": "repeated Term set 1",
    "Expression": "repeated Op ops 1",
    "Op": "oneof Term value 1\noneof OpUnary unary 2\noneof OpBinary binary 3\noneof OpClosure closure 4",
    "OpUnary": "required int32 kind 1",
    "OpBinary": "required int32 kind 1",
    "OpClosure": "repeated Op ops 2",
}.items()}
# TK-9: fields of Biscuit that the profile does not have
FOREIGN: dict[str, frozenset[int]] = {
    "Biscuit": frozenset({1}), "Block": frozenset({2, 5, 7, 8}), "Rule": frozenset({4}), "Term": frozenset({8, 9, 10}),
    "OpUnary": frozenset({2}), "OpBinary": frozenset({2}), "OpClosure": frozenset({1}),
}
_VARINT = {"uint32", "uint64", "int32", "int64", "bool"}


def _malformed() -> Denial:
    return Denial(4, "token_malformed")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:  # TK-3
            raise _malformed()
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if (byte == 0 and shift) or value >= 2**64:  # TK-4
                raise _malformed()
            return value, at
        shift += 7


def _number(kind: str, value: int) -> int | bool:
    """TK-4: a value that its type holds."""
    if kind == "bool" and value <= 1:
        return bool(value)
    if kind == "uint32" and value < 2**32 or kind == "uint64":
        return value
    if kind in ("int32", "int64"):
        signed = value - 2**64 if value >= 2**63 else value
        if kind == "int64" or -2**31 <= signed < 2**31:
            return signed
    raise _malformed()


def decode(message: str, data: bytes, depth: int = 0) -> Message:
    """Reads a whole message. `depth` is the depth of this message inside a block, 0 outside of blocks (TK-10)."""
    if depth > MAX_DEPTH:  # TK-10
        raise _malformed()
    schema, foreign = SCHEMA[message], FOREIGN.get(message, frozenset())
    out: Message = {field.name: [] for field in schema.values() if field.label == "repeated"}
    at = last = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, wire = tag >> 3, tag & 7
        if tag >= 2**32:
            raise _malformed()
        if number in foreign:  # TK-9
            raise Denial(4, "token_profile")
        field = schema.get(number)
        if field is None:  # TK-8
            raise _malformed()
        if number < last or (number == last and field.label != "repeated"):  # TK-5
            raise _malformed()
        last = number
        if wire != (0 if field.kind in _VARINT else 2):  # TK-3
            raise _malformed()
        value: Any
        if wire == 0:
            raw, at = _varint(data, at)
            value = _number(field.kind, raw)
        else:
            length, at = _varint(data, at)
            if length > len(data) - at:  # TK-3
                raise _malformed()
            part, at = data[at:at + length], at + length
            if field.kind == "bytes":
                value = part
            elif field.kind == "string":
                try:
                    value = part.decode("utf-8")  # TK-21
                except UnicodeDecodeError:
                    raise _malformed() from None
            else:
                value = decode(field.kind, part, depth + 1 if depth else 0)
        if field.label == "repeated":
            out[field.name].append(value)
        else:
            if field.label == "optional" and not value:  # TK-7
                raise _malformed()
            out[field.name] = value
    oneof = [field.name for field in schema.values() if field.label == "oneof"]
    if oneof and len(out) != 1:  # TK-5, TK-6
        raise _malformed()
    if any(field.label == "required" and field.name not in out for field in schema.values()):  # TK-6
        raise _malformed()
    return out


def _write_varint(value: int) -> bytes:
    value &= 2**64 - 1
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def encode(message: str, value: Message) -> bytes:
    """The one encoding of a message."""
    out = bytearray()
    for number, field in sorted(SCHEMA[message].items()):
        if field.name not in value:
            continue
        for item in value[field.name] if field.label == "repeated" else [value[field.name]]:
            if field.kind in _VARINT:
                out += _write_varint(number << 3) + _write_varint(int(item))
                continue
            if field.kind == "bytes":
                part = item
            elif field.kind == "string":
                part = item.encode()
            else:
                part = encode(field.kind, item)
            out += _write_varint(number << 3 | 2) + _write_varint(len(part)) + part
    return bytes(out)
