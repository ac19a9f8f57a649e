// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "dns/wire/buffer.h"

void buffer_deinit(struct buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct buffer){0};
}

int buffer_reserve(struct buffer *buffer, size_t more)
{
	size_t cap = buffer->cap ? buffer->cap : 128;
	uint8_t *data;

	if (more <= buffer->cap - buffer->len)
		return 0;
	if (more > SIZE_MAX / 2 - buffer->len)
		return -ENOMEM;
	while (cap - buffer->len < more)
		cap *= 2;
	data = realloc(buffer->data, cap);
	if (!data)
		return -ENOMEM;
	buffer->data = data;
	buffer->cap = cap;
	return 0;
}

int buffer_add(struct buffer *buffer, const void *data, size_t len)
{
	int r = buffer_reserve(buffer, len);

	if (r < 0)
		return r;
	if (len)
		memcpy(buffer->data + buffer->len, data, len);
	buffer->len += len;
	return 0;
}

int buffer_add_text(struct buffer *buffer, const char *text)
{
	return buffer_add(buffer, text, strlen(text));
}

int buffer_printf(struct buffer *buffer, const char *format, ...)
{
	va_list args;
	int len, r;

	va_start(args, format);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (len < 0)
		return -ENOMEM;
	/* One more: vsnprintf() ends its text with a NUL. */
	r = buffer_reserve(buffer, (size_t)len + 1);
	if (r < 0)
		return r;
	va_start(args, format);
	vsnprintf((char *)buffer->data + buffer->len, (size_t)len + 1, format,
		  args);
	va_end(args);
	buffer->len += (size_t)len;
	return 0;
}
