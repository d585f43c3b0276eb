"""What a loopback Slack consists of: workspaces, people, channels, messages, files, and a clock one can move.

Records only, and how each looks in Slack's JSON. Knows no wire; nothing of Erica.
"""

import asyncio
import mimetypes
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from slack_shown import Json, links, pings, shown_blocks, shown_markdown, shown_mrkdwn, strings

Streaming = Literal["", "open", "stopped", "expired", "stopped by user"]
STREAM_LIFE = 300.0  # seconds until Slack closes a stream by itself
STATUS_LIFE = 120.0

BOT_SCOPES = (
    "app_mentions:read assistant:write channels:history channels:join channels:read chat:write commands files:read "
    "files:write groups:history groups:read im:history im:read im:write mpim:history mpim:read reactions:read "
    "reactions:write team:read usergroups:read users:read"
).split()


class Clock:
    """Real time, which tests may move forward; whoever waits on it wakes then."""

    def __init__(self) -> None:
        self.ahead = 0.0
        self._moved = asyncio.Event()

    def now(self) -> float:
        """Seconds since the epoch, as this Slack counts them."""
        return time.time() + self.ahead

    def advance(self, seconds: float) -> None:
        """Move on."""
        self.ahead += seconds
        self._moved.set()
        self._moved = asyncio.Event()

    async def wait_until(self, then: float) -> None:
        """Until this clock shows so much."""
        while (left := then - self.now()) > 0:
            moved = self._moved
            try:
                await asyncio.wait_for(moved.wait(), left)
            except TimeoutError:
                return


@dataclass
class Workspace:
    """A team that installed the app, and the app's bot in it."""

    id: str
    bot_token: str
    bot_user: str
    bot_id: str
    scopes: set[str] = field(default_factory=lambda: set(BOT_SCOPES))
    revoked: bool = False
    last: dict[str, float] = field(default_factory=dict)

    @property
    def domain(self) -> str:
        """The name in its web address."""
        return self.id.lower()


@dataclass
class User:
    """Somebody, or the app's bot."""

    id: str
    team: str
    bot_id: str = ""

    def profile(self) -> Json:
        """As `users.info` tells it."""
        name = self.id.lower()
        names = {"name": name, "real_name": name.title(), "profile": {"display_name": name, "real_name": name.title()}}
        bot = {"bot_id": self.bot_id} if self.bot_id else {}
        return {
            "id": self.id,
            "team_id": self.team,
            "is_bot": bool(bot),
            "deleted": False,
            "tz": "Etc/UTC",
            **names,
        } | bot


@dataclass
class SharedFile:
    """A file that somebody uploaded; `shared` once it is in a conversation."""

    id: str
    name: str
    team: str
    data: bytes = b""
    user: str = ""
    title: str = ""
    alt_text: str = ""
    length: int = 0
    uploaded: bool = False
    shared: bool = False

    def json(self, base_url: str) -> Json:
        """As messages and `files.info` carry it."""
        url = f"{base_url}/files-pri/{self.team}-{self.id}/{self.name}"
        mimetype = mimetypes.guess_type(self.name)[0] or "text/plain"
        kind = {"name": self.name, "title": self.title or self.name, "mimetype": mimetype, "size": len(self.data)}
        more = {"filetype": self.name.rpartition(".")[2], "mode": "hosted", "is_external": False, "user": self.user}
        return {"id": self.id, **kind, **more, "url_private": url, "url_private_download": f"{url}?download"}


@dataclass(frozen=True)
class Edit:
    """What a message said from `at` on."""

    at: float
    text: str


@dataclass(frozen=True)
class Content:
    """What a message says: `text` counts only where there is nothing else."""

    text: str = ""
    markdown: str = ""
    blocks: tuple[Json, ...] = ()
    attachments: tuple[Json, ...] = ()

    @cached_property
    def shown(self) -> str:
        """As people read it."""
        body = shown_markdown(self.markdown) if self.markdown else ""
        plain = "" if self.markdown or self.blocks else shown_mrkdwn(self.text)
        attached = [
            shown_blocks(each.get("blocks", ())) or shown_mrkdwn(each.get("text", "")) for each in self.attachments
        ]
        return "\n".join(part for part in (body, plain, shown_blocks(self.blocks), *attached) if part)

    @property
    def raw(self) -> list[str]:
        """Every text in it as it was sent, the notification's included."""
        return [self.markdown, self.text, *strings(list(self.blocks)), *strings(list(self.attachments))]


