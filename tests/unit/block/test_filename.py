"""Names of images as people type them."""

from __future__ import annotations

import pytest

from pyqio.base.errors import OpenError
from pyqio.block.filename import Typed, beside, parse_json, parse_protocol, protocol_prefix


@pytest.mark.parametrize(
    ("name", "prefix"),
    [
        ("a.img", None),
        ("/x/a:b", None),
        ("./a:b", None),
        ("blkverify:a:b", "blkverify"),
        ("nbd+unix:///x", "nbd+unix"),
        (":x", ""),
    ],
)
def test_prefix_is_what_stands_before_a_colon_without_a_slash(name, prefix):
    assert protocol_prefix(name) == prefix


def test_unknown_prefix_is_an_unknown_protocol():
    with pytest.raises(OpenError, match="Unknown protocol 'foo'"):
        parse_protocol(Typed("foo:bar"))


def test_plain_string_with_a_colon_is_a_file():
    driver, options = parse_protocol("foo:bar")

    assert driver.name == "file"
    assert options == {"filename": "foo:bar"}


def test_json_name_is_nested():
    assert parse_json('json:{"driver":"raw","file.filename":"x"}') == {"driver": "raw", "file": {"filename": "x"}}


@pytest.mark.parametrize(
    "name", ["json:", "json:{", "json:[]", "json:3", "json:" + "[" * 100_000, "json:" + '{"a":' * 990 + "1" + "}" * 990]
)
def test_json_name_that_is_no_object_is_refused(name):
    with pytest.raises(OpenError):
        parse_json(name)


def test_json_name_in_single_quotes_is_read_as_qemu_does():
    name = "json:{'driver': 'raw', 'file': {'filename': 'it\\'s \"x\"', \"locking\": 'off'}}"

    assert parse_json(name) == {"driver": "raw", "file": {"filename": 'it\'s "x"', "locking": "off"}}


@pytest.mark.parametrize(
    ("name", "image", "resolved"),
    [
        ("base", "top", "base"),
        ("base", "dir/top", "dir/base"),
        ("../base", "/a/b/top", "/a/b/../base"),
        ("/base", "dir/top", "/base"),
        ("nbd://host/x", "dir/top", "nbd://host/x"),
        ("dir:x/base", "a/top", "dir:x/base"),
    ],
)
def test_backing_names_start_at_the_image(name, image, resolved):
    assert beside(name, image) == resolved
