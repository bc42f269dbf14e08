import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { Readable } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { JSON_MAX_BYTES } from '../../src/http/plugins/bodies.ts';
import { ROW_MAX_BYTES } from '../../src/http/rows.ts';
import { BatchAccepted, BatchPreview, BatchRejected } from '../../src/http/schemas/contacts.ts';
import { SECRETS, assertProblem, contact, startHarness } from './harness.ts';
import type { Answer, Harness } from './harness.ts';
import { askUntil } from './tenant.ts';

const NDJSON = 'application/x-ndjson';
const CSV = 'text/csv';

type Counts = { received: number; accepted: number; duplicates: number; rejected: number };
type Finding = { index: number; field: string; code: string; message: string };
type Accepted = Counts & { job_id: string; errors: Finding[]; warnings: Finding[]; audit_ids: string[]; metrics: Record<string, number> };

let harness: Harness;
before(async () => {
  harness = await startHarness({ CXONE_REQUESTS_PER_MINUTE: '60' });
});
after(() => harness.close());

function accepted(answer: Answer): Accepted {
  assert.equal(answer.status, 202, answer.text);
  const body = answer.json<Accepted>();
  BatchAccepted.strict().parse(body);
  assert.equal(body.received, body.accepted + body.duplicates + body.rejected);
  return body;
}

const counts = ({ received, accepted, duplicates, rejected }: Counts): number[] => [received, accepted, duplicates, rejected];
const codes = (found: readonly Finding[]): string[] => found.map(({ index, field, code }) => `${index} ${field} ${code}`);
const lines = (...rows: unknown[]): string => rows.map((row) => (typeof row === 'string' ? row : JSON.stringify(row))).join('\n');

