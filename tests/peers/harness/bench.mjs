// The order of things: which system runs when, on which store, at which setting.

import { median } from './figures.mjs';
import { weather } from './machine.mjs';
import { LAYOUTS, runPeer } from './peer-run.mjs';
import { runReeve } from './reeve-run.mjs';
import { checkRules } from './rules.mjs';
import { startPostgres, startRedis } from './servers.mjs';

/** Clients at which the processes of a peer are chosen; then the number of clients is. */
const LAYOUT_CLIENTS = 128;
/** How long a trial lasts, about, unless all the jobs of a run take less. */
const TRIAL_SECONDS = 2;
/** Jobs before the measured ones, so that programs are compiled and plans are made. */
const WARM_UP_JOBS_MAX = 2_000;

export class Bench {
  constructor(options, folder, say) {
    this.options = options;
    this.folder = folder;
    this.say = say;
    this.postgres = null;
    this.databases = 0;
    this.rounds = [];
  }

  /** Everything; `[{ system, title, setting, trials, runs }]`. */
  async all(systems) {
    for (const system of systems.filter((system) => system.shape?.credits)) {
      await this.onStore(system, (target) => checkRules(system, target));
      this.say(`${system.title}: its credits keep the rules`);
    }
    const results = [];
    for (const system of systems) {
      for (const way of system.reeve ? ['http'] : this.options.ways) results.push(await this.best(system, way));
    }
    for (let round = 0; round < this.options.runs; round += 1) {
      this.rounds.push(weather(this.folder));
      for (const result of turned(results, round)) {
        const rate = await this.run(result.of, result.setting, result.jobs);
        result.runs.push(rate);
        this.say(`round ${round + 1}: ${name(result)}: ${rate.toFixed(0)} lifecycles/s`);
      }
    }
    return results.map(({ of, ...result }) => result);
  }

  /** The best of the settings of one system called in one way, by short trials. */
  async best(system, way) {
    const trials = [];
    let jobs = 0;
    const attempt = async (setting) => {
      const known = trials.find((trial) => JSON.stringify(trial.setting) === JSON.stringify(setting));
      if (known) return;
      // A trial that ends before the stores have filled chooses what is quick to begin.
      if (jobs === 0) jobs = this.enough(await this.run(system, setting, this.options.trialJobs), TRIAL_SECONDS);
      const runs = [];
      for (let i = 0; i < this.options.trials; i += 1) runs.push(await this.run(system, setting, jobs));
      const rate = median(runs);
      trials.push({ setting, rate });
      this.say(`trial: ${name({ title: system.title, setting })}: ${rate.toFixed(0)} lifecycles/s`);
    };
    const top = () => trials.reduce((best, trial) => (trial.rate > best.rate ? trial : best));
    const { clients } = this.options;
    if (system.reeve) {
      for (const n of clients) await attempt({ transport: way, clients: n });
    } else {
      const first = clients.includes(LAYOUT_CLIENTS) ? LAYOUT_CLIENTS : clients[0];
      for (const layout of Object.keys(LAYOUTS[way])) await attempt({ transport: way, layout, clients: first });
      const { layout } = top().setting;
      for (const n of clients) await attempt({ transport: way, layout, clients: n });
    }
    const { setting, rate } = top();
    // Less to wait for, and in a slow system's favour: its tables stay small.
    const measured = this.enough(rate, this.options.seconds);
    return { of: system, system: system.id, title: system.title, setting, jobs: measured, trials, runs: [] };
  }

  /** Jobs that fill so many seconds at such a rate, within what was asked for. */
  enough(rate, seconds) {
    const { jobs, trialJobs } = this.options;
    return Math.min(jobs, Math.max(trialJobs, Math.ceil(rate * seconds)));
  }

  /** Lifecycles per second on a new, empty store. */
  run(system, setting, jobs) {
    const { workspaces } = this.options;
    if (!system.reeve) {
      const size = { jobs, warmUp: Math.min(WARM_UP_JOBS_MAX, Math.ceil(jobs / 4)), workspaces };
      return this.onStore(system, (target) => runPeer(system, setting, target, size));
    }
    const { clients } = setting;
    const bench = (database) => runReeve(this.options.reeve, this.folder, { clients, jobs, workspaces, database });
    return system.needs.includes('postgres') ? this.onStore(system, ({ url }) => bench(url)) : bench(null);
  }

  /** Gives `work` an empty database or an empty Redis, and removes it afterwards. */
  async onStore(system, work) {
    if (system.needs.includes('redis')) {
      const redis = await startRedis(this.folder);
      try {
        return await work({ port: redis.port });
      } finally {
        await redis.stop();
      }
    }
    this.postgres ??= await startPostgres(this.folder);
    const database = `run_${(this.databases += 1)}`;
    await this.postgres.sql(`create database ${database}`);
    try {
      return await work({ url: this.postgres.url(database) });
    } finally {
      await this.postgres.sql(`drop database ${database} with (force)`);
      await this.postgres.sql('checkpoint');
    }
  }

  async close() {
    await this.postgres?.stop();
  }
}

/** Each round starts with another system, so that none always runs after the same neighbour. */
function turned(results, round) {
  const by = round % results.length;
  return [...results.slice(by), ...results.slice(0, by)];
}

function name({ title, setting }) {
  const parts = [setting.transport, setting.layout, `${setting.clients} clients`];
  return `${title} (${parts.filter(Boolean).join(', ')})`;
}
