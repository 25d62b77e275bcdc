// One run of Reeve by its own `bench`: over HTTP, with keys and idempotency keys, ending in `verify`.

import { spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';

const running = new Set();

/** Ends at once what is still running, with the server that it started: they are a process group of their own. */
export function killReeve() {
  for (const child of running) process.kill(-child.pid, 'SIGKILL');
}

/** Lifecycles per second; throws when the books do not hold. */
export async function runReeve(program, folder, { clients, jobs, workspaces, database }) {
  const json = path.join(folder, 'reeve.json');
  const args = ['bench', '--clients', clients, '--workspaces', workspaces, '--jobs', jobs];
  args.push('--data', folder, '--json', json);
  if (database) args.push('--database', database);
  const { code, text } = await ended(program, args.map(String));
  if (code !== 0) throw new Error(`\`${program} bench\` ended with ${code}: ${text.slice(-500)}`);
  const figures = JSON.parse(readFileSync(json, 'utf8'));
  rmSync(json);
  if (!figures.verified) throw new Error('reeve: verify found a fault');
  return figures.lifecycles_per_second;
}

function ended(program, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], detached: true });
    running.add(child);
    let text = '';
    child.stderr.on('data', (chunk) => (text += chunk));
    child.once('error', reject);
    child.once('exit', (code) => {
      running.delete(child);
      resolve({ code, text });
    });
  });
}
