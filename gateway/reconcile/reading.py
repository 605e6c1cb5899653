"""A bill's bytes as its records: whichever encoding and delimiter, quoted line ends, titles above the header.

The file is read a few times and never held; what is wrong with it is one sentence that names line and column.
"""

import csv
import hashlib
import io
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from gateway.errors import ClientError
from gateway.reconcile.forms import COLUMNS_OF, COUNTS, FIELDS, FORMS, Form, plain_name, unit_of
from gateway.reconcile.records import BillColumns
from gateway.words import later

# What a unit of any currency may cost, in dollars.
LEAST_RATE, MOST_RATE = Decimal("1e-9"), Decimal("1e9")
DELIMITERS = (",", ";", "\t", "|")
# Google's table stands below the invoice's own data.
MOST_LINES_ABOVE = 40
_LOOK = 1 << 16
_OTHER_FILES = (
    (b"PK\x03\x04", "a spreadsheet or archive: save it as CSV first"),
    (b"\xd0\xcf\x11\xe0", "an old spreadsheet: save it as CSV first"),
    (b"%PDF", "a PDF: download the bill as CSV"),
    (b"\x1f\x8b", "compressed: unpack it first"),
    (b"{", "JSON: download the bill as CSV"),
    (b"[", "JSON: download the bill as CSV"),
)

Opener = Callable[[], BinaryIO]
Look = tuple[str, Sequence[tuple[int, Sequence[str]]]]
"""(delimiter, the first records as it cuts them, each with the line that it begins on)"""


def opener(bill: Path | bytes) -> Opener:
    """How a bill is opened as often as it is read: a file, or what came with a request."""

    def opened() -> BinaryIO:
        return bill.open("rb") if isinstance(bill, Path) else io.BytesIO(bill)

    return opened


def digest(opened: Opener) -> bytes:
    """The same for the same bytes."""
    made = hashlib.blake2b(digest_size=16)
    with opened() as file:
        while piece := file.read(_LOOK):
            made.update(piece)
    return made.digest()


class Table(Struct, frozen=True, kw_only=True):
    """How a bill is to be read. `places`: field → the columns that hold it, added up where there are several."""

    form: Form
    encoding: str
    delimiter: str
    header_line: int
    titles: tuple[str, ...]
    places: Mapping[str, int]

    def title(self, field: str) -> str:
        """The column as the file calls it."""
        return self.titles[self.places[field]]

    @property
    def counts(self) -> tuple[str, ...]:
        """The neutral counts that its lines say."""
        form = self.form
        if form.kinds:
            return form.counts if {"kind", "quantity"} <= self.places.keys() else ()
        return tuple(name for name in form.counts if self.places.keys() & COLUMNS_OF.get(name, {name}))

    @property
    def unit(self) -> str:
        """What the cost's own title says of its currency."""
        return unit_of(self.title("cost")) if "cost" in self.places else ""


def recognise(opened: Opener, *, provider: str | None, mapping: Mapping[str, str]) -> Table:
    """Which form this file has; `mapping` (field → column's title) makes one of the user's own. Raises ClientError.

    The file may hold lines above its header; the first line in which a form is found is the header.
    """
    encoding, looks = _looks(opened)
    found = _tables(encoding, looks, (_mapped(mapping, provider),) if mapping else FORMS)
    fitting = [table for table in found if table.form.provider == provider] if provider is not None else []
    if fitting:
        return fitting[0]
    if found and (provider is None or found[0].form.provider is None):
        return found[0]
    raise _unrecognised(looks, found[0] if found else None, provider, mapping)


def columns_of(opened: Opener) -> BillColumns:
    """What the file's columns are called, and what they are taken for. Raises ClientError where it is no table."""
    encoding, looks = _looks(opened)
    found = _tables(encoding, looks, FORMS)
    if not found:
        return BillColumns(columns=tuple(title.strip() for title in _header(looks) if title.strip()))
    table = found[0]
    return BillColumns(
        columns=tuple(title.strip() for title in table.titles if title.strip()),
        mapping={field: table.title(field).strip() for field in FIELDS if field in table.places},
        form=table.form.title,
        provider=table.form.provider,
    )


def _looks(opened: Opener) -> tuple[str, Sequence[Look]]:
    """The file's encoding, and its first records as each delimiter cuts them. Raises ClientError."""
    encoding = _encoding(opened)
    looks = [(delimiter, _first_records(opened, encoding, delimiter)) for delimiter in DELIMITERS]
    if not any(plain_name(cell) for _, records in looks for _, cells in records for cell in cells):
        raise ClientError("The file is empty: download the bill again.")
    return encoding, looks


def _tables(encoding: str, looks: Sequence[Look], forms: Sequence[Form]) -> list[Table]:
    """Every way in which a form is found in the header, best first."""
    found = [
        (
            len(places),
            Table(
                form=form,
                encoding=encoding,
                delimiter=delimiter,
                header_line=line,
                titles=tuple(cells),
                places=places,
            ),
        )
        for delimiter, records in looks
        for line, cells in records
        for form in forms
        if (places := _places(form, cells)) is not None
    ]
    # What is nobody's comes last, and a form that knows more of the columns first.
    found.sort(key=lambda pair: (pair[1].form.provider is None, -pair[0]))
    return [table for _, table in found]


def records(table: Table, opened: Opener) -> Iterator[tuple[int, Sequence[str]]]:
    """The cells of each record below the header with the line it begins on; empty ones are left out.

    Raises ClientError.
    """
    for line, cells in _cells(opened, table.encoding, table.delimiter):
        if line > table.header_line and any(cell.strip() for cell in cells):
            yield line, cells


