// Protocol Buffers in the one encoding that the profile takes (TK-3 to TK-10): a strict reader and the matching writer.

import { Denial, decodeUtf8, encodeUtf8 } from './util.mjs';

/**
 * One field: [name, type, rule]. Types are scalars or the name of a message in SCHEMA. Rules: 'req', 'opt', 'rep', 'one'
 * (member of the message's oneof).
 * @typedef {[string, string, 'req'|'opt'|'rep'|'one']} Field
 */

/** @type {Record<string, {fields: Record<number, Field>, foreign?: number[]}>} `foreign`: Biscuit's, not ours (TK-9) */
export const SCHEMA = {
  Biscuit: {
    fields: { 2: ['authority', 'SignedBlock', 'req'], 3: ['blocks', 'SignedBlock', 'rep'], 4: ['proof', 'Proof', 'req'] },
    foreign: [1],
  },
  SignedBlock: {
    fields: {
      1: ['block', 'bytes', 'req'],
      2: ['nextKey', 'PublicKey', 'req'],
      3: ['signature', 'bytes', 'req'],
      4: ['externalSignature', 'ExternalSignature', 'opt'],
      5: ['version', 'uint32', 'opt'],
    },
  },
  ExternalSignature: { fields: { 1: ['signature', 'bytes', 'req'], 2: ['publicKey', 'PublicKey', 'req'] } },
  PublicKey: { fields: { 1: ['algorithm', 'int32', 'req'], 2: ['key', 'bytes', 'req'] } },
  Proof: { fields: { 1: ['nextSecret', 'bytes', 'one'], 2: ['finalSignature', 'bytes', 'one'] } },
  Block: {
    fields: {
      1: ['symbols', 'string', 'rep'],
      3: ['version', 'uint32', 'opt'],
      4: ['facts', 'Fact', 'rep'],
      6: ['checks', 'Check', 'rep'],
    },
    foreign: [2, 5, 7, 8],
  },
  Fact: { fields: { 1: ['predicate', 'Predicate', 'req'] } },
  Check: { fields: { 1: ['queries', 'Rule', 'rep'], 2: ['kind', 'int32', 'opt'] } },
  Rule: {
    fields: { 1: ['head', 'Predicate', 'req'], 2: ['body', 'Predicate', 'rep'], 3: ['expressions', 'Expression', 'rep'] },
    foreign: [4],
  },
  Predicate: { fields: { 1: ['name', 'uint64', 'req'], 2: ['terms', 'Term', 'rep'] } },
  Term: {
    fields: {
      1: ['variable', 'uint32', 'one'],
      2: ['integer', 'int64', 'one'],
      3: ['string', 'uint64', 'one'],
      4: ['date', 'uint64', 'one'],
      5: ['bytes', 'bytes', 'one'],
      6: ['bool', 'bool', 'one'],
      7: ['set', 'TermSet', 'one'],
    },
    foreign: [8, 9, 10],
  },
  TermSet: { fields: { 1: ['set', 'Term', 'rep'] } },
  Expression: { fields: { 1: ['ops', 'Op', 'rep'] } },
  Op: {
    fields: {
      1: ['value', 'Term', 'one'],
      2: ['unary', 'OpUnary', 'one'],
      3: ['binary', 'OpBinary', 'one'],
      4: ['closure', 'OpClosure', 'one'],
    },
  },
  OpUnary: { fields: { 1: ['kind', 'int32', 'req'] }, foreign: [2] },
  OpBinary: { fields: { 1: ['kind', 'int32', 'req'] }, foreign: [2] },
  OpClosure: { fields: { 2: ['ops', 'Op', 'rep'] }, foreign: [1] },
};

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

/**
 * Reads one message. Inside a block the depth is at most 64 (TK-10), which bounds the recursion as well.
 * @param {string} name @param {Buffer} buf @param {number} [depth] of this message inside its block; 0 outside of one
 * @returns {any}
 */
export function decode(name, buf, depth = 0) {
  const { fields, foreign = [] } = SCHEMA[name];
  /** @type {Record<string, any>} */
  const message = {};
  for (const [field, type, rule] of Object.values(fields)) if (rule === 'rep') message[field] = [];
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
    const known = fields[number];
    if (!known) malformed(`${name} has no field ${number}`); // TK-8
    const [field, type, rule] = known;
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
  for (const [field, , rule] of Object.values(fields)) {
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
  for (const [number, [field, type, rule]] of Object.entries(SCHEMA[name].fields)) {
    const held = rule === 'rep' ? (message[field] ?? []) : [message[field]];
    for (const value of held) {
      if (value === undefined || (rule === 'opt' && value === 0)) continue;
      const wire = VARINTS.has(type) ? 0 : 2;
      parts.push(varint(BigInt(Number(number) * 8 + wire)));
      if (wire === 0) parts.push(varint(BigInt(value)));
      else {
        const body = type === 'bytes' ? value : type === 'string' ? encodeUtf8(value) : encode(type, value);
        parts.push(varint(BigInt(body.length)), body);
      }
    }
  }
  return Buffer.concat(parts);
}
