// Making tokens and requests: the encoder of blocks, mint, restrict, delegate, seal, sign.

import { createHash } from 'node:crypto';
import { Misuse, demand, encodeB64u, fromBinary, sameBytes } from './util.mjs';
import { encode } from './wire.mjs';
import { Table, writePredicate, writeTerm } from './symbols.mjs';
import { MAX_OPEN_TEXT, decodeToken, versionOf } from './token.mjs';
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

/** Members of rows that are no texts. @type {Record<string, (value: any) => Term>} */
const TERMS = {
  key: (text) => ({ k: 'bytes', v: parsePublic(text) }),
  amount: (number) => ({ k: 'integer', v: BigInt(number) }),
  window: (number) => ({ k: 'integer', v: BigInt(number) }),
};

/** Facts of one name. @param {string} name @param {any[]} rows @param {string[]} members of each, in the order of the terms @returns {Predicate[]} */
const facts = (name, rows, members) =>
  rows.map((row) => ({ name, terms: members.map((member) => (TERMS[member] ?? string)(row[member])) }));

/** Facts of a member that may be absent, and whose value is text. @param {any} description @param {string} name @returns {Predicate[]} */
const texts = (description, name) => (description[name] === undefined ? [] : [{ name, terms: [string(description[name])] }]);

/** What both kinds of blocks have. @param {any} description @returns {Predicate[]} */
function limits({ delegation_depth: depth, budgets = [] }) {
  const left = depth === undefined ? [] : [{ name: 'delegation_depth', terms: [TERMS.amount(depth)] }];
  return [...left, ...facts('budget', budgets.map((/** @type {any} */ row) => ({ window: 0, ...row })), ['account', 'unit', 'amount', 'window'])];
}

/** Members of a description; another is an error. @param {any} description @param {string[]} known */
function onlyMembers(description, known) {
  for (const name of Object.keys(description)) if (!known.includes(name)) throw new Misuse(`unknown member ${name}`);
}

/** @param {any} wire a Biscuit @returns {string} the text; decoded again, so that what leaves here is a token */
function finish(wire) {
  const text = encodeB64u(encode('Biscuit', wire));
  const token = decodeToken(text);
  demand(token.sealed || text.length <= MAX_OPEN_TEXT, 4, 'limit_exceeded', 'open token'); // TK-53
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
  const content = [
    { name: 'countersign', terms: [TERMS.amount(1)] },
    ...['issuer', 'user'].flatMap((name) => texts(claims, name)),
    ...facts('agent', [claims.agent], ['name', 'key']),
    ...['purpose', 'audience'].flatMap((name) => texts(claims, name)),
    { name: 'issued_at', terms: [/** @type {Term} */ ({ k: 'date', v: seconds(claims.issued_at) })] },
    ...facts('right', claims.rights, ['type', 'location', 'action']),
    ...limits(claims),
    ...facts('metered', claims.metered ?? [], ['account', 'type', 'action']),
    ...facts('approval', claims.approvals ?? [], ['type', 'action', 'key']),
    ...['grant', 'conversation'].flatMap((name) => texts(claims, name)),
  ];
  const expiry = { name: 'expires_by', values: [claims.expires_at] };
  const checks = [expiry, ...(claims.restrictions ?? [])].flatMap(toChecks);
  const block = encodeBlock(content, checks, new Table(), false);
  const nextKey = publicOf(next);
  const signature = sign(root, blockPayload(block, nextKey, null, null));
  return finish({ authority: signedBlock(block, nextKey, signature, null), blocks: [], proof: { nextSecret: next } });
}

/** An open token whose secret fits (TK-16). @param {string} text @returns {Token} */
function openToken(text) {
  const token = decodeToken(text);
  if (token.sealed) throw new Misuse('the token is sealed');
  demand(text.length <= MAX_OPEN_TEXT, 4, 'limit_exceeded', 'open token'); // TK-53
  if (!sameBytes(publicOf(token.proof), lastOf(token).nextKey)) throw new Misuse('the next secret is not that of the last block');
  return token;
}

/** @param {Token} token */
const lastOf = (token) => token.blocks[token.blocks.length - 1].signed;

/** @param {Token} token @param {any} proof @param {any[]} [more] @returns {string} */
function assemble(token, proof, more = []) {
  const signed = token.blocks.map((block) => block.signed);
  const [authority, ...blocks] = signed.map(({ block, nextKey, signature, external }) => signedBlock(block, nextKey, signature, external));
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
  const content = [...facts('delegate', [description.delegate], ['name', 'key']), ...limits(description)];
  const block = encodeBlock(content, (description.restrictions ?? []).flatMap(toChecks), new Table(), true);
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
