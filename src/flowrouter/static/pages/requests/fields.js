/**
 * What the list can be filtered by, with what there is to choose from.
 */

import { useData } from '../../core/resource.js';
import { useMemo } from '../../core/ui.js';
import { t } from '../../strings/requests.js';

const SEEN_DAYS = 30;
const DAY_MS = 86_400_000;

/** @param {import('./names.js').Names} names */
export function useFields(names) {
  const since = useMemo(() => new Date(Date.now() - SEEN_DAYS * DAY_MS).toISOString().slice(0, 10), []);
  const models = useData('/api/usage', { group_by: 'model', since });
  const presets = useData('/api/usage', { group_by: 'preset', since });
  return useMemo(() => {
    const data = (/** @type {string} */ value, label = value) => ({ value, label, data: true });
    const seen = (/** @type {any[] | undefined} */ rows) => (rows ?? []).filter(({ group }) => group).map(({ group }) => data(group));
    const named = (/** @type {Record<string, string>} */ of) => Object.entries(of).map(([value, label]) => data(value, label));
    const ours = (/** @type {('ok' | 'error' | 'cancelled' | 'partial' | 'openai_chat' | 'openai_responses' | 'anthropic' | 'gemini')[]} */ ids) => ids.map((value) => ({ value, label: t(value) }));
    return /** @type {import('../../parts/filters.js').Field[]} */ ([
      { id: 'outcome', label: t('outcome'), kind: 'choice', choices: ours(['ok', 'error', 'cancelled', 'partial']) },
      { id: 'model', label: t('model'), kind: 'choice', choices: seen(models.data) },
      { id: 'preset', label: t('provider'), kind: 'choice', choices: seen(presets.data) },
      { id: 'account', label: t('account'), kind: 'choice', choices: named(names.accounts) },
      { id: 'key', label: t('key'), kind: 'choice', choices: named(names.keys) },
      { id: 'dialect', label: t('dialect'), kind: 'choice', choices: ours(['openai_chat', 'openai_responses', 'anthropic', 'gemini']) },
      { id: 'client', label: t('client'), kind: 'text' },
      { id: 'combo', label: t('combo'), kind: 'text' },
      { id: 'session', label: t('session'), kind: 'text' },
      { id: 'time', label: t('time'), kind: 'time' },
    ]);
  }, [models.data, presets.data, names]);
}
