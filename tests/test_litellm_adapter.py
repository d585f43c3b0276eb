"""A model behind litellm: what comes through, what is tried again, how it fails, and what stays secret."""

import asyncio
import logging
import os
import socket
import subprocess
import sys
import textwrap
import traceback
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest
import stamina
from hypothesis import given
from hypothesis import strategies as st
from loopback_model import (
    LoopbackModel,
    Reply,
    busy,
    closes,
    context_too_long,
    error_object,
    garbage,
    html,
    keeps_alive,
    ok,
    ollama,
    raw,
    resets,
    stalls,
    status,
)
from pydantic import SecretStr

from bot.adapters import litellm_library
from bot.adapters.litellm import LitellmModel, ModelSettings, ThinkTags
from bot.errors import ContextTooLong, ModelBusy, ModelFailed, ModelTimeout
from bot.messages import Tokens
from bot.model_chain import Finished, ModelChain, Piece, Switched
from bot.ports import ChatMessage, ChatModel, ModelUsage

# litellm looks at every attribute of its own pydantic objects, two of which pydantic would like to get rid of.
# And where a request is given up in its first millisecond it forgets one of its coroutines.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Accessing the 'model_.*' attribute on the instance is deprecated"),
    pytest.mark.filterwarnings("ignore:coroutine 'OpenAIChatCompletion.async_streaming' was never awaited"),
]

PATIENT, HASTY = 10.0, 0.3  # stall clocks, in seconds: for what must come on a slow machine, for what must not
KEY = "sk-very-secret-1234567890"
PROMPT = [ChatMessage("system", "You teach."), ChatMessage("user", "What is a heap?")]
ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True, scope="module")
def litellm() -> None:
    """Imported once for all tests here, as in a process that runs."""
    litellm_library.load()


@pytest.fixture
def no_waits() -> Iterator[None]:
    """Retries come at once."""
    with stamina.set_testing(True, attempts=3):
        yield


@asynccontextmanager
async def model_at(
    url: str, name: str = "openai/test-model", stall: float = PATIENT, key: str | None = KEY, context: int | None = None
) -> AsyncIterator[LitellmModel]:
    secret = None if key is None else SecretStr(key)
    model = LitellmModel(ModelSettings(name, url, secret, stall_seconds=stall, context_tokens=context))
    try:
        yield model
    finally:
        await model.aclose()


async def hear(model: ChatModel, pieces: list[str] | None = None) -> tuple[str, ModelUsage]:
    """The whole text and the bill; `pieces` collects what came before an error."""
    pieces = [] if pieces is None else pieces
    usage: ModelUsage | None = None
    async for piece in model.stream(PROMPT, 64):
        assert usage is None, "the bill comes last"
        if isinstance(piece, ModelUsage):
            usage = piece
        else:
            assert piece
            pieces.append(piece)
    assert usage is not None
    return "".join(pieces), usage


async def answer_to(*script: Reply, name: str = "openai/test-model") -> str:
    async with LoopbackModel(*script) as server, model_at(server.url, name) as model:
        return (await hear(model))[0]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


# What comes through.


async def test_text_streams_and_the_servers_count_is_the_bill() -> None:
    async with LoopbackModel(ok("A heap ", "is a tree.", usage=(30, 5))) as server, model_at(server.url) as model:
        pieces: list[str] = []
        text, usage = await hear(model, pieces)
    assert pieces == ["A heap ", "is a tree."]
    assert text == "A heap is a tree."
    assert usage == ModelUsage(Tokens(30, 5), 0.0)
    [request] = server.requests
    assert request.body["model"] == "test-model"
    assert request.body["messages"] == [{"role": m.role, "content": m.content} for m in PROMPT]
    assert request.body["max_tokens"] == 64
    assert request.body["stream_options"] == {"include_usage": True}
    assert request.headers["Authorization"] == f"Bearer {KEY}"


