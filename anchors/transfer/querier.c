// SPDX-License-Identifier: Apache-2.0
/*
 * querier.c - small messages to other nameservers, and what they answer
 *
 * There is a socket for each family, made when it is first needed. Those under
 * way are found by ID, and stand in the order in which they were sent, so that
 * the first one is the first to be lost. The others wait for their turn.
 */
#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <time.h>
#include <uthash.h>
#include <utlist.h>

#include "anchors/transfer/querier.h"
#include "dns/store/soa.h"
#include "dns/text/rr_wire.h"
#include "anchors/transfer/fair.h"
#include "dns/wire/message_rr.h"

/* Octets of an answer: larger ones are cut off, and malformed then. */
#define ANSWER_OCTETS 4096

struct asked {
	UT_hash_handle hh;	   /* in querier->by_id, once it was sent */
	struct asked *prev, *next; /* utlist: in sent, or in waiting */
	struct fair_turn turn;
	bool is_sent;
	int result; /* if there is no answer */
	uint16_t id;
	uint64_t lost_ms; /* by uv_now() */
	querier_done *done;
	void *arg;
	struct tsig tsig; /* is_signed, if there is a key */
	struct querier_message message;
};

struct querier {
	uv_loop_t *loop;
	uv_timer_t timer;
	uv_udp_t sockets[2]; /* IPv4, IPv6 */
	bool is_open[2];
	bool is_heard[2]; /* bound, and received from */
	unsigned handles;
	bool is_ending;
	struct hmac *hmac;
	struct asked *by_id;   /* uthash */
	struct asked *sent;    /* utlist: the first to be lost is the first */
	struct asked *waiting; /* utlist */
	struct fair turns;
	uint8_t answer[ANSWER_OCTETS];
};

int querier_new(struct querier **out, uv_loop_t *loop)
{
	CLEANUP(freep) struct querier *querier = calloc(1, sizeof(*querier));
	int r = querier ? hmac_new(&querier->hmac) : -ENOMEM;

	if (r < 0)
		return r;
	querier->loop = loop;
	querier->turns.most = QUERIER_MOST;
	querier->turns.most_each = QUERIER_MOST_EACH;
	uv_timer_init(loop, &querier->timer);
	querier->timer.data = querier;
	querier->handles = 1;
	*out = steal(&querier);
	return 0;
}

static void free_asked(struct asked *asked)
{
	tsig_wipe(&asked->tsig);
	sodium_memzero(&asked->message.key, sizeof(asked->message.key));
	free(asked);
}

static void remove_asked(struct querier *querier, struct asked *asked)
{
	if (asked->is_sent) {
		HASH_DEL(querier->by_id, asked);
		DL_DELETE(querier->sent, asked);
	} else {
		DL_DELETE(querier->waiting, asked);
	}
	fair_end(&querier->turns, &asked->turn);
}

static void on_closed(uv_handle_t *handle)
{
	struct querier *querier = handle->data;

	if (--querier->handles)
		return;
	hmac_free(querier->hmac);
	free(querier);
}

struct querier *querier_free(struct querier *querier)
{
	if (!querier)
		return NULL;
	while (querier->sent)
		querier_forget(querier, querier->sent);
	while (querier->waiting)
		querier_forget(querier, querier->waiting);
	querier->is_ending = true;
	for (int i = 0; i < 2; i++)
		if (querier->is_open[i])
			uv_close((uv_handle_t *)&querier->sockets[i],
				 on_closed);
	uv_close((uv_handle_t *)&querier->timer, on_closed);
	return NULL;
}

/* ---- Answers ---- */

static void send_waiting(struct querier *querier);

static void end(struct querier *querier, struct asked *asked, int result,
		const uint8_t *message, size_t len)
{
	querier_done *done = asked->done;
	void *arg = asked->arg;

	remove_asked(querier, asked);
	free_asked(asked);
	done(arg, result, message, len);
}

/* RFC 5452, section 9.1; who answers with an error may leave it out. */
static bool has_question(const struct asked *asked, const uint8_t *message,
			 size_t len)
{
	const uint8_t *ours = asked->message.octets;
	size_t at = MESSAGE_HEAD_SIZE, our_at = MESSAGE_HEAD_SIZE;
	uint16_t type, class, our_type, our_class;
	struct name name, our_name;

	if (!get_u16(message + MESSAGE_QDCOUNT))
		return get_u16(message + MESSAGE_FLAGS) & MESSAGE_RCODE;
	return message_question(message, len, &at, &name, &type, &class) == 0 &&
	       message_question(ours, asked->message.len, &our_at, &our_name,
				&our_type, &our_class) == 0 &&
	       name_equal(&name, &our_name) && type == our_type &&
	       class == our_class;
}

static bool is_answer(const struct asked *asked, const struct sockaddr *from,
		      const uint8_t *message, size_t len)
{
	uint16_t flags = get_u16(message + MESSAGE_FLAGS);
	uint16_t ours = get_u16(asked->message.octets + MESSAGE_FLAGS);
	struct address address;

	address_from_sockaddr(from, &address);
	return address_equal(&address, &asked->message.to) &&
	       flags & MESSAGE_QR &&
	       (flags & MESSAGE_OPCODE) == (ours & MESSAGE_OPCODE) &&
	       has_question(asked, message, len);
}

