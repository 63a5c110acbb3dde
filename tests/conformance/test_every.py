from __future__ import annotations

import importlib
import pkgutil

from pyqio.block import registry
from tests import conformance
from tests.conformance.suite import DriverConformance


def test_every_driver_has_a_conformance_suite():
    for module in pkgutil.iter_modules(conformance.__path__):
        importlib.import_module(f"tests.conformance.{module.name}")

    tested = {cls.driver for cls in descendants(DriverConformance) if hasattr(cls, "driver")}

    assert {driver.name for driver in registry.every()} <= tested


def descendants(cls):
    for child in cls.__subclasses__():
        yield child
        yield from descendants(child)
