# SPDX-License-Identifier: Apache-2.0
"""The programs that people edit files with, and what each does to the tree.

test_programs.py runs every row; docs/compatibility.md shows them as tables.
After a change to the rows,

    /usr/bin/python3 tests/system/programs.py docs/compatibility.md

writes the tables anew, between the marks that are there.

A command finds in its environment:
    F   the file: `records`, `names/www.example.` or `zones/example./records`
    A   the address that its record shall have
    L   a line with that record, as the file takes it
    N   a file with that line
"""
import re
import sys
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
GUIDE = TOP / "docs" / "compatibility.md"

EINVAL = "Invalid argument"
FILES = {"records": "records", "names": "names/www.example.",
         "zones": "zones/example./records"}


@dataclass(frozen=True)
class Row:
    group: str
    program: str
    command: str
    effect: str           # replaces, appends, edits, clears, drops, keeps
    bad: tuple = None     # exit status and message for a line that is none
    on: str = "records names zones"
    shell: str = "dash"
    needs: str = None     # the program to look for; else the first word
    long: bool = False    # only in the long form: it is big, or slow
    output: str = None    # what it prints
    status: int = 0

    @property
    def id(self):
        return f"{self.program}: {self.command}"

    def runs_on(self, file):
        return file in self.on.split()


def shells():
    for shell in ("bash", "dash", "zsh"):
        says = {"bash": "write error: " + EINVAL, "dash": "I/O error",
                "zsh": "write error: invalid argument"}[shell]
        for command, effect, bad in [
            ('echo "$L" > $F', "replaces", (1, says)),
            ('echo "$L" >> $F', "appends", (1, says)),
            ('{ echo "; new"; echo "$L"; } > $F', "replaces", (1, says)),
            ('cat > $F <<.\n$L\n.\n', "replaces", (1, EINVAL)),
            ('exec 3>> $F; echo "; new" >&3; echo "$L" >&3', "appends",
             (1, says)),
            (': > $F', "clears", None),
        ]:
            yield Row("shells", shell, command, effect, bad, shell=shell,
                      needs=shell)


