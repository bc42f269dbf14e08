import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { deriveTimezone, findTimezone } from '../../../src/domain/contact/timezone.ts';
import { zoneNames } from '../../../src/domain/contact/zone-index.ts';
import { parseOffset, zoneWithOffset } from '../../../src/domain/contact/zone-offset.ts';

/** Minutes east of UTC through a year, as the platform's own zone data has them. */
function offsetsOf(zone: string): number[] {
  const format = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' });
  return Array.from({ length: 12 }, (_, month) => {
    const text = format.formatToParts(Date.UTC(2026, month, 15)).find((part) => part.type === 'timeZoneName')?.value ?? '';
    const match = /([+-])(\d\d):(\d\d)/.exec(text);
    return match === null ? 0 : (Number(match[2]) * 60 + Number(match[3])) * (match[1] === '-' ? -1 : 1);
  });
}

test('a zone is read from every kind of name', () => {
  const table: [string, string | undefined, string][] = [
    ['America/New_York', undefined, 'America/New_York'], ['america/new york', undefined, 'America/New_York'], ['US/Pacific', undefined, 'America/Los_Angeles'], ['Asia/Calcutta', undefined, 'Asia/Kolkata'],
    ['W. Europe Standard Time', undefined, 'Europe/Berlin'], ['W. Europe Standard Time', 'AT', 'Europe/Vienna'], ['Eastern Standard Time', 'CA', 'America/Toronto'],
    ['Central European Summer Time', undefined, 'Europe/Paris'], ['Mitteleuropäische Sommerzeit', undefined, 'Europe/Paris'], ['Japan Time', undefined, 'Asia/Tokyo'],
    ['Eastern Time (US & Canada)', undefined, 'America/New_York'], ['Mumbai', undefined, 'Asia/Kolkata'], ['(GMT+05:30) Chennai, Kolkata, Mumbai, New Delhi', undefined, 'Asia/Kolkata'],
    ['(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna', undefined, 'Europe/Amsterdam'], ['(UTC) Coordinated Universal Time', undefined, 'Etc/UTC'],
    ['UTC', undefined, 'Etc/UTC'], ['Z', undefined, 'Etc/UTC'], ['GMT+0800 (CST)', undefined, 'Etc/GMT-8'], ['GMT+0530 (India Standard Time)', undefined, 'Asia/Kolkata'],
    ['PST', undefined, 'America/Los_Angeles'], ['CST', 'CN', 'Asia/Shanghai'], ['CET', 'DE', 'Europe/Berlin'], ['IST', 'IN', 'Asia/Kolkata'], ['IST', 'IL', 'Asia/Jerusalem'], ['GMT', 'GB', 'Europe/London'], ['GMT', undefined, 'Etc/UTC'],
    ['+01:00', undefined, 'Etc/GMT-1'], ['-5', undefined, 'Etc/GMT+5'], ['UTC+5:30', undefined, 'Asia/Kolkata'], ['+01:00', 'DE', 'Europe/Berlin'], ['UTC-11', 'AS', 'Pacific/Pago_Pago'],
  ];
  for (const [raw, country, zone] of table) assert.equal(findTimezone(raw, country)?.zone, zone, `${raw} ${country}`);
});

test('what is no zone, or several, gives none', () => {
  for (const raw of ['', 'blah', 'IST', 'BST', 'CEST', 'Mars/Olympus', '+15:59', '-24', '+3:75', '-03:30', '+4:01', '+12:45', '+0:003', '+135678', 'x'.repeat(300)]) {
    assert.equal(findTimezone(raw), undefined, raw);
  }
});

test('an abbreviation against a country of another clock is a weak guess', () => {
  assert.ok((findTimezone('EST', 'US')?.confidence ?? 0) >= 0.8);
  assert.ok((findTimezone('EST', 'DE')?.confidence ?? 1) < 0.8);
});

test('every zone and link the platform knows is read as a zone with the same clock', () => {
  for (const name of Intl.supportedValuesOf('timeZone')) {
    const zone = findTimezone(name)?.zone;
    assert.ok(zone !== undefined, name);
    if (zone !== name) assert.deepEqual(offsetsOf(zone), offsetsOf(name), name);
  }
});

