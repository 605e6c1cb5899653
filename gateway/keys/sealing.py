"""AES-256-GCM over what is stored outside the data folder, over the file vault, and over what was said.

A sealed text is bound to its context: the provider, slot and purpose that it is for. Opened in any other context, or
with one bit changed, it is refused. The seal key lies in the folder, the sealed text in the keyring: each is
useless without the other.
"""

import base64
import os
import secrets
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from msgspec import Struct

from gateway.errors import FaregateError
from gateway.folder import exclusive, write_private

KEY_BYTES = 32
NONCE_BYTES = 12
# By how much a sealed value is longer: the nonce, and GCM's tag.
SEAL_BYTES = NONCE_BYTES + 16
_FORMAT = "fg1."


class VaultError(FaregateError):
    """The vault cannot be reached, or what it gave cannot be used; says what to do."""


class SealBroken(VaultError):
    """A sealed value that was changed, moved, or sealed with another key."""


class Context(Struct, frozen=True, array_like=True):
    """What a value is for; its JSON is the associated data, so that no two contexts read the same."""

    purpose: str
    provider: str
    slot: str


def seal(key: bytes, text: str, context: Context) -> str:
    """Text for a keyring's entry: ASCII, about 4/3 of the plain length."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    sealed = AESGCM(key).encrypt(nonce, text.encode(), _associated(context))
    return _FORMAT + base64.urlsafe_b64encode(nonce + sealed).decode()


def unseal(key: bytes, sealed: str, context: Context) -> str:
    """The text again. Raises SealBroken."""
    try:
        if not sealed.startswith(_FORMAT):
            raise ValueError
        data = decode_exactly(sealed[len(_FORMAT) :], b"-_")
        return AESGCM(key).decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], _associated(context)).decode()
    except (InvalidTag, ValueError):
        raise SealBroken(
            f"The stored key for {context.provider} cannot be opened: it was changed, or seal.key is not the one it "
            "was sealed with; store the key again."
        ) from None


def decode_exactly(text: str, altchars: bytes = b"+/") -> bytes:
    """Base64 that is spelt the one usual way: bits that mean nothing must not be changed unnoticed either.

    Raises ValueError.
    """
    data = base64.b64decode(text, altchars, validate=True)
    if base64.b64encode(data, altchars).decode() != text:
        raise ValueError("not the usual spelling")
    return data


def _associated(context: Context) -> bytes:
    return _FORMAT.encode() + msgspec.json.encode(context)


def read_seal_key(path: Path) -> bytes | None:
    """The folder's seal key, None where none was made yet. Raises VaultError where the file is damaged."""
    try:
        key = path.read_bytes()
        if os.name == "posix" and path.stat().st_mode & 0o077:
            path.chmod(0o600)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise VaultError(f"{path} cannot be read ({error.strerror}): give it back to its owner.") from None
    if len(key) != KEY_BYTES:
        raise VaultError(f"{path} is damaged: put it back from a copy, or remove it and store the keys again.")
    return key


def make_seal_key(path: Path) -> bytes:
    """The folder's seal key, made on first use with mode 0600."""
    with exclusive(path.with_suffix(".lock")):
        key = read_seal_key(path)
        if key is None:
            key = secrets.token_bytes(KEY_BYTES)
            try:
                write_private(path, key)
            except OSError as error:
                raise VaultError(f"{path} cannot be written ({error.strerror}): the key was not stored.") from None
    return key


class Cost(Struct, frozen=True, forbid_unknown_fields=True):
    """scrypt's parameters; 2**17 × 8 takes 128 MiB and a few tenths of a second (OWASP's figure for passwords)."""

    n: int = 1 << 17
    r: int = 8
    p: int = 1

    @property
    def sane(self) -> bool:
        """Neither weaker than this project ever wrote nor so dear that opening a file exhausts the machine."""
        return 1 << 15 <= self.n <= 1 << 20 and self.n & (self.n - 1) == 0 and self.r == 8 and 1 <= self.p <= 4


def derive(passphrase: str, salt: bytes, cost: Cost) -> bytes:
    """scrypt's key. A passphrase from the environment may hold bytes that are no text; they count as they are."""
    return Scrypt(salt=salt, length=KEY_BYTES, n=cost.n, r=cost.r, p=cost.p).derive(
        passphrase.encode("utf-8", "surrogatepass")
    )


def derive_for(key: bytes, purpose: str) -> bytes:
    """A key of its own for one purpose, from the folder's seal key: HKDF with SHA-256."""
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=f"faregate {purpose}".encode()).derive(key)


class Seal:
    """Seals bytes of one purpose. `associated` says what they are: opened as anything else, they are refused."""

    def __init__(self, key: bytes, purpose: str) -> None:
        self._cipher = AESGCM(derive_for(key, purpose))
        self._decrypt = self._cipher.decrypt

    def close(self, data: bytes, associated: bytes) -> bytes:
        """SEAL_BYTES longer than `data`."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, data, associated)

    def open(self, sealed: bytes, associated: bytes) -> bytes:
        """The bytes again. Raises SealBroken."""
        try:
            return self._decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], associated)
        except (InvalidTag, ValueError):
            raise SealBroken(
                "What was stored cannot be opened: it was changed, or seal.key is not the one it was sealed with."
            ) from None
