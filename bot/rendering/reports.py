"""Pure: results as JSON for machines, in the stable form, and as tables for people."""

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from bot.foreign import visible
from bot.messages import Answer
from retrieval.results import Found, Retrieval

if TYPE_CHECKING:
    from retrieval.concepts.making import ConceptReport
    from retrieval.ingest import IngestReport


def search_json(id_: str, question: str, found: Retrieval) -> dict[str, Any]:
    """One line of `erica search --json`."""
    return {
        "id": id_,
        "question": question,
        "confidence": round(found.confidence, 4),
        "abstain": found.abstain,
        "passages": [_passage_json(hit) for hit in found.passages],
        "concepts": [{"id": one.id, "title": one.title, "how": one.how} for one in found.concepts],
        "ms": {stage: found.ms.get(stage, 0.0) for stage in ("embed", "search", "graph", "total")},
    }


def _passage_json(hit: Found) -> dict[str, Any]:
    passage = hit.passage
    return {
        "rank": hit.rank,
        "score": hit.score,
        "url": passage.url,
        "path": passage.path,
        "title": passage.title,
        "heading": passage.heading,
        "text": hit.text,
        "trust": passage.trust,
    }


def search_table(question: str, found: Retrieval) -> RenderableType:
    """Rank, score, place and first words of each passage."""
    verdict = "would abstain" if found.abstain else "would answer"
    table = Table(title=Text(visible(question[:120])), title_justify="left", box=None, pad_edge=False)
    table.caption = f"confidence {found.confidence:.2f}, {verdict}, {found.ms.get('total', 0):.1f} ms"
    table.caption_justify = "left"
    for name, options in (("#", {"justify": "right"}), ("score", {}), ("where", {"overflow": "fold"})):
        table.add_column(name, **options)  # type: ignore[arg-type]
    for hit in found.passages:
        place = " › ".join(dict.fromkeys((hit.passage.title, *hit.passage.headings)))
        words = " ".join(hit.passage.text.split())[:160]
        where = Text.assemble((visible(place), "bold"), "\n", (hit.passage.url, "dim"), "\n", visible(words))
        table.add_row(str(hit.rank), f"{hit.score:.3f}", where)
    return table


def answer_json(answer: Answer) -> dict[str, Any]:
    """What `erica ask --json` prints."""
    return {
        "outcome": answer.outcome,
        "answer": answer.text,
        "grounded": answer.grounded,
        "confidence": answer.confidence,
        "citations": [
            {"n": cited.n, "url": cited.url, "title": cited.title, "quote": cited.quote} for cited in answer.citations
        ],
        "policy": answer.policy,
        "model": answer.model,
        "fallback": answer.fallback,
        "tokens": {"prompt": answer.tokens.prompt, "completion": answer.tokens.completion},
        "cost_usd": answer.cost_usd,
        "concepts": [{"id": one.id, "title": one.title, "how": one.how} for one in answer.concepts],
        "prerequisites": [{"id": one.id, "title": one.title, "url": one.url} for one in answer.prerequisites],
        "ms": dict(answer.ms),
    }


def ingest_json(report: "IngestReport") -> dict[str, Any]:
    """What `erica ingest --json` prints for each course."""
    return {
        "course": report.course,
        "index": report.index,
        "changed": report.changed,
        "files": report.files,
        "pages": report.pages,
        "passages": report.passages,
        "embedded": report.embedded,
        "reused": report.reused,
        "without_address": report.without_address,
        "embedding": report.embedding,
        "concepts": _concepts_json(report.concepts),
        "skipped": [{"source": number, "path": path, "reason": reason} for number, path, reason in report.skipped],
        "seconds": report.seconds,
    }


def _concepts_json(report: "ConceptReport") -> dict[str, Any]:
    return {
        "found": report.concepts,
        "prerequisites": report.prerequisites,
        "cut": report.cuts,
        "dropped": [{"file": file, "name": name, "reason": reason} for file, name, reason in report.dropped],
        "model": {"asked": report.asked, "reused": report.reused, "failed": report.failed, "left": report.left},
    }


def ingest_summary(report: "IngestReport") -> RenderableType:
    """What was done, and every skipped file with its reason; those with the same reason share a line."""
    lines = [
        f"[bold]{escape(report.course)}[/bold]: {report.pages} pages, {report.passages} passages"
        + (f", {report.embedded} embedded, {report.reused} reused" if report.embedding else ", lexical search only")
        + f", {sum(report.seconds.values()):.1f} s"
    ]
    if report.changed:
        lines.append(
            f"{report.concepts.concepts} concepts, {report.concepts.prerequisites} prerequisites between them."
        )
    lines += [escape(visible(line)) for line in report.concepts.notices]
    if report.concepts.dropped:
        by_reason = Counter(reason for _, _, reason in report.concepts.dropped)
        why = "; ".join(f"{reason} ({count})" for reason, count in by_reason.most_common(6))
        lines.append(f"Not taken over from foreign graphs: {escape(visible(why))}; `--json` lists them.")
    if not report.changed:
        lines.append("Nothing has changed; the current index stays.")
    if report.without_address:
        lines.append(
            f"{report.without_address} pages have no address: their links lead to files of this machine. "
            "Give their source a `base_url` or `urls`."
        )
    if report.skipped:
        lines.append(f"Skipped {len(report.skipped)} of {report.files} files:")
        lines += [f"  {escape(visible(line))}" for line in _skipped(report.skipped)]
    return Group(*lines)


def _skipped(skipped: Iterable[tuple[int, str, str]]) -> list[str]:
    by_reason: dict[str, list[str]] = {}
    for _, path, reason in skipped:
        by_reason.setdefault(reason, []).append(path)
    return [f"{reason}: {', '.join(paths)}" for reason, paths in by_reason.items()]
