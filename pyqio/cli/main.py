"""From the command line to an exit status."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

from pyqio.base.types import CACHE_MODES, Cache, OpenFlags
from pyqio.cli.options import SHELLS, WrongUsage, parse
from pyqio.commands.kinds import AioMode, CacheMode, DiscardMode, FollowMode
from pyqio.commands.rejected import Rejected
from pyqio.commands.results import Refused
from pyqio.session import config
from pyqio.session.environment import Environment, OutputClosed, OutputFailed
from pyqio.session.personality import FAILED, OK, PYQIO, QEMU_IO, USAGE
from pyqio.session.state import Session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyqio.commands.check import Check
    from pyqio.commands.results import Result

_EXPLORE: Final = "explore"
"""The first operand that stands for a command, and not for an image; an image of that name is ./explore."""

# What a shell says of a process that these signals ended.
_SIGPIPE_STATUS: Final = 128 + 13
_SIGINT_STATUS: Final = 128 + 2


class _Run:
    """What the command line asks for."""

    def __init__(self) -> None:
        self.commands: list[str] = []
        self.format: str | None = None
        self.image_opts = False
        self.filename: str | None = None
        self.read_only = False
        self.snapshot = False
        self.copy_on_read = False
        self.force_share = False
        self.cache = Cache()
        self.aio = "threads"
        self.discard = "unmap"
        self.follow = "all"
        self.rc = True
        self.write_config = False
        self.explore = ""


class _Finished(Exception):
    """There is nothing to run; ``status`` is the exit status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def main(argv: Sequence[str] | None = None) -> int:
    """Run pyqio, or qemu-io where that is the program's name; returns the exit status."""
    name, *words = sys.argv if argv is None else argv
    personality = QEMU_IO if os.path.basename(name) == "qemu-io" else PYQIO
    environment = Environment(stdio=not personality.own)
    session = Session(environment, personality)
    try:
        try:
            if personality.own:
                config.load(session)
            run = _Parser(session).parse(words)
            _open(session, run)
            _execute(session, run)
        except _Finished as finished:
            session.status = finished.status
        return session.finish()
    except OutputClosed:
        session.abandon()
        return _SIGPIPE_STATUS
    except OutputFailed as error:
        session.abandon()
        environment.err(f"{personality.program}: standard output: {error}\n")
        return FAILED
    except KeyboardInterrupt:
        session.abandon()
        return _SIGINT_STATUS


def _open(session: Session, run: _Run) -> None:
    session.follow = run.follow
    if run.explore:
        if not session.run([run.explore, *filter(None, [run.filename])]):
            raise _Finished(session.status)
        return
    if run.filename is None:
        return
    from pyqio.commands.open import open_image

    flags = OpenFlags(
        read_only=run.read_only, cache=run.cache, force_share=run.force_share, discard=run.discard, aio=run.aio
    )
    options = {} if run.format is None else {"driver": run.format}
    if session.personality.own and (checks := _checks(run.commands)):
        flags = flags.replace(read_only=run.read_only or not any(check.fix for check in checks), checking=True)
    session.image_opts = run.image_opts
    failed: Sequence[Result]
    try:
        failed = open_image(session, run.filename, options, flags, snapshot=run.snapshot, copy_on_read=run.copy_on_read)
    except Rejected as reason:
        failed = (Refused(reason=reason),)
    if not session.show(failed):
        raise _Finished(session.status)


def _checks(commands: Sequence[str]) -> list[Check]:
    """The commands, if all of them check the image: it is then opened as it is, and for nothing else."""
    lines = [text.split() for text in commands]
    if any(words[:1] != ["check"] for words in lines):
        return []
    from pyqio.commands.check import Check

    try:
        return [check for words in lines if isinstance(check := Check.spec.parse(words, lambda warning: None), Check)]
    except Rejected:
        return []


def _execute(session: Session, run: _Run) -> None:
    if run.commands:
        from pyqio.session.batch import run_commands

        run_commands(session, run.commands)
    elif session.environment.interactive:
        from pyqio.shell import repl

        if run.rc and session.personality.own:
            config.run_rc(session)
        repl.run(session)
    else:
        from pyqio.session.batch import run_script

        run_script(session)


