"""Makes tokens and signed requests ("Making tokens" of spec/token.md, spec/request.md)."""
from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from . import approvals, encoding, jsontext, rpc, signature, wire
from . import token as tokens
from .datalog import Block, Check, Predicate, Symbols, Term, version_of, write_block
from .errors import Misuse
from .message import Request, normalise
from .restrictions import checks as restriction
from .token import Token

_PUBLIC = {"algorithm": 0}


def _terms(*values: Any) -> tuple[Term, ...]:
    kinds = {str: "string", int: "integer", bytes: "bytes"}
    return tuple(Term(kinds[type(value)], value) for value in values)


def _restrictions(rows: list[dict]) -> tuple[Check, ...]:
    return tuple(check for row in rows for check in restriction(row["name"], row["args"], row.get("when")))


def _budgets(claims: dict) -> list[Predicate]:
    return [Predicate("budget", _terms(row["account"], row["unit"], row["amount"], row.get("window", 0)))
            for row in claims.get("budgets", ())]


def _known(claims: dict, names: str) -> None:
    if unknown := claims.keys() - set(names.split()):
        raise Misuse(f"unknown members: {', '.join(sorted(unknown))}")


def _finish(message: wire.Message) -> str:
    """The text of a token, after it was read as a verifier would (but for its proof)."""
    text = encoding.b64u(wire.encode("Biscuit", message))
    tokens.decode(text, request=False)
    return text


def _signed(data: bytes, secret: bytes, next_seed: bytes, previous: bytes | None, external: tuple[bytes, bytes] | None
            ) -> wire.Message:
    next_key = encoding.public_of(next_seed)
    payload = tokens.block_payload(data, next_key, previous, external[1] if external else None)
    block: wire.Message = {"block": data, "nextKey": _PUBLIC | {"key": next_key},
                           "signature": encoding.sign(secret, payload), "version": 1}
    if external:
        block["externalSignature"] = {"publicKey": _PUBLIC | {"key": external[0]}, "signature": external[1]}
    return block


def mint(claims: dict, root: bytes, next_seed: bytes) -> str:
    """An open token of one block. Facts stand in the order of the table of "Authority block", the expiry is first."""
    _known(claims, """issuer user agent purpose audience issued_at expires rights delegation_depth budgets metered
        approvals grant conversation restrictions""")
    facts = [
        Predicate("countersign", _terms(1)), Predicate("issuer", _terms(claims["issuer"])),
        Predicate("user", _terms(claims["user"])),
        Predicate("agent", _terms(claims["agent"]["name"], encoding.parse_public(claims["agent"]["key"]))),
        Predicate("purpose", _terms(claims["purpose"])), Predicate("audience", _terms(claims["audience"])),
        Predicate("issued_at", (Term("date", claims["issued_at"]),)),
        *(Predicate("right", _terms(*row)) for row in claims["rights"])]
    if "delegation_depth" in claims:
        facts.append(Predicate("delegation_depth", _terms(claims["delegation_depth"])))
    facts += _budgets(claims)
    facts += [Predicate("metered", _terms(*row)) for row in claims.get("metered", ())]
    facts += [Predicate("approval", _terms(type_, action, encoding.parse_public(key)))
              for type_, action, key in claims.get("approvals", ())]
    facts += [Predicate(name, _terms(claims[name])) for name in ("grant", "conversation") if name in claims]
    checks = (tokens.expiry(claims["expires"]), *_restrictions(claims.get("restrictions", [])))
    data = write_block(Block(tuple(facts), checks, version_of(checks, False)), Symbols())
    authority = _signed(data, root, next_seed, None, None)
    return _finish({"authority": authority, "blocks": [], "proof": {"nextSecret": next_seed}})


def _open(text: str) -> tuple[Token, wire.Message]:
    """An open token, examined as TK-16 asks."""
    token = tokens.decode(text, request=False)
    if token.next_secret is None:
        raise Misuse("a sealed token takes no more blocks and no other seal")
    if encoding.public_of(token.next_secret) != token.blocks[-1].next_key:
        raise Misuse("the secret of an open token is not that of its last block")
    return token, wire.decode("Biscuit", encoding.un_b64u(text) or b"")


def _appended(text: str, facts: tuple[Predicate, ...], checks: tuple[Check, ...], holder: bytes | None, next_seed: bytes
              ) -> str:
    token, message = _open(text)
    symbols = Symbols()
    external = None
    previous = token.blocks[-1].signature
    if holder is None:
        for part in [message["authority"], *message["blocks"]]:
            if "externalSignature" not in part:
                symbols.strings += wire.decode("Block", part["block"], depth=1)["symbols"]
    data = write_block(Block(facts, checks, version_of(checks, holder is not None)), symbols)
    if holder is not None:
        external = (encoding.public_of(holder), encoding.sign(holder, tokens.external_payload(data, previous)))
    message["blocks"].append(_signed(data, token.next_secret or b"", next_seed, previous, external))
    message["proof"] = {"nextSecret": next_seed}
    return _finish(message)


def restrict(text: str, rows: list[dict], next_seed: bytes) -> str:
    """Appends a restriction block."""
    return _appended(text, (), _restrictions(rows), None, next_seed)


