export function runRar() { throw new Error('todo'); }
