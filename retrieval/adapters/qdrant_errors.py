"""What the Qdrant client raises, said in our words."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from qdrant_client.common.client_exceptions import QdrantException
from qdrant_client.http.exceptions import ApiException, UnexpectedResponse

from retrieval.errors import StoreError


@contextmanager
def translated() -> Iterator[None]:
    """Raise StoreError for whatever the client, the network or the server comes up with.

    ValueError is among them: it is what the client's local mode says for a collection that is not there.
    """
    try:
        yield
    except UnexpectedResponse as error:
        refused = error.status_code in (401, 403)
        hint = "Check ERICA_QDRANT_API_KEY." if refused else "Check the server's log and its free space."
        raise StoreError(f"Qdrant answered {_said(error)}", hint) from error
    except (ApiException, QdrantException, httpx.HTTPError, OSError, ValueError) as error:
        source = getattr(error, "source", error)  # the client wraps what really happened
        raise StoreError(
            f"Qdrant: {type(source).__name__} {source}".rstrip(),
            "Check ERICA_QDRANT_URL, and that the server there is up.",
        ) from error


def _said(error: UnexpectedResponse) -> str:
    """Status and the server's own words, where it is Qdrant that answered and not something before it."""
    try:
        words = str(error.structured()["status"]["error"])
    except (ValueError, KeyError, TypeError):
        words = error.reason_phrase
    return f"{error.status_code}: {words}"
