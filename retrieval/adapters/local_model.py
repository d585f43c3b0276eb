"""Describes an embedding model that lies in a local folder: which file, how many dimensions, which pooling."""

import json
from dataclasses import dataclass
from glob import escape
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal

from retrieval.errors import EmbedderMisnamed

_EDGE_OF_FILE = 1 << 20
_TOKENIZER = ("tokenizer.json", "tokenizer_config.json")


@dataclass(frozen=True, slots=True)
class LocalModel:
    """What fastembed has to be told. `file` is relative to `folder`; `name` changes with what decides the vectors."""

    folder: Path
    file: str
    dimensions: int
    pooling: Literal["mean", "cls", "last_token"]
    name: str


def describe(folder: Path) -> LocalModel:
    """Read the folder's configs.

    The pooling is what sentence-transformers wrote to `1_Pooling/config.json`; without that file it is
    the mean, as sentence-transformers itself assumes. Raises EmbedderMisnamed with what is missing.
    """
    if not folder.is_dir():
        raise EmbedderMisnamed(f"{folder} is not a folder", "Set ERICA_EMBEDDING_PATH to a model's folder.")
    onnx = sorted(folder.rglob("*.onnx"))
    if len(onnx) != 1:
        found = ", ".join(str(file.relative_to(folder)) for file in onnx) or "none"
        raise EmbedderMisnamed(
            f"{folder} must hold exactly one .onnx file; found: {found}",
            "Keep the one to use, move the others away.",
        )
    config = _json(folder / "config.json")
    dimensions = config.get("hidden_size") or config.get("dim")
    if not isinstance(dimensions, int) or dimensions < 1:
        raise EmbedderMisnamed(f"{folder}/config.json names no `hidden_size`", "Copy the model's config.json there.")
    for needed in _TOKENIZER:
        if not (folder / needed).is_file():
            raise EmbedderMisnamed(f"{folder} lacks {needed}", "Copy the model's tokenizer files there.")
    pooling = _pooling(folder)
    name = f"local/{folder.resolve().name}@{_fingerprint(folder, onnx[0], pooling)}"
    return LocalModel(folder, onnx[0].relative_to(folder).as_posix(), dimensions, pooling, name)


def _pooling(folder: Path) -> Literal["mean", "cls", "last_token"]:
    file = folder / "1_Pooling" / "config.json"
    if not file.exists():
        return "mean"
    modes = _json(file)
    if modes.get("pooling_mode_cls_token"):
        return "cls"
    if modes.get("pooling_mode_lasttoken"):
        return "last_token"
    if modes.get("pooling_mode_mean_tokens"):
        return "mean"
    raise EmbedderMisnamed(f"{file} asks for a pooling that Erica does not know", "Use mean, CLS or last token.")


def _json(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EmbedderMisnamed(f"cannot read {file}: {error}", "Copy the model's config files there.") from error
    return content if isinstance(content, dict) else {}


def _fingerprint(folder: Path, onnx: Path, pooling: str) -> str:
    """Of all that decides the vectors: weights, tokenizer and pooling.

    Of the weights (which may lie in a file of their own beside the graph) it takes size, head and tail:
    enough to notice an exchange without reading gigabytes.
    """
    digest = blake2b(pooling.encode(), digest_size=6)
    try:
        for file in (*sorted(onnx.parent.glob(f"{escape(onnx.name)}*")), *(folder / name for name in _TOKENIZER)):
            size = file.stat().st_size
            digest.update(str(size).encode())
            with file.open("rb") as stream:
                digest.update(stream.read(_EDGE_OF_FILE))
                stream.seek(max(0, size - _EDGE_OF_FILE))
                digest.update(stream.read())
    except OSError as error:
        raise EmbedderMisnamed(f"cannot read {onnx}: {error}", "Check its rights.") from error
    return digest.hexdigest()
