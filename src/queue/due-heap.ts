/** Work that is due at a time (epoch ms); the key names it, and there is one entry a key. */
export type QueueItem = { key: string; kind: string; dueAt: number };

/** A binary heap on due time in which an entry is also found by its key. */
export class DueHeap {
  #items: QueueItem[] = [];
  readonly #indexOf = new Map<string, number>();

  get size(): number {
    return this.#items.length;
  }

  /** The entry that is due first. */
  get first(): QueueItem | undefined {
    return this.#items[0];
  }

  has(key: string): boolean {
    return this.#indexOf.has(key);
  }

  /** Adds the item; one with the same key is replaced and moved. O(log n). */
  set(item: QueueItem): void {
    const index = this.#indexOf.get(item.key) ?? this.#items.length;
    this.#place(item, index);
    this.#down(this.#up(index));
  }

  /** Takes the entry out. O(log n). */
  delete(key: string): boolean {
    const index = this.#indexOf.get(key);
    if (index === undefined) return false;
    this.#indexOf.delete(key);
    const last = this.#items.pop();
    if (last !== undefined && index < this.#items.length) {
      this.#place(last, index);
      this.#down(this.#up(index));
    }
    return true;
  }

  /** Takes out the entry that is due first. */
  pop(): QueueItem | undefined {
    const first = this.first;
    if (first !== undefined) this.delete(first.key);
    return first;
  }

  /** Keeps the `count` entries that are due first; gives the due time of the last one kept. O(n log n). */
  trim(count: number): number | undefined {
    const kept = this.#items.toSorted((a, b) => a.dueAt - b.dueAt).slice(0, count);
    // Sorted ascending is a heap.
    this.#items = kept;
    this.#indexOf.clear();
    for (const [index, item] of kept.entries()) this.#indexOf.set(item.key, index);
    return kept.at(-1)?.dueAt;
  }

  #up(start: number): number {
    const item = this.#at(start);
    let index = start;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = this.#at(parentIndex);
      if (parent.dueAt <= item.dueAt) break;
      this.#place(parent, index);
      index = parentIndex;
    }
    this.#place(item, index);
    return index;
  }

  #down(start: number): void {
    const item = this.#at(start);
    const { length } = this.#items;
    let index = start;
    for (let child = 2 * index + 1; child < length; child = 2 * index + 1) {
      const right = child + 1;
      const smaller = right < length && this.#at(right).dueAt < this.#at(child).dueAt ? right : child;
      if (this.#at(smaller).dueAt >= item.dueAt) break;
      this.#place(this.#at(smaller), index);
      index = smaller;
    }
    this.#place(item, index);
  }

  #at(index: number): QueueItem {
    const item = this.#items[index];
    if (item === undefined) throw new RangeError('heap index out of range');
    return item;
  }

  #place(item: QueueItem, index: number): void {
    this.#items[index] = item;
    this.#indexOf.set(item.key, index);
  }
}
