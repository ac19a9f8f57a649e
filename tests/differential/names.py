# SPDX-License-Identifier: Apache-2.0
"""Domain names as tuples of labels, the root as (): text and wire."""

PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyz"
                  b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_*")


def label_text(label):
    return "".join(chr(octet) if octet in PLAIN else f"\\{octet:03}"
                   for octet in label)


def text(name):
    return "".join(label_text(label) + "." for label in name) or "."


def wire(name):
    return b"".join(bytes([len(label)]) + label for label in name) + b"\0"


def size(name):
    return sum(len(label) + 1 for label in name) + 1


def of_text(line):
    """Of plain labels and \\DDD, which is all that text() writes."""
    labels, label, at = [], bytearray(), 0
    line = line.rstrip(".") + "." if line.rstrip(".") else ""
    while at < len(line):
        if line[at] == "\\":
            label.append(int(line[at + 1:at + 4]))
            at += 4
            continue
        if line[at] == ".":
            labels.append(bytes(label))
            label.clear()
        else:
            label.append(ord(line[at]))
        at += 1
    return tuple(labels)


def of_wire(octets):
    labels, at = [], 0
    while octets[at]:
        labels.append(octets[at + 1:at + 1 + octets[at]])
        at += 1 + octets[at]
    return tuple(labels)


def is_under(name, ancestor):
    """Is it that name or below it? Both in lower case."""
    extra = len(name) - len(ancestor)
    return extra >= 0 and name[extra:] == ancestor


def lower(name):
    return tuple(label.lower() for label in name)


def filler(octets):
    """Labels that take so many octets; 2 at least."""
    labels = []
    while octets > 64:
        # No octet may be left alone.
        taken = 64 if octets != 65 else 63
        labels.append(b"f" * (taken - 1))
        octets -= taken
    return (*labels, b"f" * (octets - 1))


def cased(rng, name):
    """The same name, at times in mixed case."""
    if rng.random() < 0.7:
        return name
    return tuple(bytes(octet - 32 if 97 <= octet <= 122 and rng.random() < 0.5
                       else octet for octet in label) for label in name)
