/* isorun init: any bytes as each of the files; what comes out is a manifest. The files stand in
 * the input one after another, with a NUL between them. */
#include "fuzz.h"

#include "model/init.h"
#include "model/manifest.h"

enum { FILES = 3 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *texts[FILES] = { 0 };
	size_t lens[FILES] = { 0 };
	struct init_input input = { .directory = "dir", .suite = "bookworm" };
	struct init_file *files[FILES] = { &input.procfile, &input.app, &input.package };
	struct manifest manifest;
	struct buf text = { 0 };
	struct strv notes = { 0 };
	struct error err = { 0 };

	for (size_t i = 0, at = 0; i < FILES && at <= size; i++) {
		const uint8_t *end = size > at ? memchr(data + at, 0, size - at) : NULL;

		lens[i] = (end && i + 1 < FILES ? (size_t)(end - data) : size) - at;
		texts[i] = fuzz_text(data + at, lens[i]);
		*files[i] = (struct init_file){ "f", lens[i] ? texts[i] : NULL, lens[i] };
		at += lens[i] + 1;
	}
	input.npm_lock = size % 2;
	if (init_manifest(&input, &text, &notes, &err) == 0) {
		fuzz_require(manifest_parse("f", text.data, text.len, NULL, &manifest, &err) == 0,
			"a manifest that is none", &err);
		manifest_done(&manifest);
	} else {
		fuzz_require(err.kind == ERROR_CONFIG && !text.data, "another error", &err);
	}
	for (size_t i = 0; i < FILES; i++)
		free(texts[i]);
	buf_done(&text);
	strv_done(&notes);
	return 0;
}
