// Ed25519 under TK-44 to TK-46, and the forms of keys (TK-48 to TK-51).

import { createPrivateKey, createPublicKey, sign as nodeSign, verify as nodeVerify } from 'node:crypto';
import { Misuse, decodeB64u, encodeB64u, sha256 } from './util.mjs';

const SPKI = Buffer.from('302a300506032b6570032100', 'hex');
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

// TK-45: every encoding of a point of order 1, 2, 4 and 8; the sign bit is the top bit of the last byte.
const LOW_ORDER = new Set();
for (const head of [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
]) {
  const signed = Buffer.from(head, 'hex');
  signed[31] |= 0x80;
  LOW_ORDER.add(head).add(signed.toString('hex'));
}

const L = (1n << 252n) + 27742317777372353535851937790883648493n;

/** @param {Uint8Array} key @param {Uint8Array} message @param {Uint8Array} signature */
export function verify(key, message, signature) {
  if (key.length !== 32 || signature.length !== 64) return false;
  const sig = Buffer.from(signature);
  const s = BigInt(`0x${Buffer.from(sig.subarray(32)).reverse().toString('hex')}`);
  if (s >= L) return false; // TK-44
  if (LOW_ORDER.has(Buffer.from(key).toString('hex')) || LOW_ORDER.has(sig.subarray(0, 32).toString('hex'))) return false;
  try {
    // TK-46: OpenSSL recomputes R without the cofactor and compares its bytes.
    const spki = createPublicKey({ key: Buffer.concat([SPKI, key]), format: 'der', type: 'spki' });
    return nodeVerify(null, message, spki, sig);
  } catch {
    return false; // A is no point of the curve
  }
}

/** @param {Uint8Array} seed */
const privateKey = (seed) => createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' });

/** @param {Uint8Array} seed @param {Uint8Array} message @returns {Buffer} */
export const sign = (seed, message) => nodeSign(null, message, privateKey(seed));

/** @param {Uint8Array} seed @returns {Buffer} */
export function publicOf(seed) {
  return createPublicKey(privateKey(seed)).export({ format: 'der', type: 'spki' }).subarray(12);
}

/** TK-48. @param {Uint8Array} key */
export const keyId = (key) => encodeB64u(sha256(`{"crv":"Ed25519","kty":"OKP","x":"${encodeB64u(key)}"}`));

/** TK-49. @param {Uint8Array} key */
export const publicText = (key) => `ed25519/${Buffer.from(key).toString('hex')}`;

/** TK-49. @param {string} text @returns {Buffer} */
export function parsePublic(text) {
  const found = /^ed25519\/([0-9a-f]{64})$/.exec(text);
  if (!found) throw new Misuse('not the text form of a public key');
  return Buffer.from(found[1], 'hex');
}

/** A seed: 64 hexadecimal digits, the raw text form (TK-51), or PEM (TK-50). @param {string} text @returns {Buffer} */
export function parseSeed(text) {
  const trimmed = text.trim();
  if (/^[0-9a-f]{64}$/i.test(trimmed)) return Buffer.from(trimmed, 'hex');
  const raw = /^cs_sk_([A-Za-z0-9_-]{43})$/.exec(trimmed);
  const rawSeed = raw && decodeB64u(raw[1]);
  if (rawSeed) return rawSeed;
  const pem = /^-----BEGIN PRIVATE KEY-----\s+([A-Za-z0-9+/=\s]+)-----END PRIVATE KEY-----$/.exec(trimmed);
  const der = pem && Buffer.from(pem[1], 'base64');
  if (!der || der.length !== 48 || !der.subarray(0, 16).equals(PKCS8)) throw new Misuse('not the form of a private key');
  return der.subarray(16);
}
