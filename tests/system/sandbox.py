# SPDX-License-Identifier: Apache-2.0
"""Scripts that run as on a machine of their own; see sandbox.sh."""
import subprocess
import tempfile
from pathlib import Path

from harness import check_reports, reporting_to

HERE = Path(__file__).parent
# Where there is a /tmp of its own, a tree in /tmp is not seen.
SUPPRESSIONS = (HERE.parent / "tsan.supp", "/opt/tsan.supp")
REPORTS = "/opt/reports"
NAMESPACES = ["--mount", "--net", "--uts", "--ipc", "--pid", "--fork",
              "--kill-child"]


def run_there(script, *files, root="/", timeout=100):
    """Give a script to a bash there; what it and its children print.

    @files: pairs of a file or directory here and its path there
    @root:  what the machine has on its disk
    """
    with tempfile.TemporaryDirectory() as base, \
            tempfile.TemporaryDirectory() as reports:
        words = [str(word) for pair in (*files, SUPPRESSIONS,
                                        (reports, REPORTS)) for word in pair]
        options = {
            name: value.replace(f"={reports}/", f"={REPORTS}/")
            for name, value in reporting_to(Path(reports)).items()}
        options["TSAN_OPTIONS"] += f":suppressions={SUPPRESSIONS[1]}"
        done = subprocess.run(
            ["unshare", *NAMESPACES, HERE / "sandbox.sh", base, str(root),
             *words, "--", "bash", "-s"],
            input="exec 2>&1\n" + script, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=timeout,
            env={"LC_ALL": "C.UTF-8",
                 "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **options})
        check_reports(Path(reports))
    return done.stdout
