// graphile-worker on PostgreSQL with credits in hand-written SQL (schema.sql).
//
// Target: `{ url }` of an empty database. Shape: `{ credits, gathered }`.

import { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import { Logger, run, runMigrations } from 'graphile-worker';
import pg from 'pg';

import { PRICE, output } from '../harness/job.mjs';

/** Connections of one process that submits: more than these wait in the pool, and more only load two cores. */
const SUBMIT_POOL_MAX = 32;
/** Jobs that one worker process runs at once. */
const CONCURRENT_JOBS = 48;
/** Longest wait for the queue to be seen empty once all jobs were reported, in milliseconds. */
const DRAIN_MS_MAX = 10_000;

const quiet = new Logger(() => (level, message) => {
  if (level === 'error') console.error(`graphile-worker: ${message}`);
});

/** Makes the schema and its workspaces: `[name, lots]`. */
export async function prepare(target, shape, workspaces) {
  await runMigrations({ connectionString: target.url, logger: quiet });
  await withClient(target, async (client) => {
    await client.query(readFileSync(new URL('schema.sql', import.meta.url), 'utf8'));
    const lots = workspaces.flatMap(([name, lots]) => lots.map((lot) => ({ name, ...lot })));
    await client.query(
      `insert into app.lots (workspace, granted, available, expires_at)
       select name, granted, granted, coalesce(to_timestamp(expires / 1000.0), 'infinity')
       from json_to_recordset($1) as lot (name text, granted bigint, expires bigint)`,
      [JSON.stringify(lots)],
    );
    await client.query('vacuum analyze');
    await client.query('checkpoint');
  });
}

/** What a service does for one request. */
export async function openClient(target, shape, clients) {
  const pool = new pg.Pool({ connectionString: target.url, max: Math.min(clients, SUBMIT_POOL_MAX) });
  watch(pool);
  return { submit: shape.gathered ? admitGathered(pool) : admitOne(pool, shape), close: () => pool.end() };
}

/** One statement and one commit a request. */
function admitOne(pool, shape) {
  const text = shape.credits
    ? 'select app.admit($1, $2, $3, $4) as id'
    : 'select app.admit_free($1, $2, $3) as id';
  return async (workspace, key, params) => {
    const values = [workspace, key, JSON.stringify(params)];
    if (shape.credits) values.push(PRICE);
    try {
      const { rows } = await pool.query({ name: 'admit', text, values });
      return { status: 201, job: rows[0].id };
    } catch (error) {
      if (error.code === 'P0402') return { status: 402, job: null };
      throw error;
    }
  };
}

/** The requests that arrive while a batch is under way make the next one. */
function admitGathered(pool) {
  const text = 'select n::int, job from app.admit_many($1, $2, $3, $4)';
  const submit = gather(async (batch) => {
    const column = (name) => batch.map((request) => request[name]);
    const values = [column('workspace'), column('key'), column('params'), PRICE];
    const { rows } = await pool.query({ name: 'admit_many', text, values });
    const answers = [];
    for (const { n, job } of rows) answers[n - 1] = { status: job === null ? 402 : 201, job };
    return answers;
  });
  return (workspace, key, params) => submit({ workspace, key, params: JSON.stringify(params) });
}

/** A worker process. `done(n)` is called when n more jobs are finished. */
export async function startWorker(target, shape, done) {
  // One connection for LISTEN, one for fetching, one for completing, the rest for tasks.
  const pool = new pg.Pool({ connectionString: target.url, max: CONCURRENT_JOBS + 3 });
  watch(pool);
  const events = new EventEmitter();
  events.on('job:complete', ({ error }) => {
    if (error) console.error(`a job failed: ${error}`);
    else done(1);
  });
  const settle = shape.gathered ? settleGathered(pool) : settleOne(shape);
  const runner = await run({
    pgPool: pool,
    events,
    logger: quiet,
    noHandleSignals: true,
    taskList: { render: ({ job }, helpers) => settle(job, output(job), helpers) },
    preset: {
      worker: {
        concurrentJobs: CONCURRENT_JOBS,
        // Batching as its documentation offers for many short jobs.
        localQueue: { size: 500, refetchDelay: { durationMs: 10, threshold: 100 } },
        completeJobBatchDelay: 10,
        failJobBatchDelay: 10,
        preparedStatements: true,
      },
    },
  });
  return {
    async stop() {
      await runner.stop();
      await pool.end();
    },
  };
}

/** One statement and one commit a job: the task's own transaction. */
function settleOne(shape) {
  const text = shape.credits ? 'select app.settle($1, $2)' : 'select app.finish_free($1, $2)';
  return (job, out, helpers) =>
    helpers.withPgClient((client) =>
      client.query({ name: 'settle', text, values: [job, JSON.stringify(out)] }),
    );
}

/** The jobs that end while a batch is under way make the next one. */
function settleGathered(pool) {
  const settle = gather(async (batch) => {
    const values = [batch.map((entry) => entry.job), batch.map((entry) => JSON.stringify(entry.out))];
    await pool.query({ name: 'settle_many', text: 'select app.settle_many($1, $2)', values });
    return batch;
  });
  return (job, out) => settle({ job, out });
}

/** Collects calls while `work` is busy with the ones before; `work` gives an answer for each of a batch. */
function gather(work) {
  let waiting = [];
  let busy = false;
  const flush = async () => {
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      try {
        const answers = await work(batch.map((entry) => entry.call));
        batch.forEach((entry, i) => entry.resolve(answers[i]));
      } catch (error) {
        batch.forEach((entry) => entry.reject(error));
      }
    }
    busy = false;
  };
  return (call) =>
    new Promise((resolve, reject) => {
      waiting.push({ call, resolve, reject });
      if (busy) return;
      busy = true;
      setImmediate(flush);
    });
}