def mapping_of(text: str) -> dict[str, str]:
    """`time=Date,model=Model,cost=Cost` as field → title. Raises ClientError."""
    mapping: dict[str, str] = {}
    for part in text.split(","):
        field, _, title = (piece.strip() for piece in part.partition("="))
        field = {"day": "time", "date": "time"}.get(field, field)
        if not title or field not in FIELDS:
            raise ClientError(
                f"The mapping {part.strip()!r} cannot be read; use FIELD=COLUMN with one of {', '.join(FIELDS)}.",
                param="map",
            )
        mapping[field] = title
    return mapping


def only_of(choices: Sequence[str]) -> dict[str, str]:
    """`Column=text` as column's title → text. Raises ClientError."""
    chosen: dict[str, str] = {}
    for choice in choices:
        title, equals, text = (piece.strip() for piece in choice.partition("="))
        if not equals or not title:
            raise ClientError(f"The choice of lines {choice!r} cannot be read; use COLUMN=TEXT.", param="only")
        chosen[title] = text
    return chosen


def rate_of(text: str | None) -> Decimal | None:
    """Dollars per unit of the bill's currency. Raises ClientError."""
    if not text:
        return None
    try:
        rate = Decimal(text)
    except InvalidOperation:
        rate = Decimal(0)
    if not (rate.is_finite() and LEAST_RATE <= rate <= MOST_RATE):
        raise ClientError(
            f"The rate {text!r} is no number of dollars: say what one unit costs, like 1.08.", param="rate"
        )
    return rate


def _mapped(mapping: Mapping[str, str], provider: str | None) -> Form:
    counts = tuple(name for name in COUNTS if mapping.keys() & COLUMNS_OF.get(name, {name}))
    if "time" not in mapping or not (counts or "cost" in mapping):
        raise ClientError("A mapping needs time, and cost or counts: time=Date,model=Model,cost=Cost.", param="map")
    return Form(
        name="mapped",
        title=later("a file with a mapping of your own"),
        provider=provider,
        columns={field: (plain_name(title),) for field, title in mapping.items()},
        required=tuple(mapping),
        counts=counts,
    )


def _places(form: Form, cells: Sequence[str]) -> dict[str, int] | None:
    """Field → column, where this header has all that tells the form."""
    at: dict[str, int] = {}
    for number, cell in enumerate(cells):
        at.setdefault(plain_name(cell), number)
    found = {
        field: next(at[name] for name in names if name in at)
        for field, names in form.columns.items()
        if any(name in at for name in names)
    }
    return found if all(field in found for field in form.required) else None


def _unrecognised(
    looks: Sequence[Look],
    other: Table | None,
    provider: str | None,
    mapping: Mapping[str, str],
) -> ClientError:
    if other is not None and other.form.provider is not None:
        return ClientError(
            f"This looks like {other.form.title}, not like a bill of {provider}: "
            f"give --provider {other.form.provider}, or another file."
        )
    header = _header(looks)
    if mapping:
        present = {plain_name(cell) for cell in header}
        missing = next((title for title in mapping.values() if plain_name(title) not in present), "")
        return ClientError(f"The file has no column {missing!r}: its columns are {_listed(header)}.", param="map")
    nearest, lacking = min(((form, _lacking(form, header)) for form in FORMS), key=lambda pair: len(pair[1]))
    near = (
        f" It is nearest to {nearest.title}, which also has {_listed(lacking)}."
        if len(lacking) < len(nearest.required)
        else ""
    )
    return ClientError(
        f"No known form of bill has these columns: {_listed(header)}.{near} "
        "Say which is which: --map time=…,model=…,cost=…."
    )


def _header(looks: Sequence[Look]) -> Sequence[str]:
    """What is most likely the header where no form is found: the widest record."""
    return max((cells for _, records in looks for _, cells in records), key=len)


def _lacking(form: Form, header: Sequence[str]) -> list[str]:
    present = {plain_name(cell) for cell in header}
    return [form.columns[field][0] for field in form.required if not present.intersection(form.columns[field])]


def _listed(names: Sequence[str]) -> str:
    shown = [name.strip()[:40] for name in names if name.strip()][:12]
    return ", ".join(repr(name) for name in shown) or "none"


def _encoding(opened: Opener) -> str:
    with opened() as file:
        head = file.read(_LOOK)
    bare = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    for start, what in _OTHER_FILES:
        if bare.startswith(start):
            raise ClientError(f"The file is {what}.")
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if _of_latin_letters(head[1:200:2]):
        return "utf-16-le"
    if _of_latin_letters(head[0:200:2]):
        return "utf-16-be"
    if b"\0" in head:
        raise ClientError("The file is no text: download the bill as CSV.")
    return "utf-8-sig" if _is_utf8(opened) else "cp1252"


def _of_latin_letters(upper: bytes) -> bool:
    """Whether these upper halves of UTF-16 letters are mostly those of Latin ones, which are zero."""
    return upper.count(0) * 5 > len(upper) * 3


def _is_utf8(opened: Opener) -> bool:
    try:
        with io.TextIOWrapper(opened(), encoding="utf-8-sig") as text:
            while text.read(_LOOK):
                pass
    except UnicodeDecodeError:
        return False
    return True


def _first_records(opened: Opener, encoding: str, delimiter: str) -> list[tuple[int, Sequence[str]]]:
    return list(itertools.islice(_cells(opened, encoding, delimiter), MOST_LINES_ABOVE))


def _cells(opened: Opener, encoding: str, delimiter: str) -> Iterator[tuple[int, Sequence[str]]]:
    with io.TextIOWrapper(opened(), encoding=encoding, newline="", errors="replace") as text:
        reader = csv.reader(text, delimiter=delimiter)
        line = 1
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise ClientError(f"Line {line} cannot be read as CSV ({error}).") from None
            yield line, cells
            line = reader.line_num + 1
