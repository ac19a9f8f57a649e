// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <sys/socket.h>

#include "dns/wire/thread.h"
#include "dns/wire/util.h"
#include "fs/fleet/bus_nats_connect.h"

/* What one read takes from the socket at most. */
#define READ_SIZE (128 * 1024)
/* The library's own ping: so seldom that it is none. */
#define PING_MS (24 * 3600 * 1000)
/* A name takes as long as a resolver of which one server is dead. */
#define RESOLVE_MS 10000
/* The library gives up by itself where it can; else it is given so much more.
 */
#define GRACE_MS 200
/* Addresses of one name that are tried. */
#define ADDRESSES_MAX 4

struct attempt {
	/* Copies: the line may be freed before. */
	struct bus_url url;
	struct credentials credentials;
	char *ca, *name;
	unsigned within_ms;

	pthread_mutex_t mutex;
	pthread_cond_t cond;
	uint64_t until_ms; /* of this step */
	bool is_done, is_left;

	/* What comes of it. */
	natsConnection *nats;
	struct bus_socket *socket;
	int result;
	char why[LINE_WHY_SIZE];
};

static atomic_uint attempts;

unsigned bus_nats_attempts(void)
{
	return atomic_load(&attempts);
}

void bus_nats_begin(void)
{
	/*
	 * Else exit() frees what libcrypto has, while an attempt that was left
	 * behind may use it.
	 */
	OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
}

static void attempt_free(struct attempt *attempt)
{
	pthread_cond_destroy(&attempt->cond);
	pthread_mutex_destroy(&attempt->mutex);
	credentials_deinit(&attempt->credentials);
	free(attempt->ca);
	free(attempt->name);
	free(attempt);
}

/* ---- The library's options ---- */

static natsStatus on_jwt(char **out, char **why, void *arg)
{
	const struct credentials *credentials = arg;

	(void)why;
	*out = strdup(credentials->jwt);
	return *out ? NATS_OK : NATS_NO_MEMORY;
}

static natsStatus on_sign(char **why, unsigned char **out, int *len,
			  const char *nonce, void *arg)
{
	unsigned char *signature = malloc(crypto_sign_BYTES);

	(void)why;
	if (!signature)
		return NATS_NO_MEMORY;
	credentials_sign(arg, nonce, strlen(nonce), signature);
	*out = signature;
	*len = crypto_sign_BYTES;
	return NATS_OK;
}

/* Else it prints. What went wrong is asked for: see line_complains(). */
static void on_error(natsConnection *nats, natsSubscription *subscription,
		     natsStatus status, void *arg)
{
	(void)nats;
	(void)subscription;
	(void)status;
	(void)arg;
}

static natsStatus set_tls(natsOptions *options, const struct attempt *attempt)
{
	natsStatus status = natsOptions_SetSecure(options, true);

	if (status == NATS_OK)
		status = natsOptions_SetExpectedHostname(options,
							 attempt->url.host);
	if (status == NATS_OK && attempt->ca)
		status = natsOptions_SetCATrustedCertificates(options,
							      attempt->ca);
	return status;
}

static natsStatus set_identity(natsOptions *options, struct attempt *attempt)
{
	struct credentials *credentials = &attempt->credentials;
	natsStatus status = natsOptions_SetName(options, attempt->name);

	if (status == NATS_OK && credentials->jwt)
		status = natsOptions_SetUserCredentialsCallbacks(
			options, on_jwt, credentials, on_sign, credentials);
	return status;
}

