"""`python -m gateway`: the commands that need no window."""

import sys

from gateway.cli import main

if __name__ == "__main__":
    sys.exit(main())
