// Words, moments and stretches of time, in the language of the person at this page.
const DATA = JSON.parse(document.getElementById("Data").textContent);
const LANGUAGE = "echoform-staff-language";

// A browser that keeps nothing for us still works, for as long as the page is open.
const keep = (storage, key, value) => {
  try {
    if (value === undefined) window[storage].removeItem(key);
    else window[storage].setItem(key, JSON.stringify(value));
  } catch {}  // full, or forbidden
};
const kept = (storage, key) => {
  try { return JSON.parse(window[storage].getItem(key)); } catch { return null; }
};

let language = kept("localStorage", LANGUAGE);
if (!DATA.words[language]) language = /^zh/i.test(navigator.language) ? "zh-CN" : "en";

// word("states.new"); what has no word is called by its own name, such as an attribute's.
const word = (path, facts) => {
  const found = path.split(".").reduce((words, name) => words?.[name], DATA.words[language]);
  if (found === undefined) return path.slice(path.indexOf(".") + 1);
  return facts ? found.replace(/\{(\w+)\}/g, (_, name) => facts[name] ?? "") : found;
};
const said = text => typeof text === "object" && text
  ? text[language] ?? Object.values(text)[0] ?? "" : String(text ?? "");
const titled = survey => said(DATA.surveys[survey]?.title) || survey;
const list = (...parts) => parts.filter(Boolean).join(" · ");

let skew = 0;  // the server's clock against this one: deadlines are the server's
const now = () => Date.now() + skew;

const moment = ms => new Intl.DateTimeFormat(language, {
  month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hour12: false
}).format(ms);

const UNITS = [["d", 864e5], ["h", 36e5], ["m", 6e4], ["s", 1e3]];
// Two units at most; seconds only where they count.
const stretch = ms => {
  const units = Math.abs(ms) < 6e5 ? UNITS : UNITS.slice(0, 3);
  const at = Math.max(0, units.findIndex(([, size]) => Math.abs(ms) >= size));
  let rest = Math.abs(ms);
  return (rest < 1e3 ? units.slice(-1) : units.slice(at, at + 2)).map(([name, size]) => {
    const count = Math.floor(rest / size);
    rest -= count * size;
    return count || name === "s" ? count + word(`units.${name}`) : "";
  }).filter(Boolean).join(word("units.gap"));
};
const countdown = due => word(due < now() ? "over" : "left", {t: stretch(due - now())});
const ago = ms => now() - ms < 6e4 ? word("just_now") : word("ago", {t: stretch(now() - ms)});
