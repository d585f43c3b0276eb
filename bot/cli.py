"""The commands of `erica`. Each is thin: options in, one call, and either a table or JSON out."""

import gc
import json
import logging
import sys
import traceback
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from bot import concept_commands, service_commands, staff_commands
from bot.adapters.console import ConsoleProgress, ConsoleReply, notice
from bot.command_options import (
    AsJson,
    CourseFile,
    Depth,
    Graph,
    MaxConcepts,
    Passages,
    Previous,
    Switch,
    out,
    print_json,
    wired,
)
from bot.conversation import converse, demo_course, demonstrate
from bot.course import Course, load_course
from bot.errors import ConfigError, EricaError, RetrievalFailed
from bot.messages import Answer, Question
from bot.rendering.evaluation_table import comparison_table, evaluation_table
from bot.rendering.reports import answer_json, ingest_json, ingest_summary, search_json, search_table
from bot.shell import INTERRUPTED, delivered, prepare_streams, swallow_output, until_stopped
from bot.wiring import Wiring
from retrieval.comparison import compare, load_evaluation
from retrieval.errors import EmptyQuestion, IndexMissing, NoEarlierIndex, QuestionTooLong, RetrievalError
from retrieval.evaluation import EVALUATED, Evaluation, evaluate
from retrieval.labelled import AskedQuestion, QuestionsError, duplicates_for, load_asked, load_questions
from retrieval.results import Options, Retrieval

app = typer.Typer(
    help="A course tutor that answers from the lecture pages and cites them.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
)
concept_commands.add_to(app)
service_commands.add_to(app)
staff_commands.add_to(app)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code: 0 done, 1 failed, 2 usage or configuration, 3 no index yet."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    prepare_streams()
    try:
        code = _command(words or ["--help"], "--json" in words)
    except (BrokenPipeError, SystemExit):
        # Whoever read this has seen enough (`| head`). rich and typer notice first, and would make it a failure.
        swallow_output()
        return 0
    return code if words else 2


def _command(words: list[str], as_json: bool) -> int:
    try:
        code = app(words, prog_name="erica", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except KeyboardInterrupt:
        return INTERRUPTED
    except typer.TyperException as error:
        return _fail(as_json, 2, "usage", error.format_message().replace("Value error, ", ""), "See `erica --help`.")
    except (EricaError, RetrievalError) as error:
        return _fail(as_json, *_explained(error))
    except BrokenPipeError:
        raise
    except OSError as error:
        return _fail(as_json, 1, "failed", str(error), "Check the free space and who may read and write there.")
    except Exception as error:
        # A mistake of ours. One line says where; a traceback would bury it, and --json promises an object.
        logging.getLogger(__name__).info("unexpected error", exc_info=error)
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(place.filename).name}, line {place.lineno}"
        return _fail(
            as_json, 1, "failed", f"unexpected {type(error).__name__} in {where}: {error}", "Please report this."
        )


def _explained(error: EricaError | RetrievalError) -> tuple[int, str, str, str]:
    cause = error.__cause__ if isinstance(error, RetrievalFailed) else error
    code = 1
    if isinstance(cause, IndexMissing) and not isinstance(cause, NoEarlierIndex):
        code = 3
    elif isinstance(error, ConfigError | QuestionsError):
        code = 2
    names = {1: "retrieval", 2: "config", 3: "no_index"}
    name = error.code if isinstance(error, EricaError) and code != 3 else names[code]
    return code, name, str(error), error.hint


def _fail(as_json: bool, code: int, name: str, message: str, hint: str) -> int:
    error = {"error": {"code": name, "message": message, "hint": hint}}
    if not delivered(json.dumps(error) + "\n" if as_json else "") or not as_json:
        notice(f"erica: {message}" + (f"\n{hint}" if hint else ""))
    return code


def _options(course: Course, wiring: Wiring, given: dict[str, Any]) -> Options:
    return replace(wiring.options(course), **{key: value for key, value in given.items() if value is not None})


@app.command()
def ingest(
    courses: Annotated[list[Path], typer.Argument(help="Course files.", metavar="COURSE.toml...")],
    as_json: AsJson = False,
    force: Annotated[bool, typer.Option("--force", help="Switch in even a much smaller or empty index.")] = False,
) -> None:
    """Read a course's material and build its index, beside the one in use until it is done."""
    wiring = wired()
    gc.freeze()  # what has been loaded stays; without it, building the concept graph spends a fifth of its time on it
    for course in [load_course(file) for file in courses]:
        with ConsoleProgress(quiet=as_json) as progress:
            report = until_stopped(wiring.ingest(course, progress, force))
        if as_json:
            print_json(ingest_json(report))
        else:
            out.print(ingest_summary(report))


@app.command()
def rollback(course: CourseFile) -> None:
    """Go back to the index before the current one; a second rollback goes forward again."""
    wiring = wired()
    name = until_stopped(wiring.store(load_course(course)).rollback())
    out.print(f"The index {name} is current again.")