async def test_the_first_piece_arrives_while_the_server_is_still_writing() -> None:
    async with (
        LoopbackModel(stalls("A heap ")) as server,
        model_at(server.url) as model,
        aclosing(model.stream(PROMPT, 64)) as stream,
    ):
        assert await asyncio.wait_for(anext(stream), 5) == "A heap "


async def test_a_server_that_counts_nothing_is_counted_here() -> None:
    async with LoopbackModel(ok("A heap is a tree.")) as server, model_at(server.url) as model:
        _, usage = await hear(model)
    assert 8 <= usage.tokens.prompt <= 20
    assert 5 <= usage.tokens.completion <= 7


async def test_a_count_that_comes_with_every_chunk_is_billed_once() -> None:
    reply = ok("A heap ", "is a tree.", usage=(30, 5), usage_always=True)
    async with LoopbackModel(reply) as server, model_at(server.url) as model:
        assert await hear(model) == ("A heap is a tree.", ModelUsage(Tokens(30, 5), 0.0))


async def test_a_model_with_a_price_is_paid_for() -> None:
    reply = ok("A tree.", usage=(1_000_000, 1_000_000))
    async with LoopbackModel(reply) as server, model_at(server.url, "openai/gpt-4o-mini") as model:
        _, usage = await hear(model)
    assert usage.cost_usd == pytest.approx(0.15 + 0.60)


async def test_slow_is_not_silent() -> None:
    async with LoopbackModel(ok("a", "b", "c", "d", pause=0.3)) as server, model_at(server.url, stall=1) as model:
        assert (await hear(model))[0] == "abcd"


async def test_thinking_is_progress_but_not_text() -> None:
    thoughts = ("Heaps ", "are ", "trees.")
    reply = ok("A tree.", reasoning=thoughts, pause=0.3)
    async with LoopbackModel(reply) as server, model_at(server.url, stall=1) as model:
        assert (await hear(model))[0] == "A tree."


@pytest.mark.parametrize(
    "chunks",
    [
        ("<think>Hmm.</think>A tree.",),
        ("<thi", "nk>Hm", "m.</thi", "nk>\n", "\nA ", "tree."),
        ("\n<think>", "Hmm.", "</think>", "A tree."),
        ("A tree.",),
    ],
)
async def test_inline_thoughts_are_dropped(chunks: tuple[str, ...]) -> None:
    assert await answer_to(ok(*chunks)) == "A tree."


@given(thought=st.text("abc<>/think \n"), cuts=st.lists(st.integers(1, 5), max_size=60))
def test_inline_thoughts_are_dropped_wherever_the_chunks_end(thought: str, cuts: list[int]) -> None:
    rest = f"<think>{thought.replace('</think>', '')}</think>\n\nUse `<think>` and </think> in x < y."
    tags, shown = ThinkTags(), ""
    for cut in [*cuts, len(rest)]:
        shown += tags.drop(rest[:cut])
        rest = rest[cut:]
    assert shown + tags.rest() == "Use `<think>` and </think> in x < y."


@pytest.mark.parametrize("text", ["<", "<think", "<b>bold</b>", "x <think>y</think>", "  indented"])
def test_what_only_looks_like_a_thought_is_kept(text: str) -> None:
    tags = ThinkTags()
    assert "".join(tags.drop(letter) for letter in text) + tags.rest() == text


async def test_many_students_at_once_each_get_their_own_answer() -> None:
    texts = [f"Answer {n}." for n in range(20)]
    script = [ok(*text, pause=0.001) for text in texts]
    async with LoopbackModel(*script) as server, model_at(server.url) as model:
        answers = await asyncio.gather(*(hear(model) for _ in texts))
    assert sorted(text for text, _ in answers) == sorted(texts)


@pytest.mark.parametrize("finish", ["stop", "length"])
async def test_an_answer_that_ran_out_of_tokens_is_kept_and_marked(finish: str) -> None:
    async with LoopbackModel(ok("A heap is", finish=finish)) as server, model_at(server.url) as model:
        text, usage = await hear(model)
    assert (text, usage.cut_off) == ("A heap is", finish == "length")


