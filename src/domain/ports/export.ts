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

/** What the services need from a receiver that must hear of erasures. */
export interface ErasureNoticePort {
  /**
   * Says that a person was erased and must be erased there too: the id under which it was exported, and no more.
   *
   * @param id stored before the first attempt, the same on each repetition.
   */
  tellErased(person: { external_id: string; erased_at: string }, id: string): Promise<ExportOutcome>;
}
