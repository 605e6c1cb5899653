"""Bills as spreadsheets and countries write them are read the same; what cannot be is told by line and column."""

import csv
import gc
import io
import tracemalloc
from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import ClientError
from gateway.reconcile import Question, columns_of, csv_rows, mapping_of, only_of, rate_of, reconcile, render
from gateway.reconcile import lines as report_lines
from gateway.reconcile.bill import Bill, read_bill
from gateway.reconcile.forms import FORMS
from gateway.reconcile.values import Unreadable, amount, count, moment
from gateway.relaying.routing import counted_as
from tests.reconcile import bills
from tests.reconcile.bills import Rows, billed, opener

UTC = ZoneInfo("UTC")
DAY = date(2026, 11, 3)
HEADER = "Date,Model,Requests,Input tokens,Output tokens,Cost (USD)"
PLAIN = f"{HEADER}\n2026-11-03,gpt-5,2,1234567,89,1234.5678\n2026-11-04,gpt-5,1,1000,5,0.25\n"


def read(content: str | bytes, **more: object) -> Bill:
    return read_bill([opener(content)], **more)  # type: ignore[arg-type]


def sums(bill: Bill) -> dict[tuple[str, str | None], tuple[int, int, int, Decimal]]:
    return {
        (day.isoformat(), model): (cell.requests, cell.input, cell.output, cell.cost)
        for (day, model), cell in bill.by_day(UTC).items()
    }


EXPECTED = {
    ("2026-11-03", "gpt-5"): (2, 1234567, 89, Decimal("1234.5678")),
    ("2026-11-04", "gpt-5"): (1, 1000, 5, Decimal("0.25")),
}
GERMAN = (
    "Date;Model;Requests;Input tokens;Output tokens;Cost (USD)\n"
    "03.11.2026;gpt-5;2;1.234.567;89;1.234,5678\n04.11.2026;gpt-5;1;1.000;5;0,25\n"
)

FRENCH = GERMAN.replace("1.234", "1\u00a0234").replace("234.567", "234\u00a0567").replace("1.000", "1\u00a0000")


@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        PLAIN.encode("utf-8-sig"),
        PLAIN.encode("utf-16"),
        PLAIN.encode("utf-16-le"),
        PLAIN.encode("utf-16-be"),
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace(",", "\t"),
        GERMAN,
        GERMAN.encode("utf-16"),
        PLAIN.replace("1234567", '"1,234,567"').replace("1234.5678", '"$1,234.5678"'),
        PLAIN.replace("1234567", '"12,34,567"').replace("1234.5678", '"US$ 1,234.5678"'),
        PLAIN.replace("1234567", "1 234 567").replace("1234.5678", "1'234.5678 USD"),
        PLAIN.replace("2026-11-03", "11/03/2026").replace("2026-11-04", "11/04/2026"),
        PLAIN.replace("2026-11-03", '"Nov 03, 2026"').replace("2026-11-04", "4 Nov 2026"),
        PLAIN.replace("2026-11-03", "2026/11/03").replace("2026-11-04", "2026-11-04 07:00:00"),
        PLAIN.replace("2026-11-03", "1793664000").replace("2026-11-04", "2026-11-04T09:00:00Z"),
        PLAIN.replace("gpt-5,2", '"gpt-5\n",2'),
        PLAIN.replace("Input tokens", "PROMPT_TOKENS").replace("Model", " model id "),
        f"My usage\n\n,,,\n{PLAIN}\n,,,,,\nTotal,,3,1235567,94,1234.8178\n",
        f"{PLAIN}Subtotal:,,3,1235567,94,1234.8178\nGRAND TOTAL,,3,1235567,94,1234.8178\nSum,,3,1,1,1\n",
        FRENCH,
        FRENCH.encode("cp1252"),
        FRENCH.replace("\u00a0", "\u202f"),
        FRENCH.replace("\u00a0", "\u2009").replace("0,25", "2,5E-01"),
        GERMAN.replace("1.234,5678", "1,2345678E+03").replace("0,25", "25E-02"),
    ],
    ids=range(25),
)
def test_the_same_table_is_read_however_it_is_written(content: str | bytes) -> None:
    assert sums(read(content)) == EXPECTED


def test_days_and_months_are_told_apart_by_the_whole_column() -> None:
    days = HEADER + "\n03/11/2026,gpt-5,1,1,1,1\n25/11/2026,gpt-5,1,1,1,1\n"
    assert {day for day, _ in sums(read(days))} == {"2026-11-03", "2026-11-25"}


