# SPDX-License-Identifier: Apache-2.0
"""docs/quickstart.sh --fleet, as somebody new would try it."""
import re

import pytest

from harness import PEERS, TOP, needs_root, sanitized
from sandbox import run_there

pytestmark = [
    needs_root,
    pytest.mark.skipif(sanitized(), reason="it builds as it ships"),
    pytest.mark.skipif(not (TOP / "build" / "build.ninja").is_file(),
                       reason="to build all of it takes long"),
    pytest.mark.skipif(TOP.is_relative_to("/tmp"),
                       reason="a tree in /tmp is not seen there"),
]

TRY = f"""
cd {TOP}
export CIRCUITFS_PEERS=/opt/peers
docs/quickstart.sh --fleet || exit
echo == twice
mkdir /circuit/h2/ns@127.0.0.1:5300
mkdir /circuit/h2/ns@127.0.0.1:5300
mkdir /circuit/h2/other@127.0.0.1:5300
echo == again
docs/quickstart.sh --fleet
echo == in the way
docs/quickstart.sh --fleet /circuit/h1
echo == stop
docs/quickstart.sh --fleet stop
echo == left
findmnt -t fuse.circuitfs
ls -d /circuit /var/lib/circuitfs-fleet
ps -e -o comm= | grep -E 'circuitfs|nats'
echo == stop again
docs/quickstart.sh --fleet stop
"""

TRIED = r"""(?:.*\n)*?\+ nats-server -c /var/lib/circuitfs-fleet/\S+
\+ circuitfs -o host=h1,\S+ /circuit
circuitfs: serving h1 on /circuit, .*
\+ circuitfs -o host=h2,\S+ /var/lib/circuitfs-fleet/h2/circuit
circuitfs: serving h2 on .*
\+ ls /circuit
h1
h2
\+ mkdir /circuit/h2/ns
\+ echo 'miek\.nl\. .* >> /circuit/h2/ns/records
\+ dig .*
10 mx\.miek\.nl\.
\+ cat /var/lib/circuitfs-fleet/h2/circuit/h2/ns/records .*
miek\.nl\.\t3600\tIN\tMX\t10 mx\.miek\.nl\.
(?:.*\n)*  docs/quickstart\.sh --fleet stop .*
== twice
mkdir: .*/ns@127\.0\.0\.1:5300.*: File exists
mkdir: .*/other@127\.0\.0\.1:5300.*: Address already in use
== again
(?:.*\n)*h1 and h2 are there already, on /circuit
(?:.*\n)*10 mx\.miek\.nl\.
(?:.*\n)*== in the way
(?:.*\n)*h1 and h2 are there already, on /circuit
(?:.*\n)*== stop
== left
ls: cannot access '/circuit': .*
ls: cannot access '/var/lib/circuitfs-fleet': .*
== stop again
"""


def test_two_hosts_are_tried_and_nothing_is_left():
    seen = run_there(TRY, (PEERS, "/opt/peers"))
    assert re.fullmatch(TRIED, seen), seen
