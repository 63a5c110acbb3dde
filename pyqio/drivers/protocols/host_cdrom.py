"""``host_cdrom``: a drive for discs, used as any other device."""

from __future__ import annotations

from pyqio.drivers.posix.device import Device


class HostCdrom(Device):
    """A drive; what is special about it, its tray, is not the business of a block layer."""

    name = "host_cdrom"
    prefix = "host_cdrom"