describe('a batch as JSON', () => {
  test('is taken, counted and can be found again', async () => {
    const body = accepted(await harness.batch([contact(1), contact(2), contact(1), { ...contact(3), country: 'DE', consent_to_sms: false }, { first_name: 'Nobody' }]));
    assert.deepEqual(counts(body), [5, 2, 1, 2]);
    assert.deepEqual(codes(body.errors), ['3 consent_to_sms consent_refused', '4 email identifier_missing']);
    const job = (await harness.send('GET', `/jobs/${body.job_id}`, { key: 'read' })).json<Counts & { contacts: { index: number; status: string }[] }>();
    assert.deepEqual(counts(job), counts(body));
    assert.deepEqual(job.contacts.map(({ index }) => index), [0, 1, 2, 3, 4]);
    assert.deepEqual([job.contacts[2]?.status, job.contacts[3]?.status], ['duplicate', 'rejected']);
    assert.ok(body.audit_ids.length > 0);
  });

  test('one bad contact does not sink it, whatever it is', async () => {
    const odd = [null, 1, 'text', true, [], [[]], {}, { email: 5 }, { email: {} }, { email: ['a@b.example'] }, { phone: null }];
    const body = accepted(await harness.batch([...odd, contact(10)]));
    assert.deepEqual(counts(body), [odd.length + 1, 1, 0, odd.length]);
    assert.deepEqual(new Set(body.errors.map(({ index }) => index)), new Set(odd.keys()));
  });

  test('consent is true or false and nothing else', async () => {
    const values = ['yes', 'TRUE', 1, [true], { a: true }, 'true ', null, 'on', true, 'true', false, 'false'];
    const rows = values.map((value, n) => contact(100 + n, { country: 'DE', consent_to_email: value }));
    const body = accepted(await harness.batch(rows));
    assert.deepEqual(counts(body), [12, 2, 0, 10]);
    assert.deepEqual(body.errors.map(({ index }) => index), [0, 1, 2, 3, 4, 5, 6, 7, 10, 11]);
    const reported = new Set(body.warnings.filter(({ field }) => field === 'consent_to_email').map(({ index }) => index));
    for (const index of [0, 1, 2, 3, 4, 7]) assert.ok(reported.has(index), `${JSON.stringify(values[index])} is reported`);
  });

  test('fields that nobody knows are named and not sent', async () => {
    const body = accepted(await harness.batch([contact(20, { favourite_colour: 'blue' })]));
    assert.deepEqual(body.warnings.map(({ field, code }) => [field, code]), [['favourite_colour', 'unknown_field']]);
  });

  const LEFT_OUT: readonly [name: string, body: unknown, code: 'contacts_missing' | 'invalid_json' | 'too_many_contacts'][] = [
    ['no contacts', {}, 'contacts_missing'],
    ['empty contacts', { contacts: [] }, 'contacts_missing'],
    ['contacts that are no list', { contacts: { 0: contact(1) } }, 'contacts_missing'],
    ['contacts that are null', { contacts: null }, 'contacts_missing'],
    ['a list', [contact(1)], 'contacts_missing'],
    ['null', null, 'contacts_missing'],
    ['a number', 5, 'contacts_missing'],
    ['10,001 contacts', { contacts: Array.from({ length: 10_001 }, () => ({})) }, 'too_many_contacts'],
    ['nothing', '', 'invalid_json'],
    ['half of it', '{"contacts":[', 'invalid_json'],
    ['two values', '{"contacts":[]}{}', 'invalid_json'],
    ['single quotes', "{'contacts':[]}", 'invalid_json'],
  ];
  for (const [name, body, code] of LEFT_OUT) {
    test(`${name}: ${code}`, async () => {
      assertProblem(await harness.send('POST', '/enrich-batch', { body: typeof body === 'string' ? body : JSON.stringify(body) }), code);
    });
  }

  test('every contact rejected is 422, with the reasons and the job', async () => {
    const answer = await harness.batch([contact(30, { country: 'FR', consent_to_phone: false }), { last_name: 'x' }]);
    assertProblem(answer, 'all_contacts_rejected');
    const body = BatchRejected.parse(answer.json());
    assert.deepEqual(counts(body), [2, 0, 0, 2]);
    assert.deepEqual(body.errors?.map(({ index }) => index), [0, 1]);
    assert.equal((await harness.send('GET', `/jobs/${body.job_id}`)).status, 200);
    assert.ok(!answer.text.includes('person30'));
  });

  test('10,000 contacts are one batch', async () => {
    const body = accepted(await harness.batch(Array.from({ length: 10_000 }, (_, n) => contact(n, { email: `bulk${n}@example.org` }))));
    assert.deepEqual(counts(body), [10_000, 10_000, 0, 0]);
  });

  test('a body that is too large is refused', async () => {
    const answer = await harness.send('POST', '/enrich-batch', { body: `{"contacts":["${'x'.repeat(JSON_MAX_BYTES)}"]}` });
    assertProblem(answer, 'body_too_large');
  });
});

describe('what the body may come as', () => {
  for (const type of ['text/plain', 'application/xml', 'multipart/form-data; boundary=x', 'application/x-www-form-urlencoded', 'application/json5', 'application/problem+json', 'nonsense', '']) {
    test(`${type === '' ? 'no type' : type} is not supported`, async () => {
      assertProblem(await harness.send('POST', '/enrich-batch', { body: '{"contacts":[{}]}', type }), 'unsupported_media_type');
    });
  }
  for (const encoding of ['gzip', 'br', 'deflate', 'zstd', 'gzip, identity', 'x']) {
    test(`content-encoding ${encoding} is refused`, async () => {
      assertProblem(await harness.send('POST', '/enrich-batch', { body: '{"contacts":[{}]}', headers: { 'content-encoding': encoding } }), 'unsupported_media_type');
    });
  }
  for (const type of ['application/json', 'application/json; charset=utf-8', 'Application/JSON']) {
    test(`${type} is JSON`, async () => {
      assert.equal((await harness.send('POST', '/enrich-batch?dry_run=true', { body: { contacts: [contact(1)] }, type })).status, 200);
    });
  }
});

