"""The body of a request as it comes from the client: whole, or piece by piece."""

from collections.abc import AsyncIterator, Mapping

from aiohttp import web
from aiohttp.web_request import BaseRequest

from gateway.errors import ClientError

# Brotli and zstd are decoded where Python has them; where not, aiohttp refuses them before we see them.
ENCODINGS = ("", "identity", "gzip", "deflate", "br", "zstd")


class Incoming:
    __slots__ = ("_limit", "_request", "headers")

    def __init__(self, request: BaseRequest, limit: int) -> None:
        self._request = request
        self._limit = limit
        self.headers: Mapping[str, str] = request.headers

    async def read(self) -> bytes:
        self._check_encoding(ENCODINGS)
        try:
            await self._say_continue()
            content = self._request.content
            if content.is_eof() and content.total_bytes <= self._limit:
                # All of it came with the headers: there is nothing to wait for.
                return content.read_nowait()
            return await self._request.read()
        except web.HTTPRequestEntityTooLarge:
            raise ClientError(
                f"The request body is larger than {self._limit >> 20} MiB: send less, or raise limits.body.",
                status=413,
                kind="too_large",
            ) from None
        except (web.RequestPayloadError, ValueError):
            raise _unreadable() from None

    async def pieces(self, encodings: tuple[str, ...], wire_limit: int) -> AsyncIterator[bytes]:
        """The body as it arrives, inflated in pieces of bounded size."""
        self._check_encoding(encodings)
        content = self._request.content
        if (self._request.content_length or 0) > wire_limit:
            raise _too_large(wire_limit)
        try:
            await self._say_continue()
            async for piece in content.iter_any():
                if content.total_raw_bytes > wire_limit:
                    raise _too_large(wire_limit)
                yield piece
        except (web.RequestPayloadError, ValueError):
            # aiohttp would go on reading what cannot be read, and log it.
            content.feed_eof()
            raise _unreadable() from None

    def _check_encoding(self, encodings: tuple[str, ...]) -> None:
        if self.headers.get("Content-Encoding", "identity").strip().lower() not in encodings:
            raise ClientError(
                "The request body's content-encoding is not known here: send it plain, or as gzip or deflate.",
                status=415,
                kind="unsupported_media_type",
            )

    async def _say_continue(self) -> None:
        if self.headers.get("Expect", "").lower() == "100-continue":
            await self._request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self._request.writer.output_size = 0


def _unreadable() -> ClientError:
    return ClientError("The request body cannot be read: check its length and content-encoding.")


def _too_large(limit: int) -> ClientError:
    return ClientError(
        f"The request body is larger than {limit >> 20} MiB on the wire: send smaller batches, or raise "
        "limits.telemetry_wire.",
        status=413,
        kind="too_large",
    )
