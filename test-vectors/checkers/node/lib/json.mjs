// Strict JSON (RQ-55) and JCS (RFC 8785). Values keep what the rules ask about: the order of members and how a number
// was spelled.

import { MAX_SAFE, decodeUtf8 } from './util.mjs';

/**
 * @typedef {{t: 'obj', members: [string, Json][]} | {t: 'arr', items: Json[]} | {t: 'str', v: string}
 *   | {t: 'num', text: string, fraction: boolean} | {t: 'bool', v: boolean} | {t: 'null'}} Json
 */

class JsonError extends Error {}

const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))*"/;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/;
const TOKEN = new RegExp(`[ \\t\\n\\r]*([{}[\\]:,]|${STRING.source}|${NUMBER.source}|true|false|null|$)`, 'y');
const MAX_DEPTH = 64;

class Reader {
  /** @param {string} text */
  constructor(text) {
    this.text = text;
    this.sticky = new RegExp(TOKEN);
    this.token = '';
    this.advance();
  }

  /** To the next token; the empty one stands at the end. */
  advance() {
    const found = this.sticky.exec(this.text);
    if (!found) throw new JsonError('no token');
    this.token = found[1];
  }

  /** @param {string} token @returns {boolean} */
  skip(token) {
    if (this.token !== token) return false;
    this.advance();
    return true;
  }

  /** @param {string} token */
  expect(token) {
    if (!this.skip(token)) throw new JsonError(`no ${token}`);
  }

  /** @returns {string} */
  string() {
    if (this.token[0] !== '"') throw new JsonError('no string');
    const text = JSON.parse(this.token); // one string token
    if (!text.isWellFormed()) throw new JsonError('unpaired surrogate');
    this.advance();
    return text;
  }

  /** Recursion ends at MAX_DEPTH. @param {number} depth @returns {Json} */
  value(depth) {
    const { token } = this;
    if (token[0] === '"') return { t: 'str', v: this.string() };
    if (/^[-0-9]/.test(token)) return this.number();
    this.advance();
    if (token === 'null') return { t: 'null' };
    if (token === 'true' || token === 'false') return { t: 'bool', v: token === 'true' };
    if (token !== '{' && token !== '[') throw new JsonError('no value');
    if (depth === MAX_DEPTH) throw new JsonError('too deep');
    return token === '{' ? this.object(depth + 1) : this.array(depth + 1);
  }

  /** @returns {Json} */
  number() {
    const text = this.token;
    const fraction = /[.eE]/.test(text);
    if (!Number.isFinite(Number(text))) throw new JsonError('no finite number');
    if (!fraction && BigInt(text.replace('-', '')) > MAX_SAFE) throw new JsonError('integer too great');
    this.advance();
    return { t: 'num', text, fraction };
  }

  /** @param {number} depth @returns {Json} */
  object(depth) {
    /** @type {Map<string, Json>} */
    const members = new Map();
    if (this.skip('}')) return { t: 'obj', members: [] };
    do {
      const name = this.string();
      if (members.has(name)) throw new JsonError('name twice');
      this.expect(':');
      members.set(name, this.value(depth));
    } while (this.skip(','));
    this.expect('}');
    return { t: 'obj', members: [...members] };
  }

  /** @param {number} depth @returns {Json} */
  array(depth) {
    /** @type {Json[]} */
    const items = [];
    if (this.skip(']')) return { t: 'arr', items };
    do items.push(this.value(depth));
    while (this.skip(','));
    this.expect(']');
    return { t: 'arr', items };
  }
}

/**
 * Reads one JSON value by RQ-55. A byte order mark is no value, since it is not skipped.
 * @template T @param {Uint8Array|string} input @param {(detail: string) => T} refuse what is thrown or given back for another text
 * @returns {Json|T}
 */
export function parseJson(input, refuse) {
  const text = typeof input === 'string' ? input : decodeUtf8(input);
  if (text === null || !text.isWellFormed()) return refuse('not UTF-8');
  try {
    const reader = new Reader(text);
    const value = reader.value(0);
    return reader.token === '' ? value : refuse('more than one value');
  } catch (error) {
    if (error instanceof JsonError) return refuse(error.message);
    throw error;
  }
}

/**
 * A value as plain data (integers as BigInt) where it has just this shape, with all members and no others; else undefined.
 * @param {Json|undefined} value @param {any} shape `string`, `integer`, `[shape]` of an array, or an object of shapes @returns {any}
 */
export function shaped(value, shape) {
  if (shape === 'string') return value?.t === 'str' ? value.v : undefined;
  if (shape === 'integer') return integer(value);
  if (Array.isArray(shape)) {
    const items = value?.t === 'arr' ? value.items.map((item) => shaped(item, shape[0])) : [undefined];
    return items.includes(undefined) ? undefined : items;
  }
  /** @param {[string, Json]} member */
  const one = ([name, inner]) => [name, Object.hasOwn(shape, name) ? shaped(inner, shape[name]) : undefined];
  const members = value?.t === 'obj' ? value.members.map(one) : [];
  const fits = members.length === Object.keys(shape).length && members.every(([, inner]) => inner !== undefined);
  return fits ? Object.fromEntries(members) : undefined;
}

/** RFC 8785. Recursion is bounded by the reader's depth. @param {Json} value @returns {string} */
export function jcs(value) {
  if (value.t === 'null') return 'null';
  if (value.t === 'num') return JSON.stringify(Number(value.text)); // ECMAScript's spelling of the double; -0 is 0
  if (value.t === 'arr') return `[${value.items.map(jcs).join(',')}]`;
  if (value.t !== 'obj') return JSON.stringify(value.v);
  const sorted = [...value.members].sort(([a], [b]) => (a < b ? -1 : 1)); // by UTF-16 code units
  return `{${sorted.map(([name, member]) => `${JSON.stringify(name)}:${jcs(member)}`).join(',')}}`;
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
