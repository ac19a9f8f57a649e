# SPDX-License-Identifier: Apache-2.0
"""What "meson install" puts into its places."""
import contextlib
import os
import pty
import re
import select
import signal
import time
from pathlib import Path

import pytest

from harness import BINARY, run

PLACES = [
    "bin/circuitfs",
    "bin/circuitfs-fleet",
    "lib/systemd/system/circuitfs.service",
    "lib/sysusers.d/circuitfs.conf",
    "share/man/man5/circuitfs.5",
    "share/man/man8/circuitfs.8",
    "share/bash-completion/completions/circuitfs",
    "share/zsh/site-functions/_circuitfs",
]


@pytest.fixture(scope="module")
def staged(tmp_path_factory):
    """A staging root; the path of the prefix in it."""
    root = tmp_path_factory.mktemp("root")
    run("meson", "install", "-C", Path(BINARY).parent, "--no-rebuild",
        "--destdir", root, check=0)
    return next(root.glob("**/bin/circuitfs")).parents[1]


def test_meson_installs_everything_into_its_place(staged):
    found = {str(path.relative_to(staged)) for path in staged.rglob("*")
             if path.is_file()}
    assert found == set(PLACES)


# ---- Completion ----

class Shell:
    """An interactive shell at a terminal."""

    def __init__(self, *command, path):
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.execvpe(command[0], command,
                       {"PATH": f"{path}:{os.environ['PATH']}",
                        "TERM": "dumb", "HOME": "/", "PS1": "> "})

    def type(self, text):
        os.write(self.terminal, text.encode())

    def shows(self, wanted, seconds=20):
        """Read until it is there; what was read."""
        seen, end = b"", time.monotonic() + seconds
        while wanted.encode() not in seen and time.monotonic() < end:
            if select.select([self.terminal], [], [], 0.1)[0]:
                seen += os.read(self.terminal, 4096)
        assert wanted.encode() in seen, (wanted, seen)

    def end(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.terminal)


@contextlib.contextmanager
def shell(name, staged):
    share = staged / "share"
    command, setup = {
        "bash": (["bash", "--norc", "--noprofile", "-i"],
                 ". /usr/share/bash-completion/bash_completion; "
                 f". {share}/bash-completion/completions/circuitfs"),
        "zsh": (["zsh", "-f", "-i"],
                f"fpath=({share}/zsh/site-functions $fpath); "
                "autoload -U compinit; compinit -u -D"),
    }[name]
    made = Shell(*command, path=Path(BINARY).parent)
    try:
        made.type(f"{setup}; echo rea''dy\n")
        made.shows("ready")
        yield made
    finally:
        made.end()


@pytest.mark.parametrize("typed, completed", [
    ("circuitfs -o stat\t", "state="),
    ("circuitfs -f -o host=h1,lis\t", "host=h1,listen="),
    ("circuitfs -o state=/us\t", "state=/usr"),
    ("circuitfs -o state=/usr/sb\t", "state=/usr/sbin"),
    ("circuitfs /us\t", "circuitfs /usr"),
])
@pytest.mark.parametrize("name", ["bash", "zsh"])
def test_tab_completes_options_and_directories(staged, name, typed, completed):
    with shell(name, staged) as typist:
        typist.type(typed)
        typist.shows(completed)


@pytest.mark.parametrize("name", ["bash", "zsh"])
def test_tab_knows_every_option_that_help_names(staged, name):
    options = re.findall(r"-o ([a-z_-]+=?)", run(BINARY, "-h").stdout)
    for option in options:
        unique = next(option[:size] for size in range(3, len(option) + 1)
                      if not any(other.startswith(option[:size])
                                 for other in options if other != option))
        with shell(name, staged) as typist:
            typist.type(f"circuitfs -o {unique}\t")
            typist.shows(option)
