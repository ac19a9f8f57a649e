# SPDX-License-Identifier: Apache-2.0
"""Sequences at random: several processes, each of which does by turns what
programs do (a shell, cp, sed -i, an editor) and what nobody does.
"""
import os

from steps import Step

FILES = ("records", "names/a.test.", "names/b.test.")
SPELLINGS = {"names/a.test.": ("names/A.test", "names/a.TEST.")}
OWNERS = ("a.test.", "b.test.", "c.test.")
# Who is not root is refused by the kernel.
USERS = ("-1", "-1", "65534") if os.geteuid() == 0 else ("-1",)
LENGTH = (8, 40)
PROCESSES_MAX = 5

# What a random step is, and how often.
OPS = {"open": 8, "write": 16, "pwrite": 4, "read": 3, "pread": 3, "lseek": 2,
       "ftruncate": 4, "truncate": 2, "fstat": 3, "stat": 2, "fchmod": 2,
       "chmod": 2, "fchown": 1, "utimens": 1, "unlink": 3, "rename": 3,
       "dup": 3, "close": 12, "fsync": 1, "fork": 3, "spawn": 2, "exec": 2,
       "exit": 1, "kill": 1}
# What is not one call, or is too much for two at once.
ALONE = ("open", "fork", "spawn", "exec", "exit", "kill")


def can_be_at_once(one, other):
    return one.actor != other.actor and one.op not in ALONE and \
        other.op not in ALONE


