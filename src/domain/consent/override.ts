/** Longest reason that is kept. */
const REASON_MAX_CHARS = 500;

/**
 * Reads `gdpr_consent_override` of a contact: undefined when it is not asked for, the reason when one is given
 * (`{"reason": "…"}`, or the reason as text). A bare `true` asks and gives none.
 */
export function readOverride(raw: unknown): { reason: string | undefined } | undefined {
  if (typeof raw !== 'object' || raw === null) return undefined;
  const asked = (raw as Record<string, unknown>)['gdpr_consent_override'];
  if (asked === undefined || asked === null || asked === false || asked === '' || asked === 'false') return undefined;
  const given = typeof asked === 'object' ? (asked as Record<string, unknown>)['reason'] : asked;
  const text = typeof given === 'string' && given !== 'true' ? given.trim().slice(0, REASON_MAX_CHARS) : '';
  return { reason: text === '' ? undefined : text };
}
