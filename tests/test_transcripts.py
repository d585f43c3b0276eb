"""What the transcripts show: every scene ends in words for the student, and nothing raw is among them."""

import asyncio
import json
import re
from pathlib import Path

import pytest
from running_erica import chat_course
from transcripts import SCENES, Transcript, played, write

_LISTING = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
_PICTURE = re.compile(r"\[image: .*?\]$", re.DOTALL | re.MULTILINE)
_DANGLING = {
    "slack": re.compile(r"\[\d+\](?![^\n\[]*\(https://)"),
    "discord": re.compile(r"\[\d+\](?!\]\(<https://|[^\n\[\]]*\]\(<https://)"),
}


@pytest.fixture(scope="module")
def transcripts(tmp_path_factory: pytest.TempPathFactory, demo_indexes: Path) -> dict[str, Transcript]:
    folder = tmp_path_factory.mktemp("transcripts")
    (folder / "indexes").symlink_to(demo_indexes)
    return {one.platform: one for one in asyncio.run(played(folder, chat_course(folder)))}


@pytest.fixture(params=["slack", "discord"])
def shown(request: pytest.FixtureRequest, transcripts: dict[str, Transcript]) -> Transcript:
    return transcripts[request.param]


def test_every_scene_ends_in_words_for_the_student(shown: Transcript) -> None:
    said = {scene: "\n".join(texts) for scene, texts in shown.scenes.items()}
    assert list(said) == list(SCENES)
    assert "weights /= weights.sum" in said["question"]
    assert "√dₖ" in said["question"]
    assert "Sources" in said["question"]
    assert "np.tri" in said["follow-up"]
    assert len(set(shown.scenes["lookup"])) == 3
    assert "does not seem to cover this" in said["abstention"]
    assert "not available right now" in said["model outage"]
    assert "identity, so gradients have a direct way back" in said["model outage"]
    assert "cannot search the course material right now" in said["search outage"]


def test_formulas_and_concepts_are_pictures(shown: Transcript) -> None:
    names = " ".join(shown.pictures)
    assert names.count("formula") == 3
    assert "attention.png" in names
    assert all(data.startswith(b"\x89PNG") for data in shown.pictures.values())


def test_no_mark_of_another_platform_is_left(shown: Transcript) -> None:
    for text in (_LISTING.sub("", text) for texts in shown.scenes.values() for text in texts):
        assert "$" not in text
        assert "\\frac" not in _PICTURE.sub("", text)
        assert shown.platform == "discord" or "**" not in text
        assert not re.search(r"\|[ :-]*-{3}", text), "a table that is not shown as one"


def test_every_number_leads_to_its_page(shown: Transcript) -> None:
    for texts in shown.scenes.values():
        for text in texts:
            assert _DANGLING[shown.platform].findall(_LISTING.sub("", text)) == []


def test_nobody_is_pinged_and_no_file_is_linked(shown: Transcript) -> None:
    assert shown.pings == []
    assert [text for text in shown.raw if re.search(r"file:|<[@!#]|@(?:everyone|here|channel)", text)] == []


def test_what_is_written_can_be_read_and_looked_at(shown: Transcript, tmp_path: Path) -> None:
    write(shown, tmp_path)
    assert json.loads((tmp_path / f"{shown.platform}.json").read_text()) == shown.entries
    assert "would rather not guess" in (tmp_path / f"{shown.platform}.txt").read_text()
    page = (tmp_path / f"{shown.platform}.html").read_text()
    assert all((tmp_path / name).is_file() for name in re.findall(r'<img src="([^"]+)"', page))
    assert page.count("<img") >= 5