static void take(struct querier *querier, const struct sockaddr *from,
		 uint8_t *message, size_t len)
{
	uint16_t id = get_u16(message);
	struct asked *asked;
	int r = 0;

	HASH_FIND(hh, querier->by_id, &id, sizeof(id), asked);
	if (!asked || !is_answer(asked, from, message, len))
		return;
	if (asked->message.has_key)
		r = tsig_accept(&asked->tsig, querier->hmac, message, &len,
				(uint64_t)time(NULL));
	end(querier, asked, r, message, len);
	send_waiting(querier);
}

static void on_room(uv_handle_t *handle, size_t size, uv_buf_t *out)
{
	struct querier *querier = handle->data;

	(void)size;
	*out = uv_buf_init((char *)querier->answer, sizeof(querier->answer));
}

static void on_received(uv_udp_t *socket, ssize_t len, const uv_buf_t *buffer,
			const struct sockaddr *from, unsigned flags)
{
	struct querier *querier = socket->data;

	(void)buffer;
	if (len < MESSAGE_HEAD_SIZE || !from || flags & UV_UDP_PARTIAL ||
	    querier->is_ending)
		return;
	take(querier, from, querier->answer, (size_t)len);
}

/* ---- Questions ---- */

static int open_socket(struct querier *querier, int family, uv_udp_t **out)
{
	int i = family == AF_INET6;
	uv_udp_t *socket = &querier->sockets[i];
	struct sockaddr_storage any = {.ss_family = (sa_family_t)family};
	int r;

	*out = socket;
	if (querier->is_heard[i])
		return 0;
	r = querier->is_open[i] ? 0 : uv_udp_init(querier->loop, socket);
	if (r < 0)
		return r;
	querier->handles += !querier->is_open[i];
	querier->is_open[i] = true;
	socket->data = querier;
	r = uv_udp_bind(socket, (struct sockaddr *)&any, 0);
	if (r == 0)
		r = uv_udp_recv_start(socket, on_room, on_received);
	querier->is_heard[i] = r == 0;
	return r;
}

/* An ID by chance that none under way has. */
static uint16_t new_id(const struct querier *querier)
{
	struct asked *other;
	uint16_t id;

	do {
		id = (uint16_t)randombytes_uniform(65536);
		HASH_FIND(hh, querier->by_id, &id, sizeof(id), other);
	} while (other);
	return id;
}

static size_t make(struct querier *querier, struct asked *asked, uint8_t *out)
{
	const struct querier_message *message = &asked->message;

	memcpy(out, message->octets, message->len);
	put_u16(out, asked->id);
	if (!message->has_key)
		return message->len;
	return tsig_begin(&asked->tsig, &message->key, querier->hmac, out,
			  message->len, (uint64_t)time(NULL));
}

/* Where it comes from, as the kernel is told of it. */
static void set_source(struct msghdr *msg, const struct address *from)
{
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg);

	if (from->kind == ADDRESS_IPV4) {
		struct in_pktinfo info = {0};

		memcpy(&info.ipi_spec_dst, from->ip, sizeof(struct in_addr));
		cmsg->cmsg_level = IPPROTO_IP;
		cmsg->cmsg_type = IP_PKTINFO;
		cmsg->cmsg_len = CMSG_LEN(sizeof(info));
		memcpy(CMSG_DATA(cmsg), &info, sizeof(info));
		msg->msg_controllen = CMSG_SPACE(sizeof(info));
	} else {
		struct in6_pktinfo info = {0};

		memcpy(&info.ipi6_addr, from->ip, sizeof(struct in6_addr));
		cmsg->cmsg_level = IPPROTO_IPV6;
		cmsg->cmsg_type = IPV6_PKTINFO;
		cmsg->cmsg_len = CMSG_LEN(sizeof(info));
		memcpy(CMSG_DATA(cmsg), &info, sizeof(info));
		msg->msg_controllen = CMSG_SPACE(sizeof(info));
	}
}

static int send_from(const uv_udp_t *socket, const struct querier_message *by,
		     struct iovec octets)
{
	_Alignas(struct cmsghdr)
		uint8_t control[CMSG_SPACE(sizeof(struct in6_pktinfo))] = {0};
	int family = by->to.kind == ADDRESS_IPV6 ? AF_INET6 : AF_INET;
	struct sockaddr_storage to;
	struct msghdr msg = {
		.msg_name = &to,
		.msg_namelen = address_sockaddr(&by->to, family, &to),
		.msg_iov = &octets,
		.msg_iovlen = 1,
	};
	uv_os_fd_t fd;
	int r = uv_fileno((const uv_handle_t *)socket, &fd);

	if (r < 0)
		return r;
	if (address_leads_to(&by->from, &by->to)) {
		msg.msg_control = control;
		msg.msg_controllen = sizeof(control);
		set_source(&msg, &by->from);
	}
	return sendmsg(fd, &msg, 0) < 0 && errno != EAGAIN ? -errno : 0;
}

