# SPDX-License-Identifier: Apache-2.0
"""The recipes work as they are printed.

A recipe is files and commands. A block of `console` is
commands, each behind "$ " with "> " before what goes on, and what they print;
"`/etc/x`:" before another block makes it that file (", executable:" its bits).
"..." in that stands for anything, also for lines. All of it runs in one bash,
in namespaces and on an overlay of the test's own.
"""
import os
import re

import pytest

from harness import BINARY, PEERS, TOP, needs_root
from sandbox import HERE, run_there

RECIPES = TOP / "docs" / "recipes"
NAMES = sorted(path.stem for path in RECIPES.glob("*.md")
               if path.name != "README.md")
FILES = ((BINARY, "/usr/sbin/circuitfs"),
         (TOP / "docs" / "fleet.sh", "/usr/bin/circuitfs-fleet"),
         (PEERS, "/opt/peers"), (HERE / "programs", "/opt/programs"))

FENCE = re.compile(r"(?ms)(?:`([^`\n]+)`(, executable)?:\n\n)?"
                   r"^```(\w*)\n(.*?)^```$")


def steps_of(text):
    """("file", path, executable, content) or ("run", command, output)."""
    for path, executable, language, body in FENCE.findall(text):
        if language == "console":
            yield from commands_of(body)
        elif path:
            yield "file", path, bool(executable), body


def commands_of(body):
    command, output = None, []
    for line in body.splitlines():
        if line.startswith("$ "):
            if command:
                yield "run", command, output
            command, output = line[2:], []
        elif line.startswith("> ") and not output:
            command += "\n" + line[2:]
        else:
            output.append(line)
    if command:
        yield "run", command, output


def all_steps(name):
    for page in ("README", name):
        yield from steps_of((RECIPES / f"{page}.md").read_text())


MARK = "\x1e"


def quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


def script_of(steps):
    """What bash is to run; after each command it prints a mark."""
    lines = ["cd /root"]
    for kind, *step in steps:
        if kind == "file":
            path, executable, content = step
            lines += [f"mkdir -p {quoted(os.path.dirname(path) or '.')}",
                      f"printf %s {quoted(content)} > {quoted(path)}",
                      f"chmod {755 if executable else 644} {quoted(path)}"]
        else:
            lines += [step[0], f"printf '{MARK}\\n'"]
    return "\n".join(lines) + "\n"


def pattern_of(output):
    """A regular expression of what is printed."""
    return "".join(
        r"(?:.*\n)*" if line == "..." else
        ".*".join(map(re.escape, line.split("..."))) + r"\n"
        for line in output)


@needs_root
@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_works_as_it_is_printed(name):
    steps = list(all_steps(name))
    expected = [step for step in steps if step[0] == "run"]
    *outputs, rest = run_there(script_of(steps), *FILES).split(MARK + "\n")
    for (_, command, output), seen in zip(expected, outputs):
        assert re.fullmatch(pattern_of(output), seen), \
            f"$ {command}\nprinted:\n{seen}\nbut not:\n" + "\n".join(output)
    assert len(outputs) == len(expected), rest


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_is_in_the_list(name):
    assert f"]({name}.md)" in (RECIPES / "README.md").read_text()