describe('a batch as NDJSON', () => {
  const post = (body: string | Buffer, query = ''): Promise<Answer> => harness.send('POST', `/enrich-batch${query}`, { body, type: NDJSON });

  test('is a contact a line; lines that cannot be read are rejected by themselves', async () => {
    const body = accepted(await post(lines(contact(200), '{"email":', '', '   ', contact(201), 'null', '[]', '{"__proto__":{"email":"x@example.com"}}', '\u0000', contact(200))));
    assert.deepEqual(counts(body), [8, 2, 1, 5]);
    assert.deepEqual([...new Set(body.errors.map(({ index }) => index))], [1, 3, 4, 5, 6]);
  });

  for (const [name, text] of [
    ['CRLF', `${JSON.stringify(contact(210))}\r\n${JSON.stringify(contact(211))}\r\n`],
    ['no last line end', `${JSON.stringify(contact(212))}\n${JSON.stringify(contact(213))}`],
    ['a byte order mark', `\uFEFF${JSON.stringify(contact(214))}\n${JSON.stringify(contact(215))}\n`],
  ] as const) {
    test(`${name} is read`, async () => assert.deepEqual(counts(accepted(await post(text))), [2, 2, 0, 0]));
  }

  test('letters that are cut by the pieces of an upload come together again', async () => {
    const bytes = Buffer.from(lines(...Array.from({ length: 40 }, (_, n) => contact(300 + n, { first_name: 'Zoë 🦊 Łukasz' }))));
    for (const step of [1, 7, 1021]) {
      const text = await stream(NDJSON, pieces(bytes, step), '?dry_run=true');
      const { results } = JSON.parse(text) as { results: { contact: { first_name: string } }[] };
      assert.deepEqual(new Set(results.map((one) => one.contact.first_name)), new Set(['Zoë 🦊 Łukasz']));
    }
  });

  test('bytes that are no UTF-8 spoil their own line only', async () => {
    const bad = Buffer.concat([Buffer.from('{"email":"a'), Buffer.from([0xff, 0xfe]), Buffer.from('@example.com","country":"US"}\n'), Buffer.from(JSON.stringify(contact(400)))]);
    assert.deepEqual(counts(accepted(await post(bad))), [2, 1, 0, 1]);
  });

  test('a name in Latin-1 is not taken in damaged; one that holds U+FFFD itself is', async () => {
    const latin = Buffer.from(`${JSON.stringify(contact(410, { first_name: 'José' }))}\n${JSON.stringify(contact(411))}\n`, 'latin1');
    const body = accepted(await post(latin));
    assert.deepEqual(counts(body), [2, 1, 0, 1]);
    assert.deepEqual(body.errors.map(({ index, code }) => [index, code]), [[0, 'not_an_object']]);
    assert.deepEqual(counts(accepted(await post(lines(contact(412, { first_name: 'Jos\uFFFD' }))))), [1, 1, 0, 0]);
  });

  test('a letter cut short at the very end spoils its line', async () => {
    assertProblem(await post(Buffer.concat([Buffer.from('{"email":"a@example.com","country":"US","first_name":"'), Buffer.from([0xe2, 0x82])])), 'all_contacts_rejected');
  });

  test('a row that is too long is refused, in however many pieces it comes', async () => {
    const row = `${JSON.stringify(contact(501, { first_name: 'x'.repeat(ROW_MAX_BYTES) }))}\n`;
    assertProblem(await post(row), 'body_too_large');
    for (const step of [1021, 65_536]) assert.match(await stream(NDJSON, pieces(Buffer.from(row), step), ''), /"body_too_large"/);
  });

  for (const [name, text] of [['nothing', ''], ['empty lines', '\n\r\n  \n']] as const) {
    test(`${name} is no batch`, async () => {
      assertProblem(await post(text), 'contacts_missing');
    });
  }

  test('a row without an end is refused, and nothing of the upload is kept', async () => {
    const answer = await post(`${JSON.stringify(contact(500))}\n{"email":"${'x'.repeat(ROW_MAX_BYTES + 10)}`);
    assertProblem(answer, 'body_too_large');
    assert.equal((await harness.send('GET', '/consents', { headers: { 'x-subject': 'person500@example.com' } })).status, 404);
  });

  test('every row rejected is 422', async () => {
      assertProblem(await post('{}\n{}'), 'all_contacts_rejected');
    });

  test('a caller that was refused half-way gets its answer, and the next one a connection that works', async () => {
    function* endless(): Generator<string> {
      yield `{"email":"${'x'.repeat(ROW_MAX_BYTES)}`;
      for (let n = 0; n < 200; n += 1) yield 'x'.repeat(65_536);
    }
    for (let n = 0; n < 5; n += 1) assert.match(await stream(NDJSON, endless(), ''), /"body_too_large"/);
    assert.equal((await fetchText('/health/live')), '{"status":"live"}');
  });
});

