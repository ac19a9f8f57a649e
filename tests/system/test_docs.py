# SPDX-License-Identifier: Apache-2.0
"""The documents: they render, and they name what is there."""
import re

import pytest

from harness import BINARY, TOP, run

PAGES = [TOP / "docs" / "circuitfs.8", TOP / "docs" / "circuitfs.5"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_manual_page_renders_without_a_warning(page):
    done = run("groff", "-mandoc", "-Tutf8", "-ww", "-z", page)
    assert (done.returncode, done.stderr) == (0, "")


def options_of_help():
    """Pairs of an option as -h writes it, and its default, "" for none."""
    text = run(BINARY, "-h").stdout
    blocks = re.findall(r"(?m)^  (-\S(?: \S+)?)\s+(.+(?:\n {20}.+)*)$", text)
    return [(option.removeprefix("-o "),
             (re.search(r"\(([^()]+)\)$", " ".join(said.split()))
              or ["", ""])[1])
            for option, said in blocks]


def options_of_manual():
    """The same, where the default is the sentence that tells it."""
    text = PAGES[0].read_text().partition(".Ss Options")[2].partition(
        ".Ss fstab")[0]
    found = []
    for kind, name, said in re.findall(
            r"(?ms)^\.It (Fl|Cm) (.+?)\n(.*?)(?=^\.(?:It|El))", text):
        option = "-" * (kind == "Fl") + name.replace(" Ns Ar ", "")
        if " " in option:  # all of -o
            continue
        sentence = re.search(r"(?ms)The default.*?\.$", said)
        found.append((option, sentence[0] if sentence else ""))
    return found


def words(text):
    return {word.rstrip(".") for word in re.findall(r"[^\s,;:()]+", text)}


def test_the_manual_has_the_options_of_help_with_their_defaults():
    told, described = options_of_help(), options_of_manual()
    assert len(told) > 20
    assert [option for option, _ in told] == [option for option, _ in described]
    for (option, default), (_, sentence) in zip(told, described):
        assert bool(default) == bool(sentence), option
        assert words(default) <= words(sentence), (option, sentence)


def test_the_daemon_has_the_defaults_of_help(circuit):
    """What bounds a user is told in metrics, under the option's name."""
    defaults = {option.partition("=")[0]: default
                for option, default in options_of_help()}
    limits = dict(re.findall(
        r'circuitfs_share_(?:user_)?limit\{kind="([\w-]+)"\} (\d+)',
        (circuit.host / "metrics").read_text()))
    assert len(limits) == 7
    for kind, limit in limits.items():
        number, unit = re.fullmatch(r"(\d+)([MG]?)", defaults[kind]).groups()
        octets = int(number) << {"": 0, "M": 20, "G": 30}[unit]
        # What one user has; of this one, half of what all have.
        assert int(limit) == (octets // 2 if kind == "scratch-size" else
                              octets), kind


@pytest.mark.parametrize("script", ["circuitfs.bash", "_circuitfs"])
def test_completion_names_options_of_help_only(script):
    """Nearly all of them it learns from -h."""
    text = (TOP / "docs" / "completion" / script).read_text()
    told = {option.partition("=")[0] for option, _ in options_of_help()}
    flags = set(re.findall(r"(?<=[ ')])-[dfhV]\b", text))
    assert flags == {option for option in told if option[0] == "-"}
    special = re.findall(r"(?m)^\t+([a-z-]+)(?:=\*)?\) ", text)
    assert special and set(special) <= told


def test_the_manual_names_every_file_of_the_tree(ns):
    page = PAGES[1].read_text()
    for file in [*ns.path.iterdir(), ns.path.parent / "help"]:
        assert file.name in page


@pytest.mark.parametrize("document", [*PAGES, *TOP.glob("*.md"),
                                      *TOP.glob("docs/**/*.md")],
                         ids=lambda path: str(path.relative_to(TOP)))
def test_every_file_that_a_document_points_to_is_there(document):
    text = document.read_text()
    for link in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (document.parent / link).exists(), link
    for path in re.findall(r"\b(?:docs|tests)/[\w.-]+\w", text):
        assert (TOP / path).exists(), path


@pytest.mark.parametrize("document", TOP.glob("docs/*.md"),
                         ids=lambda path: path.name)
def test_every_test_that_a_document_names_is_there(document):
    for file, name in re.findall(r"`(test_\w+\.(?:c|py))(?::\s+(\w+))?`",
                                 document.read_text()):
        path = TOP / "tests" / ("unit" if file.endswith(".c") else "system") \
            / file
        assert not name or re.search(rf"\b{name}\(", path.read_text()), \
            (file, name)


@pytest.mark.parametrize("script", ["docs/quickstart.sh", "docs/fleet.sh",
                                    "tests/run.sh",
                                    "tests/packages.sh", "tests/package.sh",
                                    "tests/bare.sh", "tests/arm64.sh",
                                    "tests/system/sandbox.sh", ".ci/run"])
def test_a_script_is_executable_and_parses(script):
    path = TOP / script
    assert path.stat().st_mode & 0o111
    for shell in ("dash", "bash"):
        run(shell, "-n", path, check=0)
