"""One session: an image that may be open, and the commands that run on it."""

from __future__ import annotations

import time
from collections import deque
from contextlib import nullcontext, suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from pyqio.base.errors import BlockError, MismatchError, OpenError, VerifyError
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
    Refused,
    Said,
    Unknown,
    Verified,
    Warned,
    is_failure,
    timing,
)
from pyqio.commands.settings import Settings
from pyqio.render.choice import choose
from pyqio.session.log import Log
from pyqio.session.personality import FAILED, OK, PYQIO, Personality
from pyqio.verify.journal import Journal
from pyqio.verify.pair import pair_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from pyqio.base.types import OpenFlags
    from pyqio.block.image import Image
    from pyqio.commands.command import Command
    from pyqio.commands.pool import Request
    from pyqio.commands.position import Position
    from pyqio.commands.results import Result
    from pyqio.session.environment import Environment
    from pyqio.session.scripts import Scripts
    from pyqio.session.split import Step
    from pyqio.session.undo import Overwritten
    from pyqio.verify.diagnosis import Diagnosis
    from pyqio.verify.findings import Findings
    from pyqio.verify.journal import Operation
    from pyqio.verify.pair import File


_COMPARED: Final = (Diverged, Verified)

_LINES: Final = 1000
"""Lines that ``history`` shows at most, and how much of each."""
_LONGEST_LINE: Final = 1000


def _is_simple(text: str) -> bool:
    """Whether a line is blanks and words, and nothing else: nearly all are, and need no tokenizer."""
    return not (
        (";" in text or "#" in text or '"' in text or "'" in text or "\\" in text)
        or ("|" in text or ">" in text or "!" in text or "\n" in text)
    )


