/**
 * The little of Markdown that models write, read into blocks; a text that grows is read on from its last block.
 */

/**
 * @typedef {{kind: 'paragraph' | 'heading' | 'quote', text: string, level: number}} Plain
 * @typedef {{kind: 'code', text: string, language: string, open: boolean}} Code
 * @typedef {{kind: 'list', ordered: boolean, start: number, items: {text: string, level: number}[]}} List
 * @typedef {{kind: 'table', head: string[], rows: string[][]}} Table
 * @typedef {{kind: 'rule'}} Rule
 * @typedef {Plain | Code | List | Table | Rule} Block
 */

const FENCE = /^ {0,3}(```+|~~~+)\s*([^\s`]*)/;
const ITEM = /^(\s*)(?:[-*+]|(\d{1,9})[.)])\s+(.*)$/;
const HEADING = /^(#{1,6})\s+(.*?)\s*#*$/;
const RULE = /^ {0,3}([-*_])(?:\s*\1){2,}\s*$/;
const DIVIDER = /^\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$/;

/** Reads a text that grows: blocks that cannot change any more keep their identity. */
export class Blocks {
  constructor() {
    /** @type {Block[]} */
    this.done = [];
    this.from = 0;
    this.text = '';
  }

  /** @param {string} text @returns {Block[]} */
  take(text) {
    if (!text.startsWith(this.text)) Object.assign(this, { done: [], from: 0 });
    this.text = text;
    const { blocks, starts } = read(text.slice(this.from));
    // The last line may be cut within a word that makes it part of the block before: two stay open.
    const whole = Math.max(0, blocks.length - 2);
    const all = [...this.done, ...blocks];
    this.done.push(...blocks.slice(0, whole));
    this.from += starts[whole] ?? 0;
    return all;
  }
}

/** Read a text into blocks; `starts` is where each begins. @param {string} text @returns {{blocks: Block[], starts: number[]}} */
export function read(text) {
  const lines = text.split('\n');
  /** @type {Block[]} */
  const blocks = [];
  /** @type {number[]} */
  const starts = [];
  let [at, index] = [0, 0];
  while (index < lines.length) {
    const line = lines[index] ?? '';
    const begins = index;
    if (line.trim() === '') {
      at += line.length + 1;
      index += 1;
      continue;
    }
    const [block, next] = blockAt(lines, index);
    blocks.push(block);
    starts.push(at);
    index = next;
    for (let each = begins; each < index; each += 1) at += (lines[each] ?? '').length + 1;
  }
  return { blocks, starts };
}

/** @param {string[]} lines @param {number} index @returns {[Block, number]} */
function blockAt(lines, index) {
  const line = lines[index] ?? '';
  const fence = FENCE.exec(line);
  if (fence) return code(lines, index, fence);
  const heading = HEADING.exec(line);
  if (heading) return [{ kind: 'heading', text: heading[2] ?? '', level: (heading[1] ?? '#').length }, index + 1];
  if (RULE.test(line)) return [{ kind: 'rule' }, index + 1];
  if (ITEM.test(line)) return items(lines, index);
  if (line.includes('|') && DIVIDER.test(lines[index + 1] ?? '') && (lines[index + 1] ?? '').includes('-')) return table(lines, index);
  const quoted = /^ {0,3}>/.test(line);
  let end = index + 1;
  while (end < lines.length && continues(lines[end] ?? '', quoted)) end += 1;
  const text = lines.slice(index, end).map((one) => (quoted ? one.replace(/^ {0,3}>\s?/, '') : one)).join('\n');
  return [{ kind: quoted ? 'quote' : 'paragraph', text, level: 0 }, end];
}

/** @param {string} line @param {boolean} quoted */
const continues = (line, quoted) =>
  line.trim() !== '' && /^ {0,3}>/.test(line) === quoted && !FENCE.test(line) && !HEADING.test(line) && !ITEM.test(line);

/** @param {string[]} lines @param {number} index @param {RegExpExecArray} fence @returns {[Code, number]} */
function code(lines, index, fence) {
  const mark = fence[1] ?? '```';
  let end = index + 1;
  const closes = (/** @type {string} */ line) => line.trim().startsWith(mark) && line.trim().replaceAll(mark[0] ?? '`', '') === '';
  while (end < lines.length && !closes(lines[end] ?? '')) end += 1;
  return [{ kind: 'code', text: lines.slice(index + 1, end).join('\n'), language: fence[2] ?? '', open: end >= lines.length }, end + 1];
}

/** @param {string[]} lines @param {number} index @returns {[List, number]} */
function items(lines, index) {
  const first = ITEM.exec(lines[index] ?? '');
  const ordered = first?.[2] !== undefined;
  /** @type {List['items']} */
  const found = [];
  let end = index;
  for (; end < lines.length; end += 1) {
    const line = lines[end] ?? '';
    const item = ITEM.exec(line);
    const level = Math.min(5, Math.floor((item?.[1] ?? '').replaceAll('\t', '    ').length / 2));
    if (item && level === 0 && (item[2] !== undefined) !== ordered) break;
    const last = found.at(-1);
    if (item) found.push({ text: item[3] ?? '', level });
    else if (line.trim() === '' && ITEM.test(lines[end + 1] ?? '')) continue;
    else if (line.trim() !== '' && /^\s+/.test(line) && last && !FENCE.test(line)) last.text += `\n${line.trim()}`;
    else break;
  }
  return [{ kind: 'list', ordered, start: Number(first?.[2] ?? 1), items: found }, end];
}

/** @param {string[]} lines @param {number} index @returns {[Table, number]} */
function table(lines, index) {
  const cells = (/** @type {string} */ line) => line.trim().replace(/^\||\|$/g, '').split('|').map((cell) => cell.trim());
  let end = index + 2;
  while (end < lines.length && (lines[end] ?? '').includes('|')) end += 1;
  return [{ kind: 'table', head: cells(lines[index] ?? ''), rows: lines.slice(index + 2, end).map(cells) }, end];
}

/** @typedef {{kind: 'text' | 'code' | 'strong' | 'em' | 'link', text: string, href?: string}} Span */

const SPAN = /(`+)([\s\S]+?)\1(?!`)|\*\*(?=\S)([\s\S]+?)\*\*|__(?=\S)([\s\S]+?)__|(?<![\w*])\*(?=[^\s*])([^*\n]+?)\*(?![\w*])|(?<!\w)_(?=[^\s_])([^_\n]+?)_(?!\w)|\[([^\]\n]+)\]\((https?:\/\/[^\s)]+)\)/g;

/** Read what stands within a line. @param {string} text @returns {Span[]} */
export function spans(text) {
  /** @type {Span[]} */
  const found = [];
  let from = 0;
  for (const match of text.matchAll(SPAN)) {
    if (match.index > from) found.push({ kind: 'text', text: text.slice(from, match.index) });
    const [whole, , code, strong, strong2, em, em2, label, href] = match;
    if (code !== undefined) found.push({ kind: 'code', text: code });
    else if (label !== undefined) found.push({ kind: 'link', text: label, href: href ?? '' });
    else if (em !== undefined || em2 !== undefined) found.push({ kind: 'em', text: em ?? em2 ?? '' });
    else found.push({ kind: 'strong', text: strong ?? strong2 ?? '' });
    from = match.index + whole.length;
  }
  if (from < text.length) found.push({ kind: 'text', text: text.slice(from) });
  return found;
}
