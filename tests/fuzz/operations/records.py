# SPDX-License-Identifier: Apache-2.0
"""Records as text and as sets: what a few simple lines mean.

A store is {owner: {type: (ttl, data)}}, with data in the order in which it
came; it is never changed, an edit makes a new one.
"""
import ipaddress
import re

TYPES = {"A": 1, "CNAME": 5, "TXT": 16}
TTL = 3600
NAME = re.compile(r"@|\.|\*|(?:[a-z0-9_*-]+\.)*[a-z0-9_*-]+\.?", re.IGNORECASE)


class Refused(Exception):
    """No record, or a change that cannot be."""


class Unclear(Exception):
    """Half a line and another half: not as simple as it looks."""


def qualified(name, origin):
    if not NAME.fullmatch(name):
        raise Refused(f"no name: {name}")
    name = name.lower()
    if name == "@":
        if origin == ".":
            raise Unclear("@ without an origin")
        return origin
    if name.endswith("."):
        return name
    return f"{name}." if origin == "." else f"{name}.{origin}"


def data_of(rdtype, words, origin):
    if rdtype == "TXT":
        text = " ".join(words)
        if not text:
            raise Refused("no text")
        if not re.fullmatch(r'"[^"]*"', text):
            raise Unclear(text)
        return text
    if len(words) != 1:
        raise Refused("too few words, or too many")
    if rdtype == "CNAME":
        return qualified(words[0], origin)
    try:
        return str(ipaddress.IPv4Address(words[0]))
    except ValueError:
        raise Refused("no address") from None


def parse_line(line, origin, only=None):
    """(owner, ttl, type, data), or None of a line without a record."""
    words = re.sub(r";.*", "", line).split()
    if not words:
        return None
    if line[0].isspace():
        raise Unclear("the owner is that of the line before")
    if line.count('"') % 2:
        raise Unclear("a text that goes on in the next line")
    owner, words = qualified(words[0], origin), words[1:]
    ttl = TTL
    if words and words[0].isdigit():
        ttl, words = int(words[0]), words[1:]
    if words and words[0].upper() == "IN":
        words = words[1:]
    if not words or words[0].upper() not in TYPES:
        raise Refused("no type")
    if only is not None and owner != only:
        raise Refused("another owner")
    rdtype = words[0].upper()
    return owner, ttl, rdtype, data_of(rdtype, words[1:], origin)


def parse(lines, origin, only=None):
    return [record for record in (parse_line(line, origin, only)
                                  for line in lines) if record is not None]


def applied(store, records, staged=False):
    """The store with records added, as one change, or as more of it."""
    out = dict(store)
    aliases = {owner: types["CNAME"][1][0] for owner, types in store.items()
               if staged and "CNAME" in types}
    for owner, ttl, rdtype, data in records:
        if rdtype == "CNAME" and aliases.setdefault(owner, data) != data:
            raise Refused("two CNAMEs")
        types = dict(out.get(owner, {}))
        had = types[rdtype][1] if rdtype in types else ()
        if rdtype == "CNAME":
            had = ()
        types[rdtype] = (ttl, had if data in had else (*had, data))
        out[owner] = types
    for owner, *_ in records:
        if "CNAME" in out[owner] and len(out[owner]) > 1:
            raise Refused("a CNAME beside other data")
    return out


def text_of(types, owner):
    """What names/OWNER reads as."""
    return "".join(
        f"{owner}\t{ttl}\tIN\t{rdtype}\t{item}\n"
        for rdtype, (ttl, data) in sorted(types.items(),
                                          key=lambda item: TYPES[item[0]])
        for item in data)


def file_name(owner):
    """Of its file in names/."""
    return "@" if owner == "." else owner


def dns_order(owner):
    return owner.split(".")[::-1]


def text(store):
    """What records reads as."""
    return "".join(text_of(store[owner], owner)
                   for owner in sorted(store, key=dns_order))
