"""One session: an image that may be open, and the commands that run on it."""

from __future__ import annotations

import time
from contextlib import nullcontext, suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from pyqio.base.errors import BlockError, MismatchError, OpenError, OutcomeMismatch, VerifyError
from pyqio.base.record import Record
from pyqio.block.emulate import WINDOW
from pyqio.block.graph import Graph
from pyqio.block.secrets import Secrets
from pyqio.commands import index
from pyqio.commands.pool import Pool
from pyqio.commands.rejected import Answered, Rejected
from pyqio.commands.request import diverged
from pyqio.commands.results import (
    Checked,
    CheckFailed,
    Diverged,
    Failed,
    Found,
    GuessedRaw,
    PatternMismatch,
    Refused,
    Said,
    Unknown,
    Verified,
    Warned,
    is_failure,
)
from pyqio.commands.settings import Settings
from pyqio.render.choice import choose
from pyqio.verify.journal import Journal, Outcome
from pyqio.verify.pair import pair_below

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from pyqio.base.types import OpenFlags
    from pyqio.block.image import Image
    from pyqio.commands.command import Command
    from pyqio.commands.pool import Request
    from pyqio.commands.position import Position
    from pyqio.commands.results import Result
    from pyqio.render.choice import Renderer
    from pyqio.session.environment import Environment
    from pyqio.verify.findings import Findings


# Statuses of the process.
OK: Final = 0
FAILED: Final = 1
USAGE: Final = 2
DIVERGED: Final = 3


_OK: Final = Outcome()
_OK_BOTH: Final = Outcome("ok", "ok", "ok")


class Personality(Record):
    """What the program's name decides.

    ``program``: the name in messages.  ``own``: pyqio's own commands, quoting, comments and explanations.
    ``diverged``: the status of a session in which a verified pair did not agree.
    """

    program: str
    own: bool
    diverged: int


PYQIO: Final = Personality(program="pyqio", own=True, diverged=DIVERGED)
QEMU_IO: Final = Personality(program="qemu-io", own=False, diverged=FAILED)


def _is_simple(text: str) -> bool:
    """Whether a line is blanks and words, and nothing else: nearly all are, and need no tokenizer."""
    return not (";" in text or "#" in text or '"' in text or "'" in text or "\\" in text or "\n" in text)


