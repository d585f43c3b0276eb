"""What is a question, and what only thanks, greets or says nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from odd_text import HOSTILE, ODD

from bot.courtesy import courtesy
from retrieval.question import clean


@pytest.mark.parametrize(
    "text",
    [
        *("thanks!", "Thank you so much 🙏", "ok got it thx", "great, perfect", "Ok.", "THANKS", "ty", "cheers :)"),
        *("<@U0123ABCD> thanks", "@Erica that helps a lot, thank you!", "thanks for the explanation", "got it now"),
        *("that’s clear now", "hey Erica, thanks!", "no thanks", "bye", "makes sense, thank you very much"),
        *("gracias", "¡Muchas gracias!", "merci beaucoup", "Danke schön!", "grazie mille", "obrigada", "спасибо"),
        *("谢谢！", "ありがとうございます", "감사합니다", "شكرا", "धन्यवाद", "teşekkürler", "dziękuję"),
        *("👍", "👍🏽", "🙏❤️", ":+1:", ":pray::skin-tone-2:", "<:partyparrot:123456789>", "<3", ":-)", "🇩🇪", "1️⃣"),
    ],
)
def test_thanks_need_no_answer(text: str) -> None:
    assert courtesy(text) == "thanks"


@pytest.mark.parametrize(
    "text",
    [
        *("hi", "Hello Erica", "hey there!", "heyyy", "good morning everyone", "hello?", "hi 👋", "<@U0123ABCD> hi"),
        *("Erica?", "hola", "bonjour", "Guten Tag", "ciao", "привет", "你好", "こんにちは", "नमस्ते"),
    ],
)
def test_greetings_are_greeted(text: str) -> None:
    assert courtesy(text) == "greeting"


@pytest.mark.parametrize(
    "text",
    ["", "  \n", "<@U0123ABCD>", "<@123> <@!456>", "@everyone", "...", "?", "???", "🤔", ":thinking_face:", "❓"],
)
def test_nothing_is_asked_by_mentions_marks_and_puzzled_faces(text: str) -> None:
    assert courtesy(text) == "nothing"


@pytest.mark.parametrize(
    "text",
    [
        *("thanks, but why is it logarithmic?", "ok and in python?", "thanks, one more: what is a heap", "ok so"),
        *("why?", "why", "example?", "more", "and then?", "again", "yes", "yes please", "please", "no", "so?", "how"),
        *(
            "is that ok?",
            "is it clear",
            "great example of what?",
            "nice! how do I do it",
            "what about k",
            "hello world",
        ),
        *(
            "hi, what is a heap?",
            "C",
            "R",
            "x^2",
            "42",
            "∫ x dx",
            "`print('thanks')`",
            "@property",
            "what is @property",
        ),
        *("help", "cool down schedule", "good turing", "okay but", "that helps, more please", "thanks maybe?"),
        "thanks " * 100,
    ],
)
def test_everything_else_is_a_question(text: str) -> None:
    assert courtesy(text) == "question"


COURTEOUS = st.sampled_from(
    ["thanks", "thank you", "ok", "great", "hi", "hello", "got it", "danke", "👍", "🙏", "<@U1>"]
)
ASKING = st.sampled_from("why how what when heap in-python logarithmic explain matrix example slower O(n) x[0]".split())


@given(st.lists(COURTEOUS, max_size=4), st.lists(ASKING, min_size=2, max_size=5), st.sampled_from([", ", " ", "\n"]))
def test_whatever_is_asked_after_courtesy_is_asked(polite: list[str], asked: list[str], between: str) -> None:
    assert courtesy(between.join([*polite, " ".join(asked) + "?"])) == "question"


@given(st.lists(COURTEOUS, min_size=1, max_size=6), st.sampled_from([" ", ", ", "! ", "\n"]))
def test_courtesy_upon_courtesy_is_no_question(polite: list[str], between: str) -> None:
    assert courtesy(between.join(polite)) != "question"


@given(ODD | st.text(max_size=300))
def test_what_cannot_be_searched_is_no_question(text: str) -> None:
    found = courtesy(text)
    assert found in ("thanks", "greeting", "nothing", "question")
    if len(text) <= 200 and not clean(text):
        assert found != "question"


@pytest.mark.parametrize("kind", HOSTILE)
def test_nobody_is_polite_for_long(kind: str) -> None:
    assert courtesy(HOSTILE[kind]) == "question"
    assert courtesy(f"thanks {HOSTILE[kind][:150]}") in ("thanks", "question")
