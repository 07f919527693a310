/**
 * Asking a provider what is left.
 */

import { post } from '../../core/api.js';
import { forget } from '../../core/resource.js';
import { say, tell } from '../../core/toast.js';
import { signal } from '../../core/ui.js';
import { t } from '../../strings/quotas.js';

/** Accounts whose provider is being asked. @type {import('../../vendor/signals.js').Signal<string[]>} */
export const asking = signal([]);

/** @param {{id: string, name: string}} account */
export async function ask({ id, name }) {
  asking.value = [...asking.value, id];
  try {
    const { data } = await post(`/api/accounts/${encodeURIComponent(id)}/quota/refresh`);
    const bad = data.result === 'failed' || data.result === 'waiting';
    await Promise.all([forget('/api/quotas'), forget('/api/accounts')]);
    say(t(/** @type {'fetched'} */ (data.result), { name }), { tone: bad ? 'bad' : 'plain', fix: data.message || null });
  } catch (error) {
    tell(error);
  }
  asking.value = asking.value.filter((each) => each !== id);
}
