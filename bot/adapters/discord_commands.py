"""Slash commands, the message menu, buttons and the feedback form of Discord: each handed in, then acknowledged.

Discord waits 3 seconds, no longer. Buttons and forms are known by their custom ids alone, so that those of an
earlier run still work.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import aiohttp
import discord
from discord import app_commands

from bot.adapters.discord_events import Place, attachments_of, readable
from bot.adapters.discord_parts import choice_of, feedback_of
from bot.adapters.discord_work import Work
from bot.errors import EricaError
from bot.feedback import Rating
from bot.intake import Attachment, Incoming, Kind
from bot.metrics import Metrics
from bot.reception import Reception

MENU = "Ask Erica about this"
TRY_AGAIN = "I could not take that just now. Please try again in a moment."
OLD_BUTTON = "This button no longer works. Please ask me again."
OLD_COMMAND = "This command has just changed. Please reload Discord (Ctrl+R) and try again."
TOO_OLD = "That answer is too old to be rated, but thank you."
THANKS = "Thank you, that helps."
WHY = "What was wrong, or missing?"

_PATIENCE = 2.0
"""Seconds for keeping what was asked; the rest of Discord's three is for telling it so."""
_CHOICES, _CHOICE_LENGTH = 25, 100
_COMMANDS = ("ask", "concept", "path", "sources", "help", "course")
_LATE, _ALREADY = 10062, 40060
_NETWORK = (aiohttp.ClientError, OSError, TimeoutError)

Interaction = discord.Interaction[discord.Client]
Where = Callable[[Interaction], Awaitable[Place]]

logger = logging.getLogger(__name__)


class DiscordCommands:
    """Everything that is no message. `where` finds the place of an interaction; it may raise what HTTP raises."""

    def __init__(self, reception: Reception, metrics: Metrics, where: Where, work: Work) -> None:
        self._reception, self._metrics, self._where, self._work = reception, metrics, where, work

    def tree(self, client: discord.Client) -> app_commands.CommandTree[discord.Client]:
        """The commands, to be synced by the caller."""
        tree = _Tree(client)
        for name, description, callback in (
            ("ask", "Ask a question about the course", self._ask),
            ("concept", "What a concept is, and where it is taught", self._concept),
            ("path", "What to learn, in order, to get to a concept", self._path),
            ("sources", "Where the course material treats a question", self._sources),
            ("help", "What I can do", self._help),
        ):
            command: app_commands.Command[Any, ..., None] = app_commands.Command(
                name=name,
                description=description,
                callback=callback,
            )
            tree.add_command(command)
        tree.add_command(app_commands.ContextMenu(name=MENU, callback=self._about))
        return tree

    async def _names(self, interaction: Interaction, typed: str) -> list[app_commands.Choice[str]]:
        """Concepts that begin as what was typed; none rather than an error."""
        try:
            async with asyncio.timeout(_PATIENCE):
                place = await self._where(interaction)
                found = await self._reception.complete("discord", place.guild, place.channel, typed)
        except (EricaError, discord.DiscordException, *_NETWORK) as error:
            logger.warning("no concepts can be suggested: %s", type(error).__name__)
            return []
        short = dict.fromkeys(name[:_CHOICE_LENGTH] for name in found if name)
        return [app_commands.Choice(name=name, value=name) for name in short][:_CHOICES]

    @app_commands.describe(question="What you would like to understand")
    async def _ask(self, interaction: Interaction, question: str) -> None:
        await self._command(interaction, "ask", question, alone=False)

    @app_commands.autocomplete(name=_names)  # type: ignore[type-var]
    @app_commands.describe(name="Its name, as in the lectures")
    async def _concept(self, interaction: Interaction, name: str) -> None:
        await self._command(interaction, "concept", name)

    @app_commands.describe(to="The concept to get to", start="A concept that you know already")
    @app_commands.autocomplete(to=_names, start=_names)  # type: ignore[type-var]
    @app_commands.rename(start="from")
    async def _path(self, interaction: Interaction, to: str, start: str = "") -> None:
        await self._command(interaction, "path", f"{start} > {to}" if start.strip() else to)

    @app_commands.describe(question="What the material should be about")
    async def _sources(self, interaction: Interaction, question: str) -> None:
        await self._command(interaction, "sources", question)

    async def _help(self, interaction: Interaction) -> None:
        await self._command(interaction, "help", "")

    async def _about(self, interaction: Interaction, message: discord.Message) -> None:
        me = interaction.client.user
        text, files = readable(message, me.id if me else 0), attachments_of(message)
        await self._hand_in(
            interaction,
            "ask",
            text,
            lambda: interaction.response.defer(ephemeral=True, thinking=True),
            kind="shortcut",
            message=str(message.id),
            attachments=files,
        )

    async def pressed(self, interaction: Interaction) -> None:
        """A button of a page's, or a thumb below an answer."""
        custom_id = _custom_id(interaction)
        choice, feedback = choice_of(custom_id), feedback_of(custom_id)
        if choice is not None and choice[0] in _COMMANDS:
            source = str(interaction.message.id) if interaction.message else ""
            await self._hand_in(interaction, *choice, interaction.response.defer, message=source)
        elif feedback is not None:
            await self._rated(interaction, *feedback)
        elif custom_id.startswith("erica:"):
            await _say(interaction, OLD_BUTTON)

    async def submitted(self, interaction: Interaction) -> None:
        """The form that asks why an answer was bad: `erica:reason:ANSWER`."""
        match _custom_id(interaction).split(":", 2):
            case ["erica", "reason", answer]:
                reason = " ".join(_texts(interaction.data or {})).strip()
                kept = not reason or await self._in_time(
                    interaction, self._reception.explained(answer, "discord", str(interaction.user.id), reason)
                )
                if kept is not None:
                    await _say(interaction, THANKS if kept else TOO_OLD)

    async def _rated(self, interaction: Interaction, rating: Rating, answer: str) -> None:
        kept = await self._in_time(
            interaction, self._reception.rated(answer, "discord", str(interaction.user.id), rating)
        )
        if kept is None:
            return
        if kept and rating == "down":
            await _respond(interaction.response.send_modal(_reason_form(answer)))
        else:
            await _say(interaction, THANKS if kept else TOO_OLD)

    async def _command(self, interaction: Interaction, command: str, text: str, alone: bool = True) -> None:
        """`alone`: only the author sees the answer."""
        await self._hand_in(
            interaction, command, text, lambda: interaction.response.defer(ephemeral=alone, thinking=True)
        )

    async def _hand_in(
        self,
        interaction: Interaction,
        command: str,
        text: str,
        acknowledge: Callable[[], Awaitable[object]],
        kind: Kind = "command",
        message: str = "",
        attachments: tuple[Attachment, ...] = (),
    ) -> None:
        """Keep what was asked, then tell Discord so; who asks is told if it could not be kept."""
        started, received = time.perf_counter(), time.time()

        async def keep() -> bool:
            place = await self._where(interaction)
            asked = Incoming(
                platform="discord",
                workspace=place.guild,
                channel=place.channel,
                message=message,
                thread=place.thread,
                author=str(interaction.user.id),
                text=text,
                kind=kind,
                received=received,
                event=str(interaction.id),
                attachments=attachments,
                command=command,
                reply_to=interaction.token,
                private=not place.guild,
            )
            return await self._reception.asked(asked)

        with self._work.going_on():
            kept = await self._in_time(interaction, keep())
            if kept is not None and await _respond(acknowledge()):
                self._metrics.acknowledged("discord", time.perf_counter() - started)

    async def _in_time(self, interaction: Interaction, step: Awaitable[bool]) -> bool | None:
        """What it gives; None if it failed or took too long, which the user has been told then."""
        try:
            async with asyncio.timeout(_PATIENCE):
                return await step
        except (EricaError, discord.DiscordException, *_NETWORK) as error:
            logger.error("an interaction could not be kept: %s", error or type(error).__name__)
            await _say(interaction, TRY_AGAIN)
            return None


