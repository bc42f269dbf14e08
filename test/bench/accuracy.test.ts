import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { topics as addresses } from '../../bench/accuracy/addresses.ts';
import { topics as countries } from '../../bench/accuracy/countries.ts';
import { topics as phones } from '../../bench/accuracy/phones.ts';
import { topics as pii } from '../../bench/accuracy/pii.ts';
import { topics as postal } from '../../bench/accuracy/postal.ts';
import { topics as subdivisions } from '../../bench/accuracy/subdivisions.ts';
import { topics as timezones } from '../../bench/accuracy/timezones.ts';

const FIXTURES = join(import.meta.dirname, '../fixtures');
const CASES_MIN = 30;

for (const topic of [...addresses, ...countries, ...phones, ...pii, ...postal, ...subdivisions, ...timezones]) {
  const ways = [['the rule alone', topic.rule], ...(topic.whole === undefined ? [] : [['a whole contact', topic.whole]] as const)] as const;
  for (const [way, run] of ways) {
    test(`${topic.name}, ${way}: the cases of others come out right at the target`, () => {
      const { right, total, wrong } = run(FIXTURES);
      assert.ok(total >= CASES_MIN, `only ${total} cases`);
      assert.ok(right / total >= topic.target, `${right} of ${total}\n${wrong.join('\n')}`);
    });
  }
}
