// Arguments: extraction, poison, derived facts, scales (checks.md, "Arguments"; stage 11).

import { Denial, MAX_SAFE, byteLength, decodeUtf8, demand, fromBinary } from './util.mjs';
import { hostOf, pathOf } from './derived.mjs';

/**
 * @typedef {import('./json.mjs').Json} Json
 * @typedef {import('./operation.mjs').Row} Row
 * @typedef {import('./symbols.mjs').Term} Term
 * @typedef {Map<string, Term[][]>} Facts
 */

export const PREDICATES = ['arg', 'arg_host', 'arg_path', 'arg_present'];
const MAX_FACTS = 1024;
const MAX_TEXT = 4096;

/** What a request's arguments are to the checks and to charges. */
export class Arguments {
  /** @param {Row|null} row */
  constructor(row) {
    this.extracted = true;
    this.urls = new Set(row?.urls);
    this.paths = new Set(row?.paths);
    this.scales = new Map(Object.entries(row?.scales ?? {}));
    /** @type {Map<string, Set<string>>} names that are poisoned, by predicate */
    this.poison = new Map(PREDICATES.map((predicate) => [predicate, new Set()]));
    /** @type {{name: string, value: Term}[]} all values, equal ones too */
    this.values = [];
    /** @type {string[]} all names that are there, equal ones too */
    this.names = [];
  }

  /** CK-33. @param {string} name */
  addName(name) {
    this.names.push(name);
    if (byteLength(name) > MAX_TEXT || this.names.length > MAX_FACTS) this.extracted = false;
  }

  /** @param {string} name @param {Term} value */
  addValue(name, value) {
    this.values.push({ name, value });
    if ((value.k === 'string' && byteLength(value.v) > MAX_TEXT) || this.values.length > MAX_FACTS) this.extracted = false; // CK-33
    if (this.urls.has(name) && (value.k !== 'string' || hostOf(value.v) === null)) this.poisonOnly(name, 'arg_host');
    if (this.paths.has(name) && (value.k !== 'string' || pathOf(value.v) === null)) this.poisonOnly(name, 'arg_path');
  }

  /** @param {string} name @param {string} predicate */
  poisonOnly(name, predicate) {
    this.poison.get(predicate)?.add(name);
  }

  /** "Poison": for all that speak of values. @param {string} name */
  poisonValue(name) {
    for (const predicate of ['arg', 'arg_host', 'arg_path']) this.poisonOnly(name, predicate);
  }

  /** For all four predicates. @param {string} name */
  poisonAll(name) {
    for (const predicate of PREDICATES) this.poisonOnly(name, predicate);
  }

  /** @param {string} name @param {string} text */
  addParameter(name, text) {
    this.addName(name);
    this.addValue(name, { k: 'string', v: text });
  }

  /** CK-30, CK-35. @param {string} name @param {Json} value a scalar */
  addScalar(name, value) {
    if (value.t === 'str' || value.t === 'bool') {
      this.addValue(name, value.t === 'str' ? { k: 'string', v: value.v } : { k: 'bool', v: value.v });
    } else if (value.t === 'num') {
      const scale = this.scales.get(name);
      if (scale === undefined && !value.fraction) this.addValue(name, { k: 'integer', v: BigInt(value.text) });
      else {
        const scaled = scale === undefined ? null : scaleNumber(value.text, scale);
        if (scaled === null) this.poisonValue(name);
        else this.addValue(name, { k: 'integer', v: scaled });
      }
    } else this.poisonValue(name); // null
  }

  /** CK-29, CK-32: depth first. Bounded by the depth of the JSON. @param {string} pointer @param {[string, Json][]} members @param {boolean} ambiguous */
  addObject(pointer, members, ambiguous = false) {
    const twins = twinsOf(members.map(([key]) => key));
    for (const [key, value] of members) {
      const name = `${pointer}/${key.replace(/~/g, '~0').replace(/\//g, '~1')}`;
      this.addName(name);
      const twin = ambiguous || twins.has(key);
      if (twin) this.poisonAll(name); // CK-44
      if (value.t === 'obj') {
        this.poisonValue(name);
        this.addObject(name, value.members, twin);
      } else if (value.t === 'arr') {
        if (value.items.length === 0) this.poisonValue(name);
        for (const item of value.items) {
          if (item.t !== 'obj' && item.t !== 'arr') this.addScalar(name, item);
          else this.poisonAll(name);
        }
      } else this.addScalar(name, value);
    }
  }

