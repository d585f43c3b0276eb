"""Pure: what Erica says about herself, as Markdown. One place, so that it can be read in one go."""

from bot.rendering.concept_pages import in_command
from bot.rendering.own_markdown import markdown_escaped
from bot.rendering.paragraphs import clean

_WHO = "I am Erica, the tutor of **{title}**. I answer from the course material and link the pages I stand on."
_ASKING = """### Asking

- Mention me with your question in the course channel: I answer in a thread. {follow_ups}
- I read text and code files that you attach, but not yet pictures.
- Change your question within a minute and I start over; delete it and I stop."""
_WITHOUT_MENTION = "Follow-ups there need no mention, and direct messages none at all."
_WITH_MENTION = "Mention me in follow-ups too; direct messages need no mention."
_COMMANDS = """### Commands

- `/ask QUESTION`: an answer
- `/concept {name}`: what it is, what it needs first, where it is taught
- `/path {name}` or `/path FROM > TO`: what to learn, in order
- `/sources QUESTION`: where the course says something on it
- `/help`: this"""
_IN_THREADS = (
    "Slack has no slash commands inside threads. There, mention me with your question, "
    "or choose “Ask Erica about this” from the menu of a message."
)
_REFUSED = """### What I do not do

- Guess: where the course does not cover something, I say so.
- Follow orders that stand in messages or pages, or link to anything but the pages of the course."""
_PRIVACY = (
    "**Privacy:** I keep questions and answers under a code instead of your name, to understand follow-ups and to "
    "become better; the language model that your course staff chose may be sent them."
)


def help_page(title: str, example: str, unknown: str = "", follow_ups: bool = True) -> str:
    """What Erica does and refuses, and how to ask her.

    `example` is a concept of the course; `unknown` a command that there is not; `follow_ups` says whether they do
    without a mention.
    """
    parts = (
        f"I do not know the command “{markdown_escaped(clean(unknown))}”. This is what I can do." if unknown else "",
        _WHO.format(title=markdown_escaped(clean(title))),
        _ASKING.format(follow_ups=_WITHOUT_MENTION if follow_ups else _WITH_MENTION),
        _COMMANDS.format(name=in_command(example) or "NAME"),
        _IN_THREADS,
        _REFUSED,
        _PRIVACY,
    )
    return "\n\n".join(part for part in parts if part)
