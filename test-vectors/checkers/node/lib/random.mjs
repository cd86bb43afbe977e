// Random but reproducible content for make.mjs: texts, path segments, queries, JSON.

import { encodeUtf8, sha256 } from './util.mjs';

/** @typedef {import('./json.mjs').Json} Json */
/** What an operation table says of arguments. @typedef {{urls: string[], paths: string[], scales: Record<string, number>}} Declared */

/** Characters with which texts go wrong: escapes, signs of URLs and Datalog, and those that UTF-8 and UTF-16 order differently. */
const CHARACTERS = [
  ...['a', 'b', 'm', 'z', 'Q', '0', '7', ' ', '-', '_', '.', ',', ':', '/', '"', '\\', "'", '{', '}', '$', '~', '%', '+', '&', '='],
  ...['\n', '\u0001', '\u007f', '\u00a0', '\u2028', 'é', 'e\u0301', 'ß', '漢', '\ue000', '\uff5e', '\ufffd', '🙂', '𝔘'],
];
const SEGMENT = "abcXYZ019-._~!$&'()*+,=:@";
const ESCAPED = [' ', '"', '<', '^', '`', '|', '}', '[', '#', '?', 'é', '漢', '🙂'];
const HOSTS = ['files.example', 'Files.Example:8443', '192.0.2.7', '[2001:db8::1]', 'a_b.example'];
const FRACTIONS = ['1.5', '-0.25', '1e3', '2.50', '0.1E+1', '100.0', '1e-7', '123456789012345.5'];

