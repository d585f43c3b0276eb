"""Pure: who a student is without saying who: keyed hashes (HMAC-SHA-256) of platform and user id."""

import hashlib
import hmac
import json


class Pseudonyms:
    """Made with one secret key. The same person has another pseudonym in every course and on every platform."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def student(self, course: str, platform: str, user: str) -> str:
        """Of a student in one course; 32 hexadecimal digits."""
        return self._hash("student", course, platform, user)

    def rater(self, platform: str, user: str) -> str:
        """Of somebody who rates an answer, whichever course it is of."""
        return self._hash("rater", platform, user)

    def _hash(self, *parts: str) -> str:
        message = json.dumps(parts).encode("utf-8", "surrogatepass")
        return hmac.new(self._key, message, hashlib.sha256).hexdigest()[:32]