class Session:
    """Runs commands, and remembers the worst that happened.

    ``status`` is the exit status so far; ``stopping`` is set by ``quit`` and where a disagreement ends the session, or
    (``halted``) what is being run of it; ``last`` is the command that was understood last;
    ``divergences`` are the disagreements of verified pairs so far; ``stop_on_divergence``: they end it.
    ``lines``: the last ones that were typed.  ``diagnoses``: what was found out about the disagreements.  ``report``:
    the file for a report, "" for files of their own.  ``wrote``: a command was run on the open image that may write.
    ``pair_files``: those of the open pair, as they were when it was opened.
    Implements commands.context.Context.
    """

    def __init__(
        self,
        environment: Environment,
        personality: Personality = PYQIO,
        *,
        stop_on_divergence: bool = True,
    ) -> None:
        self.environment = environment
        self.personality = personality
        self.settings = Settings()
        self.settings.changed.append(self._take_setting)
        self.choose_renderer()
        self.stop_on_divergence = stop_on_divergence
        self.clock = environment.clock
        self.window = bytearray(WINDOW)
        self.view = memoryview(self.window)
        self.pool = Pool()
        self.status = OK
        self.stopping = self.halted = False
        self.last: Command | None = None
        self.image_opts = False
        self.follow = "all"
        self.divergences: list[VerifyError] = []
        self.diagnoses: list[Diagnosis] = []
        self.report = ""
        self.lines: deque[str] = deque(maxlen=_LINES)
        self.secrets = Secrets()
        self.journal = Journal()
        self.aliases: dict[str, str] = {}
        self.log = Log(self.journal, self.pool)
        self._timed = self._safe = False
        self._graph = Graph(probe_pairs=not personality.own, secrets=self.secrets)
        self._image: Image | None = None
        self._evaluate = self.evaluate if personality.own else None
        self.wrote = False
        self.pair_files: tuple[File, File] | None = None

    @cached_property
    def findings(self) -> Findings:
        """Where the open pair is known to differ."""
        from pyqio.verify.findings import Findings

        return Findings()

    @cached_property
    def scripts(self) -> Scripts:
        """Commands from elsewhere than the line that is typed."""
        from pyqio.session.scripts import Scripts

        return Scripts(self)

    @cached_property
    def position(self) -> Position:
        """Where the session looks."""
        from pyqio.commands.position import Position

        return Position(self.journal)

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

            steps = split(text)
        except Rejected as reason:
            return self.show((Refused(reason=reason),))
        return self.run_steps(steps)

    def remember(self, line: str) -> None:
        """Keep a line that was typed, for ``history``."""
        self.lines.append(line[:_LONGEST_LINE])

    def run_steps(self, steps: Iterable[Step]) -> bool:
        """Run commands until one ends the session.  Returns whether all of them succeeded."""
        succeeded = True
        for step in steps:
            if self.stopping:
                break
            if step.sign:
                from pyqio.session.redirect import run_step

                self.environment.leave_pager()
                succeeded &= run_step(self, step)
            else:
                succeeded &= self.run(step.words)
        return succeeded

    def run(self, words: Sequence[str]) -> bool:
        """Run one command, and show its results.  Returns whether it succeeded."""
        if self._timed:
            return self._run_timed(words)
        if self.environment.pager is not None:
            self.environment.pager.settle()
        spec = index.find(words[0])
        if spec is None or (spec.own and not self.personality.own):
            if words[0] in self.aliases:
                from pyqio.session.macros import run_alias

                return run_alias(self, words)
            known = [name for name in (*index.MODULES, *self.aliases) if len(name) > 1]
            return self.show((Unknown(name=words[0], known=known),))
        command: Command | None = None
        self.log.begin()
        failures = self.log.failures
        when, started = time.time(), self.clock()
        try:
            if spec.needs_image and self._image is None:
                raise Rejected("no file open, try 'help open'", stderr=True)
            spec.check_count(words, own=self.personality.own)
            if spec.writes and self.image.read_only:
                raise Rejected("Block node is read-only", prefixed=True)
            command = self.last = spec.parse(words, self.warn, self._evaluate)
            if self._safe and (spec.writes or spec.has_effect):
                self._overwritten.secure(words, command)
            results = command.run(self)
            if self.pool.pending and spec.polls:
                results = tuple(results)
                if not (results and isinstance(results[0], Failed)):
                    self._tell(self.pool.reap(spec.polls))
            return self.show(results) and self.log.failures == failures
        except Rejected as reason:
            return self.show((Refused(reason=reason, spec=spec, words=words),))
        except Answered as answer:
            return self.show((Said(text=str(answer)),))
        except KeyboardInterrupt as interrupt:
            self.log.interrupt()
            if isinstance(found := interrupt.__context__, MismatchError):  # it came before that could be told of
                self.findings.add(found.runs)
            raise
        finally:
            if spec.has_effect and command is not None and self.personality.own:
                self.wrote = self.wrote or spec.writes
                self.log.note(words, command, when, self.clock() - started)

    def undo(self) -> str:
        """Put back what the last command has overwritten.  Returns its text.  Raises Rejected, BlockError."""
        return self._overwritten.undo()

    @cached_property
    def _overwritten(self) -> Overwritten:
        from pyqio.session.undo import Overwritten

        return Overwritten(self)

    def poll(self) -> None:
        """Tell of the asynchronous requests that are done by now."""
        self._tell(self.pool.completed())

    def drain(self) -> None:
        """Wait for all asynchronous requests, and tell of them."""
        if self.pool.pending:
            with self.progress("waiting for requests", 0):
                requests = self.pool.reap()
            self._tell(requests)

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
            self.log.opened(image)
            self.wrote = False
            self.pair_files = pair_files(image.node) if self.personality.own else None
            self.journal.begin(self._former_operations)
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
        vars(self).pop("_overwritten", None)
        image, self._image = self._image, None
        if image is not None:
            try:
                image.close()
            finally:
                self._keep_journal()

    def flush_output(self) -> None:
        """Hand everything printed so far to the system."""
        self.environment.flush()

    def quit(self) -> None:
        """Run no command after this one."""
        self.stopping = True

    def evaluate(self, text: str) -> int:
        """What an expression comes to.  Raises Rejected."""
        from pyqio.commands.arithmetic import evaluate

        return evaluate(self, text)

    def progress(self, label: str, total: int) -> AbstractContextManager[Callable[[int], None]]:
        """Show how far something has come."""
        if not self.personality.own or self.environment.is_captured or not self.environment.err_is_terminal:
            return nullcontext(lambda count: None)
        from pyqio.render.styled.progress import progress

        return progress(self.environment, self.settings, label, total)

    def confirm(self, question: str) -> bool:
        """Ask the person at the terminal."""
        if not self.environment.interactive:
            return False
        self.environment.prompt(f"{question} [y/N] ")
        return self.environment.read(1 << 10).strip().lower() in (b"y", b"yes")

    def go_on(self) -> None:
        """Take the next line, where a mismatch has ended no more than the one before: the shell does that."""
        if self.halted:
            self.stopping = self.halted = False

    def page(self) -> Iterator[str]:
        """What was found so far as a page of HTML, in pieces."""
        from pyqio.render.html import page

        return page(self)

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
            self._keep_journal()

    def warn(self, message: str) -> None:
        """Tell of something that was taken, but should be written in another way."""
        self.renderer.show(Warned(message=message))

    def tell(self, result: Result) -> None:
        """Show a result of a command that is still running."""
        self.show((result,))

    def choose_renderer(self) -> None:
        """Show what follows as the settings, and where it goes, have it now."""
        personality = self.personality
        self.renderer = choose(self.environment, personality.program, self.settings, own=personality.own)

    def _take_setting(self, name: str) -> None:
        self.choose_renderer()
        self._timed = self.settings["timing"]
        self._safe = self.settings["safe"]

    def _run_timed(self, words: Sequence[str]) -> bool:
        """Run a command, and show its time, but none of the commands that it runs itself."""
        started = self.clock()
        self._timed = False
        try:
            return self.run(words)
        finally:
            self._timed = self.settings["timing"]
            self.show((timing(self.clock() - started),))

    def _former_operations(self) -> Iterable[Operation]:
        """What former sessions did to the open pair."""
        if self.pair_files is None or not self.settings["journal"]:
            return ()
        from pyqio.verify.journal_store import Store

        return Store(*self.pair_files).load()

    def _keep_journal(self) -> None:
        """Keep what was done to a pair for later sessions, once it is closed."""
        if self.wrote and self.pair_files and self.settings["journal"]:
            from pyqio.verify.journal_store import Store

            Store(*self.pair_files).append(self.journal.own())

    def _tell(self, requests: Iterable[Request]) -> None:
        for request in requests:
            self.show(self.log.receive(request))

    def show(self, results: Iterable[Result]) -> bool:
        """Show results, and let failures among them count.  Returns whether there was none."""
        succeeded = True
        try:
            for result in results:
                if isinstance(result, _COMPARED) and result.error and self.personality.own:
                    from pyqio.session.cases import diagnosed

                    result = diagnosed(self, result, self._graph.nodes)
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
        self.log.fail(result)
        self.status = self.status or (result.status if isinstance(result, Checked | CheckFailed) else FAILED)
        if isinstance(result, Verified) and result.diverges:
            self.status = self.personality.diverged
        if isinstance(result, Diverged):
            self.divergences.append(result.error)
            if isinstance(result.error, MismatchError):
                self.findings.add(result.error.runs)
            self.status = self.personality.diverged
            self._heed_mismatch()

    def _heed_mismatch(self) -> None:
        """Stop or go on, as the setting on-mismatch has it."""
        wanted = self.settings["on-mismatch"]
        if wanted == "auto":
            wanted = "stop" if self.stop_on_divergence else "continue"
        if wanted != "continue" and not self.stopping:
            self.stopping, self.halted = True, wanted == "stop"
