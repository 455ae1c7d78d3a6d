// A list that shows its first items, and the others when it is asked for them.

class Limited {
  constructor(limit) {
    this.limit = limit;
  }

  /** Show all; returns what undoes that. */
  showAll() {
    const { limit } = this;
    this.limit = Infinity;
    this.draw();
    return () => {
      this.limit = limit;
      this.draw();
    };
  }
}
