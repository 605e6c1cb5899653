"""A file that was asked for is there whole, or as it was before."""

from pathlib import Path

import pytest

from gateway.errors import FaregateError
from gateway.output_file import output_file


def test_what_fails_midway_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    target = tmp_path / "rows.csv"
    target.write_text("before")
    with pytest.raises(ZeroDivisionError), output_file(target) as file:
        file.write("half")
        file.flush()
        assert target.read_text() == "before"
        raise ZeroDivisionError
    assert [path.name for path in tmp_path.iterdir()] == ["rows.csv"] and target.read_text() == "before"
    with output_file(target) as file:
        file.write("é\r\n")
    assert target.read_bytes() == b"\xc3\xa9\r\n" and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("name", ["no/such/folder.csv", "x" * 300])
def test_where_nothing_can_be_written_the_asked_for_name_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(FaregateError, match=name) as refused, output_file(tmp_path / name):
        pass
    assert ".part" not in refused.value.message
