# SPDX-License-Identifier: Apache-2.0
"""Zones as records, and as the files that the servers read.

A case is the zones that live under one name of their own: an apex, at times
zones nested in it, at times one beside it. circuitfs gets all its records in
one file, NSD and Knot a file for each zone.
"""
import random

import names

NUMBERS = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "HINFO": 13,
           "MX": 15, "TXT": 16, "AAAA": 28, "LOC": 29, "SRV": 33, "NAPTR": 35,
           "DNAME": 39, "OPT": 41, "DS": 43, "RRSIG": 46, "NSEC": 47,
           "DNSKEY": 48, "NSEC3PARAM": 51, "SVCB": 64, "HTTPS": 65,
           "TKEY": 249, "TSIG": 250, "IXFR": 251, "AXFR": 252, "MAILB": 253,
           "MAILA": 254, "ANY": 255, "CAA": 257}
TYPES = {number: name for name, number in NUMBERS.items()}


def type_number(name):
    return NUMBERS.get(name) or int(name[4:])


def type_name(number):
    return TYPES.get(number, f"TYPE{number}")


class RRset:
    def __init__(self, ttl, rdata=()):
        self.ttl = ttl
        self.rdata = list(rdata)


# What keeps a name there whose own data a file does not have.
BELOW = RRset(60, ['"below"'])


class Case:
    """records: {owner: {type: RRset}}, owners in lower case."""

    def __init__(self, seed, number, base):
        self.seed, self.number, self.base = seed, number, base
        self.apexes = []
        self.records = {}

    def lines(self, records):
        out = []
        mix = random.Random(f"{self.seed}/{self.number}/case")
        for owner, types in sorted(records.items()):
            shown = names.text(owner)
            if mix.random() < 0.2:
                shown = shown.upper()
            for rdtype, rrset in sorted(types.items()):
                out += [f"{shown} {rrset.ttl} IN {rdtype} {rdata}"
                        for rdata in rrset.rdata]
        return out

    def text(self):
        """All records, as circuitfs takes them."""
        return "".join(line + "\n" for line in self.lines(self.records))

    def zone_of(self, name, strictly=False):
        """The deepest apex that the name is under, or None."""
        best = None
        for apex in self.apexes:
            if names.is_under(name, apex) and \
                    (best is None or len(apex) > len(best)) and \
                    not (strictly and apex == name):
                best = apex
        return best

    def is_cut(self, name):
        return "NS" in self.records.get(name, ()) and name not in self.apexes

    def is_below_cut(self, name, apex):
        """Is it below a cut in the zone with this apex?"""
        return any(self.is_cut(name[i:])
                   for i in range(1, len(name) - len(apex)))

    def below_dname(self, name, apex):
        """Is it below a DNAME, of the zone with this apex or of one in it?

        Such data is ignored, or keeps a server from loading the zone at all:
        RFC 6672, section 2.4. At and below a cut a DNAME is nobody's.
        """
        return any("DNAME" in self.records.get(name[i:], ()) and
                   not self.is_cut(name[i:]) and
                   not self.is_below_cut(name[i:], self.zone_of(name[i:]))
                   for i in range(1, len(name) - len(apex) + 1))

    def has_zone_below_dname(self):
        """NSD does not load it; others answer from it."""
        return any(self.below_dname(apex, self.base) for apex in self.apexes)

    def zone(self, apex):
        """The records that stand in the file of one zone.

        A parent has the NS, the DS and the addresses of the zones in it too;
        the DS of an apex is its parent's.
        """
        out = {}
        for owner, types in self.records.items():
            if not names.is_under(owner, apex) or \
                    self.below_dname(owner, apex):
                continue
            kept = dict(types)
            home = self.zone_of(owner)
            if home != apex:
                wanted = ("A", "AAAA")
                if owner == home:
                    wanted += ("NS", "DS")
                # The name stays, or a wildcard might stand for it.
                kept = {rdtype: rrset for rdtype, rrset in kept.items()
                        if rdtype in wanted} or {"TXT": BELOW}
            elif owner == apex and \
                    self.zone_of(apex, strictly=True) is not None:
                kept.pop("DS", None)
            elif self.is_cut(owner) or self.is_below_cut(owner, apex):
                if kept.pop("DNAME", None):
                    kept.setdefault("TXT", BELOW)
            out[owner] = kept
        return out

    def zone_text(self, apex):
        soa_first = self.lines(self.zone(apex))
        soa_first.sort(key=lambda line: " IN SOA " not in line)
        return "".join(line + "\n" for line in soa_first)
