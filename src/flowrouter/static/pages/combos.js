/**
 * Combos: named groups of models that answer as one; and the builder of one.
 */

import { html } from '../core/ui.js';
import { NewCombo, OneCombo } from './combos/builder.js';
import { List } from './combos/list.js';

/** @param {{route: import('../core/router.js').Route}} given */
export default function Combos({ route }) {
  if (route.rest === 'new') return html`<${NewCombo} key=${`${route.query['from'] ?? ''} ${route.query['members'] ?? ''}`} query=${route.query} />`;
  if (route.rest) return html`<${OneCombo} key=${route.rest} id=${route.rest} />`;
  return html`<${List} query=${route.query} />`;
}
