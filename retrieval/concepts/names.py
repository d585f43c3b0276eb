"""Pure: when two spellings are one name. Case, hyphens, plurals and possessives do not count; words do."""

import re
import unicodedata
from functools import lru_cache

from retrieval.words import words

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z][a-z])")
STAR = re.compile(r"(?<=\b[A-Z])(?:\\?\*(?!\w)|[- ]star\b)")
_LONGEST_KEPT = 80
"""Characters of a name that is remembered once it was read; what is longer is rarely one, or never comes again."""
_LEADING = frozenset({"a", "an", "the"})
# What ends in s and is no plural, beyond -ss, -us and -is, which are handled by rule.
_NO_PLURAL = frozenset(
    "bayes gauss does less lens news series kubernetes markus andreas texas adas bias alias canvas".split()
)
_IRREGULAR = {
    "matrices": "matrix",
    "vertices": "vertex",
    "indices": "index",
    "indexes": "index",
    "criteria": "criterion",
    "phenomena": "phenomenon",
    "axes": "axis",
    "bases": "basis",
    "analyses": "analysis",
    "hypotheses": "hypothesis",
    "simplices": "simplex",
    "neighbour": "neighbor",
    "behaviour": "behavior",
    "colour": "color",
    "modelling": "modeling",
    "labelling": "labeling",
    "leaves": "leaf",
    "halves": "half",
    "lives": "life",
    "biases": "bias",
    "classes": "class",
    "losses": "loss",
    "processes": "process",
}
_BRITISH = re.compile(r"^([a-z]{3,})is(ation|e|ed|ing|er)$")
# Words whose -ise is no British -ize.
_NO_BRITISH = re.compile(
    r"prec|exerc|rev|adv|superv|unsuperv|comprom|surpr|prom|prem|conc|expert|pra|improv|telev|dev|disgu|\w*w|enterpr"
)


def fold(word: str) -> str:
    """A lower-case word in the singular and in American spelling."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    singular = _singular(word)
    if singular in _IRREGULAR:
        return _IRREGULAR[singular]
    if "is" in singular and (british := _BRITISH.match(singular)) and not _NO_BRITISH.fullmatch(british[1]):
        return f"{british[1]}iz{british[2]}"
    return singular


def _singular(word: str) -> str:
    if len(word) < 4 or word in _NO_PLURAL or not word.endswith("s") or word.endswith(("ss", "us", "is", "ics")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    if word.endswith(("sses", "shes", "ches", "xes", "zes")):
        return word[:-2]
    return word[:-1]


def tokens(name: str) -> tuple[str, ...]:
    """The folded words of a name, without a leading article; hyphens and underscores separate."""
    return _tokens(name) if len(name) <= _LONGEST_KEPT else _tokens.__wrapped__(name)


@lru_cache(maxsize=50_000)
def _tokens(name: str) -> tuple[str, ...]:
    # Combining marks and full-width letters are how they look: é is é however it was typed.
    split = unicodedata.normalize("NFKC", name)
    if "*" in split or "star" in split:
        split = STAR.sub("star", split)
    if not split.islower():
        split = _CAMEL.sub(" ", split)
    found = [fold(word) for word in words(split)]
    return tuple(found[1:] if len(found) > 1 and found[0] in _LEADING else found)


def key(name: str) -> str:
    """Equal keys mean one name: fine-tuning, fine tuning, finetuning and `FineTuning` share theirs."""
    return "".join(tokens(name))


def slug(title: str) -> str:
    """A readable id: lower-case words joined by hyphens; at most 80 characters; empty where no letter is left."""
    return "-".join(words(unicodedata.normalize("NFKC", title)))[:80].strip("-")


@lru_cache(maxsize=50_000)
def is_acronym(name: str) -> bool:
    """Whether a name is written like an acronym: RNN, kNN, ELBO, t-SNE, mAP, A3C, ReLU."""
    bare = re.sub(r"[^A-Za-z0-9]", "", name)
    if " " in name.strip() or not 2 <= len(bare) <= 8 or not bare[:1].isalpha():
        return False
    capitals = sum(character.isupper() for character in bare)
    return capitals >= 2 and capitals * 2 >= sum(character.isalpha() for character in bare)


def is_clipped(short: str, name: str) -> bool:
    """Whether a word is put together from the beginnings of a name's words: AdaBoost, from adaptive boosting."""
    parts = re.findall(r"[A-Z][a-z]+", short)
    full = words(name)
    return (
        2 <= len(parts) == len(full)
        and "".join(parts) == short
        and all(word.startswith(part.lower().removesuffix("s")) for part, word in zip(parts, full, strict=True))
        and short.lower() != "".join(full)
    )


def stands_for(acronym: str, name: str) -> bool:
    """Whether the letters of an acronym are found in order at the words of a name, each word giving a part.

    RNN stands for recurrent neural network(s), ELBO for evidence lower bound, kNN for k-nearest neighbors,
    LSTM for long short-term memory, GMM for Gaussian mixture model. Small words may be passed over.
    """
    letters = re.sub(r"[^a-z0-9]", "", acronym.lower())
    if len(letters) > 2 and acronym.rstrip().endswith("s") and acronym[:-1].isupper():
        letters = letters[:-1]
    parts = words(name)
    if not letters or len(parts) < 2 or len(letters) < len([part for part in parts if part not in _SMALL]):
        return False
    return _matches(letters, parts)


_SMALL = frozenset("a an and as at by for from in of on or the to via with".split())


def _matches(letters: str, parts: list[str]) -> bool:
    """Each word gives its first letter and maybe some that follow in it; small words may give none."""
    if not parts:
        return not letters
    first, rest = parts[0], parts[1:]
    if first in _SMALL and _matches(letters, rest):
        return True
    if not letters or first[0] != letters[0]:
        return False
    if _matches(letters[1:], rest):
        return True
    # More letters of the same word, in order: the B and O of "bound".
    taken, place = 1, 1
    while taken < len(letters) and taken < 4:
        place = first.find(letters[taken], place) + 1
        if place == 0:
            return False
        taken += 1
        if _matches(letters[taken:], rest):
            return True
    return False
