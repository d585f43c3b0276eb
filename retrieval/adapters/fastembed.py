"""Dense vectors by fastembed, from a local folder, its cache or the hub."""

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
from numpy.typing import NDArray

from retrieval.adapters.local_model import LocalModel, describe
from retrieval.errors import EmbedderMisnamed, EmbedderUnavailable
from retrieval.ports import Vector

if TYPE_CHECKING:
    from fastembed import TextEmbedding

_PROBE_SECONDS = 3.0
_SAME = 1e-3
_BATCH = 32


class FastembedEmbedder:
    """One loaded model. Queries run on one thread; passages on all cores, one text or one batch each."""

    def __init__(self, model: "TextEmbedding", name: str, dimensions: int) -> None:
        self._model, self._name, self._dimensions = model, name, dimensions
        self._batch: int | None = None

    @property
    def name(self) -> str:
        """Model name, with a fingerprint of the weights for local folders."""
        return self._name

    @property
    def dimensions(self) -> int:
        """Vector length."""
        return self._dimensions

    def embed_query(self, text: str) -> Vector:
        """Uses the model's query prefix where it has one."""
        return np.asarray(next(iter(self._model.query_embed(text))), dtype=np.float32)

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Spread over the cores; ONNX Runtime releases the GIL while it computes."""
        if not texts:
            return np.empty((0, self._dimensions), dtype=np.float32)
        size = self._batch_size()
        batches = [list(texts[start : start + size]) for start in range(0, len(texts), size)]
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            return np.concatenate(list(pool.map(self._embed, batches)))

    def _embed(self, texts: list[str]) -> NDArray[np.float32]:
        return np.asarray(list(self._model.passage_embed(texts, batch_size=len(texts))), dtype=np.float32)

    def _batch_size(self) -> int:
        """1 where padding changes the vectors, as it does with dynamically quantised weights.

        Otherwise the same text would have two vectors, depending on its neighbours in the batch.
        """
        if self._batch is None:
            short, long = "gradient descent", "the gradient of the loss with respect to the weights " * 12
            alone, padded = self._embed([short])[0], self._embed([short, long])[0]
            self._batch = 1 if float(np.abs(alone - padded).max()) > _SAME else _BATCH
        return self._batch


def load_embedder(model: str, path: Path | None, cache: Path) -> FastembedEmbedder:
    """Load `path` if given, else `model` from `cache`, else from the hub.

    Raises EmbedderUnavailable: at once for a folder or name that is wrong, within 5 seconds where the
    hub cannot be reached. A download that has begun may take its time.
    """
    _quiet_logging()
    if path is not None:
        return _load_local(describe(path))
    from fastembed import TextEmbedding

    known = {d["model"].lower(): d for d in TextEmbedding.list_supported_models()}
    if model.lower() not in known:
        raise EmbedderMisnamed(
            f"fastembed does not know the embedding model {model!r}",
            "Set ERICA_EMBEDDING_MODEL to one it lists, or ERICA_EMBEDDING_PATH to a folder.",
        )
    loaded = _load_named(model, cache)
    return FastembedEmbedder(loaded, model, int(known[model.lower()]["dim"]))


def _load_local(local: LocalModel) -> FastembedEmbedder:
    from fastembed import TextEmbedding
    from fastembed.common.model_description import ModelSource, PoolingType

    # fastembed keeps what it is told for the whole process, so each way to describe a model has a name there.
    described = f"{local.name}:{local.file}:{local.dimensions}"
    if described not in {d["model"] for d in TextEmbedding.list_supported_models()}:
        TextEmbedding.add_custom_model(
            model=described,
            pooling=PoolingType[local.pooling.upper()],
            normalization=True,
            sources=ModelSource(hf=described),
            dim=local.dimensions,
            model_file=local.file,
        )
    try:
        model = TextEmbedding(described, specific_model_path=str(local.folder), threads=1)
        embedder = FastembedEmbedder(model, local.name, local.dimensions)
        shape = embedder.embed_query("a first text").shape
    except Exception as error:  # onnxruntime and tokenizers raise their own, undocumented kinds
        raise EmbedderMisnamed(f"cannot load the model in {local.folder}: {error}", "Check its files.") from error
    if shape != (local.dimensions,):
        raise EmbedderUnavailable(
            f"the model in {local.folder} makes vectors of length {shape[-1]}, its config.json says {local.dimensions}",
            "Correct `hidden_size` there.",
        )
    return embedder


def _load_named(model: str, cache: Path) -> "TextEmbedding":
    from fastembed import TextEmbedding

    def load(**options: Any) -> TextEmbedding:
        return TextEmbedding(model, cache_dir=str(cache), threads=1, **options)

    try:
        return load(local_files_only=True)
    except Exception:  # noqa: S110 - not in the cache, whatever fastembed calls it
        pass
    hub = os.environ.get("HF_ENDPOINT", "https://huggingface.co")
    # fastembed's own retries take some 39 seconds to give up, so ask first whether anybody answers.
    if not _answers_in_time(lambda: httpx.head(hub, timeout=_PROBE_SECONDS), _PROBE_SECONDS):
        raise EmbedderUnavailable(
            f"the embedding model {model} is not on this machine and {hub} does not answer",
            "Set ERICA_EMBEDDING_PATH to a folder with an ONNX model, or go on with lexical search.",
        )
    try:
        return load()
    except Exception as error:
        raise EmbedderUnavailable(
            f"cannot download the embedding model {model}: {error}", "Try again, or set ERICA_EMBEDDING_PATH."
        ) from error


def _answers_in_time(ask: Callable[[], httpx.Response], seconds: float) -> bool:
    """Whether the server answers at all; a thread, because name resolution knows no timeout."""
    answered = threading.Event()

    def probe() -> None:
        try:
            # A proxy that wants a password, or a captive portal, is no hub.
            if (status := ask().status_code) < 400 or status == 404:
                answered.set()
        except Exception:  # noqa: S110 - a spoilt proxy or certificate setting raises its own kinds
            pass
        finally:
            done.set()

    done = threading.Event()
    threading.Thread(target=probe, daemon=True).start()
    done.wait(seconds)
    return answered.is_set()


def _quiet_logging() -> None:
    """fastembed logs its download troubles with loguru; Erica says it in one line of her own."""
    with suppress(ImportError):  # its choice of a logger, not ours
        from loguru import logger

        logger.disable("fastembed")
