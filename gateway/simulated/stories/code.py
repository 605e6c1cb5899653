"""Stories of who writes and runs the example company's code."""

import base64
import struct
import zlib

from gateway.model import Blob, Reasoning, Text
from gateway.simulated.stories.models import FLASH, GPT, HAIKU, SONNET
from gateway.simulated.story import Fault, Say, Story, call, result, tool

_ENGINEER = (
    "You are a careful senior engineer working in the payments repository.\n"
    "Prefer the smallest change that fixes the cause, and say what you did not check.\n"
    "Run the tests before you say that you are done.\n"
    "Never touch the migrations without being asked."
)
_CODE_TOOLS = (
    tool("read_file", "Read lines of a file of the repository.", path="relative path", lines="first-last"),
    tool("edit_file", "Replace text in a file.", path="relative path", old="text to replace", new="its replacement"),
    tool("run_tests", "Run tests and return the end of their output.", selection="what pytest is given"),
)


def _chart(heights: tuple[int, ...], mark: int) -> str:
    """A bar chart as a PNG, base64 text; the bar at `mark` is red."""
    width, height, step = 480, 200, 480 // len(heights)
    rows = []
    for y in range(height):
        row = bytearray(b"\x00")
        for x in range(width):
            bar = min(x // step, len(heights) - 1)
            inside = x % step < step - 6 and height - 12 - y < heights[bar] and y < height - 12
            color = b"\xc0\x26\x2f" if bar == mark else b"\x3b\x5b\xdb"
            row += color if inside else b"\xe2\xe5\xea" if y == height - 12 or y % 47 == 0 else b"\xff\xff\xff"
        rows.append(bytes(row))

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"".join(rows), 9)) + chunk(b"IEND", b"")
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + body).decode()


_TEST_FILE = """\
def test_retry_is_idempotent(clock, queue):
    worker = RetryWorker(queue, backoff=2.0)
    worker.deliver(event(id="evt_1"), fail_times=2)
    clock.advance(4.0)
    assert queue.delivered("evt_1") == 1


def test_retry_gives_up(clock, queue):
    worker = RetryWorker(queue, backoff=2.0, attempts=3)
    worker.deliver(event(id="evt_2"), fail_times=9)
    clock.advance(60.0)
    assert queue.dead == ["evt_2"]"""

WEBHOOK = Story(
    name="webhook",
    title="Fix flaky payment webhook test",
    app="claude-code",
    user="ana",
    by=SONNET,
    system=_ENGINEER,
    tools=_CODE_TOOLS,
    context=5_200,
    turns=(
        Say(
            asked=[
                "The webhook test `test_retry_is_idempotent` fails about one run "
                "in ten on "
                "CI. Find out "
                "why and fix it."
            ],
            answered=[
                Reasoning(
                    "The failure is intermittent, so timing or shared "
                    "state. The test "
                    "seeds a fixed "
                    "event id, but the "
                    "retry worker reads the clock… I should read the fixture first, then run it repeatedly."
                ),
                "I will read the test and its fixture first.",
                call("toolu_01", "read_file", path="tests/webhooks/test_retry.py", lines="40-52"),
            ],
        ),
        Say(
            wait_s=0.3,
            asked=[result("toolu_01", _TEST_FILE, "read_file")],
            answered=[
                Reasoning("`clock` is a fake; does the worker use it? `backoff` is handed in, the clock is not."),
                call("toolu_02", "run_tests", selection="tests/webhooks -k idempotent --count 50"),
            ],
        ),
        Say(
            wait_s=8.8,
            asked=[
                result(
                    "toolu_02",
                    "F................................F................\n"
                    "FAILED tests/webhooks/test_retry.py::test_retry_is_idempotent - assert 2 == 1\n"
                    "2 failed, 48 passed in 8.41s",
                    "run_tests",
                )
            ],
            fault=Fault(429, "rate_limited", "Anthropic answered 429, too many requests; try again in 7 s."),
        ),
        Say(
            after=1,
            wait_s=17.5,
            asked=[
                result(
                    "toolu_02",
                    "F................................F................\n"
                    "FAILED tests/webhooks/test_retry.py::test_retry_is_idempotent - assert 2 == 1\n"
                    "2 failed, 48 passed in 8.41s",
                    "run_tests",
                )
            ],
            answered=[
                "The test and the worker disagree about time: the worker computes its back-off from the **wall "
                "clock**, while the test advances a fake one. When a run crosses a second boundary, the retry is "
                "scheduled twice.\n\nI will inject the clock into `RetryWorker` and run the test 50 times.",
                call(
                    "toolu_03",
                    "edit_file",
                    path="payments/webhooks/worker.py",
                    old="        due = time.time() + self.backoff * 2 ** attempt",
                    new="        due = self._clock.now() + self.backoff * 2 ** attempt",
                ),
            ],
        ),
        Say(
            wait_s=0.2,
            asked=[result("toolu_03", "1 replacement in payments/webhooks/worker.py", "edit_file")],
            answered=[call("toolu_04", "run_tests", selection="tests/webhooks -k idempotent --count 50")],
        ),
        Say(
            wait_s=8.6,
            asked=[
                result(
                    "toolu_04", "..................................................\n50 passed in 8.41s", "run_tests"
                )
            ],
            answered=[
                "Fixed: all 50 runs pass.\n\n"
                "```python\nclass RetryWorker:\n    def __init__(self, queue, backoff, clock=system_clock):\n"
                "        self._queue = queue\n        self._clock = clock  # the test hands in its own\n"
                "        self.backoff = backoff\n```\n\n"
                "What I did **not** check: other workers that call `time.time()`. `git grep` finds three of them; "
                "say if I should change those too."
            ],
        ),
        Say(
            wait_s=95,
            asked=["Yes, the other three too, please."],
            answered=["Changed in `reaper.py`, `digest.py` and `lease.py`; 214 tests pass."],
        ),
    ),
)

