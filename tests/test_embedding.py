"""The embedding model: the same text has the same vector, and what is wrong with a model is said at once."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from tiny_model import write_model

from retrieval.adapters.fastembed import FastembedEmbedder, load_embedder
from retrieval.adapters.local_model import describe
from retrieval.errors import EmbedderUnavailable

TEXTS = [
    "gradient",
    "the gradient of the loss with respect to the weights " * 6,
    "Kalman filter tracks objects",
    "words that no vocabulary holds 数学 \U0001f600",
]


def loaded(folder: Path, cache: Path) -> FastembedEmbedder:
    return load_embedder("never asked for", folder, cache)


@pytest.fixture(params=["tiny", "tiny, padding matters", "real"])
def embedder(request: pytest.FixtureRequest, tmp_path: Path) -> FastembedEmbedder:
    if request.param == "real":
        return loaded(request.getfixturevalue("shared") / "model" / "all-MiniLM-L6-v2", tmp_path)
    return loaded(write_model(tmp_path / "model", padding_matters="matters" in request.param), tmp_path)


# --- vectors


def test_a_text_has_the_same_vector_alone_and_among_others(embedder: FastembedEmbedder) -> None:
    together = embedder.embed_passages(TEXTS)
    for text, vector in zip(TEXTS, together, strict=True):
        assert np.abs(embedder.embed_passages([text])[0] - vector).max() < 1e-3
    assert np.abs(embedder.embed_passages(TEXTS[::-1])[::-1] - together).max() < 1e-3
    assert np.abs(embedder.embed_query(TEXTS[0]) - together[0]).max() < 1e-3


def test_vectors_have_length_one_and_the_announced_dimensions(embedder: FastembedEmbedder) -> None:
    vectors = embedder.embed_passages(TEXTS)
    assert vectors.shape == (len(TEXTS), embedder.dimensions)
    assert vectors.dtype == embedder.embed_query("gradient").dtype == np.float32
    assert np.abs(np.linalg.norm(vectors, axis=1) - 1).max() < 1e-3
    assert np.linalg.norm(embedder.embed_query("gradient")) == pytest.approx(1, abs=1e-3)


def test_no_texts_have_no_vectors(embedder: FastembedEmbedder) -> None:
    assert embedder.embed_passages([]).shape == (0, embedder.dimensions)


def test_related_texts_are_nearer(embedder: FastembedEmbedder) -> None:
    gradient, descent, filters = embedder.embed_passages(
        ["gradient descent follows the slope", "descent follows the gradient", "kalman filter tracks objects"]
    )
    assert gradient @ descent > gradient @ filters + 0.2


def test_the_real_model_knows_what_is_meant_without_shared_words(shared: Path, tmp_path: Path) -> None:
    embedder = loaded(shared / "model" / "all-MiniLM-L6-v2", tmp_path)
    question = embedder.embed_query("Why does my network memorise the training set?")
    overfitting, weather = embedder.embed_passages(["Overfitting and how to avoid it.", "It rains in April."])
    assert question @ overfitting > question @ weather + 0.1
    assert embedder.dimensions == 384


# --- names


def test_the_name_tells_folder_and_content(tmp_path: Path) -> None:
    one = describe(write_model(tmp_path / "one" / "model")).name
    assert one.startswith("local/model@")
    assert describe(write_model(tmp_path / "other" / "model")).name == one
    assert describe(tmp_path / "one" / ".." / "one" / "model").name == one
    assert loaded(tmp_path / "one" / "model", tmp_path).name == one


def _other_weights(folder: Path) -> None:
    weights = bytearray((folder / "model.onnx").read_bytes())
    weights[len(weights) // 2] ^= 1
    (folder / "model.onnx").write_bytes(weights)


def _weights_beside_the_graph(folder: Path) -> None:
    (folder / "model.onnx_data").write_bytes(b"weights")


def _other_pooling(folder: Path) -> None:
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode_cls_token": true}')


def _other_limit(folder: Path) -> None:
    (folder / "tokenizer_config.json").write_text('{"model_max_length": 16, "pad_token": "[PAD]"}')


@pytest.mark.parametrize("change", [_other_weights, _weights_beside_the_graph, _other_pooling, _other_limit])
def test_whatever_changes_the_vectors_changes_the_name(tmp_path: Path, change: Callable[[Path], None]) -> None:
    folder = write_model(tmp_path / "model")
    before = describe(folder).name
    change(folder)
    assert describe(folder).name != before


def test_the_pooling_is_the_one_that_the_model_was_trained_with(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "model")
    mean = loaded(folder, tmp_path).embed_query("gradient descent")
    _other_pooling(folder)
    first = loaded(folder, tmp_path).embed_query("gradient descent")
    assert np.abs(first - loaded(folder, tmp_path).embed_query("gradient")).max() < 1e-6
    assert np.abs(first - mean).max() > 0.1


def test_the_model_may_lie_deeper_in_the_folder(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "model", file="onnx/model_quantized.onnx")
    assert loaded(folder, tmp_path).embed_query("gradient").shape == (8,)


# --- what is wrong


def _spoil(folder: Path, name: str, content: str | None) -> None:
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_text(content)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("model.onnx", None, "exactly one .onnx file; found: none"),
        ("second.onnx", "", "found: model.onnx, second.onnx"),
        ("model.onnx", "not a model", "cannot load the model"),
        ("config.json", None, "config.json"),
        ("config.json", "{", "config.json"),
        ("config.json", "[]", "hidden_size"),
        ("config.json", '{"hidden_size": "8"}', "hidden_size"),
        ("config.json", '{"hidden_size": 384}', "vectors of length 8, its config.json says 384"),
        ("tokenizer.json", None, "lacks tokenizer.json"),
        ("tokenizer.json", "{}", "cannot load the model"),
        ("tokenizer_config.json", None, "lacks tokenizer_config.json"),
        ("tokenizer_config.json", "{}", "cannot load the model"),
    ],
)
def test_a_folder_that_is_no_model_is_refused_with_what_to_do(
    tmp_path: Path, name: str, content: str | None, message: str
) -> None:
    folder = write_model(tmp_path / "model")
    _spoil(folder, name, content)
    with pytest.raises(EmbedderUnavailable) as refused:
        loaded(folder, tmp_path)
    assert message in str(refused.value)
    assert refused.value.hint


def test_a_pooling_that_is_not_known_is_refused(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "model")
    _other_pooling(folder)
    _spoil(folder, "1_Pooling/config.json", '{"pooling_mode_weightedmean_tokens": true}')
    with pytest.raises(EmbedderUnavailable, match="pooling"):
        loaded(folder, tmp_path)


def test_a_path_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EmbedderUnavailable, match="not a folder") as refused:
        loaded(tmp_path / "nowhere", tmp_path)
    assert "ERICA_EMBEDDING_PATH" in refused.value.hint


def test_a_model_that_nobody_knows_is_refused_without_asking_the_hub(tmp_path: Path) -> None:
    with pytest.raises(EmbedderUnavailable, match="example/none") as refused:
        load_embedder("example/none", None, tmp_path)
    assert "ERICA_EMBEDDING_MODEL" in refused.value.hint


# --- the hub

# The address is read when the library is imported, so each of these needs a process of its own.
LOADING = """
import json, sys, time
from pathlib import Path
from retrieval.adapters.fastembed import load_embedder
from retrieval.errors import EmbedderUnavailable

