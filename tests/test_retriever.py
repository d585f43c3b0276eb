"""A question becomes ranked passages: the whole search, on a small course in a real index."""

import asyncio
from datetime import date, timedelta
from pathlib import Path

import pytest
from fakes import HashEmbedder, SilentProgress, retriever_of

from retrieval.adapters.bm25 import Bm25Encoder
from retrieval.adapters.qdrant_edge import EdgeIndexStore
from retrieval.config import SourceConfig
from retrieval.errors import EmptyQuestion, IndexMissing, QuestionTooLong, StoreError
from retrieval.ingest import Material, ingest
from retrieval.manifest import Manifest
from retrieval.ports import Embedder
from retrieval.results import Found, Options
from retrieval.retriever import LONGEST_QUESTION, Retriever

TODAY = date(2026, 9, 14)
ENCODER = Bm25Encoder()

PAGES = {
    "gradient-descent.md": """# Gradient descent

        Gradient descent minimises a loss. Each step of gradient descent follows the negative gradient.

        ## Learning rate

        The learning rate of gradient descent decides how long a step is. With a large learning rate it diverges,
        with a small learning rate gradient descent is slow. A learning rate schedule lowers it over time. Many
        schedules exist, and cosine annealing is one of them.

        ## Momentum

        Momentum averages past gradients, so that gradient descent rolls over small bumps of the loss surface and
        oscillates less in narrow valleys. Nesterov momentum looks ahead before it takes the gradient there. The
        usual momentum coefficient is 0.9.
        """,
    "kalman-filter.md": """# Kalman filter

        The Kalman filter tracks a state from noisy measurements. The Kalman filter alternates between a
        prediction and an update. The Kalman gain weighs the measurement against the prediction. The Kalman filter
        is optimal for linear systems with Gaussian noise; the extended Kalman filter linearises others.
        """,
    "lstm.md": """# Long short-term memory

        An LSTM has a cell state and three gates. The forget gate of the LSTM decides what is kept, the input gate
        what is written, the output gate what is shown. LSTM networks suffer less from vanishing gradients.
        """,
    "bayes.md": """# Bayes rule

        Bayes rule turns a prior and a likelihood into a posterior. The evidence normalises the posterior. Naive
        Bayes assumes independent features. Maximum a posteriori estimation maximises the posterior.
        """,
    "sklearn.md": """# Scikit-learn

        The `HashingVectorizer` turns text into features without a vocabulary. `ValueError: shapes not aligned`
        means that matrices do not fit.
        """,
}


class Course:
    """A course with its files, its index and a retriever whose calendar can be moved."""

    def __init__(self, root: Path, index: Path) -> None:
        self.root, self.index = root, index
        self.today = TODAY
        self.sources = [SourceConfig(path=Path("lectures"), base_url="https://example.edu/")]
        self.asked_for: list[str | None] = []
        for name, text in PAGES.items():
            self.write(f"lectures/{name}", text)

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(line.removeprefix("        ") for line in text.splitlines()))

    async def ingest(self, embedder: Embedder | None = HashEmbedder(), force: bool = False) -> str:
        material = Material("ai", self.sources, self.root)
        store = EdgeIndexStore(self.index)
        return (await ingest(material, store, ENCODER, embedder, SilentProgress(), force)).index

    def retriever(self, with_model: bool = True) -> Retriever:
        def embedder(manifest: Manifest) -> Embedder | None:
            self.asked_for.append(manifest.embedding)
            return HashEmbedder() if with_model and manifest.embedding else None

        return retriever_of(EdgeIndexStore(self.index), embedder, lambda: self.today, self.root / "edits.jsonl")


@pytest.fixture
async def course(tmp_path: Path, index_dir: Path) -> Course:
    course = Course(tmp_path / "course", index_dir / "index")
    await course.ingest()
    return course


def pages_of(found: tuple[Found, ...]) -> list[str]:
    return [hit.passage.path.removesuffix(".md") for hit in found]


# --- finding


@pytest.mark.parametrize(
    ("question", "page"),
    [
        ("What is a Kalman filter?", "kalman-filter"),
        ("hi @Erica! how does the forget gate of an LSTM work", "lstm"),
        ("gradeint descnet", "gradient-descent"),
        ("posterior and likelihood", "bayes"),
        ("what does hashing vectorizer do?", "sklearn"),
        ("`ValueError: shapes not aligned`", "sklearn"),
        ("filters that track", "kalman-filter"),
    ],
)
@pytest.mark.parametrize("with_model", [True, False])
async def test_a_question_finds_its_page(course: Course, question: str, page: str, with_model: bool) -> None:
    found = await course.retriever(with_model).search(question)
    assert pages_of(found.passages)[0] == page


