"""The `tk_` keys that clients are let in by."""

from gateway.parts import Parts
from gateway.records import ApiKeyRow, Changes, NewApiKey


class KeyCommands:
    """They raise FaregateError for a name, role or tags that cannot be, and for an id that there is none of."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._work = parts.workers.run

    async def api_keys(self) -> tuple[ApiKeyRow, ...]:
        return await self._work(self._parts.access.list)

    async def create_api_key(
        self, name: str, *, role: str = "execute", user: str | None = None, tags: tuple[str, ...] = ()
    ) -> NewApiKey:
        made = await self._work(self._parts.access.create, name, role, user, tags)
        self.changed()
        return made

    async def create_temporary_key(self, name: str) -> NewApiKey:
        """A key that is valid until this process ends."""
        made = await self._work(self._parts.access.add_temporary, name)
        self.changed()
        return made

    async def revoke_api_key(self, id: str) -> None:
        await self._work(self._parts.access.revoke, id)
        self.changed()

    def changed(self) -> None:
        self._parts.bell.note(Changes(keys=True))
