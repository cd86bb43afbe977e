// Rich Authorization Requests (rar.md): details to tokens, and a token's details.

import { isIPv4, isIPv6 } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { MAX_DATE, byteLength, compareText } from './util.mjs';
import { jcs, parseJson, toJson } from './json.mjs';
import { covers, isResource } from './operation.mjs';

/**
 * @typedef {import('./json.mjs').Json} Json
 * @typedef {[string, string, string]} Right type, location, action
 * @typedef {{audience: string, purpose: string, duration: bigint, rights: Right[]}} Grant
 * @typedef {{origin: string, path: string}} Url
 */

/** An OAuth error (RA-29). */
export class Refused extends Error {
  /** @param {string|null} member at fault @param {boolean} [target] */
  constructor(member, target = false) {
    super(target ? 'invalid_target' : 'invalid_authorization_details');
    this.member = member;
  }
}

/** @param {unknown} ok @param {string|null} member @param {boolean} [target] */
function need(ok, member, target) {
  if (!ok) throw new Refused(member, target);
}

const MEMBERS = ['type', 'locations', 'actions', 'purpose', 'max_duration'];
const MAX_BYTES = 1024;
const MAX_RIGHTS = 128;

/** RA-8. @param {string} text */
const isText = (text) => text !== '' && byteLength(text) <= MAX_BYTES && !/[\u0000-\u001f\u007f-\u009f]/.test(text);

/** RA-10 and RA-11; null for any other text. @param {string} text @returns {bigint|null} */
export function parseDuration(text) {
  const number = '([1-9][0-9]*)';
  const time = `T(?=[0-9])(?:${number}H)?(?:${number}M)?(?:${number}S)?`;
  const iso = new RegExp(`^P(?=[0-9T])(?:${number}D)?(?:${time})?$`).exec(text);
  const short = new RegExp(`^${number}([smhd])$`).exec(text);
  if ((!iso && !short) || text.length > 64) return null; // no duration in range has more characters
  const [days, hours, minutes, seconds] = iso ? iso.slice(1) : ['d', 'h', 'm', 's'].map((unit) => (short?.[2] === unit ? short[1] : ''));
  const [d, h, m, s] = [days, hours, minutes, seconds].map((part) => BigInt(part || 0));
  const total = d * 86400n + h * 3600n + m * 60n + s;
  return total >= 1n && total <= MAX_DATE ? total : null;
}

/** RA-25. @param {bigint} duration */
export function writeDuration(duration) {
  const units = /** @type {[bigint, string][]} */ ([
    [(duration % 86400n) / 3600n, 'H'],
    [(duration % 3600n) / 60n, 'M'],
    [duration % 60n, 'S'],
  ]);
  const time = units.flatMap(([count, letter]) => (count ? [`${count}${letter}`] : [])).join('');
  const days = duration / 86400n;
  return `P${days ? `${days}D` : ''}${time && `T${time}`}`;
}

/** An IPv6 address as RFC 5952 writes it. @param {string} text */
function isAddress6(text) {
  if (!isIPv6(text) || text.includes('%')) return false;
  const written = new URL(`http://[${text}]`).hostname.slice(1, -1); // but for section 5
  const mapped = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(written);
  const bytes = (mapped ?? []).slice(1).flatMap((group) => [parseInt(group, 16) >> 8, parseInt(group, 16) & 255]);
  return text === (mapped ? `::ffff:${bytes.join('.')}` : written);
}

/** RA-14: origin and whatever follows it; null for another form. @param {string} text @returns {Url|null} */
export function parseUrl(text) {
  const found = /^(https?):\/\/(\[([^\]]*)\]|[a-z0-9-]+(?:\.[a-z0-9-]+)*)(?::([1-9][0-9]{0,4}))?(?=\/|$)/.exec(text);
  if (!found) return null;
  const [origin, scheme, host, address6, port] = found;
  if (address6 === undefined) {
    const last = host.slice(host.lastIndexOf('.') + 1);
    if (host.length > 253 || (/^(?:[0-9]+|0x[0-9a-f]*)$/.test(last) && !isIPv4(host))) return null;
  } else if (!isAddress6(address6)) return null;
  if (port && (Number(port) > 65535 || Number(port) === (scheme === 'https' ? 443 : 80))) return null;
  return { origin, path: text.slice(origin.length) };
}

/** @param {[string, Json][]} members @param {string} name @returns {string[]} */
function strings(members, name) {
  const value = members.find(([key]) => key === name)?.[1];
  need(value?.t === 'arr' && value.items.length > 0, name); // RA-6, RA-7
  const items = value?.t === 'arr' ? value.items : [];
  return [...new Set(items.map((item) => (item.t === 'str' ? item.v : refuse(name))))]; // RA-9
}

/** @param {string|null} member @returns {never} */
function refuse(member) {
  throw new Refused(member);
}

/**
 * One location: the audience and the right's location (RA-14 to RA-19). @param {string} location
 * @param {{text: string, url: Url}|null} resource @returns {{audience: string, place: string}}
 */
function locate(location, resource) {
  const isUrl = /^https?:\/\//.test(location);
  const url = isUrl ? parseUrl(location) : null;
  need(!isUrl || url, 'locations'); // RA-14
  const place = url ? url.path : location;
  need((!url || place.startsWith('/')) && isResource(place) && byteLength(place) <= MAX_BYTES, 'locations'); // RA-15, RA-16
  if (!resource) {
    if (!url) throw new Refused('locations', true); // RA-19
    return { audience: url.origin, place };
  }
  const inside = !url || (url.origin === resource.url.origin && covers(resource.url.path || '/', place));
  need(inside, 'locations'); // RA-18
  return { audience: resource.text, place };
}

