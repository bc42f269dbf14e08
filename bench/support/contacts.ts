const STREETS = ['Main St', 'Oak Ave', 'Maple Dr', 'Cedar Ln', 'Pine St', 'Elm St'];
const CITIES = [['Austin', 'TX', '78701'], ['Denver', 'CO', '80202'], ['Chicago', 'IL', '60601'], ['Seattle', 'WA', '98101']] as const;
const NAMES = ['Ana', 'Ben', 'Cleo', 'Dan', 'Eva', 'Finn', 'Gus', 'Hana'];

/** A contact of about 450 bytes as a CRM exports it; the number makes it somebody of their own. */
export function contact(n: number): Record<string, unknown> {
  const [city, state, zip] = CITIES[n % CITIES.length]!;
  const line = String(2_000_000 + (n % 8_000_000));
  return {
    email: `Person.${n}@example.com`,
    phone: `(512) ${line.slice(0, 3)}-${line.slice(3)}`,
    first_name: NAMES[n % NAMES.length],
    last_name: `Surname${n}`,
    address1: `${1 + (n % 999)} ${STREETS[n % STREETS.length]}`,
    city,
    state,
    postal_code: zip,
    country: 'United States',
    timezone: 'America/Chicago',
    consent_to_email: true,
    consent_to_sms: n % 3 === 0,
    consent_to_phone: true,
    consent_date: '2026-03-01T10:00:00Z',
    consent_source: 'web form',
    external_crm_id: `crm-${n}`,
    communication_preferences: { preferred_channel: 'email', frequency: 'weekly' },
    updated_at: '2026-10-01T08:00:00Z',
  };
}
