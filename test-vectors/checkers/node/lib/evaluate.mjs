// The counted evaluation of checks (CK-20 to CK-39; stage 11).

import { Denial, byteLength, demand } from './util.mjs';
import { PREDICATES } from './args.mjs';

/**
 * @typedef {import('./symbols.mjs').Term} Term
 * @typedef {import('./symbols.mjs').Predicate} Predicate
 * @typedef {import('./checkform.mjs').Op} Op
 * @typedef {import('./checkform.mjs').Check} Check
 * @typedef {import('./args.mjs').Arguments} Arguments
 * @typedef {Map<string, Term[][]>} Facts
 */

const MOST_WORK = 100_000;

/** @param {Term} a @param {Term} b two scalars @returns {boolean} of one kind and equal */
export function equal(a, b) {
  if (a.k !== b.k) return false;
  return a.k === 'bytes' ? a.v.equals(/** @type {Buffer} */ (b.v)) : a.v === b.v;
}

/** @param {Term} term a string or bytes */
const lengthOf = (term) => (term.k === 'string' ? byteLength(term.v) : /** @type {Buffer} */ (term.v).length);

/** One request's checks: facts, arguments, and the work that is done. */
export class Evaluator {
  /** @param {Facts} facts of the verifier @param {Arguments} args */
  constructor(facts, args) {
    this.facts = new Map([...facts, ...args.facts()]);
    this.args = args;
    this.work = 0;
    /** Why an evaluation erred that a Datalog engine does not know; for engine.mjs. */
    this.outside = false;
  }

  /** CK-27, CK-31. @param {number} units */
  spend(units) {
    this.work += units;
    if (this.work > MOST_WORK) {
      this.outside = true;
      throw new Denial(11, 'limit_exceeded', 'work');
    }
  }

  /** CK-20. @param {Iterable<Check>} checks of all blocks, in order */
  run(checks) {
    for (const { reject, queries } of checks) {
      // CK-22, CK-23
      const succeeded = queries.some((query) => this.query(query));
      demand(succeeded !== reject, 11, 'check_failed');
    }
  }

  /** The facts offered to a predicate when the loops reach it. @param {Predicate} predicate */
  offered({ name, terms }) {
    if (PREDICATES.includes(name)) {
      try {
        this.args.check(name, terms[0]);
      } catch (error) {
        this.outside = true;
        throw error;
      }
    }
    return this.facts.get(name) ?? [];
  }

  /** CK-21: nested loops, without recursion. @param {import('./checkform.mjs').Query} query */
  query({ body, expressions }) {
    /** @type {Map<string, Term>} */
    const bound = new Map();
    const loops = [{ facts: this.offered(body[0]), next: 0 }];
    while (loops.length > 0) {
      const loop = loops[loops.length - 1];
      if (loop.next === loop.facts.length) {
        loops.pop();
        continue;
      }
      const fact = loop.facts[loop.next++];
      this.spend(1);
      const { terms } = body[loops.length - 1];
      if (!terms.every((term, i) => term.k === 'variable' || equal(term, fact[i]))) continue;
      terms.forEach((term, i) => term.k === 'variable' && bound.set(term.v, fact[i]));
      if (loops.length < body.length) loops.push({ facts: this.offered(body[loops.length]), next: 0 });
      else if (expressions.every((ops) => this.isTrue(ops, bound))) return true;
    }
    return false;
  }

  /** @param {Op[]} ops @param {Map<string, Term>} bound */
  isTrue(ops, bound) {
    const result = this.expression(ops, bound);
    if (result.k !== 'bool') throw new Denial(11, 'check_error', 'no bool'); // CK-26
    return result.v;
  }

