"""Pure: what our own code writes as Markdown, with foreign text in it that stays what it is."""

import re

from bot.rendering.dialect import safe_url

# Entities rather than backslashes: `\[` and `\(` would open a formula.
_MARK = re.compile(r"[\\`*_\[\]<>~$&|]")
_LINE_MARK = re.compile(r"^([ \t]*)(?:([#+=-])|(\d{1,9})([.)]))", re.MULTILINE)
_TICKS = re.compile(r"`+")


def markdown_escaped(text: str) -> str:
    """Raw text as Markdown that shows it as it is, be it at the beginning of a line."""
    text = _MARK.sub(lambda mark: _entity(mark[0]), text)
    return _LINE_MARK.sub(lambda mark: f"{mark[1]}{mark[3] or ''}{_entity(mark[2] or mark[4])}", text)


def markdown_link(text: str, url: str) -> str:
    """Raw text that leads to a web address; the text alone where the address is none that can be followed."""
    address = safe_url(url)
    return f"[{markdown_escaped(text)}]({address.replace('&', '&amp;')})" if address else markdown_escaped(text)


def markdown_listing(code: str, language: str = "") -> str:
    """Code in a fence that nothing in it can close."""
    fence = "`" * max(3, 1 + max(map(len, _TICKS.findall(code)), default=0))
    return f"{fence}{language}\n{code}\n{fence}"


def _entity(char: str) -> str:
    return f"&#{ord(char)};"
