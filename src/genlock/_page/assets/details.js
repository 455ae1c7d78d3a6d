// One call in words: under the pointer, and below the time line when it was chosen.

/** What is to be told of a call: pairs of a title and a text, the most telling first. */
function factsOf(recording, event) {
  const site = recording.siteOf(event);
  const guard = recording.guards[recording.guard[event]];
  const lane = recording.lanes[recording.lane[event]];
  const outer = recording.outerOf(event);
  const took = recording.isNoCall(event) ? 0 : recording.took[event];
  const facts = [
    ["called at", site && `${site.file}:${site.line}${site.made ? ` in ${site.made}` : ""}`],
    ["code", site?.code],
    ["inside", took ? duration(took) : ""],
    ["waited", recording.waited[event] ? duration(recording.waited[event]) : ""],
    ["deferred for", recording.deferred[event] ? duration(recording.deferred[event]) : ""],
    ["ended", recording.ending(event)],
    ["sent", recording.textOf("sent", event)],
    ["got", recording.textOf("got", event)],
    ["thread", lane.name],
    ["inside of", outer >= 0 ? recording.label(outer) : ""],
    ["when", whenOf(recording, event)],
    ["made by", guard.made && `${guard.made}${guard.file ? ` (${guard.file}:${guard.line})` : ""}`],
  ];
  return facts.filter(([, text]) => text);
}

/** The moments of a call: as its error, if it had one, is told of. */
function whenOf(recording, event) {
  const begin = recording.begin[event];
  const [waited, took] = [recording.waited[event], recording.took[event]];
  const step = stepFor(Math.min(...[begin, waited, took].filter(Boolean)));
  const at = (time) => `at ${time > 0 ? moment(time, step) : "0"}`;
  const outcome = recording.textOf("outcome", event);
  const what = outcome === "ended" ? "called" : outcome;
  return [
    waited ? `asked ${at(begin - waited)}, waited ${duration(waited)}` : "",
    recording.isNoCall(event)
      ? `${what} ${at(begin)}`
      : `began ${at(begin)}, ended ${at(begin + took)}`,
  ]
    .filter(Boolean)
    .join(", ");
}

function headingOf(recording, event) {
  return `${recording.nameOf(event)}: ${recording.textOf("operation", event)}`;
}

const IN_TOOLTIP = new Set([
  "called at",
  "code",
  "inside",
  "waited",
  "deferred for",
  "ended",
  "sent",
  "got",
]);

class Tooltip {
  constructor(box, recording) {
    Object.assign(this, { box, recording });
  }

  show(event, more, x, y) {
    const { box, recording } = this;
    const facts = factsOf(recording, event).filter(([title]) => IN_TOOLTIP.has(title));
    box.replaceChildren(
      element("strong", {}, headingOf(recording, event)),
      element("dl", {}, ...facts.flatMap(factElements)),
    );
    if (more > 0) box.append(element("p", {}, `and ${inWords(more, "more call")} here: zoom in`));
    box.hidden = false;
    const { offsetWidth: width, offsetHeight: height } = box;
    const left = x + 16 + width > window.innerWidth ? x - width - 12 : x + 16;
    const top = y + 16 + height > window.innerHeight ? y - height - 12 : y + 16;
    box.style.left = `${Math.max(4, left)}px`;
    box.style.top = `${Math.max(4, top)}px`;
  }

  hide() {
    this.box.hidden = true;
  }
}

function factElements([title, text]) {
  return [element("dt", {}, title), element("dd", {}, text)];
}

class Details {
  constructor(box, recording, choose) {
    Object.assign(this, { box, recording, choose });
  }

  show(event) {
    const { box, recording } = this;
    const buttons = () => [...box.querySelectorAll("button")];
    const focused = buttons().indexOf(document.activeElement);
    box.hidden = event < 0;
    if (event < 0) return;
    const swatch = element("span", { class: "swatch" });
    swatch.style.background = this.colours.styleOf(recording.guard[event]);
    box.replaceChildren(
      element("h3", {}, swatch, headingOf(recording, event)),
      element("dl", {}, ...factsOf(recording, event).flatMap(factElements)),
      element("p", { class: "buttons" }, ...this.#ways(event)),
    );
    if (focused >= 0) (buttons().slice(focused).find((it) => !it.disabled) ?? box).focus();
  }

  showStretch(...elements) {
    this.box.hidden = false;
    this.box.replaceChildren(...elements);
    this.box.scrollIntoView({ block: "nearest" });
  }

  /** Buttons that lead to the calls this one hangs together with. */
  #ways(event) {
    const { recording } = this;
    const same = (direction) => {
      let it = event + direction;
      while (it >= 0 && it < recording.count && recording.guard[it] !== recording.guard[event]) {
        it += direction;
      }
      return it < recording.count ? it : -1;
    };
    const ways = [
      ["← previous of this coroutine", same(-1)],
      ["next of this coroutine →", same(1)],
      ["↑ the call around it", recording.outerOf(event)],
    ];
    return ways.map(([text, to]) =>
      element("button", { type: "button", disabled: to < 0, onclick: () => this.choose(to) }, text),
    );
  }
}
