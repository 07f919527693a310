/**
 * Every name that can stand in a combo, to be searched, and what is known of each.
 */

import { useWhole } from '../../core/whole.js';
import { useMemo } from '../../core/ui.js';
import { t } from '../../strings/combos.js';

/** @typedef {import('../../parts/picker.js').Choice} Choice */
/** @typedef {Map<string, Choice>} Known */

const TIERS = ['auto', 'auto:cheap', 'auto:standard', 'auto:strong'];

/** @returns {{choices: Choice[], known: Known, loading: boolean}} */
export function useNames() {
  const models = useWhole('/api/models');
  const accounts = useWhole('/api/accounts');
  const choices = useMemo(() => namesOf(models.rows ?? [], accounts.rows ?? []), [models.rows, accounts.rows]);
  const known = useMemo(() => new Map(choices.map((choice) => [choice.value, choice])), [choices]);
  return { choices, known, loading: models.loading };
}

/** @param {any[]} models @param {any[]} accounts @returns {Choice[]} */
function namesOf(models, accounts) {
  const presets = Object.fromEntries(accounts.map(({ name, preset }) => [name, preset]));
  const rows = models.filter(({ kind, generates }) => kind === 'model' && generates);
  const plain = rows.map((row) => ({
    value: row.id, preset: row.owned_by,
    ...(row.accounts.length === 1 ? { hint: row.accounts[0], hintIsData: true } : { hint: t('atMany', { n: row.accounts.length }) }),
  }));
  const own = models.filter(({ kind }) => kind !== 'model').map(({ id, kind }) => ({ value: id, icon: kind === 'combo' ? 'combos' : 'link', hint: t(kind === 'combo' ? 'asCombo' : 'asAlias') }));
  const tiers = TIERS.map((value) => ({ value, icon: 'bolt', hint: t('asTier') }));
  const placed = rows.flatMap((row) => row.accounts.map((/** @type {string} */ account) => ({ value: `${account}/${row.id}`, preset: presets[account] ?? row.owned_by })));
  return [...own, ...plain, ...tiers, ...placed];
}