/* What the head of bus_nats.c says, and why. */
static natsStatus set_mode(natsOptions *options, unsigned within_ms,
			   struct bus_socket **socket)
{
	natsStatus statuses[] = {
		bus_socket_set(options, socket),
		natsOptions_SetSendAsap(options, true),
		natsOptions_SetAllowReconnect(options, false),
		natsOptions_SetRetryOnFailedConnect(options, false, NULL, NULL),
		natsOptions_SetIgnoreDiscoveredServers(options, true),
		natsOptions_UseGlobalMessageDelivery(options, true),
		natsOptions_SetNoEcho(options, true),
		natsOptions_SetTimeout(options, within_ms),
		natsOptions_SetWriteDeadline(options, LINE_WRITE_MS),
		natsOptions_SetPingInterval(options, PING_MS),
		natsOptions_SetIOBufSize(options, READ_SIZE),
		natsOptions_SetErrorHandler(options, on_error, NULL),
	};

	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++)
		if (statuses[i] != NATS_OK)
			return statuses[i];
	return NATS_OK;
}

static void options_destroy(natsOptions **options)
{
	natsOptions_Destroy(*options);
}

/* @url: with an address. */
static natsStatus connect_to(struct attempt *attempt, const char *url)
{
	CLEANUP(options_destroy) natsOptions *options = NULL;
	natsStatus status = natsOptions_Create(&options);

	if (status == NATS_OK)
		status = natsOptions_SetURL(options, url);
	if (status == NATS_OK)
		status =
			set_mode(options, attempt->within_ms, &attempt->socket);
	if (status == NATS_OK)
		status = set_identity(options, attempt);
	if (status == NATS_OK && attempt->url.is_tls)
		status = set_tls(options, attempt);
	if (status == NATS_OK)
		status = natsConnection_Connect(&attempt->nats, options);
	if (status != NATS_OK)
		bus_socket_free(steal(&attempt->socket));
	return status;
}

/* ---- An attempt's thread ---- */

static bool begin_step(struct attempt *attempt, uint64_t ms)
{
	bool is_left;

	pthread_mutex_lock(&attempt->mutex);
	attempt->until_ms = bus_now_ms() + ms;
	is_left = attempt->is_left;
	pthread_mutex_unlock(&attempt->mutex);
	return !is_left;
}

static int result_of(natsStatus status)
{
	switch (status) {
	case NATS_OK:
		return 0;
	case NATS_CONNECTION_AUTH_FAILED:
	case NATS_NOT_PERMITTED:
		return -EACCES;
	case NATS_SSL_ERROR:
	case NATS_SECURE_CONNECTION_REQUIRED:
	case NATS_SECURE_CONNECTION_WANTED:
		return -EPROTO;
	default:
		return -ECONNREFUSED;
	}
}

