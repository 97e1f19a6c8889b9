/* URLs of services. What is taken names a host and a port that read the same by themselves. */
#include "fuzz.h"

#include "model/service.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct service_endpoint endpoint, again;
	struct error err = { 0 };
	char *text = fuzz_text(data, size);
	char url[SERVICE_HOST + 32];

	if (service_parse(text, &endpoint, &err) == 0) {
		(void)snprintf(url, sizeof url,
			endpoint.kind == SERVICE_IPV6 ? "tcp://[%s]:%u" : "tcp://%s:%u",
			endpoint.host, (unsigned)endpoint.port);
		fuzz_require(service_parse(url, &again, &err) == 0, "its host is refused", &err);
		fuzz_require(endpoint.kind == again.kind && endpoint.port == again.port &&
				     strcmp(endpoint.host, again.host) == 0,
			"its host reads differently", NULL);
		fuzz_require(endpoint.port != 0 && endpoint.host[0], "no host or port", NULL);
	}
	free(text);
	return 0;
}