  /** Closures nest as deep as CK-12 and TK-10 let them. @param {Op[]} ops @param {Map<string, Term>} bound @returns {Term} */
  expression(ops, bound) {
    /** @type {Term[]} */
    const stack = [];
    /** @type {Op[]} */
    let closure = [];
    for (const op of ops) {
      if (op.op === 'value') {
        this.spend(1);
        stack.push(op.term.k === 'variable' ? /** @type {Term} */ (bound.get(op.term.v)) : op.term);
      } else if (op.op === 'closure') {
        this.spend(1);
        closure = op.ops;
      } else if (op.op === 'unary') {
        stack.push(this.unary(op.kind, /** @type {Term} */ (stack.pop())));
      } else if (op.kind >= 23) {
        this.spend(1);
        const left = /** @type {Term} */ (stack.pop());
        if (left.k !== 'bool') throw new Denial(11, 'check_error', 'left side'); // CK-25
        stack.push(left.v === (op.kind === 24) ? left : this.expression(closure, bound));
      } else {
        const right = /** @type {Term} */ (stack.pop());
        stack.push({ k: 'bool', v: this.binary(op.kind, /** @type {Term} */ (stack.pop()), right) });
      }
    }
    return /** @type {Term} */ (stack.pop());
  }

  /** An operation that errs costs 1. @returns {never} */
  err() {
    this.spend(1);
    throw new Denial(11, 'check_error', 'operands'); // CK-25
  }

  /** @param {number} kind @param {Term} x @returns {Term} */
  unary(kind, x) {
    if (kind === 0 && x.k !== 'bool') return this.err();
    if (kind === 2 && x.k !== 'string' && x.k !== 'bytes' && x.k !== 'set') return this.err();
    this.spend(1);
    if (kind === 1) return x;
    if (kind === 0) return { k: 'bool', v: !x.v };
    return { k: 'integer', v: BigInt(x.k === 'set' ? x.v.length : lengthOf(x)) };
  }

  /** @param {number} kind @param {Term} x left @param {Term} y right @returns {boolean} */
  binary(kind, x, y) {
    switch (kind) {
      case 0: case 1: case 2: case 3:
        return this.ordered(kind, x, y);
      case 4: case 20:
        return this.identical(x, y) === (kind === 4);
      case 5:
        return this.contains(x, y);
      default: {
        if (x.k !== 'string' || y.k !== 'string') return this.err();
        this.spend(1 + Math.floor(Math.min(lengthOf(x), lengthOf(y)) / 64));
        return kind === 6 ? x.v.startsWith(y.v) : x.v.endsWith(y.v);
      }
    }
  }

  /** @param {number} kind @param {Term} x @param {Term} y */
  ordered(kind, x, y) {
    if (x.k !== y.k || (x.k !== 'integer' && x.k !== 'date')) return this.err();
    this.spend(1);
    const [a, b] = [x.v, /** @type {bigint} */ (y.v)];
    return [a < b, a > b, a <= b, a >= b][kind];
  }

  /** `===`. @param {Term} x @param {Term} y */
  identical(x, y) {
    if (x.k !== y.k) return this.err();
    if (x.k === 'set' && y.k === 'set') {
      this.spend(1 + Math.min(x.v.length, y.v.length));
      // Both ascend strictly, strings by the index of their own table; so compare as sets.
      return x.v.length === y.v.length && x.v.every((item) => y.v.some((other) => equal(item, other)));
    }
    const sized = x.k === 'string' || x.k === 'bytes';
    this.spend(1 + (sized ? Math.floor(Math.min(lengthOf(x), lengthOf(y)) / 64) : 0));
    return equal(x, y);
  }

  /** @param {Term} x @param {Term} y */
  contains(x, y) {
    if (x.k === 'string' && y.k === 'string') {
      this.spend(1 + Math.floor(lengthOf(x) / 64));
      return x.v.includes(y.v);
    }
    if (x.k !== 'set') return this.err();
    if (y.k === 'set') {
      this.spend(1 + x.v.length * y.v.length);
      return y.v.every((item) => x.v.some((other) => equal(item, other)));
    }
    this.spend(1 + x.v.length);
    return x.v.some((item) => equal(item, y));
  }
}
