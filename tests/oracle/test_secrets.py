"""--object, as qemu-io takes it."""

from __future__ import annotations

import shlex

import pytest

from tests.oracle.differ import Worker
from tests.oracle.geometry import Geometry
from tests.oracle.streams import Stream

IMAGES = Geometry(
    format="raw",
    size=1 << 20,
    cluster=4096,
    grain=4096,
    setup=(
        ("truncate", "-s", "1M", "t.raw"),
        ("sh", "-c", "printf aGVsbG8= >base64; mkdir folder"),
    ),
)
KEY = "--object secret,id=k,format=base64,data=a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="
IV = "iv=aWlpaWlpaWlpaWlpaWlpaQ=="

DEFINITIONS = (
    "--object secret,id=s,data=x",
    "--object=secret,id=s,data=x,",
    "--object secret,id=s",
    "--object secret,id=s,data",
    "--object secret,id=s,data=",
    "--object secret,id=s,data=x,file=base64",
    "--object secret,id=s,file=base64,format=base64",
    "--object secret,id=s,file=nosuch",
    "--object secret,id=s,file=folder",
    "--object secret,id=s,file=",
    "--object secret,id=s,data=aGVsbG8,format=base64",
    "--object 'secret,id=s,data=a b,format=base64'",
    "--object secret,id=s,data=x,format=hex",
    "--object secret,id=s,data=x,format=",
    "--object secret,id=s,data=x,foo=1",
    "--object secret,id=s,data=x,loaded=on",
    "--object secret,id=s,data=x,loaded=maybe",
    "--object secret,id=s,data.x=1",
    "--object secret,id=s,data=1,data.x=1",
    "--object secret,data=x",
    "--object secret,id=1,data=x",
    "--object secret,id=s,,t,data=x",
    "--object secret,id=s,data=x --object secret,id=s",
    "--object secret,id=s,data=x,keyid=nosuch",
    f"{KEY} --object secret,id=s,data=x,keyid=k",
    f"{KEY} --object secret,id=s,data=x,keyid=k,{IV}",
    f"{KEY} --object secret,id=s,data=x,keyid=k,iv=aGVsbG8=",
    f"{KEY} --object secret,id=s,data=,keyid=k,{IV}",
    f"{KEY} --object secret,id=s,data=aRyXOIIhJzBhh+BthfFstw==,keyid=k,{IV},format=base64",
    f"{KEY} --object secret,id=s,data=aWlpaWlpaWlpaWlpaWlpaQ==,keyid=k,{IV},format=base64",
    f"--object secret,id=k,data=abc --object secret,id=s,data=x,keyid=k,{IV}",
    "--object secret",
    "--object foo,id=x",
    "--object id=x",
    "--object ''",
    "--object help",
    "--object secret,help",
    "--object secret,?",
    "--object secret,,id=s",
    "--object secret,.id=s",
    """--object '{"qom-type": "secret", "id": "s", "data": "x"}'""",
    """--object '{"qom-type": "secret", "id": "s", "data": 5}'""",
    """--object '{"qom-type": "secret", "id": 5}'""",
    """--object '{"qom-type": "secret"'""",
    """--object '{}'""",
)


@pytest.fixture(scope="module")
def sides(oracle):
    oracle("qemu-io")
    worker = Worker(self_check=False)
    yield worker
    worker.close()


@pytest.mark.parametrize("definitions", DEFINITIONS)
def test_object_when_defined_for_both_says_the_same(sides, definitions):
    options = (*shlex.split(definitions), "-f", "raw", "-c", "length", "t.raw")

    difference = sides.compare(
        Stream(seed=0, geometry=IMAGES, options=options, image=(), commands=(), arguments=0, merged=False)
    )

    assert difference is None, difference
