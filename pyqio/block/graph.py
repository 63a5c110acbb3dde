"""Opening, reopening and closing nodes, and the names that they go by.

An image is described by nested options, as in QEMU's json: names: ``driver``, the options of that driver, options
that every node has, and a group for each child.  Where the driver is missing it is found: by the name's prefix for
a protocol, by looking at the bytes for a format.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyqio.base.errors import BlockError, NestingError, OpenError, OptionError, UsageError, VerifyError
from pyqio.base.options import bind, flatten
from pyqio.base.types import PERM_ALL, PERM_CONSISTENT_READ, PERM_RESIZE, PERM_WRITE, ChildRole, OpenFlags, Role
from pyqio.block import edge as edges
from pyqio.block import probe, registry
from pyqio.block.edge import Edge
from pyqio.block.filename import Typed, parse_json, parse_protocol, protocol_prefix
from pyqio.block.generic import child_flags, take_generic, wants_read_only
from pyqio.block.image import Image
from pyqio.block.node import Node
from pyqio.block.secrets import NO_SECRETS, Secrets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyqio.base.types import Cache
    from pyqio.block.driver import Driver
    from pyqio.block.follow import Found

MAX_DEPTH = 100
"""Nodes below one another: far more than anybody needs, and a backing file that names itself ends here."""

_TOO_DEEP = f"More than {MAX_DEPTH} nodes below one another; does a backing file name itself?"
_DEFAULT_FLAGS = OpenFlags()


class Graph:
    """The nodes of a session.

    ``probe_pairs``: also guess a format above a filter that was named as a protocol (blkverify:...), as QEMU does;
    otherwise what such a filter shows is taken as it is.  ``follow``: which files that an image names are opened,
    one of follow.FOLLOW_MODES.  ``secrets``: those that options may refer to.
    """

    def __init__(self, *, probe_pairs: bool = False, follow: str = "all", secrets: Secrets = NO_SECRETS) -> None:
        self.secrets = secrets
        self.nodes: dict[str, Node] = {}
        self.guessed_raw: list[str] = []
        """Names of the writable images whose format was guessed to be raw at the last open, in that order."""
        self.remarks: list[str] = []
        """What the drivers have to say about what was opened last (see Driver.remarks)."""
        self.findings: list[str] = []
        """What the drivers found and repaired at the last open, also where it failed then (see Opening.report)."""
        self.follow = follow
        self._probe_pairs = probe_pairs
        self._counter = 0
        self._depth = 0

    def open(
        self,
        filename: str | None,
        options: Mapping[str, Any] | None = None,
        flags: OpenFlags = _DEFAULT_FLAGS,
        *,
        snapshot: bool = False,
        copy_on_read: bool = False,
    ) -> Image:
        """Open an image by name, by nested options, or both.

        ``snapshot``: writes go to a temporary overlay that is gone at close.  ``copy_on_read``: what is read from a
        backing file is kept in the image.  Raises OpenError, OptionError; nothing stays open then.
        """
        self.guessed_raw, self.remarks, self.findings = [], [], []
        spec = dict(options or {})
        if filename is not None:
            spec["filename"] = Typed(filename)
        try:
            node = self.open_node(spec, flags.replace(read_only=flags.read_only or snapshot), probing=True)
        except RecursionError:
            raise NestingError(_TOO_DEEP) from None
        try:
            if snapshot:
                node = self._overlay(node, flags.replace(read_only=flags.read_only or wants_read_only(spec)))
            if copy_on_read and node.read_only:
                raise OpenError("Can't use copy-on-read on read-only device")
            node.copy_on_read = copy_on_read
            edge = Edge(None, "root", ChildRole.FILTERED, node)
            edges.attach(edge, PERM_CONSISTENT_READ | (0 if node.read_only else PERM_WRITE), PERM_ALL)
        except BaseException:
            self.drop(node)
            raise
        return Image(self, edge)

    def open_node(self, spec: Mapping[str, Any], flags: OpenFlags, *, probing: bool) -> Node:
        """Open one node and what is below it.

        ``probing``: a missing driver is a format, to be guessed; otherwise a protocol, named by the filename.
        """
        if self._depth >= MAX_DEPTH:
            raise NestingError(_TOO_DEEP)
        self._depth += 1
        try:
            return self._open_node(dict(spec), flags, probing=probing)
        finally:
            self._depth -= 1

    def _open_node(self, options: dict[str, Any], flags: OpenFlags, *, probing: bool) -> Node:
        if isinstance(options.get("filename"), Typed) and options["filename"].startswith("json:"):
            options = {**parse_json(options.pop("filename")), **options}
        if options.get("backing") == "":
            options["backing"] = None  # JSON says null, which key=value cannot
        name, flags = take_generic(options, flags)
        if flags.force_share and not flags.read_only:
            raise OpenError("force-share=on can only be used with read-only images")
        named = options.pop("driver", None)
        filename = str(options.get("filename", ""))
        if named is None:
            driver, options, flags = self._find_driver(options, flags, probing=probing)
        else:
            driver = registry.require(str(named))
            if driver.prefix is None:
                _settle_filename(options)
            else:
                _parse_filename(driver, options)
        try:
            filename = str(options.get("filename", filename))
            opening = _Opening(self, self._checked_name(name), filename, flags, options)
            return opening.open(driver)
        except BaseException:
            if isinstance(below := options.get("file"), Node):
                self.drop(below)
            raise

    def _find_driver(
        self, options: dict[str, Any], flags: OpenFlags, *, probing: bool
    ) -> tuple[type[Driver], dict[str, Any], OpenFlags]:
        if not probing:
            if "filename" not in options:
                raise OpenError("Must specify either driver or file")
            driver, parsed = parse_protocol(options.pop("filename"))
            return driver, {**parsed, **options}, flags
        _settle_filename(options)
        if "file" not in options:
            raise OpenError("Must specify either driver or file")
        spec = options.pop("file")
        below = self.resolve(spec, child_flags(flags, ChildRole.IMAGE), probing=False)
        options = {**options, "file": below}
        if below.driver.role is Role.FILTER and not self._probe_pairs:
            return registry.require("raw"), options, flags
        try:
            return probe.guess_node(below), options, flags.replace(probed=True)
        except BlockError as error:
            self.drop(below)
            if isinstance(error, VerifyError):
                raise
            raise OpenError(f"Could not read image for determining its format: {error.message}") from error

    def resolve(self, spec: object, flags: OpenFlags, *, probing: bool) -> Node:
        """The node that a child's options stand for: options to open, the name of a node, or a node."""
        if isinstance(spec, Node):
            return spec
        if isinstance(spec, str):
            return self.nodes.get(spec) or _no_node(spec)
        if not isinstance(spec, dict) or "" in spec:
            raise OpenError(f"Expected a node or its options, not {spec!r}")
        return self.open_node(spec, flags, probing=probing)

    def add(self, node: Node, children: list[Edge]) -> None:
        """Give an opened node its place."""
        self.nodes[node.name] = node
        for edge in children:
            edge.parent = node
            node.children[edge.key] = edge
        if node.flags.probed and node.driver.name == "raw" and not node.read_only:
            self.guessed_raw.append(node.children["file"].node.filename)
        self.remarks += node.driver.remarks()

    def release(self, edge: Edge) -> None:
        """Take a user away from a node; a node without users is closed.  Raises BlockError where closing fails."""
        edge.node.parents.remove(edge)
        if edge.node.parents:
            edges.apply(edge.node)
        else:
            self.drop(edge.node)

    def drop(self, node: Node) -> None:
        """Close a node that nobody uses, and what is below it; the first error is raised when all is closed."""
        if node.parents or self.nodes.pop(node.name, None) is None:
            return
        try:
            node.driver.close()
        finally:
            self._release_all(list(node.children.values()))

    def _release_all(self, children: list[Edge]) -> None:
        if children:
            try:
                self.release(children[0])
            finally:
                self._release_all(children[1:])

    def reopen(self, edge: Edge, *, read_only: bool | None, cache: Cache | None, options: Mapping[str, Any]) -> None:
        """Change flags and options of a node and of the children that follow it, all or nothing."""
        flags = edge.node.flags
        flags = flags.replace(
            read_only=flags.read_only if read_only is None else read_only,
            cache=cache or flags.cache,
        )
        done: list[tuple[Node, OpenFlags]] = []
        before = edge.perm
        if wants_read_only(options) and before & PERM_WRITE and not edge.node.copy_on_read:
            raise OpenError(f"Read-only block node '{edge.node.name}' cannot support read-write users")
        edges.change(edge, PERM_CONSISTENT_READ, PERM_ALL)
        try:
            self._reopen(edge.node, flags, dict(options), done)
            kept = 0 if edge.node.read_only else PERM_WRITE | before & PERM_RESIZE
            edges.change(edge, PERM_CONSISTENT_READ | kept, PERM_ALL)
        except BaseException:
            for node, former in reversed(done):
                node.driver.reopen(former, {})
                node.refresh(former)
            edges.change(edge, before, PERM_ALL)
            raise

    def _reopen(
        self, node: Node, flags: OpenFlags, options: dict[str, Any], done: list[tuple[Node, OpenFlags]]
    ) -> None:
        groups = self._take_groups(node, options)
        sharing = "force-share" in options
        name, flags = take_generic(options, flags)
        if sharing and not (flags.force_share and node.flags.force_share):
            raise OptionError("Cannot change the option 'force-share'")
        if flags.read_only and node.copy_on_read:
            raise OpenError(f"Can't set node '{node.name}' to r/o with copy-on-read enabled")
        for option, value, present in (
            ("node-name", name, node.name),
            ("driver", options.pop("driver", None), node.driver.name),
        ):
            if value not in (None, present):
                raise OptionError(f"Cannot change the option '{option}'")
        following = []
        for edge in node.children.values():
            inherited = edge.node.flags if edge.role is ChildRole.BACKING else child_flags(flags, edge.role)
            if groups[edge.key] or inherited != edge.node.flags:
                following.append((edge.node, inherited, dict(groups[edge.key])))
        upwards = node.read_only and not flags.read_only
        for child in following if upwards else ():
            self._reopen(*child, done)
        former = node.flags
        node.flush()
        node.driver.reopen(flags, options)
        done.append((node, former))
        node.refresh(flags)
        for child in () if upwards else following:
            self._reopen(*child, done)
            node.refresh(flags)

    def _take_groups(self, node: Node, options: dict[str, Any]) -> dict[str, Any]:
        """Remove the children's options from ``options``; a child can be named, but not become another one."""
        for key in dict.fromkeys(("file", "backing", *node.children)):
            if isinstance(spec := options.get(key), str):
                named = self.nodes.get(spec)
                if named is None and key in ("file", "backing"):
                    raise OpenError(f"Cannot find device='' nor node-name='{spec}'")
                if named is None or key not in node.children or node.children[key].node is not named:
                    raise OptionError(f"Cannot change the option '{key}'")
                del options[key]
        return {edge.key: options.pop(edge.key, {}) for edge in node.children.values()}

    def _overlay(self, base: Node, flags: OpenFlags) -> Node:
        """A temporary qcow2 file above ``base``; its name is gone at once, its bytes at close."""
        import os
        import tempfile

        handle, path = tempfile.mkstemp(prefix="pyqio-snapshot-", dir=os.environ.get("TMPDIR", "/var/tmp"))
        os.close(handle)
        try:
            driver = registry.require("qcow2")
            driver.create(path, base.length(), {})
            spec = {"driver": "qcow2", "file": {"driver": "file", "filename": path}, "backing": base}
            overlay = flags.replace(
                force_share=False, aio="threads", cache=flags.cache.replace(direct=False, no_flush=True)
            )
            return self.open_node(spec, overlay, probing=False)
        finally:
            os.unlink(path)

    def _checked_name(self, name: str | None) -> str | None:
        if name in self.nodes:
            raise OpenError(f"Duplicate nodes with node-name='{name}'")
        return name

    def new_name(self) -> str:
        """The name of a node that was given none: QEMU's, which ends in two random digits, here zeroes."""
        self._counter += 1
        return f"#block{self._counter - 1}00"


