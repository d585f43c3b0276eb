"""A chain of models answers as long as one of them does, and never mixes what two of them said."""

import asyncio
from collections.abc import AsyncGenerator, Sequence

import pytest

from bot.errors import ContextTooLong, ModelBusy, ModelFailed, ModelTimeout
from bot.messages import Tokens
from bot.model_chain import AllModelsFailed, ChainEvent, Finished, ModelChain, Piece, Switched
from bot.ports import ChatMessage, ModelUsage

PROMPT = [ChatMessage("system", "Teach."), ChatMessage("user", "What is a heap?")]

Step = str | ModelUsage | ModelFailed | asyncio.Event


class Scripted:
    """A model that plays one script per call and repeats the last; it counts a token per character."""

    def __init__(self, name: str, *scripts: Sequence[Step], context_tokens: int = 8192) -> None:
        self.name = name
        self.context_tokens = context_tokens
        self.calls = 0
        self.closed = 0
        self.waits = asyncio.Event()  # it has come to a step that waits
        self._scripts = scripts

    def count_tokens(self, text: str) -> int:
        return len(text)

    async def stream(self, messages: Sequence[ChatMessage], max_tokens: int) -> AsyncGenerator[str | ModelUsage, None]:
        script = self._scripts[min(self.calls, len(self._scripts) - 1)]
        self.calls += 1
        try:
            for step in script:
                if isinstance(step, ModelFailed):
                    raise step
                if isinstance(step, asyncio.Event):
                    self.waits.set()
                    await step.wait()
                else:
                    yield step
        finally:
            self.closed += 1


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def usage(prompt: int, completion: int, cost: float = 0.0) -> ModelUsage:
    return ModelUsage(Tokens(prompt, completion), cost)


async def events(chain: ModelChain) -> list[ChainEvent]:
    return [event async for event in chain.stream(PROMPT, 100)]


def shown(happened: Sequence[ChainEvent]) -> str:
    """What a student sees in the end."""
    text = ""
    for event in happened:
        if isinstance(event, Switched):
            text = ""
        elif isinstance(event, Piece):
            text += event.text
    return text


async def test_the_first_model_answers() -> None:
    first = Scripted("a", ["A heap ", "is a tree.", usage(10, 5, 0.5)])
    second = Scripted("b", ["no"])
    assert await events(ModelChain([first, second])) == [
        Piece("A heap "),
        Piece("is a tree."),
        Finished("a", fallback=False, tokens=Tokens(10, 5), cost_usd=0.5),
    ]
    assert second.calls == 0


@pytest.mark.parametrize("error", [ModelBusy("a is busy"), ModelTimeout("a is silent"), ContextTooLong("a: long")])
async def test_the_next_model_takes_over_before_the_first_piece(error: ModelFailed) -> None:
    chain = ModelChain([Scripted("a", [error]), Scripted("b", ["A tree.", usage(10, 2)])])
    assert await events(chain) == [
        Switched("b", str(error)),
        Piece("A tree."),
        Finished("b", fallback=True, tokens=Tokens(10, 2), cost_usd=0.0),
    ]


async def test_half_an_answer_is_replaced_and_never_mixed() -> None:
    broken = Scripted("a", ["A heap is a ", ModelFailed("a broke off")])
    chain = ModelChain([broken, Scripted("b", ["Heaps are trees.", usage(10, 4)])])
    happened = await events(chain)
    assert happened[:2] == [Piece("A heap is a "), Switched("b", "a broke off")]
    assert shown(happened) == "Heaps are trees."


async def test_tokens_of_a_broken_attempt_are_counted_and_costs_summed() -> None:
    broken = Scripted("a", ["12345", ModelFailed("a broke off")])
    refused = Scripted("b", [ModelBusy("b is busy")])
    chain = ModelChain([broken, refused, Scripted("c", ["Fine.", usage(100, 7, 0.25)])])
    finished = (await events(chain))[-1]
    prompt = len("Teach.") + len("What is a heap?")
    assert finished == Finished("c", fallback=True, tokens=Tokens(100 + prompt, 7 + 5), cost_usd=0.25)


async def test_when_all_fail_the_error_names_each_model_and_reason() -> None:
    last = ModelFailed("b refused the key", hint="Check the key.")
    chain = ModelChain([Scripted("a", [ModelBusy("a is busy")]), Scripted("b", ["Half", last])])
    with pytest.raises(AllModelsFailed) as raised:
        await events(chain)
    assert raised.value.failures == (("a", "a is busy"), ("b", "b refused the key"))
    assert "a is busy" in str(raised.value)
    assert raised.value.hint == "Check the key."
    assert raised.value.__cause__ is last
    assert isinstance(raised.value, ModelFailed)


