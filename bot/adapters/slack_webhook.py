"""Says a short line to whoever pressed something in Slack, for them alone. Knows nothing of what it means."""

import logging

from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.adapters.slack_installations import UNREACHABLE, SlackAccess, code_of

_log = logging.getLogger(__name__)


async def whisper(access: SlackAccess, reply_to: str, words: str, thread: str = "") -> None:
    """Say it at a response URL, good for half an hour; the message that was pressed stays. Never raises.

    https://docs.slack.dev/interactivity/handling-user-interaction/
    """
    if not reply_to.startswith(("https://", "http://")):
        return
    client = AsyncWebhookClient(reply_to, timeout=5)
    if access.is_loopback:
        client.proxy = None
    body = {"text": words, "response_type": "ephemeral", "replace_original": False}
    try:
        answer = await client.send_dict(body | ({"thread_ts": thread} if thread else {}))
    except UNREACHABLE as error:
        _log.info("a short line did not reach Slack: %s", code_of(error))
        return
    if answer.status_code != 200:
        _log.info("a short line did not reach Slack: status %s", answer.status_code)
