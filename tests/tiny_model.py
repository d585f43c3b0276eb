"""Writes an embedding model of a few hundred bytes, in the form in which real ones come: ONNX file, tokenizer, configs.

It looks each word up in a table of random numbers. The ONNX file is put together byte by byte, since the
package that could do it is heavy and needed for nothing else.
"""

import json
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import Lowercase
from tokenizers.pre_tokenizers import Whitespace

WORDS = """[PAD] [UNK] the gradient descent follows slope of loss kalman filter tracks objects with respect to
weights""".split()
_FLOAT, _INT64 = 1, 7
_INTS_ATTRIBUTE = 7


def write_model(folder: Path, dimensions: int = 8, padding_matters: bool = False, file: str = "model.onnx") -> Path:
    """Write a model with this vector length to `folder`.

    With `padding_matters`, vectors depend on how far a text was padded, as they do with dynamically
    quantised weights.
    """
    (folder / file).parent.mkdir(parents=True, exist_ok=True)
    (folder / file).write_bytes(_onnx(dimensions, padding_matters))
    tokenizer = Tokenizer(WordLevel({word: n for n, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.normalizer = Lowercase()
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    _json(folder / "config.json", {"hidden_size": dimensions, "pad_token_id": 0})
    _json(folder / "tokenizer_config.json", {"model_max_length": 64, "pad_token": "[PAD]"})
    return folder


def _json(file: Path, content: dict[str, object]) -> None:
    file.write_text(json.dumps(content))


def _onnx(dimensions: int, padding_matters: bool) -> bytes:
    table = np.random.default_rng(dimensions).normal(size=(len(WORDS), dimensions)).astype(np.float32)
    weights = _message(
        *(_number(1, size) for size in table.shape), _number(2, _FLOAT), _text(8, "table"), _bytes(9, table.tobytes())
    )
    nodes = [_node("Gather", ["table", "input_ids"], "found")]
    if padding_matters:
        axes = _message(_text(1, "axes"), _number(8, 1), _number(20, _INTS_ATTRIBUTE))
        nodes += [_node("ReduceMean", ["found"], "mean", axes), _node("Add", ["found", "mean"], "output")]
    else:
        nodes += [_node("Identity", ["found"], "output")]
    graph = _message(
        *(_bytes(1, node) for node in nodes),
        _text(2, "tiny"),
        _bytes(5, weights),
        *(_bytes(11, _value(name, _INT64, ["batch", "length"])) for name in ("input_ids", "attention_mask")),
        _bytes(12, _value("output", _FLOAT, ["batch", "length", dimensions])),
    )
    return _message(_number(1, 8), _bytes(7, graph), _bytes(8, _message(_text(1, ""), _number(2, 13))))


def _node(operator: str, inputs: list[str], output: str, *attributes: bytes) -> bytes:
    named = [_text(1, name) for name in inputs]
    return _message(*named, _text(2, output), _text(4, operator), *(_bytes(5, attribute) for attribute in attributes))


def _value(name: str, kind: int, shape: list[str | int]) -> bytes:
    sizes = [_number(1, size) if isinstance(size, int) else _text(2, size) for size in shape]
    tensor = _message(_number(1, kind), _bytes(2, _message(*(_bytes(1, size) for size in sizes))))
    return _message(_text(1, name), _bytes(2, _message(_bytes(1, tensor))))


# The wire format of protocol buffers: a field is its number and kind, then its content.


def _message(*fields: bytes) -> bytes:
    return b"".join(fields)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _text(field: int, value: str) -> bytes:
    return _bytes(field, value.encode())


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
