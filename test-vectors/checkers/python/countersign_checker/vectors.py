"""Runs test vectors: their form (test-vectors/README.md, schema.json) and what each expects."""
from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import engine, rar, revocation
from .arguments import Declared
from .charges import Stores
from .config import Config, Mcp, View
from .encoding import b64u, parse_public, public_text, un_b64u
from .message import read_request
from .operation import Entry
from .verifier import Decision, Verifier

# Members of the objects of a vector: those that must be there, and after the bar those that may
_SHAPES = {
    "file": "comment vectors",
    "vector": "id req flags comment input expect",
    "input": "config now request_b64u | before before_denied revoked authority",
    "rpc_input": "config mcp now sent | before revoked",
    "mcp": "server path | envelope",
    "config": "audience authorities issuers | operations max_body_bytes",
    "issuer": "issuer keys",
    "operation": "method path type resource action | tool urls paths scales cost read_body",
    "revoked": "| blocks holders users grants conversations issuer_keys",
    "user": "issuer user before", "grant": "issuer grant", "conversation": "issuer user conversation",
    "allow": "result stage code issuer user agents purpose expires right binding",
    "rpc_allow": "result stage code issuer user agents purpose expires binding | right",  # absent: null
    "deny": "result stage code",
    "rar_input": "details | resource purpose max_duration",
    "ok": "result tokens", "refused": "result error member",
    "rar_token": "audience purpose duration rights details",
    "list_input": "issuer keys now list | before restarted",
    "list_expect": "result error number fresh revoked",
    "list_revoked": "blocks holders users grants conversations issuer_keys",
}


class BadVector(Exception):
    """A file or a vector that is not of the form that it should have."""


def _shape(value: Any, name: str) -> dict:
    needed, _, optional = _SHAPES[name].partition("|")
    required, allowed = set(needed.split()), set(needed.split()) | set(optional.split())
    if not isinstance(value, dict):
        raise BadVector(f"{name}: no object")
    if not required <= value.keys() <= allowed:
        raise BadVector(f"{name}: members {sorted(value.keys() ^ required)}")
    return value


def _bytes(text: str) -> bytes:
    data = un_b64u(text)
    if data is None:
        raise BadVector("no base64url")
    return data


def _entry(row: dict) -> Entry:
    _shape(row, "operation")
    declared = Declared(frozenset(row.get("urls", ())), frozenset(row.get("paths", ())), row.get("scales", {}))
    return Entry(row["method"], row["path"], row["type"], row["resource"], row["action"], row.get("tool"), declared,
                 row.get("cost", {"calls": 1}), row.get("read_body", True))


def _views(revoked: dict, issuers: list[str]) -> dict[str, View]:
    """Each issuer's view; entries that name no issuer are in all of them."""
    _shape(revoked, "revoked")
    views = {}
    for issuer in issuers:
        rows = {name: [_shape(row, name.removesuffix("s")) for row in revoked.get(name, ()) if row["issuer"] == issuer]
                for name in ("users", "grants", "conversations")}
        views[issuer] = View(
            {bytes.fromhex(block)[:16] for block in revoked.get("blocks", ())}, set(revoked.get("holders", ())),
            {row["user"]: row["before"] for row in rows["users"]}, {row["grant"] for row in rows["grants"]},
            {(row["user"], row["conversation"]) for row in rows["conversations"]},
            {parse_public(key) for key in revoked.get("issuer_keys", ())})
    return views


def _config(given: dict, mcp: Mcp | None, revoked: dict) -> Config:
    _shape(given, "config")
    issuers = {_shape(row, "issuer")["issuer"]: [parse_public(key) for key in row["keys"]] for row in given["issuers"]}
    operations = [_entry(row) for row in given["operations"]] if "operations" in given else None
    return Config(given["audience"], given["authorities"], issuers, operations, given.get("max_body_bytes", 1 << 20), mcp,
                  _views(revoked, list(issuers)))


def _compare(decision: Decision, expect: dict, allow: str) -> str | None:
    _shape(expect, allow if expect.get("result") == "allow" else "deny")
    if expect["result"] == "allow":
        expect = {"right": None} | expect
    got = {"result" if name == "decision" else name: value for name, value in decision.items()}
    wrong = [f"{name} {got[name]!r} for {value!r}" for name, value in expect.items() if got[name] != value]
    return ", ".join(wrong) or None


Runner = Callable[[dict], str | None]


class Session:
    """The verifier of a vector, with its stores."""

    def __init__(self, input_: dict) -> None:
        _shape(input_, "rpc_input" if "mcp" in input_ else "input")
        self.now = input_["now"]
        self.authority = input_["authority"].encode() if "authority" in input_ else None
        mcp = Mcp(**_shape(input_["mcp"], "mcp")) if "mcp" in input_ else None
        self.verifier = Verifier(_config(input_["config"], mcp, input_.get("revoked", {})), Stores())

    def send(self, sent: dict) -> Decision:
        """Verifies what has one member, `request_b64u` or `message_b64u`."""
        (kind, text), = sent.items()
        self.verifier.trace = None
        if kind == "request_b64u":
            return self.verifier.http(read_request(_bytes(text), self.authority), self.now)
        if kind != "message_b64u" or not self.verifier.config.mcp:
            raise BadVector("sent: members")
        return self.verifier.rpc(_bytes(text), self.now)


def _request(input_: dict, opinions: engine.Opinions) -> Runner:
    session = Session(input_)
    rpc = "mcp" in input_

    def send(sent: Any) -> Decision:
        decision = session.send(sent if rpc else {"request_b64u": sent})
        opinions.ask(session.verifier.trace)
        return decision

    def run(expect: dict) -> str | None:
        for name, wanted in (("before", "allow"), ("before_denied", "deny")):
            for number, earlier in enumerate(input_.get(name, ())):
                decision = send(earlier)
                if decision["decision"] != wanted:
                    return f"{name}[{number}]: {decision['decision']} {decision['stage']} {decision['code']}"
        return _compare(send(input_["sent" if rpc else "request_b64u"]), expect, "rpc_allow" if rpc else "allow")
    return run


