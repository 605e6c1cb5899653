"""How much larger than usual the system's text is, as people have set it for their whole desktop.

Asked before there is an application, since Qt takes its scale only then. Linux: the XDG desktop portal
`org.freedesktop.portal.Settings` over D-Bus, by its method `Read`, which every version has: GNOME's
`text-scaling-factor` (a factor) and KDE's general font (`QFont::toString`, family and points first; KDE's own default
is 10 pt). Windows: `TextScaleFactor` in the registry, in percent; not run yet. macOS has no such setting.
"""

import socket
import sys
import time
from collections.abc import Iterator, Mapping

WAIT_S = 0.2
"""For how long a start waits for the desktop, in all."""

_FACTOR = ("org.gnome.desktop.interface", "text-scaling-factor")
_FONT = ("org.kde.kdeglobals.General", "font")
_USUAL_POINTS = 10
_LEAST, _MOST = 0.5, 3.0


def text_scale(environ: Mapping[str, str]) -> float | None:
    """1.0 is the usual size, and what is told where nothing can be asked or the answer is odd; None where the desktop
    did not answer in time."""
    if sys.platform == "win32":
        return percent_scale(_registry_percent())
    if not sys.platform.startswith("linux") or not environ.get("DBUS_SESSION_BUS_ADDRESS"):
        return 1.0
    answers: dict[tuple[str, str], object] = {}
    try:
        for key, answer in _portal_answers(environ["DBUS_SESSION_BUS_ADDRESS"], (_FACTOR, _FONT)):
            answers[key] = answer
    except TimeoutError:
        if all(answer is None for answer in answers.values()):
            return None
    except Exception:
        # Whatever a bus says, or however it ends: the window opens, and no log is there yet to tell it to.
        pass
    # On X11 the factor is in the display's resolution already, which Qt follows: GNOME's settings daemon multiplies
    # `Xft.dpi` by it. Without that daemon GTK's own programs do not take the factor either.
    factor = 1.0 if _is_x11(environ) else factor_scale(answers.get(_FACTOR))
    return factor * font_scale(answers.get(_FONT))


# what is answered


def factor_scale(factor: object) -> float:
    return _sane(factor)


def font_scale(font: object) -> float:
    """`Noto Sans,13,-1,5,…`: a font that is given in pixels says -1 points, and nothing of the text's size."""
    fields = font.split(",") if isinstance(font, str) else []
    try:
        return _sane(float(fields[1]) / _USUAL_POINTS)
    except (IndexError, ValueError):
        return 1.0


def percent_scale(percent: object) -> float:
    return _sane(percent / 100) if isinstance(percent, int) else 1.0


def _sane(scale: object) -> float:
    """What no desktop offers is a mistake, not a wish."""
    return float(scale) if isinstance(scale, int | float) and _LEAST <= scale <= _MOST else 1.0


# who is asked


def _portal_answers(address: str, keys: tuple[tuple[str, str], ...]) -> Iterator[tuple[tuple[str, str], object]]:
    """Each key's value as soon as it is there, None for one that the portal does not know; one way there and back.

    Raises TimeoutError after `WAIT_S`, and whatever else a bus may lead to.
    """
    # The library is a part of a start only where there is a bus.
    from jeepney import DBusAddress, HeaderFields, MessageType, Parser, new_method_call
    from jeepney.bus import get_bus
    from jeepney.bus_messages import message_bus
    from jeepney.io.blocking import prep_socket

    deadline = time.monotonic() + WAIT_S
    portal = DBusAddress(
        "/org/freedesktop/portal/desktop", "org.freedesktop.portal.Desktop", "org.freedesktop.portal.Settings"
    )
    waiting = dict(enumerate(keys, start=2))
    asked = [message_bus.Hello().serialise(1)]
    asked += [new_method_call(portal, "Read", "ss", key).serialise(serial) for serial, key in waiting.items()]
    bus: socket.socket
    with prep_socket(get_bus(address), timeout=WAIT_S) as bus:
        bus.settimeout(_left(deadline))
        bus.sendall(b"".join(asked))
        parser = Parser()
        while waiting:
            while (message := parser.get_next_message()) is None:
                bus.settimeout(_left(deadline))
                received = bus.recv(4096)
                if not received:
                    raise ConnectionResetError
                parser.add_data(received)
            key = waiting.pop(message.header.fields.get(HeaderFields.reply_serial, 0), None)
            if key is not None:
                answered = message.header.message_type is MessageType.method_return and message.body
                yield key, _unwrapped(message.body[0]) if answered else None


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _unwrapped(value: object) -> object:
    """A variant is a pair of signature and value; `Read` wraps its answer in two."""
    while isinstance(value, tuple) and len(value) == 2:
        value = value[1]
    return value


def _is_x11(environ: Mapping[str, str]) -> bool:
    """Whether Qt will take its plugin for X11, as far as the environment says it."""
    if platform := environ.get("QT_QPA_PLATFORM"):
        return platform.startswith("xcb")
    return "WAYLAND_DISPLAY" not in environ and environ.get("XDG_SESSION_TYPE") != "wayland"


def _registry_percent() -> object:
    if sys.platform == "win32":
        import winreg

        try:
            with winreg.OpenKey(winreg.HKEY_CURRENT_USER, r"Software\Microsoft\Accessibility") as key:
                return winreg.QueryValueEx(key, "TextScaleFactor")[0]
        except OSError:
            return None
    return None
