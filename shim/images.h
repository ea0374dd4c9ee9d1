/* SPDX-License-Identifier: MIT */
/* images.c: what earlier images of this process left behind. */
#ifndef SHIM_IMAGES_H
#define SHIM_IMAGES_H

#include <stdbool.h>
#include <stdint.h>

#include "text.h"

/* The recording of this process with that number. Returns false where the path is too long. */
bool image_path(struct text *t, uint32_t image);
void images_drop_spent(void);
void images_drop_origins(void);

#endif
