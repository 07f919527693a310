/**
 * The tabs of the settings, in their order; each is at its own address.
 */

export const TABS = /** @type {const} */ (['general', 'logins', 'backups', 'retention', 'network', 'code', 'look']);
