"""What the frozen program runs: the same entry point as the installed `faregate`."""

import sys

from app.__main__ import main

if __name__ == "__main__":
    sys.exit(main())
