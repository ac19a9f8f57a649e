# SPDX-License-Identifier: Apache-2.0
"""Zone files, and lists of questions with what must come back."""
import random

HEAD = """bench.\t3600\tIN\tSOA\tns.bench. root.bench. 1 3600 900 604800 300
bench.\t3600\tIN\tNS\tns.bench.
ns.bench.\t3600\tIN\tA\t192.0.2.53
"""
CHUNK = 100_000


def host(i):
    return f"h{i:08}.bench."


def wildcard(i):
    return f"*.w{i:06}.bench."


def wildcards_beside(count):
    """How many wildcards there are in a zone of so many hosts."""
    return max(1, count // 100)


def cuts_beside(count):
    """The same of delegations."""
    return max(1, count // 10)


def host_line(i):
    return (f"h{i:08}.bench.\t3600\tIN\tA\t"
            f"10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}\n")


def write_zone(path, count, extras=False, shuffled=False):
    """@count hosts with an A record each, in DNS order or in none.

    @extras: wildcards and delegations too
    """
    order = list(range(count))
    if shuffled:
        random.Random(1).shuffle(order)
    with open(path, "w") as zone:
        zone.write(HEAD)
        for at in range(0, count, CHUNK):
            zone.write("".join(map(host_line, order[at:at + CHUNK])))
        if extras:
            zone.writelines(f"{wildcard(i)}\t3600\tIN\tA\t192.0.2.1\n"
                            for i in range(wildcards_beside(count)))
            zone.writelines(
                f"d{i:06}.bench.\t3600\tIN\tNS\tns.d{i:06}.bench.\n"
                f"ns.d{i:06}.bench.\t3600\tIN\tA\t192.0.2.2\n"
                for i in range(cuts_beside(count)))
    return path


def write_list(path, lines):
    with open(path, "w") as questions:
        questions.writelines(lines)
    return path


def hits(path, count):
    return write_list(path, (f"{host(i)} A 0 1 aa\n" for i in range(count)))


def misses(path, count):
    """Names between those that are there."""
    return write_list(path, (f"h{i:08}x.bench. A 3 0 aa\n"
                             for i in range(count)))


def wildcards(path, count):
    there = wildcards_beside(count)
    return write_list(path, (f"q{i:08}.w{i % there:06}.bench. A 0 1 aa\n"
                             for i in range(count)))


def referrals(path, count):
    there = cuts_beside(count)
    return write_list(path, (f"q{i:08}.d{i % there:06}.bench. A 0 0 -\n"
                             for i in range(count)))


def for_dnsperf(path, source):
    """The same questions as dnsperf reads them, in random order."""
    with open(source) as questions:
        lines = [" ".join(line.split()[:2]) + "\n" for line in questions]
    random.Random(1).shuffle(lines)
    return write_list(path, lines)
