"""Which files of a source are read, which are passed over and why, and where each is found on the web."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from retrieval.errors import SourceError, UnreadableFile
from retrieval.sources.addresses import address, read_table
from retrieval.sources.folder import LARGEST_FILE, FoundFile, Skipped, find


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A source's folder, with something secret next to it."""
    for name in ("course/index.md", "course/week1/cnn.md", "course/week2/rnn.ipynb", "secret/exam.md"):
        write(tmp_path / name, f"This is {name}")
    return tmp_path / "course"


def write(file: Path, text: str = "text") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def paths(root: Path, include: tuple[str, ...] = (), exclude: tuple[str, ...] = ()) -> list[str]:
    return [found.path for found in find(root, include, exclude) if isinstance(found, FoundFile)]


def reasons(root: Path, exclude: tuple[str, ...] = ()) -> dict[str, str]:
    return {found.path: found.reason for found in find(root, (), exclude) if isinstance(found, Skipped)}


def unreadable(file: Path) -> str:
    with pytest.raises(UnreadableFile) as why:
        FoundFile(file.name, file).read()
    return str(why.value)


# --- what is found


def test_files_are_found_in_a_fixed_order_with_paths_inside_the_source(course: Path) -> None:
    write(course / "week1.md")
    assert paths(course) == ["index.md", "week1/cnn.md", "week1.md", "week2/rnn.ipynb"]


def test_include_and_exclude_choose_by_the_path_inside_the_source(course: Path) -> None:
    assert paths(course, include=("**/*.md",), exclude=("week1/**",)) == ["index.md"]
    assert paths(course, include=("course/**",)) == []


def test_hidden_files_and_folders_are_no_material(course: Path) -> None:
    for name in (".git/config.md", "week1/.ipynb_checkpoints/cnn-checkpoint.md", ".hidden.md"):
        write(course / name)
    assert paths(course) == ["index.md", "week1/cnn.md", "week2/rnn.ipynb"]
    assert reasons(course) == {}


def test_a_source_inside_a_hidden_folder_is_material(tmp_path: Path) -> None:
    write(tmp_path / ".cache" / "course" / "a.md")
    assert paths(tmp_path / ".cache" / "course") == ["a.md"]


def test_a_source_may_be_a_single_file(course: Path) -> None:
    [found] = find(course / "index.md", (), ())
    assert isinstance(found, FoundFile)
    assert (found.path, found.read()) == ("index.md", b"This is course/index.md")


def test_a_missing_source_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="nowhere does not exist") as missing:
        list(find(tmp_path / "nowhere", (), ()))
    assert "`path`" in missing.value.hint


# --- links


def test_a_link_out_of_the_folder_is_never_followed(course: Path) -> None:
    (course / "exam.md").symlink_to("../secret/exam.md")
    (course / "more").symlink_to(course.parent / "secret")
    (course / "passwd").symlink_to("/etc/passwd")
    assert paths(course) == ["index.md", "week1/cnn.md", "week2/rnn.ipynb"]
    assert set(reasons(course)) == {"exam.md", "more", "passwd"}
    assert set(reasons(course).values()) == {"a link that leads out of the source's folder"}


def test_a_folder_whose_name_begins_like_the_sources_is_outside(course: Path) -> None:
    write(course.parent / "course-solutions" / "a.md")
    (course / "b").symlink_to("../course-solutions")
    assert reasons(course) == {"b": "a link that leads out of the source's folder"}


def test_loops_end_and_files_are_read_once(course: Path) -> None:
    (course / "week1" / "up").symlink_to("..")
    (course / "self").symlink_to("self")
    (course / "again").symlink_to("week1")
    assert paths(course) == ["index.md", "week1/cnn.md", "week2/rnn.ipynb"]
    assert reasons(course) == {
        "again": "a link to a folder that is read or left out already",
        "self": "a link that leads nowhere",
        "week1/up": "a link to a folder that is read or left out already",
    }


def test_a_files_own_place_goes_before_a_link_to_it(course: Path) -> None:
    """Its address is decided by its path, so a link that sorts first must not take it away."""
    (course / "aaa").symlink_to("week1")
    (course / "aaa.md").symlink_to("week1/cnn.md")
    assert paths(course) == ["index.md", "week1/cnn.md", "week2/rnn.ipynb"]


def test_a_link_leads_to_what_is_chosen_by_no_other_path(course: Path) -> None:
    (course / "current").symlink_to("week1")
    assert paths(course, include=("current/**",)) == ["current/cnn.md"]


