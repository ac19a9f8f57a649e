// SPDX-License-Identifier: Apache-2.0
/*
 * udp.c - queries over UDP, a batch at a time
 *
 * A listener is watched, or busy, and never both. While it is watched, libuv
 * tells when there is something to receive. A batch that is large makes it
 * busy: it is read in each round of the loop until a read finds nothing. So is
 * what is about to be closed, whose socket takes nothing more from then on.
 */
#include <assert.h>
#include <errno.h>
#include <utlist.h>

#include "dns/serve/udp.h"

/* Queries found at once that make it worth to stop and start polling. */
#define UDP_BUSY_MIN 8

/*
 * Full batches one after the other that show that a worker is behind: 1,024
 * queries, where a socket has room for 500, unless the machine allows it more.
 */
#define UDP_BEHIND 32

/* What the answers of one batch should take at most to be made. */
#define UDP_SLICE_NS 500000

/*
 * Octets of a request. We announce less (ANSWER_EDNS_SIZE), but who sends an
 * UPDATE over UDP often does not look at that. Pages that no datagram has
 * reached are no memory.
 */
#define UDP_QUERY_SIZE MESSAGE_TCP_SIZE

/*
 * Its size is no power of two, so that the heads of the datagrams, which are
 * all that most of them have, spread over the processor's caches.
 */
struct datagram {
	struct sockaddr_in6 client; /* or a sockaddr_in */
	_Alignas(struct cmsghdr)
		uint8_t control[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	uint8_t query[UDP_QUERY_SIZE];
};

struct udp {
	uv_loop_t *loop;
	uv_idle_t round;	   /* runs while some listener is busy */
	struct udp_listener *busy; /* utlist */
	struct responder *responder;
	struct mmsghdr in[UDP_BATCH];
	struct iovec in_iov[UDP_BATCH];
	struct datagram datagrams[UDP_BATCH];
	struct udp_out out;
};

int udp_new(struct udp **out, uv_loop_t *loop, struct responder *responder)
{
	struct udp *udp = calloc(1, sizeof(*udp));

	if (!udp)
		return -ENOMEM;
	udp->loop = loop;
	udp->responder = responder;
	uv_idle_init(loop, &udp->round);
	udp->round.data = udp;
	for (unsigned i = 0; i < UDP_BATCH; i++) {
		udp->in_iov[i].iov_base = udp->datagrams[i].query;
		udp->in_iov[i].iov_len = UDP_QUERY_SIZE;
		udp->in[i].msg_hdr.msg_iov = &udp->in_iov[i];
		udp->in[i].msg_hdr.msg_iovlen = 1;
		udp->in[i].msg_hdr.msg_name = &udp->datagrams[i].client;
		udp->in[i].msg_hdr.msg_control = udp->datagrams[i].control;
	}
	*out = udp;
	return 0;
}

struct udp *udp_free(struct udp *udp)
{
	assert(!udp || !udp->busy);
	free(udp);
	return NULL;
}

/* Return: how many datagrams there are; 0 also if another worker has them. */
static unsigned receive_batch(struct udp *udp,
			      const struct udp_listener *listener)
{
	size_t control = listener->sockets->wildcard
				 ? sizeof(udp->datagrams[0].control)
				 : 0;
	unsigned most = listener->batch;
	int n;

	assert(most && most <= UDP_BATCH);
	for (unsigned i = 0; i < most; i++) {
		udp->in[i].msg_hdr.msg_namelen =
			sizeof(udp->datagrams[i].client);
		udp->in[i].msg_hdr.msg_controllen = control;
	}
	n = recvmmsg(listener->fd, udp->in, most, 0, NULL);
	return n < 0 ? 0 : (unsigned)n;
}

/*
 * Make what the kernel said of a query's destination the source of its answer.
 * The interface is left to the routes: the way back may be another one. A
 * link-local client's is in its own address.
 */
static void reverse_pktinfo(struct msghdr *msg)
{
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg);

