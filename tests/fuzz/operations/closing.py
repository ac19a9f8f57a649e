# SPDX-License-Identifier: Apache-2.0
"""close(2) in all its forms: exec(2), exit(2) and being killed."""
import errno
import re

import records
from state import (DONE, KILLED, MAYBE, NO, PUBLISHED, Impossible, Process,
                   State)


class Closing(State):
    # Closing.

    def do_close(self, process, name, thread, slot):
        file = self.file(process, slot)
        del process.slots[slot]
        got = self.flush(file, name)
        self.release([file])
        return got

    def is_held(self, file):
        return any(self.files[number] is file
                   for process in self.processes.values()
                   for _, number, _ in process.slots.values())

    def flush(self, file, name):
        """What close(2) says."""
        if file.scratch or not file.writes:
            return 0
        if name not in file.writers:
            if file.mode == "replace" and name in file.refusers:
                self.refuse(line=False)
                return self.pick("what was refused is not told again", 0,
                                 -file.off)
            # The kernel gives the number of a dead process's table of files
            # to a new one.
            if file.has_outlived and file.mode == "replace" and (
                    file.off or (file.staged_calls and not file.staged)):
                self.refuse(line=False)
                return self.pick("taken for a writer that is dead", 0,
                                 -errno.EINVAL)
            return 0
        if file.mode == "overwrite":
            return self.flush_over(file, name)
        if file.mode == "replace" and file.off:
            self.refuse(file, name, off=False, line=False)
            return -file.off
        if file.tail_refused or file.left_a_hole:
            self.refuse(line=False)
            return self.pick("what was refused is refused again",
                             0, -errno.EINVAL, -errno.ESTALE)
        if file.tail and not file.failed:
            got = self.flush_tail(file, name)
            if got < 0:
                return got
        elif file.tail:
            self.refuse(line=False)
            return self.pick("half a line before what was refused",
                             -errno.EINVAL, 0)
        if file.mode == "replace" and file.staged_calls:
            return self.publish(file, name)
        return 0

    def flush_tail(self, file, name):
        tail, is_only = file.tail, file.calls == 1
        says_something = re.sub(r";.*", "", tail).strip()
        if not says_something:
            is_only = self.pick("a comment without its end", is_only,
                                not is_only)
        file.tail = ""
        if not is_only:
            file.tail_refused = file.mode == "append"
            return self.refuse(file, name)
        if file.unlinked and file.mode == "append" and self.pick(
                "half a line for a removed name is judged", False, True):
            return 0
        store = file.staged if file.mode == "replace" else self.store
        try:
            if tail.count('"') % 2:
                raise records.Refused("an open quote")
            found = records.parse([tail], file.origin(), file.owner())
            store = records.applied(store, found, file.mode == "replace")
        except records.Refused:
            file.tail_refused = file.mode == "append"
            return self.refuse(file, name)
        if file.mode == "replace":
            file.staged = store
        elif found:
            self.store = store
            self.changed(file.path, MAYBE)
        return 0

    def publish(self, file, name):
        if not file.staged and file.was_put_back:
            self.refuse(line=False)
            return self.pick("after what was removed is put back", 0,
                             -errno.EINVAL)
        if not file.staged:
            return self.refuse(file, name, off=False)
        self.take(file, file.staged)
        self.well_done(file, name)
        return 0

    def take(self, file, store):
        if not file.unlinked or self.pick(
                "what is written to a removed name is dropped", True, False):
            self.put(file.path, store)
        file.mode, file.former = "append", None
        file.killed = False

    def flush_over(self, file, name):
        if file.off:
            self.refuse(line=False)
            return self.pick("an overwrite is refused again",
                             -errno.EINVAL, -errno.ESTALE, 0)
        *lines, tail = file.buffer.split("\n")
        is_whole = not tail or self.pick("a last line without its end",
                                         True, False)
        try:
            if not is_whole:
                raise records.Refused("half a line")
            found = records.parse(lines + [tail], file.origin(), file.owner())
            store = records.applied({}, found)
        except records.Refused:
            self.refuse(file, name)
            return self.pick("changed since it was read, and refused",
                             -errno.EINVAL, -errno.ESTALE)
        if self.is_stale(file):
            self.refuse(file, name)
            return -errno.ESTALE
        if not found and file.was_empty:
            self.refuse(line=False)
            return self.pick("that there is no record is told again", 0,
                             -errno.EINVAL)
        if not found:
            file.was_empty = True
            return self.refuse(file, name, off=False)
        self.take(file, store)
        self.well_done(file, name)
        return 0

    def is_stale(self, file):
        """A part of what is no more would come back."""
        if file.read_at == self.edits:
            return False
        differs = self.text(file.path) != file.base
        return self.pick("changed since it was read", differs, not differs)

    def release(self, files):
        """The last close: a replacement that wrote nothing clears."""
        ended = [file for file in files if not self.is_held(file)]
        clearing = [file for file in ended if file.mode == "replace" and
                    not file.calls and not file.off and not file.killed]
        if len(clearing) > 1 and not self.pick(
                "in the other order", True, False):
            clearing.reverse()
        for file in clearing:
            self.clear(file)
        for number, file in list(self.files.items()):
            if any(file is one for one in ended):
                del self.files[number]

    def clear(self, file):
        clears = file.published == NO
        if file.published == MAYBE or file.unlinked:
            clears = self.pick("changed since it was opened", clears,
                               not clears)
        if clears:
            self.put(file.path, {}, MAYBE)
        else:
            self.edits += 1

    # Processes.

    def do_fork(self, process, name, thread, child):
        if child in self.processes:
            raise Impossible(child)
        self.processes[child] = Process()
        self.processes[child].slots = dict(process.slots)
        return DONE

    def do_spawn(self, process, name, thread, how):
        return 0

    def do_exec(self, process, name, thread):
        self.outlive(name)
        self.close_all(process, name, [
            slot for slot, (_, _, cloexec) in process.slots.items()
            if cloexec])
        return 0

    def outlive(self, name):
        """Its table of files is no more, with what it has closed before."""
        for file in self.files.values():
            file.has_outlived |= name in file.writers

    def do_exit(self, process, name, thread, status):
        self.outlive(name)
        self.close_all(process, name, list(process.slots))
        del self.processes[name]
        return DONE

    def do_kill(self, process, name, thread):
        self.outlive(name)
        for file in {number: self.files[number] for _, number, _ in
                     process.slots.values()}.values():
            self.kill_writer(file, name)
        self.close_all(process, name, list(process.slots))
        del self.processes[name]
        return DONE

    def kill_writer(self, file, name):
        if file.scratch or not file.writes:
            return
        pending = not file.off and (
            (file.tail and not file.failed) or file.mode == "overwrite" or
            (file.mode == "replace" and file.staged_calls))
        is_writer = name in file.writers or (
            pending and name in file.cutters and
            self.pick("killed after a truncation that cut nothing", True,
                      False))
        if not is_writer or not pending:
            file.killed = True
            if file.former and self.pick(
                    "put back after a kill", True, False):
                self.refuse(file)
            return
        self.marks.append(KILLED)
        if not self.pick(PUBLISHED, True, False):
            return
        file.killed = True
        file.tail = ""
        if file.mode == "append":
            self.refuse(line=True)
        else:
            self.refuse(file)

    def close_all(self, process, name, slots):
        files = []
        for slot in sorted(slots, key=lambda one: process.slots[one][0]):
            file = self.file(process, slot)
            del process.slots[slot]
            self.flush(file, name)
            if not any(file is one for one in files):
                files.append(file)
        self.release(files)
