// Protocol Buffers in the one encoding that the profile takes (TK-3 to TK-10): a strict reader and the matching writer.

import { Denial, decodeUtf8, encodeUtf8 } from './util.mjs';

/** @typedef {{name: string, type: string, rule: 'req'|'opt'|'rep'|'one'}} Field */

/**
 * Each message: its fields as NUMBER NAME TYPE RULE, and the numbers that Biscuit has and the profile does not (TK-9).
 * Rules: `!` required, `?` optional, `*` repeated, `|` member of the message's oneof. Types are scalars or messages.
 */
const MESSAGES = `
Biscuit           : 2 authority SignedBlock !, 3 blocks SignedBlock *, 4 proof Proof ! / 1
SignedBlock       : 1 block bytes !, 2 nextKey PublicKey !, 3 signature bytes !, 4 externalSignature ExternalSignature ?, 5 version uint32 ?
ExternalSignature : 1 signature bytes !, 2 publicKey PublicKey !
PublicKey         : 1 algorithm int32 !, 2 key bytes !
Proof             : 1 nextSecret bytes |, 2 finalSignature bytes |
Block             : 1 symbols string *, 3 version uint32 ?, 4 facts Fact *, 6 checks Check * / 2 5 7 8
Fact              : 1 predicate Predicate !
Check             : 1 queries Rule *, 2 kind int32 ?
Rule              : 1 head Predicate !, 2 body Predicate *, 3 expressions Expression * / 4
Predicate         : 1 name uint64 !, 2 terms Term *
Term              : 1 variable uint32 |, 2 integer int64 |, 3 string uint64 |, 4 date uint64 |, 5 bytes bytes |, 6 bool bool |, 7 set TermSet |\
 / 8 9 10
TermSet           : 1 set Term *
Expression        : 1 ops Op *
Op                : 1 value Term |, 2 unary OpUnary |, 3 binary OpBinary |, 4 closure OpClosure |
OpUnary           : 1 kind int32 ! / 2
OpBinary          : 1 kind int32 ! / 2
OpClosure         : 2 ops Op * / 1`;

/** @type {Map<string, {fields: Map<number, Field>, foreign: number[]}>} */
const SCHEMA = new Map(
  MESSAGES.trim().split('\n').map((line) => {
    const [, message, own, foreign] = /** @type {string[]} */ (/^(\w+) *: ([^/]+?)(?: \/ ([0-9 ]+))?$/.exec(line));
    const rules = /** @type {Record<string, Field['rule']>} */ ({ '!': 'req', '?': 'opt', '*': 'rep', '|': 'one' });
    const fields = own.split(', ').map((field) => {
      const [number, name, type, rule] = field.split(' ');
      return /** @type {[number, Field]} */ ([Number(number), { name, type, rule: rules[rule] }]);
    });
    return [message, { fields: new Map(fields), foreign: (foreign ?? '').split(' ').filter(Boolean).map(Number) }];
  }),
);

const VARINTS = new Set(['uint32', 'int32', 'uint64', 'int64', 'bool']);
const MAX_DEPTH = 64;
const U64 = 1n << 64n;

/** @param {string} detail @returns {never} */
function malformed(detail) {
  throw new Denial(4, 'token_malformed', detail);
}

/**
 * @param {Buffer} buf @param {number} at @param {number} end @returns {[bigint, number]} value and where it ends; TK-4
 */
function readVarint(buf, at, end) {
  let value = 0n;
  for (let shift = 0n; ; shift += 7n) {
    if (at >= end) malformed('varint past its message');
    const byte = buf[at++];
    value |= BigInt(byte & 0x7f) << shift;
    if (byte >= 0x80) {
      if (shift === 63n) malformed('varint too long');
      continue;
    }
    if (byte === 0 && shift > 0n) malformed('varint not the shortest');
    if (value >= U64) malformed('varint beyond 64 bits');
    return [value, at];
  }
}

