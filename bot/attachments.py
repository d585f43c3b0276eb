"""Pure: which attached files are read, how they become part of a question, and what a student is told about the rest.

Knows nothing of platforms or downloads. Names and contents come from anybody.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.foreign import visible
from bot.intake import Attachment

MOST_BYTES = 40_000
"""Of one file; what comes after is not fetched."""
MOST_FILES = 3
MOST_CHARACTERS = 12_000
"""Of all files of a question together."""

_LONGEST_NAME = 60
_LONGEST_ENDING = 12
_FEWEST_KEPT = 200
"""A file of which less would be left is left out."""
_LANGUAGES = {
    "py": "python", "ipynb": "python", "r": "r", "rmd": "markdown", "qmd": "markdown", "jl": "julia", "m": "matlab",
    "java": "java", "kt": "kotlin", "scala": "scala", "c": "c", "h": "c", "cc": "cpp", "cpp": "cpp", "hpp": "cpp",
    "cxx": "cpp", "cu": "cpp", "cs": "csharp", "go": "go", "rs": "rust", "rb": "ruby", "php": "php", "swift": "swift",
    "js": "javascript", "mjs": "javascript", "jsx": "javascript", "ts": "typescript", "tsx": "typescript",
    "hs": "haskell", "ml": "ocaml", "lisp": "lisp", "scm": "scheme", "clj": "clojure", "erl": "erlang", "ex": "elixir",
    "pl": "perl", "lua": "lua", "asm": "asm", "s": "asm", "v": "verilog", "vhd": "vhdl", "f90": "fortran",
    "sql": "sql", "sh": "bash", "bash": "bash", "ps1": "powershell", "bat": "", "html": "html", "htm": "html",
    "css": "css", "xml": "xml", "json": "json", "jsonl": "json", "yaml": "yaml", "yml": "yaml", "toml": "toml",
    "ini": "ini", "cfg": "ini", "conf": "", "csv": "", "tsv": "", "txt": "", "text": "", "md": "markdown",
    "markdown": "markdown", "rst": "", "org": "", "tex": "latex", "bib": "", "log": "", "out": "", "err": "",
    "diff": "diff", "patch": "diff", "srt": "", "vtt": "", "pyi": "python", "proto": "", "gradle": "", "cmake": "",
}  # fmt: skip
_BARE_NAMES = frozenset("makefile dockerfile readme license requirements gemfile".split())
_TEXT_TYPES = re.compile(
    r"text/(?!rtf|richtext)[\w.+-]+|application/(?:[\w.-]+\+)?(?:json|xml|yaml|toml|sql|javascript|typescript|x-python|x-sh"
    r"|x-yaml|x-tex|x-latex|x-ndjson|x-ipynb|x-httpd-php|x-shellscript|x-javascript|x-ruby|x-perl)"
)
_PICTURES = frozenset("png jpg jpeg gif webp bmp tif tiff heic heif svg avif".split())
_FILMS = frozenset("mp4 mov avi mkv webm m4v mp3 wav m4a ogg flac aac".split())
_TICKS = re.compile(r"`+")
_MANY_TICKS = re.compile(r"`{10,}")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_CELLS = re.compile(r'"cells"\s*:\s*\[')


@dataclass(frozen=True, slots=True)
class _Read:
    """The text of one file, and whether there is more of it than that."""

    text: str
    cut: bool


def readable(attachment: Attachment) -> bool:
    """Whether a file is text or code, by the ending of its name, else by its media type."""
    ending = _ending(attachment.name)
    if ending in _LANGUAGES or attachment.name.lower() in _BARE_NAMES:
        return True
    media = attachment.media_type.partition(";")[0].strip().lower()
    return ending not in _PICTURES | _FILMS and _TEXT_TYPES.fullmatch(media) is not None


def attached(
    read: Sequence[tuple[Attachment, bytes]], left_out: Sequence[Attachment] = (), alone: bool = False
) -> tuple[str, str]:
    """The files as Markdown of at most about 12,000 characters, each as a fenced block below its name; and a remark
    for the student, or "".

    `read` are files with their first `MOST_BYTES` bytes, `left_out` those that were not fetched: unreadable ones,
    more than `MOST_FILES`, or what the platform did not give. `alone` says that nothing was written beside them:
    where nothing can be read either, the remark says what to do.
    """
    blocks: list[str] = []
    remarks: list[str] = []
    room = MOST_CHARACTERS
    for attachment, data in read[:MOST_FILES]:
        name, found = shown_name(attachment.name), _text(attachment, data)
        if found is None:
            remarks.append(f"`{name}` is not text, so I did not read it.")
        elif not found.text.strip():
            more = (
                f"the first {MOST_BYTES // 1000} KB of `{name}`. Please paste the part you mean"
                if found.cut
                else f"`{name}`"
            )
            remarks.append(f"There is no text in {more}.")
        elif room < min(_FEWEST_KEPT, len(found.text)):
            remarks.append(f"I did not read `{name}`: the files together are longer than I can read.")
        else:
            kept = found.text[:room]
            room -= len(kept)
            if found.cut or len(kept) < len(found.text):
                remarks.append(f"I read only the first {len(kept):,} characters of `{name}`.")
            blocks.append(_block(name, kept, _LANGUAGES.get(_ending(attachment.name), "")))
    remarks += _about([*(one for one, _ in read[MOST_FILES:]), *left_out], len(read))
    if alone and not blocks and remarks:
        remarks.append("Tell me your question in words, or paste the text you mean.")
    return "\n\n".join(blocks), " ".join(remarks)


def shown_name(name: str) -> str:
    """A file's name that can stand in a code span: one line, at most 60 characters, its ending kept."""
    line = " ".join(visible(name.encode("utf-8", "replace").decode()).replace("`", "'").split()) or "file"
    line = re.sub(r"[<>@]", "_", line)
    if len(line) <= _LONGEST_NAME:
        return line
    ending = line[line.rfind(".") :] if 0 < len(line) - line.rfind(".") <= _LONGEST_ENDING else ""
    return f"{line[: _LONGEST_NAME - 1 - len(ending)].rstrip()}…{ending}"


