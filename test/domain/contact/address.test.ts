import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseAddress } from '../../../src/domain/contact/address.ts';
import type { ParsedAddress } from '../../../src/domain/contact/address/parsed-address.ts';
import { cpuMs } from '../../support/cpu-time.ts';

type Parts = Partial<ParsedAddress>;

/** The parts alone, in the order of the contract, absent ones left out. */
function partsOf(line: string, country?: string): Parts | undefined {
  const parsed = parseAddress(line, country);
  if (!parsed) return undefined;
  const { rule: _rule, confidence: _confidence, ...parts } = parsed;
  return parts;
}

describe('which country a line is of', () => {
  const cases: [line: string, given: string | undefined, country: string | undefined][] = [
    ['77 Beacon St, Boston, MA 02108', undefined, 'US'],
    ['77 Beacon St, Boston, MA 02108, USA', undefined, 'US'],
    ['Hauptstraße 5, 10115 Berlin, Germany', undefined, 'DE'],
    ['Hauptstraße 5, 10115 Berlin, Deutschland', undefined, 'DE'],
    ['Hauptstraße 5, 10115 Berlin, DE', undefined, 'DE'],
    ['Hauptstraße 5, D-10115 Berlin', undefined, 'DE'],
    ['12 Baker Street, London NW1 6XE', undefined, 'GB'],
    ['99 Bank Street, Ottawa, ON K1P 1H4', undefined, 'CA'],
    ['Rua Augusta 10, 1100-053 Lisboa', undefined, 'PT'],
    ['Keizersgracht 1, 1015 CJ Amsterdam', undefined, 'NL'],
    ['3 Rustaveli Ave, 0108 Tbilisi, Georgia', undefined, 'GE'],
    ['Orchard Rd 1, Singapore 238823', undefined, 'SG'],
    ['10 Rue Victor Hugo, 97100 Basse-Terre, Guadeloupe, France', undefined, 'GP'],
    ['14 King William St, Adelaide SA 5000', 'AU', 'AU'],
    ['10 St Georges Tce, Perth WA 6000', 'AU', 'AU'],
    ['Hauptstraße 5, 10115 Berlin', undefined, undefined],
    ['somewhere over the rainbow', undefined, undefined],
    ['', undefined, undefined],
  ];
  for (const [line, given, country] of cases) {
    it(`${line || 'nothing'} → ${country ?? 'none'}`, () => assert.equal(parseAddress(line, given)?.country, country));
  }

  it('lets the country that the source gave win over the one in the line', () => {
    assert.equal(parseAddress('Hauptstraße 5, 10115 Berlin, Germany', 'AT')?.country, 'AT');
    assert.equal(parseAddress('77 Beacon St, Boston, MA 02108, USA', 'CA')?.country, 'CA');
    assert.equal(parseAddress('12 Rue de Rome, 75008 Paris, France', 'US')?.country, 'US');
  });

  it('marks a country that was taken from the shape of the code as a guess', () => {
    assert.ok((parseAddress('Keizersgracht 1, 1015 CJ Amsterdam')?.confidence ?? 1) < 0.8);
    assert.ok((parseAddress('Keizersgracht 1, 1015 CJ Amsterdam, Netherlands')?.confidence ?? 0) >= 0.8);
  });
});

