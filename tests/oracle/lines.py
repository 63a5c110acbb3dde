"""Command lines for the differential test: every qemu-io command, with arguments good and hostile.

What is left out because the real tool gives no answer to compare with:
- wait_break: without blkdebug it never returns.
- Signals that stop the process.
- Several unfinished asynchronous requests that report: their order is anybody's guess.
- Requests of 16 MiB to 2 GiB: it fills a buffer of that size first.
- Compressed writes of several clusters: they run side by side, and where one fails others may be done or not.

What is left out because the real tool (7.2) answers wrongly:
- truncate -m full after O_DIRECT: it fails over the alignment of its own buffer.
- truncate of a qcow2 image to the middle of a cluster: the old data is there again when the image grows.
- truncate -m falloc or full of a qcow2 image whose clusters are freed and not discarded: the old data is there again.
- truncate -m of an image with extended L2 entries, whose last cluster is compressed and partial: its data is lost.
- truncate -m of an encrypted image: the new bytes are zeroes of the file, decrypted.
- A compressed write after another whose cluster was freed and given to other data: it overwrites that.
- reopen of an image with a temporary overlay: the overlay has no name any more.
- reopen of a file of odd length with O_DIRECT: it succeeds, and open does not.
- reopen -o read-only=on after reopen -w: whether it fails depends on a write in between.
- truncate with an option and a bad number: it quotes another word.
- truncate to 0 of an image with persistent bitmaps: it cannot store them, and leaves them in use.
- reopen -o read-only=on of an image with persistent bitmaps: it is refused, and all writes are from then on.
- Copies on read in an image with extended L2 entries: they are of whole clusters, and it computes negative lengths.
- read -P with -s and -l whose sum is 2**63 or more: it reads somewhere in its memory.
- write -zn above preallocated clusters of a backing file: it sees the holes in the host file, sometimes.

What is left out because we do it in another way:
- detect-zeroes with O_DIRECT: our raw driver is aligned as its file is, and so looks for zeroes in larger units.
- reopen -o force-share=off where open was given the same: we refuse it as we do without.
- How far an external data file goes on behind the end of the disk, in its last cluster.
- Copies on read, and write -zn, of an image with persistent bitmaps: ours note the copies, and of a request that fails
  only what was tried.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from tests.oracle.geometry import Geometry

HOSTILE_NUMBERS = (
    "1s", "-1", "0x", "1e3", "99999999999999999999", "16E", "8E", "7E", "1.5k", "0x1.8k", ".5k", "1.", "1.k", "+5",
    "010", "1kk", "1kb", "1B", "nan", "inf", "0x1k", "9223372036854775807", "9223372036854775808", "1.5", "0.1k",
    "18446744073709551615", "-0", "-5k", "0X200", "1K", "2147483648", "2147483647", "2147483137", "x", "--", "-",
    "1T", "0b1", "1,5", "5M5", "''", "2g", "0x7fffffffffffffff", "9223372036854775807k", "1.0000000001M", "0.5E",
)  # fmt: skip
HOSTILE_SIZES = ("1s", "-1", "0x", "1e3", "99999999999999999999", "16E", "8E", "7E", "x", "1.5", "5M5", "0", "-5k")
PATTERNS = ("0", "0", "1", "0xcd", "205", "0xff", "255", "7", "42")
HOSTILE_PATTERNS = ("256", "-1", "abc", "0x", "1k", "1.5", "010", "0x100", "99999999999999999999", "+3")
DIRECT_MODES = ("none", "directsync", "off")
CACHE_MODES = ("writeback", "writethrough", "unsafe", "bogus", "WRITEBACK")
KEEPING_MODES = ("ignore", "off")
DISCARD_MODES = ("unmap", "on", "bogus")
COMMANDS = (
    "abort", "aio_flush", "aio_read", "aio_write", "alloc", "break", "close", "discard", "flush", "help", "info",
    "length", "map", "open", "quit", "read", "readv", "remove_break", "reopen", "resume", "sigraise", "sleep",
    "truncate", "wait_break", "write", "writev",
)  # fmt: skip
MAX_LENGTH = 2 << 20


class Lines:
    """A source of command lines for one image; ``hostility`` is the chance that an argument is bad on purpose.

    ``direct``: the image may be opened past the host's cache.  ``snapshot``: it may be opened with an overlay.
    ``keeping``: what is discarded may be left in the file.
    """

    def __init__(
        self, rng: Random, geometry: Geometry, *, hostility: float, direct: bool, snapshot: bool, keeping: bool
    ) -> None:
        self.rng = rng
        self.geometry = geometry
        self.hostility = hostility
        self.size = self.peak = geometry.size
        self.resized = False
        self.direct = direct
        self.snapshot = snapshot
        self.keeping = keeping
        self.discard_modes = DISCARD_MODES + KEEPING_MODES * keeping
        self.image_opts = False
        self.cache_modes = CACHE_MODES + DIRECT_MODES * direct
        self.begin()

    def begin(self) -> None:
        """From here on the commands are those of another process."""
        self.packing = not self.snapshot
        self.rewritable = False

    def lines(self) -> list[str]:
        """One command, or a few that belong together."""
        makers: dict[Callable[[], list[str]], int] = {
            self.read: 22,
            self.write: 30,
            self.readv: 7,
            self.writev: 7,
            self.aio: 8,
            self.discard: 8,
            self.truncate: 5,
            self.status: 8,
            self.reopen: 4,
            self.open_again: 2,
            self.odd: 6,
        }
        return self.rng.choices(list(makers), list(makers.values()))[0]()

    # What a command is made of

    def bad(self) -> bool:
        return self.rng.random() < self.hostility

    def number(self, value: int) -> str:
        """``value`` in one of its spellings."""
        spellings = [str(value), str(value), hex(value)]
        for shift, suffixes in ((10, "kK"), (20, "mM"), (30, "gG")):
            if value and not value % (1 << shift):
                spellings.append(f"{value >> shift}{self.rng.choice(suffixes)}")
        if value % 1024 == 512:
            spellings.append(f"{value // 1024}.5k")
        return self.rng.choice(spellings)

    def offset(self) -> str:
        """A place at or near an edge that matters, mostly inside the image."""
        if self.bad():
            return self.rng.choice(HOSTILE_NUMBERS)
        step = self.rng.choice((512, 4096, self.geometry.grain, self.geometry.grain, self.geometry.cluster))
        reach = min(self.size, 4 << 20) if self.rng.random() < 0.8 else self.size
        place = self.rng.randrange(reach // step + 1) * step
        if self.rng.random() < 0.15:
            place = self.size - self.rng.choice((0, 0, step, 512, 1))
        if self.rng.random() < 0.35:
            place += self.rng.choice((1, -1, 511, -511, 512, -512, 513, 7, self.rng.randrange(step)))
        return self.number(max(0, place))

    def length(self, offset: str) -> str:
        """A length that fits behind ``offset`` most of the time."""
        if self.bad():
            return self.rng.choice(HOSTILE_NUMBERS)
        cluster, grain = self.geometry.cluster, self.geometry.grain
        lengths = (0, 1, 511, 512, 513, 1024, 4096, 4097, 65536, cluster, cluster, 2 * cluster, 3 * cluster)
        length = self.rng.choice((*lengths, grain, grain + 512, 3 * grain, cluster - grain))
        length = min(length, MAX_LENGTH)
        start = plain(offset)
        if start is not None and self.rng.random() < 0.85:
            length = min(length, max(0, self.size - start))
        return self.number(length)

    def pattern(self) -> str:
        return self.rng.choice(HOSTILE_PATTERNS if self.bad() else PATTERNS)

    def command(self, name: str, flags: str, operands: list[str], **values: str) -> str:
        """``name`` with a random choice of ``flags`` (and of the flags with values), in any place and bundle."""
        rng = self.rng
        chosen = [flag for flag in flags if rng.random() < 1.2 / (len(flags) + 1)]
        if self.bad():
            chosen.append(rng.choice("xzZwn?:-9uo"))
        rng.shuffle(chosen)
        bundle = rng.random() < 0.3 and len(chosen) > 1
        options = [["-" + "".join(chosen)]] if bundle else [[f"-{flag}"] for flag in chosen]
        options += [rng.choice(([f"-{flag}", value], [f"-{flag}{value}"])) for flag, value in values.items()]
        words = [[operand] for operand in self.spoiled(operands)]
        scattered = rng.random() < 0.15
        for option in options:
            words.insert(rng.randint(0, len(words)) if scattered else 0, option)
        if rng.random() < 0.02:
            words.insert(rng.randint(0, len(words)), ["--"])
        gap = " " * rng.choice((1,) * 12 + (2, 3))
        return gap.join([name, *(word for group in words for word in group)])

    def spoiled(self, operands: list[str]) -> list[str]:
        """The operands; when hostile, sometimes one too few or one too many."""
        if self.rng.random() < self.hostility / 2:
            return operands[:-1] if self.rng.random() < 0.5 else [*operands, self.rng.choice(("0", "512", "x"))]
        return operands

    # The commands

    def verification(self) -> dict[str, str]:
        """-P with, sometimes, the part of the buffer that it is about."""
        if self.rng.random() > 0.3:
            return {}
        values = {"P": self.pattern()}
        if self.rng.random() < 0.3:
            values["s"] = self.rng.choice(HOSTILE_SIZES if self.bad() else ("0", "1", "512", "1k", "65536"))
        if self.rng.random() < 0.3:
            values["l"] = self.rng.choice(HOSTILE_NUMBERS[:4] if self.bad() else ("0", "1", "512", "1k", "3"))
        return values

    def read(self) -> list[str]:
        offset = self.offset()
        if self.rng.random() < 0.2:
            small = self.rng.choice(("0", "1", "16", "17", "100", "512", "1000"))
            return [self.command("read", "q", ["-v", offset, small], **self.verification())]
        values = self.verification()
        flags = "Cqp" + "b" * self.bad()
        if self.bad():
            values |= self.rng.choice(({"s": "512"}, {"l": "512"}))
        return [self.command(self.rng.choice(("read", "read", "r")), flags, [offset, self.length(offset)], **values)]

    def write(self) -> list[str]:
        offset = self.offset()
        length = self.length(offset)
        if self.packing and self.rng.random() < 0.1:
            return self.compressed_writes()
        kinds = ("", "", "", "-z", "-z", "-zu", *(("-z", "-zu") if self.falling_back else ("-zn", "-zun")))
        kind = self.rng.choice(kinds)
        flags = "Cfqp" + ("buz" + "n" * (not self.falling_back) if self.bad() else "")
        values = {} if kind and not self.bad() else self.filling()
        return [self.command(self.rng.choice(("write", "w")), flags, [kind] * bool(kind) + [offset, length], **values)]

    def compressed_writes(self) -> list[str]:
        """One to four, each to a cluster of its own; a single cluster each, since several are written side by side."""
        self.packing = False
        clusters = range(max(1, min(self.size, 4 << 20) // self.geometry.cluster + 1))
        lines = []
        for index in self.rng.sample(clusters, min(len(clusters), self.rng.randint(1, 4))):
            start = index * self.geometry.cluster
            length = min(self.geometry.cluster, max(0, self.size - start))
            if self.bad():
                start, length = start + self.rng.choice((0, 1, 512)), length // 2
            operands = ["-c", self.number(start), self.number(length)]
            lines.append(self.command("write", "Cq", operands, **self.filling()))
        return lines

    def filling(self) -> dict[str, str]:
        if self.rng.random() < 0.1:
            return {"s": self.rng.choice(("pattern", "pattern", "nosuch", "/", "/dev/null"))}
        return {"P": self.pattern()} if self.rng.random() < 0.7 else {}

    def vector(self, offset: str) -> list[str]:
        """One to five lengths that mostly fit together."""
        return [
            offset,
            *(self.rng.choice((self.length(offset), "512", "1", "1k")) for _ in range(self.rng.randint(1, 5))),
        ]

    def readv(self) -> list[str]:
        flags = "Cq"
        values = {"P": self.pattern()} if self.rng.random() < 0.3 else {}
        offset = self.offset()
        if self.rng.random() < 0.2:
            return [self.command("readv", flags, ["-v", offset, "100", "1", "27"], **values)]
        return [self.command("readv", flags, self.vector(offset), **values)]

    def writev(self) -> list[str]:
        return [self.command("writev", "Cfq", self.vector(self.offset()), **self.filling())]

    def aio(self) -> list[str]:
        """One request that reports, or several quiet ones side by side, and the wait for them."""
        rng = self.rng
        if rng.random() < 0.3 and not self.resized:
            return [*self.quiet_writes(), "aio_flush"]
        offset = self.offset()
        operands = self.vector(offset)
        if rng.random() < 0.5:
            values = {"P": self.pattern()} if rng.random() < 0.5 else {}
            return [self.command("aio_read", "Cqi" if self.bad() else "Cq", operands, **values), "aio_flush"]
        zeroes = ["-z"] if rng.random() < 0.3 else []
        values = {"P": self.pattern()} if not zeroes and rng.random() < 0.5 else {}
        flags = "Cfqiuz" if self.bad() else "Cfq"
        return [
            self.command("aio_write", flags, zeroes + (operands[:2] if zeroes else operands), **values),
            "aio_flush",
        ]

    def quiet_writes(self) -> list[str]:
        """Concurrent writes that do not overlap and do not fail, so that their order does not matter."""
        step = self.rng.choice((512, 4096, self.geometry.grain, self.geometry.cluster // 2, self.geometry.cluster))
        room = min(self.size, 4 << 20) // step
        starts = self.rng.sample(range(room), min(room, self.rng.randint(2, 8)))
        return [f"aio_write -q -P {self.rng.randint(0, 255)} {start * step} {step}" for start in starts]

    def discard(self) -> list[str]:
        offset = self.offset()
        return [self.command("discard", "Cq", [offset, self.length(offset)])]

    def truncate(self) -> list[str]:
        self.resized = True
        if self.bad():
            numbers = HOSTILE_NUMBERS if self.geometry.format == "raw" else HOSTILE_SIZES
            numbers = tuple(number for number in numbers if number != "0" or "bitmaps" not in self.geometry.features)
            return [f"truncate {self.rng.choice((*numbers, '1 2', '-x 1', '-m bogus 1', '-m', '-moff -x'))}", "length"]
        size = max(0, self.size + self.rng.choice((0, 1, 512, -512, 4096, 65536, -65536, 1 << 20, -(1 << 20), 777)))
        size = min(size, 6 << 30)
        if self.geometry.format == "qcow2" and size < self.peak:
            size -= size % self.geometry.cluster
        if not size and "bitmaps" in self.geometry.features:
            size = self.geometry.cluster
        mode = f"-m {self.rng.choice(self.preallocations())} " if self.rng.random() < 0.4 else ""
        line = f"truncate {mode}{self.number(size)}"
        self.size = size
        self.peak = max(size, self.peak)
        return [line, "length"]

    def preallocations(self) -> list[str]:
        """The modes of truncate that have an answer to compare with."""
        geometry = self.geometry
        if geometry.encrypted or ("extended L2" in geometry.features and self.size % geometry.cluster):
            return ["off"]
        filled = self.small and not (self.keeping and geometry.format == "qcow2")
        return ["off", "metadata", *["falloc"] * filled, *["full"] * (filled and not self.direct)]

    @property
    def copying(self) -> bool:
        """Whether the image may be opened to keep what is read."""
        return self.geometry.features.isdisjoint({"bitmaps", "extended L2"})

    @property
    def falling_back(self) -> bool:
        """Whether zeroes are always written in one way or the other, and -n is not given."""
        return self.snapshot or "bitmaps" in self.geometry.features

    @property
    def small(self) -> bool:
        """Whether the whole image may be filled."""
        return self.geometry.size <= 16 << 20

    def status(self) -> list[str]:
        rng = self.rng
        simple = rng.choice(("map", "map", "length", "info", "flush", "l", "f", "i", "alloc"))
        if simple != "alloc":
            return [simple if not self.bad() else f"{simple} {rng.choice(('x', '-x', '0 1'))}"]
        offset = self.offset()
        return [self.command("alloc", "", [offset] + [self.length(offset)] * (rng.random() < 0.7))]

    def reopen(self) -> list[str]:
        rng = self.rng
        if self.snapshot or (self.direct and self.geometry.size % 4096):
            return ["reopen -x"]
        choices = ["-r", "-w", "-w", "", f"-c {rng.choice(self.cache_modes)}", f"-w -c {rng.choice(self.cache_modes)}"]
        choices += [f"-o {option}" for option in self.options() if option != "read-only=on" or not self.rewritable]
        hostile = ["-rw", "-x", "-w -w", "-c", "-o", "x", "-o driver=qed", "-o nosuch=1", "-o =", "-o file=x"]
        line = f"reopen {rng.choice(hostile if self.bad() else choices)}".rstrip()
        lines = [line] if rng.random() < 0.7 else [line, "reopen -w"]
        self.rewritable = self.rewritable or "-w" in " ".join(lines)
        return lines

    def options(self) -> list[str]:
        """Block driver options that say nothing about which image it is."""
        bitmaps = "bitmaps" in self.geometry.features
        common = [
            *["read-only=on"] * (not bitmaps),
            "read-only=off",
            "discard=unmap",
            *["discard=ignore"] * self.keeping,
        ]
        common += ["detect-zeroes=on"] * (not self.direct)
        common += ["cache.direct=off", "cache.no-flush=on", "force-share=off", "detect-zeroes=bogus", "discard=5"]
        if self.geometry.format == "qcow2":
            common += ["lazy-refcounts=on", "lazy-refcounts=off", "pass-discard-request=on", "pass-discard-other=on"]
            common += ["overlap-check=all", "overlap-check=none", "cache-size=1M", "lazy-refcounts=maybe"]
        return common

    def open_again(self) -> list[str]:
        """Close, some commands that find nothing open, and open again."""
        rng = self.rng
        lines = ["close"] if not self.bad() else []
        self.packing = bool(lines) and not self.snapshot
        lines += [rng.choice(("read 0 512", "close", "map", "length", "help", "flush", "foo", "sleep 0"))] * self.bad()
        secret = ",encrypt.key-secret=sec0" * (self.geometry.encrypted and not self.bad())
        driver = f"driver={self.geometry.format}{secret}"
        if rng.random() < 0.3:
            given = [option for option in self.options() if option != "force-share=off"]
            lines.append(f"open {self.located(f'{driver},{rng.choice(given)}')}")
        else:
            lines.append(self.open_line(driver))
        if self.bad():
            lines.append(rng.choice(("open nosuch", "open /", "open", "open -x t.raw", "open a b", "open -t bogus x")))
        return [*lines, f"open {self.located(driver)}"]

    def located(self, options: str) -> str:
        """The words that name the image after open; --image-opts rules out -o, which a hostile stream tries too."""
        if self.image_opts and self.geometry.encrypted and not self.bad():
            return f"{options},file.filename={self.geometry.image}"
        return f"-o {options} {self.geometry.image}"

    def open_line(self, options: str) -> str:
        rng = self.rng
        allowed = ["-r", *["-C"] * self.copying, "-U", "-k", *["-s"] * self.snapshot, *["-n"] * self.direct]
        flags = [flag for flag in allowed if rng.random() < 0.08]
        flags += [f"-t {rng.choice(self.cache_modes)}"] * (rng.random() < 0.2)
        flags += [f"-d {rng.choice(self.discard_modes)}"] * (rng.random() < 0.3)
        flags += [f"-i {rng.choice(('threads', 'native', 'bogus'))}"] * (rng.random() < 0.05)
        return " ".join(["open", *flags, self.located(options)])

    def odd(self) -> list[str]:
        """What is no request at all."""
        rng = self.rng
        unknown = (
            "foo",
            "READ 0 512",
            "",
            " ",
            "  length",
            "read",
            "write",
            "read 0",
            "q 1",
            "#",
            "open -",
            "?",
            "help foo",
        )
        known = (
            f"help {rng.choice(COMMANDS)}",
            "sleep 0",
            "sleep x",
            "sleep",
            "aio_flush",
            "aio_flush 1",
            "break l2_update tag",
            "resume tag",
            "remove_break tag",
            "break x",
            "sigraise 0",
            "sigraise x",
            "sigraise 99",
            f"{rng.choice(COMMANDS[4:22])} {rng.choice(('-x', '1 2 3 4 5 6 7', '--foo', '-q -q', 'a b', '0 0 0'))}",
        )
        return [rng.choice(unknown if rng.random() < 0.4 else known)]


def plain(number: str) -> int | None:
    """The value of a number without a suffix."""
    try:
        return int(number, 0)
    except ValueError:
        return None
