/**
 * One uPlot chart, kept as long as its shape stays: new data is set, other sizes and colours are drawn again.
 *
 * Stacks are sums from the bottom, with a band between a series and the one below. The canvas knows no CSS
 * variables, so colours are asked of an element and kept until the theme changes.
 */

import { dayOf } from '../core/format.js';
import { marked, numberLocale } from '../core/strings.js';
import uPlot from '../vendor/uplot.js';

/** @typedef {(number | null | undefined)[]} Values */
/**
 * @typedef {object} Series
 * @property {string} label
 * @property {Values} values One for each point; null where nothing is known.
 * @property {string} [color] As CSS has it, `var(--c3)` as well; by its place without.
 * @property {boolean} [dash]
 * @property {boolean} [stack] An area upon the stacked series before it.
 * @property {(value: number | null | undefined) => string} [format]
 * @property {boolean} [data] The label is not ours: a name out of the gateway.
 */
/**
 * @typedef {object} Model
 * @property {number[]} points Beginnings of the spans, in milliseconds.
 * @property {Series[]} series Those that are shown.
 * @property {Values | null} previous
 * @property {'area' | 'bars'} kind
 * @property {'hour' | 'day'} span
 * @property {number} height
 * @property {(value: number | null | undefined) => string} format
 * @property {string | undefined} syncKey
 * @property {((from: number, to: number) => void) | undefined} onZoom
 * @property {(index: number | null) => void} onCursor
 */

const SPANS = { hour: 3_600_000, day: 86_400_000 };
const DAY = SPANS.day;
const LEAST_BRUSH = 8;
const clock = new Intl.DateTimeFormat(numberLocale, { hour: '2-digit', minute: '2-digit' });
const wholeHour = clock.resolvedOptions().hour12 ? new Intl.DateTimeFormat(numberLocale, { hour: 'numeric' }) : clock;
/** Steps of the time axis, in hours and days. */
const STEPS = [1, 2, 3, 4, 6, 12].map((hours) => hours * SPANS.hour).concat([1, 2, 3, 5, 7, 14, 30, 61, 91, 182, 365].map((days) => days * DAY));

export class Plot {
  /** @param {HTMLElement} box */
  constructor(box) {
    this.box = box;
    this.probe = box.appendChild(document.createElement('i'));
    this.probe.hidden = true;
    /** @type {uPlot | null} */
    this.chart = null;
    /** @type {Model | null} */
    this.model = null;
    this.shape = '';
    this.zoomed = false;
    /** @type {Map<string, string>} */
    this.colours = new Map();
    this.frame = 0;
    this.watcher = new ResizeObserver(() => {
      this.frame ||= requestAnimationFrame(() => this.resize());
    });
    this.watcher.observe(box);
  }

  /** Show what a page gives now. @param {Model} model */
  show(model) {
    const before = this.model;
    this.model = model;
    const shape = shapeOf(model);
    if (!this.chart || shape !== this.shape) this.build(shape);
    else if (!before || !sameData(before, model)) this.chart.setData(dataOf(model), !this.zoomed);
    if (this.chart && this.chart.height !== model.height) this.resize();
  }

  /** @param {string} shape */
  build(shape) {
    const width = this.box.clientWidth;
    this.chart?.destroy();
    this.chart = null;
    if (!this.model || width === 0 || this.model.points.length === 0) return;
    this.shape = shape;
    this.zoomed = false;
    this.chart = new uPlot(this.options(this.model, width), dataOf(this.model), this.box);
    this.listen(this.chart);
  }

  resize() {
    this.frame = 0;
    const width = this.box.clientWidth;
    if (!this.model || width === 0) return;
    if (!this.chart) this.build(shapeOf(this.model));
    else if (width !== this.chart.width || this.model.height !== this.chart.height)
      this.chart.setSize({ width, height: this.model.height });
  }

  /** Draw again in the colours of another theme. */
  recolour() {
    this.colours.clear();
    // A chart that is not drawn yet has no span to be drawn again in; it asks for its colours by itself.
    if (this.chart?.scales['x']?.min != null) this.chart.redraw(true, true);
  }

  dispose() {
    this.watcher.disconnect();
    cancelAnimationFrame(this.frame);
    this.chart?.destroy();
    this.chart = null;
    this.probe.remove();
  }

  /** Return a colour as the canvas takes it. @param {string} css @param {number} [share] of one that it covers */
  colour(css, share = 1) {
    const key = `${css} ${share}`;
    const known = this.colours.get(key);
    if (known !== undefined) return known;
    this.probe.style.color = share === 1 ? css : `color-mix(in srgb, ${css} ${share * 100}%, transparent)`;
    const found = getComputedStyle(this.probe).color;
    this.colours.set(key, found);
    return found;
  }

