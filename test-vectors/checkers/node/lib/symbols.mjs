// Symbol tables (TK-17 to TK-20), and turning the wire's indices into names and values.

import { Denial, MAX_DATE, byteLength, compareText, demand } from './util.mjs';

const FIXED = [
  ...['read', 'write', 'resource', 'operation', 'right', 'time', 'role', 'owner', 'tenant', 'namespace', 'user', 'team'],
  ...['service', 'admin', 'email', 'group', 'member', 'ip_address', 'client', 'client_ip', 'domain', 'path', 'version'],
  ...['cluster', 'node', 'hostname', 'nonce', 'query'],
];
const FIRST = 1024;
const MAX_BYTES = 1024;

/**
 * A constant, a variable or a set. Integers and dates are BigInt, bytes a Buffer, a variable its name, a set its terms.
 * @typedef {{k: 'variable'|'string', v: string} | {k: 'integer'|'date', v: bigint} | {k: 'bytes', v: Buffer}
 *   | {k: 'bool', v: boolean} | {k: 'set', v: Term[]}} Term
 */
/** @typedef {{name: string, terms: Term[]}} Predicate */

/** The strings of a token, or of a delegation block, in the order of their indices from 1024. */
export class Table {
  constructor() {
    /** @type {string[]} */
    this.strings = [];
    /** @type {Map<string, number>} */
    this.indices = new Map(FIXED.map((text, index) => [text, index]));
    /** strings of the block at hand that are not used yet begin here */
    this.unused = 0;
  }

  /** Takes the strings of one more block. @param {string[]} symbols */
  extend(symbols) {
    this.unused = this.strings.length;
    for (const text of symbols) {
      demand(!this.indices.has(text), 4, 'token_malformed', 'symbol twice'); // TK-18
      demand(byteLength(text) <= MAX_BYTES, 4, 'token_profile', 'long symbol'); // TK-22
      this.indices.set(text, FIRST + this.strings.length);
      this.strings.push(text);
    }
  }

  /** The string of an index; a first use must be the next new one (TK-19). @param {bigint|number} index */
  use(index) {
    const place = Number(index);
    if (place < FIXED.length) return FIXED[place];
    const text = this.strings[place - FIRST];
    demand(place >= FIRST && text !== undefined, 4, 'token_malformed', 'symbol index'); // TK-17
    demand(place - FIRST <= this.unused, 4, 'token_malformed', 'order of symbols'); // TK-19
    if (place - FIRST === this.unused) this.unused += 1;
    return text;
  }

  /** At a block's end. */
  finish() {
    demand(this.unused === this.strings.length, 4, 'token_malformed', 'unused symbol'); // TK-19
  }

  /** For writing: the index, added where it is new. @param {string} text */
  intern(text) {
    let index = this.indices.get(text);
    if (index === undefined) {
      index = FIRST + this.strings.length;
      this.indices.set(text, index);
      this.strings.push(text);
    }
    return index;
  }
}

/** @param {any} wire a decoded Predicate @param {Table} table @returns {Predicate} */
export function readPredicate(wire, table) {
  const name = table.use(wire.name);
  return { name, terms: wire.terms.map((/** @type {any} */ term) => readTerm(term, table)) };
}

/** A term with its limits (TK-20, TK-22, TK-23, CK-17 to CK-19). @param {any} wire @param {Table} table @returns {Term} */
export function readTerm(wire, table) {
  if (wire.variable !== undefined) return { k: 'variable', v: table.use(wire.variable) };
  if (wire.string !== undefined) return { k: 'string', v: table.use(wire.string) };
  if (wire.integer !== undefined) return { k: 'integer', v: wire.integer };
  if (wire.bool !== undefined) return { k: 'bool', v: wire.bool };
  if (wire.date !== undefined) {
    demand(wire.date <= MAX_DATE, 4, 'token_profile', 'date'); // TK-23
    return { k: 'date', v: wire.date };
  }
  if (wire.bytes !== undefined) {
    demand(wire.bytes.length <= MAX_BYTES, 4, 'token_profile', 'long bytes'); // TK-22
    return { k: 'bytes', v: wire.bytes };
  }
  return { k: 'set', v: readSet(wire.set.set, table) };
}

/** @param {any[]} wires @param {Table} table @returns {Term[]} */
function readSet(wires, table) {
  demand(wires.length <= 128, 4, 'limit_exceeded', 'elements of a set'); // CK-18
  const before = table.unused;
  /** @type {Term[]} */
  const terms = [];
  /** @type {string|null} */
  let newest = null;
  wires.forEach((wire, i) => {
    // CK-17, before anything of a set inside a set is looked at
    demand(wire.set === undefined && wire.variable === undefined, 4, 'token_profile', 'element of a set');
    const term = readTerm(wire, table);
    demand(!i || term.k === terms[0].k, 4, 'token_profile', 'kinds of elements'); // CK-17
    demand(!i || compareElements(wires[i - 1], wire) < 0, 4, 'token_malformed', 'order of elements'); // CK-19
    if (term.k === 'string' && wire.string >= BigInt(FIRST + before)) {
      demand(newest === null || compareText(newest, term.v) < 0, 4, 'token_malformed', 'new strings of a set'); // TK-20
      newest = term.v;
    }
    terms.push(term);
  });
  return terms;
}

/** CK-19: strings by symbol index. @param {any} a @param {any} b two wire terms of one kind */
function compareElements(a, b) {
  if (a.bytes !== undefined) return Buffer.compare(a.bytes, b.bytes);
  const [x, y] = [a.string ?? a.integer ?? a.date ?? a.bool, b.string ?? b.integer ?? b.date ?? b.bool];
  return x < y ? -1 : x > y ? 1 : 0;
}

/** @param {Predicate} predicate @param {Table} table @returns {any} the wire form */
export function writePredicate(predicate, table) {
  return { name: BigInt(table.intern(predicate.name)), terms: predicate.terms.map((term) => writeTerm(term, table)) };
}

/** @param {Term} term @param {Table} table @returns {any} the wire form */
export function writeTerm(term, table) {
  if (term.k === 'variable') return { variable: table.intern(term.v) };
  if (term.k === 'string') return { string: BigInt(table.intern(term.v)) };
  if (term.k !== 'set') return { [term.k]: term.v };
  const fresh = term.v.flatMap((item) => (item.k === 'string' && !table.indices.has(item.v) ? [item.v] : []));
  for (const text of fresh.sort(compareText)) table.intern(text); // TK-20
  const wires = term.v.map((item) => writeTerm(item, table)).sort(compareElements);
  if (wires.some((wire, i) => i && compareElements(wires[i - 1], wire) === 0)) throw new Denial(4, 'token_malformed', 'element twice');
  return { set: { set: wires } };
}
