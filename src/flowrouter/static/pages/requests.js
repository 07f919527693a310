/**
 * Requests: the list of all of them, alive; and one of them with everything that is known of it.
 */

import { Fragment, html, useEffect, useMemo } from '../core/ui.js';
import { RequestDetail } from './requests/detail.js';
import { RequestList } from './requests/list.js';
import { Log } from './requests/rows.js';

/** @param {{route: import('../core/router.js').Route}} given */
export default function Requests({ route }) {
  const log = useMemo(() => new Log(), []);
  useEffect(() => log.follow(), []);
  return route.rest
    ? html`<${RequestDetail} key=${route.rest} id=${route.rest} log=${log} />`
    : html`<${Fragment}><${RequestList} query=${route.query} log=${log} /><//>`;
}
