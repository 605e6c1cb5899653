"""Trying a door of this gateway as a tool would: over its own address, with a key."""

from collections.abc import Callable

from gateway.http.door_trial import trusting, try_door
from gateway.parts import Parts
from gateway.records import Changes, DoorTrial

KEY_NAME = "connection-test"


class DoorTrials:
    """`url` is where the gateway listens now."""

    def __init__(self, parts: Parts, url: Callable[[], str]) -> None:
        self._parts = parts
        self._url = url

    async def try_door(self, door: str, model: str, key: str | None = None) -> DoorTrial:
        """One tiny call that asks a model at a door (`TRIED_DOORS`), with a row of its own; an export of
        telemetry has no row. Without a key, with one that is made for this call and ends with it.

        Raises ClientError for a door that cannot be tried, FaregateError where no key can be made.
        """
        certificate = self._parts.settings.tls_cert
        try:
            trust = await self._parts.workers.run(trusting, certificate)
        except OSError as error:
            why = error.strerror or error
            return DoorTrial(ok=False, message=f"{certificate} cannot be read ({why}): check server.tls_cert.")
        if key is not None:
            return await try_door(self._url(), door, model, key, trust)
        access, work = self._parts.access, self._parts.workers.run
        names = {row.name for row in await work(access.list) if row.revoked_us is None}
        name = next(one for one in (KEY_NAME, *(f"{KEY_NAME}-{n}" for n in range(2, 99))) if one not in names)
        # Nobody is told of it: lists would show a key that is gone again.
        made = await work(access.add_temporary, name)
        try:
            return await try_door(self._url(), door, model, made.key, trust)
        finally:
            await work(access.revoke, made.row.id)
            self._parts.bell.note(Changes(keys=True))
