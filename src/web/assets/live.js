// Keeps the figures of a page fresh while it is looked at. The page is complete without this file.
//
// An event "live" carries {"text": {key: words}, "age_s": {key: seconds}}: the words go into every
// element with data-live="key", the age into data-live-age="key", where it is counted on.
// An event "refetch" makes the page fetch itself again and exchange its data-refetch parts; so
// does coming back to a page that was out of sight.

const REFETCH_AT_MOST_EVERY_MS = 15_000;
// The browser comes back by itself after a broken line, and not after a refusal.
const AFTER_A_REFUSAL_MS = 60_000;
// Words that change each second are motion too: with reduced motion they change each ten seconds.
const still = matchMedia("(prefers-reduced-motion: reduce)");
const address = document.body.dataset.events;
const ages = new Map();
let source = null;
let lastFetch = performance.now();
let waiting = 0;

function ageInWords(seconds) {
  const say = (n, one, many) => `read ${n.toLocaleString("en-GB")} ${n === 1 ? one : many} ago from the meter`;
  if (seconds < 2) return "read just now from the meter";
  if (seconds < 120) return say(seconds, "second", "seconds");
  if (seconds < 7200) return say(Math.floor(seconds / 60), "minute", "minutes");
  if (seconds < 172800) return say(Math.floor(seconds / 3600), "hour", "hours");
  return say(Math.floor(seconds / 86400), "day", "days");
}

function write(element, words) {
  if (element.textContent !== words) element.textContent = words;
}

function remember(key, seconds) {
  ages.set(key, { seconds, since: performance.now() });
}

function learnAges() {
  for (const element of document.querySelectorAll("[data-live-age][data-age-s]")) {
    remember(element.dataset.liveAge, Number(element.dataset.ageS));
  }
}

function tellAges() {
  for (const element of document.querySelectorAll("[data-live-age]")) {
    const age = ages.get(element.dataset.liveAge);
    if (!age) continue;
    write(element, ageInWords(Math.floor(age.seconds + (performance.now() - age.since) / 1000)));
  }
}

function live(event) {
  const { text = {}, age_s: seconds = {} } = JSON.parse(event.data);
  for (const element of document.querySelectorAll("[data-live]")) {
    const words = text[element.dataset.live];
    if (words !== undefined) write(element, words);
  }
  for (const [key, age] of Object.entries(seconds)) remember(key, age);
  if (!still.matches) tellAges();
  // For tests and for the curious: how many events this page has shown.
  document.documentElement.dataset.updates = Number(document.documentElement.dataset.updates ?? 0) + 1;
}

async function refetch() {
  const early = lastFetch + REFETCH_AT_MOST_EVERY_MS - performance.now();
  if (early > 0) {
    waiting ||= setTimeout(refetch, early);
    return;
  }
  waiting = 0;
  if (document.hidden) return;
  lastFetch = performance.now();
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of document.querySelectorAll("[data-refetch]")) {
      const other = fresh.querySelector(`[data-refetch="${CSS.escape(part.dataset.refetch)}"]`);
      if (!other || part.contains(document.activeElement)) continue;
      // What the reader has opened stays open.
      const open = [...part.querySelectorAll("details")].map((details) => details.open);
      other.querySelectorAll("details").forEach((details, place) => { details.open = open[place] ?? false; });
      part.replaceWith(document.adoptNode(other));
    }
  } catch {
    // The line is down. What is on the page stays, and its age says how old it is.
  }
}

function listen() {
  if (!address || source || document.hidden) return;
  source = new EventSource(address);
  source.addEventListener("live", live);
  source.addEventListener("refetch", refetch);
  source.addEventListener("error", () => {
    if (source?.readyState !== EventSource.CLOSED) return;
    source = null;
    setTimeout(listen, AFTER_A_REFUSAL_MS);
  });
}

function rest() {
  source?.close();
  source = null;
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) {
    rest();
  } else {
    refetch();
    listen();
  }
});
addEventListener("pagehide", rest);
addEventListener("pageshow", listen);

learnAges();
listen();
let tick = 0;
setInterval(() => {
  tick += 1;
  if (!still.matches || tick % 10 === 0) tellAges();
}, 1000);
