# SPDX-License-Identifier: Apache-2.0
"""docs/hacking.md: what it names is there, and what it shows can be done."""
import contextlib
import re
import shutil
from pathlib import Path

import pytest

import harness
from harness import COMPILED_S, TOP, run, sanitized, serving

PAGE = TOP / "docs" / "hacking.md"
TEXT = PAGE.read_text()
PROSE = re.sub(r"(?ms)^```.*?^```$", "", TEXT)
# Of others, whom we call.
OTHERS = {"assert", "fuse_reply_write"}


def quoted():
    return set(re.findall(r"`([^`\n]+)`", PROSE))


def sources():
    return [path for room in ("dns", "anchors", "fs")
            for path in (TOP / room).rglob("*.[ch]")]


def test_every_path_that_it_names_is_there():
    paths = {word for word in quoted()
             if re.fullmatch(r"[\w-]+(/[\w.-]+)*/?", word) and
             ("/" in word or re.search(r"\.(c|h|py|sh|build)$", word))}
    assert len(paths) > 30
    # Its own folders are named within the row of tests/.
    missing = {path for path in paths
               if not (TOP / path).exists()
               and not (TOP / "tests" / path).exists()}
    assert not missing


def test_every_function_that_it_names_is_there():
    """Defined, a macro, or one that is called by a pointer of that name."""
    names = {found[1] for word in quoted()
             if (found := re.fullmatch(r"(\w+)\(\)", word))} - OTHERS
    assert len(names) > 30
    text = "\n".join(path.read_text() for path in sources())
    missing = {name for name in names if not re.search(
        rf"(?m)^(?:\w[^\n;=]*\b|#define ){name}\(|\(\*{name}\)\(", text)}
    assert not missing


def test_every_commit_that_it_names_is_there():
    if run("git", "-C", TOP, "rev-parse", "--is-shallow-repository"
           ).stdout.strip() != "false":
        pytest.skip("the history is not here")
    subjects = run("git", "-C", TOP, "log", "--format=%s",
                   check=0).stdout.splitlines()
    named = re.findall(r"git log --grep='([^']+)'", TEXT)
    assert len(named) == 3
    for words in named:
        assert any(words in subject for subject in subjects), words


# What is shown as a diff, and then read.
SHOWN = re.search(r"(?ms)^```diff\n(.*?)^```$.*?"
                  r"^```console\n\$ cat /circuit/h1/(\S+)\n(.*?)^```$", TEXT)


def copied(where):
    """The tree without what was built in it."""
    shutil.copytree(TOP, where, symlinks=True,
                    ignore=lambda directory, names: [
                        name for name in names if Path(directory) == TOP
                        and (name.startswith("build") or name == ".git")])
    return where


@contextlib.contextmanager
def served_by(binary):
    before = harness.BINARY
    harness.BINARY = str(binary)
    try:
        with serving() as circuit:
            yield circuit
    finally:
        harness.BINARY = before


@pytest.mark.skipif(not SHOWN, reason="no diff is shown")
@pytest.mark.skipif(sanitized("asan", "tsan", "ubsan"),
                    reason="it is one build, whatever else is built")
def test_the_control_file_that_it_shows_can_be_added(tmp_path):
    diff, name, shown = SHOWN.groups()
    tree = copied(tmp_path / "tree")
    (tmp_path / "diff").write_text(diff)
    run("git", "apply", tmp_path / "diff", cwd=tree, check=0)
    # All that is new is one file, and a row in another one.
    new = re.findall(r"(?m)^--- /dev/null\n\+\+\+ b/(\S+)", diff)
    assert len(new) == 1 and (tree / new[0]).is_file()
    run("meson", "setup", "build", "-Dtests=disabled", "--buildtype=plain",
        "-Dwerror=true", cwd=tree, check=0)
    run("ninja", "-C", "build", "circuitfs", cwd=tree, check=0,
        timeout=COMPILED_S)
    with served_by(tree / "build" / "circuitfs") as circuit:
        wanted = ".*".join(map(re.escape, shown.split("...")))
        assert re.fullmatch(wanted, (circuit.host / name).read_text())
        assert name in [path.name for path in circuit.host.iterdir()]
    with serving() as circuit:
        assert not (circuit.host / name).exists(), "it is there without it"
