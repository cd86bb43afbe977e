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

/** Queries joined by "or". @param {...Query} queries @returns {Check} */
const checkIf = (...queries) => ({ reject: false, queries });

/** @param {string} name of a predicate of one term, and of its variable @param {Op[][]} alternatives @returns {Check} */
const fact = (name, ...alternatives) => checkIf(...alternatives.map((ops) => query(name, [variable(name)], [push(variable(name)), ...ops])));

/** @param {string} arg @param {string} predicate @param {string} name of the variable @param {Op[]} ops @returns {Check[]} */
const argument = (arg, predicate, name, ops) => [
  checkIf(query('arg_present', [string(arg)], [])),
  { reject: true, queries: [query(predicate, [string(arg), variable(name)], ops)] },
];

/** @param {string} arg @param {unknown} value @param {...Op} ops on `$value` and the value @returns {Check[]} */
const compare = (arg, value, ...ops) => argument(arg, 'arg', 'value', [push(variable('value')), push(constant(value)), ...ops]);

/** `!{…}.contains($name)`. @param {unknown[]} values @param {string} name @returns {Op[]} */
const outside = (values, name) => [push(set(values)), push(variable(name)), binary(CONTAINS), NOT];

/** `P` and `P/` without a `/` at their end; where nothing remains, `P` is absent (CK-41). @param {string} path */
function beneath(path) {
  const bare = path.replace(/\/+$/, '');
  return { exact: bare === '' ? null : push(string(bare)), under: [push(string(`${bare}/`)), binary(STARTS)] };
}

/** @param {string} path @param {string} arg @returns {Check[]} */
function argUnder(path, arg) {
  const { exact, under } = beneath(path);
  const test = [push(variable('path')), ...under];
  /** @type {Op[]} */
  const either = exact ? [push(variable('path')), exact, binary(SAME), { op: 'closure', ops: test }, binary(OR), { op: 'unary', kind: 1 }] : test;
  return argument(arg, 'arg_path', 'path', [...either, NOT]);
}

/** Each name's checks for its values and its argument (checks.md). @type {Record<string, (values: any[], arg: string) => Check[]>} */
const CHECKS = {
  expires_by: ([date]) => [fact('time', [push({ k: 'date', v: seconds(date) }), binary(LE)])],
  not_before: ([date]) => [fact('time', [push({ k: 'date', v: seconds(date) }), binary(GE)])],
  resource_is: ([resource]) => [fact('resource', [push(constant(resource)), binary(SAME)])],
  resource_under: ([resource]) => {
    const { exact, under } = beneath(resource);
    return [fact('resource', ...(exact ? [[exact, binary(SAME)]] : []), under)];
  },
  arg_is: ([value], arg) => compare(arg, value, binary(DIFFERENT)),
  arg_in: (values, arg) => argument(arg, 'arg', 'value', outside(values, 'value')),
  arg_starts_with: ([value], arg) => compare(arg, value, binary(STARTS), NOT),
  arg_ends_with: ([value], arg) => compare(arg, value, binary(ENDS), NOT),
  arg_at_most: ([value], arg) => compare(arg, value, binary(GT)),
  arg_at_least: ([value], arg) => compare(arg, value, binary(LT)),
  arg_under: ([path], arg) => argUnder(path, arg),
  arg_host_in: (values, arg) => argument(arg, 'arg_host', 'host', outside(values, 'host')),
  arg_absent: (_, arg) => [{ reject: true, queries: [query('arg_present', [string(arg)], [])] }],
  args_only: (values) => [{ reject: true, queries: [query('arg_present', [variable('name')], outside(values, 'name'))] }],
};
for (const [name, predicate] of Object.entries(PLURALS)) {
  CHECKS[name] = (values) => {
    if (new Set(values).size === 1) return [fact(predicate, [push(constant(values[0])), binary(SAME)])];
    return [checkIf(query(predicate, [variable(predicate)], [push(set(values)), push(variable(predicate)), binary(CONTAINS)]))];
  };
}
export const NAMES = Object.keys(CHECKS);

/** @param {Restriction} restriction @returns {Check[]} */
export function toChecks({ name, values = [], arg = '', when }) {
  if (!NAMES.includes(name)) throw new Misuse(`no restriction ${name}`);
  const checks = CHECKS[name](values, arg);
  if (!when) return checks;
  const [type, action] = when;
  // CK-42
  const guards = [['type', type], ['action', action]];
  return checks.map(({ reject, queries }) => {
    if (reject) {
      const front = guards.map(([predicate, value]) => ({ name: predicate, terms: [string(value)] }));
      return { reject, queries: queries.map(({ body, expressions }) => ({ body: [...front, ...body], expressions })) };
    }
    const others = guards.flatMap(([predicate, value]) => fact(predicate, [push(string(value)), binary(DIFFERENT)]).queries);
    return { reject, queries: [...others, ...queries] };
  });
}
