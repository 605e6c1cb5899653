"""Models & prices: what each model costs and by whose word, which were used without a price, and one's own prices."""

import asyncio
import time
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from app import formats
from app.context import AppContext
from app.export_files import CSV_FILTER, ask_where, export_table
from app.known_errors import KNOWN_ERRORS
from app.menu_below import open_below
from app.pages.models_parts.bill_pane import BillPane
from app.pages.models_parts.details import ModelDetails
from app.pages.models_parts.editor import PriceEditor
from app.pages.models_parts.lines import ModelLine, matching, model_columns, model_lines, price_changes
from app.pages.models_parts.own_prices import OwnPrices
from app.pages.models_parts.price_files import PriceFiles
from app.pages.models_parts.repricing_pane import RepricingPane
from app.pages.models_parts.scrolled import scrolled
from app.pages.page import Page, PartTarget, Target
from app.pages.page_parts import model_tabs
from app.pages.providers_parts.price_line import PriceLine
from app.tables.kept_columns import keep_columns
from app.tables.model import ListModel
from app.tables.view import TableView
from app.text_label import TextLabel
from app.translation import counted, later, tr
from app.widgets import (
    Banner,
    Card,
    ComboBox,
    Drawer,
    EmptyState,
    IconButton,
    PaneTurns,
    PushButton,
    SearchField,
    SegmentedControl,
)
from gateway import Changes, PriceOverride, UsageQuery

_ALL = "all"
_RANGES = (("7d", later("7d")), ("30d", later("30d")), (_ALL, later("All")))
_KEPT = (
    (later("All models"), "all"),
    (later("Used"), "used"),
    (later("Your own price"), "override"),
    (later("Without a price"), "none"),
)
_NAMED = 3
# What an error was told of.
_READING, _FILE = "reading", "file"
_PROVIDER_WIDTH = 260


