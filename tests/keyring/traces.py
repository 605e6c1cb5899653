"""Every spelling under which a secret could lie in a file."""

import base64
from pathlib import Path


def spellings(secret: str) -> dict[str, bytes]:
    raw = secret.encode()
    found = {
        "raw": raw,
        "reversed": raw[::-1],
        "hex": raw.hex().encode(),
        "HEX": raw.hex().upper().encode(),
        "utf-16-le": secret.encode("utf-16-le"),
        "utf-16-be": secret.encode("utf-16-be"),
        "utf-32-le": secret.encode("utf-32-le"),
    }
    for shift, skipped in ((0, 0), (1, 2), (2, 3)):
        # Only the characters that depend on nothing but the secret, at each of the three alignments.
        whole = (shift + len(raw)) * 8 // 6
        for name, encode in (("base64", base64.b64encode), ("base64url", base64.urlsafe_b64encode)):
            found[f"{name} at {shift}"] = encode(b"\0" * shift + raw)[skipped:whole]
    return found


def traces_in(path: Path, secret: str) -> list[str]:
    """`file: spelling` for each place below a folder where the secret can be read."""
    found = []
    for file in sorted(path.rglob("*")):
        if file.is_file():
            data = file.read_bytes()
            found += [f"{file.name}: {name}" for name, spelt in spellings(secret).items() if spelt in data]
    return found
