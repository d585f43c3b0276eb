"""The commands around concepts as people and scripts meet them, and what other commands say of concepts.

Most run in this process, on the demo course and on a small one of our own.
"""

import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from getpass import getuser
from pathlib import Path
from typing import Any
from unittest.mock import patch

import networkx as nx
import pytest
from erica_command import DEMO, ERICA, SECONDS, Case, Done, checked, environment, erica, run_all, run_here
from matplotlib.image import imread

CLONING = {
    "restriction.md": """# Restriction enzymes

A **restriction enzyme** is a protein that cuts DNA at a short sequence of its own. Bacteria make restriction
enzymes.

## Sticky ends

**Sticky ends** are the single strands that a restriction enzyme leaves where it cuts. Sticky ends find each other.
""",
    "vector.md": """# Cloning vectors

A **cloning vector** is a small DNA that carries a foreign piece into a cell. A restriction enzyme opens a cloning
vector, and DNA ligase closes it. A cloning vector, also called a cloning vehicle, is copied with the cell.

## DNA ligase

**DNA ligase** is a protein that joins two pieces of DNA.
""",
    "electrophoresis.md": """# Separating DNA

**Gel electrophoresis** is a method that separates DNA by its length in a gel. Gel electrophoresis takes an hour.

## Capillary electrophoresis

**Capillary electrophoresis** is a method that separates DNA in a thin tube. Capillary electrophoresis takes minutes.
""",
    "pcr.md": """# Polymerase chain reaction

The **polymerase chain reaction (PCR)** is a way to copy DNA many times over. After PCR, gel electrophoresis shows
how long the copies are.

```python
copies = 2**30  # thirty rounds of PCR
```
""",
}
LONG = "z" * 10_000
FOREIGN = {
    "concepts": [
        {"id": "ligase", "title": "DNA ligase", "definition": "What joins two pieces of DNA."},
        {"id": "vector", "title": "cloning vector", "aliases": ["cloning vehicle"]},
        {"id": "7", "title": "7"},
        {"id": "shouting", "title": "[bold]loud[/bold] <!channel> \x1b[31menzyme"},
        {"id": "endless", "title": LONG},
    ],
    "resources": [],
    "examples": [],
    "edges": [{"source": "ligase", "target": "vector", "type": "prereq_of"}],
}
COURSE = """[course]
id = "cloning"
title = "Cloning [bold]DNA[/nope]"

[[sources]]
path = "pages"
base_url = "https://bio.test/"

[[sources]]
kind = "graph"
path = "graphs"
"""


