# SPDX-License-Identifier: Apache-2.0
"""Is what circuitfs answers right, by its own lights and by its peers'?"""
from typing import NamedTuple, Optional

import model
import names
import policy
import wire
import zones

EDNS_SIZE = 1232
MUST_BE_CLEAR = wire.RA | wire.Z | wire.AD | wire.CD
SLACK = 16    # octets by which two ways to compress may differ
NEARLY = 100  # octets, about those of an SOA record


class Responses(NamedTuple):
    ours: Optional[wire.Response]
    nsd: Optional[wire.Response]   # None: the zones are not loaded there
    knot: Optional[wire.Response]


def same(a, b):
    """All that is compared between two servers."""
    return a is None or b is None or (
        a.rcode == b.rcode and a.flags == b.flags and
        a.question == b.question and a.edns == b.edns and
        a.answer == b.answer and a.authority == b.authority and
        a.additional == b.additional)


def targets_of(records):
    found = set()
    for owner, rdtype, _, _, rdata in records:
        at = wire.TARGET.get(rdtype)
        if at is not None:
            target = wire.name_at(rdata, at, {})[0]
            # Of SVCB and HTTPS "." is the owner.
            found.add(owner if target == b"\0" and rdtype >= wire.SVCB
                      else target)
    return found


def without_extras(query, response, apexes):
    """NSD's response as the others would give it.

    To a positive answer it adds the zone's NS RRset and its addresses; only
    the old word in RFC 1034 that authority may hold them is for it. NSD's own
    switch against that takes out all additional data too.
    """
    authority = response.authority
    # Without a DS these are a referral to the apex that was asked for.
    is_referral = query.type == wire.DS and not any(
        record[1] == wire.DS for record in response.answer)
    if not is_referral and any(record[1] == wire.NS and record[0] in apexes
           for record in authority) and \
            not any(record[1] == wire.SOA for record in authority):
        authority = frozenset(record for record in authority if not
                              (record[1] == wire.NS and record[0] in apexes))
    wanted = targets_of(response.answer | authority)
    return response._replace(
        authority=authority,
        additional=frozenset(record for record in response.additional
                             if record[0] in wanted))


def limit_of(query):
    if query.tcp:
        return 65535
    if query.edns is None:
        return 512
    return min(max(query.edns, 512), EDNS_SIZE)


def out_of_order(query, order):
    """A chain must be told from its first link on."""
    at = wire.name_at(query.name, 0, {})[0]
    through_dname = False
    for owner, rdtype, _, _, rdata in order:
        if rdtype == wire.DNAME and owner != at and at.endswith(owner):
            through_dname = True
            continue
        if owner != at:
            return f"{names.text(names.of_wire(owner))} is none of the chain"
        if rdtype == wire.CNAME and \
                (query.type not in (wire.CNAME, wire.ANY) or through_dname):
            at = rdata
    return None


def unsound(query, response):
    """What is wrong with a response of ours whatever was loaded, or None."""
    if not response.flags & wire.QR:
        return "QR is clear"
    if response.flags & wire.RD != query.flags & wire.RD:
        return "RD is not the query's"
    if response.flags & MUST_BE_CLEAR:
        return "one of RA, Z, AD and CD is set"
    if response.question != query.wire(0)[12:12 + len(query.name) + 4]:
        return "the question is not the query's, octet by octet"
    if response.edns != (None if query.edns is None else (0, query.do)):
        return "EDNS is not as in the query"
    if response.repeats:
        return "a record is there twice"
    if response.size > limit_of(query):
        return f"{response.size} octets are too many"
    return out_of_order(query, response.order)


def is_short(query, responses):
    """May the lack of space have anything to do with the differences?"""
    present = [one for one in responses if one is not None]
    return not query.tcp and (
        any(one.flags & wire.TC for one in present) or
        any(one.additional != responses.ours.additional for one in present) or
        # Knot leaves out the SOA that does not fit, without a word.
        max(one.size for one in present) + NEARLY > limit_of(query))


class Judge:
    """All that one case has to say about responses."""

    def __init__(self, case):
        self.case = case
        self.model = model.Model(case)
        self.apexes = {names.wire(apex) for apex in case.apexes}
        self.has_nsd = not case.has_zone_below_dname()
        self.answers = {}

    def responses(self, query, messages):
        """Of the octets that circuitfs, NSD and Knot sent."""
        ours, nsd, knot = map(wire.parse, messages)
        return Responses(ours, without_extras(query, nsd, self.apexes)
                         if self.has_nsd else None, knot)

    @staticmethod
    def is_crowded(query, expected):
        """Is there no room for all additional data?"""
        return not query.tcp and wire.size_of(
            query, *expected.told, expected.authority,
            sorted(expected.additional)) > limit_of(query)

    def expected(self, query):
        key = query.name.lower(), query.type, \
            query.tcp or query.type != wire.ANY
        if key not in self.answers:
            self.answers[key] = self.model.ask(
                names.of_wire(key[0]), zones.type_name(query.type),
                any_one=not query.tcp)
        return self.answers[key]

    def situation(self, query, expected, spare=None):
        return policy.Situation(self.case, query, zones.type_name(query.type),
                                expected, self.has_nsd, spare)

    def full(self, query, responses):
        """Compare what no lack of space has touched.

        Return: (why it is wrong or None, the policy that decided or None)
        """
        ours, nsd, knot = responses
        if same(ours, nsd) and same(ours, knot):
            return None, None
        expected = self.expected(query)
        if not expected.equals(ours, self.is_crowded(query, expected)):
            return "not what the model answers", None
        agree = nsd is not None and same(nsd, knot)
        chosen = policy.find(self.situation(query, expected),
                             peers_agree=agree)
        if chosen is not None:
            return None, chosen.name
        return "NSD and Knot agree, but not with us" if agree else \
            "NSD and Knot differ, and no policy says why", None

    def short(self, query, responses, whole):
        """Compare what a lack of space may have touched.

        @whole: our response to the same question over TCP
        """
        ours, nsd, knot = responses
        limit = limit_of(query)
        expected = self.expected(query)
        if not (ours.answer <= expected.answer and
                ours.authority <= expected.authority and
                ours.additional <= expected.additional):
            return "a record that the model does not have", None
        needed = wire.size_of(query, *expected.told, expected.authority,
                              sorted(expected.required))
        if ours.flags & wire.TC:
            if needed + SLACK <= limit:
                return f"truncated, but {needed} octets would do", None
        elif ours.answer != expected.answer or \
                ours.authority != expected.authority or \
                not expected.required <= ours.additional:
            return "records are missing, but TC is clear", None
        elif ours.additional != expected.additional and \
                query.type != wire.ANY and whole.size <= limit:
            return f"{whole.size} octets would fit", None
        elif ours.rcode != expected.rcode:
            return "another rcode than the model's", None

        if len({one.flags & wire.TC for one in responses
                if one is not None}) == 1:
            return None, None
        situation = self.situation(query, expected, limit - needed)
        chosen = policy.find(situation, policy.TRUNCATION) or \
            policy.find(situation)
        if chosen is None:
            return "TC differs, and no policy says why", None
        return None, chosen.name
