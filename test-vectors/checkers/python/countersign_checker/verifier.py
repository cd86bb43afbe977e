"""The twelve stages (spec/verify.md)."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from . import charges, encoding, rpc
from . import token as tokens
from .checks import Evaluator, Facts
from .datalog import Term
from .encoding import SKEW
from .errors import Denial, refuse
from .operation import MAX_READ, Asked, Config, View, digest, find_right, good_resource, map_request, read_body
from .request import Proof, Request, carried, framing, other_fields, select
from .token import Token


class Context(NamedTuple):
    """What is known of a request from stage 9 on."""

    proof: Proof
    token: Token
    root: bytes
    service: str


@dataclass
class Trace:
    """What stage 11 saw last: for a second opinion, and for who makes requests."""

    context: Context
    asked: Asked
    facts: Facts
    evaluated: bool = False     # whether checks were
    refusal: str | None = None  # check_failed, check_error, limit_exceeded
    digest: bytes = b""         # of an operation that needs an approval


Decision = dict[str, Any]


class Verifier:
    def __init__(self, config: Config, stores: charges.Stores) -> None:
        self.config = config
        self.stores = stores
        self.context: Context | None = None
        self.trace: Trace | None = None

    def http(self, request: Request, now: int) -> Decision:
        """A signed HTTP request."""
        return self._decide(lambda: self._http(request, now))

    def rpc(self, text: bytes, now: int) -> Decision:
        """A signed JSON-RPC message."""
        return self._decide(lambda: self._rpc(text, now))

    def _decide(self, run: Callable[[], str | None]) -> Decision:
        """VF-36, VF-37: nothing of a stranger before stage 9."""
        self.context = self.trace = None
        out: Decision = {"decision": "allow", "stage": None, "code": None, "right": None}
        try:
            out["right"] = run()
        except Denial as denial:
            out |= {"decision": "deny", "stage": denial.stage, "code": denial.code}
        if not self.context:
            return out | dict.fromkeys(("issuer", "user", "purpose", "agents", "expires", "binding"))
        token = self.context.token
        agents = [{"name": holder.name, "key_id": holder.key_id, "claimed_by": holder.claimed_by} for holder in token.holders]
        return out | {name: token.fact(name) for name in ("issuer", "user", "purpose")} | {
            "agents": agents, "expires": encoding.rfc3339(token.effective_expiry), "binding": self.context.proof.binding}

    def _http(self, request: Request, now: int) -> str | None:
        authority = framing(request, self.config.scheme, [name.encode() for name in self.config.authorities], self.config.max_body)
        found = carried(request)
        proof = select(request, found, authority, now)
        method, path, mcp = request.method.decode(), request.path.decode(), self.config.mcp
        context = self._prove(proof, now, lambda: self.config.service(path))
        for name, value in found.digests.items():
            refuse(value != hashlib.new(name.replace("-", ""), request.body).digest(), 9, "digest_mismatch")  # RQ-49, RQ-50
        refuse(len(request.body) > self.config.max_body, 9, "body_too_large")  # RQ-52
        refuse(request.body and not {"content-digest", "content-type"} <= proof.covered, 9, "body_uncovered")  # RQ-54
        refuse(request.trailers, 9, "trailer_rejected")  # RQ-53
        self.stores.claim(proof.keyid, proof.nonce)  # VF-19
        asked: Asked | None = None
        if mcp and path == mcp.path:
            asked = rpc.map_request(request, mcp, proof, context.service, context.token.holder.key, now)
            if asked is None:
                return None
        operation = asked.operation if asked else map_request(self.config.operations, method, path)
        refuse(not good_resource(path) or not good_resource(operation.resource), 11, "resource_invalid")  # VF-25 to VF-28
        asked = asked or read_body(request, operation)
        query = None if request.query is None else request.query.decode()
        return self._authorise(context, asked, now, request.value("countersign-approval"), {
            "authority": authority.decode(), "method": method, "path": path, "query": query, "fields": other_fields(request, proof)})

    def _rpc(self, text: bytes, now: int) -> str | None:
        assert self.config.mcp
        refuse(len(text) > min(self.config.max_body, MAX_READ), 1, "body_too_large")  # JR-1
        sent = rpc.read(text, 1)
        proof = rpc.envelope(sent, now)
        context = self._prove(proof, now, lambda: rpc.service(sent, self.config.audiences))
        self.stores.claim(proof.keyid, proof.nonce)  # JR-15
        asked = rpc.map_message(sent, self.config.mcp.server)
        outside = dict.fromkeys(("authority", "method", "path", "query", "fields"))
        return self._authorise(context, asked, now, None, outside) if asked else None

    def _prove(self, proof: Proof, now: int, service_of: Callable[[], str]) -> Context:
        """Stages 4 to 8."""
        token = tokens.decode(proof.token)
        issuer = str(token.fact("issuer"))
        refuse(issuer not in self.config.issuers, 5, "issuer_unknown")  # VF-5
        service = service_of()  # VF-6, JR-12
        refuse(token.fact("audience") != service, 5, "audience_mismatch")  # VF-7
        refuse(int(token.fact("issued_at") or 0) > now + SKEW, 5, "token_not_yet_valid")  # VF-8
        refuse(now > token.effective_expiry, 5, "token_expired")  # VF-9
        refuse(proof.keyid != token.holder.key_id, 5, "key_mismatch")  # RQ-45, JR-13
        view = self.config.views.get(issuer, View())
        view.judge(token)
        root = tokens.verify(token, [key for key in self.config.issuers[issuer] if key not in view.issuer_keys])  # VF-16
        refuse(not encoding.verify(token.holder.key, proof.signature, proof.signed), 8, "signature_invalid")  # RQ-48, JR-14, VF-18
        self.context = Context(proof, token, root, service)
        return self.context

    def _authorise(self, context: Context, asked: Asked, now: int, approval: bytes | None, request: dict[str, Any]) -> str:
        """Right, checks, approvals, charges. Gives the right. `request` has the members of the operation digest that are null outside HTTP."""
        token, operation = context.token, asked.operation
        refuse(not good_resource(operation.resource), 11, "resource_invalid")
        said = {name: token.fact(name) for name in ("user", "purpose", "issuer")} | {
            "service": context.service, "type": operation.type, "resource": operation.resource, "action": operation.action,
            "tool": operation.tool}
        texts = said | {name: request[name] for name in ("authority", "method", "path")} | {"binding": context.proof.binding}
        first, key = token.holders[0], Term("bytes", token.holder.key)
        facts = Facts({name: (Term("string", text),) for name, text in texts.items() if text is not None} | {
            "time": (Term("date", now),), "holder": (key,), "agent": (Term("string", first.name), Term("bytes", first.key))},
            asked.arguments)
        trace = self.trace = Trace(context, asked, facts)
        right = find_right(token.blocks[0].facts("right"), operation)
        trace.evaluated = True
        try:
            Evaluator(facts).all([check for block in token.blocks for check in block.block.checks])  # VF-31
        except Denial as denial:
            trace.refusal = denial.code
            raise
        uses: list[bytes] = []
        if keys := charges.approvers(token, operation):
            agents = [{"key_id": holder.key_id, "name": holder.name} for holder in token.holders]
            said |= {name: token.fact(name) for name in ("grant", "conversation")} | {"agents": agents}
            trace.digest = digest(said | request | {"holder": token.holder.key_id, "args": asked.args, "meta": asked.meta,
                                                    "content_sha256": asked.content_sha256})
            uses = charges.approved(approval, keys, token, trace.digest, now)
        self.stores.take(charges.charges(token, operation, asked.arguments, now), uses)
        return right
