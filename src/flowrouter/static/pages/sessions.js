/**
 * Sessions: the runs of agents, and one of them turn by turn.
 */

import { html } from '../core/ui.js';
import { SessionList } from './sessions/list.js';
import { SessionBill } from './sessions/bill.js';

/** @param {{route: import('../core/router.js').Route}} given */
export default function Sessions({ route }) {
  return route.rest ? html`<${SessionBill} key=${route.rest} id=${route.rest} />` : html`<${SessionList} query=${route.query} />`;
}
