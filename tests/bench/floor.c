// SPDX-License-Identifier: Apache-2.0
/*
 * floor.c - the least that a server on ordinary sockets can do
 *
 * Receives a batch, makes each query an answer with one fixed A record,
 * without a look at the name, and sends the batch. What a real server takes
 * beyond this is its own.
 */
#include <arpa/inet.h>
#include <err.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#define BATCH	    32
#define QUERY_SIZE  512
#define HEADER_SIZE 12
#define BUFFER	    (1 << 20)

/* The name of the question, A, IN, 3600, 192.0.2.1. */
static const uint8_t record[] = {0xc0, 12, 0, 1, 0,   1, 0, 0,
				 0x0e, 16, 0, 4, 192, 0, 2, 1};

static struct mmsghdr messages[BATCH];
static struct iovec iov[BATCH];
static struct sockaddr_in clients[BATCH];
static uint8_t data[BATCH][QUERY_SIZE + sizeof(record)];

static int listen_at(const char *ip)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t len = sizeof(at);
	int size = BUFFER, fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (inet_pton(AF_INET, ip, &at.sin_addr) != 1)
		errx(2, "usage: floor IP");
	if (fd < 0 || bind(fd, (void *)&at, sizeof(at)) < 0 ||
	    getsockname(fd, (void *)&at, &len) < 0)
		err(1, "%s", ip);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	printf("%s:%d\n", ip, ntohs(at.sin_port));
	fflush(stdout);
	return fd;
}

/* Where the question ends; 0 if there is none. */
static size_t question_end(const uint8_t *query, size_t len)
{
	size_t at = HEADER_SIZE;

	while (at < len && query[at])
		at += 1u + query[at];
	return at + 5 <= len ? at + 5 : 0;
}

static size_t answer(uint8_t *query, size_t len)
{
	static const uint8_t head[] = {0x84, 0, 0, 1, 0, 1, 0, 0, 0, 0};
	size_t end = question_end(query, len);

	if (!end)
		return 0;
	memcpy(query + 2, head, sizeof(head));
	memcpy(query + end, record, sizeof(record));
	return end + sizeof(record);
}

static void prepare(unsigned i)
{
	iov[i] = (struct iovec){data[i], QUERY_SIZE};
	messages[i].msg_hdr = (struct msghdr){
		.msg_name = &clients[i],
		.msg_namelen = sizeof(clients[i]),
		.msg_iov = &iov[i],
		.msg_iovlen = 1,
	};
}

static void serve(int fd)
{
	int count, sent, r;

	for (unsigned i = 0; i < BATCH; i++)
		prepare(i);
	count = recvmmsg(fd, messages, BATCH, MSG_WAITFORONE, NULL);
	for (int i = 0; i < count; i++)
		iov[i].iov_len = answer(data[i], messages[i].msg_len);
	for (sent = 0; sent < count; sent += r) {
		r = sendmmsg(fd, messages + sent, (unsigned)(count - sent), 0);
		if (r <= 0)
			break;
	}
}

int main(int argc, char **argv)
{
	int fd;

	if (argc != 2)
		errx(2, "usage: floor IP");
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	fd = listen_at(argv[1]);
	for (;;)
		serve(fd);
}
