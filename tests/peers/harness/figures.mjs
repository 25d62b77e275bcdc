// Medians, ratios and the table.

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/**
 * One row per system and transport: median, bounds, and how many times as fast Reeve is. That is the median of the ratios
 * of each round: a machine that becomes slower for some minutes is as slow for both, and not for the medians of both.
 */
export function rows(results) {
  const measured = results.filter((result) => result.runs.length > 0);
  const all = measured.map((result) => ({
    ...result,
    median: median(result.runs),
    min: Math.min(...result.runs),
    max: Math.max(...result.runs),
  }));
  const ours = (id) => all.find((row) => row.system === id) ?? null;
  for (const row of all) {
    const same = all.filter((other) => other.system === row.system);
    row.best = same.every((other) => other.median <= row.median);
    row.ratio_sqlite = ratio(ours('reeve-sqlite'), row);
    row.ratio_postgres = ratio(ours('reeve-postgres'), row);
  }
  return all;
}

function ratio(ours, theirs) {
  return ours === null ? null : median(ours.runs.map((rate, round) => rate / theirs.runs[round]));
}

/** Text for people. The better row of each peer is marked: that is the one to compare with. */
export function table(all) {
  const head = ['', 'system', 'way', 'processes', 'clients', 'jobs', 'lifecycles/s', 'min..max'];
  head.push('reeve sqlite is', 'reeve postgres is');
  const times = (value) => (value === null ? '-' : `${value.toFixed(2)}x`);
  const lines = all.map((row) => [
    row.best ? '*' : '',
    row.title,
    row.setting.transport,
    row.setting.layout ?? '-',
    String(row.setting.clients),
    String(row.jobs),
    row.median.toFixed(0),
    `${row.min.toFixed(0)}..${row.max.toFixed(0)}`,
    times(row.ratio_sqlite),
    times(row.ratio_postgres),
  ]);
  const widths = head.map((_, i) => Math.max(...[head, ...lines].map((line) => line[i].length)));
  const show = (line) => line.map((cell, i) => (i < 4 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  ');
  return [show(head), ...lines.map(show)].join('\n');
}