/** RA-17. @param {string|undefined} text @returns {{text: string, url: Url}|null} */
function readResource(text) {
  if (text === undefined) return null;
  const url = byteLength(text) <= MAX_BYTES ? parseUrl(text) : null;
  if (!url || !(url.path === '' || isResource(url.path))) throw new Refused(null, true);
  return { text, url };
}

/**
 * The tokens of a request. @param {{details: string, resource?: string, purpose?: string, max_duration?: string}} input
 * @returns {Grant[]}
 */
export function readDetails(input) {
  const resource = readResource(input.resource);
  need(byteLength(input.details) <= 1_048_576, null); // RA-2
  const json = parseJson(input.details, () => refuse(null)); // RA-1
  const details = json.t === 'arr' ? json.items : [];
  need(details.length >= 1 && details.length <= 128, null); // RA-3
  /** @type {Map<string, Grant & {seen: Set<string>}>} */
  const grants = new Map();
  for (const detail of details) addDetail(grants, detail.t === 'obj' ? detail.members : refuse(null), input, resource);
  need(grants.size <= 64, null); // RA-22
  const compare = (/** @type {Grant} */ a, /** @type {Grant} */ b) =>
    compareText(a.audience, b.audience) || compareText(a.purpose, b.purpose) || (a.duration < b.duration ? -1 : 1);
  return [...grants.values()].sort(compare).map(({ audience, purpose, duration, rights }) => ({
    ...{ audience, purpose, duration },
    rights: rights.sort((a, b) => compareText(a[0], b[0]) || compareText(a[1], b[1]) || compareText(a[2], b[2])), // RA-23
  }));
}

/**
 * @param {Map<string, Grant & {seen: Set<string>}>} grants @param {[string, Json][]} members
 * @param {{purpose?: string, max_duration?: string}} defaults @param {{text: string, url: Url}|null} resource
 */
function addDetail(grants, members, defaults, resource) {
  for (const [name] of members) need(MEMBERS.includes(name), name); // RA-4
  /** @param {string} name @param {string|undefined} fallback @returns {string} */
  const text = (name, fallback) => {
    const value = members.find(([key]) => key === name)?.[1];
    if (value === undefined) return fallback ?? refuse(name); // RA-5, RA-12, RA-13
    return value.t === 'str' ? value.v : refuse(name); // RA-5, RA-10
  };
  const type = text('type', undefined);
  const purpose = text('purpose', defaults.purpose);
  const duration = parseDuration(text('max_duration', defaults.max_duration)) ?? refuse('max_duration'); // RA-10, RA-11
  const [locations, actions] = [strings(members, 'locations'), strings(members, 'actions')];
  need(isText(type), 'type'); // RA-8
  need(isText(purpose), 'purpose');
  need(actions.every(isText), 'actions');
  for (const location of locations) {
    const { audience, place } = locate(location, resource);
    const key = JSON.stringify([audience, purpose, String(duration)]); // RA-20
    const grant = grants.get(key) ?? { audience, purpose, duration, rights: [], seen: new Set() };
    grants.set(key, grant);
    for (const action of actions) {
      const mark = JSON.stringify([type, place, action]);
      if (grant.seen.has(mark)) continue;
      grant.seen.add(mark);
      grant.rights.push([type, place, action]);
      need(grant.rights.length <= MAX_RIGHTS, null); // RA-21
    }
  }
}

/** RA-25 to RA-27: a token's details as canonical bytes. @param {Grant} grant @returns {string} */
export function writeDetails({ audience, purpose, duration, rights }) {
  /** @type {Map<string, {type: string, location: string, actions: string[]}>} */
  const places = new Map();
  for (const [type, location, action] of rights) {
    const key = JSON.stringify([type, location]);
    const place = places.get(key) ?? { type, location, actions: [] };
    places.set(key, place);
    if (!place.actions.includes(action)) place.actions.push(action);
    const sound = isText(type) && isText(action) && isResource(location) && byteLength(location) <= MAX_BYTES;
    if (!sound) throw new Refused(null); // RA-27
  }
  if (!isText(purpose) || duration < 1n || duration > MAX_DATE) throw new Refused(null); // RA-27
  const url = parseUrl(audience);
  const asUrls = url?.path === '' && rights.every(([, location]) => location.startsWith('/')); // RA-26
  /** @type {Map<string, {type: string, actions: string[], locations: string[]}>} */
  const details = new Map();
  for (const { type, location, actions } of places.values()) {
    actions.sort(compareText);
    const key = JSON.stringify([type, actions]);
    const detail = details.get(key) ?? { type, actions, locations: [] };
    details.set(key, detail);
    detail.locations.push(asUrls ? audience + location : location);
  }
  const ordered = [...details.values()].sort((a, b) => compareText(a.type, b.type) || compareLists(a.actions, b.actions));
  for (const { locations } of ordered) locations.sort(compareText);
  return jcs(toJson(ordered.map((detail) => ({ ...detail, purpose, max_duration: writeDuration(duration) }))));
}

/** @param {string[]} a @param {string[]} b */
function compareLists(a, b) {
  const at = a.findIndex((text, i) => text !== b[i]);
  if (at < 0) return a.length - b.length;
  return at < b.length ? compareText(a[at], b[at]) : 1;
}

/** A vector of rar/. @param {any} input */
export function runRar(input) {
  try {
    const tokens = readDetails(input).map((grant) => {
      const details = writeDetails(grant);
      const again = readDetails({ details, resource: grant.audience }); // RA-31
      if (!isDeepStrictEqual(again, [grant])) throw new Error('details of a token do not give it again');
      return { ...grant, duration: Number(grant.duration), details };
    });
    return { result: 'ok', tokens };
  } catch (error) {
    if (error instanceof Refused) return { result: 'refused', error: error.message, member: error.member };
    throw error;
  }
}