class ModelsPage(Page):
    title = later("Models & prices")
    icon = "coins"
    key = "models"
    shortcuts = (("Ctrl+F, /", later("Search models")),)

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.setObjectName("models_page")
        self._name_of = context.provider_names.name
        self.model: ListModel[ModelLine] = ListModel(
            model_columns(self._name_of, lambda: self.context.filters.tz), self, key=lambda line: line.key
        )
        self.lines: tuple[ModelLine, ...] = ()
        self._providers: tuple[str, ...] = ()
        self._gone: tuple[str, ...] = ()
        self._provider_titles: tuple[tuple[str, str], ...] = ()
        self._repricing: RepricingPane | None = None
        self._bill: BillPane | None = None
        self._repriced = ("", "*")
        self._tabs = {part.key: part.title for part in model_tabs()}
        self._section = next(iter(self._tabs))
        self.files = PriceFiles(context, self, lambda: dict(self._provider_titles))
        self.own = OwnPrices(context, self._name_of, self.toast.emit, self)
        self._build()
        self.section.changed.connect(self._leave_section)
        self.past.action.connect(lambda: self.drawer.unless_unsaved(self._price_the_past))
        self.imported.action.connect(lambda: context.spawn(self.files.undo()))
        self.files.failed.connect(lambda words: self.banner.tell(words, _FILE, self.files.ask_which))
        self.files.imported.connect(self._tell_imported)
        self.files.undone.connect(self._import_undone)
        self.own.changed.connect(lambda *price: context.spawn(self._prices_changed(*price)))
        self.own.undone.connect(lambda *price: context.spawn(self._prices_undone(*price)))
        self.add_button.clicked.connect(lambda: self.drawer.open_soon(self.open_editor))
        self.range.changed.connect(lambda _: self._again())
        self.search.textChanged.connect(lambda _: self._filter())
        self.provider.currentIndexChanged.connect(lambda _: self._filter())
        self.kept.currentIndexChanged.connect(lambda _: self._filter())
        self.empty.action.connect(self.clear_filters)
        self.banner.action.connect(self._retry)
        self.unpriced.action.connect(self._price_the_first)
        self.price_line.asked.connect(lambda: context.spawn(self._update_prices()))
        self.view.opened.connect(self._open_row)
        self.view.copy_asked.connect(self._copy_row)
        self.guard(self.drawer, self._is_unsaved)
        self.drawer.closed.connect(self._forget_name)

    def header_controls(self) -> list[QWidget]:
        return [self.section, self.range, self.more_button, self.add_button]

    def _build(self) -> None:
        theme = self.context.theme
        self.section = SegmentedControl(theme, tuple(self._tabs.items()))
        self.section.setAccessibleName(tr("What is shown"))
        self.range = SegmentedControl(theme, [(key, tr(words)) for key, words in _RANGES])
        self.range.setAccessibleName(tr("Usage in"))
        self.range.set_current("30d")
        self.add_button = PushButton(theme, tr("Add price"), "plus", "primary")
        self.add_button.setObjectName("add_price")
        self.more_button = IconButton(theme, "ellipsis", tr("Import and export prices"))
        self.more_button.setObjectName("models_files")
        self.more_button.clicked.connect(self.open_files_menu)
        self.imported = Banner(theme, "ok", "", tr("Undo"))
        self.imported.setObjectName("models_imported")
        self.imported.hide()
        self.banner = Banner(theme, "bad", "", tr("Retry"))
        self.banner.setObjectName("models_error")
        self.unpriced = Banner(theme, "warn", "", tr("Set price"))
        self.unpriced.setObjectName("models_unpriced")
        self.banner.hide()
        self.unpriced.hide()
        self.past = Banner(theme, "accent", "", tr("Re-price them"))
        self.past.setObjectName("models_past")
        self.past.hide()
        self.price_line = PriceLine(theme)
        self.search = SearchField(theme, tr("Search models"))
        self.search.setObjectName("models_search")
        self.provider = ComboBox(theme, tr("Provider"))
        # Names come after it is first shown: by itself it would stay as wide as it was then.
        self.provider.setSizeAdjustPolicy(ComboBox.SizeAdjustPolicy.AdjustToContents)
        self.provider.setMaximumWidth(_PROVIDER_WIDTH)
        self.provider.addItem(tr("All providers"), "")
        self.kept = ComboBox(theme, tr("Which models"))
        for words, key in _KEPT:
            self.kept.addItem(tr(words), key)
        self.view = TableView(theme, self.model, tr("Models and prices"))
        self.view.setObjectName("models_table")
        keep_columns(self.view, self.context.shell.preferences, "models")
        self.view.set_faint(lambda line: line.state == "retired")
        self.view.setSelectionMode(TableView.SelectionMode.SingleSelection)
        self.table = Card.around(theme, self.view)
        self.empty = EmptyState(
            theme, "coins", tr("No such model"), tr("Nothing matches these filters."), tr("Clear filters")
        )
        self.empty.setObjectName("models_empty")
        self.stack = QStackedWidget()
        self.stack.addWidget(self.table)
        self.stack.addWidget(self.empty)
        self.drawer = Drawer(theme)
        self.drawer.setObjectName("models_drawer")
        self._details: ModelDetails | None = None
        self.drawer.let_widen(self.context.shell.preferences, "model")
        self._lay_out()

    def _lay_out(self) -> None:
        filters = QHBoxLayout()
        filters.setSpacing(8)
        filters.addWidget(self.search, 1)
        filters.addWidget(self.provider)
        filters.addWidget(self.kept)
        self.prices = QWidget()
        main = QVBoxLayout(self.prices)
        main.setContentsMargins(24, 16, 24, 16)
        main.setSpacing(12)
        main.addWidget(self.banner)
        main.addWidget(self.unpriced)
        main.addWidget(self.imported)
        main.addWidget(self.past)
        main.addLayout(filters)
        main.addWidget(self.stack, 1)
        main.addWidget(self.price_line)
        self.sections = QStackedWidget()
        self.sections.addWidget(self.prices)
        self.drawer.stand_beside(self.sections, self, in_pieces=True)
        self._section_turns = PaneTurns(self, self.sections)

    # sections

    @property
    def repricing(self) -> RepricingPane:
        """Made when it is first wanted, as the other one is."""
        if self._repricing is None:
            self._repricing = RepricingPane(self.context, self._name_of)
            self._repricing.toast.connect(self.toast)
            self._repricing.changed.connect(self._again)
            self.sections.addWidget(self._repricing)
        return self._repricing

    @property
    def bill(self) -> BillPane:
        if self._bill is None:
            self._bill = BillPane(self.context, self._name_of)
            self._bill.options.offer(self._provider_titles)
            self._bill.toast.connect(self.toast)
            self.sections.addWidget(self._bill)
        return self._bill

    def _leave_section(self, key: str) -> None:
        """The one on show stays chosen until it is left."""
        self.section.set_current(self._section)
        self.drawer.unless_unsaved(lambda: self._open_soon(key))

    def _open_soon(self, key: str) -> None:
        self.section.set_current(key)
        self._section_turns.ask(lambda: self.open_section(key))

    def show_target(self, target: Target) -> None:
        if isinstance(target, PartTarget):
            self._leave_section(target.key)

    def open_section(self, key: str) -> None:
        """`prices`, `repricing` or `bill`."""
        self._section = key
        self.section.set_current(key)
        self.drawer.close_drawer()
        self.past.hide()
        self.imported.hide()
        shown: QWidget = self.prices if key == "prices" else getattr(self, key)
        self._section_turns.show(shown)
        shown.setAccessibleName(self._tabs[key])
        if self.isVisible():
            # Else the first control there would have it, and the ring of whom the keyboard brought. A page that came
            # since the click keeps it.
            shown.setFocus(Qt.FocusReason.OtherFocusReason)
        for control in (self.range, self.more_button, self.add_button):
            control.setVisible(key == "prices")
        self._tell_count()
        if key == "repricing":
            self.context.spawn(self.repricing.refresh())

    def _tell_past(self, provider: str = "", model: str = "*") -> None:
        """What was used before keeps its cost until somebody wants it otherwise."""
        self._repriced = (provider, model)
        self.past.set_text(tr("Earlier requests keep the cost that they had."))
        self.past.show()

    def _price_the_past(self) -> None:
        self.open_section("repricing")
        self.repricing.open_for(*self._repriced)
        self.repricing.preview()

    def find_here(self) -> None:
        if self.sections.currentWidget() is self.prices:
            self.search.begin()

    def start_export(self) -> None:
        """Ctrl+E: the comparison with the bill where that is on show, else the prices."""
        if self.sections.currentWidget() is self._bill:
            self.bill.ask_where()
            return
        ask_where(
            self,
            tr("Export the prices"),
            "prices.csv",
            tr(CSV_FILTER),
            lambda path: self.context.spawn(self.export_to(path)),
            name="models_export_file",
        )

    async def export_to(self, path: Path) -> None:
        """Writes the prices that the table shows."""
        rows = self.model.rows
        words = counted(len(rows), later("Exported 1 row"), later("Exported {count} rows"))
        await export_table(self.context.shell, self.view.shown_columns(), rows, path, words)

    # files of one's own prices

    def open_files_menu(self) -> None:
        open_below(self.files.menu(self.start_export), self.more_button)

    def _tell_imported(self, words: str, can_undo: bool) -> None:
        self.banner.clear(_FILE)
        self.imported.set_text(words)
        assert self.imported.button is not None
        self.imported.button.setVisible(can_undo)
        self.imported.show()
        if can_undo:
            self._tell_past()
        self._again()

    def _import_undone(self, words: str) -> None:
        self.imported.hide()
        self.past.hide()
        self.toast.emit(words)
        self._again()

    # reading

    def on_shown(self) -> None:
        if self.view.isVisible() and not self.drawer.isVisible():
            self.view.setFocus()

    async def refresh(self, changes: Changes) -> None:
        gateway = self.context.gateway
        range_key = self.range.current
        try:
            rows = await gateway.providers()
            providers = tuple(row.name for row in rows)
            prices = await gateway.prices()
            query = self._query(range_key)
            by_provider = await gateway.breakdown(query, "provider", sort="requests")
            used = (row.value for row in by_provider.rows if row.value is not None)
            gone = tuple(sorted(name for name in used if name not in providers))
            every = (*providers, *gone)
            found = await asyncio.gather(
                *(gateway.breakdown(_of(query, provider), "model", sort="requests") for provider in every)
            )
        except KNOWN_ERRORS as error:
            self.banner.tell(str(error), _READING)
            return
        if range_key != self.range.current:
            # Another range was chosen meanwhile; its own answers are on their way.
            return
        self.banner.clear(_READING)
        lines = model_lines(gateway.models(), prices, dict(zip(every, found, strict=True)), gone)
        self.price_line.show_list(gateway.price_list())
        self.context.provider_names.learn(rows)
        self._offer_bills(tuple((row.name, row.title) for row in rows))
        self._offer(providers, gone)
        if lines != self.lines:
            self.lines = lines
            self._filter()
        self._tell_unpriced()
        self._tell_count()

    def _tell_count(self) -> None:
        """Of the table of prices alone: other sections tell of no million tokens."""
        words = ""
        if self._section == "prices" and self.lines:
            used = sum(line.requests > 0 for line in self.lines)
            words = tr("{count:,} models, {used:,} used · $ per 1M tokens").format(count=len(self.lines), used=used)
        self.subtitle.emit(words)

    def _query(self, range_key: str) -> UsageQuery:
        filters = self.context.filters
        start = None if range_key == _ALL else filters.preset_start(range_key, time.time_ns() // 1000)
        return UsageQuery(start_us=start, tz=filters.tz)

    def _retry(self) -> None:
        self.banner.tell("")
        self._again()

    def _again(self) -> None:
        self.context.spawn(self._read_again())

    async def _read_again(self) -> None:
        with self.loading():
            await self.refresh(Changes(prices=True))

    def _offer(self, providers: tuple[str, ...], gone: tuple[str, ...]) -> None:
        if (providers, gone) == (self._providers, self._gone):
            return
        self._providers, self._gone = providers, gone
        chosen = self.provider.currentData()
        self.provider.blockSignals(True)
        self.provider.clear()
        self.provider.addItem(tr("All providers"), "")
        for name in providers:
            self.provider.addItem(self._name_of(name), name)
        for name in gone:
            self.provider.addItem(tr("{name} (no longer set up)").format(name=name), name)
        self.provider.setCurrentIndex(max(0, self.provider.findData(chosen)))
        self.provider.blockSignals(False)

    def _offer_bills(self, titles: tuple[tuple[str, str], ...]) -> None:
        if titles != self._provider_titles:
            self._provider_titles = titles
            if self._bill is not None:
                self._bill.options.offer(titles)

    def _filter(self) -> None:
        rows = matching(self.lines, self.search.text(), self.provider.currentData() or "", self.kept.currentData())
        self.model.set_rows(rows)
        self.stack.setCurrentWidget(self.table if rows or not self.lines else self.empty)

    def clear_filters(self) -> None:
        self.search.clear()
        self.provider.setCurrentIndex(0)
        self.kept.setCurrentIndex(0)

    def selected(self) -> ModelLine | None:
        return self.model.row(self.view.first_selected)

    def _copy_row(self) -> None:
        line = self.selected()
        if line is not None:
            self.toast.emit(self.view.copy_rows([line]))

    def unpriced_lines(self) -> tuple[ModelLine, ...]:
        """Models that were used in the range and have no price, most used first."""
        return tuple(line for line in self.lines if line.unpriced)

    def _tell_unpriced(self) -> None:
        lines = self.unpriced_lines()
        named = ", ".join(map(self._unpriced_words, lines[:_NAMED]))
        more = tr(" and {count} more").format(count=len(lines) - _NAMED) if len(lines) > _NAMED else ""
        self.unpriced.set_text(
            tr("Used without a price: {named}{more}. Their requests have no cost.").format(named=named, more=more)
        )
        button = self.unpriced.button
        assert button is not None
        had_keyboard = button.hasFocus()
        button.setVisible(any(not line.gone for line in lines))
        self.unpriced.setVisible(bool(lines))
        if had_keyboard and not button.isVisible():
            # Else the search would have it.
            self.view.setFocus(Qt.FocusReason.OtherFocusReason)

    def _unpriced_words(self, line: ModelLine) -> str:
        count = formats.count(line.unpriced)
        if line.gone:
            gone = tr("{model} ({count}, of {provider}, no longer set up)")
            return gone.format(model=line.model, count=count, provider=line.provider)
        return f"{line.model} ({count})"

    # the drawer

    def _open_row(self, number: int) -> None:
        line = self.model.row(number)
        if line is not None:
            self.drawer.open_soon(lambda: self.open_details(line))

    def _is_unsaved(self) -> bool:
        content = self.drawer.content()
        return isinstance(content, PriceEditor | ModelDetails) and content.unsaved

    def _forget_name(self) -> None:
        if self._details is not None:
            self._details.names.field.clear()

    def open_details(self, line: ModelLine) -> None:
        own = tuple(
            price
            for price in self.context.gateway.price_overrides()
            if price.provider == line.provider and price.model in (line.model, "*")
        )
        names = tuple(name for name, model in self.context.gateway.aliases().items() if model == line.model)
        if self._details is None:
            self._details = self._make_details()
            self.drawer.keep(self._details)
        self._details.show_line(line, own, self.context.filters.tz, names, self._name_of(line.provider))
        self._show(line.model, self._details)

    def _make_details(self) -> ModelDetails:
        details = ModelDetails(self.context.theme)
        details.given.connect(lambda line, name: self.context.spawn(self._name(line, name, line.model)))
        details.taken.connect(lambda line, name: self.context.spawn(self._name(line, name, None)))
        details.add.connect(self.open_editor)
        details.change.connect(lambda price: self.open_editor(price=price))
        details.remove.connect(lambda price: self.context.spawn(self.own.remove(price)))
        return details

    def open_editor(self, line: ModelLine | None = None, price: PriceOverride | None = None) -> None:
        """For a new price, one for a line's model, or another in the place of `price`."""
        providers = {name: self._name_of(name) for name in self._providers}
        editor = PriceEditor(self.context.theme, providers, self.context.filters.tz)
        editor.submitted.connect(lambda new, replaces: self.context.spawn(self.own.save(editor, new, replaces)))
        editor.cancelled.connect(self.drawer.close_drawer)
        self._show(tr("Change price") if price is not None else tr("New price"), editor)
        if price is not None:
            editor.open_for(price)
        elif line is not None:
            editor.open_new(line.provider, line.model, line.price.prices if line.price is not None else ())
        else:
            editor.open_new(self._providers[0] if self._providers else "", "")

    def _show(self, title: str, content: QWidget) -> None:
        self.drawer.set_title(title)
        self.drawer.set_content(content)
        self.drawer.open()

    def _price_the_first(self) -> None:
        first = next((line for line in self.unpriced_lines() if not line.gone), None)
        if first is not None:
            self.drawer.open_soon(lambda: self.open_editor(first))

    async def _name(self, line: ModelLine, name: str, model: str | None) -> None:
        """Give a model another name, or where `model` is None take the name away."""
        gateway = self.context.gateway
        try:
            await (gateway.set_alias(name, model) if model is not None else gateway.remove_alias(name))
        except KNOWN_ERRORS as error:
            self.toast.emit(str(error))
            return
        given = tr("Requests for {name} are answered by {model}")
        self.toast.emit(
            (given if model is not None else tr("The name {name} is removed")).format(name=name, model=model)
        )
        if self._is_told_of(line):
            self.open_details(line)

    def _is_told_of(self, line: ModelLine) -> bool:
        """Whether the drawer tells of it: it may have been closed, or taken for something else."""
        details = self.drawer.content()
        shown = details.line if isinstance(details, ModelDetails) and not self.drawer.isHidden() else None
        return shown is not None and shown.key == line.key

    async def _prices_changed(self, provider: str, model: str) -> None:
        if not self._is_unsaved():
            self.drawer.close_drawer()
        self._tell_past(provider, model)
        await self.refresh(Changes(prices=True))
        self._tell_details_anew()

    async def _prices_undone(self, provider: str, model: str) -> None:
        if not self._is_unsaved():
            self.drawer.close_drawer()
        if self._repriced == (provider, model):
            # It told of the step that is taken back.
            self.past.hide()
        await self.refresh(Changes(prices=True))
        self._tell_details_anew()

    def _tell_details_anew(self) -> None:
        """Where they stayed open, for a name that is being typed in them."""
        line = next((line for line in self.lines if self._is_told_of(line)), None)
        if line is not None:
            self.open_details(line)

    async def _update_prices(self) -> None:
        gateway = self.context.gateway
        self.price_line.set_busy(True)
        try:
            before = await gateway.prices()
            await gateway.update_prices()
            changed = price_changes(before, await gateway.prices(), self._name_of)
        except KNOWN_ERRORS as error:
            self.toast.emit(str(error))
            return
        finally:
            self.price_line.set_busy(False)
        await self.refresh(Changes(prices=True))
        if not changed:
            self.toast.emit(tr("The list was fetched: no price of a known model has changed"))
            return
        self._tell_past()
        title = counted(len(changed), later("1 price changed"), later("{count} prices changed"))
        if self._is_unsaved() and not self.drawer.isHidden():
            self.toast.emit(title)
            return
        words = TextLabel(self.context.theme, "\n".join(changed), wrap=True)
        words.setObjectName("price_changes")
        words.setContentsMargins(16, 4, 16, 16)
        self._show(title, scrolled(words, tr("Changed prices")))


def _of(query: UsageQuery, provider: str) -> UsageQuery:
    return UsageQuery(start_us=query.start_us, tz=query.tz, provider=(provider,))
