/** Work that is due at a time (epoch ms); the key names it, and there is one entry a key. */
export type QueueItem = { key: string; kind: string; dueAt: number };

/** An entry knows its place, so that moving it costs no look-up by key. */
type Entry = { item: QueueItem; index: number };

/** A binary heap on due time in which an entry is also found by its key. */
export class DueHeap {
  #entries: Entry[] = [];
  readonly #byKey = new Map<string, Entry>();

  get size(): number {
    return this.#entries.length;
  }

  /** The item that is due first. */
  get first(): QueueItem | undefined {
    return this.#entries[0]?.item;
  }

  has(key: string): boolean {
    return this.#byKey.has(key);
  }

  /** Adds the item; one with the same key is replaced and moved. O(log n). */
  set(item: QueueItem): void {
    const known = this.#byKey.get(item.key);
    const entry = known ?? { item, index: this.#entries.length };
    entry.item = item;
    if (known === undefined) {
      this.#entries.push(entry);
      this.#byKey.set(item.key, entry);
    }
    this.#settle(entry);
  }

  /** Takes the item out. O(log n). */
  delete(key: string): boolean {
    const entry = this.#byKey.get(key);
    if (entry === undefined) return false;
    this.#byKey.delete(key);
    const last = this.#entries.pop();
    if (last !== undefined && last !== entry) {
      last.index = entry.index;
      this.#settle(last);
    }
    return true;
  }

  /** Takes out the item that is due first. */
  pop(): QueueItem | undefined {
    const { first } = this;
    if (first !== undefined) this.delete(first.key);
    return first;
  }

  /** Keeps the `count` items that are due first; gives the due time of the last one kept. O(n log n). */
  trim(count: number): number | undefined {
    // Sorted ascending is a heap.
    this.#entries.sort((a, b) => a.item.dueAt - b.item.dueAt);
    for (const { item } of this.#entries.splice(count)) this.#byKey.delete(item.key);
    for (const [index, entry] of this.#entries.entries()) entry.index = index;
    return this.#entries.at(-1)?.item.dueAt;
  }

  /** Brings an entry, whose index is free for it, to where it belongs. */
  #settle(entry: Entry): void {
    const { dueAt } = entry.item;
    let { index } = entry;
    for (let parent = this.#entries[(index - 1) >> 1]; index > 0; parent = this.#entries[(index - 1) >> 1]) {
      if (parent === undefined || parent.item.dueAt <= dueAt) break;
      const above = parent.index;
      this.#place(parent, index);
      index = above;
    }
    for (let child = this.#earlierChild(index); child !== undefined; child = this.#earlierChild(index)) {
      if (child.item.dueAt >= dueAt) break;
      const below = child.index;
      this.#place(child, index);
      index = below;
    }
    this.#place(entry, index);
  }

  #earlierChild(index: number): Entry | undefined {
    const left = this.#entries[2 * index + 1];
    const right = this.#entries[2 * index + 2];
    if (left === undefined || right === undefined) return left;
    return right.item.dueAt < left.item.dueAt ? right : left;
  }

  #place(entry: Entry, index: number): void {
    this.#entries[index] = entry;
    entry.index = index;
  }
}
