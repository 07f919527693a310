/**
 * One request: its figures, its attempts on the axis of time, why it went where it went, what was said.
 */

import { useKeys, useLegend } from '../../core/keys.js';
import { useData } from '../../core/resource.js';
import { go, href } from '../../core/router.js';
import { may } from '../../core/session.js';
import { say, tell } from '../../core/toast.js';
import { html, useEffect, useState } from '../../core/ui.js';
import { Copy, Time, copyText } from '../../parts/bits.js';
import { Empty, Notice, Problem, Skeleton } from '../../parts/feedback.js';
import { Button } from '../../parts/forms.js';
import { Icon } from '../../parts/icons.js';
import { Page, Section } from '../../parts/page.js';
import { t } from '../../strings/requests.js';
import { Bodies, readRecording } from './bodies.js';
import { curlAgain } from './curl.js';
import { Facts, Figures, Ledger } from './facts.js';
import { useNames } from './names.js';
import { Replay, unreplayable } from './replay.js';
import { Fates, Trail } from './trail.js';
import { Waterfall } from './waterfall.js';

/** @param {{id: string, log: import('./rows.js').Log}} given */
export function RequestDetail({ id, log }) {
  const { data: row, error, reload } = useData(`/api/requests/${encodeURIComponent(id)}`);
  const [replaying, setReplaying] = useState(false);
  useEffect(() => scrollTo(0, 0), []);
  const { newer, older } = neighbours(log, id);
  const back = href('requests', log.query);
  const toRequest = (/** @type {string | null} */ other) => other && go(`requests/${other}`);
  useKeys({ Escape: () => (location.hash = back), k: () => toRequest(newer), j: () => toRequest(older) });
  useLegend([{ keys: 'j k', text: `${t('older')}, ${t('newer')}` }]);
  const up = html`<nav class="row request-back"><a class="row" href=${back}><${Icon} name="left" size=${14} />${t('back')}</a>
    <${Button} tone="quiet" icon="up" label=${t('newer')} disabled=${!newer} onClick=${() => toRequest(newer)} /><${Button} tone="quiet" icon="down" label=${t('older')} disabled=${!older} onClick=${() => toRequest(older)} /></nav>`;
  if (error?.status === 404) return html`<${Page} title=${id} data back=${up}><${Empty} title=${t('gone')} text=${t('goneText')} action=${html`<${Button} onClick=${reload}>${t('again')}<//>`} /><//>`;
  if (!row) return html`<${Page} title=${id} data back=${up}>${error ? html`<${Problem} error=${error} retry=${reload} />` : html`<${Skeleton} lines=${8} height=${18} />`}<//>`;
  const actions = html`<${Actions} row=${row} onReplay=${() => setReplaying(true)} />`;
  return html`<${Page} title=${id} data back=${up} lead=${html`<${Lead} row=${row} />`} actions=${actions}>
    <${Whole} row=${row} reload=${reload} />${replaying && html`<${Replay} row=${row} onClose=${() => setReplaying(false)} />`}<//>`;
}

/** @param {{row: Record<string, any>}} given */
function Lead({ row }) {
  return html`<span class="row wraps"><${Time} at=${row['ts_ms']} />${row['receipt']?.summary && html`<span class="wrap" translate="no">${row['receipt'].summary}</span>`}</span>`;
}

/** @param {{row: Record<string, any>, reload: () => any}} given */
function Whole({ row, reload }) {
  const names = useNames();
  const receipt = row['receipt'];
  return html`<${Figures} row=${row} />
    ${row['error_text'] && html`<${Notice} tone="bad" title=${row['error_type']} text=${row['error_text']} data />`}
    <${Section} card title=${t('attempts')} lead=${t('attemptsLead')}><${Waterfall} row=${row} names=${names.accounts} /><//>
    ${receipt ? html`<div class="request-both"><${Trail} row=${row} names=${names.accounts} /><${Fates} row=${row} /></div>` : html`<${Notice} text=${t('noReceipt')} />`}
    <${Bodies} row=${row} onChange=${reload} />
    <${Ledger} row=${row} names=${names} /><${Facts} row=${row} names=${names} />`;
}

/** @param {{row: Record<string, any>, onReplay: () => void}} given */
function Actions({ row, onReplay }) {
  const [busy, setBusy] = useState(false);
  const why = unreplayable(row, may);
  const copy = async () => {
    setBusy(true);
    try {
      const recording = row['recorded'] && may('administer') ? await readRecording(row['id']) : null;
      const body = recording && !recording.request.cut ? recording.request.text : null;
      await copyText(curlAgain(row, body));
      say(t(body === null ? 'curlTemplate' : 'copiedCurl'));
    } catch (error) {
      tell(error);
    }
    setBusy(false);
  };
  return html`<${Copy} text=${row['id']} label=${t('copyId')} /><${Button} icon="copy" busy=${busy} onClick=${copy}>${t('copyCurl')}<//>
    <${Button} tone="primary" icon="refresh" disabled=${why !== null} title=${why ?? undefined} onClick=${onReplay}>${t('replay')}<//>`;
}

/** Return the requests beside one in the list it was opened from. @param {import('./rows.js').Log} log @param {string} id */
function neighbours(log, id) {
  const rows = log.rows.peek();
  const at = rows.findIndex((row) => row['id'] === id);
  return { newer: at > 0 ? rows[at - 1]?.['id'] ?? null : null, older: at < 0 ? null : rows[at + 1]?.['id'] ?? null };
}
