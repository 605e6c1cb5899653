"""The list that comes with the program is looked up without the libraries that fetch and check another one."""

import json
import subprocess
import sys
from pathlib import Path

from gateway.prices.pricing import Pricing
from tests.prices.test_price_updates import AT_US, LIST, USED

ROOT = Path(__file__).parents[2]
ASKED = [("openai", "gpt-4.1"), ("anthropic", "claude-opus-4-6"), ("google", "gemini-2.5-pro"), ("x-ai", "grok-4.3")]
PROGRAM = f"""
import gc, json, sys
from pathlib import Path
from gateway.model import Usage
from gateway.prices.pricing import Pricing
from gateway.prices import price_list

def told(pricing):
    used = Usage(input_tokens=1_000_000)
    return [pricing.price(*pair, used, {AT_US}).cost_nano for pair in {ASKED}]

def imported():
    return [name for name in ("pydantic", "httpx2", "genai_prices.data") if name in sys.modules]

bare = Pricing()
bare.warm()
kept = sum(type(each).__name__ == "ModelInfo" for each in gc.get_objects())
before = [told(bare), imported(), kept]
folder = Path(sys.argv[1])
fetched = Pricing()
fetched.load_list(folder)
during = [told(fetched), imported()]
import genai_prices
from genai_prices.data import providers
print(json.dumps([before, during, told(bare), sum(len(each.models) for each in providers), bare.list_state.models]))
"""


def test_its_own_list_needs_neither_of_them_and_a_fetched_one_has_both(tmp_path: Path) -> None:
    """They are 8 MB for good, and three quarters of the time until the first request can be priced."""
    (tmp_path / "prices.json").write_text(json.dumps({"fetched_us": AT_US, "providers": LIST}))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    (own, alone, kept), (other, checked), after, models, counted = json.loads(done.stdout)
    assert own == [Pricing().price(*pair, USED, AT_US).cost_nano for pair in ASKED] and own[0] == 2_000_000_000
    assert (alone, checked) == ([], ["pydantic", "httpx2"])
    assert (other, after) == ([3_100_000_000, 4_000_000_000, 5_000_000_000, 6_000_000_000], own)
    assert models == counted > 1_000 > 2 * kept > 0, "models that no provider of ours is looked up in are kept"


def test_a_program_that_has_imported_them_keeps_what_it_has() -> None:
    program = (
        "import httpx2, pydantic, genai_prices; from genai_prices import types; "
        "from gateway.prices.pricing import Pricing; pricing = Pricing(); pricing.warm(); "
        "import genai_prices as again; print(again is genai_prices, types.pydantic is pydantic, "
        "sys.modules['httpx2'] is httpx2)"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; {program}"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["True"] * 3
