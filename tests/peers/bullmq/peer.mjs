// BullMQ on Redis with credits in Lua (hold.lua, settle.lua).
//
// Target: `{ port }` of an empty Redis. Shape: `{ credits }`.

import { readFileSync } from 'node:fs';
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';

import { PRICE, output } from '../harness/job.mjs';

const QUEUE = 'render';
/** Jobs that one worker process runs at once. */
const CONCURRENCY = 200;

const lua = (name) => readFileSync(new URL(name, import.meta.url), 'utf8');
const lotsKey = (workspace) => `lots:{${workspace}}`;
const holdKey = (workspace, job) => `hold:{${workspace}}:${job}`;

function connect(target, options = {}) {
  const redis = new Redis({
    host: '127.0.0.1',
    port: target.port,
    maxRetriesPerRequest: null,
    ...options,
  });
  redis.defineCommand('holdCredits', { numberOfKeys: 2, lua: lua('hold.lua') });
  redis.defineCommand('settleCredits', { numberOfKeys: 2, lua: lua('settle.lua') });
  return redis;
}

/** Makes the workspaces: `[name, lots]`. */
export async function prepare(target, shape, workspaces) {
  const redis = connect(target);
  for (const [name, lots] of workspaces) {
    const fields = { lots: lots.length };
    lots.forEach((lot, i) => {
      Object.assign(fields, {
        [`${i + 1}:available`]: lot.granted,
        [`${i + 1}:held`]: 0,
        [`${i + 1}:consumed`]: 0,
        [`${i + 1}:expires`]: lot.expires ?? 0,
      });
    });
    await redis.hset(lotsKey(name), fields);
  }
  await redis.quit();
}

/** What a service does for one request. */
export async function openClient(target, shape) {
  const redis = connect(target);
  const queue = new Queue(QUEUE, { connection: redis });
  await queue.waitUntilReady();
  return {
    async submit(workspace, key, params) {
      // The id is the workspace and the key: a repeated request adds nothing, in both steps. The two are not atomic:
      // after a crash in between, the hold stays until the same request comes again.
      const job = `${workspace}-${key}`;
      if (shape.credits) {
        const held = await redis.holdCredits(lotsKey(workspace), holdKey(workspace, job), PRICE, Date.now());
        if (held < 0) return { status: 402, job: null };
      }
      await queue.add('render', { workspace, ...params }, { jobId: job });
      return { status: 201, job };
    },
    async close() {
      await queue.close();
      redis.disconnect();
    },
  };
}

/** A worker process. `done(n)` is called when n more jobs are finished. */
export async function startWorker(target, shape, done) {
  const redis = connect(target);
  const connection = connect(target);
  const render = async (job) => {
    // Not atomic with the completion that follows, which is BullMQ's own; settling twice changes nothing.
    if (shape.credits) {
      const { workspace } = job.data;
      await redis.settleCredits(lotsKey(workspace), holdKey(workspace, job.id));
    }
    return output(job.id);
  };
  const worker = new Worker(QUEUE, render, { connection, concurrency: CONCURRENCY });
  worker.on('completed', () => done(1));
  worker.on('failed', (job, error) => console.error(`a job failed: ${error.message}`));
  worker.on('error', (error) => console.error(`worker: ${error.message}`));
  await worker.waitUntilReady();
  return {
    async stop() {
      await worker.close();
      redis.disconnect();
      connection.disconnect();
    },
  };
}

/** Checks what Redis says: `jobs` completed, nothing held, `jobs * price` consumed. Throws otherwise. */
export async function books(target, shape, jobs, workspaces) {
  const redis = connect(target);
  const queue = new Queue(QUEUE, { connection: redis });
  const counts = await queue.getJobCounts('completed', 'failed', 'wait', 'active', 'delayed', 'paused');
  const found = { ...counts, held: 0, consumed: 0, settled_holds: 0, open_holds: 0 };
  for (const name of workspaces) {
    for (const lot of await read(redis, name)) {
      found.held += lot.held;
      found.consumed += lot.consumed;
    }
  }
  const holds = new Set(); // a scan may show a key twice
  for await (const keys of redis.scanStream({ match: 'hold:*', count: 1_000 })) {
    keys.forEach((key) => holds.add(key));
  }
  const states = await Promise.all([...holds].map((key) => redis.hget(key, 'state')));
  for (const state of states) found[state === 'settled' ? 'settled_holds' : 'open_holds'] += 1;
  await queue.close();
  redis.disconnect();
  const none = { failed: 0, wait: 0, active: 0, delayed: 0, paused: 0, held: 0, open_holds: 0 };
  const paid = shape.credits ? jobs : 0;
  const wanted = { ...none, completed: jobs, consumed: paid * PRICE, settled_holds: paid };
  for (const [what, value] of Object.entries(wanted)) {
    if (found[what] !== value) throw new Error(`books: ${what} is ${found[what]}, not ${value}`);
  }
}

/** `{ available, held, consumed }` of each lot of a workspace, in the order of use. */
export async function lotsOf(target, workspace) {
  const redis = connect(target);
  const lots = await read(redis, workspace);
  redis.disconnect();
  return lots;
}

async function read(redis, workspace) {
  const fields = await redis.hgetall(lotsKey(workspace));
  return Array.from({ length: Number(fields.lots) }, (_, i) => ({
    available: Number(fields[`${i + 1}:available`]),
    held: Number(fields[`${i + 1}:held`]),
    consumed: Number(fields[`${i + 1}:consumed`]),
  }));
}
