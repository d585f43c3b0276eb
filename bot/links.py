"""Pure: what may not leave Erica in a model's text, that is addresses, images, tags and mass mentions.

Works on pieces of text that contain any such thing whole; cutting a stream into such pieces is
`bot.safe_stream`'s business.
"""

import html
import re
import unicodedata

_TAGS = (
    "a abbr audio base body button canvas code dd div dl dt em embed font form frame h1 h2 h3 h4 h5 h6 head hr html i"
    " iframe img input ins kbd li link main map meta object ol p param picture pre q s script section select small"
    " source span strike strong style sub sup svg table tbody td template textarea th thead title tr track tt u ul var"
    " video wbr b br blockquote details summary marquee"
).replace(" ", "|")
_DOMAINS = (
    "com net org io ai co dev app xyz info me gg ly edu gov mil int biz site online top shop club link page cloud tk"
    " ml ga cf gq uk de fr it es nl ru cn jp in br au ca ch eu us to sh so tv cc ws"
).replace(" ", "|")
_IMAGE = re.compile(r"!\[[^\]]*\](?:\([^)]*\)?|\[[^\]]*\])?")
_LINK = re.compile(r"(?<!\\)\[([^\[\]]*)\]\(([^)]*)\)?")
# A tag's name alone proves nothing, "a<b and c>d" is mathematics: it is a tag when closed at once or with attributes.
_TAG = re.compile(
    rf"</?(?:{_TAGS})\s*/?>|<(?:{_TAGS})\s[^<>]*=[^<>]*>?|<[!@#?/][^<>]*>?|<[a-z][a-z0-9+.-]*:[^<>]*>?", re.IGNORECASE
)
_ADDRESS = re.compile(
    rf"""(?:[a-z][a-z0-9+.-]*:[/\\]+ | (?:javascript|vbscript|data|mailto|file|tel|sms|blob|about|slack|discord):(?=\S)
        | (?<![\w:/.])[/\\]{{2}}(?=[\w-]+\.) | (?<![a-z0-9@-])www\.
        | (?<![a-z0-9.-])(?:[a-z0-9-]+\.)+(?:{_DOMAINS})(?![\w(-]|\.\w) ) [^\s<>"'`|]*""",
    re.IGNORECASE | re.VERBOSE,
)
_CLOSING = re.compile(r"[)\]*_.,;:!?]+$")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:[/\\]{1,}[^\s<>\"'`)\]|]*", re.IGNORECASE)
_HARMLESS = re.compile(r"https?://(?:example\.(?:com|org|net|edu)|localhost|127\.0\.0\.1)(?![\w.@-])", re.IGNORECASE)
_CHAT_TAG = re.compile(r"<[!@#][^<>\s]*>?")
_MASS = re.compile(r"@+(?=(?:everyone|here|channel|all|group)\b)", re.IGNORECASE)
_SAFE_LINK = "https://example.com"


def visible(text: str) -> str:
    """Text without control, zero-width, bidirectional and other unprintable characters; new lines and tabs stay."""
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn"))


def without_addresses(text: str) -> str:
    """Prose: images and tags go, links keep their text, addresses vanish, mass mentions lose their @."""
    plain = html.unescape(text) if "&#" in text else text
    folded = unicodedata.normalize("NFKC", plain)
    # Full-width letters and the like count as what they look like, but only where that matters.
    if folded != plain and (_ADDRESS.search(folded) or _MASS.search(folded) or _TAG.search(folded)):
        plain = visible(folded)
    while True:
        cleaned = _IMAGE.sub("", plain)
        cleaned = _LINK.sub(lambda match: f"[{match[1]}]" if match[1].strip().isdigit() else match[1], cleaned)
        cleaned = _MASS.sub("", _ADDRESS.sub(_after_address, _TAG.sub("", cleaned)))
        if cleaned == plain:  # until nothing new comes together from what was around a removed piece
            return cleaned
        plain = cleaned


def _after_address(match: re.Match[str]) -> str:
    """The punctuation that closes a sentence, a bracket or an emphasis around an address."""
    found = _CLOSING.search(match.group())
    return found.group() if found else ""


def harmless_code(text: str) -> str:
    """Code stays code; only foreign addresses are exchanged for a harmless one, and chat tags go."""
    while True:
        cleaned = _MASS.sub("", _CHAT_TAG.sub("", text))
        cleaned = _SCHEME.sub(lambda match: match[0] if _HARMLESS.match(match[0]) else _SAFE_LINK, cleaned)
        if cleaned == text:
            return cleaned
        text = cleaned
