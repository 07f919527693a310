/**
 * The catalogue of texts: English is in the code beside what shows it, other languages are loaded over it.
 *
 * `catalogue(area, english)` returns `t(key, values)`. A text is a string with `{holes}` or a function of the
 * values, for plurals. The locale `pseudo` puts every text between ⟦ and ⟧ with stretched letters: what a
 * page shows without the brackets is not in a catalogue, and what does not fit would not fit in German.
 */

/** @typedef {string | ((values: any) => string)} Text */
/** @typedef {Record<string, Text>} Texts */

const STORED = 'flow-router.locale';
const PSEUDO = 'pseudo';
/** Languages there are translations of, by their code. @type {Record<string, () => Promise<{texts: Record<string, Texts>}>>} */
const TRANSLATIONS = {};

/** The chosen locale's code. */
export const locale = chosen();
/** What numbers and dates are written in. */
export const numberLocale = locale === PSEUDO ? 'en' : locale === 'en' ? preferred() : locale;
/** Every locale that can be chosen. */
export const locales = ['en', ...Object.keys(TRANSLATIONS)];

/** @type {Record<string, Texts>} */
let translated = {};

/** Load the chosen locale's texts; called once before anything is shown. */
export async function loadLocale() {
  const load = TRANSLATIONS[locale];
  if (load) translated = (await load()).texts;
  document.documentElement.lang = locale === PSEUDO ? 'en' : locale;
}

/** Choose a locale; the page is loaded again in it. @param {string} code */
export function choose(code) {
  localStorage.setItem(STORED, code);
  location.reload();
}

/**
 * Return the function that tells an area's texts.
 * @template {Texts} T
 * @param {string} area
 * @param {T} english
 */
export function catalogue(area, english) {
  /** @param {keyof T & string} key @param {any} values */
  const raw = (key, values) => {
    const text = translated[area]?.[key] ?? english[key];
    if (text === undefined) throw new Error(`no text ${area}.${key}`);
    return typeof text === 'function' ? text(values) : text;
  };
  /**
   * Return the text of `key` with `values` in its holes.
   * @param {keyof T & string} key
   * @param {Record<string, any>} [values]
   * @returns {string}
   */
  const t = (key, values = {}) =>
    marked(raw(key, values).replace(/\{(\w+)\}/g, (hole, name) => (name in values ? String(values[name]) : hole)));
  /**
   * Return the text of `key` as a list, with elements in its holes.
   * @param {keyof T & string} key
   * @param {Record<string, any>} values
   * @returns {any[]}
   */
  t.rich = (key, values) =>
    raw(key, values)
      .split(/(\{\w+\})/)
      .map((piece) => {
        const name = /^\{(\w+)\}$/.exec(piece)?.[1];
        return name !== undefined && name in values ? values[name] : piece.trim() ? marked(piece) : piece;
      });
  return t;
}

/** Return a text that code made, as the pseudo-locale shows it. @param {string} text */
export function marked(text) {
  return locale === PSEUDO && /\p{L}/u.test(text) ? `⟦${text.replace(/⟦|⟧/g, '').replace(/[aeiou]/g, stretched)}⟧` : text;
}

/** @param {string} letter */
function stretched(letter) {
  return { a: 'áá', e: 'éé', i: 'íí', o: 'óó', u: 'úú' }[letter] ?? letter;
}

function chosen() {
  try {
    return localStorage.getItem(STORED) ?? 'en';
  } catch {
    return 'en';
  }
}

function preferred() {
  return navigator.languages.find((code) => code.startsWith('en')) ?? 'en';
}
