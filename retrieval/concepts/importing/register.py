"""The concepts of a foreign graph while it is cleaned: who is refused, who is one with whom, who is meant by an id."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import combinations

from wordfreq import zipf_frequency

from retrieval.concepts.identifiers import maybe_class
from retrieval.concepts.importing.model import Dropped, ImportedConcept, ListedConcept
from retrieval.concepts.names import is_acronym, key, stands_for, tokens
from retrieval.concepts.noise import generality, noise
from retrieval.words import words

_MOST_ALIASES = 12
_LONGEST_DEFINITION = 1000
_LONGEST_NAME = 400
_MOST_OF_ONE_ACRONYM = 8
_IN_BRACKETS = re.compile(r"(?P<name>.*\S)\s*\((?P<short>[^()]{1,20})\)")
_SIGNS = re.compile(r"[+#*]")
# Short forms that only programs use, in an id such as housing_num.
_CODE_WORDS = frozenset(
    "arg args arr cfg cls ctx df dst fn idx img init kwargs len np num obj plt ptr src str tmp".split()
)
_DEFINED_AS_CODE = re.compile(
    r"(?:an?|the)?\s?(?:built-in )?(?:python|pytorch|numpy|pandas|java|javascript|c\+\+)(?:'s)? "
    r"(?:built-in |standard )?(?:class|decorator|function|method|module)\b|an? \w+ subclass in the \w+ module\b|"
    r"an? class (?:from|in|of) the .{0,60}\b(?:library|module|package)\b|"
    r"an? class that (?:extends|inherits from)\b",
    re.IGNORECASE,
)
_NO_DEFINITION = re.compile(
    r"https?:|www\.|<[@#!/a-z]|@(?:everyone|here|channel)\b|\[\[|\]\(|\{[{%]|```", re.IGNORECASE
)
_VOWELS = frozenset("aeiouy")
_RARE = 2.5
"""Zipf frequency below which a short string is hardly a word."""

_SMALL = frozenset("a an and as at by for from in of on or the to via with".split())


@dataclass(slots=True)
class _Group:
    """Nodes that are one concept: its spellings as written, in order, and its first definition."""

    key: str
    titles: list[str]
    definition: str = ""
    aliases: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Refusal:
    """A name that is not taken over; `edges` counts those that go with it."""

    name: str
    reason: str
    edges: int = 0


class Register:
    """Takes nodes one by one; `join_acronyms` once all are in; then `find` says what an edge's end means."""

    def __init__(self, taught: Collection[str] = frozenset()) -> None:
        self._taught = taught
        self._groups: list[_Group | None] = []
        self._by_id: dict[str, int | Refusal] = {}
        self._by_identity: dict[str, int | Refusal] = {}
        self._refusals: list[Refusal] = []
        self._titles: list[str] = []
        self._joined: dict[int, int] = {}

    def add(self, node: ListedConcept) -> None:
        """Takes a node in or refuses it, with its reason; a spelling of a known concept joins it."""
        title, short = _title(node)
        if reason := self._reason(title, node):
            self.refuse(node.id, title or node.id, reason)
            return
        identity = _identity(title)
        place = self._by_identity.get(identity)
        if not isinstance(place, int):
            place = len(self._groups)
            self._groups.append(_Group(identity.rstrip("+#*"), []))
            self._by_identity[identity] = place
        group = self._groups[place]
        assert group is not None
        if title not in group.titles and len(group.titles) < _MOST_ALIASES:
            group.titles.append(title)
        group.aliases += [
            name for name in (*short, *node.aliases[:_MOST_ALIASES]) if len(group.aliases) < _MOST_ALIASES
        ]
        group.definition = group.definition or _definition(node.definition, title)
        if node.id:
            self._by_id.setdefault(node.id, place)

    def add_taught(self, name: str) -> None:
        """Takes in the end of an edge that no node stands for, if the course teaches it."""
        if self.find(name) is None and len(name) <= _LONGEST_NAME and key(name) in self._taught:
            self.add(ListedConcept(name))

    def refuse(self, id_: str, name: str, reason: str) -> Refusal:
        """Notes that what has this id or name is not taken over."""
        known = self._by_id.get(id_)
        if isinstance(known, Refusal):
            return known
        refusal = Refusal(shown(name), reason)
        self._refusals.append(refusal)
        if id_:
            self._by_id.setdefault(id_, refusal)
        if len(name) <= 2 * _LONGEST_DEFINITION:
            self._by_identity.setdefault(_identity(name), refusal)
        return refusal

    def join_acronyms(self) -> None:
        """Joins an acronym with its only expansion, and fixes the titles: from here on nothing is added."""
        expansions = self._expansions()
        for place, group in enumerate(self._groups):
            if group is None or not _is_short(group.titles[0]):
                continue
            found = {other for letters in _shortened(group.titles[0]) for other in expansions.get(letters, ())}
            meant = [other for other in found if other != place and self._spelt_out(group.titles[0], other)]
            if len(meant) == 1:
                self._join(place, meant[0])
        self._titles = [_best(group.titles) if group else "" for group in self._groups]
        self._name_by_alias()

    def find(self, name: str) -> int | Refusal | None:
        """The number of the concept that an id, a title or an alias means, what refused it, or None."""
        found = self._by_id.get(name)
        if found is None and len(name) <= _LONGEST_DEFINITION:
            found = self._by_identity.get(_identity(name))
        return self._joined.get(found, found) if isinstance(found, int) else found

    def title(self, number: int) -> str:
        """The title of a concept that `find` has found."""
        return self._titles[number]

    def concepts(self) -> Iterator[ImportedConcept]:
        """The concepts that are left, in the file's order."""
        for number, (title, group) in enumerate(zip(self._titles, self._groups, strict=True)):
            if group is None:
                continue
            spellings = dict.fromkeys(name for name in group.titles if name != title)
            others = (name for name in dict.fromkeys(group.aliases) if self._is_alias(name, number))
            aliases = tuple(dict.fromkeys((*spellings, *others)))[:_MOST_ALIASES]
            yield ImportedConcept(group.key, title, group.definition, tuple(name for name in aliases if name != title))

    def dropped(self) -> list[Dropped]:
        """Every name that was refused, in order."""
        return [Dropped(refusal.name, refusal.reason, refusal.edges) for refusal in self._refusals]

    def _reason(self, title: str, node: ListedConcept) -> str | None:
        if reason := noise(title):
            return reason
        if self._taught and key(title) in self._taught:
            return None
        if generality(title):
            return "a generality"
        if maybe_class(title) or _DEFINED_AS_CODE.match(node.definition.strip()):
            return "a function, class or module"
        if "_" in node.id and not node.title and not _CODE_WORDS.isdisjoint(title.lower().split()):
            return "a function, class or module"
        return None

    def _expansions(self) -> dict[str, list[int]]:
        """Concepts of several words, by the first letters of those that count."""
        found: defaultdict[str, list[int]] = defaultdict(list)
        for place, group in enumerate(self._groups):
            parts = [word for word in words(group.titles[0]) if word not in _SMALL] if group else []
            initials = "".join(part[0] for part in parts)
            # Many names with the same letters: none of them is *the* expansion.
            if 2 <= len(parts) <= 8 and len(found[initials]) < _MOST_OF_ONE_ACRONYM:
                found[initials].append(place)
        return found

    def _spelt_out(self, acronym: str, other: int) -> bool:
        group = self._groups[other]
        return group is not None and stands_for(acronym, group.titles[0])

    def _join(self, place: int, other: int) -> None:
        group, target = self._groups[place], self._groups[other]
        assert group is not None
        assert target is not None
        target.titles += group.titles
        target.aliases += group.aliases
        target.definition = target.definition or group.definition
        self._groups[place] = None
        # An expansion has several words and is no acronym: nothing is joined twice in a row.
        self._joined[place] = other

    def _name_by_alias(self) -> None:
        for place, group in enumerate(self._groups):
            for name in group.aliases if group else ():
                if noise(name) is None:
                    self._by_identity.setdefault(_identity(name), place)

    def _is_alias(self, name: str, number: int) -> bool:
        return noise(name) is None and not generality(name) and self.find(name) == number


