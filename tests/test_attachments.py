"""Attached files as part of a question, and what a student is told about those that are not."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from odd_text import HOSTILE

from bot.attachments import MOST_BYTES, MOST_CHARACTERS, attached, readable, shown_name
from bot.intake import Attachment
from bot.rendering.answer_parser import tokens
from bot.rendering.discord_markdown import discord_text


def file(name: str, media_type: str = "", size: int = 0) -> Attachment:
    return Attachment(name, f"https://files.test/{name}", size, media_type)


def one_file(name: str, data: bytes | str) -> tuple[str, str]:
    """What of a single file becomes part of the question, and the remark."""
    raw = data.encode() if isinstance(data, str) else data
    return attached([(file(name, size=len(raw)), raw)])


def listings(question: str) -> list[str]:
    return [token.content for token in tokens(question) if token.type == "fence"]


NAMES = "a.py a.PY notes.txt x.md d.csv c.json lab.ipynb plot.R Main.java m.c m.cpp t.tex run.log c.yaml Makefile a.ts"


@pytest.mark.parametrize("name", NAMES.split())
def test_text_and_code_are_readable_by_name(name: str) -> None:
    assert readable(file(name, "application/octet-stream"))


@pytest.mark.parametrize("media", ["text/plain", "text/plain; charset=utf-8", "application/json", "text/x-prolog"])
def test_text_is_readable_by_media_type(media: str) -> None:
    assert readable(file("message", media))
    assert readable(file("code.pro", media))


@pytest.mark.parametrize(
    ("name", "media"),
    [
        ("photo.png", "image/png"), ("slides.pdf", "application/pdf"), ("a.zip", "application/zip"), ("x", ""),
        ("talk.mp4", "video/mp4"), ("notes.docx", "application/msword"), ("drawing.svg", "text/xml"),
        ("letter.rtf", "text/rtf"), ("", ""),
    ],
)  # fmt: skip
def test_other_kinds_are_not(name: str, media: str) -> None:
    assert not readable(file(name, media))


def test_a_file_stands_below_its_name() -> None:
    question, remark = one_file("heap.py", "def push(heap, key):\n    heap.append(key)\n")
    assert question == "`heap.py`:\n\n```python\ndef push(heap, key):\n    heap.append(key)\n```"
    assert remark == ""
    assert one_file("trace.log", "ValueError: empty heap")[0] == "`trace.log`:\n\n```\nValueError: empty heap\n```"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("naïve π\r\nnext".encode(), "naïve π\nnext"),
        (b"\xef\xbb\xbfbom", "bom"),
        ("é数".encode("utf-16"), "é数"),
        (b"\xfe\xff" + "é数".encode("utf-16-be"), "é数"),
        ("café crème".encode("latin-1"), "café crème"),
        (b"tab\tand\x1b[31m colour", "tab\tand[31m colour"),
    ],
)
def test_text_is_decoded(data: bytes, text: str) -> None:
    question, remark = one_file("a.txt", data)
    assert listings(question) == [f"{text}\n"]
    assert remark == ""


@pytest.mark.parametrize("data", [b"\x7fELF\0\0\1", bytes(range(1, 256)), b"\x89PNG\r\n\x1a\n\x93\x85\x01\x02"])
def test_what_only_claims_to_be_text_is_left_out(data: bytes) -> None:
    question, remark = one_file("a.txt", data)
    assert question == ""
    assert remark == "`a.txt` is not text, so I did not read it."


def test_a_character_that_the_limit_cut_in_two_is_dropped() -> None:
    data = ("é" * MOST_BYTES).encode()[: MOST_BYTES - 1]
    question, _ = attached([(file("a.txt", "", 2 * MOST_BYTES), data)])
    assert set(listings(question)[0].strip()) == {"é"}


def test_an_empty_file_is_said_to_be_empty() -> None:
    assert one_file("a.py", b"\n\n") == ("", "There is no text in `a.py`.")


def test_of_a_long_file_the_beginning_is_read_and_that_is_said() -> None:
    question, remark = one_file("x.py", "x = 1\n" * 5000)
    assert len(listings(question)[0]) == pytest.approx(MOST_CHARACTERS, abs=2)
    assert remark == "I read only the first 12,000 characters of `x.py`."


def test_what_was_not_fetched_whole_is_said_to_be_cut() -> None:
    _, remark = attached([(file("x.py", "", 90_000), b"x = 1")])
    assert remark == "I read only the first 5 characters of `x.py`."
    _, remark = attached([(file("x.py"), b"x = 1")])
    assert remark == "", "a platform that tells no size"


def test_all_files_together_have_a_limit() -> None:
    big = b"y" * 11_900
    files = [(file(name, "", len(big)), big) for name in ("a.py", "b.py")]
    question, remark = attached(files)
    assert len(listings(question)) == 1
    assert remark == "I did not read `b.py`: the files together are longer than I can read."
    small = (file("b.py", "", 5), b"x = 1")
    assert len(listings(attached([files[0], small])[0])) == 2


def test_a_fourth_file_is_left_out() -> None:
    files = [(file(f"{number}.py", "", 5), b"x = 1") for number in range(3)]
    said = "I read at most 3 files at once, so I did not read `4.py`."
    assert attached(files, [file("4.py")])[1] == said
    question, remark = attached([*files, (file("4.py"), b"z")])
    assert (len(listings(question)), remark) == (3, said)


def test_every_reason_is_said_once() -> None:
    left_out = [file("a.png", "image/png"), file("b", "image/jpeg"), file("slides.pdf"), file("x.py"), file("t.mp4")]
    assert attached([], left_out) == (
        "",
        "I can't read pictures yet, so I did not see `a.png` and `b`. `slides.pdf` is a kind of file I can't read. "
        "I could not fetch `x.py` just now. I can't listen to recordings, so I did not take in `t.mp4`.",
    )
    _, remark = attached([], [file("a.pdf"), file("b.zip")])
    assert remark == "`a.pdf` and `b.zip` are kinds of files I can't read."


def test_a_picture_without_a_word_gets_a_remark_that_says_what_to_do() -> None:
    assert attached([], [file("photo.png", "image/png")], alone=True) == (
        "",
        "I can't read pictures yet, so I did not see `photo.png`. "
        "Tell me your question in words, or paste the text you mean.",
    )
    assert attached([], alone=True) == ("", "")


def cell(kind: str, source: str | list[str]) -> dict[str, object]:
    return {"cell_type": kind, "metadata": {}, "outputs": [{"data": {"image/png": "A" * 900}}], "source": source}


NOTEBOOK = {"cells": [cell("markdown", ["# Heaps\n", "A heap."]), cell("code", "x = [1]\nprint(x)"), cell("code", "")]}


def test_of_a_notebook_only_the_sources_are_read() -> None:
    question, _ = one_file("lab.ipynb", json.dumps(NOTEBOOK, indent=1))
    assert listings(question) == ["# # Heaps\n# A heap.\n\nx = [1]\nprint(x)\n"]


def test_a_notebook_that_was_cut_is_read_as_far_as_it_goes() -> None:
    whole = json.dumps(NOTEBOOK)
    data = whole[: whole.index("print")].encode()
    question, remark = attached([(file("lab.ipynb", "", len(whole)), data)])
    assert listings(question) == ["# # Heaps\n# A heap.\n"]
    assert remark.startswith("I read only the first")
    _, remark = attached([(file("lab.ipynb", "", len(whole)), data[:300])])
    assert remark == "There is no text in the first 40 KB of `lab.ipynb`. Please paste the part you mean."


@pytest.mark.parametrize("text", ['{"cells": [1, 2]}', '{"cells": [{"source": 7}]}', '{"cells": ' + "[" * 9000, "[]"])
def test_a_notebook_that_is_none_harms_nobody(text: str) -> None:
    question, remark = one_file("lab.ipynb", text)
    assert question or remark


@pytest.mark.parametrize("data", ["```\n@everyone\n```", "`````", "~~~\n```\n", "``` x\n`"])
def test_nothing_in_a_file_leaves_its_fence(data: str) -> None:
    question, _ = one_file("a.md", data)
    assert listings(question) == [f"{data.strip()}\n"] or listings(question) == [f"{data}\n"]
    assert [token.type for token in tokens(question)].count("paragraph_open") == 1


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a.py", "a.py"),
        ("`rm -rf`\n.py", "'rm -rf' .py"),
        ("<!channel>@everyone.txt", "_!channel__everyone.txt"),
        ("\u202egnp.exe\x00.py", "gnp.exe.py"),
        ("", "file"),
        (f"{'long' * 40}.ipynb", f"{('long' * 14)[:53]}….ipynb"),
        (f"a.{'b' * 90}", f"a.{'b' * 57}…"),
    ],
)
def test_a_files_name_is_harmless_and_short(name: str, shown: str) -> None:
    assert shown_name(name) == shown
    assert len(shown) <= 60


@given(st.text(max_size=200), st.binary(max_size=400))
def test_whatever_is_attached_there_is_a_question_or_a_remark(name: str, data: bytes) -> None:
    for ending in ("", ".txt", ".ipynb"):
        one = file(name + ending, size=len(data))
        question, remark = attached([(one, data)], [one])
        assert question or remark
        assert "@everyone" not in " ".join(discord_text(remark))


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_files_are_read_in_bounds(kind: str) -> None:
    data = HOSTILE[kind].encode()[:MOST_BYTES]
    question, _ = attached([(file(name, "", len(data)), data) for name in ("a.txt", "b.ipynb", "c.md")])
    assert len(question) < MOST_CHARACTERS + 500
