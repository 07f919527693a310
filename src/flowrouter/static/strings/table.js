import { catalogue } from '../core/strings.js';

export const english = {
  choose: 'Choose columns',
  columns: 'Columns',
  noRoom: 'no room',
  reset: 'Back to the usual columns',
  selectAll: 'Select all rows',
  selectRow: 'Select row',
  loadMore: 'Load more',
  loading: 'Loading…',
};

export const t = catalogue('table', english);
