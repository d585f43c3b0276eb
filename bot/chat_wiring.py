"""The composition root of `erica run`: which parts serve which platform. What the parts stand on is in wiring."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from bot.answering import Books, Desk
from bot.commands import Commands
from bot.course import Course
from bot.errors import ConfigError
from bot.handler import Handler
from bot.intake import Intake, Platform
from bot.journal import Journal
from bot.metrics import Metrics
from bot.places import Places
from bot.ports import Replies
from bot.pseudonyms import Pseudonyms
from bot.reception import Reception
from bot.settings import Settings
from bot.wiring import Wiring

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from bot.adapters.discord import DiscordAccess, DiscordListener
    from bot.adapters.discord_client import DiscordRest
    from bot.adapters.discord_reply import DiscordReplies
    from bot.adapters.slack import SlackAccess, SlackListener
    from bot.adapters.slack_client import SlackClients
    from retrieval.retriever import Retriever


@dataclass(frozen=True)
class ChatWiring:
    """Builds the parts of one process that serves chat platforms."""

    wiring: Wiring
    courses: Sequence[Course]
    redis: "Redis"
    metrics: Metrics

    @cached_property
    def places(self) -> Places:
        """Raises ConfigError where courses are in each other's way."""
        return Places(self.courses)

    @cached_property
    def intake(self) -> Intake:
        """Where events are kept."""
        return self.wiring.intake(self.redis)

    @cached_property
    def journal(self) -> Journal:
        """What became of them."""
        from bot.adapters.redis_journal import RedisJournal

        return RedisJournal(self.redis)

    @cached_property
    def retrievers(self) -> "Mapping[str, Retriever]":
        """By course id; answers, commands and suggestions share them."""
        return {course.id: self.wiring.retriever(course, self.redis) for course in self.courses}

    @cached_property
    def desks(self) -> Mapping[str, Desk]:
        """Who answers, by course id. Raises ConfigError for templates that do not work."""
        return {course.id: self._desk(course) for course in self.courses}

    def _desk(self, course: Course) -> Desk:
        tutor = self.wiring.tutor(course, self.redis, retriever=self.retrievers[course.id])
        return Desk(course, tutor, self.commands[course.id])

    @cached_property
    def commands(self) -> Mapping[str, Commands]:
        """What can be looked up, by course id; without what only answers need."""
        options = self.wiring.options
        return {course.id: Commands(course, self.retrievers[course.id], options(course)) for course in self.courses}

    async def reception(self) -> Reception:
        """What listeners hand events to."""
        wiring = self.wiring

        async def complete(course: Course, typed: str) -> tuple[str, ...]:
            return await self.commands[course.id].complete(typed)

        feedback, pseudonyms = wiring.feedback(self.redis), await self._pseudonyms()
        return Reception(self.places, self.intake, self.journal, feedback, pseudonyms, complete, self.metrics)

    async def handler(self, replies: Mapping[Platform, Replies]) -> Handler:
        """What a worker does with what it takes."""
        from bot.adapters.redis_limits import RedisLimits

        limits, feedback = RedisLimits(self.redis), self.wiring.feedback(self.redis)
        books = Books(self.intake, self.journal, limits, feedback, await self._pseudonyms(), self.metrics)
        return Handler(self.places, self.desks, replies, books)

    async def _pseudonyms(self) -> Pseudonyms:
        """Students' pseudonyms, by ERICA_MEMORY_KEY, or a key that is kept in Redis. Raises JournalFailed."""
        from bot.adapters.redis_secret import shared_key

        key = self.wiring.settings.memory_key
        return Pseudonyms(key.get_secret_value().encode() if key else await shared_key(self.redis))

    def slack_listener(self, reception: Reception) -> "SlackListener":
        """What hears Slack. Raises ConfigError where a token is missing."""
        from bot.adapters.slack import SlackListener

        return SlackListener(reception, slack_access(self.wiring.settings), self.metrics)

    def slack_clients(self) -> "SlackClients":
        """What talks to Slack; to be closed."""
        from bot.adapters.slack_client import SlackClients
        from bot.adapters.slack_installations import Installations

        tokens = Installations(slack_access(self.wiring.settings))
        return SlackClients(tokens.token_of, self.wiring.settings.slack_api_url, self.metrics)

    def slack_replies(self, clients: "SlackClients") -> Replies:
        """How Slack's questions are answered."""
        from bot.adapters.slack_reply import SlackReplies

        return SlackReplies(clients, self.intake, self.journal, self.metrics)

    def discord_listener(self, reception: Reception) -> "DiscordListener":
        """What hears Discord."""
        from bot.adapters.discord import DiscordListener

        channels = self.places.channels("discord")
        return DiscordListener(reception, self.journal, discord_access(self.wiring.settings), self.metrics, channels)

    def discord_rest(self) -> "DiscordRest":
        """What talks to Discord; logged in within."""
        from bot.adapters.discord_client import DiscordRest, point_at

        access = discord_access(self.wiring.settings)
        point_at(access.api_url, access.gateway_url)
        return DiscordRest(access.token, self.metrics)

    def discord_replies(self, rest: "DiscordRest") -> "DiscordReplies":
        """How Discord's questions are answered; to be closed."""
        from bot.adapters.discord_reply import DiscordReplies

        return DiscordReplies(rest, self.intake, self.journal, self.metrics)


def slack_access(settings: Settings) -> "SlackAccess":
    """Slack's tokens and addresses."""
    from bot.adapters.slack import SlackAccess

    return SlackAccess(
        bot_token=settings.slack_bot_token,
        app_token=settings.slack_app_token,
        signing_secret=settings.slack_signing_secret,
        client_id=settings.slack_client_id,
        client_secret=settings.slack_client_secret,
        api_url=settings.slack_api_url,
        installations=settings.data_dir / "slack",
    )


def discord_access(settings: Settings) -> "DiscordAccess":
    """Discord's token and addresses. Raises ConfigError where there is no token."""
    from bot.adapters.discord import DiscordAccess

    if settings.discord_token is None:
        raise ConfigError("Discord is not configured", "Set ERICA_DISCORD_TOKEN; deploy/discord.md tells how.")
    return DiscordAccess(settings.discord_token, settings.discord_api_url, settings.discord_gateway_url)
