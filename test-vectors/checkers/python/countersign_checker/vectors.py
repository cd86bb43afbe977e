"""Runs test vectors: their form (test-vectors/README.md, schema.json) and what each expects."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastjsonschema  # type: ignore[import-untyped]

from . import engine, rar, revocation
from .arguments import Declared
from .charges import Stores
from .encoding import b64u, parse_public, public_text, un_b64u
from .operation import Config, Entry, Mcp, View
from .request import read_request
from .verifier import Decision, Verifier

VECTORS = Path(__file__).parents[3]
_SCHEMA = json.loads((VECTORS / "schema.json").read_bytes())
_VECTOR = fastjsonschema.compile(_SCHEMA["properties"]["vectors"]["items"] | {"$defs": _SCHEMA["$defs"]})
_FILE = fastjsonschema.compile(_SCHEMA | {"properties": {"comment": {}, "vectors": {"type": "array", "minItems": 1}}})


class BadVector(Exception):
    """A file or a vector that is not of the form that it should have."""


def _bytes(text: str) -> bytes:
    data = un_b64u(text)
    if data is None:
        raise BadVector("no base64url")
    return data


def _entry(row: dict) -> Entry:
    """A row of the table: its members are those of an entry, but for what is declared."""
    declared = Declared(frozenset(row.get("urls", ())), frozenset(row.get("paths", ())), row.get("scales", {}))
    return Entry(declared=declared, **{name: value for name, value in row.items() if name not in ("urls", "paths", "scales")})


def _view(revoked: dict, issuer: str) -> View:
    """An issuer's view; entries that name no issuer are in all of them."""
    rows = {name: [row for row in revoked.get(name, ()) if row["issuer"] == issuer] for name in ("users", "grants", "conversations")}
    return View(
        {bytes.fromhex(block)[:16] for block in revoked.get("blocks", ())}, set(revoked.get("holders", ())),
        {row["user"]: row["before"] for row in rows["users"]}, {row["grant"] for row in rows["grants"]},
        {(row["user"], row["conversation"]) for row in rows["conversations"]},
        {parse_public(key) for key in revoked.get("issuer_keys", ())})


class Session:
    """The verifier of a vector, with its stores."""

    def __init__(self, input_: dict) -> None:
        self.now = input_["now"]
        self.authority = input_["authority"].encode() if "authority" in input_ else None
        given = input_["config"]
        issuers = {row["issuer"]: [parse_public(key) for key in row["keys"]] for row in given["issuers"]}
        operations = [_entry(row) for row in given["operations"]] if "operations" in given else None
        self.verifier = Verifier(Config(
            given["audience"], given["authorities"], issuers, operations, given.get("max_body_bytes", 1 << 20),
            Mcp(**input_["mcp"]) if "mcp" in input_ else None,
            {issuer: _view(input_.get("revoked", {}), issuer) for issuer in issuers}), Stores())

    def send(self, sent: dict | str) -> Decision:
        """Verifies what has one member, `request_b64u` or `message_b64u`, or the former by itself."""
        (kind, text), = sent.items() if isinstance(sent, dict) else [("request_b64u", sent)]
        if kind == "request_b64u":
            return self.verifier.http(read_request(_bytes(text), self.authority), self.now)
        return self.verifier.rpc(_bytes(text), self.now)


def _request(input_: dict, expect: dict, opinions: engine.Opinions) -> str | None:
    session = Session(input_)
    steps = [(sent, {"result": wanted}) for name, wanted in (("before", "allow"), ("before_denied", "deny")) for sent in input_.get(name, ())]
    last = input_["sent"] if "sent" in input_ else input_["request_b64u"]
    for number, (sent, wanted) in enumerate([*steps, (last, ({"right": None} if expect["result"] == "allow" else {}) | expect)]):
        decision = session.send(sent)
        opinions.ask(session.verifier.trace)
        decision["result"] = decision["decision"]
        wrong = [f"{name} {decision[name]!r} for {value!r}" for name, value in wanted.items() if decision[name] != value]
        if wrong:
            return f"message {number} of {len(steps) + 1}: " + ", ".join(wrong)
    return None


