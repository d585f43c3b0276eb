"""Transcripts of recordings: sections of about a minute that carry their time."""

import pytest

from retrieval.errors import UnreadableFile
from retrieval.passage import Document
from retrieval.sources.transcript import read_transcript


def stamp(seconds: float, comma: str = ".") -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes) // 60:02}:{int(minutes) % 60:02}:{rest:06.3f}".replace(".", comma)


def vtt(*cues: tuple[float, float, str], head: str = "WEBVTT") -> Document:
    blocks = [head, *(f"{stamp(start)} --> {stamp(end)}\n{text}" for start, end, text in cues)]
    return read_transcript("talks/03-search.en.vtt", "\n\n".join(blocks).encode())


def test_cues_are_joined_to_sections_that_end_at_a_sentence() -> None:
    page = vtt(*((n * 10, n * 10 + 9.9, f"part {n}" + ("." if n == 6 else "")) for n in range(15)))
    assert page.title == "Search"
    assert [section.locator.seconds for section in page.sections] == [0, 70]
    assert page.sections[0].text == "part 0 part 1 part 2 part 3 part 4 part 5 part 6."
    assert all(section.headings == () for section in page.sections)


def test_speech_without_full_stops_is_cut_at_ninety_seconds() -> None:
    page = vtt(*((n * 10, n * 10 + 9.9, f"and {n}") for n in range(20)))
    assert [section.locator.seconds for section in page.sections] == [0, 90, 180]


def test_a_long_silence_starts_a_new_section() -> None:
    page = vtt((1.5, 3, "Before the break"), (600, 602, "after the break"))
    assert [section.locator.seconds for section in page.sections] == [1.5, 600]


def test_rolling_captions_are_said_once() -> None:
    page = vtt(
        (0, 2, "so today we look at<00:00:01.000><c> trees</c>"),
        (2, 2.01, "so today we look at trees"),
        (2.01, 4, "so today we look at trees\nand how they split"),
        (4, 4.01, "and how they split"),
        (4.01, 6, "and how they split\nthe data"),
        (6, 7, "the data"),
        (7, 8, "the data again"),
    )
    assert page.sections[0].text == "so today we look at trees and how they split the data again"


def test_speakers_are_named_when_they_change() -> None:
    page = vtt(
        (0, 2, "<v Ada Byron>What is a heap?</v>"),
        (2, 3, "<v Ada Byron>And why?</v>"),
        (3, 5, "<v Student>A tree."),
        (5, 6, "Prof. Hopper: Right. Note: it is partial."),
    )
    assert page.sections[0].text == (
        "Ada Byron: What is a heap? And why?\n\nStudent: A tree.\n\nProf. Hopper: Right. Note: it is partial."
    )


def test_styles_remarks_and_sounds_are_not_speech() -> None:
    head = "WEBVTT - Search trees\nKind: captions\n\nSTYLE\n::cue { color: red }\n\nNOTE made by a machine"
    page = vtt((0, 1, "[Music]"), (1, 2, "♪ <i>hello</i> &amp; welcome (applause)"), head=head)
    assert page.title == "Search trees"
    assert page.sections[0].text == "hello & welcome"
    assert page.sections[0].locator.seconds == 1


def test_subrip_is_read_with_its_own_time_format() -> None:
    text = (
        "\ufeff\n1\r\n00:00:05,500 --> 00:00:07,000\r\n<b>Gradients</b>\r\nflow back.\r\n\r\n"
        "2\r\n01:00:00,000 --> 01:00:01,000\r\nEnd.\r\n"
    )
    page = read_transcript("talk.srt", text.encode())
    assert [(section.locator.seconds, section.text) for section in page.sections] == [
        (5.5, "Gradients flow back."),
        (3600, "End."),
    ]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"Just a text.", "not a transcript"),
        (b"WEBVTT\n\nNOTE nothing", "without words"),
        (b"WEBVTT\n\n00:00:00.000 --> 00:00:01.000\n[Music]", "without words"),
        (b"1\n00:99 --> x\nbroken", "not a transcript|without words"),
        (b"\x00\x01", "binary"),
    ],
)
def test_what_is_no_transcript_says_why(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableFile, match=reason):
        read_transcript("a.vtt", data)
