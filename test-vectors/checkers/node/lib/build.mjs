// Making tokens and requests: the encoder of blocks, mint, restrict, delegate, seal, sign.

import { createHash } from 'node:crypto';
import { Misuse, encodeB64u, fromBinary, sameBytes } from './util.mjs';
import { encode } from './wire.mjs';
import { Table, writePredicate, writeTerm } from './symbols.mjs';
import { decodeToken, versionOf } from './token.mjs';
import { blockPayload, externalPayload, sealPayload } from './chain.mjs';
import { keyId, parsePublic, publicOf, sign } from './ed25519.mjs';
import { seconds, string, toChecks } from './restrictions.mjs';
import { readMessage } from './message.mjs';
import { signatureBase } from './request.mjs';

/**
 * @typedef {import('./symbols.mjs').Predicate} Predicate
 * @typedef {import('./symbols.mjs').Term} Term
 * @typedef {import('./checkform.mjs').Check} Check
 * @typedef {import('./checkform.mjs').Op} Op
 * @typedef {import('./token.mjs').Token} Token
 */

/** @param {Op} op @param {Table} table @returns {any} */
function writeOp(op, table) {
  if (op.op === 'value') return { value: writeTerm(op.term, table) };
  if (op.op === 'closure') return { closure: { ops: op.ops.map((inner) => writeOp(inner, table)) } };
  return { [op.op]: { kind: op.kind } };
}

/** A block in its one encoding (TK-19, TK-26). @param {Predicate[]} facts @param {Check[]} checks @param {Table} table @param {boolean} external */
export function encodeBlock(facts, checks, table, external) {
  const known = table.strings.length;
  const wireFacts = facts.map((fact) => ({ predicate: writePredicate(fact, table) }));
  const wireChecks = checks.map(({ reject, queries }) => ({
    queries: queries.map(({ body, expressions }) => ({
      head: { name: 27n, terms: [] },
      body: body.map((predicate) => writePredicate(predicate, table)),
      expressions: expressions.map((ops) => ({ ops: ops.map((op) => writeOp(op, table)) })),
    })),
    kind: reject ? 2 : undefined,
  }));
  const symbols = table.strings.slice(known);
  return encode('Block', { symbols, version: versionOf(checks, external), facts: wireFacts, checks: wireChecks });
}

/** @param {string} name @param {...(string|bigint|Buffer|{date: bigint})} values @returns {Predicate} */
function fact(name, ...values) {
  const terms = values.map((value) => {
    if (typeof value === 'string') return string(value);
    if (typeof value === 'bigint') return /** @type {Term} */ ({ k: 'integer', v: value });
    return /** @type {Term} */ (Buffer.isBuffer(value) ? { k: 'bytes', v: value } : { k: 'date', v: value.date });
  });
  return { name, terms };
}

/** @param {any[]|undefined} budgets @returns {Predicate[]} */
const budgetFacts = (budgets) =>
  (budgets ?? []).map(({ account, unit, amount, window = 0 }) => fact('budget', account, unit, BigInt(amount), BigInt(window)));

/** Members of a description; another is an error. @param {any} description @param {string[]} known */
function onlyMembers(description, known) {
  for (const name of Object.keys(description)) if (!known.includes(name)) throw new Misuse(`unknown member ${name}`);
}

/** @param {any} wire a Biscuit @returns {string} the text; decoded again, so that what leaves here is a token */
function finish(wire) {
  const text = encodeB64u(encode('Biscuit', wire));
  decodeToken(text);
  return text;
}

/** @param {Buffer} block @param {Buffer} nextKey @param {Buffer} signature @param {{signature: Buffer, key: Buffer}|null} external */
const signedBlock = (block, nextKey, signature, external) => ({
  block,
  ...{ nextKey: { algorithm: 0, key: nextKey }, signature, version: 1 },
  externalSignature: external ? { signature: external.signature, publicKey: { algorithm: 0, key: external.key } } : undefined,
});

/** An open token. @param {any} claims see README.md @param {Buffer} root seed @param {Buffer} next seed @returns {string} */
export function mint(claims, root, next) {
  onlyMembers(claims, [
    ...['issuer', 'user', 'agent', 'purpose', 'audience', 'issued_at', 'expires_at', 'rights', 'delegation_depth', 'budgets'],
    ...['metered', 'approvals', 'grant', 'conversation', 'restrictions'],
  ]);
  const facts = [
    fact('countersign', 1n),
    fact('issuer', claims.issuer),
    fact('user', claims.user),
    fact('agent', claims.agent.name, parsePublic(claims.agent.key)),
    fact('purpose', claims.purpose),
    fact('audience', claims.audience),
    fact('issued_at', { date: seconds(claims.issued_at) }),
    ...claims.rights.map((/** @type {any} */ { type, location, action }) => fact('right', type, location, action)),
    ...(claims.delegation_depth === undefined ? [] : [fact('delegation_depth', BigInt(claims.delegation_depth))]),
    ...budgetFacts(claims.budgets),
    ...(claims.metered ?? []).map((/** @type {any} */ row) => fact('metered', row.account, row.type, row.action)),
    ...(claims.approvals ?? []).map((/** @type {any} */ row) => fact('approval', row.type, row.action, parsePublic(row.key))),
    ...(claims.grant === undefined ? [] : [fact('grant', claims.grant)]),
    ...(claims.conversation === undefined ? [] : [fact('conversation', claims.conversation)]),
  ];
  const expiry = { name: 'expires_by', values: [claims.expires_at] };
  const checks = [expiry, ...(claims.restrictions ?? [])].flatMap(toChecks);
  const block = encodeBlock(facts, checks, new Table(), false);
  const nextKey = publicOf(next);
  const signature = sign(root, blockPayload(block, nextKey, null, null));
  return finish({ authority: signedBlock(block, nextKey, signature, null), blocks: [], proof: { nextSecret: next } });
}