@pytest.mark.parametrize(
    ("text", "mark", "value"),
    [
        ("1,234.50", ".", "1234.50"),
        ("1.234,50", ",", "1234.50"),
        ("0,5", ",", "0.5"),
        ("-$0.02", ".", "-0.02"),
        ("(3.10)", ".", "-3.10"),
        ("4e-06", ".", "0.000004"),
        ("0.003835980000000000000000000000", ".", "0.00383598"),
    ],
)
def test_amounts_are_exact(text: str, mark: str, value: str) -> None:
    assert amount(text, mark) == Decimal(value)


@pytest.mark.parametrize("text", ["abc", "1.2.3", "12,34", "1.5.", "--2", "0x1", "NaN", "Infinity", "1,2345"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        amount(text, ".")
    with pytest.raises(Unreadable):
        count("1.5", ".")
    with pytest.raises(Unreadable):
        moment(text, day_is_first=False)


def test_rounding_is_that_of_the_column_and_never_coarser_than_cents() -> None:
    places = [
        read(HEADER + f"\n2026-11-03,gpt-5,1,1,1,{cost}\n2026-11-04,gpt-5,1,1,1,7\n").places
        for cost in ("7", "7.5", "7.5001")
    ]
    assert places == [2, 2, 4]


def refusal(content: str | bytes, **more: object) -> str:
    with pytest.raises(ClientError) as caught:
        read(content, **more)
    message = caught.value.message
    assert "\n" not in message and message.endswith(".")
    return message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "The file is empty"),
        (b"\n\n , \n", "The file is empty"),
        (HEADER + "\n", "no lines below its header"),
        (PLAIN.replace("1234.5678", "lots"), "Line 2, column 'Cost (USD)': this is not a number."),
        (PLAIN.replace("1000", "1.5"), "Line 3, column 'Input tokens': this is not a whole number."),
        (PLAIN.replace("2026-11-04", "yesterday"), "Line 3, column 'Date': this is not a day or time"),
        (PLAIN.replace("gpt-5,2", '"gpt-5\n\n",2').replace("0.25", "x"), "Line 5, column 'Cost (USD)'"),
        (PLAIN.replace("(USD)", "(€)"), "Line 2, column 'Cost (€)': this is €, not dollars: give the dollars per €"),
        (b"PK\x03\x04abc", "a spreadsheet or archive"),
        (b"%PDF-1.7", "a PDF"),
        (b'{"data": []}', "JSON"),
        (b"abc\x00\x01\x02", "no text"),
        ("colour,size\nred,5\n", "No known form of bill has these columns: 'colour', 'size'."),
        (bills.text(bills.ANTHROPIC_USAGE[:-4], [])[:-4] + "\n", ""),
        (
            "start_time,model,num_model_requests\n1,gpt-5,1\n",
            "It is nearest to OpenAI's usage export of embeddings, which also has 'input tokens'.",
        ),
        ('Date,Model,Cost\n2026-11-03,"gpt-5' + "x" * 140_000 + '",1\n', "Line 2 cannot be read as CSV"),
    ],
)
def test_what_is_wrong_is_one_sentence_with_line_and_column(content: str | bytes, message: str) -> None:
    assert message in refusal(content)


def test_a_file_of_another_provider_is_told_by_what_it_looks_like() -> None:
    usage = bills.anthropic_usage(billed(bills.ledger("anthropic", days=1)), UTC)
    assert refusal(usage, provider="openai") == (
        "This looks like the Claude Console's usage export, not like a bill of openai: "
        "give --provider anthropic, or another file."
    )


def test_what_is_longer_than_a_year_is_refused() -> None:
    years = "start_time,end_time,amount_value,amount_currency\n1693664000,1793664000,5,usd\n"
    assert "Line 2, column 'end_time': this is more than a year after" in refusal(years)


def test_a_mapping_reads_any_other_form() -> None:
    content = "Tag;Modell;Anfragen;Frisch;Aus Cache;Antwort;Betrag\n03.11.2026;gpt-5;2;100;20;30;1,5\n"
    mapping = mapping_of(
        "day=Tag, model=Modell, requests=Anfragen, uncached=Frisch, cached=Aus Cache, output=Antwort, cost=Betrag"
    )
    bill = read(content, mapping=mapping)
    assert sums(bill) == {("2026-11-03", "gpt-5"): (2, 120, 30, Decimal("1.5"))}
    assert bill.counts == {"requests", "input", "cached", "output"}
    assert refusal(content, mapping={**mapping, "cost": "Preis"}).startswith("The file has no column 'Preis'")
    for wrong in ("cost", "colour=Tag", "model=Modell,cost=Betrag"):
        with pytest.raises(ClientError):
            read(content, mapping=mapping_of(wrong))


