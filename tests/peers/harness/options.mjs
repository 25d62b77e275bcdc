// What is run, from the command line.

import os from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

export const HELP = `Usage: tests/peers/run [OPTIONS]

Runs Reeve and its peers in turn on this machine and prints how fast each carries whole jobs.

  --jobs N          jobs of each measured run [20000]
  --runs N          measured runs of each system; the median counts [3]
  --workspaces N    workspaces, three lots each [200]
  --clients LIST    numbers of clients among which each system gets its best [32,128,256]
  --only LIST       systems: reeve-sqlite, reeve-postgres, graphile-credits, graphile-gathered, graphile-plain,
                    bullmq-credits, bullmq-plain, or the start of such names [all]
  --ways LIST       how peers are called: direct, http [both]
  --seconds N       a slow system's run is cut to the jobs that fill about this long [30]
  --trial-jobs N    least jobs of each trial that looks for a system's best setting [a tenth of --jobs]
  --trials N        trials of each setting; the median counts. More of them on a busy machine [1]
  --reeve FILE      the program to measure [target/dist/reeve]
  --data FOLDER     folder on a disk for all stores [the folder for temporary files]
  --json FILE       where the figures go [tests/peers/results/latest.json]
  --help`;

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** `null` when help is asked for. Throws a text for people. */
export function read(args) {
  const text = { type: 'string' };
  const { values } = parseArgs({
    args,
    options: {
      jobs: text, runs: text, workspaces: text, clients: text, only: text, ways: text,
      seconds: text, trials: text, 'trial-jobs': text, reeve: text, data: text, json: text, help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return null;
  const jobs = whole('jobs', values.jobs ?? '20000', 2, 10_000_000);
  const list = (value) => (value ? value.split(',').map((part) => part.trim()) : null);
  const ways = list(values.ways) ?? ['direct', 'http'];
  const strange = ways.find((way) => !['direct', 'http'].includes(way));
  if (strange !== undefined) throw new Error(`--ways: \`${strange}\` is neither direct nor http`);
  return {
    jobs,
    runs: whole('runs', values.runs ?? '3', 1, 100),
    workspaces: whole('workspaces', values.workspaces ?? '200', 1, 100_000),
    clients: (list(values.clients) ?? ['32', '128', '256']).map((n) => even(whole('clients', n, 2, 10_000))),
    only: list(values.only),
    ways,
    trialJobs: whole('trial-jobs', values['trial-jobs'] ?? `${Math.max(1_000, Math.ceil(jobs / 10))}`, 2, 10_000_000),
    seconds: whole('seconds', values.seconds ?? '30', 1, 86_400),
    trials: whole('trials', values.trials ?? '1', 1, 100),
    reeve: values.reeve ?? `${root}target/dist/reeve`,
    data: values.data ?? os.tmpdir(),
    json: values.json ?? null,
  };
}

function whole(name, text, min, max) {
  const n = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (n >= min && n <= max) return n;
  throw new Error(`--${name}: \`${text}\` is not a whole number from ${min} to ${max}`);
}

/** Two processes share the clients evenly. */
function even(n) {
  if (n % 2 === 0) return n;
  throw new Error(`--clients: \`${n}\` is odd`);
}
