"""What a call of Slack's can come to, as Erica's errors. Their messages never hold tokens or addresses."""

from collections.abc import Mapping
from typing import Any

from slack_sdk.errors import SlackApiError

from bot.errors import DeliveryFailed, Undeliverable

CLOSED = frozenset(
    "access_denied account_inactive cannot_reply_to_message channel_is_limited_access channel_not_found "
    "ekm_access_denied enterprise_is_restricted invalid_auth is_archived is_inactive messages_tab_disabled "
    "missing_scope no_permission not_allowed_token_type not_authed not_in_channel org_login_required "
    "restricted_action restricted_action_non_threadable_channel restricted_action_read_only_channel "
    "restricted_action_thread_locked restricted_action_thread_only_channel team_access_not_granted thread_locked "
    "thread_not_found token_expired token_revoked two_factor_setup_required user_not_in_channel".split()
)
"""The place is gone or closed, or Erica may not write there: no other attempt will help."""
GONE = frozenset(("message_not_found", "cant_update_message", "edit_window_closed"))
"""A message of Erica's that can be changed no more; what it was to say can still be said in a new one."""
TOO_LONG = frozenset(("msg_too_long", "msg_blocks_too_long"))
BLOCKS = frozenset(("invalid_blocks", "invalid_blocks_format", "invalid_attachments"))
UNKNOWN = frozenset(("unknown_method", "method_not_supported_for_channel_type", "deprecated_endpoint"))
"""There is no such method there."""

_BUSY = frozenset(("ratelimited", "rate_limited"))
_BROKEN = frozenset(("fatal_error", "internal_error", "request_timeout", "service_unavailable", "unreachable"))
_USUAL_WAIT = 2.0  # seconds; Slack says how long, always


class SlackLost(DeliveryFailed):
    """There was no answer, or a broken one: the call may have taken effect or not."""


class SlackRefused(DeliveryFailed):
    """Slack said no: `reason` is its code. The call had no effect."""

    def __init__(self, method: str, reason: str) -> None:
        super().__init__(f"{method}: {reason}")
        self.reason = reason


class SlackClosed(SlackRefused, Undeliverable):
    """Slack said no, and always will."""


class SlackBusy(SlackRefused):
    """Slack wants to be left alone for so many seconds."""

    def __init__(self, method: str, seconds: float) -> None:
        super().__init__(method, "ratelimited")
        self.seconds = seconds


def translated(method: str, error: Exception) -> DeliveryFailed:
    """The error to raise instead of what slack_sdk or aiohttp raised."""
    if not isinstance(error, SlackApiError):
        return SlackLost(f"{method}: {type(error).__name__}")
    response: Any = error.response
    status = int(getattr(response, "status_code", 0) or getattr(response, "status", 0))
    data = getattr(response, "data", None)
    reason = str(data.get("error") or "") if isinstance(data, Mapping) else ""
    if status == 429 or reason in _BUSY:
        return SlackBusy(method, _retry_after(getattr(response, "headers", None) or {}))
    if status >= 500 or not reason or reason in _BROKEN:
        return SlackLost(f"{method}: HTTP {status} {reason}".rstrip())
    return SlackClosed(method, reason) if reason in CLOSED else SlackRefused(method, reason)


def _retry_after(headers: Mapping[str, str]) -> float:
    given = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    try:
        return max(float(given), 0.0)
    except ValueError:
        return _USUAL_WAIT