describe('a batch as CSV', () => {
  const HEAD = 'email,country,first_name,consent_to_email,consent_to_sms,consent_to_phone';
  const post = (body: string | Buffer, query = '', type = CSV): Promise<Answer> => harness.send('POST', `/enrich-batch${query}`, { body, type });
  const dry = async (text: string): Promise<{ contact: Record<string, unknown>; warnings: Finding[]; outcome: string }[]> => {
    const answer = await post(text, '?dry_run=true');
    assert.equal(answer.status, 200, answer.text);
    return answer.json<{ results: { contact: Record<string, unknown>; warnings: Finding[]; outcome: string }[] }>().results;
  };

  for (const [name, text] of [
    ['plain', `${HEAD}\na@example.com,US,Ann,true,true,true\n`],
    ['CRLF', `${HEAD}\r\na@example.com,US,Ann,true,true,true\r\n`],
    ['byte order mark', `\uFEFF${HEAD}\na@example.com,US,Ann,true,true,true\n`],
    ['quotes', `"email","country","first_name","consent_to_email","consent_to_sms","consent_to_phone"\n"a@example.com","US","Ann","true","true","true"\n`],
    ['spaces around', `email , country,first_name,consent_to_email,consent_to_sms,consent_to_phone\n a@example.com , US , Ann ,true, true,true\n`],
    ['empty lines', `${HEAD}\n\na@example.com,US,Ann,true,true,true\n\n`],
    ['other order', 'consent_to_sms,first_name,email,consent_to_phone,country,consent_to_email\ntrue,Ann,a@example.com,true,US,true'],
  ] as const) {
    test(`${name} is read the same`, async () => {
      const [row, ...more] = await dry(text);
      assert.equal(more.length, 0);
      assert.deepEqual({ email: row?.contact['email'], first_name: row?.contact['first_name'], sms: row?.contact['consent_to_sms'] }, { email: 'a@example.com', first_name: 'Ann', sms: true });
    });
  }

  test('quotes hold commas, quotes and line ends', async () => {
    const [row] = await dry(`${HEAD},address1\na@example.com,US,"Ann ""Nan"" O, Neill",true,true,true,"1 Main St\nUnit 2"\n`);
    assert.equal(row?.contact['first_name'], 'Ann "Nan" O, Neill');
    assert.match(String(row?.contact['address1']), /1 Main St\s+Unit 2/);
  });

  test('columns that nobody knows are named, short and long rows are read as far as they go', async () => {
    const rows = await dry(`${HEAD},shoe_size\na@example.com,US,Ann,true,true,true,42\nb@example.com,US\nc@example.com,US,Cy,true,true,true,40,more,and more\n`);
    assert.deepEqual(rows.map(({ outcome }) => outcome), ['accepted', 'accepted', 'accepted']);
    const unknown = rows.map(({ warnings }) => warnings.filter(({ code }) => code === 'unknown_field').map(({ field }) => field));
    assert.deepEqual(unknown, [['shoe_size'], [], ['shoe_size', 'unnamed']]);
  });

  test('empty cells beyond the header are nothing', async () => {
    const [row] = await dry(`${HEAD}\na@example.com,US,Ann,true,true,true,,\n`);
    assert.deepEqual(row?.warnings, []);
  });

  test('a quote inside a cell that was not opened by one is a part of it', async () => {
    const rows = await dry(`${HEAD}\na@example.com,US,Jo"e,true,true,true\nb@example.com,US,Ben,true,true,true\n`);
    assert.deepEqual(rows.map((row) => row.contact['first_name']), ['Jo"e', 'Ben']);
  });

  test('a row in Latin-1 is rejected by itself, and not taken in damaged', async () => {
    const body = accepted(await post(Buffer.from(`${HEAD}\nlatin@example.com,US,José,true,true,true\nplain@example.com,US,Ann,true,true,true\n`, 'latin1')));
    assert.deepEqual(counts(body), [2, 1, 0, 1]);
  });

  test('empty cells are not there, so that they overwrite nothing', async () => {
    const [row] = await dry(`${HEAD}\na@example.com,US,,true,true,true\n`);
    assert.equal('first_name' in (row?.contact ?? {}), false);
  });

  test('a spreadsheet’s header row of __proto__ poisons nothing', async () => {
    await post(`__proto__,constructor,email,country\nx,y,proto@example.com,US\n`);
    assert.equal((Object.prototype as Record<string, unknown>)['x'], undefined);
    assert.equal(({} as Record<string, unknown>)['email'], undefined);
  });

  for (const [name, text, code] of [
    ['a quote that is never closed', `${HEAD}\n"a@example.com,US\n`, 'invalid_request'],
    ['a header row and no more', HEAD, 'contacts_missing'],
    ['nothing', '', 'contacts_missing'],
    ['something behind a closed quote', `${HEAD}\n"a"b@example.com,US\n`, 'invalid_request'],
    ['a cell without an end', `${HEAD}\n"${'x'.repeat(ROW_MAX_BYTES + 10)}`, 'body_too_large'],
    ['a row that is too long', `${HEAD}\na@example.com,US,${'x'.repeat(ROW_MAX_BYTES)}\nb@example.com,US\n`, 'body_too_large'],
  ] as const) {
    test(`${name}: ${code}`, async () => {
      assertProblem(await post(text), code);
    });
  }

  for (const type of ['text/csv; charset=utf-8; header=present', 'Text/CSV', 'TEXT/CSV;charset=UTF-8']) {
    test(`${type} is CSV`, async () => {
      assert.deepEqual(counts((await post(`${HEAD}\nq@example.com,US,Ann,true,true,true\n`, '?dry_run=true', type)).json()), [1, 1, 0, 0]);
    });
  }

  test('a long upload is taken in slices', async () => {
    function* rows(): Generator<string> {
      yield `${HEAD}\n`;
      for (let n = 0; n < 5000; n += 1) yield `csv${n}@example.net,US,Ann,true,true,true\r\n`;
      yield `csv0@example.net,US,Ann,true,true,true\r\nnot an address,US,,,,\r\n`;
    }
    const body = JSON.parse(await stream(CSV, rows(), '')) as Accepted;
    assert.deepEqual(counts(body), [5002, 5000, 1, 1]);
  });
});