/* What the kernel does not take is lost, and so is what it cannot send. */
static int transmit(struct querier *querier, struct asked *asked)
{
	int family =
		asked->message.to.kind == ADDRESS_IPV6 ? AF_INET6 : AF_INET;
	uint8_t octets[2 * QUERIER_MESSAGE_SIZE + HMAC_SIZE + NAME_WIRE_SIZE];
	uv_udp_t *socket;
	size_t len;
	int r = open_socket(querier, family, &socket);

	if (r < 0)
		return r;
	len = make(querier, asked, octets);
	if (!len)
		return -ENOMEM;
	assert(len <= sizeof(octets));
	return send_from(socket, &asked->message, (struct iovec){octets, len});
}

static void on_timer(uv_timer_t *timer);

static void set_timer(struct querier *querier)
{
	uint64_t now = uv_now(querier->loop);
	uint64_t when;

	if (!querier->sent || querier->is_ending)
		return;
	when = querier->sent->lost_ms;
	uv_timer_start(&querier->timer, on_timer, when > now ? when - now : 0,
		       0);
}

/* The callback comes later, also of what cannot be sent at all. */
static void send_one(struct querier *querier, struct asked *asked)
{
	int r;

	DL_DELETE(querier->waiting, asked);
	asked->is_sent = true;
	asked->id = new_id(querier);
	asked->lost_ms = uv_now(querier->loop) + QUERIER_WAIT_MS;
	asked->result = -ETIMEDOUT;
	HASH_ADD(hh, querier->by_id, id, sizeof(asked->id), asked);
	DL_APPEND(querier->sent, asked);
	r = transmit(querier, asked);
	if (r == 0)
		return;
	/* The first to be lost. */
	asked->result = r;
	DL_DELETE(querier->sent, asked);
	asked->lost_ms = 0;
	DL_PREPEND(querier->sent, asked);
}

static void send_waiting(struct querier *querier)
{
	struct fair_turn *turn;

	while ((turn = fair_next(&querier->turns)))
		send_one(querier, container_of(turn, struct asked, turn));
	set_timer(querier);
}

static void on_timer(uv_timer_t *timer)
{
	struct querier *querier = timer->data;
	uint64_t now = uv_now(querier->loop);
	struct asked *first;

	while ((first = querier->sent) && first->lost_ms <= now)
		end(querier, first, first->result, NULL, 0);
	send_waiting(querier);
}

int querier_send(struct asked **out, struct querier *querier,
		 const struct querier_message *message, querier_done *done,
		 void *arg)
{
	struct asked *asked = calloc(1, sizeof(*asked));

	if (!asked)
		return -ENOMEM;
	asked->message = *message;
	asked->done = done;
	asked->arg = arg;
	if (fair_wait(&querier->turns, &asked->turn, message->uid,
		      &message->to) < 0) {
		free_asked(asked);
		return -ENOMEM;
	}
	DL_APPEND(querier->waiting, asked);
	*out = asked;
	send_waiting(querier);
	return 0;
}

void querier_forget(struct querier *querier, struct asked *asked)
{
	if (!asked)
		return;
	remove_asked(querier, asked);
	free_asked(asked);
}

void querier_write(struct querier_message *out, enum message_opcode opcode,
		   const struct name *apex)
{
	uint8_t *tail = out->octets + MESSAGE_HEAD_SIZE + apex->len;
	uint16_t flags = (uint16_t)(opcode << MESSAGE_OPCODE_SHIFT);

	/* RFC 1996, section 3.7. */
	if (opcode == MESSAGE_OPCODE_NOTIFY)
		flags |= MESSAGE_AA;
	memset(out->octets, 0, MESSAGE_HEAD_SIZE);
	put_u16(out->octets + MESSAGE_FLAGS, flags);
	put_u16(out->octets + MESSAGE_QDCOUNT, 1);
	memcpy(out->octets + MESSAGE_HEAD_SIZE, apex->wire, apex->len);
	put_u16(tail, RR_SOA);
	put_u16(tail + 2, RR_CLASS_IN);
	out->len = MESSAGE_HEAD_SIZE + apex->len + MESSAGE_QUESTION_TAIL;
}

bool querier_read_serial(const uint8_t *message, size_t len,
			 const struct name *apex, uint32_t *out)
{
	CLEANUP(buffer_deinit) struct buffer rdata = {0};
	unsigned questions = get_u16(message + MESSAGE_QDCOUNT);
	size_t at = MESSAGE_HEAD_SIZE;
	uint16_t type, class;
	struct message_rr rr;
	struct name name;
	struct rr soa;

	while (questions--)
		if (message_question(message, len, &at, &name, &type, &class) <
		    0)
			return false;
	if (!get_u16(message + MESSAGE_ANCOUNT) ||
	    message_rr_next(message, len, &at, &rr) < 0 || rr.type != RR_SOA ||
	    !name_equal(&rr.owner, apex) ||
	    rr_from_message(message, len, &rr, &rdata, &soa, NULL) < 0)
		return false;
	*out = soa_serial(soa.rdata, soa.rdlen);
	return true;
}