@dataclass
class Message:
    """A message and all that happened to it. `markdown` is what was streamed, or sent as `markdown_text`."""

    channel: str
    ts: str
    user: str
    at: float
    text: str = ""
    thread_ts: str = ""
    blocks: list[Json] = field(default_factory=list)
    markdown: str = ""
    attachments: list[Json] = field(default_factory=list)
    files: list[SharedFile] = field(default_factory=list)
    metadata: Json | None = None
    bot_id: str = ""
    ephemeral_to: str = ""
    streaming: Streaming = ""
    grew: list[tuple[float, int]] = field(default_factory=list)  # when, and to how many characters, while it streamed
    edits: list[Edit] = field(default_factory=list)
    marked_edited: bool = False
    tombstone: bool = False
    deleted_at: float | None = None
    reactions: dict[str, list[str]] = field(default_factory=dict)
    unfurl: bool = True

    @property
    def content(self) -> "Content":
        """What it says now."""
        return Content(self.text, self.markdown, tuple(self.blocks), tuple(self.attachments))

    @property
    def shown(self) -> str:
        """What it says now, as people read it."""
        return self.content.shown

    def json(self, base_url: str, *, metadata: bool = True) -> Json:
        """As events and `conversations.replies` carry it."""
        body: Json = {"type": "message", "user": self.user, "text": self.text or self.markdown, "ts": self.ts}
        shown = [{"type": "markdown", "text": self.markdown}] if self.markdown else []
        optional: Json = {
            "thread_ts": self.thread_ts,
            "bot_id": self.bot_id,
            "blocks": [*shown, *self.blocks],
            "attachments": self.attachments,
            "files": [each.json(base_url) for each in self.files],
            "metadata": self.metadata if metadata else None,
            "streaming_state": {"": "", "open": "in_progress"}.get(self.streaming, "completed"),
            "reactions": [{"name": n, "users": u, "count": len(u)} for n, u in self.reactions.items() if u],
            "edited": {"user": self.user, "ts": f"{self.edits[-1].at:.6f}"} if self.marked_edited else None,
            "subtype": "tombstone" if self.tombstone else None,
        }
        return body | {key: value for key, value in optional.items() if value}


@dataclass
class Channel:
    """A conversation. `members` are people; whether the bot is in it is `bot`."""

    id: str
    team: str
    members: list[str]
    bot: bool = True
    kind: Literal["channel", "group", "im"] = "channel"
    archived: bool = False
    messages: dict[str, Message] = field(default_factory=dict)
    replies: dict[str, list[Message]] = field(default_factory=dict)  # by their thread
    statuses: dict[str, Edit] = field(default_factory=dict)  # by thread; who waits reads them under it
    told: list[tuple[str, Edit]] = field(default_factory=list)  # every status that was ever shown, with its thread


@dataclass(frozen=True)
class Seen:
    """A message as a student sees it at one moment. `edits` are its earlier texts."""

    ts: str
    who: str
    thread: str
    at: float  # seconds since the world began
    content: Content
    streaming: Streaming
    edits: tuple[str, ...]
    edited: bool
    files: tuple[SharedFile, ...]
    reactions: Mapping[str, tuple[str, ...]]
    ephemeral_to: str
    metadata: Json | None
    unfurl: bool

    @property
    def text(self) -> str:
        """As people read it, blocks and attachments included."""
        return self.content.shown

    @property
    def blocks(self) -> tuple[Json, ...]:
        """Its blocks, as they were sent."""
        return self.content.blocks

    @property
    def pings(self) -> tuple[str, ...]:
        """Whom it notified."""
        return pings(*self.content.raw)

    @property
    def unfurls(self) -> tuple[str, ...]:
        """The addresses that Slack would fetch for a preview."""
        return links(*self.content.raw) if self.unfurl else ()


@dataclass(frozen=True)
class Call:
    """One call of the Web API, and what was answered: `error` is empty when it was ok."""

    method: str
    args: Mapping[str, Any]
    at: float
    team: str
    error: str
    injected: bool = False
