"""What a verifier is configured with ("Configuration" of spec/verify.md), and its views of revocation."""

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from .errors import Misuse, refuse
from .operation import Entry, covers, good_segment
from .token import Token


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
        user, issued_at = str(token.fact("user")), int(token.fact("issued_at") or 0)
        refuse(not self.fresh, 6, "revocation_stale")  # VF-10
        refuse(self.blocks & {block.id[:16] for block in token.blocks}, 6, "token_revoked")  # VF-11
        refuse(self.holders & {holder.key_id for holder in token.holders}, 6, "token_revoked")  # VF-12
        refuse(issued_at <= self.users.get(user, -1), 6, "token_revoked")  # VF-13
        refuse(token.fact("grant") in self.grants, 6, "token_revoked")  # VF-14
        refuse((user, token.fact("conversation")) in self.conversations, 6, "conversation_ended")  # VF-15


class Mcp(NamedTuple):
    """An MCP endpoint: the server's name, its path in HTTP, and whether both proofs are asked for."""

    server: str
    path: str
    envelope: bool = False


@dataclass
class Config:
    audiences: list[str]
    authorities: list[str]
    issuers: dict[str, list[bytes]]
    operations: list[Entry] | None
    max_body: int
    mcp: Mcp | None
    views: dict[str, View]

    def __post_init__(self) -> None:
        matches = [re.fullmatch(r"(https?)://[^/?#]+(/[^?#]*)?", audience) for audience in self.audiences]
        parts = [(match[1], match[2] or "/") for match in matches if match]
        self._paths = {path: audience for (_, path), audience in zip(parts, self.audiences)}
        if len(parts) != len(matches) or len(self._paths) != len(set(self.audiences)) or len({scheme for scheme, _ in parts}) != 1:
            raise Misuse("an audience that is no absolute URL, two audiences with one path, or different schemes")
        self.scheme = parts[0][0]
        if any(len(keys) > 8 for keys in self.issuers.values()):  # VF-43
            raise Misuse("an issuer with more than 8 keys")
        if self.mcp and not good_segment(self.mcp.server):
            raise Misuse("the name of an MCP server")

    def service(self, path: str) -> str:
        """VF-6"""
        fitting = [prefix for prefix in self._paths if covers(prefix, path)]
        refuse(not fitting, 5, "audience_mismatch")
        return self._paths[max(fitting, key=len)]
