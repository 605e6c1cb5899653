"""Text documents for pieces: dressed in the theme's fonts and colours, and never fetching anything.

Colours are baked into a document when it is made, so that a flip of the theme makes them anew. Code is coloured by
formats of its layout, which costs a tenth of changing its text's formats.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from PySide6.QtCore import QUrl
from PySide6.QtGui import (
    QBrush,
    QFont,
    QTextBlock,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFrameFormat,
    QTextLayout,
    QTextLength,
    QTextOption,
    QTextTable,
)

from app.fonts import MONO_FAMILY, mono_font, ui_font
from app.parts.highlight import spans
from app.parts.json_lines import JsonLine
from app.theme import Theme

_MARKDOWN = QTextDocument.MarkdownFeature.MarkdownDialectGitHub | QTextDocument.MarkdownFeature.MarkdownNoHTML
_PROPORTIONAL = QTextBlockFormat.LineHeightTypes.ProportionalHeight.value
_PROSE_LINE, _CODE_LINE = 140.0, 125.0
_BOLD = 600
_INDENT = 22
_HEADINGS = {1: 16, 2: 15, 3: 14}


class SilentDocument(QTextDocument):
    """A picture that a text names is not loaded, neither from the net nor from the disk."""

    def loadResource(self, type: int, name: QUrl | str) -> Any:
        return None


def _document(font: QFont) -> SilentDocument:
    made = SilentDocument()
    made.setUndoRedoEnabled(False)
    made.setDocumentMargin(0)
    made.setDefaultFont(font)
    option = QTextOption()
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
    made.setDefaultTextOption(option)
    return made


def _set_line_height(document: QTextDocument, percent: float) -> None:
    cursor = QTextCursor(document)
    cursor.select(QTextCursor.SelectionType.Document)
    form = QTextBlockFormat()
    form.setLineHeight(percent, _PROPORTIONAL)
    cursor.mergeBlockFormat(form)


def plain(text: str, *, px: int = 13, mono: bool = False) -> QTextDocument:
    made = _document(mono_font(px) if mono else ui_font(px))
    made.setPlainText(text)
    _set_line_height(made, _CODE_LINE if mono else _PROSE_LINE)
    return made


def prose(theme: Theme, text: str) -> QTextDocument:
    """Markdown; HTML in it is text."""
    made = _document(ui_font(13))
    made.setIndentWidth(_INDENT)
    made.setMarkdown(text, _MARKDOWN)
    # As one edit: else each cursor that is set lays its paragraph out, at no width yet.
    edit = QTextCursor(made)
    edit.beginEditBlock()
    _set_line_height(made, _PROSE_LINE)
    block = made.firstBlock()
    while block.isValid():
        _dress(theme, block)
        block = block.next()
    _trim(made)
    _dress_tables(theme, made)
    edit.endEditBlock()
    return made


def _dress(theme: Theme, block: QTextBlock) -> None:
    level = block.blockFormat().headingLevel()
    apart = QTextBlockFormat()
    apart.setTopMargin(6 if level and block.blockNumber() else 0)
    inside = block.textList() is not None and block.next().textList() is not None
    apart.setBottomMargin(2 if inside else 6 if level else 9)
    if not QTextCursor(block).currentTable():
        QTextCursor(block).mergeBlockFormat(apart)
    if level:
        cursor = QTextCursor(block)
        cursor.select(QTextCursor.SelectionType.BlockUnderCursor)
        form = QTextCharFormat()
        form.setFont(ui_font(_HEADINGS.get(level, 13), 600))
        form.setProperty(QTextCharFormat.Property.FontSizeAdjustment, 0)
        cursor.mergeCharFormat(form)
        return
    special = []
    each = block.begin()
    while not each.atEnd():
        fragment = each.fragment()
        form = fragment.charFormat()
        if form.fontFixedPitch() or form.isAnchor() or form.fontWeight() > _BOLD:
            special.append((fragment.position(), fragment.length(), form))
        each += 1
    for start, length, form in special:
        cursor = QTextCursor(block)
        cursor.setPosition(start)
        cursor.setPosition(start + length, QTextCursor.MoveMode.KeepAnchor)
        dressed = QTextCharFormat()
        if form.fontWeight() > _BOLD:
            # The heaviest that is shipped: a heavier one would be smeared out of it.
            dressed.setFontWeight(_BOLD)
        if form.isAnchor():
            dressed.setForeground(QBrush(theme.color("accent")))
        elif form.fontFixedPitch():
            dressed.setFontFamilies([MONO_FAMILY])
            dressed.setProperty(QTextCharFormat.Property.FontPixelSize, 12)
        cursor.mergeCharFormat(dressed)


def _trim(document: QTextDocument) -> None:
    """No room before the first and after the last paragraph: the card has its own."""
    for block, top in ((document.firstBlock(), True), (document.lastBlock(), False)):
        form = QTextBlockFormat()
        if top:
            form.setTopMargin(0)
        else:
            form.setBottomMargin(0)
        QTextCursor(block).mergeBlockFormat(form)


def _dress_tables(theme: Theme, document: QTextDocument) -> None:
    for frame in document.rootFrame().childFrames():
        if isinstance(frame, QTextTable):
            form = frame.format()
            form.setBorderCollapse(True)
            form.setCellPadding(5)
            form.setCellSpacing(0)
            form.setBorder(1)
            form.setBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
            form.setBorderBrush(QBrush(theme.color("border")))
            form.setWidth(QTextLength())
            frame.setFormat(form)


def _format(theme: Theme, tone: str) -> QTextCharFormat:
    form = QTextCharFormat()
    form.setForeground(QBrush(theme.color(tone)))
    return form


def _colour(document: QTextDocument, theme: Theme, runs: Iterable[tuple[int, int, str]]) -> None:
    """Colours (start, length, tone) in the whole text, over as many lines as each takes."""
    formats: dict[str, QTextCharFormat] = {}
    by_block: dict[int, list[QTextLayout.FormatRange]] = {}
    for start, length, tone in runs:
        form = formats.get(tone)
        if form is None:
            form = formats[tone] = _format(theme, tone)
        block = document.findBlock(start)
        end = start + length
        while block.isValid() and block.position() < end:
            first = max(0, start - block.position())
            covered = QTextLayout.FormatRange()
            covered.start = first
            covered.length = min(end - block.position(), block.length()) - first
            covered.format = form
            by_block.setdefault(block.blockNumber(), []).append(covered)
            block = block.next()
    for number, covering in by_block.items():
        document.findBlockByNumber(number).layout().setFormats(covering)
    document.markContentsDirty(0, document.characterCount())


def code(theme: Theme, text: str, language: str) -> QTextDocument:
    made = plain(text, px=12, mono=True)
    _colour(made, theme, _in_utf16(text, spans(text, language)))
    return made


def _in_utf16(text: str, runs: Iterable[tuple[int, int, str]]) -> Iterable[tuple[int, int, str]]:
    """Qt counts UTF-16 units, Python characters: they differ from the first astral one on."""
    if text.isascii() or max(text, default="") < "\U00010000":
        return runs
    places = [0]
    for character in text:
        places.append(places[-1] + (2 if character >= "\U00010000" else 1))
    return [(places[start], places[start + length] - places[start], tone) for start, length, tone in runs]


def json_tree(theme: Theme, lines: Sequence[JsonLine]) -> QTextDocument:
    text: list[str] = []
    runs: list[tuple[int, int, str]] = []
    at = 0
    for line in lines:
        pad = "  " * line.depth
        text.append(pad)
        at += len(pad)
        for words, tone in line.runs:
            if tone != "text":
                runs.append((at, len(words), tone))
            text.append(words)
            at += len(words)
        text.append("\n")
        at += 1
    whole = "".join(text)[:-1]
    made = plain(whole, px=12, mono=True)
    _colour(made, theme, _in_utf16(whole, runs))
    return made
