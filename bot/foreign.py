"""Pure: what a foreign link, a mention or a tag looks like, and a word without it. Knows no streams and no citations.

Two layers, because no pattern sees through every disguise: what stands openly is rewritten; a word that still
reads as a link or mention once its disguise is off (entities, percent codes, full width, backslashes) goes as a whole.
"""

import html
import re
import unicodedata
from typing import Literal
from urllib.parse import unquote

Kind = Literal["prose", "code", "math", "open", "close", "lone"]
"""What a piece of text is. `open` and `close` are the marks around code and math, `lone` what else must stay as it
is, such as `[1]`."""

LINK_REMOVED = "‹link removed›"
MENTION_REMOVED = "‹mention removed›"
_REMOVED = "‹removed›"
CODE_LINK = "https://example.com"
_CODE_HOST = "www.example.com"

# What chat programs link without a scheme. A bare name only with an ending that is common among links, so
# that `model.fit` and `README.md` survive; with a path, a port or a query a name is more clearly a link.
_ENDINGS = "com|net|org|io|ai|co|dev|app|xyz|info|me|gg|ly"
_MORE_ENDINGS = (
    "edu|gov|mil|int|eu|uk|us|de|fr|nl|it|es|pl|ch|at|be|se|ru|su|cn|jp|kr|in|br|au|ca|to|so|is|tv|cc|biz|pw|tk|ml"
    "|ga|cf|gq|ws|st|fm|la|im|sh|link|click|site|online|top|shop|live|page|pages|web|cloud|tech|store|club|space"
    "|website|fun|icu|host|zip|mov|gle|lol|world|today|chat|email|blog|news|wiki|onion|xn--[a-z0-9-]+"
)
# Attributes and modules that students read about. A listed name is the same for all, so it can leak nothing.
_NO_LINK = re.compile(
    r"(?:self|cls|args|cfg|config|df|np|pd|tf|nn|plt|jax|os|sys|obj|model|torch|scipy|skimage|torchvision|torchaudio)"
    r"\.(?:io|info|net|app|dev|me)|(?:asp|ml|vb|ado)\.net|socket\.io",
    re.IGNORECASE,
)
_HOST = r"(?<![\w-])(?<!\w\.)(?:[\w-]++\.(?=[\w-]+\.[\w-]))*+[\w-]++\."
_LINK = re.compile(
    rf"""(?:
        (?<![a-z0-9+.-])[a-z0-9+.-]*+:(?:\\?/){{2,}}  # any scheme, also one that began in the word before
      | (?:https?|ftp|wss?):[/\\]
      | (?<![\w:/])/{{2,}}(?=[\w\[])         # //host
      | (?<![a-z0-9])www\d?\.(?=\w)
      | (?:javascript|vbscript|mailto):(?=\S)
      | (?<!\w)(?:tel|sms|slack|discord|tg|skype|steam|blob|intent|view-source):(?=\S)
      | (?<!\w)(?:data:(?=[\w.+-]*[/;,]\S)|file:(?=[/\\]))
      | {_HOST}(?:{_ENDINGS}|{_MORE_ENDINGS})(?=[/?#]\S|:\d)
    )[^\s<>|{{}}"“”]*""",
    re.IGNORECASE | re.VERBOSE,
)
_BARE = re.compile(
    rf"(?<!\w@){_HOST}(?:{_ENDINGS})(?!-*[a-z0-9]|\(|_+[^\W_]|\.\w)",
    re.IGNORECASE,
)
_CODE_LINKS = re.compile(
    r"(?:(?:https?|ftp|wss?|file):[/\\]{2,}(?=[\w\[/\\-])|[a-z][a-z0-9+.-]*://(?=[\w\[-])|(?<!\w)www\d?\.(?=\w))"
    r"[^\s\"'`<>()\[\],;|]*",
    re.IGNORECASE,
)
_KEPT_IN_CODE = re.compile(
    r"[a-z][a-z0-9+.-]*://(?:localhost|127\.0\.0\.1|example\.com)(?::[\w{}]+)?(?:[/?#](?:(?!//|www)[^@\\])*)?|www\.example\.com",
    re.IGNORECASE,
)
_MASS = re.compile(r"[@＠﹫]++(?=everyone|here|channel(?!\w))", re.IGNORECASE)
_TARGETED = re.compile(
    r"<(?:!(?:here|channel|everyone|group|subteam|date)|@[!&]?\w|#\w)[\w|@.^:/{}\u200c\u200d\ufe00-\ufe0f-]*>?",
    re.IGNORECASE,
)

# Tags that only format or embed; names that are also good placeholders (`<title>`) count only with attributes.
_TAGS = (
    "abbr|applet|article|aside|base|blockquote|br|button|canvas|center|cite|code|dd|del|details|div|dl|dt|em|embed"
    "|font|footer|form|frameset|h[1-6r]|html|iframe|img|ins|kbd|li|marquee|meta|nav|noscript|object|ol|pre|script"
    "|small|span|strong|style|sub|summary|sup|svg|table|tbody|td|textarea|tfoot|th|thead|tr|tt|ul"
)
_PLACEHOLDERS = "address|area|audio|body|frame|head|header|image|input|label|link|main|math|option|picture|section"
_PLACEHOLDERS += "|select|source|title|track|var|video"
TAG_START = re.compile(rf"<(?=/?(?:{_TAGS})(?![\w-])|/?[abipqu]/?>|(?:{_PLACEHOLDERS})(?![\w>/-]))", re.IGNORECASE)
_WHOLE_TAG = re.compile(
    rf"<(?:!--[^\n]*?--|(?P<name>/?(?:{_TAGS}))(?:[\s/][^<>\n]*)?|/?[abipqu]/?"
    rf"|(?:[abipqus]|{_PLACEHOLDERS})\s[^<>\n]*=[^<>\n]*)>",
    re.IGNORECASE,
)
_WHOLE_MENTION = re.compile(r"<(?:!(?:here|channel|everyone|group|subteam|date)|@[!&]?\w|#\w)[^<>\n]*>", re.IGNORECASE)
_WHOLE_LINK = re.compile(r"<(?:[a-z][\w+.-]*:)?//[^<>\n]*>", re.IGNORECASE)
_SHOWN_AS = {"br": " ", "sup": "^", "sub": "_", "li": " "}

