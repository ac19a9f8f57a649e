# SPDX-License-Identifier: Apache-2.0
"""Every question that a case raises, and how it is asked.

Asked are the names that own records, those above, below and beside them, and
those that records lead to, for types that are there and types that are not;
by UDP and TCP, with and without EDNS, in all sizes, with flags set or clear.
"""
import random

import maker
import names
import wire
import zones

NAMES_MAX = 56  # of a case; more than so many are drawn by lot
ASKED = ["A", "AAAA", "NS", "SOA", "CNAME", "DNAME", "DS", "MX", "TXT", "SRV",
         "PTR", "ANY"]
SELDOM = ["HTTPS", "SVCB", "CAA", "NAPTR", "TYPE65280", "TYPE65281", "DNSKEY",
          "RRSIG", "NSEC", "NSEC3PARAM", "TYPE0", "TYPE10", "HINFO", "LOC",
          "TYPE248"]
LEADING = ("NS", "CNAME", "DNAME", "MX", "SRV", "PTR", "SVCB", "HTTPS")

FLAGS = ((wire.RD, 0.3), (wire.AD, 0.1), (wire.CD, 0.05), (wire.Z, 0.03),
         (wire.RA, 0.03), (wire.AA, 0.03))


def targets(case):
    """Names that an RDATA leads to."""
    for types in case.records.values():
        for rdtype in LEADING:
            if rdtype not in types:
                continue
            for rdata in types[rdtype].rdata:
                word = next(word for word in rdata.split()
                            if word.endswith("."))
                yield names.lower(names.of_text(word))


def long_names(case, owner):
    """Names that the DNAME makes too long, and just not."""
    yield (b"w" * 63, *owner)
    yield (b"y" * 63, b"y" * 63, *owner)
    rdata = case.records[owner]["DNAME"].rdata[0]
    room = 255 - names.size(names.of_text(rdata))
    for octets in (room, room + 1):
        if octets >= 2:
            yield (*names.filler(octets), *owner)


def around(case, rng):
    """Names in and around the zones."""
    for name in [*case.records, *targets(case)]:
        yield name
        while len(name) >= max(len(case.base), 1):
            name = name[1:]
            yield name
    for name in sorted(case.records):
        for labels in ((b"*",), (b"a",), (b"zz",), (b"b", b"a"),
                       (b"a", b"*")):
            yield (*labels, *name)
        if rng.random() < 0.2:
            yield maker.below(rng, name)
        if "DNAME" in case.records[name]:
            yield from long_names(case, name)


def names_to_ask(case, rng):
    asked = sorted({name for name in around(case, rng)
                    if names.size(name) <= 255})
    held = [name for name in asked if case.zone_of(name) is not None]
    outside = [name for name in asked if case.zone_of(name) is None]
    if len(held) > NAMES_MAX:
        owners = [name for name in held if name in case.records]
        others = [name for name in held if name not in case.records]
        rng.shuffle(owners)
        rng.shuffle(others)
        owners = owners[:NAMES_MAX // 2]
        held = owners + others[:NAMES_MAX - len(owners)]
    return held + outside[:2]


def types_to_ask(case, rng, name):
    return sorted({*ASKED, *case.records.get(name, ()),
                   *rng.sample(SELDOM, 2)})


def edns_size(rng):
    """The size that EDNS announces; None: no EDNS."""
    chance = rng.random()
    if chance < 0.35:
        return None
    if chance < 0.60:
        return 1232
    if chance < 0.75:
        return 4096
    if chance < 0.85:
        return 512
    # Not 1, which Knot 3.2 takes for the class IN of an OPT that is none.
    return rng.choice((0, 65535, rng.randrange(2, 1400)))


def of(case):
    """A query for each question of a case; the same ones every time."""
    rng = random.Random(f"{case.seed}/{case.number}/queries")
    out = []
    for name in names_to_ask(case, rng):
        for rdtype in types_to_ask(case, rng, name):
            flags = sum(bit for bit, chance in FLAGS if rng.random() < chance)
            edns = edns_size(rng)
            out.append(wire.Query(
                names.wire(names.cased(rng, name)), zones.type_number(rdtype),
                flags, edns, edns is not None and rng.random() < 0.3,
                rng.random() < 0.06))
    return out
