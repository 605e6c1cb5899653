"""Stories of everybody else in the example company."""

from gateway.model import File, Text
from gateway.simulated.stories.models import FLASH, GPT, GROK, HAIKU, MINI, SONNET
from gateway.simulated.story import Say, Story, call, result, tool

MAIL = Story(
    name="mail",
    title="Rewrite onboarding e-mail",
    app="campaigns",
    user="fatima",
    by=FLASH,
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
            by=SONNET,
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
    by=HAIKU,
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
    by=MINI,
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
    by=GROK,
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

LEADS = Story(
    name="leads",
    title="Classify three leads",
    app="campaigns",
    user="emeka",
    by=MINI,
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
    by=GPT,
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
