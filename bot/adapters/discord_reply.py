"""Answers in Discord: in a thread from the question, streamed by edits; commands by their interaction's token.

Knows one delivery at a time; what is said is the handler's business.
"""

import asyncio
import logging
from functools import partial

import aiohttp
import discord
import yarl

from bot.adapters.discord_client import DiscordRest, api_host, seen_through, translated
from bot.adapters.discord_editor import Act, ChannelEditors
from bot.adapters.discord_hook import InteractionHook, TokenExpired
from bot.adapters.discord_page import present_page
from bot.adapters.discord_parts import EMPTY, Part, answer_parts, asked_text, page_parts, preview_texts
from bot.adapters.discord_place import Threads
from bot.adapters.discord_posts import Posts, Uneditable
from bot.errors import ClaimLost, DeliveryFailed, IntakeFailed
from bot.intake import Attachment, Delivery, Incoming, Intake, Progress, thread_name
from bot.journal import Journal
from bot.messages import Answer, Page
from bot.metrics import Metrics
from bot.ports import Reply

_FILE_HOSTS = {"cdn.discordapp.com", "media.discordapp.net"}
_FILE_SECONDS = 20.0
_WELCOME = "🙌"

logger = logging.getLogger(__name__)


class DiscordReplies:
    """Implements `bot.ports.Replies`."""

    def __init__(
        self,
        rest: DiscordRest,
        intake: Intake,
        journal: Journal,
        metrics: Metrics,
        edit_seconds: float = 1.0,
    ) -> None:
        """`rest` is logged in before the first reply, and stays the caller's to close.

        `edit_seconds`: from one edit in a channel to the next; Discord takes 5 in 5 s."""
        self._client, self._intake, self._journal, self._metrics = rest.client, intake, journal, metrics
        self._editors, self._threads = ChannelEditors(edit_seconds), Threads(rest.client)

    def to(self, delivery: Delivery, earlier: Progress = Progress()) -> Reply:
        """The reply to a delivery."""
        posts = Posts(self._client, self._intake, self._journal, delivery, earlier)
        return DiscordReply(self._client, posts, self._editors, self._threads, self._metrics)

    async def read(self, incoming: Incoming, attachment: Attachment, most: int) -> bytes:
        """The first `most` bytes of an attached file, from Discord's own hosts only. Raises DeliveryFailed."""
        address = _file_address(attachment.url)
        with translated():
            timeout = aiohttp.ClientTimeout(total=_FILE_SECONDS)
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.get(address, allow_redirects=False) as response,
            ):
                if response.status != 200:
                    raise DeliveryFailed(f"an attachment cannot be read: HTTP {response.status}")
                data = bytearray()
                async for chunk in response.content.iter_any():
                    data += chunk
                    if len(data) >= most:
                        break
                return bytes(data[:most])

    async def close(self) -> None:
        """Stop all editing."""
        await self._editors.close()


