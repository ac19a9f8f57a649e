# SPDX-License-Identifier: Apache-2.0
"""Scripts that run as on a machine of their own; see sandbox.sh."""
import os
import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
# Where there is a /tmp of its own, a tree in /tmp is not seen.
SUPPRESSIONS = (HERE.parent / "tsan.supp", "/opt/tsan.supp")
NAMESPACES = ["--mount", "--net", "--uts", "--ipc", "--pid", "--fork",
              "--kill-child"]


def run_there(script, *files, root="/", timeout=100):
    """Give a script to a bash there; what it and its children print.

    @files: pairs of a file or directory here and its path there
    @root:  what the machine has on its disk
    """
    words = [str(word) for pair in (*files, SUPPRESSIONS) for word in pair]
    with tempfile.TemporaryDirectory() as base:
        done = subprocess.run(
            ["unshare", *NAMESPACES, HERE / "sandbox.sh", base, str(root),
             *words, "--", "bash", "-s"],
            input="exec 2>&1\n" + script, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=timeout,
            env={"LC_ALL": "C.UTF-8",
                 "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
                 **{name: value for name, value in os.environ.items()
                    if name.endswith("SAN_OPTIONS")},
                 "TSAN_OPTIONS": f"suppressions={SUPPRESSIONS[1]}"})
    return done.stdout
