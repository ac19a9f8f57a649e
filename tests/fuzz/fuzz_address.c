// SPDX-License-Identifier: Apache-2.0
/*
 * fuzz_address.c - the text of an address, there and back
 *
 * getaddrinfo() is asked too, for what we take must be what the system's own
 * reader takes; it takes more ("127.1"), of which each has one reading here.
 */
#include <netdb.h>
#include <stdio.h>

#include "dns/wire/address.h"
#include "fuzz.h"

static void claim_sockaddr(const struct address *address)
{
	struct sockaddr_storage storage;
	char ip[64] = "", port[16] = "", text[ADDRESS_TEXT_SIZE];
	struct address back;
	socklen_t len;
	int family = address->kind == ADDRESS_IPV4 ? AF_INET : AF_INET6;

	len = address_sockaddr(address, family, &storage);
	fuzz_claim(getnameinfo((struct sockaddr *)&storage, len, ip, sizeof(ip),
			       port, sizeof(port),
			       NI_NUMERICHOST | NI_NUMERICSERV) == 0);
	if (address->kind == ADDRESS_EVERY) {
		fuzz_claim(strcmp(ip, "::") == 0);
		return;
	}
	snprintf(text, sizeof(text),
		 address->kind == ADDRESS_IPV6 ? "[%s]:%s" : "%s:%s", ip, port);
	fuzz_claim(address_parse(text, &back) == 0);
	fuzz_claim(address_equal(address, &back));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), printed[ADDRESS_TEXT_SIZE];
	char again[ADDRESS_TEXT_SIZE];
	struct address address, back, untouched;
	size_t len;

	fuzz_claim(text);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	memset(&address, 0x55, sizeof(address));
	memset(&untouched, 0x55, sizeof(untouched));
	if (address_parse(text, &address) < 0) {
		fuzz_claim(!memcmp(&address, &untouched, sizeof(address)));
		free(text);
		return 0;
	}
	len = address_print(&address, printed);
	fuzz_claim(len == strlen(printed) && len < sizeof(printed));
	fuzz_claim(!strpbrk(printed, "/@\n "));
	fuzz_claim(address_parse(printed, &back) == 0);
	fuzz_claim(address_equal(&address, &back));
	fuzz_claim(address_print(&back, again) == len);
	fuzz_claim(strcmp(printed, again) == 0);
	if (address.kind != ADDRESS_OFF)
		claim_sockaddr(&address);
	free(text);
	return 0;
}
