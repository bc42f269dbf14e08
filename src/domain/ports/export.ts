/** A confirmed contact as marketing sees it: these four fields, and no others. */
export type ExportContact = {
  external_id: string;
  email: string;
  consent_status: string;
  /** ISO 8601. */
  merged_at: string;
};

export type ExportOutcome =
  | { kind: 'delivered' }
  /** Nothing is lost: the same export, under the same id, may succeed later. */
  | { kind: 'retry'; reason: string; retryAfterMs?: number }
  /** The receiver refuses this very message (or says that it is gone); the same again would be refused again. */
  | { kind: 'rejected'; reason: string };

/** What the services need from a receiver of confirmed contacts. */
export interface ExportPort {
  /**
   * Sends confirmed contacts.
   *
   * @param contacts only people with consent to e-mail.
   * @param id stored before the first attempt, the same on each repetition: receivers de-duplicate by it.
   */
  send(contacts: readonly ExportContact[], id: string): Promise<ExportOutcome>;
}
