// What is visible and what is valid: the twin of conditions.py, rules.py and reading.py, held to
// them by tests/vectors and by random surveys. Pure: no control, no clock, no network. ES2015.
const bare = object => Object.assign(Object.create(null), object);  // "constructor" is a fine id
const same = (a, b) => typeof a === typeof b;
// One operator a line: a page carries the lines of those its survey uses (render.py).
const operators = {
  "and": (a, b, parts, sure) => parts.every(sure),
  "or": (a, b, parts, sure) => parts.some(sure),
  "not": (a, b, parts, sure) => !parts.some(sure),
  "==": (a, b) => a === b,
  "!=": (a, b) => same(a, b) && a !== b,
  "<": (a, b) => same(a, b) && a < b,
  "<=": (a, b) => same(a, b) && a <= b,
  ">": (a, b) => same(a, b) && a > b,
  ">=": (a, b) => same(a, b) && a >= b,
  "answered": a => a !== undefined,
  "in": (a, b) => b.indexOf(a) >= 0,
  "!in": (a, b) => a !== undefined && b.every(each => same(a, each) && a !== each),
  "has": (a, b) => Array.isArray(a) && a.indexOf(b) >= 0,
  "!has": (a, b) => Array.isArray(a) && a.indexOf(b) < 0,
};
const holds = ([operator, ...parts], answers) =>
  operators[operator](answers[parts[0]], parts[1], parts, part => holds(part, answers));

// Text as it is kept.
const clean = text => text.replace(/\r\n?/g, "\n")
  .replace(/[\0-\x08\x0b-\x1f\x7f\ud800-\udfff]/gu, "").trim();

// Full-width digits and signs, as a Chinese keyboard may give them.
const narrow = text =>
  text.replace(/[！-～]/g, wide => String.fromCharCode(wide.charCodeAt() - 65248));

// What a control holds (a list of texts), as the value that is sent.
const coerce = (rule, texts) => {
  const kind = rule[0], text = texts.slice(-1)[0] || "", number = narrow(clean(text));
  return kind === "codes" ? texts
    : kind === "true" ? text === "true"
    : (kind === "scale" || kind === "number") && /^-?\d{1,15}(\.\d{1,9})?$/.test(number) ? +number
    : text;
};

// The answer, or undefined where it is empty; what is wrong is thrown as [code, fact, fact]. No
// value has a wrong type: coerce made it.
const text = (value, least, most) => {
  const kept = clean(value), length = Array.from(kept).length;
  if (kept && length < least) throw ["short", least];
  if (length > most) throw ["long", most];
  return kept || undefined;
};
const match = (value, most, pattern, code) => {
  const kept = text(value, 0, most), typed = kept && narrow(kept);
  if (kept && !pattern.test(typed)) throw [code];
  return typed;
};
const checks = {};  // kinds that stand apart, each with the question type of its name: parts/
const check = (rule, value) => {
  const [kind, a, b, c] = rule;
  if (kind === "text") return text(value, a, b);
  if (checks[kind]) return checks[kind](value, a, b);
  if (kind === "true") return value || undefined;
  if (kind === "codes") {
    if (value.some((code, i) => a.indexOf(code) < 0 || value.indexOf(code) < i)) throw ["choice"];
    if (value.length && value.length < b) throw ["few", b];
    if (value.length > c) throw ["many", c];
    return value.length ? a.filter(code => value.indexOf(code) >= 0) : undefined;
  }
  if (value === "") return;
  if (kind === "code") {
    if (a.indexOf(value) < 0) throw ["choice"];
    return value;
  }
  if (kind === "scale" && c && value === "na") return value;
  if (typeof value !== "number") throw ["number"];
  if (value < a || value > b) throw ["range", a, b];
  const decimals = kind === "scale" ? 0 : c;
  if (+value.toFixed(decimals) !== value) throw ["decimals", decimals];
  return value;
};

// Walk the fields ([id, rule, required, show_if, end_if, choice_if]) over raw answers by id.
const read = (fields, given) => {
  const raw = bare(given), answers = bare(), shown = [], problems = [], choices = bare();
  let ended = false;
  fields.forEach(([id, rule, required, showIf, endIf, choiceIf]) => {
    if (!ended && (!showIf || holds(showIf, answers))) {
      shown.push(id);
      if (rule) {
        const asked = choiceIf ? choices[id] = offered(rule, choiceIf, answers) : rule;
        try {
          const value = raw[id] == null ? undefined : check(asked, raw[id]);
          if (value !== undefined) answers[id] = value;
          else if (required) throw ["required"];
        } catch (problem) {
          problems.push([id, ...problem]);
        }
      }
    }
    ended = ended || endIf && holds(endIf, answers);
  });
  return {answers, shown, problems, choices};
};