REVIEW = Story(
    name="review",
    title="Review PR 2231: retry budget",
    app="codex",
    user="chloe",
    by=GPT,
    system="You are a coding agent. Work in small steps, and show what you ran.",
    tools=(
        tool("shell", "Run a command in the repository.", command="the command"),
        tool("spawn_agent", "Give a task to another agent and wait for its answer.", task="what to do"),
    ),
    context=4_300,
    turns=(
        Say(
            asked=["Review PR 2231, the retry budget. Is it safe to merge before the release?"],
            answered=[Reasoning(""), call("call_a1", "shell", command="git diff main...pr-2231 --stat")],
            unsaid=190,
        ),
        Say(
            wait_s=0.4,
            asked=[
                result(
                    "call_a1",
                    " payments/budget.py       | 61 ++++++++++++++++++++++++++++\n"
                    " payments/client.py       | 24 ++++++++---\n"
                    " tests/test_budget.py     | 88 ++++++++++++++++++++++++++++++++++++++\n"
                    " 3 files changed, 166 insertions(+), 7 deletions(-)",
                    "shell",
                )
            ],
            answered=[
                Reasoning(""),
                call("call_a2", "shell", command="git diff main...pr-2231 -- payments/client.py"),
                call("call_a3", "spawn_agent", task="Look for races in payments/budget.py of PR 2231."),
            ],
            unsaid=260,
        ),
        Say(
            own="You look for races in one file, and answer with what you found.",
            agent="race-finder",
            after=1,
            wait_s=0.2,
            asked=["Look for races in payments/budget.py of PR 2231."],
            answered=[
                "`spend()` reads and writes `self._left` without the lock that `refill()` takes. Two threads can "
                "spend the same token."
            ],
            unsaid=410,
        ),
        Say(
            after=1,
            wait_s=9,
            asked=[
                result(
                    "call_a2",
                    "--- a/payments/client.py\n+++ b/payments/client.py\n@@ -41,7 +41,9 @@ class Client:\n"
                    "-        for attempt in range(5):\n+        while self._budget.spend():\n"
                    "             response = self._post(path, body)\n+            if response.ok:\n"
                    "+                return response",
                    "shell",
                ),
                result(
                    "call_a3",
                    '{"verdict": "race", "where": "payments/budget.py:38", '
                    '"detail": '
                    '"spend() does not '
                    'hold the lock"}',
                    "spawn_agent",
                ),
            ],
            answered=[
                Reasoning(""),
                "**Not yet.** Two findings:\n\n"
                "1. `Budget.spend()` has a race: it does not hold the lock that "
                "`refill()` "
                "takes, so "
                "that two threads "
                "can spend the same token (`budget.py:38`).\n"
                "2. `client.py` returns `None` where the budget is empty; every caller expects a `Response`.\n\n"
                "| finding | severity | effort |\n|---|---|---|\n| race in `spend()` | high | 2 lines |\n"
                "| `None` instead of an error | high | 1 line, 1 test |",
            ],
            unsaid=520,
        ),
        Say(
            wait_s=140,
            asked=["Write the fix for the first one."],
            answered=[
                Reasoning(""),
                "```diff\n--- a/payments/budget.py\n+++ b/payments/budget.py\n@@ -36,5 +36,6 @@\n"
                "     def spend(self) -> bool:\n-        if self._left <= 0:\n-            return False\n"
                "-        self._left -= 1\n+        with self._lock:\n+            if self._left <= 0:\n"
                "+                return False\n+            self._left -= 1\n         return True\n```",
            ],
            unsaid=150,
        ),
    ),
)

