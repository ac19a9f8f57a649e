# SPDX-License-Identifier: Apache-2.0
"""Zones and UPDATE messages made up at random.

Names and data are so few that most messages meet what is there.
"""
import random

OWNERS = ["@", "@", "a", "a", "b", "b", "c", "A", "x.a", "y.x.a", "*", "*.a",
          "e.ent", "sub", "ns.sub"]
OUTSIDE = ["out.example.", "test.", "."]
TTLS = [0, 1, 60, 60, 300, 300, 86400, 2147483647]
TYPES = ["A"] * 5 + ["TXT"] * 3 + ["CNAME"] * 3 + ["NS"] * 3 + [
    "AAAA", "MX", "MX", "SOA", "SOA", "SRV", "PTR", "DNAME", "DS", "CAA",
    "HTTPS", "NAPTR", "WKS", "WKS", "TYPE65280"]
META = ["ANY", "AXFR", "IXFR", "MAILB", "OPT", "TYPE0"]
TARGETS = ["a", "b", "x.a", "A", "ns.sub", "out.example.", "@"]
DIGEST = "0123456789abcdef" * 4
BROKEN = {"A": "\\# 3 c00002", "AAAA": "\\# 4 c0000201", "MX": "\\# 2 000a",
          "CNAME": "\\# 2 0561", "NS": "\\# 1 40", "SRV": "\\# 3 000000",
          "TXT": "\\# 2 0561", "SOA": "\\# 4 00000000"}


def data_of(rng, rdtype, serial):
    target = rng.choice(TARGETS)
    few = rng.randrange(3)
    return {
        "A": lambda: f"192.0.2.{few}",
        "AAAA": lambda: f"2001:db8::{few}",
        "TXT": lambda: rng.choice(['"x"', '"X"', '"x" "y"', '""']),
        "CNAME": lambda: target,
        "NS": lambda: target,
        "PTR": lambda: target,
        "DNAME": lambda: target,
        "MX": lambda: f"{few} {target}",
        "SRV": lambda: f"0 {few} 80 {target}",
        "DS": lambda: f"{few} 8 2 {DIGEST}",
        "CAA": lambda: '0 issue "ca.example"',
        "HTTPS": lambda: f"{few + 1} {target} alpn=h2",
        "NAPTR": lambda: f'{few} 1 "s" "x" "" {target.lower()}',
        "WKS": lambda: f"192.0.2.{few} "
                       f"{rng.choice(['6', '17'])} {rng.choice('12')}",
        "TYPE65280": lambda: f"\\# 2 01{few:02}",
        "SOA": lambda: "ns host " + str((serial + rng.choice(
            [0, 1, 2, 10, -1, -5, 2**31 - 1, 2**31, 2**31 + 1])) % 2**32) +
            f" 7200 900 1209600 {rng.choice([300, 60])}",
    }[rdtype]()


