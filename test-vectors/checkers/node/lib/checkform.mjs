// The form of checks (CK-1 to CK-19), from the wire to queries.

import { demand } from './util.mjs';
import { readPredicate, readTerm } from './symbols.mjs';

/**
 * @typedef {import('./symbols.mjs').Term} Term
 * @typedef {import('./symbols.mjs').Predicate} Predicate
 * @typedef {{op: 'value', term: Term} | {op: 'unary', kind: number} | {op: 'binary', kind: number}
 *   | {op: 'closure', ops: Op[]}} Op
 * @typedef {{body: Predicate[], expressions: Op[][]}} Query
 * @typedef {{reject: boolean, queries: Query[]}} Check
 */

/** Predicates of the verifier and their number of terms. */
const ARITY = new Map(
  Object.entries({
    ...{ time: 1, service: 1, type: 1, resource: 1, action: 1, method: 1, authority: 1, path: 1, tool: 1, binding: 1 },
    ...{ holder: 1, user: 1, purpose: 1, issuer: 1, agent: 2, arg: 2, arg_host: 2, arg_path: 2, arg_present: 1 },
  }),
);
const ARGUMENTS = new Set(['arg', 'arg_host', 'arg_path', 'arg_present']);
const UNARY = { NOT: 0, PARENS: 1, LENGTH: 2 };
const CLOSURES = new Set([23, 24]);
const BINARY = new Set([0, 1, 2, 3, 4, 5, 6, 7, 20, 23, 24]);
const MAX_OPS = 64;

/** @param {unknown} ok @param {string} detail */
const profile = (ok, detail) => demand(ok, 4, 'token_profile', detail);

/**
 * @param {any} wire a decoded Check @param {import('./symbols.mjs').Table} table
 * @returns {Check}
 */
export function readCheck(wire, table) {
  profile(wire.kind === undefined || wire.kind === 2, 'kind of check'); // CK-1
  const reject = wire.kind === 2;
  demand(wire.queries.length <= 16, 4, 'limit_exceeded', 'queries'); // CK-3
  profile(reject ? wire.queries.length === 1 : wire.queries.length >= 1, 'number of queries'); // CK-2
  return { reject, queries: wire.queries.map((/** @type {any} */ rule) => readQuery(rule, reject, table)) };
}

/** @param {any} rule @param {boolean} reject @param {import('./symbols.mjs').Table} table @returns {Query} */
function readQuery(rule, reject, table) {
  profile(rule.head.name === 27n && rule.head.terms.length === 0, 'head'); // CK-4
  profile(rule.body.length >= 1, 'empty body'); // CK-5
  /** @type {Predicate[]} */
  const body = rule.body.map((/** @type {any} */ wire) => readPredicate(wire, table));
  const variables = new Set();
  let overArguments = 0;
  for (const { name, terms } of body) {
    profile(ARITY.get(name) === terms.length, `predicate ${name}`); // CK-6
    for (const term of terms) {
      profile(term.k !== 'set', 'set in a predicate'); // CK-7
      if (term.k !== 'variable') continue;
      profile(!variables.has(term.v), 'variable twice'); // CK-8
      variables.add(term.v);
    }
    if (!ARGUMENTS.has(name)) continue;
    if (name === 'arg_present' && terms[0].k !== 'variable') {
      profile(terms[0].k === 'string', 'argument name'); // CK-11
      continue;
    }
    overArguments += 1;
    profile(reject && overArguments === 1, 'where arguments may be looked at'); // CK-10
    if (name !== 'arg_present') profile(terms[0].k === 'string' && terms[1].k === 'variable', 'terms of an argument'); // CK-11
  }
  const expressions = rule.expressions.map((/** @type {any} */ expression) => {
    const state = { left: MAX_OPS, variables };
    return readOps(expression.ops, table, state).ops;
  });
  return { body, expressions };
}

/**
 * Reads operations and follows what kind of value stands on the stack. Closures nest at most as deep as messages do.
 * @param {any[]} wires @param {import('./symbols.mjs').Table} table @param {{left: number, variables: Set<string>}} state
 * @returns {{ops: Op[], truth: boolean}} `truth`: the result is surely a bool (CK-16)
 */
function readOps(wires, table, state) {
  /** @type {boolean[]} */
  const stack = [];
  const pop = () => {
    profile(stack.length > 0, 'empty stack'); // CK-14
    return /** @type {boolean} */ (stack.pop());
  };
  /** @type {{truth: boolean}|null} the closure directly before */
  let closure = null;
  /** @type {Op[]} */
  const ops = [];
  for (const wire of wires) {
    state.left -= 1;
    demand(state.left >= 0, 4, 'limit_exceeded', 'operations'); // CK-12
    const lazy = wire.binary !== undefined && CLOSURES.has(wire.binary.kind);
    profile(Boolean(closure) === lazy, 'place of a closure'); // CK-15
    if (wire.value !== undefined) {
      const term = readTerm(wire.value, table);
      profile(term.k !== 'variable' || state.variables.has(term.v), 'unbound variable'); // CK-9
      stack.push(term.k === 'bool');
      ops.push({ op: 'value', term });
    } else if (wire.unary !== undefined) {
      const { kind } = wire.unary;
      profile(kind >= 0 && kind <= 2, 'unary operation'); // CK-13
      const truth = pop();
      if (kind === UNARY.NOT) profile(truth, 'operand of !'); // CK-16
      stack.push(kind === UNARY.NOT || (kind === UNARY.PARENS && truth));
      ops.push({ op: 'unary', kind });
    } else if (wire.binary !== undefined) {
      const { kind } = wire.binary;
      profile(BINARY.has(kind), 'binary operation'); // CK-13
      if (lazy) profile(closure?.truth, 'right side'); // CK-16
      else pop();
      const left = pop();
      if (lazy) profile(left, 'left side'); // CK-16
      stack.push(true);
      ops.push({ op: 'binary', kind });
    } else {
      const inner = readOps(wire.closure.ops, table, state);
      closure = inner;
      ops.push({ op: 'closure', ops: inner.ops });
      continue;
    }
    closure = null;
  }
  profile(!closure, 'closure at the end'); // CK-15
  profile(stack.length === 1, 'values left'); // CK-14
  return { ops, truth: stack[0] };
}

/**
 * The date of a check that is exactly an expiry ("Expiry" of token.md); null for any other.
 * @param {Check} check @returns {bigint|null}
 */
export function expiryOf({ reject, queries }) {
  const [{ body, expressions }] = queries;
  if (reject || queries.length !== 1 || body.length !== 1 || expressions.length !== 1) return null;
  const [variable, date, compare, ...rest] = expressions[0];
  const [bound] = body[0].terms;
  const shaped =
    body[0].name === 'time' && bound.k === 'variable' && bound.v === 'time' && rest.length === 0 &&
    variable?.op === 'value' && variable.term.k === 'variable' &&
    date?.op === 'value' && date.term.k === 'date' &&
    compare?.op === 'binary' && compare.kind === 2;
  return shaped && date.term.k === 'date' ? date.term.v : null;
}

/** Whether an operation stands anywhere in a check. @param {Op[]} ops @param {(op: Op) => boolean} is @returns {boolean} */
export function anyOp(ops, is) {
  return ops.some((op) => is(op) || (op.op === 'closure' && anyOp(op.ops, is)));
}