def _rar(input_: dict, _: engine.Opinions) -> Runner:
    _shape(input_, "rar_input")

    def run(expect: dict) -> str | None:
        _shape(expect, "ok" if expect.get("result") == "ok" else "refused")
        try:
            grants = rar.read(input_["details"], input_.get("resource"), input_.get("purpose"), input_.get("max_duration"))
        except rar.Refused as refusal:
            got: dict = {"result": "refused", "error": refusal.error, "member": refusal.member}
        else:
            got = {"result": "ok", "tokens": []}
            for grant in grants:
                details = rar.details_of(grant)
                if rar.read(details, grant.audience) != [grant]:  # RA-31
                    return "its details do not give the token again"
                got["tokens"].append({"audience": grant.audience, "purpose": grant.purpose, "duration": grant.duration,
                                      "rights": [list(right) for right in grant.rights], "details": details})
        for token in expect.get("tokens", ()):
            _shape(token, "rar_token")
        return None if got == expect else f"{got} for {expect}"
    return run


def _list(input_: dict, _: engine.Opinions) -> Runner:
    _shape(input_, "list_input")

    def run(expect: dict) -> str | None:
        _shape(expect, "list_expect")
        wanted = _shape(expect["revoked"], "list_revoked")
        now = input_["now"]
        keeper = revocation.Keeper(input_["issuer"], [parse_public(key) for key in input_["keys"]])
        for number, text in enumerate(input_.get("before", ())):
            try:
                keeper.take(text, now)
            except revocation.Refused as refusal:
                return f"before[{number}]: {refusal.word}"
        if input_.get("restarted"):
            keeper = keeper.restarted()
        error = None
        try:
            keeper.take(input_["list"], now)
        except revocation.Refused as refusal:
            error = refusal.word
        view = keeper.view(now)
        got: dict[str, Any] = {"result": "refuse" if error else "accept", "error": error, "fresh": view.fresh,
               "number": keeper.current.number if keeper.current else None}
        if keeper.current:
            got["revoked"] = _revoked(view)
            wanted = {name: _sorted(entries) for name, entries in wanted.items()}
        else:
            got["revoked"] = wanted
        expect = expect | {"revoked": wanted}
        return None if got == expect else f"{got} for {expect}"
    return run


def _revoked(view: View) -> dict[str, list[str]]:
    entries: dict[str, list] = {
        "blocks": [b64u(block) for block in view.blocks], "holders": list(view.holders),
        "users": [{"until": until, "user": user} for user, until in view.users.items()], "grants": list(view.grants),
        "conversations": [{"conversation": name, "user": user} for user, name in view.conversations],
        "issuer_keys": [public_text(key) for key in view.issuer_keys]}
    return {name: _sorted(rows) for name, rows in entries.items()}


def _sorted(entries: list) -> list[str]:
    return sorted(json.dumps(entry, sort_keys=True) for entry in entries)


_KINDS = {"rar": _rar, "revocation": _list, "jsonrpc": _request}
_FOLDERS = ("chain", "checks", "replay", "request", "token", "verify", *_KINDS)
_SKIPPED = ("checkers",)


def _folders(root: Path) -> list[Path]:
    """The folders of vectors: `root` itself, or those in it."""
    if root.name in _FOLDERS:
        return [root]
    return sorted(path for path in root.iterdir() if path.is_dir() and path.name not in _SKIPPED)


def run(root: Path) -> bool:
    """Runs every vector under `root`, prints what failed and the counts; true when nothing failed."""
    total = passed = broken = 0
    opinions = engine.Opinions()
    counts: dict[str, list[int]] = {}
    seen: set[str] = set()

    def report(text: str) -> None:
        print(f"FAILED {text}")

    folders = _folders(root)
    if not folders:
        broken += 1
        report(f"{root}: no folder of vectors")
    for folder in folders:
        files = sorted(folder.glob("*.json"))
        if not files or folder.name not in _FOLDERS:
            broken += 1
            report(f"{folder}: {'an unknown folder' if files else 'an empty folder'}")
        for path in files if folder.name in _FOLDERS else ():
            try:
                vectors = _shape(json.loads(path.read_bytes()), "file")["vectors"]
                if not isinstance(vectors, list) or not vectors:
                    raise BadVector("no vectors")
            except (BadVector, ValueError) as error:
                broken += 1
                report(f"{path}: {error}")
                continue
            for vector in vectors:
                total += 1
                name = vector.get("id", "?") if isinstance(vector, dict) else "?"
                opinions.where = name
                try:
                    _shape(vector, "vector")
                    if name in seen or not name.startswith(folder.name + "/"):
                        raise BadVector("an id of another folder, or one twice")
                    seen.add(name)
                    failure = _KINDS.get(folder.name, _request)(vector["input"], opinions)(vector["expect"])
                except Exception as error:  # a verifier that breaks has failed, and the others are still run
                    failure = f"{type(error).__name__}: {error}"
                counts.setdefault(folder.name, [0, 0])[0 if failure is None else 1] += 1
                if failure is None:
                    passed += 1
                else:
                    report(f"{name}: {failure}")
    for folder_name, (good, bad) in counts.items():
        print(f"{folder_name}: {good} passed, {bad} failed")
    good_engine = opinions.report()
    print(f"{total} vectors, {passed} passed, {total - passed + broken} failed")
    return total == passed and not broken and good_engine and total > 0
