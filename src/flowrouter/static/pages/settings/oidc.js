/**
 * Single sign-on: the provider as configured, who gets in, and whether it answers.
 */

import { post } from '../../core/api.js';
import { may } from '../../core/session.js';
import { html, useState } from '../../core/ui.js';
import { Chip, Code, Copy } from '../../parts/bits.js';
import { Notice } from '../../parts/feedback.js';
import { Button } from '../../parts/forms.js';
import { Section } from '../../parts/page.js';
import { t } from '../../strings/settings-people.js';

const SNIPPET = '[admin.oidc]\nissuer = "https://login.example.com/realms/team"\nclient_id = "flow-router"\nclient_secret = "env:OIDC_CLIENT_SECRET"\nrole_claim = "groups"\nroles = { "router-admins" = "admin" }\nemails = { "*@example.com" = "viewer" }';

/** @param {{process: any}} given */
export function Oidc({ process }) {
  const oidc = process.admin.oidc;
  const [told, setTold] = useState(/** @type {{found?: any, error?: any} | null} */ (null));
  const [busy, setBusy] = useState(false);
  const check = async () => {
    setBusy(true);
    try {
      setTold({ found: (await post('/api/login/oidc/check')).data });
    } catch (error) {
      setTold({ error });
    }
    setBusy(false);
  };
  const file = html`<code class="wrap" translate="no">${process.file ?? 'config.toml'}</code>`;
  if (!oidc) return html`<${Section} title=${t('oidc')} card><p class="soft">${t.rich('oidcOff', { file })}</p><${Code} text=${SNIPPET} /><//>`;
  const barred = !may('administer') ? t('whyCheck') : process.admin.on ? null : t('offNote');
  return html`<${Section} title=${t('oidc')} lead=${t.rich('oidcOn', { label: html`<span translate="no">${oidc.label}</span>` })} card
      actions=${html`<${Button} icon="bolt" busy=${busy} onClick=${check} disabled=${barred !== null} title=${barred ?? undefined}>${t('check')}<//>`}>
    ${told?.found && html`<${Notice} tone="ok" title=${t('checked', { n: told.found.keys })}><p class="wrap">${t.rich('checkedAt', { url: html`<code translate="no">${told.found.authorization_endpoint}</code>` })}</p><//>`}
    ${told?.error && html`<${Notice} tone="bad" data title=${told.error.message} text=${told.error.fix} />`}
    ${!process.admin.on && html`<p class="soft">${t('offNote')}</p>`}<${Facts} oidc=${oidc} /><//>`;
}

/** @param {{oidc: any}} given */
function Facts({ oidc }) {
  const code = (/** @type {string} */ text) => html`<code class="wrap" translate="no">${text}</code>`;
  const rows = [
    [t('issuer'), code(oidc.issuer)],
    [t('clientId'), code(oidc.client_id)],
    [t('secret'), t(oidc.has_secret ? 'hasSecret' : 'noSecret')],
    [t('redirect'), html`<span class="row" title=${t('redirectHint')}>${code(oidc.redirect_uri)}<${Copy} text=${oidc.redirect_uri} /></span>`],
    [t('claims'), t.rich('claimsText', { name: code(oidc.name_claim), role: code(oidc.role_claim) })],
    [t('scopes'), code(oidc.scopes.join(' '))],
    [t('roles'), html`<${Given} rows=${oidc.roles} />`],
    [t('emails'), html`<${Given} rows=${oidc.emails} />`],
  ];
  return html`<dl class="facts settings-urls">${rows.map(([name, value]) => html`<dt key=${`${name} t`}>${name}</dt><dd key=${name}>${value}</dd>`)}</dl>`;
}

/** @param {{rows: Record<string, string> | null}} given Null: not for this visitor. */
function Given({ rows }) {
  if (rows === null) return html`<span class="soft">${t('adminsSee')}</span>`;
  const all = Object.entries(rows);
  if (all.length === 0) return html`<span class="soft">${t('nobody')}</span>`;
  return html`<span class="row wraps">${all.map(([who, role]) => html`<span key=${who} class="row"><code translate="no">${who}</code><${Chip}>${t(/** @type {'role_admin'} */ (`role_${role}`))}<//></span>`)}</span>`;
}
