import { normalizeEmail } from '../contact/email.ts';
import { normalizePhone } from '../contact/phone.ts';
import { tidyIdentifier } from '../contact/text.ts';
import { CodedError } from '../errors.ts';
import type { SubjectQuery } from '../ports/record-store.ts';

/**
 * A subject in the form in which people are found. Coded error: `invalid_request` where an identifier cannot be read.
 *
 * @param country ISO 3166-1 alpha-2, by which a phone without its country code is read.
 */
export function canonicalSubject(subject: SubjectQuery, country?: string): SubjectQuery {
  const canonical: SubjectQuery = {};
  if (subject.email !== undefined) {
    const email = normalizeEmail(subject.email);
    if (!email.ok) throw invalid('email', 'not an e-mail address');
    canonical.email = email.email;
  }
  if (subject.phone !== undefined) {
    const phone = normalizePhone(subject.phone, country);
    if (!phone.ok) throw invalid('phone', 'not a phone number with its country code');
    canonical.phone = phone.e164;
  }
  const externalId = tidyIdentifier(subject.external_crm_id ?? '');
  if (externalId !== '') canonical.external_crm_id = externalId;
  if (Object.keys(canonical).length === 0) throw invalid('email', 'an identifier is required');
  return canonical;
}

/** Reads an `X-Subject` header: an e-mail or a phone number. Coded error: `invalid_request`. */
export function subjectOfHeader(value: string): SubjectQuery {
  return canonicalSubject(value.includes('@') ? { email: value } : { phone: value });
}

function invalid(field: string, message: string): CodedError {
  return new CodedError('invalid_request', `The subject cannot be read: ${message}.`, { errors: [{ field, code: 'invalid_identifier', message }] });
}