ROWS = [
    *shells(),
    Row("shells", "a command that fails", "! false > $F", "clears",
        needs="false"),
    Row("shells", "a command that fails", "! { false > new && mv new $F; }; "
        "rm new", "keeps", needs="false", output=""),
    Row("shells", "printf", 'printf %s "$L" >> $F', "appends",
        (0, "")),
    Row("shells", "tee", "tee $F < $N", "replaces", (1, EINVAL)),
    Row("shells", "tee", "tee -a $F < $N", "appends", (1, EINVAL)),
    Row("shells", "cat", "cat $N >> $F", "appends", (1, EINVAL)),
    Row("shells", "sort", "sort -o $F $N", "replaces", (2, EINVAL)),
    Row("shells", "awk", "awk '{ print > f }' f=$F $N", "replaces",
        (2, EINVAL)),
    Row("shells", "dd", "dd if=$N of=$F status=none", "replaces",
        (1, EINVAL)),
    Row("shells", "dd", "dd if=$N of=$F status=none oflag=append "
        "conv=notrunc", "appends", (1, EINVAL)),
    Row("shells", "truncate", "truncate -s 0 $F", "clears"),
    Row("shells", "xargs", "seq 9 | xargs -P 9 -I % sh -c "
        "'echo \"www.example. TXT %\" >> $F'", "adds nine"),
    Row("shells", "rm", "rm $F", "drops", on="names"),
    Row("shells", "rm", "rm $F", "keeps", on="records"),
    Row("shells", "find", "find names -name 'www*' -delete", "drops",
        on="names"),
    Row("shells", "a glob", "cat names/*", "keeps", on="names", needs="cat",
        output="other.example.\t300\tIN\tA\t192.0.2.7\n"
               "www.example.\t300\tIN\tA\t192.0.2.1\n"),
    Row("shells", "wc", "wc -c < $F", "keeps", on="names", output="32\n"),
    Row("shells", "wc", "wc -c < $F", "keeps", on="records", output="66\n"),
    Row("shells", "du", "du -b $F | cut -f1", "keeps", on="records",
        output="66\n"),
    Row("shells", "grep", "grep -rl 192.0.2.1 names", "keeps", on="names",
        output="names/www.example.\n"),
    Row("shells", "diff", "cp -r names $N.d; diff -r names $N.d", "keeps",
        on="names", output=""),
    Row("shells", "mv", "mv $F names/new.example.", "renames", on="names"),
    Row("shells", "touch", "touch -d 2020-01-01 $F && stat -c %y $F | "
        "cut -c1-10", "keeps", on="records", output="2020-01-01\n"),
    Row("shells", "touch", "touch names/new.example. && ls names", "keeps",
        on="names", output="other.example.\nwww.example.\n"),
    Row("shells", "flock", "flock $F sh -c 'echo \"$L\" >> $F'", "appends",
        (1, "I/O error")),

    Row("editors", "sed -i", "sed -i s/192.0.2.1/$A/ $F", "edits",
        (4, EINVAL)),
    Row("editors", "sed -i", "sed -i~ s/192.0.2.1/$A/ $F", "keeps",
        on="records zones", output="", status=4),
    Row("editors", "sed -i", "sed -i~ s/192.0.2.1/$A/ $F", "keeps",
        on="names", output="", status=4),
    Row("editors", "perl -i", "perl -i -pe s/192.0.2.1/$A/ $F", "edits",
        (22, EINVAL)),
    Row("editors", "ed", "printf 's/192.0.2.1/%s/\\nw\\nq\\n' $A | "
        "sed \"1i /192.0.2.1/\" | ed -s $F", "edits", (1, EINVAL)),
    Row("editors", "patch", "sed s/192.0.2.1/$A/ $F | diff -u $F - | "
        "patch -s $F", "edits", (2, EINVAL), needs="patch"),
    Row("editors", "mv", "sed s/192.0.2.1/$A/ $F > $F.$$ && mv $F.$$ $F",
        "edits", (1, "to a subdirectory of itself")),
    Row("editors", "sponge", "sed s/192.0.2.1/$A/ $F | sponge $F", "edits",
        (1, EINVAL), needs="sponge"),
    Row("editors", "vim", "vim.tiny -Nu NONE -es "
        "-c '%s/192.0.2.1/'$A/ -c wq $F", "edits", (1, ""),
        needs="vim.tiny"),
    Row("editors", "vim", "vim.tiny -Nnu NONE -es -c 'set nowritebackup' "
        "-c '%s/192.0.2.1/'$A/ -c wq $F", "edits", (1, ""),
        needs="vim.tiny"),
    Row("editors", "vim", "vim.tiny -Nu NONE -es "
        "-c 'set backup backupskip=' -c '%s/192.0.2.1/'$A/ -c wq $F; "
        "s=$?; rm $F~; exit $s", "edits", (1, ""), needs="vim.tiny"),
    Row("editors", "vim", "vim.tiny -Nu NONE -es "
        "-c 'set backupcopy=yes backupskip=' -c '%s/192.0.2.1/'$A/ "
        "-c wq $F", "edits", (1, ""), needs="vim.tiny"),
    Row("editors", "emacs", "emacs -Q --batch $F --eval '(progn "
        "(while (search-forward \"192.0.2.1\" nil t) (replace-match "
        "(getenv \"A\"))) (save-buffer))'", "edits", (255, EINVAL),
        long=True),

    Row("copiers", "cp", "cp $N $F", "replaces", (1, EINVAL)),
    Row("copiers", "cp", "cp -p $N $F", "replaces", (1, EINVAL)),
    Row("copiers", "cp", "cp --remove-destination $N $F", "replaces",
        (1, EINVAL)),
    Row("copiers", "mv", "mv $N $F", "replaces", (1, EINVAL)),
    Row("copiers", "install", "install -m 644 $N $F", "replaces",
        (1, EINVAL)),
    Row("copiers", "rsync", "rsync -a $N $F", "replaces", (23, EINVAL)),
    Row("copiers", "rsync", "rsync --inplace $N $F", "replaces",
        (11, EINVAL)),
    Row("copiers", "sudoedit", "/usr/bin/python3 -c 'import os; "
        "t = open(os.environ[\"N\"], \"rb\").read(); "
        "f = os.open(os.environ[\"F\"], os.O_WRONLY | os.O_CREAT, 0o600); "
        "os.write(f, t); os.ftruncate(f, len(t)); os.close(f)'", "replaces",
        (1, EINVAL)),
    Row("copiers", "tar", "mkdir $N.d; cp $N $N.d/${F##*/}; "
        "tar cf - -C $N.d ${F##*/} | tar xf - -C $(dirname $F)",
        "replaces", (2, EINVAL)),

    *(Row("programs", "Python", f"/usr/bin/python3 -c '{code}'", effect,
          (1, EINVAL), needs="/usr/bin/python3")
      for code, effect in [
          ('import os\nwith open(os.environ["F"], "w") as f: '
           'f.write(os.environ["L"])', "replaces"),
          ('import os\nwith open(os.environ["F"], "a") as f: '
           'print(os.environ["L"], file=f)', "appends"),
          ('import os, pathlib; pathlib.Path(os.environ["F"])'
           '.write_text(os.environ["L"])', "replaces"),
          ('import os, shutil; shutil.copyfile(os.environ["N"], '
           'os.environ["F"])', "replaces"),
          ('import os, shutil; shutil.copy(os.environ["N"], "new"); '
           'os.replace("new", os.environ["F"])', "replaces"),
      ]),
    Row("programs", "Python", "/usr/bin/python3 -uc 'import os; "
        "print(\"; new\"); print(os.environ[\"L\"])' > $F", "replaces",
        (1, EINVAL), needs="/usr/bin/python3"),
    Row("programs", "Perl", "perl -e 'open(F, \">\", $ENV{F}); "
        "print F \"$ENV{L}\\n\"; close(F) or die $!'", "replaces",
        (22, EINVAL)),
    Row("programs", "Node.js", "node -e 'require(\"fs\").writeFileSync("
        "process.env.F, process.env.L)'", "replaces", (1, "EINVAL"),
        long=True),
    Row("programs", "Node.js", "node -e 'require(\"fs\").appendFileSync("
        "process.env.F, process.env.L)'", "appends", (1, "EINVAL"),
        long=True),
    Row("programs", "Go", "printf 'package main\\nimport \"os\"\\nfunc main() "
        "{ if e := os.WriteFile(os.Getenv(\"F\"), []byte(os.Getenv(\"L\")), "
        "0644); e != nil { panic(e) } }' > $N.go && "
        "GOCACHE=$N.cache go run $N.go", "replaces", (1, "invalid argument"),
        needs="go", long=True),
    Row("programs", "git", "git diff --no-index --numstat $F $N; [ $? = 1 ]",
        "keeps"),
    Row("programs", "Ansible", "LC_ALL=C.UTF-8 ANSIBLE_LOCAL_TEMP=$N.t "
        "ANSIBLE_REMOTE_TEMP=$N.t ansible -c local -i localhost, all "
        "-m copy -a \"src=$N dest=$PWD/$F\"", "replaces", (2, EINVAL),
        needs="ansible", long=True),
    Row("programs", "Ansible", "LC_ALL=C.UTF-8 ANSIBLE_LOCAL_TEMP=$N.t "
        "ANSIBLE_REMOTE_TEMP=$N.t ansible -c local -i localhost, all "
        "-m lineinfile -a \"path=$PWD/$F regexp='192.0.2.1$' "
        "line='www.example. 300 IN A $A'\"", "edits", (2, EINVAL),
        needs="ansible", long=True),
]

