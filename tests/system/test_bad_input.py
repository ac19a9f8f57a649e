# SPDX-License-Identifier: Apache-2.0
"""Bad input: an errno, a line in `error` to act on, and nothing changed."""
import errno
import os
from pathlib import Path

import pytest

from harness import Nameserver, append, fails, refused, replace, untouched

OLD = "old. A 192.0.2.1\n"
SOA = "t. SOA ns. host. {} 7200 3600 1209600 300\n"

# What is written, and a word that the line in `error` must hold.
REFUSED = {
    "an unknown type": ("x. NONSENSE 1\n", "type"),
    "a TTL above 2^31-1": ("x. 2147483648 A 192.0.2.1\n", "TTL"),
    "a TTL that would wrap": ("x. 99999999999 A 192.0.2.1\n", "TTL"),
    "a $TTL above 2^31-1": ("$TTL 99999999999\nx. A 192.0.2.1\n", "TTL"),
    "a TTL in units above 2^31-1": ("x. 4000w A 192.0.2.1\n", "TTL"),
    "an address with 999": ("x. A 192.0.2.999\n", "192.0.2.999"),
    "an address with three parts": ("x. A 192.0.2\n", "192.0.2"),
    "an IPv4 address as AAAA": ("x. AAAA 192.0.2.1\n", "AAAA"),
    "a label over 63": ("x" * 64 + ". A 192.0.2.1\n", "63"),
    "a name over 255": ("x" * 49 + (".x" + "x" * 49) * 5 + ". A 192.0.2.1\n",
                        "255"),
    "a label over 63 in RDATA": ("x. NS " + "y" * 64 + ".\n", "63"),
    "an empty label": ("a..b. A 192.0.2.1\n", "label"),
    "junk behind the RDATA": ("x. A 192.0.2.1 junk\n", "junk"),
    "junk behind an MX": ("x. MX 10 a. b.\n", ""),
    "no RDATA": ("x. A\n", ""),
    "no type": ("x.\n", ""),
    "half an MX": ("x. MX 10\n", ""),
    "$INCLUDE": ("$INCLUDE /etc/hostname\n", "INCLUDE"),
    "$INCLUDE in small letters": ("$include /etc/hostname x.\n", "INCLUDE"),
    "another directive": ("$GENERATE 1-9 x$ A 192.0.2.$\n", "GENERATE"),
    "class CH": ("x. CH TXT y\n", "class"),
    "class HS": ("x. 300 HS A 192.0.2.1\n", "class"),
    "class CLASS42": ("x. CLASS42 A 192.0.2.1\n", "class"),
    "CNAME beside other data": ("x. A 192.0.2.1\nx. CNAME y.\n", "CNAME"),
    "two SOAs for one name": (SOA.format(1) + SOA.format(2), "SOA"),
    "a NUL octet": ("x. TXT a\0b\n", "NUL"),
    "a NUL octet alone": ("\0\n", "NUL"),
    "a blank owner with none before": ("  A 192.0.2.1\n", "owner"),
    "a parenthesis that closes nothing": ("x. A 192.0.2.1 )\n", ""),
    "unknown RDATA of the wrong length": ("x. TYPE65280 \\# 4 00\n", ""),
    "known RDATA in unknown form, too short": ("x. A \\# 3 C00002\n", ""),
    "a text over 255": ('x. TXT "' + "y" * 256 + '"\n', ""),
    "a preference over 65535": ("x. MX 65536 y.\n", ""),
    "a question type": ("x. ANY 1\n", ""),
    "a pseudo type": ("x. OPT \\# 0\n", ""),
    "only junk": ("nonsense\n", ""),
    "binary junk": ("\x7fELF\x02\x01\x01\x00\x00\n", ""),
}


@pytest.fixture
def ns(ns):
    append(ns.records, OLD)
    return ns


@pytest.mark.parametrize("way", [append, replace])
@pytest.mark.parametrize("text, saying", REFUSED.values(), ids=REFUSED.keys())
def test_each_is_einval_and_leaves_what_was_there(ns, way, text, saying):
    with refused(ns, errno.EINVAL, saying=saying):
        way(ns.records, text)


