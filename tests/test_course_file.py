"""The course file: every key means something, and every mistake is told with its line and what was meant."""

import tomllib
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.conversation import demo_course
from bot.course import Course, load_course
from bot.errors import ConfigError
from bot.toml_lines import line_of

SMALLEST = """\
[course]
id = "ai"
title = "AI"

[[sources]]
path = "lectures"
"""

EVERYTHING = """\
[course]
id = "ai-101_b"
title = "Introduction to AI"
timezone = "America/New_York"

[[sources]]
kind = "folder"
path = "lectures"
base_url = "https://example.edu/ai/"
urls = "urls.tsv"
include = ["**/*.md"]
exclude = ["drafts/**"]
release = 2026-09-14
trust = "notes"

[[sources]]
kind = "site"
url = "https://example.edu/book/"
hosts = ["example.edu"]
max_pages = 20

[[channels]]
platform = "slack"
workspace = "T0123"
id = "C0123"

[[channels]]
platform = "discord"
workspace = "99"
id = "42"

[staff]
slack = ["U0123"]
discord = ["1234"]
discord_roles = ["5678"]

[[assignments]]
title = "Project 1"
paths = ["projects/1.md"]
due = 2026-10-01

[[assignments]]
title = "Project 2"
due = 2026-11-01T23:59:00-04:00

[[blackouts]]
start = 2026-12-01T09:00:00-05:00
end = 2026-12-01T12:00:00-05:00
reason = "Midterm"

[answers]
passages = 7
prerequisite_depth = 3
max_concepts = 4
context_tokens = 2000
followups_without_mention = false
prompts = "prompts"
style = "Be brief."

[limits]
questions_per_student_per_day = 9
questions_per_student_per_minute = 3

[chunking]
target = 900
smallest = 100

[concepts]
model = true
max_calls = 300
max_usd = 1.5
concurrency = 2
"""


def load(folder: Path, text: str, newline: str = "\n") -> Course:
    file = folder / "course.toml"
    file.write_bytes(text.replace("\n", newline).encode())
    return load_course(file)


def problem(folder: Path, text: str, newline: str = "\n") -> str:
    """What is said about a file that is wrong, without the folder it is in."""
    with pytest.raises(ConfigError) as raised:
        load(folder, text, newline)
    assert raised.value.hint
    return str(raised.value).replace(f"{folder}/", "")


# What is read


def test_a_file_needs_an_id_a_title_and_a_source(tmp_path: Path) -> None:
    course = load(tmp_path, SMALLEST)
    assert (course.id, course.course.title, course.course.timezone) == ("ai", "AI", "UTC")
    assert (course.sources[0].kind, course.sources[0].path, course.sources[0].trust) == (
        "folder",
        Path("lectures"),
        "course",
    )
    assert (course.answers.passages, course.answers.prerequisite_depth, course.answers.max_concepts) == (5, 2, 10)
    assert course.answers.followups_without_mention
    assert course.limits.questions_per_student_per_day == 50
    assert not course.concepts.model, "nothing is sent to a model, or paid for, unless the course says so"
    assert course.root == tmp_path.resolve()


@pytest.mark.parametrize(("release", "hidden"), [("2020-01-01", False), ("9999-01-01", True)])
def test_a_source_that_is_to_come_is_known_to_be(tmp_path: Path, release: str, hidden: bool) -> None:
    assert load(tmp_path, f"{SMALLEST}release = {release}\n").has_unreleased() is hidden


def test_every_key_arrives(tmp_path: Path) -> None:
    course = load(tmp_path, EVERYTHING)
    written = tomllib.loads(EVERYTHING)
    read = course.model_dump(exclude_unset=True, mode="python")
    assert normal(read) == normal(written)


