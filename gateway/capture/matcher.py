"""A process of its own that applies the user's patterns: `python -I matcher.py`.

Whoever wrote a pattern may have written one that takes for ever on some text, and the interpreter cannot be stopped
within a match: this process can. It needs the standard library only. Lines of JSON: first the rules as
[[pattern, replacement], …], then texts; each text is answered by one line, the text with every rule applied.
"""

import json
import re
import sys

# The word by which a frozen program, which runs no scripts, is this process too.
MATCHER = "match-redactions"


def main() -> None:
    lines, out = sys.stdin.buffer, sys.stdout.buffer
    rules = [(re.compile(pattern), replacement) for pattern, replacement in json.loads(lines.readline())]
    for line in lines:
        text = json.loads(line)
        for pattern, replacement in rules:
            text = pattern.sub(replacement, text)
        out.write(json.dumps(text).encode() + b"\n")
        out.flush()


if __name__ == "__main__":
    main()
