"""Another model's name in bodies that repeat the path's, and not a byte more."""

import pytest

from gateway.dialects.gemini.peek import splice
from gateway.errors import ClientError


@pytest.mark.parametrize(
    ("body", "spliced"),
    [
        (b'{"contents":[]}', b'{"contents":[]}'),
        (b'{ "model" : "models/own/a" }', b'{ "model" : "models/b" }'),
        (
            b'{"requests":[ {"model":"models/own/a","content":{"model":"kept"}} ,{"model": "x"},{},3 ], "n":1e400}',
            b'{"requests":[ {"model":"models/b","content":{"model":"kept"}} ,{"model": "models/b"},{},3 ], "n":1e400}',
        ),
        (b'{"requests":[]}', b'{"requests":[]}'),
        (b'{"generateContentRequest":{"model":"models/own/a"}}', b'{"generateContentRequest":{"model":"models/b"}}'),
        (b'{"requests":{"model":7},"contents":[{"model":"kept"}]}', b'{"requests":{"model":7},"contents":[{"model":"kept"}]}'),
    ],
)  # fmt: skip
def test_the_name_is_put_in_its_place(body: bytes, spliced: bytes) -> None:
    assert splice(body, model="b", include_usage=False) == spliced
    assert splice(body, model=None, include_usage=True) is body


@pytest.mark.parametrize("body", [b'{"requests":[{]}', b'{"requests":[1 2]}', b'{"requests":['])
def test_what_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(ClientError):
        splice(body, model="b", include_usage=False)
