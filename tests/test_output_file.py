"""A file that was asked for is there whole, or as it was before."""

import os
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


def test_nobody_else_s_link_is_written_through(tmp_path: Path) -> None:
    """In a folder that others write to too, they could lay one where the file is written until it is whole."""
    theirs, target = tmp_path / "theirs", tmp_path / "rows.csv"
    theirs.write_text("theirs")
    (tmp_path / f".rows.csv.{os.getpid()}.part").symlink_to(theirs)
    with output_file(target) as file:
        file.write("ours")
    assert (target.is_symlink(), target.read_text(), theirs.read_text()) == (False, "ours", "theirs")


def test_two_that_write_one_file_at_once_leave_one_of_theirs_whole(tmp_path: Path) -> None:
    target = tmp_path / "rows.csv"
    with output_file(target) as first:
        first.write("first")
        with output_file(target) as second:
            second.write("second, and longer")
        first.write(" and last")
    assert target.read_text() == "first and last" and len(list(tmp_path.iterdir())) == 1


def test_a_disk_that_is_full_midway_is_told_as_one_sentence() -> None:
    said = r"^/dev/full cannot be written \(.+\): choose another file\.$"
    with pytest.raises(FaregateError, match=said), output_file(Path("/dev/full")) as file:
        file.write("row\n")
