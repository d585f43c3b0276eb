"""Concepts as vectors of their names, kept with the index, for finding the nearest by meaning."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import IndexDamaged
from retrieval.graph import Concept
from retrieval.ports import Embedder, Vector

_MOST_ALIASES = 3


@dataclass(frozen=True, slots=True)
class ConceptVectors:
    """`ids` and unit `vectors`, shape (len(ids), dimensions), row by row; `texts` are what was embedded."""

    ids: tuple[str, ...]
    texts: tuple[str, ...]
    vectors: NDArray[np.float32]

    def nearest(self, vector: Vector, limit: int) -> list[tuple[str, float]]:
        """The ids whose names mean most nearly the same, with their cosines, best first; ties by place."""
        if not self.ids or limit < 1:
            return []
        cosines = self.vectors @ vector
        # Sorting three thousand takes longer than comparing them.
        least = np.partition(cosines, -limit)[-limit] if limit < len(cosines) else -np.inf
        candidates = np.flatnonzero(cosines >= least)
        best = candidates[np.argsort(-cosines[candidates], kind="stable")][:limit]
        return [(self.ids[place], float(cosines[place])) for place in best]

    def to_bytes(self) -> bytes:
        """For storing with an index; half precision, which moves a cosine by less than 0.001."""
        stream = io.BytesIO()
        np.savez(stream, ids=_packed(self.ids), texts=_packed(self.texts), vectors=self.vectors.astype(np.float16))
        return stream.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> "ConceptVectors":
        """Raises IndexDamaged where these are not the bytes of concept vectors."""
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as stored:
                ids, texts = _unpacked(stored["ids"]), _unpacked(stored["texts"])
                vectors = stored["vectors"].astype(np.float32)
            if not len(ids) == len(texts) == len(vectors):
                raise ValueError("rows are missing")
        except (OSError, ValueError, KeyError, TypeError, EOFError, RuntimeError, BadZipFile) as error:
            raise IndexDamaged(f"the concept vectors are damaged: {error}", "Run `erica ingest --force`.") from error
        return cls(ids, texts, vectors)


def embed_concepts(
    concepts: Sequence[Concept], embedder: Embedder, known: ConceptVectors | None = None
) -> ConceptVectors:
    """The vector of each concept's names; those of texts that are `known` are taken over."""
    texts = tuple(_text(concept) for concept in concepts)
    vectors: dict[str, Vector] = dict(zip(known.texts, known.vectors, strict=True)) if known else {}
    missing = [text for text in dict.fromkeys(texts) if text not in vectors]
    if missing:
        vectors.update(zip(missing, embedder.embed_passages(missing), strict=True))
    rows = np.array([vectors[text] for text in texts], dtype=np.float32).reshape(len(texts), embedder.dimensions)
    return ConceptVectors(tuple(concept.id for concept in concepts), texts, rows)


def _text(concept: Concept) -> str:
    return ", ".join((concept.title, *concept.aliases[:_MOST_ALIASES]))


def _packed(words: Sequence[str]) -> NDArray[np.uint8]:
    return np.frombuffer("\n".join(" ".join(word.split("\n")) for word in words).encode(), dtype=np.uint8)


def _unpacked(data: NDArray[np.uint8]) -> tuple[str, ...]:
    text = data.tobytes().decode()
    return tuple(text.split("\n")) if text else ()