def delegate(text: str, claims: dict, holder: bytes, next_seed: bytes) -> str:
    """Appends a delegation block, signed by the current holder."""
    _known(claims, "name key delegation_depth budgets restrictions")
    facts = [Predicate("delegate", _terms(claims["name"], encoding.parse_public(claims["key"])))]
    if "delegation_depth" in claims:
        facts.append(Predicate("delegation_depth", _terms(claims["delegation_depth"])))
    facts += _budgets(claims)
    return _appended(text, tuple(facts), _restrictions(claims.get("restrictions", [])), holder, next_seed)


def seal(text: str) -> str:
    token, message = _open(text)
    last = token.blocks[-1]
    payload = tokens.final_payload(last)
    message["proof"] = {"finalSignature": encoding.sign(token.next_secret or b"", payload)}
    return _finish(message)


def sign(text: str, holder: bytes, request: dict, nonce: bytes) -> bytes:
    """A whole HTTP/1.1 message, in the order of the example of spec/request.md."""
    _known(request, """method target authority scheme fields uncovered body created expires content_type label token_header
        keyid""")
    body = request.get("body", "").encode()
    header = request.get("token_header", "authorization")
    fields = [("content-type", request.get("content_type", "application/json"))] if body else []
    fields.append((header, f"Countersign {text}" if header == "authorization" else text))
    fields += [(name.lower(), value) for name, value in request.get("fields", [])]
    if body:
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        fields.append(("content-digest", f"sha-256=:{digest}:"))
    made = Request(request["method"].encode(), request["target"].encode(),
                   [(name.encode(), value.encode()) for name, value in fields])
    names = [*signature.DERIVED, *dict.fromkeys(name for name, _ in fields)]
    covered = " ".join(f'"{name}"' for name in names)
    keyid = request.get("keyid", encoding.key_id(encoding.public_of(holder)))
    params = (f'({covered});created={request["created"]};expires={request.get("expires", request["created"] + 60)}'
              f';nonce="{encoding.b64u(nonce)}";keyid="{keyid}";tag="{signature.TAG}"')
    authority = normalise(request["authority"].encode(), request.get("scheme", "https"))
    value = base64.b64encode(encoding.sign(holder, signature.base(made, authority, names, params))).decode()
    label = request.get("label", "countersign")
    fields = [("host", request["authority"]), *fields, *request.get("uncovered", []),
              ("signature-input", f"{label}={params}"), ("signature", f"{label}=:{value}:")]
    if body:
        fields.append(("content-length", str(len(body))))
    head = f"{request['method']} {request['target']} HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in fields)
    return head.encode() + b"\r\n" + body


def sign_message(text: str, holder: bytes, message: dict, envelope: dict, nonce: bytes, spell: Callable[[dict], str]
                 ) -> str:
    """A JSON-RPC message with an envelope; `spell` writes it. Of `envelope` go `service`, `created`, `expires`, `keyid`."""
    keyid = envelope.get("keyid", encoding.key_id(encoding.public_of(holder)))
    made = {"v": 1, "token": text, "nonce": encoding.b64u(nonce), "sig": "", "keyid": keyid,
            "expires": envelope["created"] + 60} | envelope
    params = message.get("params", {})
    whole = message | {"params": params | {"_meta": params.get("_meta", {}) | {rpc.ENVELOPE: made}}}
    made["sig"] = encoding.b64u(encoding.sign(holder, rpc.signed_bytes(jsontext.parse(spell(whole).encode()))))
    return spell(whole)


def approve(digest: bytes, approver: bytes, created: int, expires: int, identifier: bytes) -> str:
    """One approval of the field `Countersign-Approval`."""
    payload = jsontext.jcs({"approver": encoding.key_id(encoding.public_of(approver)), "created": created,
                            "expires": expires, "digest": encoding.b64u(digest), "id": encoding.b64u(identifier)})
    return f"{encoding.b64u(payload)}.{encoding.b64u(encoding.sign(approver, approvals.CONTEXT + payload))}"


def show(text: str) -> dict:
    """The content of a token, open or sealed, as JSON."""
    token = tokens.decode(text, request=False)
    blocks = []
    for block in token.blocks:
        facts = [{fact.name: [_json(term.value) for term in fact.terms]} for fact in block.block.facts]
        checks = [_json(asdict(check)) for check in block.block.checks]
        blocks.append({"id": block.id.hex(), "version": block.block.version, "facts": facts, "checks": checks,
                       "external_key": encoding.public_text(block.external[0]) if block.external else None})
    holders = [{"name": holder.name, "key": encoding.public_text(holder.key), "key_id": encoding.key_id(holder.key),
                "claimed_by": holder.claimed_by} for holder in token.holders]
    return {"sealed": token.next_secret is None, "holders": holders, "expires": encoding.rfc3339(token.effective_expiry),
            "blocks": blocks}


def _json(value: Any) -> Any:
    """Byte strings become hexadecimal text."""
    if isinstance(value, dict):
        return {name: _json(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json(item) for item in value]
    return value.hex() if isinstance(value, bytes) else value
