/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_text.h - what others wrote, as text that a terminal can be shown
 *
 * A line of the log may hold the name of a directory, and so any octets.
 *
 * A pure function; any thread may call it.
 */
#ifndef FS_LOG_TEXT_H
#define FS_LOG_TEXT_H

#include <stddef.h>

/**
 * log_text_escape() - as much of @text as there is room for
 * @out:  gets characters of UTF-8 as they are, and "\DDD" for each octet that
 *        belongs to none or to a control character; no NUL behind them
 * @size: of @out, in octets
 *
 * Return: octets in @out; less than @size.
 */
size_t log_text_escape(const char *text, char *out, size_t size);

#endif
