# SPDX-License-Identifier: Apache-2.0
"""Opening, reading, writing and cutting: what open files hold."""
import errno

import records
from state import (ANY, DONE, HIDDEN_S, MAYBE, Impossible, OpenFile, Scratch,
                   State)


class Contents(State):
    # Opening.

    def do_open(self, process, name, thread, slot, path, flags, mode="0644"):
        if slot in process.slots:
            raise Impossible(slot)
        flags, where = set(flags.split("|")), self.path(path)
        creates = "O_CREAT" in flags
        former = None
        there = self.exists(where)
        if where[0] == "records":
            there = self.names_records(process, thread)
        if there and creates and "O_EXCL" in flags:
            return -errno.EEXIST
        if not there and not creates:
            return -errno.ENOENT
        if not there and where[0] == "records":
            flags.add("O_TRUNC")
            process.hidden = None
            self.look_at_records()
        made = not there
        if made or "O_TRUNC" in flags:
            process.replaced[where] = self.now
        if made and where[0] != "name":
            self.forget_unlinked(process)
        if made and where[0] == "name":
            if where[1] in process.unlinked and (
                    thread or where[1] in process.unlinked_by_threads):
                raise Impossible("which thread had unlinked it?")
            former = self.remade(process, where, flags)
        if not there and where[0] == "scratch":
            self.scratch[where[1]] = Scratch(int(mode, 8))
        scratch = self.scratch.get(where[1]) if where[0] == "scratch" else None
        file = OpenFile(where, flags, name, scratch)
        file.made = made
        file.threads = thread
        if scratch:
            file.mode = "append"
            if "O_TRUNC" in flags:
                scratch.text = ""
        if file.mode == "replace":
            file.former = former
        self.last_file += 1
        self.files[self.last_file] = file
        process.slots[slot] = 0, self.last_file, "O_CLOEXEC" in flags
        return DONE

    def remade(self, process, path, flags):
        """Who removes a name and makes it anew replaces it."""
        when, former, last = process.unlinked.pop(path[1], (None,) * 3)
        self.forget_unlinked(process)
        if when is None or "O_RDWR" not in flags | \
                {"O_RDWR" if "O_WRONLY" in flags else ""}:
            return None
        if not self.within(when, HIDDEN_S, "unlinked a moment ago"):
            return None
        if "O_TRUNC" not in flags and not self.pick(
                "made anew after its unlink, it does not replace",
                True, False):
            return None
        flags.add("O_TRUNC")
        return former if last or self.pick(
            "something else was made or removed since", True, False) else None

    def forget_unlinked(self, process):
        """Of one unlink at a time it is known what it has removed."""
        for owner, (when, former, _) in process.unlinked.items():
            process.unlinked[owner] = when, former, False

    def do_dup(self, process, name, thread, slot, new):
        self.file(process, slot)
        if new in process.slots:
            raise Impossible(new)
        process.slots[new] = 0, process.slots[slot][1], False
        return DONE

    # Reading.

    def read(self, file, offset, size):
        if not file.reads:
            return -errno.EBADF
        if file.scratch:
            text = file.scratch.text
            self.data = {text[offset:offset + size]}
            return len(text[offset:offset + size])
        if file.mode != "append" or file.vague:
            raise Impossible("nobody says what is read then")
        now = self.text(file.path)
        if file.unlinked and file.path[0] == "name":
            now = self.pick("its content is gone with its name",
                            file.kept, now)
        if offset and file.shown is None and file.was_read:
            raise Impossible("nobody says if it still shows what it did")
        file.was_read = True
        if offset == 0 or file.shown is None:
            file.shown, file.at_its_end = now, False
            file.seen = self.edits
        elif file.at_its_end and now != file.shown:
            file.shown = self.pick("read anew after its end", file.shown, now)
            file.at_its_end = False
        found = file.shown[offset:offset + size]
        if not found:
            file.at_its_end = True
        self.data = {found}
        return len(found)

    def do_pread(self, process, name, thread, slot, offset, size):
        return self.read(self.file(process, slot), int(offset), int(size))

    def do_read(self, process, name, thread, slot, size):
        file = self.file(process, slot)
        if file.position is None:
            raise Impossible("where is it?")
        got = self.read(file, file.position, int(size))
        if got > 0:
            file.position += got
        return got

    def do_lseek(self, process, name, thread, slot, offset):
        file = self.file(process, slot)
        file.position = self.offset(file, offset)
        return file.position

    def offset(self, file, word):
        """The number of a word of steps.py."""
        if word.lstrip("-").isdigit():
            return int(word)
        text = self.shown(file)
        if word == "staged":
            return file.staged_len if file.mode == "replace" else len(text)
        return {"end": len(text), "mid": text.find("\n") + 1,
                "in": len(text) // 2, "beyond": len(text) + 7}[word]

    def shown(self, file):
        """The text that a writer changes."""
        if file.scratch:
            return file.scratch.text
        if file.mode == "overwrite":
            return file.buffer
        return self.shown_before(file)

    def shown_before(self, file):
        return self.text(file.path) if file.shown is None else file.shown

    def size_reply(self, sizes, mode):
        self.data = {f"{size} {mode:o}" for size in sizes}
        return 0

    def do_stat(self, process, name, thread, path):
        where = self.path(path)
        there = self.names_records(process, thread) \
            if where[0] == "records" else self.exists(where)
        if not there:
            return -errno.ENOENT
        if where[0] == "scratch":
            scratch = self.scratch[where[1]]
            return self.size_reply({len(scratch.text)}, scratch.mode)
        return self.size_reply(self.sizes(where, name, thread) |
                               self.kept_sizes(where), self.mode)

    def do_fstat(self, process, name, thread, slot):
        file = self.file(process, slot)
        if file.scratch:
            return self.size_reply({len(file.scratch.text)},
                                   file.scratch.mode)
        if file.unlinked or file.vague:
            return ANY
        return self.size_reply(self.sizes(file.path, name, thread), self.mode)

    # Writing.

    def do_write(self, process, name, thread, slot, text):
        file = self.file(process, slot)
        if not file.writes:
            return -errno.EBADF
        file.threads |= thread
        if file.position is None and not file.appends:
            raise Impossible("where is it?")
        got = self.write(file, name, file.position, text)
        if got > 0:
            file.position = None if file.appends else file.position + got
        return got

    def do_pwrite(self, process, name, thread, slot, offset, text):
        file = self.file(process, slot)
        if not file.writes:
            return -errno.EBADF
        file.threads |= thread
        offset = self.offset(file, offset)
        return self.write(file, name, offset, text)

    def write(self, file, name, offset, text):
        if file.scratch:
            return self.write_scratch(file.scratch, file.appends, offset, text)
        if file.vague:
            raise Impossible("renamed meanwhile")
        file.writers.add(name)
        if file.mode == "replace":
            got = self.write_staged(file, name, offset, text)
        elif file.mode == "overwrite":
            got = self.write_over(file, name, offset, text)
        else:
            got = self.write_more(file, name, offset, text)
        if got > 0:
            file.last_end = None if file.appends else offset + got
            self.well_done(file, name)
        return got

    def write_scratch(self, scratch, appends, offset, text):
        had = scratch.text
        offset = len(had) if appends else offset
        had = had.ljust(offset, "\0")
        scratch.text = had[:offset] + text + had[offset + len(text):]
        return len(text)

    def lines(self, file, text):
        """The whole lines by now, and what waits."""
        *lines, tail = (file.tail + text).split("\n")
        return lines, tail

    def write_staged(self, file, name, offset, text):
        if file.off:
            self.refuse(file, name, off=False, line=False)
            return -file.off
        file.calls += 1
        if not file.appends and offset != file.staged_len:
            return self.refuse(file, name)
        lines, tail = self.lines(file, text)
        try:
            file.staged = records.applied(
                file.staged,
                records.parse(lines, file.origin(), file.owner()), True)
        except records.Refused:
            return self.refuse(file, name)
        file.tail = tail
        file.staged_len += len(text)
        file.staged_calls += 1
        return len(text)

    def write_more(self, file, name, offset, text):
        if not file.appends and self.shown(file) != self.text(file.path):
            if not self.pick("the text that it has read is no more",
                             True, False):
                file.shown = None
        size = len(self.shown(file))
        if not file.appends and offset not in (size, file.last_end):
            if file.tail or file.unlinked:
                raise Impossible("half a line waits elsewhere")
            if file.last_end is not None and size >= offset:
                raise Impossible("which text was it?")
            if offset > size:
                file.calls += 1
                file.failed = file.left_a_hole = True
                return self.refuse(file, name)
            self.begin_over(file, self.shown(file))
            return self.write_over(file, name, offset, text)
        if file.tail_refused or file.left_a_hole:
            raise Impossible("does half a line wait?")
        if file.unlinked:
            raise Impossible("its name was removed")
        file.calls += 1
        lines, tail = self.lines(file, text)
        try:
            found = records.parse(lines, file.origin(), file.owner())
            store = records.applied(self.store, found)
        except records.Refused:
            file.failed = True
            return self.refuse(file, name)
        file.tail, file.failed = tail, False
        if found:
            self.store = store
            self.changed(file.path, MAYBE)
        return len(text)

    def begin_over(self, file, text):
        file.mode, file.off, file.buffer = "overwrite", 0, text
        file.read_at = self.edits if file.seen is None else file.seen
        file.base = self.shown_before(file)

    def write_over(self, file, name, offset, text):
        if file.off:
            raise Impossible("it was refused")
        had = file.buffer
        if offset > len(had):
            raise Impossible("a hole in what is being changed")
        file.calls += 1
        file.buffer = had[:offset] + text + had[offset + len(text):]
        return len(text)

    # Sizes.

    def do_ftruncate(self, process, name, thread, slot, size):
        file = self.file(process, slot)
        size = self.offset(file, size)
        if not file.writes or size < 0:
            return -errno.EINVAL
        if file.scratch:
            file.scratch.text = file.scratch.text[:size].ljust(size, "\0")
            return 0
        if file.vague or file.unlinked:
            raise Impossible("nobody says what it is")
        if file.mode == "replace" and size == file.staged_len and size:
            if file.off:
                raise Impossible("nobody says what that is")
            return 0
        file.truncater = name
        file.threads |= thread
        if size == 0:
            file.replace()
            return 0
        if file.mode == "replace":
            file.refusers.add(name)
            return self.refuse(file, name)
        return self.cut(file, name, size)

    def cut(self, file, name, size):
        text = self.shown(file)
        if file.off or file.tail or (
                file.shown is not None and
                file.shown != self.text(file.path)):
            raise Impossible("nobody says what that is")
        if size == len(text):
            file.cutters.add(name)
            return 0
        if size > len(text):
            if file.mode == "overwrite":
                raise Impossible("nobody says what that is")
            return self.refuse(file, name)
        if file.appends:
            raise Impossible("nobody says what that is")
        self.begin_over(file, text[:size])
        file.writers.add(name)
        return 0

    def do_truncate(self, process, name, thread, path, size):
        where = self.path(path)
        if where[0] == "scratch":
            if where[1] not in self.scratch:
                return -errno.ENOENT
            size = int(size)
            scratch = self.scratch[where[1]]
            scratch.text = scratch.text[:size].ljust(size, "\0")
            return 0
        self.must_see(process, where)
        if not self.exists(where):
            return -errno.ENOENT
        size = self.size_of(where, size)
        if size == 0:
            self.put(where, {})
            return 0
        if size == len(self.text(where)):
            return 0
        if size in self.sizes(where, name, True):
            raise Impossible("which size is meant?")
        return self.refuse()

    def size_of(self, path, word):
        length = len(self.text(path))
        return int(word) if word.isdigit() else \
            {"end": length, "beyond": length + 7}.get(word, length // 2)

    def must_see(self, process, path):
        if path[0] != "records":
            return
        if process.hidden is not None:
            raise Impossible("records is not there for it")
        self.look_at_records()
