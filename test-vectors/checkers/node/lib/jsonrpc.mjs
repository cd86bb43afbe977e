export function runJsonRpc() { throw new Error('todo'); }