class DiscordReply:
    """Implements `bot.ports.Reply`."""

    def __init__(
        self, client: discord.Client, posts: Posts, editors: ChannelEditors, threads: Threads, metrics: Metrics
    ) -> None:
        self._client, self._posts, self._editors, self._threads = client, posts, editors, threads
        self._metrics = metrics
        self._incoming = posts.delivery.incoming
        self._made = asyncio.get_running_loop().time()
        self._begun, self._quiet, self._timed = False, False, False
        self._status, self._text, self._root = "", "", ""

    @property
    def progress(self) -> Progress:
        """What has been posted so far."""
        return self._posts.progress

    @property
    def conversation(self) -> str:
        """The thread, or all that is said in private, where Discord has no threads."""
        incoming = self._incoming
        if incoming.private:
            return incoming.direct_line
        thread = self.progress.thread or incoming.thread or incoming.message or self._root
        return thread_name("discord", incoming.workspace, incoming.channel, thread)

    async def begin(self, status: str) -> None:
        """Find the place and say that Erica is at work there, once."""
        if self._begun:
            return
        incoming, posts = self._incoming, self._posts
        if incoming.command == "ask" and incoming.kind == "command":
            await self._place_command()
        else:
            await self._place_message()
        await posts.take_over()
        self._begun = True
        if not posts.ids:
            await posts.put(0, Part(status))
        if incoming.kind == "shortcut" and incoming.reply_to:
            await self._tell(f"Answering in {self._link()}")

    def status(self, text: str) -> None:
        """What Erica is doing now, until there is text."""
        self._status = text
        if not self._text and not self.progress.further:
            self._ask_for_turn()

    def show(self, text: str) -> None:
        """The answer so far."""
        if text.strip():
            self._text = text
            self._ask_for_turn()

    async def finish(self, answer: Answer) -> str:
        """The finished answer."""
        await self._settle(await answer_parts(answer, self._posts.delivery.id))
        self._count_first_text()
        return self._link()

    async def present(self, page: Page) -> None:
        """A page: to a command for its author alone, else in the place of what was shown."""
        if self._incoming.kind == "command" and self._incoming.command != "ask":
            await present_page(self._client, self._posts, page_parts(page))
        else:
            await self._settle(page_parts(page))

    async def react(self) -> None:
        """A small sign below the message."""
        incoming = self._incoming
        if incoming.kind in ("command", "shortcut"):
            await self._tell(_WELCOME)
            return
        channel = self._client.get_partial_messageable(int(incoming.thread or incoming.channel))
        try:
            with translated():
                await seen_through(channel.get_partial_message(int(incoming.message)).add_reaction(_WELCOME))
        except DeliveryFailed as error:
            logger.info("question %s got no reaction: %s", self._posts.delivery.id, error)

    async def withdraw(self) -> None:
        """Remove every message of the answer; the thread stays, people may have written there."""
        self._quiet = True
        if self._begun:
            await self._in_turn(partial(self._posts.cut, 0))

    async def close(self) -> None:
        """Nothing is edited any more."""
        self._quiet = True
        await self._editors.leave(self._posts.place, self)

    # Where.

    async def _place_message(self) -> None:
        """To a message: in its thread, in one that is opened from it, or in the channel below it."""
        incoming, progress = self._incoming, self.progress
        message, thread = int(incoming.message), progress.thread
        if incoming.private or incoming.thread:
            self._posts.settle_in(int(incoming.thread or incoming.channel), message)
        elif thread or progress.placeholder:
            self._posts.settle_in(int(thread or incoming.channel), None if thread else message)
        else:
            await self._open_thread(message)

    async def _place_command(self) -> None:
        """To /ask: the question, which only the command knows, is told to everybody first."""
        incoming, progress, posts = self._incoming, self.progress, self._posts
        channel = int(incoming.thread or incoming.channel)
        posts.settle_in(int(progress.thread or channel))
        if progress.thread or progress.placeholder:
            return
        text = asked_text(incoming.author, incoming.text)
        root = await self._told(text)
        self._root = str(root)
        if incoming.private or incoming.thread:
            posts.settle_in(channel, root)
        else:
            await self._open_thread(root)

    async def _told(self, text: str) -> int:
        """Tell everybody what was asked, the author by name; the message's id."""
        posts = self._posts
        if not self._incoming.message:  # a button's own message is not for that
            try:
                return await InteractionHook(self._client, posts.delivery).answer(Part(text))
            except TokenExpired:
                logger.info("question %s comes too late for its interaction", posts.delivery.id)
        return await posts.root(text)

    async def _open_thread(self, message: int) -> None:
        channel = int(self._incoming.channel)
        thread = await self._threads.open(channel, message, self._incoming.text)
        if thread is None:
            self._posts.settle_in(channel, message)
            return
        self._posts.settle_in(thread)
        await self._posts.record_thread(thread)

    def _link(self) -> str:
        posts = self._posts
        guild = self._incoming.workspace or "@me"
        return f"https://discord.com/channels/{guild}/{posts.place}/{posts.ids[0]}" if posts.ids else ""

    async def _tell(self, text: str) -> None:
        """Say something in the place of what was deferred, if that can still be done."""
        try:
            await InteractionHook(self._client, self._posts.delivery).answer(Part(text))
        except (TokenExpired, DeliveryFailed) as error:
            logger.info("the interaction of question %s got no answer: %s", self._posts.delivery.id, error)

    # What is shown while it grows.

    def _ask_for_turn(self) -> None:
        if self._begun and not self._quiet:
            self._editors.preview(self._posts.place, self, self._preview)

    async def _preview(self) -> None:
        """One call to Discord: the first message that does not say yet what it should."""
        posts = self._posts
        try:
            wanted = await preview_texts(self._text) if self._text else [self._status]
            wanted += [EMPTY] * (len(posts.ids) - len(wanted))  # it started over, and is shorter so far
            changed = [number for number, text in enumerate(wanted) if not _says(posts, number, text)]
            if not changed or self._quiet:
                return
            if changed[0] < len(posts.ids):
                await posts.edit(changed[0], Part(wanted[changed[0]]))
            else:
                await posts.put(changed[0], Part(wanted[changed[0]]))
            if self._text:
                self._count_first_text()
            if len(changed) > 1:
                self._ask_for_turn()
        except Uneditable:
            self._quiet = True  # the finished answer is posted anew
        except ClaimLost:
            self._quiet = True  # whoever holds the claim goes on
        except (DeliveryFailed, IntakeFailed) as error:
            logger.info("question %s: a preview could not be shown: %s", posts.delivery.id, error)

    def _count_first_text(self) -> None:
        if not self._timed:
            self._timed = True
            elapsed = asyncio.get_running_loop().time() - self._made
            self._metrics.first_text("discord", self._posts.delivery.waited + elapsed)

    # What is shown at the end.

    async def _settle(self, parts: list[Part]) -> None:
        """These parts, and nothing else; each call to Discord waits for its turn in the channel."""
        await self.begin(parts[0].text)
        self._quiet = True
        for number, part in enumerate(parts):
            await self._in_turn(partial(self._posts.put, number, part))
        await self._in_turn(partial(self._posts.cut, len(parts)))

    async def _in_turn(self, act: Act) -> None:
        await self._editors.final(self._posts.place, self, act)


def _file_address(url: str) -> yarl.URL:
    """Where a file is, if that is one of Discord's hosts, or where the API is. Raises DeliveryFailed."""
    try:
        address = yarl.URL(url)
        ours = address.host is not None and address.host == api_host()
        if address.scheme == "https" and (ours or address.host in _FILE_HOSTS):
            return address
        if address.scheme == "http" and ours:
            return address
    except ValueError:  # its own words would bring the address into the log
        pass
    raise DeliveryFailed("an attachment is not on one of Discord's hosts")


def _says(posts: Posts, number: int, text: str) -> bool:
    shown = posts.shown[number] if number < len(posts.shown) else None
    return shown is not None and shown.text == text