def test_cache_writes_of_both_lifetimes_are_written_and_read_input() -> None:
    line = [
        "2026-11-03",
        "claude-sonnet-4-6",
        "app",
        "Default",
        "standard",
        "",
        100,
        20,
        3,
        4000,
        50,
        0,
        "global",
        "",
    ]
    content = bills.text(bills.ANTHROPIC_USAGE, [line])
    mapping = mapping_of(
        "time=usage_date_utc, model=model_version, uncached=usage_input_tokens_no_cache, "
        "cached=usage_input_tokens_cache_read, cache_write=usage_input_tokens_cache_write_5m, "
        "cache_write_1h=usage_input_tokens_cache_write_1h, output=usage_output_tokens"
    )
    for bill in (read(content), read(content, mapping=mapping)):
        (cell,) = bill.cells.values()
        assert (cell.input, cell.cached, cell.cache_write, cell.output) == (4123, 4000, 23, 50)


def test_lines_are_chosen_and_other_currencies_changed() -> None:
    content = "Date,Model,Key,Cost (EUR)\n2026-11-03,gpt-5,ours,2\n2026-11-03,gpt-5,theirs,5\n"
    bill = read(content, only=only_of(["Key=ours"]), rate=rate_of("1.5"))
    assert sums(bill)["2026-11-03", "gpt-5"][3] == Decimal("3.0") and bill.lines == 1
    assert "no column 'Team'" in refusal(content, only={"Team": "a"}, rate=Decimal(1))
    for wrong in ("0", "-1", "many", "NaN"):
        with pytest.raises(ClientError):
            rate_of(wrong)


@pytest.mark.parametrize(
    ("written", "model"),
    [
        ("Claude Haiku 4.5", "claude-haiku-4-5"),
        ("claude-haiku-4-5-20251001", "claude-haiku-4-5"),
        ("gpt-5-nano-2025-08-07", "gpt-5-nano"),
        ("gemini 2.5 flash lite", "gemini-2.5-flash-lite"),
        ("models/gemini-2.5-flash", "gemini-2.5-flash"),
        ("gemini 3.1 flash lite preview", "gemini-3.1-flash-lite"),
        ("gemini-embedding-001", "gemini-embedding-001"),
        ("Some New-Model-20270101", "some-new-model"),
    ],
)
def test_models_are_counted_under_one_name(written: str, model: str) -> None:
    assert counted_as(written) == counted_as(model) == model


@pytest.mark.parametrize(
    "sku, field",
    [
        ("Generate content input token count gemini 3.7 flash text", "uncached"),
        ("Generate content input token count gemini 3.7 flash image flex caching", "cached"),
        ("Generate content cached input token count gemini 2.5 flash input image", "cached"),
        ("GenerateContent text output token count for Gemini 2.0 Flash", "output"),
        ("Gemini 2.5 Pro Thinking Text Output - Predictions", "output"),
        ("Cached content storage token hours", ""),
        ("Grounding with Google Search", ""),
    ],
)
def test_googles_skus_say_which_tokens_they_count(sku: str, field: str) -> None:
    form = next(form for form in FORMS if form.name == "google_costs")
    assert next((name for pattern, name in form.kinds if pattern.search(sku)), "") == field


def long_bill(lines: int) -> bytes:
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(["Date", "Model", "Input tokens", "Output tokens", "Cost"])
    writer.writerows([f"2026-11-{n % 28 + 1:02d}", "gpt-5", n, 7, "0.0123"] for n in range(lines))
    return file.getvalue().encode()


def test_a_bill_of_a_hundred_thousand_lines_is_read_whole() -> None:
    heard: list[int] = []
    bill = read_bill([opener(long_bill(100_000))], progress=heard.append)
    assert bill.lines == heard[-1] == 100_000
    cells = bill.cells.values()
    assert sum((cell.cost for cell in cells), Decimal(0)) == Decimal("1230.0000")
    assert sum(cell.input for cell in cells) == 99_999 * 50_000


def test_a_bill_s_lines_are_not_held() -> None:
    content = long_bill(5000)
    read_bill([opener(content)])
    gc.collect()
    tracemalloc.start()
    try:
        read_bill([opener(content)])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # Five thousand lines as lists of texts would be three million bytes.
    assert peak < 1_000_000


