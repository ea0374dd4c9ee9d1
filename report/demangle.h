/* SPDX-License-Identifier: MIT */
/* Symbol names as their programmers wrote them. Knows libiberty's demangler, and nothing else. */
#ifndef SOCKLINT_DEMANGLE_H
#define SOCKLINT_DEMANGLE_H

/* No name in a report is longer, the NUL included. */
#define NAME_ROOM 240

/*
 * A C++ (Itanium) or Rust (legacy or v0) symbol without its parameters: "net::Server::accept".
 * Names too long lose their template arguments, then their end. NULL: the name is good as it is;
 * else the caller frees it. Bounded in time and memory whatever the name says.
 */
char *demangle(const char *name);

#endif