  /** The facts of the four predicates. @returns {Facts} */
  facts() {
    const values = distinct(this.values.map(({ name, value }) => [text(name), value]));
    /** @param {Set<string>} declared @param {(value: string) => string|null} derive */
    const derived = (declared, derive) =>
      distinct(values.flatMap(([name, { k, v }]) => {
        const result = declared.has(String(name.v)) && k === 'string' ? derive(v) : null;
        return result === null ? [] : [[name, text(result)]];
      }));
    const present = distinct(this.names.map((name) => [text(name)]));
    return new Map(
      Object.entries({ arg: values, arg_host: derived(this.urls, hostOf), arg_path: derived(this.paths, pathOf), arg_present: present }),
    );
  }

  /** CK-33, CK-36, CK-37: what evaluating a predicate errs for. @param {string} predicate @param {Term} first its first term */
  check(predicate, first) {
    demand(this.extracted, 11, 'check_error', 'arguments not extracted');
    const poisoned = /** @type {Set<string>} */ (this.poison.get(predicate));
    if (first.k !== 'string') return demand(poisoned.size === 0, 11, 'check_error', 'a name is poisoned');
    demand(!poisoned.has(first.v), 11, 'check_error', 'poisoned');
    demand(predicate !== 'arg_host' || this.urls.has(first.v), 11, 'check_error', 'not declared');
    return demand(predicate !== 'arg_path' || this.paths.has(first.v), 11, 'check_error', 'not declared');
  }

  /** The one integer under a name, or null (VF-34). @param {string} name @returns {bigint|null} */
  amount(name) {
    const values = this.values.filter((item) => item.name === name);
    const [only] = values;
    if (!this.extracted || values.length !== 1 || this.poison.get('arg')?.has(name)) return null;
    return only.value.k === 'integer' && only.value.v >= 0n && only.value.v <= MAX_SAFE ? only.value.v : null;
  }
}

/** Of equal facts the first (CK-32). @param {Term[][]} rows */
const distinct = (rows) => [...new Map(rows.map((row) => [JSON.stringify(row.map(({ k, v }) => [k, String(v)])), row])).values()];

/** @param {string} value @returns {Term} */
const text = (value) => ({ k: 'string', v: value });

/**
 * CK-35: a JSON number times 10^scale, exactly; null where the name is poisoned for it.
 * @param {string} number @param {number} scale @returns {bigint|null}
 */
export function scaleNumber(number, scale) {
  const parts = /^(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?$/.exec(number);
  const [, sign, whole, tail = '', exponent = '0'] = /** @type {string[]} */ (parts);
  const digits = (whole + tail).replace(/^0+/, '');
  const kept = digits.replace(/0+$/, '');
  if (kept === '') return 0n;
  if (/[.eE]/.test(number) && kept.length > 15) return null; // "Poison"
  const zeros = BigInt(exponent.replace('+', '')) + BigInt(scale - tail.length + digits.length - kept.length);
  if (zeros < 0n || zeros + BigInt(kept.length) > 16n) return null;
  const value = BigInt(kept + '0'.repeat(Number(zeros)));
  return value > MAX_SAFE ? null : sign ? -value : value;
}

/** CK-44: names that differ by case alone. @param {string[]} names @returns {Set<string>} */
function twinsOf(names) {
  /** @type {Map<string, Set<string>>} */
  const alike = new Map();
  for (const name of names) {
    const folded = name.toLowerCase().toUpperCase();
    alike.set(folded, (alike.get(folded) ?? new Set()).add(name));
  }
  return new Set([...alike.values()].filter((group) => group.size > 1).flatMap((group) => [...group]));
}

/** CK-30: percent-decoded text. @param {string} coded a binary string @returns {string} */
function percentDecode(coded) {
  demand(!/%(?![0-9A-Fa-f]{2})/.test(coded), 11, 'body_ambiguous', 'escape');
  const bytes = coded.replace(/%(..)/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
  const decoded = decodeUtf8(fromBinary(bytes));
  if (decoded === null) throw new Denial(11, 'body_ambiguous', 'parameter is not UTF-8');
  return decoded;
}

/**
 * Path and query parameters, then the body, in this order (CK-32).
 * @param {{row: Row|null, path: [string, string][]}} operation @param {string|null} query raw
 * @param {{read: boolean, json: Json|null}} body `read` is false where there is a body that gives no arguments
 * @returns {Arguments}
 */
export function extract(operation, query, body) {
  const args = new Arguments(operation.row);
  for (const [name, raw] of operation.path) args.addParameter(`path.${name}`, percentDecode(raw));
  for (const part of (query ?? '').split('&')) {
    if (part === '') continue;
    const at = part.indexOf('=');
    const pair = at < 0 ? [part, ''] : [part.slice(0, at), part.slice(at + 1)];
    const [name, value] = pair.map((coded) => percentDecode(coded.replace(/\+/g, ' ')));
    args.addParameter(`query.${name}`, value);
  }
  for (const name of twinsOf(args.names)) args.poisonAll(name);
  if (!body.read) args.extracted = false; // CK-28
  else if (body.json?.t === 'obj') args.addObject('', body.json.members);
  return args;
}
