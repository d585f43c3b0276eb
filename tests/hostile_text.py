"""What models and pages might be made to say: links and mentions in disguise, and detectors of them.

The detectors share nothing with the code that they test.
"""

import html
import re
import unicodedata
from urllib.parse import unquote

HOSTILE_WORDS = [
    "https://evil.com/?q=secret", "HTTP://EVIL.COM", "http:/\\evil.com", "https:\\\\evil.com",
    "ftp://evil.com/x", "//evil", "//evil.com/x", "www.evil.com", "evil.com", "evil.com/path?q=secret",
    "a.b.evil.io?q=s", "evil.gg/x", "_evil.com_", "evil.com.", "(https://evil.com/x)", "<https://evil.com>",
    "<https://evil.com|a label>", "<www.evil.com>", "discord.gg/x", "slack://open", "javascript:alert(1)",
    "JavaScript:alert(1)", "data:text/html;base64,PHM+", "mailto:eve@evil.com", "file:///etc/passwd",
    "[click](https://evil.com)", "[click]( <https://evil.com> \"title\" )", "[click](//evil.com)",
    "[click][ref]", "![x](https://evil.com/x.png)", "[![x](https://evil.com/i)](https://evil.com/l)",
    "[ref]: https://evil.com", "[a[b]](https://evil.com)", "[2](https://evil.com)", "[x](javascript:alert(1))",
    "![x](data:image/png;base64,AAAA)", "<img src=\"https://evil.com/x.png\">", "<IMG SRC=x>",
    "<a href='https://evil.com'>x</a>", "<script>alert(1)</script>", "<<b>script>", "<iframe\nsrc=//evil.com>",
    "<svg/onload=x>", "ht\u200btps://evil.com", "https:\u200b//evil.com", "evil\u200b.com", "e\u00advil.com",
    "https:/\u2060/evil.com", "\u202emoc.live\u202c evil.com", "h\\ttps://evil.com", "https:\\/\\/evil.com",
    "https\\://evil.com", "evil\\.com", "https://\x00evil.com", "ht\x08tps://evil.com",
    "ｈｔｔｐｓ：／／ｅｖｉｌ．ｃｏｍ", "evil．com", "evil。com", "ⓔⓥⓘⓛ.com",
    "https%3A%2F%2Fevil.com", "https%253A%252F%252Fevil.com", "evil%2Ecom",
    "&#104;ttps://evil.com", "https&colon;//evil.com", "&#x65;vil.com", "evil[9].com", "ht[9]tps://evil.com",
    "https:[9]//evil.com", "evil<b></b>.com", "evil[](x).com", "https:\n//evil.com", "ht\ntps://evil.com",
    "@everyone", "@here", "@channel", "@EVERYONE", "@@everyone", "@every\u200bone", "＠everyone",
    "&#64;everyone", "%40everyone", "@every[9]one", "@[9]everyone", "\\@everyone", "<!channel>", "<!here|here>",
    "<!everyone>", "<!subteam^S1|@a group>", "<@U123>", "<@U123|a name>", "<@!123>", "<@&123>", "<#C123>",
    "<#C123|general>", "<[9]!channel>", "<!cha\u200bnnel>", "＜!channel＞", "&lt;!channel&gt;", "<!channel",
    "<@U123",
]  # fmt: skip

TOKENS = [
    "[", "]", "(", ")", "<", ">", "!", "`", "``", "```", "~~~", "$", "$$", "\\", "\\[", "\\]", "\\(", "\\)",
    "\n", "\n\n", " ", "  ", "1", "2", "9", "0", ",", ", ", "-", "[1]", "[2]", "[9]", "[0]", "[1, 2]", "[9, 2]",
    "[2-3]", "^", "[^2]", "【2】", "【", "】", "†", "Passage ", "see ", "source: ", "http", "https", ":", "//", "/",
    "://", "https://", "evil", ".com", "evil.com", "www.", "evil.com/x?q=s", "@", "everyone", "@everyone",
    "<!channel>", "<!here", "<@U1>", "<#C1|a b>", "<b>", "</b>", "<br>", "<img", "<img src=x>", "<a href='x'>",
    "<!--", "-->", "javascript:", "mailto:", "x", "word", "_", "*", "|", "{", "}", "&#104;", "&lt;", "%3A",
    "%2F", "\u200b", "\u200d", "\ufe0f", "\u202e", "ｈ", "：", "／", "。", "é", "深", "😀", "> ", "- ", "1. ",
    "python", "=", "in ", "cell ", '"', "'", ";", ".", "?", "%", "\\text{h}", "\\$", "\\`", "a" * 60, "](",
    "](x)", "[a](b)", "x[", "\u2028", "\x00",
]  # fmt: skip
"""Pieces that make sense only together, or never."""

ORDINARY_PIECES = [
    "word ", "Word. ", "[2] ", "[9]. ", "[1, 2]", "[0, 1] ", "`x[1]` ", "$a[1]$ ", "\n", "\n\n", "- ", "> ",
    "## ", "| a | b |\n", "**bold** ", "```python\nx[1]\n```\n", "$$\nx[1]\n$$\n", "https://evil.com/x ",
    "[text](https://evil.com) ", "@everyone ", "<!channel> ", "evil.com ", "<b>x</b> ", "(see [9]) ", "x[1] ",
    "【2】", "e.g. ", "1.5 ", "👩‍💻 ", "&amp; ",
]  # fmt: skip
"""What answers are made of, with a few things that must go."""

ENDLESS = {
    "a word": "a",
    "brackets": "[",
    "links": "[a](",
    "images": "![",
    "lenticular brackets": "【",
    "angles": "<",
    "tags": "<a ",
    "comments": "<!-- ",
    "dollars": "$a ",
    "formulas": "$" + "a" * 170 + "\n",
    "ticks": "`",
    "code": "`a ",
    "fences": "```\n",
    "display formulas": "\\[",
    "parentheses": "(see [9",
    "an address": "https://",
    "blanks": " ",
    "line ends": "\n",
    "dots": "a.",
    "entities": "&#104;",
    "at": "@",
    "percents": "%25",
    "ideographs": "深",
    "backslashes": "\\",
    "hosts": "www.",
    "zero width": "h\u200b",
    "braces": "{:/",
    "open text": "[" + "a " * 85,
    "citations": "word [2] ",
    "tildes": "~",
}
"""What somebody could repeat for ever."""


def readings(text: str) -> list[str]:
    """The text as it is, and as platforms, renderers and readers may come to see it."""
    folded = unicodedata.normalize("NFKC", text)
    bare = "".join(char for char in folded if unicodedata.category(char) != "Cf")
    return [text, folded, bare, unquote(html.unescape(bare)).replace("\\", "")]


LINKS = [
    r"(?:https?|ftp|wss?|file|slack):[/\\]",
    r"://\w",
    r"\b(?:javascript|vbscript|mailto):[a-z]",
    r"\bdata:[a-z]+/",
    r"(?<![\w:/])//[a-z]",
    r"\bwww\.[a-z]",
    r"(?<!\w@)\b(?:[a-z0-9-]+\.)+(?:com|net|org|io|co|gg|xyz)(?![\w(.@-])",
    r"\]\(",
    r"<(?:img|iframe|script|svg|a\s+href)(?![\w-])",
]
MENTIONS = [r"@(?:everyone|here|channel)\b", r"<!(?:here|channel|everyone|subteam)", r"<@[!&]?\w", r"<#\w"]


def found(patterns: list[str], texts: list[str]) -> list[str]:
    return [pattern for pattern in patterns for text in texts if re.search(pattern, text, re.IGNORECASE)]