class Maker:
    def __init__(self, rng):
        self.rng = rng
        self.slots = self.names = 0
        self.under_way = {}  # what an actor is about to do

    # Words.

    def slot(self):
        self.slots += 1
        return f"s{self.slots}"

    def file(self):
        path = self.rng.choice(FILES)
        if self.rng.random() < 0.05:
            path = self.rng.choice(SPELLINGS.get(path, (path,)))
        return path

    def scratch(self, path="records"):
        return self.rng.choice(("x1", "x2"))

    def any_file(self):
        return self.scratch() if self.rng.random() < 0.15 else self.file()

    def owner_in(self, path):
        if not path.startswith("names/"):
            return self.rng.choice(OWNERS)
        if self.rng.random() < 0.04:
            return self.rng.choice(OWNERS)
        return self.rng.choice(("@", path[6:].lower().rstrip(".") + "."))

    def line(self, path):
        rng = self.rng
        kind = rng.random()
        if kind < 0.04:
            return "; a comment\n"
        if kind < 0.06:
            return "\n"
        owner = self.owner_in(path)
        if kind < 0.11:
            return f"{owner} A 192.0.2.999\n"
        if kind < 0.13:
            return "no record\n"
        if kind < 0.19:
            return f"{owner} CNAME {rng.choice(OWNERS)}\n"
        if kind < 0.25:
            return f'{owner} TXT "t{rng.randint(1, 3)}"\n'
        ttl = rng.choice(("", "", "60 ", "IN "))
        return f"{owner} {ttl}A 192.0.2.{rng.randint(1, 30)}\n"

    def text(self, path):
        """What a program has to say: now and then nothing but comments."""
        if self.rng.random() < 0.05:
            return "; no record at all\n"
        text = "".join(self.line(path)
                       for _ in range(self.rng.choice((1, 1, 1, 2, 3))))
        if self.rng.random() < 0.12:
            text = text[:-1] or text
        return text

    def pieces(self, path):
        """A text as it is written: whole, or cut anywhere."""
        text = self.text(path)
        if self.rng.random() < 0.7 or len(text) < 2:
            return [text]
        at = self.rng.randint(1, len(text) - 1)
        return [text[:at], text[at:]]

    # What programs do.

    def writes(self, actor, slot, path):
        return [Step(actor, "write", (slot, piece))
                for piece in self.pieces(path)]

    def open_and_write(self, actor, path, flags, *between):
        slot = self.slot()
        between = [Step(actor, op, (slot, *args)) for op, *args in between]
        return [Step(actor, "open", (slot, path, flags)), *between,
                *self.writes(actor, slot, path)], slot

    def echo(self, actor):
        path = self.file()
        done, slot = self.open_and_write(actor, path,
                                         "O_WRONLY|O_APPEND|O_CREAT")
        return [*done, Step(actor, "close", (slot,))]

    def copy(self, actor):
        path = self.file()
        flags = self.rng.choice(("O_WRONLY|O_TRUNC",
                                 "O_WRONLY|O_CREAT|O_TRUNC",
                                 "O_WRONLY|O_CREAT|O_TRUNC|O_CLOEXEC",
                                 "O_RDWR|O_CREAT|O_TRUNC"))
        between = self.rng.choice(([], [], [("fchmod", "0600")],
                                   [("fchmod", "0644")], [("fstat",)],
                                   [("ftruncate", "0")],
                                   [("fchown", "-1", "-1")]))
        done, slot = self.open_and_write(actor, path, flags, *between)
        done += self.rng.choice((
            [], [], [Step(actor, "ftruncate", (slot, "staged"))],
            [Step(actor, "fchmod", (slot, "0755"))],
            [Step(actor, "fstat", (slot,))], [Step(actor, "fsync", (slot,))],
            self.writes(actor, slot, path)))
        done.append(Step(actor, "close", (slot,)))
        if path != "records" and self.rng.random() < 0.3:
            done.append(Step(actor, "unlink", (path,)))
        return done

    def redirection(self, actor):
        """A shell's: the descriptor goes to its place, a child writes."""
        path, slot, new = self.file(), self.slot(), self.slot()
        flags = self.rng.choice(("O_WRONLY|O_CREAT|O_TRUNC",
                                 "O_WRONLY|O_CREAT|O_APPEND"))
        done = [Step(actor, "open", (slot, path, flags)),
                Step(actor, "dup", (slot, new)),
                Step(actor, "close", (slot,))]
        for _ in range(self.rng.choice((0, 1, 2))):
            child = self.name()
            done += [Step(actor, "fork", (child,)),
                     *self.writes(child, new, path)]
            if self.rng.random() < 0.5:
                done.append(Step(child, "exec"))
            done.append(Step(child, *self.rng.choice((
                ("exit", ("0",)), ("exit", ("0",)), ("kill",)))))
        if self.rng.random() < 0.3:
            done += self.writes(actor, new, path)
        return [*done, Step(actor, "close", (new,))]

    def rename_over(self, actor):
        path, slot, scratch = self.file(), self.slot(), self.scratch()
        return [Step(actor, "open", (slot, scratch,
                                     "O_RDWR|O_CREAT|O_TRUNC", "0600")),
                *[step for _ in range(self.rng.choice((0, 1, 1, 2)))
                  for step in self.writes(actor, slot, path)],
                Step(actor, "fchmod", (slot, "0644")),
                Step(actor, "close", (slot,)),
                Step(actor, "rename", (scratch, path))]

    def move_onto(self, actor):
        """mv from another filesystem."""
        path = self.file()
        done, slot = self.open_and_write(actor, path,
                                         "O_WRONLY|O_CREAT|O_EXCL",
                                         ("fchmod", "0600"))
        return [Step(actor, "unlink", (path,)), *done,
                Step(actor, "utimens", (path,)),
                Step(actor, "close", (slot,))]

    def edit_in_place(self, actor):
        path, slot = self.file(), self.slot()
        done = [Step(actor, "open", (slot, path, "O_RDWR")),
                Step(actor, "read", (slot, "4096"))]
        done += self.rng.choice((
            [Step(actor, "lseek", (slot, "0")),
             Step(actor, "ftruncate", (slot, "0"))],
            [Step(actor, "lseek", (slot, "0"))],
            [Step(actor, "lseek", (slot, "mid"))],
            [Step(actor, "lseek", (slot, "mid")),
             Step(actor, "ftruncate", (slot, "mid"))],
            []))
        return [*done, *self.writes(actor, slot, path),
                Step(actor, "close", (slot,))]

    def empty(self, actor):
        path, slot = self.file(), self.slot()
        flags = self.rng.choice(("O_WRONLY|O_CREAT|O_TRUNC",
                                 "O_WRONLY|O_TRUNC|O_APPEND"))
        between = self.rng.choice((
            [], [], [Step(actor, "spawn", ("fork",))],
            [Step(actor, "fchmod", (slot, "0600"))],
            [Step(actor, "ftruncate", (slot, "7"))],
            self.echo(actor)))
        return [Step(actor, "open", (slot, path, flags)), *between,
                Step(actor, "close", (slot,))]

    # Anything.

    def name(self):
        self.names += 1
        return f"P{self.names}"

    def random_step(self, model, actor):
        rng, process = self.rng, model.processes[actor]
        op = rng.choices(list(OPS), OPS.values())[0]
        slot = rng.choice(list(process.slots)) if process.slots else ""
        if op in ("fork", "exit", "kill", "exec") and rng.random() < 0.5:
            op = "close"
        if op == "fork" and len(model.processes) >= PROCESSES_MAX:
            op = "close"
        path = model.files[process.slots[slot][1]].path if slot else None
        path = {"records": "records", "name": f"names/{path[1]}",
                "scratch": path[1]}[path[0]] if path else "records"
        where = rng.choice(("end", "end", "mid", "in", "staged", "beyond",
                            "0"))
        mode = rng.choice(("0644", "0644", "0600", "0755"))
        args = {
            "open": lambda: (self.slot(), self.any_file(), self.flags()),
            "write": lambda: (slot, rng.choice(self.pieces(path))),
            "pwrite": lambda: (slot, where, rng.choice(self.pieces(path))),
            "read": lambda: (slot, rng.choice(("10", "4096"))),
            "pread": lambda: (slot, rng.choice(("0", "0", "20")), "4096"),
            "lseek": lambda: (slot, where),
            "ftruncate": lambda: (slot, where),
            "truncate": lambda: (self.any_file(),
                                 rng.choice(("0", "0", "end", "in",
                                             "beyond"))),
            "fstat": lambda: (slot,),
            "stat": lambda: (self.any_file(),),
            "fchmod": lambda: (slot, mode),
            "chmod": lambda: (self.any_file(), mode),
            "fchown": lambda: (slot, rng.choice(USERS), "-1"),
            "utimens": lambda: (self.any_file(),),
            "unlink": lambda: (self.any_file(),),
            "rename": lambda: (rng.choice(("x1", "x2", *FILES)),
                               self.any_file()),
            "dup": lambda: (slot, self.slot()),
            "close": lambda: (slot,),
            "fsync": lambda: (slot,),
            "fork": lambda: (self.name(),),
            "spawn": lambda: (rng.choice(("spawn", "vfork", "fork")),),
            "exit": lambda: (rng.choice(("0", "1")),),
        }.get(op, tuple)()
        threaded = rng.random() < 0.1 and op not in ("fork", "exec", "exit",
                                                     "kill", "spawn")
        return Step(actor, op, args, threaded)

    def flags(self):
        flags = [self.rng.choice(("O_RDONLY", "O_WRONLY", "O_WRONLY",
                                  "O_RDWR"))]
        if flags[0] != "O_RDONLY":
            flags += [flag for flag, chance in
                      (("O_APPEND", 0.35), ("O_TRUNC", 0.4)) if
                      self.rng.random() < chance]
        flags += [flag for flag, chance in
                  (("O_CREAT", 0.4), ("O_CLOEXEC", 0.3)) if
                  self.rng.random() < chance]
        return "|".join(flags)

    def pair(self, model):
        """Two steps to be done at once, of two actors."""
        one, other = self.proposal(model), self.proposal(model)
        if not can_be_at_once(one, other):
            return None
        return one._replace(beside=True), other

    def proposal(self, model):
        """A step that may be possible, or may be not."""
        rng = self.rng
        actor = rng.choice(sorted(model.processes))
        if not self.under_way.get(actor):
            if rng.random() < 0.35:
                return self.random_step(model, actor)
            program = rng.choice((
                self.echo, self.copy, self.copy, self.redirection,
                self.rename_over, self.move_onto, self.edit_in_place,
                self.empty))
            self.under_way[actor] = program(actor)
        return self.under_way[actor].pop(0)
