// Structured fields (RFC 9651): Dictionaries in just the form that serialising gives (request.md, "Structured fields"). A value
// is exact when it has this grammar: each item in its one spelling, no key twice, single spaces, `true` left out where it can be.

import { decodeUtf8, fromBinary } from './util.mjs';

/**
 * @typedef {{t: 'integer', v: number} | {t: 'decimal'|'string'|'token'|'date'|'display', v: string}
 *   | {t: 'bytes', v: Buffer} | {t: 'bool', v: boolean}} Bare
 * @typedef {Map<string, Bare>} Params
 * @typedef {{bare: Bare, params: Params}} Item
 * @typedef {{items: Item[]|null, bare: Bare|null, params: Params, text: string}} Member an Inner List has items, an Item has
 *   bare; `text` is what follows the `=`
 */

class Inexact extends Error {}

/**
 * Kinds of bare items, each with its spelling and its value; null where it is no value after all.
 * @type {[string, RegExp, (text: string) => any][]}
 */
const BARE = [
  ['decimal', /((?!-0\.0)-?(?:0|[1-9][0-9]{0,11})\.(?:[0-9]{0,2}[1-9]|0))(?![0-9.])/y, (text) => text],
  ['integer', /(0|-?[1-9][0-9]{0,14})(?![0-9.])/y, Number],
  ['string', /"((?:[ !#-[\]-~]|\\["\\])*)"/y, (text) => text.replace(/\\(.)/g, '$1')],
  ['bytes', /:([A-Za-z0-9+/=]*):/y, exactBase64],
  ['bool', /\?([01])/y, (text) => text === '1'],
  ['date', /@(0|-?[1-9][0-9]{0,14})(?![0-9.])/y, (text) => text],
  ['display', /%"((?:[ !#-$&-~]|%(?:2[25]|[01][0-9a-f]|7f|[89a-f][0-9a-f]))*)"/y, displayed],
  ['token', /([A-Za-z*][!#$%&'*+\-.^_`|~0-9A-Za-z:/]*)/y, (text) => text],
];
const KEY = /[a-z*][a-z0-9_.*-]*/y;

/** @param {string} text */
function exactBase64(text) {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : null;
}

/** @param {string} coded */
function displayed(coded) {
  return decodeUtf8(fromBinary(coded.replace(/%(..)/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)))));
}

class Reader {
  /** @param {string} text a binary string */
  constructor(text) {
    this.text = text;
    this.at = 0;
  }

  /** @param {RegExp} sticky */
  take(sticky) {
    sticky.lastIndex = this.at;
    const found = sticky.exec(this.text);
    if (found) this.at += found[0].length;
    return found;
  }

  /** @returns {Bare} */
  bare() {
    for (const [t, spelling, read] of BARE) {
      const found = this.take(spelling);
      if (!found) continue;
      const v = read(found[1]);
      if (v === null) break;
      return /** @type {Bare} */ ({ t, v });
    }
    throw new Inexact();
  }

  /** A key that `held` lacks. @param {Map<string, unknown>} held */
  key(held) {
    const found = this.take(KEY);
    if (!found || held.has(found[0])) throw new Inexact();
    return found[0];
  }

  /** What stands behind a key and its `=`; without one, or with a `true` that is spelled out. @template T @param {() => T} read @param {T} absent */
  valueOr(read, absent) {
    if (!this.take(/=/y)) return absent;
    if (/^\?1/.test(this.text.slice(this.at))) throw new Inexact();
    return read();
  }

  /** @returns {Params} */
  params() {
    const params = new Map();
    while (this.take(/;/y)) params.set(this.key(params), this.valueOr(() => this.bare(), { t: 'bool', v: true }));
    return params;
  }

  /** @returns {Item} */
  item() {
    return { bare: this.bare(), params: this.params() };
  }

  /** @returns {Item[]} */
  innerList() {
    const items = [];
    while (!this.take(/\)/y)) {
      if (items.length && !this.take(/ /y)) throw new Inexact();
      items.push(this.item());
    }
    return items;
  }

  /** @returns {Map<string, Member>} */
  dictionary() {
    const members = new Map();
    do {
      const key = this.key(members);
      const start = this.at + 1;
      const value = this.valueOr(() => (this.take(/\(/y) ? { items: this.innerList() } : { bare: this.bare() }), { bare: { t: 'bool', v: true } });
      members.set(key, { items: null, bare: null, ...value, params: this.params(), text: this.text.slice(start, this.at) });
    } while (this.take(/, /y));
    if (this.at !== this.text.length) throw new Inexact();
    return members;
  }
}

/** The Dictionary, where the value is an exact one; else null. @param {string} value @returns {Map<string, Member>|null} */
export function exactDictionary(value) {
  try {
    return new Reader(value).dictionary();
  } catch (error) {
    if (error instanceof Inexact) return null;
    throw error;
  }
}
