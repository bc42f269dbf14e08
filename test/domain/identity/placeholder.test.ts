import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isPlaceholderEmail, isPlaceholderPhone } from '../../../src/domain/identity/placeholder.ts';

const PLACEHOLDER_EMAILS = [
  'noreply@shop.example', 'no-reply@shop.com', 'do_not_reply@shop.com', 'test@test.com', 'Test@TEST.com', 'none@none.com',
  'none@gmail.com', 'n.a@company.com', 'unknown@acme.org', 'asdf@asdf.com', 'noemail@noemail.com', 'email@email.com',
  'mailer-daemon@acme.org', 'name@domain.com', 'testuser@test.de', 'xxx@xxx.com', 'null@localhost', '@acme.org',
];
const REAL_EMAILS = [
  'ana@example.com', 'test@example.com', 'user1@example.org', 'maria.test@gmail.com', 'info@test-anlagen.de', 'nona@gmail.com',
  'noreply.fan@gmail.com', 'test@acme.org', 'none.smith@acme.org', 'a@b.co', 'ana@test.com', 'nadia@na.com', 'reply@acme.org',
];

test('placeholder addresses', () => {
  assert.deepEqual(PLACEHOLDER_EMAILS.filter((email) => !isPlaceholderEmail(email)), []);
  assert.deepEqual(REAL_EMAILS.filter((email) => isPlaceholderEmail(email)), []);
});

const PLACEHOLDER_PHONES = [
  '+15120000000', '+10000000000', '+15555555555', '+15125555555', '+33123456789', '+4912345678', '+491234567890', '+440123456789',
  '+1987654321', '+15125551212', '+11234567890', '+99999999999',
];
const REAL_PHONES = ['+15125550123', '+14155550100', '+442079460958', '+493012345679', '+4930901820', '+15121234567', '+18004444440', '+61400000001'];

test('placeholder phones', () => {
  assert.deepEqual(PLACEHOLDER_PHONES.filter((phone) => !isPlaceholderPhone(phone)), []);
  assert.deepEqual(REAL_PHONES.filter((phone) => isPlaceholderPhone(phone)), []);
});
