# SPDX-License-Identifier: Apache-2.0
"""Owner names of any octets: nothing that shows them can be mistaken."""
import errno
import os
import shlex

import dns.name
import pytest

from harness import append, fails, refused, replace, run

# Labels, as the octets that they are; without capitals, which are folded.
LABELS = {
    "a slash": b"a/b",
    "only slashes": b"///",
    "a dot": b".",
    "two dots": b"..",
    "up and out": b"../../../etc/passwd",
    "NUL": b"\0",
    "NUL inside": b"a\0b",
    "an at sign": b"@",
    "a dollar": b"$",
    "a directive": b"$include /etc/hostname",
    "a space": b" ",
    "spaces around": b" a  b ",
    "a tab": b"\t",
    "a newline": b"\n",
    "a line of its own": b"\nevil. a 192.0.2.66\n",
    "a carriage return": b"\r",
    "quotes": b"\"'`",
    "the end of a JSON string": b'"],"x":["',
    "backslashes": b"\\\\",
    "an escape that is none": b"\\047",
    "parentheses": b"()",
    "a comment": b"; x",
    "a terminal's escape": b"\x1b[31m",
    "delete": b"\x7f",
    "octets over 127": bytes(range(0x80, 0x80 + 63)),
    "the octets up to 255": bytes(range(0xc1, 0x100)),
    "UTF-8": "é".encode(),
    "no UTF-8": b"\xc3",
    "63 of 255": b"\xff" * 63,
    "an option": b"-rf",
    "a wildcard": b"*",
    "a name of ours": b"records",
}
NAMES = {said: (label, b"t") for said, label in LABELS.items()} | {
    "255 octets of 255": (b"\xff" * 63,) * 3 + (b"\xff" * 61,),
    "255 octets of dots": (b"." * 63,) * 3 + (b"." * 61,),
    "255 octets of slashes": (b"/" * 63,) * 3 + (b"/" * 61,),
    "127 labels": (b"\n",) * 127,
    "two dots at the end": (b"t", b".."),
    "an at sign alone": (b"@",),
    "a dot alone": (b".",),
}


def spelled(labels):
    """A name with an escape for every octet."""
    return "".join("".join(f"\\{octet:03}" for octet in label) + "."
                   for label in labels)


def labels_of(text):
    return dns.name.from_text(text).labels[:-1]


@pytest.fixture
def ns(ns):
    append(ns.records, "old. A 192.0.2.1\n")
    return ns


@pytest.fixture(params=NAMES.values(), ids=NAMES.keys())
def labels(request):
    return request.param


def file_of(ns, labels):
    """The one new file in names/, whose name is harmless and says @labels."""
    file, = set(os.listdir(os.fsencode(ns.names))) - {b"old."}
    text = file.decode("ascii")
    assert text.isprintable() and not set(text) & set("/ ")
    assert text not in (".", "..", "@")
    assert labels_of(text) == labels
    return text


def test_a_listing_shows_a_file_name_that_is_that_name(ns, labels):
    append(ns.records, f"{spelled(labels)} A 192.0.2.7\n")
    path = ns.names / file_of(ns, labels)
    assert path.is_file()
    owner, ttl, *rest = path.read_text().split("\t")
    assert labels_of(owner) == labels
    assert [ttl, *rest] == ["3600", "IN", "A", "192.0.2.7\n"]
    # Nothing else came to be, above it neither.
    assert sorted(os.listdir(ns.path)) == [
        "addr", "error", "keys", "names", "records", "stat",
        "transfer", "zones"]
    replace(path, "@ A 192.0.2.8\n")
    answer, = ns.ask(dns.name.Name((*labels, b""))).answer
    assert answer.name.labels[:-1] == labels
    assert [rr.to_text() for rr in answer] == ["192.0.2.8"]
    path.unlink()
    assert ns.listed() == ["old."]


def test_records_and_stat_print_what_reads_back_as_the_same_name(ns, labels):
    append(ns.records, f"{spelled(labels)} A 192.0.2.7\n")
    raw = ns.records.read_bytes()
    lines = sorted(raw.decode("ascii").splitlines(),
                   key=lambda line: "192.0.2.7" in line)
    assert len(lines) == 2 and "192.0.2.1" in lines[0]
    owner, *rest = lines[1].split("\t")
    assert labels_of(owner) == labels
    assert rest == ["3600", "IN", "A", "192.0.2.7"]

    stat = ns.stat.read_bytes()
    assert stat.count(b"\n") == 1 and stat.decode("ascii")[:-1].isprintable()
    assert ns.peek()["Records"] == {"old.": [lines[0]], owner: [lines[1]]}
    done = run("jq", "-r", ".Records | keys[]", ns.stat, check=0)
    assert set(done.stdout.splitlines()) == {"old.", owner}

    replace(ns.records, "")
    replace(ns.records, raw)
    assert ns.records.read_bytes() == raw


