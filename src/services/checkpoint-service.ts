import type { KeyObject } from 'node:crypto';
import { formatCheckpoint, parseVerifierKey, signNote } from '../domain/audit/checkpoint.ts';
import type { VerifierKey } from '../domain/audit/checkpoint.ts';
import { discontinuity, readTrusted } from '../domain/audit/continuity.ts';
import type { Discontinuity } from '../domain/audit/continuity.ts';
import { CodedError } from '../domain/errors.ts';
import type { CheckpointFile, CheckpointState, CheckpointStore, KeyReplacement, SignedHead } from '../domain/ports/checkpoints.ts';
import type { Clock } from '../domain/ports/clock.ts';
import type { AuditStore, AuditTree } from '../domain/ports/record-store.ts';

/** Signed this often while something changes, */
const INTERVAL_MS = 60_000;
/** and as soon as this many entries are new. */
const NEW_ENTRIES_MAX = 1000;

/** Under which name and key the log is signed. */
export type LogSigner = {
  origin: string;
  privateKey: KeyObject;
  /** Verifier keys, the one in use first. */
  verifierKeys: readonly string[];
  /** Those among them that took over without a signature of the key before. */
  replacements: readonly KeyReplacement[];
};

/** Why nothing is signed any more: the trail is not what was signed before, or a check of its entries failed. */
export type IntegrityFault = Discontinuity | 'damaged';
export type Integrity = { ok: true } | { ok: false; reason: IntegrityFault };

export type CheckpointOptions = {
  store: Pick<CheckpointStore, 'checkpointState' | 'recordCheckpoint'> & Pick<AuditStore, 'auditProof'>;
  file: CheckpointFile;
  signer: LogSigner;
  clock: Clock;
  events: {
    checkpointSigned(head: SignedHead): void;
    checkpointFileMissing(size: number): void;
    integrityLost(fault: { reason: IntegrityFault; signed?: number; size?: number; sequence?: number }): void;
  };
  /** Told of every new checkpoint once it is kept. */
  onSigned(head: SignedHead): void;
  onError(error: unknown, where: string): void;
  /** Asks for a run at a time, epoch ms. */
  schedule(at: number): void;
};

/**
 * Signs heads of the audit tree. Before a signature the tree must go on from the checkpoint before it; if it does
 * not, nothing is signed until a start that finds it mended: the fault stays visible, and nothing is repaired here.
 */
