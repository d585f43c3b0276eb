"""What a model answered to the extraction template, read: JSON in whatever it is wrapped, checked for its shape.

Whether it is true is another question, which `retrieval.concepts.grounding` answers.
"""

import json
import re
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ValidationError

from retrieval.ports import ExtractedConcept, ExtractedRelation, Extraction

_MOST_READ = 50
_MOST_TRIED = 100


class UnusableAnswer(Exception):
    """A model's answer is not what it was asked for; the message tells the model why."""


def read_extraction(answer: str) -> Extraction:
    """The extraction that an answer holds, with whatever stands around it. Raises UnusableAnswer saying what is wrong.

    Of more than 50 concepts or relations the first count; relations of unknown kinds do not.
    """
    found = find_object(answer)
    if found is None:
        raise UnusableAnswer("it holds no complete JSON object with `concepts`")
    try:
        read = _Answer.model_validate(found)
    except ValidationError as error:
        wrong = [f"`{'.'.join(map(str, each['loc']))}`: {each['msg']}" for each in error.errors()[:3]]
        raise UnusableAnswer("; ".join(wrong)) from error
    return Extraction(
        tuple(ExtractedConcept(each.name, tuple(each.aliases), each.definition) for each in read.concepts[:_MOST_READ]),
        tuple(
            ExtractedRelation(each.source, each.target, each.kind, each.sentence)
            for each in read.relations[:_MOST_READ]
            if each.kind is not None
        ),
    )


_OBJECT = re.compile(r'\{(?=\s*["}])')


def find_object(text: str) -> dict[str, Any] | None:
    """The last JSON object with `concepts` in a text, be it in a fence, amid prose or inside of another object.

    None where there is none. Never raises.
    """
    decoder = json.JSONDecoder()
    last: dict[str, Any] | None = None
    place = 0
    for _ in range(_MOST_TRIED):
        opening = _OBJECT.search(text, place)
        if opening is None:
            break
        place = opening.end()
        try:
            found, end = decoder.raw_decode(text, opening.start())
        except (ValueError, RecursionError):
            continue
        if "concepts" in found:
            last, place = found, end
    return last


def _listed(value: Any) -> Any:
    return [] if value is None else [value] if isinstance(value, str) else value


def _text(value: Any) -> Any:
    return "" if value is None else value


Kind = Literal["prerequisite", "sibling", "contrast", "is-a", "part-of"]


def _kind(value: Any) -> Any:
    """As it should be spelled; None for kinds that nobody asked for."""
    if not isinstance(value, str):
        return value
    spelled = re.sub(r"[\s_]+", "-", value.strip().lower())
    return spelled if spelled in get_args(Kind) else None


class _Concept(BaseModel):
    name: str
    aliases: Annotated[list[str], BeforeValidator(_listed)] = []
    definition: Annotated[str, BeforeValidator(_text)] = ""


class _Relation(BaseModel):
    source: str
    target: str
    kind: Annotated[Kind | None, BeforeValidator(_kind)]
    sentence: Annotated[str, BeforeValidator(_text)] = ""


class _Answer(BaseModel):
    concepts: list[_Concept]
    relations: Annotated[list[_Relation], BeforeValidator(_listed)] = []
