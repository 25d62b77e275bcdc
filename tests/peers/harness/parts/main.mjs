// One process of a peer's system. What it does is in its only argument, as JSON:
// `{ peer, target, shape, service?, work?, submit?, plan? }`. It talks to its parent in messages.

import { startClients } from './generator.mjs';
import { startService } from './service.mjs';

/** Finished jobs are reported together after this long: one message each would be seen in the figures. */
const REPORT_MS = 2;

const task = JSON.parse(process.argv[2]);
const peer = await import(`../../${task.peer}/peer.mjs`);
const fail = (error) => process.send({ failed: error.stack ?? String(error) });
process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);

let finished = 0;
const report = (n) => {
  if (finished === 0) setTimeout(() => process.send({ done: finished }, () => {}) && (finished = 0), REPORT_MS);
  finished += n;
};

const worker = task.work ? await peer.startWorker(task.target, task.shape, report) : null;
const library = task.service || task.submit === 'direct';
const client = library ? await peer.openClient(task.target, task.shape, task.plan.clients) : null;
const service = task.service ? await startService(client, [task.plan.key]) : null;
let issue = null;

process.on('message', async (message) => {
  if (message.start) {
    issue = startClients(message.start, task.submit === 'direct' ? client : null, fail);
    process.send({ started: true });
  }
  if (message.issue) issue(message.issue);
  if (message.stop) {
    service?.close();
    await worker?.stop();
    await client?.close();
    process.disconnect();
    process.exit(0);
  }
});
process.on('disconnect', () => process.exit(1));
process.send({ ready: true, port: service?.port });
