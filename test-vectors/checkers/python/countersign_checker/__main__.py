"""The command: run, read, mint, restrict, delegate, seal, sign. README.md describes it."""
from __future__ import annotations

import argparse
import json
import secrets
import sys
import time
from pathlib import Path
from typing import Any

from . import build, encoding
from .errors import Denial, Misuse


def _key(text: str) -> bytes:
    """A private key: itself, or the file that holds it."""
    return encoding.parse_private(Path(text).read_text() if Path(text).is_file() else text)


def _seed(text: str | None, size: int = 32) -> bytes:
    if text is None:
        return secrets.token_bytes(size)
    return _key(text) if size == 32 else bytes.fromhex(text)


def _text(argument: str) -> str:
    return (sys.stdin.read() if argument == "-" else argument).strip()


def _json(argument: str) -> Any:
    if argument == "-":
        return json.load(sys.stdin)
    return json.loads(argument if argument.lstrip()[:1] in ("{", "[") else Path(argument).read_text())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="countersign_checker")
    commands = parser.add_subparsers(dest="command", required=True)
    arguments = {
        "--key": {"required": True, "help": "private key: 64 hexadecimal digits, cs_sk_..., or a file (PKCS#8 PEM too)"},
        "--next": {"help": "seed of the throw-away key pair; drawn when absent"},
        "--nonce": {"help": "nonce in hexadecimal; 16 random bytes when absent"},
        "token": {"help": "the token's text, or - for standard input"},
        "json": {"help": "a file of JSON, - for standard input, or the JSON itself"},
        "--seed": {"type": int, "required": True, "help": "the content follows from it"},
        "--count": {"type": int, "required": True, "help": "vectors; to a third of them comes a refused twin"},
        "--out": {"required": True, "help": "the folder for their folders"},
        "dir": {"help": "the folder of vectors", "nargs": "?", "default": str(Path(__file__).parents[3])},
    }
    for name, taken, text in (
            ("run", "dir", "run every vector"), ("make", "--seed --count --out", "make vectors"),
            ("read", "token", "print a token's content as JSON"),
            ("mint", "--key --next json", "mint an open token"), ("restrict", "--next token json", "append a restriction"),
            ("delegate", "--key --next token json", "append a delegation"), ("seal", "token", "seal a token"),
            ("sign", "--key --nonce token json", "print a signed HTTP/1.1 message")):
        command = commands.add_parser(name, help=text)
        for argument in taken.split():
            command.add_argument(argument, **arguments[argument])  # type: ignore[arg-type]
    return parser


def main(argv: list[str]) -> int:
    args = _parser().parse_args(argv)
    if args.command == "run":
        from .vectors import run
        return 0 if run(Path(args.dir)) else 1
    if args.command == "make":
        from .make import make
        make(args.seed, args.count, Path(args.out))
        return 0
    try:
        if args.command == "sign":
            message = build.sign(_text(args.token), _key(args.key), {"created": int(time.time())} | _json(args.json),
                                 _seed(args.nonce, 16))
            sys.stdout.buffer.write(message)
            return 0
        print({
            "read": lambda: json.dumps(build.show(_text(args.token)), indent=2, ensure_ascii=False),
            "mint": lambda: build.mint(_json(args.json), _key(args.key), _seed(args.next)),
            "restrict": lambda: build.restrict(_text(args.token), _json(args.json), _seed(args.next)),
            "delegate": lambda: build.delegate(_text(args.token), _json(args.json), _key(args.key), _seed(args.next)),
            "seal": lambda: build.seal(_text(args.token)),
        }[args.command]())
        return 0
    except (Denial, Misuse) as error:
        print(f"refused: {error}", file=sys.stderr)
    except (KeyError, ValueError, OSError) as error:
        print(f"misuse: {type(error).__name__}: {error}", file=sys.stderr)
    return 1


sys.exit(main(sys.argv[1:]))
