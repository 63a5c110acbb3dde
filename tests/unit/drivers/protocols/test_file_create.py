from __future__ import annotations

import os

import pytest

from pyqio.base.errors import OpenError, OptionError, PermissionConflict
from pyqio.block import registry
from tests.unit.drivers.protocols.conftest import open_file


def create(path, size, **options):
    return registry.require("file").create(str(path), size, options)


class TestCreate:
    def test_new_file_is_sparse_and_ours(self, tmp_path):
        values = create(tmp_path / "new", 2**34)

        found = (tmp_path / "new").stat()
        assert values == {"size": 2**34}
        assert (found.st_size, found.st_blocks, found.st_mode & 0o7777) == (2**34, 8, 0o644)

    def test_size_is_rounded_up_to_sectors(self, tmp_path):
        create(tmp_path / "new", 513)

        assert (tmp_path / "new").stat().st_size == 1024

    def test_existing_file_is_emptied(self, path):
        create(path, 4096)

        assert path.read_bytes() == bytes(4096)

    def test_name_may_carry_the_prefix(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)

        registry.require("file").create("file:new", 512, {})

        assert os.listdir(tmp_path) == ["new"]

    @pytest.mark.parametrize("mode", ["falloc", "full"])
    def test_preallocated_file_has_its_place(self, tmp_path, mode):
        values = create(tmp_path / "new", 2**20, preallocation=mode)

        assert values == {"size": 2**20, "preallocation": mode}
        assert (tmp_path / "new").stat().st_blocks >= 2048

    def test_options_are_shown_in_their_order(self, tmp_path):
        values = create(tmp_path / "new", 512, extent_size_hint="1M", preallocation="off", nocow="on")

        assert list(values.items()) == [
            ("size", 512),
            ("nocow", True),
            ("preallocation", "off"),
            ("extent_size_hint", 2**20),
        ]

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"foo": "1"}, "Invalid parameter 'foo'"),
            ({"nocow": "maybe"}, "Parameter 'nocow'"),
            ({"preallocation": "some"}, "invalid parameter value"),
        ],
    )
    def test_wrong_option_is_refused_before_anything_is_touched(self, path, options, message):
        with pytest.raises(OptionError, match=message):
            create(path, 512, **options)

        assert path.stat().st_size == 65536

    @pytest.mark.parametrize(
        ("size", "options", "message"),
        [
            (512, {"preallocation": "metadata"}, "Unsupported preallocation mode: metadata"),
            (512, {"extent_size_hint": "5G"}, "Extent size hint is too large"),
            (2**62 * 3 // 2, {}, "Could not resize file: File too large"),
            (2**64 - 512, {}, "Could not resize file: File too large"),
        ],
    )
    def test_failure_keeps_an_existing_file_and_leaves_no_new_one(self, path, tmp_path, size, options, message):
        for name in ("image", "new"):
            with pytest.raises(OpenError, match=message):
                create(tmp_path / name, size, **options)

        assert os.listdir(tmp_path) == ["image"]
        assert path.read_bytes() == b"x" * 65536

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("", "Could not create '': No such file or directory"),
            ("/nonex/x", "Could not create '/nonex/x': No such file or directory"),
            ("/tmp", "Could not create '/tmp': Is a directory"),
            ("/dev/null", "Could not resize file: Invalid argument"),
            ("a\0b", "Could not create .*: Invalid argument"),
        ],
    )
    def test_impossible_name_says_why(self, name, message):
        with pytest.raises(OpenError, match=message):
            registry.require("file").create(name, 512, {})

    def test_file_in_use_is_kept(self, path):
        with open_file(path) as image:
            image.node.driver.set_permissions(3, 5)

            with pytest.raises(PermissionConflict, match='Failed to get "write" lock'):
                create(path, 512)

        assert path.read_bytes() == b"x" * 65536
