# SPDX-License-Identifier: Apache-2.0
"""names/: one file per domain name, in its canonical spelling."""
import contextlib
import errno
import os
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness import append, fails, refused, replace, run, untouched

TWO = ("miek.nl. 3600 IN MX 10 mx.miek.nl.\nmiek.nl. 3600 IN MX 20 mx2.miek.nl.\n"
       "www.miek.nl. A 192.0.2.1\n")


@pytest.fixture
def ns(ns):
    append(ns.records, TWO)
    return ns


def test_one_file_for_each_name_with_its_records(ns):
    assert ns.listed() == ["miek.nl.", "www.miek.nl."]
    assert (ns.names / "miek.nl.").read_text() == (
        "miek.nl.\t3600\tIN\tMX\t10 mx.miek.nl.\n"
        "miek.nl.\t3600\tIN\tMX\t20 mx2.miek.nl.\n")


def test_names_alone_put_together_are_records(ns):
    done = ns.sh("cat names/*")
    assert done.stdout == ns.records.read_text()


@pytest.mark.parametrize("spelling", ["miek.nl.", "MIEK.NL.", "miek.nl",
                                      "Miek.Nl", "\\109iek.nl."])
def test_any_spelling_finds_the_name(ns, spelling):
    assert "mx2" in (ns.names / spelling).read_text()
    assert (ns.names / spelling).stat().st_ino == (
        ns.names / "miek.nl.").stat().st_ino
    append(ns.names / spelling, "@ TXT x\n")
    assert ns.answer("miek.nl", "TXT") == ['"x"']
    assert ns.listed() == ["miek.nl.", "www.miek.nl."]
    (ns.names / spelling).unlink()
    assert ns.listed() == ["www.miek.nl."]


# The owner in a zone file, and its file name.
SPELLED = [
    (".", "@"),
    ("*.t.", "*.t."),
    ("a/b.t.", "a\\047b.t."),
    ("a\\.b.t.", "a\\.b.t."),
    ("a\\032b.t.", "a\\032b.t."),
    ("\\000.t.", "\\000.t."),
    ("\\@.t.", "\\@.t."),
    ("WWW.T.", "www.t."),
    ("\\195\\164.t.", "\\195\\164.t."),
    ("x" * 63 + ".t.", "x" * 63 + ".t."),
    ("_sip._udp.t.", "_sip._udp.t."),
    (".".join(["\\000" * 62] * 3 + ["\\000" * 61]) + ".",) * 2,
]


@pytest.mark.parametrize("owner, file", SPELLED,
                         ids=[file[:20] for _, file in SPELLED])
def test_file_names_are_canonical(ns, owner, file):
    append(ns.records, f"{owner} A 192.0.2.7\n")
    assert file in ns.listed()
    assert (ns.names / file).read_text().endswith("\t3600\tIN\tA\t192.0.2.7\n")
    replace(ns.names / file, "@ A 192.0.2.8\n")
    assert (ns.names / file).read_text().endswith("\t3600\tIN\tA\t192.0.2.8\n")
    (ns.names / file).unlink()
    assert file not in ns.listed() and len(ns.listed()) == 2


def test_an_at_sign_that_is_a_label_is_not_the_root(ns):
    append(ns.records, "\\@. A 192.0.2.1\n. A 192.0.2.2\n")
    assert len(ns.listed()) == 4 and "@" in ns.listed()
    assert "192.0.2.2" in (ns.names / "@").read_text()
    (ns.names / "@").unlink()
    assert len(ns.listed()) == 3


def test_the_origin_is_the_name(ns):
    append(ns.names / "www.miek.nl.", "@ 300 IN A 192.0.2.2\n")
    append(ns.names / "www.miek.nl.", "www.miek.nl. 300 IN MX 10 mx\n")
    assert ns.answer("www.miek.nl") == ["192.0.2.1", "192.0.2.2"]
    assert ns.answer("www.miek.nl", "MX") == ["10 mx.www.miek.nl."]