async def test_a_whole_answer_counts_although_the_server_never_hangs_up() -> None:
    finish = (
        b'data: {"id":"1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}'
    )
    reply = raw("A tree.", then=finish + b"\n\n", hold=True)
    async with LoopbackModel(reply) as server, model_at(server.url) as model:
        text, usage = await asyncio.wait_for(hear(model), 5)
    assert text == "A tree."
    assert usage.tokens.completion > 0


# What is tried again.


@pytest.mark.usefixtures("no_waits")
@pytest.mark.parametrize("refusal", [busy(), status(500), status(503), resets(), error_object()])
async def test_a_refusal_before_the_first_piece_is_tried_again(refusal: Reply) -> None:
    async with LoopbackModel(refusal, refusal, ok("A tree.")) as server, model_at(server.url) as model:
        assert (await hear(model))[0] == "A tree."
    assert len(server.requests) == 3


@pytest.mark.usefixtures("no_waits")
@pytest.mark.parametrize("refusal", [busy(), status(500), status(503), resets(), error_object()])
async def test_a_server_that_refuses_three_times_is_busy(refusal: Reply) -> None:
    async with LoopbackModel(refusal) as server, model_at(server.url) as model:
        with pytest.raises(ModelBusy):
            await hear(model)
    assert len(server.requests) == 3


@pytest.mark.usefixtures("no_waits")
async def test_a_server_that_is_not_there_is_busy() -> None:
    async with model_at(f"http://127.0.0.1:{free_port()}/v1") as model:
        with pytest.raises(ModelBusy, match="cannot be reached") as raised:
            await hear(model)
    assert "ERICA_MODEL_API_BASE" in raised.value.hint


async def test_the_servers_wish_to_wait_is_honoured() -> None:
    async with LoopbackModel(busy("0.4"), ok("A tree.")) as server, model_at(server.url) as model:
        assert (await hear(model))[0] == "A tree."
    first, second = server.requests
    assert 0.4 <= second.at - first.at < 4


@pytest.mark.parametrize("wish", ["11", "Wed, 21 Oct 2099 07:28:00 GMT"])
async def test_a_server_that_wants_a_long_wait_is_not_waited_for(wish: str) -> None:
    async with LoopbackModel(busy(wish), ok("A tree.")) as server, model_at(server.url) as model:
        with pytest.raises(ModelBusy):
            await asyncio.wait_for(hear(model), 5)
    assert len(server.requests) == 1


async def test_without_a_wish_the_wait_is_short_and_bounded() -> None:
    async with LoopbackModel(busy(), ok("A tree.")) as server, model_at(server.url) as model:
        await asyncio.wait_for(hear(model), 5)
    first, second = server.requests
    assert 0.4 < second.at - first.at < 4


# How it fails.

FINAL = [
    pytest.param(status(401), ModelFailed, "refused the key", "ERICA_MODEL_API_KEY", id="wrong key"),
    pytest.param(status(403), ModelFailed, "refused the key", "ERICA_MODEL_API_KEY", id="forbidden"),
    pytest.param(status(404, "no such model"), ModelFailed, "not served", "ERICA_MODEL", id="unknown model"),
    pytest.param(status(400, "bad"), ModelFailed, "refused the request", "", id="bad request"),
    pytest.param(status(422, "bad"), ModelFailed, "refused the request", "", id="unprocessable"),
    pytest.param(status(402), ModelFailed, "no credit", "provider", id="payment"),
    pytest.param(
        status(429, "You exceeded your current quota.", code="insufficient_quota"),
        ModelFailed,
        "no credit",
        "provider",
        id="quota",
    ),
    pytest.param(context_too_long(), ContextTooLong, "too long", "", id="context"),
    pytest.param(status(413), ContextTooLong, "too long", "", id="body too large"),
    pytest.param(
        error_object(code=400, message="This model's maximum context length is 9 tokens."),
        ContextTooLong,
        "too long",
        "",
        id="late",
    ),
    pytest.param(stalls(), ModelTimeout, "silent", "ERICA_MODEL_STALL_SECONDS", id="stall"),
    pytest.param(keeps_alive(), ModelTimeout, "silent", "", id="only comments"),
    pytest.param(html(), ModelFailed, "no answer", "ERICA_MODEL_API_BASE", id="a web page"),
    pytest.param(garbage(), ModelFailed, "not a model's answer", "ERICA_MODEL_API_BASE", id="garbage"),
    pytest.param(closes(), ModelFailed, "no answer", "", id="closes at once"),
    pytest.param(ok(), ModelFailed, "empty answer", "", id="empty"),
    pytest.param(ok(" \n"), ModelFailed, "empty answer", "", id="blank"),
    pytest.param(ok("<think>Hmm", finish="length"), ModelFailed, "empty answer", "max_tokens", id="only thoughts"),
    pytest.param(ok(finish="content_filter"), ModelFailed, "content filter", "", id="filter"),
]


