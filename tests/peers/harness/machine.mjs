// What this machine is and whether it can run the comparison.

import { accessSync, closeSync, constants, existsSync, fsyncSync, openSync, readFileSync } from 'node:fs';
import { rmSync, statfsSync, writeSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import os from 'node:os';
import path from 'node:path';

import { findPostgres, findRedis } from './servers.mjs';

const TMPFS = 0x01021994;
const SYNCS = 200;

/** What is missing for these systems, one line each with the way out. */
export function missing(options, systems) {
  const lines = [];
  const needs = (what) => systems.some((system) => system.needs.includes(what));
  if (needs('postgres') && !findPostgres()) {
    lines.push('PostgreSQL is not installed: `apt-get install postgresql`');
  }
  if (needs('redis') && !findRedis()) lines.push('Redis is not installed: `apt-get install redis-server`');
  if (needs('reeve') && !executable(options.reeve)) {
    lines.push(`\`${options.reeve}\` is missing: \`cargo build --profile dist -p reeve-cli\`, or name one with --reeve`);
  }
  if (!existsSync(options.data)) lines.push(`the folder \`${options.data}\` does not exist: see --data`);
  else if (statfsSync(options.data).type === TMPFS) {
    const why = 'lies in memory, where a commit costs nothing';
    lines.push(`\`${options.data}\` ${why}: name a folder on a disk with --data`);
  }
  return lines;
}

function executable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** For the report. */
export function describe(options) {
  const version = (program, args = ['--version']) =>
    program ? spawnSync(program, args, { encoding: 'utf8' }).stdout?.trim() ?? null : null;
  const postgres = findPostgres();
  const lock = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8'));
  const locked = (name) => lock.packages[`node_modules/${name}`]?.version ?? null;
  return {
    cores: os.availableParallelism(),
    processor: os.cpus()[0]?.model ?? 'unknown',
    memory_gib: Math.round(os.totalmem() / 2 ** 30),
    node: process.version,
    postgres: version(postgres && path.join(postgres, 'postgres')),
    redis: version(findRedis()),
    reeve: version(options.reeve),
    graphile_worker: locked('graphile-worker'),
    pg: locked('pg'),
    bullmq: locked('bullmq'),
    ioredis: locked('ioredis'),
  };
}

/** How busy the machine and its disk are now: others' work moves every figure. */
export function weather(folder) {
  return { load_1m: os.loadavg()[0], sync_ms: syncMs(folder) };
}

/** Median and worst milliseconds to append 4 KiB and sync. */
function syncMs(folder) {
  const file = path.join(folder, 'sync-probe');
  const page = Buffer.alloc(4096, 1);
  const handle = openSync(file, 'w');
  const times = [];
  for (let i = 0; i < SYNCS; i += 1) {
    const start = process.hrtime.bigint();
    writeSync(handle, page);
    fsyncSync(handle);
    times.push(Number(process.hrtime.bigint() - start) / 1e6);
  }
  closeSync(handle);
  rmSync(file);
  times.sort((a, b) => a - b);
  return { median: times[SYNCS / 2], worst: times[SYNCS - 1] };
}
