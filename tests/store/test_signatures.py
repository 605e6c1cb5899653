"""Signatures: no entry that holds a text is missed, nearly all others are left out, and they go with what they tell."""

import hashlib
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from gateway.configuration.setting_values import Keep
from gateway.store import signatures, signing
from gateway.store.clean_up import clean_up
from gateway.store.content import Sealed
from gateway.store.database import open_database
from gateway.store.needles import Needle
from gateway.store.signatures import (
    COLUMN_BYTES,
    COLUMNS,
    LOOKED_AT,
    Signatures,
    Signer,
    Sought,
    places_of,
    triples_of,
)
from gateway.store.signing import SIGNATURES, Range, Signing, signed
from gateway.store.thread_store import ThreadStore
from gateway.thread_records import ThreadQuery
from tests.store.schemas import restore
from tests.store.tellings import assistant, opened, put, session, sign, told, user
from tests.waiting import PATIENCE_S, wait_until

LETTERS = "aäbßcéİikſsKşﬁ 日本語\n🙂e"


def of(texts: list[str]) -> Signatures:
    signer = Signer()
    for number, text in enumerate(texts, 1):
        signer.add(number, text.casefold().encode())
    return signer.made()


def may_hold(signatures: Signatures, text: str) -> set[int]:
    return signatures.may_hold(Needle(text).sought)


@pytest.mark.parametrize("size", [3, 40, 2_000, 9_000])
def test_no_entry_is_missed_wherever_the_text_stands(size: int) -> None:
    chance = random.Random(size)
    texts = ["".join(chance.choices(LETTERS, k=chance.randint(1, 2 * size))) for _ in range(50)]
    made = of(texts)
    for number, text in enumerate(texts, 1):
        start = chance.randrange(len(text))
        needle = text[start : start + chance.randint(1, 50)]
        holding = {n for n, each in enumerate(texts, 1) if needle.casefold() in each.casefold()}
        assert number in holding and holding <= may_hold(made, needle), (number, needle)


def test_a_text_at_each_place_about_the_end_of_a_column_is_found() -> None:
    for place in range(COLUMN_BYTES - 60, COLUMN_BYTES + 60):
        made = of(["." * place + "a needle of some forty letters, no less than that", "x"])
        assert may_hold(made, "A needle of some forty letters, no less than that") >= {1}


def test_nearly_all_entries_that_do_not_hold_a_word_are_left_out() -> None:
    chance = random.Random(3)
    words = ["".join(chance.choices("etaoinshrdlcum", k=chance.randint(2, 9))) for _ in range(2_000)]
    texts = [" ".join(chance.choices(words, k=200)) for _ in range(300)]
    texts[200] += " quorumless"
    made = of(texts)
    assert 201 in may_hold(made, "quorumless") and len(may_hold(made, "quorumless")) <= 4
    assert len(made.bits) < sum(map(len, texts)) / 7


def test_nearly_all_entries_that_do_not_hold_a_chinese_word_are_left_out() -> None:
    chance = random.Random(5)
    characters = [chr(0x4E00 + 7 * place) for place in range(1_500)]
    texts = ["".join(chance.choices(characters, weights=range(1_500, 0, -1), k=500)) for _ in range(300)]
    one, other = characters[:2]
    texts = [text.replace(one + other, one) for text in texts]
    texts[100], texts[200] = f"{texts[100]}龘", f"{texts[200]}{one}{other}"
    made = of(texts)
    assert 101 in may_hold(made, "龘") and len(may_hold(made, "龘")) <= 3
    # Both characters stand in most columns, but side by side in one.
    without_pairs = Signatures(made.entries, made.reach, b"\xff" * len(made.bits), made.letters, made.wide)
    either = len(may_hold(without_pairs, one + other))
    assert 201 in may_hold(made, one + other) and len(may_hold(made, one + other)) < either / 2 <= len(texts) / 2


