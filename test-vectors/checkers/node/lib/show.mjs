// A token's content as JSON, with facts and checks as Datalog text.

import { rfc3339 } from './util.mjs';
import { keyId, publicText } from './ed25519.mjs';

/**
 * @typedef {import('./symbols.mjs').Term} Term
 * @typedef {import('./checkform.mjs').Op} Op
 */

/** @param {Term} term @returns {string} */
export function showTerm(term) {
  switch (term.k) {
    case 'string':
      return JSON.stringify(term.v);
    case 'variable':
      return `$${term.v}`;
    case 'bytes':
      return `hex:${term.v.toString('hex')}`;
    case 'date':
      return rfc3339(term.v);
    case 'set':
      return term.v.length ? `{${term.v.map(showTerm).join(', ')}}` : '{,}';
    default:
      return String(term.v);
  }
}

/** @param {{name: string, terms: Term[]}} predicate */
const showPredicate = ({ name, terms }) => `${name}(${terms.map(showTerm).join(', ')})`;

const INFIX = new Map([[0, '<'], [1, '>'], [2, '<='], [3, '>='], [4, '==='], [20, '!=='], [23, '&&'], [24, '||']]);
const METHOD = new Map([[5, 'contains'], [6, 'starts_with'], [7, 'ends_with']]);

/** @param {Op[]} ops @returns {string} */
function showOps(ops) {
  /** @type {string[]} */
  const stack = [];
  for (const op of ops) {
    if (op.op === 'value') stack.push(showTerm(op.term));
    else if (op.op === 'closure') stack.push(showOps(op.ops));
    else {
      const last = stack.pop() ?? '';
      if (op.op === 'unary') stack.push([`!${last}`, `(${last})`, `${last}.length()`][op.kind]);
      else if (METHOD.has(op.kind)) stack.push(`${stack.pop()}.${METHOD.get(op.kind)}(${last})`);
      else stack.push(`${stack.pop()} ${INFIX.get(op.kind)} ${last}`);
    }
  }
  return stack.join(' ');
}

/** @param {import('./checkform.mjs').Check} check */
function showCheck({ reject, queries }) {
  const texts = queries.map(({ body, expressions }) => [...body.map(showPredicate), ...expressions.map(showOps)].join(', '));
  return `${reject ? 'reject' : 'check'} if ${texts.join(' or ')}`;
}

/** @param {import('./token.mjs').Token} token */
export function showToken(token) {
  return {
    sealed: token.sealed,
    bytes: token.bytes.length,
    ...{ issuer: token.issuer, user: token.user, purpose: token.purpose, audience: token.audience },
    issued_at: rfc3339(token.issuedAt),
    expires: rfc3339(token.expiry),
    holders: token.holders.map(({ name, key, delegator }) => ({
      ...{ name, key: publicText(key), key_id: keyId(key), claimed_by: delegator ? keyId(delegator) : token.issuer },
    })),
    ...{ grant: token.grant, conversation: token.conversation },
    blocks: token.blocks.map(({ kind, id, version, facts, checks, signed }) => ({
      ...{ kind, id: id.toString('hex'), version, next_key: publicText(signed.nextKey) },
      facts: facts.map(showPredicate),
      checks: checks.map(showCheck),
    })),
  };
}
