"""Retrieval's errors as Erica's own, for whoever calls the retriever."""

from collections.abc import Iterator
from contextlib import contextmanager

from bot.errors import EmptyQuestion, RetrievalFailed, TooLong
from retrieval import errors


@contextmanager
def translated() -> Iterator[None]:
    """Within it, what retrieval raises becomes EmptyQuestion, TooLong or RetrievalFailed."""
    try:
        yield
    except errors.EmptyQuestion as error:
        raise EmptyQuestion(str(error), error.hint) from error
    except errors.QuestionTooLong as error:
        raise TooLong(str(error), error.hint) from error
    except errors.RetrievalError as error:
        raise RetrievalFailed(str(error), error.hint) from error