@pytest.mark.parametrize("text, saying", REFUSED.values(), ids=REFUSED.keys())
def test_a_good_line_beside_it_in_one_write_is_not_applied(ns, text, saying):
    with refused(ns, errno.EINVAL, saying=saying):
        append(ns.records, text + "good. A 192.0.2.7\n")


def test_a_cname_beside_what_is_there_is_einval(ns):
    with refused(ns, errno.EINVAL, saying="CNAME"):
        append(ns.records, "old. CNAME y.\n")


@pytest.mark.parametrize("text", ['x. TXT "open\n', "x. MX ( 10\nmx.\n",
                                  'x. TXT "open', "x. MX ( 10 mx.",
                                  'x. TXT ("a"\n"b"\n'])
@pytest.mark.parametrize("way", [append, replace])
def test_what_is_left_open_is_refused_at_close_at_the_latest(ns, way, text):
    with refused(ns, errno.EINVAL):
        way(ns.records, text)


@pytest.mark.parametrize("texts, saying", [
    (['x. TXT "open\n', "y. A 192.0.2.1\n"], "a quote is not closed"),
    (["w. A 192.0.2.1\n", "x. MX ( 10 mx.\n"], "\"(\" is not closed"),
])
@pytest.mark.parametrize("way", [append, replace])
def test_what_is_left_open_in_several_writes_is_called_that(ns, way, texts,
                                                            saying):
    before = ns.lines()
    with fails(errno.EINVAL):
        way(ns.records, *texts)
    assert ns.last_error().endswith(saying) and 'x. ' in ns.last_error()
    assert way is append or ns.lines() == before


@pytest.mark.parametrize("text", ["\n", "; only a comment\n", "  \t \n",
                                  "\n\n\n; x\n\n", ";", ""])
def test_empty_and_comment_lines_do_nothing(ns, text):
    with untouched(ns):
        append(ns.records, text)
    assert ns.error.read_text() == ""


def peak_memory_kib(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


@pytest.mark.parametrize("piece", [4096, 1 << 20], ids=["pieces", "at once"])
def test_a_mebibyte_without_a_newline_is_refused_in_bounded_memory(circuit,
                                                                   piece):
    ns = circuit.make()
    append(ns.records, OLD)
    before = peak_memory_kib(circuit.daemon.pid)
    for _ in range(20):
        with refused(ns, errno.EINVAL):
            append(ns.records, *["x" * piece] * ((1 << 20) // piece))
        ns.error.write_text("")
    assert peak_memory_kib(circuit.daemon.pid) - before < 64 << 10


def test_many_lines_of_junk_leave_the_daemon_well(ns):
    with refused(ns, errno.EINVAL):
        replace(ns.records, os.urandom(1 << 20).replace(b"\0", b"x"))
    assert ns.answer("old") == ["192.0.2.1"]


@pytest.mark.parametrize("name, number", [
    ("ns@999.1.1.1:53", errno.EINVAL),
    ("ns@127.0.0.1:99999", errno.EINVAL),
])
def test_mkdir_at_no_address_is_einval(shared, name, number):
    with fails(number):
        (shared.host / name).mkdir()
    assert name in shared.error.read_text().splitlines()[-1]
    assert name not in os.listdir(shared.host)


def test_mkdir_at_the_root_is_eperm_and_the_host_says_why(shared):
    with fails(errno.EPERM):
        (shared.mount / "h2").mkdir()
    assert "h2" in shared.error.read_text().splitlines()[-1]


def test_rm_of_no_such_name_is_enoent(ns):
    with untouched(ns), fails(errno.ENOENT):
        (ns.names / "nosuch.").unlink()


def test_rmdir_of_a_parent_is_enotempty_and_error_says_why(ns):
    (ns / "sub").mkdir()
    with refused(ns, errno.ENOTEMPTY, saying="child"):
        ns.path.rmdir()
    assert Nameserver(ns / "sub").answer("x") == "REFUSED"


def test_include_reads_no_file(ns, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("secret. A 192.0.2.66\n")
    with refused(ns, errno.EINVAL, saying="INCLUDE"):
        append(ns.records, f"$INCLUDE {secret}\n")
    assert "192.0.2.66" not in ns.error.read_text()
