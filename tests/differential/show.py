# SPDX-License-Identifier: Apache-2.0
"""What a person reads of a question and its responses."""
import names
import wire
import zones


def rdata_text(rdtype, rdata):
    try:
        if rdtype in (1,):
            return ".".join(map(str, rdata))
        if rdtype in (2, 5, 12, 39):
            return names.text(names.of_wire(rdata))
        if rdtype == 6:
            mname = names.of_wire(rdata)
            rest = rdata[names.size(mname):]
            rname = names.of_wire(rest)
            rest = rest[names.size(rname):]
            words = [int.from_bytes(rest[i:i + 4], "big")
                     for i in range(0, 20, 4)]
            return " ".join([names.text(mname), names.text(rname),
                             *map(str, words)])
        if rdtype in (15, 33, 64, 65):
            at = wire.TARGET[rdtype]
            target = names.of_wire(rdata[at:])
            words = [str(int.from_bytes(rdata[i:i + 2], "big"))
                     for i in range(0, at, 2)]
            rest = rdata[at + names.size(target):].hex()
            return " ".join([*words, names.text(target), rest]).strip()
    except IndexError:
        pass
    return "\\# " + str(len(rdata)) + " " + rdata[:24].hex() + \
        ("..." if len(rdata) > 24 else "")


def record(item):
    owner, rdtype, rdclass, ttl, rdata = item
    shown = "" if rdclass == 1 else f" CLASS{rdclass}"
    return f"{names.text(names.of_wire(owner))} {ttl}{shown} " \
        f"{zones.type_name(rdtype)} {rdata_text(rdtype, rdata)}"


def flags(bits):
    return " ".join(name for name, bit in wire.FLAGS.items() if bits & bit)


def question(query):
    words = [names.text(names.of_wire(query.name)),
             zones.type_name(query.type), flags(query.flags)]
    if query.edns is not None:
        words.append(f"+bufsize={query.edns}")
    if query.do:
        words.append("+do")
    if query.tcp:
        words.append("+tcp")
    return " ".join(word for word in words if word)


def response(got):
    if got is None:
        return "      nothing"
    edns = "" if got.edns is None else f", EDNS{got.edns}"
    out = [f"      {wire.RCODES.get(got.rcode, got.rcode)} "
           f"{flags(got.flags)}{edns}, {got.size} octets"]
    for label, section in (("an", got.order), ("ns", sorted(got.authority)),
                           ("ar", sorted(got.additional))):
        out += [f"        {label} {record(item)}" for item in section]
    return "\n".join(out)
