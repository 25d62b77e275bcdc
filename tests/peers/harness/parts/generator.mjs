// Clients that submit one job a request. The parent says how many jobs may be submitted; a client takes one,
// submits it and waits for the answer before it takes the next.

import { Connection } from './connection.mjs';
import { PARAMS, workspaceName } from '../job.mjs';

/** Numbers of jobs that clients wait for. */
class Budget {
  constructor() {
    this.left = 0;
    this.waiting = [];
  }

  add(n) {
    this.left += n;
    while (this.left > 0 && this.waiting.length > 0) {
      this.left -= 1;
      this.waiting.shift()();
    }
  }

  take() {
    if (this.left > 0) {
      this.left -= 1;
      return undefined;
    }
    return new Promise((resolve) => this.waiting.push(resolve));
  }
}

/**
 * Starts `clients` clients. `plan`: `{ clients, workspaces, number, of, ports, key }`, where this is generator
 * `number` of `of`. `open` is the library's client for direct calls; absent, the calls go over HTTP to `ports`.
 */
export function startClients(plan, open, failed) {
  const budget = new Budget();
  let next = plan.number;
  const one = async (submit) => {
    for (;;) {
      const wait = budget.take();
      if (wait) await wait;
      const n = next;
      next += plan.of;
      const status = await submit(workspaceName(n % plan.workspaces), `key-${n}`);
      if (status !== 201) throw new Error(`job ${n} was answered with ${status}`);
    }
  };
  for (let i = 0; i < plan.clients; i += 1) {
    one(open ? direct(open) : overHttp(plan, i)).catch(failed);
  }
  return (n) => budget.add(n);
}

function direct(open) {
  return async (workspace, key) => (await open.submit(workspace, key, PARAMS)).status;
}

function overHttp(plan, i) {
  const port = plan.ports[i % plan.ports.length];
  const connection = new Connection(port);
  const body = JSON.stringify(PARAMS);
  const tail = `\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const head = ` HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${plan.key}\r\nIdempotency-Key: `;
  return (workspace, key) =>
    connection.call(`POST /v1/workspaces/${workspace}/jobs${head}${key}${tail}`);
}
