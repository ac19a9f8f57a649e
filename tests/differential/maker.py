# SPDX-License-Identifier: Apache-2.0
"""Small zones made up at random.

A case is made from the seed and its number alone, so that each can be looked
at by itself. The alphabet is so small that names meet: a CNAME leads below a
cut, a DNAME to a wildcard, an MX to an empty non-terminal, or each to itself.
"""
import random

import names
import zones

LABELS = [b"a", b"a", b"b", b"b", b"c", b"*", b"*", b"d"]
RARE_LABELS = [b"\0", b"a.b", b'"', b"x" * 63, b"_tcp", b"\\", b"@", b" ", b"9",
               b"\xff", b"**", b"*a"]
OUTSIDE = (b"out", b"example")
TTLS = [0, 1, 60, 300, 3600, 86400, 2147483647]

DATA = ["A", "A", "A", "AAAA", "TXT", "TXT", "MX", "MX", "SRV", "PTR", "SVCB",
        "HTTPS", "CAA", "TYPE65280", "NAPTR"]
DIGEST = "0123456789abcdef" * 4
ROOT_EVERY = 50  # cases; one in so many has the root zone


def make(seed, number):
    """The case of that number; the same one every time."""
    # A string, since a tuple's hash may differ from run to run.
    rng = random.Random(f"{seed}/{number}")
    base = (b"c%d" % number, b"test")
    if rng.random() < 0.02:
        base = base[:1]
    if number % ROOT_EVERY == ROOT_EVERY - 1:
        base = ()
    maker = Maker(rng, zones.Case(seed, number, base))
    maker.make()
    return maker.case


def label(rng):
    return rng.choice(RARE_LABELS if rng.random() < 0.03 else LABELS)


def below(rng, name, depth=None):
    """A name below another one, most of the time not far."""
    for _ in range(depth or rng.choice((1, 1, 1, 2, 2, 3))):
        longer = (label(rng), *name)
        if names.size(longer) > 255:
            break
        name = longer
    return name


