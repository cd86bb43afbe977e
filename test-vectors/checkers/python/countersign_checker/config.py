"""What a verifier is configured with ("Configuration" of spec/verify.md), and its views of revocation."""
from __future__ import annotations

import re
from dataclasses import dataclass, field

from .encoding import key_id
from .errors import Denial, Misuse
from .operation import Entry, covers, good_segment
from .token import Token

_AUDIENCE = re.compile(r"(https?)://[^/?#]+(/[^?#]*)?\Z")


@dataclass
class View:
    """What one issuer took back."""

    blocks: set[bytes] = field(default_factory=set)  # the first 16 bytes of ids
    holders: set[str] = field(default_factory=set)
    users: dict[str, int] = field(default_factory=dict)  # the last second of issue that is revoked
    grants: set[str] = field(default_factory=set)
    conversations: set[tuple[str, str]] = field(default_factory=set)  # user and conversation
    issuer_keys: set[bytes] = field(default_factory=set)
    fresh: bool = True

    def judge(self, token: Token) -> None:
        """Stage 6, in the order of the text."""
        if not self.fresh:  # VF-10
            raise Denial(6, "revocation_stale")
        user = token.fact("user")
        until = self.users.get(str(user))
        revoked = (
            any(block.id[:16] in self.blocks for block in token.blocks)  # VF-11
            or any(key_id(holder.key) in self.holders for holder in token.holders)  # VF-12
            or until is not None and int(token.fact("issued_at")) <= until  # VF-13
            or token.fact("grant") in self.grants)  # VF-14
        if revoked:
            raise Denial(6, "token_revoked")
        if (user, token.fact("conversation")) in self.conversations:  # VF-15
            raise Denial(6, "conversation_ended")


@dataclass(frozen=True)
class Mcp:
    """An MCP endpoint: the server's name, its path in HTTP, and whether both proofs are asked for."""

    server: str
    path: str
    envelope: bool = False


@dataclass
class Config:
    audiences: list[str]
    authorities: list[str]
    issuers: dict[str, list[bytes]]
    operations: list[Entry] | None = None
    max_body: int = 1 << 20
    mcp: Mcp | None = None
    views: dict[str, View] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._paths: dict[str, str] = {}
        schemes = set()
        for audience in self.audiences:
            match = _AUDIENCE.match(audience)
            if not match:
                raise Misuse("an audience that is no absolute URL")
            schemes.add(match.group(1))
            if self._paths.setdefault(match.group(2) or "/", audience) != audience:
                raise Misuse("two audiences with one path")
        if len(schemes) != 1:
            raise Misuse("audiences of different schemes")
        self.scheme = schemes.pop()
        if any(len(keys) > 8 for keys in self.issuers.values()):  # VF-43
            raise Misuse("an issuer with more than 8 keys")
        if self.mcp and not good_segment(self.mcp.server):
            raise Misuse("the name of an MCP server")

    def service(self, path: str) -> str:
        """VF-6"""
        fitting = [prefix for prefix in self._paths if covers(prefix, path)]
        if not fitting:
            raise Denial(5, "audience_mismatch")
        return self._paths[max(fitting, key=len)]