# What takes more than one command has a test of its own in test_programs.py.
TOLD = [
    ("shells", "bash", "`echo` and `printf` of two lines", "are two writes: "
     "the first stays when the second is refused",
     "test_two_lines_of_bash_are_two_writes_and_those_of_cat_are_one"),
    ("editors", "nano", "interactive, with `^S`", "edits; a line that is none "
     "is refused on the screen, with the reason in `error`",
     "test_nano_saves_and_says_what_was_refused"),
    ("copiers", "cp", "`cp -r ns copy`, `cp -a ns copy`", "makes a nameserver "
     "with the same records and children, on an address of its own",
     "test_a_copied_anchor_serves_the_same_records"),
    ("copiers", "tar", "`tar c ns \\| tar x` elsewhere in the tree",
     "the same", "test_a_copied_anchor_serves_the_same_records"),
    ("copiers", "cp, tar", "out of the tree and back again", "the same, on "
     "the address that it had, if that is free",
     "test_an_anchor_comes_back_from_a_copy_on_disk"),
    ("copiers", "rsync", "`rsync -a ns/ copy/`", "copies the records; "
     "`stat`, `status`, `error` and an `addr` in use are refused, with status "
     "23: exclude them", "test_rsync_of_an_anchor_copies_the_records"),
    ("copiers", "mv", "`mv ns other`", "renames the nameserver; the address, "
     "its children and open files stay",
     "test_mv_keeps_address_children_and_open_files"),
    ("copiers", "rm", "`rm -r ns`, `rm -rf ns`", "removes the nameserver and "
     "all below it", "test_rm_r_removes_it_all"),
    ("watching", "tail", "`tail -f records`", "shows what comes behind its "
     "end: new names that sort last",
     "test_tail_f_shows_what_comes_behind_the_end"),
    ("watching", "inotifywait", "`inotifywait -m -r ns`", "tells of changes "
     "that come through the mount, by the file that was written",
     "test_inotifywait_tells_of_changes_through_the_mount"),
    ("watching", "poll(2)", "`select([], [], [stat])`", "waits for a change, "
     "whoever makes it", "test_a_program_waits_for_a_change_of_stat"),
    ("watching", "df", "`df /circuit`", "tells the space of the disk that "
     "holds the state", "test_df_tells_the_disk_of_the_state"),
    ("watching", "flock, fcntl", "`flock records COMMAND`", "locks between "
     "processes; nothing else heeds them",
     "test_locks_hold_between_processes"),
]