@pytest.mark.parametrize("text", ["miek.nl. A 192.0.2.1\n", "x A 192.0.2.1\n",
                                  "$ORIGIN t.\n@ A 192.0.2.1\n",
                                  "@ A 192.0.2.9\nmiek.nl. A 192.0.2.1\n"])
@pytest.mark.parametrize("way", [append, replace])
def test_a_record_of_another_owner_is_einval(ns, text, way):
    with refused(ns, errno.EINVAL):
        way(ns.names / "www.miek.nl.", text)


def test_replacing_a_name_leaves_the_others(ns):
    run("sh", "-c", "echo '@ A 192.0.2.5' > names/miek.nl.", cwd=ns.path,
        check=0)
    assert ns.lines() == ["miek.nl. 3600 IN A 192.0.2.5",
                          "www.miek.nl. 3600 IN A 192.0.2.1"]


def test_a_replaced_name_may_become_a_cname(ns):
    replace(ns.names / "www.miek.nl.", "@ CNAME miek.nl.\n")
    assert ns.answer("www.miek.nl", "CNAME") == ["miek.nl."]
    replace(ns.names / "www.miek.nl.", "@ A 192.0.2.1\n")
    assert ns.answer("www.miek.nl") == ["192.0.2.1"]


@pytest.mark.parametrize("script", [
    "echo '@ A 192.0.2.5' > names/new.t", "echo '@ A 192.0.2.5' >> names/NEW.t.",
    "touch names/new.t; echo '@ A 192.0.2.5' >> names/new.t",
    "printf '@ A 192.0.2.5' > names/new.t.",
    "echo '@ A 192.0.2.5' > scratch; mv scratch names/new.t.",
    "cp names/www.miek.nl. x; sed -i 's/^[^\\t]*/@/;s/2.1$/2.5/' x; "
    "mv x names/new.t.",
])
def test_creating_a_file_creates_the_name(ns, script):
    done = ns.sh(script)
    assert done.returncode == 0, done.stderr
    assert ns.answer("new.t") == ["192.0.2.5"]
    assert ns.listed() == ["miek.nl.", "new.t.", "www.miek.nl."]


def test_a_name_left_empty_disappears_at_close(ns):
    run("touch", ns.names / "empty.t.", check=0)
    assert ns.listed() == ["miek.nl.", "www.miek.nl."]
    with fails(errno.ENOENT):
        (ns.names / "empty.t.").stat()
    run("sh", "-c", ": > names/miek.nl.", cwd=ns.path, check=0)
    assert ns.listed() == ["www.miek.nl."]
    assert ns.answer("miek.nl", "MX") == []


def test_rm_drops_all_records_of_a_name(ns):
    run("rm", ns.names / "miek.nl.", check=0)
    assert ns.listed() == ["www.miek.nl."]
    # There is a name below it still: no data, and no error.
    assert ns.answer("miek.nl", "MX") == []
    assert ns.answer("www.miek.nl") == ["192.0.2.1"]


@pytest.mark.parametrize("script, left", [
    ("rm 'names/*.t.'", ["a.t.", "b.t.", "t."]),
    ("rm names/*.t.", ["t."]),
])
def test_a_wildcard_is_a_name_and_to_a_shell_it_is_all(shared, script, left):
    ns = shared.make()
    append(ns.records, "t. A 192.0.2.1\na.t. A 192.0.2.1\nb.t. A 192.0.2.1\n"
           "*.t. A 192.0.2.1\n")
    assert ns.sh(script).returncode == 0
    assert ns.listed() == left


@pytest.mark.parametrize("name", ["nosuch.", "nosuch", "a..b", "x" * 64 + ".",
                                  "nl.", "a.www.miek.nl."])
def test_rm_of_a_name_without_records_is_enoent(ns, name):
    with untouched(ns), fails(errno.ENOENT):
        (ns.names / name).unlink()


