"""What Slack accepts in a message: lengths, block shapes, chunks, timestamps, as its reference states them.

Pure: raises SlackError with the code that the Web API would answer. Knows no world and no server.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from slack_shown import Json

MOST_TEXT = 40_000  # characters; beyond it, text is cut
MOST_MARKDOWN = 12_000  # in all markdown blocks of a message, in one markdown_text, and in one streamed message
MOST_IN_BLOCKS = 13_200  # measured by others; undocumented
MOST_BLOCKS = 50

_TS = re.compile(r"\d{10}\.\d{6}")


class SlackError(Exception):
    """An `ok: false` answer: its `error` code, and what else the answer says."""

    def __init__(self, error: str, **more: Any) -> None:
        super().__init__(error)
        self.error = error
        self.more = more


def check_ts(value: object, error: str) -> str:
    """A message's timestamp, as a string with six decimals. Raises SlackError(error)."""
    if not isinstance(value, str) or not _TS.fullmatch(value):
        raise SlackError(error)
    return value


def check_metadata(metadata: object) -> Json | None:
    """A message's metadata: an event type and a payload. Raises SlackError."""
    if metadata is None or metadata == {}:
        return None
    if not isinstance(metadata, dict) or not isinstance(metadata.get("event_type"), str):
        raise SlackError("invalid_metadata_format")
    if not isinstance(metadata.get("event_payload"), dict):
        raise SlackError("invalid_metadata_format")
    return metadata


def check_chunks(chunks: object, files: Collection[str] = ()) -> tuple[str, list[Json]]:
    """The Markdown and the other blocks that these stream chunks add. Raises SlackError."""
    if not isinstance(chunks, list):
        raise SlackError("invalid_chunks")
    markdown, blocks = "", list[Json]()
    for chunk in chunks:
        kind = chunk.get("type") if isinstance(chunk, dict) else None
        if kind == "markdown_text" and isinstance(chunk.get("text"), str):
            markdown += chunk["text"]
        elif kind == "blocks":
            check_blocks(chunk.get("blocks"), files)
            blocks += chunk["blocks"]
        elif not (kind == "plan_update" and chunk.get("title")) and not (
            kind == "task_update" and all(chunk.get(key) for key in ("id", "title", "status"))
        ):
            raise SlackError("invalid_chunks")
    return markdown, blocks


def check_blocks(blocks: object, files: Collection[str] = ()) -> None:
    """Blocks of a message; `files` are the ids that images may refer to. Raises SlackError."""
    if not isinstance(blocks, list):
        raise SlackError("invalid_blocks_format")
    if len(blocks) > MOST_BLOCKS:
        raise _invalid("no more than 50 items allowed", "/blocks")
    named = [block.get("block_id") for block in blocks if isinstance(block, dict) and block.get("block_id")]
    if len(named) != len(set(named)):
        raise _invalid("block_id already exists", "/blocks")
    for at, block in enumerate(blocks):
        path = f"/blocks/{at}"
        kind = block.get("type") if isinstance(block, dict) else None
        if not isinstance(kind, str) or kind not in _CHECKS:
            raise _invalid(f"unsupported type: {kind}", f"{path}/type")
        if len(str(block.get("block_id", ""))) > 255:
            raise _invalid("must be less than 256 characters", f"{path}/block_id")
        _CHECKS[kind](block, path)
        if kind == "image" and block.get("slack_file"):
            _check_slack_file(block["slack_file"], path, files)
    _check_sizes(blocks)


def _check_slack_file(file: Json, path: str, files: Collection[str]) -> None:
    if file.get("id") not in files and not any(known in str(file.get("url", "")) for known in files):
        raise _invalid("invalid slack file", f"{path}/slack_file")


def _check_sizes(blocks: Sequence[Json]) -> None:
    markdown = sum(len(block["text"]) for block in blocks if block["type"] == "markdown")
    if markdown > MOST_MARKDOWN or _characters(blocks) > MOST_IN_BLOCKS:
        raise SlackError("msg_blocks_too_long")


def _characters(value: object) -> int:
    if isinstance(value, Mapping):
        own = len(value["text"]) if isinstance(value.get("text"), str) else 0
        return own + sum(_characters(each) for each in value.values())
    return sum(map(_characters, value)) if isinstance(value, list) else 0


def _invalid(message: str, path: str) -> SlackError:
    told = f"{message} [json-pointer:{path}]"
    return SlackError("invalid_blocks", errors=[told], response_metadata={"messages": [f"[ERROR] {told}"]})


def _check_text(value: object, path: str, most: int, *kinds: str) -> None:
    if not isinstance(value, dict) or value.get("type") not in (kinds or ("plain_text", "mrkdwn")):
        raise _invalid("must be a valid text object", path)
    text = value.get("text")
    if not isinstance(text, str) or not text:
        raise _invalid("must be more than 0 characters", f"{path}/text")
    if len(text) > most:
        raise _invalid(f"must be less than {most + 1} characters", f"{path}/text")


def _check_string(value: object, path: str, most: int, *, required: bool = True) -> None:
    if value is None and not required:
        return
    if not isinstance(value, str) or (required and not value):
        raise _invalid("must be a string", path)
    if len(value) > most:
        raise _invalid(f"must be less than {most + 1} characters", path)


