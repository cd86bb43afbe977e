"""A token: text, container, profile, signatures, ids (spec/token.md)."""
from __future__ import annotations

from dataclasses import dataclass

from . import encoding, form, wire
from .datalog import CHECK_IF, Block, Check, Op, Predicate, Query, Symbols, Term, read_block, version_of
from .errors import Denial

MAX_TEXT = 6827
MAX_BLOCKS = 12
# name -> (kinds of terms, least count, greatest count); a single greatest count of 1 is TK-29, others are TK-30
_AUTHORITY: dict[str, tuple[str, int, int]] = {
    "countersign": ("integer", 1, 1), "issuer": ("string", 1, 1), "user": ("string", 1, 1),
    "agent": ("string bytes", 1, 1), "purpose": ("string", 1, 1), "audience": ("string", 1, 1),
    "issued_at": ("date", 1, 1), "right": ("string string string", 1, 128), "delegation_depth": ("integer", 0, 1),
    "budget": ("string string integer integer", 0, 8), "metered": ("string string string", 0, 16),
    "approval": ("string string bytes", 0, 16), "grant": ("string", 0, 1), "conversation": ("string", 0, 1),
}
_DELEGATION = {"delegate": ("string bytes", 1, 1), "delegation_depth": _AUTHORITY["delegation_depth"],
               "budget": _AUTHORITY["budget"]}


@dataclass(frozen=True)
class SignedBlock:
    data: bytes
    block: Block
    next_key: bytes
    signature: bytes
    external: tuple[bytes, bytes] | None  # public key and signature

    @property
    def id(self) -> bytes:
        """ "Block ids" """
        return encoding.sha256(self.external[1] if self.external else self.signature)

    def facts(self, name: str) -> list[tuple]:
        return [tuple(term.value for term in fact.terms) for fact in self.block.facts if fact.name == name]


@dataclass(frozen=True)
class Holder:
    name: str
    key: bytes
    claimed_by: str


@dataclass(frozen=True)
class Token:
    blocks: tuple[SignedBlock, ...]
    next_secret: bytes | None
    final_signature: bytes | None
    holders: tuple[Holder, ...]
    effective_expiry: int

    def fact(self, name: str) -> str | int:
        """The term of a fact of the authority block that is there once."""
        return self.blocks[0].facts(name)[0][0]

    def optional(self, name: str) -> str | None:
        rows = self.blocks[0].facts(name)
        return rows[0][0] if rows else None

    @property
    def holder(self) -> Holder:
        return self.holders[-1]


def decode(text: str, request: bool = True) -> Token:
    """Stage 4. With `request`, an open token is refused."""
    data = encoding.un_b64u(text)
    if data is None:  # TK-1
        raise Denial(4, "token_malformed")
    message = wire.decode("Biscuit", data)
    if wire.encode("Biscuit", message) != data:
        raise Denial(4, "token_malformed")
    parts = [message["authority"], *message["blocks"]]
    if len(parts) > MAX_BLOCKS:  # TK-13
        raise Denial(4, "limit_exceeded")
    shared = Symbols()
    blocks = []
    for number, part in enumerate(parts):
        external = _envelope(part, number)
        block = read_block(part["block"], Symbols() if external else shared)
        for check in block.checks:  # TK-27
            form.examine(check)
        if block.version != version_of(block.checks, external is not None):  # TK-26
            raise Denial(4, "token_profile")
        blocks.append(SignedBlock(part["block"], block, part["nextKey"]["key"], part["signature"], external))
    holders = _profile(blocks)
    proof = message["proof"]
    secret = proof.get("nextSecret")
    if secret is not None:
        if request:  # TK-15
            raise Denial(4, "token_unsealed")
        if len(secret) != 32:  # TK-16
            raise Denial(4, "token_profile")
    expiry = min(date for block in blocks for check in block.block.checks if (date := expiry_date(check)) is not None)
    return Token(tuple(blocks), secret, proof.get("finalSignature"), holders, expiry)


def _envelope(part: wire.Message, number: int) -> tuple[bytes, bytes] | None:
    """TK-11, TK-12, TK-14"""
    external = part.get("externalSignature")
    keys = [part["nextKey"]] + ([external["publicKey"]] if external else [])
    if part.get("version") != 1:  # TK-11
        raise Denial(4, "token_profile")
    if any(key["algorithm"] != 0 or len(key["key"]) != 32 for key in keys):  # TK-12
        raise Denial(4, "token_profile")
    if external and number == 0:  # TK-14
        raise Denial(4, "token_profile")
    return (external["publicKey"]["key"], external["signature"]) if external else None


def _facts(block: Block, table: dict[str, tuple[str, int, int]]) -> None:
    """TK-28 to TK-30, TK-38"""
    for fact in block.facts:
        kinds = " ".join(term.kind for term in fact.terms)
        if fact.name not in table or kinds != table[fact.name][0]:
            raise Denial(4, "token_profile")
    for name, (_, least, most) in table.items():
        count = sum(fact.name == name for fact in block.facts)
        if count < least or (most == 1 and count > 1):
            raise Denial(4, "token_profile")
        if count > most:
            raise Denial(4, "limit_exceeded")


