"""The requests that the benchmark sends: one chat body, whole or streamed, for any target."""

import json

QUESTION = (
    "Summarise in two sentences why an event loop that is held for five milliseconds hurts every stream that it "
    "serves, and name one remedy. Answer for a reader who knows sockets but has never written a server."
)
SAME_DIALECT = "gpt-4.1-mini"
OTHER_DIALECT = "claude-sonnet-4-6"


def chat_request(port: int, path: str, key: str, *, model: str = SAME_DIALECT, chunks: int = 0) -> bytes:
    """An HTTP/1.1 request as an SDK sends it. `chunks` > 0 asks for a stream of so many content chunks, which the
    mock provider reads from `max_tokens`."""
    body = {
        "model": model,
        "messages": [
            {"role": "system", "content": "You are a precise assistant."},
            {"role": "user", "content": QUESTION},
        ],
        "temperature": 0.2,
        "max_tokens": chunks or 400,
    }
    if chunks:
        body["stream"] = True
    data = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {key}\r\n"
        "Accept: application/json\r\nUser-Agent: OpenAI/Python 3.54.0\r\nX-Stainless-Lang: python\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
    )
    return head.encode() + data
