/* SPDX-License-Identifier: MIT */
/* Escapes for XML and HTML. */
#ifndef SOCKLINT_XML_H
#define SOCKLINT_XML_H

#include "text.h"

/* Cleans s and escapes it, for text and for attributes in either quotes. */
void strbuf_add_xml(struct strbuf *sb, const char *s);

#endif
