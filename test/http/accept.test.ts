import assert from 'node:assert/strict';
import { test } from 'node:test';
import { preferredType } from '../../src/http/accept.ts';

const OFFERED = ['text/plain', 'application/json', 'text/csv'] as const;

const CASES: readonly [accept: string | undefined, wanted: (typeof OFFERED)[number]][] = [
  [undefined, 'text/plain'],
  ['', 'text/plain'],
  ['*/*', 'text/plain'],
  ['application/json', 'application/json'],
  ['Application/JSON; charset=utf-8', 'application/json'],
  ['application/json, text/plain, */*', 'application/json'],
  ['text/plain, application/json', 'text/plain'],
  ['text/plain, application/json;q=0.5', 'text/plain'],
  ['text/csv;q=0.1, application/json;q=0.2', 'application/json'],
  ['application/json;q=0', 'text/plain'],
  ['*/*, text/plain;q=0', 'application/json'],
  ['*/*;q=0.1, text/csv', 'text/csv'],
  ['text/*', 'text/plain'],
  ['text/*;q=0.5, application/*', 'application/json'],
  ['*/*, text/csv', 'text/csv'],
  ['application/json;q=nonsense', 'text/plain'],
  ['text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8', 'text/plain'],
  ['application/openmetrics-text;version=1.0.0, text/plain;version=0.0.4;q=0.5, */*;q=0.1', 'text/plain'],
  ['application/jsonp, text/csvx', 'text/plain'],
];

for (const [accept, wanted] of CASES) {
  test(`Accept ${accept}: ${wanted}`, () => assert.equal(preferredType(accept, OFFERED), wanted));
}
