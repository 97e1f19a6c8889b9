/* Releases from strangers: read, printed, read back, and each process made a launch spec. */
#include "fuzz.h"

#include "model/release.h"

static void launch(const struct release *release)
{
	for (size_t i = 0; i < release->process_count; i++) {
		const struct release_launch launch = { .type = &release->processes[i],
			.instance = "web.1",
			.version = "v1-000000000000",
			.ids = { .uid = 65536, .gid = 65536 } };
		struct spec spec;

		release_spec(release, &launch, &spec);
		fuzz_require(spec.no_new_privs && spec.argv.len > 0, "an open spec", NULL);
		spec_done(&spec);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	struct buf first = { 0 }, second = { 0 };
	struct release release, again;
	struct error err = { 0 };

	if (release_parse("f", text, size, &release, &err) == 0) {
		launch(&release);
		fuzz_print(release_print(&release), &first);
		fuzz_require(release_parse("f", first.data, first.len, &again, &err) == 0,
			"the printed release is refused", &err);
		fuzz_print(release_print(&again), &second);
		fuzz_require_same(&first, &second);
		release_done(&release);
		release_done(&again);
	}
	buf_done(&first);
	buf_done(&second);
	free(text);
	return 0;
}
