/* SPDX-License-Identifier: Apache-2.0 */
/*
 * util.h - the few macros that every layer uses
 *
 * CLEANUP(fn) runs fn(&variable) when the variable leaves its scope, and
 * steal(&variable) takes the value out, so that nothing is left to clean:
 * ownership then moves with a return or an assignment.
 */
#ifndef DNS_UTIL_H
#define DNS_UTIL_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CLEANUP(fn)    __attribute__((cleanup(fn)))
#define ARRAY_SIZE(a)  (sizeof(a) / sizeof((a)[0]))
#define PRINTF(fmt, a) __attribute__((format(printf, fmt, a)))

/* The object of type @type whose member @member @ptr points at. */
#define container_of(ptr, type, member)                                        \
	((type *)((char *)(ptr)-offsetof(type, member)))

#define steal(var)                                                             \
	__extension__({                                                        \
		__typeof__(var) steal_from_ = (var);                           \
		__typeof__(*steal_from_) steal_value_ = *steal_from_;          \
		*steal_from_ = NULL;                                           \
		steal_value_;                                                  \
	})

/* free() for CLEANUP: takes the address of any pointer. */
static inline void freep(void *pointer)
{
	free(*(void **)pointer);
}

/* close() for CLEANUP, and what steal() is for the descriptor: -1 is none. */
static inline void closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/*
 * memcpy() of a short and varying number of octets, as names have. Where gcc
 * knows that it is bounded it writes "rep movs" for it, which takes longer to
 * begin than the library's takes for all of a name.
 */
static inline void copy_octets(void *to, const void *from, size_t len)
{
	__asm__("" : "+r"(len));
	memcpy(to, from, len);
}

/* Network byte order, from and to any address. */
static inline uint16_t get_u16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t get_u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

static inline void put_u16(uint8_t *p, uint16_t value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

static inline void put_u32(uint8_t *p, uint32_t value)
{
	put_u16(p, (uint16_t)(value >> 16));
	put_u16(p + 2, (uint16_t)value);
}

#endif
