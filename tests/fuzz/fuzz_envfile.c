/* Env files: the first byte chooses the dialect. */
#include "fuzz.h"

#include "model/config.h"
#include "model/envfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config config = { 0 };
	struct strv items = { 0 };
	struct error err = { 0 };
	char *text, *port;

	if (size == 0)
		return 0;
	text = fuzz_text(data + 1, size - 1);
	if (envfile_parse((enum envfile_dialect)(data[0] % 4), "f", text, size - 1, &items, &err) ==
		0)
		for (size_t i = 0; i < items.len; i++)
			fuzz_require(config_set_env(&config, items.items[i], &err) == 0,
				"an item that a flag would refuse", &err);
	fuzz_require(config.env.len == items.len, "a duplicate", NULL);
	strv_done(&items);
	if (envfile_parse_foreman((enum envfile_dialect)(data[0] % 4), "f", text, size - 1, &items,
		    &port, &err) == 0) {
		for (size_t i = 0; i < items.len; i++)
			fuzz_require(config_set_env(&config, items.items[i], &err) == 0,
				"an item that a flag would refuse", &err);
		free(port);
	}
	strv_done(&items);
	config_done(&config);
	free(text);
	return 0;
}
