/**
 * Who would answer for a name, as a rail.
 */

import { useData } from '../../core/resource.js';
import { html, useState } from '../../core/ui.js';
import { Problem, Skeleton } from '../../parts/feedback.js';
import { Select } from '../../parts/forms.js';
import { Section } from '../../parts/page.js';
import { t as combo } from '../../strings/combos.js';
import { t } from '../../strings/models.js';
import { Rail } from '../combos/rail.js';
import { DIALECTS } from '../combos/sample.js';

/** @param {{name: string}} given */
export function Who({ name }) {
  const [dialect, setDialect] = useState('openai_chat');
  const { data, error, reload } = useData('/api/plan', { model: name, dialect });
  const actions = html`<span class="who-dialect"><${Select} label=${t('speaks')} value=${dialect} choices=${DIALECTS.map((value) => ({ value, label: combo(value) }))} onChange=${setDialect} /></span>`;
  return html`<${Section} title=${t('who')} actions=${actions} label=${t('who')}>${error && !data ? html`<${Problem} error=${error} retry=${reload} />` : data ? html`<${Rail} plan=${data} />` : html`<${Skeleton} lines=${3} />`}<//>`;
}
