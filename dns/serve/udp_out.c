// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>

#include "dns/serve/udp_out.h"

uint8_t *udp_out_room(struct udp_out *out)
{
	if (out->count == UDP_BATCH ||
	    sizeof(out->data) - out->used < MESSAGE_TCP_SIZE)
		return NULL;
	return out->data + out->used;
}

/* Does an answer go where the last message goes, and have its length? */
static bool may_join(const struct udp_out *out, const struct msghdr *query,
		     size_t len)
{
	const struct msghdr *last;

	if (len != out->cut)
		return false;
	last = &out->messages[out->count - 1].msg_hdr;
	return last->msg_namelen == query->msg_namelen &&
	       !memcmp(last->msg_name, query->msg_name, query->msg_namelen) &&
	       (!query->msg_controllen ||
		!memcmp(last->msg_control, query->msg_control,
			query->msg_controllen));
}

/* Say where the kernel cuts, behind what else there is to say. */
static void ask_to_cut(struct udp_out *out, struct msghdr *msg)
{
	uint8_t *end = (uint8_t *)msg->msg_control + msg->msg_controllen;
	struct cmsghdr *cmsg = (struct cmsghdr *)end;
	uint16_t octets = (uint16_t)out->cut;

	cmsg->cmsg_level = SOL_UDP;
	cmsg->cmsg_type = UDP_SEGMENT;
	cmsg->cmsg_len = CMSG_LEN(sizeof(octets));
	memcpy(CMSG_DATA(cmsg), &octets, sizeof(octets));
	msg->msg_controllen += CMSG_SPACE(sizeof(octets));
	assert(msg->msg_controllen <= UDP_OUT_CONTROL);
}

static void join(struct udp_out *out, size_t len)
{
	unsigned last = out->count - 1;

	if (out->answers[last]++ == 1)
		ask_to_cut(out, &out->messages[last].msg_hdr);
	out->iov[last].iov_len += len;
}

static void begin(struct udp_out *out, const struct msghdr *query, size_t len)
{
	unsigned slot = out->count++;
	uint8_t *control = out->control[slot].octets;

	assert(slot < UDP_BATCH);
	assert(query->msg_controllen <= CMSG_SPACE(sizeof(struct in6_pktinfo)));
	if (query->msg_controllen)
		memcpy(control, query->msg_control, query->msg_controllen);
	out->answers[slot] = 1;
	out->iov[slot].iov_base = out->data + out->used;
	out->iov[slot].iov_len = len;
	out->messages[slot].msg_hdr = (struct msghdr){
		.msg_name = query->msg_name,
		.msg_namelen = query->msg_namelen,
		.msg_control = control,
		.msg_controllen = query->msg_controllen,
		.msg_iov = &out->iov[slot],
		.msg_iovlen = 1,
	};
}

void udp_out_put(struct udp_out *out, const struct msghdr *query, size_t len,
		 bool is_cut)
{
	assert(len && len <= MESSAGE_TCP_SIZE);
	if (may_join(out, query, len)) {
		join(out, len);
	} else {
		begin(out, query, len);
		out->cut = is_cut && len <= ANSWER_EDNS_SIZE ? len : 0;
	}
	out->used += len;
}

/* Each answer of a message by itself; how many could not be sent. */
static unsigned send_apart(const struct udp_out *out, int fd, unsigned slot)
{
	struct msghdr msg = out->messages[slot].msg_hdr;
	struct iovec answer = *msg.msg_iov;
	unsigned lost = 0;

	answer.iov_len /= out->answers[slot];
	msg.msg_iov = &answer;
	msg.msg_controllen -= CMSG_SPACE(sizeof(uint16_t));
	for (unsigned i = 0; i < out->answers[slot]; i++) {
		lost += sendmsg(fd, &msg, 0) < 0;
		answer.iov_base = (uint8_t *)answer.iov_base + answer.iov_len;
	}
	return lost;
}

static unsigned answers_from(const struct udp_out *out, unsigned slot)
{
	unsigned answers = 0;

	for (; slot < out->count; slot++)
		answers += out->answers[slot];
	return answers;
}

bool udp_out_send(struct udp_out *out, int fd, struct lane *lane)
{
	unsigned sent = 0, lost = 0;
	bool cuts = true;

	while (sent < out->count) {
		int n = sendmmsg(fd, out->messages + sent, out->count - sent,
				 0);

		if (n > 0) {
			sent += (unsigned)n;
		} else if (errno == EAGAIN || errno == ENOBUFS) {
			lost += answers_from(out, sent);
			break;
		} else if (errno != EINTR && out->answers[sent] > 1) {
			/* Anything else is this client's alone. */
			cuts &= errno != EINVAL && errno != EIO;
			lost += send_apart(out, fd, sent++);
		} else if (errno != EINTR) {
			lost++; /* this one cannot be sent at all */
			sent++;
		}
	}
	if (lost)
		traffic_add(lane, TRAFFIC_DROPPED, lost);
	out->count = 0;
	out->used = out->cut = 0;
	return cuts;
}
