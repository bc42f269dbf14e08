import { emptyConsent, joinConsent } from '../../../domain/consent/consent-state.ts';
import type { ConsentState } from '../../../domain/consent/consent-state.ts';
import { CHANNELS } from '../../../domain/contact/types.ts';
import type { Channel } from '../../../domain/contact/types.ts';
import type { Context } from '../context.ts';

/** Whether any withdrawal is kept by an identifier: while there is none, nobody needs to be looked up. */
export function isAnythingWithdrawn({ db }: Context): boolean {
  return db.get('SELECT 1 AS one FROM withdrawals LIMIT 1') !== undefined;
}

/** Keeps a withdrawal under the identifier that it named, for whoever comes to bear it; the newest counts. */
export function keepWithdrawal({ db }: Context, hash: Uint8Array, channels: readonly Channel[], now: number): void {
  db.run(
    `INSERT INTO withdrawals (hash, email, sms, phone) VALUES (?, ?, ?, ?)
     ON CONFLICT (hash) DO UPDATE SET
       email = coalesce(max(email, excluded.email), email, excluded.email),
       sms   = coalesce(max(sms, excluded.sms), sms, excluded.sms),
       phone = coalesce(max(phone, excluded.phone), phone, excluded.phone)`,
    hash,
    ...CHANNELS.map((channel) => (channels.includes(channel) ? now : null)),
  );
}

/** What was withdrawn under any of these identifiers; undefined when nothing was. */
export function withdrawnUnder({ db }: Context, hashes: readonly Uint8Array[]): ConsentState | undefined {
  let withdrawn: ConsentState | undefined;
  for (const hash of hashes) {
    const row = db.get<Record<Channel, number | null>>('SELECT email, sms, phone FROM withdrawals WHERE hash = ?', hash);
    if (row === undefined) continue;
    const state = emptyConsent();
    for (const channel of CHANNELS) {
      const refusedAt = row[channel];
      if (refusedAt !== null) state[channel] = { refusedAt };
    }
    withdrawn = withdrawn === undefined ? state : joinConsent(withdrawn, state);
  }
  return withdrawn;
}
