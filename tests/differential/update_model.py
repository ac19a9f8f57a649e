# SPDX-License-Identifier: Apache-2.0
"""RFC 2136, section 3, read aloud over a dictionary."""
import copy

import dns.name
import dns.rdata
import dns.rdatatype

NOERROR, FORMERR, NXDOMAIN, YXDOMAIN, YXRRSET, NXRRSET, NOTZONE = (
    "NOERROR", "FORMERR", "NXDOMAIN", "YXDOMAIN", "YXRRSET", "NXRRSET",
    "NOTZONE")
META = {"ANY", "AXFR", "IXFR", "MAILA", "MAILB", "OPT", "TSIG", "TKEY",
        "TYPE0"}
# DNSSEC's, which may stand beside a CNAME.
BESIDE_CNAME = {"CNAME", "RRSIG", "NSEC", "KEY"}
SINGLE = {"SOA", "CNAME", "DNAME"}


def forward(new, old):
    """RFC 1982, section 3.2."""
    return 0 < (new - old) % 2**32 < 2**31


class Line:
    """A record of the message: see tests/system/updates.py."""

    def __init__(self, text, origin):
        self.text = text
        self.section, owner, self.rdclass, self.rdtype, ttl, *rest = \
            text.split(None, 5)
        self.owner = dns.name.from_text(owner, origin).canonicalize()
        self.ttl = int(ttl)
        self.data = rest[0] if rest else ""
        self.origin = origin

    @property
    def has_data(self):
        return bool(self.data) and self.data != "\\# 0"

    def parsed(self):
        """The record's data in the form to compare; None: it is none."""
        try:
            if self.data.startswith("\\#"):
                wire = bytes.fromhex("".join(self.data.split()[2:]))
                data = dns.rdata.from_wire("IN", self.rdtype, wire, 0,
                                           len(wire))
            else:
                data = dns.rdata.from_text("IN", self.rdtype, self.data,
                                           self.origin, relativize=False)
            return data.to_digestable(self.origin)
        except Exception:
            return None

    @property
    def is_malformed(self):
        """No record of its type: the message cannot be read at all."""
        if self.rdtype == "OPT":  # RFC 6891, section 6.1.1
            return True
        if self.rdclass == "ANY" or self.rdtype in META:
            return False
        if self.rdclass == "NONE" and self.section == "pre":
            return False
        return self.parsed() is None


class Zone:
    """{owner: {type: (TTL, {RDATA})}}"""

    def __init__(self, origin, owners):
        self.origin, self.owners = origin, owners

    def rrset(self, line):
        return self.owners.get(line.owner, {}).get(line.rdtype)

    @property
    def soa(self):
        [data] = self.owners[self.origin]["SOA"][1]
        return data

    @property
    def serial(self):
        return int.from_bytes(self.soa[-20:-16], "big")

    def put_serial(self, serial):
        ttl, _ = self.owners[self.origin]["SOA"]
        data = self.soa
        self.owners[self.origin]["SOA"] = (ttl, frozenset(
            [data[:-20] + serial.to_bytes(4, "big") + data[-16:]]))

    def put(self, owner, rdtype, ttl, data):
        self.owners.setdefault(owner, {})[rdtype] = (ttl, frozenset(data))

    def take(self, owner, rdtype):
        types = self.owners.get(owner, {})
        types.pop(rdtype, None)
        if not types:
            self.owners.pop(owner, None)


def prerequisite(zone, line, wanted):
    """Section 3.2.5."""
    if line.ttl:
        return FORMERR
    if not line.owner.is_subdomain(zone.origin):
        return NOTZONE
    has_name, has_set = line.owner in zone.owners, zone.rrset(line)
    if line.rdclass in ("ANY", "NONE"):
        if line.has_data or line.rdtype in META - {"ANY"}:
            return FORMERR
        is_any = line.rdclass == "ANY"
        if line.rdtype == "ANY":
            if bool(has_name) != is_any:
                return NXDOMAIN if is_any else YXDOMAIN
        elif bool(has_set) != is_any:
            return NXRRSET if is_any else YXRRSET
    elif line.rdclass == "IN" and line.rdtype not in META:
        wanted.setdefault((line.owner, line.rdtype), set()).add(line.parsed())
    else:
        return FORMERR
    return NOERROR


def prescan(zone, line):
    """Section 3.4.1.3."""
    if not line.owner.is_subdomain(zone.origin):
        return NOTZONE
    meta = line.rdtype in META
    if line.rdclass == "IN":
        return FORMERR if meta else NOERROR
    if line.rdclass == "ANY":
        return FORMERR if line.ttl or line.has_data or (
            meta and line.rdtype != "ANY") else NOERROR
    if line.rdclass == "NONE":
        return FORMERR if line.ttl or meta else NOERROR
    return FORMERR


def add(zone, line):
    """Section 3.4.2.2."""
    types = zone.owners.get(line.owner, {})
    data = line.parsed()
    if line.rdtype == "CNAME":
        if set(types) - BESIDE_CNAME:
            return
    elif "CNAME" in types and line.rdtype not in BESIDE_CNAME:
        return
    if line.rdtype == "SOA":
        if line.owner != zone.origin or not forward(
                int.from_bytes(data[-20:-16], "big"), zone.serial):
            return
    former = set() if line.rdtype in SINGLE else \
        types.get(line.rdtype, (0, set()))[1]
    if line.rdtype == "WKS":
        former = {one for one in former if one[:5] != data[:5]}
    zone.put(line.owner, line.rdtype, line.ttl, former | {data})


def delete(zone, line):
    """Sections 3.4.2.3 and 3.4.2.4."""
    is_apex = line.owner == zone.origin
    types = zone.owners.get(line.owner, {})
    if line.rdclass == "ANY":
        for rdtype in list(types) if line.rdtype == "ANY" else [line.rdtype]:
            if not (is_apex and rdtype in ("SOA", "NS")):
                zone.take(line.owner, rdtype)
        return
    found = types.get(line.rdtype)
    if not found or line.rdtype == "SOA":
        return
    left = found[1] - {line.parsed()}
    if left:
        zone.put(line.owner, line.rdtype, found[0], left)
    elif not (is_apex and line.rdtype == "NS"):
        zone.take(line.owner, line.rdtype)


def run(zone, texts):
    """The rcode, and the zone that comes of it."""
    lines = [Line(text, zone.origin) for text in texts]
    if any(line.is_malformed for line in lines):
        return FORMERR, zone
    wanted = {}
    for line in lines:
        if line.section == "pre":
            rcode = prerequisite(zone, line, wanted)
            if rcode != NOERROR:
                return rcode, zone
    for (owner, rdtype), data in wanted.items():
        found = zone.owners.get(owner, {}).get(rdtype, (0, set()))[1]
        if found != data:
            return NXRRSET, zone
    changes = [line for line in lines if line.section == "up"]
    for line in changes:
        rcode = prescan(zone, line)
        if rcode != NOERROR:
            return rcode, zone
    after = Zone(zone.origin, copy.deepcopy(zone.owners))
    for line in changes:
        (add if line.rdclass == "IN" else delete)(after, line)
    if after.owners != zone.owners and after.serial == zone.serial:
        after.put_serial((after.serial + 1) % 2**32 or 1)
    return NOERROR, after
