/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rrset.h - the RRsets of one owner, as the store holds them
 *
 * The value under an owner's key is that owner's RRsets: SOA first, then NS,
 * then by type number. Each RRset is a head and its records in the order they
 * were added, each record in wire form without its owner, ready to be copied
 * behind a compression pointer:
 *
 *   type (2) class (2) ttl (4) rdlength (2) rdata      all in network order
 *
 * Reading never copies: a struct rrset points into the store's memory and is
 * good while the transaction lives that showed it. Values come from our own
 * writer alone, so their form is trusted.
 */
#ifndef DNS_RRSET_H
#define DNS_RRSET_H

#include "dns/text/change.h"
#include "dns/wire/message.h"

/*
 * RRsets of one owner. To find one is to step over those before it, and there
 * are less than a hundred types that mean something.
 */
#define RRSETS_TYPES 256

/* Sizes of one owner's text, kept so that listings need not print anything. */
struct rrsets_size {
	uint32_t records;
	uint32_t text; /* octets of its lines in `records`, newlines counted */
	uint32_t json; /* octets of "owner":["rr",...] in `stat` */
};

/* All RRsets of one owner; borrowed. */
struct rrsets {
	const uint8_t *data;
	size_t len; /* octets; 0: the owner has no records */
};

/* One RRset; borrowed. */
struct rrset {
	uint16_t type;
	uint16_t count; /* records */
	uint32_t ttl;	/* seconds; the same in every record, but of RRSIG */
	const uint8_t *rrs; /* the records, back to back */
	size_t len;	    /* octets of them */
};

/* One record of an RRset; borrowed. */
struct rrset_rr {
	const uint8_t *wire; /* type, class, ttl, rdlength, rdata */
	const uint8_t *rdata;
	uint16_t rdlen;
};

/*
 * Octets of all RRsets of one owner. Each change of one of them writes all of
 * them anew, and others wait for that.
 */
#define RRSETS_SIZE (1 << 20)

/** rrsets_size() - all zero for an owner without records */
struct rrsets_size rrsets_size(const struct name *owner, struct rrsets rrsets);

/** rrsets_text_size() - octets of rrsets_to_text(); no owner is needed */
uint64_t rrsets_text_size(struct rrsets rrsets);

/** rrsets_digest() - equal for equal records, and else most likely not */
uint64_t rrsets_digest(struct rrsets rrsets);

/** rrsets_next() - iterate; start with *@offset 0; false at the end */
bool rrsets_next(struct rrsets rrsets, size_t *offset, struct rrset *out);

/**
 * rrsets_find() - the RRset of one type; false if there is none
 *
 * Looks no further than where it would stand.
 */
bool rrsets_find(struct rrsets rrsets, uint16_t type, struct rrset *out);

/** rrset_next() - iterate records; start with *@offset 0; false at the end */
bool rrset_next(const struct rrset *rrset, size_t *offset,
		struct rrset_rr *out);

/**
 * rrsets_edit() - what an owner has after some items of a change
 * @old:    what it has
 * @items:  @count of them, all of this owner, in order
 * @fresh:  @old was built by the same replacement as @items, so that a second
 *          SOA, CNAME or DNAME in it is a contradiction and no news
 * @out:    is set to the new value; empty: the owner has no records any more
 * @why:    filled in when refused
 *
 * The rules of one owner stand here and nowhere else: a set is a set, one TTL
 * per RRset (RFC 2181, sections 5 and 5.2; but RFC 4034, section 3 for RRSIG),
 * one SOA, CNAME and DNAME (RFC 2136, section 3.4.2.2; RFC 6672, section 2.4),
 * nothing beside a CNAME (RFC 1034, section 3.6.2) but what DNSSEC puts there
 * (RFC 4035, section 2.5), every RRset fits a message, and there are no more
 * than RRSETS_TYPES, of RRSETS_SIZE octets, but where they were more and become
 * fewer.
 *
 * Return: 0; EINVAL, EDQUOT (positive) refused; -ENOMEM.
 */
int rrsets_edit(struct rrsets old, const struct change_item *items,
		size_t count, bool fresh, struct buffer *out,
		struct refusal *why);

/* Which piece of an owner's text comes next. All zero: the first one. */
struct rrsets_place {
	size_t rrset; /* octets of RRsets before the one at hand */
	size_t rr;    /* octets of its records before the one at hand */
	bool in_list; /* of JSON: the owner was written */
	bool ended;   /* of JSON: and the closing bracket */
};

/*
 * A walk through an owner's text, one record at a time: the lines that
 * `records` has, or "owner":["rr",...] as `stat` has it. The place may be
 * noted, and set to go back to it.
 */
struct rrsets_walk {
	struct rrsets rrsets; /* borrowed */
	bool json;
	struct rrsets_place place;
	size_t owner_len;
	char owner[NAME_TEXT_SIZE];
};

/** rrsets_walk_begin() - stand before the first piece */
void rrsets_walk_begin(struct rrsets_walk *walk, const struct name *owner,
		       struct rrsets rrsets, bool json);

/**
 * rrsets_walk_next() - append the next piece, which is one record's or less
 * Return: 0; -ENOENT: there is none; -ENOMEM.
 */
int rrsets_walk_next(struct rrsets_walk *walk, struct buffer *out);

/**
 * rrsets_walk_skip() - step over an RRset, and print nothing
 *
 * If it is the next one, as a whole, and its pieces have no more than @max
 * octets. Return: how many they have; 0: it stays.
 */
uint64_t rrsets_walk_skip(struct rrsets_walk *walk, uint64_t max);

/** rrsets_to_text() - append all lines of `records`: 0, -ENOMEM */
int rrsets_to_text(const struct name *owner, struct rrsets rrsets,
		   struct buffer *out);

/** rrsets_to_json() - append all of "owner":["rr",...]: 0, -ENOMEM */
int rrsets_to_json(const struct name *owner, struct rrsets rrsets,
		   struct buffer *out);

#endif
