"""Pure: cleans a paragraph of Markdown of what no reader of the page sees: addresses, tags, comments, shortcodes.

Code spans and formulas pass through unchanged. Knows nothing of blocks: see blocks.py.
"""

import re
from itertools import zip_longest

from retrieval.sources.markdown.remnants import MEDIA, meaningful, remnant
from retrieval.sources.markdown.spans import SPAN

_SPECIAL = re.compile(r"[`\\$<!\[{&%]")
_PROTECTED = re.compile(
    r"(?P<code>(?<!`)(?P<ticks>`+)(?!`).*?(?<!`)(?P=ticks)(?!`))|(?P<math>\$\$.+?\$\$|\$[^$]+\$)", re.DOTALL
)
_DEFINITION = re.compile(r"^ {0,3}\[([^\[\]^\n]+)\]:[ \t]+\S", re.MULTILINE)
_EMPHASIS = re.compile(
    r"(?<![\w\\])(\*{1,3}|_{1,3}|~~)(?=\S)(.+?)(?<=[^\s\\])\1(?!\w)|(?<!\\)(\*{1,3})(?=\S)(.+?)(?<=\S)\3"
)
# Stands for a code span or a formula while emphasis is taken away around it; no font shows it.
_HIDDEN = "\ue000"


class Cleaner:
    """Cleans the paragraphs of one document and remembers what its wiki links point to, in order."""

    def __init__(self) -> None:
        self._links: dict[str, None] = {}
        self._references: frozenset[str] = frozenset()

    @property
    def links(self) -> tuple[str, ...]:
        """The targets of the wiki links seen so far, each once, as written."""
        return tuple(self._links)

    def know_references(self, page: str) -> None:
        """Note which names `page` defines (`[name]: address`); only these make `[words][name]` a link."""
        self._references = frozenset(found[1].lower() for found in _DEFINITION.finditer(page))

    def clean(self, paragraph: str) -> str:
        """The paragraph as Markdown without addresses, tags, comments and shortcodes."""
        if not _SPECIAL.search(paragraph):
            return paragraph
        return SPAN.sub(self._replace, paragraph)

    def plain(self, heading: str) -> str:
        """A heading as plain text on one line: no emphasis, no code ticks; formulas keep their dollar signs."""
        kept: list[str] = []

        def hide(span: re.Match[str]) -> str:
            kept.append(span["code"].strip("`").strip() if span["code"] else span["math"])
            return _HIDDEN

        visible = _without_emphasis(_PROTECTED.sub(hide, self.clean(heading).replace(_HIDDEN, "")))
        return " ".join("".join(map("".join, zip_longest(visible.split(_HIDDEN), kept, fillvalue=""))).split())

    def _replace(self, span: re.Match[str]) -> str:
        match span.lastgroup:
            case "embed":
                return self._embed(span["embed"])
            case "wiki" | "alias":
                return self._wiki(span)
            case "label" if self._is_undefined_reference(span):
                return span.group()
            case "label":
                return self.clean(span["label"])
            case "alt":
                return meaningful(self.clean(span["alt"]))
        return remnant(span)

    def _is_undefined_reference(self, span: re.Match[str]) -> bool:
        target = span.group()[len(span["label"]) + 2 :]
        return target.startswith("[") and (target[1:-1] or span["label"]).lower() not in self._references

    def _embed(self, target: str) -> str:
        name, _, alias = target.partition("|")
        if not MEDIA.search(name.split("#")[0]):
            self._links[name.strip()] = None
            return ""
        # After the bar of an embedded picture stands its width or, rarely, a caption.
        return meaningful(alias)

    def _wiki(self, link: re.Match[str]) -> str:
        target = link["wiki"].strip()
        if not any(map(str.isalpha, target)):
            # A date is a link of a daily note; anything else without letters is a matrix, not a link.
            return target if re.fullmatch(r"[\d\s./-]+", target) else link.group()
        self._links[target] = None
        page, _, section = target.partition("#")
        return (link["alias"] or page or section).strip()


def _without_emphasis(text: str) -> str:
    for _ in range(3):
        text, found = _EMPHASIS.subn(lambda m: m[2] or m[4], text)
        if not found:
            break
    return re.sub(r"\\([^\w\s])", r"\1", text)
