"""A language model as retrieval's ConceptExtractor: asks about a section, keeps to a budget, gives up in time.

Knows the ChatModel port and no vendor; what of an answer is true is `retrieval.concepts.grounding`'s business.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence

from bot.errors import ContextTooLong, ModelBusy, ModelFailed, ModelTimeout
from bot.ports import ChatMessage, ChatModel, ModelUsage
from prompts.extraction import ExtractionPrompt
from prompts.extraction_answer import UnusableAnswer, find_object, read_extraction
from retrieval.errors import BudgetSpent, ExtractionFailed
from retrieval.ports import Extraction

OUTAGES = 3
"""So many failures of the connection in a row, and the model is not asked any more."""
USELESS = 10
"""So many sections in a row that came to nothing, for whatever reason, and neither is it."""
ANSWER_TOKENS = 4000
LONGEST_ANSWER = 100_000  # characters, for servers that do not keep to the tokens they are allowed
_KEPT = "What was found is kept; ingesting again goes on from there."


class ModelConceptExtractor:
    """A `retrieval.ports.ConceptExtractor` for one build: it counts what that build asks and spends.

    One model and no fallbacks: an extraction can wait, and its name must say who made it. Several sections may be
    asked about at once. A model without a price is held by `max_calls` alone; until the first price is known, the
    requests under way may together overdraw `max_usd`.
    """

    def __init__(
        self, model: ChatModel, prompt: ExtractionPrompt, max_calls: int, max_usd: float, answer_seconds: float = 180.0
    ) -> None:
        self._model, self._prompt, self._answer_seconds = model, prompt, answer_seconds
        self._budget = _Budget(max_calls, max_usd)
        self._outages = self._useless = 0
        self._given_up: BudgetSpent | None = None

    @property
    def name(self) -> str:
        """The model's litellm name and a fingerprint of the template."""
        return f"{self._model.name} {self._prompt.fingerprint}"

    @property
    def calls(self) -> int:
        """How many requests were made."""
        return self._budget.calls

    @property
    def cost_usd(self) -> float:
        """What they cost as the model reported it; one that broke off counts like the dearest of the others."""
        return self._budget.spent

    async def extract(self, title: str, headings: Sequence[str], text: str) -> Extraction:
        """What the model says of a section; it is asked a second time where its first answer is of no use.

        Raises ExtractionFailed, or BudgetSpent where the budget is spent or the model was given up.
        """
        if self._given_up is not None:
            raise BudgetSpent(str(self._given_up), self._given_up.hint)
        try:
            extraction = await self._extract(title, headings, text)
        except ExtractionFailed as error:
            self._useless += 1
            if self._useless >= USELESS:
                self._give_up(f"{USELESS} sections in a row came to nothing, the last because {error}", "")
            raise
        self._useless = 0
        return extraction

    async def _extract(self, title: str, headings: Sequence[str], text: str) -> Extraction:
        await self._model.warm_up()
        text = self._fitting(title, headings, text)
        complaint = ""
        for _ in range(2):
            try:
                return read_extraction(await self._ask(self._prompt.section(title, headings, text, complaint)))
            except UnusableAnswer as error:
                complaint = str(error)
        raise ExtractionFailed(f"{self._model.name} gave no usable answer: {complaint}")

    async def _ask(self, question: str) -> str:
        """The whole answer. Raises UnusableAnswer, ExtractionFailed or BudgetSpent."""
        try:
            answer, cut_off = await self._answer(question)
        except (ModelBusy, ModelTimeout) as error:
            raise self._outage(error) from error
        except ContextTooLong as error:
            raise ExtractionFailed(str(error), error.hint) from error
        except ModelFailed as error:
            if error.hint:  # something that an operator has to put right: the key, the address, the account
                raise self._outage(error) from error
            raise UnusableAnswer(str(error)) from error
        self._outages = 0
        if cut_off and find_object(answer) is None:
            raise UnusableAnswer("it was too long and broke off; name fewer concepts and relations")
        return answer

    async def _answer(self, question: str) -> tuple[str, bool]:
        self._budget.begin()
        answer, cost, cut_off = "", None, False
        stream = self._model.stream(
            [ChatMessage("system", self._prompt.rules), ChatMessage("user", question)], self._answer_tokens
        )
        try:
            async with asyncio.timeout(self._answer_seconds):
                async for piece in stream:
                    if isinstance(piece, ModelUsage):
                        cost, cut_off = piece.cost_usd, piece.cut_off
                    else:
                        answer += piece
                    if len(answer) > LONGEST_ANSWER:
                        cut_off = True
                        break
        except TimeoutError as error:
            raise ModelTimeout(f"{self._model.name} was not done in {self._answer_seconds:g} seconds") from error
        finally:
            self._budget.settle(cost, begun=bool(answer))
            if isinstance(stream, AsyncGenerator):  # the port promises an iterator; generators hold a connection
                await stream.aclose()
        return answer, cut_off

    def _outage(self, error: ModelFailed) -> ExtractionFailed:
        self._outages += 1
        if self._outages >= OUTAGES:
            self._give_up(str(error), error.hint)
        return ExtractionFailed(str(error), error.hint)

    def _give_up(self, reason: str, hint: str) -> None:
        if self._given_up is None:
            self._given_up = BudgetSpent(
                f"the model is not asked for concepts any more: {reason}", f"{hint} {_KEPT}".strip()
            )

    @property
    def _answer_tokens(self) -> int:
        return min(ANSWER_TOKENS, self._model.context_tokens // 3)

    def _fitting(self, title: str, headings: Sequence[str], text: str) -> str:
        """The text, or as much of its beginning as the model's window holds."""
        count = self._model.count_tokens
        frame = count(self._prompt.rules) + count(self._prompt.section(title, headings, "", "")) + 200
        room = self._model.context_tokens - self._answer_tokens - frame
        while text and (needed := count(text)) > room:
            text = text[: min(len(text) - 1, len(text) * max(room, 0) // needed)]
        if not text.strip():
            raise ExtractionFailed(f"a section does not fit into the window of {self._model.name}")
        return text


class _Budget:
    """What a build may still ask."""

    def __init__(self, max_calls: int, max_usd: float) -> None:
        self.calls = 0
        self.spent = 0.0
        self._max_calls, self._max_usd = max_calls, max_usd
        self._dearest = 0.0
        self._under_way = 0

    def begin(self) -> None:
        """Count a request in. Raises BudgetSpent where it, or those under way, could cost too much."""
        if self.calls >= self._max_calls:
            raise BudgetSpent(f"the model was asked `max_calls` times ({self._max_calls}) for concepts", _KEPT)
        if self.spent + (self._under_way + 1) * self._dearest > self._max_usd:
            raise BudgetSpent(f"`max_usd` ({self._max_usd:g}) for concepts is spent", _KEPT)
        self.calls += 1
        self._under_way += 1

    def settle(self, cost: float | None, begun: bool) -> None:
        """A request is over: its price, or None where it broke off, after it had `begun` or before."""
        self._under_way -= 1
        self._dearest = max(self._dearest, cost or 0.0)
        self.spent += cost if cost is not None else self._dearest * begun
