/* Resources that free themselves when their variable leaves scope (GCC's cleanup attribute), so
 * that every early return is a plain return. A descriptor is -1 and a pointer NULL when empty. */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_close(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd); /* nothing was written through it that close could still lose */
}

static inline void cleanup_free(void *pointer)
{
	free(*(void **)pointer);
}

static inline void cleanup_closedir(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir); /* reading only */
}

static inline void cleanup_fclose(FILE **file)
{
	if (*file)
		(void)fclose(*file); /* writers call fclose themselves and look at it */
}

#define CLEANUP_CLOSE    __attribute__((cleanup(cleanup_close)))
#define CLEANUP_FREE     __attribute__((cleanup(cleanup_free)))
#define CLEANUP_CLOSEDIR __attribute__((cleanup(cleanup_closedir)))
#define CLEANUP_FCLOSE   __attribute__((cleanup(cleanup_fclose)))

/* Takes a descriptor out of its variable, so that the cleanup leaves it open. */
static inline int steal_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/* Takes a pointer out of its variable, so that the cleanup leaves it alone. */
#define STEAL(pointer)                                  \
	({                                              \
		__typeof__(pointer) taken_ = (pointer); \
		(pointer) = NULL;                       \
		taken_;                                 \
	})

#endif
