/**
 * Pictures for a message: from the clipboard, dropped, or from a file; as data URLs.
 */

import { say } from '../../core/toast.js';
import { t } from '../../strings/playground.js';
import { draft, fresh, write } from './store.js';

/** What every dialect takes. */
export const TYPES = ['image/png', 'image/jpeg', 'image/gif', 'image/webp'];
const MOST_BYTES = 20_000_000;

/** Add the pictures among files; says which could not be taken. @param {Iterable<File>} files */
export async function add(files) {
  for (const file of files) {
    if (!TYPES.includes(file.type)) say(t('notAPicture', { name: file.name || file.type }), { tone: 'bad' });
    else if (file.size > MOST_BYTES) say(t('tooLarge', { name: file.name }), { tone: 'bad' });
    else {
      const url = await read(file);
      write({ images: [...draft.value.images, { name: file.name || `${t('picture')} ${fresh()}`, type: file.type, url }] });
    }
  }
}

/** @param {File} file @returns {Promise<string>} */
function read(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(reader.error ?? new Error(file.name));
    reader.readAsDataURL(file);
  });
}

/** The pictures that came with a paste or a drop. @param {DataTransfer | null} data @returns {File[]} */
export const filesOf = (data) => [...(data?.files ?? [])];