/** @param {string} text */
const percent = (text) => [...encodeUtf8(text)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');

export class Random {
  /** @param {string} seed */
  constructor(seed) {
    this.seed = seed;
    this.drawn = 0;
    this.escapes = false;
  }

  /** An integer from `least` to `most`. @param {number} least @param {number} most */
  between(least, most) {
    this.drawn += 1;
    const range = BigInt(most - least + 1);
    return least + Number(sha256(`${this.seed} ${this.drawn}`).readBigUInt64BE() % range);
  }

  /** @param {number} percentage */
  chance(percentage) {
    return this.between(1, 100) <= percentage;
  }

  /** @template T @param {readonly T[]} list @returns {T} */
  pick(list) {
    return list[this.between(0, list.length - 1)];
  }

  /** @template T @param {number} least @param {number} most @param {(i: number) => T} make @returns {T[]} */
  times(least, most, make) {
    return Array.from({ length: this.between(least, most) }, (_, i) => make(i));
  }

  /** @template T @param {readonly T[]} list @returns {T[]} */
  shuffle(list) {
    const rest = [...list];
    return list.map(() => rest.splice(this.between(0, rest.length - 1), 1)[0]);
  }

  /** Some of a list, in its order. @template T @param {T[]} list @param {number} [percentage] of each @returns {T[]} */
  some(list, percentage = 50) {
    return list.filter(() => this.chance(percentage));
  }

  /** @param {number} [least] characters @returns {string} */
  text(least = 1) {
    return this.times(least, 9, () => this.pick(CHARACTERS)).join('');
  }

  /** A segment of the resource grammar. @returns {string} */
  segment() {
    const text = this.times(1, 7, () => (this.chance(80) ? this.pick([...SEGMENT]) : percent(this.pick(ESCAPED)))).join('');
    return text === '.' || text === '..' ? 'dots' : text;
  }

  /** A raw query that decodes. @returns {string} */
  query() {
    /** @param {string} text */
    const coded = (text) => text.replace(/[^]/gu, (c) => (c === ' ' ? this.pick(['+', '%20']) : /[a-z0-9/.:_~-]/i.test(c) ? c : percent(c)));
    const names = ['q', 'page', this.text(0)];
    const parts = this.times(1, 4, () => coded(this.pick(names)) + (this.chance(85) ? `=${coded(this.text(0))}` : ''));
    const query = parts.join(this.chance(10) ? '&&' : '&');
    return query === '' ? 'q' : query;
  }

  /** A JSON object whose members suit `declared`, which grows. @param {Declared|null} declared @param {string} [pointer] @returns {Json} */
  object(declared, pointer = '') {
    const names = this.shuffle(['to', 'amount', 'source', 'link', 'a/b', 'c~d', 'toString', this.text(0), this.text()]);
    const deep = pointer.split('/').length > 3;
    /** @type {Map<string, Json>} */
    const members = new Map();
    for (const name of new Set(names.slice(0, this.between(0, 5)))) {
      members.set(name, this.member(declared, `${pointer}/${name.replace(/~/g, '~0').replace(/\//g, '~1')}`, deep));
    }
    return { t: 'obj', members: [...members] };
  }

  /** @param {Declared|null} declared @param {string} name @param {boolean} deep @returns {Json} */
  member(declared, name, deep) {
    /** @param {() => Json} one @returns {Json} */
    const oneOrMore = (one) => (this.chance(70) ? one() : { t: 'arr', items: this.times(1, 4, one) });
    const text = () => /** @type {Json} */ ({ t: 'str', v: this.text(0) });
    /** @returns {Json} */
    const number = () => ({ t: 'num', text: String(this.pick([0, 7, 9007199254740991, this.between(-9999, 9999)])), fraction: false });
    const kinds = ['text', 'text', 'number', 'number', 'bool', 'odd', ...(deep ? [] : ['object']), ...(declared ? ['url', 'path', 'money'] : [])];
    switch (this.pick(kinds)) {
      case 'text':
        return oneOrMore(text);
      case 'number':
        return oneOrMore(number);
      case 'bool':
        return oneOrMore(() => ({ t: 'bool', v: this.chance(50) }));
      case 'object':
        return this.object(declared, name);
      case 'url':
        declared?.urls.push(name);
        return oneOrMore(() => ({ t: 'str', v: `${this.pick(['https', 'HTTP'])}://${this.pick(HOSTS)}${this.pick(['', '/', '/x?y=@', '#'])}` }));
      case 'path':
        declared?.paths.push(name);
        return oneOrMore(() => ({ t: 'str', v: this.pick(['', '/']) + this.times(1, 4, () => this.pick(['docs', 'é', 'a b', '...'])).join('/') }));
      case 'money':
        return oneOrMore(() => this.money(declared, name));
      default: // what poisons a name
        return this.pick([
          { t: 'null' },
          { t: 'arr', items: [] },
          { t: 'arr', items: [text(), this.object(null, '/////')] },
          { t: 'arr', items: [{ t: 'arr', items: [number()] }, text()] },
          { t: 'num', text: this.pick(FRACTIONS), fraction: true },
        ]);
    }
  }

  /** A number under a scale, spelled in one of many ways. @param {Declared|null} declared @param {string} name @returns {Json} */
  money(declared, name) {
    const scale = declared?.scales[name] ?? this.between(0, 4);
    if (declared) declared.scales[name] = scale;
    const whole = String(this.between(-99999, 99999));
    const digits = this.times(scale, scale, () => this.pick([...'0123456789'])).join('');
    const text = this.pick([whole, `${whole}.${digits}0`, `${Number(whole + digits)}e-${scale}`, `${whole}E2`, '-0.0', '90071992547409.91']);
    return { t: 'num', text, fraction: /[.eE]/.test(text) };
  }

  /** The text of a JSON value, with spaces and escapes that say nothing. @param {Json} json @returns {string} */
  spell(json) {
    const space = () => (this.chance(15) ? this.pick([' ', '\n', '\t', '\r\n ']) : '');
    /** @param {string} text */
    const quoted = (text) => JSON.stringify(text).replace(/[^\0-~]/g, (unit) =>
      this.escapes ? `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}` : unit,
    );
    /** @param {Json} value @returns {string} */
    const write = (value) => {
      if (value.t === 'obj') return `{${value.members.map(([name, inner]) => `${space()}${quoted(name)}${space()}:${write(inner)}`).join(',')}}`;
      if (value.t === 'arr') return `[${value.items.map(write).join(',')}${space()}]`;
      if (value.t === 'str') return quoted(value.v);
      return space() + (value.t === 'num' ? value.text : value.t === 'bool' ? String(value.v) : 'null') + space();
    };
    this.escapes = this.chance(30);
    return write(json);
  }
}
