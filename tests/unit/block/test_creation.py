"""What is settled before a driver makes an image."""

from __future__ import annotations

import pytest

from pyqio.base.errors import OpenError, OptionError
from pyqio.block import registry
from pyqio.block.creation import options_of, parse, prepare

QCOW2 = registry.require("qcow2")
RAW = registry.require("raw")
MIB = 1 << 20


@pytest.fixture
def base(tmp_path):
    """A raw file of 3 MiB in the directory of the new image."""
    (tmp_path / "base").write_bytes(bytes(3 * MIB))
    return tmp_path / "base"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"foo": "1"}, "Invalid parameter 'foo'"),
        ({"refcount_bits": "x"}, "Parameter 'refcount_bits' expects a number"),
        ({"refcount_bits": "1.5"}, "Parameter 'refcount_bits' expects a number"),
        ({"refcount_bits": str(2**64)}, "Value '18446744073709551616' is too large for parameter 'refcount_bits'"),
        ({"cluster_size": str(2**64)}, "Value '18446744073709551616' is out of range for parameter 'cluster_size'"),
        ({"cluster_size": ""}, "Parameter 'cluster_size' expects a non-negative number below 2^64\nOptional"),
        ({"lazy_refcounts": "1"}, "Parameter 'lazy_refcounts' expects 'on' or 'off'"),
    ],
)
def test_parse_when_a_value_is_wrong_says_what_qemu_img_says(options, message):
    with pytest.raises(OptionError) as caught:
        parse(QCOW2.creation(), options)

    assert str(caught.value).startswith(message)


def test_parse_when_a_number_is_negative_takes_it_for_a_large_one():
    assert parse(QCOW2.creation(), {"refcount_bits": "-1"})["refcount_bits"] == 2**64 - 1


def test_shown_when_options_are_given_shows_numbers_as_read_and_switches_as_typed(tmp_path):
    options = {"lazy_refcounts": "yes", "refcount_bits": "-1", "nocow": "on", "extent_size_hint": "1M"}

    shown = prepare(QCOW2, str(tmp_path / "x"), options, size=MIB).shown()

    assert list(shown.items()) == [
        ("cluster_size", 65536),
        ("extended_l2", False),
        ("compression_type", "zlib"),
        ("size", MIB),
        ("lazy_refcounts", "yes"),
        ("refcount_bits", -1),
        ("nocow", "on"),
        ("extent_size_hint", MIB),
    ]


@pytest.mark.parametrize(
    ("options", "given", "message"),
    [
        ({}, {}, "Image creation needs a size parameter"),
        ({"size": "1M"}, {"size": MIB}, "The image size must be specified only once"),
        ({"backing_file": ""}, {}, "Expected backing file name, got empty string"),
        ({}, {"backing_file": ""}, "Expected backing file name, got empty string"),
        ({}, {"backing_file": "base"}, "Backing file specified without backing format\nDetected format of raw."),
        ({}, {"backing_file": "base", "unsafe": True}, "Backing file specified without backing format"),
        ({}, {"backing_file": "base", "backing_format": "foo"}, "Unknown driver 'foo'\nCould not open backing image."),
    ],
)
def test_prepare_when_something_is_wrong_says_what_qemu_img_says(base, options, given, message):
    with pytest.raises(OpenError) as caught:
        prepare(QCOW2, str(base.with_name("x")), options, **given)

    assert caught.value.message == message


def test_prepare_when_the_backing_file_is_the_image_refuses(base):
    with pytest.raises(OpenError, match=r"^Error: Trying to create an image with the same filename"):
        prepare(QCOW2, str(base), {}, backing_file=str(base), backing_format="raw")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"backing_file": "b"}, "Backing file not supported for file format 'raw'"),
        ({"backing_format": "raw"}, "Backing file format not supported for file format 'raw'"),
    ],
)
def test_prepare_when_the_format_has_no_backing_files_says_so(given, message):
    with pytest.raises(OpenError) as caught:
        prepare(RAW, "x", {}, size=MIB, **given)

    assert caught.value.message == message


@pytest.mark.parametrize(
    "given",
    [
        {"backing_file": "base", "backing_format": "raw"},
        {"backing_file": "file:{base}", "backing_format": "raw"},
        {"backing_file": 'json:{{"driver":"raw","file.filename":"{base}"}}', "backing_format": "raw"},
    ],
)
def test_prepare_when_no_size_is_given_takes_the_backing_file_s(base, given):
    given = given | {"backing_file": given["backing_file"].format(base=base)}

    assert prepare(QCOW2, str(base.with_name("x")), {}, **given).size == 3 * MIB


def test_prepare_when_unsafe_does_not_look_for_the_backing_file(tmp_path):
    name = str(tmp_path / "x")

    prepare(QCOW2, name, {}, size=MIB, backing_file="nosuch", backing_format="raw", unsafe=True).run()

    assert (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("driver", "filename", "message"),
    [
        ("blkverify", "x", "Format driver 'blkverify' does not support image creation"),
        ("qcow2", "null-co://", "Protocol driver 'null-co' does not support image creation"),
        ("qcow2", "nosuch:x", "Unknown protocol 'nosuch'"),
    ],
)
def test_options_of_when_nothing_can_be_made_says_why(driver, filename, message):
    with pytest.raises(OpenError) as caught:
        options_of(registry.require(driver), filename)

    assert caught.value.message == message


def test_options_of_when_a_file_is_named_has_those_of_the_protocol_behind_its_own():
    assert list(options_of(RAW, "x")) == ["size", "nocow", "preallocation", "extent_size_hint"]
    assert list(options_of(RAW)) == ["size"]


@pytest.mark.parametrize("driver", [driver for driver in registry.every() if driver.creation()])
def test_creation_when_a_driver_has_options_says_what_each_is_for(driver):
    assert all(option.meaning for option in driver.creation().values())
    assert "size" in driver.creation()
