// The rows of the time line: one for each depth of each lane. Within a row, no two calls overlap,
// so that what is visible is found by halving.

class Row {
  constructor(recording, lane, depth, events) {
    this.lane = lane;
    this.depth = depth;
    this.events = events;
    this.since = Float64Array.from(events, (event) => recording.since(event));
    this.end = Float64Array.from(events, (event) => recording.end(event));
    this.inside = totals(events, (event) => recording.took[event]);
    this.waiting = totals(events, (event) => recording.waited[event]);
    this.failed = totals(events, (event) => Number(recording.hasFailed(event)));
    this.putOff = totals(events, (event) =>
      Number(recording.textOf("outcome", event) === "deferred"),
    );
    this.alikeUntil = this.#runs(recording);
    this.marks = null;
  }

  /** Up to where the calls from a place on are of one guard. */
  #runs(recording) {
    const { events } = this;
    const until = new Int32Array(events.length);
    for (let place = events.length - 1; place >= 0; place--) {
      const next = place + 1;
      const goesOn =
        next < events.length && recording.guard[events[next]] === recording.guard[events[place]];
      until[place] = goesOn ? until[next] : next;
    }
    return until;
  }

  /** Count the calls that a search has found, so that any part of the row knows its share. */
  mark(found) {
    this.marks = found && totals(this.events, (event) => found[event]);
  }

  countMarked(from, to) {
    return this.marks ? this.marks[to] - this.marks[from] : 0;
  }

  /** The places, from and up to, of the calls that reach within so much of a time. */
  around(time, reach) {
    const from = firstWhere(0, this.end.length, (place) => this.end[place] >= time - reach);
    const to = firstWhere(from, this.since.length, (place) => this.since[place] > time + reach);
    return [from, to];
  }

  /** The first place, from one on up to another, of a call that failed; undefined if none did. */
  firstFailed(from, to) {
    if (this.failed[to] === this.failed[from]) return undefined;
    return firstWhere(from, to, (place) => this.failed[place + 1] > this.failed[from]);
  }

  /** The place, of one on up to another, of the call that is nearest to a time. */
  nearest(time, from, to) {
    const next = Math.min(firstWhere(from, to, (place) => this.since[place] >= time), to - 1);
    const before = Math.max(next - 1, from);
    return time - this.end[before] < this.since[next] - time ? before : next;
  }

  /** The first place whose call ends after a time. */
  firstEndingAfter(time) {
    return firstWhere(0, this.end.length, (place) => this.end[place] > time);
  }

  /** The first place, from one on, whose call begins at a time or later. */
  firstFrom(time, place) {
    let step = 1;
    while (place + step < this.since.length && this.since[place + step] < time) step *= 2;
    const high = Math.min(place + step, this.since.length);
    return firstWhere(place + (step >> 1), high, (it) => this.since[it] >= time);
  }
}

/** What `test` first holds of, from `low` up to `high`, which is the answer if it never does. */
function firstWhere(low, high, test) {
  while (low < high) {
    const middle = (low + high) >> 1;
    if (test(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

function totals(events, value) {
  const total = new Float64Array(events.length + 1);
  for (let place = 0; place < events.length; place++) {
    total[place + 1] = total[place] + value(events[place]);
  }
  return total;
}

/** All rows, lane by lane, and of each event its place in its row. */
function rowsOf(recording) {
  const lanes = recording.lanes.map(() => []);
  for (let event = 0; event < recording.count; event++) {
    const rows = lanes[recording.lane[event]];
    const depth = recording.depth[event];
    while (rows.length <= depth) rows.push([]);
    rows[depth].push(event);
  }
  return lanes.map((rows, lane) =>
    rows.map((events, depth) => new Row(recording, lane, depth, Int32Array.from(events))),
  );
}