MIGRATION = Story(
    name="migration",
    title="Migration plan: Postgres 14 to 17",
    app="claude-code",
    user="ben",
    by=HAIKU,
    system=_ENGINEER,
    tools=_CODE_TOOLS,
    context=6_800,
    turns=(
        Say(
            asked=["We have to go from Postgres 14 to 17 with less than two minutes of downtime. Draft a plan."],
            answered=[
                "## Plan\n\n1. Set up a 17 replica by *logical* replication from a base backup.\n"
                "2. Run both for a week; compare checksums nightly.\n"
                "3. Stop writes, wait until the lag is 0, switch the DNS record.\n\n"
                "Sequences are not replicated: they must be set after step 3."
            ],
        ),
        Say(
            wait_s=210,
            asked=["How do I set all sequences at once?"],
            answered=[
                "This writes the statements for you:\n\n"
                "```sql\n-- run on the new primary\nSELECT "
                "format('SELECT "
                "setval(%L, (SELECT "
                "COALESCE(MAX(%I), 1) FROM %I));',\n"
                "              s.oid::regclass, a.attname, t.relname)\nFROM pg_class s\n"
                "JOIN pg_depend d ON d.objid = s.oid\nJOIN pg_class t ON d.refobjid = t.oid\n"
                "JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid\nWHERE s.relkind = 'S';\n```"
            ],
        ),
        Say(
            wait_s=420,
            by=SONNET,
            cold=True,
            asked=["Think harder: what breaks in this plan when someone runs DDL during the week?"],
            answered=[
                Reasoning(
                    "Logical replication does not carry DDL. A column added on the old primary breaks apply on the "
                    "new one: the subscription stops, and WAL piles up on the publisher until the disk is full. So "
                    "the plan needs a freeze or a second channel for DDL, and an alarm on slot lag."
                ),
                "Two things break, and the second is worse:\n\n"
                "- **DDL is not replicated.** A new column stops the subscription at its first row.\n"
                "- **A stopped subscription holds the slot**, and WAL fills the publisher's disk.\n\n"
                "So: freeze DDL for the week, set `max_slot_wal_keep_size = '40GB'`, and alarm on "
                "`pg_replication_slots.wal_status <> 'reserved'`.",
            ],
        ),
    ),
)

LATENCY = Story(
    name="latency",
    title="Why is checkout p95 up?",
    app="gemini-cli",
    by=FLASH,
    system="You answer questions about the service's dashboards. Say which numbers you read, and how sure you are.",
    tools=(tool("query_metrics", "Run a PromQL query.", query="PromQL", range="such as 6h"),),
    context=3_900,
    turns=(
        Say(
            asked=[
                Text("Why is checkout p95 up since noon? This is the dashboard."),
                Blob("image/png", _chart((60, 64, 58, 66, 72, 150, 158, 162), 5), filename="checkout-p95.png"),
            ],
            answered=[
                "The sixth bar, at 12:00, is more than twice the fifth; it "
                "stays there. I "
                "will look at "
                "what the time is "
                "spent on.",
                call(
                    "q1",
                    "query_metrics",
                    query="histogram_quantile(0.95, sum by (le, step) (rate(checkout_step_seconds_bucket[5m])))",
                    range="6h",
                ),
            ],
            unsaid=320,
        ),
        Say(
            wait_s=1.2,
            asked=[
                result(
                    "q1",
                    '{"status":"success","series":[{"step":"price","p95":[0.11,0.11,0.12]},{"step":"stock","p95":'
                    '[0.09,0.1,0.09]},{"step":"tax","p95":[0.21,0.88,0.93]},{"step":"pay","p95":[0.4,0.41,0.42]}],'
                    '"times":["11:00","12:00","13:00"]}',
                    "query_metrics",
                )
            ],
            answered=[
                "It is the **tax** step: its p95 went from 0.21 s to 0.88 s at "
                "12:00; the "
                "other three "
                "did not change.",
                call("q2", "query_metrics", query="rate(tax_cache_misses_total[5m])", range="6h"),
            ],
            unsaid=180,
        ),
        Say(
            wait_s=0.9,
            asked=[
                result("q2", '{"status":"error","error":"query timed out after 10s"}', "query_metrics", failed=True)
            ],
            fault=Fault(502, "provider_error", "Google Gemini answered 500; try again, or choose another model."),
        ),
    ),
)

TERRAFORM = Story(
    name="terraform",
    title="Explain terraform diff",
    app="gemini-cli",
    by=FLASH,
    system="You explain infrastructure changes to people who must approve them.",
    context=4_100,
    turns=(
        Say(
            asked=[
                "Explain this plan. Is anything destroyed?\n\n"
                '```hcl\n# aws_db_instance.main must be replaced\n-/+ resource "aws_db_instance" "main" {\n'
                '      ~ engine_version    = "14.9" -> "17.2"\n'
                "      ~ storage_encrypted = false -> true # forces replacement\n    }\n```"
            ],
            answered=[
                "**Yes: the database is destroyed and made anew.** "
                "Turning on "
                "`storage_encrypted` "
                "cannot be done in place. "
                "The version alone could be upgraded.\n\nDo not apply this. Instead:\n\n"
                "1. take a snapshot,\n2. copy it with `--kms-key-id`,\n3. restore the encrypted copy and switch over."
            ],
            unsaid=210,
        ),
        Say(
            wait_s=48,
            asked=["How long does the copy take for 800 GB?"],
            answered=[
                "Usually one to three hours; it does not block the running database. I have not seen your I/O limits."
            ],
            unsaid=90,
        ),
    ),
)
