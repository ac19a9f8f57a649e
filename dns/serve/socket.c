// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>
#include <linux/filter.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "dns/serve/socket.h"

/* How often a port that was free for UDP may turn out to be taken for TCP. */
#define PORT_TRIES 64

/* Octets; the kernel spends them only while they are in use. */
#define UDP_KERNEL_BUFFER (1 << 20)

/* Octets that a TCP client who does not read may leave unsent in the kernel. */
#define TCP_UNSENT_MAX (64 << 10)

/* What socket(), bind() and listen() say, in the words of socket.h. */
static int socket_errno(void)
{
	switch (errno) {
	case EINVAL: /* mapped, or link-local and no interface named */
		return -EADDRNOTAVAIL;
	case ENFILE:
		return -EMFILE;
	case ENOBUFS:
		return -ENOMEM;
	case EPERM:
		return -EACCES;
	default:
		return -errno;
	}
}

static int set_option(int fd, int level, int name, int value)
{
	if (setsockopt(fd, level, name, &value, sizeof(value)) < 0)
		return socket_errno();
	return 0;
}

static bool is_wildcard(const struct address *at)
{
	static const uint8_t none[sizeof(at->ip)];
	size_t len = at->kind == ADDRESS_IPV4 ? 4 : sizeof(at->ip);

	return at->kind == ADDRESS_EVERY || !memcmp(at->ip, none, len);
}

/*
 * The kernel would bind these, and the server behind it could not answer:
 * they are never the source of a packet.
 */
static bool is_unanswerable(const struct address *at)
{
	static const uint8_t broadcast[4] = {255, 255, 255, 255};

	if (at->kind == ADDRESS_EVERY)
		return false;
	if (at->kind == ADDRESS_IPV6)
		return at->ip[0] == 0xff;
	return (at->ip[0] & 0xf0) == 0xe0 ||
	       !memcmp(at->ip, broadcast, sizeof(broadcast));
}

/*
 * With OMIT a forged "fragmentation needed" can neither shrink our answers to
 * nothing nor make them vanish (RFC 9715, section 3.1). Kernels without it
 * still answer, so nothing here may fail.
 */
static void set_udp_habits(int fd, int family)
{
	set_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT);
	if (family == AF_INET6)
		set_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER,
			   IPV6_PMTUDISC_OMIT);
	set_option(fd, SOL_SOCKET, SO_RCVBUF, UDP_KERNEL_BUFFER);
	set_option(fd, SOL_SOCKET, SO_SNDBUF, UDP_KERNEL_BUFFER);
}

/* Ask for the address that each query was sent to. */
static int set_pktinfo(int fd, int family)
{
	if (family == AF_INET6)
		return set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
	return set_option(fd, IPPROTO_IP, IP_PKTINFO, 1);
}

/* Connections inherit these from the socket that listens. */
static int set_tcp_habits(int fd)
{
	set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	set_option(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, TCP_UNSENT_MAX);
	return set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
}

static int open_socket(const struct address *at, int family, int type, int *out)
{
	CLEANUP(closep) int fd = -1;
	int r = 0;

	fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return socket_errno();
	if (family == AF_INET6)
		r = set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY,
			       at->kind != ADDRESS_EVERY);
	if (r < 0)
		return r;
	*out = take_fd(&fd);
	return 0;
}

static int bind_socket(int fd, const struct address *at, int family)
{
	struct sockaddr_storage name;
	socklen_t len = address_sockaddr(at, family, &name);

	return bind(fd, (struct sockaddr *)&name, len) < 0 ? socket_errno() : 0;
}

/* With @joins it may be bound beside another one that shares its address. */
static int open_udp(const struct address *at, int family, bool joins, int *out)
{
	CLEANUP(closep) int fd = -1;
	int r = open_socket(at, family, SOCK_DGRAM, &fd);

	if (r < 0)
		return r;
	set_udp_habits(fd, family);
	if (is_wildcard(at))
		r = set_pktinfo(fd, family);
	if (r == 0 && joins)
		r = set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (r == 0)
		r = bind_socket(fd, at, family);
	if (r < 0)
		return r;
	*out = take_fd(&fd);
	return 0;
}

static int open_tcp(const struct address *at, int family, int *out)
{
	CLEANUP(closep) int fd = -1;
	int r = open_socket(at, family, SOCK_STREAM, &fd);

	if (r == 0)
		r = set_tcp_habits(fd);
	if (r == 0)
		r = bind_socket(fd, at, family);
	/* Of two bound sockets with SO_REUSEADDR one only gets past this. */
	if (r == 0 && listen(fd, SOMAXCONN) < 0)
		r = socket_errno();
	if (r < 0)
		return r;
	*out = take_fd(&fd);
	return 0;
}

