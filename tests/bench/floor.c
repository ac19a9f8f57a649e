// SPDX-License-Identifier: Apache-2.0
/*
 * floor.c - the least that a server on ordinary sockets can do
 *
 * Receives a batch, makes each query the answer that it was started with,
 * without a look at the name, and sends the batch. That is an answer as a
 * server gives it, so that as many octets are sent; what the server takes
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
#define ANSWER_SIZE 4096
#define HEADER_SIZE 12
#define ID_SIZE	    2
#define BUFFER	    (1 << 20)

/* What is sent: its header, and what follows its question. */
static uint8_t model[ANSWER_SIZE];
static const uint8_t *records;
static size_t records_len;

static struct mmsghdr messages[BATCH];
static struct iovec iov[BATCH];
static struct sockaddr_in clients[BATCH];
static uint8_t data[BATCH][QUERY_SIZE + ANSWER_SIZE];

static int listen_at(const char *ip)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t len = sizeof(at);
	int size = BUFFER, fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (inet_pton(AF_INET, ip, &at.sin_addr) != 1)
		errx(2, "no address: %s", ip);
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

static void read_model(const char *path)
{
	FILE *file = fopen(path, "r");
	size_t len, end;

	if (!file)
		err(2, "%s", path);
	len = fread(model, 1, sizeof(model), file);
	end = question_end(model, len);
	if (ferror(file) || !end)
		errx(2, "%s: no answer", path);
	records = model + end;
	records_len = len - end;
	fclose(file);
}

static size_t answer(uint8_t *query, size_t len)
{
	size_t end = question_end(query, len);

	if (!end)
		return 0;
	memcpy(query + ID_SIZE, model + ID_SIZE, HEADER_SIZE - ID_SIZE);
	memcpy(query + end, records, records_len);
	return end + records_len;
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

	if (argc != 3)
		errx(2, "usage: floor IP ANSWER");
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	read_model(argv[2]);
	fd = listen_at(argv[1]);
	for (;;)
		serve(fd);
}
