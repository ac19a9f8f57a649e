# SPDX-License-Identifier: Apache-2.0
"""records: the format, appending, and what a set of records is."""
import errno
import os

import pytest

from harness import append, fails, refused, replace

SOA = "SOA ns.t. host.t. 1 7200 3600 1209600 300"

FORMAT = {
    "a TTL left out is not that of the record before": (
        "a. 60 A 192.0.2.1\nb. A 192.0.2.1\n",
        ["a. 60 IN A 192.0.2.1", "b. 3600 IN A 192.0.2.1"]),
    "an owner in UTF-8 is octets": (
        "\u00fc. A 192.0.2.1\n", ["\\195\\188. 3600 IN A 192.0.2.1"]),
    "a name is absolute, the TTL 3600, the class IN": (
        "miek.nl MX 10 mx.miek.nl\n",
        ["miek.nl. 3600 IN MX 10 mx.miek.nl."]),
    "TTL and class come in either order": (
        "a. 300 IN A 192.0.2.1\nb. IN 300 A 192.0.2.1\nc. 300 A 192.0.2.1\n"
        "d. IN A 192.0.2.1\n",
        ["a. 300 IN A 192.0.2.1", "b. 300 IN A 192.0.2.1",
         "c. 300 IN A 192.0.2.1", "d. 3600 IN A 192.0.2.1"]),
    "words are of either case": (
        "A.Test. in a 192.0.2.1\n", ["a.test. 3600 IN A 192.0.2.1"]),
    "tabs and spaces separate": (
        "a.\t \tA \t192.0.2.1\t\n", ["a. 3600 IN A 192.0.2.1"]),
    "$ORIGIN ends what has no dot at its end": (
        "$ORIGIN t.\nwww A 192.0.2.1\n@ NS www\n$ORIGIN sub\nx CNAME www.t.\n",
        ["t. 3600 IN NS www.t.", "x.sub.t. 3600 IN CNAME www.t.",
         "www.t. 3600 IN A 192.0.2.1"]),
    "$TTL is the TTL of what has none": (
        "$TTL 60\na. A 192.0.2.1\nb. 5 A 192.0.2.1\n$TTL 1d\nc. A 192.0.2.1\n",
        ["a. 60 IN A 192.0.2.1", "b. 5 IN A 192.0.2.1",
         "c. 86400 IN A 192.0.2.1"]),
    "a TTL has units": (
        "a. 1h A 192.0.2.1\nb. 1w2d3h4m5s A 192.0.2.1\nc. 90 A 192.0.2.1\n"
        "d. 1H30M A 192.0.2.1\n",
        ["a. 3600 IN A 192.0.2.1", "b. 788645 IN A 192.0.2.1",
         "c. 90 IN A 192.0.2.1", "d. 5400 IN A 192.0.2.1"]),
    "the longest TTL is 2^31-1": (
        "a. 2147483647 A 192.0.2.1\nb. 0 A 192.0.2.1\n",
        ["a. 2147483647 IN A 192.0.2.1", "b. 0 IN A 192.0.2.1"]),
    "a blank owner is the last one": (
        "a. A 192.0.2.1\n  A 192.0.2.2\n\tTXT x\n",
        ["a. 3600 IN A 192.0.2.1", "a. 3600 IN A 192.0.2.2",
         'a. 3600 IN TXT "x"']),
    "parentheses join lines": (
        "t. SOA ns.t. host.t. ( 1 ; serial\n 7200\n\n 3600 1209600\n 300 )\n",
        [f"t. 3600 IN {SOA}"]),
    "a closing parenthesis may be followed by more": (
        "a. MX (\n10\n) mx.t.\n", ["a. 3600 IN MX 10 mx.t."]),
    "quotes hold spaces, semicolons and parentheses": (
        'a. TXT "a b" c ; comment\nb. TXT "a;b(c)"\nc. TXT "say \\"x\\""\n',
        ['a. 3600 IN TXT "a b" "c"', 'b. 3600 IN TXT "a;b(c)"',
         'c. 3600 IN TXT "say \\"x\\""']),
    "empty lines and comments are nothing": (
        "\n; a comment\n   \n\t; another\na. A 192.0.2.1 ; the record\n\n",
        ["a. 3600 IN A 192.0.2.1"]),
    "escapes in names": (
        "a\\.b.t. A 192.0.2.1\nx\\032y.t. A 192.0.2.1\n\\065.t. A 192.0.2.1\n",
        ["a.t. 3600 IN A 192.0.2.1", "a\\.b.t. 3600 IN A 192.0.2.1",
         "x\\032y.t. 3600 IN A 192.0.2.1"]),
    "the root": (". NS a.t.\n", [". 3600 IN NS a.t."]),
    "unknown types, RFC 3597": (
        "a. TYPE65280 \\# 4 0A000001\nb. CLASS1 TYPE65281 \\# 0\n",
        ["a. 3600 IN TYPE65280 \\# 4 0a000001",
         "b. 3600 IN TYPE65281 \\# 0"]),
    "a known type in the unknown types' form": (
        "a. TYPE1 \\# 4 C0000201\nb. A \\# 4 C0000201\n",
        ["a. 3600 IN A 192.0.2.1", "b. 3600 IN A 192.0.2.1"]),
    "IPv6 in its short form": (
        "a. AAAA 2001:DB8:0:0:0:0:0:1\n", ["a. 3600 IN AAAA 2001:db8::1"]),
    "carriage returns end a line as well": (
        "a. A 192.0.2.1\r\nb. A 192.0.2.2\r\n",
        ["a. 3600 IN A 192.0.2.1", "b. 3600 IN A 192.0.2.2"]),
    "a type's printed form has no comment behind it": (
        "k. DNSKEY 257 3 13 "
        "mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAe"
        "F+KkxLbxILfDLUT0rAK9iUzy1L53eKGQ==\n",
        ["k. 3600 IN DNSKEY 257 3 13 "
         "mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAe"
         "F+KkxLbxILfDLUT0rAK9iUzy1L53eKGQ=="]),
    "many types": (
        "t. CAA 0 issue \"ca.t\"\nt. SRV 0 5 443 www.t.\n"
        "t. SSHFP 1 1 0123456789ABCDEF0123456789ABCDEF01234567\n"
        "t. TLSA 3 1 1 "
        "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF\n"
        "t. NAPTR 100 10 \"S\" \"SIP+D2U\" \"\" _sip._udp.t.\n"
        "t. PTR x.t.\nt. DNAME other.\n"
        "t. LOC 52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m\n",
        None),
}


