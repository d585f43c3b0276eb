"""One question answered: the tutor's events are shown as they come, until the answer or somebody's Stop ends them.

Knows one delivery and one course; what is said when nothing can be answered is the handler's business.
"""

import asyncio
import hashlib
import logging
import re
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from bot import phrases
from bot.attachments import MOST_BYTES, MOST_FILES, attached, readable
from bot.commands import Commands
from bot.course import Course
from bot.courtesy import courtesy
from bot.errors import DeliveryFailed, FeedbackFailed, JournalFailed
from bot.feedback import AnswerRecord, FeedbackBook
from bot.halts import Halts, Watched
from bot.intake import Attachment, Delivery, Intake
from bot.journal import Earlier, Entry, Halt, Journal
from bot.messages import Answer, Delta, Page, Question, Replace, Status
from bot.metrics import Metrics
from bot.ports import Limits, Replies, Reply
from bot.pseudonyms import Pseudonyms
from bot.tutor import Tutor

_NUMBER_OR_CODE = re.compile(r"(```.*?(?:```|\Z)|`[^`\n]*`)|[ \t]*\[\d{1,2}\]", re.DOTALL)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Desk:
    """Who answers for one course."""

    course: Course
    tutor: Tutor
    commands: Commands


@dataclass(frozen=True, slots=True)
class Books:
    """Where account is kept of what is asked and answered."""

    intake: Intake
    journal: Journal
    limits: Limits
    feedback: FeedbackBook
    pseudonyms: Pseudonyms
    metrics: Metrics


@dataclass(slots=True)
class _Draft:
    """The answer's Markdown so far."""

    text: str = ""


