"""Output that goes to a file or to a command of the host, and such commands alone."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import contextmanager, nullcontext, suppress
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Final

from pyqio.base.errors import reason
from pyqio.commands.rejected import Rejected
from pyqio.commands.results import Refused
from pyqio.render.names import visible
from pyqio.session.environment import OutputClosed, OutputFailed
from pyqio.session.tokens import BEHIND, HOST, PIPE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyqio.session.split import Step
    from pyqio.session.state import Session


_LARGEST: Final = 1 << 20
"""Bytes of a host command's output that are taken where somebody captures it."""


def run_step(session: Session, step: Step) -> bool:
    """Run a step that has a sign.  Returns whether all of it succeeded."""
    try:
        if step.sign == HOST:
            return _run_host(session, step.target)
        if step.sign == PIPE:
            return _run_into_host(session, step)
        return _run_into_file(session, step)
    except Rejected as refusal:
        return session.show((Refused(reason=refusal),))


def _run_into_file(session: Session, step: Step) -> bool:
    session.flush_output()
    name = os.path.expanduser(step.target)
    flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | (os.O_APPEND if step.sign == BEHIND else os.O_TRUNC)
    try:
        fd = os.open(name, flags, 0o666)
    except (OSError, ValueError) as error:
        raise Rejected(f"{visible(step.target)}: {reason(error)}", prefixed=True) from None
    try:
        with _diverted(session, fd):
            return session.run(step.words)
    except OutputClosed:
        raise Rejected(f"{visible(step.target)}: nobody reads it any more", prefixed=True) from None
    except OutputFailed as error:
        raise Rejected(f"{visible(step.target)}: {error}", prefixed=True) from None
    finally:
        os.close(fd)


def _run_into_host(session: Session, step: Step) -> bool:
    """What the command prints is the host's input; that it stops reading (head) is no failure."""
    with _host(session, step.target, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        succeeded = True
        try:
            with _diverted(session, process.stdin.fileno()):
                succeeded = session.run(step.words)
        except OutputClosed:
            pass
        except OutputFailed as error:
            session.show((Refused(reason=Rejected(f"{step.target}: {error}", prefixed=True)),))
        finally:
            process.stdin.close()
            _wait(process)
    _check(step.target, process.returncode)
    return succeeded


def _run_host(session: Session, text: str) -> bool:
    environment = session.environment
    with _host(session, text, stdin=subprocess.DEVNULL if environment.is_script else environment.stdin) as process:
        _wait(process)
    _check(text, process.returncode)
    return True


@contextmanager
def _diverted(session: Session, fd: int) -> Iterator[None]:
    """Show results on ``fd``, as they are shown where there is no terminal.  Raises as Environment.diverted."""
    try:
        with session.environment.diverted(fd):
            session.choose_renderer()
            yield
    finally:
        session.choose_renderer()


@contextmanager
def _host(session: Session, text: str, *, stdin: int) -> Iterator[subprocess.Popen[bytes]]:
    """The host's shell at work, on the session's streams.  Raises Rejected where it cannot be started."""
    environment = session.environment
    session.flush_output()
    with TemporaryFile() if environment.is_captured else nullcontext() as kept:
        stdout = kept.fileno() if kept else environment.stdout
        try:
            process = subprocess.Popen(
                text, shell=True, stdin=stdin, stdout=stdout, stderr=environment.stderr, bufsize=0
            )
        except (OSError, ValueError) as error:
            raise Rejected(f"the host's shell: {reason(error)}", prefixed=True) from None
        with process:
            yield process
        if kept:
            kept.seek(0)
            environment.out_bytes(kept.read(_LARGEST))


def _wait(process: subprocess.Popen[bytes]) -> None:
    with uninterrupted():
        process.wait()


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Leave Ctrl-C to the host's command, which it is meant for as well; a pager for example lives on."""
    former = signal.signal(signal.SIGINT, lambda number, frame: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, former)


def _check(text: str, status: int) -> None:
    """Raises Rejected where the host's command failed, KeyboardInterrupt where Ctrl-C has ended it."""
    if status == -signal.SIGINT:
        raise KeyboardInterrupt
    if status > 0:
        raise Rejected(f"exit status {status} of: {visible(text)}", prefixed=True)
    if status < 0:
        name = str(-status)
        with suppress(ValueError):
            name = signal.Signals(-status).name
        raise Rejected(f"ended by signal {name}: {visible(text)}", prefixed=True)
