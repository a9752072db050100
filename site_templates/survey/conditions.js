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
const lists = {codes: texts => texts};
const coerce = ([kind], texts) => {
  const text = texts.slice(-1)[0] || "", number = narrow(clean(text));
  return lists[kind] ? lists[kind](texts)
    : kind === "true" ? text === "true"
    : /^(scale|number)$/.test(kind) && /^-?\d{1,15}(\.\d{1,9})?$/.test(number) ? +number
    : text;
};

// By the kind of a rule: the answer, or undefined where it is empty; what is wrong is thrown as
// [code, fact, fact]. No value has a wrong type: coerce made it. Kinds that some surveys have not
// stand in parts/.
const refuse = (wrong, ...problem) => {
  if (wrong) throw problem;
};
const checks = {
  text: (value, least, most) => {
    const kept = clean(value), length = Array.from(kept).length;
    refuse(kept && length < least, "short", least);
    refuse(length > most, "long", most);
    return kept || undefined;
  },
  code: (value, codes) => {
    refuse(value && codes.indexOf(value) < 0, "choice");
    return value || undefined;
  },
  codes: (value, codes, least, most) => {
    refuse(value.some((code, at) => codes.indexOf(code) < 0 || value.indexOf(code) < at), "choice");
    refuse(value[0] && value.length < least, "few", least);
    refuse(value.length > most, "many", most);
    return value[0] ? codes.filter(code => value.indexOf(code) >= 0) : undefined;
  },
  scale: (value, low, high, na) => na && value === "na" ? value : checks.number(value, low, high, 0),
  number: (value, low, high, decimals) => {
    if (value === "") return;
    refuse(typeof value !== "number", "number");
    refuse(value < low || value > high, "range", low, high);
    refuse(+value.toFixed(decimals) !== value, "decimals", decimals);
    return value;
  }
};
const check = ([kind, a, b, c], value, answers) =>
  value == null && kind !== "value" ? undefined : checks[kind](value, a, b, c, answers);

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
          const value = check(asked, raw[id], answers);
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
