"""Pure: what a heading names, once numbers, labels, questions and frames such as "introduction to" are off."""

import re
from dataclasses import dataclass
from typing import Literal

from retrieval.concepts.corpus import plain

HeadingKind = Literal["title", "heading", "asked", "part"]

_NUMBERING = re.compile(r"^\s*(?:[IVX]{1,5}|[A-Z]|\d+(?:\.\d+)*)[.):]\s+|^\s*\d+(?:\.\d+)+\s+")
_LABELS = r"(?:\s*(?:\d+(?:[.-]?\d+)*[a-z]?|[IVX]+|[A-Z]\b(?!\w)))?(?:\s+of\s+\d+)?\s*[-:.–—]+\s+"
_LABEL = re.compile(
    r"^\s*(?:step|part|lesson|lecture|chapter|unit|week|module|topic|section|appendix|milestone|definition|theorem|lemma"
    rf"|method|approach|key (?:term|concept|idea)){_LABELS}",
    re.IGNORECASE,
)
# What comes after these is what a concept is shown on, not the concept.
_SHOWN = re.compile(
    rf"^\s*(?:task|question|exercise|problem|example|case study|case|figure|table|demo|project|scenario){_LABELS}",
    re.IGNORECASE,
)
_REMARK = re.compile(
    r"\s*\([^()]*(?:\d+\s*(?:points?|pts|%)|optional|continued|cont|bonus|extra credit)[^()]*\)", re.IGNORECASE
)
_ASKING = re.compile(
    r"^\s*(?:but\s+)?(?:what(?:['’]s|\s+is|\s+are|\s+was)|define|who\s+is|how\s+(?:do|does)|why\s+(?:do|does|is|are)"
    r"|explain|describe)\s+(?:meant\s+by\s+)?(?:an?\s+|the\s+)?(?P<rest>.+?)"
    r"(?:\s+(?:work|works|mean|in\s.*|used\s.*|and\s+(?:why|how|what)\b.*))?\s*\??\s*$",
    re.IGNORECASE,
)
_AROUND = re.compile(
    r"^\s*(?:(?:an?\s+|the\s+)?(?:brief\s+|short\s+|gentle\s+)?(?:introduction|intro|introducing|overview|review|recap|basics"
    r"|fundamentals|foundations|principles|summary|background|motivation|understanding|computing|computation|applying"
    r"|implementing|implementation|training|building|derivation|definition|properties|applications?|examples?"
    r"|types|kinds|limitations|advantages|drawbacks|visuali[sz]ation|the|an?|introductory)\b"
    r"\s*(?:(?:of|to|on|for|in|with|behind|:|-)\s+)?(?:an?\s+|the\s+)?)+",
    re.IGNORECASE,
)
_BEHIND = re.compile(
    r"\s*(?:[-–—:,]\s*)?\b(?:introduction|intro|overview|basics|summary|examples?|exercises?|workshop|tutorial|demo"
    r"|continued|notebook|from scratch|revisited|in (?:practice|python|pytorch|tensorflow|keras|jax|a nutshell|depth)"
    r"|in detail|explained|explainers?|solutions?|use case|case study|fundamentals|definition|properties|notes?|review"
    r"|recap|primer|walkthrough|illustrated|visuali[sz]ed|implementation|part \d|step \d|\d)\s*$",
    re.IGNORECASE,
)
_CUT = re.compile(r"\s*(?:[:;/,]\s+|\s[-–—]\s|\s&\s|\bvs\.?\s|\bversus\b|\bcompared (?:to|with)\b)\s*")
_SPLIT = re.compile(
    rf"{_CUT.pattern}|\s*(?:[-‐]based\s|\b(?:and|or|with|using|via|for|in|from|through|as|to|on|by|into|against|under)\s)\s*"
)
_FRAME = re.compile(r"\s+(?:architecture|algorithm|measure|method|technique|mechanism)s?$", re.IGNORECASE)
BRACKETED = re.compile(r"\(([^()]{2,60})\)")


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading without its frame: `text` keeps its brackets, `names` come with their kind, the whole first;
    `is_example` where a label says that it shows a thing rather than names one."""

    text: str
    names: tuple[tuple[str, HeadingKind], ...]
    is_example: bool = False


def read_heading(heading: str, kind: Literal["title", "heading"]) -> Heading:
    """Take a heading apart. A comparison or a list names its parts."""
    text = _REMARK.sub("", _NUMBERING.sub("", plain(heading)))
    shown = _SHOWN.match(text)
    text = text[shown.end() :] if shown else _LABEL.sub("", text)
    named: HeadingKind = kind
    if asked := _ASKING.match(text):
        text, named = asked["rest"], "asked"
    bare = BRACKETED.sub(" ", text)
    whole = _BEHIND.sub("", _BEHIND.sub("", _AROUND.sub("", bare)))
    parts: list[tuple[str, HeadingKind]] = []
    if _SPLIT.search(whole):
        parts = [(_BEHIND.sub("", _AROUND.sub("", part)), "part") for part in _SPLIT.split(bare)]
    if frame := _FRAME.search(whole):
        parts.append((whole[: frame.start()], "part"))
    return Heading(text, tuple(parts if _CUT.search(whole) else [(whole, named), *parts]), bool(shown))
