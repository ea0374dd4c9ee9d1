/* SPDX-License-Identifier: MIT */
/*
 * An object of JSON that is too large to be held in memory: written member by member, as jansson
 * would write the whole. Values are used up.
 */
#ifndef SOCKLINT_JSON_DOCUMENT_H
#define SOCKLINT_JSON_DOCUMENT_H

#include <stddef.h>
#include <stdio.h>

#include <jansson.h>

/* {.out = FILE} is one that has not begun. */
struct document {
	FILE *out;
	size_t nr_members;
	size_t nr_items; /* of the array that was begun last */
	int deep;	 /* how far the value that is written stands in */
};

void document_member(struct document *d, const char *key, json_t *value);
/* Those of an object. */
void document_members(struct document *d, json_t *o);

/* A member that is an array, item by item. */
void document_begin_array(struct document *d, const char *key);
void document_item(struct document *d, json_t *value);
void document_end_array(struct document *d);

void document_end(struct document *d);

#endif
