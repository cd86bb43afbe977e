// Structured fields (RFC 9651): Dictionaries, parsed strictly and serialised again; a value that does not come out as it
// went in is not exact (request.md, "Structured fields").

import { decodeUtf8, encodeUtf8, fromBinary } from './util.mjs';

/**
 * @typedef {{t: 'integer', v: number} | {t: 'decimal'|'string'|'token'|'date'|'display', v: string}
 *   | {t: 'bytes', v: Buffer} | {t: 'bool', v: boolean}} Bare
 * @typedef {Map<string, Bare>} Params
 * @typedef {{bare: Bare, params: Params}} Item
 * @typedef {{items: Item[]|null, bare: Bare|null, params: Params}} Member an Inner List has items, an Item has bare
 */

class Inexact extends Error {}

class Reader {
  /** @param {string} text a binary string */
  constructor(text) {
    this.text = text;
    this.at = 0;
  }

  /** @param {RegExp} sticky @returns {string[]} */
  take(sticky) {
    sticky.lastIndex = this.at;
    const found = sticky.exec(this.text);
    if (!found) throw new Inexact();
    this.at += found[0].length;
    return found;
  }

  /** @param {string} character @returns {boolean} */
  skip(character) {
    if (this.text[this.at] !== character) return false;
    this.at += 1;
    return true;
  }

  key() {
    return this.take(/[a-z*][a-z0-9_.*-]*/y)[0];
  }

  /** @returns {Bare} */
  bare() {
    switch (this.text[this.at]) {
      case '"':
        return { t: 'string', v: this.take(/"((?:[ !#-[\]-~]|\\["\\])*)"/y)[1].replace(/\\(.)/g, '$1') };
      case ':':
        return { t: 'bytes', v: Buffer.from(this.take(/:([A-Za-z0-9+/=]*):/y)[1], 'base64') };
      case '?':
        return { t: 'bool', v: this.take(/\?([01])/y)[1] === '1' };
      case '@':
        return { t: 'date', v: this.take(/@(-?[0-9]{1,15})(?![0-9.])/y)[1] };
      case '%':
        return { t: 'display', v: this.display() };
      default:
    }
    if (/[0-9-]/.test(this.text[this.at] ?? '')) {
      const [number, , fraction] = this.take(/-?([0-9]{1,15})(\.[0-9]{1,3})?(?![0-9.])/y);
      if (fraction === undefined) return { t: 'integer', v: Number(number) };
      if (number.replace('-', '').indexOf('.') > 12) throw new Inexact();
      return { t: 'decimal', v: number };
    }
    return { t: 'token', v: this.take(/[A-Za-z*][!#$%&'*+\-.^_`|~0-9A-Za-z:/]*/y)[0] };
  }

  display() {
    const [, coded] = this.take(/%"((?:[ !#-$&-~]|%[0-9a-f]{2})*)"/y);
    const bytes = coded.replace(/%(..)/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
    const text = decodeUtf8(fromBinary(bytes));
    if (text === null) throw new Inexact();
    return text;
  }

  /** @returns {Params} */
  params() {
    const params = new Map();
    while (this.skip(';')) {
      while (this.skip(' '));
      const key = this.key();
      params.set(key, this.skip('=') ? this.bare() : { t: 'bool', v: true });
    }
    return params;
  }

  /** @returns {Member} */
  member() {
    if (!this.skip('(')) return { items: null, bare: this.bare(), params: this.params() };
    const items = [];
    for (;;) {
      while (this.skip(' '));
      if (this.skip(')')) break;
      items.push({ bare: this.bare(), params: this.params() });
      if (!' )'.includes(this.text[this.at] ?? 'x')) throw new Inexact();
    }
    return { items, bare: null, params: this.params() };
  }

  /** @returns {Map<string, Member>} */
  dictionary() {
    const members = new Map();
    while (this.at < this.text.length) {
      const key = this.key();
      members.set(key, this.skip('=') ? this.member() : { items: null, bare: { t: 'bool', v: true }, params: this.params() });
      this.take(/[ \t]*/y);
      if (this.at === this.text.length) break;
      if (!this.skip(',')) throw new Inexact();
      this.take(/[ \t]*/y);
      if (this.at === this.text.length) throw new Inexact();
    }
    return members;
  }
}

/** @param {Bare} bare @returns {string} */
function writeBare(bare) {
  switch (bare.t) {
    case 'integer':
      return String(bare.v === 0 ? 0 : bare.v);
    case 'decimal': {
      const [, sign, whole, tail] = /** @type {string[]} */ (/^(-?)0*([0-9]+)\.([0-9]+?)0*$/.exec(bare.v));
      return `${/^0*$/.test(whole + tail) ? '' : sign}${whole}.${tail}`;
    }
    case 'string':
      return `"${bare.v.replace(/["\\]/g, '\\$&')}"`;
    case 'token':
      return bare.v;
    case 'bytes':
      return `:${bare.v.toString('base64')}:`;
    case 'bool':
      return `?${bare.v ? 1 : 0}`;
    case 'date':
      return `@${BigInt(bare.v)}`;
    default: {
      const coded = encodeUtf8(bare.v).toString('latin1');
      const escape = (/** @type {string} */ c) => `%${c.charCodeAt(0).toString(16).padStart(2, '0')}`;
      return `%"${coded.replace(/[%"\u0000-\u001f\u007f-\u00ff]/g, escape)}"`;
    }
  }
}

/** @param {Params} params */
function writeParams(params) {
  return [...params].map(([key, bare]) => `;${key}${bare.t === 'bool' && bare.v ? '' : `=${writeBare(bare)}`}`).join('');
}

/** A member without its key: what follows the `=`. @param {Member} member @returns {string} */
export function writeMember({ items, bare, params }) {
  if (!items) return writeBare(/** @type {Bare} */ (bare)) + writeParams(params);
  return `(${items.map((item) => writeBare(item.bare) + writeParams(item.params)).join(' ')})${writeParams(params)}`;
}

/** @param {Map<string, Member>} members */
export function writeDictionary(members) {
  return [...members]
    .map(([key, member]) => {
      const isTrue = member.bare?.t === 'bool' && member.bare.v;
      return key + (isTrue ? writeParams(member.params) : `=${writeMember(member)}`);
    })
    .join(', ');
}

/** The Dictionary, where the value is an exact one; else null. @param {string} value @returns {Map<string, Member>|null} */
export function exactDictionary(value) {
  try {
    const members = new Reader(value).dictionary();
    return members.size > 0 && writeDictionary(members) === value ? members : null;
  } catch (error) {
    if (error instanceof Inexact) return null;
    throw error;
  }
}
