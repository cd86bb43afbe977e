// What every part uses: the two ways to end early, strict texts, and bytes.
// Byte strings that are looked at character by character (header fields, targets) are "binary strings": JS strings in
// which each character is one byte. Text proper is a JS string that came out of a strict UTF-8 decoder, so it is well
// formed and comparing it compares its bytes.

import { createHash } from 'node:crypto';

/** A refusal: stage and code of errors.md. */
export class Denial extends Error {
  /** @param {number} stage @param {string} code @param {string} [detail] for the operator of the checker alone */
  constructor(stage, code, detail = '') {
    super(`${code} (${stage})${detail && `: ${detail}`}`);
    this.stage = stage;
    this.code = code;
  }
}

/** A configuration that the text forbids, or an input that is no message: neither allow nor deny. */
export class Misuse extends Error {}

/** @param {unknown} ok @param {number} stage @param {string} code @param {string} [detail] */
export function demand(ok, stage, code, detail) {
  if (!ok) throw new Denial(stage, code, detail);
}

/** For readers that are told how to refuse. @param {number} stage @param {string} code @returns {(detail: string) => never} */
export const denies = (stage, code) => (detail) => {
  throw new Denial(stage, code, detail);
};

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Strict UTF-8; null where the bytes are something else. @param {Uint8Array} bytes @returns {string|null} */
export function decodeUtf8(bytes) {
  try {
    return utf8.decode(bytes);
  } catch {
    return null;
  }
}

/** @param {string} text @returns {Buffer} */
export const encodeUtf8 = (text) => Buffer.from(text, 'utf8');
/** @param {string} text */
export const byteLength = (text) => Buffer.byteLength(text, 'utf8');
/** @param {string} text a binary string @returns {Buffer} */
export const fromBinary = (text) => Buffer.from(text, 'latin1');

/** Byte order of two texts. JS compares UTF-16 units, which is another order. @param {string} a @param {string} b */
export function compareText(a, b) {
  return a === b ? 0 : Buffer.compare(encodeUtf8(a), encodeUtf8(b));
}

/**
 * base64url by README.md: no padding, no stray bits, no other character; null for any other text.
 * @param {string} text @returns {Buffer|null}
 */
export function decodeB64u(text) {
  if (!/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) return null;
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : null;
}

/** @param {Uint8Array} bytes */
export const encodeB64u = (bytes) => Buffer.from(bytes).toString('base64url');

/** @param {...(Uint8Array|string)} parts @returns {Buffer} */
export function sha256(...parts) {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** @param {Uint8Array} a @param {Uint8Array} b */
export const sameBytes = (a, b) => Buffer.compare(a, b) === 0;

/** RFC 3339 with Z, whole seconds. @param {bigint} seconds */
export function rfc3339(seconds) {
  return new Date(Number(seconds) * 1000).toISOString().replace(/\.000Z$/, 'Z');
}

export const SKEW = 30n;
export const MAX_SAFE = 9007199254740991n;
export const MAX_DATE = 253402300799n;
/** An RFC 9110 token. */
export const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
