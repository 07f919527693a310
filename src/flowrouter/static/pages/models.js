/**
 * Models: the merged list of everything that can be asked for, and each of them in a panel.
 */

import { go, setQuery } from '../core/router.js';
import { may } from '../core/session.js';
import { html } from '../core/ui.js';
import { AliasPanel } from './models/alias.js';
import { Detail } from './models/detail.js';
import { List } from './models/list.js';

/** @param {{route: import('../core/router.js').Route}} given */
export default function Models({ route }) {
  const { price, as, new: making, for: wanted, ...query } = route.query;
  const close = () => go('models', query);
  return html`<${List} query=${query} />
    ${route.rest && html`<${Detail} key=${route.rest} id=${route.rest} price=${price ?? null} asAlias=${as === 'alias'} onClose=${close} />`}
    ${making === 'alias' && !route.rest && may('operate') && html`<${AliasPanel} alias=${null} wanted=${wanted ?? ''} onClose=${() => setQuery({ new: null, for: null })} />`}`;
}
