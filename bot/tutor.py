"""THE flow: a question becomes passages, the passages an answer that cites them.

Nothing here knows which platform asked, which model writes or where anything is stored. Every question
ends in exactly one Answer, which is the last event; the deltas before it add up to its text.
"""

import logging
import re
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from bot import phrases
from bot.citations import citations
from bot.code_check import describe_problems
from bot.errors import ContextTooLong, MemoryFailed, ModelFailed, RetrievalFailed
from bot.extractive import abstained, quoted
from bot.messages import AboutConcept, Answer, Delta, Event, Outcome, Question, Replace, Status, WantedFirst
from bot.model_chain import Finished, ModelChain, Piece, Switched
from bot.ports import ChatMessage, Memory, Turn
from bot.safe_stream import SafeStream
from bot.translated import translated
from prompts.builder import EarlierTurn, Prompt, PromptBuilder, PromptInput
from retrieval.results import Found, Options, Quotable, Retrieval
from retrieval.retriever import Retriever

_ANSWER_TOKENS = 1500
_SMALLEST_PROMPT = 600
_REMEMBERED_TURNS = 5
_SEARCHED_FILE = 1000  # characters of an attached file; more of it would find the file's words, not the question's
_REMEMBERED_FILE = 300  # characters of a file that came without a word
_CHARACTERS_A_TOKEN = 4
_NUMBER = re.compile(r"\s*\[\d+\]")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CourseVoice:
    """What the answers of one course have in common. `unreleased` tells whether it has material yet to come."""

    title: str
    style: str = ""
    unreleased: Callable[[], bool] = lambda: False


