"""Options that every node has."""

from __future__ import annotations

import pytest

from pyqio.base.errors import OptionError
from pyqio.base.types import Cache, ChildRole, OpenFlags
from pyqio.block.generic import child_flags, take_generic


def test_generic_options_are_taken_out_and_applied():
    options = {"node-name": "n", "read-only": "on", "cache": {"direct": True}, "discard": "on", "size": 1}

    name, flags = take_generic(options, OpenFlags())

    assert name == "n"
    assert flags == OpenFlags(read_only=True, cache=Cache(direct=True), discard="unmap")
    assert options == {"size": 1}


def test_cache_group_keeps_what_is_not_generic():
    options = {"cache": {"no-flush": "on", "foo": 1}}

    _, flags = take_generic(options, OpenFlags())

    assert flags.cache.no_flush
    assert options == {"cache": {"foo": 1}}


def test_wrong_value_names_the_option():
    with pytest.raises(OptionError, match="Parameter 'read-only' expects 'on' or 'off'"):
        take_generic({"read-only": "maybe"}, OpenFlags())


@pytest.mark.parametrize(("role", "read_only"), [(ChildRole.IMAGE, False), (ChildRole.BACKING, True)])
def test_child_inherits_access_and_always_takes_discards(role, read_only):
    flags = child_flags(OpenFlags(discard="ignore", probed=True), role)

    assert (flags.read_only, flags.discard, flags.probed) == (read_only, "unmap", False)
