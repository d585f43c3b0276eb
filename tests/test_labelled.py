"""Labelled questions come from many hands: what is read, what is refused, and how a refusal helps."""

import json
from pathlib import Path

import pytest

from retrieval.errors import RetrievalError
from retrieval.labelled import LabelledQuestion, QuestionsError, duplicates_for, load_duplicates, load_questions

DEMO = Path(__file__).parents[1] / "deploy" / "demo"


def write(folder: Path, text: str | bytes, name: str = "questions.jsonl") -> Path:
    file = folder / name
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return file


def line(**fields: object) -> str:
    return json.dumps({"id": "q", "kind": "course", "question": "What is it?", "relevant": ["a.md"], **fields})


def test_a_question_keeps_what_the_file_says_of_it(tmp_path: Path) -> None:
    fields = {"style": "math", "previous": ["What is x?"], "must_mention": ["x"], "note": "easy", "author": "TA"}
    assert load_questions(write(tmp_path, line(**fields))) == (
        LabelledQuestion("What is it?", "course", "q", "math", ("a.md",), ("What is x?",), ("x",), "easy"),
    )


def test_files_from_other_hands_are_read(tmp_path: Path) -> None:
    lines = [line(id=7), "", line(id=""), '{"kind": "out_of_scope", "question": "a\u2028b", "note": null}', "  "]
    questions = load_questions(write(tmp_path, b"\xef\xbb\xbf" + "\r\n".join(lines).encode()))
    assert [question.id for question in questions] == ["7", "2", "3"]
    assert questions[2].question == "a\u2028b"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (line() + "\n{broken\n", ":2: Invalid JSON"),
        (line() + "\n[]", ":2: Input should be an object"),
        ('{"question": "What?"}', ":1: kind: Field required"),
        (line(kind="homework"), ":1: kind: Input should be 'course', 'out_of_scope' or 'assignment'"),
        (line(question="  "), ":1: the question is empty"),
        (line(relevant=[]), ":1: a course question names at least one relevant page"),
        (line(relevant="a.md"), ":1: relevant: Input should be a valid array"),
        (line(previous=[1]), ":1: previous.0: Input should be a valid string"),
        (line() + "\n\n" + line(), ":3: the id 'q' was already used in line 1"),
        (line().encode() + b"\n\xff\xfe", ":2: this is not UTF-8 text"),
        ("", ": there are no questions in it"),
        ("\n \n", ": there are no questions in it"),
    ],
)
def test_a_broken_file_is_refused_with_the_line_named(tmp_path: Path, text: str | bytes, expected: str) -> None:
    file = write(tmp_path, text)
    with pytest.raises(QuestionsError) as caught:
        load_questions(file)
    assert str(caught.value).startswith(f"{file}{expected}")
    assert caught.value.hint


def test_a_missing_file_is_an_error_of_questions_of_retrieval_and_of_value(tmp_path: Path) -> None:
    with pytest.raises(QuestionsError, match="No such file") as caught:
        load_questions(tmp_path / "nowhere.jsonl")
    assert isinstance(caught.value, RetrievalError)
    assert isinstance(caught.value, ValueError)


def test_duplicates_map_to_the_first_page_of_their_group(tmp_path: Path) -> None:
    table = write(tmp_path, "path\tnote\tgroup\r\na.md\tx\t0\r\nb.md\t\t0\r\n\r\nc 'd\".md\t\t1\textra\r\n", "d.tsv")
    assert load_duplicates(table) == {"a.md": "a.md", "b.md": "a.md", "c 'd\".md": "c 'd\".md"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ":1: the columns `group` and `path`"),
        ("group,path\n0,a.md\n", ":1: the columns `group` and `path`"),
        ("group\tpath\n0\ta.md\n0\n", ":3: a row needs both"),
        ("group\tpath\n0\ta.md\n1\ta.md\n", ":3: a.md is already in group 0"),
    ],
)
def test_a_broken_table_of_duplicates_is_refused(tmp_path: Path, text: str, expected: str) -> None:
    file = write(tmp_path, text, "d.tsv")
    with pytest.raises(QuestionsError) as caught:
        load_duplicates(file)
    assert str(caught.value).startswith(f"{file}{expected}")


def test_the_table_beside_the_questions_is_used_unless_another_is_given(tmp_path: Path) -> None:
    questions = tmp_path / "q.jsonl"
    assert duplicates_for(questions) == {}
    write(tmp_path, "group\tpath\n0\ta\n0\tb\n", "duplicates.tsv")
    other = write(tmp_path, "group\tpath\n0\tc\n0\td\n", "other.tsv")
    assert duplicates_for(questions) == {"a": "a", "b": "a"}
    assert duplicates_for(questions, other) == {"c": "c", "d": "c"}
    with pytest.raises(QuestionsError):
        duplicates_for(questions, tmp_path / "missing.tsv")


def test_the_questions_of_the_demo_course_name_its_files() -> None:
    for question in load_questions(DEMO / "questions.jsonl"):
        for page in question.relevant:
            assert any((DEMO / source / page).is_file() for source in ("pages", "notes")), f"{question.id}: {page}"


def test_the_shared_questions_can_be_read(shared: Path) -> None:
    questions = load_questions(shared / "questions" / "dev.jsonl")
    assert len(questions) == 140
    assert duplicates_for(shared / "questions" / "dev.jsonl")
