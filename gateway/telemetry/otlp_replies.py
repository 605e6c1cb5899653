"""What an exporter is answered, in the encoding that it sent.

The messages are few and flat, so their protobuf is written here: a partial success is field 1 of the response, with
the count in field 1 and the sentence in field 2 (collector/*_service.proto); an error is a `google.rpc.Status`, with
the code in field 1 and the sentence in field 2.
"""

from collections.abc import Mapping

import msgspec

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
# google.rpc.Code by HTTP status.
CODES: Mapping[int, int] = {400: 3, 401: 16, 403: 7, 404: 5, 405: 12, 413: 3, 415: 3, 429: 8, 500: 13, 503: 14}
_UNKNOWN = 2


def accepted(media_type: str, counted: str, rejected: int, message: str) -> bytes:
    """`counted` is the signal's name of what was rejected, e.g. rejectedSpans. All well is an empty message."""
    if media_type == JSON:
        if not rejected and not message:
            return b"{}"
        return msgspec.json.encode({"partialSuccess": {counted: str(rejected), "errorMessage": message}})
    if not rejected and not message:
        return b""
    return _field(1, (_tagged(1, rejected) if rejected else b"") + _field(2, message.encode()))


def refused(media_type: str, status: int, message: str) -> bytes:
    """A `google.rpc.Status`."""
    code = CODES.get(status, _UNKNOWN)
    if media_type == JSON:
        return msgspec.json.encode({"code": code, "message": message, "details": []})
    return _tagged(1, code) + _field(2, message.encode())


def _tagged(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _field(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)
