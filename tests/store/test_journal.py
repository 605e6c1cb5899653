import errno
import os
import shutil
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from gateway.store import journal as journal_module
from gateway.store.journal import (
    BEGUN,
    ENDED,
    Journal,
    parse_committed,
    parse_line,
    render_committed,
    render_line,
)
from tests.store.examples import FULL, record

OPEN = replace(record(1), outcome="interrupted", status=0)


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.journal"))


def left_by_the_dead(folder: Path, lines: bytes, name: str = "1-dead") -> None:
    (folder / f"{name}-000001.journal").write_bytes(lines)


def refuse(monkeypatch: pytest.MonkeyPatch, after_bytes: int | None = None) -> Callable[[], None]:
    """Make the disk full, at once or once it took so many bytes of a line; the answer frees it again."""
    real = os.write

    def full(descriptor: int, data: bytes) -> int:
        if after_bytes is None:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(descriptor, data[:after_bytes])

    monkeypatch.setattr(journal_module.os, "write", full)
    return lambda: monkeypatch.setattr(journal_module.os, "write", real)


@pytest.mark.parametrize("mark", [BEGUN, ENDED])
def test_a_line_comes_back_as_it_went(mark: bytes) -> None:
    assert parse_line(render_line(mark, FULL).rstrip(b"\n")) == (mark, FULL)


@settings(max_examples=200)
@given(st.integers(0, len(render_line(ENDED, FULL)) - 2), st.integers(1, 255))
def test_a_torn_or_damaged_line_is_never_taken_for_a_whole_one(place: int, change: int) -> None:
    line = render_line(ENDED, FULL).rstrip(b"\n")
    assert parse_line(line[:place]) is None
    damaged = bytearray(line)
    damaged[place] ^= change
    # Only the two spaces between the parts say nothing.
    assert place in (1, 10) or parse_line(bytes(damaged)) is None


def test_each_exchange_is_one_write_at_its_beginning_and_one_at_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[bytes] = []
    real = os.write

    def spy(descriptor: int, data: bytes) -> int:
        written.append(data)
        return real(descriptor, data)

    monkeypatch.setattr(journal_module.os, "write", spy)
    journal = Journal(tmp_path)
    journal.begin(OPEN)
    journal.end(record(1))
    assert written == [render_line(BEGUN, OPEN), render_line(ENDED, record(1))]
    journal.close()


def test_what_ended_is_replayed_as_it_ended_and_what_began_as_interrupted(tmp_path: Path) -> None:
    left_by_the_dead(
        tmp_path,
        render_line(BEGUN, replace(record(1), status=0))
        + render_line(BEGUN, replace(record(2), status=7, outcome="ok"))
        + render_line(ENDED, record(1)),
    )
    journal = Journal(tmp_path)
    found = {each.id: each for each in journal.adopt()}
    assert found == {
        "req_1": record(1),
        "req_2": replace(record(2), status=7, outcome="interrupted", error_type="interrupted"),
    }
    journal.committed(["req_1"])
    assert len(files(tmp_path)) == 1
    journal.committed(["req_2"])
    assert files(tmp_path) == []
    journal.close()


def test_a_torn_last_line_and_damaged_lines_are_left_out_and_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    torn = render_line(ENDED, record(3))[:-20]
    left_by_the_dead(
        tmp_path,
        render_line(ENDED, record(1)) + b"E 00000000 {}\n\x00\xff garbage\n" + render_line(ENDED, record(2)) + torn,
    )
    journal = Journal(tmp_path)
    assert {each.id for each in journal.adopt()} == {"req_1", "req_2"}
    assert journal.damaged_lines == 3 and "3 damaged lines" in caplog.text
    journal.close()


def test_an_end_in_a_later_file_of_the_same_process_counts(tmp_path: Path) -> None:
    (tmp_path / "1-dead-000001.journal").write_bytes(render_line(BEGUN, OPEN))
    (tmp_path / "1-dead-000002.journal").write_bytes(render_line(ENDED, record(1)))
    journal = Journal(tmp_path)
    assert journal.adopt() == [record(1)]
    journal.committed(["req_1"])
    assert files(tmp_path) == []
    journal.close()


def test_a_live_process_is_left_alone(tmp_path: Path) -> None:
    alive = Journal(tmp_path)
    alive.begin(OPEN)
    other = Journal(tmp_path)
    assert other.adopt() == []
    assert len(files(tmp_path)) == 1
    alive.close()
    assert [each.outcome for each in other.adopt()] == ["interrupted"]
    other.close()