def _ending(name: str) -> str:
    return name.strip().rpartition(".")[2].lower() if "." in name else ""


def _about(left_out: Sequence[Attachment], read: int) -> list[str]:
    """Why files were not read, one sentence a reason."""
    reasons: dict[str, list[str]] = {}
    for one in left_out:
        reasons.setdefault(_reason(one, read), []).append(f"`{shown_name(one.name)}`")
    return [reason.format(names=_enumerated(names), are="are kinds of files" if len(names) > 1 else "is a kind of file")
            for reason, names in reasons.items()]  # fmt: skip


def _reason(attachment: Attachment, read: int) -> str:
    ending, media = _ending(attachment.name), attachment.media_type.lower()
    if readable(attachment):
        most = f"I read at most {MOST_FILES} files at once, so I did not read {{names}}."
        return most if read >= MOST_FILES else "I could not fetch {names} just now."
    if media.startswith("image/") or ending in _PICTURES:
        return "I can't read pictures yet, so I did not see {names}."
    if media.startswith(("audio/", "video/")) or ending in _FILMS:
        return "I can't listen to recordings, so I did not take in {names}."
    return "{names} {are} I can't read."


def _enumerated(names: Sequence[str]) -> str:
    shown = [*names[:5], *([f"{len(names) - 5} more"] if len(names) > 5 else [])]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def _block(name: str, text: str, language: str) -> str:
    """A fence that nothing in it can close, and that costs no room."""
    text = _MANY_TICKS.sub("`" * 9, text)
    fence = "`" * max(3, 1 + max(map(len, _TICKS.findall(text)), default=0))
    return f"`{name}`:\n\n{fence}{language}\n{text}\n{fence}"


# Contents


def _text(attachment: Attachment, data: bytes) -> _Read | None:
    """The file's text; None if there is none in these bytes."""
    cut = attachment.size > len(data) or len(data) > MOST_BYTES or (not attachment.size and len(data) == MOST_BYTES)
    text = _decoded(data[:MOST_BYTES])
    if text is None:
        return None
    if _ending(attachment.name) == "ipynb" and (cells := _cells(text)) is not None:
        text = cells
    return _Read(visible(text.replace("\r\n", "\n").replace("\r", "\n")).strip("\n"), cut)


def _decoded(data: bytes) -> str | None:
    """By the byte order mark, else UTF-8, else Latin-1 where that looks like text."""
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace").rstrip("\ufffd")
    if b"\0" in data:
        return None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        # The limit may have cut the last character in two.
        half = error.start >= len(data) - 3 and error.reason == "unexpected end of data"
        text = data[: error.start].decode("utf-8") if half else data.decode("latin-1")
    strange = len(_CONTROL.findall(text)) + sum("\x80" <= char <= "\x9f" for char in text)
    return text if strange * 50 <= len(text) else None


def _cells(text: str) -> str | None:
    """The sources of a notebook's cells, also of one that was cut in the middle; None where it is no notebook."""
    found = _CELLS.search(text)
    if found is None:
        return None
    decoder, place, sources = json.JSONDecoder(), found.end(), list[str]()
    while True:
        while text[place : place + 1] in (*" \t\r\n,",):
            place += 1
        if text[place : place + 1] != "{":
            return "\n\n".join(sources)
        try:
            cell, place = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            return "\n\n".join(sources)
        source = cell.get("source", "")
        lines = "".join(map(str, source)) if isinstance(source, list) else str(source)
        if lines.strip():
            prose = cell.get("cell_type") == "markdown"
            sources.append("\n".join(f"# {line}".rstrip() for line in lines.splitlines()) if prose else lines)