begin = time.monotonic()
try:
    load_embedder("BAAI/bge-small-en-v1.5", None, Path(sys.argv[1]))
except EmbedderUnavailable as error:
    print(json.dumps({"error": str(error), "hint": error.hint, "seconds": time.monotonic() - begin}))
"""


def load_from(hub: str, cache: Path) -> dict[str, str | float]:
    unset = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy", "HF_HUB_OFFLINE")
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    done = subprocess.run(
        [sys.executable, "-c", LOADING, str(cache)],
        env={**environment, "HF_ENDPOINT": hub},
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[1],
        check=True,
    )
    assert done.stderr == ""
    said: dict[str, str | float] = json.loads(done.stdout)
    return said


@contextmanager
def port(listens: bool) -> Iterator[str]:
    """An address where connections are refused, or accepted and never answered."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        if listens:
            taken.listen()
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.mark.parametrize("listens", [False, True])
def test_a_hub_that_cannot_be_reached_is_given_up_within_five_seconds(tmp_path: Path, listens: bool) -> None:
    with port(listens) as hub:
        said = load_from(hub, tmp_path)
    assert f"{hub} does not answer" in str(said["error"])
    assert "ERICA_EMBEDDING_PATH" in str(said["hint"])
    assert float(said["seconds"]) < 5