def shown(name: str, most: int = 80) -> str:
    """A foreign string as it may be printed: one line, no control characters, not long."""
    line = name[: 4 * most]
    if not line.isprintable():
        line = "".join(character if character.isprintable() else " " for character in line)
    line = " ".join(line.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def _title(node: ListedConcept) -> tuple[str, tuple[str, ...]]:
    """The title, and the acronym that stands in brackets after it. An id that serves as title loses its underscores."""
    written = (node.title if node.title != node.id else "") or node.id.replace("_", " ")
    text = " ".join(written[:_LONGEST_NAME].split())
    if (found := _IN_BRACKETS.fullmatch(text)) and stands_for(found["short"], found["name"]):
        return found["name"], (found["short"],)
    return text, ()


def _identity(title: str) -> str:
    """What variants of a name share; unlike its key it tells C++ from C# and A* from A."""
    return key(title) + "".join(_SIGNS.findall(title))


def _is_short(title: str) -> bool:
    """Whether a title may be an acronym; in ids they are in lower case, and then no word: rnn, but not cat."""
    if is_acronym(title):
        return True
    short = title.isascii() and title.isalpha() and title.islower() and 2 <= len(title) <= 5
    return short and (_VOWELS.isdisjoint(title) or float(zipf_frequency(title, "en")) < _RARE)


def _shortened(acronym: str) -> set[str]:
    """The initials that an acronym can have: its letters in order, the first always among them."""
    letters = "".join(character for character in acronym.lower() if character.isalnum())
    bare = letters[:-1] if letters.endswith("s") and len(letters) > 2 else letters
    return {
        "".join((whole[0], *rest))
        for whole in {letters, bare}
        for count in range(1, len(whole))
        for rest in combinations(whole[1:], count)
    }


def _best(titles: list[str]) -> str:
    """Of several spellings that with most words, then the shortest: the singular; acronyms come last."""
    if len(titles) == 1:
        return titles[0]
    return min(titles, key=lambda title: (is_acronym(title), -len(tokens(title)), len(title)))


def _definition(text: str, title: str) -> str:
    """A definition as plain text, empty where it is none: markup, a link, a question, the title again."""
    line = shown(text, _LONGEST_DEFINITION)
    if (
        _NO_DEFINITION.search(line)
        or line.endswith(("?", "…"))
        or len(line.split()) < 3
        or line.lower() == title.lower()
    ):
        return ""
    return line
