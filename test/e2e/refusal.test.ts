import assert from 'node:assert/strict';
import test from 'node:test';
import { crowd, post } from '../support/crowd.ts';
import { freePort } from '../support/service-process.ts';
import { judge } from '../support/oracle.ts';
import { withWorkplace } from '../support/workplace.ts';

test('a second process on the same file exits 75 with one line; the first goes on, and after its death the file is free', async () => {
  await withWorkplace({}, async (place) => {
    const first = await place.start();
    const second = place.launch({ PORT: String(await freePort()) });
    const end = await second.ended;
    place.lives.pop();
    assert.equal(end.code, 75, second.lastWords());
    assert.match(second.err, /^cxone-enricher does not start: another process uses .+\n$/);
    assert.equal(second.out, '');
    const batch = await post(() => first, crowd());
    await first.kill9();
    await place.start();
    await judge(place, { batches: [batch], hadUnknown: true });
  });
});

const BAD: [string, Record<string, string>, RegExp][] = [
  ['a number that is none', { CXONE_REQUESTS_PER_MINUTE: 'many' }, /CXONE_REQUESTS_PER_MINUTE/],
  ['a URL without TLS', { CXONE_BASE_URL: 'http://cxone.example.com' }, /CXONE_BASE_URL/],
  ['a short key', { ENCRYPTION_KEY: 'c2hvcnQ=' }, /ENCRYPTION_KEY/],
  ['a log file that is a folder', { AUDIT_LOG_FILE: import.meta.dirname }, /AUDIT_LOG_FILE/],
  ['two at once', { MARKETING_API_URL: 'ftp://x', RETRY_TICK_MS: '-1' }, /MARKETING_API_URL.*RETRY_TICK_MS|RETRY_TICK_MS.*MARKETING_API_URL/],
];

test('a bad setting exits 78 with one line that names it and keeps its value to itself', async () => {
  await withWorkplace({}, async (place) => {
    await Promise.all(
      BAD.map(async ([what, settings, named]) => {
        const service = place.launch(settings);
        const end = await service.ended;
        assert.equal(end.code, 78, `${what}: ${service.lastWords()}`);
        assert.match(service.err, /^cxone-enricher does not start: [^\n]+\n$/, what);
        assert.match(service.err, named);
        for (const value of Object.values(place.settings)) if (value.length > 20) assert.ok(!service.err.includes(value));
        assert.equal(service.out, '');
      }),
    );
  });
});

test('a port in use exits 1 with one line', async () => {
  await withWorkplace({}, async (place) => {
    const service = place.launch({ PORT: new URL(place.sandbox.url).port });
    const end = await service.ended;
    assert.equal(end.code, 1, service.lastWords());
    assert.match(service.err, /^cxone-enricher does not start: [^\n]*EADDRINUSE[^\n]*\n$/);
  });
});