def _numbers(block: SignedBlock, most_depth: int) -> None:
    """TK-32, TK-33"""
    for _, key in block.facts("agent") + block.facts("delegate"):
        if len(key) != 32:
            raise Denial(4, "token_profile")
    if any(len(key) != 32 for _, _, key in block.facts("approval")):
        raise Denial(4, "token_profile")
    if any(not 1 <= depth <= most_depth for depth, in block.facts("delegation_depth")):
        raise Denial(4, "token_profile")
    if any(amount < 1 or window < 0 for _, _, amount, window in block.facts("budget")):
        raise Denial(4, "token_profile")


def _profile(blocks: list[SignedBlock]) -> tuple[Holder, ...]:
    """The facts of each block, and the chain of holders."""
    authority = blocks[0]
    _facts(authority.block, _AUTHORITY)
    _numbers(authority, 6)
    if authority.facts("countersign") != [(1,)]:  # TK-31
        raise Denial(4, "token_profile")
    if all(expiry_date(check) is None for check in authority.block.checks):  # TK-34
        raise Denial(4, "token_profile")
    (name, key), = authority.facts("agent")
    (issuer,), = authority.facts("issuer")
    holders = [Holder(name, key, issuer)]
    left = _depth(authority)
    for block in blocks[1:]:
        if block.external is None:
            if block.block.facts or not block.block.checks:  # TK-36
                raise Denial(4, "token_profile")
            continue
        _facts(block.block, _DELEGATION)
        _numbers(block, 2**63)
        if block.external[0] != holders[-1].key:  # TK-37
            raise Denial(4, "delegation_invalid")
        if left == 0 or _depth(block) >= left:  # TK-47
            raise Denial(4, "delegation_depth")
        left = _depth(block)
        (name, key), = block.facts("delegate")
        holders.append(Holder(name, key, encoding.key_id(holders[-1].key)))
    return tuple(holders)


def _depth(block: SignedBlock) -> int:
    return next((depth for depth, in block.facts("delegation_depth")), 0)


def expiry(date: int) -> Check:
    """The check of "Expiry"."""
    time = Term("variable", "time")
    ops = (Op("value", time), Op("value", Term("date", date)), Op("binary", form.AT_MOST))
    return Check(CHECK_IF, (Query(Predicate("query", ()), (Predicate("time", (time,)),), (ops,)),))


def expiry_date(check: Check) -> int | None:
    """The date of a check that is an expiry, else None."""
    query = check.queries[0]
    if len(query.expressions) != 1 or len(query.expressions[0]) != 3:
        return None
    value = query.expressions[0][1].value
    if not isinstance(value, Term) or value.kind != "date" or check != expiry(value.value):
        return None
    return value.value


# Signatures

def _tagged(block: bytes, external: bool) -> bytes:
    return (b"\0EXTERNAL\0" if external else b"\0BLOCK\0") + b"\0VERSION\0\1\0\0\0" + b"\0PAYLOAD\0" + block


def block_payload(block: bytes, next_key: bytes, previous: bytes | None, external: bytes | None) -> bytes:
    payload = _tagged(block, False) + b"\0ALGORITHM\0\0\0\0\0" + b"\0NEXTKEY\0" + next_key
    if previous is not None:
        payload += b"\0PREVSIG\0" + previous
    return payload + (b"\0EXTERNALSIG\0" + external if external is not None else b"")


def external_payload(block: bytes, previous: bytes) -> bytes:
    return _tagged(block, True) + b"\0PREVSIG\0" + previous


def final_payload(block: bytes, next_key: bytes, signature: bytes) -> bytes:
    return block + b"\0\0\0\0" + next_key + signature


def verify(token: Token, roots: list[bytes]) -> bytes:
    """Stage 7: TK-39 to TK-43, VF-17. Gives the root key under which the token verified."""
    refusal = Denial(7, "token_signature")
    first = token.blocks[0]
    payload = block_payload(first.data, first.next_key, None, None)
    root = next((key for key in roots if encoding.verify(key, first.signature, payload)), None)
    if root is None:  # TK-39
        raise refusal
    for before, block in zip(token.blocks, token.blocks[1:]):
        external = block.external[1] if block.external else None
        payload = block_payload(block.data, block.next_key, before.signature, external)
        if not encoding.verify(before.next_key, block.signature, payload):  # TK-40
            raise refusal
        if block.external:
            payload = external_payload(block.data, before.signature)
            if not encoding.verify(block.external[0], block.external[1], payload):  # TK-41
                raise refusal
    last = token.blocks[-1]
    if token.final_signature is not None:
        payload = final_payload(last.data, last.next_key, last.signature)
        if not encoding.verify(last.next_key, token.final_signature, payload):  # TK-42
            raise refusal
    elif encoding.public_of(token.next_secret or bytes(32)) != last.next_key:  # TK-16
        raise refusal
    return root