def test_what_an_earlier_version_made_is_asked_for_triples(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(9)
    texts = ["".join(chance.choices(LETTERS + "的一是不了人我在有他这中大来上国", k=300)) for _ in range(200)]
    monkeypatch.setattr(signatures, "places_of", lambda text: {*triples_of(text)})
    signer = Signer()
    for number, text in enumerate(texts, 1):
        signer.add(number, text.casefold().encode())
    made = signer.made()
    monkeypatch.undo()
    before = Signatures(made.entries, made.reach, made.bits, made.letters)
    for number, text in enumerate(texts, 1):
        start = chance.randrange(290)
        assert number in may_hold(before, text[start : start + 8])
    assert may_hold(before, "龘靐") == set()


def test_texts_of_one_or_two_letters_are_told_too() -> None:
    made = of(["abc", "def", "." * COLUMN_BYTES, "." * COLUMN_BYTES, "§."])
    assert [may_hold(made, text) for text in ("a", "ab", "abc", "語", "ac", "q")] == [{1, 2, 3}] * 3 + [set()] * 3
    assert may_hold(made, "§") == {4, 5} and may_hold(made, ".") == {1, 2, 3, 4, 5}


def test_of_three_letters_their_pairs_tell_more_than_their_triple() -> None:
    made = of([*("abc" * 1000 for _ in range(3)), "xab bcx" * 400])
    (place,) = Needle("abc").sought.places
    everywhere = Signatures(made.entries, made.reach, b"\xff" * len(made.bits), made.letters)
    assert everywhere.bits[place] == 255 and may_hold(everywhere, "aby") == set()


def test_a_signer_is_full_before_an_entry_that_would_be_cut() -> None:
    signer, count = Signer(), 0
    while signer.has_room(3_000):
        signer.add(count + 1, b"x" * 3_000)
        count += 1
    made = signer.made()
    assert count * 3_000 > 0.95 * COLUMNS * COLUMN_BYTES and len(made.reach) <= 2 * COLUMNS
    assert Signer().has_room(10**9)


# In a store.


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ThreadStore]:
    with opened(tmp_path) as store:
        yield store


def found(store: ThreadStore, text: str) -> list[str]:
    return [row.id for row in store.threads(ThreadQuery(text=text, sort="oldest"), limit=1000).rows]


def word(number: int) -> str:
    return hashlib.blake2b(b"%d" % number, digest_size=6).hexdigest()


def conversations(store: ThreadStore, count: int, first: int = 0) -> None:
    """Of 20 kB each, with a word of its own and one that all say."""
    put(
        store,
        [
            told(
                10_000 + at, [user(f"{word(at)} shared " + "hay " * 5_000)], f"answer {at}", conversation=f"c{at:03}"
            )
            for at in range(first, first + count)
        ],
    )


def ranges(store: ThreadStore) -> list[Range]:
    return store.look(signed)


def numbers(store: ThreadStore) -> list[int]:
    return [row[0] for row in store.look(lambda connection: list(connection.execute("SELECT id FROM contents")))]


def opened_entries(store: ThreadStore, monkeypatch: pytest.MonkeyPatch, text: str) -> int:
    """How many entries a search opens."""
    opens, real = [], Sealed.opened
    with monkeypatch.context() as patched:

        def count(sealed: Sealed, entries: list[tuple[int, bytes, int, bytes]]) -> Iterator[tuple[int, int, bytes]]:
            opens.append(len(entries))
            return real(sealed, entries)

        patched.setattr(Sealed, "opened", count)
        found(store, text)
    return sum(opens)


