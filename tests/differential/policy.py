# SPDX-License-Identifier: Apache-2.0
"""Where NSD and Knot differ: what circuitfs does, and why.

A row is a situation in which NSD 4.6 and Knot 3.2 do not answer alike. There
circuitfs is held to model.py, which is the choice that the row names. Where no
row fits, a difference between them is a failure of the test as much as one
between them and circuitfs. docs/conformance.md shows this table.
"""
from typing import Callable, NamedTuple, Optional

import wire
import zones


class Situation(NamedTuple):
    case: zones.Case
    query: wire.Query
    rdtype: str
    model: "model.Answer"
    has_nsd: bool
    spare: Optional[int] = None  # octets that what must be there leaves


class Policy(NamedTuple):
    name: str
    choice: str
    why: str
    applies: Callable[[Situation], bool]
    overrules: bool = False  # even where NSD and Knot agree


def cnames(at):
    """How many links the chain has, with one that closes a loop."""
    return sum(one[1] == wire.CNAME for one in at.model.answer)


POLICIES = [
    Policy("zone below a DNAME", "Knot",
           "The nested zone answers. NSD does not load it (RFC 6672, section "
           "2.4, lets a server refuse); a table of records cannot refuse.",
           lambda at: not at.has_nsd),
    Policy("type 0 in a query", "NSD",
           "A type like any other that no name has. Knot says NOTIMP.",
           lambda at: at.rdtype == "TYPE0"),
    Policy("chain through two zones", "NSD",
           "A CNAME or DNAME is followed into every zone that is held here "
           "(RFC 1034, section 4.3.2, step 3a: go back to step 1, which "
           "picks the zone anew). Knot stays in the first one.",
           lambda at: len(at.model.zones) > 1),
    Policy("long chain", "neither",
           "How far a chain is followed is free (RFC 1034, section 3.6.2): "
           "16 links here, 5 or 6 in Knot; NSD ends a DNAME that leads below "
           "itself sooner.",
           lambda at: cnames(at) > 5),
    Policy("name too long after a link", "Knot",
           "YXDOMAIN too if it is the second DNAME that makes a name too "
           "long (RFC 6672, section 2.2). NSD says NOERROR.",
           lambda at: at.model.rcode == wire.YXDOMAIN),
    Policy("zone at a wildcard", "NODATA",
           "The data of a zone whose apex is a wildcard is that zone's; "
           "its parent has a DS of it and no more, and no addresses for "
           "others. NSD gives the NS to who asks for it, Knot refers.",
           lambda at: "SOA" in at.model.wildcards, overrules=True),
    Policy("NS at a wildcard", "NSD",
           "A name that the wildcard stands for is answered from its data, "
           "and there is no cut (RFC 4592, section 4.2, leaves it open). "
           "Knot refers.",
           lambda at: "NS" in at.model.wildcards),
    Policy("DNAME at a wildcard", "NSD",
           "It sends on what is below the name with the asterisk, and it is "
           "data for the names that the wildcard stands for (RFC 4592, "
           "section 4.4, and RFC 6672, section 3.3, advise against it). Knot "
           "lets them have a DNAME of their own.",
           lambda at: "DNAME" in at.model.wildcards),
    Policy("ANY over UDP", "one RRset",
           "One RRset (RFC 8482, section 4.1): SOA, else NS, else the lowest "
           "type. NSD and Knot pick by other orders.",
           lambda at: at.rdtype == "ANY" and not at.query.tcp),
    Policy("ANY over TCP", "neither",
           "All RRsets (RFC 8482, section 4.4: who has come over TCP gave a "
           "true address). NSD and Knot give one here too.",
           lambda at: at.rdtype == "ANY" and at.query.tcp, overrules=True),
    Policy("RRSIG or NSEC at a CNAME", "NSD",
           "The CNAME is the answer, as for every type but CNAME (RFC 1034, "
           "section 3.6.2). Knot says that there is no such type.",
           lambda at: at.rdtype in ("RRSIG", "NSEC") and cnames(at)),
    Policy("DS, three zones deep", "Knot",
           "The DS of an apex is in the zone just above (RFC 4035, section "
           "3.1.4.1). NSD asks the topmost one, and refers; behind a CNAME "
           "from there Knot refers too.",
           lambda at: at.rdtype == "DS" and
           sum(at.model.name[i:] in at.case.apexes
               for i in range(1, len(at.model.name) + 1)) > 1,
           overrules=True),
    Policy("DS behind a CNAME", "NSD",
           "The zone above an apex has its DS also if a CNAME led there (RFC "
           "4035, section 3.1.4.1). Knot says NODATA with the child's SOA.",
           lambda at: at.rdtype == "DS" and at.model.links > 0),
    Policy("addresses for SVCB and HTTPS", "Knot, and \".\"",
           "The target's addresses and its own SVCB or HTTPS are added (RFC "
           "9460, section 4.1), also where \".\" stands for the owner "
           "(section 2.5.2). NSD adds nothing, Knot not for \".\".",
           lambda at: at.rdtype in ("SVCB", "HTTPS", "ANY"),
           overrules=True),
    Policy("addresses below a cut", "NSD",
           "An MX or SRV whose target is below a cut gets no addresses: they "
           "are glue, and glue is for referrals (RFC 2181, section 5.4.1). "
           "Knot adds it; NSD too if an NS of the apex has the same target.",
           lambda at: at.model.foreign_targets, overrules=True),
    Policy("many targets", "neither",
           "Addresses are looked up for 32 names of a response, so that its "
           "work has a bound. NSD and Knot look up all of them.",
           lambda at: at.model.many_targets, overrules=True),
    Policy("addresses from a wildcard", "Knot",
           "They are added under the name that was looked for (RFC 4592, "
           "section 3.3.3), and of the zone alone. NSD adds them under the "
           "wildcard's name, and those of other zones' wildcards.",
           lambda at: at.model.wild_additional),
]


# The same for the TC bit, which differs when sizes do.
TRUNCATION = [
    Policy("glue that does not fit", "Knot",
           "A referral without all its in-domain glue is truncated (RFC 9471, "
           "section 3.1); that of siblings may be left out (section 3.2). "
           "NSD 4.6 is older than that, and sets TC by the octets.",
           lambda at: any(one[1] == wire.NS for one in at.model.authority)),
    Policy("sizes", "by the octet",
           "What must be in a response and fits is there, and TC is clear. "
           "NSD leaves a few octets unused, and compresses the names of "
           "synthesised CNAMEs less.",
           lambda at: cnames(at) or abs(at.spare) < 16),
]


def find(situation, table=POLICIES, peers_agree=False):
    """The first row that fits, or None."""
    for policy in table:
        if policy.applies(situation) and (policy.overrules or
                                          not peers_agree):
            return policy
    return None
