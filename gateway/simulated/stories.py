"""The example company's conversations, as scripts: its people, code and figures are made up."""

import base64
import struct
import zlib

from gateway.model import Blob, File, Reasoning, Text
from gateway.simulated.story import Fault, Say, Story, call, result, tool

_SONNET = ("anthropic", "claude-sonnet-4-6")
_HAIKU = ("anthropic", "claude-haiku-4-5")
_GPT = ("openai", "gpt-5.4")
_MINI = ("openai", "gpt-4.1-mini")
_FLASH = ("google", "gemini-2.5-flash")
_GROK = ("xai", "grok-4.3")

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
    by=_SONNET,
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
    by=_GPT,
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
    by=_HAIKU,
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
            by=_SONNET,
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
    by=_FLASH,
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

MAIL = Story(
    name="mail",
    title="Rewrite onboarding e-mail",
    app="campaigns",
    user="fatima",
    by=_FLASH,
    system="You write short, plain marketing texts in British English. No exclamation marks, no superlatives.",
    streamed=False,
    turns=(
        Say(
            asked=["Rewrite our onboarding e-mail so that it fits on one phone screen. It goes out on day three."],
            answered=[
                "**Subject:** Your first report is two clicks away\n\nHello "
                "Sam,\n\nyour "
                "data has been "
                "arriving since "
                "Monday. Open *Reports*, choose *Weekly*, and send "
                "it to your "
                "team.\n\nIf a number "
                "looks odd, reply to "
                "this mail: a person reads it."
            ],
            dropped=("logit_bias",),
        ),
        Say(
            wait_s=160,
            asked=["Make it more playful."],
            answered=["**Subject:** Psst: your numbers are in\n\nHello Sam, your data moved in on Monday …"],
        ),
        Say(
            after=0,
            wait_s=300,
            asked=["Make it shorter, and ask for a reply."],
            answered=[
                "**Subject:** Your first report\n\nHello Sam,\n\nyour data is "
                "in. *Reports "
                "→ Weekly* "
                "sends it to your "
                "team.\n\nDoes a number look odd? Reply, and a person answers."
            ],
            adapted=("temperature: 1.4 became 1.0",),
        ),
        Say(
            wait_s=45,
            by=_SONNET,
            asked=["Now in German."],
            answered=[
                "**Betreff:** Ihr erster Bericht\n\nHallo Sam,\n\nIhre Daten "
                "sind da. Über "
                "*Berichte → "
                "Woche* geht er an "
                "Ihr Team.\n\nSieht eine Zahl seltsam aus? Antworten Sie einfach, es liest ein Mensch."
            ],
        ),
    ),
)

REFUND = Story(
    name="refund",
    title="Wrong chain in order 48213",
    app="helpdesk",
    user="grace",
    by=_HAIKU,
    system=(
        "You are the help desk of a shop for bicycle parts. Be brief and friendly.\n"
        "Look up orders before you promise anything. Refunds above $200 go to a person."
    ),
    tools=(
        tool("find_order", "Look up an order.", number="order number"),
        tool("refund", "Refund an order or a part of it.", number="order number", amount="dollars"),
    ),
    context=900,
    turns=(
        Say(
            asked=["hi, my order 48213 came with the wrong chain. can I send it back?"],
            answered=[call("t1", "find_order", number="48213")],
        ),
        Say(
            wait_s=0.3,
            asked=[
                result(
                    "t1",
                    '{"number":"48213","placed":"2026-11-17","items":[{"sku":"CH-11-118","name":"Chain, '
                    "11 speed, 118 "
                    'links","price":38.5},{"sku":"LK-11","name":"Quick link","price":6.0}],"total":44.5,"state":'
                    '"delivered"}',
                    "find_order",
                )
            ],
            answered=[
                "Sorry about that. I see an 11-speed chain with 118 links in "
                "your order. "
                "Which one did "
                "you want: 12 speed, "
                "or another length?"
            ],
        ),
        Say(
            wait_s=64,
            asked=["12 speed. I'd rather have my money back"],
            answered=[
                "Of course. I refund the chain now; keep the quick link if it helps.",
                call("t2", "refund", number="48213", amount="38.50"),
            ],
        ),
        Say(
            wait_s=0.5,
            asked=[result("t2", '{"refunded":38.5,"arrives":"in 3 to 5 days"}', "refund")],
            answered=[
                "Done: **$38.50** is on its way back to your card, in 3 to 5 days. No need to send the chain back."
            ],
        ),
    ),
)

