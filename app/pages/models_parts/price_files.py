"""Files of one's own prices: the questions which, reading and writing them, and taking an import back."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from app.context import AppContext
from app.export_files import CSV_FILTER, ask_where, save_text
from app.file_dialogs import file_dialog
from app.known_errors import KNOWN_ERRORS
from app.pages.models_parts import price_file
from app.pages.models_parts.own_prices import as_new
from app.translation import counted, later, tr
from gateway import PriceOverride


class PriceFiles(QObject):
    """`failed(words)`: nothing was imported, and why; `imported(words, can_undo)`; `undone(words)`.

    `titles` says what providers are called, by name.
    """

    failed = Signal(str)
    imported = Signal(str, bool)
    undone = Signal(str)

    def __init__(self, context: AppContext, page: QWidget, titles: Callable[[], Mapping[str, str]]) -> None:
        super().__init__(page)
        self._context = context
        self._page = page
        self._titles = titles
        self._added: tuple[PriceOverride, ...] = ()

    def menu(self, export_table: Callable[[], object]) -> QMenu:
        """What can be done with files; `export_table` saves what the page shows."""
        menu = QMenu(self._page)
        menu.setObjectName("models_files_menu")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction(tr("Import prices (CSV)…"), self.ask_which)
        own = menu.addAction(tr("Export your own prices (CSV)…"), self.ask_where)
        own.setEnabled(bool(self._context.gateway.price_overrides()))
        menu.addAction(tr("Export this table (CSV)…"), export_table)
        return menu

    def ask_which(self) -> None:
        dialog = file_dialog(self._page, tr("Import prices"), "models_import_file")
        dialog.setNameFilter(tr("Tables (*.csv *.tsv *.txt)"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(lambda name: self._context.spawn(self.read(Path(name))))
        dialog.open()

    def ask_where(self) -> None:
        ask_where(
            self._page,
            tr("Export your own prices"),
            "my-prices.csv",
            tr(CSV_FILTER),
            lambda path: self._context.spawn(self.write(path)),
            name="models_own_file",
        )

    async def write(self, path: Path) -> None:
        """One's own prices, so that `read` understands them."""
        own, tz = self._context.gateway.price_overrides(), self._context.filters.tz
        await save_text(lambda: price_file.written(own, tz), path)
        words = counted(len(own), later("Exported 1 price"), later("Exported {count} prices"))
        self._context.shell.saved.emit(words, path.parent)

    async def read(self, path: Path) -> None:
        """All prices of the file hold from now on, or none; one that is there already is not made again."""
        gateway, titles, tz = self._context.gateway, self._titles(), self._context.filters.tz
        try:
            text = await asyncio.to_thread(path.read_text, "utf-8")
            found = await asyncio.to_thread(price_file.read, text, titles, tz)
            known = {as_new(price) for price in gateway.price_overrides()}
            new = [price for price in dict.fromkeys(found) if price not in known]
            self._added = added = await gateway.add_prices(new) if new else ()
        except (*KNOWN_ERRORS, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            if isinstance(error, UnicodeDecodeError):
                why = tr("it is not text in UTF-8")
            self.failed.emit(tr("Nothing was imported from {name}: {why}").format(name=path.name, why=why))
            return
        words = tr("{name} has only prices that you have already.")
        if added:
            words = tr("{count} prices were imported from {name}.")
        if len(added) == 1:
            words = tr("1 price was imported from {name}.")
        self.imported.emit(words.format(name=path.name, count=f"{len(added):,}"), bool(added))

    async def undo(self) -> None:
        """What was imported last prices nothing any more. Raises what `KNOWN_ERRORS` holds."""
        added = self._added
        kept = {price.id for price in self._context.gateway.price_overrides()}
        gone = [price.id for price in added if price.id in kept]
        if gone:
            await self._context.gateway.remove_prices(gone)
        self._added = ()
        self.undone.emit(
            counted(len(added), later("1 imported price is removed"), later("{count} imported prices are removed"))
        )
