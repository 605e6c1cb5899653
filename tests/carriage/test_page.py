"""The page says what the table says."""

from gateway.dialects.carriage import ROWS
from tests.carriage.page import PAGE, page


def test_the_page_is_what_the_table_makes() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text == page(text), "run `python -m tests.carriage.page`"
    for row in ROWS:
        assert f"**{row.title}**" in text


def test_the_readme_leads_to_the_page() -> None:
    root = PAGE.parents[2]
    assert f"({PAGE.relative_to(root).as_posix()})" in (root / "README.md").read_text(encoding="utf-8")