@pytest.mark.usefixtures("no_waits")
@pytest.mark.parametrize(("reply", "kind", "message", "hint"), FINAL)
async def test_what_no_retry_can_help_fails_at_once(
    reply: Reply, kind: type[ModelFailed], message: str, hint: str
) -> None:
    stall = HASTY if kind is ModelTimeout else PATIENT
    async with LoopbackModel(reply) as server, model_at(server.url, stall=stall) as model:
        with pytest.raises(ModelFailed, match=message) as raised:
            await asyncio.wait_for(hear(model), 5)
    assert type(raised.value) is kind
    assert hint in raised.value.hint
    assert len(server.requests) == 1


@pytest.mark.usefixtures("no_waits")
@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        pytest.param(stalls("A heap "), ModelTimeout, id="stall"),
        pytest.param(keeps_alive("A heap "), ModelTimeout, id="only comments"),
        pytest.param(garbage("A heap "), ModelFailed, id="garbage"),
        pytest.param(error_object("A heap "), ModelFailed, id="error object"),
        pytest.param(closes("A heap "), ModelFailed, id="clean close"),
        pytest.param(resets("A heap "), ModelFailed, id="reset"),
        pytest.param(ok("A heap ", finish="content_filter"), ModelFailed, id="filter"),
    ],
)
async def test_a_break_in_the_middle_fails_and_is_not_tried_again(reply: Reply, kind: type[ModelFailed]) -> None:
    pieces: list[str] = []
    stall = HASTY if kind is ModelTimeout else PATIENT
    async with LoopbackModel(reply) as server, model_at(server.url, stall=stall) as model:
        with pytest.raises(ModelFailed) as raised:
            await asyncio.wait_for(hear(model, pieces), 5)
    assert type(raised.value) is kind
    assert pieces == ["A heap "]
    assert len(server.requests) == 1


async def test_a_name_without_a_provider_says_what_a_name_looks_like() -> None:
    with pytest.raises(ModelFailed) as raised:
        await answer_to(ok("no"), name="my-model")
    assert "provider/name" in raised.value.hint


async def test_the_next_model_replaces_half_an_answer() -> None:
    async with (
        LoopbackModel(stalls("A heap is a ")) as broken,
        LoopbackModel(ok("Heaps are trees.")) as sound,
        model_at(broken.url, "openai/first", stall=HASTY) as first,
        model_at(sound.url, "openai/second") as second,
    ):
        happened = [event async for event in ModelChain([first, second]).stream(PROMPT, 64)]
    assert happened[0] == Piece("A heap is a ")
    assert isinstance(happened[1], Switched)
    assert happened[2] == Piece("Heaps are trees.")
    assert isinstance(happened[3], Finished)
    assert happened[3].fallback
    assert happened[3].tokens.prompt > 16  # both attempts
    assert len(happened) == 4


# Stopping.


async def test_closing_the_stream_hangs_up() -> None:
    async with LoopbackModel(stalls("A heap ")) as server, model_at(server.url) as model:
        stream = model.stream(PROMPT, 64)
        assert await anext(stream) == "A heap "
        await asyncio.wait_for(stream.aclose(), 3)
        await asyncio.wait_for(server.hung_up.wait(), 3)


