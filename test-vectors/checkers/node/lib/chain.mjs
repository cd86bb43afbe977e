// The signatures of a token (token.md, "Signatures"; stage 7).

import { demand } from './util.mjs';
import { verify } from './ed25519.mjs';

/** @typedef {import('./token.mjs').Token} Token */

const ZERO32 = Buffer.alloc(4); // LE32(0), the algorithm
const ONE32 = Buffer.from([1, 0, 0, 0]); // LE32(1), the version
/** @param {string} text */
const tag = (text) => Buffer.from(`\0${text}\0`, 'latin1');

/** Payload of a block's own signature. @param {Buffer} block @param {Buffer} nextKey @param {Buffer|null} before @param {Buffer|null} external */
export function blockPayload(block, nextKey, before, external) {
  const parts = [tag('BLOCK'), tag('VERSION'), ONE32, tag('PAYLOAD'), block, tag('ALGORITHM'), ZERO32, tag('NEXTKEY'), nextKey];
  if (before) parts.push(tag('PREVSIG'), before);
  if (external) parts.push(tag('EXTERNALSIG'), external);
  return Buffer.concat(parts);
}

/** Payload of an external signature. @param {Buffer} block @param {Buffer} before signature of the block before */
export function externalPayload(block, before) {
  return Buffer.concat([tag('EXTERNAL'), tag('VERSION'), ONE32, tag('PAYLOAD'), block, tag('PREVSIG'), before]);
}

/** Payload of the final signature. @param {{block: Buffer, nextKey: Buffer, signature: Buffer}} last */
export function sealPayload({ block, nextKey, signature }) {
  return Buffer.concat([block, ZERO32, nextKey, signature]);
}

/** TK-39 to TK-43, VF-17. @param {Token} token a sealed one @param {Buffer[]} roots keys that may have signed it */
export function verifyChain(token, roots) {
  const signed = token.blocks.map((block) => block.signed);
  const [authority] = signed;
  const payload = blockPayload(authority.block, authority.nextKey, null, null);
  demand(roots.some((root) => verify(root, payload, authority.signature)), 7, 'token_signature', 'authority'); // TK-39
  for (let i = 1; i < signed.length; i += 1) {
    const { block, nextKey, signature, external } = signed[i];
    const before = signed[i - 1];
    const own = blockPayload(block, nextKey, before.signature, external && external.signature);
    demand(verify(before.nextKey, own, signature), 7, 'token_signature', `block ${i}`); // TK-40
    if (!external) continue;
    const ok = verify(external.key, externalPayload(block, before.signature), external.signature);
    demand(ok, 7, 'token_signature', `external signature of block ${i}`); // TK-41
  }
  const last = signed[signed.length - 1];
  demand(verify(last.nextKey, sealPayload(last), token.proof), 7, 'token_signature', 'seal'); // TK-42
}