@pytest.mark.parametrize("text", [
    "@ SOA ns hostmaster 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n",
    "www.example. A 192.0.2.1\nwww.example. MX 10 @\n",
    "$TTL 300\n        IN NS ns.example.\n",
])
def test_a_zone_file_without_its_origin_is_not_the_root_zone(ns, text):
    append(ns.records, "there. A 192.0.2.9\n")
    for write in append, replace:
        with refused(ns, errno.EINVAL):
            write(ns.records, text)
        assert ns.lines() == ["there. 3600 IN A 192.0.2.9"]


def test_at_sign_says_how_to_go_on(ns):
    with refused(ns, errno.EINVAL,
                 saying="write $ORIGIN first, or"):
        append(ns.records, "@ SOA ns hostmaster 1 2 3 4 5\n")
    append(ns.records, "$ORIGIN .\n@ NS a.example.\n")
    assert ns.lines() == [". 3600 IN NS a.example."]


@pytest.mark.parametrize("given, shown", FORMAT.values(), ids=FORMAT.keys())
def test_the_master_file_format(ns, given, shown):
    append(ns.records, given)
    if shown is None:
        shown = ns.lines()
        assert len(shown) == given.count("\n")
    else:
        assert ns.lines() == shown


@pytest.mark.parametrize("given, shown", FORMAT.values(), ids=FORMAT.keys())
def test_what_is_read_can_be_written_back(ns, given, shown):
    append(ns.records, given)
    read = ns.records.read_text()
    replace(ns.records, read)
    assert ns.records.read_text() == read


