// Typed restrictions (checks.md): names to exactly the checks that the text gives (CK-40 to CK-42).

import { Misuse } from './util.mjs';

/**
 * @typedef {import('./checkform.mjs').Check} Check
 * @typedef {import('./checkform.mjs').Op} Op
 * @typedef {import('./checkform.mjs').Query} Query
 * @typedef {import('./symbols.mjs').Term} Term
 * @typedef {{name: string, values?: any[], arg?: string, when?: [string, string]}} Restriction
 */

/** @param {string} v @returns {Term} */
export const string = (v) => ({ k: 'string', v });
/** @param {string} v @returns {Term} */
const variable = (v) => ({ k: 'variable', v });
/** @param {Term} term @returns {Op} */
const push = (term) => ({ op: 'value', term });
/** @param {number} kind @returns {Op} */
const binary = (kind) => ({ op: 'binary', kind });
/** @type {Op} */
const NOT = { op: 'unary', kind: 0 };
const [LT, GT, LE, GE, SAME, CONTAINS, STARTS, ENDS, DIFFERENT, OR] = [0, 1, 2, 3, 4, 5, 6, 7, 20, 24];

/** A JSON scalar as a constant. @param {unknown} value @returns {Term} */
function constant(value) {
  if (typeof value === 'string') return string(value);
  if (typeof value === 'boolean') return { k: 'bool', v: value };
  if (Number.isSafeInteger(value)) return { k: 'integer', v: BigInt(/** @type {number} */ (value)) };
  throw new Misuse('a value is a string, an integer or a bool');
}

/** Seconds, or RFC 3339. @param {unknown} value @returns {bigint} */
export function seconds(value) {
  if (Number.isSafeInteger(value)) return BigInt(/** @type {number} */ (value));
  const time = typeof value === 'string' && /^[0-9-]{10}T[0-9:]{8}Z$/.test(value) ? Date.parse(value) : NaN;
  if (Number.isNaN(time)) throw new Misuse('a time is seconds or YYYY-MM-DDTHH:MM:SSZ');
  return BigInt(time / 1000);
}

/** @param {unknown[]} values without repetition; the writer sorts them (CK-19) @returns {Term} */
const set = (values) => ({ k: 'set', v: [...new Set(values)].map(constant) });

/** @param {string} name @param {Term[]} terms @param {Op[]} ops @returns {Query} */
const query = (name, terms, ops) => ({ body: [{ name, terms }], expressions: ops.length ? [ops] : [] });

/** @type {Record<string, string>} */
export const PLURALS = {
  ...{ services: 'service', types: 'type', actions: 'action', methods: 'method', tools: 'tool', users: 'user' },
  ...{ purposes: 'purpose', bindings: 'binding' },
};

/** `$x === "P" || $x.starts_with("P/")`, or what CK-41 says of `/`. @param {string} path @param {string} name @returns {{exact: Op[], under: Op[]}} */
function beneath(path, name) {
  const bare = path.replace(/\/+$/, '');
  const under = [push(variable(name)), push(string(`${bare}/`)), binary(STARTS)];
  return { exact: bare === '' ? [] : [push(variable(name)), push(string(bare)), binary(SAME)], under };
}

/** @param {Restriction} restriction @returns {Check[]} not guarded */
function plain({ name, values = [], arg = '' }) {
  const [first] = values;
  const plural = PLURALS[name];
  /** @param {...Query} queries @returns {Check} */
  const checkIf = (...queries) => ({ reject: false, queries });
  /** @param {Query} rejected @returns {Check} */
  const rejectIf = (rejected) => ({ reject: true, queries: [rejected] });
  if (plural) {
    const value = push(variable(plural));
    const distinct = [...new Set(values)];
    const ops = distinct.length === 1 ? [value, push(constant(first)), binary(SAME)] : [push(set(values)), value, binary(CONTAINS)];
    return [checkIf(query(plural, [variable(plural)], ops))];
  }
  const date = () => push({ k: 'date', v: seconds(first) });
  const time = (/** @type {number} */ kind) => checkIf(query('time', [variable('time')], [push(variable('time')), date(), binary(kind)]));
  const resource = (/** @type {Op[]} */ ops) => query('resource', [variable('resource')], ops);
  const present = checkIf(query('arg_present', [string(arg)], []));
  const value = push(variable('value'));
  /** @param {Op[]} ops @returns {Check[]} */
  const argument = (ops) => [present, rejectIf(query('arg', [string(arg), variable('value')], ops))];
  /** @param {number} kind @param {boolean} [not] */
  const compare = (kind, not = false) => argument([value, push(constant(first)), binary(kind), ...(not ? [NOT] : [])]);
  switch (name) {
    case 'expires_by':
      return [time(LE)];
    case 'not_before':
      return [time(GE)];
    case 'resource_is':
      return [checkIf(resource([push(variable('resource')), push(constant(first)), binary(SAME)]))];
    case 'resource_under': {
      const { exact, under } = beneath(first, 'resource');
      return [checkIf(...[exact, under].filter((ops) => ops.length).map(resource))];
    }
    case 'arg_is':
      return compare(DIFFERENT);
    case 'arg_in':
      return argument([push(set(values)), value, binary(CONTAINS), NOT]);
    case 'arg_starts_with':
      return compare(STARTS, true);
    case 'arg_ends_with':
      return compare(ENDS, true);
    case 'arg_at_most':
      return compare(GT);
    case 'arg_at_least':
      return compare(LT);
    case 'arg_under': {
      const { exact, under } = beneath(first, 'path');
      /** @type {Op[]} */
      const ops = exact.length ? [...exact, { op: 'closure', ops: under }, binary(OR), { op: 'unary', kind: 1 }] : under;
      return [present, rejectIf(query('arg_path', [string(arg), variable('path')], [...ops, NOT]))];
    }
    case 'arg_host_in': {
      const ops = [push(set(values)), push(variable('host')), binary(CONTAINS), NOT];
      return [present, rejectIf(query('arg_host', [string(arg), variable('host')], ops))];
    }
    case 'arg_absent':
      return [rejectIf(query('arg_present', [string(arg)], []))];
    case 'args_only':
      return [rejectIf(query('arg_present', [variable('name')], [push(set(values)), push(variable('name')), binary(CONTAINS), NOT]))];
    default:
      throw new Misuse(`no restriction ${name}`);
  }
}

/** @param {Restriction} restriction @returns {Check[]} */
export function toChecks(restriction) {
  const checks = plain(restriction);
  if (!restriction.when) return checks;
  const [type, action] = restriction.when;
  // CK-42
  const guards = [['type', type], ['action', action]];
  return checks.map(({ reject, queries }) => {
    if (reject) {
      const front = guards.map(([name, value]) => ({ name, terms: [string(value)] }));
      return { reject, queries: queries.map(({ body, expressions }) => ({ body: [...front, ...body], expressions })) };
    }
    const others = guards.map(([name, value]) => query(name, [variable(name)], [push(variable(name)), push(string(value)), binary(DIFFERENT)]));
    return { reject, queries: [...others, ...queries] };
  });
}