class Answering:
    """Answers one delivery; its reply has begun."""

    def __init__(
        self, delivery: Delivery, desk: Desk, reply: Reply, replies: Replies, books: Books, halts: Halts
    ) -> None:
        self._delivery, self._incoming = delivery, delivery.incoming
        self._desk, self._course = desk, desk.course
        self._reply, self._replies, self._books, self._halts = reply, replies, books, halts
        incoming = delivery.incoming
        self._student = books.pseudonyms.student(self._course.id, incoming.platform, incoming.author)

    async def admit(self) -> None:
        """Count the question; course staff may ask as much as they like. Raises RateLimited."""
        course, limits = self._course, self._course.limits
        staff = course.staff.slack if self._incoming.platform == "slack" else course.staff.discord
        if self._incoming.author in staff:
            return
        with noted("a student's questions cannot be counted"):
            await self._books.limits.admit(
                self._student,
                self._delivery.id,
                course.today().isoformat(),
                limits.questions_per_student_per_day,
                limits.questions_per_student_per_minute,
            )

    async def run(self, watched: Watched) -> str:
        """Stream and finish the answer, or do what a halt asks for; how it ended.

        Raises EricaError where there is no answer, and what a Reply raises.
        """
        incoming, reply, journal = self._incoming, self._reply, self._books.journal
        with noted("a question under way cannot be noted"):
            await journal.write(
                incoming.question,
                Entry(self._delivery.id, incoming.revision, "working", reply.progress),
                reply.conversation,
            )
            # In a thread of other people's, she speaks when spoken to.
            if incoming.thread is None or await journal.course_of(reply.conversation) is not None:
                await journal.open(reply.conversation, self._course.id)
        files, remark = await self._files()
        text = incoming.text if courtesy(incoming.text) == "question" else ""
        if not text and not files:
            await reply.present(Page(remark or phrases.NOTHING_ASKED))
            return "refused"
        same = self._fingerprint()
        before = await self._asked_before(same)
        draft = _Draft(before)
        streaming = asyncio.create_task(self._stream(text, files, draft))
        await self._until_over(streaming, watched)
        if watched.halted.done():
            return await self._halt(watched.halted.result(), draft)
        answer = streaming.result()
        answer = replace(answer, text="\n\n".join(part for part in (before, answer.text, remark) if part))
        await self._keep("\n\n".join(part for part in (text, files) if part), answer)
        link = await reply.finish(answer)
        if same and link and answer.outcome in ("answered", "extractive"):
            with noted("where this was answered cannot be noted"):
                await journal.answered(same, Earlier(incoming.question, link))
        self._count(answer)
        return answer.outcome

    async def _until_over(self, streaming: "asyncio.Task[Answer]", watched: Watched) -> None:
        try:
            await asyncio.wait((streaming, watched.halted), return_when=asyncio.FIRST_COMPLETED)
            if not watched.halted.done():
                with noted("nobody can be stopped"):
                    await self._halts.refresh(watched)  # what was said in the last half second counts too
        finally:
            while not streaming.done():  # a library below may swallow one cancellation
                streaming.cancel()
                await asyncio.wait((streaming,), timeout=1.0)

    async def _stream(self, text: str, files: str, draft: _Draft) -> Answer:
        incoming, reply = self._incoming, self._reply
        thread = f"{incoming.direct_line if incoming.private else reply.conversation}:{self._student}"
        before = f"{draft.text}\n\n" if draft.text else ""
        draft.text = before
        answer: Answer | None = None
        async with aclosing(self._desk.tutor.answer(Question(text, thread=thread, attached=files))) as events:
            async for event in events:
                match event:
                    case Status(said):
                        reply.status(said)
                    case Delta(piece):
                        draft.text += piece
                        reply.show(draft.text)
                    case Replace():
                        draft.text = before
                    case Answer():
                        answer = event
        assert answer is not None, "a tutor's last event is its answer"
        return answer

    async def _halt(self, halt: Halt, draft: _Draft) -> str:
        self._books.metrics.halted(halt.reason)
        if halt.reason == "deleted":
            await self._reply.withdraw()
        elif halt.reason == "stopped":
            # What its numbers stand for is known when an answer is complete, which this one never will be.
            shown = _NUMBER_OR_CODE.sub(lambda found: found[1] or "", draft.text).strip()
            text = f"{shown}\n\n{phrases.STOPPED}" if shown else phrases.STOPPED
            await self._reply.finish(Answer("refused", text))
        return halt.reason

    def _fingerprint(self) -> str:
        """The same for the same question in the same place; "" where an earlier answer would not do."""
        incoming = self._incoming
        words = " ".join(re.findall(r"\w+|[^\w\s]", incoming.text.casefold())).rstrip(" ?!.")
        if incoming.private or incoming.thread is not None or incoming.attachments or not words:
            return ""
        place = (self._course.id, incoming.platform, incoming.workspace, words)
        return hashlib.sha256("\0".join(place).encode("utf-8", "replace")).hexdigest()

    async def _asked_before(self, same: str) -> str:
        """A line that leads to the thread where the same question was answered; "" where there is none."""
        with noted("what was answered before is not known"):
            earlier = await self._books.journal.earlier(same) if same else None
            if earlier is not None and earlier.question != self._incoming.question:
                return phrases.ANSWERED_HERE.format(link=earlier.link)
        return ""

    async def _files(self) -> tuple[str, str]:
        """What the files say that came with the question, and a remark on those that were not read."""
        incoming = self._incoming
        read: list[tuple[Attachment, bytes]] = []
        left_out: list[Attachment] = []
        for one in incoming.attachments:
            if readable(one) and len(read) < MOST_FILES:
                try:
                    read.append((one, await self._replies.read(incoming, one, MOST_BYTES)))
                    continue
                except DeliveryFailed as error:
                    logger.warning("an attached file could not be read: %s", error)
            left_out.append(one)
        return attached(read, left_out, alone=not incoming.text.strip())

    async def _keep(self, text: str, answer: Answer) -> None:
        with noted("an answer cannot be kept for feedback"):
            await self._books.feedback.keep(
                AnswerRecord(
                    self._delivery.id,
                    self._course.id,
                    self._incoming.platform,
                    text,
                    answer.text,
                    answer.outcome,
                    answer.passages,
                    answer.model,
                    answer.prompt,
                    datetime.now(UTC).isoformat(timespec="seconds"),
                )
            )

    def _count(self, answer: Answer) -> None:
        metrics = self._books.metrics
        for stage, milliseconds in answer.ms.items():
            metrics.stage(stage, milliseconds / 1000)
        if answer.model is not None:
            metrics.tokens(answer.model, answer.tokens.prompt, answer.tokens.completion, answer.cost_usd)
        logger.info("a question was %s", answer.outcome, extra={"model": answer.model, "ms": dict(answer.ms)})


@contextmanager
def noted(what: str) -> Iterator[None]:
    """Bookkeeping that fails is worth a line in the log, not an answer."""
    try:
        yield
    except (JournalFailed, FeedbackFailed) as error:
        logger.warning("%s: %s", what, error)
