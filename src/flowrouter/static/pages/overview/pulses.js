/**
 * Pulses that run along the strands as requests are settled, drawn on a canvas between ribbons and nodes.
 *
 * Nothing is drawn while nothing moves. Whatever the traffic, only so many run at once.
 */

import { colourOf } from '../../parts/bits.js';

/** @typedef {{x0: number, y0: number, x1: number, y1: number, bow?: boolean, failed?: boolean}} Leg */
/** @typedef {{legs: Leg[], length: number, colour: string, size: number, began: number, took: number}} Pulse */

const MOST = 48;
const PIXELS_PER_MS = 0.95;
const STAGGER_MS = 260;

export class Pulses {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.brush = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
    /** @type {Pulse[]} */
    this.running = [];
    this.frame = 0;
    /** @type {Map<string, string>} */
    this.colours = new Map();
  }

  /** @param {number} width @param {number} height */
  resize(width, height) {
    const ratio = devicePixelRatio || 1;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    this.brush.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.running = [];
    this.colours.clear();
  }

  /** @param {Leg[]} legs @param {string | null} preset @param {number} tokens */
  add(legs, preset, tokens) {
    if (this.running.length >= MOST || document.hidden || legs.length === 0) return;
    const length = legs.reduce((sum, leg) => sum + Math.hypot(leg.x1 - leg.x0, leg.y1 - leg.y0), 0);
    const size = Math.min(4.5, 2.2 + Math.log10(1 + tokens) * 0.4);
    const began = performance.now() + Math.random() * STAGGER_MS;
    this.running.push({ legs, length, colour: this.colour(colourOf(preset)), size, began, took: length / PIXELS_PER_MS });
    this.frame ||= requestAnimationFrame(this.draw);
  }

  stop() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.running = [];
  }

  /** The theme's colours may change: they are asked for anew now and then. @param {string} named */
  colour(named) {
    const name = named.slice(4, -1);
    const known = this.colours.get(name) ?? getComputedStyle(this.canvas).getPropertyValue(name).trim();
    this.colours.set(name, known);
    return known;
  }

  /** @param {number} now */
  draw = (now) => {
    const { canvas, brush } = this;
    brush.clearRect(0, 0, canvas.width, canvas.height);
    this.running = this.running.filter(({ began, took }) => now < began + took);
    for (const pulse of this.running) if (now >= pulse.began) this.dot(pulse, (now - pulse.began) / pulse.took);
    if (this.running.length === 0) this.colours.clear();
    this.frame = this.running.length > 0 ? requestAnimationFrame(this.draw) : 0;
  };

  /** @param {Pulse} pulse @param {number} share */
  dot(pulse, share) {
    const bad = this.colour('var(--bad)');
    for (let tail = 5; tail >= 0; tail -= 1) {
      const at = where(pulse, share - (tail * 7) / pulse.length);
      if (at === null) continue;
      this.brush.globalAlpha = tail === 0 ? 1 : 0.42 - tail * 0.07;
      this.brush.fillStyle = at.failed ? bad : pulse.colour;
      this.brush.beginPath();
      this.brush.arc(at.x, at.y, pulse.size * (1 - tail * 0.11), 0, Math.PI * 2);
      this.brush.fill();
    }
    this.brush.globalAlpha = 1;
  }
}

/** Return where on its way a pulse is. @param {Pulse} pulse @param {number} share */
function where({ legs, length }, share) {
  if (share < 0) return null;
  let left = share * length;
  for (const leg of legs) {
    const long = Math.hypot(leg.x1 - leg.x0, leg.y1 - leg.y0);
    if (left <= long) return { ...point(leg, long > 0 ? left / long : 1), failed: leg.failed === true };
    left -= long;
  }
  return null;
}

/** @param {Leg} leg @param {number} t */
function point({ x0, y0, x1, y1, bow }, t) {
  const out = Math.min(46, 14 + Math.abs(y1 - y0) * 0.35);
  const [a, b] = bow ? [x0 - out, x1 - out] : [(x0 + x1) / 2, (x0 + x1) / 2];
  const u = 1 - t;
  return {
    x: u * u * u * x0 + 3 * u * u * t * a + 3 * u * t * t * b + t * t * t * x1,
    y: u * u * u * y0 + 3 * u * u * t * y0 + 3 * u * t * t * y1 + t * t * t * y1,
  };
}
