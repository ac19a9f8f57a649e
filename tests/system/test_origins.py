# SPDX-License-Identifier: Apache-2.0
"""Zone files as others write them: each goes in, or is told how to.

docs/compatibility.md has a table of origins, and its rows are what is run
here: a command, with the file of tests/system/origins in $F, and what comes
of it. What goes in is compared with what dnspython reads in that file.
"""
import os
import re

import dns.zone
import pytest

from harness import TOP, append, run

ORIGINS = TOP / "tests" / "system" / "origins"
GUIDE = TOP / "docs" / "compatibility.md"
ROW = re.compile(r"^\| [^|]+ \| (?P<file>[\w.-]+) \| `` (?P<command>.+?) `` "
                 r"\| (?P<outcome>.+?) \|$", re.M)
ZONES = {"rfc2317": "2.0.192.in-addr.arpa", "rfc2317-generate":
         "2.0.192.in-addr.arpa", "ip6.arpa":
         "0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"}


def rows():
    text = GUIDE.read_text()
    table = text.split("<!-- zone files -->\n")[1].split("<!-- end of zone files -->")[0]
    found = [match.groupdict() for match in ROW.finditer(table)]
    assert len(found) == len(table.splitlines()) - 2, "a row is not read"
    return [pytest.param(row["file"], row["command"].replace("\\|", "|"),
                         row["outcome"], id=f"{row['file']}: {row['command']}")
            for row in found]


def load(ns, file, command):
    return run("bash", "-o", "pipefail", "-c", command, cwd=ns.path,
               env={"F": ORIGINS / file})


def records_of(zone):
    """Owner, TTL, type and data in canonical form of each record."""
    return sorted((str(owner).lower(), ttl, str(rdata.rdtype),
                   rdata.to_digestable())
                  for owner, ttl, rdata in zone.iterate_rdatas())


def zone_of(text, origin):
    return dns.zone.from_text(text, origin, relativize=False,
                              check_origin=False)


# What the row's command takes out, and what dnspython does not read.
LEFT_OUT = r"(?m)^\[[^]]*\] |\[AGE:\d+\]|^\S+\s+.*\b(WINS\sL2|AWS|LUA)\b.*$"


def as_written(file, origin):
    """What dnspython reads in it, where a TTL that is not stated is 3600."""
    text = (ORIGINS / file).read_text(encoding="utf-8-sig")
    text = re.sub(LEFT_OUT, "", text)
    if file == "cloudflare":  # under that name it would be another one
        text = text.replace("example.org\t", "example.org.\t")
    return zone_of("$TTL 3600\n" + text, origin)


@pytest.mark.parametrize("file, command, outcome", rows())
def test_a_zone_file_goes_in_or_is_told_how_to(ns, file, command, outcome):
    append(ns.records, "there. A 192.0.2.1\n")
    done = load(ns, file, command)
    if outcome.startswith("refused: "):
        assert done.returncode != 0
        assert ns.lines() == ["there. 3600 IN A 192.0.2.1"]
        said = outcome.removeprefix("refused: ").strip("`").replace("\\|", "|")
        assert said in ns.last_error(), ns.last_error()
        return
    assert outcome.startswith("goes in"), outcome
    assert (done.returncode, done.stderr, ns.error.read_text()) == (0, "", "")
    origin = ZONES.get(file, "example.org")
    there = "there. 3600 IN A 192.0.2.1"
    lines = [line for line in ns.lines() if line != there]
    shown = zone_of("\n".join(lines), origin)
    assert (there in ns.lines()) == (">>" in command)
    assert records_of(shown) == records_of(as_written(file, origin))


def test_each_file_has_a_row_and_what_is_refused_another_that_goes_in():
    outcomes = {}
    for row in rows():
        file, _, outcome = row.values
        outcomes.setdefault(file, []).append(outcome)
    assert set(outcomes) == set(os.listdir(ORIGINS))
    never = {file for file, told in outcomes.items()
             if not any(outcome.startswith("goes in") for outcome in told)}
    assert never == {"dig-short", "dig-failed", "rfc2317-generate",
                     "dkim4096-unsplit"}