@pytest.mark.parametrize("name, numbers", [
    ("a..b.", (errno.EINVAL,)),
    (".a", (errno.EINVAL,)),
    ("x" * 64, (errno.EINVAL, errno.ENAMETOOLONG)),
    (".".join(["x" * 60] * 5), (errno.EINVAL, errno.ENAMETOOLONG)),
    ("a\\", (errno.EINVAL,)),
    ("a\\256.", (errno.EINVAL,)),
])
def test_what_is_no_domain_name_cannot_be_created(ns, name, numbers):
    with refused(ns, *numbers):
        (ns.names / name).write_text("@ A 192.0.2.1\n")


def test_mv_renames_the_owner(ns):
    run("mv", "-n", ns.names / "miek.nl.", ns.names / "NL.Miek", check=0)
    assert ns.listed() == ["nl.miek.", "www.miek.nl."]
    assert ns.answer("nl.miek", "MX") == ["10 mx.miek.nl.", "20 mx2.miek.nl."]
    assert ns.answer("miek.nl", "MX") == []


def test_mv_onto_a_name_replaces_it(ns):
    run("mv", ns.names / "miek.nl.", ns.names / "www.miek.nl.", check=0)
    assert ns.listed() == ["www.miek.nl."]
    assert ns.answer("www.miek.nl", "MX") == ["10 mx.miek.nl.",
                                              "20 mx2.miek.nl."]
    assert ns.answer("www.miek.nl") == []


def test_mv_to_the_same_name_in_another_spelling_loses_nothing(ns):
    with untouched(ns):
        os.rename(ns.names / "miek.nl.", ns.names / "MIEK.nl")


def test_mv_to_what_is_no_domain_name_changes_nothing(ns):
    with untouched(ns), fails(errno.EINVAL, errno.ENAMETOOLONG):
        os.rename(ns.names / "miek.nl.", ns.names / "a..b.")


def test_a_scratch_file_over_a_name_replaces_it_or_nothing(ns):
    (ns / "new").write_text("@ A 192.0.2.5\n")
    os.rename(ns / "new", ns.names / "www.miek.nl.")
    assert ns.answer("www.miek.nl") == ["192.0.2.5"]
    (ns / "new").write_text("other. A 192.0.2.5\n")
    with refused(ns, errno.EINVAL):
        os.rename(ns / "new", ns.names / "www.miek.nl.")


def test_find_and_grep_walk_the_names(ns):
    assert len(run("find", ns.names, "-type", "f").stdout.split()) == 2
    done = run("grep", "-rl", "mx2", ns.names)
    assert done.stdout.split() == [str(ns.names / "miek.nl.")]


def test_many_names_list_whole_in_dns_order_and_can_all_be_removed(ns):
    replace(ns.records, "".join(f"n{i:05}.t. A 192.0.2.1\n"
                                for i in range(5000)))
    assert os.listdir(ns.names) == [f"n{i:05}.t." for i in range(5000)]
    assert len(run("ls", "-l", ns.names, check=0).stdout.splitlines()) == 5001
    run("sh", "-c", "rm names/*", cwd=ns.path, check=0)
    assert ns.listed() == [] and ns.records.read_text() == ""


def test_a_listing_under_change_neither_repeats_nor_loses_what_stays(ns):
    replace(ns.records, "".join(f"n{i:05}.t. A 192.0.2.1\n"
                                for i in range(3000)))
    seen = []
    with os.scandir(ns.names) as listing:
        for entry in listing:
            seen.append(entry.name)
            if entry.name.endswith("7.t."):
                os.unlink(entry.path)
    assert len(seen) == len(set(seen))
    assert set(seen) == {f"n{i:05}.t." for i in range(3000)}
    assert len(ns.listed()) == 2700


def test_a_listing_brings_nothing_back_that_went_since_it_began(ns):
    replace(ns.records, "".join(f"n{i:05}.t. A 192.0.2.1\n"
                                for i in range(3000)))
    gone = [ns.names / f"n{i:05}.t." for i in range(2900, 2910)]
    seen = []
    with os.scandir(ns.names) as listing, open(gone[0], "rb"):
        for entry in listing:
            # As ls -l does; else attributes are not asked for.
            if os.path.exists(entry.path):
                seen.append(entry.name)
            if len(seen) == 1:
                for path in gone:
                    path.unlink()
    assert len(seen) == 2990
    assert not [path for path in gone if path.exists()]


