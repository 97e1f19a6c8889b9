/* The spec's memory. What the fields mean is in the header; who fills them: model/launch for a
 * release, model/ociconfig for an OCI config.json. */
#include "model/spec.h"

#include "base/memory.h"

#include <stdlib.h>

struct spec_mount *spec_add_mount(struct spec *spec, const char *type, const char *source,
	const char *target, uint64_t attributes)
{
	struct spec_mount *mount;

	spec->mounts = memory_resize(spec->mounts, spec->mount_count + 1, sizeof *spec->mounts);
	mount = &spec->mounts[spec->mount_count++];
	*mount = (struct spec_mount){
		.type = memory_copy_str(type),
		.source = memory_copy_str(source),
		.target = memory_copy_str(target),
		.attributes = attributes,
	};
	return mount;
}

void spec_add_rlimit(struct spec *spec, int resource, uint64_t soft, uint64_t hard)
{
	spec->rlimits = memory_resize(spec->rlimits, spec->rlimit_count + 1, sizeof *spec->rlimits);
	spec->rlimits[spec->rlimit_count++] = (struct spec_rlimit){ resource, soft, hard };
}

static void add_map(struct spec_id_map **maps, size_t *count, struct spec_id_map map)
{
	*maps = memory_resize(*maps, *count + 1, sizeof **maps);
	(*maps)[(*count)++] = map;
}

void spec_add_map(struct spec *spec, uint32_t inside, uint32_t outside, uint32_t count)
{
	const struct spec_id_map map = { inside, outside, count };

	add_map(&spec->uid_maps, &spec->uid_map_count, map);
	add_map(&spec->gid_maps, &spec->gid_map_count, map);
}

void spec_done(struct spec *spec)
{
	for (size_t i = 0; i < spec->mount_count; i++) {
		free(spec->mounts[i].type);
		free(spec->mounts[i].source);
		free(spec->mounts[i].target);
		strv_done(&spec->mounts[i].options);
	}
	free(spec->mounts);
	free(spec->hostname);
	free(spec->uid_maps);
	free(spec->gid_maps);
	strv_done(&spec->masked);
	strv_done(&spec->readonly);
	strv_done(&spec->argv);
	strv_done(&spec->env);
	free(spec->cwd);
	free(spec->groups);
	strv_done(&spec->filter_allow);
	free(spec->rlimits);
	*spec = (struct spec){ 0 };
}