def test_a_process_that_lets_go_of_only_some_files_is_left_alone(tmp_path: Path) -> None:
    alive = Journal(tmp_path)
    alive.begin(OPEN)
    prefix = files(tmp_path)[0].name.rpartition("-")[0]
    left_by_the_dead(tmp_path, render_line(BEGUN, record(2)), f"{prefix}"[:-1] + prefix[-1])
    other = Journal(tmp_path)
    assert other.adopt() == []
    alive.close()
    other.close()


def test_files_rotate_and_go_once_nothing_needs_them(tmp_path: Path) -> None:
    journal = Journal(tmp_path, segment_bytes=5000)
    slow = record(0)
    journal.begin(slow)
    for number in range(1, 30):
        journal.begin(record(number))
        journal.end(record(number))
        journal.committed([f"req_{number}"])
        assert len(files(tmp_path)) <= 1 + (number % 2 == 0 or len(files(tmp_path)) == 1)
    # The slow one was carried on into the file that is written now.
    (current,) = files(tmp_path)
    assert b'"id":"req_0"' in current.read_bytes()
    journal.end(slow)
    journal.committed(["req_0"])
    journal.close()
    assert files(tmp_path) == []


def test_files_stay_while_an_ended_exchange_is_not_committed(tmp_path: Path) -> None:
    journal = Journal(tmp_path, segment_bytes=5000)
    journal.end(record(0))
    for number in range(1, 30):
        journal.end(record(number))
        journal.committed([f"req_{number}"])
    assert len(files(tmp_path)) == 2
    journal.committed(["req_0"])
    assert len(files(tmp_path)) == 1
    journal.close()


@pytest.mark.parametrize("taken", [None, 0, 1, 9, 200])
def test_with_the_disk_full_lines_wait_in_memory_for_the_next_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taken: int | None
) -> None:
    journal = Journal(tmp_path)
    journal.begin(record(0))
    free = refuse(monkeypatch, taken)
    for number in range(1, 6):
        journal.begin(replace(record(number), outcome="interrupted"))
        journal.end(record(number))
    assert journal.waiting == 5
    assert journal.failed_writes == 10
    free()
    journal.end(record(0))
    assert journal.waiting == 0
    journal.close()
    reader = Journal(tmp_path)
    assert {each.id: each.outcome for each in reader.adopt()} == {f"req_{n}": "ok" for n in range(6)}
    reader.close()


def test_a_disk_that_refuses_is_told_once_and_so_is_its_return(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    journal = Journal(tmp_path)
    for _ in range(2):
        free = refuse(monkeypatch)
        for number in range(5):
            journal.end(record(number))
        free()
        journal.end(record(9))
    journal.close()
    said = [message.partition(" (")[0] for message in caplog.messages]
    assert said == ["The journal cannot be written", "The journal is written again."] * 2


def test_closing_writes_what_still_waits_where_the_disk_takes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path)
    free = refuse(monkeypatch)
    for number in range(100):
        journal.end(record(number))
    assert journal.waiting == 100
    free()
    journal.close()
    assert journal.waiting == 0
    reader = Journal(tmp_path)
    assert len(reader.adopt()) == 100
    reader.close()


def test_memory_for_waiting_lines_is_bounded_and_what_finds_no_room_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path, waiting_lines=3)
    free = refuse(monkeypatch)
    for number in range(5):
        journal.end(record(number))
    assert (journal.waiting, journal.unjournalled) == (3, 2)
    # What reached the database needs no line any more.
    journal.committed([f"req_{number}" for number in range(5)])
    assert journal.waiting == 0
    free()
    journal.close()
    assert files(tmp_path) == []


