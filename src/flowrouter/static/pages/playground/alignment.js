/**
 * One request in four dialects, piece beside piece, and where in it something gets lost.
 */

/** @typedef {import('./dialects/shapes.js').Node} Node */
/** @typedef {import('./dialects/index.js').DialectId} DialectId */
/** @typedef {{path: string, kind: string, reason: string, rule?: string}} Loss */
/** @typedef {{key: string, kind: string, cells: Partial<Record<DialectId, Node[]>>}} Row `kind` is a key as far as its colon; what has none is a setting. */

const FIRST = ['model', 'system'];
const TOOL = 'tool:';

/** @param {string} key */
export const kindOf = (key) => (/^[^:]*:/.exec(key) ?? [key])[0];

/** @param {Row} row */
const place = ({ kind }) => (FIRST.includes(kind) ? FIRST.indexOf(kind) : kind === TOOL ? 3 : kind.endsWith(':') ? 2 : 4);

/** Number what is said twice, so that each has a row of its own; settings of one name share a row. @param {Node[]} nodes */
function numbered(nodes) {
  /** @type {Map<string, number>} */
  const seen = new Map();
  return nodes.map((node) => {
    const count = (seen.get(node.key) ?? 0) + 1;
    seen.set(node.key, count);
    return { node, key: node.key.includes(':') ? `${node.key}#${count}` : node.key };
  });
}

/** Put the other dialects beside the source. @param {DialectId} source @param {Partial<Record<DialectId, Node[]>>} outlines @returns {Row[]} */
export function align(source, outlines) {
  /** @type {Row[]} */
  const rows = [];
  for (const dialect of /** @type {DialectId[]} */ ([source, ...Object.keys(outlines).filter((name) => name !== source)])) {
    const nodes = numbered(outlines[dialect] ?? []);
    const left = nodes.filter(({ node, key }) => !put(rows, dialect, node, (row) => row.key === key));
    for (const { node, key } of left) {
      const kind = kindOf(node.key);
      if (put(rows, dialect, node, (row) => row.kind === kind && key.includes(':') && !row.cells[dialect])) continue;
      const known = rows.find((row) => row.key === key);
      if (known) (known.cells[dialect] ??= []).push(node);
      else rows.push({ key, kind, cells: { [dialect]: [node] } });
    }
  }
  return rows.map((row, index) => ({ row, index })).sort((one, other) => place(one.row) - place(other.row) || one.index - other.index).map(({ row }) => row);
}

/** @param {Row[]} rows @param {DialectId} dialect @param {Node} node @param {(row: Row) => boolean} fits */
function put(rows, dialect, node, fits) {
  const row = rows.find(fits);
  if (row) (row.cells[dialect] ??= []).push(node);
  return row !== undefined;
}

/** The names and places of a path: `a[0].b` is a, 0, b. @param {string} path */
const steps = (path) => path.replaceAll(/\[(\*|\d+)?\]/g, (_, name) => `.${name ?? '*'}`).split('.').filter(Boolean);

/** Whether two paths agree as far as the shorter goes. @param {string[]} one @param {string[]} other */
const agree = (one, other) => one.slice(0, Math.min(one.length, other.length)).every((name, index) => name === other[index] || (name === '*' && /^\d+$/.test(other[index] ?? '')));

/** Whether a value has something at a path. @param {any} value @param {string[]} path @returns {boolean} */
function has(value, path) {
  const [name, ...rest] = path;
  if (name === undefined) return true;
  if (value === null || typeof value !== 'object') return false;
  if (name === '*') return Object.values(value).some((child) => has(child, rest));
  return name in value && has(value[name], rest);
}

/** The rows that a loss is told at; none where the source has no such place. @param {Row[]} rows @param {DialectId} source @param {DialectId} target @param {string} path @returns {Row[]} */
export function placesOf(rows, source, target, path) {
  const lost = steps(path);
  const near = rows.filter((row) => (row.cells[source] ?? []).some((node) => agree(lost, steps(node.path))));
  const inside = near.filter((row) => (row.cells[source] ?? []).some((node) => lost.length > steps(node.path).length && has(node.value, lost.slice(steps(node.path).length))));
  if (inside.length) return inside;
  const gone = near.filter((row) => !row.cells[target]);
  return gone.length ? gone : near.slice(0, 1);
}

const LONG = 3_000;
const BASE64 = /[A-Za-z0-9+/]{120,}={0,2}/g;

/** Text with what nobody reads cut short: pictures, and more than a screenful. @param {string} text @param {number} [most] */
export function shortened(text, most = Infinity) {
  const short = text.replaceAll(BASE64, (data) => `${data.slice(0, 24)}…(${Math.round((data.length * 3) / 4000)} kB)`);
  return short.length > most ? `${short.slice(0, most)}…` : short;
}

/** A node as it is written in its dialect. @param {Node} node */
export const written = ({ value }) => shortened(JSON.stringify(value, null, 2) ?? '', LONG);
