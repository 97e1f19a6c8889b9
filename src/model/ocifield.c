/* Members of an OCI config.json's objects, read into plain C. An optional one that is absent leaves
 * what it would be read into alone. */
#include "ocifield.h"

#include "base/memory.h"

#include <stdlib.h>

/* Each element of the array key, if there is one. */
int ocifield_each(const struct json_at *at, const char *key, ocifield_element *parse,
	struct spec *spec, struct error *err)
{
	struct json_at array, element;

	if (!json_member(at, key, &array))
		return 0;
	if (json_is(&array, JSON_ARRAY, err) < 0)
		return -1;
	for (size_t i = 0; json_element(&array, i, &element); i++)
		if (parse(&element, spec, err) < 0)
			return -1;
	return 0;
}

/* Optional members: absent leaves *ret alone. */

int ocifield_str(const struct json_at *at, const char *key, char **ret, struct error *err)
{
	struct json_at member;
	const char *text;

	if (!json_member(at, key, &member))
		return 0;
	if (json_get_str(&member, &text, err) < 0)
		return -1;
	free(*ret);
	*ret = memory_copy_str(text);
	return 0;
}

int ocifield_strv(const struct json_at *at, const char *key, struct strv *ret, struct error *err)
{
	struct json_at member;

	return json_member(at, key, &member) ? json_get_strv(&member, ret, err) : 0;
}

int ocifield_bool(const struct json_at *at, const char *key, bool *ret, struct error *err)
{
	struct json_at member;

	return json_member(at, key, &member) ? json_get_bool(&member, ret, err) : 0;
}

int ocifield_u32(const struct json_at *at, const char *key, uint32_t *ret, struct error *err)
{
	struct json_at member;
	int64_t value;

	if (!json_member(at, key, &member))
		return 0;
	/* 2^32-1 is "no id" to the kernel, and an id that is cut to 32 bits may be root's. */
	if (json_get_int(&member, 0, UINT32_MAX - 1, &value, err) < 0)
		return -1;
	*ret = (uint32_t)value;
	return 0;
}

/* Present and not null, empty or "": refused, because ignoring it would give more than was asked.
 */
int ocifield_refuse(const struct json_at *at, const char *const *keys, struct error *err)
{
	struct json_at member;

	for (; *keys; keys++) {
		if (!json_member(at, *keys, &member) || json_is_null(member.value))
			continue;
		if ((json_is_object(member.value) || json_is_array(member.value)) &&
			json_object_size(member.value) + json_array_size(member.value) == 0)
			continue;
		if (json_is_string(member.value) && json_string_length(member.value) == 0)
			continue;
		json_error(&member, err, "not supported");
		err->kind = ERROR_UNSUPPORTED;
		return -1;
	}
	return 0;
}
