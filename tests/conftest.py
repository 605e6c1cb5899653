"""What a run of the suite tells beside pytest's own lines."""

import pytest

MATRIX_CELL = "tests/endtoend/matrix/test_matrix.py::test_cell["


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many cells of the matrix passed, wherever they ran: a worker's own prints are not shown."""
    passed = [report for report in terminalreporter.stats.get("passed", []) if report.nodeid.startswith(MATRIX_CELL)]
    if passed:
        terminalreporter.write_line(f"Matrix of doors, providers and features: {len(passed)} cells passed.")