@pytest.mark.parametrize("reply", [stalls(), stalls("A heap ")])
async def test_cancelling_the_listener_hangs_up(reply: Reply) -> None:
    async with LoopbackModel(reply) as server, model_at(server.url) as model:
        listener = asyncio.create_task(hear(model))
        await asyncio.wait_for(server.asked.wait(), 5)
        listener.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(listener, 3)
        await asyncio.wait_for(server.hung_up.wait(), 3)


async def test_a_stall_hangs_up() -> None:
    async with LoopbackModel(stalls("A heap ")) as server, model_at(server.url, stall=HASTY) as model:
        with pytest.raises(ModelTimeout):
            await hear(model)
        await asyncio.wait_for(server.hung_up.wait(), 3)


# What stays secret.


@pytest.mark.usefixtures("no_waits")
@pytest.mark.parametrize("code", [400, 401, 404, 429, 500])
async def test_key_and_address_are_in_no_message(
    code: int, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # as the adapter leaves it, whatever caplog asked for
    script: list[Reply] = []
    async with LoopbackModel() as server, model_at(server.url) as model:
        script.append(status(code, f"Incorrect API key provided: {KEY} at {server.url}"))
        server.script = script
        with pytest.raises(ModelFailed) as raised:
            await hear(model)
        shown = [str(raised.value), repr(raised.value), raised.value.hint, repr(model), repr(model._settings)]
        shown += traceback.format_exception(raised.value)
        shown += [record.getMessage() for record in caplog.records if not record.name.startswith("asyncio")]
    printed = capfd.readouterr()
    for text in [*shown, printed.out, printed.err]:
        assert KEY not in text
        assert server.url not in text
        assert "127.0.0.1" not in text
    assert printed.out == ""


@pytest.mark.usefixtures("no_waits")
async def test_an_address_that_cannot_be_reached_is_in_no_message(caplog: pytest.LogCaptureFixture) -> None:
    async with model_at("http://gpu7.campus.invalid:8000/v1") as model:
        with pytest.raises(ModelBusy) as raised:
            await hear(model)
    assert "gpu7" not in "".join(traceback.format_exception(raised.value)) + caplog.text


async def test_a_key_from_the_environment_is_not_handed_to_another_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    async with LoopbackModel(ok("A tree.")) as server, model_at(server.url, key=None) as model:
        await hear(model)
    assert KEY not in str(server.requests[0].headers)


async def test_a_proxy_does_not_stand_between_here_and_here(monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = f"http://127.0.0.1:{free_port()}"
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, proxy)
    served = [{"id": "test-model", "max_model_len": 4096}]
    async with LoopbackModel(ok("A tree."), models=served) as server, model_at(server.url) as model:
        await model.warm_up()
        assert (await hear(model))[0] == "A tree."
    assert model.context_tokens == 4096


@pytest.mark.parametrize("spelling", ["no_proxy", "NO_PROXY"])
def test_the_operators_exceptions_from_the_proxy_stay(spelling: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.campus.edu:3128")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv(spelling, "gpu.campus.edu, .internal")
    litellm_library.keep_loopback_direct()
    assert all(urllib.request.proxy_bypass(host) for host in ("gpu.campus.edu", "a.internal", "127.0.0.1", "localhost"))
    assert not urllib.request.proxy_bypass("api.openai.com")


# The window.


async def test_the_server_is_asked_once_how_long_a_prompt_may_be() -> None:
    served = [{"id": "other", "max_model_len": 99}, {"id": "test-model", "max_model_len": 32768}]
    async with LoopbackModel(models=served) as server, model_at(server.url) as model:
        assert model.context_tokens == 8192
        await asyncio.gather(*(model.warm_up() for _ in range(5)))
        await model.warm_up()
        assert model.context_tokens == 32768
    [request] = server.model_requests
    assert request.headers["Authorization"] == f"Bearer {KEY}"


async def test_the_operators_word_on_the_window_is_final() -> None:
    served = [{"id": "test-model", "max_model_len": 32768}]
    async with LoopbackModel(models=served) as server, model_at(server.url, context=2048) as model:
        await model.warm_up()
        assert model.context_tokens == 2048
    assert not server.model_requests


async def test_a_known_model_has_a_known_window() -> None:
    async with LoopbackModel() as server, model_at(server.url, "openai/gpt-4o-mini") as model:
        await model.warm_up()
        assert model.context_tokens == 128_000


async def test_a_server_that_is_down_leaves_the_default() -> None:
    async with model_at(f"http://127.0.0.1:{free_port()}/v1") as model:
        await asyncio.wait_for(model.warm_up(), 5)
        assert model.context_tokens == 8192


@pytest.mark.parametrize("served", [[{"id": 3}], [{"id": "test-model", "max_model_len": "lots"}], ["test-model"]])
async def test_an_odd_list_of_models_leaves_the_default(served: list[object]) -> None:
    async with LoopbackModel(models=served) as server, model_at(server.url) as model:
        await model.warm_up()
        assert model.context_tokens == 8192
    assert len(server.model_requests) == 1


async def test_ollama_is_told_how_much_to_read() -> None:
    async with (
        LoopbackModel(ollama("A ", "tree.")) as server,
        model_at(server.url.removesuffix("/v1"), "ollama_chat/qwen3:8b", context=6000) as model,
    ):
        assert await hear(model) == ("A tree.", ModelUsage(Tokens(9, 3), 0.0))
    assert server.requests[0].body["options"]["num_ctx"] == 6000


# Tokens.


@pytest.mark.parametrize(
    "name",
    ["openai/gpt-4o", "openai/unheard-of", "hosted_vllm/meta/llama-3-8b", "anthropic/claude-2", "cohere/command-r"],
)
def test_counting_tokens_never_touches_the_network(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the network was touched")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    model = LitellmModel(ModelSettings(name))
    text = "A binary heap is a complete tree in an array. " * 20
    assert 180 < model.count_tokens(text) < 260
    assert model.count_tokens("") == 0
    assert model.count_tokens("<|endoftext|>") > 0


# A process of its own: what importing costs, prints and reads.


def run_python(code: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": path, **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_nothing_heavy_is_imported_before_it_is_needed(tmp_path: Path) -> None:
    code = """
        import sys
        from bot.adapters.litellm import LitellmModel, ModelSettings
        model = LitellmModel(ModelSettings("openai/test-model"))
        assert model.count_tokens("x" * 35) == 10
        assert model.context_tokens == 8192
        assert not {"litellm", "openai", "tiktoken"} & set(sys.modules)
    """
    done = run_python(code, tmp_path)
    assert done.returncode == 0, done.stderr


def test_stdout_belongs_to_the_answer(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("LEFT_LYING_AROUND=yes\n")
    code = """
        import asyncio, logging, os
        from loopback_model import LoopbackModel, busy, error_object, ok
        from bot.adapters.litellm import LitellmModel, ModelSettings
        from bot.errors import ModelFailed
        from bot.ports import ChatMessage

        async def main() -> None:
            async with LoopbackModel(busy("0.1"), ok("fine"), error_object("half")) as server:
                model = LitellmModel(ModelSettings("openai/test-model", server.url))
                await model.warm_up()
                logging.getLogger("LiteLLM").warning("litellm speaks for itself")
                async for _ in model.stream([ChatMessage("user", "?")], 9):
                    pass
                try:
                    async for _ in model.stream([ChatMessage("user", "?")], 9):
                        pass
                except ModelFailed:
                    print("the only line")
                await model.aclose()
            assert "LEFT_LYING_AROUND" not in os.environ

        asyncio.run(main(), debug=False)
    """
    done = run_python(code, tmp_path, LITELLM_LOG="DEBUG")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "the only line\n"
    assert "Traceback" not in done.stderr
    assert "speaks" not in done.stderr