class _Parser:
    """Takes the command line in, in the order in which qemu-io does, since the first mistake is the one told."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._own = session.personality.own
        self._run = _Run()

    def parse(self, words: Sequence[str]) -> _Run:
        """The whole command line.  Raises _Finished where it asks for no session."""
        run = self._run
        operands: list[str] = []
        try:
            for option, argument in parse(words, operands, own=self._own):
                self._take(option.name, argument)
            if self._own and operands[:1] == [_EXPLORE]:
                run.explore, *operands = operands
            if len(operands) > 1:
                raise WrongUsage("more than one image" if self._own else "")
        except WrongUsage as error:
            raise self._wrong_usage(str(error)) from error
        except Rejected as error:
            raise self._complain(str(error)) from error
        if run.image_opts and run.format is not None:
            raise self._complain("--image-opts and -f are mutually exclusive")
        run.filename = operands[0] if operands else None
        if run.write_config:
            raise self._write_config(run.filename or "")
        return run

    def _take(self, name: str, argument: str) -> None:
        run = self._run
        match name:
            case "help" | "version":
                self._inform(name)
            case "completions":
                self._print_completions(argument)
            case "cmd":
                run.commands.append(argument)
            case "format":
                run.format = argument
            case "read-only" | "snapshot" | "copy-on-read" | "force-share" | "image-opts":
                setattr(run, name.replace("-", "_"), True)
            case "nocache":
                run.cache = CACHE_MODES["none"]
            case "cache":
                run.cache = CacheMode().parse(argument)
            case "native-aio":
                run.aio = "native"
            case "aio":
                mode = AioMode().parse(argument)
                run.aio = run.aio if run.aio == "native" else mode
            case "discard":
                run.discard = DiscardMode().parse(argument)
            case "follow":
                run.follow = FollowMode().parse(argument)
            case "source":
                from pyqio.session.split import quoted

                run.commands.append(f"source -- {quoted(argument)}")
            case "quiet":
                self._session.settings.set("banner", "off")
            case "no-rc":
                run.rc = False
            case "set":
                self._set(argument)
            case "write-config":
                run.write_config = True
            case "color" | "theme":
                self._session.settings.set(name, argument)
            case "json":
                self._session.settings.set("format", "json")
            case "report":
                self._session.report = argument
            case "object":
                self._define(argument)
            case "trace":
                self._take_trace(argument)

    def _set(self, argument: str) -> None:
        name, equals, value = argument.partition("=")
        if not equals:
            raise WrongUsage(f"--set wants NAME=VALUE, not '{argument}'")
        self._session.settings.set(name, value)

    def _write_config(self, target: str) -> _Finished:
        try:
            config.write(self._session, target)
        except Rejected as error:
            return self._complain(str(error))
        return _Finished(OK)

    def _define(self, argument: str) -> None:
        from pyqio.cli.objects import SECRET, BadDefinition, HelpWanted, define

        try:
            kind = define(argument, self._session.secrets)
        except HelpWanted as text:
            self._session.environment.out(str(text))
            raise _Finished(OK) from None
        except BadDefinition as error:
            raise Rejected(str(error)) from error
        if kind != SECRET:
            self._session.warn(f"there are no objects of type {kind} yet: it is ignored")

    def _take_trace(self, argument: str) -> None:
        from pyqio.cli.trace import BadPattern, trace_pattern

        try:
            pattern = trace_pattern(argument)
        except BadPattern as error:
            raise Rejected(str(error)) from error
        if self._own:
            self._session.warn(f"nothing can be traced yet: {pattern or argument} is ignored")
        else:
            self._session.warn(f"trace event '{pattern}' does not exist")

    def _inform(self, name: str) -> None:
        from pyqio.cli import usage

        if name == "version":
            text = usage.VERSION if self._own else usage.QEMU_VERSION
        else:
            text = usage.pyqio_help() if self._own else usage.QEMU_HELP
        self._session.environment.out(text)
        raise _Finished(OK)

    def _print_completions(self, shell: str) -> None:
        from pyqio.cli.emit import completions

        if shell not in SHELLS:
            raise WrongUsage(f"no completions for '{shell}', only for {', '.join(SHELLS)}")
        self._session.environment.out(completions(shell))
        raise _Finished(OK)

    def _wrong_usage(self, message: str) -> _Finished:
        if not self._own:
            from pyqio.cli import usage

            self._session.environment.out(usage.QEMU_HELP)
        if message:
            self._session.environment.err(f"{self._session.personality.program}: {message}\n")
        if self._own:
            self._session.environment.err("Try 'pyqio --help'.\n")
        return _Finished(USAGE if self._own else FAILED)

    def _complain(self, message: str) -> _Finished:
        self._session.environment.err(f"{self._session.personality.program}: {message}\n")
        return _Finished(USAGE if self._own else FAILED)