  /** Put the crosshair on a point, or nowhere. @param {number | null} index */
  point(index) {
    const { chart, model } = this;
    if (!chart || !model) return;
    const at = index === null ? undefined : model.points[Math.max(0, Math.min(model.points.length - 1, index))];
    const left = at === undefined ? -10 : chart.valToPos(at, 'x');
    follow(chart, left, at === undefined ? -10 : chart.over.clientHeight / 2);
  }

  /** Zoom into a stretch of points, both included. @param {number} first @param {number} last */
  zoom(first, last) {
    const { chart, model } = this;
    const [from, to] = [model?.points[first], model?.points[last]];
    if (!chart || !model || from === undefined || to === undefined) return;
    const end = to + SPANS[model.span];
    if (model.onZoom) model.onZoom(from, end);
    else {
      this.zoomed = true;
      chart.setScale('x', { min: from - halfOf(model), max: (to > from ? to : end) + halfOf(model) });
    }
  }

  /** Show all points again; false where they were all shown. */
  whole() {
    if (!this.chart || !this.model || !this.zoomed) return false;
    this.zoomed = false;
    this.chart.setData(dataOf(this.model), true);
    return true;
  }

  /** Fingers move the crosshair too. @param {uPlot} chart */
  listen(chart) {
    const touch = (/** @type {PointerEvent} */ event) => {
      if (event.pointerType === 'mouse') return;
      const { left, top } = chart.over.getBoundingClientRect();
      follow(chart, event.clientX - left, event.clientY - top);
    };
    chart.over.addEventListener('pointerdown', touch);
    chart.over.addEventListener('pointermove', touch);
    chart.over.addEventListener('dblclick', () => {
      this.zoomed = false;
    });
  }

  /** @param {uPlot} chart */
  brushed(chart) {
    const { left, width } = chart.select;
    if (width >= LEAST_BRUSH && this.model) {
      const { points, span } = this.model;
      const [from, to] = [chart.posToVal(left, 'x'), chart.posToVal(left + width, 'x')];
      const half = halfOf(this.model);
      const first = points.findIndex((point) => point + SPANS[span] - half > from);
      const last = points.findLastIndex((point) => point - half <= to);
      if (first >= 0 && last >= first) this.zoom(first, last);
    }
    if (width > 0) chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  }

  /** @param {Model} model @param {number} width @returns {uPlot.Options} */
  options(model, width) {
    const order = orderOf(model);
    const drawn = order.map((place) => this.series(model, place));
    const stacked = model.series.flatMap(({ stack }, place) => (stack ? [order.indexOf(place) + 1] : []));
    const bands = stacked.slice(1).map((upper, index) => ({ series: /** @type {[number, number]} */ ([upper, stacked[index] ?? 0]) }));
    return {
      width,
      height: model.height,
      ms: 1,
      padding: [8, 16, 0, 0],
      legend: { show: false },
      cursor: this.cursor(model),
      scales: { x: { time: true, range: (_, min, max) => spread(this.model ?? model, min, max) }, y: { range: (_, min, max) => [Math.min(0, min ?? 0), max ? max * 1.06 : 1] } },
      series: [{}, ...drawn, ...(model.previous ? [this.thin()] : [])],
      bands: model.kind === 'bars' ? [] : bands,
      axes: this.axes(model.span),
      hooks: {
        setCursor: [(chart) => this.model?.onCursor(chart.cursor.idx ?? null)],
        setSelect: [(chart) => this.brushed(chart)],
      },
    };
  }

  /** @param {Model} model @returns {uPlot.Cursor} */
  cursor(model) {
    const moves = (/** @type {string} */ type) => type === 'mousemove' || type === 'mouseleave';
    return {
      y: false,
      drag: { x: true, y: false, setScale: false },
      points: model.kind === 'bars' ? { show: false } : { size: 7, width: 1.5, fill: () => this.colour('var(--raised)') },
      ...(model.syncKey
        ? { sync: { key: model.syncKey, setSeries: false, scales: ['x', null], filters: { pub: moves, sub: moves } } }
        : {}),
    };
  }

  /** @param {Model} model @param {number} place @returns {uPlot.Series} */
  series(model, place) {
    const own = () => this.model?.series[place]?.color ?? `var(--c${(place % 10) + 1})`;
    const { stack = false, dash = false } = model.series[place] ?? {};
    const bars = model.kind === 'bars' && uPlot.paths.bars ? { paths: uPlot.paths.bars({ size: [0.72, 44], radius: 0.08 }) } : {};
    return {
      width: model.kind === 'bars' ? 0 : 1.5,
      stroke: () => this.colour(own()),
      ...(stack || model.kind === 'bars' ? { fill: () => this.colour(own(), model.kind === 'bars' ? 1 : 0.24) } : {}),
      ...(dash ? { dash: [5, 4] } : {}),
      ...bars,
      points: model.kind === 'bars' ? { show: false } : { show: false, size: 5, filter: lonely },
    };
  }

