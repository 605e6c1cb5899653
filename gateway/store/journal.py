"""The journal: exchanges on their way into `usage.db`, safe from the death of the process.

Append-only segment files; every exchange is one unbuffered `write` when it begins and one when it ends, and those
of a transaction are one more when they are committed: their rows may be taken away before their segment is. The
same is written of those that are carried on in a later segment, for that one may go first. A line is a mark (`B`,
`E` or `C`), the CRC-32 of its JSON and the JSON, so a torn or damaged line is told apart and left out. A segment
goes when each exchange in it is committed or carried on in a later one. A process locks its segments, so one that
can be locked has lost its process: its exchanges are replayed by whoever finds it, as ended where they ended and as
interrupted where they only began. With the disk full, lines wait in bounded memory for the next write.
"""

import logging
import os
import secrets
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from itertools import chain, islice
from pathlib import Path
from threading import Lock
from zlib import crc32

import msgspec

from gateway.file_lock import try_lock
from gateway.records import ExchangeRecord
from gateway.store.storable import storable

SEGMENT_BYTES = 4 * 1024 * 1024
WAITING_LINES = 10_000
RETRIED_LINES = 64
FORGOTTEN_AT_ONCE = 256
SUFFIX = ".journal"
BEGUN, ENDED, COMMITTED = b"B", b"E", b"C"

_log = logging.getLogger(__name__)
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(ExchangeRecord).decode
_decode_ids = msgspec.json.Decoder(list[str]).decode
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


def render_line(mark: bytes, record: ExchangeRecord) -> bytes:
    """One line. What JSON cannot hold is mended rather than lost."""
    try:
        body = _encode(record)
    except (UnicodeEncodeError, OverflowError):
        body = _encode(storable(record))
    return _line(mark, body)


def render_committed(ids: Sequence[str]) -> bytes:
    """The line that says of these exchanges that what stands of them before it is of no concern any more: their rows
    are in the database, or a later segment has them."""
    return _line(COMMITTED, _encode(ids))


def parse_line(line: bytes) -> tuple[bytes, ExchangeRecord] | None:
    """The mark and the record, or None where the line is torn or damaged."""
    mark, body = line[:1], line[11:]
    if mark not in (BEGUN, ENDED) or not _is_whole(line):
        return None
    try:
        return mark, _decode(body)
    except msgspec.MsgspecError:
        return None


def parse_committed(line: bytes) -> list[str] | None:
    """The ids of a line that says what is committed, none where it is torn or damaged: their rows tell it too; None
    for another line."""
    if line[:1] != COMMITTED or line[11:12] not in (b"", b"["):
        return None
    try:
        return _decode_ids(line[11:]) if _is_whole(line) else []
    except msgspec.MsgspecError:
        return []


def _line(mark: bytes, body: bytes) -> bytes:
    return b"%s %08x %s\n" % (mark, crc32(body), body)


def _is_whole(line: bytes) -> bool:
    return line[2:10] == b"%08x" % crc32(line[11:])


class _Segment:
    """The file that is written, or the files of a process that is gone, and how many exchanges need them still."""

    __slots__ = ("descriptors", "needed_for", "paths", "size")

    def __init__(self, paths: list[Path], descriptors: list[int]) -> None:
        self.paths = paths
        self.descriptors = descriptors
        self.size = 0
        self.needed_for = 0

    def close(self) -> None:
        for descriptor in self.descriptors:
            os.close(descriptor)
        self.descriptors = []

    def delete(self) -> None:
        # Closed first: Windows deletes no open file.
        self.close()
        for path in self.paths:
            try:
                path.unlink(missing_ok=True)
            except OSError:
                # Replaying what is committed already adds nothing, so a file that stays does no harm.
                _log.warning("The journal file %s could not be deleted.", path.name)


