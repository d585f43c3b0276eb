"""Pure: from what somebody typed to what is searched, without harming it.

Greetings and mentions go; code, error text and identifiers stay as they were written.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from retrieval.words import words

_MENTION = re.compile(r"<[@#!][^>\s]{1,80}>|(?<![\w`.])@(?:erica|everyone|here|channel)\b", re.IGNORECASE)
_GREETING = re.compile(
    r"^\W*(?:(?:hi+|hey+|hello|hiya|yo|dear|good\s+(?:morning|afternoon|evening)|greetings)"
    # "hello-world", "hello()" and "hello, world" are what is asked about
    r"(?![-.]\w|\(|,?\s+world\b)"
    r"(?:\s+(?:there|all|everyone|everybody|guys|folks|erica|prof(?:essor)?))*\b[\s,.!:;)–-]*)+",
    re.IGNORECASE,
)
# Nothing but courtesy is no question; "thanks, and in python?" still is one.
_COURTESY = re.compile(
    r"^\W*(?:(?:ok(?:ay)?|great|cool|nice|perfect|got it|thanks?(?:\s+(?:you|a\s+lot|so\s+much))*|thx|ty|cheers|bye"
    r"|goodbye|see\s+you|erica|very|much)\b\W*)+$",
    re.IGNORECASE,
)
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]+`", re.DOTALL)
_CODE_PARTS = re.compile(f"({_CODE.pattern})", re.DOTALL)
_OPENER = re.compile(
    r"^(?:and|but|so|or|also|then|ok(?:ay)?|what about|how about|why(?: not)?\?*$|how come|what if|in (?:python|code)"
    r"|show me|give me|another|more|any|can you (?:show|explain|give)|could you (?:show|explain|give)|explain)\b",
    re.IGNORECASE,
)
_ANAPHORA = frozenset(
    "it its it's that this they them their those these one ones same former latter above both he she there".split()
)
_FUNCTION_WORDS = frozenset(
    """a about again all also am an and another any are as at be been but by can code could did do does else ever
    example explain for from further get give go got had has have how i if implement implemented in into is just
    know let like make may me mean means more my need not now of ok okay on or other our out please python same say
    see should show simple so some step steps still tell than thanks that the then thing things to too understand up
    us use used want was way we well were what when where which who why will with would you your""".split()
)


@dataclass(frozen=True, slots=True)
class SearchText:
    """What is searched for a question: `text`, and what it follows, if it does."""

    text: str
    context: str = ""

    @property
    def whole(self) -> str:
        """Context first, as a reader would have met them."""
        return f"{self.context}\n{self.text}" if self.context else self.text


def clean(question: str) -> str:
    """The question without mentions, greetings, control and invisible characters; empty where nothing is asked."""
    kept = "".join(c for c in question if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn"))
    parts = _CODE_PARTS.split(kept)
    parts[::2] = [_MENTION.sub(" ", prose) for prose in parts[::2]]
    asked = _GREETING.sub("", "".join(parts).strip(), count=1).strip()
    return "" if _COURTESY.match(asked) else asked


def search_text(question: str, previous: Sequence[str] = ()) -> SearchText:
    """Join a follow-up with what it follows, back to the last question that stands on its own."""
    text = clean(question)
    if not previous or not follows_up(text):
        return SearchText(text)
    context: list[str] = []
    for earlier in reversed([clean(one) for one in previous]):
        context.insert(0, earlier)
        if not follows_up(earlier) or len(context) == 3:
            break
    return SearchText(text, "\n".join(context))


def own_words(text: str) -> list[str]:
    """The words of the prose that name something, rather than ask, point back or hold the sentence together."""
    return [word for word in words(_CODE.sub(" ", text)) if word not in _FUNCTION_WORDS and word not in _ANAPHORA]


def points_back(text: str) -> bool:
    """Whether a pronoun stands for something that was said before."""
    return any(word in _ANAPHORA for word in words(_CODE.sub(" ", text)))


def follows_up(text: str) -> bool:
    """Whether a question cannot be understood without the one before it.

    It opens like a continuation or points back with a pronoun, and names little of its own.
    """
    own = own_words(text)
    if not own:
        return True
    if _CODE.search(text):
        return False
    return (points_back(text) and len(own) <= 4) or (bool(_OPENER.match(text)) and len(own) <= 3)
