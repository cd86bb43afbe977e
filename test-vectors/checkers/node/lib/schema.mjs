// As much of JSON Schema as test-vectors/schema.json uses; another keyword is an error.

import { isDeepStrictEqual } from 'node:util';

const NOTES = ['$schema', '$defs', 'title', 'description'];

/** @param {any} value @returns {string} */
function typeOf(value) {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return Number.isInteger(value) ? 'integer' : typeof value;
}

/** @param {any} value whose members or characters count */
const isObject = (value) => typeOf(value) === 'object';
const characters = (/** @type {string} */ text) => [...text].length;

/**
 * What a keyword asks of a value: true, or what is wrong.
 * @type {Record<string, (value: any, asked: any, schema: any, root: any) => unknown>}
 */
const KEYWORDS = {
  $ref: (value, asked, _, root) => check(value, root.$defs[asked.slice('#/$defs/'.length)], root),
  oneOf: (value, asked, _, root) => asked.filter((/** @type {any} */ one) => !check(value, one, root)).length === 1,
  allOf: (value, asked, _, root) => asked.map((/** @type {any} */ one) => check(value, one, root)).find(Boolean),
  type: (value, asked) => [asked].flat().includes(typeOf(value)),
  const: (value, asked) => isDeepStrictEqual(value, asked),
  enum: (value, asked) => asked.includes(value),
  pattern: (value, asked) => typeof value !== 'string' || new RegExp(asked, 'u').test(value),
  minLength: (value, asked) => typeof value !== 'string' || characters(value) >= asked,
  minimum: (value, asked) => typeof value !== 'number' || value >= asked,
  maximum: (value, asked) => typeof value !== 'number' || value <= asked,
  minItems: (value, asked) => !Array.isArray(value) || value.length >= asked,
  maxItems: (value, asked) => !Array.isArray(value) || value.length <= asked,
  uniqueItems: (value) => !Array.isArray(value) || new Set(value.map((item) => JSON.stringify(item))).size === value.length,
  items: (value, asked, _, root) => (Array.isArray(value) ? value : []).map((item) => check(item, asked, root)).find(Boolean),
  minProperties: (value, asked) => !isObject(value) || Object.keys(value).length >= asked,
  propertyNames: (value, asked, _, root) => (isObject(value) ? Object.keys(value) : []).map((name) => check(name, asked, root)).find(Boolean),
  required: (value, asked) => !isObject(value) || asked.every((/** @type {string} */ name) => Object.hasOwn(value, name)),
  properties: (value, asked, _, root) => members(value, (name) => Object.hasOwn(asked, name) && check(value[name], asked[name], root)),
  additionalProperties: (value, asked, { properties = {} }, root) =>
    members(value, (name) => !Object.hasOwn(properties, name) && (asked === false ? 'unknown' : check(value[name], asked, root))),
};

/** The first problem of a member, with its name. @param {any} value @param {(name: string) => string|null|false} problem */
function members(value, problem) {
  for (const name of isObject(value) ? Object.keys(value) : []) {
    const found = problem(name);
    if (found) return `${name}: ${found}`;
  }
  return true;
}

/** What is wrong with a value, or null. @param {any} value @param {any} schema @param {any} root @returns {string|null} */
export function check(value, schema, root) {
  for (const [keyword, asked] of Object.entries(schema)) {
    if (NOTES.includes(keyword)) continue;
    const result = KEYWORDS[keyword](value, asked, schema, root);
    if (result === false) return keyword;
    if (typeof result === 'string') return result;
  }
  return null;
}
