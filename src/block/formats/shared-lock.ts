/** Any number of holders that share, or one that excludes; in the order in which they came. */
export class SharedLock {
  private holders = 0;
  private exclusive = false;
  private readonly waiting: { readonly exclusive: boolean; readonly start: () => void }[] = [];

  shared<T>(body: () => Promise<T>): Promise<T> {
    return this.run(false, body);
  }

  alone<T>(body: () => Promise<T>): Promise<T> {
    return this.run(true, body);
  }

  private async run<T>(exclusive: boolean, body: () => Promise<T>): Promise<T> {
    if (this.waiting.length > 0 || !this.free(exclusive)) {
      await new Promise<void>((start) => this.waiting.push({ exclusive, start }));
    } else {
      this.take(exclusive);
    }
    try {
      return await body();
    } finally {
      this.release();
    }
  }

  private free(exclusive: boolean): boolean {
    return exclusive ? this.holders === 0 : !this.exclusive;
  }

  private take(exclusive: boolean): void {
    this.holders++;
    this.exclusive = exclusive;
  }

  private release(): void {
    this.holders--;
    if (this.holders === 0) this.exclusive = false;
    for (let next = this.waiting[0]; next && this.free(next.exclusive); next = this.waiting[0]) {
      this.waiting.shift();
      this.take(next.exclusive);
      next.start();
    }
  }
}
