import autocannon from 'autocannon';
import { BENCH_KEY } from './processes.ts';

/** Posts the bodies, one after the other and again from the start, over so many connections. Throws on any answer but 2xx. */
export async function postBatches(url: string, bodies: readonly string[], load: { connections: number; seconds: number }): Promise<{ perSecond: number; p99: number }> {
  let turn = 0;
  const result = await autocannon({
    url: `${url}/enrich-batch`,
    method: 'POST',
    connections: load.connections,
    duration: load.seconds,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${BENCH_KEY}` },
    requests: [{ setupRequest: (request) => ({ ...request, body: bodies[turn++ % bodies.length] }) }],
  });
  if (result.non2xx > 0 || result.errors > 0) throw new Error(`${result.non2xx} answers were not 2xx, ${result.errors} errors`);
  return { perSecond: result.requests.average, p99: result.latency.p99 };
}