static void try_address(struct attempt *attempt, const struct addrinfo *at)
{
	char host[NI_MAXHOST], port[NI_MAXSERV], url[BUS_URL_SIZE + NI_MAXHOST];
	bool is_ipv6 = at->ai_family == AF_INET6;
	const char *detail;
	natsStatus status;

	if (getnameinfo(at->ai_addr, at->ai_addrlen, host, sizeof(host), port,
			sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return;
	snprintf(url, sizeof(url), "nats://%s%s%s:%s", is_ipv6 ? "[" : "", host,
		 is_ipv6 ? "]" : "", port);
	status = connect_to(attempt, url);
	attempt->result = result_of(status);
	if (status == NATS_OK)
		return;
	detail = nats_GetLastError(NULL);
	snprintf(attempt->why, sizeof(attempt->why), "%s",
		 detail && *detail ? detail : natsStatus_GetText(status));
}

static int resolve(struct attempt *attempt, struct addrinfo **out)
{
	const struct addrinfo hints = {
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICSERV,
	};
	const char *port = strrchr(attempt->url.text, ':') + 1;

	return getaddrinfo(attempt->url.host, port, &hints, out);
}

static void try_name(struct attempt *attempt)
{
	struct addrinfo *list = NULL;
	int error, count = 0;

	attempt->result = -ECONNREFUSED;
	error = resolve(attempt, &list);
	if (error)
		snprintf(attempt->why, sizeof(attempt->why), "%s",
			 gai_strerror(error));
	for (struct addrinfo *at = list; at && count < ADDRESSES_MAX;
	     at = at->ai_next, count++) {
		if (!begin_step(attempt, attempt->within_ms + GRACE_MS))
			break;
		try_address(attempt, at);
		if (attempt->result == 0)
			break;
	}
	if (list)
		freeaddrinfo(list);
}

static void *attempt_main(void *arg)
{
	struct attempt *attempt = arg;
	bool is_left;

	try_name(attempt);
	pthread_mutex_lock(&attempt->mutex);
	attempt->is_done = true;
	is_left = attempt->is_left;
	pthread_cond_signal(&attempt->cond);
	pthread_mutex_unlock(&attempt->mutex);
	if (!is_left)
		return NULL;
	natsConnection_Destroy(attempt->nats);
	bus_socket_free(attempt->socket);
	attempt_free(attempt);
	attempts--;
	return NULL;
}

/* ---- Who waits for it ---- */

static int copy_options(struct attempt *attempt,
			const struct line_options *options)
{
	attempt->name = strdup(options->name);
	if (options->ca)
		attempt->ca = strdup(options->ca);
	if (options->credentials) {
		attempt->credentials = *options->credentials;
		attempt->credentials.jwt = strdup(options->credentials->jwt);
	}
	if (!attempt->name || (options->ca && !attempt->ca) ||
	    (options->credentials && !attempt->credentials.jwt))
		return -ENOMEM;
	return 0;
}

static void attempt_drop(struct attempt **attempt)
{
	if (*attempt)
		attempt_free(*attempt);
}

static int attempt_new(struct attempt **out, const struct line_options *options,
		       const struct bus_url *url, unsigned within_ms)
{
	CLEANUP(attempt_drop) struct attempt *attempt = NULL;
	int r;

	attempt = calloc(1, sizeof(*attempt));
	if (!attempt)
		return -ENOMEM;
	pthread_mutex_init(&attempt->mutex, NULL);
	r = thread_cond_init(&attempt->cond);
	if (r < 0)
		return r;
	attempt->url = *url;
	attempt->within_ms = within_ms;
	attempt->until_ms = bus_now_ms() + RESOLVE_MS;
	r = copy_options(attempt, options);
	if (r < 0)
		return r;
	r = thread_start(NULL, attempt_main, attempt);
	if (r < 0)
		return r;
	*out = steal(&attempt);
	return 0;
}

/* Return: whether it is done; else it is left behind. */
static bool wait_for(struct attempt *attempt,
		     const struct line_options *options)
{
	bool is_done;

	pthread_mutex_lock(&attempt->mutex);
	while (!attempt->is_done && bus_now_ms() < attempt->until_ms &&
	       !options->stops(options->arg))
		thread_cond_wait(&attempt->cond, &attempt->mutex, 50);
	is_done = attempt->is_done;
	attempt->is_left = !is_done;
	if (!is_done)
		attempts++;
	pthread_mutex_unlock(&attempt->mutex);
	return is_done;
}

int bus_nats_connect(const struct line_options *options,
		     const struct bus_url *url, unsigned within_ms,
		     natsConnection **nats, struct bus_socket **socket,
		     char why[LINE_WHY_SIZE])
{
	struct attempt *attempt;
	int r;

	snprintf(why, LINE_WHY_SIZE, "too many attempts hang");
	if (bus_nats_attempts() >= BUS_NATS_ATTEMPTS_MAX)
		return -EAGAIN;
	r = attempt_new(&attempt, options, url, within_ms);
	snprintf(why, LINE_WHY_SIZE, "%s", r < 0 ? strerror(-r) : "timeout");
	if (r < 0)
		return r;
	if (!wait_for(attempt, options))
		return -ECONNREFUSED;
	r = attempt->result;
	*nats = attempt->nats;
	*socket = attempt->socket;
	memcpy(why, attempt->why, LINE_WHY_SIZE);
	attempt_free(attempt);
	return r;
}
