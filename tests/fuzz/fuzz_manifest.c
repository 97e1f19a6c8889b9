/* isorun.json; what is read is printed for the label and read back from it. */
#include "fuzz.h"

#include "model/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	struct buf first = { 0 }, second = { 0 };
	struct manifest manifest, again;
	struct error err = { 0 };

	if (manifest_parse("f", text, size, "web: a $B\n", &manifest, &err) == 0) {
		fuzz_print(manifest_print(&manifest), &first);
		fuzz_require(manifest_parse("f", first.data, first.len, NULL, &again, &err) == 0,
			"the printed manifest is refused", &err);
		fuzz_print(manifest_print(&again), &second);
		fuzz_require_same(&first, &second);
		manifest_done(&manifest);
		manifest_done(&again);
	}
	buf_done(&first);
	buf_done(&second);
	free(text);
	return 0;
}