def _rar(input_: dict, expect: dict, _: engine.Opinions) -> str | None:
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
            got["tokens"].append(grant._asdict() | {"rights": [list(right) for right in grant.rights], "details": details})
    return None if got == expect else f"{got} for {expect}"


def _list(input_: dict, expect: dict, _: engine.Opinions) -> str | None:
    keeper = revocation.Keeper(input_["issuer"], [parse_public(key) for key in input_["keys"]])
    words = [keeper.take(text, input_["now"]) for text in input_.get("before", ())]
    if any(words):
        return f"before: {words}"
    if input_.get("restarted"):
        keeper.restart()
    error = keeper.take(input_["list"], input_["now"])
    view = keeper.view(input_["now"])
    got: dict[str, Any] = {"result": "refuse" if error else "accept", "error": error, "fresh": view.fresh,
                           "number": keeper.current["number"] if keeper.current else None}
    if keeper.current:  # without a list in force "revoked" need not be compared
        got["revoked"] = {
            "blocks": [b64u(block) for block in view.blocks], "holders": list(view.holders), "grants": list(view.grants),
            "users": [{"until": until, "user": user} for user, until in view.users.items()],
            "conversations": [{"conversation": name, "user": user} for user, name in view.conversations],
            "issuer_keys": [public_text(key) for key in view.issuer_keys]}
    wrong = [f"{name} {value} for {expect[name]}" for name, value in got.items() if _sorted(value) != _sorted(expect[name])]
    return ", ".join(wrong) or None


def _sorted(value: Any) -> Any:
    """A value with the arrays of an object in one order."""
    return {name: sorted(map(str, map(_sorted, rows))) if isinstance(rows, list) else rows for name, rows in sorted(value.items())} \
        if isinstance(value, dict) else value


_KINDS: dict[str, Callable[[dict, dict, engine.Opinions], str | None]] = dict.fromkeys(
    ("chain", "checks", "replay", "request", "token", "verify", "jsonrpc"), _request) | {"rar": _rar, "revocation": _list}


def _failure(vector: Any, folder: str, opinions: engine.Opinions) -> str | None:
    """Why a vector fails."""
    try:
        _VECTOR(vector)
        opinions.where = vector["id"]
        if not vector["id"].startswith(folder + "/"):
            raise BadVector("an id of another folder")
        return _KINDS[folder](vector["input"], vector["expect"], opinions)
    except Exception as error:  # a verifier that breaks has failed, and the others are still run
        return f"{type(error).__name__}: {error}"


def run(root: Path) -> bool:
    """Runs every vector under `root`, prints what failed and the counts; true when nothing failed."""
    opinions = engine.Opinions()
    passed, failed, seen = Counter[str](), Counter[str](), set()

    def check(folder: str, name: str, failure: str | None) -> None:
        (failed if failure else passed)[folder] += 1
        if failure:
            print(f"FAILED {name}: {failure}")

    folders = [root] if root.name in _KINDS else sorted(path for path in root.iterdir() if path.is_dir() and path.name not in ("checkers", "knockout", "mutants"))
    for folder in folders:
        files = sorted(folder.glob("*.json"))
        if not files or folder.name not in _KINDS:
            check(folder.name, str(folder), "an empty or an unknown folder")
        for path in files if folder.name in _KINDS else ():
            try:
                vectors = _FILE(json.loads(path.read_bytes()))["vectors"]
            except ValueError as error:
                vectors = []
                check(folder.name, str(path), str(error))
            for vector in vectors:
                name = str(vector.get("id") if isinstance(vector, dict) else vector)
                check(folder.name, name, "an id twice" if name in seen else _failure(vector, folder.name, opinions))
                seen.add(name)
    for name in sorted({*passed, *failed}):
        print(f"{name}: {passed[name]} passed, {failed[name]} failed")
    good = opinions.report()
    print(f"{len(seen)} vectors, {passed.total()} passed, {failed.total()} failed")
    return good and not failed and bool(passed)
