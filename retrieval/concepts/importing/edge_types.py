"""Pure: what the types of edges mean that foreign graphs use, and how far each is to be believed.

Confidences are priors, set by hand: a graph that says DEPENDS_ON was asked for dependencies; one that says
USES only hints at them, and RELATED_TO says next to nothing.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from retrieval.concepts.names import tokens
from retrieval.graph import Kind

_STATED, _BARE, _WEAK, _HINT = 0.6, 0.4, 0.3, 0.2
_NAMED_SO = 0.9


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a type says of its source and target; `turned` where ours runs the other way."""

    type: Literal["prereq_of", "near_transfer", "explains"]
    kind: Kind = ""
    turned: bool = False
    confidence: float = _STATED

    @property
    def symmetric(self) -> bool:
        """Whether source and target may change places."""
        return self.kind in ("sibling", "contrast")


def _table(*rows: tuple[str, Meaning]) -> dict[str, Meaning]:
    return {name: meaning for names, meaning in rows for name in names.split()}


_MEANINGS = _table(
    (
        "PREREQ_OF PREREQUISITE_OF IS_PREREQUISITE_OF REQUIRED_BY REQUIRED_FOR NEEDED_FOR NEEDED_BY",
        Meaning("prereq_of"),
    ),
    ("PRECEDES COMES_BEFORE FOUNDATION_OF BASIS_OF", Meaning("prereq_of", confidence=_BARE)),
    # "a PREREQUISITE b" is read both ways in the wild; most graphs draw the arrow towards what needs it.
    ("PREREQUISITE PREREQ", Meaning("prereq_of", confidence=_BARE)),
    (
        "DEPENDS_ON REQUIRES NEEDS HAS_PREREQUISITE HAS_PREREQ PRESUPPOSES BUILDS_ON BUILDS_UPON",
        Meaning("prereq_of", turned=True),
    ),
    ("BASED_ON DERIVED_FROM FOLLOWS ASSUMES", Meaning("prereq_of", turned=True, confidence=_BARE)),
    ("USES UTILIZES EMPLOYS APPLIES INVOLVES", Meaning("prereq_of", turned=True, confidence=_HINT)),
    ("USED_IN USED_BY USED_FOR APPLIED_IN INVOLVED_IN", Meaning("prereq_of", confidence=_HINT)),
    (
        "IS_A ISA IS_AN IS_A_TYPE_OF TYPE_OF A_KIND_OF KIND_OF SUBCLASS_OF SUBTYPE_OF INSTANCE_OF SPECIALIZES",
        Meaning("near_transfer", "is-a", confidence=_WEAK),
    ),
    ("HAS_TYPE HAS_SUBTYPE GENERALIZES SUPERCLASS_OF", Meaning("near_transfer", "is-a", turned=True, confidence=_WEAK)),
    ("PART_OF IS_PART_OF COMPONENT_OF BELONGS_TO MEMBER_OF", Meaning("near_transfer", "part-of", confidence=_BARE)),
    (
        "HAS_PART HAS_COMPONENT CONTAINS CONSISTS_OF COMPRISES COMPOSED_OF INCLUDES",
        Meaning("near_transfer", "part-of", turned=True, confidence=_BARE),
    ),
    (
        "CONTRASTS CONTRASTS_WITH CONTRAST DIFFERS_FROM OPPOSITE_OF ALTERNATIVE_TO VERSUS VS COMPARED_TO COMPARED_WITH",
        Meaning("near_transfer", "contrast", confidence=_STATED),
    ),
    (
        "RELATED_TO IS_RELATED_TO RELATES_TO SIMILAR_TO ASSOCIATED_WITH SEE_ALSO SIBLING SIBLING_OF NEAR_TRANSFER",
        Meaning("near_transfer", "sibling", confidence=_WEAK),
    ),
    ("EXPLAINS TEACHES COVERS DEFINES INTRODUCES DESCRIBES DISCUSSES", Meaning("explains")),
    ("EXPLAINED_BY EXPLAINED_IN TAUGHT_IN TAUGHT_BY COVERED_IN DEFINED_IN", Meaning("explains", turned=True)),
)
_OWN_KINDS = {
    "sibling": Meaning("near_transfer", "sibling"),
    "contrast": Meaning("near_transfer", "contrast"),
    "is-a": Meaning("near_transfer", "is-a"),
    "part-of": Meaning("near_transfer", "part-of"),
}


@lru_cache(maxsize=1000)
def type_name(written: str) -> str:
    """A type as it is looked up: `depends on`, `dependsOn` and `DEPENDS-ON` are DEPENDS_ON."""
    return re.sub(r"\W+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", written.strip())).upper().strip("_")


def meaning(written: str, kind: str = "") -> Meaning | None:
    """What a type of edge means, None where this graph has no use for it (AFFECTS, CAUSES, IMPROVES ...)."""
    name = type_name(written)
    if name == "NEAR_TRANSFER" and kind in _OWN_KINDS:
        return _OWN_KINDS[kind]
    return _MEANINGS.get(name)


def is_a_by_name(special: str, general: str) -> float:
    """The confidence of an is-a by the two names alone; 0 where the names say the opposite.

    "Multi-head self-attention" is a self-attention, and no self-attention is a multi-head self-attention.
    """
    first, second = tokens(special), tokens(general)
    if len(first) > len(second) and first[-len(second) :] == second:
        return _NAMED_SO
    if len(second) > len(first) and second[-len(first) :] == first:
        return 0.0
    return _WEAK
