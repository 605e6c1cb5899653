"""`faregate serve`, with writers that keep so little of their databases that their caches are full after a second.

Usually they grow to a bound within minutes; what memory grows by here is bounded by nothing.
"""

import sys

from gateway.cli import main
from gateway.gateway import Gateway

CACHE_KIB = 1024

if __name__ == "__main__":
    assert Gateway.__init__.__kwdefaults__ is not None
    Gateway.__init__.__kwdefaults__["cache_kib"] = CACHE_KIB
    sys.exit(main())
