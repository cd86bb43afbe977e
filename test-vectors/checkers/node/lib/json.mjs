// Strict JSON (RQ-55) and JCS (RFC 8785). Values keep what the rules ask about: the order of members and how a number
// was spelled.

import { MAX_SAFE, decodeUtf8 } from './util.mjs';

/**
 * @typedef {{t: 'obj', members: [string, Json][]} | {t: 'arr', items: Json[]} | {t: 'str', v: string}
 *   | {t: 'num', text: string, fraction: boolean} | {t: 'bool', v: boolean} | {t: 'null'}} Json
 */

export class JsonError extends Error {}

const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
const PLAIN = /[^"\\\u0000-\u001f]+/y;
const ESCAPES = { '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };
const MAX_DEPTH = 64;

class Reader {
  /** @param {string} text */
  constructor(text) {
    this.text = text;
    this.at = 0;
  }

  space() {
    while (' \t\n\r'.includes(this.text[this.at] ?? 'x')) this.at += 1;
  }

  /** @param {string} character */
  expect(character) {
    if (this.text[this.at] !== character) throw new JsonError(`expected ${character}`);
    this.at += 1;
  }

  /** @param {RegExp} sticky */
  match(sticky) {
    sticky.lastIndex = this.at;
    const found = sticky.exec(this.text);
    if (found) this.at += found[0].length;
    return found;
  }

  /** @returns {string} */
  string() {
    this.expect('"');
    let out = '';
    for (;;) {
      out += this.match(PLAIN)?.[0] ?? '';
      const next = this.text[this.at++];
      if (next === '"') break;
      if (next !== '\\') throw new JsonError('string not ended, or a control character');
      const escape = this.text[this.at++];
      if (escape === 'u') {
        const hex = this.text.slice(this.at, this.at + 4);
        if (!/^[0-9A-Fa-f]{4}$/.test(hex)) throw new JsonError('escape');
        out += String.fromCharCode(parseInt(hex, 16));
        this.at += 4;
      } else if (Object.hasOwn(ESCAPES, escape ?? '')) out += ESCAPES[/** @type {'b'} */ (escape)];
      else throw new JsonError('escape');
    }
    if (!out.isWellFormed()) throw new JsonError('unpaired surrogate');
    return out;
  }

  /** Recursion ends at MAX_DEPTH. @param {number} depth @returns {Json} */
  value(depth) {
    this.space();
    const first = this.text[this.at];
    if (first === '"') return { t: 'str', v: this.string() };
    if (first === '{' || first === '[') {
      if (depth === MAX_DEPTH) throw new JsonError('too deep');
      this.at += 1;
      return first === '{' ? this.object(depth + 1) : this.array(depth + 1);
    }
    for (const [word, value] of /** @type {[string, Json][]} */ ([
      ['true', { t: 'bool', v: true }],
      ['false', { t: 'bool', v: false }],
      ['null', { t: 'null' }],
    ])) {
      if (this.text.startsWith(word, this.at)) {
        this.at += word.length;
        return value;
      }
    }
    const number = this.match(NUMBER);
    if (!number) throw new JsonError('no value');
    const fraction = number[1] !== undefined || number[2] !== undefined;
    if (!Number.isFinite(Number(number[0]))) throw new JsonError('no finite number');
    if (!fraction && BigInt(number[0].replace('-', '')) > MAX_SAFE) throw new JsonError('integer too great');
    return { t: 'num', text: number[0], fraction };
  }

  /** What stands between the brackets, separated by commas. @param {string} end @param {() => void} one reads one element */
  list(end, one) {
    this.space();
    if (this.text[this.at] === end) this.at += 1;
    else {
      do {
        this.space();
        one();
        this.space();
      } while (this.text[this.at++] === ',');
      this.at -= 1;
      this.expect(end);
    }
  }

  /** @param {number} depth @returns {Json} */
  object(depth) {
    /** @type {Map<string, Json>} */
    const members = new Map();
    this.list('}', () => {
      const name = this.string();
      if (members.has(name)) throw new JsonError('name twice');
      this.space();
      this.expect(':');
      members.set(name, this.value(depth));
    });
    return { t: 'obj', members: [...members] };
  }

  /** @param {number} depth @returns {Json} */
  array(depth) {
    /** @type {Json[]} */
    const items = [];
    this.list(']', () => items.push(this.value(depth)));
    return { t: 'arr', items };
  }
}

/**
 * Reads one JSON value by RQ-55, or throws a JsonError. A byte order mark is no value, since it is not skipped.
 * @param {Uint8Array|string} input @returns {Json}
 */
export function parseJson(input) {
  const text = typeof input === 'string' ? input : decodeUtf8(input);
  if (text === null || !text.isWellFormed()) throw new JsonError('not UTF-8');
  const reader = new Reader(text);
  const value = reader.value(0);
  reader.space();
  if (reader.at !== text.length) throw new JsonError('more than one value');
  return value;
}

/** RFC 8785. Recursion is bounded by the reader's depth. @param {Json} value @returns {string} */
export function jcs(value) {
  switch (value.t) {
    case 'null':
      return 'null';
    case 'bool':
      return String(value.v);
    case 'str':
      return JSON.stringify(value.v);
    case 'num':
      return JSON.stringify(Number(value.text)); // ECMAScript's spelling of the double; -0 is 0
    case 'arr':
      return `[${value.items.map(jcs).join(',')}]`;
    default: {
      const sorted = [...value.members].sort(([a], [b]) => (a < b ? -1 : 1)); // by UTF-16 code units
      return `{${sorted.map(([name, member]) => `${JSON.stringify(name)}:${jcs(member)}`).join(',')}}`;
    }
  }
}

/** @param {Json|undefined} value @param {string} name @returns {Json|undefined} */
export function member(value, name) {
  return value?.t === 'obj' ? value.members.find(([key]) => key === name)?.[1] : undefined;
}

/** The integer, where the value is one that was written without fraction or exponent. @param {Json|undefined} value */
export function integer(value) {
  return value?.t === 'num' && !value.fraction ? BigInt(value.text) : undefined;
}

/** A plain JS value as Json, for what the verifier writes itself. @param {any} value @returns {Json} */
export function toJson(value) {
  if (value === null) return { t: 'null' };
  if (typeof value === 'string') return { t: 'str', v: value };
  if (typeof value === 'boolean') return { t: 'bool', v: value };
  if (typeof value === 'number') return { t: 'num', text: String(value), fraction: false };
  if (Array.isArray(value)) return { t: 'arr', items: value.map(toJson) };
  return { t: 'obj', members: Object.entries(value).map(([name, item]) => [name, toJson(item)]) };
}
