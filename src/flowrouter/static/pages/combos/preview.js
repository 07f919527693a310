/**
 * "What would happen to this request": the plan of a combo as it stands in the form, saved or not.
 */

import { post } from '../../core/api.js';
import { count } from '../../core/format.js';
import { html, useEffect, useRef, useState } from '../../core/ui.js';
import { Problem, Skeleton } from '../../parts/feedback.js';
import { Button, Field, NumberInput, Select, TagsInput, TextInput } from '../../parts/forms.js';
import { Section } from '../../parts/page.js';
import { t } from '../../strings/combos.js';
import { Rail } from './rail.js';
import { DIALECTS, TOKENS_MOST, bodyOf, questionOf, sample } from './sample.js';
import { FLAGS } from './words.js';

const PAUSE_MS = 220;

/** @param {{combo: Record<string, any>, ready: boolean}} given `combo` as `POST /api/combos` takes it. */
export function Preview({ combo, ready }) {
  const { plan, error, busy, bad } = usePlan(combo, ready);
  const now = sample.value;
  const turn = () => set(now.json === null ? { json: JSON.stringify(bodyOf({ ...now, tokens: null }), null, 2), dialect: 'openai_chat' } : { json: null });
  const actions = html`<${Button} tone="quiet" onClick=${turn}>${t(now.json === null ? 'asJson' : 'asForm')}<//>`;
  return html`<${Section} card title=${t('previewTitle')} lead=${t('previewLead')} actions=${actions} label=${t('preview')}><${Request} bad=${bad} />
    <div class="combo-plan" aria-busy=${busy && !plan} aria-live="polite">${
      !ready ? html`<p class="soft">${t('needsMembers')}</p>` : error ? html`<${Problem} error=${error} />` : plan ? html`<${Rail} plan=${plan} />` : html`<${Skeleton} lines=${4} />`}</div><//>`;
}

/** The plan, worked out again a moment after something changed. @param {Record<string, any>} combo @param {boolean} ready */
function usePlan(combo, ready) {
  const [state, setState] = useState({ plan: /** @type {any} */ (null), error: /** @type {any} */ (null), busy: true });
  const now = sample.value;
  const key = JSON.stringify([combo, now]);
  const first = useRef(true);
  const bad = now.json !== null && !isJson(now.json);
  useEffect(() => {
    if (!ready || bad) return undefined;
    const mine = new AbortController();
    const ask = async () => {
      setState((before) => ({ ...before, busy: true }));
      try {
        const { data } = await post('/api/plan', questionOf(now, combo), { signal: mine.signal });
        setState({ plan: data, error: null, busy: false });
      } catch (error) {
        if (!mine.signal.aborted) setState({ plan: null, error, busy: false });
      }
    };
    const timer = setTimeout(ask, first.current ? 0 : PAUSE_MS);
    first.current = false;
    return () => {
      clearTimeout(timer);
      mine.abort();
    };
  }, [key, ready, bad]);
  return { ...state, bad };
}

/** @param {string} text */
function isJson(text) {
  try {
    const value = JSON.parse(text || '{}');
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

/** @param {Partial<import('./sample.js').Sample>} change */
const set = (change) => {
  sample.value = { ...sample.value, ...change };
};

/** The request, to be typed. @param {{bad: boolean}} given */
function Request({ bad }) {
  const now = sample.value;
  const [open] = useState(Boolean(now.client || now.tags.length || now.tokens));
  if (now.json !== null) return html`<${Raw} bad=${bad} />`;
  return html`<div class="column"><${TextInput} rows=${2} label=${t('prompt')} placeholder=${t('promptPlaceholder')} value=${now.text} onChange=${(/** @type {string} */ text) => set({ text })} />
    <div class="row wraps" role="group" aria-label=${t('carries')}>${FLAGS.map((flag) => html`<button type="button" class="toggle" key=${flag} aria-pressed=${now[flag]} onClick=${() => set({ [flag]: !now[flag] })}>${t(`with_${flag}`)}</button>`)}</div>
    <details class="combo-more" open=${open}><summary class="soft small">${t('details')}</summary><div class="fields">
      <${Field} label=${t('size')} hint=${t('sizeHint', { n: count(TOKENS_MOST) })}><${NumberInput} value=${now.tokens} min=${0} max=${TOKENS_MOST} step=${1000} unit=${t('sizeUnit')} onChange=${(/** @type {number | null} */ tokens) => set({ tokens })} /><//>
      <${Field} label=${t('client')}><${TextInput} mono value=${now.client} placeholder="claude-cli/2.0" onChange=${(/** @type {string} */ client) => set({ client })} /><//>
      <${Field} label=${t('keyTags')}><${TagsInput} value=${now.tags} onChange=${(/** @type {string[]} */ tags) => set({ tags })} /><//></div></details></div>`;
}

/** @param {{bad: boolean}} given */
function Raw({ bad }) {
  const now = sample.value;
  return html`<div class="column"><${Field} label=${t('jsonLabel')} error=${bad ? html`<span>${t('badJson')}</span>` : undefined}><${TextInput} rows=${9} mono value=${now.json} onChange=${(/** @type {string} */ json) => set({ json })} /><//>
    <div class="row"><${Select} label=${t('dialect')} value=${now.dialect} choices=${DIALECTS.map((value) => ({ value, label: t(value) }))} onChange=${(/** @type {string} */ dialect) => set({ dialect })} /></div></div>`;
}
