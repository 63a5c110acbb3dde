from __future__ import annotations

import pytest

from pyqio.base.errors import OpenError, OptionError
from pyqio.block.creation import parse
from pyqio.crypto import luks
from pyqio.drivers.formats.qcow2.creation import OPTIONS, check_aliases, plan

MIB = 1 << 20

COMPLAINTS = (
    ({"compat": "2"}, "Parameter 'version' does not accept value '2'"),
    ({"backing_fmt": "foo"}, "Parameter 'backing-fmt' does not accept value 'foo'"),
    ({"encrypt.format": "foo"}, "Parameter 'format' does not accept value 'foo'"),
    ({"preallocation": "foo"}, "Parameter 'preallocation' does not accept value 'foo'"),
    ({"compression_type": "foo"}, "Parameter 'compression-type' does not accept value 'foo'"),
    ({"cluster_size": "3k"}, "Cluster size must be a power of two between 512 and 2048k"),
    (
        {"backing_file": "b", "preallocation": "full"},
        "Backing file and preallocation can only be used at the same",
    ),
    ({"refcount_bits": "3"}, "Refcount width must be a power of two and may not exceed 64 bits"),
    ({"data_file_raw": "on"}, "data-file-raw requires data-file"),
    ({"size": "16E"}, "Could not resize image: Image size cannot be negative"),
)
"""In the order in which qemu-img complains."""


def make(options, size=MIB):
    return plan(parse(OPTIONS, options), size)


@pytest.mark.parametrize("at", range(len(COMPLAINTS) - 1))
def test_plan_when_several_things_are_wrong_speaks_of_the_first(at):
    wrong = {name: text for options, _ in reversed(COMPLAINTS[at:-1]) for name, text in options.items()}

    with pytest.raises((OpenError, OptionError)) as caught:
        make(wrong, 2**63)

    assert str(caught.value).startswith(COMPLAINTS[at][1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"extended_l2": "on", "cluster_size": "3k"}, "Extended L2 entries are only supported with compatibility"),
        ({"lazy_refcounts": "on"}, "Lazy refcounts only supported with compatibility level 1.1 and above"),
        ({"refcount_bits": "64"}, "Different refcount widths than 16 bits require compatibility level 1.1 or above"),
        ({"data_file": "d"}, "External data files are only supported with compatibility level 1.1 and above"),
        ({"compression_type": "zstd"}, "Non-zlib compression type is only supported with compatibility level 1.1"),
    ],
)
def test_plan_when_version_2_has_no_such_thing_says_so(options, message):
    with pytest.raises(OpenError) as caught:
        make({"compat": "0.10", **options})

    assert caught.value.message.startswith(message)


@pytest.mark.parametrize(
    ("size", "message"),
    [
        (2**63 - 1, "Could not resize image: Image size cannot be negative"),
        (2**63 - 512, "Could not resize image: offset(9223372036854775296) exceeds maximum(9223372035781033984)"),
        (2**51 + 1, "The image size is too large for file format 'qcow2' (try using a larger cluster size)"),
    ],
)
def test_plan_when_the_size_is_too_large_says_why(size, message):
    with pytest.raises(OpenError) as caught:
        make({}, size)

    assert caught.value.message == message


def test_plan_when_l2_entries_are_extended_needs_twice_the_tables():
    with pytest.raises(OpenError, match="too large"):
        make({"extended_l2": "on"}, 2**50 + 1)

    assert make({"extended_l2": "on"}, 2**50).size == 2**50


def test_plan_rounds_the_size_up_to_sectors():
    assert make({}, 513).size == 1024


@pytest.mark.parametrize(
    ("options", "encrypt"),
    [
        ({}, None),
        ({"encryption": "off"}, None),
        ({"encryption": "on"}, (1, None, None)),
        (
            {"encrypt.format": "luks", "encrypt.key-secret": "s", "encrypt.iter-time": "10"},
            (2, "s", luks.choose({"iter-time": 10})),
        ),
    ],
)
def test_plan_gathers_what_is_said_of_encryption(options, encrypt):
    assert make(options).encrypt == encrypt


def test_check_aliases_when_both_are_given_refuses_them():
    with pytest.raises(OptionError, match="can't be used at the same time"):
        check_aliases(parse(OPTIONS, {"encryption": "on", "encrypt.format": "aes"}))


def test_check_aliases_when_one_says_no_takes_the_other():
    check_aliases(parse(OPTIONS, {"encryption": "off", "encrypt.format": "aes"}))
