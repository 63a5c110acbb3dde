"""Runs command streams through the real qemu-io and pyqio on twin images, and tells the differences."""

from __future__ import annotations

import itertools
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from tests import luck
from tests.oracle.judges import Side, data_ranges, differences
from tests.oracle.streams import SEEDS_PER_GEOMETRY, Stream, without
from tests.oracle.zygote import TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.oracle.geometry import Geometry, Step

ROOT = Path(__file__).resolve().parents[2]


class Program(Protocol):
    """Something that behaves like qemu-io."""

    def run(self, argv: Sequence[str], folder: Path, *, merged: bool) -> int:
        """Run it in ``folder``/image, on the files ``folder``/stdin, stdout and stderr; the exit status."""

    def do(self, step: Step, shape: Geometry, folder: Path) -> tuple[int, str]:
        """Do ``step``, its own way, to the image of ``shape`` in ``folder``/image; the exit status, what it said."""

    def close(self) -> None:
        """Release everything."""


class Real:
    """The installed qemu-io."""

    def run(self, argv: Sequence[str], folder: Path, *, merged: bool) -> int:
        stderr_name = "stdout" if merged else "stderr"
        with (
            (folder / "stdin").open("rb") as stdin,
            (folder / "stdout").open("ab") as stdout,
            (folder / stderr_name).open("ab") as stderr,
        ):
            files = {"stdin": stdin, "stdout": stdout, "stderr": stderr}
            return subprocess.run(["qemu-io", *argv], cwd=folder / "image", timeout=TIMEOUT, **files).returncode

    def do(self, step: Step, shape: Geometry, folder: Path) -> tuple[int, str]:
        done = subprocess.run(step, cwd=folder / "image", capture_output=True, text=True, timeout=TIMEOUT)
        return done.returncode, done.stdout + done.stderr

    def close(self) -> None:
        pass


