"""One mismatch and what was found out about it, as markup."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyqio.render.html.markup import counted, element, table, text
from pyqio.render.html.rows import rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyqio.verify.diagnosis import Diagnosis, Holding


def mismatch(number: int, diagnosis: Diagnosis) -> Iterator[str]:
    """A heading, what each side holds and where, the rows around the first byte that differs, and hints."""
    request = f"{diagnosis.operation} of {diagnosis.length} bytes at {diagnosis.offset:#x}: {diagnosis.message}"
    yield element("h3", f"{number}. {text(request)}")
    if diagnosis.runs:
        counts = f"{counted(diagnosis.byte_count, 'byte')} in {counted(diagnosis.run_count, 'run')} differ"
        counts += f", {diagnosis.alignment}"
        yield element("p", text(f"{counts}, from {diagnosis.first:#x} to {diagnosis.end:#x}."))
    lines = ((element("b", text(side.key), side.key[:1].upper()), *_side(side)) for side in diagnosis.sides)
    yield from table(("side", "holds", "where"), lines) if diagnosis.sides else ()
    if excerpt := diagnosis.excerpt:
        yield rows(excerpt.offset, excerpt.raw, excerpt.test)
    for operation in diagnosis.operations:
        outcome = "/".join(filter(None, (operation.outcome.raw, operation.outcome.test))) or operation.outcome.text
        session = f" of {text(operation.session)}" if operation.session else ""
        typed = element("code", text(operation.text))
        yield element("p", f"Last there: #{operation.number}{session} {typed} ({text(outcome)})", "dim")
    for hint in diagnosis.hints:
        yield element("p", f"Hint: {text(hint.text)}")


def _side(side: Holding) -> tuple[str, str]:
    """What it holds, and its way down to the host."""
    steps = []
    for step in side.way:
        where = f"{step.driver} offset {step.offset:#x}" if step.protocol else f"{step.kind} {step.detail}".strip()
        steps.append(element("span", text(where), "mono"))
    held = element("span", text(side.error), "bad") if side.error else text(side.held)
    return held, "<br>&rarr; ".join((text(side.name), *steps))
