"""The page of the carriage table, made from its rows: `python -m tests.carriage.page` writes it."""

from pathlib import Path

from gateway.dialects.carriage import AGENT_TOOLS, ANTHROPIC, CHAT, DIALECT_NAMES, GEMINI, RESPONSES, SECTIONS
from gateway.dialects.verdicts import CONDITIONS, Row, Verdict

PAGE = Path(__file__).parents[2] / "gateway" / "dialects" / "README.md"
BEGIN, END = "<!-- the table begins -->", "<!-- the table ends -->"
TITLES = {CHAT: "chat", RESPONSES: "Responses", ANTHROPIC: "Anthropic", GEMINI: "Gemini"}


def table() -> str:
    """All sections, in Markdown."""
    return "\n\n".join(f"## {title}\n\n{_section(rows)}" for title, rows in SECTIONS.items())


def _section(rows: tuple[Row, ...]) -> str:
    head = ["feature", "the client's fields", *(f"to {TITLES[name]}" for name in DIALECT_NAMES)]
    lines = [head, ["---"] * len(head), *(_line(row) for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _line(row: Row) -> list[str]:
    title = f"**{row.title}**"
    if row.name == "agent_tools":
        title += ": " + "; ".join(f"{client}'s {', '.join(sorted(types))}" for client, types in AGENT_TOOLS.items())
    said = "<br>".join(f"{TITLES[door]}: {_fields(row, door)}" for door in DIALECT_NAMES if door in row.said)
    return [title, said, *(_verdict(row, dialect) for dialect in DIALECT_NAMES)]


def _fields(row: Row, door: str) -> str:
    return ", ".join("any other" if field == "*" else f"`{field}`" for field in row.said[door])


def _verdict(row: Row, dialect: str) -> str:
    if not set(row.said) - {dialect}:
        return "as it came"
    fate = row.fates[dialect]
    words = [_word(row, fate.verdict)]
    words += [f"{verdict} where the model {CONDITIONS[name].words}" for name, verdict in fate.where.items()]
    words += [
        f"{verdict} from {TITLES[door]}" for (door, rendered), verdict in row.pairs.items() if rendered == dialect
    ]
    return "; ".join(words)


def _word(row: Row, verdict: Verdict) -> str:
    return f"{verdict}: {row.note}" if verdict is Verdict.ADAPTED and row.note else str(verdict)


def page(text: str) -> str:
    """The page with the table between its marks as it is now."""
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