async def test_a_model_that_just_failed_is_asked_last_until_it_recovers() -> None:
    clock = Clock()
    flaky = Scripted("a", [ModelTimeout("a is silent")], ["Back.", usage(1, 1)])
    steady = Scripted("b", ["Here.", usage(1, 1)])
    chain = ModelChain([flaky, steady], clock=clock)
    await events(chain)
    assert flaky.calls == 1

    clock.now += 29
    assert [type(event) for event in await events(chain)] == [Piece, Finished]  # no wait, no switch
    assert flaky.calls == 1

    clock.now += 2
    assert shown(await events(chain)) == "Back."
    assert (await events(chain))[-1] == Finished("a", fallback=False, tokens=Tokens(1, 1), cost_usd=0.0)


async def test_a_model_to_avoid_is_still_asked_when_the_others_fail() -> None:
    clock = Clock()
    flaky = Scripted("a", [ModelBusy("a is busy")], ["Back.", usage(1, 1)])
    steady = Scripted("b", ["Here.", usage(1, 1)], [ModelFailed("b refused")])
    chain = ModelChain([flaky, steady], clock=clock)
    await events(chain)
    assert shown(await events(chain)) == "Back."
    assert [flaky.calls, steady.calls] == [2, 2]


async def test_only_one_question_tries_a_model_that_was_down() -> None:
    clock = Clock()
    silent = asyncio.Event()
    flaky = Scripted("a", [ModelTimeout("a is silent")], [silent, "Back.", usage(1, 1)])
    steady = Scripted("b", ["Here.", usage(1, 1)])
    chain = ModelChain([flaky, steady], clock=clock)
    await events(chain)
    clock.now += 31
    trial = asyncio.create_task(events(chain))
    await flaky.waits.wait()
    assert shown(await asyncio.wait_for(events(chain), 2)) == "Here."
    silent.set()
    assert shown(await trial) == "Back."
    assert flaky.calls == 2


@pytest.mark.parametrize(
    "script",
    [
        pytest.param([ContextTooLong("too long")], id="a prompt that does not fit"),
        pytest.param([ModelFailed("filtered")], id="a prompt that is refused"),
        pytest.param(["Half", ModelTimeout("silent")], id="a break in the middle"),
    ],
)
async def test_a_failure_of_one_prompt_does_not_push_the_model_back(script: Sequence[Step]) -> None:
    first = Scripted("a", script, ["Fine.", usage(1, 1)])
    chain = ModelChain([first, Scripted("b", ["Here.", usage(1, 1)])], clock=Clock())
    await events(chain)
    assert shown(await events(chain)) == "Fine."


async def test_an_answer_has_a_deadline_over_all_attempts() -> None:
    never = asyncio.Event()
    slow = Scripted("a", ["Half", never])
    second = Scripted("b", ["Here."])
    with pytest.raises(AllModelsFailed, match="time for this answer"):
        await events(ModelChain([slow, second], total_seconds=0.05))
    assert [slow.closed, second.calls] == [1, 0]


async def test_time_spent_on_one_model_is_gone_for_the_next() -> None:
    clock = Clock()
    never = asyncio.Event()
    second = Scripted("b", [never])

    class Slow(Scripted):
        async def stream(
            self, messages: Sequence[ChatMessage], max_tokens: int
        ) -> AsyncGenerator[str | ModelUsage, None]:
            clock.now += 179.95
            raise ModelTimeout("a is silent")
            yield ""

    chain = ModelChain([Slow("a"), second], clock=clock)
    with pytest.raises(AllModelsFailed):
        await asyncio.wait_for(events(chain), 2)
    assert second.calls == 1


async def test_stopping_to_listen_closes_the_models_stream() -> None:
    never = asyncio.Event()
    model = Scripted("a", ["Half", never])
    stream = ModelChain([model]).stream(PROMPT, 100)
    assert await anext(stream) == Piece("Half")
    await stream.aclose()
    assert model.closed == 1


async def test_cancelling_the_listener_closes_the_models_stream() -> None:
    never = asyncio.Event()
    model = Scripted("a", [never])
    listener = asyncio.create_task(events(ModelChain([model])))
    await model.waits.wait()
    listener.cancel()
    with pytest.raises(asyncio.CancelledError):
        await listener
    assert model.closed == 1


def test_a_prompt_that_fits_the_chain_fits_every_model() -> None:
    chain = ModelChain([Scripted("a", context_tokens=128_000), Scripted("b", context_tokens=4096)])
    assert chain.context_tokens == 4096
    assert chain.count_tokens("four") == 4


def test_a_chain_of_nothing_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="at least one model"):
        ModelChain([])
