# SPDX-License-Identifier: Apache-2.0
"""RDATA in text, as we write and read it and as dnspython does.

fuzz_rdata.c does the same with ldns, which knows no type newer than CAA.
"""
import random
import re

import dns.exception
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import pytest

from harness import append, replace
from test_clients import EVERY_TYPE, only_record, owner_of

CASES = 1500

# What is the same to us and not to dnspython 2.3: types, a part of the text,
# and why. None stands for every type.
DIFFERENCES = [
    (("NSEC3",), "", "it reads hashes of a multiple of 5 octets, and pads"),
    (("SVCB", "HTTPS"), r"docpath|dohpath|pvd|ohttp|tls-supported|key",
     "keys that IANA has named since"),
    (("CDS", "DS", "DLV"), r"^\d+ \d+ 0 ", "digests of type 0 are reserved"),
    (("ZONEMD",), r"^\d+ (0 \d+|\d+ 0) ",
     "schemes and digests of type 0 are reserved"),
    (("LOC",), "", "it keeps no size of nine digits and more"),
    (("SVCB", "HTTPS"), r"^0 \S+ .", "parameters in alias mode, which clients "
     "ignore (RFC 9460, section 2.4.2)"),
    (None, r"\\(12[89]|1[3-9]\d|2\d\d)",
     "it takes an escape in a string for a letter, and writes it in UTF-8"),
]
# And what it writes that is not what it has read.
WRITTEN = [
    (("URI",), "", "it escapes nothing"),
    (("SVCB", "HTTPS"), r"\\\\[^,\\]", "it escapes twice in a list"),
]


def is_listed(differences, rdtype, text):
    return any((types is None or rdtype in types) and re.search(part, text)
               for types, part, _ in differences)


def has_new_type(rdtype, text):
    """Whether a list of types has one that dnspython does not know."""
    if rdtype not in ("NSEC", "CSYNC"):
        return False
    words = re.findall(r"(?<= )[A-Z][A-Z0-9-]*", text)
    return any(word not in dns.rdatatype.RdataType.__members__
               and not word.startswith("TYPE") for word in words)


def is_known(number):
    """Whether dnspython has fields for a type, and not only octets."""
    return dns.rdata.get_rdata_class(dns.rdataclass.IN, number) \
        is not dns.rdata.GenericRdata


def damaged(chance, octets):
    octets = bytearray(octets)
    for _ in range(chance.randint(0, 2)):
        if octets:
            octets[chance.randrange(len(octets))] = chance.choice(
                [0, 1, 3, 9, 46, 92, 34, 128, 255, chance.randrange(256)])
    if chance.random() < .1:
        del octets[chance.randrange(len(octets) + 1):]
    if chance.random() < .1:
        octets += chance.randbytes(chance.randint(1, 20))
    return bytes(octets)


def good_wires(ns):
    for at, line in enumerate(EVERY_TYPE):
        name = owner_of(at, line)
        append(ns.records, f"{name} 300 IN {line}\n")
        yield only_record(ns.address, name)


def is_taken(ns, line):
    try:
        append(ns.records, line)
    except OSError:
        return False
    return True


@pytest.fixture
def kept(ns):
    """What is stored, of damaged RDATA: {owner: (type number, octets)}."""
    chance = random.Random(9)
    wires = [wire for wire in good_wires(ns) if is_known(wire[0])]
    replace(ns.records, "")
    kept = {}
    for at in range(CASES):
        number, octets = chance.choice(wires)
        octets = damaged(chance, octets)
        owner = f"{at:032d}.test."
        if is_taken(ns, f"{owner} 300 IN TYPE{number} \\# {len(octets)} "
                        f"{octets.hex()}\n"):
            kept[owner] = number, octets
    assert len(kept) > CASES / 3
    return kept


def test_dnspython_reads_what_we_write_as_the_same_octets(ns, kept):
    wrong, right = [], 0
    for line in ns.lines(ns.records):
        owner, _, _, rdtype, text = line.split(" ", 4)
        number, octets = kept[owner]
        if is_listed(DIFFERENCES, rdtype, text) or has_new_type(rdtype, text):
            continue
        try:
            read = dns.rdata.from_text("IN", number, text).to_wire()
        except dns.exception.DNSException as error:
            read = error
        right += read == octets
        if read != octets:
            wrong.append((rdtype, text, octets.hex(), read))
    assert not wrong
    assert right > CASES / 4


def test_we_read_what_dnspython_writes_as_the_same_octets(ns, kept):
    replace(ns.records, "")
    wrong, right = [], 0
    for owner, (number, octets) in kept.items():
        rdtype = dns.rdatatype.to_text(number)
        try:
            text = dns.rdata.from_wire("IN", number, octets, 0,
                                       len(octets)).to_text()
        except (dns.exception.DNSException, UnicodeDecodeError):
            continue
        if is_listed(DIFFERENCES + WRITTEN, rdtype, text):
            continue
        read = None
        if is_taken(ns, f"{owner} 300 IN TYPE{number} {text}\n"):
            read = only_record(ns.address, owner)[1]
        right += read == octets
        if read != octets:
            wrong.append((rdtype, text, octets.hex(), read))
    assert not wrong
    assert right > CASES / 4
