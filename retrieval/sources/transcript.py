"""Reads subtitles of lecture recordings (WebVTT, SubRip) as spoken paragraphs that carry their time."""

import html
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import webvtt
from webvtt.errors import MalformedCaptionError, MalformedFileError

from retrieval.errors import UnreadableFile
from retrieval.passage import Document, Locator, Section
from retrieval.sources.text import decode, name_of, usable_title


@dataclass(frozen=True, slots=True)
class _Cue:
    """What is said between two times, in seconds; `speaker` is empty when the file does not say."""

    start: float
    end: float
    speaker: str
    text: str


# A section runs on to the first sentence end or pause after SHORT seconds, and ends at LONG in any case.
_SHORT, _LONG = 60.0, 90.0
_PAUSE = 1.5
_SOUND = re.compile(
    r"[\[(](music|applause|laughter|noise|inaudible|silence|foreign|__)[^\])]{0,30}[\])]|[♪♫]|\{\\an?\d\}", re.I
)
_SPEAKER = re.compile(r"^(?:>>\s*|-\s*)?([A-Z][\w.’'-]*(?: [A-Z\d][\w.’'-]*){0,3}):\s+(?=\S)", re.MULTILINE)
_SENTENCE_END = re.compile(r"[.!?…][\"')\]]?$")


def read_transcript(path: str, data: bytes) -> Document:
    """Read one transcript: a section for each 60 to 90 seconds of speech.

    Raises UnreadableFile when the file is neither WebVTT nor SubRip, or nobody says anything in it.
    """
    title, cues = _parsed(decode(data).lstrip())
    said = [*_without_repeats(cues)]
    if not said:
        raise UnreadableFile("a transcript without words")
    return Document(path, title or name_of(path), tuple(_sections(said)))


def _parsed(text: str) -> tuple[str | None, list[_Cue]]:
    try:
        captions = webvtt.from_buffer(io.StringIO(text), format="vtt" if text.startswith("WEBVTT") else "srt")
        cues = [cue for caption in captions.captions for cue in _cues(caption)]
    except (MalformedFileError, MalformedCaptionError, ValueError, AttributeError) as error:
        raise UnreadableFile(f"not a transcript: {error}") from error
    return usable_title(captions.header_text.strip(" -–—:\t")), sorted(cues, key=lambda cue: cue.start)


def _cues(caption: webvtt.Caption) -> Iterator[_Cue]:
    """A caption as one cue, or as several when more than one person speaks in it."""
    start, end = (time.in_milliseconds() / 1000 for time in (caption.start_time, caption.end_time))
    lines = [" ".join(_SOUND.sub(" ", html.unescape(line)).split()) for line in caption.text.split("\n")]
    text = "\n".join(line for line in lines if line)
    speaker = " ".join((caption.voice or "").split())
    turns = _SPEAKER.split(text)
    for name, words in zip(["", *turns[1::2]], turns[::2], strict=True):
        if words.strip():
            yield _Cue(start, end, speaker or name, words.strip())


def _without_repeats(cues: Iterable[_Cue]) -> Iterator[_Cue]:
    """Rolling captions show a line again below the next one; each is kept the first time only."""
    shown: list[str] = []
    for cue in cues:
        lines = cue.text.split("\n")
        new = [line for line in lines if line not in shown]
        if new and shown and new[0].startswith(shown[-1] + " "):
            new[0] = new[0][len(shown[-1]) :].strip()
        shown = lines
        if new:
            yield _Cue(cue.start, cue.end, cue.speaker, " ".join(new).removeprefix(">> "))


def _sections(cues: Iterable[_Cue]) -> Iterator[Section]:
    held: list[_Cue] = []
    for cue in cues:
        if held and _ends_before(cue, held):
            yield _section(held)
            held = []
        held.append(cue)
    if held:
        yield _section(held)


def _ends_before(cue: _Cue, held: list[_Cue]) -> bool:
    length, pause = cue.start - held[0].start, cue.start - held[-1].end
    at_rest = pause >= _PAUSE or bool(_SENTENCE_END.search(held[-1].text))
    return length >= _LONG or (length >= _SHORT and at_rest) or pause >= _SHORT


def _section(cues: list[_Cue]) -> Section:
    text, speaker = "", ""
    for cue in cues:
        if cue.speaker and cue.speaker != speaker:
            text += f"\n\n{cue.speaker}: "
            speaker = cue.speaker
        text += cue.text + " "
    return Section((), re.sub(r" +(?=\n|$)", "", text).strip(), Locator(seconds=cues[0].start))
