/* SPDX-License-Identifier: MIT */
/*
 * What a program asks of us itself, by include/socklint.h: no hooks, but found by name. Callable
 * wherever a hook is. The programs are built with the header of their own time: what is handed
 * over has the size that they say, and a name that ends in its version.
 */
#include <netinet/tcp.h>
#include <string.h>

#include "facts.h"
#include "house.h"
#include "init.h"
#include "kept.h"
#include "lives.h"
#include "modules.h"
#include "recording.h"
#include "shards.h"
#include "shim.h"
#include "sites.h"
#include "slots.h"
#include "socklint.h"
#include "words.h"

/* Found by name: no header of ours declares them. */
int socklint_keep_v1(int fd, const char *reason);
void socklint_checkpoint_v1(struct socklint_checkpoint *now, size_t bytes);
int socklint_leaks_v1(const struct socklint_checkpoint *since, int which, struct socklint_leak *out,
		      size_t each_bytes, size_t room);

_Static_assert(sizeof(struct socklint_address) == sizeof(struct rec_addr), "one layout");

EXPORT int socklint_keep_v1(int fd, const char *reason)
{
	struct life_ref ref;
	uint64_t id;

	if (!hook_enter() || process_is_other())
		return 0;
	ref = life_find(fd);
	if (!ref.life)
		return 0;
	id = word_get(&ref.life->id);
	if (!life_is(ref))
		return 0;
	life_flag(ref, REC_LIFE_KEPT);
	if (word_get(&ref.life->flags) & REC_LIFE_DUPLICATE)
		lives_flag_all(id, REC_LIFE_KEPT);
	kept_add(id, fd, reason ? reason : "");
	return 1;
}

EXPORT void socklint_checkpoint_v1(struct socklint_checkpoint *now, size_t bytes)
{
	memset(now, 0, bytes);
	if (hook_enter())
		now->next_socket = id_from_now_on();
}

/* ---- leaks ------------------------------------------------------------------------------- */

/* Where the kernel may not be asked any more, what the program was told must do. */
static int state_as_told(const struct rec_life *l)
{
	if (l->flags & REC_LIFE_RESET)
		return TCP_CLOSE;
	return (l->flags & REC_LIFE_EOF) && !(l->flags & REC_LIFE_SHUT_WR) ? TCP_CLOSE_WAIT : 0;
}

static bool is_meant(const struct rec_life *l, int which, int state)
{
	if (l->flags & REC_LIFE_KEPT)
		return false;
	return which == SOCKLINT_OPEN || state == TCP_CLOSE_WAIT || state == TCP_CLOSE;
}

/* The life in fd as it stands, held against the kernel. Makes no recording where there is none. */
static bool life_read(int fd, uint64_t since, struct rec_life *copy, struct rec_life_rest *rest)
{
	struct rec_life *l = life_slot(fd);
	struct life_ref ref = {l, l ? word_get_acquire(&l->seq) : 0, fd};

	if (!(ref.seq & 1) || word_get(&l->id) < since)
		return false;
	if (!shim.sealed && !facts_ask(fd, ref)) {
		life_vanished(ref);
		return false;
	}
	words_copy(copy, l, sizeof(*copy));
	words_copy(rest, life_rest(ref), sizeof(*rest));
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return life_is(ref);
}

/* A lower descriptor was counted for this socket. */
static bool is_counted(int fd, const struct rec_life *l)
{
	if (!(l->flags & REC_LIFE_DUPLICATE))
		return false;
	for (uint32_t i = life_next(0); i < (uint32_t)fd; i = life_next(i + 1)) {
		const struct rec_life *other = life_slot((int)i);

		if (other && (word_get(&other->seq) & 1) && word_get(&other->id) == l->id)
			return true;
	}
	return false;
}

static void describe(struct socklint_leak *leak, int fd, const struct rec_life *l,
		     const struct rec_life_rest *rest, int state)
{
	static const char names[REC_CALL_COUNT][sizeof(leak->opened_by)] = {
#define NAME(code, name) [REC_CALL_##code] = name,
		REC_CALLS(NAME)
#undef NAME
	};
	const struct rec_site *site = l->site ? site_get(l->site) : NULL;
	struct rec_addr local, peer;

	*leak = (struct socklint_leak){
		.fd = fd, .state = state, .family = l->family, .type = l->type};
	leak->opened_ns = l->born_ns;
	local = rec_life_local(l, rest);
	peer = rec_life_peer(l, rest);
	memcpy(&leak->local, &local, sizeof(leak->local));
	memcpy(&leak->peer, &peer, sizeof(leak->peer));
	memcpy(leak->opened_by, names[l->born_by], sizeof(leak->opened_by));
	leak->opened_by[sizeof(leak->opened_by) - 1] = '\0';
	for (uint32_t i = 0; site && i < site->nr && i < SOCKLINT_FRAMES; i++)
		leak->frames[leak->nr_frames++] =
			(const void *)(uintptr_t)module_address(site->pc[i]);
	leak->more_frames = site && (site->nr > SOCKLINT_FRAMES || site->flags);
}

/* What is more in theirs than we know of is zero. */
static void hand_over(void *out, size_t bytes, const struct socklint_leak *leak)
{
	size_t known = bytes < sizeof(*leak) ? bytes : sizeof(*leak);

	memcpy(out, leak, known);
	memset((char *)out + known, 0, bytes - known);
}

EXPORT int socklint_leaks_v1(const struct socklint_checkpoint *since, int which,
			     struct socklint_leak *out, size_t each_bytes, size_t room)
{
	size_t nr = 0;

	if (!hook_enter() || process_is_other())
		return 0;
	for (uint32_t fd = life_next(0); fd != UINT32_MAX; fd = life_next(fd + 1)) {
		struct socklint_leak leak;
		struct rec_life_rest rest;
		struct rec_life l;
		int state;

		if (!life_read((int)fd, since->next_socket, &l, &rest))
			continue;
		state = shim.sealed ? state_as_told(&l) : rest.kernel_tcp_state;
		if (!is_meant(&l, which, state) || is_counted((int)fd, &l))
			continue;
		if (nr++ >= room)
			continue;
		describe(&leak, (int)fd, &l, &rest, state);
		hand_over((char *)out + (nr - 1) * each_bytes, each_bytes, &leak);
	}
	return (int)nr;
}