class Tutor:
    """Answers questions about one course."""

    def __init__(
        self,
        voice: CourseVoice,
        retriever: Retriever,
        prompts: PromptBuilder,
        models: ModelChain | None = None,
        memory: Memory | None = None,
        options: Options = Options(),
    ) -> None:
        """Without `models` answers are quotes; without `memory` threads are not remembered."""
        self._voice, self._retriever, self._prompts = voice, retriever, prompts
        self._models, self._memory, self._options = models, memory, options

    async def answer(self, question: Question) -> AsyncGenerator[Event, None]:
        """Status and Delta events as they come, Replace where the text starts over, one Answer at the end.

        Raises EmptyQuestion, TooLong or RetrievalFailed before the first Delta, and nothing later.
        """
        start = time.perf_counter()
        turns = await self._recall(question.thread)
        asked = _asked(question, turns)
        yield Status(phrases.SEARCHING)
        with translated():
            retrieval = await self._retriever.search(asked.searched, asked.before, self._options)
        searched = time.perf_counter()
        async with aclosing(self._respond(asked, retrieval)) as events:
            async for event in events:
                if isinstance(event, Answer):
                    now = time.perf_counter()
                    ms = {"answer": round((now - searched) * 1000, 3), "total": round((now - start) * 1000, 3)}
                    event = replace(
                        event,
                        confidence=round(retrieval.confidence, 4),
                        concepts=tuple(AboutConcept(one.id, one.title, one.how) for one in retrieval.concepts),
                        prerequisites=tuple(WantedFirst(one.id, one.title, one.url) for one in retrieval.prerequisites),
                        passages=tuple(_place(found) for found in retrieval.passages),
                        prompt="" if event.model is None else self._prompts.version,
                        ms={**retrieval.ms, **ms},
                    )
                    await self._remember(question, event)
                yield event

    def _respond(self, asked: "_Asked", retrieval: Retrieval) -> AsyncGenerator[Event, None]:
        if retrieval.abstain:
            return self._abstain(retrieval)
        if self._models is None:
            return self._quote(asked, retrieval, phrases.NO_MODEL)
        return self._teach(self._models, asked, retrieval)

    async def _abstain(self, retrieval: Retrieval) -> AsyncGenerator[Event, None]:
        text, order = abstained(retrieval.passages, self._voice.unreleased())
        yield Delta(text)
        yield self._finish("abstained", text, retrieval.passages, order)

    async def _quote(self, asked: "_Asked", retrieval: Retrieval, opening: str) -> AsyncGenerator[Event, None]:
        try:
            with translated():
                quotable = await self._retriever.quotable(asked.searched, asked.before, self._options)
        except RetrievalFailed as error:  # the index went away while the models were tried
            logger.warning("nothing can be quoted: %s", error)
            quotable = Quotable(retrieval.passages, (), brief=False)
        opening = opening if quotable.quotes else phrases.NOTHING_TO_QUOTE
        opening = f"{opening}\n\n{phrases.BRIEF}" if quotable.brief else opening
        answer, order = quoted(quotable.passages, quotable.quotes, opening)
        yield Delta(answer)
        yield self._finish("extractive", answer, quotable.passages, order)

    async def _teach(self, models: ModelChain, asked: "_Asked", retrieval: Retrieval) -> AsyncGenerator[Event, None]:
        """Stream from the models; when all have failed, quote."""
        shown = False
        yield Status(phrases.WRITING)
        try:
            await models.warm_up()
            prompt = self._prompt(models, asked, retrieval)
            async with aclosing(self._stream(models, prompt, retrieval)) as events:
                async for event in events:
                    shown = shown or isinstance(event, Delta)
                    yield event
        except ModelFailed as error:
            logger.warning("all models failed: %s", error)
            yield Replace(str(error)) if shown else Status(phrases.QUOTING)
            async for event in self._quote(asked, retrieval, phrases.MODEL_DOWN):
                yield event

    async def _stream(self, models: ModelChain, prompt: Prompt, retrieval: Retrieval) -> AsyncGenerator[Event, None]:
        passages = [found.passage for found in retrieval.material[: prompt.passages]]
        safe, text = SafeStream(passages), ""
        messages = [ChatMessage("system", prompt.system), ChatMessage("user", prompt.user)]
        finished: Finished | None = None
        async with aclosing(models.stream(messages, _ANSWER_TOKENS)) as stream:
            async for event in stream:
                match event:
                    case Piece(piece):
                        if delta := safe.feed(piece):
                            text += delta
                            yield Delta(delta)
                    case Switched(reason=reason):
                        if text:
                            yield Replace(reason)
                        safe, text = SafeStream(passages), ""
                    case Finished():
                        finished = event
        rest = safe.finish()
        if not any(character.isalnum() for character in _NUMBER.sub("", text + rest)):
            raise ModelFailed("of the model's answer nothing can be shown")  # a picture, or a bare [1]
        rest += self._remarks(text + rest, safe, cut_off=finished is not None and finished.cut_off)
        if rest:
            yield Delta(rest)
        answer = self._finish("answered", text + rest, retrieval.material, safe.cited)
        if finished is not None:
            answer = replace(
                answer,
                grounded=bool(safe.cited),
                model=finished.model,
                fallback=finished.fallback,
                tokens=finished.tokens,
                cost_usd=finished.cost_usd,
            )
        yield answer

    @staticmethod
    def _remarks(text: str, safe: SafeStream, cut_off: bool) -> str:
        """What is added below a model's text: that it was cut off, its code does not compile, it cites nothing."""
        remarks = [phrases.CUT_OFF] if cut_off else describe_problems(text)
        if not safe.cited:
            remarks.append(phrases.NOT_GROUNDED)
        return "".join(f"\n\n{remark}" for remark in remarks)

    def _prompt(self, models: ModelChain, asked: "_Asked", retrieval: Retrieval) -> Prompt:
        budget = models.context_tokens - _ANSWER_TOKENS
        first = tuple(one.title for one in retrieval.prerequisites)
        text = asked.with_files(max(budget, 0) * _CHARACTERS_A_TOKEN // 3)
        given = PromptInput(self._voice.title, text, retrieval.material, self._voice.style, asked.earlier, first)
        prompt = self._prompts.build(given, models.count_tokens, budget) if budget >= _SMALLEST_PROMPT else None
        if prompt is None:
            raise ContextTooLong(
                f"the prompt does not fit into {models.context_tokens} tokens",
                "Configure a model with a larger context.",
            )
        return prompt

    @staticmethod
    def _finish(outcome: Outcome, text: str, found: Sequence[Found], cited: Sequence[int]) -> Answer:
        return Answer(outcome, text, citations=citations([hit.passage for hit in found], cited, text))

    async def _recall(self, thread: str | None) -> tuple[Turn, ...]:
        if thread is None or self._memory is None:
            return ()
        try:
            return await self._memory.recall(thread)
        except MemoryFailed as error:
            logger.warning("thread not recalled: %s", error)
            return ()

    async def _remember(self, question: Question, answer: Answer) -> None:
        if question.thread is None or self._memory is None:
            return
        try:
            asked = question.text or question.attached[:_REMEMBERED_FILE]
            await self._memory.remember(question.thread, Turn(asked, answer.text))
        except MemoryFailed as error:
            logger.warning("turn not remembered: %s", error)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question as it is searched for and put to a model; `before` is what was asked before it, oldest first."""

    searched: str
    before: tuple[str, ...]
    earlier: tuple[EarlierTurn, ...]
    text: str
    attached: str

    def with_files(self, most: int) -> str:
        """The question and up to `most` characters of what came with it."""
        return "\n\n".join(part for part in (self.text, self.attached[:most]) if part)


def _asked(question: Question, turns: Sequence[Turn]) -> _Asked:
    # Numbers of earlier answers stood for other passages; repeated, they would cite the wrong page.
    earlier = [EarlierTurn(turn.question, _NUMBER.sub("", turn.answer)) for turn in turns]
    earlier += [EarlierTurn(text, "") for text in question.previous]
    before = (*(turn.question for turn in turns), *question.previous)
    file = question.attached[:_SEARCHED_FILE]
    if question.text and file:
        before = (*before, file)
    return _Asked(question.text or file, before, tuple(earlier[-_REMEMBERED_TURNS:]), question.text, question.attached)


def _place(found: Found) -> str:
    return f"{found.passage.path}#{found.passage.heading}" if found.passage.heading else found.passage.path
