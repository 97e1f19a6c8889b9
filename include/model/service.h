/* Where an attached service is: what its URL says of host and port, for a gate to stand there. The
 * URL itself stays the app's, unchanged; nothing else of it is looked at. RFC 3986. */
#ifndef MODEL_SERVICE_H
#define MODEL_SERVICE_H

#include "base/error.h"

#include <stdint.h>

enum { SERVICE_HOST = 254 }; /* a name of 253 bytes and its NUL */

enum service_host { SERVICE_NAME, SERVICE_IPV4, SERVICE_IPV6 };

struct service_endpoint {
	enum service_host kind;
	char host[SERVICE_HOST]; /* lower case; an IPv6 address without its brackets */
	uint16_t port;
};

/* Whether text has the form SCHEME://… without spaces and control characters: what every URL of a
 * config has to have. ERROR_CONFIG. */
int service_check_form(const char *url, struct error *err);

/* Reads host and port, the port by the scheme where the URL does not say it. What a gate cannot
 * stand for (several hosts, SRV, UDP, a socket in the file system) is an error whose hint names
 * "egress": "open". ERROR_CONFIG; no error says anything of user and password. */
int service_parse(const char *url, struct service_endpoint *ret, struct error *err);

#endif
