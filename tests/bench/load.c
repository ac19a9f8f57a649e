// SPDX-License-Identifier: Apache-2.0
/*
 * load.c - asks one server as fast as it answers, or at a rate
 *
 * Without a rate every port keeps its window full: a port's queries are sent
 * together when its answers have come, so that a server that is the slower
 * one always finds a batch. With a rate, one query leaves at a time, and what
 * counts is when each answer came.
 *
 * The result is one line of JSON on standard output. With a rate, a line comes
 * before it when the first answer has come: from there on it may be ended.
 */
#include <arpa/inet.h>
#include <err.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "flight.h"

#define PORTS_MAX 64
#define LOST_AFTER_NS                                                          \
	3000000000	       /* other programs may keep the server waiting */
#define LOOK_EVERY_NS 50000000 /* for what is lost */
#define NS_PER_S      1e9

static struct {
	struct sockaddr_in server;
	const char *list;
	double seconds, rate;
	unsigned ports, window, edns_size;
} options = {
	.seconds = 1,
	.ports = 8,
	.window = 24,
};

static volatile sig_atomic_t stopped;
static struct questions questions;
static struct flight flights[PORTS_MAX];
static struct tally tally;

static void on_signal(int number)
{
	(void)number;
	stopped = 1;
}

static void usage(void)
{
	fputs("usage: load [-t SECONDS] [-p PORTS] [-w WINDOW] [-r RATE] "
	      "[-e EDNS-SIZE] IP:PORT LIST\n",
	      stderr);
	exit(2);
}

static double number(const char *text, double max)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || !(value > 0 && value <= max))
		usage();
	return value;
}

static void read_server(const char *text)
{
	char ip[64];
	const char *colon = strrchr(text, ':');

	if (!colon || (size_t)(colon - text) >= sizeof(ip))
		usage();
	memcpy(ip, text, (size_t)(colon - text));
	ip[colon - text] = 0;
	options.server.sin_family = AF_INET;
	options.server.sin_port = htons((uint16_t)number(colon + 1, 65535));
	if (inet_pton(AF_INET, ip, &options.server.sin_addr) != 1)
		usage();
}

static void read_options(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "t:p:w:r:e:")) != -1) {
		if (option == 't')
			options.seconds = number(optarg, 600);
		else if (option == 'p')
			options.ports = (unsigned)number(optarg, PORTS_MAX);
		else if (option == 'w')
			options.window = (unsigned)number(optarg, FLIGHT_MAX);
		else if (option == 'r')
			options.rate = number(optarg, 1e6);
		else if (option == 'e')
			options.edns_size = (unsigned)number(optarg, 65535);
		else
			usage();
	}
	if (argc - optind != 2)
		usage();
	read_server(argv[optind]);
	options.list = argv[optind + 1];
}

static void expire(int64_t now)
{
	static int64_t last;

	if (now - last < LOOK_EVERY_NS)
		return;
	last = now;
	for (unsigned i = 0; i < options.ports; i++)
		flight_expire(&flights[i], now - LOST_AFTER_NS, &tally);
}

/* Return: how many answers have come to all ports. */
static unsigned receive_all(void)
{
	unsigned count = 0;

	for (unsigned i = 0; i < options.ports; i++)
		count += flight_receive(&flights[i], &tally);
	return count;
}

static void run_windows(int64_t end)
{
	int64_t now;

	while (!stopped && (now = flight_now()) < end) {
		for (unsigned i = 0; i < options.ports; i++) {
			flight_receive(&flights[i], &tally);
			flight_send(&flights[i], &questions, options.window,
				    &tally);
		}
		expire(now);
	}
}

static void sleep_until(int64_t when)
{
	struct pollfd fds[PORTS_MAX];
	int64_t left = when - flight_now();
	struct timespec time = {left / 1000000000, left % 1000000000};

	if (left <= 0)
		return;
	for (unsigned i = 0; i < options.ports; i++)
		fds[i] = (struct pollfd){flights[i].fd, POLLIN, 0};
	ppoll(fds, options.ports, &time, NULL);
}

static void say_asking(void)
{
	static bool said;

	if (said || !tally.answered)
		return;
	said = true;
	puts("asking");
	fflush(stdout);
}

static void run_paced(int64_t end)
{
	int64_t interval = (int64_t)(NS_PER_S / options.rate);
	int64_t now = flight_now(), next = now;
	unsigned port = 0;

	while (!stopped && (now = flight_now()) < end) {
		if (now >= next) {
			flight_send(&flights[port], &questions, 1, &tally);
			port = (port + 1) % options.ports;
			next += interval;
			/* Too late for some: they are left out, not bunched. */
			if (next < now)
				next = now;
		}
		sleep_until(next);
		receive_all();
		say_asking();
		expire(now);
	}
}

/* What is still on its way. */
static void drain(void)
{
	int64_t end = flight_now() + LOST_AFTER_NS, now;

	do {
		now = flight_now();
		receive_all();
	} while (tally.answered + tally.lost < tally.sent && now < end);
	for (unsigned i = 0; i < options.ports; i++)
		flight_expire(&flights[i], INT64_MAX, &tally);
}

static void print_result(double seconds, uint64_t in_time)
{
	printf("{\"seconds\": %.6f, \"sent\": %" PRIu64
	       ", \"answered\": %" PRIu64 ", \"wrong\": %" PRIu64
	       ", \"stray\": %" PRIu64 ", \"lost\": %" PRIu64
	       ", \"per_s\": %.1f, \"octets\": %.1f, ",
	       seconds, tally.sent, tally.answered, tally.wrong, tally.stray,
	       tally.lost, (double)in_time / seconds,
	       tally.answered ? (double)tally.octets / (double)tally.answered
			      : 0);
	latency_print(&tally.latency);
	puts("}");
}

int main(int argc, char **argv)
{
	int64_t start, end;
	uint64_t in_time;
	double seconds;

	read_options(argc, argv);
	questions_read(&questions, options.list, options.edns_size);
	/* Ended early, it reports what it has. */
	signal(SIGTERM, on_signal);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	prctl(PR_SET_TIMERSLACK, 1UL);
	for (unsigned i = 0; i < options.ports; i++)
		flight_open(&flights[i], &options.server, options.window,
			    options.rate > 0);

	start = flight_now();
	end = start + (int64_t)(options.seconds * NS_PER_S);
	if (options.rate > 0)
		run_paced(end);
	else
		run_windows(end);
	in_time = tally.answered;
	seconds = (double)(flight_now() - start) / NS_PER_S;
	drain();
	print_result(seconds, in_time);
	return 0;
}
