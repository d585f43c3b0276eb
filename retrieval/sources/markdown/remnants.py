"""Pure: what a reader of the page sees of tags, entities, roles, shortcodes and pictures."""

import html
import re

from retrieval.sources.text import LONGEST_HEADING

_TAG = re.compile(
    r"a|abbr|address|article|aside|audio|b|big|blockquote|body|br|button|canvas|caption|center|cite|"
    r"code|col|colgroup|dd|del|details|dfn|div|dl|dt|em|embed|figcaption|figure|font|footer|form|h1|h2|"
    r"h3|h4|h5|h6|head|header|hr|html|i|iframe|img|input|ins|kbd|label|li|link|main|mark|meta|nav|"
    r"noscript|object|ol|optgroup|option|p|picture|pre|q|s|samp|script|section|select|small|source|"
    r"span|strike|strong|style|sub|summary|sup|svg|table|tbody|td|textarea|tfoot|th|thead|time|title|"
    r"tr|track|tt|u|ul|var|video|wbr",
    re.IGNORECASE,
)
_TAG_AS_TEXT = {
    "br": " ",
    "sup": "^",
    "sub": "_",
    "li": "\n- ",
    "tr": "\n",
    "p": "\n\n",
    "code": "`",
    "kbd": "`",
    "tt": "`",
}
_END_TAG_AS_TEXT = {"td": " | ", "th": " | ", "p": "\n\n", "code": "`", "kbd": "`", "tt": "`"}
MEDIA = re.compile(r"\.(png|jpe?g|gif|svg|webp|bmp|tiff?|pdf|mp[34]|mov|webm|wav|excalidraw|canvas)$", re.IGNORECASE)
# What buttons and image tools leave behind; the page says nothing with it.
_HOLLOW = re.compile(
    r"(open|run|view|launch|execute|download|try)\b[^.\n]{0,40}"
    r"\b(colab|binder|kaggle|notebook|github|studio|tensorflow\.org)"
    r"|(image|img|figure|fig|png|photo|picture|screenshot|alt|alt[ _-]text|drawing|badge|logo|video)[ _-]?[\d.]*"
    r"|((left|right|fit|inline|original|filtered|autoplay|mute|loop|hide)\b[\s\d%.]*)+",
    re.IGNORECASE,
)
_FORMULA_SIGN = re.compile(r"[\\^_=<>+|]")
_WORD = re.compile(r"[A-Za-z]{3}")
_ALT_IN_TAG = re.compile(r"""\balt\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_WORDS_IN_SHORTCODE = re.compile(r"""\b(?:caption|title|summary)\s*=\s*"([^"]*)"|^\{\{[<%]\s*details\s+"([^"]*)\"""")


def remnant(span: re.Match[str]) -> str:
    """What a reader sees of a match of `SPAN` that is no link and no picture."""
    whole = span.group()
    match span.lastgroup:
        case "code" if whole.startswith("```") and "`" not in whole.strip("`"):
            # A span in three ticks looks like the start of a fence to whoever reads line by line.
            return f"`{whole.strip('`')}`"
        case "round":
            return f"${span['round'].strip()}$" if _is_formula(span["round"]) else whole
        case "square":
            return f"$${span['square']}$$" if _FORMULA_SIGN.search(span["square"]) else whole
        case "role":
            return _role(whole)
        case "comment" | "footnote":
            return ""
        case "shortcode":
            found = _WORDS_IN_SHORTCODE.search(whole)
            return (found[1] or found[2] or "") if found else ""
        case "auto":
            return span["auto"]
        case "tag" | "attrs":
            return _tag(span)
        case "entity":
            return html.unescape(whole).replace("\xa0", " ")
    return whole


def _tag(span: re.Match[str]) -> str:
    name, attributes = span["tag"].lower(), span["attrs"]
    if not _TAG.fullmatch(name) or (len(name) == 1 and attributes and "=" not in attributes):
        return span.group()
    if name == "img":
        alt = _ALT_IN_TAG.search(attributes)
        return meaningful(alt[1] or alt[2] or "") if alt else ""
    return (_END_TAG_AS_TEXT if span["slash"] else _TAG_AS_TEXT).get(name, "")


def _role(role: str) -> str:
    """A MyST role: `{math}` is a formula, a citation says nothing, a reference is its text without the target."""
    name, _, body = role[1:].partition("}")
    body = body.strip("`")
    if name == "math":
        return f"${body}$"
    if name.startswith("cite") or name in ("eq", "numref", "download", "raw"):
        return ""
    return f"`{body}`" if name in ("code", "kbd", "py:func", "py:class") else re.sub(r"\s*<[^<>]+>$", "", body)


def _is_formula(inner: str) -> bool:
    """Tells `\\(x_t\\)` from parentheses that someone escaped: prose has words and no signs."""
    return bool(_FORMULA_SIGN.search(inner)) or not _WORD.search(inner)


def meaningful(alt: str) -> str:
    """A picture's alternative text where it says something; file names and placeholders do not."""
    words = alt.strip()
    if len(words.split()) < 2 or MEDIA.search(words) or _HOLLOW.fullmatch(words) or re.match(r"https?:", words):
        return ""
    return words


def is_hollow(line: str) -> bool:
    """Whether a line is only what a button said ("Open in Colab")."""
    return len(line) <= LONGEST_HEADING and bool(_HOLLOW.fullmatch(line.strip(" |*_\n")))
