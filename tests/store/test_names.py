"""What is known of names, and read of them, is bounded, and let go of it is found again."""

import pytest

from gateway.store import names as names_module
from gateway.store.database import writing
from gateway.store.names import Names, Texts
from gateway.store.usage import UsageStore

WORDS = tuple(f"word-{number}" for number in range(6))


def test_a_writer_knows_so_many_names_and_finds_the_others_by_their_numbers(
    store: UsageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names_module, "CACHE_LIMIT", 4)
    connection = store._connection
    with writing(connection):
        names = Names(connection)
        given = [names.number(word) for word in WORDS[:3]]
        # Beside those that are asked for stands that which is none.
        names.bound()
        assert len(names._numbers) == 4
        given += [names.number(word) for word in WORDS[3:]]
        names.bound()
        assert len(names._numbers) == 1
        assert [names.number(word) for word in WORDS] == given and len(set(given)) == len(WORDS)
        names.forget()
        # Of two words, and one more for none, but five sets.
        tagged = [tags for more in (WORDS[:1], WORDS[1:2]) for tags in (more, (*WORDS[:2], *more))]
        sets = [names.tag_set(tags) for tags in tagged]
        assert len(names._numbers) == 3 and len(names._tag_sets) == 5
        names.bound()
        assert len(names._tag_sets) == 1
        assert [names.tag_set(tags) for tags in tagged] == sets


def test_a_reader_knows_so_many_texts_and_all_that_it_is_asked_for(
    store: UsageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names_module, "CACHE_LIMIT", 4)
    connection = store._connection
    with writing(connection):
        names = Names(connection)
        numbers = {word: names.number(word) for word in WORDS}
        sets = {word: names.tag_set((word,)) for word in WORDS}
    texts = Texts()
    one, another = WORDS[:2]
    assert texts.texts(connection, [numbers[one]]) is texts.texts(connection, [numbers[another]])
    assert texts.tags(connection, [sets[one]]) is texts.tags(connection, [sets[another]])
    for first in range(5):
        asked = WORDS[first : first + 2]
        known = texts.texts(connection, map(numbers.__getitem__, asked))
        assert [known[numbers[word]] for word in asked] == list(asked) and known[0] is None
        tags = texts.tags(connection, map(sets.__getitem__, asked))
        assert [tags[sets[word]] for word in asked] == [(word,) for word in asked] and tags[0] == ()
        assert len(known) <= 6 and len(tags) <= 6
