"""The summary of a check, in qemu-img 7.2's words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyqio.base.types import CheckResult
    from pyqio.commands.results import Checked


def as_text(result: CheckResult) -> str:
    """For people."""
    text = ""
    if result.corruptions:
        text += (
            f"\n{result.corruptions} errors were found on the image.\n"
            "Data may be corrupted, or further writes to the image may corrupt it.\n"
        )
    if result.leaks:
        text += (
            f"\n{result.leaks} leaked clusters were found on the image.\n"
            "This means waste of disk space, but no harm to data.\n"
        )
    if result.check_errors:
        text += f"\n{result.check_errors} internal errors have occurred during the check.\n"
    text = text or "No errors were found on the image.\n"
    total, allocated = result.total_clusters, result.allocated_clusters
    if total and allocated:
        text += (
            f"{allocated}/{total} = {100 * allocated / total:.2f}% allocated, "
            f"{100 * result.fragmented_clusters / allocated:.2f}% fragmented, "
            f"{100 * result.compressed_clusters / allocated:.2f}% compressed clusters\n"
        )
    if result.image_end_offset:
        text += f"Image end offset: {result.image_end_offset}\n"
    return text


def as_json(checked: Checked) -> str:
    """For machines, as qemu-img prints it."""
    import json

    return json.dumps(image_check(checked), indent=4) + "\n"


def image_check(checked: Checked) -> dict[str, Any]:
    """The fields of QEMU's ImageCheck (QEMU QAPI reference), in the order in which qemu-img has them.

    What is 0 is left out, but for the errors.
    """
    result = checked.result
    values = {
        "image-end-offset": result.image_end_offset,
        "compressed-clusters": result.compressed_clusters,
        "total-clusters": result.total_clusters,
        "corruptions": result.corruptions,
        "corruptions-fixed": result.corruptions_fixed,
        "check-errors": result.check_errors,
        "leaks": result.leaks,
        "leaks-fixed": result.leaks_fixed,
        "allocated-clusters": result.allocated_clusters,
        "filename": checked.filename,
        "format": checked.format,
        "fragmented-clusters": result.fragmented_clusters,
    }
    return {name: value for name, value in values.items() if value or name == "check-errors"}
