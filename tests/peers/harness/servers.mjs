// Throwaway PostgreSQL and Redis on free loopback ports, in folders of their own. Each is ended by its process id.

import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, openSync, readdirSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import path from 'node:path';

import pg from 'pg';

const READY_MS_MAX = 30_000;
const STOP_MS_MAX = 30_000;

/** The same for Reeve on PostgreSQL and for graphile-worker. Durable: only memory and checkpoints are adjusted. */
export const POSTGRES_SETTINGS = {
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  shared_buffers: '1GB',
  max_wal_size: '8GB',
  min_wal_size: '1GB',
  wal_buffers: '16MB',
  checkpoint_timeout: '15min',
  max_connections: '300',
  jit: 'off',
};

export const REDIS_SETTINGS = {
  appendonly: 'yes',
  appendfsync: 'always',
  save: '',
  'maxmemory-policy': 'noeviction',
};

/** A folder with the PostgreSQL programs; `null` when none is installed. */
export function findPostgres() {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).map((v) => path.join(debian, v, 'bin')) : [];
  const folders = [...process.env.PATH.split(':'), ...versions.sort().reverse()];
  const complete = (folder) => ['initdb', 'postgres'].every((name) => existsSync(path.join(folder, name)));
  return folders.find(complete) ?? null;
}

export function findRedis() {
  const folders = process.env.PATH.split(':');
  const found = folders.map((folder) => path.join(folder, 'redis-server')).find(existsSync);
  return found ?? null;
}

/** `{ url(database), sql(text), stop() }` of a new cluster. */
export async function startPostgres(folder) {
  const binaries = findPostgres();
  const home = path.join(folder, 'postgres');
  const data = path.join(home, 'data');
  mkdirSync(data, { recursive: true });
  if (isRoot()) {
    // The server refuses to run as root; the folders above must let its own user through.
    chmodSync(folder, 0o711);
    must('chown', ['-R', 'postgres', home]);
  }
  const [initdb, ...first] = asPostgres(path.join(binaries, 'initdb'));
  must(initdb, [...first, '-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C']);
  const port = await freePort();
  const settings = Object.entries(POSTGRES_SETTINGS).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const [program, ...args] = asPostgres(path.join(binaries, 'postgres'));
  const listen = ['-D', data, '-h', '127.0.0.1', '-p', String(port), '-k', ''];
  const server = start(program, [...args, ...listen, ...settings], path.join(folder, 'postgres.log'));
  const ask = () => query(port, 'select 1').then(() => true, () => false);
  await answers(server, port, ask);
  return {
    url: (database) => `postgres://postgres@127.0.0.1:${port}/${database}`,
    sql: (text) => query(port, text),
    stop: () => stop(server, 'SIGINT'),
  };
}

/** `{ port, stop() }` of an empty Redis. */
export async function startRedis(folder) {
  const home = path.join(folder, `redis-${Date.now()}`);
  mkdirSync(home, { recursive: true });
  const port = await freePort();
  const settings = Object.entries(REDIS_SETTINGS).flatMap(([name, value]) => [`--${name}`, value]);
  const place = ['--port', String(port), '--bind', '127.0.0.1', '--dir', home, '--daemonize', 'no'];
  const server = start(findRedis(), [...place, ...settings], path.join(folder, 'redis.log'));
  await answers(server, port, () => canConnect(port));
  return {
    port,
    async stop() {
      await stop(server, 'SIGTERM');
      rmSync(home, { recursive: true, force: true });
    },
  };
}

const running = new Set();

/** Ends at once what is still running: for the way out after an error or a signal. */
export function killAll() {
  for (const server of running) server.kill('SIGKILL');
}

function start(program, args, log) {
  const out = openSync(log, 'a');
  const server = spawn(program, args, { stdio: ['ignore', out, out], cwd: '/' });
  server.log = log;
  running.add(server);
  server.once('exit', () => running.delete(server));
  return server;
}

async function answers(server, port, ask) {
  const until = Date.now() + READY_MS_MAX;
  while (!(await ask())) {
    if (server.exitCode !== null || Date.now() > until) {
      throw new Error(`the server on port ${port} did not start: see ${server.log}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function stop(server, signal) {
  if (server.exitCode !== null) return;
  const ended = new Promise((resolve) => server.once('exit', resolve));
  server.kill(signal);
  const late = setTimeout(() => server.kill('SIGKILL'), STOP_MS_MAX);
  await ended;
  clearTimeout(late);
}

async function query(port, text) {
  const client = new pg.Client({ connectionString: `postgres://postgres@127.0.0.1:${port}/postgres` });
  client.on('error', () => {}); // told by the query itself
  try {
    await client.connect();
    return await client.query(text);
  } finally {
    await client.end().catch(() => {});
  }
}

function canConnect(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

const isRoot = () => process.getuid() === 0;

/** `setpriv` replaces itself by the program, so that its process id is the server's. */
function asPostgres(program) {
  if (!isRoot()) return [program];
  return ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups', program];
}

function must(program, args) {
  const { status, stderr, error } = spawnSync(program, args, { cwd: '/', encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} failed: ${error?.message ?? stderr}`);
}