def normal(value: Any) -> Any:
    """Lists and paths as TOML has them."""
    if isinstance(value, dict):
        return {key: normal(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [normal(inner) for inner in value]
    return str(value) if isinstance(value, Path) else value


def test_every_key_is_tried_here(tmp_path: Path) -> None:
    course = load(tmp_path, EVERYTHING)

    def unset(model: Any) -> set[str]:
        return {name for name in type(model).model_fields if name not in model.model_fields_set}

    assert unset(course) == set()
    for table in (course.course, course.staff, course.answers, course.limits, course.chunking, course.concepts):
        assert unset(table) == set(), table
    assert set.intersection(*map(unset, course.sources)) == set()
    for several in (course.channels, course.assignments, course.blackouts):
        assert set.intersection(*(unset(one) for one in several)) == set()


def test_days_and_moments_are_told_apart(tmp_path: Path) -> None:
    first, second = load(tmp_path, EVERYTHING).assignments
    assert first.due == date(2026, 10, 1)
    assert not isinstance(first.due, datetime)
    assert second.due == datetime(2026, 11, 2, 3, 59, tzinfo=UTC)


def test_a_moment_keeps_its_offset(tmp_path: Path) -> None:
    start = load(tmp_path, EVERYTHING).blackouts[0].start
    assert start == datetime(2026, 12, 1, 9, tzinfo=timezone(timedelta(hours=-5)))


def test_today_is_the_date_where_the_course_is_taught(tmp_path: Path) -> None:
    far_west, far_east = (
        load(tmp_path, SMALLEST.replace('"AI"\n', f'"AI"\ntimezone = "{zone}"\n')).today()
        for zone in ("Pacific/Pago_Pago", "Pacific/Kiritimati")
    )
    assert far_east - far_west in (timedelta(days=1), timedelta(days=2)), "they are 25 hours apart"


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_editors_of_any_system_may_be_used(tmp_path: Path, newline: str) -> None:
    assert load(tmp_path, f"\ufeff{EVERYTHING}", newline).id == "ai-101_b"


def test_a_course_cannot_be_changed(tmp_path: Path) -> None:
    course = load(tmp_path, EVERYTHING)
    with pytest.raises(ValidationError, match="frozen"):
        course.answers.passages = 9  # type: ignore[misc]
    with pytest.raises(ValidationError, match="frozen"):
        course.sources = ()  # type: ignore[misc]
    assert isinstance(course.sources, tuple)
    assert isinstance(course.staff.slack, tuple)


def test_the_demo_course_is_in_order() -> None:
    assert load_course(demo_course()).id == "demo"


# Files that are none


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot read the course file .*nowhere.toml: No such file"):
        load_course(tmp_path / "nowhere.toml")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Is a directory"):
        load_course(tmp_path)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "course.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not UTF-8 text"):
        load_course(tmp_path / "course.toml")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (SMALLEST + "title = \n", 7),
        (SMALLEST + "[course]\n", 7),
        ("[course\n", 1),
        (SMALLEST + 'path = "twice"\n', 7),
        ("x = " + "[" * 5000, None),
    ],
)
def test_what_is_not_toml_is_told_with_its_line(tmp_path: Path, text: str, line: int | None) -> None:
    told = problem(tmp_path, text)
    assert "course.toml is not valid TOML" in told
    assert line is None or f"line {line}," in told


# Keys that nobody knows


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"{SMALLEST}\n[anwers]\npassages = 3\n", "line 8: unknown key `anwers`; did you mean `answers`?"),
        (f"{SMALLEST}\n[answers]\npassage = 3\n", "line 9: unknown key `passage`; did you mean `passages`?"),
        (f"{SMALLEST}relese = 2026-01-01\n", "line 7: unknown key `relese`; did you mean `release`?"),
        (f"{SMALLEST}xyzzy = 1\n", "line 7: unknown key `xyzzy`"),
        (f"limits.questions_per_student = 3\n{SMALLEST}", "line 1: unknown key `questions_per_student`; did you mean"),
        (SMALLEST.replace("title", "titel"), "line 3: unknown key `titel`; did you mean `title`?"),
        (f'{SMALLEST}\n[[channels]]\nplatfrom = "slack"\n', "line 9: unknown key `platfrom`; did you mean `platform`?"),
        (f'root = "/"\n{SMALLEST}', "line 1: unknown key `root`"),
        (f"{SMALLEST}[staff]\nteams = []\n", "line 8: unknown key `teams`"),
        (f"{SMALLEST}[concepts]\nmax_call = 3\n", "line 8: unknown key `max_call`; did you mean `max_calls`?"),
        (f"{SMALLEST}[concept]\nmodel = true\n", "line 7: unknown key `concept`; did you mean `concepts`?"),
    ],
)
def test_an_unknown_key_is_told_with_its_line_and_what_was_meant(tmp_path: Path, text: str, told: str) -> None:
    assert f"course.toml, {told}" in problem(tmp_path, text)


def test_a_key_that_means_nothing_anywhere_is_not_guessed_at(tmp_path: Path) -> None:
    assert "did you mean" not in problem(tmp_path, f"{SMALLEST}xyzzy = 1\n")


