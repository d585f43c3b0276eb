"""What "unrelated" means to an embedding model: its cosines between course passages and everyday remarks.

Models differ much in this (some give unrelated texts 0.05, others 0.5), and passages of one course are never
unrelated to each other, so neither raw cosines nor random pairs of passages will do as a yardstick.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from retrieval.ports import Embedder, Vector

_REMARKS = (
    "Where can I get fresh bread on a Sunday morning?",
    "My neighbour's dog barks whenever the postman comes.",
    "Does this train stop at the airport?",
    "She planted tomatoes and basil on the balcony.",
    "What time does the pharmacy close tonight?",
    "He broke his ankle skiing and missed the wedding.",
    "Is the soup too salty for you?",
    "The landlord wants the rent by the first of the month.",
    "How long should I boil an egg?",
    "They painted the kitchen yellow last summer.",
    "Can you recommend a quiet beach with some shade?",
    "The orchestra played the second half without a conductor.",
    "Which museum is free on Thursdays?",
    "My suitcase never arrived, what should I do?",
    "The old bridge was closed after the flood.",
    "Do cats really dislike oranges?",
)
_SAMPLE = 500


def background(embedder: Embedder, passages: Sequence[Vector]) -> tuple[float, float]:
    """Mean and standard deviation of the cosines between everyday remarks and a sample of the passages."""
    if not passages:
        return 0.0, 1.0
    remarks = np.stack([embedder.embed_query(remark) for remark in _REMARKS])
    step = max(1, len(passages) // _SAMPLE)
    sample: NDArray[np.float32] = np.stack(list(passages[::step]))
    cosines = remarks @ sample.T
    return float(cosines.mean()), float(max(cosines.std(), 1e-3))
