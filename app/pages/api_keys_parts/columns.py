"""The columns of the API keys table, and how tags are typed."""

from collections.abc import Callable, Iterable, Mapping

from msgspec import structs

from app import formats
from app.tables.column import Column, PillText
from app.tables.figure_columns import age_column, count_column
from app.translation import later, tr
from gateway import ApiKeyRow

ROLES = (
    ("execute", later("Execute"), later("Sends requests and sees its own usage. What a tool or an app needs.")),
    ("read", later("Read"), later("Lists models and sees its own usage; sends nothing. For dashboards.")),
    ("admin", later("Admin"), later("Sees everyone's usage and content, manages keys, providers and settings.")),
)
_ROLE_PILLS = {"admin": "warn", "execute": "accent"}
_MAX_TAGS, _MAX_LENGTH = 32, 128


class KeyLine(ApiKeyRow, frozen=True, kw_only=True):
    """A key with how many requests came with it lately."""

    requests: int


def key_lines(rows: Iterable[ApiKeyRow], requests: Mapping[str, int]) -> tuple[KeyLine, ...]:
    """`requests` by the keys' names."""
    return tuple(KeyLine(**structs.asdict(row), requests=requests.get(row.name, 0)) for row in rows)


def state_pill(row: ApiKeyRow) -> PillText:
    return PillText(tr("Revoked"), "neutral") if row.revoked_us is not None else PillText(tr("Active"), "ok")


def role_title(role: str) -> str:
    return next((tr(title) for name, title, _ in ROLES if name == role), role)


def prefix_shown(row: ApiKeyRow) -> str:
    return f"{row.prefix}…"


def api_key_columns(now_us: Callable[[], int]) -> tuple[Column[KeyLine], ...]:
    """`now_us` is asked whenever a cell tells how long ago something was."""
    return (
        Column(
            key="name",
            title=tr("Name"),
            text=lambda r: r.name,
            value=lambda r: r.name,
            tone="text",
            weight=500,
            width=122,
            grow=3,
            sortable=True,
        ),
        Column(key="prefix", title=tr("Key"), text=prefix_shown, value=lambda r: r.prefix, mono=True, width=92),
        Column(
            key="role",
            title=tr("Role"),
            text=lambda r: role_title(r.role),
            value=lambda r: r.role,
            width=84,
            sortable=True,
            pills=lambda r: (PillText(role_title(r.role), _ROLE_PILLS.get(r.role, "neutral")),),
        ),
        Column(
            key="tags",
            title=tr("Tags"),
            text=lambda r: ", ".join(r.tags),
            value=lambda r: ",".join(r.tags),
            pills=lambda r: tuple(PillText(tag) for tag in r.tags),
            width=110,
            grow=3,
            tooltip=lambda r: "\n".join(r.tags),
        ),
        Column(
            key="user",
            title=tr("User"),
            text=lambda r: r.user or formats.UNKNOWN,
            value=lambda r: r.user,
            width=96,
            grow=1,
            sortable=True,
        ),
        age_column("created", tr("Created"), lambda r: r.created_us, now_us),
        age_column("last_used", tr("Last used"), lambda r: r.last_used_us, now_us),
        count_column("requests", tr("Requests, 7d"), lambda r: r.requests, 98),
        Column(
            key="state",
            title=tr("State"),
            text=lambda r: state_pill(r).text,
            value=lambda r: state_pill(r).text,
            pills=lambda r: (state_pill(r),),
            width=84,
            tooltip=lambda r: (
                "" if r.revoked_us is None else tr("Revoked {time}").format(time=formats.clock(r.revoked_us))
            ),
        ),
    )


def parse_tags(text: str) -> tuple[tuple[str, ...], str | None]:
    """Tags typed with commas between, as the header `x-tags` takes them, and what is wrong with them, if anything."""
    tags = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if len(tags) > _MAX_TAGS:
        return tags, tr("A key adds at most {most} tags; these are {count}.").format(most=_MAX_TAGS, count=len(tags))
    for tag in tags:
        key, colon, value = tag.partition(":")
        if len(tag) > _MAX_LENGTH:
            return tags, tr("A tag has at most {most} characters; “{tag}…” has {count}.").format(
                most=_MAX_LENGTH, tag=tag[:20], count=len(tag)
            )
        if any(character in "|!" or not character.isprintable() for character in tag):
            return tags, tr("A tag cannot contain |, ! or control characters; change “{tag}”.").format(tag=tag)
        if not key.strip() or (colon and not value.strip()):
            return tags, tr("“{tag}” is half a tag; write it as team:ml-ops.").format(tag=tag)
    return tags, None


def revoke_consequence(row: ApiKeyRow, now_us: int) -> str:
    """What a person should know before a key stops working."""
    if row.last_used_us is None:
        used = tr("It was never used.")
    else:
        used = tr("It was last used {time}.").format(time=formats.ago(row.last_used_us, now_us))
    return tr(
        "{used} Whatever still uses it is refused at once; an answer that is under way goes on to its end. A revoked "
        "key cannot be brought back."
    ).format(used=used)
