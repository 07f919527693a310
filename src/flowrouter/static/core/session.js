/**
 * Who is signed in, and what that role may do.
 */

import { signal } from './ui.js';

/**
 * @typedef {object} Me
 * @property {string} name
 * @property {'admin' | 'operator' | 'viewer'} role
 * @property {string} via
 * @property {string | null} owner_id
 * @property {string | null} session_id
 * @property {string | null} csrf_token
 * @property {number | null} ends_at_ms
 */

/** Null while nobody is signed in. @type {import('../vendor/signals.js').Signal<Me | null>} */
export const me = signal(null);

const rank = { viewer: 0, operator: 1, admin: 2 };

/** Return whether the signed-in person may `operate` (accounts, combos, trying) or `administer` (all). @param {'operate' | 'administer'} what */
export const may = (what) => me.value !== null && rank[me.value.role] >= (what === 'operate' ? 1 : 2);