class Session:
    """Runs commands, and remembers the worst that happened.

    ``status`` is the exit status so far; ``stopping`` is set by ``quit`` and where a disagreement ends the session;
    ``divergences`` are the disagreements of verified pairs so far; ``stop_on_divergence``: they end it.
    Implements commands.context.Context.
    """

    def __init__(
        self,
        environment: Environment,
        personality: Personality = PYQIO,
        *,
        renderer: Renderer | None = None,
        stop_on_divergence: bool = True,
    ) -> None:
        self.environment = environment
        self.personality = personality
        self.settings = Settings()
        self.renderer = renderer or self._chosen_renderer()
        if renderer is None:
            self.settings.changed.append(self._choose_renderer)
        self.stop_on_divergence = stop_on_divergence
        self.clock = environment.clock
        self.window = bytearray(WINDOW)
        self.view = memoryview(self.window)
        self.pool = Pool()
        self.status = OK
        self.stopping = False
        self.image_opts = False
        self.follow = "all"
        self.divergences: list[VerifyError] = []
        self.secrets = Secrets()
        self.journal = Journal()
        self._graph = Graph(probe_pairs=not personality.own, secrets=self.secrets)
        self._image: Image | None = None
        self._evaluate = self.evaluate if personality.own else None
        self._failure: Result | None = None
        self._success = _OK
        self._started: dict[Request, Callable[[Outcome], None]] = {}

    @cached_property
    def findings(self) -> Findings:
        """Where the open pair is known to differ."""
        from pyqio.verify.findings import Findings

        return Findings()

    @cached_property
    def position(self) -> Position:
        """Where the session looks."""
        from pyqio.commands.position import Position

        return Position()

    @property
    def terminal(self) -> Environment:
        """The streams."""
        return self.environment

    @property
    def image(self) -> Image:
        """The open image."""
        assert self._image is not None
        return self._image

    @property
    def has_image(self) -> bool:
        """Whether an image is open."""
        return self._image is not None

    @property
    def own_commands(self) -> bool:
        """Whether the session has the commands that qemu-io has not."""
        return self.personality.own

    def run_line(self, text: str) -> bool:
        """Run the commands of one line.  Returns whether all of them succeeded."""
        if not self.personality.own:
            words = [word for word in text.split(" ") if word]
            return not words or self.run(words)
        if _is_simple(text):
            words = text.split()
            return not words or self.run(words)
        try:
            from pyqio.session.split import split

            commands = split(text)
        except Rejected as reason:
            self.show((Refused(reason=reason),))
            return False
        succeeded = True
        for words in commands:
            if not self.stopping:
                succeeded &= self.run(words)
        return succeeded

    def run(self, words: Sequence[str]) -> bool:
        """Run one command, and show its results.  Returns whether it succeeded."""
        spec = index.find(words[0])
        if spec is None or (spec.own and not self.personality.own):
            known = [name for name in index.MODULES if len(name) > 1]
            return self.show((Unknown(name=words[0], known=known),))
        command: Command | None = None
        self._failure = None
        when, started = time.time(), self.clock()
        try:
            if spec.needs_image and self._image is None:
                raise Rejected("no file open, try 'help open'", stderr=True)
            spec.check_count(words)
            if spec.writes and self.image.read_only:
                raise Rejected("Block node is read-only", prefixed=True)
            command = spec.parse(words, self.warn, self._evaluate)
            results = command.run(self)
            if self.pool.pending and spec.polls:
                results = tuple(results)
                if not (results and isinstance(results[0], Failed)):
                    self._tell(self.pool.reap(spec.polls))
            return self.show(results)
        except Rejected as reason:
            return self.show((Refused(reason=reason, spec=spec),))
        except Answered as answer:
            return self.show((Said(text=str(answer)),))
        except KeyboardInterrupt:
            self._failure = Refused(reason=Rejected("interrupted"))
            raise
        finally:
            if spec.has_effect and command is not None and self.personality.own:
                self._note(words, command, when, self.clock() - started)

    def poll(self) -> None:
        """Tell of the asynchronous requests that are done by now."""
        self._tell(self.pool.completed())

    def drain(self) -> None:
        """Wait for all asynchronous requests, and tell of them."""
        self._tell(self.pool.reap())

    def open(
        self, filename: str | None, options: Mapping[str, Any], flags: OpenFlags, *, snapshot: bool, copy_on_read: bool
    ) -> None:
        """Open an image.  Raises OpenError."""
        graph = self._graph
        graph.follow = self.follow
        try:
            image = graph.open(filename, options, flags, snapshot=snapshot, copy_on_read=copy_on_read)
            if image.read_only and not flags.read_only and not self.personality.own:
                image.close()
                raise OpenError("Block node is read-only")
            self._image = image
            self._success = _OK_BOTH if pair_below(image.node) else _OK
        finally:
            if graph.guessed_raw:
                self.show((GuessedRaw(filenames=graph.guessed_raw),))
            self.show(Found(text=finding) for finding in graph.findings)
        for remark in graph.remarks if self.personality.own else ():
            self.warn(remark)

    def close(self) -> None:
        """Wait for all asynchronous requests, and close the image.  Raises BlockError."""
        self.drain()
        vars(self).pop("findings", None)
        image, self._image = self._image, None
        if image is not None:
            image.close()

    def flush_output(self) -> None:
        """Hand everything printed so far to the system."""
        self.environment.flush()

    def quit(self) -> None:
        """Run no command after this one."""
        self.stopping = True

    def evaluate(self, text: str) -> int:
        """What an expression comes to.  Raises Rejected."""
        raise Rejected(f"Parsing error: non-numeric argument, or extraneous/unrecognized suffix -- {text}")

    def progress(self, label: str, total: int) -> AbstractContextManager[Callable[[int], None]]:
        """Show how far something has come."""
        return nullcontext(lambda count: None)

    def confirm(self, question: str) -> bool:
        """Ask the person at the terminal."""
        if not self.environment.interactive:
            return False
        self.environment.prompt(f"{question} [y/N] ")
        return self.environment.read(1 << 10).strip().lower() in (b"y", b"yes")

    def finish(self) -> int:
        """End the session; returns its exit status."""
        if self.divergences and self.stopping:
            self.pool.reap()
        try:
            self.close()
        except BlockError as error:
            self.show((Refused(reason=Rejected(error.message, prefixed=True)),))
        self.environment.flush()
        return self.status

    def abandon(self) -> None:
        """End the session, and show nothing more."""
        image, self._image = self._image, None
        if image is not None:
            with suppress(BlockError):
                image.close()

    def warn(self, message: str) -> None:
        """Tell of something that was taken, but should be written in another way."""
        self.renderer.show(Warned(message=message))

    def tell(self, result: Result) -> None:
        """Show a result of a command that is still running."""
        self.show((result,))

    def _chosen_renderer(self) -> Renderer:
        personality = self.personality
        return choose(self.environment, personality.program, self.settings, own=personality.own)

    def _choose_renderer(self, setting: str) -> None:
        self.renderer = self._chosen_renderer()

    def _note(self, words: Sequence[str], command: Command, when: float, elapsed: float) -> None:
        request = self.pool.pending[-1] if self.pool.pending else None
        if request is not None and request not in self._started:
            self._started[request] = self.journal.note_started(words, command, when)
        else:
            self.journal.note(words, command, when, elapsed, self._outcome() if self._failure else self._success)

    def _outcome(self) -> Outcome:
        """How the command that is being run has ended."""
        pair = self._success is _OK_BOTH
        match self._failure:
            case None:
                return self._success
            case Diverged(error=OutcomeMismatch() as error):
                raw, test = (_said(side) for side in (error.raw_error, error.test_error))
                return Outcome("mismatch", raw, test)
            case Diverged():
                return Outcome("mismatch", "ok", "ok")
            case PatternMismatch():
                return Outcome("pattern verification failed", *(("ok", "ok") if pair else ()))
            case Failed(error=error):
                return Outcome(error.strerror, *((error.strerror, error.strerror) if pair else ()))
            case Refused(reason=reason):
                return Outcome(str(reason) or "not carried out")
            case _:
                return Outcome("failed")

    def _tell(self, requests: Iterable[Request]) -> None:
        for request in requests:
            results = request.results()
            self._failure = next((r for r in results if isinstance(r, Failed | PatternMismatch | Diverged)), None)
            self.show(results)
            if end := self._started.pop(request, None):
                end(self._outcome())

    def show(self, results: Iterable[Result]) -> bool:
        """Show results, and let failures among them count.  Returns whether there was none."""
        succeeded = True
        try:
            for result in results:
                if is_failure(result):
                    succeeded = False
                    self._note_failure(result)
                self.renderer.show(result)
        except VerifyError as error:  # from a dump that streams
            return self.show((diverged(self.image, error),))
        except BlockError as error:
            return self.show((Failed(verb="read", error=error),))
        return succeeded

    def _note_failure(self, result: Result) -> None:
        self._failure = self._failure or result
        self.status = self.status or (result.status if isinstance(result, Checked | CheckFailed) else FAILED)
        if isinstance(result, Verified) and result.diverges:
            self.status = self.personality.diverged
        if isinstance(result, Diverged):
            self.divergences.append(result.error)
            if isinstance(result.error, MismatchError):
                self.findings.add(result.error.runs)
            self.status = self.personality.diverged
            self.stopping = self.stopping or self.stop_on_divergence


def _said(error: BlockError | None) -> str:
    return "ok" if error is None else error.strerror