@pytest.mark.parametrize("given, shown", FORMAT.values(), ids=FORMAT.keys())
def test_one_octet_at_a_time_is_the_same_file(ns, given, shown):
    replace(ns.records, given)
    whole = ns.records.read_text()
    replace(ns.records)
    append(ns.records, *given)
    assert ns.records.read_text() == whole
    replace(ns.records, *given)
    assert ns.records.read_text() == whole


@pytest.mark.parametrize("cut", range(1, 40, 3))
def test_two_writes_cut_anywhere_are_the_same_as_one(ns, cut):
    text = '$ORIGIN t.\na TXT "x y" (\nz )\n MX 10 a\n'
    append(ns.records, text[:cut], text[cut:])
    assert ns.lines() == ["a.t. 3600 IN MX 10 a.t.",
                          'a.t. 3600 IN TXT "x y" "z"']


def test_order_is_dns_order_then_soa_ns_type_number_and_time(ns):
    append(ns.records, f"z.t. A 192.0.2.9\nt. MX 10 b.\nt. TXT x\nt. A 192.0.2.2\n"
           f"t. NS ns2.t.\nt. A 192.0.2.1\n*.t. A 192.0.2.3\na.z.t. A 192.0.2.8\n"
           f"t. {SOA}\nt. NS ns1.t.\naa.t. A 192.0.2.7\n. NS r.\n")
    assert [line.split(" ", 1)[0] + " " + " ".join(line.split()[3:5])
            for line in ns.lines()] == [
        ". NS r.", "t. SOA ns.t.", "t. NS ns2.t.", "t. NS ns1.t.",
        "t. A 192.0.2.2", "t. A 192.0.2.1", "t. MX 10", 't. TXT "x"',
        "*.t. A 192.0.2.3", "aa.t. A 192.0.2.7", "z.t. A 192.0.2.9",
        "a.z.t. A 192.0.2.8"]


def test_each_write_is_answered_when_it_returns(ns):
    fd = os.open(ns.records, os.O_WRONLY | os.O_APPEND)
    for last in range(1, 20):
        os.write(fd, f"a.test. A 192.0.2.{last}\n".encode())
        assert f"192.0.2.{last}" in ns.answer("a.test")
    os.close(fd)


def test_a_write_applies_all_its_whole_lines_or_none(ns):
    append(ns.records, "a. A 192.0.2.1\nb. A 192.0.2.2\n")
    with refused(ns, errno.EINVAL, saying="999"):
        append(ns.records, "c. A 192.0.2.3\nd. A 192.0.2.999\ne. A 192.0.2.5\n")
    append(ns.records, "c. A 192.0.2.3\n")
    assert len(ns.lines()) == 3


def test_the_rest_of_a_line_waits_for_the_next_write(ns):
    fd = os.open(ns.records, os.O_WRONLY | os.O_APPEND)
    os.write(fd, b"a. A 192.0.2.1\nb. A 192.0.2.")
    assert ns.lines() == ["a. 3600 IN A 192.0.2.1"]
    os.write(fd, b"25\nc. A 192")
    assert ns.lines()[1:] == ["b. 3600 IN A 192.0.2.25"]
    os.write(fd, b".0.2.3\n")
    os.close(fd)
    assert len(ns.lines()) == 3


def test_an_append_goes_on_after_a_refused_line(ns):
    fd = os.open(ns.records, os.O_WRONLY | os.O_APPEND)
    os.write(fd, b"a. A 192.0.2.1\n")
    with fails(errno.EINVAL):
        os.write(fd, b"a. A nonsense\n")
    os.write(fd, b"b. A 192.0.2.2\n")
    os.close(fd)
    assert len(ns.lines()) == 2


def test_an_appending_descriptor_has_no_offsets(ns):
    fd = os.open(ns.records, os.O_RDWR | os.O_APPEND)
    os.pwrite(fd, b"a. A 192.0.2.1\n", 0)
    os.pwrite(fd, b"b. A 192.0.2.2\n", 0)
    os.pwrite(fd, b"c. A 192.0.2.3\n", 1 << 40)
    os.close(fd)
    assert len(ns.lines()) == 3