export class CheckpointService {
  readonly #options: CheckpointOptions;
  readonly #trusted: readonly VerifierKey[];
  #last: SignedHead | null = null;
  #fault: IntegrityFault | undefined;
  #quietAt = 0;
  #isAskedFor = false;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: CheckpointOptions) {
    this.#options = options;
    this.#trusted = options.signer.verifierKeys.map(parseVerifierKey);
  }

  /** Holds the tree against what was signed before the start: the store's newest checkpoint, and the one kept apart from it. */
  async open(): Promise<void> {
    const { store, file, events } = this.#options;
    const state = await store.checkpointState();
    this.#quietAt = state.quietAt;
    const kept = await file.read();
    if (kept === null && state.last !== null) events.checkpointFileMissing(state.last.size);
    for (const note of [kept, state.last?.note ?? null]) {
      if (note === null) continue;
      const head = readTrusted(note, this.#trusted);
      const reason = head === undefined ? 'not_signed' : await this.#against(head, state.tree);
      if (reason !== undefined) this.reportFault({ reason, ...(head === undefined ? {} : { signed: head.size }), size: state.tree.size });
      // What was signed stays the measure, also where the tree does not go on from it.
      if (head !== undefined && head.size > (this.#last?.size ?? -1)) this.#last = { size: head.size, note };
    }
  }

  integrity(): Integrity {
    return this.#fault === undefined ? { ok: true } : { ok: false, reason: this.#fault };
  }

  /** Verifier keys, the one in use first. */
  get verifierKeys(): readonly string[] {
    return this.#options.signer.verifierKeys;
  }

  get replacements(): readonly KeyReplacement[] {
    return this.#options.signer.replacements;
  }

  /** The newest checkpoint as this process knows it, whatever the store says by now. */
  get last(): SignedHead | null {
    return this.#last;
  }

  /** Signs a text that ends in a newline with the key of the log, as a C2SP signed note. */
  sign(text: string): string {
    const { origin, privateKey } = this.#options.signer;
    return signNote(text, origin, privateKey);
  }

  /** Marks the trail as not to be relied on, says so once, and signs nothing more. */
  reportFault(fault: { reason: IntegrityFault; signed?: number; size?: number; sequence?: number }): void {
    if (this.#fault !== undefined) return;
    this.#fault = fault.reason;
    this.#options.events.integrityLost(fault);
  }

  /** Entries were committed and the tree has this size now. */
  grown(size: number): void {
    if (this.#isAskedFor || size - this.#quietAt < NEW_ENTRIES_MAX) return;
    this.#isAskedFor = true;
    this.#options.schedule(this.#options.clock.now());
  }

  /** The checkpoint of the moment: signs one if there is anything new, and asks for the next look. */
  async run(): Promise<void> {
    this.#isAskedFor = false;
    try {
      if (this.#fault === undefined) await this.#inTurn(() => this.#advance(true));
    } finally {
      this.#options.schedule(this.#options.clock.now() + INTERVAL_MS);
    }
  }

  /** A checkpoint over all that is in the trail now. Asking adds nothing to the trail. Coded error: `audit_integrity`. */
  async current(): Promise<SignedHead> {
    const head = this.#fault === undefined ? await this.#inTurn(() => this.#advance(false)) : null;
    if (head === null) throw new CodedError('audit_integrity', `Nothing is signed: the trail does not go on from its last checkpoint (${this.#fault}).`);
    return head;
  }

  /** Signs what is new, a last time. */
  async stop(): Promise<void> {
    if (this.#fault !== undefined) return;
    await this.#inTurn(() => this.#advance(true)).catch((error: unknown) => this.#options.onError(error, 'last checkpoint'));
  }

  /** One at a time, so that each checkpoint is compared with the one before it. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#turn.then(work);
    this.#turn = run.catch(() => undefined);
    return run;
  }

  async #advance(inTrail: boolean): Promise<SignedHead | null> {
    const { store, file, clock, events, onSigned } = this.#options;
    const state = await store.checkpointState();
    if (!this.#isDue(state, inTrail)) return this.#last;
    if (this.#last !== null && (await this.#breaks(this.#last, state.tree))) return null;
    const { size, root } = state.tree;
    const isNew = this.#last?.size !== size;
    const head = isNew ? { size, note: this.sign(formatCheckpoint(this.#options.signer.origin, size, root)) } : this.#last!;
    await store.recordCheckpoint({ head, rootHash: Buffer.from(root).toString('base64'), inTrail, now: clock.now() });
    this.#last = head;
    // An entry of its own follows the checkpoint; what came between is new to the next one.
    if (inTrail) this.#quietAt = size + 1;
    if (!isNew) return head;
    // The store has it; a file that lags behind costs no more than its own comparison at the next start.
    await file.write(head.note).catch((error: unknown) => this.#options.onError(error, 'checkpoint file'));
    events.checkpointSigned(head);
    onSigned(head);
    return head;
  }

  #isDue({ tree, quietAt }: CheckpointState, inTrail: boolean): boolean {
    if (this.#last === null) return true;
    return inTrail ? tree.size > quietAt : tree.size !== this.#last.size;
  }

  /** Whether the tree breaks with a checkpoint, which is then reported. */
  async #breaks(last: SignedHead, tree: AuditTree): Promise<boolean> {
    const head = readTrusted(last.note, this.#trusted);
    const reason = head === undefined ? 'not_signed' : await this.#against(head, tree);
    if (reason !== undefined) this.reportFault({ reason, signed: last.size, size: tree.size });
    return reason !== undefined;
  }

  async #against(head: { size: number; root: Uint8Array }, tree: AuditTree): Promise<IntegrityFault | undefined> {
    if (head.size === 0 || head.size > tree.size) return discontinuity(head, tree, null);
    try {
      const proof = await this.#options.store.auditProof({ kind: 'consistency', from: head.size, to: tree.size });
      return discontinuity(head, tree, proof?.hashes ?? null);
    } catch (error) {
      if (error instanceof CodedError) throw error;
      // Parts of the tree that a proof needs are not there any more.
      return 'damaged';
    }
  }
}
