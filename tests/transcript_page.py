"""A conversation as a web page to look at: close to what Slack and Discord show, not the same.

Knows how messages look, not how they came to be.
"""

import re
from collections.abc import Mapping, Sequence
from html import escape

from discord_records import Seen as DiscordSeen
from markdown_it import MarkdownIt
from slack_records import Seen as SlackSeen
from slack_shown import Json, shown_mrkdwn

_SLACK = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
_DISCORD = MarkdownIt("commonmark", {"html": False, "breaks": True})
_STYLE = """body { font: 15px/1.45 Lato, "Noto Sans", sans-serif; max-width: 46em; margin: 2em auto; color: #1d1c1d }
article { margin: 1.2em 0 } .thread { margin-left: 2em; border-left: 3px solid #ddd; padding-left: 1em }
.who { font-weight: bold } pre { background: #f6f6f6; border: 1px solid #ddd; padding: .6em; overflow: auto }
td, th { border: 1px solid #ccc; padding: .2em .6em } table { border-collapse: collapse } h6 { font-weight: normal;
font-size: 12px; color: #666; margin: 0 } img { max-width: 360px; max-height: 400px; display: block; margin: .4em 0 }
.button { border: 1px solid #bbb; border-radius: 4px; padding: .2em .7em; margin: .2em; display: inline-block }
blockquote { border-left: 4px solid #ccc; margin-left: 0; padding-left: .8em }"""


def slack_page(messages: Sequence[SlackSeen], files: Mapping[str, str]) -> str:
    """`files` are the names of pictures by their ids."""
    return _page(
        "Slack", [_article(one.who, one.ephemeral_to, _slack(one, files), bool(one.thread)) for one in messages]
    )


def discord_page(messages: Sequence[tuple[DiscordSeen, bool]], files: Mapping[str, str]) -> str:
    """Messages, each with whether it stands in a thread; `files` are the names of pictures by their ids."""
    shown = [_article(one.author, one.ephemeral_to or "", _discord(one, files), inside) for one, inside in messages]
    return _page("Discord", shown)


def _slack(seen: SlackSeen, files: Mapping[str, str]) -> str:
    if not seen.blocks:
        return f"<p>{escape(shown_mrkdwn(seen.content.text))}</p>"
    return "".join(_block(block, files) for block in seen.blocks)


def _block(block: Json, files: Mapping[str, str]) -> str:
    match block["type"]:
        case "markdown":
            return str(_SLACK.render(block["text"]))
        case "image":
            return _picture(files[block["slack_file"]["id"]], block["alt_text"])
        case "actions":
            return _buttons([button["text"]["text"] for button in block["elements"]])
    return _buttons(["👍", "👎"])


def _discord(seen: DiscordSeen, files: Mapping[str, str]) -> str:
    small = re.sub(r"^-# (.*)$", r"###### \1", seen.content, flags=re.MULTILINE)
    pictures = "".join(_picture(files[file.id], file.description) for file in seen.files)
    labels = [part.label or ("👎" if ":down:" in part.custom_id else "👍") for part in seen.components]
    return f"{_DISCORD.render(small)}{pictures}{_buttons(labels)}"


def _picture(name: str, description: str) -> str:
    return f'<img src="{escape(name)}" alt="{escape(description)}" title="{escape(description)}">'


def _buttons(labels: Sequence[str]) -> str:
    return "".join(f"<span class=button>{escape(label)}</span>" for label in labels)


def _article(who: str, alone: str, body: str, inside: bool) -> str:
    kind = " class=thread" if inside else ""
    told = f"{who} (only {alone} sees this)" if alone else who
    return f"<article{kind}><div class=who>{escape(told)}</div>{body}</article>\n"


def _page(title: str, articles: Sequence[str]) -> str:
    head = f"<!doctype html><meta charset=utf-8><title>{title}</title><style>{_STYLE}</style>"
    return f"{head}\n{''.join(articles)}"
