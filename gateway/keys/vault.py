"""Provider keys at rest: the system's keyring with sealed values, a sealed file, or memory until quit.

Which of them is the user's choice; none ever stands in for another by itself, and none writes plain text. Keyring
calls may prompt, block on D-Bus or hang: they run on one daemon thread, each awaited with a time limit, and while
one hangs the next fail at once instead of queueing behind it. What was read stays in memory.
"""

import asyncio
import base64
import concurrent.futures
import contextlib
import queue
import secrets
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct

from gateway.errors import FaregateError
from gateway.folder import DataFolder, exclusive, write_private
from gateway.keys.sealing import (
    NONCE_BYTES,
    Context,
    Cost,
    VaultError,
    decode_exactly,
    derive,
    make_seal_key,
    read_seal_key,
    seal,
    unseal,
)
from gateway.records import VaultState

SERVICE = "faregate"
PROVIDER_KEY = "provider-key"
TIMEOUT_S = 10.0
LOOKS_AGAIN_S = 5.0
FILE_COST = Cost()

_OFFER = 'choose the sealed file (FAREGATE_VAULT=file) or "memory" until quit (FAREGATE_VAULT=memory)'
_LOCKED = ("LockedException", "PromptDismissedException")
_Result = TypeVar("_Result")


class VaultLocked(VaultError):
    """Whoever was to unlock it did not."""


class _Store(Protocol):
    """One kind of vault; every call may block, and raises VaultError. `locked`: why it is not asked any more, until
    it is open again. `missing`: nobody was there to ask the last time, and may be later."""

    locked: VaultError | None = None
    missing: bool = False

    def check(self) -> str:
        """A sentence on where keys are kept, where that works."""
        ...

    def read(self, context: Context) -> str | None: ...

    def write(self, context: Context, value: str) -> None: ...

    def remove(self, context: Context) -> None: ...

    def reopened(self) -> bool:
        """Whether what was locked or missing is open now; asks nobody for it."""
        return False


