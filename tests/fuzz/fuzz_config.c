/* A deploy's config as a file and as flags; what is read is joined with a fixed manifest, and the
 * release read back. */
#include "fuzz.h"

#include "model/release.h"

static const char app[] =
	"{\"name\":\"a\",\"processes\":{\"web\":{\"command\":\"a $B\",\"port\":true},"
	"\"worker\":{\"command\":\"b\"}},\"env\":{\"A\":\"1\"},\"services\":{\"cache\":{}}}";

static void join(const struct config *config)
{
	struct buf first = { 0 }, second = { 0 };
	struct manifest manifest;
	struct release release, again;
	struct error err = { 0 };

	fuzz_require(manifest_parse("m", app, sizeof app - 1, NULL, &manifest, &err) == 0,
		"the manifest is refused", &err);
	if (release_join(&manifest, config, NULL, &release, &err) == 0) {
		fuzz_print(release_print(&release), &first);
		fuzz_require(release_parse("r", first.data, first.len, &again, &err) == 0,
			"the printed release is refused", &err);
		fuzz_print(release_print(&again), &second);
		fuzz_require_same(&first, &second);
		release_done(&release);
		release_done(&again);
	}
	manifest_done(&manifest);
	buf_done(&first);
	buf_done(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	struct config config = { 0 };
	struct error err = { 0 };

	if (config_parse("f", text, size, &config, &err) == 0) {
		join(&config);
		config_done(&config);
	}
	if (config_set_env(&config, text, &err) == 0 ||
		config_set_service(&config, text, &err) == 0 ||
		config_set_port(&config, text, &err) == 0 ||
		config_set_formation(&config, text, &err) == 0)
		join(&config);
	config_done(&config);
	free(text);
	return 0;
}
