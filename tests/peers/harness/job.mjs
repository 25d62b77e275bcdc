// The job that every system here is given, and what it costs. The same as `reeve bench` submits, so that one
// lifecycle means the same work on both sides.

/** Credits of one image at standard quality. */
export const PRICE = 2;

export const PARAMS = Object.freeze({
  action: 'image.generate',
  params: { prompt: 'a lighthouse at dusk', quality: 'standard', seed: 7 },
});

/** What a worker reports: an output that lies elsewhere, by its address and its digest. */
export function output(job) {
  return {
    index: 0,
    outcome: 'landed',
    url: `https://outputs.example/${job}.png`,
    sha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    size: 48211,
    content_type: 'image/png',
  };
}

const DAY_MS = 86_400_000;

/**
 * Three live lots of a workspace in the order in which they are used; the first pays for everything that will be
 * asked, as with `reeve bench`.
 */
export function lots(jobs) {
  const now = Date.now();
  return [
    { granted: jobs * PRICE + 1_000, expires: now + 7 * DAY_MS },
    { granted: 1_000, expires: now + 30 * DAY_MS },
    { granted: 1_000, expires: null },
  ];
}

/** Three lots that one job of `PRICE` crosses, and that pay for three jobs and not for a fourth. */
export function smallLots() {
  const now = Date.now();
  return [
    { granted: 1, expires: now + 7 * DAY_MS },
    { granted: 2, expires: now + 30 * DAY_MS },
    { granted: 4, expires: null },
  ];
}

export const workspaceName = (n) => `bench-${n}`;