class _KeyringStore(_Store):
    """Entries of service `faregate`, account `<folder id>/<provider>/<slot>`; another purpose adds `/<purpose>`.

    A locked keyring asks its user to unlock it, whenever it is asked. Once that was refused, reading waits until it
    is open, or has kept a value again: only storing and removing, which its user wants, ask again.
    """

    def __init__(self, folder: DataFolder) -> None:
        self._folder = folder
        self._answered = False
        # An open keyring may ask for each of its entries; that it is open tells nothing then.
        self._entry_locked = False
        self._looks_again_at = 0.0

    def check(self) -> str:
        backend = self._backend()
        self._get(backend, Context("check", "check", "default"))
        return f"Keys are kept in the system keyring ({backend.name})."

    def read(self, context: Context) -> str | None:
        sealed = self._get(self._backend(), context)
        if sealed is None:
            return None
        key = read_seal_key(self._folder.seal_key)
        if key is None:
            raise VaultError(
                f"{self._folder.seal_key} is missing, and without it the keyring's entry for {context.provider} "
                "cannot be opened: put it back from a copy, or store the key again."
            )
        return unseal(key, sealed, context)

    def write(self, context: Context, value: str) -> None:
        backend, account = self._backend(), self._account(context)
        sealed = seal(make_seal_key(self._folder.seal_key), value, context)
        self._ask(lambda: backend.set_password(SERVICE, account, sealed))
        if self._ask(lambda: backend.get_password(SERVICE, account)) != sealed:
            raise VaultError(f"The system keyring did not keep the key: {_OFFER}.")
        self._answered = True

    def remove(self, context: Context) -> None:
        from keyring.errors import PasswordDeleteError

        backend, account = self._backend(), self._account(context)

        def delete() -> None:
            try:
                backend.delete_password(SERVICE, account)
            except PasswordDeleteError:
                # Some backends say so for an entry that is not there, which is what was wanted.
                if backend.get_password(SERVICE, account) is not None:
                    raise

        self._ask(delete)

    def reopened(self) -> bool:
        if self.missing and time.monotonic() < self._looks_again_at:
            return False
        self._looks_again_at = time.monotonic() + LOOKS_AGAIN_S
        try:
            answers = self._answers(self._backend())
        except VaultError:
            return False
        if answers:
            self.locked, self.missing = None, False
        return answers

    def _answers(self, backend: Any) -> bool:
        return self._answered or (not self._entry_locked and _is_open(backend))

    def _get(self, backend: Any, context: Context) -> str | None:
        # That it was locked is known until what it keeps is read again.
        if self.locked is not None and not self._answers(backend):
            raise self.locked
        account = self._account(context)
        try:
            found: str | None = self._ask(lambda: backend.get_password(SERVICE, account))
        except VaultLocked:
            self._entry_locked = _is_open(backend)
            raise
        return found

    def _account(self, context: Context) -> str:
        account = f"{self._folder.folder_id}/{context.provider}/{context.slot}"
        return account if context.purpose == PROVIDER_KEY else f"{account}/{context.purpose}"

    def _backend(self) -> Any:
        import keyring
        import keyring.core
        from keyring.backends import SecretService, fail

        backend: Any = self._ask(keyring.get_keyring)
        if isinstance(backend, fail.Keyring):
            # That there is none was found out once for this process, and what keeps secrets may start later than it.
            with contextlib.suppress(RuntimeError):
                backend = keyring.core.load_keyring(f"{SecretService.__name__}.Keyring")
                keyring.set_keyring(backend)
        # Below 1 are those that keep nothing or keep plain text.
        if not self._ask(lambda: self._is_there(backend) and keyring.core.recommended(backend)):
            raise self._missing(f"This system has no keyring that keeps secrets: {_OFFER}.")
        return backend

    def _is_there(self, backend: Any) -> bool:
        try:
            return backend.priority is not None
        except RuntimeError:
            # What keeps its secrets was there when it was chosen, and has ended since.
            raise self._missing(
                f"The system keyring does not run any more: start it or log in again, or {_OFFER}."
            ) from None

    def _missing(self, message: str) -> VaultError:
        """It may be there later: until then it is looked for now and then."""
        self.missing, self._answered = True, False
        return VaultError(message)

    def _ask(self, call: Callable[[], _Result]) -> _Result:
        from keyring.errors import InitError, KeyringLocked, NoKeyringError

        try:
            return call()
        except VaultError:
            raise
        except NoKeyringError:
            raise self._missing(f"This system has no keyring: {_OFFER}.") from None
        except Exception as error:
            if isinstance(error, KeyringLocked | InitError) or _says_locked(error):
                kind, self._answered = VaultLocked if _says_locked(error) else VaultError, False
                self.locked = kind(f"The system keyring is locked or cannot be opened: unlock it, or {_OFFER}.")
                raise self.locked from None
            # Each desktop's keyring raises its own types; their texts may quote what was stored.
            name = type(error).__name__
            raise VaultError(f"The system keyring failed ({name}): unlock it or log in again, or {_OFFER}.") from None


def _says_locked(error: BaseException) -> bool:
    """Whether a keyring says that it, or what it keeps, is locked and stayed so, rather than that it failed."""
    from keyring.errors import KeyringLocked

    # The Secret Service's own, which keyring passes on or wraps; other systems have no such module.
    names = {type(each).__name__ for each in (error, error.__cause__)}
    return isinstance(error, KeyringLocked) or not names.isdisjoint(_LOCKED)


def _is_open(backend: Any) -> bool:
    """Whether a keyring of the Secret Service is unlocked; of another kind only asking it would tell."""
    from keyring.backends.SecretService import Keyring

    if not isinstance(backend, Keyring):
        return False
    import secretstorage

    try:
        with contextlib.closing(secretstorage.dbus_init()) as bus:
            return not secretstorage.Collection(bus).is_locked()
    except Exception:
        # The bus, or whoever serves secrets on it, may have gone, and each says so in its own way.
        return False