def test_a_rare_word_and_one_that_is_everywhere_open_few_entries(
    store: ThreadStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversations(store, 60)
    # In many turns of one conversation: its latest is enough.
    put(store, session(*(f"{word(-n)} shared" for n in range(80)), conversation="long"))
    assert opened_entries(store, monkeypatch, word(7)) >= 200
    sign(store)
    assert found(store, word(7)) == ["c007"] and opened_entries(store, monkeypatch, word(8)) < 20
    assert len(found(store, "shared")) == 61
    # The answer beside it in the same column, and then the one that says it.
    assert opened_entries(store, monkeypatch, "share") <= 2 * 61


def test_a_rare_letter_and_a_rare_pair_open_few_entries(store: ThreadStore, monkeypatch: pytest.MonkeyPatch) -> None:
    rare = ["qx", "~", "é", "ё", "你", "好的", "ß"]
    for number, text in enumerate(rare):
        conversations(store, 12, first=12 * number)
        put(store, [told(20_000 + number, [user(f"hay {text} hay")], "x", conversation=text)])
    sign(store)
    assert len(ranges(store)) > 2
    for text in rare:
        assert found(store, text) == [text]
        assert opened_entries(store, monkeypatch, text.upper()) < 20


def test_they_tell_of_all_entries_without_overlapping(store: ThreadStore) -> None:
    conversations(store, 60)
    sign(store)
    before = ranges(store)
    conversations(store, 30, first=60)
    sign(store)
    made = ranges(store)
    assert made[: len(before)] == before and len(made) > len(before) > 1
    assert made[0].first == 1 and made[-1].last == max(numbers(store))
    assert all(one.last + 1 == other.first for one, other in pairwise(made))
    assert sum(each.entries for each in made) == len(numbers(store))


def test_those_of_a_conversation_go_with_it(store: ThreadStore) -> None:
    conversations(store, 90)
    sign(store)
    before, there = ranges(store), set(numbers(store))
    assert store.delete_thread("c045")
    gone = there - set(numbers(store))
    left = ranges(store)
    assert gone and 0 < len(left) < len(before)
    assert not any(each.first <= number <= each.last for each in left for number in gone)
    assert found(store, word(45)) == [] and found(store, word(46)) == ["c046"]
    sign(store)
    assert len(ranges(store)) == len(before) and found(store, word(46)) == ["c046"]


def test_none_are_left_once_nothing_is(store: ThreadStore, tmp_path: Path) -> None:
    conversations(store, 50)
    sign(store)
    assert ranges(store)
    keeps = {"requests": Keep(), "buckets": Keep(), "content": Keep(days=0)}
    clean_up(tmp_path, keeps, 2_000_000_000_000_000, lambda _seconds: True)
    assert numbers(store) == [] and ranges(store) == []
    # Numbers begin again.
    conversations(store, 10, first=100)
    assert found(store, word(105)) == ["c105"]


def test_what_was_deleted_while_they_were_made_gets_none(store: ThreadStore, monkeypatch: pytest.MonkeyPatch) -> None:
    conversations(store, 20)
    real, deleted = Signer.made, []

    def made(signer: Signer) -> Signatures:
        if not deleted:
            deleted.append(store.delete_thread("c019"))
            # They get the numbers of what has gone.
            conversations(store, 1, first=77)
        return real(signer)

    monkeypatch.setattr(Signer, "made", made)
    sign(store)
    assert deleted == [True] and ranges(store)[-1].last == max(numbers(store))
    assert found(store, word(19)) == [] and found(store, word(77)) == ["c077"]


def test_what_cannot_be_read_is_searched_without(store: ThreadStore) -> None:
    conversations(store, 60)
    sign(store)
    with closing(sqlite3.connect(store.path)) as connection, connection:
        connection.execute("UPDATE signatures SET data = zeroblob(length(data))")
    assert found(store, word(42)) == ["c042"]


def test_they_are_sealed_and_bound_to_their_range(store: ThreadStore) -> None:
    conversations(store, 20)
    sign(store)
    with closing(sqlite3.connect(store.path)) as connection:
        ((first, last, data),) = connection.execute("SELECT first, last, data FROM signatures")
    plain = store._sealed.unpack(SIGNATURES, f"signatures {first} {last}".encode(), data)
    part = plain[len(plain) // 2 :][:200]
    assert any(part) and part not in store.path.read_bytes()
    with closing(sqlite3.connect(store.path)) as connection, connection:
        connection.execute("UPDATE signatures SET last = last - 1")
    (moved,) = ranges(store)
    assert store.look(lambda connection: signing.signatures(connection, store._sealed, moved)) is None


@pytest.mark.parametrize("version", [1, 5])
def test_a_store_of_an_earlier_version_gets_them_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    monkeypatch.setattr(signing, "REST_S", 0.0)
    restore("traces", version, tmp_path / "traces.db")
    with opened(tmp_path, unsigned=4) as store:
        wait_until(lambda: ranges(store))
        (first, *_) = ranges(store)
        assert store.look(lambda connection: signing.signatures(connection, store._sealed, first)) is not None
        assert found(store, "fine") != []
        # The newest have none, until more have come.
        assert ranges(store)[-1].last < max(numbers(store))
        conversations(store, 20, first=100)
        wait_until(lambda: ranges(store)[-1].last >= max(numbers(store)) - 4)
        assert found(store, word(103)) == ["c103"]


def versions(store: ThreadStore) -> list[int]:
    statement = "SELECT version FROM signatures ORDER BY first"
    return [version for (version,) in store.look(lambda connection: connection.execute(statement).fetchall())]


def test_those_of_an_earlier_version_are_used_until_others_take_their_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signing, "REST_S", PATIENCE_S)
    restore("traces", 8, tmp_path / "traces.db")
    with opened(tmp_path) as store:
        (old,) = ranges(store)

        def made() -> Signatures | None:
            return store.look(lambda connection: signing.signatures(connection, store._sealed, old))

        before = made()
        assert versions(store) == [1] and before is not None and before.wide is None
        assert found(store, "fine") and opened_entries(store, monkeypatch, "unquestioned 龘") == 0
        sign(store)
        after = made()
        assert versions(store) == [2] and after is not None and after.wide is not None
        assert ranges(store) == [old] and after.bits == before.bits and found(store, "fine")


def test_the_newest_of_an_earlier_version_are_made_anew_first(store: ThreadStore) -> None:
    conversations(store, 90)
    sign(store)
    before = ranges(store)
    store.change(lambda connection, _: connection.execute("UPDATE signatures SET version = 1") and None)
    with closing(open_database(store.path)) as connection:
        assert Signing(store.path, store._sealed, unsigned=0)._sign(connection)
    assert len(before) > 2 and versions(store) == [*[1] * (len(before) - 1), 2] and ranges(store) == before
    sign(store)
    assert versions(store) == [2] * len(before) and ranges(store) == before


def test_a_small_store_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signing, "REST_S", 0.0)
    with opened(tmp_path) as store:
        conversations(store, 20)
        Signing(store.path, store._sealed).sign()
        assert ranges(store) == []