def test_a_folder_that_is_gone_never_raises_into_the_request(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    folder.mkdir()
    journal = Journal(folder)
    shutil.rmtree(folder)
    journal.begin(OPEN)
    journal.end(record(1))
    assert journal.waiting == 1
    folder.mkdir()
    journal.end(record(2))
    assert journal.waiting == 0
    journal.close()


def test_texts_that_json_cannot_hold_are_mended(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.end(record(1, end_user="half \ud83d", input_tokens=2**70))
    journal.close()
    reader = Journal(tmp_path)
    (found,) = reader.adopt()
    assert (found.end_user, found.input_tokens) == ("half ?", None)
    reader.close()


CHILD = """
import os, signal, sys
from pathlib import Path
from gateway.store.journal import Journal
from tests.store.examples import record
journal = Journal(Path(sys.argv[1]))
journal.begin(record(1))
journal.begin(record(2))
journal.end(record(2))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_process_leaves_its_exchanges_to_the_next(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", CHILD, str(tmp_path)], check=False)
    journal = Journal(tmp_path)
    assert {each.id: each.outcome for each in journal.adopt()} == {"req_1": "interrupted", "req_2": "ok"}
    journal.close()


def test_what_was_committed_before_a_kill_is_not_replayed(tmp_path: Path) -> None:
    """Its row may have been taken away since, and would be counted a second time."""
    dead = Journal(tmp_path)
    for number in range(4):
        dead.begin(replace(record(number), outcome="interrupted"))
    for number in range(3):
        dead.end(record(number))
    dead.committed(["req_0", "req_2"])
    # As a kill leaves it.
    os.close(dead._current.descriptors[0])  # type: ignore[union-attr]
    journal = Journal(tmp_path)
    assert {each.id: each.outcome for each in journal.adopt()} == {"req_1": "ok", "req_3": "interrupted"}
    assert journal.damaged_lines == 0
    # Whoever replayed some of it may be killed too.
    journal.committed(["req_1"])
    for descriptor in journal._homes["req_3"].descriptors:
        os.close(descriptor)
    third = Journal(tmp_path)
    assert [each.id for each in third.adopt()] == ["req_3"]
    third.committed(["req_3"])
    assert files(tmp_path) == []


def test_an_older_file_says_itself_what_of_it_is_committed(tmp_path: Path) -> None:
    """The file that is written by then may go before it."""
    journal = Journal(tmp_path, segment_bytes=5000)
    for number in range(40):
        journal.end(record(number))
    assert len(files(tmp_path)) > 5
    for number in range(1, 40):
        journal.committed([f"req_{number}"])
    oldest = files(tmp_path)[0].read_bytes()
    assert len(files(tmp_path)) == 2 and oldest.count(b"\nC ") == oldest.count(b"\nE ") > 1
    journal.committed(["req_0"])
    journal.close()


@pytest.mark.parametrize("taken", [None, 0, 1, 9])
def test_with_the_disk_full_what_is_committed_is_told_by_its_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taken: int | None
) -> None:
    journal = Journal(tmp_path)
    journal.end(record(1))
    journal.end(record(2))
    free = refuse(monkeypatch, taken)
    journal.committed(["req_1"])
    free()
    journal.end(record(3))
    journal.close()
    reader = Journal(tmp_path)
    assert {each.id for each in reader.adopt()} == {"req_1", "req_2", "req_3"}
    reader.close()


def test_a_torn_word_of_what_is_committed_loses_nothing(tmp_path: Path) -> None:
    line = render_committed(["req_1", "req_2"])
    assert parse_committed(line.rstrip(b"\n")) == ["req_1", "req_2"] and parse_line(line.rstrip(b"\n")) is None
    for place in range(1, len(line) - 1):
        assert parse_committed(line[:place]) == []
    # The end of an exchange whose mark is damaged is none.
    assert parse_committed(b"C" + render_line(ENDED, record(1))[1:]) is None
    left_by_the_dead(tmp_path, render_line(ENDED, record(1)) + line[:-5])
    journal = Journal(tmp_path)
    assert journal.adopt() == [record(1)] and journal.damaged_lines == 0
    journal.close()


def killed(journal: Journal) -> None:
    """As a kill leaves it."""
    segments = {id(each): each for each in (journal._current, *journal._homes.values()) if each is not None}
    for segment in segments.values():
        for descriptor in segment.descriptors:
            os.close(descriptor)


def test_a_file_tells_what_was_carried_on_in_one_that_went_before_it(tmp_path: Path) -> None:
    """Its row may have been taken away since: it would come back as one that was interrupted."""
    dead = Journal(tmp_path, segment_bytes=5000)
    dead.end(record(0))
    slow = replace(record(1), outcome="interrupted")
    dead.begin(slow)
    for number in range(2, 20):
        dead.end(record(number))
        dead.committed([f"req_{number}"])
    dead.end(record(1))
    dead.committed(["req_1"])
    for number in range(20, 40):
        dead.end(record(number))
        dead.committed([f"req_{number}"])
    assert len(files(tmp_path)) == 2 and b'"id":"req_1"' in files(tmp_path)[0].read_bytes()
    killed(dead)
    reader = Journal(tmp_path)
    assert [each.id for each in reader.adopt()] == ["req_0"]
    reader.close()


def test_what_is_carried_on_is_replayed_from_where_it_is(tmp_path: Path) -> None:
    """Once, whatever the older file says of it."""
    dead = Journal(tmp_path, segment_bytes=5000)
    dead.end(record(0))
    for number in (1, 2):
        dead.begin(replace(record(number), outcome="interrupted"))
    for number in range(3, 20):
        dead.end(record(number))
        dead.committed([f"req_{number}"])
    dead.end(record(1))
    killed(dead)
    reader = Journal(tmp_path)
    assert {each.id: each.outcome for each in reader.adopt()} == {
        "req_0": "ok",
        "req_1": "ok",
        "req_2": "interrupted",
    }
    reader.close()


@pytest.mark.parametrize("taken", [None, 0, 9])
def test_a_disk_that_refuses_to_carry_on_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taken: int | None
) -> None:
    dead = Journal(tmp_path, segment_bytes=5000)
    dead.end(record(0))
    for number in (1, 2):
        dead.begin(replace(record(number), outcome="interrupted"))
    for number in range(3, 8):
        if number == 5:
            free = refuse(monkeypatch, taken)
        dead.end(record(number, end_user="x" * 900))
    free()
    dead.end(record(1))
    dead.committed(["req_1", "req_3"])
    killed(dead)
    reader = Journal(tmp_path)
    found = {each.id: each.outcome for each in reader.adopt()}
    assert found == {"req_2": "interrupted", **{f"req_{number}": "ok" for number in (0, 4, 5, 6, 7)}}
    reader.close()


def test_of_what_has_ended_one_record_is_held_while_it_is_replayed(tmp_path: Path) -> None:
    ended = [render_line(ENDED, replace(FULL, id=f"req_{number}")) for number in range(300)]
    begun = [line.replace(ENDED, BEGUN, 1) for line in ended]
    peaks = []
    for name, lines in (
        ("ended", ended),
        ("both", [line for pair in zip(begun, ended, strict=True) for line in pair]),
    ):
        folder = tmp_path / name
        folder.mkdir()
        left_by_the_dead(folder, b"".join(lines))
        journal = Journal(folder)
        tracemalloc.start()
        assert len(journal.adopt()) == 300
        peaks.append(tracemalloc.get_traced_memory()[1] - sum(map(len, lines)) * 2)
        tracemalloc.stop()
        journal.close()
    assert peaks[1] < 1.5 * peaks[0]


def test_a_beginning_that_follows_its_end_interrupts_nothing(tmp_path: Path) -> None:
    left_by_the_dead(tmp_path, render_line(ENDED, record(1)) + render_line(BEGUN, OPEN))
    journal = Journal(tmp_path)
    assert journal.adopt() == [record(1)]
    journal.close()


def test_a_disk_that_refuses_leaves_one_file_and_not_one_for_each_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lines longer than a file is to be, too, which would each have one of their own."""
    journal = Journal(tmp_path, segment_bytes=10)
    free = refuse(monkeypatch)
    journal.end(record(0))
    (one,) = files(tmp_path)
    for number in (1, 2):
        journal.end(record(number))
    assert files(tmp_path) == [one] and journal.waiting == 3
    free()
    journal.close()
    reader = Journal(tmp_path)
    assert len(reader.adopt()) == 3
    reader.close()


def test_where_no_further_file_can_be_made_the_one_that_is_there_grows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path, segment_bytes=5000)
    journal.end(record(0))

    def refused(*_: object) -> int:
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as full:
        full.setattr(journal_module.os, "open", refused)
        for number in range(1, 30):
            assert journal.end(record(number))
    assert (len(files(tmp_path)), journal.waiting, journal.failed_writes) == (1, 0, 0)
    assert files(tmp_path)[0].stat().st_size > 2 * 5000 and files(tmp_path)[0].stat().st_mode & 0o777 == 0o600
    journal.end(record(30))
    assert len(files(tmp_path)) == 2
    journal.close()


def test_what_has_ended_is_not_carried_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It would be replayed as interrupted."""
    dead = Journal(tmp_path, segment_bytes=5000)
    for number in range(30):
        dead.begin(replace(record(number), outcome="interrupted"))
        dead.end(record(number))
        if number:
            dead.committed([f"req_{number}"])
    assert [b'"id":"req_0"' in path.read_bytes() for path in files(tmp_path)] == [True, False]
    killed(dead)
    reader = Journal(tmp_path)
    assert [(each.id, each.outcome) for each in reader.adopt()] == [("req_0", "ok")]
    reader.close()
    assert caplog.text == ""


def test_a_file_goes_once_all_that_was_in_it_is_carried_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    journal = Journal(tmp_path, segment_bytes=5000)
    for number in range(4):
        journal.begin(replace(record(number), outcome="interrupted"))
    journal.begin(replace(record(4), end_user="x" * 3000, outcome="interrupted"))
    assert len(files(tmp_path)) == 1
    # One that is deleted already is not deleted again.
    assert caplog.text == ""
    journal.close()


def test_a_dead_process_whose_exchanges_are_all_committed_leaves_no_file(tmp_path: Path) -> None:
    left_by_the_dead(tmp_path, render_line(ENDED, record(1)) + render_committed(["req_1"]))
    journal = Journal(tmp_path)
    assert journal.adopt() == [] and files(tmp_path) == []
    journal.close()
    # Whole by its sum, and yet none of ours.
    assert parse_committed(journal_module._line(journal_module.COMMITTED, b"[1]").rstrip(b"\n")) == []


def opened_but(path: Path) -> Callable[..., int]:
    real = os.open

    def opened(other: Path, *how: int) -> int:
        if other == path:
            raise OSError(errno.EACCES, "Permission denied")
        return real(other, *how)

    return opened


def test_who_finds_a_process_alive_holds_none_of_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alive = Journal(tmp_path, segment_bytes=5000)
    for number in range(10):
        alive.end(record(number))
    assert len(files(tmp_path)) > 1
    os.close(alive._homes["req_0"].descriptors[0])
    alive._homes["req_0"].descriptors = []
    looking, heir = Journal(tmp_path), Journal(tmp_path)
    assert looking.adopt() == []
    alive.close()
    # Where one of them cannot be opened at all, none is held either.
    with monkeypatch.context() as damaged:
        damaged.setattr(journal_module.os, "open", opened_but(files(tmp_path)[-1]))
        assert looking.adopt() == []
    assert len(heir.adopt()) == 10
    looking.close()
    heir.close()


def test_a_file_that_somebody_deletes_is_replaced_with_what_is_open_in_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "journal"
    folder.mkdir()
    journal = Journal(folder)
    journal.begin(OPEN)
    journal.end(record(3))
    shutil.rmtree(folder)
    journal.committed([record(3).id])
    journal.end(record(2))
    assert journal.unsafe == 0 and "was deleted: another one is begun" in caplog.text
    for segment in {id(home): home for home in journal._homes.values()}.values():
        segment.close()
    reader = Journal(folder)
    assert {each.id: each.outcome for each in reader.adopt()} == {OPEN.id: "interrupted", record(2).id: "ok"}
    reader.close()
    assert "could not be deleted" not in caplog.text


def test_the_file_that_cannot_be_opened_is_the_one_that_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    left_by_the_dead(tmp_path, render_line(ENDED, record(1)))
    (tmp_path / "1-dead-000002.journal").mkdir()
    journal = Journal(tmp_path)
    assert journal.adopt() == [] and journal.unopened_files == 2
    assert "1-dead-000002.journal cannot be opened" in caplog.text and "000001" not in caplog.text
    journal.close()


def test_a_deleted_file_that_nothing_needs_is_let_go_where_no_other_can_be_made(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    folder.mkdir()
    journal = Journal(folder)
    journal.end(record(1))
    deleted = journal._current
    assert deleted is not None
    shutil.rmtree(folder)
    folder.write_bytes(b"")
    journal.committed([record(1).id])
    assert deleted.descriptors == [] and journal.failed_writes == 1
    folder.unlink()
    folder.mkdir()
    journal.end(record(2))
    assert journal.unsafe == 0
    journal.close()


def test_what_is_open_in_a_deleted_file_waits_for_the_next_that_can_be_made(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    folder.mkdir()
    journal = Journal(folder, waiting_lines=1)
    journal.begin(OPEN)
    journal.begin(replace(OPEN, id="req_without_room"))
    journal.end(record(3))
    deleted = journal._current
    assert deleted is not None and journal.unsafe == 0
    shutil.rmtree(folder)
    folder.write_bytes(b"")
    journal.committed([record(3).id])
    assert (journal.waiting, journal.unsafe) == (1, 2)
    folder.unlink()
    folder.mkdir()
    journal.end(replace(record(2), id="req_without_room"))
    assert journal.unsafe == 0 and deleted.descriptors == []
    journal.close()
    reader = Journal(folder)
    assert {each.id: each.outcome for each in reader.adopt()} == {OPEN.id: "interrupted", "req_without_room": "ok"}
    reader.close()


def test_lines_that_were_written_before_a_field_had_its_name_are_read() -> None:
    line = render_line(ENDED, FULL)
    assert b'"by_medium":[["cached_audio",1],["output_image",9]]' in line and b"rare_counts" not in line
