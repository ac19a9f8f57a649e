// SPDX-License-Identifier: Apache-2.0
#include <err.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "flight.h"

#define ANSWER_SIZE 4096
#define PORT_BUFFER (1 << 20)

#define FLAG_QR	    0x8000
#define FLAG_AA	    0x0400
#define HEADER_SIZE 12

/* Used by one call at a time, whatever the port. */
static struct {
	struct mmsghdr headers[FLIGHT_MAX];
	struct iovec iov[FLIGHT_MAX];
	uint8_t queries[FLIGHT_MAX][QUESTION_SIZE];
	uint8_t answers[FLIGHT_MAX][ANSWER_SIZE];
	char control[FLIGHT_MAX][CMSG_SPACE(sizeof(struct timespec))];
} io;

/* The kernel's stamps are of this clock. */
int64_t flight_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static uint64_t draw(void)
{
	static uint64_t state = 0x9e3779b97f4a7c15;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

void flight_open(struct flight *flight, const struct sockaddr_in *server,
		 unsigned window, bool stamped)
{
	int size = PORT_BUFFER, on = 1;

	memset(flight, 0, sizeof(*flight));
	flight->window = flight->free_count = window;
	flight->stamped = stamped;
	for (unsigned i = 0; i < window; i++)
		flight->free[i] = (uint8_t)i;
	flight->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	if (flight->fd < 0 ||
	    connect(flight->fd, (const void *)server, sizeof(*server)) < 0)
		err(1, "a port");
	setsockopt(flight->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (stamped && setsockopt(flight->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on,
				  sizeof(on)) < 0)
		err(1, "SO_TIMESTAMPNS");
}

/* ---- Out ---- */

static void fill(struct flight *flight, const struct questions *questions,
		 unsigned at, unsigned slot_number, int64_t now)
{
	struct flight_slot *slot = &flight->slots[slot_number];
	const struct question *question =
		&questions->list[draw() % questions->count];
	uint8_t *message = io.queries[at];

	slot->id = (uint16_t)(slot->id + FLIGHT_MAX);
	slot->id = (uint16_t)((slot->id & ~(FLIGHT_MAX - 1u)) | slot_number);
	slot->question = question;
	slot->sent_ns = now;
	slot->out = true;
	memcpy(message, questions->messages + question->offset, question->len);
	message[0] = (uint8_t)(slot->id >> 8);
	message[1] = (uint8_t)slot->id;
	io.iov[at] = (struct iovec){message, question->len};
	io.headers[at].msg_hdr = (struct msghdr){
		.msg_iov = &io.iov[at],
		.msg_iovlen = 1,
	};
}

static void give_back(struct flight *flight, struct flight_slot *slot)
{
	slot->out = false;
	flight->free[flight->free_count++] = (uint8_t)(slot - flight->slots);
}

void flight_send(struct flight *flight, const struct questions *questions,
		 unsigned max, struct tally *tally)
{
	unsigned count = max < flight->free_count ? max : flight->free_count;
	unsigned first = flight->free_count - count;
	unsigned char used[FLIGHT_MAX];
	int64_t now = flight_now();
	int sent;

	if (!count)
		return;
	memcpy(used, flight->free + first, count);
	flight->free_count = first;
	for (unsigned i = 0; i < count; i++)
		fill(flight, questions, i, used[i], now);
	sent = sendmmsg(flight->fd, io.headers, count, 0);
	if (sent < 0 && errno != EAGAIN && errno != ENOBUFS && errno != EINTR)
		err(1, "no server");
	sent = sent < 0 ? 0 : sent;
	tally->sent += (unsigned)sent;
	for (unsigned i = (unsigned)sent; i < count; i++)
		give_back(flight, &flight->slots[used[i]]);
}

/* ---- In ---- */

static unsigned get_u16(const uint8_t *from)
{
	return (unsigned)(from[0] << 8 | from[1]);
}

static bool is_right(const struct question *question, const uint8_t *message)
{
	unsigned flags = get_u16(message + 2);

	return (flags & 0xf) == question->rcode &&
	       !!(flags & FLAG_AA) == question->aa &&
	       get_u16(message + 4) == 1 &&
	       get_u16(message + 6) == question->answers;
}

static int64_t stamp_of(struct msghdr *header, int64_t otherwise)
{
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(header);
	struct timespec stamp;

	if (!cmsg || cmsg->cmsg_type != SCM_TIMESTAMPNS)
		return otherwise;
	memcpy(&stamp, CMSG_DATA(cmsg), sizeof(stamp));
	return (int64_t)stamp.tv_sec * 1000000000 + stamp.tv_nsec;
}

static bool check(struct flight *flight, const uint8_t *message, size_t len,
		  int64_t now, struct tally *tally)
{
	struct flight_slot *slot;

	if (len < HEADER_SIZE || !(get_u16(message + 2) & FLAG_QR)) {
		tally->stray++;
		return false;
	}
	slot = &flight->slots[get_u16(message) % FLIGHT_MAX];
	if (!slot->out || slot->id != get_u16(message)) {
		tally->stray++;
		return false;
	}
	tally->answered++;
	tally->octets += len;
	if (!is_right(slot->question, message))
		tally->wrong++;
	latency_add(&tally->latency, now - slot->sent_ns);
	give_back(flight, slot);
	return true;
}

static void prepare_to_receive(const struct flight *flight)
{
	for (unsigned i = 0; i < flight->window; i++) {
		io.iov[i] = (struct iovec){io.answers[i], ANSWER_SIZE};
		io.headers[i].msg_hdr = (struct msghdr){
			.msg_iov = &io.iov[i],
			.msg_iovlen = 1,
			.msg_control = flight->stamped ? io.control[i] : NULL,
			.msg_controllen =
				flight->stamped ? sizeof(io.control[i]) : 0,
		};
	}
}

unsigned flight_receive(struct flight *flight, struct tally *tally)
{
	unsigned freed = 0;
	int64_t now;
	int count;

	if (flight->free_count == flight->window)
		return 0;
	prepare_to_receive(flight);
	count = recvmmsg(flight->fd, io.headers, flight->window, 0, NULL);
	if (count < 0 && errno != EAGAIN && errno != EINTR)
		err(1, "no answer");
	now = count > 0 ? flight_now() : 0;
	for (int i = 0; i < count; i++)
		freed += check(flight, io.answers[i], io.headers[i].msg_len,
			       stamp_of(&io.headers[i].msg_hdr, now), tally);
	return freed;
}

void flight_expire(struct flight *flight, int64_t before_ns,
		   struct tally *tally)
{
	for (unsigned i = 0; i < flight->window; i++) {
		struct flight_slot *slot = &flight->slots[i];

		if (!slot->out || slot->sent_ns >= before_ns)
			continue;
		tally->lost++;
		give_back(flight, slot);
	}
}
