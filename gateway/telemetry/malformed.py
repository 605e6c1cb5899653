"""What no exporter may send: a payload that cannot be read, or one that would grow beyond all bounds when read."""


class Malformed(ValueError):
    """One sentence: what is wrong, and where."""


class TooMany(Malformed):
    """It holds more elements than are read of one request."""
