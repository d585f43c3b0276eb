"""BM25 sparse vectors from the encoder that Qdrant Edge ships; it needs no download.

Stop words, Snowball stemming and term hashing are Qdrant's, so the server understands the vectors too.
The inverse document frequency is the store's part (`Modifier.IDF`).
"""

from functools import lru_cache

import qdrant_edge as edge

from retrieval.ports import SparseVector

_K1 = 1.2
_B = 0.75


class Bm25Encoder:
    """Turns text into hashed, weighted terms."""

    def __init__(self) -> None:
        # With b = 0 and a k that never saturates, BM25's weight of a term is how often it occurs.
        self._counting = edge.Bm25(edge.Bm25Config(k=1e6, b=0.0))

    def counts(self, text: str) -> dict[int, int]:
        """How often each term occurs, stop words left out."""
        vector = self._counting.embed_document(text)
        return dict(zip(vector.indices, map(round, vector.values), strict=True))

    def document(self, text: str, mean_length: float) -> SparseVector:
        """Weights with k1 = 1.2 and b = 0.75 for a corpus of this mean length in terms."""
        vector = _weighting(max(mean_length, 1.0)).embed_document(text)
        return SparseVector(list(vector.indices), list(vector.values))

    def query(self, text: str) -> SparseVector:
        """Weight 1 for each distinct term."""
        vector = self._counting.embed_query(text)
        return SparseVector(list(vector.indices), list(vector.values))


@lru_cache(maxsize=4)
def _weighting(mean_length: float) -> edge.Bm25:
    return edge.Bm25(edge.Bm25Config(k=_K1, b=_B, avg_len=mean_length))
