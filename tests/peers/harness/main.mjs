// Runs the systems in turn: rules, trials for the best setting of each, then rounds of measured runs.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import path from 'node:path';

import { rows, table } from './figures.mjs';
import { describe, missing, weather } from './machine.mjs';
import { HELP, read } from './options.mjs';
import { killParts } from './peer-run.mjs';
import { killReeve } from './reeve-run.mjs';
import { killAll } from './servers.mjs';
import { Bench } from './bench.mjs';
import { chosen } from './systems.mjs';

const USAGE = 2;
const FAILED = 1;

function arguments_() {
  try {
    const options = read(process.argv.slice(2));
    if (options === null) {
      console.log(HELP);
      process.exit(0);
    }
    return { options, systems: chosen(options.only) };
  } catch (error) {
    console.error(`${error.message}\n\n${HELP}`);
    process.exit(USAGE);
  }
}

const { options, systems } = arguments_();
const lacking = missing(options, systems);
if (lacking.length > 0) {
  console.error(lacking.join('\n'));
  process.exit(USAGE);
}

const folder = mkdtempSync(path.join(options.data, 'reeve-peers-'));
process.on('exit', () => {
  killReeve();
  killParts();
  killAll();
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(130));

const started = Date.now();
const bench = new Bench(options, folder, (line) => console.error(line));
try {
  const before = weather(folder);
  bench.say(`load ${before.load_1m.toFixed(2)}, a sync takes ${before.sync_ms.median.toFixed(2)} ms`);
  const results = await bench.all(systems);
  const all = rows(results);
  console.log(table(all));
  console.log('* the better way to run that system: the one to compare with');
  const report = {
    taken_at: new Date(started).toISOString(),
    seconds: (Date.now() - started) / 1_000,
    machine: describe(options),
    weather: { before, rounds: bench.rounds, after: weather(folder) },
    options: { ...options, reeve: path.basename(options.reeve), data: undefined, json: undefined },
    rows: all,
  };
  const file = options.json ?? fileURLToPath(new URL('../results/latest.json', import.meta.url));
  mkdirSync(path.dirname(path.resolve(file)), { recursive: true });
  writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
  bench.say(`took ${report.seconds.toFixed(0)} s`);
  await bench.close();
} catch (error) {
  console.error(error.stack);
  process.exit(FAILED);
}
process.exit(0);
