# SPDX-License-Identifier: Apache-2.0
"""What one host does in a tree, the other one's kernel believes in a moment.

Each kernel remembers names and attributes, and knows what itself has done; what
the other has done it must be told, or ask for.
"""
import errno
import os
import time

import pytest

from fleet import fleet_of
from harness import append, eventually, fails, free_address, needs_root

pytestmark = needs_root


@pytest.fixture(scope="module")
def sides():
    """h2's directory, as h2 sees it and as h1 does, both ways round."""
    with fleet_of("h1", "h2", seconds=300) as fleet:
        fleet["h1"].wait_for("h2")
        yield fleet["h2"].host, fleet["h1"].of("h2")


@pytest.fixture(params=["at home", "from afar"])
def both(request, sides):
    """Who does something, and who looks."""
    return sides if request.param == "at home" else sides[::-1]


@pytest.fixture
def ns(both):
    doer, viewer = both
    name = f"ns@{free_address()}"
    (doer / name).mkdir()
    yield doer / name, viewer / name
    os.rmdir(doer / name)


def gone(path):
    """Wait for a name to go, which is believed for a moment once listed."""
    eventually(f"{path.name} is gone", lambda: not os.path.lexists(path))


def test_a_directory_comes_and_goes_at_once(both):
    doer, viewer = both
    for _ in range(20):
        name = f"t@{free_address()}"
        links = viewer.stat().st_nlink
        (doer / name).mkdir()
        assert (viewer / name).is_dir()
        assert viewer.stat().st_nlink == links + 1
        assert name in os.listdir(viewer)
        (doer / name).rmdir()
        gone(viewer / name)
        with fails(errno.ENOENT):
            os.stat(viewer / name / "records")
        assert viewer.stat().st_nlink == links
        assert name not in os.listdir(viewer)


def test_the_same_name_made_again_is_another_directory(both):
    doer, viewer = both
    name = f"t@{free_address()}"
    for number in range(10):
        (doer / name).mkdir()
        assert (viewer / name / "records").read_text() == ""
        append(doer / name / "records", f"n{number}. A 192.0.2.1\n")
        assert f"n{number}." in (viewer / name / "records").read_text()
        (doer / name).rmdir()


def test_what_is_open_shows_what_it_was_when_it_is_read(ns):
    """Read as it is opened, it is what was there then, and later what is."""
    doer, viewer = ns
    for number in range(20):
        append(doer / "records", f"n{number}. A 192.0.2.1\n")
        with open(viewer / "records", "rb", buffering=0) as now, \
                open(viewer / "records", "rb", buffering=0) as later:
            assert f"n{number}.".encode() in now.read(1 << 20)
            # No open file of a host that did not change it shows the past for
            # longer than that.
            time.sleep(0.003)
            append(doer / "records", f"m{number}. A 192.0.2.1\n")
            text = later.read(1 << 20)
            assert f"m{number}.".encode() in text
            assert len(text) == os.fstat(later.fileno()).st_size
            assert later.read(1 << 20) == b""
            assert now.read(1 << 20) == b""
            now.seek(0)
            assert now.read(1 << 20) == text


def test_rights_are_those_of_now(ns):
    doer, viewer = ns
    for mode in [0o700, 0o755, 0o710, 0o750] * 5:
        os.chmod(doer, mode)
        # The kernel may believe a directory for 2 ms, and counts in ticks, of
        # 10 ms at most; what its owner tells of it may come sooner.
        time.sleep(0.022)
        assert viewer.stat().st_mode & 0o777 == mode
        assert (viewer / "records").stat().st_mode & 0o777 == mode & 0o666
        assert (viewer / "names").stat().st_mode & 0o777 == mode


def test_a_directory_that_moves_is_where_it_is(ns):
    doer, viewer = ns
    append(doer / "records", "miek.nl. A 192.0.2.1\n")
    other = f"other@{free_address()}"
    for name in [other, doer.name] * 5:
        now = next(path for path in doer.parent.iterdir()
                   if path.name in (other, doer.name))
        if now.name != name:
            now.rename(doer.parent / name)
        assert "miek.nl." in (viewer.parent / name / "records").read_text()
        gone(viewer.parent / (other if name == doer.name else doer.name))


def test_names_come_and_go_at_once(ns):
    doer, viewer = ns
    for number in range(20):
        append(doer / "records", f"n{number}. A 192.0.2.1\n")
        listed = {entry.name: entry.stat().st_size
                  for entry in os.scandir(viewer / "names")}
        assert set(listed) == {f"n{number}."}
        append(doer / "records", f"n{number}. A 192.0.2.2\n")
        seen = viewer / "names" / f"n{number}."
        eventually("it has grown",
                   lambda: seen.stat().st_size > listed[seen.name])
        assert seen.stat().st_size == len(seen.read_text())
        (doer / "names" / f"n{number}.").unlink()
        gone(seen)
        assert os.listdir(viewer / "names") == []


def test_a_file_beside_is_everybodys(ns):
    doer, viewer = ns
    (doer / "new").write_text("a. A 192.0.2.7\n")
    assert (viewer / "new").read_text() == "a. A 192.0.2.7\n"
    assert "new" in os.listdir(viewer)
    (viewer / "new").rename(viewer / "records")
    with fails(errno.ENOENT):
        os.stat(doer / "new")
    assert "192.0.2.7" in (doer / "records").read_text()


@pytest.mark.parametrize("length", [255, 256, 1024, 1025, 3000])
@pytest.mark.parametrize("within", ["", "names"])
def test_a_name_that_is_too_long_is_so_for_everybody(ns, within, length):
    def errnos(there):
        path = there / within / ("b" * length)
        for call in (os.stat, os.mkdir, os.mknod, os.unlink, os.rmdir):
            try:
                call(path)
                yield 0
            except OSError as failure:
                yield failure.errno

    doer, viewer = ns
    assert list(errnos(doer)) == list(errnos(viewer))
