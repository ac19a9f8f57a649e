# SPDX-License-Identifier: Apache-2.0
"""What actors are told, as text: a step is a line, a sequence a file.

    A open s1 records O_WRONLY|O_TRUNC
    A write s1 "a.test. A 192.0.2.1\\n"
    A+ close s1

"A+" is another thread of A; "A&" does it while the next line is done, too.
Descriptors are an s and a number; files are named
as below the anchor. Sizes and offsets are numbers, or words that the model
knows the number of: "end", "mid" and "beyond" the end of the text that the
descriptor shows, "staged" octets.
"""
import json
import os
import re
from typing import NamedTuple

WORD = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s#]+')


class Step(NamedTuple):
    actor: str
    op: str
    args: tuple = ()
    thread: bool = False
    beside: bool = False  # the next step

    def __str__(self):
        quoted = [json.dumps(word) if re.search(r'[\s"#;\\]|^$', word)
                  else word for word in self.args]
        return " ".join([self.actor + "+" * self.thread + "&" * self.beside,
                         self.op, *quoted])


def parse(line):
    """The Step of a line, or None; what follows a # is no part of it."""
    words = []
    for match in re.finditer(r'#.*|' + WORD.pattern, line):
        if match[0].startswith("#"):
            break
        words.append(json.loads(match[0]) if match[0].startswith('"')
                     else match[0])
    if not words:
        return None
    actor, op, *args = words
    return Step(actor.rstrip("+&"), op, tuple(args), "+" in actor,
                "&" in actor)


def parse_all(text):
    return [step for step in map(parse, text.splitlines()) if step]


def flags_of(text):
    value = 0
    for word in text.split("|"):
        value |= getattr(os, word)
    return value
