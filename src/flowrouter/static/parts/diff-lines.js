/**
 * The shortest way from one list of lines to another (Myers), with bounds for long ones.
 *
 * What both begin and end with is set aside first. Where more than `MOST` changes would be needed, lines that
 * occur once on either side divide the lists (as "patience" does), and what lies between is compared anew; a
 * part that still differs too much counts as replaced.
 */

/** @typedef {{left: number | null, right: number | null}} Step A line of both, of the left or of the right. */

const MOST = 800;
const MOST_WORK = 30_000_000;

/**
 * @param {string[]} left @param {string[]} right
 * @returns {{steps: Step[], rough: boolean}} `rough`: some of it is not the shortest way.
 */
export function compare(left, right) {
  /** @type {Map<string, number>} */
  const known = new Map();
  const number = (/** @type {string} */ line) => {
    const found = known.get(line) ?? known.size;
    known.set(line, found);
    return found;
  };
  const state = { left: left.map(number), right: right.map(number), steps: /** @type {Step[]} */ ([]), rough: false };
  part(state, 0, left.length, 0, right.length, true);
  return { steps: state.steps, rough: state.rough };
}

/** @typedef {{left: number[], right: number[], steps: Step[], rough: boolean}} Work */

/**
 * @param {Work} work @param {number} fromLeft @param {number} toLeft @param {number} fromRight @param {number} toRight @param {boolean} divide
 */
function part(work, fromLeft, toLeft, fromRight, toRight, divide) {
  const { left, right, steps } = work;
  let [a, b, c, d] = [fromLeft, toLeft, fromRight, toRight];
  while (a < b && c < d && left[a] === right[c]) steps.push({ left: a++, right: c++ });
  while (a < b && c < d && left[b - 1] === right[d - 1]) [b, d] = [b - 1, d - 1];
  const middle = a === b || c === d ? [] : shortest(left.slice(a, b), right.slice(c, d));
  if (middle !== null && middle.length) for (const step of middle) steps.push(moved(step, a, c));
  else if (middle !== null) replace(work, a, b, c, d);
  else divided(work, a, b, c, d, divide);
  for (; b < toLeft; b += 1, d += 1) steps.push({ left: b, right: d });
}

/** @param {Step} step @param {number} a @param {number} c @returns {Step} */
const moved = ({ left, right }, a, c) => ({ left: left === null ? null : left + a, right: right === null ? null : right + c });

/** @param {Work} work @param {number} a @param {number} b @param {number} c @param {number} d */
function replace({ steps }, a, b, c, d) {
  for (let at = a; at < b; at += 1) steps.push({ left: at, right: null });
  for (let at = c; at < d; at += 1) steps.push({ left: null, right: at });
}

/** @param {Work} work @param {number} a @param {number} b @param {number} c @param {number} d @param {boolean} divide */
function divided(work, a, b, c, d, divide) {
  const anchors = divide ? anchorsOf(work.left.slice(a, b), work.right.slice(c, d)) : [];
  if (anchors.length === 0) {
    work.rough = true;
    replace(work, a, b, c, d);
    return;
  }
  let [left, right] = [a, c];
  for (const [one, other] of anchors) {
    part(work, left, a + one, right, c + other, false);
    work.steps.push({ left: a + one, right: c + other });
    [left, right] = [a + one + 1, c + other + 1];
  }
  part(work, left, b, right, d, false);
}

/** Lines that occur once in each, the longest row of them that stands in the same order. @param {number[]} left @param {number[]} right @returns {[number, number][]} */
function anchorsOf(left, right) {
  const once = (/** @type {number[]} */ list) => {
    /** @type {Map<number, number>} */
    const places = new Map();
    list.forEach((line, at) => places.set(line, places.has(line) ? -1 : at));
    return places;
  };
  const [one, other] = [once(left), once(right)];
  /** @type {[number, number][]} */
  const pairs = [];
  for (const [line, at] of one) {
    const there = other.get(line) ?? -1;
    if (at >= 0 && there >= 0) pairs.push([at, there]);
  }
  return rising(pairs);
}

/** The longest rising row of second members (patience sorting). @param {[number, number][]} pairs @returns {[number, number][]} */
function rising(pairs) {
  /** @type {number[]} */
  const tops = [];
  /** @type {number[]} */
  const before = [];
  pairs.forEach(([, value], at) => {
    let [low, high] = [0, tops.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((pairs[tops[middle] ?? 0]?.[1] ?? 0) < value) low = middle + 1;
      else high = middle;
    }
    before[at] = tops[low - 1] ?? -1;
    tops[low] = at;
  });
  /** @type {[number, number][]} */
  const row = [];
  for (let at = tops.at(-1) ?? -1; at >= 0; at = before[at] ?? -1) {
    const pair = pairs[at];
    if (pair) row.push(pair);
  }
  return row.reverse();
}

/** Myers' greedy way; null where it takes more than the bound. @param {number[]} left @param {number[]} right @returns {Step[] | null} */
function shortest(left, right) {
  const [n, m] = [left.length, right.length];
  const most = Math.min(n + m, MOST, Math.max(50, Math.floor(MOST_WORK / (n + m))));
  const reach = new Int32Array(2 * most + 3);
  /** @type {Int32Array[]} */
  const trace = [];
  for (let edits = 0; edits <= most; edits += 1) {
    trace.push(reach.slice(most + 1 - edits - 1, most + 1 + edits + 2));
    for (let line = -edits; line <= edits; line += 2) {
      const at = most + 1 + line;
      const down = line === -edits || (line !== edits && (reach[at - 1] ?? 0) < (reach[at + 1] ?? 0));
      let x = down ? (reach[at + 1] ?? 0) : (reach[at - 1] ?? 0) + 1;
      while (x < n && x - line < m && left[x] === right[x - line]) x += 1;
      reach[at] = x;
      if (x >= n && x - line >= m) return walked(trace, n, m);
    }
  }
  return null;
}

/** Go back from the end over what was reached. @param {Int32Array[]} trace @param {number} n @param {number} m @returns {Step[]} */
function walked(trace, n, m) {
  /** @type {Step[]} */
  const steps = [];
  let [x, y] = [n, m];
  for (let edits = trace.length - 1; edits >= 0; edits -= 1) {
    const reach = trace[edits] ?? new Int32Array(3);
    const at = (/** @type {number} */ line) => reach[line + edits + 1] ?? 0;
    const line = x - y;
    const down = line === -edits || (line !== edits && at(line - 1) < at(line + 1));
    const origin = down ? line + 1 : line - 1;
    const fromX = edits === 0 ? 0 : at(origin);
    const fromY = edits === 0 ? 0 : fromX - origin;
    while (x > fromX && y > fromY) steps.push({ left: --x, right: --y });
    if (edits > 0) steps.push(down ? { left: null, right: --y } : { left: --x, right: null });
    [x, y] = [fromX, fromY];
  }
  return steps.reverse();
}
