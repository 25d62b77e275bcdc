// One run of a peer at one setting: its processes, a warm-up, the measured phase, and its own books at the end.

import { fork } from 'node:child_process';

import { lots, workspaceName } from './job.mjs';

/** Jobs under way per client, as in `reeve bench`. */
const UNDER_WAY_PER_CLIENT = 8;
const STALL_MS_MAX = 60_000;
const PART = new URL('parts/main.mjs', import.meta.url);

/** Which processes a system is divided into. `together` and `apart` are one service; `twice` is two of them. */
export const LAYOUTS = {
  direct: {
    together: [{ submit: 'direct', work: true }],
    apart: [{ submit: 'direct' }, { work: true }],
    twice: [
      { submit: 'direct', work: true },
      { submit: 'direct', work: true },
    ],
  },
  http: {
    together: [{ service: true, work: true }, { submit: 'http' }],
    apart: [{ service: true }, { work: true }, { submit: 'http' }],
    twice: [{ service: true, work: true }, { service: true, work: true }, { submit: 'http' }],
  },
};

const children = new Set();

/** Ends at once what is still running: for the way out after an error or a signal. */
export function killParts() {
  for (const child of children) child.kill('SIGKILL');
}

/**
 * Lifecycles per second of `jobs` jobs. `system`: `{ peer, shape }` with the module as `module`; `setting`:
 * `{ transport, layout, clients }`.
 */
export async function runPeer(system, setting, target, { jobs, warmUp, workspaces }) {
  const names = Array.from({ length: workspaces }, (_, n) => workspaceName(n));
  const total = jobs + warmUp;
  await system.module.prepare(target, system.shape, names.map((name) => [name, lots(total)]));
  const parts = new Parts(system, setting, target, workspaces);
  try {
    await parts.start();
    await parts.phase(warmUp);
    const seconds = await parts.phase(jobs);
    await parts.stop();
    await system.module.books(target, system.shape, total, names);
    return jobs / seconds;
  } finally {
    parts.kill();
  }
}

class Parts {
  constructor(system, setting, target, workspaces) {
    this.failure = new Promise((_, reject) => (this.fail = reject));
    this.failure.catch(() => {});
    this.setting = setting;
    const roles = LAYOUTS[setting.transport][setting.layout];
    const submitting = roles.filter((role) => role.submit).length;
    this.plan = { workspaces, of: submitting, clients: setting.clients / submitting, key: 'peer-benchmark-key' };
    // A service's pool is for its own share of the clients.
    const services = Math.max(1, roles.filter((role) => role.service).length);
    const plan = { ...this.plan, clients: Math.ceil(this.plan.clients / services) };
    this.parts = roles.map((role) => {
      const task = { peer: system.peer, target, shape: system.shape, ...role, plan };
      return { role, child: this.spawn(task), port: null };
    });
    this.done = 0;
    this.turn = 0;
  }

  spawn(task) {
    const child = fork(PART, [JSON.stringify(task)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    children.add(child);
    child.ended = new Promise((resolve) => child.once('exit', resolve));
    child.once('exit', (code) => {
      children.delete(child);
      if (code !== 0) this.fail(new Error(`a process of ${task.peer} ended with ${code}`));
    });
    child.on('message', (message) => {
      if (message.failed) this.fail(new Error(message.failed));
      if (message.done) this.finished(message.done);
    });
    return child;
  }

  async start() {
    const ready = await Promise.all(this.parts.map((part) => this.message(part.child, 'ready')));
    ready.forEach((message, i) => (this.parts[i].port = message.port));
    const ports = this.parts.map((part) => part.port).filter(Boolean);
    this.submitting = this.parts.filter((part) => part.role.submit);
    const started = this.submitting.map((part) => this.message(part.child, 'started'));
    this.submitting.forEach((part, number) => part.child.send({ start: { ...this.plan, ports, number } }));
    await Promise.all(started);
  }

  message(child, name) {
    const told = new Promise((resolve) => {
      const listen = (message) => {
        if (!message[name]) return;
        child.off('message', listen);
        resolve(message);
      };
      child.on('message', listen);
    });
    return Promise.race([told, this.failure]);
  }

  /** Seconds until `jobs` more jobs are finished. */
  async phase(jobs) {
    if (jobs === 0) return 0;
    this.jobs = jobs;
    this.done = 0;
    this.issued = 0;
    const start = process.hrtime.bigint();
    const all = new Promise((resolve) => (this.complete = resolve));
    const watch = setInterval(() => this.look(), STALL_MS_MAX);
    this.last = -1;
    this.issue();
    try {
      const end = await Promise.race([all, this.failure]);
      return Number(end - start) / 1e9;
    } finally {
      clearInterval(watch);
    }
  }

  finished(n) {
    this.done += n;
    if (this.done > this.jobs) this.fail(new Error(`${this.done} of ${this.jobs} jobs were finished`));
    if (this.done >= this.jobs) this.complete(process.hrtime.bigint());
    else this.issue();
  }

  /** Lets the generators submit as many jobs as there is room for. */
  issue() {
    const room = this.setting.clients * UNDER_WAY_PER_CLIENT;
    const n = Math.min(this.jobs, this.done + room) - this.issued;
    if (n <= 0) return;
    this.issued += n;
    const count = this.submitting.length;
    this.submitting.forEach((part, i) => {
      const share = Math.floor(n / count) + ((i + this.turn) % count < n % count ? 1 : 0);
      if (share > 0) part.child.send({ issue: share });
    });
    this.turn += 1;
  }

  look() {
    if (this.done === this.last) this.fail(new Error(`nothing moves: ${this.done} of ${this.jobs} jobs finished`));
    this.last = this.done;
  }

  async stop() {
    const ended = this.parts.map((part) => part.child.ended);
    this.parts.forEach((part) => part.child.send({ stop: true }));
    await Promise.race([Promise.all(ended), this.failure]);
  }

  kill() {
    for (const part of this.parts) if (part.child.exitCode === null) part.child.kill('SIGKILL');
  }
}
