"""Concepts as vectors: kept with the index, used again by the next build, and asked for the nearest in meaning."""

import io
from typing import Any

import numpy as np
import pytest
from fakes import HashEmbedder
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from retrieval.concepts.vectors import ConceptVectors, embed_concepts
from retrieval.errors import IndexDamaged
from retrieval.graph import Concept
from retrieval.ports import Vector


def concept(title: str, *aliases: str, id_: str | None = None) -> Concept:
    return Concept(id_ or title.lower().replace(" ", "-"), title, aliases)


CHEMISTRY = (
    concept("Titration", "titrimetry"),
    concept("Buffer solution"),
    concept("Acid dissociation constant", "Ka", "acidity constant"),
)


def unit(*values: float) -> Vector:
    vector = np.array(values, dtype=np.float32)
    return vector / np.linalg.norm(vector)


def axes(*ids: str) -> ConceptVectors:
    """A concept an axis."""
    return ConceptVectors(ids, tuple(map(str.title, ids)), np.eye(len(ids), dtype=np.float32))


# --- what is embedded


def test_a_concept_is_embedded_by_its_title_and_three_of_its_other_names(embedder: HashEmbedder) -> None:
    found = embed_concepts([concept("Titration", "a", "b", "c", "d"), concept("pH")], embedder)
    assert found.ids == ("titration", "ph")
    assert embedder.embedded == ["Titration, a, b, c", "pH"]
    assert found.vectors.shape == (2, embedder.dimensions)
    assert np.allclose(np.linalg.norm(found.vectors, axis=1), 1, atol=1e-5)


def test_concepts_of_one_name_are_embedded_once(embedder: HashEmbedder) -> None:
    found = embed_concepts([concept("Base", id_="base"), concept("Base", id_="base-2")], embedder)
    assert (found.ids, embedder.embedded) == (("base", "base-2"), ["Base"])
    assert np.array_equal(*found.vectors)


def test_a_course_without_concepts_asks_the_model_for_nothing(embedder: HashEmbedder) -> None:
    found = embed_concepts((), embedder)
    assert (found.ids, found.vectors.shape, embedder.embedded) == ((), (0, embedder.dimensions), [])
    assert found.nearest(embedder.embed_query("buffer"), 5) == []


def test_what_is_known_is_not_embedded_again(embedder: HashEmbedder) -> None:
    known = embed_concepts(CHEMISTRY, embedder)
    embedder.embedded.clear()
    renamed = (concept("Buffer solution", id_="buffer"), concept("Titration", "titrimetry", "volumetry"), CHEMISTRY[2])
    again = embed_concepts(renamed, embedder, known)
    assert embedder.embedded == ["Titration, titrimetry, volumetry"]
    assert again.ids == ("buffer", "titration", "acid-dissociation-constant")
    assert np.array_equal(again.vectors[0], known.vectors[1])
    assert np.array_equal(again.vectors[2], known.vectors[2])


def test_what_is_known_is_worth_as_much_after_it_was_stored(embedder: HashEmbedder) -> None:
    stored = ConceptVectors.from_bytes(embed_concepts(CHEMISTRY, embedder).to_bytes())
    embedder.embedded.clear()
    assert embed_concepts(CHEMISTRY, embedder, stored).texts == stored.texts
    assert embedder.embedded == []


# --- the nearest


def test_the_nearest_come_best_first_with_their_cosines() -> None:
    found = axes("acid", "base", "salt").nearest(unit(1, 3, 2), 2)
    assert [id_ for id_, _ in found] == ["base", "salt"]
    assert [cosine for _, cosine in found] == pytest.approx([3 / 14**0.5, 2 / 14**0.5])


def test_of_equally_near_concepts_the_one_listed_first_comes_first() -> None:
    vectors = np.tile(unit(1, 1), (200, 1))
    same = ConceptVectors(tuple(f"salt-{n}" for n in range(200)), ("Salt",) * 200, vectors)
    assert [id_ for id_, _ in same.nearest(unit(1, 0), 4)] == ["salt-0", "salt-1", "salt-2", "salt-3"]