async def test_a_result_says_where_it_is_from_and_how_good_it_is(course: Course) -> None:
    found = await course.retriever().search("What is a Kalman filter?")
    first = found.passages[0]
    assert (first.rank, first.passage.title) == (1, "Kalman filter")
    assert first.passage.url == "https://example.edu/kalman-filter.md"
    assert first.text.startswith("The Kalman filter tracks a state")
    assert [hit.rank for hit in found.passages] == list(range(1, len(found.passages) + 1))
    assert 0 < found.confidence < 1
    assert found.ms.keys() == {"embed", "search", "graph", "total"}
    assert all(ms >= 0 for ms in found.ms.values())


async def test_a_hit_comes_with_its_neighbours_as_far_as_the_budget_goes(course: Course) -> None:
    course.write(
        "lectures/long.md", "# Ensembles\n\n" + "\n\n".join(f"Boosting step {n}. " + "Words " * 150 for n in range(9))
    )
    await course.ingest()
    question = "boosting step 4"
    wide = await course.retriever().search(question, options=Options(passages=1))
    narrow = await course.retriever().search(question, options=Options(passages=1, context_tokens=10))
    assert narrow.passages[0].text == narrow.passages[0].passage.text
    assert narrow.passages[0].text in wide.passages[0].text
    assert len(wide.passages[0].text) > 2 * len(narrow.passages[0].text)


@pytest.mark.parametrize("limit", [1, 3, 10])
async def test_as_many_passages_as_asked_for(course: Course, limit: int) -> None:
    found = await course.retriever().search("gradient state rate", options=Options(passages=limit))
    assert 0 < len(found.passages) <= limit
    assert len({hit.passage.id for hit in found.passages}) == len(found.passages)


async def test_a_follow_up_is_understood_from_what_it_follows(course: Course) -> None:
    retriever = course.retriever()
    alone = await retriever.search("and why does it oscillate less?")
    together = await retriever.search("and in python?", previous=["What is the Kalman filter?"])
    assert pages_of(alone.passages)[0] == "gradient-descent"
    assert pages_of(together.passages)[0] == "kalman-filter"


async def test_a_new_subject_is_not_drawn_back_to_the_old_one(course: Course) -> None:
    question = "What is the evidence in Bayes rule?"
    retriever = course.retriever()
    alone = await retriever.search(question)
    after = await retriever.search(question, previous=["What is the Kalman filter?"])
    assert after.passages == alone.passages


async def test_the_same_question_has_the_same_answer_every_time_and_everywhere(course: Course) -> None:
    question = "how does gradient descent keep a state?"
    one, other = course.retriever(), course.retriever()
    results = [await retriever.search(question) for retriever in (one, other, one)]
    assert len({(result.passages, result.confidence, result.signals) for result in results}) == 1


async def test_notes_are_found_and_rank_below_course_pages_that_match_as_well(course: Course) -> None:
    course.write("notes/0-bayes.md", PAGES["bayes.md"])
    course.write("notes/svm.md", "# Margins\n\nSupport vectors decide the margin.")
    course.sources.insert(0, SourceConfig(path=Path("notes"), trust="notes"))
    await course.ingest()
    retriever = course.retriever()
    found = await retriever.search("Bayes rule posterior")
    assert [hit.passage.trust for hit in found.passages[:2]] == ["course", "notes"]
    assert (await retriever.search("support vectors")).passages[0].passage.trust == "notes"


async def test_quotes_are_word_for_word_from_what_was_found(course: Course) -> None:
    retriever = course.retriever()
    question = "What is the Kalman gain?"
    found = await retriever.quotable(question)
    assert any("Kalman gain" in quote.text for quote in found.quotes)
    for quote in found.quotes:
        source = " ".join(found.passages[quote.index].text.split())
        assert " ".join(quote.text.split()) in source


# --- not knowing


async def test_what_the_course_covers_is_answered_and_what_it_does_not_cover_is_not(course: Course) -> None:
    retriever = course.retriever()
    inside = await retriever.search("How does the Kalman filter use the Kalman gain?")
    outside = await retriever.search("Which restaurant has the best sushi in Kyoto?")
    assert not inside.abstain
    assert outside.abstain
    assert outside.confidence < inside.confidence
    assert outside.passages, "the nearest pages are listed all the same"


async def test_where_nothing_is_found_the_search_abstains(course: Course) -> None:
    found = await course.retriever(with_model=False).search("zzqxv")
    assert (found.passages, found.abstain) == ((), True)


@pytest.mark.parametrize("nothing", ["", "   ", "???", "hi", "<@U0123>", ":+!", "\u200b"])
async def test_without_words_there_is_nothing_to_search_for(course: Course, nothing: str) -> None:
    with pytest.raises(EmptyQuestion):
        await course.retriever().search(nothing, previous=["What is a Kalman filter?"])


