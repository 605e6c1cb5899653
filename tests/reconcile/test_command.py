"""Bills over the command line and over HTTP, against rows in a real folder."""

import csv
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest

from gateway.store.usage import UsageStore
from tests.endtoend.serving import Served
from tests.reconcile import bills
from tests.reconcile.bills import Billed, billed

UTC = ZoneInfo("UTC")
FIRST = date(2026, 10, 20)
PATH = "/api/ai/v1/admin/reconcile"
ROWS = bills.ledger("openai", days=3)
KNOWN = bills.within(billed(ROWS), FIRST, FIRST + timedelta(days=2), UTC)
GONE = next(request for request in KNOWN if request.model == "gpt-5")
BILL = bills.dearer([request for request in KNOWN if request is not GONE], "gpt-5-nano", "2")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    gateway = Served(tmp_path_factory.mktemp("bills") / "home")
    gateway.folder.mkdir()
    store = UsageStore(gateway.folder)
    store.start()
    store.insert_history(ROWS)
    store.close()
    for role in ("execute", "admin"):
        gateway.key(role)
    with gateway:
        yield gateway


def written(path: Path, requests: list[Billed]) -> tuple[str, str]:
    usage, costs = path / "completions_usage.csv", path / "cost.csv"
    usage.write_text(bills.openai_usage(requests, UTC))
    costs.write_text(bills.openai_costs(requests, UTC))
    return str(usage), str(costs)


def test_a_bill_is_compared_and_written_as_csv(served: Served, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    done = served.command("reconcile", *written(tmp_path, BILL), "-o", str(out))
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == (
        "OpenAI's usage export, OpenAI's cost export: openai, 2026-10-20 to 2026-10-22, "
        "days of UTC (as such bills are cut), 19 lines."
    )
    lost = f"missing there (in our rows, not on the bill): 1 request, ${GONE.dollars:.6f}"
    assert any(line.startswith(lost) for line in lines)
    drift = sum((r.dollars for r in BILL if r.model == "gpt-5-nano"), Decimal(0)) / 2
    number = sum(r.model == "gpt-5-nano" for r in BILL)
    dearer = f"price drift (same usage, another cost): {number} requests, ${2 * drift:.6f}"
    assert any(line.startswith(dearer) and f"difference +${drift:.6f}" in line for line in lines)
    table = [line.split("  ")[0] for line in lines[lines.index("") + 2 :]]
    assert table == sorted([*{r.day(UTC).isoformat() for r in BILL}, GONE.day(UTC).isoformat()])
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    (missing,) = [row for row in rows if row["kind"] == "missing_there"]
    assert (missing["part_here_usd"], missing["part_bill_usd"]) == (f"{GONE.dollars:.9f}", "0.000000000")
    assert missing["difference_usd"] == f"-{GONE.dollars:.9f}"
    assert (missing["day"], missing["model"], missing["requests"]) == (GONE.day(UTC).isoformat(), "gpt-5", "1")
    assert {row["kind"] for row in rows if row["model"] == "gpt-5-nano"} == {"price_drift"}
    assert {row["difference_percent"] for row in rows if row["kind"] == "price_drift"} == {"50.0"}
    total = sum(Decimal(row["difference_usd"]) for row in rows)
    assert total == sum(r.dollars for r in BILL) - sum(r.dollars for r in KNOWN)


def test_what_is_wrong_with_a_bill_or_an_option_is_one_line(served: Served, tmp_path: Path) -> None:
    usage, costs = written(tmp_path, BILL)
    broken = tmp_path / "broken.csv"
    broken.write_text("Date,Model,Cost\n2026-10-20,gpt-5,much\n")
    for args, code, message in (
        ((str(broken),), 1, "Line 2, column 'Cost': this is not a number."),
        ((usage, "--provider", "anthropic"), 1, "This looks like OpenAI's usage export"),
        ((usage, "--tz", "Mars/Base"), 2, "The time zone 'Mars/Base' is unknown"),
        ((costs, "--rate", "much"), 2, "no number of dollars"),
        ((costs, "--rate", "1e99999999"), 2, "no number of dollars"),
        ((costs, "--rate", "1e-99999999"), 2, "no number of dollars"),
        ((costs, "--only", "key"), 2, "COLUMN=TEXT"),
        ((str(tmp_path / "none.csv"),), 2, "is no file"),
        ((), 2, "FILE"),
    ):
        done = served.command("reconcile", *args)
        assert (done.returncode, done.stdout) == (code, ""), done
        assert message in done.stderr and done.stderr.count("\n") == 1


def test_a_script_posts_a_bill_with_an_admins_key(served: Served) -> None:
    body = bills.per_request(BILL, ZoneInfo("Asia/Kolkata"), 9).encode("utf-16")
    reply = served.ask("POST", f"{PATH}?provider=openai", body, key=served.key("admin"))
    assert reply.status == 200, reply
    said = reply.json
    assert (said["provider"], said["tz"], said["tz_source"]) == ("openai", "Asia/Kolkata", "tried")
    parts = {part["kind"]: part for part in said["parts"]}
    # The bill ends with days that are cut elsewhere: our rows at both ends are not on it.
    assert parts["price_drift"]["requests"] == sum(r.model == "gpt-5-nano" for r in BILL)
    named = {request["id"] for request in said["requests"] if request["kind"] == "missing_there"}
    assert f"req_{GONE.id.removeprefix('up_')}" in named
    assert said["bill"]["requests"] == len(BILL) and said["decimals"] == 9
    cost = sum((r.dollars for r in BILL), Decimal(0))
    assert said["bill"]["cost_usd"] == f"{cost:.9f}"

    named_zone = served.ask(
        "POST", f"{PATH}?tz={quote('UTC')}", bills.openai_usage(BILL, UTC).encode(), key=served.key("admin")
    )
    assert named_zone.json["tz_source"] == "given"
    assert {part["kind"]: part["requests"] for part in named_zone.json["parts"]}["missing_there"] == 1


def test_a_script_s_mistakes_are_told_by_their_parameter(served: Served) -> None:
    def error(query: str, body: bytes, role: str = "admin", status: int = 400) -> dict[str, object]:
        reply = served.ask("POST", PATH + query, body, key=served.key(role))
        assert reply.status == status, reply
        return reply.error

    assert error("?tz=Mars", b"Date,Model,Cost\n2026-10-20,gpt-5,1\n")["param"] == "tz"
    assert error("?map=colour%3Dx", b"")["param"] == "map"
    assert error("?rate=0", b"")["param"] == "rate"
    assert error("?own_keys=yes", b"")["param"] == "own_keys"
    assert error("?tz=UTC&tz=UTC", b"")["param"] == "tz"
    assert error("", b"Date,Model,Cost\n2026-10-20,unheard-of,1\n")["param"] == "provider"
    assert "The file is empty" in str(error("", b"")["message"])
    error("", b"", role="execute", status=403)
