// What a peer with credits must get right before its speed counts: lots in order, one hold a key, no hold beyond what
// is there, each hold settled once.

import assert from 'node:assert/strict';

import { PARAMS, PRICE, smallLots } from './job.mjs';

const WORKSPACE = 'rules';
const WAIT_MS_MAX = 10_000;

/** Throws when the peer breaks a rule. Needs an empty target. */
export async function checkRules(system, target) {
  const { module: peer, shape } = system;
  await peer.prepare(target, shape, [[WORKSPACE, smallLots()]]);
  const client = await peer.openClient(target, shape, 4);
  const submit = (key) => client.submit(WORKSPACE, key, PARAMS);
  const lots = async (name) => (await peer.lotsOf(target, WORKSPACE)).map((lot) => lot[name]);
  try {
    const first = await submit('a');
    assert.equal(first.status, 201);
    assert.deepEqual(await lots('held'), [1, 1, 0], 'a hold takes from the lots in order');
    const again = await Promise.all([submit('a'), submit('a'), submit('a')]);
    for (const answer of again) assert.deepEqual(answer, first, 'a repeated key gets the first job');
    assert.deepEqual(await lots('held'), [1, 1, 0], 'a repeated key holds nothing more');
    // Room for two more: of four at once two are admitted.
    const statuses = (await Promise.all(['b', 'c', 'd', 'e'].map(submit))).map((answer) => answer.status);
    assert.deepEqual(statuses.sort(), [201, 201, 402, 402], 'credits are not held twice');
    assert.deepEqual(await lots('available'), [0, 0, 1]);
  } finally {
    await client.close();
  }
  await work(peer, target, shape, 3);
  assert.deepEqual(await lots('held'), [0, 0, 0], 'all holds are settled');
  assert.deepEqual(await lots('consumed'), [1, 2, 3]);
  await peer.books(target, shape, 3, [WORKSPACE]);
}

async function work(peer, target, shape, jobs) {
  let done = 0;
  const worker = await peer.startWorker(target, shape, (n) => (done += n));
  const until = Date.now() + WAIT_MS_MAX;
  while (done < jobs && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 10));
  await worker.stop();
  assert.equal(done, jobs, `all ${jobs} jobs of ${PRICE} credits are worked`);
}
