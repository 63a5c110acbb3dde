from __future__ import annotations

import pytest

from pyqio.cli.main import main
from pyqio.cli.usage import QEMU_HELP


@pytest.fixture
def run(tmp_path, monkeypatch, capfd):
    """``run("pyqio", "-c", "length", "raw.img")``: standard output, standard error, exit status."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "raw.img").write_bytes(bytes(1024))

    def start(*argv):
        status = main(argv)
        return *capfd.readouterr(), status

    return start


@pytest.mark.parametrize(
    ("arguments", "printed", "told", "status"),
    [
        (["-c", "length", "raw.img"], "1 KiB\n", "", 0),
        (["-c", "foo", "-c", "length", "-f", "raw", "raw.img"], "1 KiB\n", 'command "foo" not found\n', 1),
        (["-c", "quit", "-c", "length", "raw.img"], "", "", 0),
        (["-c", "length"], "", "no file open, try 'help open'\n", 1),
        (["-c", "length; length # x", "raw.img"], "1 KiB\n1 KiB\n", "", 0),
        (["-V"], "pyqio 0.1.0\n", "", 0),
        (["nosuch"], "", "pyqio: can't open device nosuch: Could not open 'nosuch': No such file or directory\n", 1),
        (["-x"], "", "pyqio: invalid option -- 'x'\nTry 'pyqio --help'.\n", 2),
        (["a", "b"], "", "pyqio: more than one image\nTry 'pyqio --help'.\n", 2),
        (["-t", "fast"], "", "pyqio: Invalid cache option: fast\n", 2),
        (["--image-opts", "-f", "raw", "x"], "", "pyqio: --image-opts and -f are mutually exclusive\n", 2),
        (["--object", "x,id=1"], "", "pyqio: Parameter 'qom-type' does not accept value 'x'\n", 2),
        (["--object", "secret,id=s,data=x", "-c", "length", "raw.img"], "1 KiB\n", "", 0),
        (["--object", "throttle-group,id=s", "-c", "length", "raw.img"], "1 KiB\n",
         "pyqio: warning: there are no objects of type throttle-group yet: it is ignored\n", 0),
        (["-T", "all", "-c", "length", "raw.img"], "1 KiB\n",
         "pyqio: warning: nothing can be traced yet: all is ignored\n", 0),
        (["--image-opts", "-c", "length", "driver=raw,file.filename=raw.img,size=512"], "512 bytes\n", "", 0),
        (["-n", "-t", "writeback", "-d", "off", "-i", "threads", "-m", "-f", "raw", "-c", "length", "raw.img"],
         "1 KiB\n", "", 0),
    ],
)  # fmt: skip
def test_pyqio_when_started_then_output_and_status(run, arguments, printed, told, status):
    assert run("pyqio", *arguments) == (printed, told, status)


@pytest.mark.parametrize(
    ("arguments", "printed", "told", "status"),
    [
        (["-h"], QEMU_HELP, "", 0),
        (["-x"], QEMU_HELP, "qemu-io: invalid option -- 'x'\n", 1),
        (["a", "b"], QEMU_HELP, "", 1),
        (["-t", "fast"], "", "qemu-io: Invalid cache option: fast\n", 1),
        (["-T", "foo", "-c", "length", "-f", "raw", "raw.img"], "1 KiB\n",
         "qemu-io: warning: trace event 'foo' does not exist\n", 0),
        (["--image-opts", "-c", "open -o x=y z", "x"], "",
         "qemu-io: warning: short-form boolean option 'x' deprecated\nPlease use x=on instead\n"
         "qemu-io: can't open: Must specify either driver or file\n", 1),
    ],
)  # fmt: skip
def test_qemu_io_when_started_by_that_name_then_its_words(run, arguments, printed, told, status):
    assert run("/usr/local/bin/qemu-io", *arguments) == (printed, told, status)


def test_help_when_pyqios_then_each_option_is_listed(run):
    printed, _, status = run("pyqio", "--help")

    assert status == 0
    assert max(map(len, printed.splitlines())) <= 110
    assert printed.startswith("Usage: pyqio [OPTION]... [-c COMMAND]... [IMAGE]\n")
    assert "  -t, --cache MODE        cache mode of the image\n" in printed