test('an offset becomes a zone that keeps it all year, or nothing', () => {
  fc.assert(
    fc.property(fc.integer({ min: -14 * 60, max: 15 * 60 }), (minutes) => {
      const text = `${minutes < 0 ? '-' : '+'}${String(Math.trunc(Math.abs(minutes) / 60)).padStart(2, '0')}:${String(Math.abs(minutes) % 60).padStart(2, '0')}`;
      const zone = findTimezone(text)?.zone;
      if (zone !== undefined) assert.ok(offsetsOf(zone).every((offset) => offset === minutes), `${text} ${zone}`);
      else assert.ok(minutes % 60 !== 0 || minutes < -12 * 60 || minutes > 14 * 60, text);
    }),
    { numRuns: 300 },
  );
});

test('offsets are read strictly', () => {
  const table: [string, number | undefined][] = [['+0530', 330], ['-3', -180], ['UTC+13', 780], ['GMT -2:00', -120], ['-0000', 0], ['530', undefined], ['+5:3', undefined], ['+1:60', undefined], ['+99', undefined]];
  for (const [text, minutes] of table) assert.equal(parseOffset(text) ?? undefined, minutes === 0 ? parseOffset(text) : minutes, text);
  assert.equal(Math.abs(parseOffset('-0000') ?? 1), 0);
  assert.equal(zoneWithOffset(-210), undefined);
});

test('a place gives its zone only where its clocks agree', () => {
  const table: [Parameters<typeof deriveTimezone>[0], string | undefined][] = [
    [{ country: 'DE' }, 'Europe/Berlin'], [{ country: 'JP' }, 'Asia/Tokyo'], [{ country: 'CN' }, 'Asia/Shanghai'], [{ country: 'AR' }, 'America/Argentina/Buenos_Aires'],
    [{ country: 'US' }, undefined], [{ country: 'RU' }, undefined], [{ country: 'ES' }, undefined], [{}, undefined],
    [{ country: 'US', state: 'NY' }, 'America/New_York'], [{ country: 'US', state: 'TX' }, undefined], [{ country: 'US', state: 'TX', postalCode: '79901' }, 'America/Denver'],
    [{ country: 'US', postalCode: '94105' }, 'America/Los_Angeles'], [{ country: 'US', state: 'NY', postalCode: '94105' }, undefined], [{ country: 'US', state: 'TX', postalCode: '94105' }, undefined], [{ country: 'US', postalCode: '32501' }, 'America/Chicago'],
    [{ country: 'RU', state: 'CE' }, 'Europe/Moscow'], [{ country: 'RU', state: 'CHE' }, 'Asia/Yekaterinburg'],
    [{ country: 'ES', postalCode: '35001' }, 'Atlantic/Canary'], [{ country: 'CA', state: 'ON', postalCode: 'M5V 3L9' }, 'America/Toronto'],
    [{ phone: '+12125550100' }, 'America/New_York'], [{ phone: '+18505550100' }, undefined], [{ phone: '+4930123456' }, 'Europe/Berlin'], [{ phone: '+79161234567' }, undefined],
    [{ country: 'US', phone: '+12125550100' }, 'America/New_York'], [{ country: 'US', phone: '+4930123456' }, undefined], [{ country: 'US', state: 'TX', phone: '+12125550100' }, undefined],
  ];
  for (const [place, zone] of table) assert.equal(deriveTimezone(place)?.zone, zone, JSON.stringify(place));
});

test('a zone derived from a phone or a state is marked as a guess, and UTC is never derived', () => {
  const zones = [...new Set([...zoneNames().values()].map((zone) => zone.country))];
  for (const country of zones) assert.notEqual(deriveTimezone({ country })?.zone, 'Etc/UTC');
  assert.ok((deriveTimezone({ phone: '+12125550100' })?.confidence ?? 1) < 0.8);
  assert.ok((deriveTimezone({ country: 'US', state: 'NY' })?.confidence ?? 1) < 0.8);
});
