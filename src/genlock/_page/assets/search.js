// Which calls a text is found in: the coroutine, the caller's line, how the call ended, its values.

/** The calls that all words of a text are found in: 1 in `found`, and their number. */
function search(recording, text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return null;
  const found = new Uint8Array(recording.count).fill(1);
  for (const word of words) keepMatching(recording, word, found);
  return { found, count: found.reduce((sum, one) => sum + one, 0) };
}

/** The calls that a test holds of, told in the same way. */
function sifted(recording, isMeant) {
  const found = Uint8Array.from({ length: recording.count }, (_, event) => Number(isMeant(event)));
  return { found, count: found.reduce((sum, one) => sum + one, 0) };
}

function keepMatching(recording, word, found) {
  const holds = (...parts) => Number(parts.some((part) => part.toLowerCase().includes(word)));
  const guards = recording.guards.map((it) => holds(it.name, it.made));
  const lanes = recording.lanes.map((it) => holds(it.name));
  const texts = recording.texts.map((it) => holds(it));
  const sites = recording.sites.map((it) =>
    it ? holds(`${it.file}:${it.line}`, it.made, it.code) : 0,
  );
  const { guard, lane, site, operation, outcome, error, sent, got } = recording;
  for (let event = 0; event < recording.count; event++) {
    found[event] &=
      guards[guard[event]] |
      lanes[lane[event]] |
      sites[site[event]] |
      texts[operation[event]] |
      texts[outcome[event]] |
      texts[error[event]] |
      texts[sent[event]] |
      texts[got[event]];
  }
}

/** The next event that was found, from one on in a direction, around the ends if need be. */
function nextFound(found, from, direction) {
  const count = found.length;
  for (let step = 1; step <= count; step++) {
    const event = (((from + direction * step) % count) + count) % count;
    if (found[event]) return event;
  }
  return -1;
}