  /** The line of the period before. @returns {uPlot.Series} */
  thin() {
    return { width: 1, dash: [3, 3], stroke: () => this.colour('var(--soft)'), points: { show: false } };
  }

  /** @param {'hour' | 'day'} span @returns {uPlot.Axis[]} */
  axes(span) {
    const font = `11px ${getComputedStyle(this.box).fontFamily}`;
    const stroke = () => this.colour('var(--soft)');
    const line = { stroke: () => this.colour('var(--line)'), width: 1 };
    const none = { show: false };
    return [
      {
        stroke, font, grid: none, ticks: none, gap: 6, size: 26, space: 76,
        incrs: STEPS.filter((step) => step >= SPANS[span]),
        values: (_, splits, __, ___, step) => splits.map((at) => moment(at, step)),
      },
      {
        stroke, font, grid: line, ticks: none, gap: 6, space: 36,
        size: (chart, values) => room(chart, values, font),
        values: (_, splits) => splits.map((value) => this.model?.format(value) ?? ''),
      },
    ];
  }
}

/** Move the crosshair of a chart and of those in step with it. @param {uPlot} chart @param {number} left @param {number} top */
function follow(chart, left, top) {
  const move = /** @type {(at: {left: number, top: number}, fire: boolean, publish: boolean) => void} */ (chart.setCursor);
  move({ left, top }, true, true);
}

/** What needs another chart when it changes. @param {Model} model */
function shapeOf({ points, series, previous, kind, span, syncKey }) {
  const kinds = series.map(({ stack, dash }) => `${stack ? 's' : 'l'}${dash ? 'd' : ''}`);
  return [points.length > 0, kinds.join(), previous !== null, kind, span, syncKey].join(' ');
}

/** @param {Model} one @param {Model} other */
function sameData(one, other) {
  const same = one.points === other.points && one.previous === other.previous;
  return same && one.series.every(({ values }, place) => values === other.series[place]?.values);
}

/**
 * The order series are drawn in: stacks from the top, so that a group of next to nothing does not hide the edge of
 * the one that it stands on; lines over them.
 * @param {Model} model
 */
function orderOf({ series, kind }) {
  const places = series.map((_, place) => place);
  const low = places.filter((place) => kind === 'bars' || series[place]?.stack);
  return [...low.reverse(), ...places.filter((place) => !low.includes(place))];
}

/** @param {Model} model @returns {uPlot.AlignedData} */
function dataOf(model) {
  const below = new Float64Array(model.points.length);
  const summed = model.series.map(({ values, stack }) => {
    if (!stack) return model.points.map((_, at) => values[at] ?? null);
    return model.points.map((_, at) => (below[at] = (below[at] ?? 0) + (values[at] ?? 0)));
  });
  const before = model.previous ? [model.points.map((_, at) => model.previous?.[at] ?? null)] : [];
  return [model.points, ...orderOf(model).map((place) => summed[place] ?? []), ...before];
}

/** Half a span, where something stands on both sides of a point. @param {Model} model */
const halfOf = ({ kind, span, points }) => (kind === 'bars' || points.length < 2 ? SPANS[span] / 2 : 0);

/** The span of x; uPlot asks for it anew of what it got before. @param {Model} model @param {number | null} min @param {number | null} max @returns {[number, number]} */
function spread(model, min, max) {
  const [first, last] = [model.points[0] ?? 0, model.points.at(-1) ?? 1];
  if (min !== null && max !== null && (min > first || max < last)) return [min, max];
  return [first - halfOf(model), last + halfOf(model)];
}

/** Return the points that no line reaches, since both neighbours are unknown. @param {uPlot} chart @param {number} place */
function lonely(chart, place) {
  const values = chart.data[place] ?? [];
  /** @type {number[]} */
  const found = [];
  for (let at = 0; at < values.length; at += 1) {
    if (values[at] != null && values[at - 1] == null && values[at + 1] == null) found.push(at);
  }
  return found.length ? found : null;
}

/** The text of a place on the time axis. @param {number} at @param {number} step */
function moment(at, step) {
  const date = new Date(at);
  const midnight = date.getHours() === 0 && date.getMinutes() === 0;
  return step >= DAY || midnight ? dayOf(at) : marked((date.getMinutes() === 0 ? wholeHour : clock).format(at));
}

/** The width that the texts of the y axis need. @param {uPlot} chart @param {string[] | null} values @param {string} font */
function room(chart, values, font) {
  if (!values) return 40;
  chart.ctx.save();
  chart.ctx.font = font;
  const widest = Math.max(0, ...values.map((value) => chart.ctx.measureText(value ?? '').width));
  chart.ctx.restore();
  return Math.ceil(widest) + 14;
}