# Values that do not fit


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "line 1: `course` is missing"),
        (SMALLEST.replace('title = "AI"\n', ""), "line 1: `course.title` is missing"),
        (SMALLEST[: SMALLEST.index("[[")], "line 1: `sources` is missing"),
        (f"sources = []\n{SMALLEST[: SMALLEST.index('[[')]}", "line 1: `sources`: "),
        (SMALLEST.replace('"ai"', '"A I"'), "line 2: `course.id` may hold"),
        (SMALLEST.replace('"ai"', "7"), "line 2: `course.id`: Input should be a valid string"),
        (SMALLEST.replace('"AI"', '""'), "line 3: `course.title`: "),
        (SMALLEST.replace("[course]", "[[course]]"), "line 1: `course` must be a table"),
        (SMALLEST.replace("[[sources]]", "[sources]"), "line 5: `sources` must be a list"),
        (f'{SMALLEST}kind = "foldr"\n', "line 7: `sources.0.kind`: Input should be 'folder',"),
        (f'{SMALLEST}release = "soon"\n', "line 7: `sources.0.release`: Input should be a valid date"),
        (f'{SMALLEST}base_url = "example.edu"\n', "line 5: `sources.0`: `base_url` starts with https://"),
        (f'{SMALLEST}[[sources]]\nkind = "site"\n', "line 7: `sources.1`: a source has a `path`, or"),
        (f'{SMALLEST}[[sources]]\nkind = "site"\nurl = "http://x.edu"\n', "line 7: `sources.1`: the `url` of a site"),
        (f'{SMALLEST}[staff]\nslack = "U1"\n', "line 8: `staff.slack` must be a list"),
        (
            f"{SMALLEST}[staff]\ndiscord = [\n  '1',\n  2,\n]\n",
            "line 10: `staff.discord.1`: Input should be a valid str",
        ),
        (f'{SMALLEST}[[channels]]\nplatform = "irc"\n', "line 8: `channels.0.platform`: Input should be 'slack' or"),
        (
            f"{SMALLEST}[answers]\npassages = 0\n",
            "line 8: `answers.passages`: Input should be greater than or equal to 1",
        ),
        (f"{SMALLEST}[answers]\npassages = 'many'\n", "line 8: `answers.passages`: Input should be a valid integer"),
        (f"{SMALLEST}[answers]\nprerequisite_depth = 6\n", "line 8: `answers.prerequisite_depth`: "),
        (
            f"{SMALLEST}[answers]\nfollowups_without_mention = 'maybe'\n",
            "line 8: `answers.followups_without_mention`: ",
        ),
        (
            f"{SMALLEST}[limits]\nquestions_per_student_per_day = 0\n",
            "line 8: `limits.questions_per_student_per_day`: ",
        ),
        (f"{SMALLEST}[chunking]\ntarget = 9\n", "line 8: `chunking.target`: "),
        (f"{SMALLEST}[concepts]\nmax_usd = 0\n", "line 8: `concepts.max_usd`: Input should be greater than 0"),
        (f"{SMALLEST}[concepts]\nmax_usd = inf\n", "line 8: `concepts.max_usd`: "),
        (f"{SMALLEST}[concepts]\nmax_usd = nan\n", "line 8: `concepts.max_usd`: "),
        (f"{SMALLEST}[concepts]\nmax_calls = -1\n", "line 8: `concepts.max_calls`: "),
        (f"{SMALLEST}[concepts]\nmodel = 'gpt'\n", "line 8: `concepts.model`: Input should be a valid boolean"),
        (f"{SMALLEST}[concepts]\nconcurrency = 0\n", "line 8: `concepts.concurrency`: "),
        (
            f"{SMALLEST}[[blackouts]]\nstart = 2026-12-01T09:00:00\nend = 2026-12-01T12:00:00Z\n",
            "line 8: `blackouts.0.start` needs its offset from UTC",
        ),
        (
            f"{SMALLEST}[[blackouts]]\nstart = 2026-12-01T12:00:00Z\nend = 2026-12-01T09:00:00Z\n",
            "line 7: `blackouts.0`: `end` comes after `start`",
        ),
        (
            f"{SMALLEST}[[assignments]]\ntitle = 'P'\ndue = 2026-12-01T12:00:00\n",
            "line 9: `assignments.0.due`: write a day, 2026-10-01, or a time with its offset",
        ),
    ],
)
def test_a_value_that_does_not_fit_is_told_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    assert f"course.toml, {told}" in problem(tmp_path, text)


@pytest.mark.parametrize("zone", ["Mars/Base", "", "America", "EDT2", "../../etc/passwd", "/etc/localtime", "a" * 300])
def test_a_time_zone_that_does_not_exist(tmp_path: Path, zone: str) -> None:
    told = problem(tmp_path, SMALLEST.replace('"AI"\n', f'"AI"\ntimezone = "{zone}"\n'))
    assert "course.toml, line 4: `course.timezone`: " in told
    assert "Europe/Rome" in told