describe('a dry run', () => {
  for (const query of ['dryrun=true', 'dry-run=true', 'dry_run=1', 'dry_run=TRUE', 'dry_run=true&dry_run=true', 'dry_run=true&x=1']) {
    test(`${query} is not understood, and so nothing is sent`, async () => {
      assertProblem(await harness.batch([contact(600)], { query: `?${query}` }), 'invalid_request');
    });
  }

  test('explains everything, and stores nothing', async () => {
    const state = async (): Promise<unknown> => {
      const [jobs, audit, queue] = [await harness.send('GET', '/jobs?limit=500'), await harness.send('GET', '/audit-trail?limit=1'), await harness.send('GET', '/admin/queue')];
      const { waiting, submitted, dead_letters: letters } = queue.json();
      return [jobs.json<{ jobs: { job_id: string }[] }>().jobs.map((job) => job.job_id), audit.json<{ tree: unknown }>().tree, waiting, submitted, letters];
    };
    await harness.send('POST', '/admin/pause');
    // Batches of before are filed, and the first use of a right is told, a moment later.
    let last = await state();
    const earlier = await askUntil(state, (now) => {
      const isQuiet = isDeepStrictEqual(now, last);
      last = now;
      return isQuiet;
    });
    const rows = [contact(600, { phone: '(512) 555-0123', timezone: 'Central Standard Time', country: 'United States', first_name: ' Ann ' }), contact(600), contact(601, { country: 'DE', consent_to_sms: false })];
    const answer = await harness.batch(rows, { query: '?dry_run=true', headers: { 'idempotency-key': 'not-looked-at' } });
    assert.equal(answer.status, 200);
    const body = answer.json<Counts & { dry_run: boolean; requests_needed: number; estimated_seconds: number; results: { index: number; outcome: string; contact: Record<string, unknown>; changes: { field: string; from: string; to: string; rule: string; confidence: number }[]; pii: Record<string, string> }[] }>();
    BatchPreview.strict().parse(body);
    assert.deepEqual(counts(body), [3, 1, 1, 1]);
    assert.equal(body.requests_needed, 1);
    assert.deepEqual(body.results.map(({ index, outcome }) => [index, outcome]), [[0, 'accepted'], [1, 'duplicate'], [2, 'rejected']]);
    const [first] = body.results;
    assert.equal(first?.contact['phone'], '+15125550123');
    assert.equal(first?.contact['timezone'], 'America/Chicago');
    assert.ok(first?.changes.some(({ field, to }) => field === 'timezone' && to === 'America/Chicago'));
    assert.deepEqual([first?.pii['email'], first?.pii['phone']], ['EMAIL', 'PHONE']);
    for (const { rule, confidence } of first?.changes ?? []) assert.ok(rule !== '' && confidence > 0 && confidence <= 1);
    assert.deepEqual(await state(), earlier);
    await harness.send('POST', '/admin/resume');
  });

  for (const value of ['TRUE', '1', 'yes', '']) {
    test(`dry_run=${value} is not understood, so nothing is done`, async () => {
      assertProblem(await harness.batch([contact(1)], { query: `?dry_run=${value}` }), 'invalid_request');
    });
  }
  test('dry_run given twice is not understood', async () => {
      assertProblem(await harness.batch([contact(1)], { query: '?dry_run=true&dry_run=false' }), 'invalid_request');
    });
  test('more rows than can be explained are refused', async () => {
    assertProblem(await harness.send('POST', '/enrich-batch?dry_run=true', { type: NDJSON, body: '{}\n'.repeat(10_001) }), 'too_many_contacts');
  });
  test('is all it takes: every contact rejected is 200 here', async () => {
    assert.equal((await harness.batch([{}], { query: '?dry_run=true' })).status, 200);
  });
});

