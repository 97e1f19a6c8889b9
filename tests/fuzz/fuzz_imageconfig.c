/* OCI image configs. */
#include "fuzz.h"

#include "model/imageconfig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	struct buf first = { 0 }, second = { 0 };
	struct imageconfig config, again;
	struct error err = { 0 };

	if (imageconfig_parse("f", text, size, &config, &err) == 0) {
		imageconfig_set_label(&config, IMAGECONFIG_RELEASE, "r");
		imageconfig_print(&config, &first);
		fuzz_require(imageconfig_parse("f", first.data, first.len, &again, &err) == 0,
			"the printed config is refused", &err);
		imageconfig_print(&again, &second);
		fuzz_require_same(&first, &second);
		imageconfig_done(&config);
		imageconfig_done(&again);
	}
	buf_done(&first);
	buf_done(&second);
	free(text);
	return 0;
}