# ---- Removed, and made anew by the same process ----

MIEK = "miek.nl."
ANEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL


@pytest.fixture
def anew(ns):
    """The file of a name that this process has removed and makes anew."""
    path = ns.names / MIEK
    path.unlink()
    assert ns.answer(MIEK, "MX") == []  # there is a name below it
    fd = os.open(path, ANEW)
    yield fd
    with contextlib.suppress(OSError):
        os.close(fd)


@pytest.mark.parametrize("good", [b"", b"@ MX 30 mx3\n"])
def test_what_was_removed_is_back_when_its_replacement_is_refused(ns, anew,
                                                                  good):
    if good:
        os.write(anew, good)
    with fails(errno.EINVAL):
        os.write(anew, b"@ MX nonsense\n")
    assert "nonsense" in ns.error.read_text()
    assert len(ns.lines()) == 3
    assert ns.answer(MIEK, "MX") == ["10 mx.miek.nl.", "20 mx2.miek.nl."]
    with fails(errno.EINVAL):
        os.write(anew, b"@ MX 30 mx3\n")
    assert len(ns.lines()) == 3


def test_what_was_removed_is_back_when_the_tail_is_refused(ns):
    path = ns.names / MIEK
    path.unlink()
    fd = os.open(path, ANEW)
    os.write(fd, b"@ MX 30 mx3\n@ MX 40 ")
    os.write(fd, b"mx4")
    with fails(errno.EINVAL):
        os.close(fd)
    assert len(ns.lines()) == 3


def test_what_was_removed_is_back_when_its_writer_is_killed(ns):
    path = ns.names / MIEK
    for text in (b"", b"@ MX 30 mx3\n"):
        child = os.fork()
        if child == 0:
            path.unlink()
            fd = os.open(path, ANEW)
            if text:
                os.write(fd, text)
            os.kill(os.getpid(), signal.SIGKILL)
        assert os.waitpid(child, 0)[1] == signal.SIGKILL
        assert len(ns.lines()) == 3, text


def test_a_replacement_that_is_taken_is_all_there_is(ns, anew):
    os.write(anew, b"@ MX 30 mx3\n")
    os.fsync(anew)
    os.close(os.dup(anew))
    assert ns.answer(MIEK, "MX") == ["30 mx3.miek.nl."]
    with fails(errno.EINVAL):
        os.write(anew, b"@ MX nonsense\n")
    assert len(ns.lines()) == 2


def test_what_another_process_removed_stays_so(ns):
    path = ns.names / MIEK
    run("rm", path, check=0)
    with fails(errno.EINVAL):
        path.write_text("@ MX nonsense\n")
    assert len(ns.lines()) == 1


def test_of_what_a_user_removes_a_mebibyte_is_kept_the_newest(ns):
    text = "".join(f"@ TYPE{n} \\# 30000 {'ab' * 30000}\n"
                   for n in range(65280, 65290))
    first, second = ns.names / "first.", ns.names / "second."

    def refused_anew(path):
        with fails(errno.EINVAL):
            path.write_text("@ MX nonsense\n")

    for path in first, second:
        path.write_text(text)
        assert path.stat().st_size > 2 ** 19
    with ThreadPoolExecutor(1) as another:
        another.submit(first.unlink).result()
        second.unlink()
        refused_anew(second)
        another.submit(refused_anew, first).result()
    assert second.stat().st_size > 2 ** 19
    assert not first.exists()


def test_what_was_removed_is_put_back_under_its_own_name_only(ns):
    (ns.names / MIEK).unlink()
    with fails(errno.EINVAL):
        (ns.names / "other.").write_text("@ MX nonsense\n")
    assert len(ns.lines()) == 1
    with fails(errno.EINVAL):
        (ns.names / MIEK).write_text("@ MX nonsense\n")
    assert len(ns.lines()) == 3
