"""What msgspec makes of a struct's types, made before several threads ask for it.

It is made where a type is first read into, and stands at the class before it is whole: a thread that reads into the
same type meanwhile ends the process (msgspec 0.22, `msgspec.convert` in two threads).
"""

import functools
from collections.abc import Iterator

import msgspec
from msgspec import Struct

PACKAGE = __name__.partition(".")[0]


@functools.cache
def make_all() -> None:
    """For every struct of this package that is imported so far: 20 ms, once."""
    for struct in structs():
        try:
            msgspec.json.Decoder(struct)
        except (TypeError, NameError):
            # Its types are none that can be read into, so nothing reads into it.
            continue


def structs(base: type[Struct] = Struct) -> Iterator[type[Struct]]:
    """Those of this package."""
    for struct in base.__subclasses__():
        if struct.__module__.partition(".")[0] == PACKAGE:
            yield struct
        yield from structs(struct)
