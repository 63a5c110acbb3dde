from __future__ import annotations

import time

import pytest

from pyqio.base.errors import OpenError, OptionError, Unsupported
from pyqio.block.graph import Graph

both = pytest.mark.parametrize("driver", ["null-co", "null-aio"])


def open_null(driver, **options):
    return Graph().open(None, {"driver": driver, **options})


@both
def test_size_is_a_gibibyte_unless_given(driver):
    with open_null(driver) as image, open_null(driver, size=1000) as small:
        assert image.length() == 2**30
        assert small.length() == 1024


@both
def test_name_is_the_prefix_alone(driver):
    with Graph().open(f"{driver}://", {"driver": "raw"}) as image:
        assert image.length() == 2**30
    for name in (f"{driver}:", f"{driver}:/", f"{driver}://x"):
        with pytest.raises(OpenError, match=f"The only allowed filename for this driver is '{driver}://'"):
            Graph().open(name)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"latency-ns": -1}, "latency-ns is invalid"),
        ({"size": 2**63 - 512}, "Could not refresh total sector count: File too large"),
        ({"read-zeroes": "x"}, "Parameter 'read-zeroes' expects 'on' or 'off'"),
        ({"filename": "null-co://"}, "Block protocol 'null-co' doesn't support the option 'filename'"),
        ({"foo": 1}, "Block protocol 'null-co' doesn't support the option 'foo'"),
    ],
)
def test_wrong_option_is_refused(options, message):
    with pytest.raises(OpenError, match=message):
        open_null("null-co", **options)


@pytest.mark.parametrize(("read_zeroes", "byte"), [("off", b"\xab"), ("on", b"\0")])
def test_read_shows_what_qemu_io_shows(read_zeroes, byte):
    with open_null("null-co", **{"read-zeroes": read_zeroes}) as image:
        assert image.pread(2**30 - 1000, 1000) == byte * 1000


@pytest.mark.parametrize(
    ("read_zeroes", "expected"), [("off", (False, False, False, None)), ("on", (False, True, True, 4096))]
)
def test_block_status_is_one_extent_without_data(read_zeroes, expected):
    with open_null("null-co", **{"read-zeroes": read_zeroes}) as image:
        extents = list(image.block_status(4096, 8192))

    assert [(e.offset, e.length) for e in extents] == [(4096, 8192)]
    assert [(e.data, e.zero, e.allocated, e.host_offset) for e in extents] == [expected]


@pytest.mark.parametrize(
    "request_",
    [
        lambda image: image.pread(0, 512),
        lambda image: image.pwrite(0, b"x"),
        lambda image: image.zero(0, 512),
        lambda image: image.node.driver.flush(),
    ],
)
def test_request_takes_the_latency(request_):
    with open_null("null-aio", **{"latency-ns": 20_000_000}) as image:
        started = time.perf_counter()
        request_(image)

        assert time.perf_counter() - started >= 0.02


def test_node_cannot_be_resized():
    with open_null("null-co") as image, pytest.raises(Unsupported, match="Image format driver does not support resize"):
        image.truncate(512)


def test_option_cannot_be_changed():
    with open_null("null-co") as image:
        image.reopen(read_only=True)

        with pytest.raises(OptionError, match="Cannot change the option 'size'"):
            image.reopen(options={"size": 512})