class Maker:
    def __init__(self, rng, case):
        self.random, self.case = rng, case
        self.base = case.base
        self.apexes, self.records = case.apexes, case.records
        self.cuts = []

    # Choosing.

    def chance(self, probability):
        return self.random.random() < probability

    def below(self, name, depth=None):
        return below(self.random, name, depth)

    def apex(self):
        return self.random.choice(self.apexes)

    def owner(self):
        return self.random.choice(sorted(self.records))

    def target(self):
        """What a CNAME or an MX may lead to: all that is interesting."""
        kind = self.random.random()
        if kind < 0.45:
            return self.owner()
        if kind < 0.60:
            return self.below(self.owner(), 1)
        if kind < 0.80:
            return self.below(self.apex())
        if kind < 0.86:
            return self.apex()
        if kind < 0.92:
            owner = self.owner()
            return owner[1:] if len(owner) > len(self.base) else owner
        if kind < 0.94:
            return ()
        return (label(self.random), *OUTSIDE)

    # Making.

    def add(self, owner, rdtype, *rdata):
        types = self.records.setdefault(owner, {})
        if rdtype not in types:
            types[rdtype] = zones.RRset(self.random.choice(TTLS))
        for line in rdata:
            known = {other.lower() for other in types[rdtype].rdata}
            if line.lower() not in known:
                types[rdtype].rdata.append(line)

    def shown(self, name):
        return names.text(names.cased(self.random, name))

    def rdata(self, rdtype):
        pick = self.random.randrange
        if rdtype == "A":
            return f"192.0.2.{pick(1, 9)}"
        if rdtype == "AAAA":
            return f"2001:db8::{pick(1, 9)}"
        if rdtype == "TXT":
            return f'"t{pick(9)}"' + (' "U v"' if self.chance(0.2) else "")
        if rdtype == "MX":
            return f"{pick(3)} {self.shown(self.target())}"
        if rdtype == "SRV":
            return f"{pick(2)} 5 {pick(80, 83)} {self.shown(self.target())}"
        if rdtype in ("PTR", "CNAME", "DNAME", "NS"):
            return self.shown(self.target())
        if rdtype in ("SVCB", "HTTPS"):
            target = () if self.chance(0.3) else self.target()
            if self.chance(0.3):
                return f"0 {self.shown(target)}"
            return f"{pick(1, 3)} {self.shown(target)} port={pick(80, 83)}"
        if rdtype == "CAA":
            return f'0 issue "ca{pick(3)}.example"'
        if rdtype == "NAPTR":
            return f'{pick(9)} 1 "s" "x" "" {self.shown(self.target())}'
        if rdtype == "DS":
            return f"{pick(1, 4)} 8 2 {DIGEST}"
        return f"\\# 4 0a00000{pick(9)}"

    def add_soa(self, apex):
        self.apexes.append(apex)
        self.add(apex, "SOA", f"{names.text((b'ns', *apex))} "
                 f"{names.text((b'h', *apex))} 1 7200 3600 1209600 "
                 f"{self.random.choice(TTLS)}")

    def add_ns(self, owner):
        """An NS RRset, its targets where glue is, may be or cannot be."""
        for _ in range(self.random.choice((1, 1, 2, 2, 3))):
            kind = self.random.random()
            if kind < 0.35:
                target = self.below(owner, self.random.choice((1, 1, 2)))
            elif kind < 0.45:
                target = owner
            elif kind < 0.60 and self.cuts:
                target = self.below(self.random.choice(self.cuts), 1)
            elif kind < 0.75:
                target = (b"ns", *self.apex())
            elif kind < 0.90:
                target = self.target() or owner
            else:
                target = (b"ns", *OUTSIDE)
            self.add(owner, "NS", self.shown(target))
            if not self.chance(0.75) or target == () or \
                    names.is_under(target, OUTSIDE) or \
                    not any(names.is_under(target, apex)
                            for apex in self.apexes):
                continue
            if not self.taken(target):
                for rdtype in ("A", "AAAA"):
                    if self.chance(0.6):
                        self.add(target, rdtype, self.rdata(rdtype))

    def taken(self, owner):
        """Is there something that nothing may stand beside?"""
        return "CNAME" in self.records.get(owner, ())

    def add_cut(self, owner):
        if self.taken(owner) or owner in self.apexes:
            return
        self.cuts.append(owner)
        self.add_ns(owner)
        if self.chance(0.4):
            self.add(owner, "DS", *(self.rdata("DS") for _ in range(
                self.random.choice((1, 1, 2)))))
        # What is hidden: data beside and below the cut, cuts in cuts.
        if self.chance(0.2):
            self.add_data(owner)
        for _ in range(self.random.choice((0, 0, 1, 2))):
            self.add_thing(self.below(owner))

    def add_data(self, owner):
        if self.taken(owner):
            return
        for _ in range(self.random.choice((1, 1, 2, 3))):
            rdtype = self.random.choice(DATA)
            for _ in range(self.random.choice((1, 1, 2))):
                self.add(owner, rdtype, self.rdata(rdtype))

    def add_big(self, owner):
        """An RRset about as large as a UDP response may be."""
        if self.taken(owner):
            return
        kind = self.random.random()
        if kind < 0.4:
            count = self.random.choice((2, 4, 5, 11, 12, 14, 40))
            self.add(owner, "TXT", *(f'"{i:02}{"y" * 98}"'
                                     for i in range(count)))
        elif kind < 0.6:
            count = self.random.choice((25, 29, 30, 70, 75, 90))
            self.add(owner, "A", *(f"198.51.100.{i}" for i in range(count)))
        else:
            rdtype = self.random.choice(("MX", "NS", "NS", "SRV"))
            if rdtype == "NS" and owner in self.apexes:
                return
            before = {"MX": "1 ", "NS": "", "SRV": "1 2 3 "}[rdtype]
            if rdtype == "NS":
                self.cuts.append(owner)
            above = owner if self.chance(0.6) else self.below(self.apex(), 1)
            if len(names.text(above)) > 100:
                return
            for i in range(self.random.choice((5, 8, 13, 30, 40))):
                target = (b"n%d" % i, *above)
                self.add(owner, rdtype, before + self.shown(target))
                self.add(target, "A", f"203.0.113.{i}")
                if self.chance(0.5):
                    self.add(target, "AAAA", f"2001:db8:1::{i}")

    def add_cname(self, owner):
        if owner not in self.records:
            self.add(owner, "CNAME", self.rdata("CNAME"))

    def add_dname(self, owner):
        if self.taken(owner) or "NS" in self.records.get(owner, ()) and \
                owner not in self.apexes:
            return
        target = self.target()
        if self.chance(0.1):
            target = (b"y" * 63, b"y" * 63, b"z" * 40, *target)
        if names.size(target) <= 255 and \
                "DNAME" not in self.records.get(owner, ()):
            self.add(owner, "DNAME", self.shown(target))
        if self.chance(0.2):
            self.add_data(owner)
        # Occluded: RFC 6672, section 2.4.
        if self.chance(0.25):
            self.add_data(self.below(owner))

    def add_thing(self, owner):
        kind = self.random.random()
        is_wild = owner[:1] == (b"*",) and self.chance(0.9)
        if owner in self.apexes and kind >= 0.36:
            return
        if kind < 0.36:
            self.add_data(owner)
        elif kind < 0.58:
            self.add_cname(owner)
        elif kind < 0.72 and not is_wild:
            self.add_dname(owner)
        elif kind < 0.94 and not is_wild:
            self.add_cut(owner)
        elif kind < 0.97:
            self.add_big(owner)
        else:
            self.add_data(owner)

    def make(self):
        self.add_soa(self.base)
        self.add_ns(self.base)
        if self.chance(0.3):
            self.add_data(self.base)
        if self.chance(0.08):
            self.add_dname(self.base)
        for _ in range(self.random.choice((0, 0, 0, 1, 1, 2))):
            nested = self.below(self.apex())
            if self.taken(nested) or nested in self.apexes or \
                    (nested[0] == b"*" and self.chance(0.8)):
                continue
            self.add_soa(nested)
            self.add_ns(nested)
            if self.chance(0.5):
                self.add(nested, "DS", self.rdata("DS"))
        if self.chance(0.15):
            beside = (b"s%d" % self.case.number, b"test")
            self.add_soa(beside)
            self.add_ns(beside)
        for _ in range(self.random.choice((2, 4, 6, 9))):
            above = self.owner() if self.chance(0.25) else self.apex()
            self.add_thing(self.below(above))
