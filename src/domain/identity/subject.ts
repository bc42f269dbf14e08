import { normalizeEmail } from '../contact/email.ts';
import { normalizePhone } from '../contact/phone.ts';
import { CodedError } from '../errors.ts';
import type { SubjectQuery } from '../ports/record-store.ts';

/** A subject in the form in which people are found. Coded error: `invalid_request` where an identifier cannot be read. */
export function canonicalSubject(subject: SubjectQuery): SubjectQuery {
  const canonical: SubjectQuery = {};
  if (subject.email !== undefined) {
    const email = normalizeEmail(subject.email);
    if (!email.ok) throw invalid('email', 'not an e-mail address');
    canonical.email = email.email;
  }
  if (subject.phone !== undefined) {
    const phone = normalizePhone(subject.phone);
    if (!phone.ok) throw invalid('phone', 'not a phone number with its country code');
    canonical.phone = phone.e164;
  }
  if (subject.external_crm_id !== undefined && subject.external_crm_id.trim() !== '') canonical.external_crm_id = subject.external_crm_id.trim();
  if (Object.keys(canonical).length === 0) throw invalid('email', 'one of email, phone, external_crm_id is required');
  return canonical;
}

/** Reads an `X-Subject` header: an e-mail or a phone number. Coded error: `invalid_request`. */
export function subjectOfHeader(value: string): SubjectQuery {
  return canonicalSubject(value.includes('@') ? { email: value } : { phone: value });
}

function invalid(field: string, message: string): CodedError {
  return new CodedError('invalid_request', `The subject cannot be read: ${message}.`, { errors: [{ field, code: 'invalid_identifier', message }] });
}
