"""What draws anywhere within a plot's view, and is bounded by that view rather than by its own data."""

import pyqtgraph as pg
from PySide6.QtCore import QRectF


class ViewItem(pg.GraphicsObject):  # type: ignore[misc]
    """A subclass gives `paint`."""

    def boundingRect(self) -> QRectF:
        view = self.getViewBox()
        return QRectF(view.viewRect()) if view is not None else QRectF()

    def viewRangeChanged(self) -> None:
        self.prepareGeometryChange()