class _Tree(app_commands.CommandTree[discord.Client]):
    """Says something where the library would only log."""

    async def on_error(self, interaction: Interaction, error: app_commands.AppCommandError, /) -> None:
        """A command failed, or Discord still knows it in an earlier form."""
        outdated = isinstance(error, app_commands.CommandNotFound | app_commands.CommandSignatureMismatch)
        logger.log(logging.WARNING if outdated else logging.ERROR, "a command failed: %s", error, exc_info=not outdated)
        if not interaction.response.is_done():
            await _say(interaction, OLD_COMMAND if outdated else TRY_AGAIN)


def _custom_id(interaction: Interaction) -> str:
    data: Mapping[str, Any] = interaction.data or {}
    return str(data.get("custom_id", ""))


def _texts(data: Mapping[str, Any]) -> list[str]:
    """What was filled in, whether Discord sends it in labels or in rows."""
    inner = [*data.get("components", ()), *([data["component"]] if "component" in data else ())]
    own = [str(data["value"])] if data.get("value") else []
    return own + [text for part in inner for text in _texts(part)]


def _reason_form(answer: str) -> discord.ui.Modal:
    form = discord.ui.Modal(title="Thank you. Why?", custom_id=f"erica:reason:{answer}")
    field: discord.ui.TextInput[discord.ui.Modal] = discord.ui.TextInput(
        custom_id="reason", style=discord.TextStyle.paragraph, required=False, max_length=1000
    )
    form.add_item(discord.ui.Label(text=WHY, component=field))
    form.stop()  # so that the library does not keep it: what comes back is known by its custom id
    return form


async def _say(interaction: Interaction, text: str) -> None:
    """Tell the user alone, as the first response."""
    await _respond(interaction.response.send_message(text, ephemeral=True))


async def _respond(response: Awaitable[object]) -> bool:
    """Whether Discord took a response. It may be too late for one; then nothing can be done but to say so here."""
    try:
        await response
    except discord.HTTPException as error:
        if error.code == _ALREADY:
            return True
        late = error.code == _LATE
        logger.log(
            logging.INFO if late else logging.WARNING,
            "%s: %s",
            "an interaction had expired" if late else "Discord refuses a response",
            error,
        )
        return False
    except (discord.DiscordException, *_NETWORK) as error:
        logger.warning("an interaction could not be acknowledged: %s", type(error).__name__)
        return False
    except (LookupError, TypeError):  # the library's, where Discord took it but says less of it than usual
        return True
    return True
