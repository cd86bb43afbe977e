// Operations, resources, rights, the digest (verify.md, stage 11), and the media type of a body.

import { Denial, Misuse, decodeUtf8, demand, fromBinary, sha256 } from './util.mjs';
import { jcs, toJson } from './json.mjs';
import { keyId } from './ed25519.mjs';

/**
 * @typedef {import('./token.mjs').Token} Token
 * @typedef {{method: string, path: string, type: string, resource: string, action: string, tool?: string, urls?: string[],
 *   paths?: string[], scales?: Record<string, number>, cost?: Record<string, number|string>, read_body?: boolean}} Row
 * @typedef {{type: string, resource: string, action: string, tool: string|null, row: Row|null,
 *   path: [string, string][]}} Operation `path`: path parameters, undecoded, in the order of the template
 */

const PLAIN = /[A-Za-z0-9\-._~!$&'()*+,=:@]/;
const SEGMENT = /^(?:[A-Za-z0-9\-._~!$&'()*+,=:@]|%[0-9A-F]{2})+$/;

/** VF-25 to VF-28 for one segment. @param {string} segment */
export function isSegment(segment) {
  if (!SEGMENT.test(segment) || segment === '.' || segment === '..') return false; // VF-25, VF-26
  const decoded = segment.replace(/%(..)/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
  for (const [, hex] of segment.matchAll(/%(..)/g)) {
    if (PLAIN.test(String.fromCharCode(parseInt(hex, 16)))) return false; // VF-27
  }
  const text = decodeUtf8(fromBinary(decoded));
  return text !== null && !/[\u0000-\u001f\u007f-\u009f%/\\;]/.test(text); // VF-28
}

/** @param {string} resource */
export function isResource(resource) {
  const segments = resource.split('/');
  if (segments[0] === '') segments.shift(); // a path
  if (segments.length > 1 && segments[segments.length - 1] === '') segments.pop();
  return resource === '/' || (segments.length > 0 && segments.every(isSegment));
}

/** "Right". @param {string} location @param {string} resource */
export function covers(location, resource) {
  if (location === '') return false;
  if (location.endsWith('/')) return resource.startsWith(location);
  return resource === location || resource.startsWith(`${location}/`);
}

/** @param {string} audience an absolute URL @returns {{scheme: string, path: string}} */
function partsOfAudience(audience) {
  const found = /^(https?):\/\/[^/?#]+([^?#]*)$/.exec(audience);
  if (!found) throw new Misuse('audience');
  return { scheme: found[1], path: found[2] || '/' };
}

/** What holds of the audiences together. @param {string[]} audiences @returns {string} the scheme */
export function schemeOf(audiences) {
  const parts = audiences.map(partsOfAudience);
  if (new Set(parts.map(({ path }) => path)).size !== parts.length) throw new Misuse('two audiences of one path');
  if (new Set(parts.map(({ scheme }) => scheme)).size !== 1) throw new Misuse('audiences of two schemes');
  return parts[0].scheme;
}

/** VF-6. @param {string[]} audiences @param {string} path raw @returns {string} */
export function serviceFor(audiences, path) {
  const fitting = audiences.filter((audience) => covers(partsOfAudience(audience).path, path));
  demand(fitting.length > 0, 5, 'audience_mismatch', 'no audience has this path');
  const length = (/** @type {string} */ audience) => partsOfAudience(audience).path.length;
  return fitting.reduce((best, audience) => (length(audience) > length(best) ? audience : best));
}

const VARIABLE = /^\{([a-z0-9_]+)\}$/;

/** Refuses a table that the text calls a misuse. @param {Row[]} rows */
export function checkTable(rows) {
  for (const { path, resource, urls = [], paths = [] } of rows) {
    const names = path.split('/').flatMap((segment) => VARIABLE.exec(segment)?.[1] ?? []);
    if (!path.startsWith('/') || new Set(names).size !== names.length) throw new Misuse('path of an entry');
    for (const [, name] of resource.matchAll(/\{([^}]*)\}/g)) if (!names.includes(name)) throw new Misuse('name in a resource');
    if (urls.some((name) => paths.includes(name))) throw new Misuse('both a URL and a path');
  }
}

/** VF-23 and VF-24. @param {Row[]|undefined} rows @param {string} method @param {string} path raw @returns {Operation} */
export function mapOperation(rows, method, path) {
  if (!rows) return { type: 'http', resource: path, action: method, tool: null, row: null, path: [] };
  const segments = path.split('/');
  for (const row of rows) {
    const template = row.path.split('/');
    /** @type {Map<string, string>} */
    const found = new Map();
    const fits =
      row.method === method &&
      template.length === segments.length &&
      template.every((part, i) => {
        const name = VARIABLE.exec(part)?.[1];
        if (name === undefined) return part === segments[i];
        found.set(name, segments[i]);
        return segments[i] !== '';
      });
    if (!fits) continue;
    const resource = row.resource.replace(/\{([a-z0-9_]+)\}/g, (_, name) => /** @type {string} */ (found.get(name)));
    return { type: row.type, resource, action: row.action, tool: row.tool ?? null, row, path: [...found] };
  }
  throw new Denial(11, 'operation_unmapped');
}

/** VF-29 and VF-30. @param {Token} token @param {Operation} operation */
export function findRight(token, { type, action, resource }) {
  const right = token.rights.find((item) => item.type === type && item.action === action && covers(item.location, resource));
  if (!right) throw new Denial(11, 'right_missing');
  return right;
}

/**
 * VF-44: the canonical text of an operation. @param {Token} token @param {string} service
 * @param {import('./verify.mjs').Asked} asked @param {import('./verify.mjs').Http|null} http @returns {string}
 */
export function canonicalOperation(token, service, { operation, json, content, meta }, http) {
  const object = toJson({
    ...{ issuer: token.issuer, user: token.user, purpose: token.purpose, holder: keyId(token.holders[token.holders.length - 1].key) },
    ...{ grant: token.grant, conversation: token.conversation, authority: http?.authority ?? null },
    agents: token.holders.map(({ key, name }) => ({ key_id: keyId(key), name })),
    ...{ service, method: http?.method ?? null, path: http?.path ?? null, query: http?.query ?? null, fields: http?.fields ?? null },
    ...{ type: operation.type, resource: operation.resource, action: operation.action, tool: operation.tool },
    content_sha256: content && sha256(content).toString('hex'),
  });
  if (object.t === 'obj') object.members.push(['args', json ?? { t: 'null' }], ['meta', meta ?? { t: 'null' }]);
  return jcs(object);
}

/** VF-44. @param {string} canonical @returns {Buffer} */
export const operationDigest = (canonical) => sha256('countersign-operation-v1\0', canonical);

const MEDIA_TYPE = (() => {
  const token = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+";
  const quoted = '"(?:[\\t !#-[\\]-~\\x80-\\xff]|\\\\[\\t !-~\\x80-\\xff])*"';
  const parameter = `[ \\t]*;[ \\t]*(?:(${token})=(${token}|${quoted}))?`;
  return { whole: new RegExp(`^(${token})/(${token})((?:${parameter})*)$`), parameter: new RegExp(parameter, 'y') };
})();

/**
 * RFC 9110 section 8.3.1; null for anything but one media type. @param {string} value
 * @returns {{type: string, subtype: string, parameters: [string, string][]}|null}
 */
export function parseMediaType(value) {
  const found = MEDIA_TYPE.whole.exec(value);
  if (!found) return null;
  /** @type {[string, string][]} */
  const parameters = [];
  const sticky = MEDIA_TYPE.parameter;
  for (sticky.lastIndex = 0; sticky.lastIndex < found[3].length; ) {
    const parameter = sticky.exec(found[3]);
    if (!parameter) return null;
    if (parameter[1] === undefined) continue;
    const text = parameter[2].startsWith('"') ? parameter[2].slice(1, -1).replace(/\\(.)/gs, '$1') : parameter[2];
    parameters.push([parameter[1].toLowerCase(), text]);
  }
  return { type: found[1].toLowerCase(), subtype: found[2].toLowerCase(), parameters };
}