class Forked:
    """pyqio under the name qemu-io, forked from a preloaded process."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.oracle.zygote"]
        self._zygote = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def do(self, step: Step, shape: Geometry, folder: Path) -> tuple[int, str]:
        """Snapshots are taken, applied and deleted by pyqio."""
        match step:
            case ("qemu-img", "snapshot", *_, "-c" | "-a" | "-d" as action, name, _):
                options, words = shape.opened(shape.image)
                argv = ["pyqio", *options, "-c", f"snapshot {action} {name}", *words]
            case _:
                return Real().do(step, shape, folder)
        return self.tell(argv, folder / "image")

    def tell(self, argv: Sequence[str], folder: Path) -> tuple[int, str]:
        """Run it in ``folder`` under the name that ``argv`` starts with; the exit status, and what it said."""
        with tempfile.NamedTemporaryFile() as said:
            status = self._ask(argv, folder, stdin=os.devnull, stdout=said.name, stderr=said.name)
            return status, Path(said.name).read_text().replace("pyqio: ", "qemu-img: ")

    def run(self, argv: Sequence[str], folder: Path, *, merged: bool) -> int:
        stdin, stdout, stderr = (str(folder / name) for name in ("stdin", "stdout", "stdout" if merged else "stderr"))
        return self._ask(["qemu-io", *argv], folder / "image", stdin=stdin, stdout=stdout, stderr=stderr)

    def _ask(self, argv: Sequence[str], folder: Path, **files: str) -> int:
        print(json.dumps({"argv": argv, "cwd": str(folder), **files}), file=self._zygote.stdin, flush=True)
        return int(self._zygote.stdout.readline())

    def close(self) -> None:
        self._zygote.stdin.close()
        self._zygote.wait()
        self._zygote.stdout.close()


@dataclass(frozen=True, slots=True)
class Difference:
    """A stream that the two programs did not take alike."""

    stream: Stream
    details: str

    def __str__(self) -> str:
        where = f"--format {self.stream.geometry.format} --seed {self.stream.seed}"
        return f"### python -m tests.oracle.streams {where}\n{self.stream.script()}\n{self.details}\n"


class Worker:
    """Twin folders, and the two programs that run in them."""

    def __init__(self, *, self_check: bool) -> None:
        self.scratch = Path(tempfile.mkdtemp(prefix="pyqio-streams-"))
        self.forked = None if self_check else Forked()
        self.programs: list[Program] = [Real(), self.forked or Real()]
        self._template: tuple[tuple[str, ...], ...] | None = None

    def close(self) -> None:
        for program in self.programs:
            program.close()
        shutil.rmtree(self.scratch)

    def compare(self, stream: Stream) -> Difference | None:
        """Run both; what they did differently."""
        self._make_template(stream)
        sides = [
            self._run(name, program, stream) for name, program in zip(("real", "ours"), self.programs, strict=True)
        ]
        details = "\n".join(differences(*sides, stream, self.forked))
        return Difference(stream, details) if details else None

    def shrink(self, difference: Difference) -> Difference:
        """The same difference, or another one, with as few commands as can be."""
        size = len(difference.stream.commands)
        while size:
            start = 0
            while start < len(difference.stream.commands):
                smaller = self.compare(without(difference.stream, start, start + size))
                difference, start = (smaller, start) if smaller else (difference, start + size)
            size //= 2
        return difference

    def _make_template(self, stream: Stream) -> None:
        if self._template == stream.geometry.setup:
            return
        template = self.scratch / "template"
        shutil.rmtree(template, ignore_errors=True)
        template.mkdir()
        for step in stream.geometry.setup:
            make(step, template)
        self._template = stream.geometry.setup

    def _run(self, name: str, program: Program, stream: Stream) -> Side:
        folder = self.scratch / name
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.scratch / "template", folder / "image", copy_function=copy_sparse)
        for output in ("stdout", "stderr"):
            (folder / output).touch()
        statuses: list[int] = []
        for argv, piped in stream.runs:
            if statuses:
                self._intrude(program, stream, folder)
            (folder / "stdin").write_text(piped)
            statuses.append(program.run(argv, folder, merged=stream.merged))
        return Side(folder, statuses)

    def _intrude(self, program: Program, stream: Stream, folder: Path) -> None:
        """Do what is done between two runs, and add what is said of it to the output."""
        for step in stream.interlude:
            status, said = (program if stream.native else Real()).do(step, stream.geometry, folder)
            with (folder / "stdout").open("a") as stdout:
                stdout.write(f"{shlex.join(step)}: {status}\n{said}")


def make(step: Step, folder: Path) -> None:
    """Run a command that makes an image; what qemu-io is told may fail."""
    said = luck.run(step, cwd=folder)
    if step[0] != "qemu-io" and said.returncode:
        raise RuntimeError(f"{shlex.join(step)}: {said.stderr}")


def copy_sparse(source: str, target: str) -> None:
    """Copy a file and keep its holes."""
    with Path(source).open("rb") as old, Path(target).open("wb") as new:
        new.truncate(os.fstat(old.fileno()).st_size)
        for start, stop in data_ranges(Path(source)):
            old.seek(start)
            new.seek(start)
            new.write(old.read(stop - start))


def run(
    streams: Iterable[Stream], *, jobs: int = 2, self_check: bool = False, shrink: bool = False
) -> list[Difference]:
    """The streams that differ, by seed.  The real program stands on both sides in a self-check."""

    def work(share: list[list[Stream]]) -> list[Difference]:
        worker = Worker(self_check=self_check)
        try:
            found = [difference for batch in share for stream in batch if (difference := worker.compare(stream))]
            return [worker.shrink(difference) for difference in found] if shrink else found
        finally:
            worker.close()

    batches = [list(batch) for _, batch in itertools.groupby(streams, key=lambda s: s.seed // SEEDS_PER_GEOMETRY)]
    with ThreadPoolExecutor(jobs) as pool:
        found = [
            difference for share in pool.map(work, [batches[job::jobs] for job in range(jobs)]) for difference in share
        ]
    return sorted(found, key=lambda difference: difference.stream.seed)
