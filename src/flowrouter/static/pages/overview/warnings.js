/**
 * What needs a hand, each with the button that helps.
 */

import { post } from '../../core/api.js';
import { moment, timeOf } from '../../core/format.js';
import { forget } from '../../core/resource.js';
import { href } from '../../core/router.js';
import { may } from '../../core/session.js';
import { say, tell } from '../../core/toast.js';
import { html, useState } from '../../core/ui.js';
import { Notice } from '../../parts/feedback.js';
import { Button } from '../../parts/forms.js';
import { t } from '../../strings/overview.js';

const SHOWN = 3;
const HALF_DAY_MS = 43_200_000;
/** @type {Set<string>} */
const GRAVE = new Set(['store_unavailable', 'log_lost', 'no_usable_account', 'key_needed', 'config_not_loaded', 'budget_used_up', 'restore_failed']);

/** @typedef {{code: string, text: string, fix: string, account_id: string | null, key_id: string | null}} Warning */

/** What each needs: a text of ours and where it leads. @type {Record<string, (warning: Warning) => {text: string, href: string}>} */
const LEADS = {
  account_problem: ({ account_id }) => ({ text: t('openProvider'), href: href(`providers/${encodeURIComponent(account_id ?? '')}`) }),
  account_used_up: () => ({ text: t('openQuotas'), href: href('quotas') }),
  backup_old: () => ({ text: t('openBackups'), href: href('settings/backups') }),
  backup_failed: () => ({ text: t('openBackups'), href: href('settings/backups') }),
  restore_failed: () => ({ text: t('openBackups'), href: href('settings/backups') }),
  budget_near: () => ({ text: t('openBudgets'), href: href('budgets') }),
  budget_used_up: () => ({ text: t('openBudgets'), href: href('budgets') }),
  config_not_loaded: () => ({ text: t('openSettings'), href: href('settings') }),
  config_restart_needed: () => ({ text: t('openSettings'), href: href('settings') }),
  configuration_problem: () => ({ text: t('openSettings'), href: href('settings') }),
  key_needed: () => ({ text: t('openKeys'), href: href('keys') }),
  no_accounts: () => ({ text: t('openSetup'), href: href('setup') }),
  no_usable_account: () => ({ text: t('openProviders'), href: href('providers') }),
};

/** @param {{warnings: Warning[]}} given */
export function Warnings({ warnings }) {
  const [all, setAll] = useState(false);
  if (warnings.length === 0) return null;
  const shown = all ? warnings : warnings.slice(0, SHOWN);
  return html`<section class="column" aria-label=${t('warnings')}>
    ${shown.map((warning) => html`<${Notice} key=${`${warning.code} ${warning.account_id ?? ''} ${warning.key_id ?? ''} ${warning.text}`} tone=${GRAVE.has(warning.code) ? 'bad' : 'warn'} title=${sentence(warning, 'text')} text=${sentence(warning, 'fix')} data
      action=${html`<${Action} warning=${warning} />`} />`)}
    ${warnings.length > SHOWN && html`<div><${Button} tone="quiet" onClick=${() => setAll(!all)}>${all ? t('fewer') : t('moreWarnings', { n: warnings.length - SHOWN })}<//></div>`}</section>`;
}

/** @param {{warning: Warning}} given */
function Action({ warning }) {
  const [busy, setBusy] = useState(false);
  if (warning.code === 'account_paused') {
    const resume = async () => {
      setBusy(true);
      try {
        await post(`/api/accounts/${encodeURIComponent(warning.account_id ?? '')}/resume`);
        say(t('resumed'));
        await Promise.all([forget('/api/status'), forget('/api/health')]);
      } catch (error) {
        tell(error);
      }
      setBusy(false);
    };
    return html`<${Button} onClick=${resume} busy=${busy} disabled=${!may('operate')} title=${may('operate') ? undefined : t('operatorsOnly')}>${t('resume')}<//>`;
  }
  const lead = LEADS[warning.code]?.(warning) ?? { text: t('openLogs'), href: href('logs') };
  return html`<${Button} href=${lead.href}>${lead.text}<//>`;
}

/** The gateway's words as a sentence, its times as the visitor's clock shows them. A name keeps its first letter. @param {Warning} warning @param {'text' | 'fix'} part */
function sentence(warning, part) {
  const text = warning[part].replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, (stamp) => near(Date.parse(stamp)));
  const named = part === 'text' && warning.account_id !== null;
  return named || !/^[a-z]+ /.test(text) ? text : (text[0] ?? '').toUpperCase() + text.slice(1);
}

/** @param {number} at */
const near = (at) => (Math.abs(at - Date.now()) < HALF_DAY_MS ? timeOf(at) : moment(at));
