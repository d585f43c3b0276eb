"""What can go wrong in retrieval.

RetrievalError
├── SourceError        a source of the course file cannot be read at all
├── UnreadableFile     one file of a source is skipped, `reason` says why
├── EmbedderUnavailable  the embedding model cannot be had; search goes on without its arm
│   └── EmbedderMisnamed it never can: the name or the folder that was given is wrong
├── IndexMissing       nothing has been ingested yet
│   └── NoEarlierIndex   there is nothing to go back to
├── IndexMismatch      the index was built with another embedding model or format
├── IndexRejected      a new index was built but is too suspicious to switch to
├── EmptyQuestion      there are no words to search for
├── QuestionTooLong    nobody asks that much at once
├── ExtractionFailed   a model named no usable concepts for a section
├── BudgetSpent        the model may not be asked again in this build
└── StoreError         Qdrant or the disk failed
    └── IndexDamaged   the index is there and cannot be used; a new one may take its place
"""


class RetrievalError(Exception):
    """Root of what retrieval raises. `hint` says what the operator can do, in one sentence."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class SourceError(RetrievalError):
    """A source as a whole cannot be read: its folder is missing, its site refuses."""


class UnreadableFile(RetrievalError):
    """One file cannot become a document. The message is the reason shown in the summary."""


class EmbedderUnavailable(RetrievalError):
    """The embedding model cannot be loaded."""


class EmbedderMisnamed(EmbedderUnavailable):
    """There is no such embedding model, or the folder does not hold one."""


class IndexMissing(RetrievalError):
    """There is no index for this course yet."""


class NoEarlierIndex(IndexMissing):
    """There is no index before the current one."""


class IndexMismatch(RetrievalError):
    """The index does not fit the embedding model or the format of this version."""


class IndexRejected(RetrievalError):
    """A new index looks wrong (empty, or far smaller than the last) and was not switched in."""


class EmptyQuestion(RetrievalError):
    """There are no words in the question."""


class QuestionTooLong(RetrievalError):
    """The question is longer than anything worth searching for."""


class ExtractionFailed(RetrievalError):
    """A model's answer about a section cannot be used."""


class BudgetSpent(RetrievalError):
    """Nothing more may be spent on a model in this build."""


class StoreError(RetrievalError):
    """The vector store or the disk below it failed."""


class IndexDamaged(StoreError):
    """The current index exists but cannot be read, and never will be."""