def test_a_link_does_not_open_what_is_hidden_or_excluded(course: Path) -> None:
    write(course / ".drafts" / "later.md")
    write(course / "solutions" / "hw1.md")
    (course / "drafts").symlink_to(".drafts")
    (course / "later.md").symlink_to(".drafts/later.md")
    (course / "hw1.md").symlink_to("solutions/hw1.md")
    (course / "answers").symlink_to("solutions")
    assert paths(course, exclude=("solutions",)) == ["index.md", "week1/cnn.md", "week2/rnn.ipynb"]
    assert set(reasons(course, exclude=("solutions",))) == {"answers", "drafts", "later.md"}


# --- what cannot be read


def test_a_name_that_is_not_utf8_is_skipped_with_a_printable_path(course: Path) -> None:
    (Path(os.fsdecode(bytes(course) + b"/caf\xe9.md"))).write_text("latin-1 name")
    assert paths(course) == ["index.md", "week1/cnn.md", "week2/rnn.ipynb"]
    assert reasons(course) == {"caf?.md": "its name is not UTF-8"}


def test_special_files_do_not_hold_the_ingest(course: Path) -> None:
    os.mkfifo(course / "pipe.md")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(course / "sock.md"))
        start = time.monotonic()
        assert unreadable(course / "pipe.md") == "not a regular file"
        assert unreadable(course / "sock.md").startswith("cannot be opened: ")
        assert time.monotonic() - start < 5


def test_a_file_too_large_is_not_even_read(course: Path) -> None:
    huge = course / "huge.md"
    with huge.open("wb") as stream:
        stream.truncate(60 << 20)
    assert unreadable(huge) == "larger than 50 MB (60 MB)"
    with huge.open("wb") as stream:
        stream.truncate(LARGEST_FILE)
    assert len(FoundFile("huge.md", huge).read()) == LARGEST_FILE


def test_a_file_that_vanished_or_became_a_link_meanwhile_is_skipped(course: Path) -> None:
    assert unreadable(course / "gone.md") == "cannot be opened: No such file or directory"
    (course / "swapped.md").symlink_to(course.parent / "secret" / "exam.md")
    assert unreadable(course / "swapped.md").startswith("cannot be opened: ")


def test_what_may_not_be_read_is_skipped() -> None:
    with anybody(), TemporaryDirectory() as folder:
        course = Path(folder)
        write(course / "open.md")
        write(course / "closed.md").chmod(0)
        write(course / "week1" / "a.md").parent.chmod(0)
        assert unreadable(course / "closed.md") == "cannot be opened: Permission denied"
        assert paths(course) == ["closed.md", "open.md"]
        assert reasons(course) == {"week1": "folder cannot be opened: Permission denied"}
        course.chmod(0)
        with pytest.raises(SourceError, match="may not be read"):
            list(find(course, (), ()))
        course.chmod(0o700)
        (course / "week1").chmod(0o700)


@contextmanager
def anybody() -> Iterator[None]:
    """Not root for a while, who may read everything."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


# --- addresses


def test_the_table_goes_before_the_base_url_and_that_before_the_file_itself(tmp_path: Path) -> None:
    table = {"a.md": "https://example.edu/pages/a/"}
    assert address("a.md", table, "https://example.edu/", None) == "https://example.edu/pages/a/"
    assert address("b c/ä#1.md", table, "https://example.edu", None) == "https://example.edu/b%20c/%C3%A4%231.md"
    assert address("b.md", {}, None, tmp_path / "b.md") == (tmp_path / "b.md").as_uri()


def test_a_table_is_read_whatever_wrote_it(tmp_path: Path) -> None:
    file = tmp_path / "urls.tsv"
    file.write_bytes(
        "\ufefftitle\turl\tpath\r\nA\thttps://e.edu/a\t./a.md\r\n\r\nB\thttp://e.edu/ä\t b c.md \r\n".encode()
    )
    assert read_table(file) == {"a.md": "https://e.edu/a", "b c.md": "http://e.edu/ä"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "first line"),
        ("path,url\na.md,https://e.edu", "first line"),
        ("path\turl\na.md\thttps://e.edu\nb.md\t", "line 3"),
        ("path\turl\na.md\tjavascript:alert(1)", "line 2"),
        ("path\turl\na.md", "line 2"),
        ("path\turl\n\thttps://e.edu", "line 2"),
        ("path\turl\na\x00.md\thttps://e.edu/\xff", "cannot read"),
    ],
)
def test_a_wrong_table_is_an_error_that_names_file_and_line(tmp_path: Path, content: str, message: str) -> None:
    file = tmp_path / "urls.tsv"
    file.write_bytes(content.encode("latin-1"))
    with pytest.raises(SourceError, match=message) as wrong:
        read_table(file)
    assert "urls.tsv" in str(wrong.value)


def test_a_missing_table_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot read"):
        read_table(tmp_path / "urls.tsv")
