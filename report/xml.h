/* SPDX-License-Identifier: MIT */
/* Escapes for XML and HTML. */
#ifndef SOCKLINT_XML_H
#define SOCKLINT_XML_H

#include "text.h"

/* What stands for c, which would be markup; NULL for what may stand as it is. */
const char *xml_entity(char c);
/* Cleans s and escapes it, for text and for attributes in either quotes. */
void strbuf_add_xml(struct strbuf *sb, const char *s);

#endif
