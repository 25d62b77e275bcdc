// The systems that are compared.

import * as bullmq from '../bullmq/peer.mjs';
import * as graphile from '../graphile-worker/peer.mjs';

const ours = (id, title, needs) => ({ id, title, needs: ['reeve', ...needs], reeve: true });
const onPostgres = (id, title, shape) => ({
  id, title, shape, needs: ['postgres'], peer: 'graphile-worker', module: graphile,
});
const onRedis = (id, title, shape) => ({ id, title, shape, needs: ['redis'], peer: 'bullmq', module: bullmq });

export const SYSTEMS = [
  ours('reeve-sqlite', 'reeve, SQLite', []),
  ours('reeve-postgres', 'reeve, PostgreSQL', ['postgres']),
  onPostgres('graphile-credits', 'graphile-worker + SQL credits', { credits: true, gathered: false }),
  onPostgres('graphile-gathered', 'the same, gathered by hand', { credits: true, gathered: true }),
  onPostgres('graphile-plain', 'graphile-worker, no credits', { credits: false, gathered: false }),
  onRedis('bullmq-credits', 'BullMQ + Lua credits', { credits: true }),
  onRedis('bullmq-plain', 'BullMQ, no credits', { credits: false }),
];

/** Those whose names start with one of `only`; all when it is `null`. Throws when a name fits none. */
export function chosen(only) {
  if (only === null) return SYSTEMS;
  const strange = only.find((name) => !SYSTEMS.some((system) => system.id.startsWith(name)));
  if (strange !== undefined) throw new Error(`--only: no system is named \`${strange}\``);
  return SYSTEMS.filter((system) => only.some((name) => system.id.startsWith(name)));
}
