// The HTTP service that a team would put before its queue: `POST /v1/workspaces/{id}/jobs`, one job a request, with a
// bearer key and an idempotency key. On Node's own server without a framework: the fastest that is plain to write.

import { createHash } from 'node:crypto';
import { createServer } from 'node:http';

import { PRICE } from '../job.mjs';

const BODY_BYTES_MAX = 64 * 1024;
const ROUTE = /^\/v1\/workspaces\/([a-z0-9-]{1,64})\/jobs$/;

const digest = (key) => createHash('sha256').update(key).digest('base64');

/** Listens on a free port; gives the port and a way to close. */
export async function startService(client, keys) {
  const known = new Set(keys.map(digest)); // keys are kept as digests
  const server = createServer((request, response) => {
    const refusal = refused(request, known);
    if (refusal) {
      request.resume();
      answer(response, ...refusal);
      return;
    }
    const chunks = [];
    let bytes = 0;
    request.on('data', (chunk) => {
      bytes += chunk.length;
      if (bytes <= BODY_BYTES_MAX) chunks.push(chunk);
    });
    request.on('end', () => {
      if (bytes > BODY_BYTES_MAX) answer(response, 413, { error: 'too large' });
      else submit(client, request, Buffer.concat(chunks).toString(), response);
    });
  });
  server.keepAliveTimeout = 60_000;
  await new Promise((resolve) => server.listen(0, '127.0.0.1', 1_024, resolve));
  return { port: server.address().port, close: () => server.closeAllConnections() ?? server.close() };
}

function refused(request, known) {
  if (request.method !== 'POST' || !ROUTE.test(request.url)) return [404, { error: 'no such resource' }];
  const bearer = request.headers.authorization?.match(/^Bearer (\S+)$/)?.[1];
  if (!bearer || !known.has(digest(bearer))) return [401, { error: 'unknown key' }];
  if (!request.headers['idempotency-key']) return [400, { error: 'an idempotency key is missing' }];
  return null;
}

async function submit(client, request, text, response) {
  let params;
  try {
    params = JSON.parse(text);
  } catch {
    answer(response, 400, { error: 'the body is not JSON' });
    return;
  }
  const workspace = ROUTE.exec(request.url)[1];
  try {
    const { status, job } = await client.submit(workspace, request.headers['idempotency-key'], params);
    if (status === 201) answer(response, 201, { id: job, workspace, state: 'queued', price: PRICE });
    else answer(response, status, { error: 'insufficient credits' });
  } catch (error) {
    console.error(`submit: ${error.message}`);
    answer(response, 503, { error: 'try again' });
  }
}

function answer(response, status, body) {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(text),
  });
  response.end(text);
}
