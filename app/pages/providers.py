"""Providers: a card for each, with its key's state, today's traffic, and the way to set, try and remove its key.

Keys are set in the drawer. Where the system has no open keyring, the drawer first asks where keys may be kept.
"""

import time

from PySide6.QtWidgets import QFrame, QScrollArea, QStackedWidget, QVBoxLayout, QWidget

from app.context import AppContext
from app.focus import pause
from app.known_errors import KNOWN_ERRORS
from app.local_days import today
from app.pages.page import Page
from app.pages.providers_parts.card import LEAST_WIDTH, ProviderCard
from app.pages.providers_parts.grid import CardGrid
from app.pages.providers_parts.key_panel import KeyPanel
from app.pages.providers_parts.own_panel import OwnPanel
from app.pages.providers_parts.price_line import PriceLine
from app.pages.providers_parts.secret_field import offer_to_clear
from app.pages.providers_parts.vault_panel import VaultPanel
from app.questions import ask_to_lose
from app.translation import counted, later, tr
from app.vault_words import vault_words
from app.widgets import Banner, Drawer, PushButton, ScrollRing
from app.widgets.places import card_places
from gateway import Changes, ProviderRow, Summary, VaultState


def _now_us() -> int:
    return time.time_ns() // 1000


class ProvidersPage(Page):
    title = later("Providers")
    icon = "plug"
    key = "providers"
    places = staticmethod(card_places)

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.setObjectName("providers_page")
        self.cards: dict[str, ProviderCard] = {}
        self._rows: tuple[ProviderRow, ...] = ()
        self._today: dict[str | None, Summary] = {}
        self._vault = VaultState(backend="keyring", available=True)
        self._waiting_for_vault: str | None = None
        self._testing: set[str] = set()
        self._build()
        self.key_panel.stored.connect(self._stored)
        self.key_panel.cancelled.connect(self.drawer.close_drawer)
        self.own_panel.cancelled.connect(self.drawer.close_drawer)
        self.own_panel.saved.connect(self._own_saved)
        self.own_panel.removal_asked.connect(lambda name: self._ask_to_remove_own(self._row(name)))
        self.add_button.clicked.connect(lambda: self.drawer.open_soon(lambda: self.open_own_panel(None)))
        self.key_panel.switched.connect(
            lambda title: self.drawer.set_title(tr("Key for {title}").format(title=title))
        )
        self.vault_panel.chosen.connect(self._vault_chosen)
        self.drawer.closed.connect(self._drawer_closed)
        self.guard(self.drawer, self._is_unsaved)
        self.vault_banner.action.connect(lambda: self.drawer.open_soon(self._open_vault))
        self.price_line.asked.connect(lambda: context.spawn(self._update_prices()))
        self.error_banner.action.connect(lambda: context.spawn(self.refresh(Changes(providers=True))))

    def header_controls(self) -> list[QWidget]:
        return [self.add_button]

    def _build(self) -> None:
        context, theme = self.context, self.context.theme
        self.add_button = PushButton(theme, tr("Add provider"), "plus", "secondary")
        self.add_button.setObjectName("add_provider")
        self.add_button.setEnabled(not context.gateway.demo)
        if context.gateway.demo:
            self.add_button.setToolTip(tr("The demo's providers are simulated: leave it to add your own."))
        self.vault_banner = Banner(theme, "warn", "", tr("Choose where keys are kept"))
        self.vault_banner.setObjectName("vault_banner")
        self.error_banner = Banner(theme, "bad", "", tr("Retry"))
        self.error_banner.setObjectName("providers_error")
        self.vault_banner.hide()
        self.error_banner.hide()
        self.price_line = PriceLine(theme)
        self.key_panel = KeyPanel(context)
        self.own_panel = OwnPanel(context)
        self.vault_panel = VaultPanel(context)
        self._panels = QStackedWidget()
        self._panels.addWidget(self.key_panel)
        self._panels.addWidget(self.own_panel)
        self._panels.addWidget(self.vault_panel)
        self.drawer = Drawer(theme)
        self.drawer.setObjectName("providers_drawer")
        self.drawer.set_content(self._panels)
        self._grid = CardGrid(LEAST_WIDTH)
        scroll = QScrollArea()
        scroll.setAccessibleName(tr("Providers"))
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidget(self._grid)
        ScrollRing(scroll)
        main = QVBoxLayout()
        main.setContentsMargins(24, 16, 24, 16)
        main.setSpacing(12)
        for widget in (self.error_banner, self.vault_banner):
            main.addWidget(widget)
        main.addWidget(scroll, 1)
        main.addWidget(self.price_line)
        self.drawer.stand_beside(main, self, in_pieces=True)

    # data

    async def refresh(self, changes: Changes) -> None:
        gateway = self.context.gateway
        try:
            self._rows = await gateway.providers()
            self._vault = await gateway.vault_state()
            traffic = await gateway.breakdown(today(_now_us(), self.context.filters.tz), "provider")
        except KNOWN_ERRORS as error:
            self.error_banner.tell(str(error))
            return
        self._today = {row.value: row.summary for row in traffic.rows}
        self.price_line.show_list(gateway.price_list())
        self.error_banner.hide()
        self._show()

    def as_time_passes(self) -> None:
        if self._rows:
            self._show()

    def _show(self) -> None:
        names = [row.name for row in self._rows]
        for name in [name for name in self.cards if name not in names]:
            self._grid.remove(self.cards.pop(name))
        for row in self._rows:
            if row.name not in self.cards:
                card = self.cards[row.name] = ProviderCard(self.context.theme, row.name)
                card.asked.connect(self._act)
                self._grid.add(card)
            if row.name not in self._testing:
                self.cards[row.name].show_row(
                    row, self._today.get(row.name), self._vault.backend, _now_us(), self.context.gateway.demo
                )
        self.vault_banner.set_text(vault_words(self._vault.message))
        self.vault_banner.setVisible(not self._vault.available)
        ready = sum(row.has_key for row in self._rows)
        words = tr("{ready} of {count} with a key").format(ready=ready, count=len(self._rows))
        if unreadable := sum(row.unreadable for row in self._rows):
            more = counted(unreadable, later("1 key cannot be read"), later("{count} keys cannot be read"))
            words = f"{words} · {more}"
        self.subtitle.emit(words)

    def _row(self, name: str) -> ProviderRow:
        return next(row for row in self._rows if row.name == name)

    # actions

    def _act(self, action: str, name: str) -> None:
        match action:
            case "test":
                self.context.spawn(self._test(name))
            case "key":
                self.drawer.open_soon(lambda: self.open_key_panel(name))
            case "remove":
                self._ask_to_remove(self._row(name))
            case "switch":
                self.context.spawn(self._switch(self._row(name)))
            case "edit":
                self.drawer.open_soon(lambda: self.open_own_panel(name))

    def _is_unsaved(self) -> bool:
        shown = self._panels.currentWidget()
        return any(panel is shown and panel.unsaved for panel in (self.key_panel, self.own_panel, self.vault_panel))

    def open_key_panel(self, name: str) -> None:
        """The drawer on which this provider's key is set; asks first where keys are kept, if that is open."""
        if not self._vault.available:
            self._open_vault()
            self._waiting_for_vault = name
            return
        row = self._row(name)
        self.key_panel.open(row, tuple(row for row in self._rows if row.key_source != "unneeded"))
        self._panels.setCurrentWidget(self.key_panel)
        self.drawer.set_title(tr("Key for {title}").format(title=row.title))
        self.drawer.open()
        self.key_panel.field.edit.setFocus()

    def open_own_panel(self, name: str | None) -> None:
        """The drawer for a further provider, or for what the table of one says."""
        own = next((own for own in self.context.gateway.own_providers() if own.name == name), None)
        self.own_panel.open(own)
        self._panels.setCurrentWidget(self.own_panel)
        self.drawer.set_title(tr("Add a provider") if own is None else own.name)
        self.drawer.open()
        (self.own_panel.start if own is None else self.own_panel.base_url).setFocus()

    def _own_saved(self, name: str) -> None:
        self.toast.emit(tr("{name} is saved: the gateway restarts to use it.").format(name=name))
        self.drawer.close_drawer()
        self.context.shell.restart_asked.emit()

    async def _switch(self, row: ProviderRow) -> None:
        try:
            await self.context.gateway.switch_provider(row.name, not row.enabled)
        except KNOWN_ERRORS as error:
            self.toast.emit(str(error))
        else:
            on, off = tr("{title} takes requests again"), tr("Requests to {title} are refused from now on")
            self.toast.emit((off if row.enabled else on).format(title=row.title))
        await self.refresh(Changes(providers=True))

    def _ask_to_remove_own(self, row: ProviderRow) -> None:
        ask_to_lose(
            self,
            "confirm_remove_own",
            tr("Remove {title}?").format(title=row.title),
            tr("Its key and its settings are deleted; its past requests and what they cost stay."),
            lambda: self.context.spawn(self._remove_own(row)),
            words=tr("Remove"),
            keep=tr("Keep it"),
        )

    async def _remove_own(self, row: ProviderRow) -> None:
        try:
            await self.context.gateway.remove_own_provider(row.name)
        except KNOWN_ERRORS as error:
            self.toast.emit(str(error))
            return
        self.toast.emit(tr("{title} is removed: the gateway restarts without it.").format(title=row.title))
        self.drawer.close_drawer()
        self.context.shell.restart_asked.emit()

    def _open_vault(self) -> None:
        self._waiting_for_vault = None
        self.vault_panel.open(self._vault)
        self._panels.setCurrentWidget(self.vault_panel)
        self.drawer.set_title(tr("Where keys are kept"))
        self.drawer.open()
        self.vault_panel.first.edit.setFocus()

    def _vault_chosen(self, words: str) -> None:
        self.toast.emit(words)
        self.context.spawn(self._after_vault(self._waiting_for_vault))

    async def _after_vault(self, name: str | None) -> None:
        await self.refresh(Changes(providers=True))
        # A sealed file takes its time to open: another page may have the keyboard by now.
        if name is not None and self.isVisible():
            self.open_key_panel(name)
        else:
            self.drawer.close_drawer()

    def _stored(self, title: str, on_clipboard: bool) -> None:
        if on_clipboard:
            offer_to_clear(self.context.shell, title)
        else:
            self.toast.emit(tr("The key for {title} works and is stored").format(title=title))
        self.context.spawn(self.refresh(Changes(providers=True)))

    def _drawer_closed(self) -> None:
        self._waiting_for_vault = None
        self.key_panel.leave()
        self.own_panel.leave()
        self.vault_panel.leave()

    async def _test(self, name: str) -> None:
        if name in self._testing:
            return
        self._testing.add(name)
        card = self.cards[name]
        card.show_testing()
        resume = pause(card.test)
        try:
            trial = await self.context.gateway.test_provider(name)
            self.toast.emit(trial.message)
        except KNOWN_ERRORS as error:
            self.toast.emit(str(error))
        finally:
            self._testing.discard(name)
            resume()
        await self.refresh(Changes(providers=True))

    async def _update_prices(self) -> None:
        self.price_line.set_busy(True)
        try:
            known = await self.context.gateway.update_prices()
            self.price_line.show_list(known)
            self.toast.emit(tr("The prices of {models:,} models were fetched").format(models=known.models))
        except KNOWN_ERRORS as error:
            self.toast.emit(str(error))
        finally:
            self.price_line.set_busy(False)

    def _ask_to_remove(self, row: ProviderRow) -> None:
        ask_to_lose(
            self,
            "confirm_remove",
            tr("Remove the key for {title}?").format(title=row.title),
            tr("It is deleted here, not at {title}. Requests to {title} fail until a key is set again.").format(
                title=row.title
            ),
            lambda: self.context.spawn(self._remove(row)),
            words=tr("Remove"),
            keep=tr("Keep it"),
        )

    async def _remove(self, row: ProviderRow) -> None:
        try:
            await self.context.gateway.remove_provider_key(row.name)
        except KNOWN_ERRORS as error:
            self.toast.emit(vault_words(str(error)))
        else:
            self.toast.emit(tr("The key for {title} is removed").format(title=row.title))
        await self.refresh(Changes(providers=True))