class _SealedFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`vault.sealed` as JSON. Salt, nonce and data are base64; all but nonce and data is associated data."""

    version: int
    cost: Cost
    salt: str
    nonce: str
    data: str


class _FileStore(_Store):
    """All values sealed as one under a passphrase, so that none can be changed, moved or left out by itself."""

    def __init__(self, path: Path, passphrase: str | None) -> None:
        self._path = path
        self._passphrase = passphrase
        self._derived: tuple[str, Cost, bytes] | None = None

    def check(self) -> str:
        self._load()
        return f"Keys are kept in {self._path}, sealed under your passphrase."

    def read(self, context: Context) -> str | None:
        return self._load().get(self._entry(context))

    def write(self, context: Context, value: str) -> None:
        with exclusive(self._path.with_suffix(".lock")):
            self._save({**self._load(), self._entry(context): value})

    def remove(self, context: Context) -> None:
        with exclusive(self._path.with_suffix(".lock")):
            values = self._load()
            if values.pop(self._entry(context), None) is not None:
                self._save(values)

    def _entry(self, context: Context) -> str:
        return msgspec.json.encode(context).decode()

    def _key(self, salt: str, cost: Cost) -> bytes:
        if not self._passphrase:
            raise VaultError(
                "The file vault needs its passphrase: enter it in the window, or set FAREGATE_VAULT_PASSPHRASE."
            )
        if self._derived is None or self._derived[:2] != (salt, cost):
            self._derived = (salt, cost, derive(self._passphrase, decode_exactly(salt), cost))
        return self._derived[2]

    def _load(self) -> dict[str, str]:
        try:
            file = msgspec.json.decode(self._path.read_bytes(), type=_SealedFile)
            if file.version != 1 or not file.cost.sane:
                raise ValueError
        except FileNotFoundError:
            if self._derived is None:
                self._key(base64.b64encode(secrets.token_bytes(16)).decode(), FILE_COST)
            return {}
        except OSError as error:
            raise VaultError(f"{self._path} cannot be read ({error.strerror}): check its owner and mode.") from None
        except ValueError:
            raise VaultError(
                f"{self._path} is damaged or from a newer version: put it back from a copy, or move it away and "
                "store the provider keys again."
            ) from None
        try:
            key = self._key(file.salt, file.cost)
            nonce, data = decode_exactly(file.nonce), decode_exactly(file.data)
            plain = AESGCM(key).decrypt(nonce, data, self._header(file.salt, file.cost))
            return msgspec.json.decode(plain, type=dict[str, str])
        except (InvalidTag, ValueError):
            self._derived = None
            raise VaultError(
                f"The passphrase does not open {self._path.name}, or the file was changed: try the passphrase again, "
                "or put the file back from a copy."
            ) from None

    def _save(self, values: dict[str, str]) -> None:
        assert self._derived is not None
        salt, cost, key = self._derived
        nonce = secrets.token_bytes(NONCE_BYTES)
        data = AESGCM(key).encrypt(nonce, msgspec.json.encode(values), self._header(salt, cost))
        file = _SealedFile(
            version=1,
            cost=cost,
            salt=salt,
            nonce=base64.b64encode(nonce).decode(),
            data=base64.b64encode(data).decode(),
        )
        try:
            write_private(self._path, msgspec.json.encode(file))
        except OSError as error:
            raise VaultError(f"{self._path} cannot be written ({error.strerror}): the key was not stored.") from None

    def _header(self, salt: str, cost: Cost) -> bytes:
        return msgspec.json.encode(("faregate vault", 1, salt, cost))


class _MemoryStore(_Store):
    def __init__(self) -> None:
        self.values: dict[Context, str] = {}

    def check(self) -> str:
        return "Keys are kept in memory until Faregate quits."

    def read(self, context: Context) -> str | None:
        return self.values.get(context)

    def write(self, context: Context, value: str) -> None:
        self.values[context] = value

    def remove(self, context: Context) -> None:
        self.values.pop(context, None)


class _Worker:
    """One daemon thread: a call that never returns does not keep the process from ending."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[tuple[concurrent.futures.Future[Any], Callable[[], Any]] | None] = (
            queue.SimpleQueue()
        )
        self._thread: threading.Thread | None = None

    def submit(self, call: Callable[[], _Result]) -> "concurrent.futures.Future[_Result]":
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="faregate-vault", daemon=True)
            self._thread.start()
        future: concurrent.futures.Future[_Result] = concurrent.futures.Future()
        self._jobs.put((future, call))
        return future

    def stop(self, wait_s: float) -> None:
        if self._thread is not None:
            self._jobs.put(None)
            self._thread.join(wait_s)
            self._thread = None

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            _settle(*job)
            # While it waits for the next one, the thread must not hold on to the last secret.
            job = None


