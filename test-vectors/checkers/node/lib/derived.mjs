// What `arg_host` and `arg_path` take from an argument (CK-38, CK-39).

/** The host of an absolute URL, in lower case; null where it does not parse. @param {string} url @returns {string|null} */
export function hostOf(url) {
  if (!/^[\x21-\x5b\x5d-\x7e]*$/.test(url)) return null;
  const found = /^https?:\/\/([^/?#]*)/i.exec(url);
  if (!found) return null;
  const authority = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9\-_.]+)(?::([0-9]{0,5}))?$/.exec(found[1]);
  if (!authority || Number(authority[2] ?? 0) > 65535) return null;
  const host = authority[1].toLowerCase();
  if (host.startsWith('[')) return host;
  const labels = host.split('.');
  if (host.length > 253 || !labels.every((label) => label.length >= 1 && label.length <= 63)) return null;
  const last = labels[labels.length - 1];
  if (!/^(?:[0-9]+$|0x)/.test(last)) return host;
  const numbers = labels.length === 4 && labels.every((label) => /^(?:0|[1-9][0-9]{0,2})$/.test(label) && Number(label) <= 255);
  return numbers ? host : null;
}

/** The path itself; null where it does not parse. @param {string} path @returns {string|null} */
export function pathOf(path) {
  if (path === '' || /[\x00-\x1f\x7f\\]|%2f|%5c|%00/i.test(path)) return null;
  const segments = path.split('/');
  if (segments[0] === '') segments.shift();
  if (segments.length > 1 && segments[segments.length - 1] === '') segments.pop();
  return path === '/' || segments.every((segment) => segment !== '' && !/^(?:\.|%2e){1,2}$/i.test(segment)) ? path : null;
}
