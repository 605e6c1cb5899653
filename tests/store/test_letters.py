"""Single letters and pairs of them: where each stands is told exactly, and of what stands nearly everywhere only that."""

import random
from itertools import product

import pytest

from gateway.store.letters import LetterColumns, Letters, letters_of, wide_letters_of, wide_pairs_of

MOST = 256
ALPHABET = "abcxyz .~\n§éßжאب"


def made(texts: list[str]) -> Letters:
    columns = LetterColumns(MOST)
    for text in texts:
        columns.add(text.encode())
    return columns.made()


def columns_with(letters: Letters, text: str, count: int) -> set[int]:
    found = letters.columns_with(letters_of(text.encode()))
    return {column for column in range(count) if found >> column & 1}


@pytest.mark.parametrize("count", [1, 20, MOST])
def test_each_letter_and_each_pair_is_told_where_it_stands(count: int) -> None:
    chance = random.Random(count)
    texts = ["".join(chance.choices(chance.sample(ALPHABET, 6), k=chance.randint(0, 20))) for _ in range(count)]
    letters = made(texts)
    everywhere, exact = set(range(count)), 0
    for sought in (*ALPHABET, *map("".join, product("abcxyz .~\n", repeat=2)), "Q", "qx", "ü"):
        standing = {column for column, text in enumerate(texts) if sought in text}
        told = columns_with(letters, sought, count)
        assert told == (everywhere if 2 * len(standing) > count else standing), sought
        exact += told == standing
    assert exact > 80


def test_a_pair_of_wide_letters_stands_where_both_do() -> None:
    letters = made(["жa б", "жб", "x", "y", "z"])
    assert columns_with(letters, "жб", 5) == {0, 1} and columns_with(letters, "жю", 5) == set()


def test_pieces_may_begin_and_end_within_a_letter() -> None:
    columns = LetterColumns(MOST)
    for piece in ("é".encode()[1:] + b"ab", b"cd" + "語".encode()[:2], "語".encode()[1:] + b"e", b"f", b"g", b"h"):
        columns.add(piece)
    letters = columns.made()
    assert [columns_with(letters, each, 6) for each in ("ab", "cd", "e", "é")] == [{0}, {1}, {2}, set()]


@pytest.mark.parametrize("count", [1, 20, MOST])
def test_each_wide_letter_is_told_where_it_stands(count: int) -> None:
    chance, alphabet = random.Random(count), "的一是語あ한हि🙂 éab"
    texts = ["".join(chance.choices(chance.sample(alphabet, 5), k=chance.randint(0, 9))) for _ in range(count)]
    columns = LetterColumns(MOST)
    for text in texts:
        columns.add(text.encode())
    letters, exact = columns.made_wide(), 0
    for sought in (*alphabet, "龘", "🙃", "的一"):
        standing = {column for column, text in enumerate(texts) if all(letter in text for letter in sought)}
        told = letters.columns_with(wide_letters_of(sought.encode()))
        found = {column for column in range(count) if told >> column & 1}
        # Other scripts have their own.
        everywhere = (
            sought in " éab" or 2 * len(standing) > count or (sought == "🙃" and 2 * len(standing | found) > count)
        )
        assert found >= standing and (everywhere or sought == "🙃" or found == standing), sought
        exact += found == standing
    assert exact >= 4


def test_pieces_may_begin_and_end_within_a_wide_letter() -> None:
    piece = "語".encode()[1:] + "的a".encode() + "한".encode()[:2]
    assert wide_letters_of(piece) == {ord("的")} and wide_letters_of(b"abc") == set()
    assert wide_pairs_of(piece) == {ord("a") << 16 | ord("的")}
    assert wide_pairs_of("一二 éab".encode()) == {ord("二") << 16 | ord("一"), ord(" ") << 16 | ord("二")}


def test_letters_of_three_bytes_take_no_room() -> None:
    assert made(["日本語の文章" * 50] * 9) == made([""] * 9)


def test_of_a_text_that_is_longer_than_all_columns_nothing_is_told() -> None:
    letters = made(["ab"] * (MOST + 1))
    assert columns_with(letters, "qx", MOST + 1) == set(range(MOST + 1)) and letters.codes == b""


def test_what_stands_in_most_columns_takes_three_bytes() -> None:
    letters = made(["ab"] * MOST)
    # Two letters, and their pair.
    assert len(letters.codes + letters.sizes + letters.columns) == 3 * 3


def test_what_stands_in_most_columns_may_stand_in_each() -> None:
    letters = made(["ab", "cd", "ab", "ab"])
    assert columns_with(letters, "ab", 4) == {0, 1, 2, 3} and columns_with(letters, "cd", 4) == {1}


@pytest.mark.parametrize(("count", "size"), [(31, 31), (32, 32), (33, 32)])
def test_columns_are_told_by_their_numbers_only_where_these_are_shorter_than_bits(count: int, size: int) -> None:
    letters = made(["q"] * count + [""] * (MOST - count))
    assert columns_with(letters, "q", MOST) == set(range(count)) and letters.sizes == bytes([size])


def test_each_pair_of_a_text_is_sought() -> None:
    assert letters_of(b"abc") == {0x6261, 0x6362, 0xFF61, 0xFF62, 0xFF63}


def test_two_letters_are_a_wide_pair_wherever_one_of_them_is_wide() -> None:
    assert wide_pairs_of("bह".encode()) == {ord("ह") << 16 | ord("b")} and wide_pairs_of("bжc".encode()) == set()
