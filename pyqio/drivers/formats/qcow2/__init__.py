"""qcow2: QEMU's copy-on-write disk image (specification: QEMU's docs/interop/qcow2, versions 2 and 3).

An image is a file of clusters, 512 bytes to 2 MiB each, whose use is counted::

    header ---> L1 table ---> L2 tables ---> data clusters        guest offset = L1 index | L2 index | offset
       |                                     zero, compressed, or nothing: then the backing file is read
       +------> refcount table ---> refcount blocks               one count for every cluster of the file
       +------> snapshot table ---> more L1 tables

All numbers on disk are big-endian.
"""

from pyqio.drivers.formats.qcow2.driver import Qcow2

__all__ = ["Qcow2"]
