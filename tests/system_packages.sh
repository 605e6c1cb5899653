#!/usr/bin/env bash
# Installs the system libraries and programs that the tests need: Qt's libraries, a virtual display with a tray host,
# a session bus with a keyring. As root on Debian or Ubuntu it installs them; elsewhere it names them and fails.
set -eu

packages=(
    libglib2.0-0 libgl1 libegl1 libxkbcommon0 libdbus-1-3 libfontconfig1
    libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxcb-shape0 libxcb-xkb1 libxcb-randr0 libxkbcommon-x11-0 libx11-xcb1
    xvfb xauth x11-xserver-utils trayer xdotool imagemagick
    dbus gnome-keyring python3-dbus python3-gi curl
)

missing=()
for package in "${packages[@]}"; do
    # Newer releases renamed some libraries (libglib2.0-0t64): any spelling of the name will do.
    dpkg-query -W -f '${Status}\n' "$package" "${package}t64" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
[ "${#missing[@]}" -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null || [ "$(id -u)" -ne 0 ]; then
    echo "The tests need these system packages (Debian's names): ${missing[*]}" >&2
    echo "Install them, for example: sudo apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
fi
echo "Installing system packages for the tests: ${missing[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq >/dev/null
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
