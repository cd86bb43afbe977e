// Reading an HTTP/1.1 message as test-vectors/README.md says ("Reading the message"), and its framing (stage 1).

import { Denial, Misuse, TOKEN, demand } from './util.mjs';
import { MAX_TEXT } from './token.mjs';

/**
 * Texts are binary strings. `announced` is null where the body's length is not announced.
 * @typedef {{method: string, target: string, lines: [string, string][], authority: string|null, body: Buffer,
 *   trailers: boolean, announced: bigint|null}} Message
 */

/** @param {string} text */
const trim = (text) => text.replace(/^[ \t]+|[ \t]+$/g, '');

/** @param {Buffer} bytes @param {string|undefined} authority the pseudo-header @returns {Message} */
export function readMessage(bytes, authority) {
  const text = bytes.toString('latin1');
  let at = text.indexOf('\r\n');
  if (at < 0) throw new Misuse('no request line');
  const first = text.slice(0, at);
  const [space, end] = [first.indexOf(' '), first.lastIndexOf(' ')];
  if (space < 0 || space === end || first.slice(end + 1) !== 'HTTP/1.1') throw new Misuse('no request line');
  /** @type {[string, string][]} */
  const lines = [];
  for (at += 2; ; ) {
    let stop = text.indexOf('\r\n', at);
    if (stop === at) break;
    // A line that begins with a space or a tab belongs to the value before it.
    while (stop >= 0 && ' \t'.includes(text[stop + 2] ?? 'x')) stop = text.indexOf('\r\n', stop + 2);
    const colon = text.indexOf(':', at);
    if (stop < 0 || colon < 0 || colon > stop) throw new Misuse('no field line');
    lines.push([text.slice(at, colon), trim(text.slice(colon + 1, stop))]);
    at = stop + 2;
  }
  const rest = bytes.subarray(at + 2);
  const message = { method: first.slice(0, space), target: first.slice(space + 1, end), lines, authority: authority ?? null };
  const length = valueOf({ lines }, 'content-length');
  const coding = valueOf({ lines }, 'transfer-encoding');
  if (length !== null && /^[0-9]+$/.test(length)) {
    const announced = BigInt(length);
    const body = announced < BigInt(rest.length) ? rest.subarray(0, Number(announced)) : rest;
    return { ...message, body, trailers: false, announced };
  }
  if (coding?.toLowerCase() === 'chunked') return { ...message, ...readChunks(rest), announced: null };
  return { ...message, body: Buffer.alloc(0), trailers: false, announced: 0n };
}

/** @param {Buffer} bytes @returns {{body: Buffer, trailers: boolean}} */
function readChunks(bytes) {
  const parts = [];
  for (let at = 0; ; ) {
    const end = bytes.indexOf('\r\n', at);
    const size = /^([0-9A-Fa-f]{1,8})(?:[ \t]*;.*)?$/.exec(end < 0 ? '' : bytes.toString('latin1', at, end));
    if (!size) throw new Misuse('no chunk');
    at = end + 2;
    const length = parseInt(size[1], 16);
    if (length === 0) return { body: Buffer.concat(parts), trailers: bytes.indexOf('\r\n', at) !== at };
    if (at + length > bytes.length) throw new Misuse('chunk cut short');
    parts.push(bytes.subarray(at, at + length));
    at += length + 2;
  }
}

/** All values of a field, in order. @param {{lines: [string, string][]}} message @param {string} name in lower case */
export function valuesOf(message, name) {
  return message.lines.filter(([key]) => key.toLowerCase() === name).map(([, value]) => trim(value));
}

/** The value of a field, null where it is absent. @param {{lines: [string, string][]}} message @param {string} name */
export function valueOf(message, name) {
  const values = valuesOf(message, name);
  return values.length ? values.join(', ') : null;
}

/** Path and query of a target; the query without its `?`, or null. @param {string} target @returns {[string, string|null]} */
export function splitTarget(target) {
  const mark = target.indexOf('?');
  return mark < 0 ? [target, null] : [target.slice(0, mark), target.slice(mark + 1)];
}

/** @param {string} authority @param {string} scheme */
export function normalise(authority, scheme) {
  const lower = authority.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  const port = scheme === 'https' ? ':443' : ':80';
  return lower.endsWith(port) ? lower.slice(0, -port.length) : lower;
}

const OVERRIDES = [
  ...['upgrade', 'x-http-method-override', 'x-http-method', 'x-method-override', 'x-original-url', 'x-original-uri'],
  ...['x-original-method', 'x-rewrite-url'],
];

