/**
 * Where everything of the flow picture stands: nodes in columns, and a strand for each way through them.
 *
 * Each way keeps one width and one colour from client to provider. What is small is folded into one node
 * per column, so that forty clients read as well as one. Pure: numbers in, numbers out.
 */

/**
 * @typedef {object} Link What `/api/usage/flow` tells of one way.
 * @property {string | null} client
 * @property {string | null} key_id
 * @property {string | null} key
 * @property {string | null} combo
 * @property {string | null} preset
 * @property {string | null} account_id
 * @property {string | null} account
 * @property {number} requests
 * @property {number} errors
 * @property {number} failed_attempts
 * @property {number} tokens
 * @property {number} charge_pusd
 */
/** @typedef {'client' | 'key' | 'combo' | 'account'} Kind */
/** @typedef {{requests: number, errors: number, failed: number, tokens: number, charge: number}} Sums */
/**
 * @typedef {Sums & {id: string, kind: Kind, name: string | null, preset: string | null, folded: number, idle: boolean,
 *   x: number, y: number, width: number, height: number}} Node `id` is what the way says (""  where it says nothing, "*" of what is folded).
 */
/** @typedef {{x0: number, y0: number, x1: number, y1: number}} Piece */
/** @typedef {Sums & {id: string, ids: string[], preset: string | null, width: number, pieces: Piece[]}} Strand */
/** @typedef {{id: string, ids: string[], preset: string | null, failed: number, piece: Piece, detour: Piece | null}} Notch */
/** @typedef {{id: string, name: string, preset: string, weight: number}} Idle An account that no request went to. */
/** @typedef {{kinds: Kind[], nodes: Node[][], strands: Strand[], notches: Notch[], width: number, height: number, place: (way: Way) => string[]}} Picture */
/** @typedef {Pick<Link, 'client' | 'key_id' | 'combo' | 'account_id' | 'preset'>} Way */

/** @type {Kind[]} */
const ALL = ['client', 'key', 'combo', 'account'];
export const FOLDED = '*';
const NODE_HEIGHT = 26;
const GAP = 8;
const THINNEST = 1.5;
const NOTCH = 4;
/** What a request weighs that moved no tokens, so that failures are seen. */
const BARE_REQUEST = 1;

