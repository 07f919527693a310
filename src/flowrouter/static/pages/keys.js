/**
 * Keys: all of them, each at its own address, and the panels that make and change one.
 */

import { go } from '../core/router.js';
import { may } from '../core/session.js';
import { html } from '../core/ui.js';
import { Detail } from './keys/detail.js';
import { useKeyRows } from './keys/data.js';
import { List } from './keys/list.js';
import { MakePanel } from './keys/make.js';

/** @param {{route: import('../core/router.js').Route}} given */
export default function Keys({ route }) {
  const { panel, ...query } = route.query;
  const making = panel === 'make' && may('operate');
  if (route.rest) return html`<${Detail} key=${route.rest} id=${route.rest} editing=${panel === 'edit'} />`;
  return html`<${All} query=${query} making=${making} />${making && html`<${MakePanel} onClose=${() => go('keys', query)} />`}`;
}

/** @param {{query: Record<string, string>, making: boolean}} given */
function All({ query, making }) {
  return html`<${List} keys=${useKeyRows()} query=${query} busy=${making} />`;
}
