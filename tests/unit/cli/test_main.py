from __future__ import annotations

import pytest

from pyqio.cli.main import main
from pyqio.cli.usage import QEMU_HELP


@pytest.fixture
def run(tmp_path, monkeypatch, capfd):
    """``run("pyqio", "-c", "length", "raw.img")``: standard output, standard error, exit status."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("PYQIO_CONFIG", raising=False)
    (tmp_path / "raw.img").write_bytes(bytes(1024))
    (tmp_path / "my script").write_text("length\nnosuch\n")

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
        (["-c", "print 512", "--source", "my script", "-c", "length", "-X", "raw.img"],
         "bytes    hex       size  sectors\n  512  0x200  512 bytes  1s\n1 KiB\n1 KiB\n",
         'command "nosuch" not found (my script:2)\n', 1),
        (["--source", "-e"], "", "pyqio: -e: No such file or directory\n", 1),
        (["--set", "diff=side", "-c", "set diff"],
         "name  value  meaning\ndiff  side   both sides of a difference one above the other, or side by side\n", "", 0),
        (["--set", "dif=side"], "", "pyqio: there is no setting 'dif'; did you mean diff?\n", 2),
        (["--set", "diff"], "", "pyqio: --set wants NAME=VALUE, not 'diff'\nTry 'pyqio --help'.\n", 2),
        (["--write-config", "raw.img"], "", "pyqio: raw.img is there already, and stays as it is\n", 2),
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


def test_write_config_when_a_hyphen_is_given_then_on_standard_output(run):
    printed, told, status = run("pyqio", "--write-config", "-")

    assert ("[settings]" in printed, told, status) == (True, "", 0)


def test_config_when_it_has_choices_then_options_count_for_more(run, tmp_path):
    run("pyqio", "--write-config")
    (tmp_path / "pyqio" / "config.toml").write_text('[settings]\nformat = "json"\n[aliases]\nlen = "length"\n')

    assert run("pyqio", "-c", "len", "raw.img")[0].startswith("{")
    assert run("pyqio", "--set", "format=plain", "-c", "len", "raw.img") == ("1 KiB\n", "", 0)


def test_config_when_the_name_is_qemu_ios_then_it_does_not_count(run, tmp_path):
    run("pyqio", "--write-config")
    (tmp_path / "pyqio" / "config.toml").write_text("nonsense")

    assert run("qemu-io", "-c", "length", "-f", "raw", "raw.img") == ("1 KiB\n", "", 0)
