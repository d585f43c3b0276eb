"""Pure: which names can be a concept of no course: numbers, code, navigation, boilerplate, sentences, markup.

Decided by form and by words of general use alone; nothing here knows the course or a subject.
"""

import re
import unicodedata

from retrieval.concepts.frequency import zipf
from retrieval.concepts.identifiers import code, maybe_class
from retrieval.concepts.names import is_acronym, tokens
from retrieval.concepts.noise_words import BOILERPLATE, GENERAL, GIVEN_NAMES, LABELS, NAVIGATION, PLACES, SHOWING

_LONGEST = 80
_MOST_WORDS = 8
_VERY_COMMON = 5.3
"""Zipf frequency, that is log10 of occurrences per 10^9 words, from which a word alone says nothing."""

_COMMON_STEM = 3.5

_BEGINNINGS = frozenset({"the", *(phrase[:3] for phrase in BOILERPLATE | NAVIGATION)})
_NUMBERED = (
    "answer appendix assignment bonus box case cell chapter day def definition eq eqn equation ex example exercise "
    "exhibit experiment fig figure hint homework hw item lab lecture lemma lesson line listing method milestone module "
    "note option page part phase pp problem proof proposition question quiz round scenario sec session slide solution "
    "step tab table task test theorem tip topic track trial tutorial unit version video week"
).replace(" ", "|")
_NUMBERED_HEADING = re.compile(
    rf"(?:(?:{_NUMBERED})s?\.?\s*(?:no\.?\s*)?[#(]?(?:\d[\d.,–-]*[a-z]?|[a-z]|[ivx]{{1,4}})\)?|"
    r"section\s*\d{1,2}(?:\.\d+)*|[qp]\.?[\s-]?\d{1,3}[a-z]?)(?:\s*[:.–—-]\s.*|:.*|[:.]?)|"
    r"(?:exercise|example|hint|homework|note|problem|question|remark|solution|task|tip|warning)s?: .*|"
    r"(?:copyright|©) .*|.*\S.*[\s(]\d+ (?:points?|pts?|marks?)\)?|.*\S\s?[-–—(]\s?cont(?:inued|['’.]?d)?\.?\)?|"
    r".*\s(?:case stud(?:y|ies)|demo|exercises|homework|notebooks|quiz|recap|tutorials?|walkthrough|workshops?)",
    re.IGNORECASE,
)
_ABOUT = re.compile(
    r"(?:an? )?(?:(?:brief|gentle|quick|short) )?"
    r"(?:introduction|intro|overview|summary|recap|review|outline|discussion|examples?|exercises?|references|notes|quiz|"
    r"questions|motivation|background|conclusions?) (?:about|for|of|on|to) .*",
    re.IGNORECASE,
)
_NUMBERING = re.compile(r"^(?:\d+(?:\.\d+)*[.):]?|[A-Za-z][.)])\s+(?=\S)")

_LONG_MONTH = "january|february|april|june|july|august|september|october|november|december"
_MONTH = rf"(?:{_LONG_MONTH}|march|may|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\.?"
_WEEKDAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)day|mon|tue|wed|thu|fri"
_DATE = re.compile(
    r"(?:1[5-9]|20|21)\d\d(?:\s*[-–/]\s*\d{2,4})?|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[T\s]\d.*)?|"
    rf"(?:{_WEEKDAY}),?(?:\s.*\d.*)?|{_LONG_MONTH}|"
    rf"{_MONTH},?\s+\d{{1,4}}(?:st|nd|rd|th)?(?:,?\s+\d{{4}})?|\d{{1,2}}(?:st|nd|rd|th)?\s+{_MONTH}(?:,?\s+\d{{2,4}})?|"
    r"(?:spring|summer|fall|autumn|winter)(?:\s+(?:semester|term|quarter))?\s+\d{2,4}|"
    r"\d{1,2}:\d\d(?::\d\d)?(?:\s*[ap]m)?",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    r"[(\[]?[-+~≈<>#v]?\d[\d.,:/–—%x×e+\-\s]*[)\]]?|\d+(?:st|nd|rd|th)|[iI]{2,3}|"
    r"[(\[]?\d+(?:[.,]\d+)?\s*(?:points?|pts?|marks?|min(?:ute)?s?|hours?|seconds?|days?|weeks?|credits?|%|px|k|kb|mb|gb)"
    r"\.?[)\]]?|zero|one|two|three|four|five|six|seven|eight|nine|ten|first|second|third"
)

