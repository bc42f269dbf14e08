import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { copyFileSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { ConfigError } from '../../src/config/config.ts';
import { formatVerifierKey, parseCheckpoint, parseVerifierKey, verifyNote } from '../../src/domain/audit/checkpoint.ts';
import type { Service } from '../../src/main.ts';
import { startHttpServer, text } from '../support/http-server.ts';
import { Premises, sendPeople } from '../support/service-in-process.ts';

async function get(service: Service, url: string): Promise<{ status: number; type: string; text: string; json: Record<string, unknown> }> {
  const answer = await service.app.inject(url);
  const type = String(answer.headers['content-type']);
  return { status: answer.statusCode, type, text: answer.payload, json: type.includes('json') ? (JSON.parse(answer.payload) as Record<string, unknown>) : {} };
}

/** The checkpoint of the moment, believed only as far as the service's own key signed it. */
async function checkpointOf(service: Service) {
  const keys = (await get(service, '/audit-trail/key')).text.trim().split('\n').map(parseVerifierKey);
  const { text: note } = await get(service, '/audit-trail/checkpoint');
  const verdict = verifyNote(note, keys);
  assert.ok(verdict.ok);
  return { ...parseCheckpoint(verdict.text), note, signer: verdict.signers[0] };
}

async function metric(service: Service, name: string): Promise<string | undefined> {
  const { text: metrics } = await get(service, '/metrics');
  return metrics.split('\n').find((line) => line.startsWith(`${name} `))?.slice(name.length + 1);
}

function newKey(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64');
}

describe('checkpoints over HTTP', () => {
  let premises: Premises;
  beforeEach(() => (premises = new Premises()));
  afterEach(() => premises.remove());

  test('a checkpoint says what the tree says, and is text', async () => {
    await premises.serve(async (service) => {
      assert.equal(await sendPeople(service, 0, 20), 202);
      const head = await checkpointOf(service);
      const { json } = await get(service, '/audit-trail?limit=1');
      assert.deepEqual(json['tree'], { size: head.size, root_hash: Buffer.from(head.root).toString('base64') });
      assert.match((await get(service, '/audit-trail/checkpoint')).type, /^text\/plain/);
      assert.match((await get(service, '/audit-trail/key')).type, /^text\/plain/);
      assert.equal(await metric(service, 'enricher_audit_integrity'), '1');
      assert.deepEqual((await get(service, '/health/ready')).json['audit'], { integrity: true });
    });
  });

  test('the running check recomputes every entry', async () => {
    await premises.serve(async (service) => {
      await sendPeople(service, 0, 30);
      const head = await checkpointOf(service);
      const { json } = await get(service, '/audit-trail/verify');
      assert.equal(json['ok'], true);
      assert.ok(Number(json['checked_entries']) >= head.size);
      assert.deepEqual(json['checkpoint'], { size: head.size, agrees: true });
    });
  });

  test('a stop signs what is new, beside the database and into the anchor file', async () => {
    const anchor = join(premises.folder, 'elsewhere', 'anchors.txt');
    await premises.serve((service) => sendPeople(service, 0, 10), { AUDIT_ANCHOR_FILE: anchor });
    const kept = readFileSync(premises.checkpointPath, 'utf8');
    assert.ok(readFileSync(anchor, 'utf8').endsWith(`${kept}\n`));
    assert.equal(statSync(join(premises.folder, 'audit-signing.key')).mode & 0o777, 0o600);
    const lines = readFileSync(join(premises.folder, 'audit.log'), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.ok(lines.some((line) => line['checkpoint'] === kept));
    await premises.serve(async (service) => {
      const { json } = await get(service, '/audit-trail/verify');
      assert.equal(json['ok'], true);
      const { entries } = (await get(service, '/audit-trail?action=checkpoint_signed')).json as { entries: { details: { note: string } }[] };
      assert.ok(entries.some(({ details }) => details.note === kept));
    });
  });

  test('an anchor on the net gets each checkpoint, and one that was away gets the newest', async () => {
    let isUp = false;
    const place = await startHttpServer((response, request) => text(isUp ? 204 : 503, '')(response, request));
    try {
      const anchored = { AUDIT_ANCHOR_URL: `${place.url}/log` };
      await premises.serve((service) => sendPeople(service, 0, 5), anchored);
      assert.ok(place.received.length > 0);
      isUp = true;
      const seen = place.received.length;
      await premises.serve(async () => place.arrived(seen + 1), anchored);
      const last = place.received.at(-1);
      assert.equal(last?.headers['content-type'], 'text/plain; charset=utf-8');
      assert.equal(last?.body, readFileSync(premises.checkpointPath, 'utf8'));
    } finally {
      await place.close();
    }
  });

  test('a database put back to an older state is found at the start: loud, not repaired, work goes on', async () => {
    const backup = join(premises.folder, 'backup.db');
    await premises.serve((service) => sendPeople(service, 0, 5));
    copyFileSync(premises.databasePath, backup);
    await premises.serve((service) => sendPeople(service, 100, 20));
    const signed = readFileSync(premises.checkpointPath, 'utf8');
    rmSync(premises.databasePath);
    copyFileSync(backup, premises.databasePath);
    for (const round of [1, 2]) {
      await premises.serve(async (service) => {
        assert.deepEqual((await get(service, '/health/ready')).json['audit'], { integrity: false, reason: round === 1 ? 'shrunk' : 'forked' });
        assert.equal((await get(service, '/health/ready')).status, 200);
        assert.equal(await metric(service, 'enricher_audit_integrity'), '0');
        const refused = await get(service, '/audit-trail/checkpoint');
        assert.deepEqual([refused.status, refused.json['code']], [503, 'audit_integrity']);
        const { json } = await get(service, '/audit-trail/verify');
        assert.equal(json['ok'], false);
        assert.ok(Number(json['first_bad_sequence']) <= Number(json['size']));
        assert.equal(await sendPeople(service, 200 * round, 60), 202);
      });
      assert.equal(readFileSync(premises.checkpointPath, 'utf8'), signed);
    }
  });

  describe('the key', () => {
    test('is the same after a restart, and so is the name', async () => {
      const first = await premises.serve((service) => checkpointOf(service));
      const second = await premises.serve((service) => checkpointOf(service));
      assert.equal(second.origin, first.origin);
      assert.deepEqual(second.signer?.id, first.signer?.id);
    });

    test('is changed by an entry that both sign, and then the old one may go', async () => {
      const [old, fresh] = [newKey(), newKey()];
      const before = await premises.serve(checkpointOf, { AUDIT_SIGNING_KEY: old, AUDIT_ORIGIN: 'example.com/audit' });
      const between = await premises.serve(checkpointOf, { AUDIT_SIGNING_KEY: `${fresh},${old}` });
      assert.equal(between.origin, 'example.com/audit');
      assert.notDeepEqual(between.signer?.id, before.signer?.id);
      await premises.serve(
        async (service) => {
          const after = await checkpointOf(service);
          assert.deepEqual(after.signer?.id, between.signer?.id);
          const keys = (await get(service, '/audit-trail/key')).text.trim().split('\n');
          assert.equal(keys.length, 2);
          const { json } = await get(service, '/audit-trail?action=key_rotated');
          const [entry] = json['entries'] as { details: { from: string; to: string; note: string } }[];
          assert.deepEqual([entry?.details.to, entry?.details.from], keys);
          const verdict = verifyNote(entry?.details.note ?? '', keys.map(parseVerifierKey));
          assert.ok(verdict.ok);
          assert.equal(verdict.signers.length, 2);
        },
        { AUDIT_SIGNING_KEY: fresh },
      );
    });

    test('of the data folder hands over to one that is configured', async () => {
      const before = await premises.serve(checkpointOf);
      const after = await premises.serve(checkpointOf, { AUDIT_SIGNING_KEY: newKey() });
      assert.equal(after.origin, before.origin);
      assert.notDeepEqual(after.signer?.id, before.signer?.id);
    });

    describe('that is lost or stolen', () => {
      const ORIGIN = { AUDIT_ORIGIN: 'example.com/audit' };

      /** What the refused start says is missing. */
      async function missing(settings: Record<string, string>): Promise<string> {
        const error = await premises.start(settings).then(() => undefined, (reason: unknown) => reason);
        assert.ok(error instanceof ConfigError);
        assert.match(error.message, /AUDIT_SIGNING_KEY_REPLACES/);
        return /example\.com\/audit\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+/.exec(error.message)?.[0] ?? '';
      }

      for (const [how, next] of [['lost: one that is configured takes over', { AUDIT_SIGNING_KEY: newKey() }], ['lost with the data folder: one is made', {}]] as const) {
        test(`${how}, by an entry that it signs alone`, async () => {
          const before = await premises.serve(checkpointOf, { ...ORIGIN, AUDIT_SIGNING_KEY: newKey() });
          const gone = await missing(next);
          const confirmed = { ...next, AUDIT_SIGNING_KEY_REPLACES: gone };
          await premises.serve(async (service) => {
            const { text: listed } = await get(service, '/audit-trail/key');
            const [key = '', old, remark, ...rest] = listed.trimEnd().split('\n');
            assert.deepEqual([old, rest], [gone, []]);
            const { entries } = (await get(service, '/audit-trail?action=signing_key_replaced')).json as { entries: { sequence: number; details: { note: string; size: number } }[] };
            assert.equal(entries.length, 1);
            const [{ sequence, details }] = entries as [(typeof entries)[0]];
            assert.equal(details.size, sequence);
            assert.ok(verifyNote(details.note, [parseVerifierKey(key)]).ok);
            assert.equal(verifyNote(details.note, [parseVerifierKey(gone)]).ok, false);
            assert.match(remark ?? '', new RegExp(`^# .* speaks from size ${sequence} on: it replaced .* kept elsewhere`));
            // The tree goes on from what the old key signed.
            const proof = await get(service, `/audit-trail/proof/consistency?from=${before.size}&to=${sequence}`);
            assert.equal(proof.status, 200);
            assert.deepEqual((await get(service, '/health/ready')).json['audit'], { integrity: true });
            const note = await get(service, '/audit-trail/checkpoint');
            assert.ok(verifyNote(note.text, [parseVerifierKey(key)]).ok);
          }, confirmed);
          // Left in place the setting does nothing more, and the old key does not come back by it.
          await premises.serve(async (service) => {
            assert.equal(((await get(service, '/audit-trail?action=signing_key_replaced')).json['entries'] as unknown[]).length, 1);
          }, confirmed);
          if ('AUDIT_SIGNING_KEY' in next) await missing({ AUDIT_SIGNING_KEY: newKey(), AUDIT_SIGNING_KEY_REPLACES: gone });
        });
      }

      test('stolen: it signs nothing more, though it is still there', async () => {
        const stolen = await premises.serve(async (service) => (await get(service, '/audit-trail/key')).text.trim(), ORIGIN);
        await assert.rejects(premises.start({ AUDIT_SIGNING_KEY_REPLACES: stolen }), /^ConfigError: AUDIT_SIGNING_KEY_REPLACES names the key in use/);
        await premises.serve(async (service) => {
          const { entries } = (await get(service, '/audit-trail')).json as { entries: { action: string }[] };
          const actions = entries.map(({ action }) => action);
          assert.deepEqual([actions.includes('signing_key_replaced'), actions.includes('key_rotated')], [true, false]);
        }, { AUDIT_SIGNING_KEY: newKey(), AUDIT_SIGNING_KEY_REPLACES: stolen });
      });

      test('or so it is said of a key that never signed: the start is refused', async () => {
        await premises.serve(checkpointOf, ORIGIN);
        const stranger = formatVerifierKey('example.com/audit', generateKeyPairSync('ed25519').privateKey);
        await assert.rejects(premises.start({ AUDIT_SIGNING_KEY_REPLACES: stranger }), /^ConfigError: AUDIT_SIGNING_KEY_REPLACES names a key that never signed/);
      });
    });

    const REFUSED: [string, () => Record<string, string>, RegExp][] = [
      ['another key without the one before it', () => ({ AUDIT_SIGNING_KEY: newKey() }), /^AUDIT_SIGNING_KEY is another key than example\.com\/audit\+/],
      ['no key where one has signed', () => ({}), /^AUDIT_SIGNING_KEY is missing/],
      ['another name', () => ({ AUDIT_SIGNING_KEY: newKey(), AUDIT_ORIGIN: 'example.org/other' }), /^AUDIT_ORIGIN is not "example\.com\/audit"/],
      ['a key file that holds none', () => (writeFileSync(join(premises.folder, 'audit-signing.key'), 'no key'), {}), /^AUDIT_SIGNING_KEY is unset and audit-signing\.key/],
    ];
    for (const [what, settings, message] of REFUSED) {
      test(`stops the start for ${what}`, async () => {
        const known = { AUDIT_SIGNING_KEY: newKey(), AUDIT_ORIGIN: 'example.com/audit' };
        await premises.serve(checkpointOf, known);
        const error = await premises.start(settings()).then(
          () => undefined,
          (reason: unknown) => reason,
        );
        assert.ok(error instanceof ConfigError);
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /\n/);
        // Nothing was left open or changed by it.
        await premises.serve(checkpointOf, known);
      });
    }
  });
});
