"""demo: a verified pair catches a damaged image."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Final

from pyqio.base.errors import BlockError
from pyqio.base.types import OpenFlags
from pyqio.commands import index
from pyqio.commands.command import Command, command
from pyqio.commands.rejected import Rejected
from pyqio.commands.results import Diverged, Said, is_failure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pyqio.commands.context import Context
    from pyqio.commands.results import Result

_RAW, _TEST = "raw.img", "test.qcow2"

_ABOUT = """
 builds a good and a damaged image in a temporary folder, verifies one against
 the other, says what is seen, and removes the folder

 Example:
 'demo' - needs no image and leaves nothing behind
"""

_INTRODUCED: Final = """\
Two images: raw.img, which is trusted, and test.qcow2, which is under test.
$ cd {folder}"""
_PAIRED: Final = """
Through the pair, each write goes to both images and each read compares them."""
_DAMAGED: Final = """
They agree. Now the tested image is damaged behind the pair's back: its first
sector becomes zeroes, as if its driver had lost a write."""
_LOOKED: Final = """
Each image alone can be read without an error:"""
_CAUGHT: Final = """
The pair knows better:"""
_EXPLAINED: Final = """
The first line names the request and the first sector that differs. Below it:
how much differs, what each side holds and where it is stored, the first row of
bytes that differs (R: raw, T: test), and what may have happened. A run of
commands ends there with exit status 3; the shell goes on.

Try it on images of your own:
$ pyqio -c 'create raw.img 16G' -c 'create -f qcow2 test.qcow2 16G'
$ pyqio blkverify:raw.img:test.qcow2"""


@command(
    "demo",
    summary="shows how a verified pair catches a damaged image",
    about=_ABOUT,
    needs_image=False,
    own=True,
)
class Demo(Command):
    """Show the document's session."""

    def run(self, context: Context) -> Iterator[Result]:
        """The session, each result while its images are there."""
        from tempfile import TemporaryDirectory

        if context.has_image:
            raise Rejected("file open already, try 'help close'", prefixed=True)
        try:
            with TemporaryDirectory(prefix="pyqio-demo-") as folder:
                yield from _tour(context, folder)
        except (BlockError, OSError) as error:
            raise Rejected(f"the demo failed: {error.strerror}", prefixed=True) from error


def _tour(context: Context, folder: str) -> Iterator[Result]:
    run = partial(_type, context, folder)
    yield Said(text=_INTRODUCED.format(folder=folder))
    yield from run(f"create -q {_RAW} 1M", f"create -q -f qcow2 {_TEST} 1M")
    yield Said(text=_PAIRED)
    yield from run("write -P 0xcd 0 1M", "read -P 0xcd 0 1M", image=(_RAW, _TEST))
    yield Said(text=_DAMAGED)
    yield from run("write -z 0 512", image=(_TEST,))
    yield Said(text=_LOOKED)
    yield from run("read -v 0 64", image=(_RAW,))
    yield from run("read -v 0 64", image=(_TEST,))
    yield Said(text=_CAUGHT)
    caught = False
    for result in run("read 0 512", image=(_RAW, _TEST), staged=True):
        caught |= isinstance(result, Diverged)
        yield result
    if not caught:
        raise Rejected("the demo failed: the pair did not notice", prefixed=True)
    yield Said(text=_EXPLAINED)


def _type(
    context: Context, folder: str, *lines: str, image: Sequence[str] = (), staged: bool = False
) -> Iterator[Result]:
    """Run lines as one run of the program in ``folder`` would, after showing how it is typed.

    ``staged``: a mismatch is what is to be shown.  Raises Rejected after anything else that fails.
    """
    typed = " ".join(["pyqio", *(f"-c '{line}'" for line in lines), _named(image)])
    yield Said(text=f"$ {typed.rstrip()}")
    if image:
        name = _named([os.path.join(folder, side) for side in image])
        context.open(name, {}, OpenFlags(discard="unmap"), snapshot=False, copy_on_read=False)
    try:
        for line in lines:
            words = [os.path.join(folder, word) if word in (_RAW, _TEST) else word for word in line.split()]
            for result in _carry_out(context, words):
                shown = result.replace(staged=staged) if isinstance(result, Diverged) else result
                yield shown
                if is_failure(shown):
                    raise Rejected("the demo failed", prefixed=True)
    finally:
        context.close()


def _carry_out(context: Context, words: Sequence[str]) -> Iterable[Result]:
    spec = index.find(words[0])
    assert spec is not None
    return spec.parse(words, lambda _: None).run(context)


def _named(image: Sequence[str]) -> str:
    """What is typed for one image, or for a pair."""
    return ":".join(("blkverify", *image)) if len(image) > 1 else "".join(image)
