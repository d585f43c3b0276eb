"""Pure: whether a message asks anything, or is thanks, a greeting, or nothing at all.

What `retrieval.question.clean` leaves nothing of can never be searched; other languages and emoji come on top here.
When in doubt it is a question.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Literal

from retrieval.question import clean

Courtesy = Literal["thanks", "greeting", "nothing", "question"]

_LONGEST = 200
"""Characters; nobody is polite for longer than that."""

_MENTION = re.compile(r"<[@#!][^>\s]{1,80}>|(?<![\w`.])@(?:erica|everyone|here|channel)\b", re.IGNORECASE)
_EMOJI_CODE = re.compile(r"<a?:\w{1,40}:\d{1,20}>|:[a-z0-9_+'-]{1,40}:(?::skin-tone-\d:)?|[0-9#*]\ufe0f?\u20e3")
_FACE = re.compile(r"(?<!\w)(?:[:;=8xX]['-]?[)dDpP*](?!\w)|<3+(?!\w)|\^_*\^|\(y\))")
_PUZZLED = re.compile(
    r"[❓❔⁉🤔😕🤷🆘👎]|:(?:question|grey_question|thinking(?:_face)?|confused|shrug|sos|-1|thumbsdown):"
)
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")

_THANKS = """
thanks; thank you; thank u; thankyou; thx; tnx; thnx; ty; tysm; tyvm; cheers; kudos; much appreciated; appreciate it;
appreciated; i appreciate it; many thanks; thanks again; thank you again; thanks in advance; no thanks; no thank you
ok; okay; okey; k; kk; alright; all right; all good; all clear; great; cool; nice; perfect; awesome; amazing;
wonderful; excellent; brilliant; fantastic; lovely; sweet; neat; super; wow; yay; good; got it; i got it; gotcha;
got it now; i got it now; understood; i understand; i understand now; i see; i get it; i get it now; makes sense;
makes sense now; that makes sense; it makes sense; clear; clear now; all clear now; sounds good; well done; good job;
great job; good bot; nice one; good one; great answer; good answer; nice answer; perfect answer; great explanation;
good explanation; nice explanation; clear explanation; great help; that helps; that helped; this helps; this helped;
it helps; it helped; helps a lot; helped a lot; that helps a lot; that helped a lot; this helps a lot; helpful;
very helpful; super helpful; that was helpful; that was very helpful; this is helpful; this was helpful;
that is helpful; that's helpful; that's great; that is great; this is great; that's perfect; that is perfect;
this is perfect; that's clear; that is clear; that's clear now; that is clear now; that was great; that's it;
that is it; that's all; that is all; you rock; you're the best; you are the best; you're great; you are great;
love it; i love it; i love you; you too; same to you; no worries; no problem; np; never mind; nevermind; nvm;
bye; bye bye; goodbye; good bye; see you; see ya; good night; have a nice day; have a good day; have a great day
gracias; muchas gracias; mil gracias; merci; merci beaucoup; merci bien; danke; danke schön; danke dir; danke sehr;
vielen dank; besten dank; dankeschön; dank je; dank je wel; bedankt; dank u; grazie; grazie mille; mille grazie;
obrigado; obrigada; muito obrigado; muito obrigada; tack; tack så mycket; takk; tusen takk; tak; mange tak; kiitos;
dzięki; dziękuję; dziekuje; díky; děkuji; hvala; köszönöm; mulțumesc; multumesc; efharisto; ευχαριστώ; спасибо;
большое спасибо; дякую; teşekkürler; teşekkür ederim; sağ ol; cảm ơn; cám ơn; terima kasih; salamat; asante;
shukran; شكرا; شكرًا; متشکرم; ممنون; תודה; धन्यवाद; dhanyavaad; shukriya;
谢谢; 谢谢你; 谢谢您; 謝謝; 多谢; 多謝; 感谢; 好的;
ありがとう; ありがとうございます; ありがとうございました;
arigato; 감사합니다; 고마워; 고마워요; 고맙습니다;
ขอบคุณ; ขอบคุณครับ; ขอบคุณค่ะ
"""
_GREETINGS = """
hi; hii; hey; heya; hello; helo; hiya; yo; howdy; greetings; good morning; good afternoon; good evening; good day;
morning; hi there; hey there; hello there; sup
hola; buenos días; buenos dias; buenas; buenas tardes; buenas noches; bonjour; bonsoir; salut; coucou; hallo;
guten tag; guten morgen; guten abend; moin;
servus; grüezi; goedemorgen; goedendag; ciao; salve; buongiorno; buonasera; olá; ola;
oi; bom dia; boa tarde; boa noite; hej; hei; moi; cześć; czesc; dzień dobry; ahoj; dobrý den; szia;
bună; γεια; γεια σου; привет; здравствуйте; добрый день; привіт; merhaba; selam; xin chào;
halo; salam; assalamu alaikum; سلام; مرحبا;
السلام عليكم; שלום; नमस्ते; namaste; 你好; 您好; こんにちは; おはよう; おはようございます; こんばんは;
안녕; 안녕하세요; สวัสดี; สวัสดีครับ; สวัสดีค่ะ
"""
_FILLERS = """
erica; so much; very much; a lot; a bunch; a million; a ton; very; much; really; all; everyone; everybody; there; guys;
folks; prof; professor; oh; ah; aha; haha; hehe; lol; yes; yeah; yep; for your help; for the help; for helping;
for your time; for the explanation; for explaining; for your answer; for the answer; for the quick answer;
for the example; for that; for this; to you
"""


def courtesy(text: str) -> Courtesy:
    """What a message is. `thanks` is all that needs no answer: also an "ok", an emoji, a goodbye."""
    if len(text) > _LONGEST:
        return "question"
    bare = _MENTION.sub(" ", text)
    spoken = _FACE.sub(" ", _EMOJI_CODE.sub(" ", bare))
    said = [word.replace("’", "'") for word in _WORD.findall(unicodedata.normalize("NFKC", spoken).casefold())]
    if not said:
        return _wordless(bare)
    kinds = _phrases(said)
    if kinds and ("?" not in text or len(said) == 1 or "filler" not in kinds):
        if "thanks" in kinds:
            return "thanks"
        if "greeting" in kinds:
            return "greeting"
    if not clean(text):
        return "thanks" if kinds and "thanks" in kinds else "greeting"
    return "question"


def _wordless(bare: str) -> Courtesy:
    """Of emoji and punctuation: those that show somebody at a loss are no thanks."""
    if _PUZZLED.search(bare):
        return "nothing"
    shown = _EMOJI_CODE.search(bare) or _FACE.search(bare)
    return "thanks" if shown or any(unicodedata.category(char) == "So" for char in bare) else "nothing"


def _phrases(said: list[str]) -> set[str] | None:
    """The kinds of the phrases that the words are made of, the longest first; None if there are other words."""
    kinds: set[str] = set()
    place = 0
    while place < len(said):
        longest = min(_MOST_WORDS, len(said) - place)
        found = next((size for size in range(longest, 0, -1) if tuple(said[place : place + size]) in _KINDS), 0)
        if not found:
            return None
        kinds.add(_KINDS[tuple(said[place : place + found])])
        place += found
    return kinds


def _listed(phrases: str, kind: str) -> Iterable[tuple[tuple[str, ...], str]]:
    for phrase in re.split(r"[;\n]", phrases):
        if phrase.strip():
            yield tuple(_WORD.findall(unicodedata.normalize("NFKC", phrase).casefold())), kind


_KINDS: Mapping[tuple[str, ...], str] = dict(
    [*_listed(_FILLERS, "filler"), *_listed(_GREETINGS, "greeting"), *_listed(_THANKS, "thanks")]
)
_MOST_WORDS = max(map(len, _KINDS))