describe('texts that stores disagree on', () => {
  for (const [name, text] of [['a lone surrogate', 'A\ud800B'], ['another lone surrogate', 'A\udfffB'], ['NUL', 'A\u0000B']] as const) {
    for (const field of ['first_name', 'email', 'external_crm_id', 'consent_source'] as const) {
      test(`${name} in ${field} rejects its contact and no other`, async () => {
        const answer = await harness.send('POST', '/enrich-batch?dry_run=true', { body: JSON.stringify({ contacts: [contact(700, { [field]: text }), contact(701)] }) });
        const { results } = answer.json<{ results: { outcome: string; errors: Finding[] }[] }>();
        assert.deepEqual(results.map(({ outcome }) => outcome), ['rejected', 'accepted'], answer.text);
        assert.ok(results[0]?.errors.some((error) => error.field === field));
      });
    }
  }
});

test('the answer’s figures count its own batch in', async () => {
  const first = accepted(await harness.batch([contact(800)])).metrics;
  const second = accepted(await harness.batch([contact(801), contact(801), {}])).metrics;
  assert.equal((second['total_processed'] ?? 0) - (first['total_processed'] ?? 0), 2);
  assert.equal((second['total_duplicates'] ?? 0) - (first['total_duplicates'] ?? 0), 1);
});

function* pieces(bytes: Buffer, step: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += step) yield bytes.subarray(at, at + step);
}

/** Sends an upload over a real socket, in pieces, and gives back the answer's text. */
function stream(type: string, body: Iterable<string | Buffer>, query: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = httpRequest(`${harness.service.url}/enrich-batch${query}`, { method: 'POST', headers: { authorization: `Bearer ${SECRETS.all}`, 'content-type': type } }, (answer) => {
      answer.once('close', () => call.destroy());
      answer.setEncoding('utf8').toArray().then((parts) => resolve(parts.join('')), reject);
    });
    call.on('error', reject);
    Readable.from(body, { objectMode: false }).pipe(call);
  });
}

async function fetchText(path: string): Promise<string> {
  return (await fetch(harness.service.url + path)).text();
}
