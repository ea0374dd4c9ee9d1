// SPDX-License-Identifier: MIT
// A plugin for guest_plugin: throws across the program's frames, and is cancelled in a hook.
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

namespace
{
int cleaned;

struct cleaner {
	~cleaner()
	{
		cleaned++;
	}
};

void clean_up_c(void *)
{
	cleaned += 10;
}

int use_and_throw(int (*use)())
{
	cleaner c;
	int fd = use();

	close(fd);
	throw fd > 0 ? 1 : 0;
}
} // namespace

extern "C" int plugin_throws(int (*use)())
{
	try {
		return use_and_throw(use);
	} catch (int n) {
		return n + 100;
	}
}

extern "C" int plugin_cleaned_up()
{
	return cleaned;
}

// A cancellation is an exception that may not be swallowed.
extern "C" void plugin_block(int listener)
{
	cleaner c;

	pthread_cleanup_push(clean_up_c, nullptr);
	try {
		accept(listener, nullptr, nullptr);
	} catch (...) {
		cleaned += 100;
		throw;
	}
	pthread_cleanup_pop(0);
}