async def test_a_question_of_stop_words_is_searched_by_meaning_alone(course: Course) -> None:
    assert (await course.retriever().search("what is it about")).signals is not None


async def test_nobody_asks_as_much_as_a_whole_book(course: Course) -> None:
    with pytest.raises(QuestionTooLong, match=str(LONGEST_QUESTION)):
        await course.retriever().search("x" * (LONGEST_QUESTION + 1))
    pasted = "kalman filter " + "gradient " * 1300
    assert (await course.retriever().search(pasted[:LONGEST_QUESTION], previous=[pasted * 100])).passages


# --- release dates


async def test_material_is_found_from_its_day_on_without_a_restart(course: Course) -> None:
    course.write("later/clip.md", "# Contrastive learning\n\nContrastive learning pulls pairs together.")
    day = TODAY + timedelta(days=7)
    course.sources.append(SourceConfig(path=Path("later"), release=day))
    await course.ingest()
    retriever = course.retriever()
    for course.today, seen in ((TODAY, False), (day - timedelta(days=1), False), (day, True), (day, True)):
        found = await retriever.search("contrastive learning pairs", options=Options(passages=10))
        assert ("clip" in pages_of(found.passages)) == seen
        assert any("Contrastive" in hit.text for hit in found.passages) == seen


async def test_a_course_that_is_all_held_back_answers_nothing(course: Course) -> None:
    held_back = {"release": TODAY + timedelta(days=1)}
    course.sources = [source.model_copy(update=held_back) for source in course.sources]
    await course.ingest(force=True)
    found = await course.retriever().search("learning rate")
    assert (found.passages, found.abstain) == ((), True)


# --- the index changes


async def test_before_the_first_ingest_the_operator_is_told_what_to_do(tmp_path: Path, index_dir: Path) -> None:
    course = Course(tmp_path, index_dir / "empty")
    retriever = course.retriever()
    with pytest.raises(IndexMissing) as missing:
        await retriever.search("What is a Kalman filter?")
    assert "erica ingest" in missing.value.hint
    await course.ingest()
    assert (await retriever.search("What is a Kalman filter?")).passages


async def test_a_new_index_is_used_from_the_next_question_on_and_so_is_a_rollback(course: Course) -> None:
    retriever = course.retriever()
    assert "zebra" not in pages_of((await retriever.search("zebra stripes")).passages)
    course.write("lectures/zebra.md", "# Zebra\n\nZebra stripes confuse flies.")
    await course.ingest()
    assert pages_of((await retriever.search("zebra stripes")).passages)[0] == "zebra"
    await EdgeIndexStore(course.index).rollback()
    assert "zebra" not in pages_of((await retriever.search("zebra stripes")).passages)
    assert len(course.asked_for) == 3, "the model is chosen anew with each index"


async def test_an_index_is_opened_once_however_many_ask_at_once(course: Course) -> None:
    retriever = course.retriever()
    await asyncio.gather(*(retriever.search("kalman filter") for _ in range(20)))
    assert course.asked_for == ["hash-48"]


async def test_questions_under_way_are_answered_while_indexes_come_and_go(course: Course) -> None:
    retriever = course.retriever()

    async def ask(times: int) -> set[str]:
        answers = set()
        for _ in range(times):
            answers.add(pages_of((await retriever.search("What is a Kalman filter?")).passages)[0])
            await asyncio.sleep(0)
        return answers

    async def change(times: int) -> None:
        for n in range(times):
            course.write("lectures/news.md", f"# News\n\nEdition {n}.")
            await course.ingest()

    *answers, _ = await asyncio.gather(*(ask(60) for _ in range(3)), change(4))
    assert answers == [{"kalman-filter"}] * 3


async def test_an_index_without_vectors_is_searched_by_words(course: Course) -> None:
    await course.ingest(embedder=None, force=True)
    retriever = course.retriever()
    assert (await retriever.open()).embedding is None
    found = await retriever.search("What is a Kalman filter?")
    assert pages_of(found.passages)[0] == "kalman-filter"
    assert found.signals is not None
    assert found.signals.cosine == 0.0


async def test_a_damaged_index_is_said_and_mended_by_the_next_ingest(course: Course) -> None:
    name = await EdgeIndexStore(course.index).version()
    assert name
    (course.index / name / "manifest.json").unlink()
    retriever = course.retriever()
    with pytest.raises(StoreError, match="damaged") as damaged:
        await retriever.search("kalman filter")
    assert damaged.value.hint
    await course.ingest()
    assert (await retriever.search("kalman filter")).passages