@pytest.mark.parametrize("script", [
    "echo 'a. A 192.0.2.1' >> records; echo 'b. A 192.0.2.2' >> records",
    "{ echo 'a. A 192.0.2.1'; echo 'b. A 192.0.2.2'; } >> records",
    "printf '%s\\n' 'a. A 192.0.2.1' 'b. A 192.0.2.2' >> records",
    "printf 'a. A 192.0.2.1' >> records; printf 'b. A 192.0.2.2' >> records",
    "echo 'a. A 192.0.2.1' | tee -a records; "
    "echo 'b. A 192.0.2.2' | cat >> records",
    "printf '%s. A 192.0.2.1\n' A B | tr AB ab >> records",
])
@pytest.mark.parametrize("shell", ["sh", "bash", "dash"])
def test_shells_append(ns, shell, script):
    done = ns.sh(script, shell)
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in ns.lines()] == ["a.", "b."]


@pytest.mark.parametrize("shell", ["sh", "bash", "dash"])
def test_a_shell_sees_that_its_line_was_refused(ns, shell):
    with refused(ns, errno.EINVAL):
        done = ns.sh("echo 'a. A 192.0.2.999' >> records", shell)
        if done.returncode:
            assert "echo" in done.stderr
            raise OSError(errno.EINVAL, done.stderr)


def test_a_single_write_without_a_newline_is_taken_at_close(ns):
    append(ns.records, "a. A 192.0.2.1")
    assert ns.lines() == ["a. 3600 IN A 192.0.2.1"]
    assert ns.answer("a") == ["192.0.2.1"]


def test_after_several_writes_a_last_line_without_newline_is_refused(ns):
    with fails(errno.EINVAL):
        append(ns.records, "a. A 192.0.2.1\n", "b. A 192.0.2.2")
    assert ns.lines() == ["a. 3600 IN A 192.0.2.1"]
    assert "b. A 192.0.2.2" in ns.last_error()


# The first write, the second, and what is there in the end.
SETS = {
    "a duplicate is kept once": (
        "a. A 192.0.2.1\n", "a. A 192.0.2.1\n", ["a. 3600 IN A 192.0.2.1"]),
    "a duplicate in another spelling too": (
        "a. MX 10 B.c.\na. AAAA 1::\n", "A. MX 10 b.C.\na. AAAA 1:0::0\n",
        ["a. 3600 IN MX 10 b.c.", "a. 3600 IN AAAA 1::"]),
    "records of one name and type share the newest TTL": (
        "a. 60 A 192.0.2.1\na. 70 TXT x\n", "a. 30 A 192.0.2.2\n",
        ["a. 30 IN A 192.0.2.1", "a. 30 IN A 192.0.2.2",
         'a. 70 IN TXT "x"']),
    "a duplicate sets the TTL": (
        "a. 60 A 192.0.2.1\na. 60 A 192.0.2.2\n", "a. 30 A 192.0.2.1\n",
        ["a. 30 IN A 192.0.2.1", "a. 30 IN A 192.0.2.2"]),
    "another SOA replaces it": (
        f"t. {SOA}\n", "t. SOA ns.t. host.t. 2 7200 3600 1209600 300\n",
        ["t. 3600 IN SOA ns.t. host.t. 2 7200 3600 1209600 300"]),
    "another CNAME replaces it": (
        "a. CNAME b.\n", "a. CNAME c.\n", ["a. 3600 IN CNAME c."]),
    "another DNAME replaces it": (
        "a. DNAME b.\n", "a. DNAME c.\n", ["a. 3600 IN DNAME c."]),
    "the same SOA twice in one write is one": (
        f"t. {SOA}\nt. {SOA}\n", "\n", [f"t. 3600 IN {SOA}"]),
}


@pytest.mark.parametrize("first, second, shown", SETS.values(),
                         ids=SETS.keys())
def test_a_set_is_a_set(ns, first, second, shown):
    append(ns.records, first)
    append(ns.records, second)
    # Which spelling of an equal name stays is not promised.
    assert (sorted(line.lower() for line in ns.lines())
            == sorted(line.lower() for line in shown))


