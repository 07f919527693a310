import { catalogue } from '../core/strings.js';

export const english = {
  title: 'Audit',
  lead: 'Who changed what, and who read what is private. Refused attempts are here too. Secrets are masked.',
  when: 'When', who: 'Who', what: 'What', target: 'On', outcome: 'Outcome', from: 'From', role: 'Role', via: 'Through',
  actor: 'Who', action: 'Action',
  done: 'done', refused: 'refused', failed: 'failed',
  before: 'Before', after: 'After', nothing: 'Nothing was kept of this one.',
  emptyTitle: 'Nothing was changed yet',
  emptyText: 'Every change through the dashboard, the command line or the API will stand here, with who made it.',
  noMatch: 'No entry fits these filters.',
  call: 'Call', request: 'Request', status: 'Status', address: 'Address',
};
export const t = catalogue('audit', english);
