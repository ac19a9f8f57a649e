# SPDX-License-Identifier: Apache-2.0
"""stat: Peek, as JSON on one line."""
import json

import pytest

from harness import append, run

MIEK = ("miek.nl. 3600 IN MX 10 mx.miek.nl.\n"
        "miek.nl. 3600 IN MX 20 mx2.miek.nl.\n")


def test_an_empty_nameserver_has_an_address_and_no_records(ns):
    assert ns.stat.read_text() == (
        '{"Address":"' + ns.address + '","Records":{}}\n')


def test_stat_is_one_line_of_json_with_every_record(ns):
    append(ns.records, MIEK)
    assert ns.stat.read_text() == (
        '{"Address":"' + ns.address + '","Records":{"miek.nl.":['
        '"miek.nl.\\t3600\\tIN\\tMX\\t10 mx.miek.nl.",'
        '"miek.nl.\\t3600\\tIN\\tMX\\t20 mx2.miek.nl."]}}\n')


def test_names_come_in_dns_order(ns):
    append(ns.records, "b. A 192.0.2.1\na.b. A 192.0.2.1\na. A 192.0.2.1\n"
           "z.a. A 192.0.2.1\n. NS a.\n")
    assert list(ns.peek()["Records"]) == [".", "a.", "z.a.", "b.", "a.b."]


def test_stat_and_records_say_the_same(ns):
    append(ns.records, MIEK + 'x. TXT "a\\"b\\\\c" "d;e"\n\\000/y. A 192.0.2.1\n')
    lines = [line for lines in ns.peek()["Records"].values() for line in lines]
    assert "".join(line + "\n" for line in lines) == ns.records.read_text()


@pytest.mark.parametrize("text", ['"\\""', '"\\\\"', '"\\000\\127\\255"',
                                  '"\t"', '"caf\\195\\169"', '"/"', '"\\010"'])
def test_any_text_makes_valid_json(ns, text):
    append(ns.records, f"x. TXT {text}\n")
    raw = ns.stat.read_bytes()
    assert raw.count(b"\n") == 1
    assert json.loads(raw.decode("ascii"))["Records"]["x."] == (
        ns.records.read_text().splitlines())


def test_jq_reads_it(ns):
    append(ns.records, MIEK)
    done = run("jq", "-r", '.Address, .Records."miek.nl."[]', ns.stat, check=0)
    assert done.stdout == ns.addr.read_text() + ns.records.read_text()


def test_a_large_stat_is_valid_json_too(ns):
    append(ns.records, "".join(f"n{i}.test. A 192.0.2.{i % 256}\n"
                               for i in range(5000)))
    assert len(ns.peek()["Records"]) == 5000
    assert ns.stat.stat().st_size == len(ns.stat.read_bytes())