/**
 * Stage 1. @param {Message} message @param {{authorities: string[], scheme: string, maxBody: bigint}} config
 * @returns {string} the normalised authority
 */
export function checkFraming(message, config) {
  const { method, target, lines, announced } = message;
  const head = lines.reduce((sum, [name, value]) => sum + name.length + value.length, method.length + target.length);
  demand(target.length <= 8192 && head <= 32768 && lines.length <= 128, 1, 'limit_exceeded', 'head'); // RQ-1
  for (const [name, most] of /** @type {[string, number][]} */ ([
    ['signature-input', 4096],
    ['signature', 4096],
    ['content-digest', 1024],
  ])) demand((valueOf(message, name)?.length ?? 0) <= most, 1, 'limit_exceeded', name); // RQ-2
  const tokens = [
    ...valuesOf(message, 'countersign-token'),
    ...valuesOf(message, 'authorization').flatMap((value) => (value.startsWith('Countersign ') ? [value.slice(12)] : [])),
  ];
  demand(tokens.every((token) => token.length <= MAX_TEXT), 1, 'limit_exceeded', 'token'); // RQ-2, TK-2
  demand(announced === null || announced <= config.maxBody, 1, 'body_too_large'); // RQ-3

  demand(TOKEN.test(method) && method.length <= 32, 1, 'header_malformed', 'method'); // RQ-4
  demand(method !== 'CONNECT', 1, 'header_refused'); // RQ-5
  demand(/^\/[\x21\x22\x24-\x7e]*$/.test(target), 1, 'header_malformed', 'target'); // RQ-6
  demand(target.indexOf('?') !== target.length - 1, 1, 'header_malformed', 'empty query'); // RQ-7
  demand(lines.every(([name]) => TOKEN.test(name)), 1, 'header_malformed', 'field name'); // RQ-8
  demand(lines.every(([, value]) => !/[\x00-\x08\x0a-\x1f\x7f]/.test(value)), 1, 'header_malformed', 'field value'); // RQ-9
  const lengths = valuesOf(message, 'content-length');
  demand(lengths.length <= 1 && lengths.every((value) => /^[0-9]+$/.test(value)), 1, 'header_malformed', 'length'); // RQ-10
  const coding = valueOf(message, 'transfer-encoding');
  const plain = coding === null || (lengths.length === 0 && /^chunked$/i.test(coding));
  demand(plain, 1, 'header_malformed', 'transfer coding'); // RQ-11
  const names = new Set(lines.map(([name]) => name.toLowerCase()));
  demand(!OVERRIDES.some((name) => names.has(name)), 1, 'header_refused'); // RQ-12
  demand(!names.has('trailer'), 1, 'trailer_rejected'); // RQ-13

  const hosts = valuesOf(message, 'host');
  demand(message.authority === null ? hosts.length === 1 : hosts.length <= 1, 1, 'authority_ambiguous', 'hosts'); // RQ-14
  const claims = message.authority === null ? hosts : [message.authority, ...hosts];
  demand(claims.every((claim) => /^[a-zA-Z0-9\-.:[\]]+$/.test(claim)), 1, 'authority_ambiguous', 'characters'); // RQ-15
  const [authority, ...others] = claims.map((claim) => normalise(claim, config.scheme));
  demand(others.every((other) => other === authority), 1, 'authority_ambiguous', 'two'); // RQ-16
  demand(config.authorities.includes(authority), 1, 'authority_mismatch'); // RQ-17
  return authority;
}

/**
 * Stage 2: the text of the token and the field it stands in. @param {Message} message
 * @returns {{text: string, header: 'authorization'|'countersign-token'}}
 */
export function findToken(message) {
  const authorizations = valuesOf(message, 'authorization');
  demand(authorizations.length <= 1, 2, 'token_ambiguous'); // RQ-18
  const own = valuesOf(message, 'countersign-token');
  const [scheme] = (authorizations[0] ?? '').split(' ', 1);
  const folded = scheme.toLowerCase();
  const ours = scheme === 'Countersign';
  if (['countersign', 'countersign-session'].includes(folded) && !ours) {
    demand(scheme === 'Countersign-Session', 2, 'header_malformed', 'scheme'); // RQ-19
    throw new Denial(2, 'binding_not_accepted'); // RQ-20
  }
  demand(own.length + Number(ours) <= 1, 2, 'token_ambiguous'); // RQ-21
  const text = ours ? authorizations[0].slice('Countersign '.length) : own[0];
  if (!text) throw new Denial(2, 'token_missing'); // RQ-22
  return { text, header: ours ? 'authorization' : 'countersign-token' };
}

