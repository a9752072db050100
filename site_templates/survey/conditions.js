// What is visible and what is valid: the twin of conditions.py, rules.py and reading.py, held to
// them by tests/vectors and by random surveys. Pure: no control, no clock, no network. ES2015.
const bare = object => Object.assign(Object.create(null), object);  // "constructor" is a fine id
const compare = {
  "==": (a, b) => a === b,
  "!=": (a, b) => a !== b,
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
  ">": (a, b) => a > b,
  ">=": (a, b) => a >= b
};
const holds = (condition, answers) => {
  const [operator, first, second] = condition, rest = condition.slice(1), value = answers[first];
  const is = (name, operand) => typeof value === typeof operand && compare[name](value, operand);
  switch (operator) {
    case "and": return rest.every(part => holds(part, answers));
    case "or": return rest.some(part => holds(part, answers));
    case "not": return !holds(first, answers);
    case "answered": return value !== undefined;
    case "in": return second.some(operand => is("==", operand));
    case "!in": return value !== undefined && second.every(operand => is("!=", operand));
    case "has": return Array.isArray(value) && value.indexOf(second) >= 0;
    case "!has": return Array.isArray(value) && value.indexOf(second) < 0;
    default: return is(operator, second);
  }
};

// Text as it is kept.
const clean = text => text.replace(/\r\n?/g, "\n")
  .replace(/[\0-\x08\x0b-\x1f\x7f\ud800-\udfff]/gu, "").trim();

// Rules that few surveys have, by kind: parts/order.js, parts/value.js.
const extra = bare();

// What a control holds (a list of texts), as the value that is sent.
const coerce = (rule, texts) => {
  const kind = rule[0], text = texts.slice(-1)[0] || "", number = clean(text);
  return kind === "codes" || extra[kind] ? texts
    : kind === "true" ? text === "true"
    : (kind === "scale" || kind === "number") && /^-?\d{1,15}(\.\d{1,9})?$/.test(number) ? +number
    : text;
};

// The answer, or undefined where it is empty; what is wrong is thrown as [code, fact, fact].
const text = (value, least, most) => {
  const kept = clean(value), length = Array.from(kept).length;
  if (kept && length < least) throw ["short", least];
  if (length > most) throw ["long", most];
  return kept || undefined;
};
const match = (value, most, pattern, code) => {
  const kept = text(value, 0, most);
  if (kept && !pattern.test(kept)) throw [code];
  return kept;
};
const check = (rule, value, answers) => {
  const [kind, a, b, c] = rule;
  if (extra[kind]) return extra[kind](value, rule, answers);
  if (value == null) return undefined;
  const fits = kind === "codes" ? Array.isArray(value) && value.every(code => typeof code === "string")
    : kind === "true" ? typeof value === "boolean"
    : kind === "scale" || kind === "number" || typeof value === "string";
  if (!fits) throw ["type"];
  if (kind === "text") return text(value, a, b);
  if (kind === "phone") return match(value, 40, /^\+?\d([ -]?\d){4,17}$/, kind);
  if (kind === "email")
    return match(value, 254, /^[\w.!#$%&'*+\/=?^`{|}~-]+@[a-z0-9-]+(\.[a-z0-9-]+)+$/i, kind);
  if (kind === "true") return value || undefined;
  if (kind === "codes") {
    if (value.some((code, i) => a.indexOf(code) < 0 || value.indexOf(code) < i)) throw ["choice"];
    if (value.length && value.length < b) throw ["few", b];
    if (value.length > c) throw ["many", c];
    return value.length ? a.filter(code => value.indexOf(code) >= 0) : undefined;
  }
  if (value === "") return undefined;
  if (kind === "code") {
    if (a.indexOf(value) < 0) throw ["choice"];
    return value;
  }
  if (kind === "date") {
    const day = /^[12]\d{3}-[01]\d-[0-3]\d$/.test(value) && new Date(value + "T00:00:00Z");
    if (!day || isNaN(day) || day.toISOString().slice(0, 10) !== value) throw ["date"];
    if (a && value < a || b && value > b) throw ["days", a || "…", b || "…"];
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
        let offered = rule;
        if (choiceIf) {
          const when = bare(choiceIf);
          choices[id] = rule[1].filter(code => !when[code] || holds(when[code], answers));
          offered = [rule[0], choices[id]].concat(rule.slice(2));
        }
        try {
          const value = check(offered, raw[id], answers);
          if (value !== undefined) answers[id] = value;
          else if (required) throw ["required"];
        } catch (problem) {
          problems.push([id].concat(problem));
        }
      }
    }
    ended = ended || !!endIf && holds(endIf, answers);
  });
  return {answers, shown, problems, choices};
};
