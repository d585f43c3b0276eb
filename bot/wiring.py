"""The composition root: the only place that picks classes."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from bot.concept_extractor import ModelConceptExtractor
from bot.course import Course
from bot.errors import ConfigError, EricaError
from bot.feedback import FeedbackBook
from bot.model_chain import ModelChain
from bot.ports import ChatModel, Memory
from bot.settings import Settings
from bot.tutor import CourseVoice, Tutor
from prompts.builder import BadTemplate, PromptBuilder
from prompts.extraction import ExtractionPrompt
from retrieval.adapters.bm25 import Bm25Encoder
from retrieval.adapters.file_edit_log import FileEditLog
from retrieval.adapters.local_graph import LocalGraphCache
from retrieval.adapters.local_model import describe
from retrieval.adapters.qdrant_edge import EdgeIndexStore
from retrieval.chunking import Chunking
from retrieval.concepts.catalog import ConceptCatalog
from retrieval.errors import EmbedderMisnamed, EmbedderUnavailable, IndexMismatch
from retrieval.manifest import Manifest
from retrieval.ports import EditLog, Embedder, GraphCache, IndexStore, Progress
from retrieval.results import Options
from retrieval.retriever import Retriever

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from bot.adapters.redis_intake import RedisIntake
    from retrieval.ingest import IngestReport

Notice = Callable[[str], None]
"""Tells the person at the console, or the log, one line that they should know."""


@dataclass(frozen=True)
class Wiring:
    """Builds what a command needs from the settings of this process; models are loaded once, for all courses."""

    settings: Settings
    notice: Notice

    def store(self, course: Course) -> IndexStore:
        """Qdrant Edge in the data folder, or the server that ERICA_QDRANT_URL names."""
        if self.settings.qdrant_url:
            from retrieval.adapters.qdrant_server import QdrantIndexStore, connect

            key = self.settings.qdrant_api_key
            client = connect(self.settings.qdrant_url, key.get_secret_value() if key else None)
            return QdrantIndexStore(client, course.id)
        return EdgeIndexStore(self.settings.data_dir / "indexes" / course.id)

    def retriever(self, course: Course, redis: "Redis | None" = None) -> Retriever:
        """The retriever of one course; it opens its index with the first search.

        Without `redis` concept cards are made in this process, which is right for a single question.
        """
        catalog = ConceptCatalog(self._graph_cache(course, redis), self.edit_log(course, redis), course.today)
        return Retriever(self.store(course), Bm25Encoder(), self._embedder_of, course.today, catalog)

    def _graph_cache(self, course: Course, redis: "Redis | None") -> GraphCache:
        if redis is None:
            return LocalGraphCache()
        from retrieval.adapters.redis_graph import RedisGraphCache

        return RedisGraphCache(redis, course.id)

    def edit_log(self, course: Course, redis: "Redis | None" = None) -> EditLog:
        """What staff did to the course's concepts: in the Redis of ERICA_REDIS_URL, else in the data folder."""
        if self.settings.redis_url is None or redis is None:
            return FileEditLog(self.settings.data_dir / "edits" / f"{course.id}.jsonl")
        from retrieval.adapters.redis_edit_log import RedisEditLog

        return RedisEditLog(redis, course.id)

    def options(self, course: Course) -> Options:
        """The course's own knobs."""
        answers = course.answers
        return Options(
            passages=answers.passages,
            prerequisite_depth=answers.prerequisite_depth,
            max_concepts=answers.max_concepts,
            context_tokens=answers.context_tokens,
        )

    def tutor(
        self,
        course: Course,
        redis: "Redis | None" = None,
        options: Options | None = None,
        retriever: Retriever | None = None,
    ) -> Tutor:
        """The tutor of one course; without `redis` it remembers no threads, without `retriever` it has its own."""
        return Tutor(
            CourseVoice(course.course.title, course.answers.style, course.has_unreleased),
            retriever or self.retriever(course, redis),
            self.prompts(course),
            self.models,
            self.memory(redis),
            options or self.options(course),
        )

    def prompts(self, course: Course) -> PromptBuilder:
        """Erica's templates, and the course's own where it has some. Raises ConfigError for those that do not work."""
        own = course.answers.prompts
        try:
            return PromptBuilder(course.root / own.expanduser() if own else None)
        except BadTemplate as error:
            raise ConfigError(str(error), "Correct the templates, or `prompts` in the course file.") from error

    @cached_property
    def models(self) -> ModelChain | None:
        """The answering models in the order they are tried, None where none is configured."""
        if not self.settings.models:
            return None
        return ModelChain([self.model(name) for name in self.settings.models])

    def model(self, name: str) -> ChatModel:
        """One model; address and key are meant for the provider of ERICA_MODEL and go to no other."""
        from bot.adapters.litellm import LitellmModel, ModelSettings

        settings = self.settings
        same = name.partition("/")[0] == settings.models[0].partition("/")[0]
        return LitellmModel(
            ModelSettings(
                name=name,
                api_base=settings.model_api_base if same else None,
                api_key=settings.model_api_key if same else None,
                stall_seconds=settings.model_stall_seconds,
            )
        )

    def memory(self, redis: "Redis | None") -> Memory | None:
        """What threads remember."""
        if redis is None:
            return None
        from bot.adapters.redis_memory import RedisMemory

        return RedisMemory(redis)

    def intake(self, redis: "Redis") -> "RedisIntake":
        """Where platforms' events are kept until they have been answered."""
        from bot.adapters.redis_intake import RedisIntake

        return RedisIntake(redis)

    def feedback(self, redis: "Redis") -> FeedbackBook:
        """What students think of answers."""
        from bot.adapters.redis_feedback import RedisFeedback

        return RedisFeedback(redis)

    @asynccontextmanager
    async def redis(self, private: bool = False) -> "AsyncIterator[Redis | None]":
        """The Redis of ERICA_REDIS_URL; without one None, or a private Valkey that runs while it is used.

        Raises ConfigError, and EricaError where the private one cannot be started.
        """
        if self.settings.redis_url is None and not private:
            yield None
            return
        from bot.adapters.redis_client import connect
        from bot.adapters.valkey import private_valkey

        async with AsyncExitStack() as stack:
            if self.settings.redis_url is not None:
                url = self.settings.redis_url.get_secret_value()
            else:
                url = await stack.enter_async_context(private_valkey(self.settings.data_dir))
            client = connect(url)
            stack.push_async_callback(client.aclose)
            yield client

    def concept_extractor(self, course: Course) -> ModelConceptExtractor | None:
        """A model that reads the sections too, where the course file asks for it; new for every build, for it
        holds the budget. Raises ConfigError for a template that does not work."""
        wanted = course.concepts
        if not wanted.model:
            return None
        if not self.settings.models:
            self.notice("[concepts] model = true, but ERICA_MODEL is not set: concepts come from the material alone.")
            return None
        own = course.answers.prompts
        try:
            prompt = ExtractionPrompt(course.root / own.expanduser() if own else None)
        except BadTemplate as error:
            raise ConfigError(str(error), "Correct the templates, or `prompts` in the course file.") from error
        return ModelConceptExtractor(self.model(self.settings.models[0]), prompt, wanted.max_calls, wanted.max_usd)

    async def ingest(self, course: Course, progress: Progress, force: bool = False) -> "IngestReport":
        """Build the course's next index. Raises EricaError where another ingest of it is running."""
        # All the readers, and what finds concepts: half a second that no question needs.
        from retrieval.concepts.extraction import ExtractionCache
        from retrieval.concepts.making import ModelReading
        from retrieval.ingest import Material, ingest

        chunking = Chunking(course.chunking.target, course.chunking.smallest)
        material = Material(course.id, course.sources, course.root, chunking)
        lock = FileLock(self._folder("locks") / f"ingest-{course.id}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise EricaError(
                f"another `erica ingest` of {course.id} is running on {self.settings.data_dir}",
                "Wait for it to end; its index will be the current one.",
            ) from error
        try:
            # Not in a thread: nothing else waits for the loop, and Ctrl-C could not end a download there.
            embedder = self._embedder_to_build()
            missed = self.embedding_name() if embedder is None else None
            extractor = self.concept_extractor(course)
            cache = ExtractionCache(self._folder("extractions"))
            reading = ModelReading(extractor, cache, course.concepts.concurrency) if extractor else None
            store = self.store(course)
            return await ingest(material, store, Bm25Encoder(), embedder, progress, force, missed, reading)
        finally:
            lock.release()

    def _folder(self, name: str) -> Path:
        folder = self.settings.data_dir / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(
                f"cannot write to the data folder {self.settings.data_dir}: {error.strerror}",
                "Set ERICA_DATA_DIR to a folder that this user may write to.",
            ) from error
        return folder

    @cached_property
    def _loaded(self) -> Embedder:
        from retrieval.adapters.fastembed import load_embedder

        return load_embedder(
            self.settings.embedding_model, self.settings.embedding_path, self.settings.data_dir / "models"
        )

    def embedder(self) -> Embedder:
        """The configured embedding model, loaded once. Raises EmbedderUnavailable."""
        return self._loaded

    def _embedder_to_build(self) -> Embedder | None:
        try:
            return self.embedder()
        except EmbedderMisnamed as error:
            raise ConfigError(str(error), error.hint) from error
        except EmbedderUnavailable as error:
            self.notice(f"Lexical search only: {error}. {error.hint}")
            return None

    def _embedder_of(self, manifest: Manifest) -> Embedder | None:
        """The embedder that an index was built with."""
        if manifest.embedding is None:
            return None
        if manifest.embedding != self.embedding_name():
            raise IndexMismatch(
                f"the index was built with {manifest.embedding}, the settings name {self.embedding_name()}",
                "Run `erica ingest` again, or set ERICA_EMBEDDING_MODEL or ERICA_EMBEDDING_PATH back.",
            )
        try:
            return self.embedder()
        except EmbedderUnavailable as error:
            self.notice(f"Lexical search only: {error}. {error.hint}")
            return None

    def embedding_name(self) -> str:
        """What an index built with the configured model would say. Raises ConfigError for a bad folder."""
        if self.settings.embedding_path is None:
            return self.settings.embedding_model
        try:
            return describe(self.settings.embedding_path).name
        except EmbedderUnavailable as error:
            raise ConfigError(str(error), error.hint) from error