@pytest.mark.parametrize("name", [form.name for form in FORMS])
def test_every_form_is_told_by_its_header_alone(name: str) -> None:
    requests = {provider: billed(bills.ledger(provider, days=1, per_day=2)) for provider in bills.PROVIDERS}
    written = {
        "openai_usage": bills.openai_usage(requests["openai"], UTC),
        "openai_costs": bills.openai_costs(requests["openai"], UTC),
        "openai_embeddings": "start_time,end_time,num_model_requests,model,input_tokens\n1793664000,,1,e,1\n",
        "anthropic_usage": bills.anthropic_usage(requests["anthropic"], UTC),
        "anthropic_costs": bills.anthropic_costs(requests["anthropic"], UTC),
        "google_costs": bills.google(requests["google"], UTC),
        "xai_usage": bills.xai(requests["xai"], UTC),
        "generic": bills.per_request(requests["openai"], UTC),
        "generic_costs": "Date,Model,Cost\n2026-11-03,gpt-5,1\n",
    }
    assert read(written[name]).titles == [next(form.title for form in FORMS if form.name == name)]


FEW = bills.ledger("openai", first=DAY, days=1)
CELLS = st.sampled_from(
    [
        "",
        "2026-11-03",
        "03.11.2026",
        "1793664000",
        "99999999999999",
        "0001-01-01",
        "gpt-5",
        "1.234,5",
        "1e99",
        "-0",
        "9" * 70,
        "$5",
        "EUR",
        "Total",
        '"',
        "\n",
        "=1+1",
        "\x00",
        "٣",
        "NaN",
        "2026-11-03T00:00:00+14:00",
    ]
)
TITLES = st.sampled_from(
    ["Date", "Model", "Cost", "Cost (€)", "Requests", "Input tokens", "Request ID", "Currency", ""]
)


@settings(max_examples=100, deadline=None)
@given(
    titles=st.lists(TITLES, max_size=6),
    lines=st.lists(st.lists(CELLS, max_size=7), max_size=5),
    delimiter=st.sampled_from(",;\t"),
    encoding=st.sampled_from(["utf-8", "utf-16", "cp1252"]),
)
def test_whatever_a_file_holds_it_is_compared_or_refused_in_a_sentence(
    titles: list[str], lines: list[list[str]], delimiter: str, encoding: str
) -> None:
    content = bills.text(["Date", "Model", "Cost", *titles], lines, delimiter).encode(encoding, "replace")
    try:
        found = reconcile([opener(content)], Rows(FEW), Question(provider="openai"))
    except ClientError as error:
        assert error.message.endswith(".") and "\n" not in error.message
        return
    assert render(found)["lines"] == found.lines
    assert report_lines(found)[0]
    assert len(list(csv_rows(found))) == sum(len(day.parts) for day in found.days)


@settings(max_examples=50, deadline=None)
@given(content=st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_any_bytes_are_refused_in_a_sentence(content: bytes) -> None:
    assert refusal(content)


def test_a_files_columns_are_told_with_what_they_are_taken_for() -> None:
    known = columns_of(opener(PLAIN))
    assert (known.form, known.provider) == ("a table of usage", None)
    assert known.columns == tuple(HEADER.split(","))
    assert known.mapping == {
        "time": "Date",
        "model": "Model",
        "requests": "Requests",
        "input": "Input tokens",
        "output": "Output tokens",
        "cost": "Cost (USD)",
    }
    requests = billed(bills.ledger("xai", days=2, per_day=2))
    xai = columns_of(opener(bills.xai(requests, UTC)))
    assert (xai.form, xai.provider, xai.mapping["model"]) == ("xAI's usage by billing item", "xai", "Description")
    strange = columns_of(opener("When;What;How much\n2026-11-03;gpt-5;1\n"))
    assert (strange.columns, strange.mapping, strange.form) == (("When", "What", "How much"), {}, None)
    with pytest.raises(ClientError, match="empty"):
        columns_of(opener(""))


@pytest.mark.parametrize("word", ["Total", "TOTALS:", "Grand total", "Summe", "Sous-total :", "合計"])
def test_a_line_that_adds_up_others_counts_nothing(word: str) -> None:
    assert read(PLAIN + f"\n{word},,9,9,9,9.99\n").lines == read(PLAIN).lines
    with pytest.raises(ClientError, match="not a day or time"):
        read(PLAIN + "\nAdjustment,,9,9,9,9.99\n")