/** Checks what the database says: `jobs` finished, nothing held, `jobs * price` consumed. Throws otherwise. */
export async function books(target, shape, jobs) {
  await withClient(target, async (client) => {
    await emptyQueue(client);
    const { rows } = await client.query(`
      select (select count(*) from app.jobs)::int as jobs,
             (select count(*) from app.jobs where state = 'succeeded' and output is not null)::int as succeeded,
             (select count(*) from app.holds where not settled)::int as open_holds,
             (select coalesce(sum(amount), 0) from app.holds where settled)::int as settled,
             (select coalesce(sum(held), 0) from app.lots)::int as held,
             (select coalesce(sum(consumed), 0) from app.lots)::int as consumed`);
    const spent = shape.credits ? jobs * PRICE : 0;
    const wanted = { jobs, succeeded: jobs, open_holds: 0, settled: spent, held: 0, consumed: spent };
    for (const [what, value] of Object.entries(wanted)) {
      if (rows[0][what] !== value) throw new Error(`books: ${what} is ${rows[0][what]}, not ${value}`);
    }
  });
}

/** `{ available, held, consumed }` of each lot of a workspace, in the order of use. */
export async function lotsOf(target, workspace) {
  return withClient(target, async (client) => {
    const { rows } = await client.query(
      `select available::int, held::int, consumed::int from app.lots where workspace = $1
       order by expires_at, id`,
      [workspace],
    );
    return rows;
  });
}

async function emptyQueue(client) {
  const until = Date.now() + DRAIN_MS_MAX;
  for (;;) {
    const { rows } = await client.query('select count(*)::int as n from graphile_worker.jobs');
    if (rows[0].n === 0) return;
    if (Date.now() > until) throw new Error(`books: ${rows[0].n} jobs are still in the queue`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function withClient(target, work) {
  const client = new pg.Client({ connectionString: target.url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** The library asks for both: a connection may break while it is idle and while it is lent. */
function watch(pool) {
  const tell = (error) => console.error(`pool: ${error.message}`);
  pool.on('error', tell);
  pool.on('connect', (client) => client.on('error', tell));
}