class Maker:
    def __init__(self, seed, number):
        self.rng = random.Random(f"{seed}/{number}")
        self.origin = f"u{number}.test."
        self.serial = self.rng.choice([1, 10, 2**31 - 1, 2**32 - 2, 2**32 - 1])

    def zone(self):
        """Its text; what a file takes: no CNAME beside others."""
        rng = self.rng
        lines = [f"@ 300 SOA ns host {self.serial} 7200 900 1209600 300",
                 "@ 300 NS ns.out.example."]
        types = {"@": {"SOA"}}
        if rng.randrange(2):
            # named loads no zone whose own nameserver has no address.
            lines += ["@ 300 NS b", "b 300 A 192.0.2.9"]
            types["b"] = {"A"}
        for _ in range(rng.randrange(12)):
            owner = rng.choice(OWNERS).lower()
            rdtype = rng.choice(TYPES)
            # named loads none of these.
            if rdtype == "DS" or owner[0] in "@*" and rdtype in (
                    "NS", "DNAME"):
                continue
            there = types.setdefault(owner, set())
            if rdtype == "SOA" or "CNAME" in there or (
                    rdtype == "CNAME" and there) or (
                    rdtype == "DNAME" and rdtype in there) or (
                    rdtype == "WKS" and rdtype in there):
                continue
            there.add(rdtype)
            lines.append(f"{owner} 300 {rdtype} "
                         f"{data_of(rng, rdtype, self.serial)}")
        return f"$ORIGIN {self.origin}\n" + "\n".join(lines) + "\n"

    def rdata(self, rdtype, serial):
        if self.rng.random() < 0.01 and rdtype in BROKEN:
            return BROKEN[rdtype]
        return data_of(self.rng, rdtype, serial)

    def pick(self, held):
        """(owner, type, RDATA) of what is there, or of anything."""
        rng = self.rng
        serial = held.serial
        if rng.random() < 0.3:
            rdtype = rng.choice(TYPES)
            return rng.choice(OWNERS), rdtype, self.rdata(rdtype, serial)
        rrsets = [(owner, rdtype) for owner in sorted(held.owners)
                  for rdtype in sorted(held.owners[owner])]
        owner, rdtype = rng.choice(rrsets)
        text = owner.relativize(held.origin).to_text()
        if rdtype not in TYPES:
            rdtype = "A"
        data = held.owners[owner].get(rdtype)
        if data is None or rng.random() < 0.3:
            return text, rdtype, self.rdata(rdtype, serial)
        one = rng.choice(sorted(data[1]))
        return text, rdtype, f"\\# {len(one)} {one.hex()}"

    def prerequisites(self, held):
        rng = self.rng
        owner, rdtype, data = self.pick(held)
        if rng.random() < 0.02:
            owner = rng.choice(OUTSIDE)
        ttl = 0 if rng.random() < 0.98 else 60
        form = rng.choices(["in use", "not in use", "is", "is not", "has",
                            "has all", "odd"], [3, 2, 3, 2, 2, 5, 0.5])[0]
        if form == "in use":
            return [f"pre {owner} ANY ANY {ttl}"]
        if form == "not in use":
            return [f"pre {owner} NONE ANY {ttl}"]
        if form == "is":
            return [f"pre {owner} ANY {rdtype} {ttl}"]
        if form == "is not":
            return [f"pre {owner} NONE {rdtype} {ttl}"]
        if form == "odd":
            return [rng.choice([
                f"pre {owner} {rng.choice(['ANY', 'NONE', 'IN', 'CH'])} "
                f"{rng.choice(META)} 0",
                f"pre {owner} ANY A 0 192.0.2.1",
                f"pre {owner} NONE A 0 192.0.2.1",
                f"pre {owner} CH TXT 0 \"x\""])]
        lines = [f"pre {owner} IN {rdtype} {ttl} {data}"]
        if form == "has all":
            rrsets = [(name, kind) for name in sorted(held.owners)
                      for kind in sorted(held.owners[name])]
            name, kind = rng.choice(rrsets)
            text = name.relativize(held.origin).to_text()
            lines = [f"pre {text} IN {kind} 0 \\# {len(one)} {one.hex()}"
                     for one in sorted(held.owners[name][kind][1])]
            rng.shuffle(lines)
            if rng.random() < 0.1:
                lines.append(lines[0])
        return lines

    def change(self, held):
        rng = self.rng
        owner, rdtype, data = self.pick(held)
        if rng.random() < 0.01:
            owner = rng.choice(OUTSIDE)
        form = rng.choices(["add", "name", "rrset", "record", "odd"],
                           [10, 2, 3, 5, 0.3])[0]
        if form == "add":
            return f"up {owner} IN {rdtype} {rng.choice(TTLS)} {data}"
        if form == "name":
            return f"up {owner} ANY ANY 0"
        if form == "rrset":
            return f"up {owner} ANY {rdtype} 0"
        if form == "record":
            return f"up {owner} NONE {rdtype} 0 {data}"
        return rng.choice([
            f"up {owner} IN {rng.choice(META)} 0",
            f"up {owner} ANY {rng.choice(META)} 0",
            f"up {owner} NONE {rng.choice(META)} 0",
            f"up {owner} ANY A 60", f"up {owner} NONE A 60 192.0.2.1",
            f"up {owner} ANY A 0 192.0.2.1", f"up {owner} CH A 60 192.0.2.1"])

    def message(self, held):
        """Lines for updates.message()."""
        rng = self.rng
        lines = []
        for _ in range(rng.choice((0, 0, 0, 0, 1, 1, 1, 2, 3))):
            lines += self.prerequisites(held)
        for _ in range(rng.choice((0, 1, 1, 1, 2, 2, 3, 5, 8))):
            line = self.change(held)
            # Two could lead all around the circle of serials.
            if " IN SOA " not in line or not any(
                    "up" in one and " IN SOA " in one for one in lines):
                lines.append(line)
        return lines