class Journal:
    """The journal of one process in one folder.

    `begin` and `end` are called on the event-loop thread and never raise; `committed` comes from the writer's
    thread. `failed_writes` counts writes that the disk refused, `unjournalled` lines that found no room in memory
    either, `damaged_lines` those left out at replay, `unopened_files` files of other processes that cannot be
    opened. `unread` are exchanges that `adopt` found more than it was asked for: `read_back` gives them.
    """

    def __init__(
        self, folder: Path, *, segment_bytes: int = SEGMENT_BYTES, waiting_lines: int = WAITING_LINES
    ) -> None:
        self.failed_writes = 0
        self.unjournalled = 0
        self.damaged_lines = 0
        self.unopened_files = 0
        self.unread: tuple[str, ...] = ()
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._waiting_lines = waiting_lines
        self._prefix = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._segments_made = 0
        self._lock = Lock()
        self._current: _Segment | None = None
        self._torn = False
        self._refusing = False
        self._homes: dict[str, _Segment] = {}
        self._open: dict[str, bytes] = {}
        self._waiting: dict[str, bytes] = {}
        self._nowhere: set[str] = set()

    @property
    def waiting(self) -> int:
        """Exchanges whose latest line is in memory only, because the disk refused it."""
        return len(self._waiting)

    @property
    def unsafe(self) -> int:
        """Exchanges whose latest line no file holds: a kill would lose it."""
        return len(self._waiting) + len(self._nowhere)

    def begin(self, record: ExchangeRecord) -> None:
        """Note that an exchange has begun; before the provider is called."""
        line = render_line(BEGUN, record)
        with self._lock:
            self._open[record.id] = line
            self._append(record.id, line)

    def end(self, record: ExchangeRecord) -> bool:
        """Note how an exchange ended, before the client's last byte; False where nothing here could keep it."""
        line = render_line(ENDED, record)
        with self._lock:
            self._open.pop(record.id, None)
            return self._append(record.id, line)

    def forget(self, request_id: str) -> None:
        """Nobody holds how this exchange ended: it is not at risk any more, but lost."""
        with self._lock:
            self._nowhere.discard(request_id)

    def committed(self, ids: Iterable[str]) -> None:
        """These exchanges are in the database: files that nothing needs any more are deleted."""
        remaining = iter(ids)
        # Who begins or ends an exchange waits for no more than some of them.
        while some := list(islice(remaining, FORGOTTEN_AT_ONCE)):
            with self._lock:
                left: dict[_Segment, list[str]] = {}
                for request_id in some:
                    self._waiting.pop(request_id, None)
                    self._nowhere.discard(request_id)
                    if (home := self._homes.pop(request_id, None)) is not None:
                        left.setdefault(home, []).append(request_id)
                self._leave(left)
        with self._lock:
            self._replace_deleted()

    def _replace_deleted(self) -> None:
        """What is written to a file that somebody has deleted would not be found by the next start."""
        current = self._current
        if current is None or os.fstat(current.descriptors[0]).st_nlink:
            return
        _log.warning("The journal file %s was deleted: another one is begun.", current.paths[0].name)
        self._current = None
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            fresh = self._make_segment()
        except OSError as error:
            self._refused(error)
            self._wait_for_another(current)
            return
        self._current, self._torn = fresh, False
        self._carry_on(current, fresh)

    def _wait_for_another(self, deleted: _Segment) -> None:
        """What is open in it waits in memory, as far as there is room, for no start would find it where it is."""
        lost = self._open_in(deleted)
        room = self._waiting_lines - len(self._waiting)
        self._waiting.update((request_id, self._open[request_id]) for request_id in lost[:room])
        self._nowhere.update(lost[room:])
        if not deleted.needed_for:
            deleted.close()

    def _open_in(self, segment: _Segment) -> list[str]:
        return [request_id for request_id in self._open if self._homes.get(request_id) is segment]

    def adopt(self, most: int = sys.maxsize) -> list[ExchangeRecord]:
        """What processes that are gone left behind, of what had ended at most so many; their files stay until
        `committed` has named every record."""
        begun: dict[str, ExchangeRecord] = {}
        # None where the record stays in its file.
        ended: dict[str, ExchangeRecord | None] = {}
        for segment in self._orphans():
            over: dict[str, int] = {}
            for place, line in enumerate(_lines(segment.paths)):
                over.update(dict.fromkeys(parse_committed(line) or (), place))
            for place, line in enumerate(_lines(segment.paths)):
                self._replay(line, place, segment, over, begun, ended, most)
            if not segment.needed_for:
                segment.delete()
        if self.damaged_lines:
            _log.warning("The journal held %d damaged lines: what they told is lost.", self.damaged_lines)
        interrupted = [
            msgspec.structs.replace(record, outcome="interrupted", error_type="interrupted")
            for record in begun.values()
        ]
        self.unread = tuple(request_id for request_id, record in ended.items() if record is None)
        return [*filter(None, ended.values()), *interrupted]

    def read_back(self, ids: Set[str]) -> list[ExchangeRecord]:
        """How these exchanges of this process ended, as far as it is written or waits to be."""
        with self._lock:
            waiting = [line.rstrip(b"\n") for request_id in ids if (line := self._waiting.get(request_id))]
            paths = {path for request_id in ids if (home := self._homes.get(request_id)) for path in home.paths}
        found: dict[str, ExchangeRecord] = {}
        for line in chain(waiting, _readable_lines(sorted(paths))):
            if line[:1] == ENDED and (parsed := parse_line(line)) is not None and parsed[1].id in ids:
                found[parsed[1].id] = parsed[1]
        return list(found.values())

    def close(self) -> None:
        """Let go of the files; those that are needed still are replayed at the next start.

        What the disk refuses even now stays in `waiting`, and is lost.
        """
        with self._lock:
            while self._waiting and self._retry():
                pass
            segments = {id(segment): segment for segment in self._homes.values()}
            if self._current is not None and not self._current.needed_for:
                self._current.delete()
            elif self._current is not None:
                self._current.close()
            for segment in segments.values():
                segment.close()
            self._current = None
            self._homes.clear()

    def _append(self, request_id: str, line: bytes) -> bool:
        """Write a line, or keep it in memory; False where there was no room for it."""
        written = self._write(line)
        kept = written or request_id in self._waiting or len(self._waiting) < self._waiting_lines
        if written:
            self._waiting.pop(request_id, None)
            self._live_in_current((request_id,))
        elif kept:
            self._waiting[request_id] = line
        if kept:
            self._nowhere.discard(request_id)
        else:
            self.unjournalled += 1
            self._nowhere.add(request_id)
        if written and self._waiting:
            self._retry()
        return kept

    def _retry(self) -> bool:
        lines = dict(islice(self._waiting.items(), RETRIED_LINES))
        if not self._write(b"".join(lines.values())):
            return False
        for request_id in lines:
            del self._waiting[request_id]
        self._live_in_current(lines)
        return True

    def _write(self, data: bytes) -> bool:
        try:
            segment = self._segment_for(len(data))
        except OSError as error:
            return self._refused(error)
        # What a refused write left behind must not swallow the next line.
        return self._put(segment, b"\n" + data if self._torn else data)

    def _put(self, segment: _Segment, data: bytes) -> bool:
        try:
            written = os.write(segment.descriptors[0], data)
        except OSError as error:
            return self._refused(error)
        segment.size += written
        self._torn = written < len(data)
        return self._refused(OSError("only a part was taken")) if self._torn else self._taken()

    def _refused(self, why: OSError) -> bool:
        self.failed_writes += 1
        if not self._refusing:
            self._refusing = True
            _log.warning("The journal cannot be written (%s): what happens now would not survive a kill.", why)
        return False

    def _taken(self) -> bool:
        if self._refusing:
            self._refusing = False
            _log.warning("The journal is written again.")
        return True

    def _segment_for(self, size: int) -> _Segment:
        current = self._current
        if current is not None and current.size + size <= self._segment_bytes:
            return current
        if current is not None and not current.size:
            return current
        try:
            fresh = self._make_segment()
        except OSError:
            if current is None:
                raise
            return current
        self._current, self._torn = fresh, False
        if current is not None:
            self._carry_on(current, fresh)
        return fresh

    def _carry_on(self, old: _Segment, fresh: _Segment) -> None:
        """Write the begun lines of what is still open again, so that the old file need not wait for the slowest."""
        carried = self._open_in(old)
        lines = b"".join(self._open[request_id] for request_id in carried)
        if lines and self._put(fresh, lines):
            self._live_in_current(carried)
        # Moving the last of them away has deleted it already.
        if not old.needed_for and old.descriptors:
            old.delete()

    def _make_segment(self) -> _Segment:
        while True:
            self._segments_made += 1
            path = self._folder / f"{self._prefix}-{self._segments_made:06d}{SUFFIX}"
            descriptor = os.open(path, _FLAGS, 0o600)
            # Between these two steps another process may have taken the file for an orphan and deleted it.
            try:
                if try_lock(descriptor) and path.exists():
                    return _Segment([path], [descriptor])
            except OSError:
                os.close(descriptor)
                raise
            os.close(descriptor)

    def _live_in_current(self, ids: Iterable[str]) -> None:
        segment = self._current
        if segment is None:
            return
        left: dict[_Segment, list[str]] = {}
        for request_id in ids:
            before = self._homes.get(request_id)
            if before is segment:
                continue
            segment.needed_for += 1
            self._homes[request_id] = segment
            if before is not None:
                left.setdefault(before, []).append(request_id)
        self._leave(left)

    def _leave(self, left: Mapping[_Segment, Sequence[str]]) -> None:
        for segment, ids in left.items():
            segment.needed_for -= len(ids)
            if segment.needed_for or segment is self._current:
                self._note_over(segment, ids)
            else:
                segment.delete()

    def _orphans(self) -> list[_Segment]:
        groups: dict[str, list[Path]] = {}
        for path in sorted(self._folder.glob(f"*{SUFFIX}")):
            prefix = path.name.rpartition("-")[0]
            if prefix != self._prefix:
                groups.setdefault(prefix, []).append(path)
        found = []
        for paths in groups.values():
            try:
                segment = _locked(paths)
            except OSError as error:
                self.unopened_files += len(paths)
                _log.warning(
                    "The journal file %s cannot be opened (%s).",
                    Path(error.filename or paths[0]).name,
                    error.strerror,
                )
            else:
                found += [] if segment is None else [segment]
        return found

    def _note_over(self, segment: _Segment, ids: Sequence[str]) -> None:
        """Where the disk refuses it, a replay finds the rows themselves."""
        # What a kill or a refused write left at the end must not swallow it.
        data = b"\n" + render_committed(ids)
        try:
            written = os.write(segment.descriptors[-1], data)
        except OSError:
            return
        segment.size += written
        if segment is self._current:
            self._torn = written < len(data)

    def _replay(
        self,
        line: bytes,
        place: int,
        segment: _Segment,
        over: Mapping[str, int],
        begun: dict[str, ExchangeRecord],
        ended: dict[str, ExchangeRecord | None],
        most: int,
    ) -> None:
        parsed = parse_line(line)
        if parsed is None:
            self.damaged_lines += parse_committed(line) is None
            return
        mark, record = parsed
        if place < over.get(record.id, -1):
            return
        if mark == ENDED:
            # How many were interrupted is told at once.
            is_read = ended.get(record.id) is not None or len(ended) < most or record.outcome == "interrupted"
            ended[record.id] = record if is_read else None
            # Of what had ended, which is nearly all, one record is held.
            begun.pop(record.id, None)
        elif record.id not in ended:
            begun[record.id] = record
        if record.id not in self._homes:
            self._homes[record.id] = segment
            segment.needed_for += 1


def _lines(paths: Iterable[Path]) -> Iterator[bytes]:
    """A file in memory at a time."""
    for path in paths:
        yield from filter(None, path.read_bytes().split(b"\n"))


def _readable_lines(paths: Iterable[Path]) -> Iterator[bytes]:
    for path in paths:
        try:
            yield from _lines([path])
        except OSError as error:
            _log.warning("The journal file %s cannot be read back (%s).", path.name, error.strerror)


def _locked(paths: list[Path]) -> _Segment | None:
    """All files of a process, or None where any is in use: a dying process lets go of them one by one. Raises OSError
    where one cannot be opened."""
    segment = _Segment(paths, [])
    for path in paths:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_APPEND)
        except FileNotFoundError:
            segment.close()
            return None
        except OSError:
            segment.close()
            raise
        segment.descriptors.append(descriptor)
        try:
            locked = try_lock(descriptor)
        except OSError:
            segment.close()
            raise
        if not locked:
            segment.close()
            return None
    return segment