_FILE = (
    "cfg|cpp|css|csv|docx?|gif|h5|html?|ini|ipynb|java|jpe?g|json|log|md|mp4|npy|onnx|pdf|pkl|png|pptx?|pth?|py|qmd|rst|"
    "sh|svg|tar|tex|toml|tsv|txt|xlsx?|xml|ya?ml|zip|gz"
)
_EXTENSION = re.compile(_FILE)
_PARTICLES = frozenset("van von de der den da di la le del".split())
_MARKUP = re.compile(
    r"</?[A-Za-z!@#][^>]*>?|\w+://|[hH]ttps?:|\bwww\.|[\w.+-]+@[\w-]+\.[A-Za-z]{2,}|(?:^|\s)@\w|^#+(?:\s|[a-z]{3})|`|\*\*|"
    r"\]\(|\[\[|\]\]|\{[{%]|&#?\w+;|^[.~]{0,2}/\w|^[a-z\d_]+(?:/[a-z\d_.-]+){2,}/?$|^[A-Z]:\\|^:\w+:$|"
    rf"\w{{2}}\.(?:{_FILE})$"
)
_FORMULA = re.compile(r"\$\$?[^$]*\$\$?|\\[([].*?\\[)\]]|\\[A-Za-z]+(?:\{[^{}]*\})*|[\^_]\{[^{}]*\}|\\")

_QUESTION = re.compile(
    r"(?:how|what|why|when|where|which|who|whose)(?:['’]s|['’]re)?\s\S.*|.*[?？]|"
    r"(?:can|could|do|does|did|is|are|should|would|will)\s(?:i|we|you|it|they|he|she|the|this|that|there|an?)\s.*",
    re.IGNORECASE,
)
_AUXILIARY = r"is|are|was|were|has|have|does|do|can|would|should|must|may|could|cannot|isn['’]t|don['’]t|doesn['’]t"
_SENTENCE = re.compile(
    r"(?:i|we|they|he|she|this|these|those|let|let['’]s|lets|please)\s\S.*|(?:note|recall) that\s.*|"
    rf"(?:here|there|you)\s(?:{_AUXILIARY}|we|will|need)\s.*|(?:here|there|that|it)['’]s\s.*|"
    rf"\S+(?:\s\S+)*?\s(?:{_AUXILIARY})\s\S.*|.*\w{{3,}}(?:[.!]\s[A-Z].*|!)",
    re.IGNORECASE,
)
# Some verbs begin no name; others begin one unless an article follows: "load balancing", "load the data".
_INSTRUCTION = re.compile(
    r"(?:analy[sz]|calculat|configur|creat|defin|describ|evaluat|execut|explain|generat|identify|implement|initiali[sz]|"
    r"inspect|install|obtain|perform|prepar|preprocess|solv|specify|submit|understand|vectori[sz]|visuali[sz])e?\s\S.*|"
    r"(?:analy[sz]|configur|creat|defin|execut|experiment|extract|identify|implement|import|inspect|install|introduc|"
    r"prepar|solv|specify|understand|us|visuali[sz])ing\s\S.*|"
    r"(?:add|apply|build|check|choos|comput|download|draw|explor|generat|gett?|import|load|mak|plot|print|read|runn?|sav|"
    r"see|sett?|show|splitt?|test|train|try|us|writ)(?:ing|e|)\s(?:the|an?|our|your|some|all|this|up|it|data|libraries)"
    r"(?:\s.*)?",
    re.IGNORECASE,
)
_UNPRINTABLE = frozenset({"Cc", "Cf", "Co", "Cn", "Cs"})


