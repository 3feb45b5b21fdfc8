// Puts the daemon's fields into the document. An element names its field in `data-field`, as a
// path such as `backlog.files`, and how it is written in `data-as`. `data-rows` names a list; its
// template is filled for each entry.
import {
  readableCount,
  readableDuration,
  readableNumber,
  readableRate,
  readableSize,
} from '../view/readable.ts';

export type Fields = Readonly<Record<string, unknown>>;

const FORMATS: Readonly<Record<string, (value: number) => string>> = {
  count: readableCount,
  duration: readableDuration,
  number: readableNumber,
  rate: readableRate,
  size: readableSize,
};

const UNKNOWN = '–';
/** A longer list is cut. The daemon bounds its lists too. */
const ROWS_MAX = 200;

/** Fills `root`, but not its lists. `data-value` gets the value as it came, for tests. */
export function fill(root: ParentNode, fields: Fields): void {
  for (const element of root.querySelectorAll<HTMLElement>('[data-field]')) {
    if (element.closest('[data-rows]') !== null && root === document) continue;
    const value = at(fields, element.dataset.field ?? '');
    setAttribute(element, 'data-value', value === null || value === undefined ? '' : String(value));
    setText(element, textOf(value, element.dataset.as));
  }
  for (const element of root.querySelectorAll<HTMLElement>('[data-unless-empty]')) {
    if (element.closest('[data-rows]') !== null && root === document) continue;
    const value = at(fields, element.dataset.unlessEmpty ?? '');
    element.hidden = value === undefined || value === null || value === '';
  }
  for (const bar of root.querySelectorAll('progress')) fillBar(bar, fields);
}

function fillBar(bar: HTMLProgressElement, fields: Fields): void {
  const [done, whole] = [at(fields, bar.dataset.done ?? ''), at(fields, bar.dataset.of ?? '')];
  bar.max = Math.max(1, Number(whole ?? 1));
  bar.value = Number(done ?? 0);
  setAttribute(bar, 'aria-label', `${at(fields, bar.dataset.label ?? '')}`);
}

/** Fills the list at `list` from `entries`. Rows are used again, so that focus and scroll stay. */
export function fillRows(list: HTMLElement, entries: readonly Fields[]): void {
  const template = list.querySelector('template');
  if (template === null) return;
  const rows = [...list.children].filter((row) => row !== template);
  const shown = entries.slice(0, ROWS_MAX);
  for (const [index, entry] of shown.entries()) {
    const row = rows[index] ?? list.appendChild(newRow(template));
    fill(row, entry);
  }
  for (const row of rows.slice(shown.length)) list.removeChild(row);
  list.closest('.card')?.toggleAttribute('data-empty', shown.length === 0);
}

/** Fills the whole document. `rowWords` holds texts that belong to entries of lists, by path. */
export function fillDocument(fields: Fields): void {
  fill(document, fields);
  for (const list of document.querySelectorAll<HTMLElement>('[data-rows]')) {
    const path = list.dataset.rows ?? '';
    const entries = at(fields, path);
    const words = at(fields, `rows|${path}`);
    // The chart fills its own.
    if (path === 'chart') continue;
    const texts: unknown[] = Array.isArray(words) ? words : [];
    const rows: Fields[] = Array.isArray(entries) ? entries : [];
    fillRows(
      list,
      rows.map((row, index) => ({ ...row, words: texts[index] })),
    );
  }
}

/** `rows|backlog.waiting` is the field `backlog.waiting` of the field `rows`. */
function at(fields: Fields, path: string): unknown {
  const names = path.includes('|') ? path.split('|') : path.split('.');
  let value: unknown = fields;
  for (const name of names) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = Reflect.get(value, name);
  }
  return value;
}

function textOf(value: unknown, as: string | undefined): string {
  const format = FORMATS[as ?? ''];
  if (value === null || value === undefined) return UNKNOWN;
  if (typeof value === 'number' && format !== undefined) return format(value);
  return String(value);
}

/** Nothing is written that stands there already, because a screen reader may read it again. */
function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

function setAttribute(element: HTMLElement, name: string, value: string): void {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

function newRow(template: HTMLTemplateElement): Element {
  const row = template.content.firstElementChild?.cloneNode(true);
  if (!(row instanceof Element)) throw new Error('a template of the page is empty');
  return row;
}