	if (!cmsg)
		return;
	if (cmsg->cmsg_level == IPPROTO_IP && cmsg->cmsg_type == IP_PKTINFO) {
		/* ipi_spec_dst is ours even if the query was broadcast. */
		((struct in_pktinfo *)CMSG_DATA(cmsg))->ipi_ifindex = 0;
	} else if (cmsg->cmsg_level == IPPROTO_IPV6 &&
		   cmsg->cmsg_type == IPV6_PKTINFO) {
		((struct in6_pktinfo *)CMSG_DATA(cmsg))->ipi6_ifindex = 0;
	}
}

static void send_batch(struct udp_listener *listener)
{
	listener->cuts &=
		udp_out_send(&listener->udp->out, listener->fd, listener->lane);
}

/* The next batch, after one that took so long to answer. */
static void adapt(struct udp_listener *listener, unsigned count, uint64_t ns)
{
	uint64_t fit = (uint64_t)count * UDP_SLICE_NS / (ns + 1);

	if (ns > UDP_SLICE_NS)
		listener->batch = fit ? (unsigned)fit : 1;
	else if (ns <= UDP_SLICE_NS / 2 && listener->batch < UDP_BATCH)
		listener->batch = listener->batch * 2 < UDP_BATCH
					  ? listener->batch * 2
					  : UDP_BATCH;
}

/* The way back, for what the main loop answers. */
static size_t ask(struct udp *udp, const struct socket_pair *sockets,
		  const struct datagram *datagram, struct msghdr *query,
		  size_t answered, uint8_t *out)
{
	struct inbox_path path = {
		.server = sockets->number,
		.client = datagram->client,
		.control_len = query->msg_controllen,
	};

	reverse_pktinfo(query);
	assert(path.control_len <= sizeof(path.control));
	memcpy(path.control, datagram->control, path.control_len);
	return responder_ask(udp->responder, &path, datagram->query, answered,
			     out);
}

static void answer_one(struct udp_listener *listener,
		       struct answer_client *client, unsigned i)
{
	struct udp *udp = listener->udp;
	struct datagram *datagram = &udp->datagrams[i];
	struct msghdr *query = &udp->in[i].msg_hdr;
	uint8_t *room = udp_out_room(&udp->out);
	size_t len;

	if (!room) {
		send_batch(listener);
		room = udp_out_room(&udp->out);
	}
	client->address = query->msg_name;
	len = responder_answer(udp->responder, client, datagram->query,
			       udp->in[i].msg_len, room);
	if (udp->responder->errand.kind)
		len = ask(udp, listener->sockets, datagram, query, len, room);
	if (!len)
		return;
	reverse_pktinfo(query);
	udp_out_put(&udp->out, query, len, listener->cuts);
}

static void answer_batch(struct udp_listener *listener, unsigned count)
{
	struct udp *udp = listener->udp;
	/* A few take no time to speak of. */
	bool is_timed = count >= UDP_BUSY_MIN || listener->batch < UDP_BATCH;
	uint64_t begin = is_timed ? uv_hrtime() : 0;
	struct answer_client client = {
		.transport = ANSWER_UDP,
		.now_ms = uv_now(udp->loop),
	};

	for (unsigned i = 0; i < count; i++)
		answer_one(listener, &client, i);
	responder_end(udp->responder);
	if (is_timed)
		adapt(listener, count, uv_hrtime() - begin);
	send_batch(listener);
}

static void on_readable(uv_poll_t *poll, int status, int events);
static void on_round(uv_idle_t *round);

static void become_busy(struct udp_listener *listener)
{
	struct udp *udp = listener->udp;

	assert(!listener->busy);
	uv_poll_stop(&listener->poll);
	listener->busy = true;
	listener->full = 0;
	DL_APPEND(udp->busy, listener);
	uv_idle_start(&udp->round, on_round);
}

static void end_busy(struct udp_listener *listener)
{
	struct udp *udp = listener->udp;

	assert(listener->busy);
	listener->busy = false;
	DL_DELETE(udp->busy, listener);
	if (!udp->busy)
		uv_idle_stop(&udp->round);
}