/** The program's name of what a client says of itself. @param {string | null} client */
export function programOf(client) {
  if (!client) return '';
  return client.replace(/[\s/(;]+v?\d[\w.+-]*.*$/, '').trim() || client;
}

/** @type {Record<Kind, (way: Way) => string>} */
const IDS = {
  client: (way) => programOf(way.client),
  key: (way) => way.key_id ?? '',
  combo: (way) => way.combo ?? '',
  account: (way) => way.account_id ?? '',
};

/** @type {Record<Kind, (link: Link) => string | null>} */
const NAMES = {
  client: (link) => programOf(link.client) || null,
  key: (link) => link.key ?? link.key_id,
  combo: (link) => link.combo,
  account: (link) => link.account ?? link.preset,
};

/** @param {{tokens: number, requests: number, failed?: number}} sums */
const weight = ({ tokens, requests, failed = 0 }) => Math.max(tokens, (requests + failed) * BARE_REQUEST);

/**
 * Lay the picture out.
 * @param {Link[]} links
 * @param {Idle[]} idle
 * @param {{width: number, narrow: boolean, most: number}} room `most`: nodes that a column may have.
 * @returns {Picture}
 */
export function layout(links, idle, { width, narrow, most }) {
  const kinds = columns(links, narrow);
  const folds = kinds.map((kind) => fold(kind, links, most));
  const nodes = kinds.map((kind, at) => nodesOf(kind, links, folds[at] ?? new Map(), idle, most));
  /** @param {Way} way */
  const place = (way) => kinds.map((kind, at) => (folds[at]?.has(IDS[kind](way)) ? FOLDED : IDS[kind](way)));
  const { strands, notches } = ways(links, place);
  const height = Math.max(200, Math.min(340, Math.max(...nodes.map((column) => column.length)) * (NODE_HEIGHT + GAP + 4)));
  sort(nodes, strands);
  size(nodes, strands, notches, { width, height, narrow });
  return { kinds, nodes, strands: strands.filter(({ requests }) => requests > 0), notches, width, height, place };
}

/** Columns that tell something: one node that is nobody's name tells nothing. @param {Link[]} links @param {boolean} narrow */
function columns(links, narrow) {
  if (narrow) return /** @type {Kind[]} */ (['client', 'account']);
  return ALL.filter((kind) => kind === 'client' || kind === 'account' || links.some((link) => IDS[kind](link) !== ''));
}

/** Return the ids that are too small for a node of their own. @param {Kind} kind @param {Link[]} links @param {number} most */
function fold(kind, links, most) {
  const weights = new Map();
  for (const link of links) {
    const id = IDS[kind](link);
    weights.set(id, (weights.get(id) ?? 0) + weight({ ...link, failed: link.failed_attempts }));
  }
  if (weights.size <= most) return new Map();
  const ranked = [...weights].sort((a, b) => b[1] - a[1]);
  return new Map(ranked.slice(most - 1));
}

/** @returns {Sums} */
const nothing = () => ({ requests: 0, errors: 0, failed: 0, tokens: 0, charge: 0 });

/** @param {Sums} sums @param {Link} link */
function add(sums, link) {
  sums.requests += link.requests;
  sums.errors += link.errors;
  sums.failed += link.failed_attempts;
  sums.tokens += link.tokens;
  sums.charge += link.charge_pusd;
}

/** @param {Kind} kind @param {Link[]} links @param {Map<string, number>} folded @param {Idle[]} idle @param {number} most */
function nodesOf(kind, links, folded, idle, most) {
  /** @type {Map<string, Node>} */
  const found = new Map();
  for (const link of links) {
    const own = IDS[kind](link);
    const id = folded.has(own) ? FOLDED : own;
    const node = found.get(id) ?? blank(kind, id, id === FOLDED ? null : NAMES[kind](link), kind === 'account' ? link.preset : null, folded.size);
    add(node, link);
    found.set(id, node);
  }
  if (kind === 'account')
    for (const { id, name, preset } of idle)
      if (!found.has(id) && !folded.has(id) && found.size < most) found.set(id, { ...blank(kind, id, name, preset, 0), idle: true });
  return [...found.values()];
}

/** @param {Kind} kind @param {string} id @param {string | null} name @param {string | null} preset @param {number} folded @returns {Node} */
function blank(kind, id, name, preset, folded) {
  const few = id === FOLDED ? folded : 0;
  return { ...nothing(), id, kind, name, preset: few ? null : preset, folded: few, idle: false, x: 0, y: 0, width: 0, height: 0 };
}

/** @param {Link[]} links @param {(way: Way) => string[]} place */
function ways(links, place) {
  /** @type {Map<string, Strand>} */
  const strands = new Map();
  /** @type {Map<string, Notch>} */
  const notches = new Map();
  for (const link of links) {
    const ids = place(link);
    const preset = ids.at(-1) === FOLDED ? null : link.preset;
    const id = ids.join('\n');
    const strand = strands.get(id) ?? { ...nothing(), id, ids, preset, width: 0, pieces: [] };
    add(strand, link);
    strands.set(id, strand);
    if (link.failed_attempts === 0) continue;
    const end = ids.slice(-2);
    const notch = notches.get(end.join('\n')) ?? { id: end.join('\n'), ids, preset, failed: 0, piece: none(), detour: null };
    notch.failed += link.failed_attempts;
    notches.set(notch.id, notch);
  }
  return { strands: [...strands.values()], notches: [...notches.values()] };
}

/** @returns {Piece} */
const none = () => ({ x0: 0, y0: 0, x1: 0, y1: 0 });

/** Order the nodes so that few strands cross: providers by weight, the others by where their strands go. @param {Node[][]} nodes @param {Strand[]} strands */
function sort(nodes, strands) {
  const last = nodes.length - 1;
  nodes[last]?.sort((a, b) => Number(a.idle) - Number(b.idle) || Number(a.folded) - Number(b.folded) || weight(b) - weight(a) || (a.name ?? '').localeCompare(b.name ?? ''));
  for (let at = last - 1; at >= 0; at -= 1) {
    const ranks = new Map(nodes[at + 1]?.map((node, rank) => [node.id, rank]));
    const sums = new Map();
    for (const strand of strands) {
      const [before, whole] = sums.get(strand.ids[at]) ?? [0, 0];
      const heavy = Math.sqrt(weight(strand));
      sums.set(strand.ids[at], [before + (ranks.get(strand.ids[at + 1] ?? '') ?? 0) * heavy, whole + heavy]);
    }
    const mean = (/** @type {Node} */ { id }) => (sums.get(id)?.[0] ?? 0) / (sums.get(id)?.[1] || 1);
    nodes[at]?.sort((a, b) => Number(a.folded > 0) - Number(b.folded > 0) || mean(a) - mean(b) || weight(b) - weight(a));
  }
}

/** Give everything its place. @param {Node[][]} nodes @param {Strand[]} strands @param {Notch[]} notches @param {{width: number, height: number, narrow: boolean}} room */
function size(nodes, strands, notches, { width, height, narrow }) {
  const columnsWide = Math.min(176, Math.max(96, width * (narrow ? 0.4 : width < 900 ? 0.175 : 0.155)));
  const step = nodes.length > 1 ? (width - columnsWide) / (nodes.length - 1) : 0;
  const scale = scaleFor(nodes, strands, height);
  const flowing = strands.filter(({ requests }) => requests > 0);
  for (const strand of flowing) strand.width = Math.max(THINNEST, weight(strand) * scale);
  nodes.forEach((column, at) => {
    for (const node of column) {
      const through = flowing.filter(({ ids }) => ids[at] === node.id).reduce((sum, strand) => sum + strand.width, 0);
      const beside = at === nodes.length - 1 ? notches.filter(({ ids }) => ids[at] === node.id).length * NOTCH : 0;
      node.height = Math.max(NODE_HEIGHT, through + beside + 4);
      node.width = columnsWide;
      node.x = at * step;
    }
    const total = column.reduce((sum, node) => sum + node.height, 0);
    const gap = column.length > 1 ? Math.min(28, Math.max(GAP, (height - total) / (column.length - 1))) : 0;
    let y = Math.max(0, (height - total - gap * (column.length - 1)) / 2);
    for (const node of column) {
      node.y = y;
      y += node.height + gap;
    }
  });
  align(nodes, height);
  connect(nodes, flowing, notches);
}

/** Move the columns up or down as far as there is room, so that what flows runs level. @param {Node[][]} nodes @param {number} height */
function align(nodes, height) {
  const middle = (/** @type {Node[]} */ column) => {
    const flowing = column.filter(({ idle }) => !idle);
    const whole = flowing.reduce((sum, node) => sum + node.height, 0);
    return whole ? flowing.reduce((sum, node) => sum + (node.y + node.height / 2) * node.height, 0) / whole : height / 2;
  };
  const aim = middle(nodes.at(-1) ?? []);
  for (const column of nodes.slice(0, -1)) {
    const [top, bottom] = [column[0]?.y ?? 0, Math.max(...column.map((node) => node.y + node.height))];
    const by = Math.max(-top, Math.min(height - bottom, aim - middle(column)));
    for (const node of column) node.y += by;
  }
}

/** Return pixels for a token, so that the fullest column fits. @param {Node[][]} nodes @param {Strand[]} strands @param {number} height */
function scaleFor(nodes, strands, height) {
  const total = strands.reduce((sum, strand) => sum + weight(strand), 0) || 1;
  let [low, high] = [0, (height * 0.62) / total];
  const tall = (/** @type {number} */ scale) =>
    Math.max(
      ...nodes.map((column, at) =>
        column.reduce((sum, node) => {
          const through = strands.filter(({ ids }) => ids[at] === node.id).reduce((wide, strand) => wide + Math.max(THINNEST, weight(strand) * scale), 0);
          return sum + Math.max(NODE_HEIGHT, through + 4) + GAP;
        }, -GAP),
      ),
    );
  if (tall(high) <= height) return high;
  for (let turn = 0; turn < 24; turn += 1) {
    const middle = (low + high) / 2;
    if (tall(middle) <= height) low = middle;
    else high = middle;
  }
  return low;
}

/** Lead the strands from edge to edge, stacked within each node in the order of where they come from or go. @param {Node[][]} nodes @param {Strand[]} strands @param {Notch[]} notches */
function connect(nodes, strands, notches) {
  const at = nodes.map((column) => new Map(column.map((node) => [node.id, node])));
  const y = (/** @type {number} */ column, /** @type {Strand | Notch} */ one) => at[column]?.get(one.ids[column] ?? '')?.y ?? 0;
  for (let column = 0; column + 1 < nodes.length; column += 1) {
    const final = column + 1 === nodes.length - 1;
    const leaving = stack(nodes[column] ?? [], strands, column, (a, b) => y(column + 1, a) - y(column + 1, b) || y(0, a) - y(0, b), 0);
    const failing = final ? notches : [];
    const arriving = stack(nodes[column + 1] ?? [], strands, column + 1, (a, b) => y(column, a) - y(column, b) || y(0, a) - y(0, b), 0, failing);
    const [from, to] = [at[column], at[column + 1]];
    for (const strand of strands) {
      const [start, end] = [from?.get(strand.ids[column] ?? ''), to?.get(strand.ids[column + 1] ?? '')];
      if (!start || !end) continue;
      strand.pieces.push({ x0: start.x + start.width, y0: leaving.get(strand) ?? 0, x1: end.x, y1: arriving.get(strand) ?? 0 });
    }
    for (const notch of failing) {
      const [start, end] = [from?.get(notch.ids[column] ?? ''), to?.get(notch.ids[column + 1] ?? '')];
      if (start && end) notch.piece = { x0: start.x + start.width, y0: start.y + start.height / 2, x1: end.x, y1: arriving.get(notch) ?? end.y };
    }
  }
  for (const notch of notches) notch.detour = detour(notch, strands);
}

/**
 * Return the middle of each strand within the nodes of a column.
 * @param {Node[]} nodes @param {Strand[]} strands @param {number} column @param {(a: Strand, b: Strand) => number} order @param {number} start
 * @param {Notch[]} [notches]
 */
function stack(nodes, strands, column, order, start, notches = []) {
  /** @type {Map<Strand | Notch, number>} */
  const middles = new Map();
  for (const node of nodes) {
    const mine = strands.filter(({ ids }) => ids[column] === node.id).sort(order);
    const failed = notches.filter(({ ids }) => ids[column] === node.id);
    const total = mine.reduce((sum, strand) => sum + strand.width, 0) + failed.length * NOTCH;
    let y = node.y + start + (node.height - total) / 2;
    for (const strand of mine) {
      middles.set(strand, y + strand.width / 2);
      y += strand.width;
    }
    for (const notch of failed) {
      middles.set(notch, y + NOTCH / 2);
      y += NOTCH;
    }
  }
  return middles;
}

/** Return the way from where an attempt failed to who answered instead, null where the same one did. @param {Notch} notch @param {Strand[]} strands @returns {Piece | null} */
function detour(notch, strands) {
  const [before, failed] = notch.ids.slice(-2);
  const others = strands.filter(({ ids }) => ids.at(-2) === before && ids.at(-1) !== failed);
  const widest = others.sort((a, b) => b.requests - a.requests)[0]?.pieces.at(-1);
  return widest ? { x0: notch.piece.x1, y0: notch.piece.y1, x1: widest.x1, y1: widest.y1 } : null;
}

/** A smooth line between two edges. @param {Piece} piece */
export function curve({ x0, y0, x1, y1 }) {
  const middle = (x0 + x1) / 2;
  return `M${round(x0)},${round(y0)}C${round(middle)},${round(y0)} ${round(middle)},${round(y1)} ${round(x1)},${round(y1)}`;
}

/** A bow beside the nodes, back to the left and in again. @param {Piece} piece */
export function bow({ x0, y0, x1, y1 }) {
  const out = Math.min(46, 14 + Math.abs(y1 - y0) * 0.35);
  return `M${round(x0)},${round(y0)}C${round(x0 - out)},${round(y0)} ${round(x1 - out)},${round(y1)} ${round(x1)},${round(y1)}`;
}

/** @param {number} value */
const round = (value) => Math.round(value * 10) / 10;
