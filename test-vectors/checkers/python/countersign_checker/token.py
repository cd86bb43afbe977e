"""A token: text, container, profile, signatures, ids (spec/token.md)."""


from typing import NamedTuple

from . import datalog, encoding
from .checks import AT_MOST, examine
from .datalog import Block, Check, Op, Predicate, Query, Symbols, Term, read_block, version_of
from .errors import Denial, refuse

MAX_TEXT = 6827
MAX_OPEN_BYTES = 5088
MAX_BLOCKS = 12
# name -> (kinds of terms, least count, greatest count); a single greatest count of 1 is TK-29, others are TK-30
_AUTHORITY: dict[str, tuple[str, int, int]] = {
    "countersign": ("integer", 1, 1), "issuer": ("string", 1, 1), "user": ("string", 1, 1), "agent": ("string bytes", 1, 1),
    "purpose": ("string", 1, 1), "audience": ("string", 1, 1), "issued_at": ("date", 1, 1), "right": ("string string string", 1, 128),
    "delegation_depth": ("integer", 0, 1), "budget": ("string string integer integer", 0, 8), "metered": ("string string string", 0, 16),
    "approval": ("string string bytes", 0, 16), "grant": ("string", 0, 1), "conversation": ("string", 0, 1),
}
_DELEGATION = {"delegate": ("string bytes", 1, 1)} | {name: _AUTHORITY[name] for name in ("delegation_depth", "budget")}


class SignedBlock(NamedTuple):
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


class Holder(NamedTuple):
    name: str
    key: bytes
    claimed_by: str

    @property
    def key_id(self) -> str:
        return encoding.key_id(self.key)


class Token(NamedTuple):
    blocks: tuple[SignedBlock, ...]
    next_secret: bytes | None
    final_signature: bytes | None
    holders: tuple[Holder, ...]
    effective_expiry: int

    def fact(self, name: str) -> str | int | None:
        """The term of a fact of the authority block that is there at most once."""
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
    message = datalog.decode("Biscuit", data)
    refuse(datalog.encode("Biscuit", message) != data, 4, "token_malformed")  # TK-3 to TK-7
    parts = [message["authority"], *message["blocks"]]
    refuse(len(parts) > MAX_BLOCKS, 4, "limit_exceeded")  # TK-13
    shared = Symbols()
    blocks = []
    for number, part in enumerate(parts):
        external = part.get("externalSignature")
        keys = [part["nextKey"]] + ([external["publicKey"]] if external else [])
        refuse(part.get("version") != 1, 4, "token_profile")  # TK-11
        refuse(any(key["algorithm"] != 0 or len(key["key"]) != 32 for key in keys), 4, "token_profile")  # TK-12
        refuse(external and number == 0, 4, "token_profile")  # TK-14
        block = read_block(part["block"], Symbols() if external else shared)
        for check in block.checks:  # TK-27
            examine(check)
        refuse(block.version != version_of(block.checks, bool(external)), 4, "token_profile")  # TK-26
        blocks.append(SignedBlock(part["block"], block, part["nextKey"]["key"], part["signature"],
                                  (external["publicKey"]["key"], external["signature"]) if external else None))
    holders = _profile(blocks)
    secret = message["proof"].get("nextSecret")
    refuse(secret is not None and request, 4, "token_unsealed")  # TK-15
    refuse(secret is not None and len(secret) != 32, 4, "token_profile")  # TK-16
    refuse(secret is not None and len(data) > MAX_OPEN_BYTES, 4, "limit_exceeded")  # TK-53
    dates = [expiry_date(check) for block in blocks for check in block.block.checks]
    return Token(tuple(blocks), secret, message["proof"].get("finalSignature"), holders, min(date for date in dates if date is not None))


def _facts(block: SignedBlock, table: dict[str, tuple[str, int, int]]) -> int:
    """TK-28 to TK-30, TK-32, TK-33, TK-38. Gives the depth."""
    facts = block.block.facts
    refuse(any(" ".join(term.kind for term in fact.terms) != table.get(fact.name, ("none",))[0] for fact in facts), 4, "token_profile")
    for name, (_, least, most) in table.items():
        count = len(block.facts(name))
        refuse(count < least or most == 1 and count > 1, 4, "token_profile")
        refuse(count > most, 4, "limit_exceeded")
    keys = [row[-1] for name in ("agent", "delegate", "approval") for row in block.facts(name)]
    refuse(any(len(key) != 32 for key in keys), 4, "token_profile")  # TK-32
    depths = [depth for depth, in block.facts("delegation_depth")]
    refuse(any(depth < 1 or depth > 6 and not block.external for depth in depths), 4, "token_profile")  # TK-33
    refuse(any(amount < 1 or window < 0 for _, _, amount, window in block.facts("budget")), 4, "token_profile")  # TK-33
    return sum(depths)


def _profile(blocks: list[SignedBlock]) -> tuple[Holder, ...]:
    """The facts of each block, and the chain of holders."""
    authority = blocks[0]
    left = _facts(authority, _AUTHORITY)
    refuse(authority.facts("countersign") != [(1,)], 4, "token_profile")  # TK-31
    refuse(all(expiry_date(check) is None for check in authority.block.checks), 4, "token_profile")  # TK-34
    (name, key), = authority.facts("agent")
    (issuer,), = authority.facts("issuer")
    holders = [Holder(name, key, issuer)]
    for block in blocks[1:]:
        if block.external is None:
            refuse(block.block.facts or not block.block.checks, 4, "token_profile")  # TK-36
            continue
        depth = _facts(block, _DELEGATION)
        refuse(block.external[0] != holders[-1].key, 4, "delegation_invalid")  # TK-37
        refuse(left == 0 or depth >= left, 4, "delegation_depth")  # TK-47
        left = depth
        (name, key), = block.facts("delegate")
        holders.append(Holder(name, key, holders[-1].key_id))
    return tuple(holders)


def expiry(date: int) -> Check:
    """The check of "Expiry"."""
    time = Term("variable", "time")
    ops = (Op("value", time), Op("value", Term("date", date)), Op("binary", AT_MOST))
    return Check((Query(Predicate("query", ()), (Predicate("time", (time,)),), (ops,)),))


def expiry_date(check: Check) -> int | None:
    """The date of a check that is an expiry, else None."""
    dates = [op.value.value for ops in check.queries[0].expressions for op in ops if op.kind == "value" and op.value.kind == "date"]
    return dates[0] if dates and check == expiry(dates[0]) else None


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


def final_payload(last: SignedBlock) -> bytes:
    return last.data + b"\0\0\0\0" + last.next_key + last.signature


def verify(token: Token, roots: list[bytes]) -> bytes:
    """Stage 7: TK-39 to TK-43, VF-17. Gives the root key under which the token verified."""
    def hold(key: bytes, signature: bytes, payload: bytes) -> None:
        refuse(not encoding.verify(key, signature, payload), 7, "token_signature")

    first, last = token.blocks[0], token.blocks[-1]
    payload = block_payload(first.data, first.next_key, None, None)
    good = [key for key in roots if encoding.verify(key, first.signature, payload)]
    refuse(not good, 7, "token_signature")  # TK-39
    for before, block in zip(token.blocks, token.blocks[1:]):
        external = block.external[1] if block.external else None
        hold(before.next_key, block.signature, block_payload(block.data, block.next_key, before.signature, external))  # TK-40
        if block.external:
            hold(*block.external, external_payload(block.data, before.signature))  # TK-41
    hold(last.next_key, token.final_signature or b"", final_payload(last))  # TK-42
    return good[0]
