/* SPDX-License-Identifier: MIT */
#include "html_width.h"

#include <string.h>

/* Of DejaVu Sans, in hundredths of the font's size. */
static const unsigned char ascii[] = {
	32,  41, 46, 84, 64, 96, 78, 28, 40, 40, 50, 84, 32, 37, 32, 34, /* space ! " # ... / */
	64,  64, 64, 64, 64, 64, 64, 64, 64, 64, 34, 34, 84, 84, 84, 54, /* 0 ... 9 : ; < = > ? */
	100, 69, 69, 70, 78, 64, 58, 78, 76, 30, 30, 66, 56, 87, 75, 79, /* @ A ... O */
	61,  79, 70, 64, 62, 74, 69, 99, 69, 62, 69, 40, 34, 40, 84, 50, /* P ... Z [ \ ] ^ _ */
	50,  62, 64, 55, 64, 62, 36, 64, 64, 28, 28, 58, 28, 98, 64, 62, /* ` a ... o */
	64,  64, 42, 53, 40, 64, 60, 82, 60, 60, 53, 64, 34, 64, 84,	 /* p ... z { | } ~ */
};

#define ELSE	 103 /* what has no entry: U+FFFD, and most of what is no letter of ours */
#define BOLD	 10  /* more, or a little less */
#define ELLIPSIS 100

static double pixels(const struct html_font *font, int hundredths)
{
	return font->size * (hundredths + (font->bold ? BOLD : 0)) / 100;
}

static double character(const struct html_font *font, const char *s)
{
	unsigned char c = (unsigned char)*s;

	return pixels(font, c >= ' ' && c < 0x7f ? ascii[c - ' '] : ELSE);
}

static int continues(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

double html_width(const struct html_font *font, const char *text)
{
	double width = 0;

	for (; *text; text++)
		if (!continues(*text))
			width += character(font, text);
	return width;
}

static size_t fitting_head(const struct html_font *font, const char *text, double room)
{
	size_t end = 0, i;

	for (i = 0; text[i]; i++) {
		if (continues(text[i]))
			continue;
		room -= character(font, text + i);
		end = i;
		if (room < 0)
			break;
	}
	return end;
}

static size_t fitting_tail(const struct html_font *font, const char *text, double room)
{
	size_t len = strlen(text), start = len, i;

	for (i = len; i > 0; i--) {
		if (continues(text[i - 1]))
			continue;
		room -= character(font, text + i - 1);
		if (room < 0)
			break;
		start = i - 1;
	}
	return len - start;
}

int html_fit(const struct html_font *font, const char *text, double width, size_t *head,
	     size_t *tail)
{
	double room = width - pixels(font, ELLIPSIS);

	if (html_width(font, text) <= width)
		return 1;
	*head = fitting_head(font, text, room * 2 / 3);
	*tail = fitting_tail(font, text, room / 3);
	return 0;
}