describe('addresses of other countries', () => {
  const cases: [line: string, country: string, parts: Parts][] = [
    ['Lindenweg 12, 80331 München, Deutschland', 'DE', { address1: 'Lindenweg 12', city: 'München', postal_code: '80331' }],
    ['ACME GmbH, Lindenweg 12, D-80331 München', 'DE', { address1: 'Lindenweg 12', city: 'München', postal_code: '80331', recipient: 'ACME GmbH' }],
    ['Kaiserallee 7 76133 Karlsruhe', 'DE', { address1: 'Kaiserallee 7', city: 'Karlsruhe', postal_code: '76133' }],
    ['4 rue Pasteur\n69007 Lyon\nFrance', 'FR', { address1: '4 rue Pasteur', city: 'Lyon', postal_code: '69007' }],
    ['221B Baker Street, London, NW1 6XE, UK', 'GB', { address1: '221B Baker Street', city: 'London', postal_code: 'NW1 6XE' }],
    ['Flat 3, 9 Mill Lane, Cambridge CB2 1RX', 'GB', { address1: '9 Mill Lane', address2: 'Flat 3', city: 'Cambridge', postal_code: 'CB2 1RX' }],
    ['Calle Mayor, 8, 28013 Madrid, Spain', 'ES', { address1: 'Calle Mayor 8', city: 'Madrid', postal_code: '28013' }],
    ['Av. Paulista, 1578, São Paulo - SP, 01310-200, Brazil', 'BR', { address1: 'Av. Paulista 1578', city: 'São Paulo', state: 'SP', postal_code: '01310-200' }],
    ['Via Roma 1, 10121 Torino TO, Italia', 'IT', { address1: 'Via Roma 1', city: 'Torino', state: 'TO', postal_code: '10121' }],
    ['14 King William St, Adelaide SA 5000, Australia', 'AU', { address1: '14 King William St', city: 'Adelaide', state: 'SA', postal_code: '5000' }],
    ['190000, Санкт-Петербург, Невский проспект 1, Россия', 'RU', { address1: 'Невский проспект 1', city: 'Санкт-Петербург', postal_code: '190000' }],
    ['Drottninggatan 5, 111 51 Stockholm Sweden', 'SE', { address1: 'Drottninggatan 5', city: 'Stockholm', postal_code: '111 51' }],
    ['8 Queen St, Auckland 1010, New Zealand', 'NZ', { address1: '8 Queen St', city: 'Auckland', postal_code: '1010' }],
    ['شارع التحرير، القاهرة، 11511، مصر', 'EG', { address1: 'شارع التحرير', city: 'القاهرة', postal_code: '11511' }],
    ['P.O. Box 77, Kigali, Rwanda', 'RW', { address1: 'P.O. Box 77', city: 'Kigali' }],
  ];
  for (const [line, country, parts] of cases) {
    it(line.replaceAll('\n', ' / '), () => assert.deepEqual(partsOf(line, country), { ...parts, country }));
  }
});

describe('any line', () => {
  const word = fc.oneof(
    fc.constantFrom('12', '12B', '#', 'Apt', 'Main', 'St', 'Ave', 'N', 'PO', 'Box', 'New', 'York', 'NY', '10001', '97212-4321', 'attn', 'c/o', 'Suite', 'floor', 'rr', 'USA', 'Germany', '10115', 'Berlin', '½', '〒'),
    fc.string({ unit: 'binary', maxLength: 12 }),
  );
  const line = fc.array(fc.tuple(word, fc.constantFrom(' ', ', ', '\n')), { maxLength: 30 }).map((parts) => parts.flat().join(''));
  const country = fc.constantFrom(undefined, 'US', 'DE', 'GB', 'JP', 'HK', 'SG', 'XX');

  it('gives a country and a confidence, or nothing, and never throws', () => {
    fc.assert(
      fc.property(line, country, (text, given) => {
        const parsed = parseAddress(text, given);
        if (parsed === undefined) return;
        assert.equal(parsed.country, given ?? parsed.country);
        assert.ok(parsed.confidence >= 0 && parsed.confidence <= 1);
        for (const part of Object.values(parsed)) assert.notEqual(part, '');
      }),
      { numRuns: 400 },
    );
  });

  it('invents no words: each word of street, unit and recipient stands in the line', () => {
    fc.assert(
      fc.property(line, country, (text, given) => {
        const parsed = parseAddress(text, given);
        const plain = text.replace(/\p{Cf}/gu, '').normalize('NFC');
        for (const part of [parsed?.address1, parsed?.address2, parsed?.recipient]) {
          for (const one of part?.split(/[\s,]+/u).filter(Boolean) ?? []) assert.ok(plain.includes(one.normalize('NFC')), one);
        }
      }),
      { numRuns: 400, examples: [['〡\u{E0020} 12 ', 'US']] },
    );
  });

  it('takes time in proportion to its length', () => {
    const cost = (length: number): number => {
      const text = '12 Main St # 4 Floor PO Box 7, '.repeat(Math.ceil(length / 31)).slice(0, length);
      const start = cpuMs();
      for (let round = 0; round < 60; round += 1) for (const given of ['US', 'DE', undefined]) parseAddress(text, given);
      return cpuMs() - start;
    };
    cost(8_000);
    assert.ok(cost(32_000) < (cost(8_000) + 5) * 10);
  });
});