TICKETS = Story(
    name="tickets",
    title="Summarise the quarter's delivery tickets",
    app="helpdesk",
    by=_MINI,
    system="You summarise support tickets for the weekly meeting. Numbers first, then what to do.",
    tools=(tool("search_tickets", "Search tickets.", query="words", since="ISO date"),),
    context=700,
    turns=(
        Say(
            asked=["Summarise this quarter's tickets about delivery."],
            answered=[call("s1", "search_tickets", query="delivery", since="2026-10-01")],
        ),
        Say(
            wait_s=0.8,
            asked=[
                result(
                    "s1",
                    '{"total":412,"by_cause":{"late":187,"lost":41,"wrong address":66,"damaged":118},"by_carrier":'
                    '{"north":{"late":151,"lost":30},"coastal":{"late":36,"lost":11}},"sample":[{"id":9912,"text":'
                    '"Parcel says delivered, nothing here"},{"id":9934,"text":"Box was open and wet"}]}',
                    "search_tickets",
                )
            ],
            answered=[
                "**412 tickets**, a third of them late parcels of one carrier.\n\n"
                "| cause | tickets | share |\n|---|---:|---:|\n| late | 187 | 45 % |\n| damaged | 118 | 29 % |\n"
                "| wrong address | 66 | 16 % |\n| lost | 41 | 10 % |\n\n"
                "- *North* has 151 of the 187 late ones: ask for their plan before December.\n"
                "- Damaged boxes doubled since the new packaging."
            ],
        ),
    ),
)

CHURN = Story(
    name="churn",
    title="Generate SQL for churn by cohort",
    app="notebooks",
    by=_GROK,
    system="You write SQL for our warehouse (DuckDB). Answer with one query and two sentences.",
    context=2_400,
    streamed=False,
    turns=(
        Say(
            asked=["Monthly churn by cohort of sign-up, last year, only paying teams."],
            answered=[
                "```sql\nWITH active AS (\n  SELECT team_id, date_trunc('month', day) AS month\n  FROM usage_daily\n"
                "  WHERE plan <> 'free'\n  GROUP BY ALL\n), cohort AS (\n  "
                "SELECT team_id, "
                "MIN(month) "
                "AS born FROM active "
                "GROUP BY 1\n)\nSELECT born, month, COUNT(*) AS teams,\n       1 - COUNT(*) / first(COUNT(*)) OVER "
                "(PARTITION BY born ORDER BY month) AS churn\nFROM active JOIN cohort USING (team_id)\n"
                "WHERE born >= current_date - INTERVAL 1 YEAR\nGROUP BY born, month\nORDER BY 1, 2;\n```\n\n"
                "A team counts as active in every month with at least one row. "
                "`churn` is "
                "relative to "
                "the cohort's first "
                "month."
            ],
            unsaid=640,
        ),
        Say(
            wait_s=75,
            asked=["It double counts teams that paused. Can you leave pauses of one month out?"],
            answered=[
                "Fill gaps of one month before counting:\n\n```sql\nSELECT team_id, month FROM active\nUNION\n"
                "SELECT team_id, month + INTERVAL 1 MONTH FROM active a\nWHERE EXISTS (\n  SELECT 1 FROM active b\n"
                "  WHERE b.team_id = a.team_id AND b.month = a.month + INTERVAL 2 MONTH\n)\n```"
            ],
            unsaid=510,
        ),
    ),
)

TERRAFORM = Story(
    name="terraform",
    title="Explain terraform diff",
    app="gemini-cli",
    by=_FLASH,
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

LEADS = Story(
    name="leads",
    title="Classify three leads",
    app="campaigns",
    user="emeka",
    by=_MINI,
    system='Classify each lead. Answer with JSON only: {"leads":[{"id","fit","why"}]}.',
    streamed=False,
    turns=(
        Say(
            asked=[
                Text(
                    "Classify these: 1 a school in Lagos, 40 seats · 2 a "
                    "one-person studio · "
                    "3 a bank, "
                    "900 seats, on-premises"
                ),
                File("file_8x2k", filename="criteria.pdf", mime_type="application/pdf"),
            ],
            answered=[
                '```json\n{"leads": [\n  {"id": 1, "fit": "good", "why": "size and use match"},\n'
                '  {"id": 2, "fit": "poor", "why": "below five seats"},\n'
                '  {"id": 3, "fit": "ask", "why": "needs on-premises"}\n]}\n```'
            ],
        ),
    ),
)

PAPERS = Story(
    name="papers",
    title="Paper on tail latency",
    app="notebooks",
    by=_GPT,
    system="You summarise papers for engineers: what was done, what was found, what it does not show.",
    context=9_800,
    turns=(
        Say(
            asked=[
                "Summarise the attached paper on tail latency in two hundred words.",
                File("file_p7", filename="tail.pdf"),
            ],
            answered=[
                "**Done.** The authors replay a month of traces of a search "
                "cluster and "
                "send a second "
                "copy of a request "
                "once the first has waited longer than the 95th "
                "percentile.\n\n**Found.** "
                "The 99.9th "
                "percentile falls by "
                "44 %, for 2.1 % more requests.\n\n**Not shown.** What happens when the cluster is already full: the "
                "copies are then most of the load. The paper's *Figure 9* stops at 60 % utilisation."
            ],
            unsaid=380,
        ),
        Say(
            wait_s=130,
            asked=["So should we do it for the price service, which runs at 70 %?"],
            answered=[
                "Not as it stands. At 70 % you are beyond what was measured. Try "
                "it behind "
                "a budget: "
                "allow copies for at "
                "most 1 % of requests, and stop them when the queue grows."
            ],
            unsaid=240,
        ),
    ),
)

STORIES = (WEBHOOK, TICKETS, MAIL, LATENCY, REFUND, MIGRATION, CHURN, REVIEW, TERRAFORM, LEADS, PAPERS)