def _settle(future: "concurrent.futures.Future[Any]", call: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = call()
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(result)


class Vault:
    """Secrets of one data folder by provider, slot and purpose. Coroutines raise VaultError.

    `backend` is keyring, file or memory; `passphrase` opens the file. `close()` forgets what was read; what only this
    process knows, a passphrase and what memory keeps, is there for whoever goes on with the vault.
    """

    def __init__(self, folder: DataFolder, backend: str, passphrase: str | None = None) -> None:
        stores: dict[str, Callable[[], _Store]] = {
            "keyring": lambda: _KeyringStore(folder),
            "file": lambda: _FileStore(folder.vault_file, passphrase),
            "memory": _MemoryStore,
        }
        self.backend = backend
        self._store = stores[backend]()
        self._worker = _Worker()
        self._cache: dict[Context, str | None] = {}
        self._hung: concurrent.futures.Future[Any] | None = None

    async def get(self, provider: str, slot: str = "default", purpose: str = PROVIDER_KEY) -> str | None:
        """The stored value, None where there is none."""
        context = Context(purpose, provider, slot)
        if context not in self._cache:
            self._cache[context] = await self._call(lambda: self._store.read(context))
        return self._cache[context]

    async def put(self, provider: str, value: str, slot: str = "default", purpose: str = PROVIDER_KEY) -> None:
        """Stores a value in place of an earlier one."""
        context = Context(purpose, provider, slot)
        self._cache.pop(context, None)
        await self._call(lambda: self._store.write(context, value))
        self._cache[context] = value

    async def remove(self, provider: str, slot: str = "default", purpose: str = PROVIDER_KEY) -> None:
        """Removes a value; fine where there is none."""
        context = Context(purpose, provider, slot)
        self._cache.pop(context, None)
        await self._call(lambda: self._store.remove(context))

    def held(self, purpose: str = PROVIDER_KEY) -> tuple[str, ...]:
        """The providers of which memory keeps a value; none where that is not where values are kept."""
        kept = self._store.values if isinstance(self._store, _MemoryStore) else ()
        return tuple(context.provider for context in kept if context.purpose == purpose)

    def forget(self) -> None:
        """Empties the memory of what was read: another process may have changed the store."""
        self._cache.clear()

    async def state(self) -> VaultState:
        """Whether keys can be read and stored now, and where; asks the keyring. Never raises."""
        try:
            message = await self._call(self._store.check)
        except FaregateError as error:
            return VaultState(backend=self.backend, available=False, message=error.message)
        return VaultState(backend=self.backend, available=True, message=message)

    async def recovered(self) -> bool:
        """Whether a call that was given up has come back since, as a prompt was answered late, or what was locked was
        unlocked elsewhere. True once for each. Raises VaultError."""
        if self._hung is not None:
            if not self._hung.done():
                return False
            self._hung = None
            return True
        waits = self._store.locked is not None or self._store.missing
        return waits and await self._call(self._store.reopened)

    def close(self) -> None:
        self._cache.clear()
        self._worker.stop(0.0 if self._is_hung() else 1.0)

    def _is_hung(self) -> bool:
        return self._hung is not None and not self._hung.done()

    async def _call(self, call: Callable[[], _Result]) -> _Result:
        if self._is_hung():
            raise self._no_answer()
        future = self._worker.submit(call)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), TIMEOUT_S)
        except TimeoutError:
            # One that was still queued is cancelled by now; the one that runs is the culprit.
            if not future.done():
                self._hung = future
            raise self._no_answer() from None

    def _no_answer(self) -> VaultError:
        what = "The system keyring" if self.backend == "keyring" else "The vault"
        return VaultError(f"{what} does not answer: look for its prompt and unlock it, or {_OFFER}.")
