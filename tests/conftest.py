"""In which order the suite runs, what it is patient with, and what a run of it tells beside pytest's own lines."""

import contextlib
import gc
import importlib
import os
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

MATRIX_CELL = "tests/endtoend/matrix/test_matrix.py::test_cell["
# Begun last, one of these would go on alone while other workers have nothing left to do. The longest first.
LONG = (
    "tests/test_cli.py",
    "tests/window/test_starts.py",
    "tests/endtoend/test_durability.py",
    "tests/store/test_pairs.py",
    "tests/window/test_connect.py",
    "tests/endtoend/matrix/test_matrix.py",
    "tests/store/test_queries.py",
    "tests/endtoend/test_request_headers.py",
    "tests/endtoend/test_clients_of_doors.py",
    "tests/store/test_whole_life.py",
    "tests/app/test_overview.py",
    "tests/endtoend/test_failures.py",
    "tests/endtoend/test_own_providers.py",
    "tests/test_linear_time.py",
    "tests/store/test_schemas.py",
    "tests/store/test_usage.py",
    "tests/endtoend/test_completeness.py",
    "tests/endtoend/test_live_instrumentation.py",
    "tests/endtoend/test_verbatim.py",
    "tests/app/test_finding.py",
    "tests/endtoend/test_changing_providers.py",
    "tests/window/test_numbers.py",
    "tests/window/test_exports.py",
    "tests/test_serve.py",
    "tests/test_demo.py",
    "tests/screenshots/test_pictures.py",
    "tests/app/test_requests.py",
    "tests/app/test_main.py",
    "tests/endtoend/test_broken_streams.py",
    "tests/endtoend/test_otlp.py",
    "tests/endtoend/test_access.py",
    "tests/endtoend/test_verbatim_doors.py",
    "tests/endtoend/test_recorded_tools.py",
    "tests/endtoend/test_counting.py",
    "tests/endtoend/test_ledger.py",
    "tests/window/test_settings.py",
    "tests/window/test_keyboard_bills.py",
    "tests/store/test_repricing.py",
    "tests/store/test_conversations.py",
    "tests/keyring/test_secret_service.py",
    "tests/reconcile/test_matching.py",
    "tests/endtoend/test_openai_sdk.py",
    "tests/endtoend/test_usage_of_doors.py",
    "tests/endtoend/test_errors_of_doors.py",
    "tests/provider/test_provider.py",
)

# Every process of the tests would compile the app anew, half a second each, where the shell forbids to keep it.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# What the desktop of whoever runs them says, such as how large its text is, is nothing to the tests.
os.environ.pop("DBUS_SESSION_BUS_ADDRESS", None)

# How fast examples are drawn and tried is the machine's matter.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

# Folders whose tests speak with other processes, and the fixture of those that look at a real display.
OTHER_PROCESSES = ("tests/endtoend", "tests/keyring", "tests/window")
DISPLAY = "display"


def import_tests(config: pytest.Config) -> None:
    """In a worker that will collect all files, its share of them first: on a clean checkout each would compile all.

    Begun at different places, each finds what the others have compiled by then. What cannot be imported is told when it
    is collected.
    """
    number = os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")
    if not number or config.args != config.getini("testpaths"):
        return
    paths = sorted(config.rootpath.glob("tests/**/test_*.py"))
    begin = len(paths) * int(number) // int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    for path in (*paths[begin:], *paths[:begin]):
        with contextlib.suppress(Exception, pytest.skip.Exception):
            importlib.import_module(".".join(path.relative_to(config.rootpath).with_suffix("").parts))


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """What is imported and collected lives to the end: a million objects that no collection need look through."""
    gc.disable()
    try:
        import_tests(session.config)
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The long files first, the others as they come; what hangs on other processes may be repeated once."""
    place = {config.rootpath / path: number for number, path in enumerate(LONG)}
    items.sort(key=lambda item: place.get(item.path, len(LONG)))
    folders = {config.rootpath / folder for folder in OTHER_PROCESSES}
    outside = {path for path in {item.path for item in items} if not folders.isdisjoint(path.parents)}
    for item in items:
        if DISPLAY in getattr(item, "fixturenames", ()) or item.path in outside:
            # A machine under load may stop another process for seconds; the summary names each repetition.
            item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many cells of the matrix passed, wherever they ran: a worker's own prints are not shown."""
    passed = [report for report in terminalreporter.stats.get("passed", []) if report.nodeid.startswith(MATRIX_CELL)]
    if passed:
        terminalreporter.write_line(f"Matrix of doors, providers and features: {len(passed)} cells passed.")