@pytest.mark.parametrize("there, text, line, beside", [
    ("", "a. CNAME b.\na. A 192.0.2.1\na. MX 10 b.\n", 1, "A"),
    ("", "a. A 192.0.2.1\nz. A 192.0.2.1\na. CNAME b.\na. MX 10 b.\n", 3,
     "A"),
    ("a. TXT x\n", "z. A 192.0.2.1\na. CNAME b.\nz. A 192.0.2.2\n", 2, "TXT"),
    ("a. CNAME b.\n", "z. A 192.0.2.1\na. RRSIG A 8 3 86400 20380322173103 "
     "19700101000005 2642 b. oJB1\na. MX 10 b.\na. A 192.0.2.1\n", 3, "A"),
])
def test_a_cname_beside_other_data_is_named_by_its_line(ns, there, text, line,
                                                        beside):
    append(ns.records, there)
    with refused(ns, errno.EINVAL, saying=(
            f'records line {line}: "a.": a CNAME cannot stand beside other '
            f"data, and this name would have both it and {beside}")):
        append(ns.records, text)


@pytest.mark.parametrize("kind", [SOA, "CNAME b.", "DNAME b."])
def test_two_different_singletons_in_one_write_are_refused(ns, kind):
    other = kind.replace(" 1 ", " 2 ").replace("b.", "c.")
    append(ns.records, "x. A 192.0.2.1\n")
    with refused(ns, errno.EINVAL):
        append(ns.records, f"t. {kind}\nt. {other}\n")


@pytest.mark.parametrize("there, added", [
    ("a. A 192.0.2.1\n", "a. CNAME b.\n"),
    ("a. CNAME b.\n", "a. A 192.0.2.1\n"),
    ("", "a. CNAME b.\na. A 192.0.2.1\n"),
    ("", "a. MX 10 b.\na. CNAME b.\n"),
    ("t. " + SOA + "\n", "t. CNAME b.\n"),
])
def test_cname_beside_other_data_is_refused(ns, there, added):
    append(ns.records, f"x. A 192.0.2.1\n{there}")
    with refused(ns, errno.EINVAL, saying="CNAME"):
        append(ns.records, added)


def test_an_rrset_that_fits_no_message_is_refused(ns):
    text = "".join(f'a. TXT "{n:03}{"x" * 250}"\n' for n in range(280))
    append(ns.records, "a. TXT small\n")
    with refused(ns, errno.EINVAL):
        append(ns.records, text)


def test_service_parameters_of_any_length_are_stored_or_refused(ns):
    """ldns, by which they were read, wrote past the end of its memory."""
    keys = [f"key{key}" for key in range(10000, 10080)]
    line = (f"a. 3600 IN SVCB 1 . mandatory={','.join(keys)} "
            f"{' '.join(keys)}")
    append(ns.records, line + "\n")
    for octets in (66000, 400000):
        with fails(errno.EINVAL):
            append(ns.records, "a. SVCB 1 . key99=" + "z" * octets +
                   " key100 key101\n")
    with fails(errno.EINVAL):
        append(ns.records, "a. SVCB 1 . key99=" + r"\255" * 65540 +
               " key100 key101\n")
    assert ns.lines() == [line]


def test_writers_side_by_side_lose_nothing(ns):
    ns.sh("for w in a b c d; do (i=0; while [ $i -lt 50 ]; do "
          "echo \"$i.$w. A 192.0.2.$i\" >> records; i=$((i+1)); done) & done; "
          "wait")
    assert len(ns.lines()) == 200
    assert ns.answer("49.d") == ["192.0.2.49"]


def test_a_set_comes_in_the_order_in_which_it_was_added(ns):
    for last in (3, 1, 2):
        append(ns.records, f"a. A 192.0.2.{last}\n")
    for _ in range(5):
        (rrset,) = ns.ask("a.").answer
        assert [item.to_text() for item in rrset] == [
            "192.0.2.3", "192.0.2.1", "192.0.2.2"]
