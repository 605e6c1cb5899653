"""The body of a request as it comes from the client: whole, or piece by piece.

What is compressed is inflated here and not by aiohttp, which answers an encoding that it lacks by itself, before
anybody knows whose request it was.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing

from aiohttp import web
from aiohttp.web_request import BaseRequest

from gateway.errors import ClientError
from gateway.http.inflate import Inflater

PLAIN = ("", "identity")
ENCODINGS = (*PLAIN, "gzip", "deflate")


class Incoming:
    __slots__ = ("_limit", "_request", "headers", "line")

    def __init__(self, request: BaseRequest, limit: int) -> None:
        self._request = request
        self._limit = limit
        self.headers: Mapping[str, str] = request.headers
        self.line = f"{request.method} {request.raw_path}"

    async def read(self) -> bytes:
        encoding = self._encoding()
        if (self._request.content_length or 0) > self._limit:
            # Before the client is told to go on, or has sent it all.
            raise self._too_large()
        try:
            if encoding not in PLAIN:
                return await self._inflated(encoding)
            await self._say_continue()
            content = self._request.content
            if content.is_eof() and content.total_bytes <= self._limit:
                # All of it came with the headers: there is nothing to wait for.
                return content.read_nowait()
            body = await self._request.read()
            # aiohttp would keep it for as long as its connection waits for the next request.
            self._request._read_bytes = None
            return body
        except web.HTTPRequestEntityTooLarge:
            raise self._too_large() from None
        except (web.RequestPayloadError, ValueError):
            raise _unreadable() from None

    async def pieces(self, wire_limit: int) -> AsyncIterator[bytes]:
        """The body as it arrives, inflated in pieces of bounded size. Raises ClientError."""
        too_large = ClientError(
            f"The request body is larger than {wire_limit >> 20} MiB on the wire: send smaller batches, or raise "
            "limits.telemetry_wire.",
            status=413,
            kind="too_large",
        )
        try:
            async for piece in self._arriving(self._encoding(), wire_limit, too_large):
                yield piece
        except ValueError:
            raise _unreadable() from None

    async def _inflated(self, encoding: str) -> bytes:
        found, too_large = bytearray(), self._too_large()
        async with aclosing(self._arriving(encoding, self._limit, too_large)) as arriving:
            async for piece in arriving:
                found += piece
                if len(found) > self._limit:
                    raise too_large
        return bytes(found)

    async def _arriving(self, encoding: str, wire_limit: int, too_large: ClientError) -> AsyncGenerator[bytes, None]:
        """Raises ValueError for what is broken, `too_large` where more comes than `wire_limit`."""
        content, wire = self._request.content, 0
        inflater = None if encoding in PLAIN else Inflater(encoding)
        if (self._request.content_length or 0) > wire_limit:
            raise too_large
        await self._say_continue()
        try:
            async for data in content.iter_any():
                wire += len(data)
                if wire > wire_limit:
                    raise too_large
                for piece in (data,) if inflater is None else inflater.feed(data):
                    yield piece
                    # Little on the wire may be much here, which is to hold up nobody else.
                    await asyncio.sleep(0)
        except web.RequestPayloadError as error:
            # aiohttp would go on reading what cannot be read, and log it.
            content.feed_eof()
            raise ValueError(str(error)) from None
        if inflater is not None:
            inflater.close()

    def _too_large(self) -> ClientError:
        return ClientError(
            f"The request body is larger than {self._limit >> 20} MiB: send less, or raise limits.body.",
            status=413,
            kind="too_large",
        )

    def _encoding(self) -> str:
        named = self.headers.get("Content-Encoding", PLAIN[0]).strip().lower()
        if named not in ENCODINGS:
            raise ClientError(
                "The request body's content-encoding is not known here: send it plain, or as gzip or deflate.",
                status=415,
                kind="unsupported_media_type",
            )
        return named

    async def _say_continue(self) -> None:
        if self.headers.get("Expect", "").lower() == "100-continue":
            await self._request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self._request.writer.output_size = 0


def _unreadable() -> ClientError:
    return ClientError("The request body cannot be read: check its length and content-encoding.")
