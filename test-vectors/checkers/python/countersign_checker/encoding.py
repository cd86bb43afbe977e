"""Byte forms: base64url, keys, Ed25519 (spec/README.md and "Keys" of spec/token.md)."""

import base64
import hashlib
import re
from datetime import datetime, timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .errors import Misuse

SKEW = 30
MAX_SAFE = 2**53 - 1
MAX_DATE = 253402300799  # TK-23
_B64U = re.compile(r"[A-Za-z0-9_-]*\Z")
_TEXT_KEY = re.compile(r"ed25519/([0-9a-f]{64})\Z")
_PKCS8 = bytes.fromhex("302e020100300506032b657004220420")
_ORDER = 2**252 + 27742317777372353535851937790883648493
# TK-45: all encodings of points of order 1, 2, 4 and 8.
_LOW = ("00" * 31, "01" + "00" * 30, "ec" + "ff" * 30, "ed" + "ff" * 30, "ee" + "ff" * 30,
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03")
_TOPS = ("0080", "0080", "7fff", "7fff", "7fff", "0585", "7afa")
_LOW_ORDER = {bytes.fromhex(low + top) for low, tops in zip(_LOW, _TOPS) for top in (tops[:2], tops[2:])}


def b64u(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def un_b64u(text: str) -> bytes | None:
    """The bytes of a base64url text, or None where it is none."""
    if not _B64U.match(text) or len(text) % 4 == 1:
        return None
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    return data if b64u(data) == text else None  # unused bits are zero


def un_b64(text: str) -> bytes | None:
    """The bytes of a base64 text with padding, or None where it is none."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    return data if base64.b64encode(data).decode() == text else None


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def digits_to_int(text: str, most: int) -> int | None:
    """The value of decimal digits of any length; None where it is beyond `most`."""
    short = text.lstrip("0") or "0"
    if len(short) > len(str(most)):
        return None
    value = int(short)
    return value if value <= most else None


def rfc3339(seconds: int) -> str:
    """RFC 3339 with Z, for 0 to the end of the year 9999 (TK-23)."""
    moment = datetime(1970, 1, 1) + timedelta(seconds=seconds)
    return moment.isoformat(timespec="seconds") + "Z"


# Ed25519

def verify(public: bytes, signature: bytes, message: bytes) -> bool:
    """TK-43 to TK-46."""
    if len(signature) != 64 or len(public) != 32:
        return False
    if int.from_bytes(signature[32:], "little") >= _ORDER:  # TK-44
        return False
    if public in _LOW_ORDER or signature[:32] in _LOW_ORDER:  # TK-45
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)  # TK-46
    except (InvalidSignature, ValueError):
        return False
    return True


def sign(seed: bytes, message: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(seed).sign(message)


def public_of(seed: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


# Forms

def key_id(public: bytes) -> str:
    """TK-48"""
    return b64u(sha256(b'{"crv":"Ed25519","kty":"OKP","x":"%s"}' % b64u(public).encode()))


def is_public_text(text: str) -> bool:
    return _TEXT_KEY.match(text) is not None


def parse_public(text: str) -> bytes:
    """TK-49"""
    match = _TEXT_KEY.match(text)
    if not match:
        raise Misuse("not the text form of a public key")
    return bytes.fromhex(match.group(1))


def public_text(public: bytes) -> str:
    return "ed25519/" + public.hex()


def parse_private(text: str) -> bytes:
    """A seed: 64 hexadecimal digits, TK-51's raw form, or the PEM of TK-50."""
    text = text.strip()
    match = re.fullmatch(r"-----BEGIN PRIVATE KEY-----\s+([A-Za-z0-9+/=\s]+?)\s*-----END PRIVATE KEY-----", text)
    der = un_b64("".join(match[1].split())) if match else None
    seed = bytes.fromhex(text) if re.fullmatch(r"[0-9a-f]{64}", text) else un_b64u(text[6:]) if text.startswith("cs_sk_") else None
    seed = der[16:] if der and der.startswith(_PKCS8) else seed
    if seed is None or len(seed) != 32:
        raise Misuse("not a private key: 64 hexadecimal digits, cs_sk_..., or a PKCS#8 PEM")
    return seed
