// What is visible and what is valid: the twin of conditions.py, rules.py and reading.py, held to
// them by tests/vectors and by random surveys. Pure: no control, no clock, no network. ES2015.
const bare = () => Object.create(null);  // "constructor" is a fine id
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

// What a control holds (a list of texts), as the value that is sent. The buttons of a scale give
// digits or "na"; what people type as a number is read in parts/number.js.
const coercions = {
  scale: text => /\d/.test(text) ? +text : text,
  codes: (text, texts) => texts
};
const coerce = ([kind], texts) => {
  const text = texts[texts.length - 1] || "";
  return coercions[kind] ? coercions[kind](text, texts) : text;
};

// By the kind of a rule: the answer, or undefined where it is empty; what is wrong is thrown as
// [code, fact, fact]. No value has a wrong type: coerce made it. Kinds that some surveys have not
// stand in parts/. A page carries the lines of those problems that its controls leave possible, and
// of "with" what it has.
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
    if (codes) value = codes.filter(code => value.indexOf(code) >= 0);  // with choices
    return value[0] && value;
  },
  scale: (value, low, high, na) => {
    if (na && value === "na") return value;
    return checks.number(value, low, high, 0);
  },
  number: (value, low, high, decimals) => {
    if (value !== "") {
      refuse(typeof value !== "number", "number");
      refuse(value < low || value > high, "range", low, high);
      refuse(+value.toFixed(decimals) !== value, "decimals", decimals);
      return value;
    }
  }
};

// Walk the fields ([id, rule, required, show_if, end_if, choice_if]); ``given`` has their raw answers.
const read = (fields, given) => {
  const answers = bare(), shown = [], problems = [];
  const choices = bare();  // with choice
  let ended;  // with ends
  fields.forEach(([id, rule, required, showIf, endIf, choiceIf]) => {
    if (ended) return;  // with ends
    if (!showIf || holds(showIf, answers)) {
      shown.push(id);
      if (rule) {
        if (choiceIf) rule = choices[id] = offered(rule, choiceIf, answers);  // with choices
        try {
          const [kind, a, b, c] = rule, value = checks[kind](given(id, rule), a, b, c, answers);
          if (value !== undefined) answers[id] = value;
          else refuse(required, "required");
        } catch (problem) {
          problems.push([id, ...problem]);
        }
      }
    }
    ended = endIf && holds(endIf, answers);  // with ends
  });
  return {
    choices,  // with choice
    answers, shown, problems
  };
};
