import assert from 'node:assert/strict';
import test from 'node:test';
import { contactOf, crowd, post } from '../support/crowd.ts';
import { until } from '../support/until.ts';
import { withWorkplace } from '../support/workplace.ts';

const PATIENCE_MS = 20_000;
/** Of a call, longer than a test has patience: what waits for it does not go on. */
const CALL_TIMEOUT_MS = '60000';

test('while marketing does not answer to an erasure, everything else goes on, and a stop is in time', async () => {
  await withWorkplace({ settings: { CXONE_TIMEOUT_MS: CALL_TIMEOUT_MS } }, async (place) => {
    await place.start();
    const people = crowd({ size: 2, roles: ['covered'] });
    const first = await post(() => place.service, people);
    const completed = (jobId: string) => async (): Promise<boolean> => (await place.service.call('GET', `/jobs/${jobId}`)).json['status'] === 'completed';
    await until(completed(first.jobId), PATIENCE_MS, 'the merge');
    const exported = (): number => place.sandbox.ledger().marketing.flatMap(({ body }) => (body as { contacts: unknown[] }).contacts).length;
    await until(() => exported() === people.length, PATIENCE_MS, 'both exports');
    const fault = place.fault({ kind: 'hang', endpoint: 'marketing' });
    const erased = await place.service.call('POST', '/privacy/erasure', { email: people[0]!.email });
    assert.equal(erased.status, 202, erased.text);
    await until(() => fault.fired > 0, PATIENCE_MS, 'marketing being told');
    const second = await place.service.call('POST', '/enrich-batch', { contacts: [contactOf(people[1]!, { first_name: 'Grace', updated_at: new Date().toISOString() })] });
    await until(completed(String(second.json['job_id'])), PATIENCE_MS, 'a merge while marketing does not answer');
    assert.equal((await place.service.stop()).code, 0);
  });
});
