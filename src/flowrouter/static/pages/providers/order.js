/**
 * The order in which accounts are asked: steps of equal priority, and what becomes of them as one is moved.
 *
 * Priorities that need not change do not: moving one account seldom changes more than its own.
 */

/** @typedef {{id: string, priority: number, fixed: boolean}} Placed `fixed`: its priority cannot be changed here. */
/** @typedef {Placed[][]} Steps */
/** @typedef {{id: string, from: number, to: number}} Move */

/** @param {Placed[]} placed @returns {Steps} */
export function stepsOf(placed) {
  /** @type {Map<number, Placed[]>} */
  const by = new Map();
  for (const one of placed) by.set(one.priority, [...(by.get(one.priority) ?? []), one]);
  return [...by.entries()].sort(([a], [b]) => a - b).map(([, step]) => step);
}

/** Take an account to another step. @param {Steps} steps @param {string} id @param {number} to @returns {Steps} */
export function joined(steps, id, to) {
  const one = steps.flat().find((each) => each.id === id);
  if (!one || steps[to]?.some((each) => each.id === id)) return steps;
  return steps.map((step, at) => (at === to ? [...step, one] : step.filter((each) => each.id !== id))).filter((step) => step.length > 0);
}

/** Make a step of its own for an account, before the step `at`. @param {Steps} steps @param {string} id @param {number} at @returns {Steps} */
export function parted(steps, id, at) {
  const one = steps.flat().find((each) => each.id === id);
  if (!one) return steps;
  const without = steps.map((step) => step.filter((each) => each.id !== id));
  return [...without.slice(0, at), [one], ...without.slice(at)].filter((step) => step.length > 0);
}

/** One place up (-1) or down (1): out of a shared step, or into the next one. @param {Steps} steps @param {string} id @param {-1 | 1} way @returns {Steps} */
export function nudged(steps, id, way) {
  const at = steps.findIndex((step) => step.some((each) => each.id === id));
  if (at < 0) return steps;
  if ((steps[at]?.length ?? 0) > 1) return parted(steps, id, way < 0 ? at : at + 1);
  return steps[at + way] ? joined(steps, id, at + way) : steps;
}

/**
 * The changes that bring about `steps`, of which `moved` is new at its place; null where fixed accounts stand in the way.
 * @param {Steps} steps @param {string} moved @returns {Move[] | null}
 */
export function moves(steps, moved) {
  const wanted = steps.map((step) => wantedOf(step, moved));
  const numbers = numbered(wanted, steps) ?? numberedBack(wanted, steps);
  if (!numbers) return null;
  return steps.flatMap((step, at) => {
    const to = numbers[at] ?? 1;
    return step.filter(({ priority }) => priority !== to).map(({ id, priority }) => ({ id, from: priority, to }));
  });
}

/** The number a step has had so far; null for one that is new. @param {Placed[]} step @param {string} moved */
function wantedOf(step, moved) {
  const first = step.find(({ fixed }) => fixed) ?? step.find(({ id }) => id !== moved);
  return first?.priority ?? null;
}

/** From the top: whoever has no room goes down. @param {(number | null)[]} wanted @param {Steps} steps @returns {number[] | null} */
function numbered(wanted, steps) {
  /** @type {number[]} */
  const numbers = [];
  for (const want of wanted) {
    const least = (numbers.at(-1) ?? 0) + 1;
    numbers.push(Math.max(want ?? least, least));
  }
  return keepsFixed(numbers, steps) ? numbers : null;
}

/** From the end: whoever has no room goes up. @param {(number | null)[]} wanted @param {Steps} steps @returns {number[] | null} */
function numberedBack(wanted, steps) {
  /** @type {number[]} */
  const numbers = [];
  for (const [at, want] of [...wanted.entries()].reverse()) {
    const most = (numbers[0] ?? Infinity) - 1;
    numbers.unshift(Math.min(want ?? (most === Infinity ? (wanted[at - 1] ?? 0) + 1 : most), most));
  }
  return (numbers[0] ?? 0) >= 1 && keepsFixed(numbers, steps) ? numbers : null;
}

/** @param {number[]} numbers @param {Steps} steps */
const keepsFixed = (numbers, steps) => steps.every((step, at) => step.every(({ fixed, priority }) => !fixed || priority === numbers[at]));
