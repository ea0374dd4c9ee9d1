/* SPDX-License-Identifier: MIT */
/* pprof's format: profile.proto, compressed as gzip does. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include <zlib.h>

#include "alloc.h"
#include "format.h"
#include "profile_make.h"

#define GZIP (MAX_WBITS + 16)

/* One piece: a profile is small. */
static void put_compressed(FILE *out, const uint8_t *bytes, size_t size)
{
	z_stream z = {.next_in = (uint8_t *)(uintptr_t)bytes, .avail_in = (uInt)size};
	uint8_t *packed;

	if (deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, GZIP, 9, Z_DEFAULT_STRATEGY) != Z_OK)
		out_of_memory();
	z.avail_out = (uInt)deflateBound(&z, size);
	packed = xcalloc(z.avail_out, 1);
	z.next_out = packed;
	if (deflate(&z, Z_FINISH) != Z_STREAM_END)
		out_of_memory();
	fwrite(packed, 1, z.total_out, out);
	deflateEnd(&z);
	free(packed);
}

static uint64_t time_of(const struct report *r, enum pprof_time how)
{
	struct timespec now;

	switch (how) {
	case PPROF_TIME_NONE:
		return 0;
	case PPROF_TIME_NOW:
		clock_gettime(CLOCK_REALTIME, &now);
		return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	default:
		return r->now_at;
	}
}

static void render(FILE *out, const struct report *r, const struct render_options *how)
{
	size_t size;
	uint8_t *bytes = profile_make(r, time_of(r, how->pprof_time), &size);

	put_compressed(out, bytes, size);
	free(bytes);
}

DEFINE_FORMAT(pprof, render, true);
