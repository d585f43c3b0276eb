"""What Slack sends, through Bolt: hands it in at the reception, and says at once what needs no worker.

Whatever raises is not acknowledged. Knows not how it came, by socket or over HTTP.
"""

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.authorization.async_authorize import AsyncAuthorize
from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.error import BoltUnhandledRequestError
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.adapters.slack_events import (
    Asked,
    Deleted,
    Edited,
    Explained,
    Happening,
    Rated,
    Removed,
    Stopped,
    Us,
    from_event,
)
from bot.adapters.slack_installations import UNREACHABLE, Installations, SlackAccess, client_for, code_of, secret
from bot.adapters.slack_interactions import from_action, from_command, from_shortcut, from_view, reason_modal
from bot.adapters.slack_webhook import whisper
from bot.errors import EricaError, IntakeFailed
from bot.reception import Reception

THANKS = "Thanks, that helps."
TOO_OLD = "That answer is too old for me to note what you think of it, but thanks."

_ANYTHING = re.compile("")
_PATIENCE = 2.5  # seconds
_log = logging.getLogger(__name__)


class SlackHearing:
    """Understands each request of Slack's; `app` is to be given them."""

    def __init__(
        self,
        reception: Reception,
        access: SlackAccess,
        installations: Installations,
        later: Callable[[Awaitable[None]], None],
    ) -> None:
        """`later` is given what must happen, but only once the acknowledgement is on its way."""
        self._reception, self._access, self._installations, self._later = reception, access, installations, later
        self.app = self._bolt()

    def _bolt(self) -> AsyncApp:
        app = AsyncApp(
            name="erica",
            client=client_for(self._access),
            signing_secret=secret(self._access.signing_secret),
            authorize=_Authorize(self._installations),
            before_authorize=self._unproxied,
            process_before_response=True,  # acknowledge after the listener, not before
            ignoring_self_events_enabled=False,  # it would miss our own edits, and swallow deletions
            attaching_conversation_kwargs_enabled=False,
            raise_error_for_unhandled_request=True,
        )
        app.event(_ANYTHING)(self._on_event)
        app.command(_ANYTHING)(self._on_command)
        app.message_shortcut(_ANYTHING)(self._on_shortcut)
        app.block_action(_ANYTHING)(self._on_action)
        app.view_submission(_ANYTHING)(self._on_view)
        app.error(self._failed)
        return app

    # What comes in. Bolt fills the arguments by their names.

    async def _on_event(self, body: dict[str, Any], context: AsyncBoltContext) -> None:
        await self._hand_in(from_event(body, _us(context), time.time()))

    async def _on_command(self, body: dict[str, Any], context: AsyncBoltContext, ack: Any) -> None:
        try:
            await self._in_time(from_command(body, _us(context), time.time()))
        except EricaError as error:
            _log.warning("a slash command could not be kept: %s", error)
            await ack(text=error.user_message, response_type="ephemeral")
            return
        await ack()

    async def _on_shortcut(self, body: dict[str, Any], context: AsyncBoltContext, ack: Any) -> None:
        await self._pressed(from_shortcut(body, _us(context), time.time()), body, context.client, ack)

    async def _on_action(self, body: dict[str, Any], context: AsyncBoltContext, ack: Any) -> None:
        await self._pressed(from_action(body, _us(context), time.time()), body, context.client, ack)

    async def _pressed(self, found: Happening | None, body: dict[str, Any], client: AsyncWebClient, ack: Any) -> None:
        """Slack does not send a button or a shortcut again, so who pressed it is told if it could not be kept."""
        reply_to = str(body.get("response_url") or "")
        try:
            known = await self._in_time(found)
        except EricaError as error:
            _log.warning("a button or shortcut could not be kept: %s", error)
            self._later(whisper(self._access, reply_to, error.user_message))
        else:
            if isinstance(found, Rated):
                self._later(self._thank(found, known, client))
        await ack()

    async def _on_view(self, body: dict[str, Any], ack: Any) -> None:
        explained = from_view(body)
        try:
            if explained and explained.reason.strip():
                await self._in_time(explained)
        except EricaError as error:
            _log.warning("a reason could not be kept: %s", error)
            await ack(response_action="errors", errors={"why": error.user_message})
            return
        await ack()

    async def _in_time(self, found: Happening | None) -> bool:
        """For what somebody waits for: Slack gives up after three seconds, and does not send these again."""
        try:
            async with asyncio.timeout(_PATIENCE):
                return await self._hand_in(found)
        except TimeoutError:
            raise IntakeFailed(f"nothing could be kept within {_PATIENCE:g} s") from None

    async def _hand_in(self, found: Happening | None) -> bool:
        match found:
            case Asked(incoming):
                return await self._reception.asked(incoming)
            case Edited(incoming, seconds):
                return await self._reception.edited(incoming, seconds)
            case Deleted(question):
                await self._reception.deleted(question)
            case Stopped(conversation):
                await self._reception.stopped(conversation)
            case Rated():
                return await self._reception.rated(found.answer, "slack", found.user, found.rating)
            case Explained(answer, user, reason):
                return await self._reception.explained(answer, "slack", user, reason)
            case Removed(team, how):
                _log.warning("Erica was removed from the Slack workspace %s: %s", team, how)
                await self._installations.forget(team)
        return found is not None

    async def _failed(self, error: Exception) -> BoltResponse:
        """Whatever is answered with another status than 200 is not acknowledged."""
        if isinstance(error, BoltUnhandledRequestError):
            _log.debug("Slack sent something that Erica has no use for")
            return BoltResponse(status=200, body="")
        if isinstance(error, EricaError):
            _log.warning("not acknowledged, so that Slack sends it again: %s", error)
            return BoltResponse(status=503, body="")
        _log.error("an event of Slack's was not understood", exc_info=error)
        return BoltResponse(status=500, body="")

    # What is said at once, without the worker.

    async def _thank(self, rated: Rated, known: bool, client: AsyncWebClient) -> None:
        if known and rated.rating == "down" and rated.trigger:
            try:
                await client.views_open(trigger_id=rated.trigger, view=reason_modal(rated.answer))
                return
            except UNREACHABLE as error:
                _log.info("no reason can be asked for: %s", code_of(error))
        await whisper(self._access, rated.reply_to, THANKS if known else TOO_OLD, rated.thread)

    async def _unproxied(self, client: AsyncWebClient, next: Callable[[], Awaitable[None]]) -> None:
        """Bolt makes a client per event, which takes its proxy from the environment whatever the app's client says."""
        if self._access.is_loopback:
            client.proxy = None
        await next()


class _Authorize(AsyncAuthorize):
    """Bolt's own acknowledges an event although Slack cannot say whose it is; with this one it is not."""

    def __init__(self, installations: Installations) -> None:
        self._installations = installations

    async def __call__(self, *, context: Any, enterprise_id: Any, team_id: Any, **_: Any) -> AuthorizeResult:
        team = team_id or ""
        us, token = await self._installations.us(team), await self._installations.token_of(team)
        return AuthorizeResult(
            enterprise_id=enterprise_id, team_id=us.team, bot_user_id=us.user, bot_id=us.bot, bot_token=token
        )


def _us(context: AsyncBoltContext) -> Us:
    return Us(context.team_id or "", context.bot_user_id or "", context.bot_id or "")
