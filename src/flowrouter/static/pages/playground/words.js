/**
 * A model's words on show: Markdown as elements, never as HTML; blocks that are complete are not drawn again.
 */

import { Component, html, useRef } from '../../core/ui.js';
import { Code } from '../../parts/bits.js';
import { t } from '../../strings/playground.js';
import { Blocks, spans } from './markdown.js';

/** @param {{text: string, live?: boolean}} given */
export function Words({ text, live = false }) {
  const reader = useRef(/** @type {Blocks | null} */ (null));
  reader.current ??= new Blocks();
  const blocks = reader.current.take(text);
  return html`<div class=${live ? 'play-words live' : 'play-words'} translate="no">${blocks.map((block, index) => html`<${Block} key=${index} block=${block} />`)}</div>`;
}

class Block extends Component {
  /** @param {any} next */
  shouldComponentUpdate(next) {
    return next.block !== this.props.block;
  }

  render() {
    /** @type {import('./markdown.js').Block} */
    const block = this.props.block;
    switch (block.kind) {
      case 'code': return html`<${Code} text=${block.text} label=${t('codeBlock')} />`;
      case 'heading': return html`<p class="strong">${inline(block.text)}</p>`;
      case 'quote': return html`<blockquote>${inline(block.text)}</blockquote>`;
      case 'rule': return html`<hr />`;
      case 'list': return listed(block);
      case 'table': return html`<div class="play-table" tabindex="0"><table><thead><tr>${block.head.map((cell) => html`<th>${inline(cell)}</th>`)}</tr></thead>
        <tbody>${block.rows.map((row) => html`<tr>${row.map((cell) => html`<td>${inline(cell)}</td>`)}</tr>`)}</tbody></table></div>`;
      default: return html`<p>${inline(block.text)}</p>`;
    }
  }
}

/** @param {import('./markdown.js').List} block */
function listed({ ordered, start, items }) {
  const rows = items.map(({ text, level }, index) => html`<li key=${index} class=${level ? `deep${level}` : undefined}>${inline(text)}</li>`);
  return ordered ? html`<ol start=${start}>${rows}</ol>` : html`<ul>${rows}</ul>`;
}

/** @param {string} text @returns {any[]} */
function inline(text) {
  return spans(text).map((span) => {
    if (span.kind === 'code') return html`<code>${span.text}</code>`;
    if (span.kind === 'strong') return html`<b>${inline(span.text)}</b>`;
    if (span.kind === 'em') return html`<i>${span.text}</i>`;
    return span.kind === 'link' ? html`<a href=${span.href} target="_blank" rel="noopener noreferrer">${span.text}</a>` : span.text;
  });
}