_LATEX = re.compile(r"\\(?:[a-zA-Z]+|.)|[{}$^_&~]")
_STRANGE = re.compile(r"[^\n\t\x20-\x7e]")
_FILLERS = "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
_JOINED = ("Lo", "Mn", "Mc", "So", "Sk", "Me", "Cf")
_ALIKE = str.maketrans({"。": ".", "｡": ".", "⁄": "/", "∕": "/", "⧸": "/", "∶": ":", "꞉": ":"})


def visible(text: str, before: str = "") -> str:
    """The text without control, bidi and zero-width characters; `before` is what was kept last.

    Joiners and variation selectors stay where writing needs them: in emoji and between non-Latin letters.
    """
    if not _STRANGE.search(text):
        return text
    kept: list[str] = []
    for char in text:
        if "\x20" <= char <= "\x7e" or char in "\n\t":
            kept.append(char)
        elif replaced := _visible(char, kept[-1][-1] if kept else before[-1:]):
            kept.append(replaced)
    return "".join(kept)


def _visible(char: str, before: str) -> str:
    if char in "\u200c\u200d":
        return char if before > "\u02ff" and unicodedata.category(before) in _JOINED else ""
    if "\ufe00" <= char <= "\ufe0f":
        return (
            char
            if before and (before in "0123456789#*" or (before > "\x7f" and unicodedata.category(before) in _JOINED))
            else ""
        )
    if char in _FILLERS or "\U000e0000" <= char <= "\U000e0fff":
        return ""
    category = unicodedata.category(char)
    if category in ("Cc", "Cf"):
        return ""
    if category in ("Zl", "Zp"):
        return "\n"
    return "\ufffd" if category == "Cs" else char


def without_angles(text: str) -> str:
    """Markdown without whole HTML tags, and without whole mentions and links in angle brackets."""
    text = _WHOLE_MENTION.sub(MENTION_REMOVED, text)
    text = _WHOLE_LINK.sub(LINK_REMOVED, text)
    return _WHOLE_TAG.sub(lambda tag: _SHOWN_AS.get((tag["name"] or "").rstrip(" /").lower(), ""), text)


def _rewritten(text: str, kind: Kind) -> str:
    """One piece of a word without what stands openly in it."""
    if kind == "code":
        text = _CODE_LINKS.sub(lambda link: _without_link(link.group(), kind), text)
    else:
        text = _LINK.sub(lambda link: _without_link(link.group(), kind), text)
        text = _BARE.sub(lambda name: name.group() if _NO_LINK.fullmatch(name.group()) else LINK_REMOVED, text)
        text = TAG_START.sub("", text)
        text = text.replace(f"<{LINK_REMOVED}>", LINK_REMOVED)
    return _TARGETED.sub(MENTION_REMOVED, _MASS.sub("", text))


def _without_link(link: str, kind: Kind) -> str:
    address = link.rstrip(".,;:!?'*_~\\")
    for opening, closing in ("()", "{}"):
        while address.endswith(closing) and opening not in address:
            address = address[:-1]
    rest = link[len(address) :]
    if kind != "code":
        return LINK_REMOVED + rest
    if _KEPT_IN_CODE.fullmatch(address):
        return link
    return (_CODE_HOST if address[:3].lower() == "www" else CODE_LINK) + rest


def _undisguised(text: str, kind: Kind) -> str:
    """The text as a browser, a Markdown renderer or a formula renderer might end up reading it."""
    if kind != "code":
        for _ in range(2):
            text = html.unescape(unquote(text))
    text = unicodedata.normalize("NFKC", text.translate(_ALIKE)).translate(_ALIKE)
    return "".join(char for char in text if not _is_filler(char))


def _is_filler(char: str) -> bool:
    return char > "~" and (
        char in _FILLERS or "\ufe00" <= char <= "\ufe0f" or unicodedata.category(char) in ("Cf", "Cc")
    )


def is_foreign(text: str, kind: Kind) -> bool:
    """Whether links or mentions can still be read in this text."""
    plain = _undisguised(text, kind)
    if kind == "code":
        return _reads_foreign(plain, kind)
    views = [plain, plain.replace("\\", ""), _LATEX.sub("", plain)]
    return any(_reads_foreign(view, kind) for view in dict.fromkeys(views if kind == "math" else views[:2]))


def _reads_foreign(plain: str, kind: Kind) -> bool:
    if _MASS.search(plain) or _TARGETED.search(plain):
        return True
    if kind == "code":
        return any(_without_link(link.group(), kind) != link.group() for link in _CODE_LINKS.finditer(plain))
    bare = any(not _NO_LINK.fullmatch(name.group()) for name in _BARE.finditer(plain))
    return bare or bool(_LINK.search(plain))


def without_foreign(text: str, kind: Kind) -> str:
    """One piece of a word, safe by itself. Marks come back as they are."""
    if kind in ("open", "close", "lone"):
        return text
    before = None
    while text != before:
        before, text = text, _rewritten(text, kind)
    if not is_foreign(text, kind):
        return text
    if kind == "code":
        text = _rewritten(_undisguised(text, kind), kind)
        return _REMOVED if is_foreign(text, kind) else text
    return _REMOVED
