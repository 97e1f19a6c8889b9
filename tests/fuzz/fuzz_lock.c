/* isorun.lock. */
#include "fuzz.h"

#include "model/lock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	struct buf first = { 0 }, second = { 0 };
	struct lock lock, again;
	struct error err = { 0 };

	if (lock_parse("f", text, size, &lock, &err) == 0) {
		lock_print(&lock, &first);
		fuzz_require(lock_parse("f", first.data, first.len, &again, &err) == 0,
			"the printed lock is refused", &err);
		lock_print(&again, &second);
		fuzz_require_same(&first, &second);
		lock_done(&lock);
		lock_done(&again);
	}
	buf_done(&first);
	buf_done(&second);
	free(text);
	return 0;
}