@app.command()
def search(
    course: CourseFile,
    question: Annotated[str | None, typer.Argument()] = None,
    questions: Annotated[Path | None, typer.Option(help="JSON lines with `question`, `id`, `previous`.")] = None,
    previous: Previous = None,
    limit: Annotated[int | None, typer.Option(min=1, max=50, help="How many passages to list.")] = None,
    passages: Passages = None,
    depth: Depth = None,
    max_concepts: MaxConcepts = None,
    graph: Graph = Switch.on,
    as_json: AsJson = False,
) -> None:
    """List the passages that fit a question, without answering it."""
    if (question is None) == (questions is None):
        raise typer.TyperException("give either a QUESTION or --questions FILE.jsonl")
    loaded, wiring = load_course(course), wired()
    given = {"prerequisite_depth": depth, "max_concepts": max_concepts, "passages": limit or passages}
    options = replace(_options(loaded, wiring, given), graph=graph is Switch.on)
    asked = load_asked(questions) if questions else [AskedQuestion(question or "", previous=tuple(previous or ()))]

    async def go() -> None:
        async with wiring.redis() as redis:
            retriever = wiring.retriever(loaded, redis)
            for number, one in enumerate(asked, start=1):
                try:
                    found = await retriever.search(one.question, one.previous or (), options)
                except (EmptyQuestion, QuestionTooLong):
                    if questions is None:
                        raise
                    found = Retrieval((), 0.0, abstain=True)  # one odd question does not end a batch
                _show_search(one, number, found, as_json)

    until_stopped(go())


def _show_search(asked: AskedQuestion, number: int, found: Retrieval, as_json: bool) -> None:
    if as_json:
        print_json(search_json(str(number) if asked.id is None else asked.id, asked.question, found))
    else:
        out.print(search_table(asked.question, found))


@app.command()
def ask(
    course: CourseFile,
    question: Annotated[str | None, typer.Argument(help="Left out, a conversation begins.")] = None,
    previous: Previous = None,
    passages: Passages = None,
    depth: Depth = None,
    max_concepts: MaxConcepts = None,
    graph: Graph = Switch.on,
    as_json: AsJson = False,
) -> None:
    """Answer a question from the course material, with citations."""
    loaded, wiring = load_course(course), wired()
    given = {"passages": passages, "prerequisite_depth": depth, "max_concepts": max_concepts}
    options = replace(_options(loaded, wiring, given), graph=graph is Switch.on)
    if question is None:
        if as_json:
            raise typer.TyperException("with --json, give the QUESTION")
        until_stopped(converse(wiring, loaded, options, out))
    else:
        until_stopped(_ask(wiring, loaded, options, Question(question, tuple(previous or ())), as_json))


async def _ask(wiring: Wiring, course: Course, options: Options, question: Question, as_json: bool) -> None:
    async with wiring.redis() as redis, aclosing(wiring.tutor(course, redis, options).answer(question)) as events:
        if not as_json:
            await ConsoleReply(out).show(events)
            return
        async for event in events:
            if isinstance(event, Answer):
                print_json(answer_json(event))


@app.command(name="eval")
def evaluate_(
    course: CourseFile,
    questions: Annotated[Path, typer.Option(help="Labelled questions, JSON lines.")],
    duplicates: Annotated[Path | None, typer.Option(help="Pages that count as one; columns group, path.")] = None,
    compare_with: Annotated[Path | None, typer.Option("--compare", help="Another run's --json output.")] = None,
    passages: Passages = None,
    depth: Depth = None,
    max_concepts: MaxConcepts = None,
    graph: Graph = Switch.on,
    as_json: AsJson = False,
) -> None:
    """Score retrieval on labelled questions: hits, MRR, nDCG, abstentions, latency."""
    loaded, wiring = load_course(course), wired()
    given = {"passages": passages or EVALUATED.passages, "prerequisite_depth": depth, "max_concepts": max_concepts}
    options = replace(_options(loaded, wiring, given), graph=graph is Switch.on)
    labelled, same = load_questions(questions), duplicates_for(questions, duplicates)
    other = load_evaluation(compare_with) if compare_with else None

    async def go() -> Evaluation:
        async with wiring.redis() as redis:
            return await evaluate(wiring.retriever(loaded, redis), labelled, same, options)

    evaluation = until_stopped(go())
    comparison = compare(evaluation, other) if other else None
    if as_json:
        print_json(evaluation.to_json() | ({"comparison": comparison.to_json()} if comparison else {}))
        return
    out.print(evaluation_table(evaluation))
    if comparison:
        out.print(comparison_table(comparison))


@app.command()
def demo() -> None:
    """Ingest the bundled demo course, ask it a question, show a concept and draw it; then it is your turn."""
    wiring, course = wired(), load_course(demo_course())
    with ConsoleProgress() as progress:
        report = until_stopped(wiring.ingest(course, progress))
    out.print(ingest_summary(report))
    until_stopped(demonstrate(wiring, course, out))
