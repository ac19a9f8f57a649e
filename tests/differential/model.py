# SPDX-License-Identifier: Apache-2.0
"""What a server should answer, by the letter and with no thought of speed.

Where NSD and Knot differ, this is what circuitfs is held to. It is RFC 1034,
section 4.3.2 read aloud over a dictionary, and the choices that policy.py
names. It knows no sizes: nothing is ever truncated.
"""
import dns.rdata
import dns.rdataclass
import dns.rdatatype

import names
import wire
import zones

CHAIN_MAX = 16
TARGETS_MAX = 32
CUT, BELOW_DNAME, NODE, NAME_ERROR, OUTSIDE = range(5)
ADDRESSES = ("A", "AAAA")
WITH_TARGETS = ("NS", "MX", "SRV", "SVCB", "HTTPS")


class Found:
    def __init__(self, kind, zone, owner=None, types=None, wildcard=None):
        self.kind, self.zone, self.owner = kind, zone, owner
        self.types = types or {}
        self.wildcard = wildcard


class Answer:
    """A response, and what on the way to it policies may ask about."""

    def __init__(self):
        self.rcode = wire.NOERROR
        self.authoritative = False
        self.answer, self.authority, self.additional = set(), set(), set()
        self.told = []         # the answer section's RRsets, in order
        self.required = set()  # glue that the referral cannot do without
        self.links = 0
        self.zones = set()
        self.name = ()         # the last one of the chain
        self.chased = False    # a chain that was cut at its greatest length
        self.wildcards = set()  # types at wildcards that were used
        self.wild_additional = False
        self.foreign_targets = False
        self.looked_up = set()  # targets, but those of referrals
        self.many_targets = False

    def tell(self, records):
        new = sorted(records - self.answer)
        self.told.append(new)
        self.answer.update(new)

    def equals(self, response, is_crowded):
        return (self.rcode == response.rcode and
                self.authoritative == bool(response.flags & wire.AA) and
                self.answer == response.answer and
                self.authority == response.authority and
                (self.additional == response.additional or
                 (is_crowded and self.additional > response.additional)))


