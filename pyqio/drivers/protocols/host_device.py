"""``host_device``: the bytes of a node are those of a block device, or of a character device, of the host."""

from __future__ import annotations

from pyqio.drivers.posix.device import Device


class HostDevice(Device):
    """A block device or a character device."""

    name = "host_device"
    prefix = "host_device"