class _Opening:
    """One node being opened: the driver's view of the graph (see driver.Opening)."""

    def __init__(
        self, graph: Graph, name: str | None, filename: str, flags: OpenFlags, options: dict[str, Any]
    ) -> None:
        self.filename = filename
        self.flags = flags
        self._name = name
        self._graph = graph
        self._options = options
        self._rest: dict[str, Any] = {}
        self._edges: list[Edge] = []

    def open(self, driver: type[Driver]) -> Node:
        opened: Driver | None = None
        try:
            try:
                bound, self._rest = bind(driver.Options, self._options)
                opened = driver.open(bound, self)
                self._refuse_unknown(driver)
                name = self._name or self._graph.new_name()
                node = Node(name, opened, self.flags, filename=self.filename or self._child_filename())
            except UsageError as error:
                raise OpenError(str(error)) from error
            self._graph.add(node, self._edges)
        except BaseException:
            if opened is not None:
                opened.close()
            for edge in self._edges:
                self._graph.release(edge)
            raise
        return node

    def child(
        self,
        key: str,
        role: ChildRole,
        *,
        default: Mapping[str, Any] | None = None,
        flags: OpenFlags | None = None,
        probe: bool = False,
        found: Found | None = None,
    ) -> Node:
        spec = self._rest.pop(key, None)
        if spec is None and default is not None:
            spec = {}
        if isinstance(spec, dict) and default is not None and spec.keys().isdisjoint(("file", "filename")):
            spec = {**default, **spec}
            if found is not None:
                found.check(self._graph.follow)
                self._graph.remarks += found.remarks()
        if spec is None:
            raise OpenError(f'A block device must be specified for "{key}"')
        node = self._graph.resolve(spec, flags or child_flags(self.flags, role), probing=probe)
        self._name = self._name or self._graph.new_name()  # as in QEMU, after the file and before the backing file
        edge = Edge(None, key, role, node)
        writable = not self.flags.read_only
        try:
            edges.attach(edge, *edges.default_permissions(role, 0, PERM_ALL, writable=writable))
        except BaseException:
            self._graph.drop(node)
            raise
        self._edges.append(edge)
        return node

    def secret(self, name: str) -> bytes:
        return self._graph.secrets.password(name)

    def has_child(self, key: str) -> bool:
        return key in self._rest

    def declines_child(self, key: str) -> bool:
        return key in self._rest and self._rest[key] is None

    def report(self, finding: str) -> None:
        self._graph.findings.append(finding)

    def set_auto_read_only(self) -> None:
        if not self.flags.auto_read_only:
            raise OpenError("Image is read-only")
        self.flags = self.flags.replace(read_only=True)

    def _child_filename(self) -> str:
        return next((edge.node.filename for edge in self._edges if edge.key == "file"), "")

    def _refuse_unknown(self, driver: type[Driver]) -> None:
        given = flatten({k: v for k, v in self._rest.items() if v is not None})
        if given:
            option = next(iter(given))
            if driver.role is Role.FORMAT:
                raise OptionError(f"Block format '{driver.name}' does not support the option '{option}'")
            raise OptionError(f"Block protocol '{driver.name}' doesn't support the option '{option}'")


def _settle_filename(options: dict[str, Any]) -> None:
    """Give the name that was typed for a format to the format's file, beside what else is said of that."""
    file = options.get("file", {})
    if "filename" in options and isinstance(file, dict) and "filename" not in file:
        options["file"] = {"filename": options.pop("filename"), **file}


def _parse_filename(driver: type[Driver], options: dict[str, Any]) -> None:
    """Put the options that a protocol's own name stands for in its place."""
    filename = options.get("filename")
    if isinstance(filename, Typed) and protocol_prefix(filename) == driver.prefix:
        del options["filename"]
        options.update({k: v for k, v in driver.parse_filename(filename).items() if k not in options})


def _no_node(name: str) -> Node:
    raise OpenError(f"Cannot find device='{name}' nor node-name='{name}'")
