import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseAddress } from '../../../../src/domain/contact/address.ts';

type Parts = { street?: string; unit?: string; city?: string; state?: string; zip?: string; to?: string };

function read(line: string): Parts {
  const parsed = parseAddress(line, 'US');
  const parts: Parts = { street: parsed?.address1, unit: parsed?.address2, city: parsed?.city, state: parsed?.state, zip: parsed?.postal_code, to: parsed?.recipient };
  return Object.fromEntries(Object.entries(parts).filter(([, text]) => text !== undefined));
}

const cases: Record<string, [line: string, parts: Parts][]> = {
  'commas or none': [
    ['15 Elm Street, Denver, CO 80203', { street: '15 Elm Street', city: 'Denver', state: 'CO', zip: '80203' }],
    ['15 elm street denver co 80203', { street: '15 elm street', city: 'denver', state: 'CO', zip: '80203' }],
    ['15 Elm Street\nDenver CO 80203-1102', { street: '15 Elm Street', city: 'Denver', state: 'CO', zip: '80203-1102' }],
    ['900 Ocean Dr Long Beach, California 90802', { street: '900 Ocean Dr', city: 'Long Beach', state: 'CA', zip: '90802' }],
    ['18 Fulton Grand Rapids MI 49503', { street: '18 Fulton', city: 'Grand Rapids', state: 'MI', zip: '49503' }],
    ['Elm Street, Denver, CO 80203', { street: 'Elm Street', city: 'Denver', state: 'CO', zip: '80203' }],
  ],
  'Saint and Street': [
    ['40 Market St St Louis MO 63101', { street: '40 Market St', city: 'St Louis', state: 'MO', zip: '63101' }],
    ['40 Industrial Park St. Louis MO 63101', { street: '40 Industrial Park', city: 'St. Louis', state: 'MO', zip: '63101' }],
    ['12 Oak Trace St. Simons Island GA 31522', { street: '12 Oak Trace', city: 'St. Simons Island', state: 'GA', zip: '31522' }],
  ],
  directions: [
    ['6 N Dixie Hwy West Palm Beach FL 33405', { street: '6 N Dixie Hwy', city: 'West Palm Beach', state: 'FL', zip: '33405' }],
    ['6 Plaza Rd N Fair Lawn NJ 07410', { street: '6 Plaza Rd N', city: 'Fair Lawn', state: 'NJ', zip: '07410' }],
    ['44 39th Terrace North Tampa FL 33602', { street: '44 39th Terrace North', city: 'Tampa', state: 'FL', zip: '33602' }],
    ['70 Lee Road, N.W. Atlanta, GA 30303', { street: '70 Lee Road N.W.', city: 'Atlanta', state: 'GA', zip: '30303' }],
    ['70 First St., SE, Washington, DC 20003', { street: '70 First St. SE', city: 'Washington', state: 'DC', zip: '20003' }],
    ['500 South 300 West, Salt Lake City, UT 84101', { street: '500 South 300 West', city: 'Salt Lake City', state: 'UT', zip: '84101' }],
    ['9 North St, Utica, NY 13502', { street: '9 North St', city: 'Utica', state: 'NY', zip: '13502' }],
  ],
  units: [
    ['8 Hill Ave Apt 4B, Austin, TX 78701', { street: '8 Hill Ave', unit: 'Apt 4B', city: 'Austin', state: 'TX', zip: '78701' }],
    ['8 Hill Ave # 12 Austin TX 78701', { street: '8 Hill Ave', unit: '# 12', city: 'Austin', state: 'TX', zip: '78701' }],
    ['8 Hill Ave #12 Austin TX 78701', { street: '8 Hill Ave', unit: '#12', city: 'Austin', state: 'TX', zip: '78701' }],
    ['8 Hill Ave, 3rd Floor, Room 12, Austin, TX 78701', { street: '8 Hill Ave', unit: '3rd Floor Room 12', city: 'Austin', state: 'TX', zip: '78701' }],
    ['Apt 2 8 E Hill Ave Austin TX 78701', { street: '8 E Hill Ave', unit: 'Apt 2', city: 'Austin', state: 'TX', zip: '78701' }],
    ['8 Hill Ave 600, Austin, TX 78701', { street: '8 Hill Ave', unit: '600', city: 'Austin', state: 'TX', zip: '78701' }],
    ['8 Front St Unit 5 Austin TX 78701', { street: '8 Front St', unit: 'Unit 5', city: 'Austin', state: 'TX', zip: '78701' }],
  ],
  boxes: [
    ['PO Box 88, Reno, NV 89501', { street: 'PO Box 88', city: 'Reno', state: 'NV', zip: '89501' }],
    ['p.o.box 88 reno nv 89501', { street: 'p.o.box 88', city: 'reno', state: 'NV', zip: '89501' }],
    ['RR 2 Box 15 Salem IL 62881', { street: 'RR 2 Box 15', city: 'Salem', state: 'IL', zip: '62881' }],
    ['dept 40 po box 88 reno nv 89501', { street: 'po box 88', unit: 'dept 40', city: 'reno', state: 'NV', zip: '89501' }],
    ['5 Hill Rd, POB 12, Reno, NV 89501', { street: '5 Hill Rd', unit: 'POB 12', city: 'Reno', state: 'NV', zip: '89501' }],
    ['12 Strong Box, Reno, NV 89501', { street: '12 Strong Box', city: 'Reno', state: 'NV', zip: '89501' }],
  ],
  'highways and lettered streets': [
    ['77 County Road ZZ, Lodi, WI 53555', { street: '77 County Road ZZ', city: 'Lodi', state: 'WI', zip: '53555' }],
    ['77 FM 998 Dalhart TX 79022', { street: '77 FM 998', city: 'Dalhart', state: 'TX', zip: '79022' }],
    ['77 W Ave K Lancaster CA 93536', { street: '77 W Ave K', city: 'Lancaster', state: 'CA', zip: '93536' }],
    ['77 US Highway 19 N Palm Harbor FL 34684', { street: '77 US Highway 19 N', city: 'Palm Harbor', state: 'FL', zip: '34684' }],
  ],
  'house numbers': [
    ['12-14 Elm St, Troy, NY 12180', { street: '12-14 Elm St', city: 'Troy', state: 'NY', zip: '12180' }],
    ['12 1/2 Elm St, Troy, NY 12180', { street: '12 1/2 Elm St', city: 'Troy', state: 'NY', zip: '12180' }],
    ['N79W5406 Elm Ln Cedarburg, WI 53012', { street: 'N79W5406 Elm Ln', city: 'Cedarburg', state: 'WI', zip: '53012' }],
    ['One Dana Place, Troy, NY 12180', { street: 'One Dana Place', city: 'Troy', state: 'NY', zip: '12180' }],
  ],
  recipients: [
    ['Jane Roe, 5 Elm St, Troy, NY 12180', { street: '5 Elm St', city: 'Troy', state: 'NY', zip: '12180', to: 'Jane Roe' }],
    ['Jane Roe 5 Elm St Troy NY 12180', { street: '5 Elm St', city: 'Troy', state: 'NY', zip: '12180', to: 'Jane Roe' }],
    ['c/o Mary Major 5 Elm St Troy NY 12180', { street: '5 Elm St', city: 'Troy', state: 'NY', zip: '12180', to: 'c/o Mary Major' }],
    ['5 Elm St Oak Lofts, Troy, NY 12180', { street: '5 Elm St', city: 'Troy', state: 'NY', zip: '12180', to: 'Oak Lofts' }],
  ],
  'state and ZIP': [
    ['5 Elm St, Troy, N.Y. 12180.', { street: '5 Elm St', city: 'Troy', state: 'NY', zip: '12180' }],
    ['5 Elm St, Boston, MA 2108', { street: '5 Elm St', city: 'Boston', state: 'MA', zip: '02108' }],
    ['5 Elm St, Troy, NY 121801234', { street: '5 Elm St', city: 'Troy', state: 'NY', zip: '12180-1234' }],
    ['5 Elm St, Portland, Oregon, 97212 4321', { street: '5 Elm St', city: 'Portland', state: 'OR', zip: '97212-4321' }],
    ['5 Elm St, New York, NY 10010', { street: '5 Elm St', city: 'New York', state: 'NY', zip: '10010' }],
    ['5 Elm St, New York 10010', { street: '5 Elm St', city: 'New York', state: 'NY', zip: '10010' }],
    ['5 Elm St, Washington D.C. 20500 United States of America', { street: '5 Elm St', city: 'Washington', state: 'DC', zip: '20500' }],
    ['5 Elm St ca long beach 90802', { street: '5 Elm St', city: 'long beach', state: 'CA', zip: '90802' }],
    ['5 Elm St, Troy, NY', { street: '5 Elm St', city: 'Troy', state: 'NY' }],
  ],
};

for (const [name, rows] of Object.entries(cases)) {
  describe(name, () => {
    for (const [line, parts] of rows) it(line.replaceAll('\n', ' / '), () => assert.deepEqual(read(line), parts));
  });
}

describe('confidence', () => {
  const confidence = (line: string): number => parseAddress(line, 'US')?.confidence ?? -1;
  it('is full where commas part street, city and a state that its ZIP agrees with', () => assert.equal(confidence('5 Elm St, Troy, NY 12180'), 1));
  it('makes a guess of a ZIP of another state', () => assert.ok(confidence('5 Elm St, Troy, NY 90802') < 0.8));
  it('makes a guess of a ZIP that is none', () => assert.ok(confidence('5 Elm St, Santa Fe, NM 8750') < 0.8));
  it('makes a guess of a line without ZIP', () => assert.ok(confidence('5 Elm St, Troy, NY') < 0.8));
});
