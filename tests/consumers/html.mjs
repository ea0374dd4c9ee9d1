// SPDX-License-Identifier: MIT
// The page: see tests/browser.
export { axe, vnu } from '../browser/accessible.mjs';
export { content } from '../browser/content.mjs';
export { handling } from '../browser/handling.mjs';
export { hostile } from '../browser/hostile.mjs';
export { pictures } from '../browser/pictures.mjs';
