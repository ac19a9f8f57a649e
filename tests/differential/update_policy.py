# SPDX-License-Identifier: Apache-2.0
"""Where named does an UPDATE otherwise: what circuitfs does, and why.

circuitfs is held to update_model.py, in these too. Where no row fits, a
difference is a failure of the test. docs/conformance.md shows this table.
"""
from typing import Callable, NamedTuple

import dns.name

import update_model


class Situation(NamedTuple):
    lines: list   # update_model.Line
    zone: update_model.Zone
    theirs: str   # named's rcode
    right: str    # the model's
    after: update_model.Zone
    held: update_model.Zone  # named's


class Policy(NamedTuple):
    name: str
    why: str
    applies: Callable[[Situation], bool]


def lacks_addresses(at):
    """Has a nameserver of the zone, with a name in it, none?"""
    apex, owners = at.zone.origin, at.after.owners
    for data in owners[apex]["NS"][1]:
        name, _ = dns.name.from_wire(data, 0)
        if not name.is_subdomain(apex):
            continue
        above = name
        while above != apex:
            above = above.parent()
            if "DNAME" in owners.get(above, {}):
                return True
        if not {"A", "AAAA"} & set(owners.get(name, {})):
            return True
    return False


def has_lone_ds(zone):
    return any("DS" in types and "NS" not in types or
               "DS" in types and owner == zone.origin
               for owner, types in zone.owners.items())


def is_serial_alone(at):
    """Is all the difference that named has gone on to the next serial?"""
    other = update_model.Zone(at.zone.origin, {
        owner: dict(types) for owner, types in at.held.owners.items()})
    other.put_serial(at.after.serial)
    return other.owners == at.after.owners and \
        at.after.owners == at.zone.owners


def is_asked_twice(lines):
    asked = [(line.owner, line.rdtype, line.parsed()) for line in lines
             if line.section == "pre" and line.rdclass == "IN"]
    return len(set(asked)) < len(asked)


POLICIES = [
    Policy("no address of a nameserver",
           "named refuses what would leave a nameserver of the zone, with a "
           "name in the zone, without an address, or below a DNAME. RFC 2136 "
           "has no such rule; the next message may bring it.",
           lambda at: at.theirs == "REFUSED" and lacks_addresses(at)),
    Policy("DS where nothing is delegated",
           "named drops a DS whose owner has no NS in the end. It may come "
           "before its NS, in a message of its own.",
           lambda at: at.theirs == at.right and has_lone_ds(at.after)),
    Policy("record asked for twice",
           "An RRset is a set (RFC 2136, section 1.1): named says NXRRSET if a "
           "prerequisite has one of its records twice.",
           lambda at: at.theirs == "NXRRSET" and is_asked_twice(at.lines)),
    Policy("type 0",
           "No type of data: FORMERR, as for other such types (RFC 2136, "
           "section 3.4.1.2). named takes it for one that nobody has.",
           lambda at: any(line.rdtype == "TYPE0" for line in at.lines)),
    Policy("changes are looked at first",
           "named tells what is wrong with the form of a change, or that it is "
           "not in the zone, before it looks at prerequisites; they come first "
           "in RFC 2136, section 3.",
           lambda at: at.theirs in {
               update_model.prescan(at.zone, line) for line in at.lines
               if line.section == "up"} - {"NOERROR"}),
    Policy("RDATA where there is none",
           "named cannot read a message in which a prerequisite of class ANY "
           "or NONE has RDATA. Here it is FORMERR when it is its turn (RFC "
           "2136, section 3.2.5).",
           lambda at: at.theirs == "FORMERR" and any(
               line.section == "pre" and line.rdclass != "IN" and line.has_data
               for line in at.lines)),
    Policy("type of no data, in a prerequisite of class IN",
           "FORMERR. named takes it for an RRset that is not there.",
           lambda at: at.theirs == "NXRRSET" and any(
               line.section == "pre" and line.rdtype in update_model.META
               for line in at.lines)),
    Policy("DNAME or NS at a wildcard",
           "named ignores one that is to be added; it is data like other data "
           "(RFC 4592, sections 4.2 and 4.4), and a file may have it.",
           lambda at: at.theirs == at.right and any(
               line.owner.is_wild() and line.rdtype in ("NS", "DNAME")
               for line in at.lines)),
    Policy("a serial that is neither ahead nor behind",
           "An SOA whose serial is 2^31 away is ignored, as one that is behind "
           "(RFC 1982, section 3.2, leaves it open). named says SERVFAIL.",
           lambda at: at.theirs == "SERVFAIL" and any(
               line.rdtype == "SOA" and line.rdclass == "IN"
               for line in at.lines)),
    Policy("what is there, in another case",
           "A name in RDATA is the same in any case (RFC 4343): nothing is "
           "changed, and the serial stays. named counts it as a change.",
           lambda at: at.theirs == at.right and is_serial_alone(at)),
]
