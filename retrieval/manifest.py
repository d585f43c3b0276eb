"""What an index says of itself: how it was built, and the statistics that questions are read with."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from retrieval.errors import IndexMismatch

FORMAT = 4
"""Raised when an index of the last version cannot be read any more, or the same text would be stored otherwise."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """Stored with every index.

    `embedding` is the embedder's name, None for a lexical index. `digest` covers everything that decides
    the index's content, so an equal digest means that nothing has to be built. `mean_length` is the mean
    number of terms a passage holds. `words` counts in how many passages a word occurs, `terms` the same
    for hashed terms. `notes` lists the pages of sources with `trust = "notes"`. `last_release` is the
    latest release day (proleptic ordinal), 0 if nothing is held back. `cosine_mean` and
    `cosine_deviation` say what unrelated texts have in common, see `retrieval.background`.
    """

    course: str
    digest: str
    created: str
    passages: int
    pages: int
    mean_length: float
    embedding: str | None = None
    dimensions: int | None = None
    cosine_mean: float = 0.0
    cosine_deviation: float = 1.0
    last_release: int = 0
    words: Mapping[str, int] = field(default_factory=dict)
    terms: Mapping[int, int] = field(default_factory=dict)
    notes: tuple[int, ...] = ()
    pointers: tuple[int, ...] = ()
    format: int = FORMAT

    def to_json(self) -> dict[str, Any]:
        """Plain types only; JSON turns the keys of `terms` into strings."""
        return asdict(self)

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> "Manifest":
        """Raises IndexMismatch for an index of another version or one that is not ours."""
        version = fields.get("format") if isinstance(fields, Mapping) else None
        if version != FORMAT:
            raise IndexMismatch(
                f"the index has format {version}, this version reads {FORMAT}",
                "Run `erica ingest` again; it builds a new index.",
            )
        try:
            return cls(
                **{
                    **fields,
                    "terms": {int(term): count for term, count in fields["terms"].items()},
                    "notes": tuple(fields["notes"]),
                    "pointers": tuple(fields["pointers"]),
                }
            )
        except (TypeError, KeyError, ValueError, AttributeError) as error:
            raise IndexMismatch(f"the index's manifest is damaged: {error}", "Run `erica ingest` again.") from error
