"""The command: run, make, read, mint, restrict, delegate, seal, sign. README.md describes it."""

import argparse
import json
import secrets
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import build, encoding
from . import token as tokens
from .errors import Denial, Misuse
from .make import make
from .vectors import VECTORS, run


def _key(text: str) -> bytes:
    """A private key: itself, or the file that holds it."""
    return encoding.parse_private(Path(text).read_text() if Path(text).is_file() else text)


def _text(argument: str) -> str:
    return (sys.stdin.read() if argument == "-" else argument).strip()


def _json(argument: str) -> Any:
    return json.loads(_text(argument) if argument.lstrip()[:1] in ("{", "[", "-") else Path(argument).read_text())


_ARGUMENTS: dict[str, dict[str, Any]] = {
    "--key": {"required": True, "type": _key, "help": "private key: 64 hexadecimal digits, cs_sk_..., or a file (PKCS#8 PEM too)"},
    "--next": {"type": _key, "default": secrets.token_bytes(32), "help": "seed of the throw-away key pair; drawn when absent"},
    "--nonce": {"type": bytes.fromhex, "default": secrets.token_bytes(16), "help": "nonce in hexadecimal; drawn when absent"},
    "--seed": {"type": int, "required": True, "help": "the content follows from it"},
    "--count": {"type": int, "required": True, "help": "vectors; to a third of them comes a refused twin"},
    "--out": {"type": Path, "required": True, "help": "the folder for their folders"},
    "token": {"type": _text, "help": "the token's text, or - for standard input"},
    "json": {"type": _json, "help": "a file of JSON, - for standard input, or the JSON itself"},
    "dir": {"type": Path, "help": "the folder of vectors", "nargs": "?", "default": VECTORS},
}
def _sign(args: Any) -> None:
    tokens.decode(args.token)  # a sealed one
    sys.stdout.buffer.write(build.sign(args.token, args.key, {"created": int(time.time())} | args.json, args.nonce))


_COMMANDS: dict[str, tuple[str, str, Callable[[Any], Any]]] = {  # arguments, help, and what gives a text to print, or false where vectors failed
    "run": ("dir", "run every vector", lambda args: run(args.dir)),
    "make": ("--seed --count --out", "make vectors", lambda args: make(args.seed, args.count, args.out)),
    "read": ("token", "print a token's content as JSON", lambda args: build.show(args.token)),
    "mint": ("--key --next json", "mint an open token", lambda args: build.mint(args.json, args.key, args.next)),
    "restrict": ("--next token json", "append a restriction", lambda args: build.restrict(args.token, args.json, args.next)),
    "delegate": ("--key --next token json", "append a delegation", lambda args: build.delegate(args.token, args.json, args.key, args.next)),
    "seal": ("token", "seal a token", lambda args: build.seal(args.token)),
    "sign": ("--key --nonce token json", "print a signed HTTP/1.1 message", _sign),
}


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="countersign_checker")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, (taken, text, _) in _COMMANDS.items():
        command = commands.add_parser(name, help=text)
        for argument in taken.split():
            command.add_argument(argument, **_ARGUMENTS[argument])
    try:
        args = parser.parse_args(argv)
        result = _COMMANDS[args.command][2](args)
        if isinstance(result, str):
            print(result)
        return 1 if result is False else 0
    except (Denial, Misuse) as error:
        print(f"refused: {error}", file=sys.stderr)
    except (KeyError, ValueError, OSError) as error:
        print(f"misuse: {type(error).__name__}: {error}", file=sys.stderr)
    return 1


sys.exit(main(sys.argv[1:]))