@pytest.mark.parametrize(("limit", "found"), [(-1, 0), (0, 0), (1, 1), (3, 3), (10, 3)])
def test_there_are_no_more_than_asked_for_and_no_more_than_there_are(limit: int, found: int) -> None:
    assert len(axes("acid", "base", "salt").nearest(unit(1, 1, 1), limit)) == found


def test_a_name_is_nearest_to_its_own_concept(embedder: HashEmbedder) -> None:
    vectors = embed_concepts(CHEMISTRY, embedder)
    for each in CHEMISTRY:
        (id_, cosine), *_ = vectors.nearest(embedder.embed_query(f"what is a {each.title}"), 1)
        assert id_ == each.id
        assert 0 < cosine <= 1.0001


# --- stored with the index

names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


@given(st.lists(st.tuples(names, names), max_size=8))
def test_what_is_stored_comes_back(named: list[tuple[str, str]]) -> None:
    embedder = HashEmbedder(dimensions=4)
    ids = [f"{number}-{id_}" for number, (id_, _) in enumerate(named)]
    made = embed_concepts([Concept(id_, title) for id_, (_, title) in zip(ids, named, strict=True)], embedder)
    back = ConceptVectors.from_bytes(made.to_bytes())
    one_line = [tuple(" ".join(word.split("\n")) for word in words) for words in (made.ids, made.texts)]
    assert [back.ids, back.texts] == one_line, "line breaks end a name where it is stored"
    assert np.allclose(back.vectors, made.vectors, atol=1e-3)
    assert back.vectors.dtype == np.float32


def test_half_precision_moves_no_cosine_by_a_thousandth(embedder: HashEmbedder) -> None:
    made = embed_concepts([concept(f"Salt {n}") for n in range(300)], embedder)
    asked = embedder.embed_query("salt 7 and salt 70")
    back = ConceptVectors.from_bytes(made.to_bytes())
    assert np.abs(made.vectors @ asked - back.vectors @ asked).max() < 1e-3


def _stored() -> bytes:
    return axes("acid", "base", "salt").to_bytes()


def _flipped(place: float) -> bytes:
    data = bytearray(_stored())
    data[int(place * len(data))] ^= 0xFF
    return bytes(data)


def _of_other_parts(**parts: NDArray[Any]) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=False, **parts)
    return stream.getvalue()


def _table() -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.eye(3))
    return stream.getvalue()


DAMAGED = {
    "empty": b"",
    "text": b"not vectors",
    "json": b'{"ids": []}',
    "zeros": bytes(1000),
    "half": _stored()[: len(_stored()) // 2],
    "one byte short": _stored()[:-1],
    "a byte of the ids turned round": _flipped(0.15),
    "a byte of the vectors turned round": _flipped(0.6),
    "the directory turned round": _flipped(0.9),
    "a table of numbers": _table(),
    "an archive of something else": _of_other_parts(words=np.zeros(3)),
    "an archive without rows": _of_other_parts(
        ids=np.frombuffer(b"acid\nbase", np.uint8),
        texts=np.frombuffer(b"Acid\nBase", np.uint8),
        vectors=np.zeros((1, 4)),
    ),
    "bytes that are no text": _of_other_parts(
        ids=np.frombuffer(b"\xff", np.uint8), texts=np.frombuffer(b"\xff", np.uint8), vectors=np.zeros((1, 4))
    ),
}


@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED.keys())
def test_what_is_damaged_is_said_with_what_to_do(data: bytes) -> None:
    with pytest.raises(IndexDamaged, match="damaged") as damaged:
        ConceptVectors.from_bytes(data)
    assert "erica ingest" in damaged.value.hint


@given(st.integers(min_value=0, max_value=len(_stored()) - 1), st.integers(min_value=1, max_value=255))
def test_a_spoilt_byte_is_noticed_or_harmless(place: int, spoilt: int) -> None:
    data = bytearray(_stored())
    data[place] ^= spoilt
    try:
        found = ConceptVectors.from_bytes(bytes(data))
    except IndexDamaged:
        return
    assert found.nearest(unit(1, 2, 3), 1) == axes("acid", "base", "salt").nearest(unit(1, 2, 3), 1)