def cloning_course(folder: Path) -> str:
    """A course file of its own, with pages and with a concept graph that somebody else made."""
    for name in ("pages", "graphs"):
        (folder / name).mkdir()
    for name, text in CLONING.items():
        (folder / "pages" / name).write_text(text)
    (folder / "graphs" / "terms.json").write_text(json.dumps(FOREIGN))
    (folder / "graphs" / "torn.json").write_text('{"nodes": [')
    (folder / "course.toml").write_text(COURSE)
    return str(folder / "course.toml")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with an index of the demo course; nobody edits it."""
    folder = tmp_path_factory.mktemp("demo")
    assert here(folder, "ingest", DEMO, "--json").code == 0
    return folder


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, Done]:
    """A data folder with an index of our own course, its course file, and what ingesting it said."""
    folder = tmp_path_factory.mktemp("cloning")
    course = cloning_course(folder)
    return folder / "data", course, here(folder / "data", "ingest", course, "--json")


@pytest.fixture
def cloning(ingested: tuple[Path, str, Done], tmp_path: Path) -> tuple[Path, str]:
    """A copy of that data folder, to edit in, and the course file."""
    data, course, _ = ingested
    shutil.copytree(data, tmp_path / "data")
    return tmp_path / "data", course


def here(data: Path, *words: str, **more: str) -> Done:
    """Run a command in this process."""
    return run_here(Case(words, environment=more), data, data.parent)


def demo(data: Path, command: str, *words: str) -> Done:
    """Run a command on the demo course."""
    return here(data, command, "--course", DEMO, *words)


def card(data: Path, course: str, name: str) -> Any:
    """The card of a concept as JSON, None where the name leads to none."""
    return here(data, "concept", "--course", course, "--json", name).json["card"]


def edit(data: Path, course: str, *words: str) -> Done:
    return here(data, "edit", "--course", course, *words)


def is_error(done: Done, code: int, name: str, said: str) -> bool:
    """Whether this is a failure as `--json` prints it, and standard error is empty."""
    error = done.json["error"]
    assert set(error) == {"code", "message", "hint"}
    assert error["hint"]
    assert re.search(said, error["message"]), error
    return (done.code, error["code"], done.err) == (code, name, "")


# Looking up


def test_a_card_as_json_has_the_stable_form(data: Path) -> None:
    done = demo(data, "concept", "--json", "attention")
    assert (done.code, done.err) == (0, "")
    found = done.json
    assert set(found) == {"match", "card", "choices"}
    assert (found["match"], found["choices"]) == ("exact", [])
    shown = found["card"]
    assert set(shown) == {
        *("id", "title", "aliases", "definition", "definition_url", "difficulty"),
        *("prerequisites", "leads_to", "related", "examples", "resources"),
    }
    assert "weighted average" in shown["definition"]
    assert shown["definition_url"].startswith("https://example.edu/demo/")
    assert shown["difficulty"] in range(1, 6)
    assert shown["prerequisites"]
    assert all(set(one) == {"id", "title", "url", "depth"} for one in shown["prerequisites"] + shown["leads_to"])
    assert all(set(one) == {"id", "title", "url", "kind"} for one in shown["related"])
    assert all(set(one) == {"code", "url"} for one in shown["examples"])
    assert shown["resources"][0]["url"] == "https://example.edu/demo/attention.md"
    assert all(set(one) == {"type", "url", "title", "span", "minutes"} for one in shown["resources"])


@pytest.mark.parametrize(
    ("name", "match", "id_"),
    [
        ("Gel electrophoresis", "exact", "gel-electrophoresis"),
        ("PCR", "alias", "polymerase-chain-reaction"),
        ("cloning vehicle", "alias", "cloning-vector"),
        ("cloning vectors", "inflection", "cloning-vector"),
        ("restricton enzyme", "typo", "restriction-enzyme"),
        ("what is PCR?", "alias", "polymerase-chain-reaction"),
    ],
)
def test_a_name_leads_to_its_concept(ingested: tuple[Path, str, Done], name: str, match: str, id_: str) -> None:
    done = here(ingested[0], "concept", "--course", ingested[1], "--json", name)
    assert (done.code, done.json["match"], done.json["card"]["id"]) == (0, match, id_)


def test_a_typo_is_said_before_the_card(ingested: tuple[Path, str, Done]) -> None:
    lines = here(ingested[0], "concept", "--course", ingested[1], "restricton enzyme").out.splitlines()
    assert re.match("No “restricton enzyme” here; this is “restriction enzyme”.", lines[0], re.IGNORECASE)
    assert lines[1].lower().startswith("restriction enzyme")


def test_an_ambiguous_name_offers_choices_and_that_is_no_failure(ingested: tuple[Path, str, Done]) -> None:
    words = ["concept", "--course", ingested[1], "electrophoresis"]
    done = here(ingested[0], *words, "--json")
    assert (done.code, done.json["match"], done.json["card"]) == (0, "ambiguous", None)
    assert {one["id"] for one in done.json["choices"]} == {"gel-electrophoresis", "capillary-electrophoresis"}
    assert all(set(one) == {"id", "title"} for one in done.json["choices"])
    told = here(ingested[0], *words)
    assert (told.code, told.err) == (0, "")
    assert re.fullmatch("“electrophoresis” could mean: .*, .*[.]\nWhich one[?]\n", told.out)


@pytest.mark.parametrize(
    "name", ["zeppelin", "[bold]zeppelin[/nope]", "\x1b[31mzeppelin\x07", "飞艇", LONG, "", " ", "🧬"]
)
def test_an_unknown_name_is_said_to_be_unknown_whatever_it_is(ingested: tuple[Path, str, Done], name: str) -> None:
    words = ["concept", "--course", ingested[1], name]
    done = here(ingested[0], *words, "--json")
    assert (done.code, done.err) == (0, "")
    assert (done.json["match"], done.json["card"]) == ("none", None)
    told = here(ingested[0], *words)
    assert (told.code, told.err) == (0, "")
    assert len(told.out) < 500
    assert not re.search(r"[^\n\x20-\x7e“”…飞艇🧬]", told.out)
    assert all(line == line.rstrip() for line in told.out.splitlines())
    assert name.strip("\x1b\x07") in told.out or name == LONG


def test_the_depth_limits_what_is_needed_first(data: Path) -> None:
    depths = {
        depth: {
            one["depth"]
            for one in demo(data, "concept", "--json", "--depth", depth, "LSTM").json["card"]["prerequisites"]
        }
        for depth in "0125"
    }
    assert depths["0"] == set()
    assert depths["1"] == {1}
    assert depths["2"] == {1, 2}
    assert depths["5"] > depths["2"]
    assert "want first" not in demo(data, "concept", "--depth", "0", "LSTM").out


def test_the_depth_is_the_courses_own_unless_said(cloning: tuple[Path, str], tmp_path: Path) -> None:
    data, course = cloning
    shallow = Path(course).with_name("shallow.toml")
    shallow.write_text(Path(course).read_text() + "\n[answers]\nprerequisite_depth = 0\n")
    assert card(data, course, "cloning vector")["prerequisites"]
    assert not card(data, str(shallow), "cloning vector")["prerequisites"]


# Paths


@pytest.fixture(scope="module")
def step(data: Path) -> tuple[str, str]:
    """The titles of two concepts of the demo course, the first a sure prerequisite of the second."""
    graph = demo(data, "graph", "--json").json
    titles = {one["id"]: one["title"] for one in graph["concepts"]}
    steps = [edge for edge in graph["edges"] if edge["type"] == "prereq_of" and edge["target"] == "attention"]
    surest = max(steps, key=lambda edge: float(edge["confidence"]))
    return titles[surest["source"]], titles[surest["target"]]


def test_a_path_as_json_has_the_stable_form(data: Path, step: tuple[str, str]) -> None:
    done = demo(data, "path", "--json", *step)
    assert (done.code, done.err) == (0, "")
    assert set(done.json) == {"steps"}
    steps = done.json["steps"]
    assert (steps[0]["title"], steps[-1]["title"]) == step
    for one in steps:
        assert set(one) == {"id", "title", "url", "minutes"}
        assert one["url"].startswith("https://example.edu/demo/")
        assert one["minutes"] >= 0


def test_a_path_to_one_concept_ends_there(data: Path) -> None:
    steps = demo(data, "path", "--json", "LSTM").json["steps"]
    assert 1 < len(steps) <= 8
    assert steps[-1]["id"] == "long-short-term-memory"
    told = demo(data, "path", "LSTM").out
    assert re.match(r"1\. .* \(\d+ min\)\n   https://example\.edu/demo/", told)
    assert re.search(rf"^{len(steps)} steps, about \d+ min of reading\.$", told, re.MULTILINE)


def test_the_way_back_is_said_to_be_one(data: Path, step: tuple[str, str]) -> None:
    first, then = step
    back = demo(data, "path", "--json", then, first).json
    assert back["steps"] == demo(data, "path", "--json", first, then).json["steps"]
    assert back["note"].startswith(f"“{first}” comes before “{then}”")
    told = " ".join(demo(data, "path", then, first).out.split())
    assert told.startswith(back["note"])


def test_a_path_from_a_concept_to_itself_is_one_step(data: Path) -> None:
    done = demo(data, "path", "--json", "LSTM", "long short-term memory")
    assert [step["id"] for step in done.json["steps"]] == ["long-short-term-memory"]


@pytest.mark.parametrize("names", [["zeppelin"], ["zeppelin", "PCR"], ["PCR", "zeppelin"], [""], [LONG], ["[/nope]"]])
def test_a_path_of_unknown_names_is_a_plain_error(ingested: tuple[Path, str, Done], names: Sequence[str]) -> None:
    words = ["path", "--course", ingested[1], *names]
    assert is_error(here(ingested[0], *words, "--json"), 1, "unknown_concept", "no concept called|Which concept")
    told = here(ingested[0], *words)
    assert (told.code, told.out) == (1, "")
    assert told.err.startswith("erica: ")
    assert len(told.err) < 400


def test_an_ambiguous_end_of_a_path_names_the_choices(ingested: tuple[Path, str, Done]) -> None:
    done = here(ingested[0], "path", "--course", ingested[1], "--json", "PCR", "electrophoresis")
    assert is_error(done, 1, "unknown_concept", "“electrophoresis” could mean: .*apillary electrophoresis.* Which one")
    assert "\n" not in done.json["error"]["message"]


# The graph as JSON


def test_the_graph_as_json_is_whole(data: Path) -> None:
    done = demo(data, "graph", "--json")
    assert (done.code, done.err) == (0, "")
    graph = done.json
    forms = {
        "concepts": {"id", "title", "aliases", "definition", "difficulty"},
        "resources": {"id", "type", "url", "path", "title", "span"},
        "examples": {"id", "code", "url"},
        "edges": {"source", "target", "type", "kind", "confidence", "evidence"},
    }
    assert set(graph) == set(forms)
    for part, form in forms.items():
        assert graph[part]
        assert all(set(one) == form for one in graph[part])
    ids = {part: [one["id"] for one in graph[part]] for part in ("concepts", "resources", "examples")}
    assert len({*ids["concepts"], *ids["resources"], *ids["examples"]}) == sum(map(len, ids.values()))
    sources = {"prereq_of": "concepts", "near_transfer": "concepts", "explains": "resources", "exemplifies": "examples"}
    for edge in graph["edges"]:
        assert edge["source"] in ids[sources[edge["type"]]]
        assert edge["target"] in ids["concepts"]
        assert edge["kind"] in (
            ("sibling", "contrast", "is-a", "part-of") if edge["type"] == "near_transfer" else ("",)
        )
        assert 0 < edge["confidence"] <= 1
        assert set(edge["evidence"]) == {"url", "sentence"}
        assert edge["evidence"]["url"].startswith("https://example.edu/demo/")
        assert edge["evidence"]["sentence"].strip()
    prerequisites = [(edge["source"], edge["target"]) for edge in graph["edges"] if edge["type"] == "prereq_of"]
    assert nx.is_directed_acyclic_graph(nx.DiGraph(prerequisites))
    assert {edge["type"] for edge in graph["edges"]} == set(sources)


def test_a_graph_that_somebody_else_made_is_cleaned_and_taken_over(ingested: tuple[Path, str, Done]) -> None:
    done = ingested[2]
    assert done.code == 0
    told = done.json["concepts"]
    assert set(told) == {"found", "prerequisites", "cut", "dropped", "model"}
    assert set(told["model"]) == {"asked", "reused", "failed", "left"}
    graph = here(ingested[0], "graph", "--course", ingested[1], "--json").json
    assert told["found"] == len(graph["concepts"])
    assert told["prerequisites"] == sum(edge["type"] == "prereq_of" for edge in graph["edges"])
    dropped = {one["name"][:1]: one for one in told["dropped"]}
    assert {"7", "[", "z"} <= set(dropped)
    assert all(set(one) == {"file", "name", "reason"} and len(one["name"]) < 200 for one in told["dropped"])
    assert not re.search(r"zzz|\[bold\]|\\u001b", json.dumps(graph["concepts"]))
    assert [one["path"] for one in done.json["skipped"]] == ["torn.json"]
    assert "cloning vehicle" in card(ingested[0], ingested[1], "cloning vector")["aliases"]


def test_an_ingest_tells_people_of_concepts(cloning: tuple[Path, str]) -> None:
    done = here(cloning[0], "ingest", "--force", cloning[1])
    assert done.code == 0
    told = " ".join(done.out.split())
    assert "Cloning" in told or "cloning" in told
    assert re.search(r"\d+ concepts, \d+ prerequisites between them\.", told)
    assert re.search(r"Not taken over from foreign graphs: .*a number \(1\).*`--json` lists them\.", told)
    assert "torn.json" in told


# Pictures


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("shown", ["all", "a concept", "a path", "a path back"])
def test_a_picture_is_drawn(data: Path, step: tuple[str, str], tmp_path: Path, shown: str, theme: str) -> None:
    first, then = step
    asked = {
        "all": [],
        "a concept": ["--concept", then],
        "a path": ["--path", first, then],
        "a path back": ["--path", then, first],
    }
    file = tmp_path / "a [bold] map.png"
    done = demo(data, "graph", "--png", str(file), "--theme", theme, *asked[shown])
    assert (done.code, done.err) == (0, "")
    assert f"Drawn into {file}." in done.out
    assert ("comes before" in done.out) == (shown == "a path back")
    image = imread(io.BytesIO(file.read_bytes()), format="png")
    height, width = image.shape[:2]
    assert height > 50
    assert 300 <= width <= (2400 if shown == "all" else 800)
    assert (float(image[0, 0, :3].mean()) < 0.5) == (theme == "dark")
    assert float(image[:, :, :3].std()) > 0.01, "something is drawn"


def test_a_picture_and_json_at_once(ingested: tuple[Path, str, Done], tmp_path: Path) -> None:
    file = tmp_path / "map.png"
    done = here(ingested[0], "graph", "--course", ingested[1], "--json", "--png", str(file), "--concept", "PCR")
    assert (done.code, done.err) == (0, "")
    assert set(done.json) == {"concepts", "resources", "examples", "edges"}
    assert file.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("file", ["nowhere/map.png", ".", "a-file/map.png", "m" * 300 + ".png"])
def test_a_picture_that_cannot_be_written_is_a_plain_error(
    ingested: tuple[Path, str, Done], tmp_path: Path, file: str
) -> None:
    (tmp_path / "a-file").touch()
    words = ["graph", "--course", ingested[1], "--concept", "PCR", "--png", str(tmp_path / file)]
    assert is_error(here(ingested[0], *words, "--json"), 1, "failed", "the picture cannot be written to")
    told = here(ingested[0], *words)
    assert (told.code, told.out) == (1, "")
    assert "a folder that exists" in told.err


# Staff edits


def test_what_staff_rename_and_merge_is_seen_listed_and_outlives_an_ingest(cloning: tuple[Path, str]) -> None:
    data, course = cloning
    assert edit(data, course).out == "Nobody has edited the concepts of this course.\n"
    assert edit(data, course, "--json").json == []

    renamed = edit(data, course, "rename", "PCR", "chain reaction [bold]")
    assert (renamed.code, renamed.err) == (0, "")
    assert renamed.out.startswith("Done.")
    assert edit(data, course, "merge", "gel electrophoresis", "capillary electrophoresis", "--json").json == {
        "done": True
    }

    def seen() -> None:
        assert card(data, course, "chain reaction [bold]")["title"] == "chain reaction [bold]"
        assert card(data, course, "polymerase chain reaction")["title"] == "chain reaction [bold]"
        merged = card(data, course, "capillary electrophoresis")
        assert merged["id"] == "gel-electrophoresis"
        assert "capillary electrophoresis" in [alias.lower() for alias in merged["aliases"]]
        assert here(data, "concept", "--course", course, "--json", "electrophoresis").json["match"] != "ambiguous"
        assert "chain reaction [bold]" in here(data, "concept", "--course", course, "PCR").out

    seen()
    listed = edit(data, course, "--json").json
    assert [(one["action"], one["concept"], one["other"]) for one in listed] == [
        ("rename", "PCR", "chain reaction [bold]"),
        ("merge", "gel electrophoresis", "capillary electrophoresis"),
    ]
    for one in listed:
        assert set(one) == {"action", "concept", "other", "by", "at", "without_effect"}
        assert (one["by"], one["without_effect"]) == (getuser(), None)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", one["at"])
    told = edit(data, course).out.splitlines()
    assert len(told) == 2
    assert told[0].endswith(f" {getuser()} rename “PCR” “chain reaction [bold]”")

    assert here(data, "ingest", course, "--force", "--json").json["changed"]
    seen()


def test_staff_add_and_cut_prerequisites(cloning: tuple[Path, str]) -> None:
    data, course = cloning

    def needed() -> set[str]:
        return {
            one["id"] for one in card(data, course, "capillary electrophoresis")["prerequisites"] if one["depth"] == 1
        }

    assert "cloning-vector" not in needed()
    assert edit(data, course, "add-prerequisite", "capillary electrophoresis", "cloning vector").code == 0
    assert "cloning-vector" in needed()
    way = here(data, "path", "--course", course, "--json", "cloning vector", "capillary electrophoresis").json
    assert [step["id"] for step in way["steps"]] == ["cloning-vector", "capillary-electrophoresis"]
    assert set(way) == {"steps"}
    assert edit(data, course, "cut-prerequisite", "capillary electrophoresis", "cloning vector").code == 0
    assert "cloning-vector" not in needed()
    again = edit(data, course, "cut-prerequisite", "capillary electrophoresis", "cloning vector", "--json")
    assert is_error(again, 1, "edit_refused", "no direct prerequisite")


def test_a_hidden_concept_is_gone_everywhere(cloning: tuple[Path, str]) -> None:
    data, course = cloning
    assert edit(data, course, "hide", "cloning vector").code == 0
    assert (card(data, course, "cloning vector") or {"id": ""})["id"] != "cloning-vector"
    graph = here(data, "graph", "--course", course, "--json").json
    ends = {end for edge in graph["edges"] for end in (edge["source"], edge["target"])}
    assert "cloning-vector" not in {one["id"] for one in graph["concepts"]} | ends
    answer = here(data, "ask", "--course", course, "--json", "What is a cloning vector?").json
    assert "cloning-vector" not in {one["id"] for one in answer["concepts"] + answer["prerequisites"]}


def test_a_hidden_concept_can_be_shown_again(cloning: tuple[Path, str]) -> None:
    data, course = cloning
    before = card(data, course, "cloning vector")
    assert edit(data, course, "hide", "cloning vector").code == 0
    assert is_error(edit(data, course, "hide", "cloning vector", "--json"), 1, "edit_refused", "hidden already")
    shown = edit(data, course, "show", "cloning vector")
    assert shown.code == 0, shown.err
    assert card(data, course, "cloning vector") == before


def test_staff_are_told_when_they_repeat_or_contradict_themselves(cloning: tuple[Path, str]) -> None:
    data, course = cloning
    assert edit(data, course, "add-prerequisite", "PCR", "cloning vector").code == 0
    again = edit(data, course, "add-prerequisite", "PCR", "cloning vector", "--json")
    assert is_error(again, 1, "edit_refused", "added it already")
    contrary = edit(data, course, "add-prerequisite", "cloning vector", "PCR", "--json")
    assert is_error(contrary, 1, "edit_refused", "comes before .*; cut that first")
    assert len(edit(data, course, "--json").json) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["hide", "zeppelin"], "no concept is called “zeppelin”"),
        (["hide", ""], "no concept is called"),
        (["hide", LONG], "no concept is called “zzz"),
        (["show", "PCR"], "is not hidden"),
        (["merge", "PCR", "polymerase chain reaction"], "both names mean"),
        (["rename", "PCR", "Gel electrophoresis"], "another concept; merge the two"),
        (["rename", "PCR", LONG], "at most 120 characters"),
        (["rename", "PCR", ""], "a title needs a letter"),
        (["rename", "PCR", "\x1b\x07"], "a title needs a letter"),
        (["add-prerequisite", "PCR", "PCR"], "cannot come before itself"),
        (["cut-prerequisite", "PCR", "zeppelin"], "no concept is called “zeppelin”"),
    ],
)
def test_an_edit_without_effect_is_refused_with_the_reason(
    ingested: tuple[Path, str, Done], words: list[str], said: str
) -> None:
    data, course, _ = ingested
    assert is_error(edit(data, course, *words, "--json"), 1, "edit_refused", said)
    told = edit(data, course, *words)
    assert (told.code, told.out) == (1, "")
    assert len(told.err) < 400
    assert edit(data, course, "--json").json == []


def test_names_with_control_characters_are_listed_harmlessly(cloning: tuple[Path, str]) -> None:
    data, course = cloning
    assert edit(data, course, "rename", "PCR", "chain\x1b[31m\n\u202ereaction\x07").code == 0
    listed = edit(data, course).out
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u202e]", listed)
    assert len(listed.splitlines()) == 1
    title = card(data, course, "polymerase chain reaction")["title"]
    assert not re.search("[\x00-\x1f\u202e]", title)


def test_an_edit_that_a_later_build_cannot_follow_is_listed_as_idle(cloning: tuple[Path, str], tmp_path: Path) -> None:
    data, course = cloning
    assert edit(data, course, "hide", "gel electrophoresis").code == 0
    (tmp_path / "less").mkdir()
    less = Path(cloning_course(tmp_path / "less"))
    (less.parent / "pages" / "electrophoresis.md").unlink()
    pcr = less.parent / "pages" / "pcr.md"
    pcr.write_text(pcr.read_text().replace("gel electrophoresis", "a ruler"))
    assert here(data, "ingest", str(less), "--force", "--json").code == 0
    [idle] = edit(data, str(less), "--json").json
    assert "no concept is called" in idle["without_effect"]
    assert "(has no effect now: no concept is called" in edit(data, str(less)).out


def test_edits_that_cannot_be_kept_are_refused_and_lookups_go_on(cloning: tuple[Path, str]) -> None:
    data, course = cloning
    (data / "edits").write_text("in the way")
    done = here(data, "edit", "--course", course, "--json", "hide", "PCR")
    assert (done.code, done.json["error"]["code"]) == (1, "retrieval")
    assert re.search("the edit log .* could not be", done.json["error"]["message"])
    assert card(data, course, "PCR")["id"] == "polymerase-chain-reaction"


def test_an_edit_by_a_user_without_a_name_names_the_number(cloning: tuple[Path, str]) -> None:
    data, course = cloning
    nameless = dict.fromkeys(("LOGNAME", "USER", "LNAME", "USERNAME"), "")
    with patch("pwd.getpwuid", side_effect=KeyError("uid not found")):  # as in a container that is run as any number
        done = here(data, "edit", "--course", course, "hide", "PCR", "--json", **nameless)
    assert done.json == {"done": True}
    assert edit(data, course, "--json").json[0]["by"] == f"user {os.getuid()}"


# What concepts do for answers


def test_an_answer_names_its_concepts_and_what_they_need(data: Path) -> None:
    answer = demo(data, "ask", "--json", "What is attention?").json
    assert [(one["id"], one["how"]) for one in answer["concepts"]] == [("attention", "exact")]
    assert 1 <= len(answer["prerequisites"]) <= 4
    assert all(set(one) == {"id", "title", "url"} for one in answer["prerequisites"])
    assert all(one["url"].startswith("https://example.edu/demo/") for one in answer["prerequisites"])
    told = demo(data, "ask", "What is attention?").out
    [first] = re.findall("^You'll want first: (.*)$", told, re.MULTILINE)
    assert [(one["title"], one["url"]) for one in answer["prerequisites"]] == re.findall(
        r"(?:^| · )(.*?) \((https://\S+)\)", first
    )
    assert told.index("You'll want first") < told.index("\nSources")


@pytest.mark.parametrize("words", [["--graph", "off"], ["--depth", "0"]])
def test_what_is_needed_first_can_be_left_out(data: Path, words: list[str]) -> None:
    answer = demo(data, "ask", "--json", *words, "What is attention?").json
    assert answer["prerequisites"] == []
    assert (answer["concepts"] == []) == ("off" in words)
    assert "want first" not in demo(data, "ask", *words, "What is attention?").out


# What people type


CONCEPT, PATH, GRAPH, EDIT = ([command, "--course", DEMO] for command in ("concept", "path", "graph", "edit"))
MISTAKES = {
    "no name": ([*CONCEPT, "--json"], "Missing argument 'NAME'"),
    "two names": ([*CONCEPT, "LSTM", "GRU"], "extra argument"),
    "too deep": ([*CONCEPT, "--depth", "6", "LSTM"], "--depth"),
    "no course": (["concept", "LSTM"], "--course"),
    "a path to nowhere": (PATH, "Missing argument"),
    "three ends": ([*PATH, "LSTM", "GRU", "CLIP"], "one concept, or two.*quotes"),
    "a graph for nobody": (GRAPH, "give --json, --png FILE, or both"),
    "a concept without a picture": ([*GRAPH, "--concept", "LSTM"], "give --json, --png FILE, or both"),
    "JSON of a concept": ([*GRAPH, "--json", "--concept", "LSTM"], "they need --png FILE"),
    "JSON of a path": ([*GRAPH, "--json", "--path", "LSTM", "GRU"], "they need --png FILE"),
    "two pictures": ([*GRAPH, "--png", "x.png", "--concept", "a", "--path", "a", "b"], "either --concept or --path"),
    "half a path": (["graph", "--json", "--course", DEMO, "--png", "x.png", "--path", "LSTM"], "2 arguments"),
    "no such theme": ([*GRAPH, "--png", "x.png", "--theme", "blue"], "'light', 'dark'"),
    "no such action": ([*EDIT, "--json", "frobnicate", "LSTM"], "'merge', 'rename', 'hide'"),
    "hide what": ([*EDIT, "--json", "hide"], "hide takes the name of one concept"),
    "hide two": ([*EDIT, "hide", "LSTM", "GRU"], "hide takes the name of one concept"),
    "rename to what": ([*EDIT, "rename", "LSTM"], "rename takes two names"),
    "a prerequisite of nothing": ([*EDIT, "add-prerequisite", "LSTM"], "add-prerequisite takes two names"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_wrong_combinations_are_usage_errors(data: Path, tmp_path: Path, mistake: str) -> None:
    words, said = MISTAKES[mistake]
    told = run_here(Case(words), data, tmp_path)
    if "--json" in words:
        assert is_error(told, 2, "usage", said)
    else:
        assert (told.code, told.out) == (2, "")
        assert re.match(f"erica: .*{said}.*\nSee `erica --help`", told.err)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "words", [[*CONCEPT, "LSTM"], [*PATH, "LSTM"], GRAPH, [*GRAPH, "--png", "x.png"], EDIT, [*EDIT, "hide", "LSTM"]]
)
def test_without_an_index_they_say_to_ingest_first(tmp_path: Path, words: list[str]) -> None:
    done = run_here(Case([*words, "--json"]), tmp_path / "data", tmp_path)
    assert is_error(done, 3, "no_index", "nothing has been ingested")
    assert "erica ingest" in done.json["error"]["hint"]


def test_a_course_without_concepts_is_no_trouble(tmp_path: Path) -> None:
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "a.md").write_text("# \n\nHello there.\n")
    course = tmp_path / "course.toml"
    course.write_text('[course]\nid = "thin"\ntitle = "Thin"\n\n[[sources]]\npath = "pages"\n')
    data = tmp_path / "data"
    assert here(data, "ingest", str(course), "--json").json["concepts"]["found"] == 0
    graph = here(data, "graph", "--course", str(course), "--json", "--png", str(tmp_path / "map.png"))
    assert graph.json == {"concepts": [], "resources": [], "examples": [], "edges": []}
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")
    assert here(data, "concept", "--course", str(course), "--json", "hello").json["match"] == "none"
    assert is_error(here(data, "path", "--course", str(course), "--json", "hello"), 1, "unknown_concept", "no concept")


@pytest.mark.parametrize(
    ("command", "promised"),
    [
        ("concept", ["--course", "--depth", "--json", "NAME"]),
        ("path", ["--course", "--json", "[FROM] TO"]),
        ("graph", ["--course", "--json", "--png FILE", "--concept", "--path FROM TO", "--theme", "light|dark"]),
        ("edit", ["merge|rename|hide|show|add-prerequisite|cut-prerequisite", "CONCEPT", "OTHER", "--json"]),
    ],
)
def test_help_names_what_there_is(tmp_path: Path, command: str, promised: list[str]) -> None:
    done = here(tmp_path / "data", command, "--help")
    assert (done.code, done.err) == (0, "")
    assert all(words in " ".join(done.out.split()) for words in promised)


# Processes of their own


ALONE = {
    "concept": Case([*CONCEPT, "--json", "LSTM"], alone=True),
    "path": Case([*PATH, "LSTM"], alone=True),
    "graph": Case([*GRAPH, "--json"], alone=True),
    "edit": Case([*EDIT, "--json"], alone=True),
    "bytes": Case([*CONCEPT, os.fsdecode(b"LSTM \xff\xfe")], alone=True),
}


def test_a_process_of_its_own_warns_of_nothing(data: Path) -> None:
    strict = {
        name: Case(case.words, environment={"PYTHONWARNINGS": "error"}, alone=True) for name, case in ALONE.items()
    }
    for done in run_all(strict, data).values():
        assert (done.code, done.err) == (0, "")
        assert done.out


LOADED = """
import sys
from bot.cli import run
code = run(sys.argv[1:])
print(*sorted(sys.modules), file=sys.stderr)
sys.exit(code)
"""


def loaded(data: Path, *words: str) -> set[str]:
    """The modules that a command has loaded when it ends."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *words],
        env=environment(data, {}),
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split())


