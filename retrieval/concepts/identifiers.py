"""Pure: which names are written like code: calls, dotted and underscored names, class names, what Python ships."""

import builtins
import re
import sys
from collections.abc import Iterable

from retrieval.concepts.noise_words import CONCEPTS_TOO, IDENTIFIERS

_STANDARD = frozenset(
    name.lower() for name in (*sys.stdlib_module_names, *dir(builtins)) if name.lower() not in CONCEPTS_TOO
)
# TD(0) and copper(II) are no calls.
_CALL = re.compile(r"[\w.]*\w\(\)|[a-z_][\w.]{2,}\((?!(?:[\d,\s]+|[IVX]+)\)).*\).*")
# d_k and L_2 are formulas; a word of two letters or more on either side of the underscore is none.
_SNAKE = re.compile(r"\w*[^\W\d_]{2,}_+\w+|\w+_+[^\W\d_]{2,}\w*|_+\w+|\w+_+")
_DOTTED = re.compile(r"(?!.*\.js$)(?:[a-z]\w+(?:\.[A-Za-z_]\w*)+|[A-Z]\w+(?:\.[a-z_]\w*)+|[a-z]\.[a-z_]\w{2,})")
_LOWER_CAMEL = re.compile(r"[a-z]{2,}(?:[A-Z][a-z]+)+\d*[a-z]?")
_STATEMENT = re.compile(
    r"[=!<>+*/-]=|=>|->|::|&&|\|\||[{};]|^\w+ ?= ?\S|^[%!]\w|^\w+\[[^\]]*\]$|"
    r"^(?:pip3?|conda|npm|apt|sudo) \w|^import [\w.]+ as \w+$|^from [\w.]+ import "
)
_COMPOUND = re.compile(r"\b[A-Za-z]+[a-z\d](?:_[A-Za-z\d]+|[A-Z][a-z\d]+)\w*")

_HUMP = re.compile(r"[A-Z]+(?=[A-Z][a-z]|\d|$)|[A-Z][a-z]+|\d+[a-z]?")
_HUMPS = re.compile(rf"(?:{_HUMP.pattern}){{2,}}")
_SIZED = re.compile(r"[A-Z][A-Za-z]*[a-z]\d[dD]")
_CLASS_ENDS = frozenset(
    "Callback Classifier Config Error Exception Factory Handler Imputer Loader Mixin Module Regressor Scaler Scheduler "
    "Tokenizer Trainer Vectorizer Wrapper".split()
)
_CLASS_MIDDLES = frozenset({"For", "From"})
_DOUBTFUL_ENDS = frozenset(
    "Agent Base Block Builder Cell CV Data Dataset Decoder Embed Encoder Env Frame Head Impl Input Layer Linear Loss "
    "Model Optimizer Output Pipeline Sampler Search Transform".split()
)
_DOUBTFUL_STARTS = frozenset("Abstract Auto Base Custom My Test".split())


def code(text: str) -> str | None:
    """Why a name of single spaces is code for certain, None where it may be a concept's."""
    if " " not in text and len(text) == 1:
        return "a single letter"
    if _CALL.fullmatch(text) or any(_SNAKE.fullmatch(word) for word in text.split()):
        return "a function or module name"
    if _STATEMENT.search(text):
        return "code or a formula"
    if " " not in text and (
        _DOTTED.fullmatch(text) or _LOWER_CAMEL.fullmatch(text) or _is_known(text) or _is_class(text)
    ):
        return "a function or module name"
    return None


def maybe_class(text: str) -> bool:
    """Whether a name in CamelCase ends or begins as classes do: `ResBlock`, `AutoModel`. Only a guess."""
    humps = _humps(text)
    return len(humps) > 1 and (humps[-1] in _DOUBTFUL_ENDS or humps[0] in _DOUBTFUL_STARTS)


def names_in_code(listings: Iterable[str]) -> frozenset[str]:
    """The names of several parts that listings use, as lower-case letters and digits: `target_word`, `LeafNode`."""
    found = {name for listing in listings for name in _COMPOUND.findall(listing)}
    return frozenset(name.replace("_", "").lower() for name in found)


def _is_known(text: str) -> bool:
    """Whether Python or one of its common libraries has this name; NP is none, `np` is."""
    if text in IDENTIFIERS or (text in sys.stdlib_module_names and text not in CONCEPTS_TOO):
        return True
    return text.lower() in _STANDARD and not text.isupper()


def _is_class(text: str) -> bool:
    humps = _humps(text)
    if len(humps) < 2:
        return False
    named_so = humps[-1] in _CLASS_ENDS or not _CLASS_MIDDLES.isdisjoint(humps[1:-1])
    return named_so or len(humps) > (2 if humps[-1] == "CV" else 4) or bool(_SIZED.fullmatch(text))


def _humps(text: str) -> list[str]:
    return _HUMP.findall(text) if _HUMPS.fullmatch(text) else []