/** An open token whose secret fits (TK-16). @param {string} text @returns {Token} */
function openToken(text) {
  const token = decodeToken(text);
  if (token.sealed) throw new Misuse('the token is sealed');
  if (!sameBytes(publicOf(token.proof), lastOf(token).nextKey)) throw new Misuse('the next secret is not that of the last block');
  return token;
}

/** @param {Token} token */
const lastOf = (token) => token.blocks[token.blocks.length - 1].signed;

/** @param {Token} token @param {any} proof @param {any[]} [more] @returns {string} */
function assemble(token, proof, more = []) {
  const [authority, ...blocks] = token.blocks.map(({ signed: { block, nextKey, signature, external } }) => signedBlock(block, nextKey, signature, external));
  return finish({ authority, blocks: [...blocks, ...more], proof });
}

/** @param {Token} token open @param {Buffer} block @param {{signature: Buffer, key: Buffer}|null} external @param {Buffer} next seed */
function append(token, block, external, next) {
  const nextKey = publicOf(next);
  const signature = sign(token.proof, blockPayload(block, nextKey, lastOf(token).signature, external && external.signature));
  return assemble(token, { nextSecret: next }, [signedBlock(block, nextKey, signature, external)]);
}

/** The token's table, as a restriction block sees it. @param {Token} token */
function tableOf(token) {
  const table = new Table();
  for (const { facts, checks, kind } of token.blocks) if (kind !== 'delegation') encodeBlock(facts, checks, table, false);
  return table;
}

/** A token encoded anew from what it says; the same bytes, where reader and writer agree. @param {Token} token @returns {Buffer} */
export function reencode(token) {
  const shared = new Table();
  const [authority, ...blocks] = token.blocks.map(({ facts, checks, kind, signed: { nextKey, signature, external } }) => {
    const block = encodeBlock(facts, checks, external ? new Table() : shared, kind === 'delegation');
    return signedBlock(block, nextKey, signature, external);
  });
  const proof = token.sealed ? { finalSignature: token.proof } : { nextSecret: token.proof };
  return encode('Biscuit', { authority, blocks, proof });
}

/** @param {string} text @param {any} description `{"restrictions": […]}` @param {Buffer} next seed */
export function restrict(text, description, next) {
  onlyMembers(description, ['restrictions']);
  const token = openToken(text);
  return append(token, encodeBlock([], description.restrictions.flatMap(toChecks), tableOf(token), false), null, next);
}

/** @param {string} text @param {any} description see README.md @param {Buffer} holder seed of the current holder @param {Buffer} next seed */
export function delegate(text, description, holder, next) {
  onlyMembers(description, ['delegate', 'delegation_depth', 'budgets', 'restrictions']);
  const token = openToken(text);
  const facts = [
    fact('delegate', description.delegate.name, parsePublic(description.delegate.key)),
    ...(description.delegation_depth === undefined ? [] : [fact('delegation_depth', BigInt(description.delegation_depth))]),
    ...budgetFacts(description.budgets),
  ];
  const block = encodeBlock(facts, (description.restrictions ?? []).flatMap(toChecks), new Table(), true);
  const signature = sign(holder, externalPayload(block, lastOf(token).signature));
  return append(token, block, { signature, key: publicOf(holder) }, next);
}

/** @param {string} text */
export function seal(text) {
  const token = openToken(text);
  return assemble(token, { finalSignature: sign(token.proof, sealPayload(lastOf(token))) });
}

/**
 * A whole signed HTTP/1.1 message. Every one of `headers` is covered, in the order that `arrange` makes of all components.
 * @param {{token: string, key: Buffer, method: string, target: string, authority: string, headers: [string, string][],
 *   body: Buffer, created: number, expires: number, nonce: Buffer, label: string, tokenField: boolean,
 *   uncovered?: [string, string][], alg?: string, arrange?: (components: string[]) => string[]}} input
 * @returns {Buffer}
 */
export function signRequest(input) {
  const { token, key, method, target, authority, headers, body, created, expires, nonce, label, tokenField } = input;
  const { uncovered = [], alg = '', arrange = (components) => components } = input;
  const digest = `sha-256=:${createHash('sha256').update(body).digest('base64')}:`;
  const fields = [
    ...headers,
    tokenField ? ['countersign-token', token] : ['authorization', `Countersign ${token}`],
    ...(body.length ? [['content-digest', digest]] : []),
  ];
  const names = [...new Set(fields.map(([name]) => name.toLowerCase()))];
  const components = arrange(['@method', '@authority', '@path', '@query', ...names]);
  const list = components.map((name) => `"${name}"`).join(' ');
  const rest = `nonce="${encodeB64u(nonce)}";keyid="${keyId(publicOf(key))}";tag="countersign-request-v1"`;
  const params = `(${list});created=${created};expires=${expires};${rest}${alg && `;alg="${alg}"`}`;
  const head = [`${method} ${target} HTTP/1.1`, `host: ${authority}`, ...[...fields, ...uncovered].map(([name, value]) => `${name}: ${value}`)];
  const message = readMessage(fromBinary(`${head.join('\r\n')}\r\n\r\n`), undefined);
  const signature = sign(key, fromBinary(signatureBase(message, authority.toLowerCase(), components, params)));
  const last = [`signature-input: ${label}=${params}`, `signature: ${label}=:${signature.toString('base64')}:`];
  if (body.length) last.push(`content-length: ${body.length}`);
  return Buffer.concat([fromBinary(`${[...head, ...last].join('\r\n')}\r\n\r\n`), body]);
}