def test_progress_counts_entries_with_signatures_and_without(store: ThreadStore) -> None:
    conversations(store, 60)
    sign(store)
    put(store, [told(5000, [user("new one"), assistant("yes"), user("go on")], "done", conversation="new")])
    told_of: list[tuple[int, int]] = []
    store.threads(ThreadQuery(text="absent"), progress=lambda *figures: told_of.append(figures))
    done = [figure for figure, _ in told_of]
    assert {of for _, of in told_of} == {max(numbers(store))} and done == sorted(done)
    assert done[0] < done[-1] == max(numbers(store))


def test_where_bits_are_set_is_what_stored_columns_have() -> None:
    """An earlier version's columns are read by it: it never changes."""
    assert places_of(b"gateway") == {256, 429, 1263, 1555, 2044}
    assert places_of("日本語 text".encode()) == {69, 326, 940, 967, 1090, 1120, 1441, 1567, 1864, 1892}


def test_of_many_columns_each_is_asked_apart_and_the_signer_gives_way_after_each() -> None:
    chance, ways = random.Random(5), list[int]()
    signer = Signer(lambda: ways.append(1))
    texts = [bytes(chance.choices(b"abcdefghijklmnopqrstuvwxyz", k=COLUMN_BYTES)) for _ in range(20)]
    for number, text in enumerate(texts, 1):
        signer.add(number, text)
    made = signer.made()
    assert len(ways) == len(made.reach) // 2 > 16
    for number, text in enumerate(texts, 1):
        found = made.may_hold(Sought(text[1000:1032]))
        assert number in found and len(found) < 6


def test_what_finds_room_is_not_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signatures, "COLUMNS", 8)
    largest = 0
    for size in range(1, 10 * COLUMN_BYTES, 397):
        signer = Signer()
        signer.add(1, b"a" * 3000)
        if signer.has_room(size):
            signer.add(2, b"b" * size)
            assert len(signer.made().reach) <= 2 * 8, size
            largest = size
    assert 8 * (COLUMN_BYTES - LOOKED_AT) - 2 * 3000 < largest < 8 * COLUMN_BYTES - 3000


def test_a_signer_takes_so_many_entries_however_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signatures, "MOST_ENTRIES", 3)
    signer = Signer()
    room = []
    for number in range(1, 4):
        room.append((signer.has_room(1), signer.full))
        signer.add(number, b"a")
    assert [*room, (signer.has_room(1), signer.full)] == [(True, False)] * 3 + [(False, True)]
