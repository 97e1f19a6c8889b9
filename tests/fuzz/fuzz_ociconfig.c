/* OCI config.json files: whatever is accepted is a spec that can be launched and freed. */
#include "fuzz.h"

#include "model/ociconfig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	struct spec spec;
	struct error err = { 0 };
	char *root;

	if (ociconfig_parse("f", text, size, &spec, &root, &err) == 0) {
		fuzz_require(spec.argv.len > 0, "a process without a command", NULL);
		fuzz_require(spec.cwd && spec.cwd[0] == '/', "a relative directory", NULL);
		fuzz_require(root && *root, "no root", NULL);
		for (size_t i = 0; i < spec.mount_count; i++)
			fuzz_require(spec.mounts[i].target[0] == '/', "a relative mount", NULL);
		spec_done(&spec);
		free(root);
	}
	free(text);
	return 0;
}