def test_a_lookup_loads_no_drawing_no_models_and_no_stores_it_does_not_use(data: Path) -> None:
    for words in ([*CONCEPT, "LSTM"], [*GRAPH, "--json"]):
        assert not loaded(data, *words) & {
            *("matplotlib", "litellm", "fastembed", "onnxruntime", "redis", "qdrant_client"),
            *("retrieval.ingest", "retrieval.reading", "pypdf", "nbformat", "pptx"),
        }


def test_a_lookup_loads_nothing_that_builds_graphs(data: Path) -> None:
    building = {"making", "building", "mining", "extraction", "noise", "importing"}
    assert not loaded(data, *CONCEPT, "LSTM") & {f"retrieval.concepts.{name}" for name in building}


@pytest.mark.parametrize("words", [[*CONCEPT, "attention"], [*PATH, "LSTM"], [*GRAPH, "--json"], EDIT])
def test_who_reads_no_further_is_no_error(data: Path, words: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*ERICA, *words], env=environment(data, {}), stdout=writing, stderr=subprocess.PIPE, text=True, timeout=SECONDS
    )
    os.close(writing)
    assert checked(done.returncode, "", done.stderr) == Done(0, "", "")


def test_the_demo_ends_with_a_card_and_a_picture(tmp_path: Path) -> None:
    done = erica("demo", data=tmp_path)
    assert done.code == 0
    assert "\nyou /concept attention\n" in done.out
    shown = done.out[done.out.index("you /concept") :]
    assert "Attention is a mechanism" in shown
    assert "Where it is taught" in shown
    picture = tmp_path / "attention.png"
    assert f"A picture of what is around it: {picture}" in shown
    assert picture.read_bytes().startswith(b"\x89PNG")