class Model:
    def __init__(self, case):
        self.case = case
        self.records = case.records
        self.tree = {name[i:] for name in case.records
                     for i in range(len(name) + 1)}
        self.wires = {}

    # Records as wire.parse() has them.

    def rdata(self, rdtype, text):
        key = rdtype, text
        if key not in self.wires:
            number = zones.type_number(rdtype)
            octets = dns.rdata.from_text(
                dns.rdataclass.IN, dns.rdatatype.RdataType.make(number),
                text).to_wire()
            self.wires[key] = wire.rdata_at(octets, 0, len(octets), number, {})
        return self.wires[key]

    def rrset(self, owner, rdtype, rrset, ttl=None):
        return {(names.wire(owner), zones.type_number(rdtype), 1,
                 rrset.ttl if ttl is None else ttl, self.rdata(rdtype, text))
                for text in rrset.rdata}

    def targets(self, owner, rdtype, rrset):
        """Names that addresses are looked up for, in their order."""
        out = []
        for text in rrset.rdata:
            words = text.split()
            at = {"NS": 0, "SRV": 3}.get(rdtype, 1)
            target = names.lower(names.of_text(words[at]))
            if rdtype in ("SVCB", "HTTPS") and target == ():
                # RFC 9460, sections 2.5.1 and 2.5.2.
                if words[0] == "0":
                    continue
                target = owner
            out.append(target)
        return out

    # Finding.

    def find(self, name, rdtype=None, glue=False):
        case = self.case
        zone = None
        parent = rdtype == "DS"
        if parent:  # RFC 4035, section 3.1.4.1
            zone = case.zone_of(name, strictly=True)
        if zone is None:
            zone, parent = case.zone_of(name), False
        if zone is None:
            return Found(OUTSIDE, None)
        passed_cut = False
        for i in range(len(name) - len(zone), -1, -1):
            at = name[i:]
            types = self.records.get(at, {})
            if at != zone and "NS" in types and not (parent and i == 0):
                if not glue:
                    return Found(CUT, zone, at, types)
                passed_cut = True
            if "DNAME" in types and i > 0 and not passed_cut:
                return Found(BELOW_DNAME, zone, at, types)
        if name in self.tree:
            return Found(NODE, zone, name, self.records.get(name, {}))
        encloser = name
        while encloser not in self.tree:
            encloser = encloser[1:]
        source = (b"*", *encloser)
        if source not in self.tree:
            return Found(NAME_ERROR, zone)
        types = self.records.get(source, {})
        if source in case.apexes:
            types = {"DS": types["DS"]} if parent and "DS" in types else {}
        return Found(NODE, zone, name, types, wildcard=source)

    # Answering.

    def ask(self, name, rdtype, any_one=False):
        out = Answer()
        seen = set()
        while True:
            out.name = name
            found = self.find(name, rdtype)
            if out.links == 0:
                out.authoritative = found.kind not in (OUTSIDE, CUT)
                if found.kind == OUTSIDE:
                    out.rcode = wire.REFUSED
            if found.kind == OUTSIDE:
                return out
            out.zones.add(found.zone)
            if found.wildcard:
                out.wildcards |= set(self.records.get(found.wildcard, ()))
            if found.kind == CUT:
                self.refer(out, found)
                return out
            if found.kind == BELOW_DNAME and found.owner[:1] == (b"*",):
                out.wildcards.add("DNAME")
            seen.add(name)
            following = self.step(out, found, name, rdtype, any_one)
            if following is None or following in seen:
                return out
            name = following
            out.links += 1

    def step(self, out, found, name, rdtype, any_one):
        if found.kind == NAME_ERROR:
            out.rcode = wire.NXDOMAIN
            self.deny(out, found.zone)
            return None
        types = found.types
        if found.kind == BELOW_DNAME:
            return self.redirect(out, found, name, rdtype)
        if rdtype == "ANY" and types:
            chosen = sorted(types, key=lambda known: (
                known != "SOA", known != "NS", zones.type_number(known)))
            for known in chosen[:1] if any_one else chosen:
                self.add_answer(out, found, name, known)
            out.additional -= out.answer
            return None
        if rdtype in types:
            self.add_answer(out, found, name, rdtype)
            return None
        if "CNAME" in types:
            if out.links == CHAIN_MAX:
                out.chased = True
                return None
            out.tell(self.rrset(name, "CNAME", types["CNAME"]))
            return names.lower(names.of_text(types["CNAME"].rdata[0]))
        self.deny(out, found.zone)
        return None

    def redirect(self, out, found, name, rdtype):
        """RFC 6672, section 3.2."""
        if out.links == CHAIN_MAX:
            out.chased = True
            return None
        dname = found.types["DNAME"]
        out.tell(self.rrset(found.owner, "DNAME", dname))
        target = names.lower(names.of_text(dname.rdata[0]))
        made = name[:len(name) - len(found.owner)] + target
        if names.size(made) > 255:
            out.rcode = wire.YXDOMAIN
            return None
        out.tell({(names.wire(name), wire.CNAME, 1, dname.ttl,
                   names.wire(made))})
        return None if rdtype == "CNAME" else made

    def deny(self, out, zone):
        """RFC 2308, section 3."""
        soa = self.records[zone]["SOA"]
        minimum = int(soa.rdata[0].split()[-1])
        out.authority |= self.rrset(zone, "SOA", soa, min(soa.ttl, minimum))

    def refer(self, out, found):
        cut, ns = found.owner, found.types["NS"]
        out.authority |= self.rrset(cut, "NS", ns)
        for target in self.targets(cut, "NS", ns):
            added = self.addresses(out, found.zone, target, "NS", glue=True)
            out.additional |= added
            if names.is_under(target, cut):
                out.required |= added

    def add_answer(self, out, found, name, rdtype):
        rrset = found.types[rdtype]
        out.tell(self.rrset(name, rdtype, rrset))
        if rdtype not in WITH_TARGETS:
            return
        for target in self.targets(name, rdtype, rrset):
            if len(out.looked_up | {target}) > TARGETS_MAX:
                out.many_targets = True
                break
            out.looked_up.add(target)
            out.additional |= self.addresses(out, found.zone, target, rdtype,
                                             owner=name)

    def addresses(self, out, zone, target, rdtype, glue=False, owner=None):
        """RFC 1034, section 4.3.2, step 6; RFC 9460, section 4.1."""
        if not names.is_under(target, zone):
            out.wild_additional |= self.find(target).wildcard is not None
            return set()
        found = self.find(target, glue=glue or rdtype == "NS")
        out.foreign_targets |= found.kind == CUT
        if found.wildcard in self.case.apexes:
            out.wildcards.add("SOA")
        if found.kind != NODE:
            return set()
        if rdtype != "NS" and found.zone != zone:
            out.foreign_targets = True
            return set()
        wanted = ADDRESSES
        if rdtype in ("SVCB", "HTTPS") and target != owner:
            wanted += (rdtype,)
        added = set()
        for known in wanted:
            if known in found.types:
                added |= self.rrset(target, known, found.types[known])
        out.wild_additional |= bool(added and found.wildcard)
        return added
