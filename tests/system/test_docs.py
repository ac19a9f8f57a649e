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


def test_the_manual_names_every_option_that_help_names():
    page = PAGES[0].read_text()
    for word in set(re.findall(r"\b([a-z_-]+)=", run(BINARY, "-h").stdout)):
        assert word in page, word


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


@pytest.mark.parametrize("script", ["docs/quickstart.sh", "tests/run.sh",
                                    "tests/packages.sh", "tests/package.sh",
                                    "tests/bare.sh", "tests/arm64.sh",
                                    "tests/system/sandbox.sh", ".ci/run"])
def test_a_script_is_executable_and_parses(script):
    path = TOP / script
    assert path.stat().st_mode & 0o111
    for shell in ("dash", "bash"):
        run(shell, "-n", path, check=0)
