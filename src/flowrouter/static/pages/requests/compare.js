/**
 * Two requests beside each other, line by line.
 */

import { useData } from '../../core/resource.js';
import { href } from '../../core/router.js';
import { html } from '../../core/ui.js';
import { Problem, Skeleton } from '../../parts/feedback.js';
import { Diff } from '../../parts/json.js';
import { Panel } from '../../parts/panel.js';
import { t } from '../../strings/requests.js';

/** @param {{ids: string[], onClose: () => void}} given */
export function Compared({ ids, onClose }) {
  const [one, other] = [useData(`/api/requests/${ids[0]}`), useData(`/api/requests/${ids[1]}`)];
  const error = one.error ?? other.error;
  const labels = ids.map((id) => html`<a class="mono" href=${href(`requests/${id}`)} translate="no">${id}</a>`);
  return html`<${Panel} title=${t('comparing')} onClose=${onClose} wide>${error ? html`<${Problem} error=${error} />` : one.data && other.data
    ? html`<${Diff} left=${one.data} right=${other.data} labels=${ids} /><p class="row wraps gap2">${labels}</p>` : html`<${Skeleton} lines=${12} />`}<//>`;
}
