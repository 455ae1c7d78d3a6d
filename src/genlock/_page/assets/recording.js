// The events, read from the columns of the page's data. Times in nanoseconds since the first one.

class Recording {
  constructor(data) {
    this.count = data.count;
    this.guards = data.guards.map(([name, made, file, line]) => ({ name, made, file, line }));
    this.lanes = data.lanes.map(([thread, name]) => ({ thread, name }));
    this.texts = data.texts;
    this.sites = data.sites.map(
      (site) => site && { file: site[0], line: site[1], made: site[2], code: site[3] },
    );
    const column = (name, Kind) => columnOf(data.events[name], data.count, Kind);
    this.guard = column("guard", Int32Array);
    this.lane = column("lane", Int32Array);
    this.depth = column("depth", Int32Array);
    this.begin = runningSum(column("begin", Float64Array));
    this.took = column("took", Float64Array);
    this.waited = column("waited", Float64Array);
    this.deferred = column("deferred", Float64Array);
    for (const name of ["operation", "outcome", "error", "site", "sent", "got", "outer"]) {
      this[name] = column(name, Int32Array);
    }
    this.length = this.begin.reduce((last, begin, it) => Math.max(last, begin + this.took[it]), 0);
  }

  since(event) {
    return this.begin[event] - this.waited[event];
  }

  end(event) {
    return this.begin[event] + this.took[event];
  }

  nameOf(event) {
    return this.guards[this.guard[event]].name;
  }

  textOf(column, event) {
    return this.texts[this[column][event]];
  }

  siteOf(event) {
    return this.sites[this.site[event]];
  }

  /** The call that this one was made inside of, or -1. */
  outerOf(event) {
    return this.outer[event] ? event - this.outer[event] : -1;
  }

  isResumption(event) {
    return ["yielded", "returned", "raised"].includes(this.textOf("outcome", event));
  }

  /** Whether it is a call that came to nothing: no resumption, and no exclusive use. */
  isNoCall(event) {
    return ["refused", "deferred", "ended"].includes(this.textOf("outcome", event));
  }

  hasFailed(event) {
    return this.textOf("error", event) !== "";
  }

  /** What the call was, in a word or two. */
  label(event) {
    const outcome = this.textOf("outcome", event);
    if (outcome === "kept") return `exclusive ${this.nameOf(event)}`;
    return this.isNoCall(event) ? `${outcome} ${this.nameOf(event)}` : this.nameOf(event);
  }

  /** How it ended, in a word or two. */
  ending(event) {
    const outcome = this.textOf("outcome", event);
    const error = this.textOf("error", event);
    if (outcome === "refused") return `refused: ${error}`;
    if (outcome === "ended") return error ? `nothing ran: ${error}` : "nothing ran";
    return error ? `${outcome} ${error}` : outcome;
  }

  /** The resumptions before which a guard was in another thread: pairs of events, by time. */
  handOvers() {
    const last = new Int32Array(this.guards.length).fill(-1);
    const from = [];
    const to = [];
    const resumes = this.texts.map((text) => ["yielded", "returned", "raised"].includes(text));
    for (let event = 0; event < this.count; event++) {
      if (!resumes[this.outcome[event]]) continue;
      const guard = this.guard[event];
      const before = last[guard];
      last[guard] = event;
      if (before < 0 || this.threadOf(before) === this.threadOf(event)) continue;
      from.push(before);
      to.push(event);
    }
    return { from, to };
  }

  threadOf(event) {
    return this.lanes[this.lane[event]].thread;
  }
}

function columnOf(told, count, Kind) {
  return typeof told === "number" ? new Kind(count).fill(told) : Kind.from(told);
}

function runningSum(steps) {
  for (let place = 1; place < steps.length; place++) steps[place] += steps[place - 1];
  return steps;
}
