import assert from 'node:assert/strict';
import { test } from 'node:test';
import { classifyValue } from '../../../../src/domain/privacy/pii.ts';
import { NATIONAL_ID_SCHEMES } from '../../../../src/domain/privacy/detectors/national-id-schemes.ts';

/** Specimens that issuing offices and encyclopedias print; none belongs to a person. */
const SPECIMENS: [scheme: string, number: string][] = [
  ['at_svnr', '1237 010180'],
  ['au_tfn', '123 456 782'],
  ['be_nrn', '85.07.30-033.28'],
  ['be_nrn', '85073003328'],
  ['bg_egn', '7523169263'],
  ['br_cpf', '529.982.247-25'],
  ['br_cpf', '52998224725'],
  ['ca_sin', '130 692 544'],
  ['ch_ahv', '756.9217.0769.85'],
  ['cl_rut', '12.531.909-2'],
  ['cl_rut', '12531909-2'],
  ['cn_ric', '11010519491231002X'],
  ['cz_rc', '710319/2745'],
  ['de_rvnr', '15070649C103'],
  ['de_steuer_id', '86 095 742 719'],
  ['dk_cpr', '070761-4285'],
  ['es_nif', '12345678Z'],
  ['es_nie', 'X1234567L'],
  ['fi_hetu', '131052-308T'],
  ['fr_nir', '2 55 08 14 168 025 38'],
  ['hr_oib', '94577403194'],
  ['ie_pps', '6433435F'],
  ['ie_pps', '1234567FA'],
  ['il_id', '516179157'],
  ['in_aadhaar', '3123 4567 8909'],
  ['in_pan', 'ABCPE1234F'],
  ['it_codice_fiscale', 'RSSMRA85T10A562S'],
  ['jp_my_number', '1234 5678 9018'],
  ['kr_rrn', '911124-5678906'],
  ['mx_curp', 'HEGG560427MVZRRL04'],
  ['nl_bsn', '111222333'],
  ['no_fnr', '150219 51940'],
  ['pl_pesel', '44051401458'],
  ['pt_nif', '501442600'],
  ['ro_cnp', '1800101221144'],
  ['se_personnummer', '19900305-2397'],
  ['se_personnummer', '811218-9876'],
  ['sg_nric', 'S0000001I'],
  ['th_tnin', '1234567890121'],
  ['tr_kimlik', '10000000146'],
  ['us_itin', '911-70-1234'],
  ['za_id', '8001015009087'],
];

/** Schemes whose numbers carry no check digit, so that a changed digit can make another valid one. */
const UNCHECKED = new Set(['dk_cpr', 'in_pan', 'us_itin', 'mx_curp', 'de_ausweis', 'kr_rrn']);

function accepts(scheme: string, number: string): boolean {
  return NATIONAL_ID_SCHEMES.filter(({ name }) => name === scheme).some(({ pattern, accepts: check }) => {
    const match = new RegExp(pattern.source, pattern.flags.replace('g', '')).exec(number);
    return match !== null && match[0].length === number.length && check(number.replaceAll(/[^\p{L}\p{N}+-]/gu, '').toUpperCase());
  });
}

for (const [scheme, number] of SPECIMENS) {
  test(`${scheme}: ${number} holds`, () => assert.ok(accepts(scheme, number)));
}

for (const [scheme, number] of SPECIMENS.filter(([name]) => !UNCHECKED.has(name))) {
  test(`${scheme}: ${number} with its last sign changed does not`, () => {
    const last = number.at(-1)!;
    const others = (/\d/.test(last) ? '0123456789' : 'ABCDEFGHIJKLMNOPQRSTUVWXYZ').replace(last, '');
    // A two-letter ending may be weighed in another way than by itself.
    const refused = [...others].filter((other) => !accepts(scheme, number.slice(0, -1) + other));
    assert.ok(refused.length >= others.length - 1, `${refused.length} of ${others.length} refused`);
  });
}

test('every scheme has a specimen', () => {
  const covered = new Set([...SPECIMENS.map(([scheme]) => scheme), 'de_ausweis']);
  assert.deepEqual(NATIONAL_ID_SCHEMES.map(({ name }) => name).filter((name) => !covered.has(name)), []);
});

test('a number of mere digits needs a word beside it', () => {
  const found = (key: string, value: string): boolean => classifyValue(key, value).some((hit) => hit.class === 'NATIONAL_ID');
  for (const [, number] of SPECIMENS.filter(([, each]) => /^\d+$/.test(each))) {
    assert.equal(found('note', number), false, number);
  }
  assert.equal(found('pesel', '44051401458'), true);
  assert.equal(found('note', 'PESEL 44051401458'), true);
  assert.equal(found('oib', '94577403194'), true);
  assert.equal(found('national_id', '94577403194'), false);
});