def test_all_mistakes_are_told_at_once_each_on_a_line(tmp_path: Path) -> None:
    text = f"{SMALLEST}[answers]\npassages = 0\nfoo = 1\n[limits]\nbar = 2\n"
    lines = problem(tmp_path, text).splitlines()
    assert [line.split(":")[0] for line in lines] == [f"course.toml, line {number}" for number in (8, 9, 11)]


def test_one_mistake_is_told_once(tmp_path: Path) -> None:
    for text in (f'{SMALLEST}release = "soon"\n', f"{SMALLEST}[[assignments]]\ntitle = 'P'\ndue = 'soon'\n"):
        assert len(problem(tmp_path, text).splitlines()) == 1


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_lines_count_as_an_editor_counts_them(tmp_path: Path, newline: str) -> None:
    text = f"\ufeff# é\n\n{SMALLEST}[answers]\npassages = 0\n"
    assert "course.toml, line 10:" in problem(tmp_path, text, newline)


# Lines

NESTED = '''\
# passages = 1
top = "[answers]"
dotted.inner.key = 1
dotted.inner.other = 2
inline = { a = 1, "b c" = [1, 2], d.e = { f = 3 } }

[plain]          # [other]
key = """
key = 2
[plain]
"""
after = 'x = """'
'quoted key' = 1
array = [
  # comment ]
  "one]",
  { two = 2 },
  [ 3,
    4 ],
]

[ "spaced" . inner ]
key = 1979-05-27 07:32:00

[[list]]
key = 1
[list.table]
key = 2
[[list.nested]]
key = 3
[[list.nested]]
key = 4

[[list]]
key = 5
[[list.nested]]
key = 6
'''


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (("top",), 2),
        (("dotted",), 3),
        (("dotted", "inner", "key"), 3),
        (("dotted", "inner", "other"), 4),
        (("inline", "a"), 5),
        (("inline", "b c", 1), 5),
        (("inline", "d", "e", "f"), 5),
        (("plain",), 7),
        (("plain", "key"), 8),
        (("plain", "after"), 12),
        (("plain", "quoted key"), 13),
        (("plain", "array"), 14),
        (("plain", "array", 0), 16),
        (("plain", "array", 1, "two"), 17),
        (("plain", "array", 2), 18),
        (("plain", "array", 2, 1), 19),
        (("spaced", "inner"), 22),
        (("spaced", "inner", "key"), 23),
        (("list",), 25),
        (("list", 0, "key"), 26),
        (("list", 0, "table", "key"), 28),
        (("list", 0, "nested", 0, "key"), 30),
        (("list", 0, "nested", 1, "key"), 32),
        (("list", 1), 34),
        (("list", 1, "key"), 35),
        (("list", 1, "nested", 0, "key"), 37),
        (("plain", "missing"), 7),
        (("list", 1, "missing", "deeper"), 34),
        (("missing",), 1),
        ((), 1),
    ],
)
def test_every_key_is_found_on_its_line(place: tuple[str | int, ...], line: int) -> None:
    assert tomllib.loads(NESTED)
    assert line_of(NESTED, place) == line


KEYS = st.sampled_from(["a", "b-1", '"c d"', "'e'", 'f . "g"'])
SCALARS = st.sampled_from(
    ["1", "-2.5e3", "true", '"x # ] }"', "'y \"'", "1979-05-27 07:32:00Z", '"""\n[z]\na = 1\n"""', "'''q'''''", '"\\""']
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3).map(lambda values: "[ " + ", # ]\n ".join(values) + "\n]"),
    max_leaves=6,
)
PAIRS = st.tuples(KEYS, VALUES).map(lambda pair: f"{pair[0]} = {pair[1]}")
HEADERS = st.sampled_from(["[t]", "[[u]]", "[ u . v ] # x", "[[u.w]]", "# [t]", ""])


@given(st.lists(st.one_of(PAIRS, HEADERS), max_size=12))
def test_any_toml_is_walked_through_and_each_key_stands_where_it_is_said_to(lines: list[str]) -> None:
    text = "\n".join(lines)
    try:
        fields = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    written = text.splitlines()
    for place in places(fields):
        name = next(part for part in reversed(place) if isinstance(part, str))
        line = line_of(text, place)
        if isinstance(place[-1], str):
            assert name in written[line - 1], (place, line)


def places(value: Any, at: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every key path of a document."""
    found: list[tuple[str | int, ...]] = [at] if at else []
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        found += places(one, (*at, key))
    return found
