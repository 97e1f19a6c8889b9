/* What start says of a release before it runs: where its services are, for an .env that came with
 * the codebase may have attached them, and what of it will not work as its author may think. User
 * and password of a URL are not said. */
#include "advise.h"

#include "cli/cli.h"
#include "model/service.h"

#include <stdio.h>
#include <string.h>

static bool is_service(const struct release *release, const char *key, size_t len)
{
	for (size_t i = 0; i < release->services.len; i++) {
		const char *own = strchr(release->services.items[i], '=') + 1;

		if (strlen(own) == len && strncmp(own, key, len) == 0)
			return true;
	}
	return false;
}

static void print_end(const struct service_endpoint *end, char *text, size_t size)
{
	(void)snprintf(text, size, end->kind == SERVICE_IPV6 ? "[%s]:%u" : "%s:%u", end->host,
		(unsigned)end->port); /* fits */
}

static void tell_services(const struct release *release)
{
	for (size_t i = 0; i < release->services.len; i++) {
		const char *item = release->services.items[i], *key = strchr(item, '=') + 1;
		const char *url = strv_env_get(&release->env, key);
		struct service_endpoint end;
		char text[SERVICE_HOST + 16];
		struct error ignored; /* egress "open" takes any */

		if (!url || service_parse(url, &end, &ignored) < 0)
			continue;
		print_end(&end, text, sizeof text);
		(void)fprintf(stderr, "isorun: service %.*s is %s (%s)\n", (int)(key - item - 1),
			item, text, key);
	}
}

/* Addresses of pages are in many environments, and nobody means to connect there. */
static bool is_page(const char *url)
{
	return strncmp(url, "http:", 5) == 0 || strncmp(url, "https:", 6) == 0;
}

static void warn_of_urls(const struct release *release)
{
	for (size_t i = 0; release->egress == EGRESS_SERVICES && i < release->env.len; i++) {
		const char *item = release->env.items[i];
		size_t len = strcspn(item, "=");
		const char *url = item + len + 1;
		struct service_endpoint end;
		char text[SERVICE_HOST + 16];
		struct error ignored; /* then it is no such URL */

		if (is_page(url) || is_service(release, item, len) ||
			service_parse(url, &end, &ignored) < 0)
			continue;
		print_end(&end, text, sizeof text);
		cli_warn("%.*s is the URL of no declared service: the app cannot reach %s; in "
			 "isorun.json: \"services\": { \"NAME\": { \"env\": \"%.*s\" } }",
			(int)len, item, text, (int)len, item);
	}
}

void advise_of_release(const struct release *release)
{
	tell_services(release);
	warn_of_urls(release);
}