def _section(block: Json, path: str) -> None:
    if not block.get("text") and not block.get("fields"):
        raise _invalid("missing required field: text", path)
    if block.get("text"):
        _check_text(block["text"], f"{path}/text", 3_000)
    fields = block.get("fields") or []
    if len(fields) > 10:
        raise _invalid("no more than 10 items allowed", f"{path}/fields")
    for at, each in enumerate(fields):
        _check_text(each, f"{path}/fields/{at}", 2_000)
    if block.get("accessory"):
        _check_element(block["accessory"], f"{path}/accessory", _INTERACTIVE | {"image"})


def _markdown(block: Json, path: str) -> None:
    if not isinstance(block.get("text"), str) or not block["text"]:
        raise _invalid("must be more than 0 characters", f"{path}/text")


def _image(block: Json, path: str) -> None:
    _check_string(block.get("alt_text"), f"{path}/alt_text", 2_000)
    if block.get("slack_file"):
        return
    _check_string(block.get("image_url"), f"{path}/image_url", 3_000)
    if not str(block["image_url"]).startswith(("http://", "https://")):
        raise _invalid("must be a valid URL", f"{path}/image_url")
    if re.match(r"https?://(127\.|10\.|192\.168\.|localhost\b)", block["image_url"]):
        raise _invalid("downloading image failed", f"{path}/image_url")  # Slack fetches it, from outside


def _row(most: int, kinds: Collection[str]) -> Callable[[Json, str], None]:
    """The check of a block that is a row of elements."""

    def check(block: Json, path: str) -> None:
        elements = block.get("elements")
        if not isinstance(elements, list) or not elements:
            raise _invalid("must provide at least 1 item", f"{path}/elements")
        if len(elements) > most:
            raise _invalid(f"no more than {most} items allowed", f"{path}/elements")
        for at, element in enumerate(elements):
            _check_element(element, f"{path}/elements/{at}", kinds)
        named = [each["action_id"] for each in elements if each.get("action_id")]
        if len(named) != len(set(named)):
            raise _invalid("action_id already exists", f"{path}/elements")

    return check


def _check_element(element: object, path: str, kinds: Collection[str]) -> None:
    if not isinstance(element, dict) or element.get("type") not in kinds:
        raise _invalid("unsupported type of element", f"{path}/type")
    _check_string(element.get("action_id"), f"{path}/action_id", 255, required=False)
    kind = element["type"]
    if kind in ("plain_text", "mrkdwn"):
        _check_text(element, path, 3_000)
    elif kind == "image":
        _image(element, path)
    elif kind in ("button", "icon_button"):
        _button(element, path)
        _check_string(element.get("url"), f"{path}/url", 3_000, required=False)
        if element.get("style") not in (None, "primary", "danger"):
            raise _invalid("invalid style", f"{path}/style")
    elif kind == "feedback_buttons":
        for side in ("positive_button", "negative_button"):
            _button(element.get(side) or {}, f"{path}/{side}", value=True)
    elif kind in ("static_select", "overflow"):
        _options(element, path)


def _button(button: Json, path: str, *, value: bool = False) -> None:
    _check_text(button.get("text"), f"{path}/text", 75, "plain_text")
    _check_string(button.get("value"), f"{path}/value", 2_000, required=value)
    _check_string(button.get("accessibility_label"), f"{path}/accessibility_label", 75, required=False)


def _options(element: Json, path: str) -> None:
    options = element.get("options") or []
    if not 1 <= len(options) <= (5 if element["type"] == "overflow" else 100):
        raise _invalid("wrong number of options", f"{path}/options")
    for at, option in enumerate(options):
        _check_text(option.get("text"), f"{path}/options/{at}/text", 75)
        _check_string(option.get("value"), f"{path}/options/{at}/value", 150)


def _table(block: Json, path: str) -> None:
    rows = block.get("rows")
    if not isinstance(rows, list) or not 1 <= len(rows) <= 100 or any(len(row) > 20 for row in rows):
        raise _invalid("wrong number of rows or cells", f"{path}/rows")


def _anything(block: Json, path: str) -> None:
    """Blocks whose insides are not looked at."""


_SELECTS = {f"{what}_select" for what in ("static", "users", "channels", "conversations", "external")}
_INTERACTIVE = {"button", "overflow", "datepicker", "timepicker", "checkboxes", "radio_buttons", *_SELECTS}
_CHECKS: Mapping[str, Callable[[Json, str], None]] = {
    "section": _section,
    "markdown": _markdown,
    "image": _image,
    "header": lambda block, path: _check_text(block.get("text"), f"{path}/text", 150, "plain_text"),
    "context": _row(10, {"plain_text", "mrkdwn", "image"}),
    "actions": _row(25, _INTERACTIVE),
    "context_actions": _row(5, {"feedback_buttons", "icon_button"}),
    "input": lambda block, path: _check_text(block.get("label"), f"{path}/label", 2_000, "plain_text"),
    "table": _table,
    **dict.fromkeys(("divider", "rich_text", "file", "video", "plan", "task_card", "alert", "card"), _anything),
}
