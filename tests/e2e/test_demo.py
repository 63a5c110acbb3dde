"""pyqio -c demo."""

from __future__ import annotations


def test_demo_when_it_is_run_then_it_shows_a_mismatch_and_ends_well(pyqio, tmp_path, environment):
    environment["TMPDIR"] = str(tmp_path)

    done = pyqio("-c", "demo")

    assert (done.returncode, list(tmp_path.iterdir())) == (0, [])
    assert "$ pyqio -c 'read 0 512' blkverify:raw.img:test.qcow2\n" in done.stdout
    assert done.stderr.startswith("blkverify: read sector_num=0 nb_sectors=1 contents mismatch in sector 0\n")
    assert "00000000:  cd cd" in done.stdout
    assert "00000000:  00 00" in done.stdout


def test_demo_when_commands_follow_then_they_run(pyqio):
    done = pyqio("-c", "demo", "-c", "open null-co://", "-c", "length")

    assert (done.stdout.splitlines()[-1], done.returncode) == ("1 GiB", 0)


def test_demo_when_an_image_is_open_then_it_is_refused(pyqio, pattern_image):
    done = pyqio("-c", "demo", "raw.img")

    assert (done.stdout, done.stderr, done.returncode) == ("", "pyqio: file open already, try 'help close'\n", 1)


def test_demo_when_disk_is_full_then_one_line_says_so(pyqio, environment, small_disk):
    environment["TMPDIR"] = str(small_disk)
    (small_disk / "ballast").write_bytes(bytes((2 << 20) - 65536))

    done = pyqio("-c", "demo")

    assert (len(done.stderr.splitlines()), done.returncode) == (1, 1)
    assert "No space left on device" in done.stderr
    assert [path.name for path in small_disk.iterdir()] == ["ballast"]


def test_demo_when_one_side_finds_no_room_then_it_ends_there(pyqio, environment, small_disk):
    environment["TMPDIR"] = str(small_disk)
    (small_disk / "ballast").write_bytes(bytes(1 << 20))

    done = pyqio("-c", "demo")

    assert done.stderr.splitlines()[-1] == "pyqio: the demo failed"
    assert "Now the tested image is damaged" not in done.stdout
    assert [path.name for path in small_disk.iterdir()] == ["ballast"]


def test_demo_when_the_name_is_qemu_io_then_there_is_no_such_command(pyqio, as_qemu_io):
    done = pyqio("-c", "demo", program=as_qemu_io)

    assert (done.stdout, done.stderr, done.returncode) == ("", 'command "demo" not found\n', 1)