static void tell_behind(struct udp_listener *listener)
{
	uint64_t ms = uv_now(listener->udp->loop) - listener->full_ms;
	uint64_t per_s = (uint64_t)listener->full_queries * 1000 / (ms + 1);

	listener->full = 0;
	listener->calls->behind(listener, (unsigned)per_s);
}

/* Count those that left some queries over, as far as can be seen. */
static void count_full(struct udp_listener *listener, bool is_full,
		       unsigned count)
{
	if (!is_full) {
		listener->full = 0;
		return;
	}
	if (!listener->full) {
		listener->full_ms = uv_now(listener->udp->loop);
		listener->full_queries = 0;
	}
	listener->full_queries += count;
	if (++listener->full == UDP_BEHIND)
		tell_behind(listener);
}

/* Return: how many queries there were. */
static unsigned serve_batch(struct udp_listener *listener)
{
	struct udp *udp = listener->udp;
	unsigned count = receive_batch(udp, listener);
	bool is_full = count == listener->batch;

	/* Before anything is sent. */
	if (!listener->busy && (count >= UDP_BUSY_MIN || is_full))
		become_busy(listener);
	count_full(listener, is_full, count);
	if (!count)
		return 0;
	/* Without the store the queries are lost, as datagrams are. */
	if (responder_begin(udp->responder, listener->lane) < 0)
		traffic_add(listener->lane, TRAFFIC_DROPPED, count);
	else
		answer_batch(listener, count);
	return count;
}

static void on_closed(uv_handle_t *handle)
{
	struct udp_listener *listener = handle->data;

	listener->open = false;
	listener->calls->closed(listener);
}

static void on_round(uv_idle_t *round)
{
	struct udp *udp = round->data;
	struct udp_listener *listener, *next;

	DL_FOREACH_SAFE (udp->busy, listener, next) {
		if (serve_batch(listener))
			continue;
		end_busy(listener);
		if (listener->closing)
			uv_close((uv_handle_t *)&listener->poll, on_closed);
		else
			uv_poll_start(&listener->poll, UV_READABLE,
				      on_readable);
	}
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct udp_listener *listener = poll->data;
	socklen_t len = sizeof(status);

	(void)events;
	if (status == 0) {
		serve_batch(listener);
		return;
	}
	/* libuv stops at a socket's error: take it off and go on. */
	getsockopt(listener->fd, SOL_SOCKET, SO_ERROR, &status, &len);
	uv_poll_start(poll, UV_READABLE, on_readable);
}

int udp_listen(struct udp_listener *listener, struct udp *udp,
	       const struct socket_pair *sockets, int fd, struct lane *lane,
	       const struct udp_calls *calls)
{
	int r = uv_poll_init(udp->loop, &listener->poll, fd);

	assert(!listener->open);
	if (r < 0)
		return r;
	listener->poll.data = listener;
	listener->udp = udp;
	listener->sockets = sockets;
	listener->fd = fd;
	listener->lane = lane;
	listener->calls = calls;
	listener->batch = UDP_BATCH;
	listener->cuts = true;
	listener->full = 0;
	listener->open = true;
	/* Fails only for a handle that is closing. */
	uv_poll_start(&listener->poll, UV_READABLE, on_readable);
	return 0;
}

/*
 * In rounds, as what is busy: nobody else has to wait for it. It has an end,
 * since no more is received than is there.
 */
void udp_close(struct udp_listener *listener)
{
	assert(listener->open && !listener->closing);
	listener->closing = true;
	socket_shut(listener->fd);
	if (!listener->busy)
		become_busy(listener);
}

void udp_stop(struct udp *udp)
{
	struct udp_listener *listener, *next;

	DL_FOREACH_SAFE (udp->busy, listener, next) {
		assert(listener->closing);
		end_busy(listener);
		uv_close((uv_handle_t *)&listener->poll, on_closed);
	}
	uv_close((uv_handle_t *)&udp->round, NULL);
}
