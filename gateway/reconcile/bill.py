"""A bill as sums per moment and model, or per request where its lines name requests. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from datetime import date, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from gateway.errors import ClientError
from gateway.providers.models import BY_ID
from gateway.reconcile.forms import NUMBERS, plain_name
from gateway.reconcile.reading import Opener, Table, digest, recognise, records
from gateway.reconcile.repeated import Line, Name, Naming, shared
from gateway.reconcile.searches import SEARCHES
from gateway.reconcile.stretches import LONGEST_DAYS, Stretches, end_of_month, last_day
from gateway.reconcile.sums import EXACT, SLOT_US, BillSums, Moment, day_of
from gateway.reconcile.values import NOTHING, Unreadable, Writing, Written, amount, count, day_first, moment
from gateway.relaying.routing import counted_as

_DOLLARS = ("", "$", "us$", "usd")
# What stands in place of a day or a model where a line adds others up, in languages that spreadsheets are kept in.
_SUMMING_UP = frozenset(
    (
        *("total", "totals", "subtotal", "sub total", "grand total", "sum", "summe", "gesamt", "gesamtsumme"),
        *("zwischensumme", "total général", "sous-total", "totale", "totaal", "suma", "合計", "小計", "总计"),
    )
)
_PROGRESS_LINES = 5_000
# A file has no line for a day on which nothing was used, so that one which follows another may begin a little later.
_NEAR = timedelta(days=7)
# What of a line adds up to which count.
_ADDS_TO: Mapping[str, str] = {
    "requests": "requests",
    "input": "input",
    "uncached": "input",
    "cached": "cached",
    "cache_write": "cache_write",
    "cache_write_1h": "cache_write",
    "output": "output",
    "reasoning": "output",
}

Progress = Callable[[int], None]


class Entry(BillSums):
    """What a bill says of one request. `clock` as in `values.Written`."""

    __slots__ = ("clock", "model", "moment")

    def __init__(self, moment: Moment, model: str | None) -> None:
        super().__init__()
        self.moment = moment
        self.model = model
        self.clock: int | None = None


def together(entries: Sequence[Entry]) -> Entry:
    """What a bill says of several requests that are one exchange, as of the first."""
    whole = Entry(entries[0].moment, entries[0].model)
    for entry in entries:
        whole.add(entry)
    return whole


class Bill:
    """One or several files of one provider. `requests` is None where lines do not name requests, and `cells` then
    hold all; with it they hold the lines without a name. `stretches` are those of lines of more than a day, whose
    moment is their first day. `places` is how many decimals its amounts have, None without any. `files` are the
    moments of each one's lines and the last days of its stretches, those on which nothing was used too. `by_model`:
    it tells models apart, which one with amounts of whole days does not, whatever its counts do."""

    def __init__(self) -> None:
        self.provider: str | None = None
        self.titles: list[str] = []
        self.zone = "UTC"
        self.counts: frozenset[str] = frozenset()
        self.has_cost = False
        self.places: int | None = None
        self.cells: dict[tuple[Moment, str | None], BillSums] = {}
        self.requests: dict[str, Entry] | None = None
        self.files: list[set[Moment]] = []
        self.stretches = Stretches()
        self.by_model = True
        self.lines = 0
        self.passed_over = 0
        self.shared: set[Moment] = set()
        self.taken = 0
        self.left = 0

    def charged(self) -> Iterator[tuple[str | None, BillSums]]:
        """The model and the sums of each cell and each request."""
        for (_, model), sums in self.cells.items():
            yield model, sums
        for entry in (self.requests or {}).values():
            yield entry.model, entry

    def span(self, zone: ZoneInfo) -> tuple[date, date]:
        """The first and last day that the bill speaks of."""
        spans = self.spans(zone)
        return spans[0][0], spans[-1][1]

    def spans(self, zone: ZoneInfo) -> tuple[tuple[date, date], ...]:
        """The first and last days of its files, those together that nearly meet. Of a day between the others the bill
        says nothing."""
        spans: list[tuple[date, date]] = []
        for first, last in sorted(_span(moments, zone) for moments in self.files if moments):
            if spans and first - spans[-1][1] <= _NEAR:
                spans[-1] = spans[-1][0], max(last, spans[-1][1])
            else:
                spans.append((first, last))
        return tuple(spans)

    def by_day(self, zone: ZoneInfo) -> dict[tuple[date, str | None], BillSums]:
        """The cells by the days of this zone, and by the first days of stretches."""
        days: dict[tuple[date, str | None], BillSums] = {}
        known: dict[Moment, date] = {}
        for (at, model), sums in self.cells.items():
            if at not in known:
                known[at] = self.stretches.first(day_of(at, zone))
            days.setdefault((known[at], model if self.by_model else None), BillSums()).add(sums)
        return days


def read_bill(
    files: Sequence[Opener],
    *,
    provider: str | None = None,
    mapping: Mapping[str, str] | None = None,
    rate: Decimal | None = None,
    only: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Bill:
    """Reads each file a few times, a line in memory at a time. Several forms complete one another (usage and costs);
    what several files of one form tell of the same time counts once (`repeated`).

    `rate` is dollars per unit of the bill's currency; `only` keeps the lines with these texts in these columns.
    Raises ClientError.
    """
    bill = Bill()
    tables: list[Table] = []
    read: dict[str, list[_Lines]] = {}
    if len({digest(opened) for opened in files}) < len(files):
        raise ClientError("The same file is given twice, and would count twice: give each once.")
    for opened in files:
        table = recognise(opened, provider=provider or bill.provider, mapping=mapping or {})
        _complement(bill, table, tables)
        tables.append(table)
        read.setdefault(table.form.name, []).append(_Lines(bill, table, opened, rate, only or {}))
    for files_of_form in read.values():
        _read(bill, files_of_form, progress)
    bill.by_model = any(
        model not in (None, SEARCHES) for model, sums in bill.charged() if sums.cost or not bill.has_cost
    )
    if not bill.lines:
        raise ClientError("The file has no lines below its header: download the bill for the days you mean.")
    return bill


def _span(moments: Set[Moment], zone: ZoneInfo) -> tuple[date, date]:
    written = [at for at in moments if isinstance(at, date)]
    instants = [at for at in moments if isinstance(at, int)]
    days = [day_of(end(kind), zone) for kind in (written, instants) if kind for end in (min, max)]
    return min(days), max(days)


def covered(spans: Sequence[tuple[date, date]], day: date) -> bool:
    """Whether one of these spans has a day."""
    return any(first <= day <= last for first, last in spans)


def _adds_up(text: str) -> bool:
    return text.lower().rstrip(": ") in _SUMMING_UP


def _moment_of(written: Written) -> Moment:
    return written.day if written.us is None else written.us // SLOT_US


def _complement(bill: Bill, table: Table, earlier: Sequence[Table]) -> None:
    form = table.form
    says = {*table.counts, *(("cost",) if "cost" in table.places else ())}
    for other in earlier:
        twice = says & {*other.counts, *(("cost",) if "cost" in other.places else ())}
        apart = other.form.part != form.part and other.form.provider == form.provider
        if other.form.name != form.name and not apart and twice:
            raise ClientError(
                f"Both {other.form.title} and {form.title} say {', '.join(sorted(twice))}: give one of them."
            )
    bill.provider = form.provider or bill.provider
    bill.titles += [form.title] if form.title not in bill.titles else []
    bill.zone = form.zone
    bill.counts |= frozenset(table.counts)
    bill.has_cost = bill.has_cost or "cost" in table.places


def _read(bill: Bill, files: "Sequence[_Lines]", progress: Progress | None) -> None:
    """Takes the files of one form in."""
    # Those of this form alone: the costs of a month cut no usage that two files have by the day.
    stretches, zone = Stretches(), ZoneInfo(bill.zone)
    for file in files:
        file.learn(stretches)
    once = shared(files, lambda at: stretches.within(at, zone))
    for file, taken in zip(files, once.taken, strict=True):
        file.read(progress, once.moments, taken)


class _Lines:
    """One file on its way into the bill: `learn` first."""

    def __init__(
        self, bill: Bill, table: Table, opened: Opener, rate: Decimal | None, only: Mapping[str, str]
    ) -> None:
        self._bill = bill
        self._table = table
        self._opened = opened
        self._rate = rate
        self._only = {self._column(title): text for title, text in only.items()}
        self._numbers = [name for name in (*NUMBERS, "quantity") if name in table.places]
        figures = (*self._numbers, "cost", "time", "until")
        self._naming = Naming(table.titles, {table.places[name] for name in figures if name in table.places})
        # Whose lines may say the first day for all of it.
        self._by_month = "month" in plain_name(table.title("time")).split()
        self._models: dict[str, str | None] = {}
        self._mark = self._count_mark = "."
        self._slack = Decimal(0)
        self._day_first = False
        self._moments: set[Moment] = set()
        self._stretches = Stretches()

    def _column(self, title: str) -> int:
        titles = [name.strip().lower() for name in self._table.titles]
        if title.strip().lower() not in titles:
            raise ClientError(f"The file has no column {title!r} to choose lines by.", param="only")
        return titles.index(title.strip().lower())

    def moments(self) -> Set[Moment]:
        """All that its lines tell of, and the last days of its stretches. Raises ClientError."""
        for line, cells in self._wanted():
            self._written(line, cells)
        return self._moments

    def told(self, moments: Set[Moment]) -> Iterator[Line]:
        """Its lines of these moments. Raises ClientError."""
        for line, cells in self._wanted():
            written, days = self._written(line, cells)
            if (at := _moment_of(written)) in moments:
                numbers = (
                    self._count(line, name, text) for name in self._numbers if (text := self._text(cells, name))
                )
                weight = sum(numbers), self._cost(line, cells) or Decimal(0)
                yield Line(at, *self._naming.of(cells), weight, days.bit_length())

    def read(self, progress: Progress | None, told_twice: Set[Moment], taken: Set[Name]) -> None:
        """Takes the lines in; of moments that are `told_twice` those that are `taken`. Raises ClientError."""
        bill = self._bill
        bill.files.append(self._moments)
        bill.shared |= told_twice
        if "request_id" in self._table.places and bill.requests is None:
            bill.requests = {}
        for line, cells in self._wanted(counting=True):
            if told_twice and (at := _moment_of(self._written(line, cells)[0])) in told_twice:
                left = (at, self._naming.of(cells)[0]) not in taken
                bill.left += left
                bill.taken += not left
            else:
                left = False
            if not left:
                self._take(line, cells)
            bill.lines += 1
            if progress is not None and bill.lines % _PROGRESS_LINES == 0:
                progress(bill.lines)

    def _text(self, cells: Sequence[str], field: str) -> str:
        place = self._table.places.get(field)
        text = cells[place].strip() if place is not None and place < len(cells) else ""
        return "" if text in NOTHING else text

    def _wanted(self, *, counting: bool = False) -> Iterator[tuple[int, Sequence[str]]]:
        for line, cells in records(self._table, self._opened):
            time = self._text(cells, "time")
            others = any(
                not pattern.search(self._text(cells, field))
                for field, pattern in self._table.form.only.items()
                if field in self._table.places
            )
            chosen = all(place < len(cells) and cells[place].strip() == text for place, text in self._only.items())
            if not time or _adds_up(time) or _adds_up(self._text(cells, "model")):
                continue
            if others or not chosen:
                self._bill.passed_over += counting
                continue
            yield line, cells

    def learn(self, stretches: Stretches) -> None:
        """How this file writes numbers and days, from all of its lines; to these `stretches` it adds its own."""
        self._stretches = stretches
        costs, counts = Writing(), Writing()
        days: set[bool] = set()
        for _, cells in self._wanted():
            costs.learn(self._text(cells, "cost"))
            for name in self._numbers:
                counts.learn(self._text(cells, name))
            first = day_first(self._text(cells, "time"))
            if first is not None:
                days.add(first)
        self._mark = costs.decimal_mark(self._table.delimiter)
        self._count_mark = counts.decimal_mark(self._table.delimiter)
        self._day_first = True in days and False not in days
        if "cost" in self._table.places:
            places = costs.places(self._mark)
            self._bill.places = places if self._bill.places is None else min(self._bill.places, places)
            self._slack = EXACT.multiply(Decimal(5).scaleb(-places - 1), self._rate or Decimal(1))

    def _take(self, line: int, cells: Sequence[str]) -> None:
        written, _ = self._written(line, cells)
        at = _moment_of(written)
        numbers = {name: self._count(line, name, text) for name in self._numbers if (text := self._text(cells, name))}
        cost = self._cost(line, cells)
        model = self._charged_to(cells)
        if not numbers and cost is None and model is None:
            # A day on which nothing was used.
            return
        sums = self._sums(at, model, self._text(cells, "request_id"))
        if isinstance(sums, Entry):
            sums.clock = written.clock
        sums.lines += 1
        for name, number in self._named(cells, numbers):
            target = _ADDS_TO[name]
            if target != "requests" or not isinstance(sums, Entry):
                setattr(sums, target, getattr(sums, target) + number)
        if "input" not in self._table.places:
            sums.input += sum(number for name, number in self._named(cells, numbers) if name.startswith("cache"))
        if cost is not None:
            sums.pay(cost, self._slack)

    def _sums(self, at: Moment, model: str | None, request_id: str) -> BillSums:
        requests = self._bill.requests
        if requests is None or not request_id:
            return self._bill.cells.setdefault((at, model), BillSums())
        entry = requests.get(request_id)
        if entry is None:
            entry = requests[request_id] = Entry(at, model)
            entry.requests = 1
        return entry

    def _named(self, cells: Sequence[str], numbers: Mapping[str, int]) -> Iterator[tuple[str, int]]:
        kinds = self._table.form.kinds
        if not kinds:
            yield from numbers.items()
            return
        kind = self._text(cells, "kind")
        field = next((field for pattern, field in kinds if pattern.search(kind)), "")
        if field and "quantity" in numbers:
            yield field, numbers["quantity"]

    def _written(self, line: int, cells: Sequence[str]) -> tuple[Written, int]:
        """The line's beginning, where it is of more than a day its first day, and of how many days it is."""
        start = self._time(line, cells, "time")
        is_month = start.month or (self._by_month and start.day.day == 1)
        last = end_of_month(start.day) if is_month else None
        if self._text(cells, "until"):
            # A month that ends in itself is a whole one.
            last = last_day(start, self._time(line, cells, "until")) or (last if start.month else None)
        if last is None:
            self._moments.add(_moment_of(start))
            return start, 1
        if (last - start.day).days > LONGEST_DAYS:
            raise self._wrong(line, "until", "is more than a year after the line's beginning")
        for stretches in (self._bill.stretches, self._stretches):
            stretches.add(start.day, last)
        self._moments |= {start.day, last}
        return Written(start.day), (last - start.day).days + 1

    def _time(self, line: int, cells: Sequence[str], field: str) -> Written:
        try:
            return moment(self._text(cells, field), day_is_first=self._day_first)
        except Unreadable as error:
            raise self._wrong(line, field, str(error)) from None

    def _count(self, line: int, field: str, text: str) -> int:
        try:
            return count(text, self._count_mark)
        except Unreadable as error:
            if field == "quantity":
                # Hours of storage and the like have fractions, and count no tokens.
                return 0
            raise self._wrong(line, field, str(error)) from None

    def _cost(self, line: int, cells: Sequence[str]) -> Decimal | None:
        text = self._text(cells, "cost")
        if not text:
            return None
        currency = self._text(cells, "currency") or self._table.unit
        if currency.lower() not in _DOLLARS and self._rate is None:
            field = "currency" if "currency" in self._table.places else "cost"
            shown = currency[:12] if currency.isprintable() else "another currency"
            raise self._wrong(line, field, f"is {shown}, not dollars: give the dollars per {shown} with --rate")
        try:
            return EXACT.multiply(amount(text, self._mark), self._rate or Decimal(1))
        except Unreadable as error:
            raise self._wrong(line, "cost", str(error)) from None

    def _charged_to(self, cells: Sequence[str]) -> str | None:
        model, searches = self._model(self._text(cells, "model")), self._table.form.searches
        if searches is not None and model not in BY_ID and searches.search(self._text(cells, "charge")):
            return SEARCHES
        return model

    def _model(self, text: str) -> str | None:
        if text not in self._models:
            pattern = self._table.form.model
            found = pattern.search(text) if pattern is not None else None
            name = found[0] if found else text
            self._models[text] = counted_as(name) if name else None
        return self._models[text]

    def _wrong(self, line: int, field: str, what: str) -> ClientError:
        return ClientError(f"Line {line}, column {self._table.title(field)!r}: this {what}.")
