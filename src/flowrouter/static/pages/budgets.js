/**
 * budgets
 */

import { html } from '../core/ui.js';
import { Page } from '../parts/page.js';
import { t } from '../strings/shell.js';

export default function Place() {
  return html`<${Page} title=${t('budgets')} />`;
}
