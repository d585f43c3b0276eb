"""How Slack shows text and blocks to people, as plain text: markup that Slack understands is applied, any other stays
visible. Knows no world and no server.
"""

import html
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

Json = dict[str, Any]

_CODE = re.compile(r"(```.*?```|`[^`\n]+`)", re.DOTALL)
_ANGLE = re.compile(r"<([^<>\n]+)>")
_STYLES = [
    re.compile(rf"(?<![\w{mark}]){mark}([^\s{mark}](?:[^{mark}\n]*[^\s{mark}])?){mark}(?![\w{mark}])")
    for mark in (r"\*", "_", "~")
]
_PING = re.compile(r"<(!(?:channel|here|everyone|subteam\^\w+)|@[UW]\w*)(?:\|[^<>]*)?>")
_URL = re.compile(r"https?://[^\s<>|)\"\]]+")
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def shown_mrkdwn(text: str) -> str:
    """Slack's own markup: `*bold*`, `<url|label>`; a `**` or `[label](url)` stays as it is, since Slack leaves it."""
    parts = _CODE.split(text)
    return "".join(html.unescape(part if at % 2 else _inline(part)) for at, part in enumerate(parts))


def _inline(text: str) -> str:
    for style in _STYLES:
        text = style.sub(r"\1", text)
    return _ANGLE.sub(_angle, text)


def _angle(found: re.Match[str]) -> str:
    target, _, label = found[1].partition("|")
    if target.startswith("@"):
        return f"@{label or target[1:]}"
    if target.startswith("#"):
        return f"#{label or target[1:]}"
    if target.startswith("!"):
        return label or f"@{target[1:]}"
    return f"{label} ({target})" if label and label != target else target


def shown_markdown(text: str) -> str:
    """Standard Markdown, as `markdown` blocks and `markdown_text` take it; links as `label (url)`."""
    shown: list[str] = []
    markers: list[str | int] = []  # one per open list: a bullet, or the next number
    for token in _MARKDOWN.parse(_PING.sub(lambda found: f"@{found[1].lstrip('!@')}", text)):
        if token.type in ("bullet_list_open", "ordered_list_open"):
            markers.append("•" if token.type.startswith("bullet") else int(token.attrGet("start") or 1))
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            markers.pop()
        elif token.type == "list_item_open":
            shown.append("  " * (len(markers) - 1) + _marker(markers))
        elif token.type == "inline":
            shown.append(_inline_tokens(token.children or []))
        elif token.type in ("fence", "code_block"):
            shown.append(f"```\n{token.content}```\n")
        elif token.type == "hr":
            shown.append("────\n")
        elif token.type in ("th_close", "td_close"):
            shown.append(" | ")
        elif token.type in ("paragraph_close", "heading_close", "tr_close"):
            shown.append("\n")
    return "".join(shown).strip()


def _marker(markers: list[str | int]) -> str:
    last = markers[-1]
    if isinstance(last, str):
        return f"{last} "
    markers[-1] = last + 1
    return f"{last}. "


def _inline_tokens(tokens: Sequence[Token]) -> str:
    shown: list[str] = []
    targets: list[tuple[int, str]] = []
    for token in tokens:
        if token.type == "link_open":
            targets.append((len(shown), str(token.attrGet("href"))))
        elif token.type == "link_close":
            start, href = targets.pop()
            if "".join(shown[start:]) != href:
                shown.append(f" ({href})")
        elif token.type == "code_inline":
            shown.append(f"`{token.content}`")
        elif token.type in ("softbreak", "hardbreak"):
            shown.append("\n")
        elif token.type == "image":
            shown.append(f"[image: {token.content}]")
        elif token.type == "text":
            shown.append(token.content)
    return "".join(shown)


def shown_blocks(blocks: Sequence[Json]) -> str:
    """What a message's blocks say, a line or more each; buttons as `[label]`."""
    return "\n".join(shown for block in blocks if (shown := _shown_block(block)))


def _shown_block(block: Json) -> str:
    show = _BLOCKS.get(str(block.get("type")))
    return show(block) if show else f"[{block.get('type')}]"


def _text(value: object) -> str:
    if not isinstance(value, Mapping):
        return ""
    text = str(value.get("text", ""))
    return shown_mrkdwn(text) if value.get("type") == "mrkdwn" else text


def _section(block: Json) -> str:
    parts = [_text(block.get("text")), *(_text(field) for field in block.get("fields", ()))]
    return "\n".join(part for part in [*parts, _element(block.get("accessory"))] if part)


def _element(element: object) -> str:
    if not isinstance(element, Mapping):
        return ""
    if element.get("type") == "feedback_buttons":
        return " ".join(f"[{_text(element[side].get('text'))}]" for side in ("positive_button", "negative_button"))
    if element.get("type") == "image":
        return f"[image: {element.get('alt_text', '')}]"
    if element.get("type") in ("plain_text", "mrkdwn"):
        return _text(element)
    return f"[{_text(element.get('text') or element.get('placeholder')) or element.get('type')}]"


def _elements(block: Json) -> str:
    return " ".join(_element(each) for each in block.get("elements", ()))


def _image(block: Json) -> str:
    return " ".join(part for part in (_text(block.get("title")), f"[image: {block.get('alt_text', '')}]") if part)


def _rich(value: object) -> str:
    """The words of a rich_text block, elements in elements."""
    if isinstance(value, Mapping):
        own = str(value.get("text", "") or value.get("url", ""))
        return own + _rich(value.get("elements", ()))
    return "".join(map(_rich, value)) if isinstance(value, Sequence) and not isinstance(value, str) else ""


def _table(block: Json) -> str:
    return "\n".join(" | ".join(_rich([cell]) for cell in row) for row in block.get("rows", ()))


_BLOCKS: Mapping[str, Callable[[Json], str]] = {
    "section": _section,
    "header": lambda block: _text(block.get("text")),
    "markdown": lambda block: shown_markdown(str(block.get("text", ""))),
    "context": _elements,
    "actions": _elements,
    "context_actions": _elements,
    "image": _image,
    "divider": lambda _: "────",
    "rich_text": _rich,
    "table": _table,
    "input": lambda block: _text(block.get("label")),
}


def pings(*texts: str) -> tuple[str, ...]:
    """Everybody that these texts would notify: `!channel`, `@U1`."""
    return tuple(found[1] for text in texts for found in _PING.finditer(text))


def links(*texts: str) -> tuple[str, ...]:
    """The web addresses in these texts, in order."""
    return tuple(found for text in texts for found in _URL.findall(text))


def strings(value: object) -> list[str]:
    """Every piece of text anywhere in blocks or attachments."""
    if isinstance(value, str):
        return [value]
    inside = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return [text for each in inside for text in strings(each)]
