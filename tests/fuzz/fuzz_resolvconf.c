/* The host's resolv.conf: what is made of it names one server, and nothing that the host's did not
 * say. */
#include "fuzz.h"

#include "../../src/network/egress.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	struct egress_names names;
	struct buf once = { 0 }, twice = { 0 };

	egress_names_parse(text, &names);
	fuzz_require(names.count > 0 && names.count <= EGRESS_NAMESERVERS, "no server", NULL);
	for (unsigned i = 0; i < names.count; i++)
		fuzz_require(names.servers[i].port == 53, "another port", NULL);
	egress_names_print(text, &once);
	egress_names_print(once.data, &twice);
	fuzz_require_same(&once, &twice);
	egress_names_parse(once.data, &names);
	fuzz_require(names.count == 1, "another server", NULL);
	buf_done(&once);
	buf_done(&twice);
	free(text);
	return 0;
}
