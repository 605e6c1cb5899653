"""Which table a file holds, what its header says, and what a mapping or a choice of lines may be."""

from pathlib import Path

import pytest

from gateway.errors import ClientError
from gateway.reconcile import columns_of, mapping_of, only_of
from gateway.reconcile import opener as opened
from gateway.reconcile.bill import read_bill
from tests.reconcile.bills import opener

PLAIN = "Date,Model,Input tokens,Output tokens\n2026-11-03,gpt-5,5,1\n"


def refusal(content: str) -> str:
    with pytest.raises(ClientError) as caught:
        read_bill([opener(content)])
    return caught.value.message


def test_a_known_table_says_only_the_counts_whose_columns_it_has() -> None:
    """Else what our rows have of the others would differ from a nought that nobody wrote."""
    assert read_bill([opener(PLAIN)]).counts == {"input", "output"}
    cached = PLAIN.replace("Output tokens", "Output tokens,Cached tokens").replace("5,1", "5,1,2")
    assert read_bill([opener(cached)]).counts == {"input", "output", "cached"}


def test_a_file_that_fits_two_forms_is_the_one_that_knows_more_of_it_whoever_is_named() -> None:
    both = (
        "start_time,model,num_model_requests,input_tokens,output_tokens,amount_value,amount_currency\n"
        "1793664000,gpt-5,1,5,1,0.5,usd\n"
    )
    titles = [read_bill([opener(both)], provider=provider).titles for provider in (None, "openai")]
    assert titles == [["OpenAI's usage export"]] * 2


def test_a_column_that_lacks_is_called_by_its_first_name() -> None:
    said = refusal("model,num_model_requests,input_tokens,output_tokens\ngpt-5,1,1,1\n")
    assert "It is nearest to OpenAI's usage export, which also has 'start time'." in said


def test_a_header_may_stand_below_thirty_nine_lines() -> None:
    assert read_bill([opener("about\n" * 39 + PLAIN)]).lines == 1
    assert refusal("about\n" * 40 + PLAIN).startswith("No known form of bill has these columns")


@pytest.mark.parametrize("part", ["time", "time=", "=Date", "colour=Date", "kind=Type"])
def test_a_mapping_names_a_field_and_a_column(part: str) -> None:
    with pytest.raises(
        ClientError, match=f"The mapping '{part}' cannot be read; use FIELD=COLUMN with one of time, "
    ):
        mapping_of(f"model=Model,{part}")
    assert mapping_of("date=Day, model = The model") == {"time": "Day", "model": "The model"}


@pytest.mark.parametrize("choice", ["Key", "=ours", ""])
def test_a_choice_of_lines_names_a_column(choice: str) -> None:
    with pytest.raises(ClientError, match="use COLUMN=TEXT"):
        only_of([choice])
    assert only_of(["Key = ours", "Team="]) == {"Key": "ours", "Team": ""}


def test_a_file_and_bytes_are_opened_as_often_as_they_are_read(tmp_path: Path) -> None:
    path = tmp_path / "bill.csv"
    path.write_text(PLAIN)
    for bill in (path, PLAIN.encode()):
        assert read_bill([opened(bill)]).lines == 1


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_a_short_table_without_a_mark_of_its_encoding_is_read(encoding: str) -> None:
    assert read_bill([opener(PLAIN.encode(encoding))]).lines == 1


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_of_its_first_hundred_letters_more_than_sixty_tell_an_encoding_without_a_mark(encoding: str) -> None:
    def titled(letters: int) -> bytes:
        return f"{'я' * letters}\n{PLAIN}2026-11-04,gpt-5,5,1\n".encode(encoding)

    assert read_bill([opener(titled(39))]).lines == 2
    with pytest.raises(ClientError, match="The file is no text: download the bill as CSV"):
        read_bill([opener(titled(40))])


def test_a_header_that_is_near_no_form_is_said_to_be_near_none() -> None:
    assert "nearest" not in refusal("colour,size\nred,5\n")


def test_columns_without_a_title_cannot_be_chosen() -> None:
    assert columns_of(opened(b"When,,What\n1,2,3\n")).columns == ("When", "What")
