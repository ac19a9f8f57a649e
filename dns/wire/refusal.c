// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "dns/wire/escape.h"
#include "dns/wire/refusal.h"

int refusal_vset(struct refusal *why, int result, const char *format,
		 va_list args)
{
	if (!why)
		return result;
	why->line = 0;
	why->text[0] = '\0';
	vsnprintf(why->reason, sizeof(why->reason), format, args);
	return result;
}

int refusal_set(struct refusal *why, int result, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	refusal_vset(why, result, format, args);
	va_end(args);
	return result;
}

int refusal_within(struct refusal *why, const char *format, ...)
{
	char reason[REFUSAL_REASON_SIZE];
	va_list args;
	size_t len;

	if (!why)
		return -EINVAL;
	memcpy(reason, why->reason, sizeof(reason));
	va_start(args, format);
	vsnprintf(why->reason, sizeof(why->reason), format, args);
	va_end(args);
	len = strlen(why->reason);
	snprintf(why->reason + len, sizeof(why->reason) - len, ": %s", reason);
	return -EINVAL;
}

void refusal_printable(const char *text, size_t len, char *out, size_t size)
{
	char *at = out, *end = out + size;
	size_t i;

	/* An escape and the NUL have room, whatever comes. */
	for (i = 0; i < len && end - at > 4; i++) {
		if (text[i] < ' ' || text[i] > '~')
			at = escape_put(at, (uint8_t)text[i]);
		else
			*at++ = text[i];
	}
	*at = '\0';
}

void refusal_at_entry(struct refusal *why, uint32_t line, const char *text,
		      size_t len)
{
	if (!why)
		return;
	while (len && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		len--;
	why->line = line;
	refusal_printable(text, len, why->text, REFUSAL_ENTRY_SIZE);
}

void refusal_at_owner(struct refusal *why, uint32_t line, const char *owner,
		      size_t len)
{
	if (!why)
		return;
	assert(len < sizeof(why->text));
	why->line = line;
	memcpy(why->text, owner, len);
	why->text[len] = '\0';
}
