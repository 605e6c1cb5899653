"""What draws anywhere within a plot's view, and is bounded by that view rather than by its own data."""

from pyqtgraph.graphicsItems.GraphicsObject import GraphicsObject
from PySide6.QtCore import QRectF


class ViewItem(GraphicsObject):  # type: ignore[misc]
    """A subclass gives `paint`."""

    def boundingRect(self) -> QRectF:
        view = self.getViewBox()
        return QRectF(view.viewRect()) if view is not None else QRectF()

    def viewRangeChanged(self) -> None:
        self.prepareGeometryChange()