def test_error_tells_of_it_in_one_printable_line(ns, labels):
    file = spelled(labels)
    with refused(ns, errno.EINVAL):
        append(ns.records, f"{file} A 999\n")
    append(ns.records, f"{file} A 192.0.2.7\n")
    with refused(ns, errno.EINVAL):
        append(ns.names / file_of(ns, labels), "@ A 999\n")
    with refused(ns, errno.EINVAL, saying="CNAME"):
        append(ns.records, f"{file} CNAME old.\n")
    text = ns.error.read_bytes().decode("ascii")
    lines = text.splitlines()
    assert len(lines) == 3 and text.count("\n") == 3
    assert all(line.isprintable() for line in lines)


@pytest.mark.parametrize("bare", [
    "a/b.t. A 192.0.2.7", "\\/.t. A 192.0.2.7", "a$b.t. A 192.0.2.7",
    "\\$x.t. A 192.0.2.7", "a@b.t. A 192.0.2.7", "\xe9.t. A 192.0.2.7",
    "\\..\\..t. A 192.0.2.7"])
def test_what_may_stand_bare_is_escaped_where_it_must_be(ns, bare):
    append(ns.records, bare.encode("latin-1") + b"\n")
    file, = set(ns.listed()) - {"old."}
    assert file.isascii() and file.isprintable() and "/" not in file
    before = ns.records.read_bytes()
    replace(ns.records, before)
    assert ns.records.read_bytes() == before


def test_a_shell_can_walk_over_all_of_them_at_once(ns):
    append(ns.records, "".join(f"{spelled(labels)} A 192.0.2.7\n"
                               for labels in NAMES.values()))
    # Two of them are the same name.
    count = len(set(NAMES.values())) + 1
    done = ns.sh("find names -type f -print0 | xargs -0 cat | wc -l")
    assert done.stdout.split() == [str(count)], done.stderr
    done = ns.sh("cat names/*")
    assert sorted(done.stdout.splitlines()) == sorted(
        ns.records.read_text().splitlines())
    done = run("ls", ns.names, check=0)
    assert len(done.stdout.splitlines()) == count
    before = ns.records.read_text()
    target = shlex.quote(str(ns.path) + "-copy")
    done = ns.sh(f"mkdir {target} && for f in names/*; do "
                 f"cat \"$f\" > {target}/\"$f\" || exit 1; done")
    assert done.returncode == 0, done.stderr
    with open(f"{ns.path}-copy/records", encoding="ascii") as copy:
        assert copy.read() == before
    done = ns.sh(f"rm -r {target} && rm -- names/*")
    assert done.returncode == 0 and ns.records.read_text() == ""


# What a client may name a file, as far as `error` tells it.
FILES = {
    "a line of its own": b"x\n2026-01-01T00:00:00Z records: all is well",
    "a terminal's escape": b"x\x1b[2J\x1b[1;31m",
    "an escape in UTF-8": "x\u009b2J".encode(),
    "the end of the field": b'x: "y": all is well',
    "no text": b"x\xff\xc3",
}


@pytest.mark.parametrize("name", FILES.values(), ids=FILES.keys())
def test_a_plain_files_name_makes_no_line_of_its_own_in_error(idle, name):
    idle.options.append("scratch-size=10")
    made = idle.start().make()
    path = made.path / os.fsdecode(name)
    with fails(errno.ENOSPC):
        path.write_bytes(b"x" * 100)
    with fails(errno.EPERM):
        os.rename(path, made.stat)
    with fails(errno.EPERM):
        os.symlink("x", os.fsdecode(os.fsencode(path) + b"2"))
    lines = made.error.read_bytes().decode("ascii").splitlines()
    assert len(lines) == 3 and all(line.isprintable() for line in lines)
    # Time and file, then what went wrong: whatever the file is called.
    assert [len(line.split(": ")[0].split()) for line in lines] == [2, 2, 2]
    idle.stop()
