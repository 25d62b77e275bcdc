import assert from 'node:assert/strict';
import { test } from 'node:test';

import { median, rows, table } from './figures.mjs';
import { read } from './options.mjs';

const result = (system, transport, runs) => ({
  system, title: system, setting: { transport, clients: 128 }, jobs: 10, trials: [], runs,
});

test('the median of an even number of runs lies between the two in the middle', () => {
  assert.equal(median([9, 1, 5]), 5);
  assert.equal(median([1, 100, 3, 5]), 4);
});

test('the better way of a peer is the one that is compared', () => {
  const all = rows([
    result('reeve-sqlite', 'http', [300, 500, 400]),
    result('bullmq-credits', 'direct', [200, 100, 150]),
    result('bullmq-credits', 'http', [80, 90, 100]),
  ]);
  assert.deepEqual(all.map((row) => row.best), [true, true, false]);
  assert.equal(all[1].ratio_sqlite, 400 / 150);
  assert.equal(all[1].ratio_postgres, null, 'it was not measured');
  assert.match(table(all).split('\n')[2], /^\*.*150.*100\.\.200.*2\.67x\s+-$/);
});

test('a ratio is that of a round, whatever the machine did between the rounds', () => {
  const [, peer] = rows([
    result('reeve-postgres', 'http', [1000, 500, 900]),
    result('graphile-credits', 'http', [500, 250, 300]),
  ]);
  assert.equal(peer.ratio_postgres, 2);
});

test('options that cannot be meant are refused with their name', () => {
  assert.equal(read(['--jobs', '500']).jobs, 500);
  assert.equal(read(['--help']), null);
  for (const name of ['jobs', 'runs', 'workspaces', 'seconds', 'trials', 'trialJobs']) {
    assert.ok(read([])[name] >= 1, `${name} has a default`);
  }
  for (const args of [['--jobs', 'many'], ['--clients', '33'], ['--ways', 'x'], ['--runs', '0']]) {
    assert.throws(() => read(args), new RegExp(args[0]));
  }
});