def cell(row):
    if row.status:
        text = "fails" if row.effect == "keeps" else row.effect
        return f"{text}, status {row.status}"
    return "reads" if row.effect == "keeps" and row.output is not None \
        else row.effect


def lines(group):
    """A table: one line for each row that stands on its own."""
    yield "| program | command | on `records` | on a file in `names/` " \
          "| on a zone's `records` | a bad line |"
    yield "|---|---|---|---|---|---|"
    seen = {}
    for row in ROWS:
        if row.group == group:
            seen.setdefault((row.program, row.command), []).append(row)
    for (program, command), rows in seen.items():
        cells = ["", "", ""]
        for row in rows:
            for at, file in enumerate(FILES):
                if row.runs_on(file):
                    cells[at] = cell(row)
        bad = rows[0].bad
        says = f"status {bad[0]}" + (f": {bad[1]}" if bad[1] else "") \
            if bad else ""
        if bad and bad[0] == 0:
            says = "status 0: look at `error`"
        shown = " ".join(command.replace("\n", "⏎").split())
        shown = shown.replace("|", "\\|")
        yield (f"| {program}{' †' if rows[0].long else ''} | `` {shown} `` "
               f"| {' | '.join(cells)} | {says} |")
    for where, program, command, outcome, _ in TOLD:
        if where == group:
            yield f"| {program} | {command} | {outcome} | | | |"


def with_tables(text):
    """The guide with its tables as they follow from the rows."""
    def table(match):
        return (f"<!-- {match[1]} -->\n" + "\n".join(lines(match[1]))
                + "\n<!-- end -->")
    return re.sub(r"<!-- (\w+) -->\n.*?<!-- end -->", table, text,
                  flags=re.DOTALL)


if __name__ == "__main__":
    guide = Path(sys.argv[1])
    guide.write_text(with_tables(guide.read_text()))