def noise(name: str) -> str | None:
    """Why a name can be a concept of no course, in a short phrase; None where it may be one.

    "Introduction to X" and "Step 2: X" are headings, not names: take X out first where X is wanted.
    """
    if len(name) > 2 * _LONGEST:  # before anything that reads it all
        return "too long"
    text = " ".join(unicodedata.normalize("NFKC", name).split())
    if not text.isprintable() and any(unicodedata.category(character) in _UNPRINTABLE for character in text):
        return "unprintable"
    if not any(character.isalnum() for character in text):
        return "no words"
    if len(text) > _LONGEST:
        return "too long"
    if _DATE.fullmatch(text):
        return "a date"
    if _NUMBER.fullmatch(text):
        return "a number"
    # Braces and bars are no code inside of a formula.
    bare = text if text.isalnum() else _FORMULA.sub("", text).strip()
    if _MARKUP.search(text) or not any(character.isalpha() for character in bare):
        return "markup"
    return _heading(text) or code(bare) or _prose(text)


def generality(name: str) -> bool:
    """Whether a name is one word of so general a meaning that it is a concept only where a course defines it.

    Acronyms and what is written with digits or signs (A*, C++) never are.
    """
    written = name.strip(" .:,")
    if not written.isalpha() or is_acronym(written):
        return False
    parts = tokens(written)
    if len(parts) != 1:  # CamelCase
        return False
    word = parts[0]
    if word in GENERAL or written.lower() in GENERAL or zipf(word) >= _VERY_COMMON:
        return True
    # Adverbs: mainly, basically; but no assembly or anomaly.
    return word.endswith("ly") and len(word) > 5 and zipf(word[: -4 if word.endswith("ically") else -2]) >= _COMMON_STEM


def label(name: str) -> bool:
    """Whether a name of several words says where something stands or who reads it: `MDP chapter`, `csv file`.

    Labels are concepts of no course however often they recur; `noise` keeps them, for some are names elsewhere.
    """
    parts = tokens(name[: 2 * _LONGEST])
    if len(parts) < 2:
        return False
    if parts[-1] in LABELS or (parts[-1] == "file" and _EXTENSION.fullmatch(parts[-2])):
        return True
    return not SHOWING.isdisjoint(parts[1:])


def place_name(word: str) -> bool:
    """Whether names that end in this folded word are a tool's, a document's or a group's: `COCO dataset`."""
    return word in PLACES


def person(name: str) -> bool:
    """Whether a name is a person's by its first word and its capitals: Marie Curie, but no Thomas algorithm."""
    parts = name[: 2 * _LONGEST].split()
    return (
        2 <= len(parts) <= 4
        and parts[0].lower() in GIVEN_NAMES
        and all(part[:1].isupper() or part in _PARTICLES for part in parts)
    )


def looks_like_code(name: str) -> bool:
    """Whether a name is or may well be an identifier: code for certain, or a class's name such as `ResBlock`.

    For CamelCase this is a guess, since AdaBoost and PyTorch are names too; the text around has the last word.
    """
    text = " ".join(name[: 2 * _LONGEST].split())
    return code(text) is not None or maybe_class(text)


def _heading(text: str) -> str | None:
    bare = _NUMBERING.sub("", text).strip(" :.!*-–—…")
    if not (begins := bare[:3].lower()).isalpha() or begins in _BEGINNINGS:  # else not worth the folding
        folded = {" ".join(tokens(bare)), bare.lower().replace("-", " ")}
        if folded & NAVIGATION:
            return "navigation"
        if folded & BOILERPLATE:
            return "a boilerplate heading"
    if _NUMBERED_HEADING.fullmatch(bare) or _ABOUT.fullmatch(bare):
        return "a boilerplate heading"
    return None


def _prose(text: str) -> str | None:
    # WHO and IT are no pronouns.
    first = text.split(" ", 1)[0]
    shouted = len(first) > 1 and first.isupper()
    if _QUESTION.fullmatch(text) and not (shouted and text[-1] not in "?？"):
        return "a person's question"
    if text.count(" ") >= _MOST_WORDS or (not shouted and (_SENTENCE.fullmatch(text) or _INSTRUCTION.fullmatch(text))):
        return "a sentence"
    return None