static int local_port(int fd, uint16_t *out)
{
	struct sockaddr_storage name;
	socklen_t len = sizeof(name);

	if (getsockname(fd, (struct sockaddr *)&name, &len) < 0)
		return socket_errno();
	if (name.ss_family == AF_INET6)
		*out = ntohs(((struct sockaddr_in6 *)&name)->sin6_port);
	else
		*out = ntohs(((struct sockaddr_in *)&name)->sin_port);
	return 0;
}

static int bind_pair(struct socket_pair *out, struct address *bound,
		     const struct address *at, int family)
{
	CLEANUP(closep) int udp = -1;
	CLEANUP(closep) int tcp = -1;
	struct address both = *at;
	int r;

	r = open_udp(at, family, false, &udp);
	if (r == 0)
		r = local_port(udp, &both.port);
	if (r == 0)
		r = open_tcp(&both, family, &tcp);
	if (r < 0)
		return r;
	out->udp = take_fd(&udp);
	out->tcp = take_fd(&tcp);
	out->wildcard = is_wildcard(at);
	*bound = both;
	return 0;
}

static int bind_family(struct socket_pair *out, struct address *bound,
		       const struct address *at, int family)
{
	unsigned tries = at->port ? 1 : PORT_TRIES;
	int r;

	do {
		r = bind_pair(out, bound, at, family);
	} while (r == -EADDRINUSE && --tries);
	return r;
}

int socket_bind(struct socket_pair *out, struct address *bound,
		const struct address *at)
{
	int r;

	assert(at->kind != ADDRESS_OFF);
	if (is_unanswerable(at))
		return -EADDRNOTAVAIL;
	if (at->kind == ADDRESS_IPV4)
		return bind_family(out, bound, at, AF_INET);
	r = bind_family(out, bound, at, AF_INET6);
	if (at->kind == ADDRESS_EVERY &&
	    (r == -EAFNOSUPPORT || r == -EADDRNOTAVAIL))
		r = bind_family(out, bound, at, AF_INET);
	return r;
}

/* The kernel's own rule: 127.0.0.9 needs no interface that has it. */
int socket_probe(const struct address *at)
{
	CLEANUP(closep) int fd = -1;
	struct address any_port = *at;
	int family = at->kind == ADDRESS_IPV4 ? AF_INET : AF_INET6;
	int r;

	if (is_wildcard(at))
		return 0;
	r = open_socket(at, family, SOCK_DGRAM, &fd);
	if (r < 0)
		return r;
	/* No port is taken, which somebody might want at this moment. */
	any_port.port = 0;
	set_option(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
	return bind_socket(fd, &any_port, family);
}

static int set_program(int fd, int name, const struct sock_filter *program,
		       unsigned short len)
{
	/* The kernel copies it. */
	struct sock_fprog all = {len, (struct sock_filter *)program};

	if (setsockopt(fd, SOL_SOCKET, name, &all, sizeof(all)) < 0)
		return socket_errno();
	return 0;
}

/*
 * A program that has read past the end returns 0, which is one of ours too.
 * What it returns must be less than the number of sockets: the kernel takes any
 * of those there are otherwise, also one that is not ours.
 */
static int choose_by_id(int fd, unsigned sockets)
{
	const struct sock_filter program[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 0),
		BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, sockets),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};

	return set_program(fd, SO_ATTACH_REUSEPORT_CBPF, program,
			   ARRAY_SIZE(program));
}

static int socket_family(int fd, int *out)
{
	socklen_t len = sizeof(*out);

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, out, &len) < 0)
		return socket_errno();
	return 0;
}

static void close_all(int *fds, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		closep(&fds[i]);
}

/*
 * Numbers are given in the order of bind(): whoever comes between the first one
 * of ours and the last has a number that should be ours. So they come in one
 * go, and the program before anything else is done.
 */
int socket_spread(int fd, const struct address *bound, int *out, unsigned count)
{
	unsigned made = 0;
	int family;
	int r = socket_family(fd, &family);

	assert(count && bound->port);
	if (r == 0)
		r = set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	while (r == 0 && made < count) {
		r = open_udp(bound, family, true, &out[made]);
		if (r == 0)
			made++;
	}
	if (r == 0)
		r = choose_by_id(fd, count + 1);
	if (r < 0) {
		close_all(out, made);
		set_option(fd, SOL_SOCKET, SO_REUSEPORT, 0);
	}
	return r;
}

/* The program is set again, as long as nobody else can have set another. */
void socket_share(const int *fds, unsigned count, bool on)
{
	assert(count > 1);
	if (on)
		choose_by_id(fds[0], count);
	for (unsigned i = 0; i < count; i++)
		set_option(fds[i], SOL_SOCKET, SO_REUSEPORT, on);
}

void socket_shut(int fd)
{
	static const struct sock_filter none[] = {
		BPF_STMT(BPF_RET | BPF_K, 0),
	};

	set_program(fd, SO_ATTACH_FILTER, none, ARRAY_SIZE(none));
}

void socket_close(struct socket_pair *pair)
{
	closep(&pair->udp);
	closep(&pair->tcp);
}
