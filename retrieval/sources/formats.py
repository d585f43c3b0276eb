"""The registry of readers: which one reads a file, from the source's kind, the file's ending and its text."""

from functools import cache
from pathlib import PurePosixPath

from retrieval.errors import UnreadableFile
from retrieval.passage import Document
from retrieval.sources.anki import is_anki_export
from retrieval.sources.earlier_tutor import REASON, is_tutor_output
from retrieval.sources.flashcards import looks_like_flashcards, read_flashcards
from retrieval.sources.html.page import read_html
from retrieval.sources.markdown.page import read_markdown
from retrieval.sources.notebook import read_notebook
from retrieval.sources.notes import looks_like_question_notes, read_question_notes
from retrieval.sources.pdf import read_pdf
from retrieval.sources.plain import looks_like_markdown, read_plain
from retrieval.sources.reading import Reader
from retrieval.sources.slides import read_slides
from retrieval.sources.text import decode
from retrieval.sources.transcript import read_transcript

_LFS_POINTER = b"version https://git-lfs.github.com/spec/"


def reader_for(path: str, kind: str, head: bytes = b"") -> Reader | None:
    """The reader for a file of a source of this kind; None when Erica has none for its ending.

    `head` is how the file begins, a few hundred bytes suffice. The reader itself looks at the whole text
    where the ending alone does not tell (`.txt`, notes), and refuses the answers of an earlier tutor.
    """
    ending = PurePosixPath(path).suffix.lower()
    reader = _registry().get(kind, {}).get(ending)
    if reader is not None and head.startswith(_LFS_POINTER):
        return _refused("a Git LFS pointer: fetch the file itself with `git lfs pull`")
    return reader


def _refused(reason: str) -> Reader:
    def read(path: str, data: bytes) -> Document:
        raise UnreadableFile(reason)

    return read


def _guarded(reader: Reader) -> Reader:
    """`reader`, but never for the answers of an earlier tutor."""

    def read(path: str, data: bytes) -> Document:
        if is_tutor_output(decode(data)):
            raise UnreadableFile(REASON)
        return reader(path, data)

    return read


def _guarded_page(reader: Reader) -> Reader:
    """Like `_guarded` for formats whose text is known only once they are read."""

    def read(path: str, data: bytes) -> Document:
        document = reader(path, data)
        lines = [document.title, *(line for section in document.sections for line in (*section.headings, section.text))]
        if is_tutor_output("\n".join(lines)):
            raise UnreadableFile(REASON)
        return document

    return read


def _read_text(otherwise: Reader) -> Reader:
    """A reader for text whose form only its content shows; `otherwise` reads what has no form of its own."""

    def read(path: str, data: bytes) -> Document:
        text = decode(data)
        if is_anki_export(text) or looks_like_flashcards(text):
            return read_flashcards(path, data)
        if looks_like_question_notes(text):
            return read_question_notes(path, data)
        return (read_markdown if looks_like_markdown(text) else otherwise)(path, data)

    return _guarded(read)


def _for(reader: Reader, *endings: str) -> dict[str, Reader]:
    return dict.fromkeys(endings, reader)


@cache
def _registry() -> dict[str, dict[str, Reader]]:
    markdown = _for(_guarded(read_markdown), ".md", ".markdown", ".qmd", ".rmd")
    html = _for(_guarded_page(read_html), ".html", ".htm", ".xhtml")
    notebook = _for(read_notebook, ".ipynb")
    pdf = _for(read_pdf, ".pdf")
    slides = _for(read_slides, ".pptx")
    transcript = _for(read_transcript, ".vtt", ".srt")
    written = _for(_read_text(read_markdown), ".md", ".markdown")
    plain = _for(_read_text(read_plain), ".txt")
    return {
        "folder": markdown | html | notebook | pdf | slides | transcript | written | plain,
        "markdown": markdown,
        "notebook": notebook,
        "html": html,
        "pdf": pdf,
        "slides": slides,
        "transcript": transcript,
        "flashcards": _for(_guarded(read_flashcards), ".txt", ".md", ".markdown", ".csv", ".tsv"),
        "notes": written | plain,
    }
