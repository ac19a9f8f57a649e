/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mount_words.h - the options that a mount of any kind may be given
 *
 * mount(8) and a line of fstab(5) call the program with words of their own,
 * and have no other way to ask than to try. Some are the kernel's, which are
 * mounted with and which a remount changes; most mean nothing here and are
 * taken; a few would do harm and are refused, with a reason.
 *
 * Threading: the main thread, at the start.
 */
#ifndef FS_MOUNT_WORDS_H
#define FS_MOUNT_WORDS_H

#include <stdbool.h>

/**
 * mount_words_take() - is this one of them?
 * @flags:     of mount(2), which it changes
 * @is_mounts: whether libfuse is to mount with it, too
 */
bool mount_words_take(const char *arg, unsigned long *flags, bool *is_mounts);

/**
 * mount_words_are_of_each() - does mount(8) show it of each mount of ours?
 *
 * So it gives it back at a remount, which changes nothing by it.
 */
bool mount_words_are_of_each(const char *arg);

/** mount_words_refused() - why it is refused, what to do instead; or NULL */
const char *mount_words_refused(const char *arg);

#endif
