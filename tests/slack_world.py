"""The state of a Slack that exists only in a test, what tests ask of it, and what a student sees.

Knows no wire; nothing of Erica.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import TypeVar

from slack_blocks import SlackError
from slack_records import (
    STATUS_LIFE,
    STREAM_LIFE,
    Call,
    Channel,
    Clock,
    Edit,
    Message,
    Seen,
    SharedFile,
    User,
    Workspace,
)
from slack_shown import Json

T = TypeVar("T")


class SlackWorld:
    """Everything there is. `refusals` are calls that Slack refused on its own account; `complaints` are things it took
    but that no sound app does.
    """

    def __init__(self) -> None:
        self.clock = Clock()
        self.started = self.clock.now()
        self.url = ""  # of the server, once it runs
        self.workspaces: dict[str, Workspace] = {}
        self.users: dict[str, User] = {}
        self.channels: dict[str, Channel] = {}
        self.usergroups: dict[str, list[str]] = {}
        self.files: dict[str, SharedFile] = {}
        self.views: dict[str, Json] = {}
        self.homes: dict[str, Json] = {}
        self.sessions: dict[tuple[str, str], str] = {}  # (channel, thread) -> an agent session's status
        self.triggers: dict[str, tuple[float, str]] = {}
        self.calls: list[Call] = []
        self.complaints: list[str] = []
        self.update_limit = 4_000  # characters of `text` in chat.update, as developers measured it
        self.emit: Callable[[Workspace, Json], None] = lambda team, event: None  # an event for the app
        self._changed = asyncio.Event()
        self._numbers = 0
        self._last_ts = 0

    # What there is.

    def workspace(self, team: str = "T1") -> Workspace:
        """The team with this id; it comes to be when first named."""
        if team not in self.workspaces:
            made = Workspace(team, f"xoxb-{team}-loopback", f"UBOT{team}", f"BBOT{team}")
            self.workspaces[team] = made
            self.users[made.bot_user] = User(made.bot_user, team, made.bot_id)
        return self.workspaces[team]

    def user(self, user: str, team: str = "T1") -> User:
        """The person with this id; they come to be when first named."""
        return self.users.setdefault(user, User(user, team))

    def channel(
        self, channel: str, members: Iterable[str] = (), *, bot: bool = True, private: bool = False, team: str = "T1"
    ) -> Channel:
        """Make a channel with these people, and the app's bot in it unless `bot` is false."""
        self.workspace(team)
        people = [self.user(each, team).id for each in members]
        self.channels[channel] = Channel(channel, team, people, bot, "group" if private else "channel")
        return self.channels[channel]

    def direct_channel(self, user: str) -> Channel:
        """The bot's direct messages with somebody."""
        return self.channels.setdefault(f"D{user}", Channel(f"D{user}", self.users[user].team, [user], kind="im"))

    def file(self, name: str, data: bytes, user: str, team: str) -> SharedFile:
        """Put a file into a workspace."""
        made = SharedFile(self.new_id("F"), name, team, data, user, length=len(data), uploaded=True, shared=True)
        self.files[made.id] = made
        return made

    def new_id(self, prefix: str) -> str:
        """An id that nothing has yet."""
        self._numbers += 1
        return f"{prefix}{self._numbers:08d}"

    def new_ts(self) -> str:
        """A timestamp that no message has yet, later than all others."""
        self._last_ts = max(self._last_ts + 1, int(self.clock.now() * 1_000_000))
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def add(self, message: Message) -> Message:
        """Put a message into its channel."""
        place = self.channels[message.channel]
        place.messages[message.ts] = message
        if message.thread_ts:
            place.replies.setdefault(message.thread_ts, []).append(message)
        self.changed()
        return message

    def find(self, channel: str, ts: str, error: str = "message_not_found") -> Message:
        """A message that is still there. Raises SlackError(error)."""
        place = self.channels.get(channel)
        message = place.messages.get(ts) if place else None
        if message is None or message.deleted_at is not None:
            raise SlackError(error)
        return self.settled(message)

    def settled(self, message: Message) -> Message:
        """The same message, its stream's end noticed."""
        if message.streaming == "open" and self.clock.now() - message.at >= STREAM_LIFE:
            message.streaming = "expired"
        return message

    def in_thread(self, channel: str, ts: str) -> list[Message]:
        """A thread's messages that are still there, its parent first."""
        place = self.channels[channel]
        thread = [place.messages[ts], *place.replies.get(ts, ())] if ts in place.messages else []
        return [self.settled(each) for each in thread if each.deleted_at is None]

    def revised(self, message: Message, said: str) -> None:
        """Keep what a message said before it was changed."""
        if message.shown != said:
            message.edits.append(Edit(self.clock.now(), said))
        self.changed()

    # What tests ask.

    def changed(self) -> None:
        """Wake whoever waits for something to happen."""
        self._changed.set()
        self._changed = asyncio.Event()

    def advance(self, seconds: float) -> None:
        """Let time pass: streams close, retries come due."""
        self.clock.advance(seconds)
        self.changed()

    async def until(self, happened: Callable[[], T], within: float = 10.0) -> T:
        """Wait until this is true, and give it back. Asked again at each change here, and at no other: what a
        test's own listener notes is seen with the next call or acknowledgement. Fails after so many real seconds.
        """
        try:
            async with asyncio.timeout(within):
                while not (found := happened()):
                    await self._changed.wait()
                return found
        except TimeoutError:
            last = [f"{call.method} {call.error or 'ok'}" for call in self.calls[-8:]]
            raise AssertionError(f"did not happen within {within} s; the last calls: {last}") from None

    def seen(self, channel: str, ts: str) -> Seen:
        """One message. Raises SlackError if it is not, or no longer, there."""
        message = self.find(channel, ts)
        return Seen(
            ts=ts,
            who=message.user,
            thread=message.thread_ts,
            at=message.at - self.started,
            content=message.content,
            streaming=message.streaming,
            edits=tuple(each.text for each in message.edits),
            edited=message.marked_edited,
            files=tuple(message.files),
            reactions={name: tuple(users) for name, users in message.reactions.items() if users},
            ephemeral_to=message.ephemeral_to,
            metadata=message.metadata,
            unfurl=message.unfurl and bool(message.bot_id),
        )

    def thread(self, channel: str, ts: str) -> list[Seen]:
        """A thread as people see it now, its parent first."""
        return [self.seen(channel, each.ts) for each in self.in_thread(channel, ts)]

    def answers(self, channel: str, ts: str) -> list[Seen]:
        """What the bot said in a thread."""
        return [each for each in self.thread(channel, ts) if self.users[each.who].bot_id]

    def status(self, channel: str, thread: str) -> str:
        """What stands under a thread while its people wait, if anything does."""
        status = self.channels[channel].statuses.get(thread)
        return status.text if status and self.clock.now() - status.at < STATUS_LIFE else ""

    def calls_of(self, method: str) -> list[Call]:
        """The calls of one method, refused ones included."""
        return [call for call in self.calls if call.method == method]

    @property
    def refusals(self) -> list[Call]:
        """What a real Slack refuses; failures that a test asked for are not among them."""
        return [call for call in self.calls if call.error and not call.injected]

    def duplicates(self) -> list[tuple[Message, Message]]:
        """Pairs of the bot's messages that say the same in the same thread to the same people."""
        first: dict[tuple[str, ...], Message] = {}
        pairs: list[tuple[Message, Message]] = []
        for message in (each for place in self.channels.values() for each in place.messages.values()):
            key = (message.channel, message.thread_ts, message.ephemeral_to, message.shown)
            if message.bot_id and message.shown and message.deleted_at is None:
                earlier = first.setdefault(key, message)
                pairs += [(earlier, message)] if earlier is not message else []
        return pairs
