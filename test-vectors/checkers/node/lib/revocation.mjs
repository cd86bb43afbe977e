export function runRevocation() { throw new Error('todo'); }
