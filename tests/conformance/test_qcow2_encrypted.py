from __future__ import annotations

import shutil
import subprocess
from typing import ClassVar

from pyqio.block import registry
from pyqio.block.secrets import Secrets
from tests.conformance.suite import Persistent, Reopenable, Resizable, StoringConformance


class TestQcow2WithLuks(Persistent, Reopenable, Resizable, StoringConformance):
    """Every closed image is one that qemu-img check opens and finds nothing wrong with."""

    driver = "qcow2"
    secrets = Secrets({"sec0": b"sesame"})
    options: ClassVar[dict[str, str]] = {"encrypt.format": "luks", "encrypt.iter-time": "0"}
    grain = 65536

    def create(self, folder, size):
        path = str(folder / "image.qcow2")
        options = {"encrypt.key-secret": "sec0", **self.options}
        registry.require("qcow2").create(path, size, options, secrets=self.secrets)
        file = {"driver": "file", "filename": path}
        return {"driver": "qcow2", "encrypt": {"key-secret": "sec0"}, "file": file}

    def check(self, folder):
        qemu_img = shutil.which("qemu-img")
        if qemu_img is not None:
            options = f"driver=qcow2,encrypt.key-secret=sec0,file.filename={folder}/image.qcow2"
            command = [qemu_img, "check", "--object", "secret,id=sec0,data=sesame", "--image-opts", options]
            done = subprocess.run(command, capture_output=True, text=True)
            assert (done.returncode, done.stderr) == (0, ""), done.stdout


class TestQcow2WithAes(TestQcow2WithLuks):
    options: ClassVar = {"encrypt.format": "aes", "extended_l2": "on"}