/** TK-4: what the type holds. @param {string} type @param {bigint} raw */
function scalar(type, raw) {
  if (type === 'uint64') return raw;
  if (type === 'int64') return BigInt.asIntN(64, raw);
  if (type === 'bool') return raw > 1n ? malformed('bool') : raw === 1n;
  const value = type === 'int32' ? BigInt.asIntN(64, raw) : raw;
  const [least, most] = type === 'int32' ? [-(1n << 31n), (1n << 31n) - 1n] : [0n, (1n << 32n) - 1n];
  if (value < least || value > most) malformed(type);
  return Number(value);
}

/** @param {string} name */
const schemaOf = (name) => SCHEMA.get(name) ?? malformed('no such message');

/**
 * Reads one message. Inside a block the depth is at most 64 (TK-10), which bounds the recursion as well.
 * @param {string} name @param {Buffer} buf @param {number} [depth] of this message inside its block; 0 outside of one
 * @returns {any}
 */
export function decode(name, buf, depth = 0) {
  const { fields, foreign } = schemaOf(name);
  /** @type {Record<string, any>} */
  const message = {};
  for (const field of fields.values()) if (field.rule === 'rep') message[field.name] = [];
  let at = 0;
  let last = 0;
  let member = '';
  while (at < buf.length) {
    let tag;
    [tag, at] = readVarint(buf, at, buf.length);
    if (tag >= 1n << 32n) malformed('tag');
    const number = Number(tag >> 3n);
    const wire = Number(tag & 7n);
    if (foreign.includes(number)) throw new Denial(4, 'token_profile', `${name} field ${number}`); // TK-9
    const { name: field, type, rule } = fields.get(number) ?? malformed(`${name} has no field ${number}`); // TK-8
    if (number < last || (number === last && rule !== 'rep')) malformed('order of fields'); // TK-5
    last = number;
    if (rule === 'one') {
      if (member) malformed('two members of a oneof'); // TK-5
      member = field;
    }
    const wanted = VARINTS.has(type) ? 0 : 2;
    if (wire !== wanted) malformed('wire type'); // TK-3
    let value;
    let raw;
    [raw, at] = readVarint(buf, at, buf.length);
    if (wanted === 0) value = scalar(type, raw);
    else {
      if (raw > BigInt(buf.length - at)) malformed('length past its message'); // TK-3
      const part = buf.subarray(at, at + Number(raw));
      at += part.length;
      if (type === 'bytes') value = part;
      else if (type === 'string') value = decodeUtf8(part) ?? malformed('symbol is not UTF-8'); // TK-21
      else {
        if (depth === MAX_DEPTH) malformed('nested too deep'); // TK-10
        value = decode(type, part, depth && depth + 1);
      }
    }
    if (rule === 'opt' && (value === 0 || value?.length === 0)) malformed('default written'); // TK-7
    if (rule === 'rep') message[field].push(value);
    else message[field] = value;
  }
  for (const { name: field, rule } of fields.values()) {
    if (rule === 'req' && !(field in message)) malformed(`${name} lacks ${field}`); // TK-6
    if (rule === 'one' && !member) malformed(`${name} is empty`); // TK-6
  }
  return message;
}

/** @param {bigint} value @returns {Buffer} */
function varint(value) {
  const out = [];
  let rest = BigInt.asUintN(64, value);
  do {
    out.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0));
    rest >>= 7n;
  } while (rest);
  return Buffer.from(out);
}

/** The one encoding of a message. @param {string} name @param {any} message @returns {Buffer} */
export function encode(name, message) {
  const parts = [];
  for (const [number, { name: field, type, rule }] of schemaOf(name).fields) {
    const held = rule === 'rep' ? (message[field] ?? []) : [message[field]];
    for (const value of held) {
      if (value === undefined || (rule === 'opt' && value === 0)) continue;
      const wire = VARINTS.has(type) ? 0 : 2;
      parts.push(varint(BigInt(number * 8 + wire)));
      if (wire === 0) parts.push(varint(BigInt(value)));
      else {
        const body = type === 'bytes' ? value : type === 'string' ? encodeUtf8(value) : encode(type, value);
        parts.push(varint(BigInt(body.length)), body);
      }
    }
  }
  return Buffer.concat(parts);
}
