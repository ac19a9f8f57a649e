// SPDX-License-Identifier: Apache-2.0
/*
 * beside.c - the scratch files that programs make beside the one they replace
 *
 * In names/ a file is a domain name, but for what editors and copiers make
 * beside the file that they are to replace. They are told by how they come:
 *
 *   x~ #x# .#x  backups, autosaves, locks; the domain name is x~. or #x#.
 *   x..y        beside the file x. and no domain name, since a label is empty:
 *               git's locks, patch, write-file-atomic, tmp=$F.$$
 *   x___jb_tmp___, x___jb_old___
 *               what JetBrains's editors write first, and put aside
 *   x.tmp       made by O_EXCL: Java's createTempFile()
 *   any         made as mkstemp(3) makes one, and with no dot at the end or one
 *               at the start: sed -i, perl -i, rsync, vim's swap file, Ansible
 */
#include <fcntl.h>

#include "fs/programs/programs.h"

static bool ends_in(const char *name, const char *end)
{
	size_t len = strlen(name), end_len = strlen(end);

	return len > end_len && !strcmp(name + len - end_len, end);
}

/* "x.example." and something behind it: a label is empty, so it is no name. */
static bool is_beside(const char *name)
{
	for (const char *at = name; *at && at[1]; at++) {
		if (*at == '\\')
			at++;
		else if (at > name && *at == '.' && at[1] == '.')
			return !ends_in(name, ".");
	}
	return false;
}

bool programs_is_draft_name(const char *name)
{
	return ends_in(name, "~") || (*name == '#' && ends_in(name, "#")) ||
	       !strncmp(name, ".#", 2) || is_beside(name) ||
	       ends_in(name, "___jb_tmp___") || ends_in(name, "___jb_old___");
}

static bool made_by_mkstemp(const char *name, int flags, mode_t mode)
{
	return (*name == '.' || !ends_in(name, ".")) &&
	       (flags & O_ACCMODE) == O_RDWR && !(mode & 077);
}

bool programs_makes_draft(const char *name, int flags, mode_t mode)
{
	if (programs_is_draft_name(name))
		return true;
	return (flags & O_EXCL) &&
	       (ends_in(name, ".tmp") || made_by_mkstemp(name, flags, mode));
}
